# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An export in the layout of FOCUS 1.2, under the validator of the FinOps Foundation. C(make focus) runs this.

C(APPLICABLE) says what of the specification the API can be held to, and C(EXPLAINED) why the rules that are broken are
no faults of the file, or gaps that the guide names.
"""

from __future__ import annotations

import collections
import csv
import decimal
import importlib
import pathlib
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

# What a provider supports decides which rules there are for it. The API tells nothing of availability zones, capacity
# reservations, commitment discounts, price lists and several kinds of accounts or prices.
APPLICABLE = (
    "ACCOUNT_NAMING_SUPPORTED",
    "NEGOTIATED_PRICING_SUPPORTED",
    "PRICING_BILLING_CURRENCY_DIFFERENCES_SUPPORTED",
    "REGION_SUPPORTED",
    "RESOURCE_TYPE_ASSIGNMENT_SUPPORTED",
    "SUB_ACCOUNT_SUPPORTED",
    "TAGGING_SUPPORTED",
    "UNIT_PRICING_SUPPORTED",
    "USAGE_MEASUREMENT_SUPPORTED",
    "VIRTUAL_CURRENCY_SUPPORTED",
)
SKUS = "FOCUS wants SKUs of providers that publish price lists, and the API has none: a gap that the guide names"
COMMITMENTS = "the validator cannot read the rule without a column that only commitment discounts need: see below"
INVOICES = "the validator leaves out the condition of the rule: where the charge is not associated with an invoice"
CREDITS = "usage is priced in credits, which FOCUS lets PricingCurrency name, and the validator knows ISO 4217 alone"
# What each of its rules on SKUs finds missing is a column.
SKU_RULES = (
    *(f"CostAndUsage-D-0{number}-C" for number in (58, 59, 60, 61)),
    *(f"SkuId-C-{rule}" for rule in ("001-M", "002-M", "004-C", "005-C")),
    *(f"SkuMeter-C-{rule}" for rule in ("001-M", "002-M", "004-C", "005-C")),
    *(f"SkuPriceDetails-C-{rule}" for rule in ("001-M", "004-C")),
    *(f"SkuPriceId-C-{rule}" for rule in ("001-M", "002-M", "004-C", "005-C", "008-M")),
)
EXPLAINED = {
    **dict.fromkeys(SKU_RULES, SKUS),
    "ConsumedQuantity-C-004-C": COMMITMENTS,
    "ConsumedQuantity-C-006-C": COMMITMENTS,
    "InvoiceId-C-004-C": INVOICES,
    "PricingCurrency-C-003-M": CREDITS,
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
        billing_account_name: Acme Inc.
        credit_rate: 0.9
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
    """Return the names of the rules of FOCUS 1.2 that the validator finds broken, but those that only sum up others."""
    report = path.with_suffix(".xml")
    options = [
        "--validate-version=1.2",
        "--focus-dataset=CostAndUsage",
        f"--applicability-criteria={','.join(APPLICABLE)}",
        # Or it asks GitHub for newer rules, and the same file passes one day and fails the next.
        "--block-download",
        "--output-type=unittest",
        f"--output-destination={report}",
    ]
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
    assert (suites.get("tests"), suites.get("skipped")) == ("578", "327")
    broken = [case for case in suites.iter("testcase") if {entry.tag for entry in case} & {"failure", "error"}]
    names = [case.get("name", "").split(" :: ") for case in broken]
    return {rule for rule, kind in names if kind != "Composite"}


def test_nothing_is_wrong_but_what_is_explained(export: Export) -> None:
    assert len(export.rows) > 900
    assert broken_rules(export.path) == set(EXPLAINED)


def test_quantities_with_a_column_of_commitments(export: Export, tmp_path: pathlib.Path) -> None:
    """What the validator says of C(ConsumedQuantity) is about a column that is not there, and not about quantities."""
    path = write(tmp_path / "more.csv", [{**row, "CommitmentDiscountStatus": ""} for row in export.rows])
    assert broken_rules(path) == {rule for rule, why in EXPLAINED.items() if why != COMMITMENTS}


@pytest.mark.parametrize(
    ("column", "value", "rule"),
    [
        ("BilledCost", "ten", "BilledCost-C-001-M"),
        ("BillingAccountId", "", "BillingAccountId-C-001-M"),
        ("BillingCurrency", "CRDB_CLOUD_CREDITS", "BillingCurrency-C-003-M"),
        ("BillingPeriodStart", "2026-10-01T00:00:00", "BillingPeriodStart-C-002-M"),
        ("ChargeClass", "Usual", "ChargeClass-C-005-C"),
        ("ServiceCategory", "Database", "ServiceName-C-005-C"),
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
