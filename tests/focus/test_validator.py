# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An export in the layout of FOCUS 1.2, under the validator of the FinOps Foundation. C(make focus) runs this.

Its release 1.0.0 knows the rules of FOCUS 1.0. Most columns of 1.2 were there already, under the same rules, and
C(EXPLAINED) says why the others are no faults. What is new in 1.2 is held to the specification's text below.
"""

from __future__ import annotations

import collections
import csv
import decimal
import importlib
import json
import pathlib
import re
import subprocess
import sys
import typing as t
from xml.etree import ElementTree as ET

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "tools"), str(ROOT / "tests" / "sandbox")]
_checkout = importlib.import_module("_checkout")
billing_sandbox = importlib.import_module("billing_sandbox")
validator = pytest.importorskip("focus_validator", reason="make focus installs it")

Rows = t.List[t.Dict[str, str]]

COMMITMENTS = "FOCUS 1.2 wants it only of providers with commitment discounts, and the API tells of none"
SKUS = "FOCUS 1.2 wants it only of providers that publish price lists with SKUs, and the API has no SKUs"
RENAMED = (
    "the validator's rule has the name of a draft; FOCUS 1.0 and 1.2 call the column {}, which the next test checks"
)
# The rules of 1.0 that the file breaks, and why it is right to.
EXPLAINED = {
    "CommitmentDiscountCategory_Required": COMMITMENTS,
    "CommitmentDiscountId_Required": COMMITMENTS,
    "CommitmentDiscountName_Required": COMMITMENTS,
    "CommitmentDiscountStatus_Required": COMMITMENTS,
    "CommitmentDiscountType_Required": COMMITMENTS,
    "InvoiceIssuer_Required": RENAMED.format("InvoiceIssuerName"),
    "Provider_Required": RENAMED.format("ProviderName"),
    "Publisher_Required": RENAMED.format("PublisherName"),
    "ResourceID_Required": RENAMED.format("ResourceId"),
    "SkuId_Required": SKUS,
    "SkuPriceId_Required": SKUS,
}
DRAFT_NAMES = {
    "InvoiceIssuerName": "InvoiceIssuer",
    "ProviderName": "Provider",
    "PublisherName": "Publisher",
    "ResourceId": "ResourceID",
}
PLAYBOOK = """\
- name: Export
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Write the whole history in the layout of FOCUS
      cockroachdb_cloud.billing.invoice_export:
        dest: "{{ dest }}"
        layout: focus-1.2
        credit_rate: 0.9
        mode: "0600"
