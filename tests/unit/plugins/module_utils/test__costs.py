# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Groups, comparison, projection and reconciliation, on invoices that are small enough to add up by hand."""

from __future__ import annotations

from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._ask import ask, at, costs, values
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._data import (
    CREDITS,
    OLD_CREDITS,
    adjustment,
    bill,
    draft,
    item,
    line,
    money,
)


def test_all_that_is_usd_at_a_rate_is_one_row() -> None:
    invoice = bill("2026-10", item("a", 1, line(2, CREDITS), line(4, OLD_CREDITS), line(8, "EUR")))
    rows = costs([invoice], ["unit"], credit_rate=0.95)
    assert values(rows) == [("HOURS", "EUR", 8.0, 720.0), ("HOURS", "USD", 6.7, 2160.0)]


# Comparison


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


def test_a_draft_whose_end_is_not_known_hides_the_projection_of_its_month() -> None:
    invoices = [draft("2026-09", item("a", 5)), draft("2026-09", item("a", 5), invoice_id="a", period_end=None)]
    rows = ask(invoices, now=at("2026-09-16")).result["forecast"]
    assert values(rows, "spent", "elapsed", "projected", "projected_high") == [(10.0, None, None, None)]
    assert ask(invoices[::-1], now=at("2026-09-16")).result["forecast"] == rows


# Reconciliation


def test_reconciliation_sets_the_stated_total_against_the_parts() -> None:
    without = bill("2026-09", item("a", 5), totals=[money(5)], adjustments=[adjustment(-1)])
    beyond = bill("2026-10", item("a", 0.3, line(3, CREDITS)), totals=[money(1.3), money(3, CREDITS)])
    odd = bill("2026-11", item("a", line(2, "EUR")), totals=[money(3)])
    rows = ask([odd, beyond, without], credit_rate=0.5).result["reconciliation"]
    keys = ["invoice_id", "period", "currency", "total", "lines", "adjustments", "difference", "reconciled"]
    assert [list(row) for row in rows] == [keys] * 5
    assert values(rows) == [
        ("inv-2026-09", "2026-09", "USD", 5.0, 5.0, -1.0, 1.0, True),
        ("inv-2026-10", "2026-10", CREDITS, 3.0, 3.0, 0.0, 0.0, True),
        ("inv-2026-10", "2026-10", "USD", 1.3, 0.3, 0.0, 1.0, False),
        ("inv-2026-11", "2026-11", "EUR", 0.0, 2.0, 0.0, -2.0, False),
        ("inv-2026-11", "2026-11", "USD", 3.0, 0.0, 0.0, 3.0, False),
    ]
