# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The model of the report: what it says, in exact numbers."""

from __future__ import annotations

import datetime
import json
import random
import typing as t
from decimal import Decimal

import pytest

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._errors import IncompleteError, OptionsError
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._page import page
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._report import as_json, build
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._report_model import Comparison, Model
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._report_parts import _stack
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._report_rows import (
    Options,
    Source,
    read_sources,
)
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._bills import NOW, asked, bill, cluster, report

DECEMBER = datetime.datetime(2026, 12, 5, tzinfo=datetime.timezone.utc)


def those(*values: t.Any) -> tuple[t.Any, ...]:
    """Return amounts of any kind, to be compared with numbers."""
    return values


def close(amount: Decimal | None, expected: float) -> bool:
    return amount is not None and abs(amount - Decimal(repr(expected))) < Decimal("1e-9")


def test_a_change_is_usage_and_price() -> None:
    books = report(
        bill("2026-09", cluster("a", ("Compute", 100, "HOURS", 100)), cluster("b", ("Storage", 10, "GIB", 5))),
        bill("2026-10", cluster("a", ("Compute", 120, "HOURS", 180)), cluster("c", ("Transfer", 3, "GIB", 7))),
        now=datetime.datetime(2026, 11, 1, 5, tzinfo=datetime.timezone.utc),
    ).currencies[0]
    assert books.movers is not None
    rows = {row.key[0]: row for row in books.movers.rows}
    # 120 hours at 1.00 would have been 120; they are 180 at 1.50.
    assert those(rows["a"].usage, rows["a"].price, rows["a"].change) == (20, 60, 80)
    assert those(rows["a"].description, rows["a"].quantity_before, rows["a"].quantity) == ("Compute", 100, 120)
    assert those(rows["b"].usage, rows["b"].price) == (-5, 0)
    assert those(rows["c"].usage, rows["c"].price) == (7, 0)
    assert those(books.movers.total.usage, books.movers.total.price, books.movers.total.change) == (22, 60, 82)


def test_a_draft_is_carried_forward_to_the_middle_of_its_range_and_adjustments_are_not() -> None:
    model = report(
        bill("2026-10", cluster("a", ("Compute", 300, "HOURS", 300)), adjustments={"Support": 50}),
        bill("2026-11", cluster("a", ("Compute", 155, "HOURS", 155)), adjustments={"Support": 50, "Credit": -9000}),
    )
    books = model.currencies[0]
    usage = (Decimal(155) * 30 / 16, Decimal(155) * 30 / 15)
    assert close(books.low, float(usage[0] - 8950))
    assert close(books.high, float(usage[1] - 8950))
    assert books.movers is not None
    by_kind = {row.kind: row for row in books.movers.rows}
    assert by_kind["adjustment"].change == -9000
    assert close(by_kind["usage"].change, float(sum(usage) / 2 - 300))
    assert close(by_kind["usage"].price, 0)
    assert by_kind["usage"].quantity is not None
    parts = {part.kind: part for part in books.parts}
    assert close(parts["usage"].change, float(by_kind["usage"].change))
    assert parts["adjustment"].expected == -8950


def many(count: int, *, seed: int = 1) -> list[dict[str, t.Any]]:
    pick = random.Random(seed)
    folders = [{"resource_id": f"f{place}", "resource_type": "FOLDER", "name": f"folder {place}"} for place in range(5)]
    return [
        bill(
            month,
            *(
                cluster(
                    f"c{place}",
                    ("Compute", pick.randint(1, 99), "HOURS", pick.randint(1, 9999) / 100),
                    ("Storage", pick.randint(1, 99), "GIB", pick.randint(0, 999) / 1000),
                    plan="PRO",
                    parent_id=f"f{place % 5}",
                )
                for place in range(count)
            ),
            adjustments={"Support": pick.randint(-500, 500) / 10},
            folder_resources=folders,
        )
        for month in ("2026-09", "2026-10", "2026-11")
    ]


@pytest.mark.parametrize("count", [0, 1, 3, 12, 150])
def test_everything_adds_up(count: int) -> None:
    model = report(*many(count))
    books = model.currencies[0]
    months = [month.amount for month in books.months]
    assert sum(months) == books.total
    assert books.spent == months[-1]
    assert [sum(column) for column in zip(*(one.amounts for one in books.chart.series))] == months
    assert [sum(column) for column in zip(*(one.amounts for one in books.groups))] == months
    assert [sum(column) for column in zip(*(one.amounts for one in books.clusters))] == months
    assert sum(part.amount for part in books.parts) == books.spent
    movers = books.movers
    assert movers is not None
    assert close(movers.total.change, float(sum(row.change for row in movers.rows) + movers.rest.change))
    middle = ((books.low or 0) + (books.high or 0)) / Decimal(2)
    assert close(movers.total.change, float(middle - (books.before or 0)))
    for row in (*movers.rows, movers.rest):
        assert row.kind == "adjustment" or close(row.change, float(row.usage + row.price))
    assert len(movers.rows) <= 9


