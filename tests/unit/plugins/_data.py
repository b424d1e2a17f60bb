# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the tests of this collection.

"""Invoices as the API sends them, with things in them that its schema does not know."""

from __future__ import annotations

import typing as t


def invoice(month: str, **more: t.Any) -> dict[str, t.Any]:
    """Return the whole invoice of a month such as C(2026-01), with two clusters, one of them deleted."""
    year, number = int(month[:4]), int(month[5:])
    following = f"{year + number // 12:04d}-{number % 12 + 1:02d}"
    return {
        "invoice_id": f"id-{month}",
        "status": "FINALIZED",
        "period_start": f"{month}-01T00:00:00Z",
        "period_end": f"{following}-01T00:00:00Z",
        "totals": [{"amount": 0.1, "currency": "USD"}, {"amount": 12345678901234.56, "currency": "DOUBLOONS"}],
        "balances": [{"amount": -0.0, "currency": "CRDB_CLOUD_CREDITS"}],
        "adjustments": [{"name": "Premium Support", "amount": {"amount": 500, "currency": "USD"}}],
        "invoice_items": [
            {
                "cluster": {
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
                },
                "totals": [{"amount": 0.1, "currency": "USD"}],
                "line_items": [
                    {
                        "description": "Compute",
                        "quantity": 1440.0,
                        "quantity_unit": "MOON_HOURS",
                        "unit_cost": 0.12,
                        "total": {"amount": 172.8, "currency": "USD"},
                    },
                    {"description": "Größe, 容量", "quantity": 1e-7, "quantity_unit": "GIB", "total": {}},
                ],
                "discounts": [],
            },
            {
                "cluster": {"id": "deleted", "name": "old", "state": "DELETED"},
                "totals": [],
                "line_items": [],
            },
        ],
        "folder_resources": [{"resource_id": "f1", "resource_type": "FOLDER", "name": "Payments", "path": []}],
        "carbon": {"grams": 12, "offset": None},
        **more,
    }


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
