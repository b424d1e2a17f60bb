# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rows in the layout of FOCUS, held against what the specification asks of their columns."""

from __future__ import annotations

import copy
import decimal
import re
import typing as t

import pytest

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils import _focus
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._errors import OptionsError, ResponseError
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._owners import read_owners

# The mandatory columns of FOCUS 1.4, and what 1.2 has in place of the names of host and service provider.
MANDATORY = {
    *(
        "BilledCost",
        "BillingAccountId",
        "BillingAccountName",
        "BillingCurrency",
        "BillingPeriodEnd",
        "BillingPeriodStart",
    ),
    *("ChargeCategory", "ChargeClass", "ChargeDescription", "ChargePeriodEnd", "ChargePeriodStart", "ContractedCost"),
    *("EffectiveCost", "InvoiceIssuerName", "ListCost", "PricingQuantity", "PricingUnit", "ServiceCategory"),
    "ServiceName",
}
MANDATORY_BY_VERSION = {"1.2": {"ProviderName", "PublisherName"}, "1.4": {"HostProviderName", "ServiceProviderName"}}
NEVER_NULL = MANDATORY - {"BillingAccountName", "ChargeClass", "ChargeDescription", "PricingQuantity", "PricingUnit"}
CREDITS = "CRDB_CLOUD_CREDITS"
TIMES = {"BillingPeriodEnd", "BillingPeriodStart", "ChargePeriodEnd", "ChargePeriodStart"}


def usage(what: str, quantity: float, unit: str, price: float, cost: float, currency: str = "USD") -> dict[str, t.Any]:
    total = {"amount": cost, "currency": currency}
    return {"description": what, "quantity": quantity, "quantity_unit": unit, "unit_cost": price, "total": total}


def folder(key: str, name: str, labels: dict[str, str], *path: dict[str, str]) -> dict[str, t.Any]:
    return {"resource_id": key, "name": name, "organization_id": "org-1", "path": list(path), "labels": labels}


def adjustment(name: str, amount: float, currency: str = "USD") -> dict[str, t.Any]:
    return {"name": name, "amount": {"amount": amount, "currency": currency}}


@pytest.fixture
def october() -> dict[str, t.Any]:
    orders = {
        "id": "c-orders",
        "name": "orders",
        "plan": "STANDARD",
        "cloud_provider": "AZURE",
        "regions": [{"name": "eastus"}],
        "labels": {"team": "payments", "env": "prod"},
        "parent_id": "f-pay",
    }
    search = {
        "id": "c-search",
        "name": "search",
        "plan": "ADVANCED",
        "cloud_provider": "GCP",
        "regions": [{"name": "us-east1"}, {"name": "us-west1"}],
        "labels": {},
        "parent_id": "root",
    }
    compute = usage("Compute", 2976, "VCPU_HOURS", 0.18, 535.68)
    free = usage("Free tier", 10.5, "GIB", 0.1, 0)
    storage = usage("Storage", 50.0, "GIB_HOURS", 0.25, 12.5, CREDITS)
    return {
        "invoice_id": "inv-1",
        "status": "FINALIZED",
        "period_start": "2026-10-01T00:00:00Z",
        "period_end": "2026-10-31T19:00:00.000-05:00",
        "totals": [{"amount": 535.43, "currency": "USD"}, {"amount": 12.5, "currency": CREDITS}],
        "balances": [],
        "invoice_items": [
            {"cluster": orders, "totals": [], "line_items": [compute, free]},
            {"cluster": search, "totals": [], "line_items": [storage]},
        ],
        "adjustments": [
            adjustment("Free credit", -10.25),
            adjustment("Premium support", 10),
            adjustment("Goodwill", -2, CREDITS),
        ],
        "folder_resources": [
            folder("f-eng", "Engineering", {"team": "engineering", "cost_center": "7"}),
            folder("f-pay", "Payments", {"cost_center": "71"}, {"id": "f-eng", "name": "Engineering"}),
        ],
    }


