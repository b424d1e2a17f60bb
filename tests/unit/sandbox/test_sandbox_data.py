# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The organization behind the sandbox: believable, exact, and the same for the same seed."""

from __future__ import annotations

import statistics
import time
import typing as t
from decimal import Decimal
from itertools import pairwise

import pytest
from billing_sandbox import Sandbox

from ansible_collections.cockroachdb_cloud.billing.tests.unit.sandbox._call import call, exact

CREDITS = "CRDB_CLOUD_CREDITS"
TODAY = "2026-11-23"


def invoices(key: str = "sandbox-key", **options: t.Any) -> list[dict[str, t.Any]]:
    sandbox = Sandbox(**{"today": TODAY, **options})
    try:
        return sandbox.invoices(key)
    finally:
        sandbox.stop()


@pytest.fixture(scope="module")
def history() -> list[dict[str, t.Any]]:
    return invoices()


def clusters(history: list[dict[str, t.Any]]) -> list[dict[str, t.Any]]:
    """The last known state of every cluster."""
    return list({item["cluster"]["id"]: item["cluster"] for one in history for item in one["invoice_items"]}.values())


def spent(invoice: dict[str, t.Any]) -> Decimal:
    """Usage in all currencies: fit to compare sizes, and for nothing else."""
    lines = [line["total"] for item in invoice["invoice_items"] for line in item["line_items"]]
    return sum(exact(lines).values(), Decimal(0))


def assert_adds_up(invoice: dict[str, t.Any]) -> None:
    for item in invoice["invoice_items"]:
        assert exact(item["totals"]) == exact(line["total"] for line in item["line_items"])
    lines = [line["total"] for item in invoice["invoice_items"] for line in item["line_items"]]
    adjusted = exact([*lines, *(one["amount"] for one in invoice["adjustments"])])
    assert exact(invoice["totals"]) == (adjusted or {"USD": Decimal(0)})


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"seed": 7},
        {"months": 1, "clusters": 1},
        {"months": 2, "clusters": 3, "lines": 1},
        {"months": 8, "clusters": 45, "lines": 17},
        {"months": 3, "clusters": 0},
        {"today": "2024-02-29"},
        {"today": "2026-01-01T00:00:00Z"},
    ],
    ids=str,
)
def test_every_invoice_adds_up(options: dict[str, t.Any]) -> None:
    for key in ("sandbox-key", "sandbox-key-hostile", "sandbox-key-blue"):
        for invoice in invoices(key, **options):
            assert_adds_up(invoice)


def test_lines_cost_quantity_times_unit_cost(history: list[dict[str, t.Any]]) -> None:
    lines = [line for one in history for item in one["invoice_items"] for line in item["line_items"]]
    for line in lines:
        product = Decimal(repr(line["quantity"])) * Decimal(repr(line["unit_cost"]))
        assert abs(product - Decimal(repr(line["total"]["amount"]))) <= Decimal("0.00005")
    assert len(lines) > 800


def test_periods_are_months_and_the_last_one_is_the_draft(history: list[dict[str, t.Any]]) -> None:
    assert len(history) == 14
    assert history[0]["period_start"] == "2025-10-01T00:00:00Z"
    assert history[-1]["period_start"] == "2026-11-01T00:00:00Z"
    assert history[-1]["period_end"] == "2026-12-01T00:00:00Z"
    assert all(one["period_end"] == next_one["period_start"] for one, next_one in pairwise(history))
    assert [one["status"] for one in history] == ["FINALIZED"] * 13 + ["DRAFT"]


def test_same_seed_same_data_and_another_seed_other_data() -> None:
    assert invoices(seed=3, months=3) == invoices(seed=3, months=3)
    one, other = invoices(seed=3, months=3), invoices(seed=4, months=3)
    assert {invoice["invoice_id"] for invoice in one}.isdisjoint(invoice["invoice_id"] for invoice in other)
    assert one[1]["totals"] != other[1]["totals"]


def test_ids_do_not_depend_on_the_length_of_the_history(history: list[dict[str, t.Any]]) -> None:
    ids = {one["period_start"]: one["invoice_id"] for one in history}
    assert len(set(ids.values())) == 14
    for invoice in invoices(months=5):
        assert invoice["invoice_id"] == ids[invoice["period_start"]]


def test_the_draft_grows_and_nothing_else_changes() -> None:
    early, late = invoices(today="2026-11-05", months=6), invoices(today="2026-11-25", months=6)
    assert early[:-1] == late[:-1]
    assert Decimal("4.2") < spent(late[-1]) / spent(early[-1]) < Decimal("6.5")