"""


class Export(t.NamedTuple):
    """What the sandbox has, and the file that C(invoice_export) made of it."""

    path: pathlib.Path
    rows: Rows
    invoices: list[dict[str, t.Any]]


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Export:
    folder = tmp_path_factory.mktemp("focus")
    playbook = folder / "export.yml"
    playbook.write_text(PLAYBOOK, encoding="utf-8")
    path = folder / "focus.csv"
    tree = _checkout.copy_tree("focus")
    with billing_sandbox.Sandbox() as sandbox:
        env = _checkout.environment(
            ANSIBLE_COLLECTIONS_PATH=str(tree.parents[2]),
            COCKROACH_API_KEY="sandbox-key",
            COCKROACH_SERVER=sandbox.url,
        )
        command = ["ansible-playbook", "-i", "localhost,", "-c", "local", "-e", f"dest={path}", str(playbook)]
        interpreter = ["-e", f"ansible_python_interpreter={sys.executable}"]
        command[0] = str(_checkout.BIN / command[0])
        done = subprocess.run(
            [*command, *interpreter], cwd=folder, env=env, check=False, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stdout + done.stderr
        # The file was written under the version of the API that the module asks for by default.
        invoices = sandbox.invoices("sandbox-key")
    return Export(path, read(path), invoices)


def read(path: pathlib.Path) -> Rows:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write(path: pathlib.Path, rows: Rows) -> pathlib.Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def broken_rules(path: pathlib.Path) -> set[str]:
    """Return the names of the rules of FOCUS 1.0 that the validator finds broken, after it has checked them all."""
    report = path.with_suffix(".xml")
    options = ["--validate-version=1.0", "--output-type=unittest", f"--output-destination={report}"]
    done = subprocess.run(
        [str(_checkout.BIN / "focus-validator"), f"--data-file={path}", *options],
        # It reads its table of currencies from a path that is relative to where it is installed.
        cwd=pathlib.Path(validator.__file__).parents[1],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    suites = ET.parse(report).getroot()  # noqa: S314 - the validator wrote it a moment ago
    assert (suites.get("tests"), suites.get("errors"), suites.get("skipped")) == ("133", "0", "0")
    return {failure.get("name", "") for failure in suites.iter("failure")}


def test_nothing_is_wrong_but_what_is_explained(export: Export) -> None:
    assert len(export.rows) > 900
    assert broken_rules(export.path) == set(EXPLAINED)


def test_columns_that_the_validator_knows_by_draft_names(export: Export, tmp_path: pathlib.Path) -> None:
    renamed = [{DRAFT_NAMES.get(name, name): value for name, value in row.items()} for row in export.rows]
    found = broken_rules(write(tmp_path / "renamed.csv", renamed))
    assert found == {name for name, why in EXPLAINED.items() if why in (COMMITMENTS, SKUS)}


@pytest.mark.parametrize(
    ("column", "value", "rule"),
    [
        ("BilledCost", "ten", "BilledCost_IsDecimal"),
        ("BillingAccountId", "", "BillingAccountId_NotNull"),
        ("BillingCurrency", "CRDB_CLOUD_CREDITS", "BillingCurrency_IsCurrencyCode"),
        ("BillingPeriodStart", "2026-10-01T00:00:00", "BillingPeriodStart_IsDateTime"),
        ("ChargeClass", "Usual", "ChargeClass_Enum"),
        ("ChargeFrequency", "Often", "ChargeFrequency_Enum"),
        ("PricingCategory", "On-Demand", "PricingCategory_Enum_1.0"),
        ("ServiceCategory", "Database", "ServiceCategory_Enum"),
        ("Tags", "[]", "Tags_IsJSONObject"),
    ],
)
def test_validator_finds_what_is_wrong(
    export: Export, tmp_path: pathlib.Path, column: str, value: str, rule: str
) -> None:
    rows = [dict(row) for row in export.rows[:50]]
    rows[7][column] = value
    assert rule in broken_rules(write(tmp_path / "wrong.csv", rows))


def test_costs_add_up_to_the_invoices(export: Export) -> None:
    billed: dict[str, decimal.Decimal] = collections.defaultdict(decimal.Decimal)
    for row in export.rows:
        billed[row["InvoiceId"]] += decimal.Decimal(row["BilledCost"])
    stated = {
        invoice["invoice_id"]: decimal.Decimal(repr(total["amount"]))
        for invoice in export.invoices
        for total in invoice["totals"]
        if total["currency"] == "USD"
    }
    assert len(stated) == 14
    drafts = {invoice["invoice_id"] for invoice in export.invoices if invoice["status"] == "DRAFT"}
    for invoice_id in stated.keys() - drafts:  # A draft may have grown since the file was written.
        assert billed[invoice_id] == stated[invoice_id]


def test_products_match(export: Export) -> None:
    """The specification says: the product of ContractedUnitPrice and PricingQuantity MUST match the ContractedCost."""
    usage = [row for row in export.rows if row["ChargeCategory"] == "Usage"]
    assert len(usage) > 900
    for row in usage:
        quantity = float(row["PricingQuantity"])
        assert float(row["ContractedUnitPrice"]) * quantity == float(row["ContractedCost"])
        assert float(row["ListUnitPrice"]) * quantity == float(row["ListCost"])


def test_what_is_new_in_1_2(export: Export) -> None:
    """Columns that came after 1.0, and formats that the validator does not look at."""
    currencies = set()
    for row in export.rows:
        assert row["BillingAccountType"] == "Organization"
        assert row["InvoiceId"]
        assert row["ServiceSubcategory"] == "Relational Databases"
        assert bool(row["SubAccountId"]) == bool(row["SubAccountName"]) == bool(row["SubAccountType"])
        assert bool(row["PricingQuantity"]) == bool(row["PricingUnit"]) == (row["ChargeCategory"] == "Usage")
        assert bool(row["ConsumedQuantity"]) == bool(row["ConsumedUnit"]) == (row["ChargeCategory"] == "Usage")
        assert bool(row["PricingCurrencyContractedUnitPrice"]) == bool(row["PricingQuantity"])
        assert row["PricingCurrencyEffectiveCost"]
        currencies.add(row["PricingCurrency"])
        for column, value in row.items():
            if column.endswith(("PeriodStart", "PeriodEnd")):
                assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", value), column
            if column.endswith(("Cost", "Quantity", "UnitPrice")) and value:
                assert re.fullmatch(r"-?\d+\.\d+", value), column
            if column == "Tags" and value:
                assert all(tag.__class__ is str for tag in json.loads(value).values())
    assert currencies == {"USD", "CRDB_CLOUD_CREDITS"}
