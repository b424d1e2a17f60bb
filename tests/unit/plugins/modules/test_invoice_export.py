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

USD_12 = {"amount": 12.5, "currency": "USD"}
LINE = {"description": "Compute", "quantity": 720, "quantity_unit": "VCPU_HOURS", "unit_cost": 1e-7, "total": USD_12}
CLUSTER: dict[str, t.Any] = {
    "id": "c-1",
    "name": "payments",
    "plan": "STANDARD",
    "cloud_provider": "GCP",
    "regions": [{"name": "us-east1"}, {"name": "us-west2"}],
    "labels": {"team": "core", "env": "prod"},
    "parent_id": "root",
}
INVOICE: dict[str, t.Any] = {
    "invoice_id": "i-1",
    "status": "FINALIZED",
    "period_start": "2026-01-01T00:00:00Z",
    "period_end": "2026-02-01T00:00:00Z",
    "totals": [{"amount": 17.5, "currency": "USD"}],
    "balances": [{"amount": 100.0, "currency": "CRDB_CLOUD_CREDITS"}],
    "invoice_items": [{"cluster": CLUSTER, "totals": [USD_12], "line_items": [LINE]}],
    "adjustments": [{"name": "Premium Support", "amount": {"amount": 5.0, "currency": "USD"}}],
    "surprise": {"kept": True},
}
HEAD = {name: INVOICE[name] for name in ("invoice_id", "status", "period_start", "period_end")}
OWNERS = [{"owner": "platform", "cluster": ["ci-*", "pay*"]}, {"owner": "finance", "description": "*Support"}]
COSTS: dict[str, t.Any] = {"layout": "costs", "group_by": ["period", "owner"], "owners": OWNERS}


def run(
    api: Api,
    dest: t.Any,
    *,
    invoices: t.Sequence[t.Any] | None = (INVOICE,),
    check_mode: bool = False,
    **options: t.Any,
) -> ModuleResult:
    """Run the module once; without C(invoices) the caller has said what is answered, or there is no call."""
    if invoices is not None:
        api.expect(answer={"invoices": list(invoices)})
    parameters = {"api_key": KEY, "api_url": api.url, "retries": 0, "dest": f"{dest}", **options}
    return run_module("invoice_export", parameters, check_mode=check_mode)


def read_csv(path: pathlib.Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream, strict=True))


