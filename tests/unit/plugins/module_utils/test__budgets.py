# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Budgets and thresholds: which drafts count, where they stand, and what is said where there is nothing to compare."""

from __future__ import annotations

import typing as t
from decimal import Decimal

import pytest

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._answers import read_books
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._budgets import (
    STATES,
    Threshold,
    crossed,
    drafts_of,
    newest_drafts,
    state_of,
)
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._costs import Calendar, group_costs
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._forecast import Projection
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._query import Query
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._ask import ask, at, values
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._data import (
    CREDITS,
    adjustment,
    bill,
    draft,
    item,
    line,
    money,
)

MIDDLE = at("2026-09-16")
AUGUST = bill("2026-08", item("orders", 10, labels={"team": "payments"}), item("old", 5, labels={"team": "gone"}))
SEPTEMBER = draft(
    "2026-09",
    item("orders", 100, line(20, CREDITS), labels={"team": "payments"}),
    item("search", 60, labels={"team": "web"}),
    adjustments=[adjustment(-10)],
)


def judged(
    *budgets: dict[str, t.Any], invoices: t.Any = (AUGUST, SEPTEMBER), now: t.Any = MIDDLE, **options: t.Any
) -> tuple[list[tuple[t.Any, ...]], list[str]]:
    """Return state, spent and projection for each budget, and the warnings."""
    result, warnings = ask(invoices, budgets=list(budgets), now=now, **options)
    return values(result["budgets"], "state", "spent", "projected"), warnings


@pytest.mark.parametrize(
    ("spent", "low", "high", "state"),
    [
        (101, None, None, "over"),
        (101, 90, 95, "over"),
        (100, 101, 120, "forecast_over"),
        (99, 100, 101, "at_risk"),
        (99, 100, 100, "within"),
        (-5, -10, 0, "within"),
        (99, None, None, "unknown"),
        (None, None, None, "unknown"),
        (None, 101, 120, "unknown"),
    ],
)
def test_the_state_is_the_first_that_holds(spent: t.Any, low: t.Any, high: t.Any, state: str) -> None:
    amounts = [None if amount is None else Decimal(amount) for amount in (spent, low, high)]
    assert state_of(Decimal(100), amounts[0], Projection(amounts[1], amounts[1], amounts[2])) == state
    assert state in STATES


def test_the_row_of_a_budget() -> None:
    result = ask([AUGUST, SEPTEMBER], budgets=[{"amount": 300, "name": "all"}], now=at("2026-09-10T12:00")).result
    row = result["budgets"][0]
    keys = "name group currency amount spent percent projected projected_low projected_high state"
    assert list(row) == keys.split()
    expected: tuple[t.Any, ...] = (
        "all",
        {},
        "USD",
        300,
        150,
        50,
        160 / 9.5 * 30 - 10,
        470,
        160 / 9 * 30 - 10,
        "forecast_over",
    )
    assert tuple(row.values()) == tuple(pytest.approx(one) if isinstance(one, float) else one for one in expected)


def test_each_budget_has_its_group_and_currency() -> None:
    found = judged(
        {"amount": 149},
        {"amount": 199, "group": {"label:team": "payments"}},
        {"amount": 19, "currency": CREDITS},
        {"amount": 1, "group": {"cluster": None}},
        {"amount": 200, "group": {"label:team": "payments", "cluster": "orders"}},
    )
    states = [("over", 150, 310), ("at_risk", 100, 200), ("over", 20, 40), ("within", -10, -10), ("within", 100, 200)]
    assert found == (states, [])


def test_a_group_that_has_cost_nothing_yet_is_within() -> None:
    """It had costs in the month before, so that it is no misspelling."""
    budget = {"amount": 5, "group": {"label:team": "gone"}}
    assert judged(budget) == ([("within", 0.0, 0.0)], [])
    assert judged(budget, now=at("2026-09-02")) == ([("unknown", 0.0, None)], [])


def test_a_draft_without_any_cost_is_within() -> None:
    assert judged({"amount": 5}, invoices=[draft("2026-09")]) == ([("within", 0.0, 0.0)], [])


HINT = "Give it in a currency that there is, or set credit_rate to count credits as USD."


@pytest.mark.parametrize(
    ("budget", "text"),
    [
        (
            {"group": {"label:team": "paymnets"}, "name": "a"},
            "no cost fits the budget 'a' for label:team 'paymnets'. The costs are of (none), gone, payments, web.",
        ),
        (
            {"group": {"cluster": "orders", "label:team": "web"}},
            "no cost fits a budget for cluster 'orders' and label:team 'web'. The costs are of (none) / (none), old / "
            "gone, orders / payments, search / web.",
        ),
        ({"currency": "EUR"}, f"a budget is in EUR, and its costs are only in {CREDITS}, USD. {HINT}"),
        (
            {"currency": "EUR", "group": {"cluster": "search"}, "name": "a"},
            f"the budget 'a' is in EUR, and its costs are only in USD. {HINT}",
        ),
    ],
)
def test_a_budget_that_fits_nothing_is_unknown_and_says_what_there_is(budget: dict[str, t.Any], text: str) -> None:
    assert judged({"amount": 5, **budget}) == ([("unknown", None, None)], [f"budgets: {text}"])


