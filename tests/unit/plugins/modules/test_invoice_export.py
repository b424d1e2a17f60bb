# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The invoice_export module, over a real socket and on real files."""

from __future__ import annotations

import csv
import json
import os
import pathlib
import random
import shutil
import stat
import subprocess
import typing as t

import pytest

from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._api import KEY, Api
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._run import (
    ModuleResult,
    run_module,
    run_python,
)

LINE = {
    "description": "Compute",
    "quantity": 720,
    "quantity_unit": "VCPU_HOURS",
    "unit_cost": 0.0000001,
    "total": {"amount": 12.5, "currency": "USD"},
}
CLUSTER: dict[str, t.Any] = {
    "id": "c-1",
    "name": "payments",
    "plan": "STANDARD",
    "cloud_provider": "GCP",
    "regions": [{"name": "us-east1"}, {"name": "us-west2"}],
    "labels": {"team": "core", "env": "prod"},
    "parent_id": "root",
    "state": "CREATED",
}
INVOICE: dict[str, t.Any] = {
    "invoice_id": "i-1",
    "status": "FINALIZED",
    "period_start": "2026-01-01T00:00:00Z",
    "period_end": "2026-02-01T00:00:00Z",
    "totals": [{"amount": 17.5, "currency": "USD"}],
    "balances": [{"amount": 100.0, "currency": "CRDB_CLOUD_CREDITS"}],
    "invoice_items": [{"cluster": CLUSTER, "totals": [LINE["total"]], "line_items": [LINE]}],
    "adjustments": [{"name": "Premium Support", "amount": {"amount": 5.0, "currency": "USD"}}],
    "surprise": {"kept": True},
}


def run(api: Api, dest: t.Any, *, check_mode: bool = False, **options: t.Any) -> ModuleResult:
    parameters = {"api_key": KEY, "api_url": api.url, "retries": 0, "dest": f"{dest}", **options}
    return run_module("invoice_export", parameters, check_mode=check_mode)


def read_csv(path: pathlib.Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream, strict=True))


def renamed(name: str) -> dict[str, t.Any]:
    item = {**INVOICE["invoice_items"][0], "cluster": {**CLUSTER, "name": name}}
    return {**INVOICE, "invoice_items": [item]}


def test_line_items_as_csv(api: Api, tmp_path: pathlib.Path) -> None:
    dest = tmp_path / "lines.csv"
    api.expect(answer={"invoices": [INVOICE]})
    result = run(api, dest)
    assert (result.data["changed"], result.data["rows"], result.data["dest"]) == (True, 2, str(dest))
    usage, adjustment = read_csv(dest)
    assert usage == {
        "invoice_id": "i-1",
        "status": "FINALIZED",
        "period_start": "2026-01-01T00:00:00Z",
        "period_end": "2026-02-01T00:00:00Z",
        "kind": "usage",
        "cluster_id": "c-1",
        "cluster_name": "payments",
        "plan": "STANDARD",
        "cloud_provider": "GCP",
        "regions": "us-east1, us-west2",
        "folder": "",
        "labels": '{"env": "prod", "team": "core"}',
        "description": "Compute",
        "quantity": "720.0",
        "quantity_unit": "VCPU_HOURS",
        "unit_cost": "0.0000001",
        "amount": "12.5",
        "currency": "USD",
    }
    assert (adjustment["kind"], adjustment["description"], adjustment["amount"]) == (
        "adjustment",
        "Premium Support",
        "5.0",
    )
    assert dest.read_bytes().count(b"\r\n") == 3
    assert dest.read_bytes().endswith(b"\r\n")


@pytest.mark.parametrize(
    ("name", "options", "begin"),
    [
        ("lines.csv", {}, b"invoice_id,"),
        ("lines.JSON", {}, b'[\n{"invoice_id"'),
        ("lines.jsonl", {}, b'{"invoice_id"'),
        ("lines.ndjson", {}, b'{"invoice_id"'),
        ("lines.txt", {}, b"invoice_id,"),
        ("json", {}, b"invoice_id,"),
        ("lines.json", {"format": "csv"}, b"invoice_id,"),
        ("lines.csv", {"csv_bom": True, "csv_delimiter": ";"}, b"\xef\xbb\xbfinvoice_id;status;"),
        ("lines.csv", {"csv_delimiter": "\t"}, b"invoice_id\tstatus\t"),
    ],
)
def test_the_name_says_the_format_unless_an_option_does(
    api: Api, tmp_path: pathlib.Path, name: str, options: dict[str, t.Any], begin: bytes
) -> None:
    api.expect(answer={"invoices": [INVOICE]})
    result = run(api, tmp_path / name, **options)
    assert "warnings" not in result.data
    assert (tmp_path / name).read_bytes().startswith(begin)