def test_line_items_as_csv(api: Api, tmp_path: pathlib.Path) -> None:
    dest = tmp_path / "lines.csv"
    result = run(api, dest)
    assert (result.data["changed"], result.data["rows"], result.data["dest"]) == (True, 2, str(dest))
    usage, adjustment = read_csv(dest)
    assert usage == {
        **HEAD,
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
    shown = [adjustment[name] for name in ("kind", "description", "amount")]
    assert shown == ["adjustment", "Premium Support", "5.0"]
    assert [part[:4] for part in dest.read_bytes().split(b"\r\n")] == [b"invo", b"i-1,", b"i-1,", b""]


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
    result = run(api, tmp_path / name, **options)
    assert "warnings" not in result.data
    assert (tmp_path / name).read_bytes().startswith(begin)


@pytest.mark.parametrize("layout", ["line_items", "focus-1.2", "focus-1.4"])
@pytest.mark.parametrize("file_format", ["csv", "json", "jsonl"])
def test_the_order_of_the_answer_does_not_matter(
    api: Api, tmp_path: pathlib.Path, layout: str, file_format: str
) -> None:
    shuffle = random.Random(7)

    def shuffled(given: t.Iterable[t.Any]) -> list[t.Any]:
        listed = list(given)
        shuffle.shuffle(listed)
        return listed

    def item(cluster_id: str | None, name: str | None, quantities: t.Sequence[t.Any] = (1, 720, None)) -> t.Any:
        lines = [
            {**LINE, "description": what, "quantity": quantity, "total": {"amount": amount, "currency": "USD"}}
            for what in ("Storage", "Compute", None)
            for quantity in quantities
            for amount in (3.5, 0.25)
        ]
        labels, regions = dict(shuffled(CLUSTER["labels"].items())), shuffled(CLUSTER["regions"])
        cluster = {**CLUSTER, "id": cluster_id, "name": name, "labels": labels, "regions": regions}
        return {"cluster": cluster, "line_items": shuffled(lines)}

    options: dict[str, t.Any] = {"billing_account_id": "acme"} if layout != "line_items" else {}
    for changed in (True, False, False, False, False):
        named = (("c-2", "payments"), ("c-1", "payments"), ("c-3", "api"), (None, None))
        items = shuffled([*(item(*one) for one in named), item("c-3", "api", [1])])
        adjustments = shuffled({**INVOICE["adjustments"][0], "name": name} for name in ("b", "a", None))
        drafts = [{**INVOICE, "invoice_id": number, "status": "DRAFT"} for number in ("i-3", "i-2")]
        invoices = shuffled([{**INVOICE, "invoice_items": items, "adjustments": adjustments}, *drafts])
        result = run(api, tmp_path / "lines", invoices=invoices, layout=layout, format=file_format, **options)
        assert result.data["changed"] is changed


def test_invoices_are_a_row_each_and_as_json_as_the_api_sent_them(api: Api, tmp_path: pathlib.Path) -> None:
    run(api, tmp_path / "invoices.csv", layout="invoices")
    sums = {"total_USD": "17.5", "adjustments_USD": "5.0", "balance_CRDB_CLOUD_CREDITS": "100.0"}
    assert read_csv(tmp_path / "invoices.csv") == [{**HEAD, "clusters": "1", **sums}]
    run(
        api,
        tmp_path / "bare.csv",
        layout="invoices",
        invoices=[HEAD, {**HEAD, "invoice_id": "i-2", "invoice_items": []}],
    )
    assert [row["clusters"] for row in read_csv(tmp_path / "bare.csv")] == ["", "0"]
    assert run(api, tmp_path / "invoices.json", layout="invoices").data["rows"] == 1
    assert json.loads((tmp_path / "invoices.json").read_text(encoding="utf-8")) == [INVOICE]


@pytest.mark.parametrize(
    ("file_format", "name", "shown"),
    [("csv", "=1+1", "'=1+1"), ("json", "=1+1", "=1+1"), ("csv", 'größe, "🦗"', 'größe, "🦗"')],
)
def test_a_formula_is_marked_in_a_csv_alone(
    api: Api, tmp_path: pathlib.Path, file_format: str, name: str, shown: str
) -> None:
    item = {**INVOICE["invoice_items"][0], "cluster": {**CLUSTER, "name": name}}
    dest = tmp_path / "lines"
    run(api, dest, invoices=[{**INVOICE, "invoice_items": [item]}], format=file_format)
    rows = read_csv(dest) if file_format == "csv" else json.loads(dest.read_text(encoding="utf-8"))
    assert rows[0]["cluster_name"] == shown


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"credit_rate": 0.9}, ["credit_rate does nothing for layout line_items: it is for costs and focus-1.2 and"]),
        ({"layout": "invoices", "invoice_issuer": "AWS"}, ["invoice_issuer does nothing for layout invoices: it is"]),
        (
            {"format": "json", "csv_bom": True, "csv_delimiter": ";"},
            ["csv_bom does nothing for format json: it is for csv.", "csv_delimiter does nothing for format json"],
        ),
        ({"layout": "focus-1.4", "credit_rate": 0.9, "billing_account_id": "acme"}, []),
    ],
)
def test_an_option_that_does_nothing_is_named(
    api: Api, tmp_path: pathlib.Path, options: dict[str, t.Any], named: list[str]
) -> None:
    result = run(api, tmp_path / "lines", **options)
    assert result.exit_code == 0
    # From 2.19 on a warning is an object with its text in a list of messages.
    assert [text for text in named if text not in result.output] == []
    assert result.output.count(" does nothing for ") == len(named)


@pytest.mark.parametrize(
    ("layout", "last"), [("focus-1.2", "x_Plan"), ("focus-1.4", "x_Plan"), ("line_items", "owner")]
)
def test_rows_say_who_owns_them(api: Api, tmp_path: pathlib.Path, layout: str, last: str) -> None:
    dest = tmp_path / "rows.csv"
    options: dict[str, t.Any] = {"layout": layout, "owners": OWNERS[:1]}
    if layout != "line_items":
        assert "billing_account_id" in run(api, dest, **options).data["msg"]
        assert not dest.exists()
        options.update(billing_account_id="org-1", billing_account_name="Acme", invoice_issuer="AWS")
    assert run(api, dest, **options).data["rows"] == 2
    usage, adjustment = read_csv(dest)
    assert list(usage)[-1] == last
    if layout == "line_items":
        assert (usage["owner"], adjustment["owner"]) == ("platform", "")
        return
    assert ("ProviderName" in usage, "ServiceProviderName" in usage) == (layout == "focus-1.2", layout == "focus-1.4")
    named = [usage[f"{name}"] for name in ("BillingAccountId", "BillingAccountName", "InvoiceIssuerName", "BilledCost")]
    assert named == ["org-1", "Acme", "AWS", "12.5"]
    assert json.loads(usage["Tags"]) == {"env": "prod", "owner": "platform", "team": "core"}
    assert (usage["x_Owner"], adjustment["x_Owner"], adjustment["Tags"]) == ("platform", "", "")


