# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real plays: what runs in Ansible's own process, what as a module, and that a play registers the same both ways."""

from __future__ import annotations

import getpass
import json
import os
import pathlib
import re
import subprocess
import sys
import typing as t
from concurrent import futures

import pytest
import yaml
from ansible.parsing.vault import VaultLib, VaultSecret
from billing_sandbox._scripted import Wire, hang, say

from ansible_collections.cockroachdb_cloud.billing.plugins.plugin_utils._action import is_this_python
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._api import KEY
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._data import invoice

INFO = "cockroachdb_cloud.billing.invoice_info"
COSTS = "cockroachdb_cloud.billing.cost_info"
HERE = "runs in Ansible's own process"
AS_MODULE = "runs as a module: "
VAULTED, HIDDEN = "sandbox-vaulted-key", "sandbox-hidden-key"

# Reached as localhost is, by a connection of another name.
ELSEWHERE = """
from ansible.plugins.connection.local import DOCUMENTATION as _OF_LOCAL, Connection as Local
DOCUMENTATION = _OF_LOCAL.replace("name: local", "name: elsewhere")
class Connection(Local):
    transport = "elsewhere"
"""


class Vaulted(str):
    """A text that YAML writes as a vaulted one."""


yaml.SafeDumper.add_representer(Vaulted, lambda dumper, value: dumper.represent_scalar("!vault", f"{value}", style="|"))


class Case(t.NamedTuple):
    """A task that registers its result, and how often each way is taken, in the order of -vvv."""

    task: dict[str, t.Any]
    ways: t.Sequence[str]
    same: bool = True


def ours(options: dict[str, t.Any] | None = None, name: str = INFO, **keywords: t.Any) -> dict[str, t.Any]:
    """Return a task of ours that does not end the play when it fails."""
    return {name: options, "ignore_errors": True, **keywords}


CASES: dict[str, Case] = {
    "as everybody does": Case(ours(), [HERE]),
    "add up, with warnings": Case(ours({"group_by": ["label:none"], "period": "2025-10..2026-01"}, COSTS), [HERE]),
    "a loop": Case(ours({"detail": "{{ item }}"}, loop=["totals", "clusters", "most"]), [HERE] * 3),
    "check mode": Case(ours(check_mode=True), [HERE]),
    "refused options": Case(ours({"no_such": 1}), [HERE]),
    "refused by us": Case(ours({"period": "2026-13"}), [HERE]),
    "a value that no module is sent": Case(
        ours({"detail": b"totals"}),
        [f"{AS_MODULE}an option has a value that only Ansible's own refusal can name"],
    ),
    "no log": Case(ours({"api_key": HIDDEN}, no_log=True), [HERE]),
    "a vaulted key": Case(ours({"api_key": "{{ vaulted }}"}), [HERE]),
    "an omitted option": Case(ours({"detail": "{{ omit }}"}), [HERE]),
    "an undefined value": Case(ours({"detail": "{{ nothing }}"}), []),
    "until it is enough": Case(
        ours({"detail": "totals"}, until="tried.invoices | length > 9", retries=2, delay=0), [HERE] * 3
    ),
    "a condition of its own": Case(ours(failed_when="result.invoices | length > 1"), [HERE]),
    "no environment after all": Case(ours(environment=[{}]), [HERE]),
    "an environment": Case(ours(environment={"SOMETHING": "else"}), [f"{AS_MODULE}it has an environment of its own"]),
    "the same user": Case(ours(become=True, become_user=getpass.getuser()), [HERE]),
    "another user": Case(
        ours(become=True, become_user="nobody", become_method="ansible.builtin.su"),
        [f"{AS_MODULE}it becomes another user"],
    ),
    "asynchronous": Case({**ours(), "async": 60, "poll": 1}, [f"{AS_MODULE}it is asynchronous"], same=False),
    "delegated": Case(ours(delegate_to="elsewhere"), [f"{AS_MODULE}the connection is elsewhere"]),
    "another connection": Case(
        ours(vars={"ansible_connection": "elsewhere"}), [f"{AS_MODULE}the connection is elsewhere"]
    ),
    "another Python": Case(
        ours(vars={"ansible_python_interpreter": "{{ folder }}/python"}),
        [f"{AS_MODULE}{{folder}}/python is not the Python that runs Ansible"],
    ),
    "a Python to be found": Case(
        ours(vars={"ansible_python_interpreter": "auto_silent"}),
        [f"{AS_MODULE}auto_silent is not the Python that runs Ansible"],
    ),
    "asked for": Case(
        ours(vars={"cockroachdb_cloud_as_module": "{{ 1 == 1 }}"}),
        [f"{AS_MODULE}cockroachdb_cloud_as_module asks for it"],
    ),
    "not asked for": Case(ours(vars={"cockroachdb_cloud_as_module": "no"}), [HERE]),
    "too slow": Case(ours({"api_url": "{{ slow }}"}, timeout=1), [HERE], same=False),
}
ONLY_HERE = ("asked for", "not asked for")


