# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is private to the cockroachdb_cloud.billing collection.
# It can change or vanish in any release, so do not use it from outside.

"""From invoices to rows in the layout of FOCUS, the FinOps Open Cost and Usage Specification, 1.2 and 1.4.

The rows have the shape of FOCUS; conformance is not claimed, since the API has no SKUs, list prices, daily periods,
commitments, corrections or taxes. No SkuPriceId is derived: it would need an invented SkuId above it as well. Where the
specification wants a value that nobody outside the vendor can know, the functions below say what stands there instead.
Its text is at https://focus.finops.org/focus-specification/.
"""

from __future__ import annotations

import decimal
import typing as t
from collections.abc import Iterator

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._document import (
    ADJUSTMENT,
    UNITEMIZED,
    Invoice,
    check_invoices,
)
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._errors import (
    OptionsError,
    ResponseError,
    shown,
)
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._lines import Row, unitemized
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._money import CREDITS, EXACT, to_float
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._owners import Decision, Owners
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._query import check_credit_rate

VENDOR = "Cockroach Labs"

FOCUS_SPEC: dict[str, dict[str, t.Any]] = {
    "billing_account_id": {"type": "str"},
    "billing_account_name": {"type": "str"},
    "invoice_issuer": {"type": "str", "default": VENDOR},
}

_COMMON_COLUMNS = (
    "BilledCost",
    "BillingAccountId",
    "BillingAccountName",
    "BillingAccountType",
    "BillingCurrency",
    "BillingPeriodEnd",
    "BillingPeriodStart",
    "ChargeCategory",
    "ChargeClass",
    "ChargeDescription",
    "ChargeFrequency",
    "ChargePeriodEnd",
    "ChargePeriodStart",
    "ConsumedQuantity",
    "ConsumedUnit",
    "ContractedCost",
    "ContractedUnitPrice",
    "EffectiveCost",
    "InvoiceId",
    "InvoiceIssuerName",
    "ListCost",
    "ListUnitPrice",
    "PricingCategory",
    "PricingCurrency",
    "PricingCurrencyContractedUnitPrice",
    "PricingCurrencyEffectiveCost",
    "PricingCurrencyListUnitPrice",
    "PricingQuantity",
    "PricingUnit",
    "RegionId",
    "RegionName",
    "ResourceId",
    "ResourceName",
    "ResourceType",
    "ServiceCategory",
    "ServiceName",
    "ServiceSubcategory",
    "SubAccountId",
    "SubAccountName",
    "SubAccountType",
    "Tags",
)
_OWNER = "x_Owner"
_CUSTOM_COLUMNS = ("x_Currency", "x_FolderPath", "x_InvoiceStatus", "x_ListCostEstimated", "x_Plan")

# 1.3 brought the names of service and host provider, 1.4 took away those of provider and publisher.
COLUMNS: dict[str, tuple[str, ...]] = {
    "1.2": (*sorted((*_COMMON_COLUMNS, "ProviderName", "PublisherName")), *_CUSTOM_COLUMNS),
    "1.4": (*sorted((*_COMMON_COLUMNS, "HostProviderName", "ServiceProviderName")), *_CUSTOM_COLUMNS),
}
"""The columns of each version in their order: those of FOCUS by name, then the custom ones; see :func:`columns_of`."""

_UNITS = {
    "HOURS": "Hours",
    "REQUEST_UNITS": "Request Units",
    "GIB": "GiB",
    "GIB_HOURS": "GiB-Hours",
    "VCPU_HOURS": "vCPU-Hours",
}
_HOSTS = {"AWS": "AWS", "GCP": "Google Cloud", "AZURE": "Microsoft Azure"}


class _Rate(t.NamedTuple):
    """How an amount of a currency becomes one of the billing currency."""

    currency: str
    factor: decimal.Decimal | None


def check_version(value: t.Any) -> str:
    """Return the version of FOCUS as text.

    :param value: C(1.2) or C(1.4), as text or as the number that YAML makes of it.
    :raises OptionsError: for any other.
    """
    version = str(value)
    if version not in COLUMNS:
        raise OptionsError(f"version: {shown(value)} of FOCUS is not known here. Write '1.2' or '1.4'.")
    return version


