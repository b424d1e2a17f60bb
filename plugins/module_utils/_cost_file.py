# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is private to the cockroachdb_cloud.billing collection.
# It can change or vanish in any release, so do not use it from outside.

"""The layout V(costs) of a file: its columns, what its rows come to for each owner, and whether that is the bill."""

from __future__ import annotations

import decimal
import typing as t

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._lines import Row
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._money import (
    EXACT,
    ZERO,
    add,
    exact,
    round_keeping_sum,
    text_order,
    to_float,
)
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._query import COST_SPEC, NONE, Query

COSTS = "costs"
COST_OPTIONS = tuple(name for name in COST_SPEC if name not in ("breakdowns", "budgets"))
"""The cost options that a file can follow."""

_BILL = "bill"
_PERIOD = "period"
# Each number is the double nearest to an amount, which is off by less than this part of it.
_NOISE = decimal.Decimal("1e-15")
_COMPARED = ("previous", "change", "change_percent")


def with_bill(query: Query) -> Query:
    """Return a query that also asks for the bill by month, or as a whole where the month is no group."""
    return query._replace(breakdowns=((_BILL, _months(query)),), budgets=())


def cost_columns(query: Query) -> tuple[str, ...]:
    """Return the columns: they follow from the options alone, whatever there was to add up."""
    return (
        *query.group_by,
        "currency",
        "amount",
        *(("allocated",) if query.allocate != NONE else ()),
        *(("quantity",) if "unit" in query.group_by else ()),
        *(("projected",) if _PERIOD in query.group_by else ()),
        *(_COMPARED if query.compare else ()),
    )


def look_at_file(result: t.Mapping[str, t.Any], query: Query) -> dict[str, t.Any]:
    """Say what a file holds whose rows are the costs of an answer.

    :param result: the answer to :func:`with_bill` of the query.
    :returns: C(summary), what the rows of each owner add up to; C(totals), what all rows do beside the bill; and
        C(invoices) and C(reconciliation) of the answer.
    """
    months = _months(query)
    place = query.dimension()
    owner = () if place is None else (query.group_by[place],)
    names = ("amount",) if query.allocate == NONE else ("amount", "allocated")
    return {
        "summary": _sum_up(result["costs"], (*months, *owner), names),
        "totals": _compare(result["costs"], result["breakdowns"][_BILL], (*months, "currency"), query),
        "invoices": result["invoices"],
        "reconciliation": result["reconciliation"],
    }


def _months(query: Query) -> tuple[str, ...]:
    return (_PERIOD,) if _PERIOD in query.group_by else ()


def _sum_up(rows: t.Iterable[Row], groups: t.Sequence[str], names: t.Sequence[str]) -> list[Row]:
    """Add up rows as they stand in the file: each number is the decimal that is written."""
    sums: dict[tuple[t.Any, ...], dict[str, decimal.Decimal]] = {}
    for row in rows:
        of_group = sums.setdefault(tuple(row[group] for group in (*groups, "currency")), {})
        for name in names:
            add(of_group, name, exact(row[name]))
    return [
        {**dict(zip((*groups, "currency"), key)), **{name: to_float(sums[key][name]) for name in names}}
        for key in sorted(sums, key=lambda key: [text_order(value) for value in key])
    ]


def _compare(costs: list[Row], bill: list[Row], keys: t.Sequence[str], query: Query) -> list[Row]:
    """Set what the rows add up to beside the bill, rounded as they are."""
    sums: dict[tuple[t.Any, ...], decimal.Decimal] = {}
    sizes: dict[tuple[t.Any, ...], decimal.Decimal] = {}
    for row in costs:
        key, amount = tuple(row[name] for name in keys), exact(row["amount"])
        add(sums, key, amount)
        add(sizes, key, amount.copy_abs())
    rows = []
    for row in bill:
        billed = exact(row["amount"])
        if query.decimals is not None:
            [billed] = round_keeping_sum([billed], query.decimals)
        key = tuple(row[name] for name in keys)
        amount, size = sums.get(key, ZERO), sizes.get(key, ZERO)
        rows.append(
            {
                **dict(zip(keys, key)),
                "amount": to_float(amount),
                "billed": to_float(billed),
                "adds_up": EXACT.subtract(amount, billed).copy_abs() <= EXACT.multiply(size, _NOISE),
            }
        )
    return rows
