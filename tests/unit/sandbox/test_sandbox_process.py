# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sandbox in a process of its own, as playbooks, benchmarks and people start it."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import typing as t

import pytest

from ansible_collections.cockroachdb_cloud.billing.tests.unit.sandbox._call import SANDBOX, call

SMALL = ("--months", "2", "--clusters", "3", "--today", "2026-11-23", "--lifetime", "30")


@contextlib.contextmanager
def server(*arguments: str, **environment: str) -> t.Iterator[tuple[str, subprocess.Popen[str]]]:
    """The URL and the process of a running sandbox."""
    command = [sys.executable, str(SANDBOX / "server.py"), *arguments]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **environment}
    ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip(), process
        finally:
            process.kill()


def test_the_first_line_is_the_url_and_the_only_one() -> None:
    with server(*SMALL) as (url, process):
        assert url.startswith("http://127.0.0.1:")
        assert len(call(url).json["invoices"]) == 2
        assert call(url, key="wrong").status == 401
        process.terminate()
        out, err = process.communicate(timeout=5)
    assert (process.returncode, out, err) == (0, "", "")


def test_an_interrupt_ends_it_cleanly() -> None:
    with server(*SMALL) as (url, process):
        call(url, "/_sandbox/faults", key=None, method="POST", content=[{"delay": 600}])
        process.send_signal(signal.SIGINT)
        assert process.wait(5) == 0


def test_it_ends_by_itself_after_its_lifetime() -> None:
    with server(*SMALL, "--lifetime", "0.2") as (_url, process):
        assert process.wait(5) == 0


def test_two_processes_send_the_same_bytes() -> None:
    digests = set()
    for hash_seed in ("1", "2"):
        with server(*SMALL, "--seed", "5", PYTHONHASHSEED=hash_seed) as (url, _process):
            digests.add(hashlib.sha256(call(url).body + call(url, key="sandbox-key-blue").body).hexdigest())
    assert len(digests) == 1


def test_options_reach_the_sandbox(tmp_path: pathlib.Path) -> None:
    faults = tmp_path / "faults.json"
    faults.write_text(json.dumps([{"status": 503}]), encoding="utf-8")
    options = (
        "--lines",
        "3",
        "--no-rate-limit",
        "--api-prefix",
        "/x",
        "--quirk",
        "descending",
        "--faults",
        str(faults),
    )
    with server(*SMALL, *options) as (url, _process):
        assert url.endswith("/x")
        assert call(url).status == 503
        replies = [call(url) for _attempt in range(12)]
    assert [reply.status for reply in replies] == [200] * 12
    periods = [one["period_start"] for one in replies[0].json["invoices"]]
    assert periods == sorted(periods, reverse=True)
    assert all(len(item["line_items"]) == 3 for item in replies[0].json["invoices"][0]["invoice_items"])


@pytest.mark.parametrize(
    "arguments",
    [
        ("--today", "yesterday"),
        ("--months", "-1"),
        ("--lines", "0"),
        ("--quirk", "none"),
        ("--tls", "missing", "missing"),
        ("--faults", "missing"),
    ],
    ids=" ".join,
)
def test_options_that_make_no_sense_are_refused(arguments: tuple[str, ...]) -> None:
    with server(*SMALL, *arguments) as (url, process):
        assert url == ""
        _out, err = process.communicate(timeout=5)
    assert process.returncode == 2
    assert "error:" in err
    assert "Traceback" not in err