def play(*, as_module: bool, urls: dict[str, str], folder: pathlib.Path) -> str:
    """Return a play with all cases, that writes down what they register."""
    tasks = []
    for number, (name, case) in enumerate(CASES.items()):
        task = {"name": name, **case.task, "register": "tried" if "until" in case.task else "result"}
        if as_module and name not in ONLY_HERE:
            task["vars"] = {**case.task.get("vars", {}), "cockroachdb_cloud_as_module": True}
        kept = {"ansible.builtin.set_fact": {f"result_{number}": f"{{{{ {task['register']} }}}}"}, "no_log": True}
        tasks += [task, kept]
    names = ", ".join(f"'{name}': result_{number}" for number, name in enumerate(CASES))
    content = f"{{{{ {{{names}}} | to_json }}}}"
    write = {"content": content, "dest": f"{folder}/results.json", "mode": "0600"}
    tasks.append({"ansible.builtin.copy": write, "no_log": True})
    vault = VaultLib([("default", VaultSecret(b"sandbox"))]).encrypt(VAULTED.encode()).decode()
    whole = {
        "hosts": "localhost",
        "gather_facts": False,
        "module_defaults": {
            "group/cockroachdb_cloud.billing.all": {"api_key": KEY, "api_url": urls["quick"], "retries": 0}
        },
        "vars": {"vaulted": Vaulted(vault), "slow": urls["slow"], "folder": f"{folder}"},
        "tasks": tasks,
    }
    return yaml.safe_dump([whole], sort_keys=False)


class Ran(t.NamedTuple):
    """What a play wrote down, each case's lines of -vvv about ways, all that it printed, and the requests."""

    results: dict[str, t.Any]
    ways: dict[str, list[str]]
    output: str
    requests: list[str]


def run_play(folder: pathlib.Path, *, as_module: bool) -> Ran:
    """Run the play with all cases."""
    invoices = [invoice("2025-12", note="{{ 1 + 1 }}"), invoice("2026-01", note="{{ lookup('pipe', 'false') }}")]
    folder.mkdir()
    (folder / "connection_plugins").mkdir()
    (folder / "connection_plugins" / "elsewhere.py").write_text(ELSEWHERE, encoding="utf-8")
    (folder / "hosts").write_text(
        f"elsewhere ansible_connection=elsewhere ansible_python_interpreter={sys.executable}\n", encoding="utf-8"
    )
    (folder / "password").write_text("sandbox", encoding="utf-8")
    (folder / "ansible.cfg").touch()
    (folder / "python").symlink_to(sys.executable)
    with Wire(say({"invoices": invoices})) as quick, Wire(hang()) as slow:
        text = play(as_module=as_module, urls={"quick": quick.url, "slow": slow.url}, folder=folder)
        (folder / "play.yml").write_text(text, encoding="utf-8")
        kept = ("PATH", "PYTHONPATH", "ANSIBLE_COLLECTIONS_PATH")
        places = {"ANSIBLE_ASYNC_DIR": "async", "ANSIBLE_CONFIG": "ansible.cfg", "ANSIBLE_HOME": "ansible", "HOME": "."}
        environment = {name: os.environ[name] for name in kept if name in os.environ}
        environment.update({name: f"{folder}/{place}" for name, place in places.items()}, LC_ALL="C.UTF-8")
        command = f"{sys.executable} -m ansible.cli.playbook -vvv -i hosts --vault-password-file=password play.yml"
        done = subprocess.run(
            command.split(), cwd=folder, env=environment, check=False, capture_output=True, text=True, timeout=300
        )
    assert done.returncode == 0, done.stdout + done.stderr
    ways: dict[str, list[str]] = {}
    for part in re.split(r"^TASK \[", done.stdout, flags=re.MULTILINE)[1:]:
        ways[part.split("]")[0]] = re.findall(rf"(?:{INFO}|{COSTS}) (runs .*)", part)
    written = (folder / "results.json").read_text(encoding="utf-8")
    # Up to 2.18 the error for an undefined value says where in the play it stands.
    written = re.sub(
        r"line \d+, column \d+", "", written.replace(f"{folder}", "FOLDER").replace(f":{quick.port}", ":PORT")
    )
    results = json.loads(written)
    requests = [request.replace(f":{quick.port}", ":PORT") for request in quick.requests]
    return Ran(results, ways, done.stdout + done.stderr, requests)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, Ran]:
    """Run the play in both ways, at the same time."""
    folder = tmp_path_factory.mktemp("plays")
    with futures.ThreadPoolExecutor() as pool:
        running = {way: pool.submit(run_play, folder / f"as-module-{way}", as_module=way) for way in (False, True)}
    return {way: play.result() for way, play in running.items()}


