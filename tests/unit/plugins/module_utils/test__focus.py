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
    "BilledCost",
    "BillingAccountId",
    "BillingAccountName",
    "BillingCurrency",
    "BillingPeriodEnd",
    "BillingPeriodStart",
    "ChargeCategory",
    "ChargeClass",
    "ChargeDescription",
    "ChargePeriodEnd",
    "ChargePeriodStart",
    "ContractedCost",
    "EffectiveCost",
    "InvoiceIssuerName",
    "ListCost",
    "PricingQuantity",
    "PricingUnit",
    "ServiceCategory",
    "ServiceName",
}
MANDATORY_BY_VERSION = {"1.2": {"ProviderName", "PublisherName"}, "1.4": {"HostProviderName", "ServiceProviderName"}}
NEVER_NULL = MANDATORY - {"BillingAccountName", "ChargeClass", "ChargeDescription", "PricingQuantity", "PricingUnit"}
TIMES = {"BillingPeriodEnd", "BillingPeriodStart", "ChargePeriodEnd", "ChargePeriodStart"}


@pytest.fixture
def october() -> dict[str, t.Any]:
    return {
        "invoice_id": "inv-1",
        "status": "FINALIZED",
        "period_start": "2026-10-01T00:00:00Z",
        "period_end": "2026-10-31T19:00:00.000-05:00",
        "totals": [{"amount": 535.43, "currency": "USD"}, {"amount": 12.5, "currency": "CRDB_CLOUD_CREDITS"}],
        "balances": [],
        "invoice_items": [
            {
                "cluster": {
                    "id": "c-orders",
                    "name": "orders",
                    "plan": "STANDARD",
                    "cloud_provider": "AZURE",
                    "regions": [{"name": "eastus"}],
                    "labels": {"team": "payments", "env": "prod"},
                    "parent_id": "f-pay",
                },
                "totals": [],
                "line_items": [
                    {
                        "description": "Compute",
                        "quantity": 2976,
                        "quantity_unit": "VCPU_HOURS",
                        "unit_cost": 0.18,
                        "total": {"amount": 535.68, "currency": "USD"},
                    },
                    {
                        "description": "Free tier",
                        "quantity": 10.5,
                        "quantity_unit": "GIB",
                        "unit_cost": 0.1,
                        "total": {"amount": 0, "currency": "USD"},
                    },
                ],
            },
            {
                "cluster": {
                    "id": "c-search",
                    "name": "search",
                    "plan": "ADVANCED",
                    "cloud_provider": "GCP",
                    "regions": [{"name": "us-east1"}, {"name": "us-west1"}],
                    "labels": {},
                    "parent_id": "root",
                },
                "totals": [],
                "line_items": [
                    {
                        "description": "Storage",
                        "quantity": 50.0,
                        "quantity_unit": "GIB_HOURS",
                        "unit_cost": 0.25,
                        "total": {"amount": 12.5, "currency": "CRDB_CLOUD_CREDITS"},
                    }
                ],
            },
        ],
        "adjustments": [
            {"name": "Free credit", "amount": {"amount": -10.25, "currency": "USD"}},
            {"name": "Premium support", "amount": {"amount": 10, "currency": "USD"}},
            {"name": "Goodwill", "amount": {"amount": -2, "currency": "CRDB_CLOUD_CREDITS"}},
        ],
        "folder_resources": [
            {
                "resource_id": "f-eng",
                "name": "Engineering",
                "parent_id": "root",
                "organization_id": "org-1",
                "path": [],
                "labels": {"team": "engineering", "cost_center": "7"},
            },
            {
                "resource_id": "f-pay",
                "name": "Payments",
                "parent_id": "f-eng",
                "organization_id": "org-1",
                "path": [{"id": "f-eng", "name": "Engineering"}],
                "labels": {"cost_center": "71"},
            },
        ],
    }


def rows_of(invoice: t.Any, version: t.Any = "1.2", **options: t.Any) -> list[dict[str, t.Any]]:
    return list(_focus.focus_rows([invoice], version, **{"credit_rate": 0.8, **options}))