def test_the_first_moment_of_a_month_has_a_draft_without_usage() -> None:
    draft = invoices(today="2026-11-01T00:00:00Z", months=4)[-1]
    assert draft["status"] == "DRAFT"
    assert draft["invoice_items"] == []
    assert draft["totals"] == [{"amount": 0, "currency": "USD"}]


def test_sizes_are_as_asked_for() -> None:
    history = invoices(months=4, clusters=30, lines=11)
    assert len(history) == 4
    assert len(clusters(history)) == 30
    for invoice in history:
        for item in invoice["invoice_items"]:
            running = item["cluster"]["state"] == "CREATED"
            assert len(item["line_items"]) == 11 if running else 1
            assert len({line["description"] for line in item["line_items"]}) == len(item["line_items"])


def test_no_months_no_invoices() -> None:
    assert invoices(months=0) == []


def test_items_are_sorted_by_cluster_name(history: list[dict[str, t.Any]]) -> None:
    for invoice in history:
        names = [item["cluster"]["name"] for item in invoice["invoice_items"]]
        assert names == sorted(names)
        assert len(names) == len(set(names))


def test_there_is_something_of_everything(history: list[dict[str, t.Any]]) -> None:
    known = clusters(history)
    assert {one["plan"] for one in known} == {"BASIC", "STANDARD", "ADVANCED"}
    assert {one["cloud_provider"] for one in known} == {"AWS", "GCP", "AZURE"}
    assert {len(one["regions"]) for one in known} >= {1, 2, 3}
    assert any(one["labels"] == {} for one in known)
    assert any(set(one["labels"]) == {"team", "env", "cost_center"} for one in known)
    assert any(one["parent_id"] == "root" for one in known)
    units = {line["quantity_unit"] for one in history for item in one["invoice_items"] for line in item["line_items"]}
    assert units == {"HOURS", "REQUEST_UNITS", "GIB", "GIB_HOURS", "VCPU_HOURS"}


def test_deleted_clusters_bill_their_backups(history: list[dict[str, t.Any]]) -> None:
    deleted = [item for item in history[-1]["invoice_items"] if item["cluster"]["state"] == "DELETED"]
    assert [item["cluster"]["name"] for item in deleted] == ["legacy-orders", "load-test-2"]
    for item in deleted:
        assert item["cluster"]["deleted_at"] < history[-1]["period_start"]
        assert [line["description"] for line in item["line_items"]] == ["Managed backup storage"]
        assert item["totals"][0]["amount"] > 0
    running = [item for item in history[0]["invoice_items"] if item["cluster"]["name"] == "legacy-orders"]
    assert running[0]["cluster"]["state"] == "CREATED"
    assert "deleted_at" not in running[0]["cluster"]


def test_one_cluster_can_bill_two_currencies(history: list[dict[str, t.Any]]) -> None:
    currencies = [{money["currency"] for money in item["totals"]} for item in history[-1]["invoice_items"]]
    assert {"USD", CREDITS} in currencies
    assert {"USD"} in currencies
    assert {CREDITS} in currencies


def test_some_usage_is_free(history: list[dict[str, t.Any]]) -> None:
    lines = [line for one in history for item in one["invoice_items"] for line in item["line_items"]]
    free = [line for line in lines if line["total"]["amount"] == 0 and line["quantity"] > 0]
    assert len(free) > 50
    # An older contract shows metered usage without charging it, until it is renewed.
    first, last = history[2], history[-1]
    assert _unit_cost(first, "payments-ledger-prod", "Change data capture") == 0
    assert _unit_cost(last, "payments-ledger-prod", "Change data capture") > 0


def _unit_cost(invoice: dict[str, t.Any], cluster: str, description: str) -> float:
    item = next(one for one in invoice["invoice_items"] if one["cluster"]["name"] == cluster)
    return t.cast(float, next(line["unit_cost"] for line in item["line_items"] if line["description"] == description))


def test_adjustments_have_both_signs(history: list[dict[str, t.Any]]) -> None:
    amounts: dict[str, set[bool]] = {}
    for invoice in history:
        for one in invoice["adjustments"]:
            amounts.setdefault(one["name"], set()).add(one["amount"]["amount"] > 0)
    assert amounts == {"Basic Free Credit": {False}, "Premium Support": {True}, "Service Credit": {False}}


