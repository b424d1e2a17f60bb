# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cost_info module, over a real socket."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._api import KEY, Api
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._run import ModuleResult, run_module

FAILURE = {"reason": "options", "status": None, "code": None, "message": None, "attempts": 0}


def invoice(month: str, lines: t.Mapping[str, t.Sequence[float]], *, status: str = "FINALIZED") -> dict[str, t.Any]:
    """Return an invoice in USD with line items of these amounts for each team, that adds up."""
    year, number = (int(part) for part in month.split("-"))
    end = f"{year + 1}-01" if number == 12 else f"{year}-{number + 1:02d}"
    items = [
        {
            "cluster": {"id": f"id-{team}", "name": f"{team}-prod", "labels": {"team": team}},
            "totals": [{"amount": sum(amounts), "currency": "USD"}],
            "line_items": [
                {
                    "description": "Compute",
                    "quantity": 1,
                    "quantity_unit": "VCPU_HOURS",
                    "unit_cost": amount,
                    "total": {"amount": amount, "currency": "USD"},
                }
                for amount in amounts
            ],
        }
        for team, amounts in lines.items()
    ]
    return {
        "invoice_id": f"invoice-{month}",
        "status": status,
        "period_start": f"{month}-01T00:00:00Z",
        "period_end": f"{end}-01T00:00:00Z",
        "totals": [{"amount": round(sum(map(sum, lines.values())), 2), "currency": "USD"}],
        "balances": [],
        "invoice_items": items,
    }


def run(api: Api, **options: t.Any) -> ModuleResult:
    return run_module("cost_info", {"api_key": KEY, "api_url": api.url, "retries": 0, **options})


def test_sums_are_exact_where_doubles_are_not(api: Api) -> None:
    api.expect(answer={"invoices": [invoice("2026-01", {"core": [0.1, 0.2]})]})
    data = run(api).data
    assert data["costs"] == [{"period": "2026-01", "currency": "USD", "amount": 0.3}]
    assert data["totals"] == [{"currency": "USD", "amount": 0.3}]
    assert data["changed"] is False


def test_reconciliation_and_forecast(api: Api) -> None:
    answer = [invoice("2026-01", {"core": [1.0]}), invoice("2026-02", {"core": [2.0]}, status="DRAFT")]
    answer[0]["totals"][0]["amount"] = 1.5
    api.expect(answer={"invoices": answer})
    data = run(api, group_by=[]).data
    assert data["costs"] == [{"currency": "USD", "amount": 3.0}]
    assert [row["difference"] for row in data["reconciliation"]] == [0.5, 0.0]
    # February 2026 is over whenever this runs, so that the draft is at its end.
    assert data["forecast"] == [
        {
            "invoice_id": "invoice-2026-02",
            "period": "2026-02",
            "currency": "USD",
            "spent": 2.0,
            "elapsed": 1.0,
            "projected": 2.0,
        }
    ]


def test_a_label_is_a_key_spelled_as_given(api: Api) -> None:
    api.expect(answer={"invoices": [invoice("2026-01", {"core": [1.0], "web": [2.0]})]})
    assert run(api, group_by=["label:team", "kind"]).data["costs"] == [
        {"label:team": "core", "kind": "usage", "currency": "USD", "amount": 1.0},
        {"label:team": "web", "kind": "usage", "currency": "USD", "amount": 2.0},
    ]


def test_the_month_before_the_period_is_known(api: Api) -> None:
    api.expect(
        answer={
            "invoices": [
                invoice("2026-03", {"core": [30.0]}),
                invoice("2026-02", {"core": [20.0], "gone": [5.0]}),
                invoice("2026-01", {"core": [10.0]}),
            ]
        }
    )
    data = run(api, period="2026-03", group_by=["period", "label:team"], compare="previous").data
    assert data["costs"] == [
        {
            "period": "2026-03",
            "label:team": "core",
            "currency": "USD",
            "amount": 30.0,
            "previous": 20.0,
            "change": 10.0,
            "change_percent": 50.0,
        },
        {
            "period": "2026-03",
            "label:team": "gone",
            "currency": "USD",
            "amount": 0.0,
            "previous": 5.0,
            "change": -5.0,
            "change_percent": -100.0,
        },
    ]
    assert [row["period"] for row in data["reconciliation"]] == ["2026-03"]
    assert data["totals"] == [{"currency": "USD", "amount": 30.0}]


