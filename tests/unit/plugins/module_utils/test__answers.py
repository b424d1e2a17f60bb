# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Everything that is asked of invoices, in one answer: its shape, balances, adjustments, and what it warns of."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._answers import (
    cluster_rows,
    missing_labels,
)
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._books import add_up
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._query import Query, read_query
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._ask import ask, at, values
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

MIDDLE = at("2026-09-16")
TEAMS = [
    bill("2026-08", item("orders", 10, labels={"team": "payments"}), adjustments=[adjustment(-1)]),
    draft("2026-09", item("orders", 20, line(4, CREDITS), labels={"team": "payments"}), item("idle", 6)),
]


def test_every_question_is_answered_from_the_same_invoices() -> None:
    budgets = [{"amount": 50, "group": {"label:team": "payments"}}]
    result, warnings = ask(
        TEAMS[::-1],
        group_by=["label:team"],
        credit_rate=0.5,
        breakdowns={"months": ["period"], "kinds": ["kind"]},
        budgets=budgets,
        now=MIDDLE,
    )
    assert warnings == []
    names = "costs breakdowns totals invoices forecast budgets reconciliation balances adjustments"
    assert list(result) == names.split()
    assert result["invoices"] == [
        {"invoice_id": "inv-2026-08", "period": "2026-08", "status": "FINALIZED"},
        {"invoice_id": "inv-2026-09", "period": "2026-09", "status": "DRAFT"},
    ]
    assert len(result["reconciliation"]) == 3
    assert json.loads(json.dumps(result, allow_nan=False)) == result


def test_no_invoice_is_no_row() -> None:
    result = ask([], breakdowns={"a": ["cluster"]}).result
    assert not any(rows for name, rows in result.items() if name != "breakdowns")
    assert result["breakdowns"] == {"a": []}


def test_nothing_leaves_as_a_negative_zero() -> None:
    zero = draft(
        "2026-09", item("a", -0.0), totals=[money(-0.0)], adjustments=[adjustment(-0.0)], balances=[money(-0.0)]
    )
    tiny = bill("2026-08", item("a", line(-5e-324, CREDITS)))
    result = ask([zero, tiny], credit_rate=0.1, compare="previous", budgets=[{"amount": 1}], now=MIDDLE).result
    shown = json.dumps(result)
    assert "-0.0" not in shown
    assert "0.0" in shown


# Adjustments and balances


def test_adjustments_are_rows_in_one_order_whatever_that_of_the_api() -> None:
    entries = [
        adjustment(-1, name="b"),
        adjustment(-4, CREDITS, "a"),
        adjustment(1, name="a"),
        adjustment(3, name=None),
    ]
    for given in (entries, entries[::-1]):
        rows = ask([bill("2026-10", adjustments=given), TEAMS[0]], credit_rate=0.5).result["adjustments"]
        assert values(rows) == [
            ("inv-2026-08", "2026-08", "Credit", "USD", -1.0),
            ("inv-2026-10", "2026-10", "a", "USD", -2.0),
            ("inv-2026-10", "2026-10", "a", "USD", 1.0),
            ("inv-2026-10", "2026-10", "b", "USD", -1.0),
            ("inv-2026-10", "2026-10", None, "USD", 3.0),
        ]
        assert list(rows[0]) == ["invoice_id", "period", "name", "currency", "amount"]


def spent(month: str, amount: float, **more: t.Any) -> dict[str, t.Any]:
    return bill(month, item("a", line(amount, CREDITS)), **more)


YEAR = [spent("2026-05", 9000), spent("2026-06", 10), spent("2026-07", 20), spent("2026-08", 30)]


def test_a_balance_is_that_of_the_newest_invoice_that_has_one() -> None:
    invoices = [
        spent("2026-05", 9000, balances=[money(500, CREDITS), money(7, "EUR")]),
        *YEAR[1:],
        draft("2026-09", item("a", line(5, CREDITS)), balances=[money(60, CREDITS)]),
        # Nobody knows how old this one is, or how much it says of a month.
        spent("2026-08", 77777, invoice_id="a", period_start=None, balances=[money(1, CREDITS)]),
    ]
    for given in (invoices, invoices[::-1]):
        rows = ask(given, credit_rate=0.5, now=MIDDLE).result["balances"]
        assert list(rows[0]) == ["invoice_id", "period", "currency", "amount", "monthly", "runs_out"]
        # Three months at the mean of the newest full ones, counted from now as the draft does; not converted.
        assert values(rows) == [
            ("inv-2026-09", "2026-09", CREDITS, 60.0, 20.0, "2026-12-16"),
            ("inv-2026-05", "2026-05", "EUR", 7.0, None, None),
        ]


def test_a_balance_of_a_final_invoice_counts_from_its_end() -> None:
    final = spent("2026-08", 30, balances=[money(60, CREDITS)])
    endless = {**final, "period_end": None}
    for last, now, expected in (
        (final, "2027-05-05", (20.0, "2026-12-01")),
        (endless, "2027-05-05", (20.0, None)),
        (endless, "2026-08-31", (15.0, None)),  # nobody says that this month is over
    ):
        assert values(ask([*YEAR[1:3], last], now=at(now)).result["balances"], "monthly", "runs_out") == [expected]


