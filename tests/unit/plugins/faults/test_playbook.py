# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real ansible-playbook at C(-vvv), with a log file, against servers that repeat the key: nobody can read it."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import re
import subprocess
import sys
import threading
import typing as t

import pytest
from billing_sandbox._scripted import Line, Script, Wire, answer, hang

COLLECTION = "cockroachdb_cloud.billing"
KEYS = {
    "option": "sandbox-key-of-the-option",
    "variable": "sandbox-key-of-the-variable",
    "environment": "sandbox-key-of-the-environment",
}


def _key(line: Line) -> str:
    return line.request.headers["Authorization"].split()[1]


SCRIPTS: tuple[Script, ...] = (
    lambda line: line.send(answer({"invoices": [{"invoice_id": "one", _key(line): [f"<{_key(line)}>"]}]})),
    lambda line: line.send(answer({"code": 7, "message": f"denied to {_key(line)}"}, status=403)),
    lambda line: line.send(f"HTTP/1.1 400 {_key(line)}\r\n{_key(line)}\r\nContent-Length: 0\r\n\r\n".encode()),
    hang(),
)


def _watch(over: threading.Event, looks: list[str]) -> None:
    """Look at the command lines of all processes, again and again, for as long as the playbook runs."""
    while not over.wait(0.05):
        looks.append("")
        for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                looks[-1] += path.read_bytes().decode("utf-8", "replace")


def _tasks(urls: list[str]) -> list[dict[str, t.Any]]:
    """Return a task for each way to give the key and each server; few run as a module, which is much slower."""
    tasks: list[dict[str, t.Any]] = []
    for url in urls:
        for place in KEYS:
            keywords = f"api_url='{url}', retries=0, timeout=1" + ", api_key=option_key" * (place == "option")
            given = {"cockroachdb_cloud_api_key": "{{ variable_key }}"} if place == "variable" else {}
            look_up = f"{{{{ query('{COLLECTION}.invoice', {keywords}) }}}}"
            task: dict[str, t.Any] = {"ansible.builtin.debug": {"msg": look_up}}
            tasks.append({"name": f"Look up with the key from the {place}", **task, "vars": given})
    few = [(urls[0], "option"), (urls[1], "environment"), (urls[-1], "environment")]
    ways = [(url, place, False) for url in urls for place in ("option", "environment")]
    for url, place, as_module in [*ways, *((url, place, True) for url, place in few)]:
        key = {"api_key": "{{ option_key }}"} if place == "option" else {}
        task = {f"{COLLECTION}.invoice_info": {"api_url": url, "retries": 0, "timeout": 1, **key}}
        way: dict[str, t.Any] = {"vars": {"cockroachdb_cloud_as_module": as_module}, "register": f"result_{len(tasks)}"}
        tasks.append({"name": f"Gather with the key from the {place}", **task, **way})
    for each in tasks:
        each["ignore_errors"] = True
    names = [task["register"] for task in tasks if "register" in task]
    # Since 2.22 what is printed is masked, and what is registered is not: a template may write it anywhere.
    keep = {"content": f"{{{{ [{', '.join(names)}] | to_json }}}}", "dest": "{{ playbook_dir }}/kept", "mode": "0600"}
    return [*tasks, {"name": "Keep what was registered", "ansible.builtin.copy": keep, "no_log": True}]


def test_playbook(tmp_path: pathlib.Path) -> None:
    if not pathlib.Path("/proc/self/cmdline").exists():
        pytest.skip("there is no /proc here")
    servers = [Wire(script) for script in SCRIPTS]
    play = {
        "name": "Show what can be shown",
        "hosts": "localhost",
        "connection": "local",
        "gather_facts": False,
        "vars": {"ansible_python_interpreter": sys.executable},
        "tasks": _tasks([server.url for server in servers]),
    }
    (tmp_path / "play.json").write_text(json.dumps([play]), encoding="utf-8")
    keys = {"option_key": KEYS["option"], "variable_key": KEYS["variable"]}
    (tmp_path / "keys.json").write_text(json.dumps(keys), encoding="utf-8")
    (tmp_path / "ansible.cfg").touch()
    environment = {
        **{name: os.environ[name] for name in ("PATH", "PYTHONPATH", "ANSIBLE_COLLECTIONS_PATH") if name in os.environ},
        "ANSIBLE_CONFIG": str(tmp_path / "ansible.cfg"),
        "ANSIBLE_HOME": str(tmp_path / "ansible"),
        "ANSIBLE_INJECT_INVOCATION": "true",
        "ANSIBLE_LOG_PATH": str(tmp_path / "log"),
        "COCKROACH_API_KEY": KEYS["environment"],
        "HOME": str(tmp_path),
        "LC_ALL": "C.UTF-8",
    }
    arguments = ["-vvv", "-i", "localhost,", "-e", "@keys.json", "play.json"]
    over = threading.Event()
    looks: list[str] = []
    watch = threading.Thread(target=_watch, args=(over, looks), daemon=True)
    watch.start()
    done = subprocess.run(
        [sys.executable, "-m", "ansible.cli.playbook", *arguments],
        cwd=tmp_path,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    over.set()
    watch.join()
    for server in servers:
        server.close()

    # It did all that: the log is the same text, and what urllib3 and others would have logged beside it.
    assert done.returncode == 0, done.stdout + done.stderr
    log = (tmp_path / "log").read_text(encoding="utf-8")
    used = "".join(request for server in servers for request in server.requests)
    assert all(f"Bearer {key}\r\n" in used for key in KEYS.values())
    assert done.stdout.count(f"{COLLECTION}.invoice_info runs in Ansible's own process") == 2 * len(SCRIPTS)
    assert done.stdout.count(f"{COLLECTION}.invoice_info runs as a module") == 3
    assert done.stdout.count("denied to ********") >= 4
    assert done.stdout.count("No whole answer arrived within 1 seconds") >= 3
    assert "denied to ********" in log
    # And nothing is masked that is no secret: not the asterisks with which ansible-playbook underlines.
    assert "PLAY RECAP ****" in done.stdout
    # And told nobody.
    kept = (tmp_path / "kept").read_text(encoding="utf-8")
    assert "denied to ********" in kept
    assert kept.count('"invocation"') == 0 or kept.count('"invocation"') >= 4  # ansible-core puts it there since 2.21
    for key in KEYS.values():
        for text in (done.stdout, done.stderr, log, kept):
            assert key not in text
            assert key[8:] not in text
    assert "Traceback" not in re.sub(r"\(traceback unavailable\)", "", done.stdout + done.stderr)
    assert len(looks) > 20
    assert not [key for key in KEYS.values() if key in "".join(looks)]