def rows_of(invoice: t.Any, version: t.Any = "1.2", **options: t.Any) -> list[dict[str, t.Any]]:
    return list(_focus.focus_rows([invoice], version, **{"credit_rate": 0.8, **options}))


@pytest.mark.parametrize("version", ["1.2", "1.4", 1.2, 1.4])
def test_every_row_has_the_columns_of_its_version_in_order(october: dict[str, t.Any], version: t.Any) -> None:
    october["invoice_items"][0]["cluster"]["cloud_provider"] = "DIGITALOCEAN"
    rows = rows_of(october, version, billing_account_id=4711, invoice_issuer="AWS Marketplace")
    columns, parties = _focus.COLUMNS[f"{version}"], MANDATORY_BY_VERSION[f"{version}"]
    assert len(rows) == 6
    assert {tuple(row) for row in rows} == {columns}
    assert MANDATORY | parties <= set(columns)
    assert set(columns) - parties == set(_focus.COLUMNS["1.2"]) - MANDATORY_BY_VERSION["1.2"]
    own = [column for column in columns if column.startswith("x_")]
    assert list(columns) == sorted(set(columns) - set(own)) + own
    assert all(re.fullmatch("(x_)?[A-Z][A-Za-z]{1,49}", column) for column in columns)
    assert {(row["BillingAccountId"], row["InvoiceIssuerName"]) for row in rows} == {("4711", "AWS Marketplace")}
    hosts = [*["DIGITALOCEAN"] * 2, "Google Cloud", *["Not Applicable"] * 3] if f"{version}" == "1.4" else [None] * 6
    assert [row.get("HostProviderName") for row in rows] == hosts


@pytest.mark.parametrize("version", ["1.2", "1.4"])
def test_values_have_the_types_that_the_specification_asks_for(october: dict[str, t.Any], version: str) -> None:
    never_null = NEVER_NULL | MANDATORY_BY_VERSION[version]
    for row in rows_of(october, version):
        assert {column for column in never_null if row[column] is None} == set()
        for column, value in row.items():
            if value is None:
                continue
            if column.endswith(("Cost", "Price", "Quantity")):
                assert value.__class__ is float, column
            elif column in TIMES:
                assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", value), column
            elif column == "Tags":
                assert value.__class__ is dict
                assert list(value) == sorted(value)
            elif column == "x_ListCostEstimated":
                assert value is True
            else:
                assert value.__class__ is str, column


def test_rules_between_columns_hold(october: dict[str, t.Any]) -> None:
    for row in rows_of(october):
        usage = row["ChargeCategory"] == "Usage"
        assert row["ChargeCategory"] in ("Usage", "Credit", "Adjustment")
        assert row["ChargeFrequency"] == ("Usage-Based" if usage else "One-Time")
        assert row["ChargeClass"] is None
        for column in ("ConsumedQuantity", "ConsumedUnit", "PricingQuantity", "PricingUnit", "PricingCategory"):
            assert (row[column] is not None) == usage
        for column in ("ContractedUnitPrice", "ListUnitPrice", "ResourceId", "ResourceName", "ResourceType", "Tags"):
            assert (row[column] is not None) == usage
        assert (row["SubAccountId"] is None) == (row["SubAccountName"] is None) == (row["SubAccountType"] is None)
        assert (row["RegionId"] is None) == (row["RegionName"] is None)
        if usage:
            assert row["ContractedCost"] == row["ContractedUnitPrice"] * row["PricingQuantity"]
            assert row["ListCost"] == row["ListUnitPrice"] * row["PricingQuantity"]
        else:
            assert row["ContractedCost"] == row["ListCost"] == row["BilledCost"]
        assert re.fullmatch("[A-Z]{3}", row["BillingCurrency"])


