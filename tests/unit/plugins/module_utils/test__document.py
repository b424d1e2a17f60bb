# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An invoice, read with care: each value has its type, or the error names the invoice."""

from __future__ import annotations

import datetime
import typing as t

import pytest

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._document import Invoice, check_invoices
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._errors import OptionsError, ResponseError
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._query import GROUPS
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._ask import ask, at, costs
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._data import (
    FOLDERS,
    adjustment,
    bill,
    draft,
    item,
    line,
    money,
)

EVERYTHING = [*(entry for entry in GROUPS if entry != "owner"), "label:team"]


def one(entry: t.Any) -> dict[str, t.Any]:
    return bill("2026-10", totals=[], invoice_items=[item("a", entry)])


@pytest.mark.parametrize(
    ("invoice", "text"),
    [
        (one(line("12")), "the amount of the total of a line item is '12', not a number"),
        (one(line(True)), "is True, not a number"),
        (one(line(float("nan"))), "is nan, not a finite number"),
        (one(line(10**400)), "not a finite number"),
        (one(line(1, 840)), "the currency of .* is 840, not text"),
        (one({"total": 1}), "the total of a line item is 1, not an amount"),
        (one("x"), "an entry of line_items is 'x', not an object"),
        (bill("2026-10", totals=[], invoice_items={"a": 1}), "invoice_items is {'a': 1}, not a list"),
        (bill("2026-10", totals=[], adjustments=[{"amount": -5}]), "an adjustment is -5, not an amount"),
        (bill("2026-10", period_start="October"), "period_start is 'October', not an RFC 3339 time"),
        (bill("2026-10", period_start=datetime.date(2026, 10, 1)), r"period_start is datetime\.date.*, not text"),
        (bill("2026-10", period_end="soon"), "period_end is 'soon', not an RFC 3339 time"),
        (bill("2026-10", item("a", 1, name=5)), "the name of a cluster is 5, not text"),
        (bill("2026-10", item("a", 1, labels=["team"])), r"the labels of a cluster is \['team'\], not an object"),
        (bill("2026-10", item("a", 1, labels={"team": 1})), "the label:team of a cluster is 1, not text"),
    ],
)
def test_a_value_of_the_wrong_type_is_one_error_that_names_the_invoice(invoice: t.Any, text: str) -> None:
    with pytest.raises(ResponseError, match=f"^Invoice inv-2026-10 is not what the API .*: .*{text}"):
        ask([invoice], group_by=EVERYTHING)


def test_an_id_comes_from_outside_and_may_be_anything() -> None:
    names = [Invoice({"invoice_id": invoice_id}).name for invoice_id in (None, "", "a\nb")]
    assert names == ["An invoice without an id", "An invoice without an id", r"Invoice 'a\nb'"]
    with pytest.raises(ResponseError, match=r"^An invoice without an id is not what"):
        Invoice({"invoice_id": 5})


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        (None, (0.0, None)),
        ({}, (0.0, None)),
        ({"currency": "USD"}, (0.0, "USD")),
        ({"amount": None, "currency": None}, (0.0, None)),
        ({"amount": 1, "currency": ""}, (1.0, None)),
        ({"amount": -0.0}, (0.0, None)),
    ],
)
def test_a_missing_amount_is_zero_and_a_missing_or_empty_currency_null(amount: t.Any, expected: t.Any) -> None:
    invoice = Invoice({})
    assert repr(invoice.amount(amount, "a total")) == repr(expected)
    assert invoice.money(amount, "a total") == expected


@pytest.mark.parametrize("number", [0, 0.0, -0.0])
def test_no_zero_is_negative(number: float) -> None:
    assert repr(Invoice({}).number(number, "a quantity")) == "0.0"


def test_an_empty_currency_and_null_are_one() -> None:
    odd = bill("2026-10", item("a", line(1, ""), line(2, None), {"total": {"amount": 4}}, line(8)))
    assert costs([odd], []) == [{"currency": "USD", "amount": 8.0}, {"currency": None, "amount": 7.0}]
    assert all(row["reconciled"] for row in ask([odd]).result["reconciliation"])


@pytest.mark.parametrize("missing", ["totals", "invoice_items", "period_end", "status", "invoice_id", "period_start"])
@pytest.mark.parametrize("null", [False, True])
def test_what_proto3_leaves_out_is_empty(missing: str, null: bool) -> None:
    """What is there is not lost, and what is stated without line items is the bill."""
    whole = draft("2026-12", item("a", 10.5), balances=[money(5)])
    given = {**whole, missing: None} if null else {key: value for key, value in whole.items() if key != missing}
    result, warnings = ask([given], group_by=EVERYTHING, now=at("2026-12-16"))
    assert result["totals"] == [{"currency": "USD", "amount": 10.5}]
    assert [row["amount"] for row in result["costs"]] == [10.5]
    assert [row["projected"] for row in result["forecast"]] == (
        [] if missing == "status" else [None] if missing.startswith("period") else [21.7]
    )
    assert any("adds up" in text for text in warnings) == (missing in ("totals", "invoice_items"))


