# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the tests of this collection.

"""Invoices in few words, and what C(cost_info) answers about them to a report."""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._answers import answer, cluster_rows
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._books import add_up
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._query import read_query
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._report import build
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._report_model import Model
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._report_rows import (
    Options,
    Source,
    breakdowns,
    grouping,
)

NOW = datetime.datetime(2026, 11, 16, 9, tzinfo=datetime.timezone.utc)
"""Fifteen whole days of November's thirty are over."""

Line = t.Tuple[str, float, str, float]
"""Description, quantity, unit, amount."""


def cluster(name: str, *lines: Line, cluster_id: str | None = None, currency: str = "USD", **more: t.Any) -> t.Any:
    """Return an invoice item."""
    return {
        "cluster": {"id": cluster_id or f"id-{name}", "name": name, **more},
        "totals": [{"amount": sum(line[3] for line in lines), "currency": currency}],
        "line_items": [
            {
                "description": what,
                "quantity": quantity,
                "quantity_unit": unit,
                "unit_cost": 1,
                "total": {"amount": amount, "currency": currency},
            }
            for what, quantity, unit, amount in lines
        ],
    }


def bill(
    month: str, *items: t.Any, adjustments: t.Mapping[str, float] | None = None, **more: t.Any
) -> dict[str, t.Any]:
    """Return the invoice of a month, November as the draft that it is; it states what its parts come to."""
    year, number = map(int, month.split("-"))
    totals: dict[str, float] = {}
    for item in items:
        for total in item["totals"]:
            totals[total["currency"]] = totals.get(total["currency"], 0) + total["amount"]
    adjusted: list[dict[str, t.Any]] = [
        {"name": name, "amount": {"amount": cost, "currency": "USD"}} for name, cost in (adjustments or {}).items()
    ]
    for one in adjusted:
        totals["USD"] = totals.get("USD", 0) + one["amount"]["amount"]
    return {
        "invoice_id": f"invoice-{month}",
        "status": "DRAFT" if month == f"{NOW:%Y-%m}" else "FINALIZED",
        "period_start": f"{month}-01T00:00:00Z",
        "period_end": f"{year + number // 12}-{number % 12 + 1:02d}-01T00:00:00Z",
        "totals": [{"amount": round(amount, 6), "currency": currency} for currency, amount in totals.items()],
        "invoice_items": list(items),
        "adjustments": adjusted,
        **more,
    }


def asked(invoices: list[dict[str, t.Any]], group_by: t.Sequence[str], now: datetime.datetime, **cost: t.Any) -> t.Any:
    """Return what C(cost_info) answers to a report."""
    query = read_query({"group_by": grouping(group_by), "breakdowns": breakdowns(group_by), **cost})
    books = [add_up(raw, query, details=True) for raw in invoices]
    return {**answer(books, query, now).result, "clusters": cluster_rows(books)}


def report(
    *invoices: dict[str, t.Any],
    group_by: t.Sequence[str] = ("cluster",),
    now: datetime.datetime = NOW,
    first: str | None = None,
    title: str = "Example Inc.",
    **cost: t.Any,
) -> Model:
    """Return the model of one organization."""
    source = Source(None, asked(list(invoices), group_by, now, **cost))
    return build([source], Options(title, group_by, cost.get("credit_rate"), (), first), now)