@pytest.mark.parametrize(
    ("options", "warnings"),
    [
        (
            {"credit_rate": 0.9, "billing_account_id": "acme"},
            {
                "credit_rate does nothing for layout line_items: it is for costs and focus-1.2 and focus-1.4.",
                "billing_account_id does nothing for layout line_items: it is for focus-1.2 and focus-1.4.",
            },
        ),
        (
            {"layout": "invoices", "invoice_issuer": "AWS", "billing_account_name": "Acme"},
            {
                "invoice_issuer does nothing for layout invoices: it is for focus-1.2 and focus-1.4.",
                "billing_account_name does nothing for layout invoices: it is for focus-1.2 and focus-1.4.",
            },
        ),
        (
            {"format": "json", "csv_bom": True, "csv_delimiter": ";"},
            {
                "csv_bom does nothing for format json: it is for csv.",
                "csv_delimiter does nothing for format json: it is for csv.",
            },
        ),
        ({"layout": "focus-1.4", "credit_rate": 0.9, "billing_account_id": "acme"}, set()),
    ],
)
def test_an_option_that_does_nothing_is_named(
    api: Api, tmp_path: pathlib.Path, options: dict[str, t.Any], warnings: set[str]
) -> None:
    api.expect(answer={"invoices": [INVOICE]})
    result = run(api, tmp_path / "lines", **options)
    assert result.exit_code == 0
    # From 2.19 on a warning is an object with its text in a list of messages.
    assert {line for line in warnings if line in result.output} == warnings
    assert result.output.count(" does nothing for ") == len(warnings)


@pytest.mark.parametrize("layout", ["line_items", "focus-1.2", "focus-1.4"])
@pytest.mark.parametrize("file_format", ["csv", "json", "jsonl"])
def test_the_order_of_the_answer_does_not_matter(
    api: Api, tmp_path: pathlib.Path, layout: str, file_format: str
) -> None:
    lines = [
        {**LINE, "description": description, "quantity": quantity, "total": {"amount": amount, "currency": "USD"}}
        for description in ("Storage", "Compute", None)
        for quantity in (1, 720, None)
        for amount in (3.5, 0.25)
    ]
    items: list[dict[str, t.Any]] = [
        {"cluster": {**CLUSTER, "id": cluster_id, "name": name}, "line_items": lines}
        for cluster_id, name in (("c-2", "payments"), ("c-1", "payments"), ("c-3", "api"), ("c-3", "api"), (None, None))
    ]
    items[3]["line_items"] = lines[:3]
    adjustments = [{"name": name, "amount": {"amount": 1.0, "currency": "USD"}} for name in ("b", "a", None)]
    shuffle = random.Random(7).shuffle
    options: dict[str, t.Any] = {"layout": layout, "format": file_format}
    if layout != "line_items":
        options["billing_account_id"] = "acme"
    dest = tmp_path / "lines"
    for run_number in range(5):
        api.expect(answer={"invoices": [{**INVOICE, "invoice_items": items, "adjustments": adjustments}]})
        assert run(api, dest, **options).data["changed"] is (run_number == 0)
        items = [{**item, "line_items": list(item["line_items"])} for item in items]
        for item in items:
            shuffle(item["line_items"])
            labels = list(CLUSTER["labels"].items())
            shuffle(labels)
            regions = list(CLUSTER["regions"])
            shuffle(regions)
            item["cluster"] = {**item["cluster"], "labels": dict(labels), "regions": regions}
        shuffle(items)
        shuffle(adjustments)


@pytest.mark.parametrize("file_format", ["json", "jsonl"])
def test_line_items_as_json(api: Api, tmp_path: pathlib.Path, file_format: str) -> None:
    dest = tmp_path / "lines"
    api.expect(answer={"invoices": [INVOICE]})
    assert run(api, dest, format=file_format).data["rows"] == 2
    text = dest.read_text(encoding="utf-8")
    rows = json.loads(text) if file_format == "json" else [json.loads(line) for line in text.splitlines()]
    assert [row["amount"] for row in rows] == [12.5, 5.0]
    assert rows[0]["labels"] == {"team": "core", "env": "prod"}
    assert text.endswith("\n")