@pytest.mark.parametrize("version", ["1.2", "1.4"])
def test_every_row_has_the_columns_of_its_version_in_order(october: dict[str, t.Any], version: str) -> None:
    rows = rows_of(october, version)
    columns = _focus.COLUMNS[version]
    assert len(rows) == 6
    assert {tuple(row) for row in rows} == {columns}
    assert MANDATORY | MANDATORY_BY_VERSION[version] <= set(columns)
    own = [column for column in columns if column.startswith("x_")]
    assert list(columns) == sorted(set(columns) - set(own)) + own
    assert all(re.fullmatch("(x_)?[A-Z][A-Za-z]{1,49}", column) for column in columns)


def test_versions_differ_in_the_names_of_the_parties_alone() -> None:
    older, newer = (set(_focus.COLUMNS[version]) for version in ("1.2", "1.4"))
    assert older - newer == MANDATORY_BY_VERSION["1.2"]
    assert newer - older == MANDATORY_BY_VERSION["1.4"]


@pytest.mark.parametrize("version", ["1.2", "1.4"])
def test_values_have_the_types_that_the_specification_asks_for(october: dict[str, t.Any], version: str) -> None:
    never_null = NEVER_NULL | MANDATORY_BY_VERSION[version]
    for row in rows_of(october, version):
        assert {column for column in never_null if row[column] is None} == set()
        for column, value in row.items():
            if value is None:
                continue
            if column in _focus.DECIMAL_COLUMNS:
                assert value.__class__ is float, column
            elif column in TIMES:
                assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", value), column
            elif column == "Tags":
                assert value.__class__ is dict
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


def test_product_is_that_of_the_doubles(october: dict[str, t.Any]) -> None:
    """As doubles, 0.000015 times 20 is not 0.0003, and FOCUS's own validator multiplies doubles."""
    line = october["invoice_items"][0]["line_items"][0]
    line.update(unit_cost=0.000015, quantity=20.0)
    row = rows_of(october)[0]
    assert row["ContractedCost"] == row["ListCost"] == 0.000015 * 20.0 != 0.0003


def test_usage_in_usd(october: dict[str, t.Any]) -> None:
    row = rows_of(october, billing_account_name="Acme")[0]
    assert row == {
        "BilledCost": 535.68,
        "BillingAccountId": "org-1",
        "BillingAccountName": "Acme",
        "BillingAccountType": "Organization",
        "BillingCurrency": "USD",
        "BillingPeriodEnd": "2026-11-01T00:00:00Z",
        "BillingPeriodStart": "2026-10-01T00:00:00Z",
        "ChargeCategory": "Usage",
        "ChargeClass": None,
        "ChargeDescription": "Compute",
        "ChargeFrequency": "Usage-Based",
        "ChargePeriodEnd": "2026-11-01T00:00:00Z",
        "ChargePeriodStart": "2026-10-01T00:00:00Z",
        "ConsumedQuantity": 2976.0,
        "ConsumedUnit": "vCPU-Hours",
        "ContractedCost": 535.68,
        "ContractedUnitPrice": 0.18,
        "EffectiveCost": 535.68,
        "InvoiceId": "inv-1",
        "InvoiceIssuerName": "Cockroach Labs",
        "ListCost": 535.68,
        "ListUnitPrice": 0.18,
        "PricingCategory": "Standard",
        "PricingCurrency": "USD",
        "PricingCurrencyContractedUnitPrice": 0.18,
        "PricingCurrencyEffectiveCost": 535.68,
        "PricingCurrencyListUnitPrice": 0.18,
        "PricingQuantity": 2976.0,
        "PricingUnit": "vCPU-Hours",
        "ProviderName": "Cockroach Labs",
        "PublisherName": "Cockroach Labs",
        "RegionId": "eastus",
        "RegionName": "eastus",
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
        "x_Currency": "USD",
        "x_FolderPath": "Engineering/Payments",
        "x_InvoiceStatus": "FINALIZED",
        "x_ListCostEstimated": True,
        "x_Plan": "STANDARD",
    }


def test_usage_of_zero_cost_keeps_what_it_was_worth(october: dict[str, t.Any]) -> None:
    row = rows_of(october)[1]
    assert (row["BilledCost"], row["EffectiveCost"], row["ContractedCost"], row["ConsumedUnit"]) == (0, 0, 1.05, "GiB")


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