def test_a_file_is_placed_as_the_options_say(api: Api, tmp_path: pathlib.Path) -> None:
    target, link = tmp_path / "target.csv", tmp_path / "link.csv"
    link.symlink_to(target)
    common: dict[str, t.Any] = {"follow": True, "mode": "0640", "_ansible_diff": True}
    would = run(api, link, check_mode=True, **common).data
    assert (would["changed"], would["rows"], target.exists()) == (True, 2, False)
    diff = run(api, link, **common).data["diff"]
    assert (diff["before"], diff["after"].count("\n"), diff["after_header"]) == ("", 3, str(target))
    assert (link.is_symlink(), stat.S_IMODE(target.stat().st_mode)) == (True, 0o640)
    assert run(api, link).data["changed"] is True
    assert (link.is_symlink(), stat.S_IMODE(link.stat().st_mode)) == (False, 0o600)


@pytest.mark.parametrize(
    ("answer", "options"),
    [
        ({"status": 501, "answer": {"message": "no"}}, {}),
        ({"answer": {"invoices": [INVOICE, {**INVOICE, "invoice_id": "2", "adjustments": [{"amount": "5"}]}]}}, {}),
        ({"answer": b'{"invoices": [{"invoice_id": "i", "totals": 1e999}]}'}, {"format": "json", "layout": "invoices"}),
        ({"answer": {"invoices": [{**INVOICE, "status": "DRAFT"}]}}, {**COSTS, "require": ["invoices", "final"]}),
    ],
)
def test_a_failure_leaves_the_old_file_whole_and_no_draft(
    api: Api, tmp_path: pathlib.Path, answer: dict[str, t.Any], options: dict[str, t.Any]
) -> None:
    dest, drafts = tmp_path / "lines.csv", tmp_path / "drafts"
    drafts.mkdir()
    dest.write_bytes(b"the old file\n")
    before = dest.stat()
    api.expect(**answer)
    result = run(api, dest, invoices=None, _ansible_tmpdir=str(drafts), **options)
    assert result.exit_code == 1
    assert result.data["failure"]["reason"] in ("server", "response", "incomplete")
    assert dest.read_bytes() == b"the old file\n"
    assert (dest.stat().st_mtime_ns, dest.stat().st_ino) == (before.st_mtime_ns, before.st_ino)
    assert (os.listdir(drafts), sorted(os.listdir(tmp_path))) == ([], ["drafts", "lines.csv"])


@pytest.mark.parametrize(
    ("dest", "options", "words"),
    [
        ("missing/lines.csv", {}, ["dest", "missing", "does not exist"]),
        ("lines.csv", {"format": "xlsx"}, ["format", "csv"]),
        ("lines.csv", {"layout": "focus-1.0"}, ["layout", "focus-1.2"]),
        ("lines.csv", {"credit_rate": -1, "layout": "focus-1.4"}, ["credit_rate"]),
        ("lines.csv", {"csv_delimiter": ":"}, ["csv_delimiter: ':' cannot", '";"', "a tab"]),
        ("lines.csv", {"period": "soon"}, ["period"]),
        ("lines.csv", {"owner": "nobody-of-that-name"}, ["nobody-of-that-name"]),
        ("lines.csv", {"mode": "u=?"}, ["mode"]),
        ("lines.csv", {"owners": [{"from": "teem"}]}, ["owners[0].from: 'teem' is unknown."]),
        ("costs.csv", {**COSTS, "owners": [{"owner": "a", "kind": "credits"}]}, ["owners[0].kind: 'credits' is none."]),
    ],
)
def test_bad_options_fail_before_any_call(
    api: Api, tmp_path: pathlib.Path, dest: str, options: dict[str, t.Any], words: list[str]
) -> None:
    result = run(api, tmp_path / dest, invoices=None, **options)
    assert result.exit_code == 1
    assert all(word in result.data["msg"] for word in words), result.data["msg"]
    assert (result.data["failure"]["reason"], result.data["failure"]["attempts"]) == ("options", 0)


WRITE_TWICE = """
import json, sys
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._run import run_module
module, parameters = json.load(sys.stdin)
ended = [run_module(module, parameters) for dummy in range(2)]
print(json.dumps([sys.getfilesystemencoding(), [result.data for result in ended]]))
"""


