# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Groups, comparison, projection and reconciliation, on invoices that are small enough to add up by hand."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._errors import ResponseError
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._ask import ask, at, costs, values
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._data import (
    CREDITS,
    FOLDERS,
    OLD_CREDITS,
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
    item("search", line(3, CREDITS), plan="ADVANCED", cloud_provider="GCP", parent_id="f-pay"),
    totals=[money(1.05), money(3, CREDITS)],
    adjustments=[adjustment(-0.25, name="Free credit")],
    folder_resources=FOLDERS,
)
ORDERS, SEARCH = (0.3, "USD"), (3.0, CREDITS)
NO_CLUSTER = (None, 0.75, "USD")  # the adjustment, and 1.0 that is stated beyond the parts


# Groups


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("period", [("2026-10", *SEARCH), ("2026-10", 1.05, "USD")]),
        ("invoice", [("inv-2026-10", *SEARCH), ("inv-2026-10", 1.05, "USD")]),
        ("status", [("FINALIZED", *SEARCH), ("FINALIZED", 1.05, "USD")]),
        ("cluster", [("orders", *ORDERS), ("search", *SEARCH), NO_CLUSTER]),
        ("cluster_id", [("id-orders", *ORDERS), ("id-search", *SEARCH), NO_CLUSTER]),
        ("plan", [("ADVANCED", *SEARCH), ("STANDARD", *ORDERS), NO_CLUSTER]),
        ("cloud_provider", [("AWS", *ORDERS), ("GCP", *SEARCH), NO_CLUSTER]),
        ("region", [("us-east-1", *SEARCH), ("us-east-1, eu-west-1", *ORDERS), NO_CLUSTER]),
        ("folder", [("Engineering/Payments", *SEARCH), ("Engineering/Payments", *ORDERS), NO_CLUSTER]),
        ("label:team", [("payments", *ORDERS), (None, *SEARCH), NO_CLUSTER]),
        (
            "description",
            [
                ("Compute", *SEARCH),
                ("Compute", 0.1, "USD"),
                ("Free credit", -0.25, "USD"),
                ("Storage", 0.2, "USD"),
                (None, 1.0, "USD"),
            ],
        ),
        ("unit", [("GIB", 0.2, "USD"), ("HOURS", *SEARCH), ("HOURS", 0.1, "USD"), NO_CLUSTER]),
        (
            "kind",
            [("adjustment", -0.25, "USD"), ("unitemized", 1.0, "USD"), ("usage", *SEARCH), ("usage", *ORDERS)],
        ),
    ],
)
def test_each_group_has_its_rows_and_they_add_up_to_the_bill(entry: str, expected: list[t.Any]) -> None:
    rows = costs([OCTOBER], [entry])
    assert values(rows, entry, "amount", "currency") == expected
    keys = [entry, "currency", "amount", *(["quantity"] if entry == "unit" else [])]
    assert [list(row) for row in rows] == [keys] * len(rows)


def test_rows_are_sorted_by_groups_with_null_last_then_currency() -> None:
    rows = costs([OCTOBER], ["label:team", "unit"])
    assert values(rows, "label:team", "unit", "currency", "amount", "quantity") == [
        ("payments", "GIB", "USD", 0.2, 720.0),
        ("payments", "HOURS", "USD", 0.1, 1440.0),
        (None, "HOURS", CREDITS, 3.0, 720.0),
        (None, None, "USD", 0.75, None),
    ]


def test_a_group_between_groups_of_lines_keeps_its_place() -> None:
    rows = costs([OCTOBER], ["description", "cluster", "unit"])
    assert ("Storage", "orders", "GIB", "USD", 0.2, 720.0) in values(rows)


def test_labels_of_folders_are_not_labels_of_the_cluster() -> None:
    invoice = bill("2026-10", item("search", 1, parent_id="f-pay"), folder_resources=FOLDERS)
    assert values(costs([invoice], ["label:team", "folder"])) == [(None, "Engineering/Payments", "USD", 1.0)]


def test_no_group_gives_a_row_for_each_currency() -> None:
    result = ask([OCTOBER, bill("2026-09", item("a", 1))], group_by=[]).result
    assert result["costs"] == result["totals"]
    assert values(result["totals"], "currency", "amount") == [(CREDITS, 3.0), ("USD", 2.05)]


def test_credits_are_usd_where_there_is_a_rate_and_apart_elsewhere() -> None:
    invoice = bill(
        "2026-10", item("a", 1, line(2, CREDITS), line(4, OLD_CREDITS), line(8, "DOUBLOON"), line(0.1, CREDITS))
    )
    assert values(costs([invoice], [])) == [(OLD_CREDITS, 4.0), (CREDITS, 2.1), ("DOUBLOON", 8.0), ("USD", 1.0)]
    assert values(costs([invoice], [], credit_rate=0.95)) == [("DOUBLOON", 8.0), ("USD", 6.795)]


def test_sums_past_every_double_are_an_error() -> None:
    with pytest.raises(ResponseError, match=r"more than a number can hold"):
        costs([bill("2026-10", item("a", 1.7e308, 1.7e308), totals=[])])