def test_usage_in_usd(october: dict[str, t.Any]) -> None:
    row = rows_of(october, billing_account_name="Acme")[0]
    prices = ("ContractedUnitPrice", "ListUnitPrice")
    costs = ("BilledCost", "ContractedCost", "EffectiveCost", "ListCost", "PricingCurrencyEffectiveCost")
    assert row == {
        **dict.fromkeys(costs, 535.68),
        **dict.fromkeys([*prices, *(f"PricingCurrency{price}" for price in prices)], 0.18),
        **dict.fromkeys(("ConsumedQuantity", "PricingQuantity"), 2976.0),
        **dict.fromkeys(("ConsumedUnit", "PricingUnit"), "vCPU-Hours"),
        **dict.fromkeys(("BillingCurrency", "PricingCurrency", "x_Currency"), "USD"),
        **dict.fromkeys(("InvoiceIssuerName", "ProviderName", "PublisherName"), "Cockroach Labs"),
        **dict.fromkeys(("BillingPeriodStart", "ChargePeriodStart"), "2026-10-01T00:00:00Z"),
        **dict.fromkeys(("BillingPeriodEnd", "ChargePeriodEnd"), "2026-11-01T00:00:00Z"),
        **dict.fromkeys(("RegionId", "RegionName"), "eastus"),
        "BillingAccountId": "org-1",
        "BillingAccountName": "Acme",
        "BillingAccountType": "Organization",
        "ChargeCategory": "Usage",
        "ChargeClass": None,
        "ChargeDescription": "Compute",
        "ChargeFrequency": "Usage-Based",
        "InvoiceId": "inv-1",
        "PricingCategory": "Standard",
        "ResourceId": "c-orders",
        "ResourceName": "orders",
        "ResourceType": "Cluster",
        "ServiceCategory": "Databases",
        "ServiceName": "CockroachDB Cloud",
        "ServiceSubcategory": "Relational Databases",
        "SubAccountId": "f-pay",
        "SubAccountName": "Payments",
        "SubAccountType": "Folder",
        "Tags": {"team": "payments", "env": "prod", "cost_center": "71"},
        "x_FolderPath": "Engineering/Payments",
        "x_InvoiceStatus": "FINALIZED",
        "x_ListCostEstimated": True,
        "x_Plan": "STANDARD",
    }


def test_usage_from_credits_bills_nothing(october: dict[str, t.Any]) -> None:
    row = rows_of(october)[2]
    shown = {
        column: value for column, value in row.items() if "Cost" in column or "Price" in column or "Curr" in column
    }
    assert shown == {
        "BilledCost": 0.0,
        "BillingCurrency": "USD",
        "ContractedCost": 10.0,
        "ContractedUnitPrice": 0.2,
        "EffectiveCost": 10.0,
        "ListCost": 10.0,
        "ListUnitPrice": 0.2,
        "PricingCurrency": "CRDB_CLOUD_CREDITS",
        "PricingCurrencyContractedUnitPrice": 0.25,
        "PricingCurrencyEffectiveCost": 12.5,
        "PricingCurrencyListUnitPrice": 0.25,
        "x_Currency": "CRDB_CLOUD_CREDITS",
        "x_ListCostEstimated": True,
    }
    assert (row["RegionId"], row["SubAccountId"], row["Tags"]) == (None, None, {})


def test_adjustments(october: dict[str, t.Any]) -> None:
    shown = ("ChargeCategory", "ChargeDescription", "BilledCost", "EffectiveCost", "ResourceId", "Tags", "x_Plan")
    assert [tuple(row[column] for column in shown) for row in rows_of(october)[3:]] == [
        ("Credit", "Free credit", -10.25, -10.25, None, None, None),
        ("Adjustment", "Premium support", 10.0, 10.0, None, None, None),
        ("Credit", "Goodwill", 0.0, -1.6, None, None, None),
    ]


def test_billed_cost_adds_up_to_the_total_in_usd(october: dict[str, t.Any]) -> None:
    billed = sum(decimal.Decimal(str(row["BilledCost"])) for row in rows_of(october))
    assert float(billed) == october["totals"][0]["amount"]


