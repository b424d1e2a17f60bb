# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Line items as flat rows, on an invoice that is small enough to add up by hand."""

from __future__ import annotations

import copy
import typing as t

import pytest

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._errors import ResponseError
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._lines import (
    LINE_ITEM_KEYS,
    line_items,
)
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._ask import ask, at, values
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._data import (
    CREDITS,
    FOLDERS,
    adjustment,
    bill,
    draft,
    item,
    line,
    money,
)

OCTOBER = bill(
    "2026-10",
    item(
        "orders",
        0.1,
        line(0.2, description="Storage", unit="GIB"),
        0,
        labels={"team": "payments"},
        regions=[{"name": "us-east-1"}, {"name": "eu-west-1"}],
        parent_id="f-pay",
    ),
    item("search", line(3, CREDITS)),
    totals=[money(2.05), money(3, CREDITS)],
    adjustments=[adjustment(-0.25)],
    folder_resources=FOLDERS,
)
HEAD = {
    "invoice_id": "inv-2026-10",
    "status": "FINALIZED",
    "period_start": "2026-10-01T00:00:00Z",
    "period_end": "2026-11-01T00:00:00Z",
}
OF_NO_CLUSTER: dict[str, t.Any] = {
    **dict.fromkeys(LINE_ITEM_KEYS),
    **HEAD,
    "regions": [],
    "labels": {},
    "currency": "USD",
}


def test_the_rows_of_an_invoice() -> None:
    rows = list(line_items([OCTOBER]))
    assert [tuple(row) for row in rows] == [LINE_ITEM_KEYS] * 6
    assert values(rows, "kind", "amount", "currency") == [
        *[("usage", 0.1, "USD"), ("usage", 0.2, "USD"), ("usage", 0.0, "USD"), ("usage", 3.0, CREDITS)],
        *[("adjustment", -0.25, "USD"), ("unitemized", 2.0, "USD")],
    ]
    assert rows[1] == {
        **HEAD,
        "kind": "usage",
        "cluster_id": "id-orders",
        "cluster_name": "orders",
        "plan": "STANDARD",
        "cloud_provider": "AWS",
        "regions": ["us-east-1", "eu-west-1"],
        "folder": "Engineering/Payments",
        "labels": {"team": "payments"},
        "description": "Storage",
        "quantity": 720.0,
        "quantity_unit": "GIB",
        "unit_cost": 0.5,
        "amount": 0.2,
        "currency": "USD",
    }
    assert rows[4] == {**OF_NO_CLUSTER, "kind": "adjustment", "description": "Credit", "amount": -0.25}
    assert rows[5] == {**OF_NO_CLUSTER, "kind": "unitemized", "amount": 2.0}


@pytest.mark.parametrize(
    "items", [None, [], [{"cluster": {"id": "a"}, "totals": [money(10000)]}], [item("a")]], ids=repr
)
def test_what_is_stated_without_line_items_is_a_row_and_has_been_spent(items: t.Any) -> None:
    bare = draft("2026-10", totals=[money(10000), money(7, "")], invoice_items=items)
    assert values(list(line_items([bare])), "kind", "cluster_id", "amount", "currency") == [
        ("unitemized", None, 10000.0, "USD"),
        ("unitemized", None, 7.0, None),
    ]
    result, warnings = ask([bare], group_by=["kind"], now=at("2026-10-16T12:00"))
    assert values(result["forecast"], "kind", "spent", "projected") == [
        ("unitemized", 10000.0, 20000.0),
        ("unitemized", 7.0, 14.0),
    ]
    assert "states 10,000.00 USD, and its line items come to 0.00" in warnings[0]


def test_rows_share_nothing_with_the_invoices_or_each_other() -> None:
    before = copy.deepcopy(OCTOBER)
    rows = list(line_items([OCTOBER]))
    for number, row in enumerate(rows):
        row["labels"]["damaged"] = f"{number}"
        row["regions"].append(f"{number}")
    assert before == OCTOBER
    assert [row["labels"]["damaged"] for row in rows] == [row["regions"][-1] for row in rows] == [*"012345"]
    assert rows[0]["regions"] == ["us-east-1", "eu-west-1", "0"]


def test_line_items_are_a_stream() -> None:
    stream = line_items([OCTOBER, bill("2026-11", totals=[], invoice_items=[item("orders", line("much"))])])
    assert next(stream)["invoice_id"] == "inv-2026-10"
    with pytest.raises(ResponseError, match=r"inv-2026-11"):
        list(stream)


def test_nothing_leaves_as_a_negative_zero() -> None:
    zero = bill("2026-10", item("a", -0.0), adjustments=[adjustment(-0.0)])
    assert [repr(row["amount"]) for row in line_items([zero])] == ["0.0", "0.0"]