# Comparison


def test_compare_gives_the_month_before() -> None:
    months = [
        bill("2026-08", item("orders", 10), item("legacy", 4)),
        bill("2026-09", item("orders", 15), item("search", 0)),
        bill("2026-10", item("orders", 10), item("search", 5)),
    ]
    rows = costs(months, ["period", "cluster"], compare="previous")
    assert values(rows) == [
        ("2026-08", "legacy", "USD", 4.0, None, None, None),
        ("2026-08", "orders", "USD", 10.0, None, None, None),
        ("2026-09", "legacy", "USD", 0.0, 4.0, -4.0, -100.0),
        ("2026-09", "orders", "USD", 15.0, 10.0, 5.0, 50.0),
        ("2026-09", "search", "USD", 0.0, None, None, None),
        ("2026-10", "orders", "USD", 10.0, 15.0, -5.0, -33.333333333333336),
        ("2026-10", "search", "USD", 5.0, 0.0, 5.0, None),
    ]
    assert list(rows[0]) == ["period", "cluster", "currency", "amount", "previous", "change", "change_percent"]


def test_compare_does_not_reach_over_a_gap_and_does_over_new_year() -> None:
    months = [bill(month, item("a", 10)) for month in ("2026-08", "2026-10", "2026-12", "2027-01")]
    before = [None, None, None, 10.0]
    assert [row["previous"] for row in costs(months, compare="previous")] == before


def test_compare_counts_a_month_that_was_invoiced_without_costs() -> None:
    months = [bill("2026-09", item("a", 10)), bill("2026-10")]
    assert values(costs(months, compare="previous"))[-1] == ("2026-10", "USD", 0.0, 10.0, -10.0, -100.0)


@pytest.mark.parametrize(("before", "change", "percent"), [(-10, 5.0, 50.0), (1e-309, -5.0, None), (0, -5.0, None)])
def test_the_percentage_has_the_sign_of_the_change(before: float, change: float, percent: float | None) -> None:
    months = [bill("2026-09", item("a", before)), bill("2026-10", item("a", -5))]
    assert values(costs(months, compare="previous"), "change", "change_percent")[-1] == (change, percent)


def test_earlier_invoices_count_as_previous_alone() -> None:
    earlier = [bill("2026-09", item("orders", 8), item("legacy", 2)), bill("2026-08", item("older", 1))]
    result = ask(
        [bill("2026-10", item("orders", 10))], before=earlier, group_by=["period", "cluster"], compare="previous"
    ).result
    assert values(result["costs"]) == [
        ("2026-10", "legacy", "USD", 0.0, 2.0, -2.0, -100.0),
        ("2026-10", "orders", "USD", 10.0, 8.0, 2.0, 25.0),
    ]
    assert result["totals"] == [{"currency": "USD", "amount": 10.0}]
    assert [row["invoice_id"] for row in result["reconciliation"]] == ["inv-2026-10"]


def test_an_invoice_without_a_period_is_compared_with_nothing() -> None:
    nameless = bill("2026-10", item("a", 1), period_start=None)
    assert values(costs([nameless], compare="previous")) == [(None, "USD", 1.0, None, None, None)]


def test_no_invoice_is_compared_with_nothing() -> None:
    assert costs([], compare="previous") == []


# A month that is not over: 25 of 30 days


TWENTY_FIFTH = at("2026-09-26")
MONTHS = [
    bill("2026-08", item("orders", 300), item("legacy", 60)),
    draft("2026-09", item("orders", 250), item("new", 5), adjustments=[adjustment(-9000)]),
]


def test_a_row_of_a_month_that_is_not_over_has_a_projection() -> None:
    rows = costs(MONTHS, ["period", "cluster"], now=TWENTY_FIFTH)
    assert [row.get("projected", "none") for row in rows] == ["none", "none", 6.0, 300.0, -9000.0]
    assert list(rows[2]) == ["period", "cluster", "currency", "amount", "projected"]
    assert "projected" not in costs(MONTHS, ["cluster"], now=TWENTY_FIFTH)[0]
    # The month is over, and its draft is not final yet.
    assert "projected" not in costs(MONTHS, now=at("2026-10-01"))[-1]
    assert costs([{**MONTHS[1], "period_end": None}], now=at("2026-10-03"))[0]["projected"] is None


def test_a_month_that_is_not_over_is_compared_at_its_projection() -> None:
    """25 days against a whole month would be a fall of 50; at its rate the month comes to the same."""
    rows = costs(MONTHS, ["period", "cluster"], compare="previous", now=TWENTY_FIFTH)
    keys = ("cluster", "amount", "projected", "previous", "change", "change_percent")
    assert values(rows[2:], *keys) == [
        ("legacy", 0.0, 0.0, 60.0, -60.0, -100.0),
        ("new", 5.0, 6.0, None, None, None),
        ("orders", 250.0, 300.0, 300.0, 0.0, 0.0),
        (None, -9000.0, -9000.0, None, None, None),
    ]