def test_a_period_does_not_take_in_the_month_before(api: Api) -> None:
    api.expect(answer={"invoices": [invoice("2026-01", {"core": [10.0]}), invoice("2026-02", {"core": [20.0]})]})
    assert [row["period"] for row in run(api, period="2026-02").data["costs"]] == ["2026-02"]


def test_ids_are_fetched_one_by_one(api: Api) -> None:
    for month in ("2026-02", "2026-01"):
        api.expect(path=f"/api/v1/invoices/invoice-{month}", answer=invoice(month, {"core": [1.5]}))
    data = run(api, invoice_id=["invoice-2026-02", "invoice-2026-01"]).data
    assert [row["period"] for row in data["costs"]] == ["2026-01", "2026-02"]


def test_a_credit_rate_turns_credits_into_usd(api: Api) -> None:
    answer = invoice("2026-01", {"core": [1.0]})
    answer["invoice_items"][0]["line_items"].append({"total": {"amount": 10.0, "currency": "CRDB_CLOUD_CREDITS"}})
    api.expect(answer={"invoices": [answer]})
    assert run(api, credit_rate=0.9).data["totals"] == [{"currency": "USD", "amount": 10.0}]


def test_no_invoices(api: Api) -> None:
    api.expect(answer={})
    data = run(api).data
    assert [data[key] for key in ("costs", "totals", "reconciliation", "forecast")] == [[], [], [], []]


def test_check_mode(api: Api) -> None:
    api.expect(answer={"invoices": [invoice("2026-01", {"core": [1.0]})]})
    result = run_module("cost_info", {"api_key": KEY, "api_url": api.url}, check_mode=True)
    assert result.data["totals"] == [{"currency": "USD", "amount": 1.0}]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"group_by": ["team"]}, ["group_by", "'team'", "label:<name>"]),
        ({"group_by": ["label:"]}, ["group_by", "'label:'", "label:team"]),
        ({"group_by": ["period", "period"]}, ["group_by", "'period'"]),
        ({"credit_rate": -1}, ["credit_rate"]),
        ({"credit_rate": "much"}, ["credit_rate"]),
        ({"compare": "previous", "group_by": ["cluster"]}, ["compare", "period"]),
        ({"compare": "next"}, ["compare", "previous"]),
        ({"detail": "totals"}, ["Unsupported", "detail"]),
        ({"require": ["labels"]}, ["require", "labels"]),
        ({"period": "yesterday"}, ["period", "last_month"]),
    ],
)
def test_bad_options_fail_before_any_call(api: Api, options: dict[str, t.Any], words: list[str]) -> None:
    result = run(api, **options)
    assert result.exit_code == 1
    assert all(word in result.data["msg"] for word in words), result.data["msg"]
    assert result.data["failure"] == FAILURE


def test_an_amount_that_is_no_number_names_the_invoice(api: Api) -> None:
    answer = invoice("2026-01", {"core": [1.0]})
    answer["invoice_items"][0]["line_items"][0]["total"]["amount"] = "1.00"
    api.expect(answer={"invoices": [answer]})
    result = run(api)
    assert "invoice-2026-01" in result.data["msg"]
    assert result.data["failure"]["reason"] == "response"


def test_what_the_api_refuses(api: Api) -> None:
    api.expect(status=403, answer={"code": 7, "message": "missing role"})
    result = run(api)
    assert result.data["failure"] == {
        "reason": "permission",
        "status": 403,
        "code": 7,
        "message": "missing role",
        "attempts": 1,
    }