def test_null_is_empty_everywhere() -> None:
    nothing: dict[str, t.Any] = dict.fromkeys([*bill("2026-10"), "adjustments", "balances", "folder_resources"])
    result = ask([nothing], group_by=EVERYTHING).result
    assert {name: rows for name, rows in result.items() if rows} == {
        "invoices": [{"invoice_id": None, "period": None, "status": None}]
    }
    bare = {"invoice_id": "a", "invoice_items": [{"cluster": None, "line_items": [{}]}], "adjustments": [{}]}
    rows = costs([bare], EVERYTHING)
    assert [(row["kind"], row["amount"]) for row in rows] == [("adjustment", 0.0), ("usage", 0.0)]
    assert not any(row[entry] for row in rows for entry in ("period", "cluster", "label:team", "folder", "region"))


def test_a_period_counts_in_utc() -> None:
    assert Invoice(bill("2026-10", period_start="2026-09-30T22:00:00.000-02:00")).period == "2026-10"


@pytest.mark.parametrize(
    ("cluster", "resources", "folder"),
    [
        ({"id": "id-orders", "parent_id": "f-pay"}, FOLDERS, "Engineering/Payments"),
        ({"id": "other", "parent_id": "f-pay"}, FOLDERS, "Engineering/Payments"),
        ({"id": "other", "parent_id": "f-eng"}, FOLDERS, "Engineering"),
        ({"id": "other", "parent_id": "root"}, FOLDERS, None),
        ({"id": "other", "parent_id": "root"}, [{"resource_id": "root", "name": "Acme"}], None),
        ({"id": "other", "parent_id": "f-gone"}, FOLDERS, None),
        ({"id": "id-orders", "parent_id": "f-pay"}, None, None),
        ({"parent_id": "f-pay"}, [{"resource_id": "f-pay", "name": "Payments"}], "Payments"),
        ({"id": "a"}, [{"resource_id": "a", "parent_id": "f"}, {"resource_id": "f", "name": "F", "path": None}], "F"),
        ({"id": "a"}, [{"resource_id": "a", "path": [{"id": "root", "name": "root"}, {"id": "f"}, {"id": "a"}]}], "f"),
        ({"parent_id": "f"}, [{"resource_id": "f", "name": "F", "path": [{"id": "f", "name": "F"}]}], "F"),
    ],
)
def test_the_folder_is_the_path_from_the_root(cluster: t.Any, resources: t.Any, folder: str | None) -> None:
    assert Invoice({"folder_resources": resources}).folder(cluster) == folder


# What is no list of invoices


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("inv-1", "this is text"),
        (b"inv-1", "this is text"),
        (None, r"this is nothing \(null\)"),
        (7, "this is one value"),
        ({"invoices": [], "changed": False}, "registered result: pass its 'invoices'"),
        ({"invoice_id": "inv-1"}, "Put a single invoice into a list"),
        ({}, "this is a dictionary"),
        (["inv-1"], "entry 1 of this list is no invoice: str"),
        ([{"invoice_id": "inv-1"}, None], "entry 2 of this list is no invoice: NoneType"),
        ([{"results": []}], "entry 1 of this list is no invoice: a dictionary without 'invoice_id'"),
    ],
)
def test_anything_but_invoices_is_one_clear_error(value: t.Any, text: str) -> None:
    with pytest.raises(OptionsError, match=f"^A list of invoices is needed.*{text}"):
        check_invoices(value)


def test_an_invoice_twice_would_count_twice() -> None:
    with pytest.raises(OptionsError, match=r"^The invoice 'a' is in this list 2 times: pass each invoice once\.$"):
        check_invoices([{"invoice_id": "a"}, {"invoice_id": "b"}, {"invoice_id": "a"}])
    # Without ids nobody can say that two are the same.
    assert len(check_invoices([{"invoice_id": ""}, {"invoice_id": None}, bill("2026-10", invoice_id="")])) == 3


def test_any_list_of_invoices_is_fine() -> None:
    october = bill("2026-10", adjustments=[adjustment(-1)])
    empty: tuple[t.Any, ...] = ([], (), iter(()))
    assert [check_invoices(nothing) for nothing in empty] == [[], [], []]
    assert check_invoices(entry for entry in [october]) == check_invoices((october,)) == [october]
