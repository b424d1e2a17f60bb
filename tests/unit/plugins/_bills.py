# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the tests of this collection.

"""Invoices in few words, and what C(cost_info) answers about them to a report."""

from __future__ import annotations

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
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins import _data
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._ask import at

NOW = at("2026-11-16T09:00")
"""Fifteen whole days of November's thirty are over."""

Line = t.Tuple[str, float, str, float]
"""Description, quantity, unit, amount."""


def cluster(name: str, *lines: Line, cluster_id: str | None = None, **more: t.Any) -> dict[str, t.Any]:
    """Return an invoice item."""
    made = [
        {**_data.line(amount, description=what, unit=unit), "quantity": quantity}
        for what, quantity, unit, amount in lines
    ]
    return _data.item(name, *made, id=cluster_id or f"id-{name}", **more)


def bill(month: str, *items: t.Any, adjustments: t.Mapping[str, float] | None = None, **more: t.Any) -> t.Any:
    """Return the invoice of a month, November as the draft that it is; it states what its parts come to."""
    status = "DRAFT" if month == f"{NOW:%Y-%m}" else "FINALIZED"
    adjusted = [_data.adjustment(cost, name=name) for name, cost in (adjustments or {}).items()]
    return _data.bill(month, *items, **{"status": status, "adjustments": adjusted, **more})


def asked(invoices: list[dict[str, t.Any]], group_by: t.Sequence[str], now: t.Any, **cost: t.Any) -> t.Any:
    """Return what C(cost_info) answers to a report."""
    query = read_query({"group_by": grouping(group_by), "breakdowns": breakdowns(group_by), **cost})
    books = [add_up(raw, query, details=True) for raw in invoices]
    return {**answer(books, query, now).result, "clusters": cluster_rows(books)}


def report(
    *invoices: dict[str, t.Any],
    group_by: t.Sequence[str] = ("cluster",),
    now: t.Any = NOW,
    first: str | None = None,
    title: str = "Example Inc.",
    **cost: t.Any,
) -> Model:
    """Return the model of one organization."""
    source = Source(None, asked(list(invoices), group_by, now, **cost))
    return build([source], Options(title, group_by, cost.get("credit_rate"), (), first), now)
