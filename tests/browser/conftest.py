# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reports of the sandbox's organizations, written by the real playbook, and a real browser to look at them."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import subprocess
import sys
import typing as t

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "sandbox"))

from billing_sandbox import Sandbox  # noqa: E402 - it lies beside the tests, in no package

if t.TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
REPORTS = {
    "main": ("sandbox-key", {"report_budget": 8000, "report_title": "Example Inc."}),
    "team": ("sandbox-key", {"report_group_by": ["label:team"], "report_credit_rate": 0.9}),
    "hostile": ("sandbox-key-hostile", {}),
    "empty": ("sandbox-key-empty", {"report_budget": 8000}),
}


class Report(t.NamedTuple):
    """A written report."""

    folder: pathlib.Path

    @property
    def url(self) -> str:
        return (self.folder / "index.html").as_uri()

    @property
    def data(self) -> dict[str, t.Any]:
        return t.cast("dict[str, t.Any]", json.loads((self.folder / "costs.json").read_text(encoding="utf-8")))


@pytest.fixture(scope="session")
def sandbox() -> t.Iterator[Sandbox]:
    with Sandbox(rate_limit=False) as running:
        yield running


@pytest.fixture(scope="session")
def reports(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Report]:
    """Each report of C(REPORTS), by its name."""
    tree = tmp_path_factory.mktemp("tree")
    namespace = tree / "ansible_collections" / "cockroachdb_cloud"
    namespace.mkdir(parents=True)
    (namespace / "billing").symlink_to(ROOT)
    out = tmp_path_factory.mktemp("reports")
    for name, (key, options) in REPORTS.items():
        _write(tree, sandbox.url, key, {**options, "report_dest": str(out / name)})
    return {name: Report(out / name) for name in REPORTS}


def _write(tree: pathlib.Path, url: str, key: str, options: dict[str, t.Any]) -> None:
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "COCKROACH_"))}
    ours.update(
        ANSIBLE_COLLECTIONS_PATH=str(tree),
        ANSIBLE_CONFIG=str(ROOT / "tests" / "tools" / "ansible.cfg"),
        ANSIBLE_HOME=str(tree / "home"),
        ANSIBLE_REMOTE_TMP=str(tree / "tmp"),
        COCKROACH_API_KEY=key,
        COCKROACH_SERVER=url,
        LC_ALL="C.UTF-8",
        NO_PROXY="127.0.0.1",
        no_proxy="127.0.0.1",
    )
    playbook = pathlib.Path(sys.executable).parent / "ansible-playbook"
    command = [str(playbook), "cockroachdb_cloud.billing.report", "--extra-vars", json.dumps(options)]
    done = subprocess.run(command, env=ours, cwd=tree, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="session")
def browser() -> t.Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("there is no chromium in the PATH")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield running
        running.close()


Opener = t.Callable[..., "Page"]


class Seen(t.NamedTuple):
    """What a page did that it should not have done."""

    requests: list[str]
    complaints: list[str]


@pytest.fixture
def seen() -> Seen:
    return Seen([], [])


@pytest.fixture
def open_page(browser: Browser, reports: dict[str, Report], seen: Seen) -> t.Iterator[Opener]:
    """Open a report by its name, with Playwright's options of a context; C(seen) takes down what it does."""
    contexts = []

    def opener(name: str, **options: t.Any) -> Page:
        context = browser.new_context(**{"viewport": {"width": 1200, "height": 900}, **options})
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: seen.requests.append(request.url))
        page.on("console", lambda message: seen.complaints.append(message.text))
        page.on("pageerror", lambda error: seen.complaints.append(str(error)))
        page.on("dialog", lambda dialog: (seen.complaints.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.goto(reports[name].url)
        return page

    yield opener
    for context in contexts:
        context.close()