def test_hosts_in_1_4(october: dict[str, t.Any]) -> None:
    october["invoice_items"][0]["cluster"]["cloud_provider"] = "DIGITALOCEAN"
    rows = rows_of(october, "1.4")
    assert [row["HostProviderName"] for row in rows] == [
        "DIGITALOCEAN",
        "DIGITALOCEAN",
        "Google Cloud",
        "Not Applicable",
        "Not Applicable",
        "Not Applicable",
    ]
    assert {row["ServiceProviderName"] for row in rows} == {"Cockroach Labs"}


def test_billed_cost_adds_up_to_the_total_in_usd(october: dict[str, t.Any]) -> None:
    billed = sum(decimal.Decimal(str(row["BilledCost"])) for row in rows_of(october))
    assert float(billed) == october["totals"][0]["amount"]


def test_options_fill_their_columns(october: dict[str, t.Any]) -> None:
    row = rows_of(october, billing_account_id=4711, invoice_issuer="AWS Marketplace")[0]
    assert (row["BillingAccountId"], row["InvoiceIssuerName"]) == ("4711", "AWS Marketplace")
    assert rows_of(october, billing_account_id="", invoice_issuer=None)[0]["InvoiceIssuerName"] == "Cockroach Labs"


@pytest.mark.parametrize("option", ["billing_account_id", "billing_account_name", "invoice_issuer"])
@pytest.mark.parametrize("value", [True, 1.5, ["acme"], {"id": "acme"}])
def test_options_that_are_no_text_are_refused(october: dict[str, t.Any], option: str, value: t.Any) -> None:
    with pytest.raises(OptionsError, match=f"^{option}: a text is needed"):
        rows_of(october, **{option: value})


@pytest.mark.parametrize("version", [1.2, "1.2", 1.4, "1.4"])
def test_versions_may_be_numbers(october: dict[str, t.Any], version: t.Any) -> None:
    assert tuple(rows_of(october, version)[0]) == _focus.COLUMNS[f"{version}"]


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


def test_tags_are_sorted(october: dict[str, t.Any]) -> None:
    for item in october["invoice_items"]:
        item["cluster"]["labels"] = {"b": "1", "a": "2"}
    assert [list(row["Tags"]) for row in rows_of(october) if row["Tags"]] != []
    assert all(list(row["Tags"]) == sorted(row["Tags"]) for row in rows_of(october) if row["Tags"])


def test_another_national_currency_is_billed_in_itself(october: dict[str, t.Any]) -> None:
    october["adjustments"] = [{"name": "x", "amount": {"amount": 5, "currency": "EUR"}}]
    row = rows_of(october)[-1]
    assert (row["BilledCost"], row["BillingCurrency"], row["PricingCurrency"]) == (5.0, "EUR", "EUR")


@pytest.mark.parametrize(("currency", "found"), [("DOUBLOONS", "the currency 'DOUBLOONS'"), (None, "no currency")])
def test_a_currency_that_is_none_is_an_error(october: dict[str, t.Any], currency: str | None, found: str) -> None:
    october["adjustments"] = [{"name": "x", "amount": {"amount": 5, "currency": currency}}]
    with pytest.raises(ResponseError, match=f"^Invoice inv-1 has an amount of 5.0 in {found}"):
        rows_of(october)


def test_what_costs_nothing_needs_no_currency(october: dict[str, t.Any]) -> None:
    october["adjustments"] = [{"name": "x"}]
    row = rows_of(october)[-1]
    assert (row["BilledCost"], row["BillingCurrency"], row["x_Currency"]) == (0.0, "USD", None)


def test_a_line_without_quantity_or_price_costs_what_it_bills(october: dict[str, t.Any]) -> None:
    october["invoice_items"][0]["line_items"] = [{"description": "x", "total": {"amount": 3, "currency": "USD"}}]
    row = rows_of(october)[0]
    assert (row["ContractedCost"], row["ListCost"], row["ContractedUnitPrice"], row["PricingUnit"]) == (
        3,
        3,
        None,
        None,
    )


def test_an_unknown_unit_passes_through(october: dict[str, t.Any]) -> None:
    october["invoice_items"][0]["line_items"][0]["quantity_unit"] = "TOKENS"
    assert rows_of(october)[0]["PricingUnit"] == "TOKENS"


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
