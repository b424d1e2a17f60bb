# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is kept of an invoice: its sums, and no line item."""

from __future__ import annotations

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._answers import cluster_rows
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._books import Book, add_up
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._query import read_query
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._ask import at
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._data import (
    CREDITS,
    FOLDERS,
    OLD_CREDITS,
    adjustment,
    bill,
    item,
    line,
    money,
)

OCTOBER = bill(
    "2026-10",
    item("orders", 1, line(2, CREDITS), line(4, OLD_CREDITS), labels={"team": "payments"}, state="CREATED"),
    item("idle", labels={"env": "test", "": None}),
    totals=[money(10), money(6, CREDITS)],
    balances=[money(7, CREDITS)],
    adjustments=[adjustment(-1), adjustment(-0.5, CREDITS, "Free")],
    folder_resources=FOLDERS,
)


def book(**options: object) -> Book:
    return add_up(OCTOBER, read_query(options))


def test_a_book_has_the_sums_of_the_invoice_in_its_currencies() -> None:
    for made in (book(), book(credit_rate=0.5)):
        assert made.header == ("inv-2026-10", "2026-10", "FINALIZED", at("2026-10-01"), at("2026-11-01"))
        assert (made.stated, made.balances) == ({"USD": 10, CREDITS: 6}, {CREDITS: 7})
        assert made.lines == {"USD": 1, CREDITS: 2, OLD_CREDITS: 4}
        assert made.adjustments == {"USD": -1, CREDITS: -0.5}
        assert (made.labels, made.clusters) == ({"team", "env", ""}, [])


def test_the_shares_are_converted_where_there_is_a_rate() -> None:
    plain, converted = book(), book(credit_rate=0.5)
    assert [(share.kind, share.sums) for share in plain.shares] == [
        ("usage", {"USD": 1, CREDITS: 2, OLD_CREDITS: 4}),
        ("adjustment", {"USD": -1, CREDITS: -0.5}),
        ("unitemized", {"USD": 10, CREDITS: 4.5}),
    ]
    assert [(share.kind, share.sums) for share in converted.shares] == [
        *[("usage", {"USD": 4}), ("adjustment", {"USD": -1.25}), ("unitemized", {"USD": 12.25})]
    ]
    assert plain.named_adjustments == [("Credit", "USD", -1), ("Free", CREDITS, -0.5)]
    assert converted.named_adjustments == [("Credit", "USD", -1), ("Free", "USD", -0.25)]


def test_what_nobody_asks_for_is_not_kept() -> None:
    usage = book(group_by=["plan"]).shares[0]
    assert (usage.values, usage.quantities) == ({"plan": "STANDARD"}, {})
    assert list(usage.amounts) == [(None, None, "USD"), (None, None, CREDITS), (None, None, OLD_CREDITS)]


def test_details_are_kept_where_a_page_needs_them() -> None:
    idle, orders = cluster_rows([add_up(OCTOBER, read_query({}), details=True)])
    assert {name: orders[name] for name in orders if name not in ("cluster_id", "plan", "cloud_provider")} == {
        "cluster": "orders",
        "region": "us-east-1",
        "folder": "Engineering/Payments",
        "state": "CREATED",
        "labels": {"team": "payments"},
    }
    assert (idle["cluster"], idle["state"], idle["labels"]) == ("idle", None, {"env": "test", "": None})