def columns_of(version: str, *, owned: bool = False) -> tuple[str, ...]:
    """Return the columns of a version in their order.

    :param owned: whether rows say who owns them.
    """
    columns = COLUMNS[version]
    return (*columns[: -len(_CUSTOM_COLUMNS)], *sorted((*_CUSTOM_COLUMNS, _OWNER))) if owned else columns


def focus_rows(
    invoices: t.Any,
    version: t.Any,
    *,
    billing_account_id: t.Any = None,
    billing_account_name: t.Any = None,
    invoice_issuer: t.Any = VENDOR,
    credit_rate: t.Any = None,
    owners: Owners | None = None,
) -> Iterator[Row]:
    """Yield a row for each line item and adjustment, in the order of the invoices.

    Usage that is paid from credits bills 0, since the credits were billed when they were bought; its other costs are
    the credits in USD. List prices are not known: C(ListCost) and C(ListUnitPrice) repeat the contracted ones, and
    C(x_ListCostEstimated) says so. An adjustment below 0 is a C(Credit) and any other an C(Adjustment), never a
    C(Purchase): that would need a quantity and a price, which adjustments do not have.

    :param invoices: a list of invoices with all details.
    :param version: C(1.2) or C(1.4).
    :param billing_account_id: C(BillingAccountId) of all rows; without it the id of the organization, which
        C(folder_resources) of the invoices tell where folders are in use.
    :param billing_account_name: C(BillingAccountName) of all rows.
    :param invoice_issuer: C(InvoiceIssuerName) of all rows; a marketplace may be the issuer.
    :param credit_rate: the USD for one credit; needed when an invoice has amounts in credits.
    :param owners: who owns each of them, for C(x_Owner) and the key C(owner) of C(Tags), which then is no label.
    :returns: rows with the keys of :func:`columns_of`, in that order. Decimals are floats, times are texts such as
        C(2026-10-01T00:00:00Z), C(Tags) is a dictionary, null is None.
    :raises OptionsError: on options or invoices that can't be used; when an account or a rate is needed and missing.
    :raises ResponseError: on a value of the wrong type in an invoice, while the rows are consumed.
    """
    columns = columns_of(check_version(version), owned=owners is not None)
    rate = check_credit_rate(credit_rate)
    checked = check_invoices(invoices)
    constant = {
        "BillingAccountName": _check_text(billing_account_name, "billing_account_name"),
        "BillingAccountType": "Organization",
        "InvoiceIssuerName": _check_text(invoice_issuer, "invoice_issuer") or VENDOR,
        "ProviderName": VENDOR,
        "PublisherName": VENDOR,
        "ServiceProviderName": VENDOR,
        "ServiceCategory": "Databases",
        "ServiceSubcategory": "Relational Databases",
        "ServiceName": "CockroachDB Cloud",
        "x_ListCostEstimated": True,
    }
    accounts = _accounts(checked, _check_text(billing_account_id, "billing_account_id"))
    return _rows(checked, accounts, _template(columns, constant), rate, owners or Owners(()))


def _check_text(value: t.Any, option: str) -> str | None:
    """Return the text of an option; None when it is empty. An id that YAML made a number of is fine."""
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise OptionsError(f"{option}: a text is needed, and {shown(value)} is none.")
    return f"{value}"


def _accounts(invoices: list[dict[str, t.Any]], option: str | None) -> list[str]:
    """Return the billing account of each invoice.

    An invoice whose organization is not told belongs to that of the others, if those are of one organization.
    """
    if option is not None:
        return [option] * len(invoices)
    found = [_organization(Invoice(raw)) for raw in invoices]
    known = {organization for organization in found if organization}
    if None in found and len(known) != 1:
        raise OptionsError(
            f"Invoice {invoices[found.index(None)].get('invoice_id')} does not tell its organization, and FOCUS needs "
            "a BillingAccountId. Give the id of your organization as 'billing_account_id'."
        )
    return [organization or next(iter(known)) for organization in found]


def _organization(invoice: Invoice) -> str | None:
    for resource in invoice.entries(invoice.raw, "folder_resources", "folder_resources"):
        organization = invoice.text(resource.get("organization_id"), "an organization_id")
        if organization:
            return organization
    return None


