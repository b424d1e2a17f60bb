# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is private to the cockroachdb_cloud.billing collection.
# It can change or vanish in any release, so do not use it from outside.

"""The answers of C(cost_info) as the report reads them: rows of one or several organizations, and who pays for each."""

from __future__ import annotations

import collections
import datetime
import typing as t

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._errors import IncompleteError, OptionsError
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._money import ZERO, exact
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._report_model import Comparison, Decimal, Key

CHARTED = 24
"""How many months the chart shows at most."""

_NEEDED = ("costs", "invoices", "forecast", "budgets", "reconciliation", "balances", "adjustments")
_NO_OWNER = ("period", "invoice", "status")

Row = t.Mapping[str, t.Any]


NamedRow = t.Tuple[t.Optional[str], Row]
"""A row, and the name of its organization."""


class Source(t.NamedTuple):
    """One organization: what C(cost_info) answered, or why it did not. A single one needs no name."""

    name: str | None
    answer: t.Mapping[str, t.Any] | None
    failure: str | None = None


class Options(t.NamedTuple):
    """What the reader asked for.

    :param group_by: who pays: entries of the option of that name; C(period), C(invoice) and C(status) say nothing.
    :param budgets: of several organizations together; a single one has judged its own.
    :param first: the first month of the report, C(2026-10); earlier ones are there to compare with.
    """

    title: str
    group_by: t.Sequence[str] = ("cluster",)
    credit_rate: float | None = None
    budgets: t.Sequence[Row] = ()
    first: str | None = None


def owners(group_by: t.Sequence[str]) -> list[str]:
    """Return the entries that say who pays; two clusters of one name stay two."""
    entries = [entry for entry in group_by if entry not in _NO_OWNER]
    if "cluster" in entries and "cluster_id" not in entries:
        entries.insert(entries.index("cluster"), "cluster_id")
    return entries


def grouping(group_by: t.Sequence[str]) -> list[str]:
    """Return the C(group_by) that the report needs of C(cost_info)."""
    return ["period", *owners(group_by)]


def breakdowns(group_by: t.Sequence[str]) -> dict[str, list[str]]:
    """Return the C(breakdowns) that the report needs of C(cost_info)."""
    wanted = grouping(group_by)
    return {
        "parts": ["period", "kind", "description", "unit"],
        "movers": list(dict.fromkeys([*wanted, "kind", "description", "unit"])),
        "clusters": list(dict.fromkeys([*wanted, "kind", "cluster_id", "cluster"])),
    }


def read_sources(given: t.Sequence[t.Mapping[str, t.Any]], group_by: t.Sequence[str]) -> list[Source]:
    """Return organizations that were gathered elsewhere.

    :param given: for each its C(name), and its C(result) of C(cost_info), or the C(failure) of that.
    :raises OptionsError: when one is no result with what the report needs, or two are the same organization.
    :raises IncompleteError: when none of them has an invoice, or none could be gathered.
    """
    sources = [_read_source(one, group_by) for one in given]
    holders: dict[str, str | None] = {}
    for source in sources:
        for row in (source.answer or {}).get("invoices", ()):
            other = holders.setdefault(row["invoice_id"], source.name)
            if other != source.name:
                raise OptionsError(
                    f"sources: {other} and {source.name} have the same invoices, which would count twice. Give each "
                    "its own key, or leave one out."
                )
    answers = [source.answer for source in sources if source.answer is not None]
    if not any(answer["invoices"] for answer in answers):
        problem = "has an invoice of this selection" if answers else "could be gathered"
        reasons = " ".join(dict.fromkeys(source.failure for source in sources if source.failure is not None))
        raise IncompleteError(f"No organization {problem}, and no report was written. {reasons}".strip())
    return sources


def _read_source(given: t.Mapping[str, t.Any], group_by: t.Sequence[str]) -> Source:
    name, failure = given["name"], given.get("failure")
    result: t.Mapping[str, t.Any] = given.get("result") or {}
    if failure is None and (not result or result.get("failed")):
        failure = result.get("msg") or "It failed without a message."
    if failure is not None:
        return Source(name, None, failure)
    there = set(result.get("breakdowns") or ())
    missing = [f"breakdowns.{one}" for one in breakdowns(group_by) if one not in there]
    missing += [one for one in _NEEDED if one not in result]
    if missing:
        raise OptionsError(
            f"sources: the result of {name} has no {', '.join(missing)}. Call cost_info with 'group_by: "
            f"{grouping(group_by)}' and 'breakdowns: {breakdowns(group_by)}'."
        )
    return Source(name, result)


def optional(value: float | None) -> Decimal | None:
    return None if value is None else exact(value)