@pytest.mark.parametrize("module", ["invoice_export", "cost_report"])
@pytest.mark.parametrize("encoding", ["ascii", "iso8859-1"])
@pytest.mark.parametrize("name", ["Kosten-März.csv", "€.csv"])
def test_a_locale_that_is_not_utf_8(api: Api, tmp_path: pathlib.Path, module: str, encoding: str, name: str) -> None:
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
    certificates = tmp_path / name
    certificates.touch()
    parameters = {"api_key": KEY, "api_url": api.url, "retries": 0, "dest": f"{folder}/{name}"}
    parameters["ca_path"] = f"{certificates}"
    for _time in range(2):
        api.expect(answer={"invoices": [INVOICE]})
    ended = run_python("-c", WRITE_TWICE, text=json.dumps([module, parameters]), environment=locale)
    assert ended.returncode == 0, ended.stderr
    used, results = json.loads(ended.stdout)
    assert used.lower() in (encoding, "iso-8859-1" if encoding != "ascii" else "us-ascii")
    assert [result.get("changed", result.get("msg")) for result in results] == [True, False]
    assert os.listdir(os.fsencode(folder)) == [name.encode()]


@pytest.mark.parametrize("invoices", [[], [{**INVOICE, "totals": [], "invoice_items": [], "adjustments": []}]])
@pytest.mark.parametrize("check_mode", [True, False])
def test_nothing_replaces_a_file_only_where_that_is_allowed(
    api: Api, tmp_path: pathlib.Path, invoices: list[dict[str, t.Any]], check_mode: bool
) -> None:
    dest = tmp_path / "lines.csv"
    dest.write_bytes(b"the old file\n")
    refused = run(api, dest, invoices=invoices, check_mode=check_mode)
    assert (refused.exit_code, refused.data["failure"]["reason"]) == (1, "incomplete")
    assert dest.read_bytes() == b"the old file\n"
    allowed = run(api, dest, invoices=invoices, require=[], check_mode=check_mode)
    assert (allowed.data["rows"], allowed.data["changed"]) == (0, True)
    assert dest.read_bytes().startswith(b"the old" if check_mode else b"invoice_id,")


def test_costs_as_a_file(api: Api, tmp_path: pathlib.Path) -> None:
    dest = tmp_path / "costs.csv"
    other = {**CLUSTER, "id": "c-2", "name": "wiki"}
    items = [*INVOICE["invoice_items"], {"cluster": other, "line_items": [{**LINE, "total": {"amount": 0.01}}]}]
    currency = {"amount": 10.0, "currency": "USD"}
    items.append({"cluster": other, "line_items": [{**LINE, "total": currency}]})
    bill = {**INVOICE, "invoice_items": items, "totals": [{"amount": 27.5, "currency": "USD"}, {"amount": 0.01}]}
    result = run(api, dest, invoices=[bill], **COSTS, allocate="even", decimals=1)
    assert dest.read_text(encoding="utf-8").splitlines() == [
        "period,owner,currency,amount,allocated,projected",
        "2026-01,finance,USD,10.0,5.0,",
        "2026-01,platform,USD,17.5,5.0,",
        "2026-01,,,0.0,0.0,",
    ]
    assert result.data["rows"] == 3
    assert [row["owner"] for row in result.data["summary"]] == ["finance", "platform", None]
    assert [(row["billed"], row["adds_up"]) for row in result.data["totals"]] == [(27.5, True), (0.0, True)]
    assert result.data["invoices"] == [{"invoice_id": "i-1", "period": "2026-01", "status": "FINALIZED"}]
    assert [row["reconciled"] for row in result.data["reconciliation"]] == [True, True]
    assert "nobody has costs to share by" in result.output


@pytest.mark.parametrize("layout", ["line_items", "costs"])
def test_a_label_that_no_cluster_has_is_named(api: Api, tmp_path: pathlib.Path, layout: str) -> None:
    # A process says the same warning once, so that each layout has its own.
    rules = [{"from": f"label:{layout}"}, {"owner": "rest"}]
    options: dict[str, t.Any] = {"layout": layout, "group_by": ["owner"], "owners": rules}
    text = f"No cluster has the label '{layout}'. The labels are env, team."
    assert text in run(api, tmp_path / "file.csv", **options).output
    refused = run(api, tmp_path / "other.csv", **options, require=["labels"])
    assert (refused.data["msg"], refused.data["failure"]["reason"]) == (text, "incomplete")
    assert not (tmp_path / "other.csv").exists()