def _template(columns: t.Iterable[str], facts: t.Mapping[str, t.Any]) -> Row:
    """Return a row that has all columns in their order and the facts, as far as the version has a column for them."""
    return {column: facts.get(column) for column in columns}


def _rows(
    invoices: list[dict[str, t.Any]], accounts: list[str], constant: Row, rate: decimal.Decimal | None, owners: Owners
) -> Iterator[Row]:
    for raw, account in zip(invoices, accounts):
        invoice = Invoice(raw)
        template = _template(constant, {**constant, **_invoice_facts(invoice), "BillingAccountId": account})
        for cluster, lines in invoice.items():
            facts = _cluster_facts(invoice, cluster)
            usage = _template(constant, {**template, **facts})
            decision = owners.of_cluster(invoice, cluster)
            for line in lines:
                yield _owned(_usage_row(invoice, usage, line, rate), decision)
        for adjustment in invoice.adjustments():
            amount, currency = invoice.money(adjustment.get("amount"), "an adjustment")
            name = invoice.text(adjustment.get("name"), "the name of an adjustment")
            row = _adjustment_row(invoice, template, name, amount, currency, rate)
            yield _owned(row, owners.of_kind(ADJUSTMENT))
        for currency, amount in unitemized(invoice).items():
            row = _adjustment_row(invoice, template, None, amount, currency, rate)
            yield {**_owned(row, owners.of_kind(UNITEMIZED)), "ChargeDescription": "Unitemized"}


def _owned(row: Row, decision: Decision) -> Row:
    """Add to a row who owns it, known by its description, if there is a column for that. A label is no owner then."""
    if _OWNER in row:
        owner = row[_OWNER] = decision.owner(row["ChargeDescription"])
        if owner is not None:
            row["Tags"] = dict(sorted({**(row["Tags"] or {}), "owner": owner}.items()))
        elif row["Tags"]:
            row["Tags"].pop("owner", None)
    return row


def _invoice_facts(invoice: Invoice) -> Row:
    start = _time(invoice, invoice.period_start, "period_start")
    end = _time(invoice, invoice.period_end, "period_end")
    return {
        "BillingPeriodEnd": end,
        "BillingPeriodStart": start,
        "ChargePeriodEnd": end,
        "ChargePeriodStart": start,
        "InvoiceId": invoice.invoice_id,
        "x_InvoiceStatus": invoice.status,
    }


def _time(invoice: Invoice, text: str | None, what: str) -> str:
    instant = invoice.instant(text, what)
    if instant is None:
        raise invoice.wrong(what, None, "an RFC 3339 time")
    return instant.replace(tzinfo=None, microsecond=0).isoformat() + "Z"


def _cluster_facts(invoice: Invoice, cluster: dict[str, t.Any]) -> Row:
    """Return what all line items of a cluster have in common."""
    cluster_id = invoice.text(cluster.get("id"), "the id of a cluster")
    regions = invoice.regions(cluster)
    region = regions[0] if len(regions) == 1 else None
    folders = invoice.folders(cluster)
    folder_id, folder_name = folders[-1] if folders else (None, None)
    provider = invoice.text(cluster.get("cloud_provider"), "the cloud_provider of a cluster")
    return {
        "ChargeCategory": "Usage",
        "ChargeFrequency": "Usage-Based",
        "HostProviderName": _HOSTS.get(provider, provider) if provider else VENDOR,
        "PricingCategory": "Standard",
        "RegionId": region,
        "RegionName": region,
        "ResourceId": cluster_id,
        "ResourceName": invoice.text(cluster.get("name"), "the name of a cluster") if cluster_id else None,
        "ResourceType": "Cluster" if cluster_id else None,
        "SubAccountId": folder_id,
        "SubAccountName": folder_name if folder_id else None,
        "SubAccountType": "Folder" if folder_id else None,
        "Tags": _tags(invoice, cluster, [folder for folder, dummy in folders]),
        "x_FolderPath": invoice.folder(cluster),
        "x_Plan": invoice.text(cluster.get("plan"), "the plan of a cluster"),
    }


def _tags(invoice: Invoice, cluster: dict[str, t.Any], folders: list[str | None]) -> dict[str, str | None]:
    """Return the labels of the cluster and of its folders; the nearer one wins."""
    tags: dict[str, str | None] = {}
    for folder_id in folders:
        tags.update(invoice.labels(invoice.resource(folder_id).get("labels"), "the labels of a folder"))
    tags.update(invoice.labels(cluster.get("labels"), "the labels of a cluster"))
    return dict(sorted(tags.items()))


