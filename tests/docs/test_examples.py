# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every example of the guides, of the plugins and of the README runs against the sandbox, as it stands on the page."""

from __future__ import annotations

import ast
import pathlib
import typing as t

import _examples
import billing_sandbox
import pytest
import yaml

PAGES = sorted(_examples.GUIDES.glob("*.rst"))
NAMES = [path.stem for path in PAGES]
PLUGINS = [
    *(("module", path.stem) for path in sorted((_examples.ROOT / "plugins" / "modules").glob("*.py"))),
    *(("lookup", path.stem) for path in sorted((_examples.ROOT / "plugins" / "lookup").glob("*.py"))),
    *(("filter", path.stem) for path in sorted((_examples.ROOT / "plugins" / "filter").glob("*.py"))),
]


def succeeded(sandbox: billing_sandbox.Sandbox, before: int) -> bool:
    """Say whether the API has answered with 200 since it had so many requests."""
    return any(entry["status"] == 200 for entry in sandbox.requests()[before:])


@pytest.mark.parametrize("path", PAGES, ids=NAMES)
def test_guide(path: pathlib.Path, runner: _examples.Runner, sandbox: billing_sandbox.Sandbox) -> None:
    examples = _examples.read_examples(path)
    runnable = [one for one in examples if not one.not_run and one.kind in ("shell", "playbook", "tasks")]
    before = len(sandbox.requests())
    runner.run_page(examples)
    assert not runnable or succeeded(sandbox, before)


@pytest.mark.parametrize("path", PAGES, ids=NAMES)
def test_blocks_say_what_they_are(path: pathlib.Path) -> None:
    text = path.read_text(encoding="utf-8")
    for example in _examples.read_examples(path):
        if example.kind == "data":
            assert example.file or example.not_run, f"{example.source}: a fragment that no test knows how to run"
        if example.file and not example.not_run:
            assert f"``{example.file}``" in text, f"{example.source}: nobody tells the reader of {example.file}"


def examples_of(kind: str, name: str) -> str:
    """Return what a plugin has under EXAMPLES."""
    folder = "modules" if kind == "module" else kind
    tree = ast.parse((_examples.ROOT / "plugins" / folder / f"{name}.py").read_text(encoding="utf-8"))
    (text,) = (
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "EXAMPLES"
    )
    return str(text)


@pytest.mark.parametrize(("kind", "name"), PLUGINS, ids=[f"{name}-{kind}" for kind, name in PLUGINS])
def test_plugin(kind: str, name: str, runner: _examples.Runner, sandbox: billing_sandbox.Sandbox) -> None:
    fqcn = f"cockroachdb_cloud.billing.{name}"
    # The one thing that is changed: what a plugin writes to /tmp is not left there.
    examples = examples_of(kind, name).replace("/tmp/", f"{runner.folder}/")  # noqa: S108
    before = len(sandbox.requests())
    runner.run_tasks(fqcn, examples)
    assert succeeded(sandbox, before)


def test_readme(runner: _examples.Runner, sandbox: billing_sandbox.Sandbox) -> None:
    playbooks = _examples.read_readme(_examples.ROOT / "README.md")
    assert playbooks
    before = len(sandbox.requests())
    for example in playbooks:
        runner.run_playbook(example.source, example.text)
    assert succeeded(sandbox, before)


def documented_options() -> t.Iterator[str]:
    """Yield the names of the options of the event source."""
    source = _examples.ROOT / "extensions" / "eda" / "plugins" / "event_source" / "draft_cost.py"
    documentation = source.read_text(encoding="utf-8").split('"""')[3]
    yield from yaml.safe_load(documentation)["options"]


def test_rulebooks() -> None:
    """A rulebook needs Java to run, which C(make eda) does; here its source has to be one that the documents know."""
    blocks = [example for path in PAGES for example in _examples.read_examples(path) if example.kind == "rulebook"]
    options = set(documented_options())
    assert blocks
    for example in blocks:
        for play in _examples.load(example.text):
            for source in play["sources"]:
                assert set(source["cockroachdb_cloud.billing.draft_cost"]) <= options, example.source
            assert play["rules"], example.source
