# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is private to the cockroachdb_cloud.billing collection.
# It can change or vanish in any release, so do not use it from outside.

"""What the page says, before anybody says it: from answers of C(cost_info) to the model of the report.

Nothing here is fetched, rendered or read from the clock. Amounts are exact decimals; what is of one day is the same
all day, since of the forecast the range alone is used.
"""

from __future__ import annotations

import calendar
import datetime
import decimal
import json
import typing as t

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._budgets import state_of
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._errors import OptionsError
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._forecast import Projection
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._money import EXACT, ZERO, exact, text_order
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._report_books import CurrencyReader
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._report_model import (
    Balance,
    Budget,
    Decimal,
    Model,
)
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._report_rows import (
    Options,
    Reader,
    Row,
    Source,
    optional,
    owners,
    range_of,
)


def build(sources: t.Sequence[Source], options: Options, now: datetime.datetime) -> Model:
    """Return the model of the report.

    :param sources: one organization, or several with a name each. An answer has the grouping and the breakdowns that
        C(_report_rows) names.
    :param now: the present, aware; only its day (UTC) matters.
    """
    with decimal.localcontext(EXACT):
        return _model(Reader(sources, options, now.astimezone(datetime.timezone.utc).date()))


def as_json(model: Model) -> str:
    """Return the model as JSON: an object for each part of it, amounts as the doubles nearest to them."""
    return json.dumps(model, default=_plain, ensure_ascii=False, separators=(",", ":"), allow_nan=False) + "\n"


def _plain(value: t.Any) -> t.Any:
    return float(value) + 0.0 if isinstance(value, Decimal) else vars(value)


def _model(reader: Reader) -> Model:
    currencies = {row["currency"] for _name, row in reader.rows("costs")}
    order = sorted(currencies, key=lambda code: (code != "USD", text_order(code)))
    days = _days(reader.newest)
    first = reader.options.first
    scope = [row["period"] for _name, row in reader.rows("invoices") if reader.in_scope(row["period"])]
    return Model(
        title=reader.options.title,
        as_of=_as_of(reader, days),
        newest=reader.newest,
        draft=reader.newest in reader.drafts,
        day=reader.today.day if reader.newest == f"{reader.today:%Y-%m}" else days,
        days=days,
        first=min((period for period in scope if period), default=first),
        months=len({period for period in scope if period}),
        invoices=len(scope),
        group_by=reader.by,
        credit_rate=optional(reader.options.credit_rate),
        organizations=[f"{source.name}" for source in reader.sources] if reader.several else [],
        failures=reader.failures,
        compared=reader.compared(),
        budgets=_budgets(reader),
        currencies=[CurrencyReader(reader, currency).books() for currency in order],
        balances=_balances(reader),
        reconciliation=_in_scope(reader, "reconciliation"),
        adjustments=_in_scope(reader, "adjustments"),
    )


def _in_scope(reader: Reader, part: str) -> list[dict[str, t.Any]]:
    return [{"organization": name, **row} for name, row in reader.rows(part) if reader.in_scope(row["period"])]


def _days(period: str | None) -> int:
    if period is None:
        return 0
    year, month = map(int, period.split("-"))
    return calendar.monthrange(year, month)[1] if year else 31


def _as_of(reader: Reader, days: int) -> str:
    """Return the day that the report is of: where nothing is a draft any more, the last one of its months."""
    if reader.newest is None or reader.drafts:
        return f"{reader.today}"
    return min(f"{reader.today}", f"{reader.newest}-{days:02d}")


def _budgets(reader: Reader) -> list[Budget]:
    rows = [row for _name, row in reader.rows("budgets")]
    if reader.several:
        rows = [_of_all(reader, budget) for budget in reader.options.budgets]
    return [
        Budget(
            name=row.get("name"),
            group=dict(row.get("group") or {}),
            currency=row["currency"],
            amount=exact(row["amount"]),
            spent=optional(row["spent"]),
            low=optional(row["projected_low"]),
            high=optional(row["projected_high"]),
            # What is missing can only be added to what is over already; of the others nobody can tell.
            state="unknown" if reader.failures and row["state"] != "over" else row["state"],
        )
        for row in rows
    ]


def _of_all(reader: Reader, budget: Row) -> dict[str, t.Any]:
    """Judge a budget for several organizations together, by their forecasts.

    :raises OptionsError: when it is for a group that they are not grouped by.
    """
    group = budget.get("group") or {}
    apart = [entry for entry in group if entry not in owners(reader.options.group_by)]
    if apart:
        raise OptionsError(
            f"budgets: the group of a budget has {apart[0]!r}, by which the organizations are not grouped. Add it to "
            "group_by, or leave it out of the budget."
        )
    rows = [
        (name, row)
        for name, row in reader.rows("forecast")
        if row["period"] == f"{reader.today:%Y-%m}"
        and row["currency"] == budget.get("currency", "USD")
        and all(row.get(entry) == value for entry, value in group.items())
    ]
    spent = sum((exact(row["spent"]) for _name, row in rows), ZERO) if rows else None
    low, high = range_of(rows)
    amount = exact(float(budget["amount"]))
    ends = [None if end is None else float(end) for end in (spent, low, high)]
    return {
        "currency": "USD",
        **budget,
        "amount": float(amount),
        **dict(zip(("spent", "projected_low", "projected_high"), ends)),
        "state": state_of(amount, spent, Projection(low, low, high)),
    }


def _balances(reader: Reader) -> list[Balance]:
    return [
        Balance(
            organization=name if reader.several else None,
            period=row["period"],
            currency=row["currency"],
            amount=exact(row["amount"]),
            monthly=optional(row["monthly"]),
            runs_out=row["runs_out"],
        )
        for name, row in reader.rows("balances")
    ]