def test_invoices_as_json_are_as_the_api_sent_them(api: Api, tmp_path: pathlib.Path) -> None:
    dest = tmp_path / "invoices.json"
    api.expect(answer={"invoices": [INVOICE]})
    run(api, dest, format="json", layout="invoices")
    assert json.loads(dest.read_text(encoding="utf-8")) == [INVOICE]


def test_invoices_as_csv(api: Api, tmp_path: pathlib.Path) -> None:
    dest = tmp_path / "invoices.csv"
    api.expect(answer={"invoices": [INVOICE]})
    assert run(api, dest, layout="invoices").data["rows"] == 1
    assert read_csv(dest) == [
        {
            "invoice_id": "i-1",
            "status": "FINALIZED",
            "period_start": "2026-01-01T00:00:00Z",
            "period_end": "2026-02-01T00:00:00Z",
            "clusters": "1",
            "total_USD": "17.5",
            "adjustments_USD": "5.0",
            "balance_CRDB_CLOUD_CREDITS": "100.0",
        }
    ]


@pytest.mark.parametrize(
    ("version", "gone", "new"),
    [("1.2", "ServiceProviderName", "ProviderName"), ("1.4", "ProviderName", "HostProviderName")],
)
def test_focus(api: Api, tmp_path: pathlib.Path, version: str, gone: str, new: str) -> None:
    dest = tmp_path / "focus.csv"
    api.expect(answer={"invoices": [INVOICE]})
    options: dict[str, t.Any] = {
        "billing_account_id": "org-1",
        "billing_account_name": "Acme",
        "invoice_issuer": "AWS Marketplace",
    }
    assert run(api, dest, layout=f"focus-{version}", **options).data["rows"] == 2
    usage, adjustment = read_csv(dest)
    assert (usage["BilledCost"], usage["PricingQuantity"], usage["BillingAccountId"]) == ("12.5", "720.0", "org-1")
    assert (usage["BillingAccountName"], usage["InvoiceIssuerName"]) == ("Acme", "AWS Marketplace")
    assert json.loads(usage["Tags"]) == {"team": "core", "env": "prod"}
    assert adjustment["ResourceId"] == ""
    assert gone not in usage
    assert new in usage


def test_focus_without_an_organization(api: Api, tmp_path: pathlib.Path) -> None:
    api.expect(answer={"invoices": [INVOICE]})
    result = run(api, tmp_path / "focus.csv", layout="focus-1.2")
    assert "billing_account_id" in result.data["msg"]
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx"])
def test_formulas_are_marked_in_a_csv_alone(api: Api, tmp_path: pathlib.Path, name: str) -> None:
    api.expect(answer={"invoices": [renamed(name)]})
    run(api, tmp_path / "lines.csv")
    assert read_csv(tmp_path / "lines.csv")[0]["cluster_name"] == f"'{name}"
    api.expect(answer={"invoices": [renamed(name)]})
    run(api, tmp_path / "lines.json", format="json")
    assert json.loads((tmp_path / "lines.json").read_text(encoding="utf-8"))[0]["cluster_name"] == name


def test_numbers_are_never_marked(api: Api, tmp_path: pathlib.Path) -> None:
    credit = {**INVOICE, "adjustments": [{"name": "Credit", "amount": {"amount": -5.0, "currency": "USD"}}]}
    api.expect(answer={"invoices": [credit]})
    run(api, tmp_path / "lines.csv")
    assert read_csv(tmp_path / "lines.csv")[1]["amount"] == "-5.0"


@pytest.mark.parametrize("name", ['say "hi"', "a,b", "two\r\nlines", "größe 🦗"])
def test_any_text_comes_back(api: Api, tmp_path: pathlib.Path, name: str) -> None:
    api.expect(answer={"invoices": [renamed(name)]})
    run(api, tmp_path / "lines.json", format="json")
    assert json.loads((tmp_path / "lines.json").read_text(encoding="utf-8"))[0]["cluster_name"] == name
    api.expect(answer={"invoices": [renamed(name)]})
    run(api, tmp_path / "lines.csv")
    assert read_csv(tmp_path / "lines.csv")[0]["cluster_name"] == name