@pytest.mark.parametrize("option", ["billing_account_id", "billing_account_name", "invoice_issuer"])
@pytest.mark.parametrize("value", [True, 1.5, ["acme"], {"id": "acme"}])
def test_options_that_are_no_text_are_refused(october: dict[str, t.Any], option: str, value: t.Any) -> None:
    with pytest.raises(OptionsError, match=f"^{option}: a text is needed"):
        rows_of(october, **{option: value})


@pytest.mark.parametrize("version", ["1.0", 1.3, "focus-1.2", None, "", True, [1.2]])
def test_other_versions_are_refused(version: t.Any) -> None:
    with pytest.raises(OptionsError, match=r"^version: .* Write '1\.2' or '1\.4'"):
        _focus.focus_rows([], version)


def test_an_account_is_needed(october: dict[str, t.Any]) -> None:
    bare = {**october, "invoice_id": "inv-0", "folder_resources": None}
    with pytest.raises(OptionsError, match=r"Invoice inv-0 does not tell its organization.*'billing_account_id'"):
        _focus.focus_rows([bare], "1.2", credit_rate=1)
    rows = list(_focus.focus_rows([bare, october], "1.2", credit_rate=1))
    assert {row["BillingAccountId"] for row in rows} == {"org-1"}
    other = {**copy.deepcopy(october), "invoice_id": "inv-2"}
    for resource in other["folder_resources"]:
        resource["organization_id"] = "org-2"
    rows = list(_focus.focus_rows([october, other], "1.2", credit_rate=1))
    assert [row["BillingAccountId"] for row in rows] == ["org-1"] * 6 + ["org-2"] * 6
    with pytest.raises(OptionsError, match=r"Invoice inv-0 does not tell"):
        _focus.focus_rows([october, bare, other], "1.2", credit_rate=1)


def test_a_rate_is_needed_for_credits_alone(october: dict[str, t.Any]) -> None:
    with pytest.raises(OptionsError, match=r"Invoice inv-1 has amounts in CRDB_CLOUD_CREDITS.*'credit_rate'"):
        rows_of(october, credit_rate=None)
    for parts in ("totals", "invoice_items", "adjustments"):
        october[parts].pop()
    assert len(rows_of(october, credit_rate=None)) == 4
    with pytest.raises(OptionsError, match=r"^credit_rate: "):
        _focus.focus_rows([october], "1.2", credit_rate=-1)


@pytest.mark.parametrize(("currency", "rate", "effective"), [("USD", None, 7.5), ("CRDB_CLOUD_CREDITS", 0.5, 3.75)])
def test_what_an_invoice_states_beyond_its_parts_is_a_row(
    october: dict[str, t.Any], currency: str, rate: float | None, effective: float
) -> None:
    bare = {**october, "totals": [{"amount": 7.5, "currency": currency}], "invoice_items": [], "adjustments": []}
    (row,) = rows_of(bare, credit_rate=rate)
    assert (row["ChargeCategory"], row["ChargeDescription"]) == ("Adjustment", "Unitemized")
    assert (row["EffectiveCost"], row["PricingCurrency"]) == (effective, currency)


