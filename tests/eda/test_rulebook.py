# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The event source in the real ansible-rulebook: the tarball, installed into a fresh path, against the sandbox.

C(make eda) runs this in an environment of its own.
"""

from __future__ import annotations

import contextlib
import datetime
import http.client
import importlib.util
import json
import pathlib
import shutil
import signal
import subprocess
import sys
import threading
import time
import typing as t

import pytest
import yaml

if shutil.which("java") is None or importlib.util.find_spec("ansible_rulebook") is None:
    pytest.skip("ansible-rulebook and Java are needed: make eda sets them up", allow_module_level=True)

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "tools"))
_checkout = importlib.import_module("_checkout")

KEY = "sandbox-key"
FQCN = "cockroachdb_cloud.billing.draft_cost"
# JVM and rule engine take seconds to start, and on a busy machine many.
PATIENCE = 120


@pytest.fixture(scope="module")
def collections(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Build the collection and install it where nothing else lies; return what goes into ANSIBLE_COLLECTIONS_PATH."""
    folder = tmp_path_factory.mktemp("collections")
    build = tmp_path_factory.mktemp("build")
    galaxy = [str(_checkout.BIN / "ansible-galaxy"), "collection"]
    environment = _checkout.environment(ANSIBLE_COLLECTIONS_PATH=str(folder))
    tree = _checkout.copy_tree("eda")
    for command in (
        [*galaxy, "build", f"--output-path={build}", str(tree)],
        [*galaxy, "install", "--offline", f"--collections-path={folder}"],
    ):
        tarballs = [str(path) for path in build.glob("*.tar.gz")]
        done = subprocess.run(
            [*command, *tarballs], cwd=build, env=environment, check=False, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
    shutil.rmtree(tree)
    return folder


class Sandbox:
    """The sandbox in a process of its own."""

    def __init__(self) -> None:
        # Late in this month, so that the draft holds something on any day.
        today = f"{datetime.datetime.now(datetime.timezone.utc):%Y-%m}-25"
        command = [sys.executable, str(ROOT / "tests/sandbox/server.py"), "--today", today, "--lifetime", "600"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()

    def call(self, method: str, path: str, body: t.Any = None) -> t.Any:
        """Call the sandbox past the environment's proxies."""
        connection = http.client.HTTPConnection(self.url.rpartition("/")[2], timeout=10)
        with contextlib.closing(connection):
            data = None if body is None else json.dumps(body)
            connection.request(method, path, data, {"Authorization": f"Bearer {KEY}"})
            return json.load(connection.getresponse())

    def faults(self, *faults: dict[str, t.Any]) -> None:
        self.call("POST", "/_sandbox/faults", list(faults))

    def draft(self) -> dict[str, t.Any]:
        [draft] = self.call("GET", "/api/v1/invoices?status=DRAFT")["invoices"]
        self.call("DELETE", "/_sandbox/requests")
        return t.cast("dict[str, t.Any]", draft)

    def requests(self) -> list[dict[str, t.Any]]:
        return t.cast("list[dict[str, t.Any]]", self.call("GET", "/_sandbox/requests"))


@pytest.fixture
def sandbox() -> t.Iterator[Sandbox]:
    running = Sandbox()
    yield running
    running.process.terminate()
    running.process.wait(10)


class Rulebook:
    """ansible-rulebook in a process of its own, and what it has printed so far."""

    def __init__(self, collections: pathlib.Path, *arguments: str, **environment: str) -> None:
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [str(_checkout.BIN / "ansible-rulebook"), *arguments],
            env=_checkout.environment(
                ANSIBLE_COLLECTIONS_PATH=str(collections), ANSIBLE_NOCOLOR="1", EDA_SHUTDOWN_DELAY="1", **environment
            ),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        self.lines.extend(self.process.stdout)

    @property
    def text(self) -> str:
        return "".join(self.lines)

    def wait_for(self, condition: t.Callable[[], object], what: str) -> None:
        """Wait until something holds, or fail with all that was printed."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert self.process.poll() is None, f"ended before {what}:\n{self.text}"
            assert time.monotonic() < deadline, f"{what} did not come:\n{self.text}"
            time.sleep(0.1)

    def stop(self) -> None:
        """End it as an operator does. Its exit code is that of the JVM inside, which takes the signal for itself."""
        self.process.send_signal(signal.SIGINT)
        self.end()

    def end(self) -> int:
        """Wait for its end, and return its exit code."""
        code = self.process.wait(PATIENCE)
        self._reader.join(10)
        return code


@pytest.fixture
def run(collections: pathlib.Path, sandbox: Sandbox) -> t.Iterator[t.Callable[..., Rulebook]]:
    """Start ansible-rulebook with the key and the URL of the sandbox in its environment."""
    started: list[Rulebook] = []

    def start(*arguments: str, **environment: str) -> Rulebook:
        environment = {"COCKROACH_API_KEY": KEY, "COCKROACH_SERVER": sandbox.url, **environment}
        started.append(Rulebook(collections, *arguments, **environment))
        return started[-1]

    yield start
    for rulebook in started:
        if rulebook.process.poll() is None:
            rulebook.process.kill()
            rulebook.process.wait(10)


def write_rulebook(
    folder: pathlib.Path, args: dict[str, t.Any], *sources: dict[str, t.Any], rule: dict[str, t.Any] | None = None
) -> str:
    """Write a rulebook with the source, further sources, and a rule, by default one that prints each event."""
    default = {
        "name": "Print",
        "condition": 'event.cockroachdb_cloud.event == "threshold_crossed"',
        "action": {"debug": {"msg": "CROSSED {{ event.cockroachdb_cloud | to_json }} CROSSED"}},
    }
    ruleset = {"name": "Watch", "hosts": "localhost", "sources": [{FQCN: args}, *sources], "rules": [rule or default]}
    path = folder / "rulebook.yml"
    path.write_text(yaml.safe_dump([ruleset]), encoding="utf-8")
    return str(path)


def test_the_rulebook_of_the_collection_tells_what_is_used_up(sandbox: Sandbox, run: t.Callable[..., Rulebook]) -> None:
    draft = sandbox.draft()
    [total] = [total["amount"] for total in draft["totals"] if total["currency"] == "USD"]
    expected = [f"{percent:.1f} % of the budget" for percent in (50, 80) if total >= 5000 * percent / 100]
    assert expected, "the sandbox's draft is too small for this test"
    rulebook = run("--rulebook", FQCN)
    rulebook.wait_for(lambda: expected[-1] in rulebook.text, expected[-1])
    if total >= 5000:
        rulebook.wait_for(lambda: "OVER BUDGET in" in rulebook.text, "the rule for the whole budget")
    rulebook.stop()
    for text in expected:
        assert rulebook.text.count(text) == 1
    assert f"{total} USD of 5000" in rulebook.text
    [request] = sandbox.requests()
    assert (request["path"], request["query"]) == ("/api/v1/invoices", {"status": "DRAFT"})


def test_an_api_that_fails_a_hostile_label_and_several_drafts(
    sandbox: Sandbox, run: t.Callable[..., Rulebook], tmp_path: pathlib.Path
) -> None:
    """The first poll fails, the second finds a label that is a template, and a playbook gets it as text.

    The draft is there in two parts, which add up, and beside one of a month that has not begun.
    """
    command = f"touch {tmp_path}/executed"
    label = f"{{{{ lookup('ansible.builtin.pipe', '{command}') }}}}"
    draft = sandbox.draft()
    for item in draft["invoice_items"]:
        item["cluster"]["labels"] = {"team": label}
    future = {**draft, "invoice_id": "f", "period_start": "2099-01-01T00:00:00Z", "period_end": "2099-02-01T00:00:00Z"}
    drafts = [draft, {**draft, "invoice_id": "part"}, future]
    lines = [line["total"] for item in draft["invoice_items"] for line in item["line_items"]]
    spent = sum(total["amount"] for total in lines if total["currency"] == "USD")
    sandbox.faults({"status": 503}, {"body": {"invoices": drafts}, "times": None})

    playbooks = tmp_path / "playbooks"
    playbooks.mkdir()
    content = "{{ ansible_eda.event.cockroachdb_cloud | to_json }}"
    task = {"name": "Keep", "ansible.builtin.copy": {"content": content, "dest": f"{tmp_path}/event.json"}}
    play = {"name": "Keep the event", "hosts": "localhost", "gather_facts": False, "tasks": [task]}
    (playbooks / "keep.yml").write_text(yaml.safe_dump([play]), encoding="utf-8")
    inventory = tmp_path / "inventory.yml"
    host = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    inventory.write_text(yaml.safe_dump({"all": {"hosts": {"localhost": host}}}), encoding="utf-8")
    rule = {
        "name": "Keep the event of a team",
        "condition": 'event.cockroachdb_cloud.group["label:team"] is search("lookup", ignorecase=true)',
        "action": {"run_playbook": {"name": f"{playbooks}/keep.yml"}},
    }
    path = write_rulebook(
        tmp_path, {"thresholds": [1], "group_by": ["label:team"], "retries": 0, "interval": 10}, rule=rule
    )
    # As where the ansible package of PyPI is installed: a package that hides collections elsewhere.
    shadow = tmp_path / "site" / "ansible_collections"
    shadow.mkdir(parents=True)
    (shadow / "__init__.py").write_text("", encoding="utf-8")

    rulebook = run("--rulebook", path, "--inventory", str(inventory), "-vv", PYTHONPATH=str(shadow.parent))
    rulebook.wait_for((tmp_path / "event.json").is_file, "the playbook's file")
    rulebook.wait_for(lambda: "failed=0" in rulebook.text, "the playbook's end")
    rulebook.stop()
    event = json.loads((tmp_path / "event.json").read_text(encoding="utf-8"))
    assert event["group"] == {"label:team": label.replace("{{", "{ {")}
    assert event["amount"] == pytest.approx(2 * spent)
    assert event["invoice_id"] is None
    assert rulebook.text.count("Left out: the draft f of 2099-01, a month that has not begun.") == 1
    assert (event["threshold"], event["percent"], event["at_start"]) == (1.0, None, True)
    assert not (tmp_path / "executed").exists(), "a label was executed"
    assert "The cost is not known, the next poll is in 10 seconds. GET http://127.0.0.1:" in rulebook.text
    assert "The cost is known again. Polls that failed before: 1." in rulebook.text
    assert KEY not in rulebook.text
    statuses = [request["status"] for request in sandbox.requests()]
    assert statuses[:2] == [503, 200]


@pytest.mark.parametrize(
    ("args", "environment", "text", "calls"),
    [
        (
            {"thresholds": ["80%"]},
            {},
            "OptionsError: Source plugin failed with error message: 'thresholds: '80%' is a percentage of the budget",
            0,
        ),
        ({"thresholds": [1]}, {"COCKROACH_API_KEY": "sandbox-wrong-key"}, "AuthenticationError: Source plugin", 1),
    ],
)
def test_what_cannot_work_ends_ansible_rulebook(
    sandbox: Sandbox,
    run: t.Callable[..., Rulebook],
    tmp_path: pathlib.Path,
    args: dict[str, t.Any],
    environment: dict[str, str],
    text: str,
    calls: int,
) -> None:
    rulebook = run("--rulebook", write_rulebook(tmp_path, args), **environment)
    assert rulebook.end() == 1
    assert text in rulebook.text
    assert "sandbox-wrong-key" not in rulebook.text
    assert len(sandbox.requests()) == calls


def test_it_ends_at_once_while_the_api_hangs(
    sandbox: Sandbox, run: t.Callable[..., Rulebook], tmp_path: pathlib.Path
) -> None:
    """Another source comes to its end, upon which ansible-rulebook cancels this one in the middle of a call."""
    sandbox.faults({"delay": 600, "times": None})
    variables = tmp_path / "vars.yml"
    variables.write_text(yaml.safe_dump({"url": sandbox.url, "limits": [5, "10%"]}), encoding="utf-8")
    args = {"thresholds": "{{ limits }}", "budget": 100, "timeout": 100, "api_url": "{{ url }}"}
    path = write_rulebook(tmp_path, args, {"eda.builtin.range": {"limit": 5, "delay": 1}})
    rulebook = run("--rulebook", path, "--vars", str(variables), COCKROACH_SERVER="")
    rulebook.wait_for(sandbox.requests, "the first poll")
    started = time.monotonic()
    assert rulebook.end() == 0, rulebook.text
    assert time.monotonic() - started < 40