def test_the_second_run_changes_nothing(api: Api, tmp_path: pathlib.Path) -> None:
    dest = tmp_path / "lines.csv"
    for changed in (True, False):
        api.expect(answer={"invoices": [INVOICE]})
        assert run(api, dest).data["changed"] is changed
    before = dest.stat()
    api.expect(answer={"invoices": [INVOICE]})
    run(api, dest)
    assert (dest.stat().st_mtime_ns, dest.stat().st_ino) == (before.st_mtime_ns, before.st_ino)


def test_another_bill_replaces_the_file(api: Api, tmp_path: pathlib.Path) -> None:
    dest = tmp_path / "lines.csv"
    api.expect(answer={"invoices": [INVOICE]})
    run(api, dest, mode="0600")
    api.expect(answer={"invoices": [renamed("other")]})
    assert run(api, dest).data["changed"] is True
    assert read_csv(dest)[0]["cluster_name"] == "other"
    assert stat.S_IMODE(dest.stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == ["lines.csv"]


def test_the_mode_is_set_and_counts_as_a_change(api: Api, tmp_path: pathlib.Path) -> None:
    dest = tmp_path / "lines.csv"
    for mode, changed in (("0640", True), ("0640", False), ("0600", True)):
        api.expect(answer={"invoices": [INVOICE]})
        assert run(api, dest, mode=mode).data["changed"] is changed
        assert stat.S_IMODE(dest.stat().st_mode) == int(mode, 8)


def test_check_mode_writes_nothing(api: Api, tmp_path: pathlib.Path) -> None:
    dest = tmp_path / "lines.csv"
    api.expect(answer={"invoices": [INVOICE]})
    result = run(api, dest, check_mode=True, mode="0640")
    assert (result.data["changed"], result.data["rows"]) == (True, 2)
    assert os.listdir(tmp_path) == []


def test_diff(api: Api, tmp_path: pathlib.Path) -> None:
    dest = tmp_path / "lines.csv"
    dest.write_text("old\n", encoding="utf-8")
    api.expect(answer={"invoices": [INVOICE]})
    diff = run(api, dest, _ansible_diff=True, check_mode=True).data["diff"]
    assert diff["before"] == "old\n"
    assert diff["after"].startswith("invoice_id,status")
    assert diff["before_header"] == diff["after_header"] == str(dest)


def test_a_diff_of_a_file_that_is_new(api: Api, tmp_path: pathlib.Path) -> None:
    api.expect(answer={"invoices": [INVOICE]})
    diff = run(api, tmp_path / "lines.csv", _ansible_diff=True).data["diff"]
    assert diff["before"] == ""
    assert diff["after"].count("\n") == 3


def test_a_diff_of_a_large_file_stays_small(api: Api, tmp_path: pathlib.Path) -> None:
    dest = tmp_path / "lines.csv"
    dest.write_text("x" * 200_000, encoding="utf-8")
    api.expect(answer={"invoices": [renamed("y" * 200_000)]})
    result = run(api, dest, _ansible_diff=True)
    assert "200000 bytes" in result.data["diff"]["before"]
    assert len(result.output) < 10_000


def test_a_link_is_replaced_unless_it_is_followed(api: Api, tmp_path: pathlib.Path) -> None:
    target = tmp_path / "target.csv"
    link = tmp_path / "link.csv"
    link.symlink_to(target)
    for follow, dest in ((True, target), (False, link)):
        api.expect(answer={"invoices": [INVOICE]})
        result = run(api, link, follow=follow)
        assert (result.data["dest"], result.data["changed"]) == (str(dest), True)
        assert link.is_symlink() is follow
        assert len(read_csv(dest)) == 2


def test_a_bill_is_open_to_its_owner_alone(api: Api, tmp_path: pathlib.Path) -> None:
    api.expect(answer={"invoices": [INVOICE]})
    run(api, tmp_path / "lines.csv")
    assert stat.S_IMODE((tmp_path / "lines.csv").stat().st_mode) == 0o600


EXPORT_TWICE = """
import json, sys
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._run import run_module
parameters = json.load(sys.stdin)
ended = [run_module("invoice_export", parameters) for dummy in range(2)]
print(json.dumps([sys.getfilesystemencoding(), [result.data for result in ended]]))
"""


@pytest.mark.parametrize("encoding", ["ascii", "iso8859-1"])
@pytest.mark.parametrize("name", ["Kosten-März.csv", "€.csv"])
def test_a_locale_that_is_not_utf_8(api: Api, tmp_path: pathlib.Path, encoding: str, name: str) -> None:
    """Python alone would take another path than ansible-core, or none."""
    locale = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    if encoding != "ascii":
        localedef = shutil.which("localedef")
        made = localedef and subprocess.run(
            [localedef, "-i", "de_DE", "-f", "ISO-8859-1", f"{tmp_path}/de_DE.ISO-8859-1"], check=False
        )
        if not made or made.returncode:
            pytest.skip("localedef cannot make a locale here")
        locale.update(LC_ALL="de_DE.ISO-8859-1", LOCPATH=f"{tmp_path}")
    folder = tmp_path / "exports"
    folder.mkdir()
    parameters = {"api_key": KEY, "api_url": api.url, "retries": 0, "dest": f"{folder}/{name}"}
    for _time in range(2):
        api.expect(answer={"invoices": [INVOICE]})
    ended = run_python("-c", EXPORT_TWICE, text=json.dumps(parameters), environment=locale)
    assert ended.returncode == 0, ended.stderr
    used, results = json.loads(ended.stdout)
    assert used.lower() in (encoding, "iso-8859-1" if encoding != "ascii" else "us-ascii")
    assert [result.get("changed", result.get("msg")) for result in results] == [True, False]
    assert os.listdir(os.fsencode(folder)) == [name.encode()]


@pytest.mark.parametrize(
    ("answer", "options"),
    [
        ({"status": 501, "answer": {"message": "no"}}, {}),
        ({"answer": b"<html>"}, {}),
        ({"answer": {"invoices": [{**INVOICE, "invoice_items": "none"}]}}, {}),
        (
            {
                "answer": {
                    "invoices": [
                        INVOICE,
                        {**INVOICE, "invoice_id": "i-2", "adjustments": [{"amount": {"amount": "5"}}]},
                    ]
                }
            },
            {},
        ),
        ({"answer": b'{"invoices": [{"invoice_id": "i", "totals": 1e999}]}'}, {"format": "json", "layout": "invoices"}),
    ],
)
def test_a_failure_leaves_the_old_file_whole(
    api: Api, tmp_path: pathlib.Path, answer: dict[str, t.Any], options: dict[str, t.Any]
) -> None:
    dest = tmp_path / "lines.csv"
    dest.write_bytes(b"the old file\n")
    before = dest.stat()
    api.expect(**answer)
    result = run(api, dest, **options)
    assert result.exit_code == 1
    assert result.data["failure"]["reason"] in ("server", "response")
    assert dest.read_bytes() == b"the old file\n"
    assert (dest.stat().st_mtime_ns, dest.stat().st_ino) == (before.st_mtime_ns, before.st_ino)
    assert os.listdir(tmp_path) == ["lines.csv"]


def test_the_order_of_two_drafts_of_one_month_does_not_matter(api: Api, tmp_path: pathlib.Path) -> None:
    drafts = [{**INVOICE, "invoice_id": invoice_id, "status": "DRAFT"} for invoice_id in ("i-2", "i-1")]
    for changed, invoices in ((True, drafts), (False, drafts[::-1])):
        api.expect(answer={"invoices": invoices})
        assert run(api, tmp_path / "lines.csv").data["changed"] is changed


@pytest.mark.parametrize("invoices", [[], [{**INVOICE, "totals": [], "invoice_items": [], "adjustments": []}]])
@pytest.mark.parametrize("check_mode", [True, False])
def test_nothing_replaces_a_file_only_where_that_is_allowed(
    api: Api, tmp_path: pathlib.Path, invoices: list[dict[str, t.Any]], check_mode: bool
) -> None:
    dest = tmp_path / "lines.csv"
    dest.write_bytes(b"the old file\n")
    api.expect(answer={"invoices": invoices})
    refused = run(api, dest, check_mode=check_mode)
    assert (refused.exit_code, refused.data["failure"]["reason"]) == (1, "incomplete")
    assert dest.read_bytes() == b"the old file\n"
    api.expect(answer={"invoices": invoices})
    allowed = run(api, dest, require=[], check_mode=check_mode)
    assert (allowed.data["rows"], allowed.data["changed"]) == (0, True)
    assert dest.read_bytes().startswith(b"the old" if check_mode else b"invoice_id,")


def test_no_draft_is_left_behind(api: Api, tmp_path: pathlib.Path) -> None:
    drafts = tmp_path / "drafts"
    drafts.mkdir()
    for answer in (INVOICE, {**INVOICE, "adjustments": [{"amount": "none"}]}):
        api.expect(answer={"invoices": [answer]})
        run(api, tmp_path / "lines.csv", _ansible_tmpdir=str(drafts))
        assert os.listdir(drafts) == []


@pytest.mark.parametrize(
    ("dest", "options", "words"),
    [
        ("", {}, ["dest", "a folder"]),
        ("missing/lines.csv", {}, ["dest", "missing", "does not exist"]),
        ("lines.csv/", {}, ["dest", "a folder"]),
        ("pipe", {}, ["dest", "ordinary"]),
        ("lines.csv", {"format": "xlsx"}, ["format", "csv"]),
        ("lines.csv", {"layout": "focus-1.0"}, ["layout", "focus-1.2"]),
        ("lines.csv", {"detail": "totals"}, ["Unsupported", "detail"]),
        ("lines.csv", {"credit_rate": -1, "layout": "focus-1.4"}, ["credit_rate"]),
        ("lines.csv", {"csv_delimiter": ":"}, ["csv_delimiter", '";"']),
        ("lines.csv", {"csv_delimiter": "\\t"}, ["csv_delimiter", "a tab"]),
        ("lines.csv", {"csv_delimiter": ""}, ["csv_delimiter"]),
        ("lines.csv", {"period": "soon"}, ["period"]),
    ],
)
def test_bad_options_fail_before_any_call(
    api: Api, tmp_path: pathlib.Path, dest: str, options: dict[str, t.Any], words: list[str]
) -> None:
    os.mkfifo(tmp_path / "pipe")
    result = run(api, os.path.join(tmp_path, dest), **options)
    assert result.exit_code == 1
    assert all(word in result.data["msg"] for word in words), result.data["msg"]
    assert result.data["failure"]["reason"] == "options"
    assert result.data["failure"]["attempts"] == 0


@pytest.mark.parametrize(
    ("quantity", "cell"),
    [
        (0, "0.0"),
        (720, "720.0"),
        (1e-7, "0.0000001"),
        (1e22, "10000000000000000000000.0"),
        (0.1 + 0.2, "0.30000000000000004"),
    ],
)
def test_numbers_have_a_decimal_point_and_no_exponent(
    api: Api, tmp_path: pathlib.Path, quantity: float, cell: str
) -> None:
    item = {**INVOICE["invoice_items"][0], "line_items": [{**LINE, "quantity": quantity}]}
    api.expect(answer={"invoices": [{**INVOICE, "invoice_items": [item]}]})
    run(api, tmp_path / "lines.csv")
    assert read_csv(tmp_path / "lines.csv")[0]["quantity"] == cell


OWNERS = [{"owner": "platform", "cluster": ["ci-*", "pay*"]}, {"owner": "finance", "description": "*Support"}]
COSTS: dict[str, t.Any] = {"layout": "costs", "group_by": ["period", "owner"], "owners": OWNERS}


def test_costs_as_a_file(api: Api, tmp_path: pathlib.Path) -> None:
    dest = tmp_path / "costs.csv"
    other = {**CLUSTER, "id": "c-2", "name": "wiki"}
    items = [*INVOICE["invoice_items"], {"cluster": other, "line_items": [{**LINE, "total": {"amount": 0.01}}]}]
    currency = {"amount": 10.0, "currency": "USD"}
    items.append({"cluster": other, "line_items": [{**LINE, "total": currency}]})
    bill = {**INVOICE, "invoice_items": items, "totals": [{"amount": 27.5, "currency": "USD"}, {"amount": 0.01}]}
    api.expect(answer={"invoices": [bill]})
    result = run(api, dest, **COSTS, allocate="even", decimals=1)
    assert dest.read_text(encoding="utf-8").splitlines() == [
        "period,owner,currency,amount,allocated,projected",
        "2026-01,finance,USD,10.0,5.0,",
        "2026-01,platform,USD,17.5,5.0,",
        "2026-01,,,0.0,0.0,",
    ]
    assert result.data["rows"] == 3
    assert result.data["summary"] == [
        {"period": "2026-01", "owner": "finance", "currency": "USD", "amount": 10.0, "allocated": 5.0},
        {"period": "2026-01", "owner": "platform", "currency": "USD", "amount": 17.5, "allocated": 5.0},
        {"period": "2026-01", "owner": None, "currency": None, "amount": 0.0, "allocated": 0.0},
    ]
    assert result.data["totals"] == [
        {"period": "2026-01", "currency": "USD", "amount": 27.5, "billed": 27.5, "adds_up": True},
        {"period": "2026-01", "currency": None, "amount": 0.0, "billed": 0.0, "adds_up": True},
    ]
    assert result.data["invoices"] == [{"invoice_id": "i-1", "period": "2026-01", "status": "FINALIZED"}]
    assert [row["reconciled"] for row in result.data["reconciliation"]] == [True, True]
    assert "nobody has costs to share by" in result.output


def test_costs_of_nothing_replace_no_file(api: Api, tmp_path: pathlib.Path) -> None:
    dest = tmp_path / "costs.json"
    dest.write_text("before", encoding="utf-8")
    api.expect(answer={"invoices": [{**INVOICE, "status": "DRAFT"}]})
    result = run(api, dest, **COSTS, require=["invoices", "final"])
    assert (result.exit_code, result.data["failure"]["reason"]) == (1, "incomplete")
    assert dest.read_text(encoding="utf-8") == "before"


def test_options_of_costs_are_checked_before_any_call(api: Api, tmp_path: pathlib.Path) -> None:
    result = run(api, tmp_path / "costs.csv", **{**COSTS, "owners": [{"owner": "a", "kind": "credits"}]})
    assert result.data["msg"] == "owners[0].kind: 'credits' is none. The kinds are usage, adjustment, unitemized."
    result = run(api, tmp_path / "lines.csv", owners=[{"from": "teem"}])
    assert result.data["msg"].startswith("owners[0].from: 'teem' is unknown.")


def test_line_items_say_who_owns_them(api: Api, tmp_path: pathlib.Path) -> None:
    for name in ("lines.csv", "lines.jsonl"):
        api.expect(answer={"invoices": [INVOICE]})
        assert run(api, tmp_path / name, owners=OWNERS).exit_code == 0
    rows = read_csv(tmp_path / "lines.csv")
    assert [(list(row)[-1], row["owner"]) for row in rows] == [("owner", "platform"), ("owner", "finance")]
    lines = (tmp_path / "lines.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["owner"] for line in lines] == ["platform", "finance"]


def test_focus_says_who_owns_a_row(api: Api, tmp_path: pathlib.Path) -> None:
    api.expect(answer={"invoices": [INVOICE]})
    run(api, tmp_path / "focus.csv", layout="focus-1.2", billing_account_id="acme", owners=OWNERS[:1])
    usage, adjustment = read_csv(tmp_path / "focus.csv")
    assert (usage["x_Owner"], json.loads(usage["Tags"])) == (
        "platform",
        {"env": "prod", "owner": "platform", "team": "core"},
    )
    assert (adjustment["x_Owner"], adjustment["Tags"]) == ("", "")


@pytest.mark.parametrize("layout", ["line_items", "costs"])
def test_a_label_that_no_cluster_has_is_named(api: Api, tmp_path: pathlib.Path, layout: str) -> None:
    # A process says the same warning once, so that each layout has its own.
    rules = [{"from": f"label:{layout}"}, {"owner": "rest"}]
    options: dict[str, t.Any] = {"layout": layout, "group_by": ["owner"], "owners": rules}
    text = f"No cluster has the label '{layout}'. The labels are env, team."
    api.expect(answer={"invoices": [INVOICE]})
    assert text in run(api, tmp_path / "file.csv", **options).output
    api.expect(answer={"invoices": [INVOICE]})
    refused = run(api, tmp_path / "other.csv", **options, require=["labels"])
    assert (refused.data["msg"], refused.data["failure"]["reason"]) == (text, "incomplete")
    assert not (tmp_path / "other.csv").exists()