def _usage_row(invoice: Invoice, template: Row, line: dict[str, t.Any], rate: decimal.Decimal | None) -> Row:
    amount, currency = invoice.money(line.get("total"), "the total of a line item")
    quantity = invoice.number(line.get("quantity"), "the quantity of a line item")
    unit_cost = invoice.number(line.get("unit_cost"), "the unit_cost of a line item")
    raw_unit = invoice.text(line.get("quantity_unit"), "the quantity_unit of a line item")
    unit = _UNITS.get(raw_unit, raw_unit) if raw_unit else None
    row = template.copy()
    row["Tags"] = row["Tags"].copy()
    row["ChargeDescription"] = invoice.text(line.get("description"), "the description of a line item")
    row["ConsumedQuantity"] = row["PricingQuantity"] = quantity
    row["ConsumedUnit"] = row["PricingUnit"] = unit
    row["PricingCurrencyContractedUnitPrice"] = row["PricingCurrencyListUnitPrice"] = unit_cost
    factor = _set_costs(invoice, row, amount, currency, rate)
    if quantity is None or unit_cost is None:
        return row
    price = decimal.Decimal(repr(unit_cost))
    if factor is not None:
        price = EXACT.multiply(price, factor)
    row["ContractedUnitPrice"] = row["ListUnitPrice"] = to_float(price)
    # "The product of ContractedUnitPrice and PricingQuantity MUST match the ContractedCost." Who checks that reads and
    # multiplies doubles, so their product stands here, though it may be an ulp beside the exact one.
    row["ContractedCost"] = row["ListCost"] = to_float(decimal.Decimal(row["ContractedUnitPrice"] * quantity))
    return row


def _adjustment_row(
    invoice: Invoice,
    template: Row,
    name: str | None,
    amount: decimal.Decimal,
    currency: str | None,
    rate: decimal.Decimal | None,
) -> Row:
    row = template.copy()
    row["ChargeCategory"] = "Credit" if amount < 0 else "Adjustment"
    row["ChargeDescription"] = name
    row["ChargeFrequency"] = "One-Time"
    if "HostProviderName" in row:
        row["HostProviderName"] = "Not Applicable"  # What 1.4 names a host that cannot be determined.
    _set_costs(invoice, row, amount, currency, rate)
    return row


def _set_costs(
    invoice: Invoice, row: Row, amount: decimal.Decimal, currency: str | None, rate: decimal.Decimal | None
) -> decimal.Decimal | None:
    """Set the costs of a row that has no unit price, and its currencies; return what turns prices into USD, if any."""
    billing_currency, factor = _rate(invoice, amount, currency, rate)
    cost = to_float(amount)
    billed = cost if factor is None else 0.0
    row["BilledCost"] = row["ContractedCost"] = row["ListCost"] = billed
    row["EffectiveCost"] = cost if factor is None else to_float(EXACT.multiply(amount, factor))
    row["BillingCurrency"] = billing_currency
    row["PricingCurrency"] = currency or billing_currency
    row["PricingCurrencyEffectiveCost"] = cost
    row["x_Currency"] = currency
    return factor


def _rate(invoice: Invoice, amount: decimal.Decimal, currency: str | None, rate: decimal.Decimal | None) -> _Rate:
    if currency == "USD":
        return _Rate(currency, None)
    if currency in CREDITS:
        if rate is None:
            raise OptionsError(
                f"{invoice.name} has amounts in {currency}, and FOCUS needs costs in a national "
                "currency. Give the USD for one credit as 'credit_rate'."
            )
        return _Rate("USD", rate)
    if currency is None and not amount:
        return _Rate("USD", None)  # What costs nothing says nothing of its currency.
    if currency is not None and len(currency) == 3 and currency.isascii() and currency.isalpha() and currency.isupper():
        return _Rate(currency, None)
    found = "no currency" if currency is None else f"the currency {currency!r}"
    raise ResponseError(
        f"{invoice.name} has an amount of {to_float(amount)} in {found}, and FOCUS needs one of ISO 4217."
    )