@pytest.mark.parametrize("name", CASES)
def test_which_way_is_taken_is_shown(name: str, ran: dict[bool, Ran]) -> None:
    expected = list(CASES[name].ways)
    said = [re.sub(r"/\S+/python ", "{folder}/python ", way) for way in ran[False].ways[name]]
    assert said == expected
    if name not in ONLY_HERE:
        assert ran[True].ways[name] == [f"{AS_MODULE}cockroachdb_cloud_as_module asks for it"] * len(expected)


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.same])
def test_a_play_registers_the_same_both_ways(name: str, ran: dict[bool, Ran]) -> None:
    in_place, as_module = (json.dumps(ran[way].results[name]) for way in (False, True))
    assert in_place == as_module


def test_both_ways_send_the_same(ran: dict[bool, Ran]) -> None:
    assert len(ran[False].requests) >= len([case for case in CASES.values() if case.ways]) - 5
    assert ran[False].requests == ran[True].requests


def test_what_the_results_are(ran: dict[bool, Ran]) -> None:
    """That they are the same would hold for two ways that do nothing, too."""
    results = ran[False].results
    assert [found["note"] for found in results["as everybody does"]["invoices"]] == [
        "{{ 1 + 1 }}",
        "{{ lookup('pipe', 'false') }}",
    ]
    assert results["add up, with warnings"]["totals"]
    assert len(results["add up, with warnings"]["warnings"]) >= 2
    assert [item["failed"] for item in results["a loop"]["results"]] == [False, False, True]
    assert results["refused options"]["msg"].startswith(f"Unsupported parameters for ({INFO}) module: no_such. ")
    assert results["refused by us"]["failure"]["reason"] == "options"
    assert (results["until it is enough"]["attempts"], results["until it is enough"]["failed"]) == (2, True)
    assert results["a condition of its own"]["failed_when_result"] is True
    assert results["asynchronous"]["invoices"] == results["as everybody does"]["invoices"]
    assert results["delegated"]["invoices"] == results["as everybody does"]["invoices"]


def test_a_task_has_its_time_out_in_place(ran: dict[bool, Ran]) -> None:
    slow = ran[False].results["too slow"]
    assert slow["failed"] is True
    assert re.search(r"time frame \(1\)|Timed out after 1 second", slow["msg"])


@pytest.mark.parametrize("as_module", [False, True])
def test_no_credential_is_shown(as_module: bool, ran: dict[bool, Ran]) -> None:
    shown = ran[as_module].output + json.dumps(ran[as_module].results)
    used = "".join(ran[as_module].requests)
    for key in (KEY, VAULTED, HIDDEN):
        assert f"Bearer {key}\r\n" in used
        assert key not in shown


def test_the_same_python_by_another_name(tmp_path: pathlib.Path) -> None:
    assert is_this_python(sys.executable)
    folder = os.path.dirname(sys.executable)
    assert is_this_python(f"{folder}/../{os.path.basename(folder)}/{os.path.basename(sys.executable)}")
    (tmp_path / "link").symlink_to(os.path.dirname(folder))
    assert is_this_python(f"{tmp_path}/link/{os.path.basename(folder)}/{os.path.basename(sys.executable)}")


def test_a_python_with_other_libraries(tmp_path: pathlib.Path) -> None:
    """A virtual environment's Python is a link to the one that it was made with."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to(os.path.realpath(sys.executable))
    (tmp_path / "pyvenv.cfg").touch()
    assert not is_this_python(f"{tmp_path}/bin/python")
    for other in ("/bin/sh", "python3", "/usr/bin/env python3", "auto", "", f"{tmp_path}/none"):
        assert not is_this_python(other)
