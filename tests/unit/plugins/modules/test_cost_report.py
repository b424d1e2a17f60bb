# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cost_report module, over a real socket and with real files."""

from __future__ import annotations

import csv
import json
import os
import pathlib
import typing as t

import pytest
from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._folder import check_folder
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._api import KEY, Api
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._bills import NOW, asked, bill, cluster
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._run import ModuleResult, run_module

FILES = ["line_items.csv", "costs.json", "index.html"]
BILLS = [
    bill(month, cluster("a", ("Compute", 1, "HOURS", amount), labels={"team": "core"}), adjustments={"Support": 2.5})
    for month, amount in (("2026-01", 10.1), ("2026-02", 10.2))
]


def write(
    api: Api, dest: pathlib.Path, *, bills: t.Any = BILLS, check_mode: bool = False, **options: t.Any
) -> ModuleResult:
    api.expect(answer={"invoices": bills})
    options = {"api_key": KEY, "api_url": api.url, "retries": 0, "dest": f"{dest}", **options}
    return run_module("cost_report", options, check_mode=check_mode)


def mode_of(path: pathlib.Path) -> int:
    return path.stat().st_mode & 0o7777


def contents(folder: pathlib.Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_three_files_from_one_fetch_that_say_the_same(api: Api, tmp_path: pathlib.Path) -> None:
    folder = tmp_path / "report"
    result = write(api, folder, group_by=["label:team"]).data
    assert len(api.requests) == 1
    assert (result["dest"], result["page"]) == (f"{folder}", f"{folder / 'index.html'}")
    assert result["files"] == [f"{folder / name}" for name in FILES]
    assert sorted(contents(folder)) == sorted(FILES)
    data = json.loads((folder / "costs.json").read_text(encoding="utf-8"))
    with (folder / "line_items.csv").open(encoding="utf-8", newline="") as stream:
        assert sum(float(row["amount"]) for row in csv.DictReader(stream)) == pytest.approx(25.3)
    assert [books["total"] for books in data["currencies"]] == [25.3]
    assert [group["key"] for group in data["currencies"][0]["groups"]] == [["core"], [None]]
    assert "$12.70" in (folder / "index.html").read_text(encoding="utf-8")


def test_the_same_invoices_change_nothing(api: Api, tmp_path: pathlib.Path) -> None:
    changed = [write(api, tmp_path / "report", title=title).data["changed"] for title in ("One", "One", "Other")]
    assert changed == [True, False, True]


@pytest.mark.parametrize("there", [False, True])
def test_check_mode_only_says(api: Api, tmp_path: pathlib.Path, *, there: bool) -> None:
    folder = tmp_path / "report"
    if there:
        folder.mkdir()
    assert write(api, folder, check_mode=True).data["changed"] is True
    assert folder.is_dir() == there
    assert not list(folder.glob("*"))


@pytest.mark.parametrize(("mode", "file", "folder"), [(None, 0o600, 0o700), ("0640", 0o640, 0o750)])
def test_a_bill_is_nobody_elses_business(
    api: Api, tmp_path: pathlib.Path, mode: str | None, file: int, folder: int
) -> None:
    old = os.umask(0)
    try:
        write(api, tmp_path / "report", mode=mode)
    finally:
        os.umask(old)
    assert mode_of(tmp_path / "report") == folder
    assert {mode_of(path) for path in (tmp_path / "report").iterdir()} == {file}


def test_a_folder_that_could_not_be_filled_is_closed(
    api: Api, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def move(*_args: t.Any, **_kwargs: t.Any) -> t.NoReturn:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(AnsibleModule, "atomic_move", move)
    old = os.umask(0)
    try:
        result = write(api, tmp_path / "report")
    finally:
        os.umask(old)
    assert result.data["msg"].endswith("cannot be written: No space left on device.")
    assert mode_of(tmp_path / "report") == 0o700


def test_a_folder_is_named_with_a_slash_or_from_where_one_is(
    api: Api, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for dest in ("report/", "report", f"{tmp_path}/report/"):
        api.expect(answer={"invoices": BILLS})
        result = run_module("cost_report", {"api_key": KEY, "api_url": api.url, "dest": dest}).data
        assert result["dest"] == f"{tmp_path}/report"
    assert check_folder("/") == check_folder("//") == "/"


def test_a_failure_leaves_the_files_as_they_were(api: Api, tmp_path: pathlib.Path) -> None:
    folder = tmp_path / "report"
    write(api, folder)
    before = contents(folder)
    result = write(api, folder, bills=[{**BILLS[0], "adjustments": "none"}])
    assert result.exit_code == 1
    assert result.data["failure"]["reason"] == "response"
    result = write(api, folder, bills=[])
    assert result.data["failure"]["reason"] == "incomplete"
    assert contents(folder) == before
    assert write(api, tmp_path / "empty", bills=[], require=[]).data["changed"] is True
    # One file in the way of the last: nothing is replaced either.
    (folder / "index.html").unlink()
    (folder / "index.html").mkdir()
    assert write(api, folder, title="Other").exit_code == 1
    assert (folder / "costs.json").read_bytes() == before["costs.json"]


@pytest.mark.parametrize("option", [{"owner": "nobody-of-that-name"}, {"group": "no-such-group"}, {"mode": "u=?"}])
@pytest.mark.parametrize("check_mode", [True, False])
def test_what_no_file_can_have_is_refused_before_any_call(
    api: Api, tmp_path: pathlib.Path, option: dict[str, str], *, check_mode: bool
) -> None:
    folder = tmp_path / "report"
    write(api, folder)
    before, asked_once = contents(folder), len(api.requests)
    options = {"api_key": KEY, "api_url": api.url, "dest": f"{folder}", "title": "Other", **option}
    result = run_module("cost_report", options, check_mode=check_mode)
    assert (result.exit_code, result.data["failure"]["reason"]) == (1, "options")
    assert (contents(folder), len(api.requests)) == (before, asked_once)


@pytest.mark.parametrize("follow", [True, False])
def test_a_link_in_the_folder_is_followed_only_where_that_is_asked(
    api: Api, tmp_path: pathlib.Path, *, follow: bool
) -> None:
    folder, page = tmp_path / "report", tmp_path / "page.html"
    folder.mkdir()
    page.write_text("old", encoding="utf-8")
    (folder / "index.html").symlink_to(page)
    result = write(api, folder, follow=follow).data
    assert (result["changed"], result["page"]) == (True, f"{folder / 'index.html'}")
    assert (folder / "index.html").is_symlink() == follow
    assert (page.read_text(encoding="utf-8") == "old") == (not follow)
    assert "$12.70" in (folder / "index.html").read_text(encoding="utf-8")
    assert write(api, folder, follow=follow).data["changed"] is False


def test_last_month_is_compared_with_the_month_before(api: Api, tmp_path: pathlib.Path) -> None:
    write(api, tmp_path / "report", period="2026-02")
    books = json.loads((tmp_path / "report" / "costs.json").read_text(encoding="utf-8"))["currencies"][0]
    assert (books["spent"], books["before"], books["total"]) == (12.7, 12.6, 12.7)
    assert books["movers"]["total"]["change"] == pytest.approx(0.1)
    assert b"2026-01" not in (tmp_path / "report" / "line_items.csv").read_bytes()


def test_several_organizations_need_no_key(tmp_path: pathlib.Path) -> None:
    result = asked(BILLS, [], NOW)
    sources = [{"name": "acme", "result": result}, {"name": "globex", "failure": "The key is not valid."}]
    options = {"dest": f"{tmp_path / 'all'}", "group_by": [], "sources": sources}
    assert run_module("cost_report", options).data["files"] == [f"{tmp_path / 'all' / name}" for name in FILES[1:]]
    page = (tmp_path / "all" / "index.html").read_text(encoding="utf-8")
    assert "1 organization is missing" in page
    assert "The key is not valid." in page
    refused = run_module("cost_report", {**options, "period": "2026-01"})
    assert "mutually exclusive: sources|period" in refused.data["msg"]


@pytest.mark.parametrize(
    ("dest", "text"),
    [
        ("", "dest is empty: name the folder"),
        ("file", "is a file: name a folder"),
        ("nowhere", "is a link to nothing: name a folder"),
        ("missing/report", "does not exist. Create it first"),
    ],
)
def test_a_dest_that_cannot_be_is_refused_before_anything_is_fetched(
    api: Api, tmp_path: pathlib.Path, dest: str, text: str
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "nowhere").symlink_to("missing")
    path = f"{tmp_path / dest}" if dest else ""
    result = run_module("cost_report", {"api_key": KEY, "api_url": api.url, "dest": path})
    assert text in result.data["msg"]
    assert result.data["failure"]["reason"] == "options"