def range_of(rows: t.Sequence[NamedRow]) -> tuple[Decimal | None, Decimal | None]:
    """Return in which range the groups of a forecast end together; null where one of them is, or where there is none.

    The usage of an organization goes on as one, so that the lower end of a group whose usage is negative belongs to the
    upper end of all.
    """
    ends: dict[str | None, list[Decimal]] = {}
    for name, row in rows:
        if row["projected_low"] is None or row["projected_high"] is None:
            return None, None
        pair = [exact(row["projected_low"]), exact(row["projected_high"])]
        whole = ends.setdefault(name, [ZERO, ZERO])
        ends[name] = [one + more for one, more in zip(whole, pair[:: -1 if row["usage"] < 0 else 1])]
    if not ends:
        return None, None
    return sum(map(min, ends.values()), ZERO), sum(map(max, ends.values()), ZERO)


def month_before(period: str) -> str:
    year, month = map(int, period.split("-"))
    return f"{year - 1:04d}-12" if month == 1 else f"{year:04d}-{month - 1:02d}"


class Reader:
    """What all currencies share: the months, the groups' names, and rows with the organization that they are of."""

    def __init__(self, sources: t.Sequence[Source], options: Options, today: datetime.date) -> None:
        self.sources = [source for source in sources if source.answer is not None]
        self.failures = {f"{source.name}": source.failure for source in sources if source.answer is None}
        self.options = options
        self._sorted: dict[tuple[str, ...], dict[str | None, list[NamedRow]]] = {}
        self.several = len(sources) > 1 or any(source.name is not None for source in sources)
        entries = owners(options.group_by)
        self.shown = [entry for entry in entries if entry != "cluster_id" or "cluster" not in entries]
        self.names = self._cluster_names()
        self.bearers = collections.Counter((name, called) for (name, _id), called in self.names.items())
        self.today = today
        invoices = [row for _name, row in self.rows("invoices")]
        self.invoiced = {row["period"] for row in invoices if row["period"]}
        self.drafts = {row["period"] for row in invoices if row["status"] == "DRAFT"}
        this_month = f"{today:%Y-%m}"
        known = [period for period in self.invoiced if period <= this_month] or list(self.invoiced)
        self.newest: str | None = max(known, default=None)
        self.periods = self._periods()

    def _periods(self) -> list[str]:
        """Return the months of the chart, one after another, the newest last."""
        if self.newest is None:
            return []
        periods, first = [self.newest], min(self.invoiced)
        while periods[0] > first and len(periods) < CHARTED:
            periods.insert(0, month_before(periods[0]))
        return periods

    def rows(self, *path: str) -> t.Iterator[NamedRow]:
        """Yield the rows of a part of all answers, each with the name of its organization."""
        for source in self.sources:
            part: t.Any = source.answer
            for step in path:
                part = part.get(step) or {}
            for row in part:
                yield source.name, row

    def rows_in(self, currency: str | None, *path: str) -> list[NamedRow]:
        """Return the rows of a part that are in a currency."""
        if path not in self._sorted:
            self._sorted[path] = collections.defaultdict(list)
            for name, row in self.rows(*path):
                self._sorted[path][row["currency"]].append((name, row))
        return self._sorted[path][currency]

    def key(self, name: str | None, row: Row) -> Key:
        """Return who pays for a row."""
        values = [self.cluster(name, row) if entry == "cluster" else row.get(entry) for entry in self.shown]
        return (name, *values) if self.several else tuple(values)

    def cluster(self, name: str | None, row: Row) -> str | None:
        """Return what a cluster is called today: its newest name, and its id too where others have that name."""
        cluster_id: str | None = row["cluster_id"]
        if cluster_id is None:
            return t.cast(t.Optional[str], row["cluster"])
        called = self.names[name, cluster_id]
        return f"{called} ({cluster_id})" if self.bearers[name, called] > 1 else called

    def _cluster_names(self) -> dict[tuple[str | None, str], str]:
        latest: dict[tuple[str | None, str], tuple[str, str]] = {}
        for name, row in self.rows("breakdowns", "clusters"):
            if row["cluster_id"] is not None:
                known = latest.get((name, row["cluster_id"]), ("", ""))
                latest[name, row["cluster_id"]] = max(known, (row["period"] or "", row["cluster"] or row["cluster_id"]))
        return {identity: called for identity, (_period, called) in latest.items()}

    def in_scope(self, period: str | None) -> bool:
        """Say whether a month is of the report, and not there to be compared with alone."""
        return period is None or self.options.first is None or period >= self.options.first

    @property
    def by(self) -> list[str]:
        """Return what the values of a key are of."""
        return [*(["organization"] if self.several else []), *self.shown]

    def compared(self) -> Comparison | None:
        """Return which month is compared with which: of a draft that is too young, the two before it."""
        if self.newest is None:
            return None
        period, ahead = self.newest, self.newest in self.drafts
        if ahead and not any(row["projected_low"] is not None for _name, row in self.forecast()):
            period, ahead = month_before(period), False
        before = month_before(period)
        return Comparison(period, before, ahead) if {period, before} <= self.invoiced else None

    def forecast(self) -> list[NamedRow]:
        """Return the rows of the forecast for the newest month."""
        return [(name, row) for name, row in self.rows("forecast") if row["period"] == self.newest]