def test_a_long_list_of_what_there_is_is_cut() -> None:
    many = draft("2026-09", *(item(f"c{number:02d}", 1) for number in range(25)))
    names = ", ".join(f"c{number:02d}" for number in range(20))
    nothing = "budgets: no cost fits a budget for cluster 'x'."
    for invoices, said in ((many, f"{nothing} The costs are of {names} and 5 more."), (draft("2026-09"), nothing)):
        found = judged({"amount": 5, "group": {"cluster": "x"}}, invoices=[invoices])
        assert found == ([("unknown", None, None)], [said])


@pytest.mark.parametrize(
    ("invoices", "newest"),
    [
        ([{"invoice_id": "a", "totals": [money(1)]}], "there is no invoice"),
        ([bill("2026-07", status=None)], "the newest of these invoices is of 2026-07 (without a status)"),
        ([AUGUST, bill("2026-07")], "the newest of these invoices is of 2026-08 (FINALIZED)"),
        ([AUGUST, bill("2026-09", item("a", 1))], "the newest of these invoices is of 2026-09 (FINALIZED)"),
        ([draft("2099-01", item("a", 9))], "the newest of these invoices is of 2099-01 (DRAFT)"),
    ],
)
def test_without_a_draft_of_this_month_nothing_is_known(invoices: t.Any, newest: str) -> None:
    rows, warnings = judged({"amount": 5}, {"amount": 6}, invoices=invoices)
    assert rows == [("unknown", None, None)] * 2
    assert f"There is no draft of this month (2026-09) to compare with a budget: {newest}." in warnings
    assert not any("draft of this month" in text for text in judged(invoices=invoices)[1])


def test_an_invoice_of_this_month_that_does_not_count_is_named() -> None:
    counted = draft("2026-09", item("a", 10))
    others = [
        draft("2026-09", item("a", 1), invoice_id="x", period_start=None),
        bill("2026-09", item("a", 2), invoice_id="y"),
        bill("2026-09", item("a", 3), invoice_id="z", status=None),
    ]
    said = (
        "budgets: the drafts of this month count, and not y (FINALIZED, 2026-09), z (without a status, 2026-09), x "
        "(DRAFT, no period_start)."
    )
    assert judged({"amount": 100}, invoices=[counted, *others, AUGUST]) == ([("within", 10.0, 20.0)], [said])
    assert judged({"amount": 100}, invoices=[counted, AUGUST, draft("2099-01", item("a", 9))])[1] == []
    assert judged(invoices=[counted, *others]) == ([], [])


@pytest.mark.parametrize(
    ("bounds", "now", "covered"),
    [
        ({}, "2026-09-01", True),
        ({}, "2026-09-30T23:59", True),
        ({}, "2026-08-31T23:59", False),
        ({}, "2026-10-01", False),
        ({"period_end": None}, "2026-09-30", True),
        ({"period_end": None}, "2026-10-01", False),
        ({"period_start": None}, "2026-09-16", False),
        ({"period_start": "2026-08-20T00:00:00Z", "period_end": "2026-09-20T00:00:00Z"}, "2026-09-19", True),
        ({"status": "FINALIZED"}, "2026-09-16", False),
        ({"status": None}, "2026-09-16", False),
    ],
)
def test_a_draft_is_of_this_month_while_its_period_lasts(bounds: dict[str, t.Any], now: str, covered: bool) -> None:
    books = read_books([draft("2026-09", **bounds)], Query())
    assert drafts_of(books, at(now)) == (books if covered else [])


# Thresholds


LOW, HIGH = Threshold(Decimal(100), Decimal(50)), Threshold(Decimal(200))


@pytest.mark.parametrize(
    ("now", "ids"),
    [
        ("2026-09-30", []),
        ("2026-10-01", ["a", "b"]),
        ("2026-10-31", ["a", "b"]),
        ("2026-11-01", ["c"]),
        ("2026-12-31", ["c"]),
    ],
)
def test_the_newest_month_that_has_begun_is_watched(now: str, ids: list[str]) -> None:
    drafts = [draft(month, invoice_id=name) for name, month in (("a", "2026-10"), ("b", "2026-10"), ("c", "2026-11"))]
    others = [draft("2026-11", period_start=None, invoice_id="d"), bill("2026-09"), bill("2026-11")]
    books = read_books([*drafts, *others], Query())
    assert [book.header.invoice_id for book in newest_drafts(books, at(now))] == ids


@pytest.mark.parametrize(
    ("amount", "now", "spent", "projected"),
    [
        (99.99, "2026-10-02", [], []),
        (100.0, "2026-10-02", [LOW], []),
        (100.0, "2026-10-16", [LOW], [LOW, HIGH]),
        (96.0, "2026-10-16", [], [LOW]),
        (200.0, "2026-11-01", [LOW, HIGH], [LOW, HIGH]),
        (-500.0, "2026-10-16", [], []),
    ],
)
def test_what_is_reached_is_crossed(
    amount: float, now: str, spent: list[Threshold], projected: list[Threshold]
) -> None:
    books = read_books([draft("2026-10", totals=[money(amount), money(5000, "EUR")])], Query())
    cells = group_costs(books, ("kind",), Calendar(books, at(now)))
    found = [tuple(crossing) for crossing in crossed([LOW, HIGH], cells, "USD")]
    assert found == [(("unitemized",), threshold, Decimal(repr(amount))) for threshold in spent]
    assert [crossing.threshold for crossing in crossed([LOW, HIGH], cells, "USD", projected=True)] == projected