def test_credits_run_down_and_are_bought_again_after_a_year(history: list[dict[str, t.Any]]) -> None:
    bought = []
    for before, after in pairwise(history):
        used = exact(after["totals"])[CREDITS]
        gained = exact(after["balances"])[CREDITS] - exact(before["balances"])[CREDITS] + used
        if gained:
            bought.append((after["period_start"], gained))
    assert [month for month, _gained in bought] == ["2026-10-01T00:00:00Z"]
    assert bought[0][1] % 1000 == 0
    assert all(one["balances"][0]["amount"] > 0 for one in history)


@pytest.mark.parametrize("day", [1, 20])
@pytest.mark.parametrize("months", [1, 2, 12, 13, 26])
def test_credits_are_never_overdrawn(months: int, day: int) -> None:
    for seed in range(2):
        history = invoices(months=months, today=f"2026-12-{day:02d}", seed=seed)
        assert all(money["amount"] > 0 for one in history for money in one["balances"])


def test_one_month_stands_out_and_the_rest_grows(history: list[dict[str, t.Any]]) -> None:
    amounts = [spent(one) for one in history[:-1]]
    highest = max(amounts)
    assert history[amounts.index(highest)]["period_start"] == "2026-07-01T00:00:00Z"
    assert highest > Decimal("1.5") * sorted(amounts)[-2]
    assert statistics.mean(amounts[-3:]) > Decimal("1.5") * statistics.mean(amounts[:3])


def test_folders_nest_and_name_every_parent(history: list[dict[str, t.Any]]) -> None:
    for invoice in history:
        resources = invoice["folder_resources"]
        folders = {one["resource_id"]: one for one in resources if one["resource_type"] == "FOLDER"}
        assert {one["organization_id"] for one in resources} == {resources[0]["organization_id"]}
        for one in resources:
            parents = [segment["id"] for segment in one["path"]]
            assert one["parent_id"] == (parents[-1] if parents else "root")
            assert [segment["name"] for segment in one["path"]] == [folders[parent]["name"] for parent in parents]
        for item in invoice["invoice_items"]:
            assert item["cluster"]["parent_id"] in {"root", *folders}
    assert max(len(one["path"]) for one in history[-1]["folder_resources"]) == 2


def test_a_cluster_moves_to_another_folder(history: list[dict[str, t.Any]]) -> None:
    names = {one["resource_id"]: one["name"] for one in history[-1]["folder_resources"]}
    parents = [
        names[item["cluster"]["parent_id"]]
        for one in history
        for item in one["invoice_items"]
        if item["cluster"]["name"] == "telemetry"
    ]
    assert parents[0] == "sandbox"
    assert parents[-1] == "platform"
    assert parents == sorted(parents, reverse=True)


def test_further_organizations_are_others() -> None:
    main, blue, green = invoices(), invoices("sandbox-key-blue"), invoices("sandbox-key-green")
    assert blue == invoices("sandbox-key-blue")
    organizations = [{one["folder_resources"][0]["organization_id"] for one in each} for each in (main, blue, green)]
    assert [len(ids) for ids in organizations] == [1, 1, 1]
    assert len(set.union(*organizations)) == 3
    ids = [one["invoice_id"] for each in (main, blue, green) for one in each]
    assert len(ids) == len(set(ids))
    sizes = {
        (len(invoices(f"sandbox-key-{name}")), len(clusters(invoices(f"sandbox-key-{name}")))) for name in "abcdef"
    }
    assert len(sizes) >= 4


def test_the_hostile_organization_is_hostile_everywhere() -> None:
    history = invoices("sandbox-key-hostile")
    items = [item for one in history for item in one["invoice_items"]]
    names = {item["cluster"]["name"] for item in items}
    assert any(name.startswith("<script>") for name in names)
    assert any(name.startswith("=") for name in names)
    assert any("数据库" in name for name in names)
    assert any("{{" in value for item in items for value in item["cluster"]["labels"].values())
    assert any(line["description"].startswith("@SUM") for item in items for line in item["line_items"])
    assert len(names) == 12


def test_a_hundred_clusters_over_ten_years_are_twenty_megabytes_and_served_at_once() -> None:
    seconds = []
    with Sandbox(clusters=100, months=120, lines=10, today=TODAY) as sandbox:
        sandbox.prepare()
        for _attempt in range(3):
            started = time.perf_counter()
            body = call(sandbox.url).body
            seconds.append(time.perf_counter() - started)
            assert 18e6 < len(body) < 25e6
            assert body.count(b'"invoice_id"') == 120
    # Loopback alone takes some hundredths of a second; generating it again would take seconds.
    assert min(seconds) < 0.5
