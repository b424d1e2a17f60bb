# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cost_info module, over a real socket: how it asks, what it returns, and what it warns of."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._api import KEY, Api
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._ask import at, values
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._data import (
    CREDITS,
    adjustment,
    bill,
    draft,
    item,
    line,
    money,
)
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._run import (
    ModuleResult,
    as_controller_shows,
    run_module,
    run_python,
    time_at,
)

MODULE = "ansible_collections.cockroachdb_cloud.billing.plugins.modules.cost_info"
REFUSED = {"reason": "options", "status": None, "code": None, "message": None, "attempts": 0}
RESULTS = {"costs", "breakdowns", "totals", "invoices", "forecast", "budgets"}
RESULTS |= {"reconciliation", "balances", "adjustments"}
JANUARY = bill("2026-01", item("core", 0.1, 0.2, labels={"team": "core"}), item("web", 2, labels={"team": "web"}))


def run(api: Api, **options: t.Any) -> ModuleResult:
    return run_module("cost_info", {"api_key": KEY, "api_url": api.url, "retries": 0, **options})


def warnings_of(api: Api, answer: t.Any, **options: t.Any) -> list[str]:
    """Run the module as its own program, and return the warnings of its result."""
    api.expect(answer=answer)
    parameters = {"api_key": KEY, "api_url": api.url, "retries": 0, **options}
    ended = run_python("-m", MODULE, text=json.dumps({"ANSIBLE_MODULE_ARGS": parameters}))
    assert (ended.returncode, ended.stderr) == (0, ""), ended.stdout
    warnings = json.loads(as_controller_shows(ended.stdout)).get("warnings", [])
    # Since ansible-core 2.19 a warning is more than its text.
    return [t.cast("str", entry if isinstance(entry, str) else entry["event"]["msg"]) for entry in warnings]


@pytest.mark.parametrize("check_mode", [False, True])
def test_everything_is_returned_from_one_fetch(check_mode: bool, api: Api) -> None:
    api.expect(answer={"invoices": [JANUARY]})
    data = run_module("cost_info", {"api_key": KEY, "api_url": api.url}, check_mode=check_mode).data
    assert set(data) - {"invocation"} == RESULTS | {"changed"}
    assert data["changed"] is False
    assert data["costs"] == [{"period": "2026-01", "currency": "USD", "amount": 2.3}]
    assert data["totals"] == [{"currency": "USD", "amount": 2.3}]
    assert data["invoices"] == [{"invoice_id": "inv-2026-01", "period": "2026-01", "status": "FINALIZED"}]
    assert values(data["reconciliation"], "difference", "reconciled") == [(0.0, True)]


def test_every_option_at_once(api: Api) -> None:
    """A draft of the present month, in USD and in credits, beside two months that are over."""
    now = draft(
        "2026-03",
        item("core", 30, line(10, CREDITS), labels={"team": "core"}),
        adjustments=[adjustment(-7)],
        balances=[money(100, CREDITS)],
    )
    api.expect(answer={"invoices": [now, JANUARY, bill("2026-02", item("core", 60, labels={"team": "core"}))]})
    with time_at(at("2026-03-17"), "module_utils._cost_info"):
        data = run(
            api,
            period="2026-02..2026-03",
            group_by=["period", "label:team"],
            credit_rate=0.9,
            compare="previous",
            breakdowns={"kinds": "kind", "all": []},
            budgets=[{"amount": 50}, {"amount": 70, "name": "core", "group": {"label:team": "core"}}],
            require=["invoices", "months", "labels"],
        ).data
    assert values(data["costs"], "period", "label:team", "amount", "previous", "change") == [
        ("2026-02", "core", 60.0, 0.3, 59.7),
        ("2026-02", "web", 0.0, 2.0, -2.0),
        ("2026-03", "core", 39.0, 60.0, 75.5625 - 60),
        ("2026-03", None, -7.0, None, None),
    ]
    assert values(data["forecast"], "label:team", "spent", "projected") == [("core", 39.0, 75.5625), (None, -7.0, -7.0)]
    assert values(data["budgets"], "name", "spent", "projected", "state") == [
        (None, 32.0, 68.5625, "forecast_over"),
        ("core", 39.0, 75.5625, "forecast_over"),
    ]
    assert {name: values(rows) for name, rows in data["breakdowns"].items()} == {
        "kinds": [("adjustment", "USD", -7.0), ("usage", "USD", 99.0)],
        "all": [("USD", 92.0)],
    }
    assert data["totals"] == [{"currency": "USD", "amount": 92.0}]
    assert values(data["balances"], "currency", "amount", "monthly") == [(CREDITS, 100.0, None)]
    assert values(data["adjustments"], "name", "amount") == [("Credit", -7.0)]
    assert [row["period"] for row in data["invoices"]] == ["2026-02", "2026-03"]


