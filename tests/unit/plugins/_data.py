# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the tests of this collection.

"""Invoices as the API sends them: whole ones with things in them that its schema does not know, and small ones."""

from __future__ import annotations

import decimal
import typing as t

CREDITS = "CRDB_CLOUD_CREDITS"
OLD_CREDITS = "COCKROACH_CREDITS"
FOLDERS = [
    {"resource_id": "f-eng", "resource_type": "FOLDER", "name": "Engineering", "parent_id": "root", "path": []},
    {
        "resource_id": "f-pay",
        "resource_type": "FOLDER",
        "name": "Payments",
        "parent_id": "f-eng",
        "path": [{"id": "f-eng", "name": "Engineering"}],
        "labels": {"team": "of a folder"},
    },
    {
        "resource_id": "id-orders",
        "resource_type": "CLUSTER",
        "name": "orders",
        "parent_id": "f-pay",
        "path": [{"id": "f-eng", "name": "Engineering"}, {"id": "f-pay", "name": "Payments"}],
    },
]


def money(amount: t.Any, currency: t.Any = "USD") -> dict[str, t.Any]:
    return {"amount": amount, "currency": currency}


def line(amount: t.Any, currency: t.Any = "USD", description: str = "Compute", unit: str = "HOURS") -> dict[str, t.Any]:
    return {
        "description": description,
        "quantity": 720.0,
        "quantity_unit": unit,
        "unit_cost": 0.5,
        "total": money(amount, currency),
    }


def item(called: str, /, *lines: t.Any, **cluster: t.Any) -> dict[str, t.Any]:
    """Return the item of a cluster; a number in place of a line item is one of that many USD."""
    whole = {
        "id": f"id-{called}",
        "name": called,
        "plan": "STANDARD",
        "cloud_provider": "AWS",
        "regions": [{"name": "us-east-1"}],
        "labels": {},
        "parent_id": "root",
        **cluster,
    }
    line_items = [line(entry) if isinstance(entry, (int, float)) else entry for entry in lines]
    return {"cluster": whole, "totals": [], "line_items": line_items}


def adjustment(amount: t.Any, currency: t.Any = "USD", name: t.Any = "Credit") -> dict[str, t.Any]:
    return {"name": name, "amount": money(amount, currency)}


def bill(month: str, /, *items: t.Any, **more: t.Any) -> dict[str, t.Any]:
    """Return a small invoice of a month such as C(2026-01), whose totals are what its parts add up to."""
    year, number = int(month[:4]), int(month[5:])
    made = {
        "invoice_id": f"inv-{month}",
        "status": "FINALIZED",
        "period_start": f"{month}-01T00:00:00Z",
        "period_end": f"{year + number // 12:04d}-{number % 12 + 1:02d}-01T00:00:00Z",
        "invoice_items": list(items),
        **more,
    }
    return made if "totals" in made else {**made, "totals": _stated(made)}


def draft(month: str, /, *items: t.Any, **more: t.Any) -> dict[str, t.Any]:
    """Return the draft of a month, as C(bill()) makes an invoice."""
    return bill(month, *items, **{"status": "DRAFT", **more})


def _stated(made: dict[str, t.Any]) -> list[dict[str, t.Any]]:
    lines = [entry["total"] for one in made["invoice_items"] for entry in one.get("line_items", ())]
    sums: dict[t.Any, decimal.Decimal] = {}
    for part in [*lines, *(entry["amount"] for entry in made.get("adjustments") or ())]:
        currency = part.get("currency")
        sums[currency] = sums.get(currency, decimal.Decimal(0)) + decimal.Decimal(repr(part.get("amount", 0)))
    return [money(float(amount), currency) for currency, amount in sums.items()]


def invoice(month: str, **more: t.Any) -> dict[str, t.Any]:
    """Return the whole invoice of a month such as C(2026-01), with two clusters, one of them deleted."""
    cluster = {
        "id": "35c4abb2",
        "name": "=payments-prod",
        "plan": "PLATINUM",
        "cloud_provider": "GCP",
        "labels": {"team": "payments", "": None},
        "parent_id": "root",
        "state": "CREATED",
        "regions": [{"name": "us-east1", "node_count": 3}],
        "sql_dns": "payments.example.com",
        "moon_phase": "full",
    }
    odd = {"description": "Größe, 容量", "quantity": 1e-7, "quantity_unit": "GIB", "total": {}}
    return bill(
        month,
        {
            "cluster": cluster,
            "totals": [money(0.1)],
            "line_items": [{**line(172.8, unit="MOON_HOURS"), "quantity": 1440.0, "unit_cost": 0.12}, odd],
            "discounts": [],
        },
        {"cluster": {"id": "deleted", "name": "old", "state": "DELETED"}, "totals": [], "line_items": []},
        **{
            "invoice_id": f"id-{month}",
            "totals": [money(0.1), money(12345678901234.56, "DOUBLOONS")],
            "balances": [money(-0.0, CREDITS)],
            "adjustments": [adjustment(500, name="Premium Support")],
            "folder_resources": [{"resource_id": "f1", "resource_type": "FOLDER", "name": "Payments", "path": []}],
            "carbon": {"grams": 12, "offset": None},
            **more,
        },
    )


def without_line_items(whole: dict[str, t.Any]) -> dict[str, t.Any]:
    """Return what C(detail=clusters) keeps of C(invoice())."""
    first, second = whole["invoice_items"]
    keys = ("id", "name", "plan", "cloud_provider", "labels", "parent_id", "state")
    items = [
        {"cluster": {key: first["cluster"][key] for key in keys}, "totals": first["totals"]},
        {"cluster": {"id": "deleted", "name": "old", "state": "DELETED"}, "totals": []},
    ]
    assert second["cluster"]["id"] == "deleted"
    return {**whole, "invoice_items": items}


def without_items(whole: dict[str, t.Any]) -> dict[str, t.Any]:
    """Return what C(detail=totals) keeps of C(invoice())."""
    return {key: value for key, value in whole.items() if key not in ("invoice_items", "folder_resources")}