def test_a_chart_of_many_clusters_is_of_their_folders_and_never_has_more_than_eight_series() -> None:
    assert report(*many(12)).currencies[0].chart.by == ["cluster"]
    chart = report(*many(150)).currencies[0].chart
    assert (chart.by, len(chart.series)) == (["folder"], 6)
    assert {one.role for one in chart.series} == {"named", "none"}
    chart = report(*many(7), group_by=["description", "cluster"]).currencies[0].chart
    assert len(chart.series) <= 8
    sizes = {one.role: sum(map(abs, one.amounts)) for one in chart.series}
    assert sizes.get("others", 0) < sum(sum(map(abs, one.amounts)) for one in chart.series) * Decimal("0.4")


def test_two_clusters_of_one_name_stay_two_and_a_renamed_one_stays_one() -> None:
    line = ("Compute", 1, "HOURS", 2)
    books = report(
        bill("2026-10", cluster("old name", line, cluster_id="3"), cluster("prod", line, cluster_id="1")),
        bill(
            "2026-11",
            *(cluster(name, line, cluster_id=one) for one, name in (("1", "prod"), ("2", "prod"), ("3", "new"))),
        ),
    ).currencies[0]
    assert sorted(f"{group.key[0]}" for group in books.groups) == ["new", "prod (1)", "prod (2)"]
    assert sorted(f"{one.name}" for one in books.clusters) == ["new", "prod (1)", "prod (2)"]
    assert [one.amounts for one in books.clusters if one.name == "new"] == [[2, 2]]


def test_what_has_no_owner_is_told_apart() -> None:
    draft = bill(
        "2026-11",
        cluster("paid", ("Compute", 1, "HOURS", 10), labels={"team": "core"}),
        cluster("hack-week", ("Compute", 1, "HOURS", 4)),
        cluster("tutorial", ("Compute", 1, "HOURS", 6)),
        adjustments={"Support": 100},
    )
    draft["totals"][0]["amount"] += 30
    lost = report(draft, group_by=["label:team"]).currencies[0].unallocated
    assert lost is not None
    assert those(lost.adjustments, lost.unitemized) == (100, 30)
    assert those(*lost.clusters) == (("tutorial", 6), ("hack-week", 4))
    assert report(draft, group_by=[]).currencies[0].unallocated is None


def test_a_month_unlike_its_neighbours_stands_out_with_its_cause_and_a_step_does_not() -> None:
    amounts = {"2026-04": 100, "2026-05": 110, "2026-06": 105, "2026-07": 250, "2026-08": 104, "2026-09": 108}
    bills = [
        bill(month, cluster("a", ("Compute", 1, "HOURS", 60), ("Restore", 1, "GIB", amount - 60)))
        for month, amount in amounts.items()
    ]
    found = report(*bills).currencies[0].standouts
    assert [(one.period, one.usual, one.description) for one in found] == [("2026-07", Decimal("106.5"), "Restore")]
    step = [
        bill(f"2026-{month:02d}", cluster("a", ("Compute", 1, "HOURS", 100 if month < 6 else 220)))
        for month in range(2, 11)
    ]
    assert report(*step).currencies[0].standouts == []


@pytest.mark.parametrize(("day", "states"), [(2, ["unknown", "over"]), (16, ["forecast_over", "over"])])
def test_budgets_are_judged_once_and_not_in_the_first_days(day: int, states: list[str]) -> None:
    model = report(
        bill("2026-11", cluster("a", ("Compute", 1, "HOURS", 100))),
        now=NOW.replace(day=day),
        budgets=[{"amount": 150}, {"amount": 90, "name": "Small"}],
    )
    assert [budget.state for budget in model.budgets] == states
    assert (model.currencies[0].low is None) == (day == 2)


def test_the_first_days_explain_the_last_full_month() -> None:
    months = [bill(month, cluster("a", ("Compute", 1, "HOURS", 5))) for month in ("2026-09", "2026-10", "2026-11")]
    assert report(*months, now=NOW.replace(day=1)).compared == Comparison("2026-10", "2026-09", ahead=False)


def test_a_refund_that_is_usage_narrows_the_range_of_all() -> None:
    refunded = bill("2026-11", cluster("a", ("C", 1, "H", 1000)), cluster("b", ("Refund", 1, "H", -600)))
    one = report(refunded, budgets=[{"amount": 790}])
    answer = asked([refunded], ["cluster"], NOW)
    several = build([Source("acme", answer)], Options("All", ["cluster"], None, [{"amount": 790}]), NOW)
    for model in (one, several):
        (books,), (budget,) = model.currencies, model.budgets
        assert those(books.low, books.high) == those(budget.low, budget.high) == (750, 800)
        assert budget.state == "at_risk"