def test_a_month_that_is_over_is_compared_as_it_is(api: Api) -> None:
    api.expect(answer={"invoices": [JANUARY, draft("2026-02", item("core", 4.6))]})
    data = run(api, period="2026-02", compare="previous").data
    assert values(data["costs"]) == [("2026-02", "USD", 4.6, 2.3, 2.3, 100.0)]


def test_labels_that_are_named_like_fields(api: Api) -> None:
    """The keys of labels come from outside."""
    labels = {"invoice_items": "x", "period_start": "y", "invoices": "z"}
    api.expect(answer={"invoices": [bill("2026-01", item("core", 1, labels=labels))]})
    data = run(api, period="2026-01", group_by=["label:invoice_items"]).data
    assert data["costs"] == [{"label:invoice_items": "x", "currency": "USD", "amount": 1.0}]


# Warnings, and what is required


def test_what_looks_wrong_is_a_warning_of_the_result(api: Api) -> None:
    """Both what is wrong with the answer of the API, and what is wrong with the costs."""
    sent_twice, no_label = warnings_of(api, {"invoices": [JANUARY, JANUARY]}, group_by=["label:tema"])
    assert sent_twice == "Left out of the invoices: 1 that the API sent twice."
    assert no_label == "No cluster has the label 'tema'. The labels are team."


def test_what_is_in_order_warns_of_nothing(api: Api) -> None:
    assert warnings_of(api, {"invoices": [JANUARY]}, period="2026-01", group_by=["label:team"]) == []


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (
            {"require": ["invoices"], "period": "2026-02"},
            "There is no invoice of this selection: the newest one is of 2026-01 (FINALIZED).",
        ),
        ({"require": ["months"], "period": "2025-12..2026-01"}, "There is no invoice for 2025-12."),
        ({"require": ["final"]}, "An invoice is still a draft: 2026-01."),
        (
            {"require": ["labels"], "breakdowns": {"a": ["label:tema"]}},
            "No cluster has the label 'tema'. The labels are team.",
        ),
    ],
)
def test_what_is_required_and_not_there_is_a_failure(options: dict[str, t.Any], text: str, api: Api) -> None:
    status = "DRAFT" if options["require"] == ["final"] else "FINALIZED"
    api.expect(answer={"invoices": [{**JANUARY, "status": status}]})
    result = run(api, **options)
    assert (result.exit_code, result.data["msg"]) == (1, text)
    assert result.data["failure"]["reason"] == "incomplete"
    assert not RESULTS & set(result.data)


# What is refused


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"group_by": ["team"]}, ["group_by", "'team'", "label:<name>"]),
        ({"credit_rate": 0}, ["credit_rate", "above 0"]),
        ({"compare": "previous", "group_by": ["cluster"]}, ["compare", "period"]),
        ({"breakdowns": {"a": ["colour"]}}, ["breakdowns.a", "'colour'"]),
        ({"budgets": [{"amount": -1}]}, ["budgets[0].amount", "above 0"]),
        ({"budgets": [{"amount": 1, "limit": 2}]}, ["budgets", "limit"]),
        ({"detail": "totals"}, ["Unsupported", "detail"]),
        ({"require": ["labels"]}, ["require", "labels"]),
    ],
)
def test_bad_options_fail_before_any_call(api: Api, options: dict[str, t.Any], words: list[str]) -> None:
    result = run(api, **options)
    assert result.exit_code == 1
    assert all(word in result.data["msg"] for word in words), result.data["msg"]
    assert result.data["failure"] == REFUSED
    assert api.connections == 0


def test_an_amount_that_is_no_number_names_the_invoice(api: Api) -> None:
    api.expect(answer={"invoices": [bill("2026-01", totals=[], invoice_items=[item("core", line("1.00"))])]})
    data = run(api).data
    assert "inv-2026-01" in data["msg"]
    assert (data["failure"]["reason"], data["failure"]["attempts"]) == ("response", 1)


def test_what_the_api_refuses(api: Api) -> None:
    api.expect(status=403, answer={"code": 7, "message": "missing role"})
    expected = {"reason": "permission", "status": 403, "code": 7, "message": "missing role", "attempts": 1}
    assert run(api).data["failure"] == expected
