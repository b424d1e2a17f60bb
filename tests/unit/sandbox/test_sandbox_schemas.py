# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sandbox's answers held against schemas: the project's own, and the vendor's where its document is at hand."""

from __future__ import annotations

import copy
import json
import pathlib
import typing as t

import jsonschema
import pytest
from billing_sandbox import VERSIONS, Sandbox

from ansible_collections.cockroachdb_cloud.billing.tests.unit.sandbox._call import INVOICES, SANDBOX, call

OWN = json.loads((SANDBOX / "schemas.json").read_text(encoding="utf-8"))
VENDOR = pathlib.Path(__file__).resolve().parents[4] / "shared" / "api" / "openapi-billing.json"
KEYS = ("sandbox-key", "sandbox-key-blue", "sandbox-key-empty", "sandbox-key-hostile")


@pytest.fixture(scope="module")
def sandbox() -> t.Iterator[Sandbox]:
    with Sandbox(months=5, clusters=16, today="2026-11-23", rate_limit=False) as running:
        yield running


def own(name: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator({**OWN, "$ref": f"#/$defs/{name}"})


def test_the_schemas_are_schemas() -> None:
    jsonschema.Draft202012Validator.check_schema(OWN)


@pytest.mark.parametrize("version", [VERSIONS[0], VERSIONS[-1]])
@pytest.mark.parametrize("key", KEYS)
def test_lists_and_single_invoices(sandbox: Sandbox, key: str, version: str) -> None:
    headers = {"Cc-Version": version}
    listed = call(sandbox.url, key=key, headers=headers).json
    own("invoices").validate(listed)
    for invoice in listed["invoices"][:1]:
        got = call(sandbox.url, f"{INVOICES}/{invoice['invoice_id']}", key=key, headers=headers)
        own("invoice").validate(got.json)


def test_errors(sandbox: Sandbox) -> None:
    replies = [
        call(sandbox.url, key="wrong"),
        call(sandbox.url, key="sandbox-key-forbidden"),
        call(sandbox.url, "/other"),
        call(sandbox.url, method="POST"),
        call(sandbox.url, f"{INVOICES}?status=x"),
    ]
    assert [reply.status for reply in replies] == [401, 403, 404, 405, 400]
    for reply in replies:
        own("error").validate(reply.json)


def _break_currency(invoice: dict[str, t.Any]) -> None:
    invoice["totals"][0]["currency"] = "EUR"


def _break_time(invoice: dict[str, t.Any]) -> None:
    invoice["period_end"] = "2026-11-02T00:00:00Z"


def _break_field(invoice: dict[str, t.Any]) -> None:
    del invoice["invoice_items"][0]["line_items"][0]["unit_cost"]


def _break_addition(invoice: dict[str, t.Any]) -> None:
    invoice["invoice_items"][0]["cluster"]["colour"] = "green"


def _break_deletion(invoice: dict[str, t.Any]) -> None:
    invoice["invoice_items"][0]["cluster"]["state"] = "DELETED"


def _break_number(invoice: dict[str, t.Any]) -> None:
    invoice["invoice_items"][0]["line_items"][0]["quantity"] = "12"


@pytest.mark.parametrize(
    "break_it", [_break_currency, _break_time, _break_field, _break_addition, _break_deletion, _break_number]
)
def test_the_schemas_notice(sandbox: Sandbox, break_it: t.Callable[[dict[str, t.Any]], None]) -> None:
    invoice = copy.deepcopy(sandbox.invoices()[0])
    own("invoice").validate(invoice)
    break_it(invoice)
    with pytest.raises(jsonschema.ValidationError):
        own("invoice").validate(invoice)


def vendor(name: str) -> jsonschema.Draft7Validator:
    """A validator for one of the vendor's schemas that also refuses fields which the vendor does not know."""
    if not VENDOR.is_file():
        pytest.skip("the vendor's OpenAPI document is not at hand")
    schemas = json.loads(VENDOR.read_text(encoding="utf-8"))["components"]["schemas"]
    for schema in schemas.values():
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)
    # Required by the vendor's document and shown in its example, but missing among the properties there.
    schemas["Cluster"]["properties"]["is_customer_cloud_account"] = {"type": "boolean"}
    return jsonschema.Draft7Validator({"$ref": f"#/components/schemas/{name}", "components": {"schemas": schemas}})


@pytest.mark.parametrize("key", KEYS)
def test_lists_are_as_the_vendor_describes_them(sandbox: Sandbox, key: str) -> None:
    vendor("ListInvoicesResponse").validate(call(sandbox.url, key=key, headers={"Cc-Version": "2024-09-16"}).json)


def test_invoices_and_errors_are_as_the_vendor_describes_them(sandbox: Sandbox) -> None:
    target = f"{INVOICES}/{sandbox.invoices()[-1]['invoice_id']}"
    vendor("Invoice").validate(call(sandbox.url, target, headers={"Cc-Version": "2024-09-16"}).json)
    vendor("Status").validate(call(sandbox.url, key="wrong").json)
