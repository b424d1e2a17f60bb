# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is private to the cockroachdb_cloud.billing collection.
# It can change or vanish in any release, so do not use it from outside.

"""The sums of one currency for the report: months, groups, clusters, what has no owner."""

from __future__ import annotations

import typing as t

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._money import (
    ZERO,
    add,
    divide,
    exact,
    text_order,
)
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._report_model import (
    Books,
    Cluster,
    Decimal,
    Group,
    Key,
    Month,
    Unallocated,
)
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._report_parts import (
    NOTHING,
    Folding,
    Lines,
    movers_of,
    parts_of,
    series_of,
    standouts_of,
)
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._report_rows import (
    NamedRow,
    Reader,
    month_before,
    optional,
    range_of,
)

DETAILS = ("plan", "cloud_provider", "region", "folder", "state", "labels")
"""What is told of a cluster beside its id and name."""

Months = t.Dict[t.Optional[str], Decimal]
"""Amounts by month."""


class CurrencyReader:
    """The sums of one currency."""

    def __init__(self, reader: Reader, currency: str | None) -> None:
        self.reader = reader
        self.currency = currency
        self.compared = reader.compared()
        self.sums: dict[Key, Months] = {}
        self.allocated: dict[Key, Decimal] = {}
        for name, row in self.rows("costs"):
            key = reader.key(name, row)
            add(self.sums.setdefault(key, {}), row["period"], exact(row["amount"]))
            if row["period"] == reader.newest and row.get("allocated"):
                add(self.allocated, key, exact(row["allocated"]))
        self.total: Months = {}
        for months in self.sums.values():
            for period, amount in months.items():
                add(self.total, period, amount)
        self.forecast = [(name, row) for name, row in reader.forecast() if row["currency"] == currency]

    def rows(self, *path: str) -> list[NamedRow]:
        """Return the rows of a part that are in this currency."""
        return self.reader.rows_in(self.currency, *path)

    def books(self) -> Books:
        reader = self.reader
        newest, months = reader.newest, self._months()
        before = month_before(newest) if newest and month_before(newest) in reader.invoiced else None
        low, high = (None, None) if reader.failures else range_of(self.forecast)
        parts, lines = self._lines("parts"), self._lines("movers")
        clusters = self._clusters()
        return Books(
            currency=self.currency,
            spent=self.total.get(newest, ZERO),
            low=low,
            high=high,
            before=None if before is None else self.total.get(before, ZERO),
            total=self._total_of(self.total),
            months=months,
            parts=parts_of(parts, newest, self.compared, _factor(self.forecast)),
            movers=None if self.compared is None else movers_of(lines, self.compared, self._factors()),
            standouts=standouts_of(months, parts),
            groups=sorted(self._groups(), key=_group_order),
            unallocated=self._unallocated() if reader.shown else None,
            clusters=clusters,
            chart=series_of(self._foldings(clusters, parts), reader.periods, [month.amount for month in months]),
        )

    def _total_of(self, months: Months) -> Decimal:
        return sum((amount for period, amount in months.items() if self.reader.in_scope(period)), ZERO)

    def _months(self) -> list[Month]:
        return [
            Month(period, self.total.get(period, ZERO), period in self.reader.invoiced, period in self.reader.drafts)
            for period in self.reader.periods
        ]

    def _factors(self) -> dict[Key, Decimal]:
        """Return by what a group's usage so far is multiplied to be that of the whole month, in the middle."""
        return {self.reader.key(name, row): _factor([(name, row)]) for name, row in self.forecast}

    def _lines(self, breakdown: str) -> Lines:
        """Return amounts and quantities by kind, who pays, description, unit and month."""
        reader, lines = self.reader, t.cast(Lines, {})
        wanted = None if breakdown == "parts" or self.compared is None else (self.compared.period, self.compared.before)
        for name, row in self.rows("breakdowns", breakdown):
            if wanted is not None and row["period"] not in wanted:
                continue
            key = () if breakdown == "parts" else reader.key(name, row)
            months = lines.setdefault((row["kind"], key, row["description"], row["unit"]), {})
            amount, quantity = months.get(row["period"], (ZERO, ZERO))
            more = optional(row.get("quantity"))
            whole = None if more is None or quantity is None else quantity + more
            months[row["period"]] = (amount + exact(row["amount"]), whole)
        return lines

    def _groups(self) -> t.Iterator[Group]:
        for key, months in self.sums.items():
            total = self._total_of(months)
            yield Group(key=list(key), amounts=self._by_month(months), total=total, allocated=self.allocated.get(key))

    def _unallocated(self) -> Unallocated:
        """Return what has no owner in the newest month: adjustments, and clusters by name."""
        found, place = Unallocated(ZERO, ZERO, []), int(self.reader.several)
        clusters: dict[str | None, Decimal] = {}
        for name, row in self.rows("breakdowns", "clusters"):
            if row["period"] != self.reader.newest or self.reader.key(name, row)[place] is not None:
                continue
            amount = exact(row["amount"])
            if row["kind"] == "usage":
                add(clusters, self.reader.cluster(name, row), amount)
            elif row["kind"] == "adjustment":
                found.adjustments += amount
            else:
                found.unitemized += amount
        found.clusters += sorted(clusters.items(), key=lambda one: (-abs(one[1]), text_order(one[0])))
        return found

    def _clusters(self) -> list[Cluster]:
        """Return a row for each cluster, and for each kind of cost that belongs to none."""
        rows: dict[tuple[str | None, str, str | None, str | None], Months] = {}
        for name, row in self.rows("breakdowns", "clusters"):
            identity = (name, row["kind"], row["cluster_id"], self.reader.cluster(name, row))
            add(rows.setdefault(identity, {}), row["period"], exact(row["amount"]))
        details = {(name, row["cluster_id"]): row for name, row in self.reader.rows("clusters")}
        found = [
            Cluster(
                organization=name if self.reader.several else None,
                kind=kind,
                cluster_id=cluster_id,
                name=called,
                details={key: details.get((name, cluster_id), {}).get(key) for key in DETAILS},
                amounts=self._by_month(months),
                total=self._total_of(months),
            )
            for (name, kind, cluster_id, called), months in rows.items()
        ]
        return sorted(
            found,
            key=lambda one: (
                one.kind != "usage",
                -one.amounts[-1] if one.amounts else ZERO,
                -one.total,
                text_order(one.name),
                text_order(one.cluster_id),
            ),
        )

    def _foldings(self, clusters: list[Cluster], parts: Lines) -> t.Iterator[Folding]:
        """Yield what the chart may stack, the best first: who pays, then folder, plan and description."""
        periods = self.reader.periods
        if self.reader.by:
            yield self.reader.by, {key: self._by_month(months) for key, months in self.sums.items()}
        for entry in ("folder", "plan"):
            pairs = (((one.details[entry],) if one.kind == "usage" else (None,), one.amounts) for one in clusters)
            folded = _fold(pairs)
            if len(folded) > 1:
                yield [entry], folded
        yield (
            ["description"],
            _fold(
                ((description,) if kind == "usage" else (None,), [months.get(period, NOTHING)[0] for period in periods])
                for (kind, _key, description, _unit), months in parts.items()
            ),
        )

    def _by_month(self, months: Months) -> list[Decimal]:
        return [months.get(period, ZERO) for period in self.reader.periods]


def _group_order(group: Group) -> t.Any:
    return -(group.amounts[-1] if group.amounts else ZERO), -group.total, [text_order(value) for value in group.key]


def _fold(pairs: t.Iterable[tuple[Key, list[Decimal]]]) -> dict[Key, list[Decimal]]:
    folded: dict[Key, list[Decimal]] = {}
    for key, amounts in pairs:
        known = folded.get(key)
        folded[key] = [one + more for one, more in zip(known, amounts)] if known else amounts
    return folded


def _factor(rows: t.Sequence[NamedRow]) -> Decimal:
    low, high = range_of(rows)
    usage, adjustments = (sum((exact(row[part]) for _name, row in rows), ZERO) for part in ("usage", "adjustments"))
    if not usage or low is None or high is None:
        return Decimal(1)
    return divide(low + high - 2 * adjustments, 2 * usage)