def test_the_first_days_are_not_compared() -> None:
    rows = costs(MONTHS, ["period", "cluster"], compare="previous", now=at("2026-09-02T23:00"))
    keys = ("cluster", "amount", "projected", "previous", "change", "change_percent")
    assert values(rows[2:4], *keys) == [("legacy", 0.0, None, 60.0, None, None), ("new", 5.0, None, None, None, None)]


# Forecast


def test_a_forecast_has_a_row_for_each_month_group_and_currency() -> None:
    invoice = draft(
        "2026-09",
        item("orders", 95, line(19, CREDITS), labels={"team": "payments"}),
        totals=[money(284), money(19, CREDITS)],
        adjustments=[adjustment(-1)],
    )
    rows = ask(
        [bill("2026-08", item("orders", 1)), invoice],
        group_by=["status", "period", "label:team", "invoice"],
        now=at("2026-09-10T12:00"),
    ).result["forecast"]
    keys = "period label:team currency spent usage adjustments elapsed projected projected_low projected_high"
    assert [list(row) for row in rows] == [keys.split()] * 3
    elapsed = 9.5 / 30
    assert values(rows) == [
        ("2026-09", "payments", CREDITS, 19.0, 19.0, 0.0, elapsed, 60.0, 57.0, 19 / 0.3),
        ("2026-09", "payments", "USD", 95.0, 95.0, 0.0, elapsed, 300.0, 285.0, 95 / 0.3),
        # What is unitemized goes on as usage does, the adjustment does not.
        ("2026-09", None, "USD", 189.0, 190.0, -1.0, elapsed, 599.0, 569.0, 190 / 0.3 - 1),
    ]


def test_a_forecast_holds_the_rate() -> None:
    invoice = draft("2026-09", item("orders", 95, line(190, CREDITS)))
    result = ask([invoice], credit_rate=0.5, now=at("2026-09-10T12:00")).result
    assert values(result["forecast"], "currency", "spent", "projected") == [("USD", 190.0, 600.0)]
    assert result["costs"][0]["projected"] == 600.0


@pytest.mark.parametrize(
    "items", [None, [], [{"cluster": {"id": "a"}, "totals": [money(10000)]}], [item("a")]], ids=repr
)
def test_a_draft_without_line_items_has_cost_what_it_states(items: t.Any) -> None:
    invoice = draft("2026-09", totals=[money(10000)], invoice_items=items)
    result, warnings = ask([invoice], group_by=["kind"], now=at("2026-09-16"))
    assert values(result["costs"], "kind", "amount") == [("unitemized", 10000.0)]
    assert values(result["forecast"], "spent", "projected") == [(10000.0, 20000.0)]
    assert values(result["reconciliation"], "total", "lines", "difference") == [(10000.0, 0.0, 10000.0)]
    assert "states 10,000.00 USD, and its line items come to 0.00" in warnings[0]


def test_drafts_of_one_month_add_up_and_one_of_the_future_is_left_alone() -> None:
    invoices = [
        draft("2026-09", item("a", 9000)),
        draft("2026-09", item("a", 10), invoice_id="other"),
        draft("2099-01", item("a", 7)),
    ]
    rows = ask(invoices, now=at("2026-09-16")).result["forecast"]
    assert values(rows, "period", "spent", "elapsed", "projected") == [
        ("2026-09", 9010.0, 0.5, 18020.0),
        ("2099-01", 7.0, 0.0, None),
    ]


def test_a_draft_whose_end_is_not_known_hides_the_projection_of_its_month() -> None:
    invoices = [draft("2026-09", item("a", 5)), draft("2026-09", item("a", 5), invoice_id="a", period_end=None)]
    rows = ask(invoices, now=at("2026-09-16")).result["forecast"]
    assert values(rows, "spent", "elapsed", "projected", "projected_high") == [(10.0, None, None, None)]
    assert ask(invoices[::-1], now=at("2026-09-16")).result["forecast"] == rows


# Reconciliation


def test_reconciliation_sets_the_stated_total_against_the_parts() -> None:
    without = bill("2026-09", item("a", 5), totals=[money(5)], adjustments=[adjustment(-1)])
    odd = bill("2026-11", item("a", line(2, "EUR")), totals=[money(3)])
    rows = ask([odd, OCTOBER, without], credit_rate=0.5).result["reconciliation"]
    keys = ["invoice_id", "period", "currency", "total", "lines", "adjustments", "difference", "reconciled"]
    assert [list(row) for row in rows] == [keys] * 5
    assert values(rows) == [
        ("inv-2026-09", "2026-09", "USD", 5.0, 5.0, -1.0, 1.0, True),
        ("inv-2026-10", "2026-10", CREDITS, 3.0, 3.0, 0.0, 0.0, True),
        ("inv-2026-10", "2026-10", "USD", 1.05, 0.3, -0.25, 1.0, False),
        ("inv-2026-11", "2026-11", "EUR", 0.0, 2.0, 0.0, -2.0, False),
        ("inv-2026-11", "2026-11", "USD", 3.0, 0.0, 0.0, 3.0, False),
    ]
