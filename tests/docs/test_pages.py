# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a page says and the code says have to be the same, and no link may lead nowhere."""

from __future__ import annotations

import fnmatch
import pathlib
import re

import _examples
import pytest
import yaml

ROOT = _examples.ROOT
UTILS = ROOT / "plugins" / "module_utils"


def guide(name: str) -> str:
    return (_examples.GUIDES / f"{name}.rst").read_text(encoding="utf-8")


def literals(text: str) -> set[str]:
    return set(re.findall(r"``([^`]+)``", text))


@pytest.mark.parametrize("path", sorted(ROOT.glob("*.md")), ids=lambda path: path.name)
def test_links_of_markdown(path: object) -> None:
    text = (ROOT / str(path)).read_text(encoding="utf-8")
    repository = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))["repository"]
    for target in re.findall(r"(?:\]\(|^\[[^]]+\]: )([^)#\s]+)", text, re.MULTILINE):
        here = target.removeprefix(f"{repository}/tree/main/")
        if not re.match(r"[a-z]+:", here):
            assert (ROOT / here).exists(), target


def test_every_page_is_in_the_table_of_contents() -> None:
    sections = yaml.safe_load((ROOT / "docs" / "docsite" / "extra-docs.yml").read_text(encoding="utf-8"))["sections"]
    listed = [page for section in sections for page in section["toctree"]]
    assert sorted(listed) == sorted(path.stem for path in _examples.GUIDES.glob("*.rst"))


def test_every_focus_column_is_explained() -> None:
    source = (UTILS / "_focus.py").read_text(encoding="utf-8")
    columns = set(re.findall(r'"((?:x_)?[A-Z]\w+)"', source[: source.index("_UNITS")]))
    assert {"BilledCost", "HostProviderName", "x_Plan"} <= columns
    said = guide("guide_exports_and_focus")
    table = said[said.index("Where each column comes from") : said.index("What is missing")]
    first_cells = "\n".join(re.findall(r"^  \* - (``.*)$", table, re.MULTILINE))
    assert literals(first_cells) == columns


def test_every_column_of_line_items_is_named() -> None:
    source = (UTILS / "_lines.py").read_text(encoding="utf-8")
    (names,) = re.findall(r"^LINE_ITEM_KEYS = \((.*?)^\)", source, re.MULTILINE | re.DOTALL)
    assert set(re.findall(r'"(\w+)"', names)) <= literals(guide("guide_exports_and_focus"))


def test_every_reason_is_explained() -> None:
    source = (UTILS / "_errors.py").read_text(encoding="utf-8")
    reasons = set(re.findall(r'^    reason(?:: t\.ClassVar\[str\])? = "(\w+)"$', source, re.MULTILINE))
    assert len(reasons) == 11
    table = re.findall(r"^    - ``(\w+)``\n    - (?:Yes|No)$", guide("guide_troubleshooting"), re.MULTILINE)
    assert set(table) == reasons


def test_every_layer_is_in_the_list_of_layers() -> None:
    said = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    table = said[said.index("| Layer |") : said.index("From `_money` to `_export`")]
    named = [name for line in table.strip().splitlines() for name in re.findall(r"`(_[\w*]+)`", line.split("|")[1])]
    files = [path.stem for path in UTILS.glob("*.py")]
    assert [name for name in files if not any(fnmatch.fnmatch(name, pattern) for pattern in named)] == []
    assert [pattern for pattern in named if not fnmatch.filter(files, pattern)] == []


def variables_of(playbook: str) -> set[str]:
    """Return the variables that the head of a playbook names."""
    source = (ROOT / "playbooks" / f"{playbook}.yml").read_text(encoding="utf-8")
    head = source[: source.index("\n- name: ")]
    return set(re.findall(r"^#   (billing_\w+)  ", head, re.MULTILINE))


@pytest.mark.parametrize("path", sorted((ROOT / "playbooks").glob("*.yml")), ids=lambda path: path.name)
def test_every_variable_of_the_playbooks_is_in_their_guide(path: pathlib.Path) -> None:
    page = guide("guide_playbooks")
    rows = re.findall(r"^  \* - (``billing_.*)\n    - (.*)$", page, re.MULTILINE)
    said = {name for names, where in rows if where == "all" or path.stem in literals(where) for name in literals(names)}
    source = path.read_text(encoding="utf-8")
    assert f"``{path.stem}``" in page
    assert "billing_credit_rate" in variables_of(path.stem)
    assert variables_of(path.stem) <= said <= set(re.findall(r"billing_\w+", source[: source.index("\n- name: ")]))


def test_the_guide_has_the_rulebook_of_the_collection() -> None:
    (example,) = (
        one for one in _examples.read_examples(_examples.GUIDES / "guide_events.rst") if one.kind == "rulebook"
    )
    shipped = ROOT / "extensions" / "eda" / "rulebooks" / "draft_cost.yml"
    assert _examples.load(example.text) == _examples.load(shipped.read_text(encoding="utf-8"))