def test_last_month_is_compared_with_the_one_before_it_which_counts_nowhere_else() -> None:
    months = [bill("2026-10", cluster("a", ("C", 1, "H", 5))), bill("2026-11", cluster("a", ("C", 1, "H", 8)))]
    months[1]["status"] = "FINALIZED"
    model = report(*months, now=DECEMBER, first="2026-11")
    books = model.currencies[0]
    assert (model.months, model.invoices, model.first, model.as_of) == (1, 1, "2026-11", "2026-11-30")
    assert those(books.spent, books.before, books.total) == (8, 5, 8)
    assert books.movers is not None
    assert books.movers.total.change == 3


def of_several(*failures: str, budgets: t.Sequence[dict[str, t.Any]] = ()) -> Model:
    sources = [
        Source(name, asked([bill("2026-11", cluster("a", ("Compute", 1, "HOURS", amount)))], [], NOW))
        for name, amount in (("acme", 100), ("globex", 50))
    ]
    sources += [Source(name, None, "no key") for name in failures]
    return build(sources, Options("All", [], None, budgets), NOW)


def test_several_organizations_are_added_up_and_judged_together() -> None:
    model = of_several(budgets=[{"amount": 290}, {"amount": 400}])
    books = model.currencies[0]
    assert books.spent == 150
    assert [group.key for group in books.groups] == [["acme"], ["globex"]]
    assert [those(budget.spent, budget.state) for budget in model.budgets] == [(150, "at_risk"), (150, "within")]
    with pytest.raises(OptionsError, match="has 'cluster', by which the organizations are not grouped"):
        of_several(budgets=[{"amount": 5, "group": {"cluster": "a"}}])


def test_there_is_no_verdict_while_an_organization_is_missing() -> None:
    model = of_several("umbrella", budgets=[{"amount": 60000}, {"amount": 100}])
    assert model.failures == {"umbrella": "no key"}
    assert [budget.state for budget in model.budgets] == ["unknown", "over"]
    assert (model.currencies[0].low, model.currencies[0].high) == (None, None)
    assert "within budget" not in page(model)


def test_sources_that_cannot_be_used_are_refused() -> None:
    result = asked([bill("2026-11")], [], NOW)
    with pytest.raises(OptionsError, match="one and two have the same invoices"):
        read_sources([{"name": "one", "result": result}, {"name": "two", "result": result}], [])
    with pytest.raises(OptionsError, match=r"result of one has no breakdowns.parts.*'breakdowns: \{"):
        read_sources([{"name": "one", "result": {**result, "breakdowns": {}}}], [])
    with pytest.raises(IncompleteError, match=r"no report was written\. HTTP 401"):
        read_sources([{"name": "one", "result": {"failed": True, "msg": "HTTP 401"}}], [])
    empty, failed = {"name": "one", "result": {**result, "invoices": []}}, {"name": "two", "failure": "HTTP 401"}
    with pytest.raises(IncompleteError, match=r"No organization has an invoice of .* no report was written\. HTTP 401"):
        read_sources([empty, failed], [])
    assert len(read_sources([empty, failed, {"name": "three", "result": result}], [])) == 3


def test_it_is_the_same_all_day_and_in_any_order() -> None:
    bills = many(12)
    texts = set()
    for hour in (1, 23):
        for order in (1, -1):
            model = report(*bills[::order], now=NOW.replace(hour=hour), budgets=[{"amount": 700}])
            texts.add((as_json(model), page(model)))
    assert len(texts) == 1


def test_the_data_is_the_model_and_its_amounts_are_numbers() -> None:
    model = report(*many(3), credit_rate=0.9)
    data = json.loads(as_json(model))
    assert data["currencies"][0]["spent"] == float(model.currencies[0].spent)
    assert data["compared"] == {"period": "2026-11", "before": "2026-10", "ahead": True}
    assert data["credit_rate"] == 0.9


@pytest.mark.parametrize("status", ["DRAFT", "FINALIZED"])
def test_an_invoice_that_says_little_is_a_report_all_the_same(status: str) -> None:
    bare = {"invoice_id": "x", "status": status}
    assert page(report(bare)).count("No invoices yet") == 1
    stated = {"totals": [{"amount": 10, "currency": None}], "period_start": "2026-11-01T00:00:00Z"}
    text = page(report({**bare, **stated}))
    assert "Not itemized" in text
    assert "10.00" in text
    assert page(report()).count("No invoices yet") == 1


@pytest.mark.parametrize(
    ("named", "nobody", "roles"),
    [(7, True, [7, 0, 1]), (8, False, [7, 1, 0]), (8, True, [6, 1, 1]), (7, False, [7, 0, 0])],
)
def test_at_most_seven_groups_have_a_colour_of_their_own(named: int, nobody: bool, roles: list[int]) -> None:
    amounts: dict[t.Any, list[Decimal]] = {(f"team-{number}",): [Decimal(number + 1)] for number in range(named)}
    if nobody:
        amounts[(None,)] = [Decimal(5)]
    found = [one.role for one in _stack(amounts)]
    assert [found.count(role) for role in ("named", "others", "none")] == roles