def test_both_names_of_credits_are_the_same_credits() -> None:
    old = bill("2026-07", item("a", line(40, OLD_CREDITS)))
    new = spent("2026-08", 20, balances=[money(60, CREDITS), money(0, OLD_CREDITS)])
    rows = ask([old, new], now=MIDDLE).result["balances"]
    assert values(rows, "currency", "monthly", "runs_out") == [(OLD_CREDITS, 30.0, None), (CREDITS, 30.0, "2026-10-31")]


def test_what_a_month_has_cost_is_its_bill() -> None:
    """What is stated beyond the parts has been paid with the balance as well."""
    stated = spent("2026-08", 20, totals=[money(30, CREDITS)], balances=[money(30, CREDITS)])
    assert ask([stated], now=MIDDLE).result["balances"][0]["monthly"] == 30.0
    # What states nothing in a currency bills its parts, under either name of credits.
    refund = [line(30, CREDITS), line(-10, OLD_CREDITS)]
    both = bill("2026-08", item("a", *refund), totals=[money(30, CREDITS)], balances=[money(30, CREDITS)])
    assert ask([both], now=MIDDLE).result["balances"][0]["monthly"] == 20.0


# Warnings


def test_what_does_not_add_up_is_a_warning() -> None:
    invoices = [bill(f"2026-{month:02d}", item("a", 100), totals=[money(120)]) for month in range(1, 6)]
    states = "states 120.00 USD, and its line items come to 100.00, its adjustments to 0.00"
    assert ask(invoices).warnings == [
        f"Not every invoice adds up, and the larger amount counts: inv-2026-01 (2026-01) {states}; "
        f"inv-2026-02 (2026-02) {states}; inv-2026-03 (2026-03) {states}; and 2 more, see reconciliation."
    ]
    odd = bill("2026-01", item("a", line(1, "")), totals=[], invoice_id=None, period_start=None)
    assert "counts: (no id) (no period) states 0.00 (no currency), and" in ask([odd]).warnings[0]
    assert ask(TEAMS).warnings == []


def test_a_warning_is_one_line_to_read_whatever_the_invoice_holds() -> None:
    """Names come from outside; in a terminal they must not be more than text."""
    bad = "a\x1b[2J\n" + "x" * 99
    odd = draft(
        "2026-09", item(bad, line(1, bad), labels={bad: bad}), totals=[money(5, bad)], invoice_id=bad, status=f"{bad}"
    )
    options: dict[str, t.Any] = {
        "group_by": ["label:team"],
        "budgets": [{"amount": 1, "group": {"cluster": "a"}}, {"amount": 1, "group": {"cluster": bad}, "name": bad}],
        "now": MIDDLE,
    }
    said = [*ask([odd], **options).warnings, *ask([{**odd, "status": "DRAFT"}], **options).warnings]
    assert len(said) == 7
    assert all(text.isprintable() and "x" * 60 not in text for text in said)


@pytest.mark.parametrize(
    "options",
    [
        {"group_by": ["label:tema", "label:team"]},
        {"breakdowns": {"teams": ["label:tema"]}},
        {"budgets": [{"amount": 1, "group": {"label:tema": "payments"}}]},
    ],
)
def test_a_label_that_no_cluster_has_is_a_warning_that_names_those_there_are(options: dict[str, t.Any]) -> None:
    assert ask(TEAMS, **options).warnings[0] == "No cluster has the label 'tema'. The labels are team."


def test_labels_are_listed_as_far_as_anybody_reads() -> None:
    query = read_query({"group_by": ["label:x"]})

    def said(*labels: t.Any) -> str | None:
        return missing_labels([add_up(bill("2026-10", item("a", labels=dict.fromkeys(labels))), query)], query)

    assert said() == "No cluster has the label 'x'. No cluster has any label."
    assert said("x") is None
    assert said("a", 1) == "No cluster has the label 'x'. The labels are 1, a."
    names = [f"l{number:02d}" for number in range(35)]
    assert said(*names) == f"No cluster has the label 'x'. The labels are {', '.join(names[:30])} and 5 more."
    assert missing_labels([], read_query({})) is None


def test_the_newest_invoice_says_what_a_cluster_is() -> None:
    def of(month: str, name: str, **more: t.Any) -> dict[str, t.Any]:
        return bill(month, item(name, 1, id="c", state="CREATED"), item("nameless", 1, id=None), **more)

    invoices = [of("2026-09", "new"), of("2026-08", "old"), of("2026-07", "undated", period_start=None)]
    known, nameless = cluster_rows(add_up(raw, Query(), details=True) for raw in invoices)
    assert known == {
        "cluster_id": "c",
        "cluster": "new",
        "plan": "STANDARD",
        "cloud_provider": "AWS",
        "region": "us-east-1",
        "folder": None,
        "state": "CREATED",
        "labels": {},
    }
    assert (nameless["cluster_id"], nameless["cluster"], nameless["state"]) == (None, "nameless", None)
    assert cluster_rows([add_up(invoices[0], Query())]) == []