@pytest.mark.parametrize(("currency", "found"), [("DOUBLOONS", "the currency 'DOUBLOONS'"), (None, "no currency")])
def test_a_currency_that_is_none_is_an_error(october: dict[str, t.Any], currency: t.Any, found: str) -> None:
    october["adjustments"] = [adjustment("x", 5, currency)]
    with pytest.raises(ResponseError, match=f"^Invoice inv-1 has an amount of 5.0 in {found}"):
        rows_of(october)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (usage("Free tier", 10.5, "GIB", 0.1, 0), {"BilledCost": 0, "ContractedCost": 1.05, "ConsumedUnit": "GiB"}),
        # As doubles, 0.000015 times 20 is not 0.0003, and FOCUS's own validator multiplies doubles.
        (usage("x", 20.0, "GIB", 0.000015, 0), dict.fromkeys(("ContractedCost", "ListCost"), 0.000015 * 20.0)),
        (usage("x", 1, "TOKENS", 1, 1), {"PricingUnit": "TOKENS"}),
        (
            {"description": "x", "total": {"amount": 3, "currency": "USD"}},
            {"ContractedCost": 3, "ListCost": 3, "ContractedUnitPrice": None, "PricingUnit": None},
        ),
        (usage("x", 1, "GIB", 5, 5, "EUR"), {"BilledCost": 5, "BillingCurrency": "EUR", "PricingCurrency": "EUR"}),
        ({"description": "x"}, {"BilledCost": 0, "BillingCurrency": "USD", "x_Currency": None}),
    ],
)
def test_a_line_of_usage(october: dict[str, t.Any], line: dict[str, t.Any], expected: dict[str, t.Any]) -> None:
    october["invoice_items"][0]["line_items"] = [line]
    row = rows_of(october)[0]
    assert {column: row[column] for column in expected} == expected


@pytest.mark.parametrize("key", ["period_start", "period_end"])
def test_a_period_is_needed(october: dict[str, t.Any], key: str) -> None:
    october[key] = None
    with pytest.raises(ResponseError, match=f"Invoice inv-1 .* {key} is None, not an RFC 3339 time"):
        rows_of(october)


def test_rows_share_nothing(october: dict[str, t.Any]) -> None:
    before = copy.deepcopy(october)
    first, second = rows_of(october)[:2]
    first["Tags"]["damaged"] = "yes"
    assert "damaged" not in second["Tags"]
    assert october == before


def test_no_invoice_gives_no_row_and_needs_no_account() -> None:
    assert list(_focus.focus_rows([], "1.2")) == []
    with pytest.raises(OptionsError, match=r"^A list of invoices is needed"):
        _focus.focus_rows("inv-1", "1.2")


def test_an_owner_has_a_column_and_a_tag(october: dict[str, t.Any]) -> None:
    rules = [{"owner": "support", "description": "*upport*"}, {"owner": "all", "kind": "usage"}]
    plain = list(_focus.focus_rows([october], "1.4", credit_rate=1))
    owned = list(_focus.focus_rows([october], "1.4", credit_rate=1, owners=read_owners(rules)))
    assert list(owned[0]) == list(_focus.columns_of("1.4", owned=True))
    assert list(owned[0])[-6:] == [
        "x_Currency",
        "x_FolderPath",
        "x_InvoiceStatus",
        "x_ListCostEstimated",
        "x_Owner",
        "x_Plan",
    ]
    for before, after in zip(plain, owned):
        owner = after.pop("x_Owner")
        support = "upport" in (after["ChargeDescription"] or "")
        assert owner == ("support" if support else "all" if after["ChargeCategory"] == "Usage" else None)
        tags = before["Tags"] if owner is None else dict(sorted({**(before["Tags"] or {}), "owner": owner}.items()))
        assert after == {**before, "Tags": tags}
        assert owner is None or list(after["Tags"]) == list(tags)
    everything = _focus.focus_rows([october], "1.2", credit_rate=1, owners=read_owners([{"owner": "a"}]))
    assert {row["x_Owner"] for row in everything} == {"a"}


def test_a_label_of_the_name_owner_is_no_owner(october: dict[str, t.Any]) -> None:
    for item in october["invoice_items"]:
        item["cluster"]["labels"] = {"owner": "someone", "team": "shop"}
    owners = read_owners([{"owner": "a", "kind": "adjustment"}])
    rows = list(_focus.focus_rows([october], "1.2", credit_rate=1, owners=owners))
    assert [row["Tags"] for row in rows if row["ChargeCategory"] == "Usage"]
    for row in rows:
        assert (row["Tags"] or {}).get("owner") == row["x_Owner"]
