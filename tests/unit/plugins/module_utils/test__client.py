# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The client itself: its pace, its waits, its threads, and what it leaves behind. C(faults) holds what can go wrong."""

from __future__ import annotations

import datetime
import logging
import os
import pathlib
import subprocess
import sys
import textwrap
import threading
import time
import typing as t
import warnings

import pytest
import urllib3

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils import _client, _failures, _transport
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._errors import (
    AttemptTimeoutError,
    BillingError,
    NotFoundError,
    RateLimitError,
    ServerError,
)
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._options import Connection, Credential
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._api import INVOICES, JWT_HEADERS, KEY, Api
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._run import fresh_environment
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins.faults._wire import (
    Wire,
    answer,
    break_off,
    drip,
    hang,
    raw,
    say,
)

LIMITED = say({"code": 8, "message": "rate limit exceeded"}, status=429, headers={"Retry-After": "1"})
NOW = datetime.datetime(2026, 11, 23, 12, 0, 0, tzinfo=datetime.timezone.utc)


@pytest.fixture(autouse=True)
def _environment() -> t.Iterator[None]:
    with fresh_environment():
        yield


def connect(url: str, **options: t.Any) -> Connection:
    """Return connection options as the plugins check them, with the defaults."""
    values: dict[str, t.Any] = {
        "credential": Credential(KEY, "api_key", "option api_key"),
        "vanity_name": None,
        "username": None,
        "api_url": url,
        "api_version": "2024-09-16",
        "verify": True,
        "timeout": 5,
        "retries": 4,
        "retry_max_delay": 60,
    }
    return Connection(**{**values, **options})


class Clock:
    """Time that passes only where the client waits."""

    def __init__(self) -> None:
        self.waits: list[float] = []
        self.now = NOW

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += datetime.timedelta(seconds=seconds)


def client_for(url: str, clock: Clock, **options: t.Any) -> _client.Client:
    """Return a client that waits on a clock of the test."""
    return _client.Client(connect(url, **options), sleep=clock.sleep, now=lambda: clock.now)


def workers() -> list[threading.Thread]:
    """Return the threads of clients that are still alive."""
    return [thread for thread in threading.enumerate() if thread.name == "cockroachdb_cloud.billing"]


def test_request(api: Api) -> None:
    """Each segment is quoted whole. (Dot segments the options have refused before.)"""
    api.expect(f"{INVOICES}/a%20b%2Fc..%3F", query={"x": "1 2", "y": "a&b"}, answer={"a": 1})
    with _client.Client(connect(api.url)) as client:
        assert client.get("api", "v1", "invoices", "a b/c..?", query={"x": "1 2", "y": "a&b"}) == {"a": 1}


def test_jwt(api: Api) -> None:
    credential = Credential("sandbox.jwt.signature", "api_jwt", "option api_jwt")
    api.expect(headers={**JWT_HEADERS, "Cc-Username": "someone"}, answer={})
    api.expect(headers=JWT_HEADERS, answer={})
    for username in ("someone", None):
        connection = connect(api.url, credential=credential, vanity_name="acme", username=username)
        with _client.Client(connection) as client:
            assert client.get("api", "v1", "invoices") == {}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ("", None),
        ("0", 0),
        (" 17 ", 17),
        ("999999999", 999999999),
        ("9999999999", None),
        ("-1", None),
        ("+1", None),
        ("1.5", None),
        ("soon", None),
        ("\u0661", None),
        ("Mon, 23 Nov 2026 12:01:30 GMT", 90),
        ("Monday, 23-Nov-26 12:01:30 GMT", 90),
        ("Mon Nov 23 12:01:30 2026", 90),
        ("Mon, 23 Nov 2026 12:01:30 -0000", 90),
        ("Mon, 23 Nov 2026 13:01:30 +0100", 90),
        ("Mon, 23 Nov 2026 11:59:00 GMT", 0),
        ("Mon, 99 Nov 2026 12:00:00 GMT", None),
    ],
)
def test_retry_after(value: str | None, expected: float | None) -> None:
    """Seconds or one of the three forms of a date (RFC 9110, section 5.6.7); a date in the past is now."""
    assert _failures.read_retry_after(value, NOW) == expected


def test_waits_are_bounded() -> None:
    """However many retries: no single wait beyond retry_max_delay, and each at least what the API asked for."""
    clock = Clock()
    with Wire(LIMITED) as wire, client_for(wire.url, clock, retries=30, retry_max_delay=20) as client:
        with pytest.raises(RateLimitError) as caught:
            client.get("x")
    assert len(wire.requests) == caught.value.attempts == 31
    assert len(clock.waits) == 30
    assert all(1 <= wait <= 20 for wait in clock.waits)
    assert clock.waits[-1] == 20
    # Each of several clients that were refused together comes back at a time of its own.
    assert clock.waits[0] <= 1.4


def test_backoff() -> None:
    """Without a word of the API the waits grow by doubling and are random."""
    clock = Clock()
    with Wire(say({}, status=503)) as wire, client_for(wire.url, clock, retries=9, retry_max_delay=10) as client:
        with pytest.raises(ServerError):
            client.get("x")
    assert all(0 <= wait <= min(10, 2**number) for number, wait in enumerate(clock.waits))
    assert len(set(clock.waits)) > 2


def test_no_waits_with_a_delay_of_zero() -> None:
    clock = Clock()
    with Wire(say({}, status=503)) as wire, client_for(wire.url, clock, retry_max_delay=0) as client:
        with pytest.raises(ServerError):
            client.get("x")
    assert clock.waits == [0, 0, 0, 0]


def test_pace() -> None:
    """After a refusal a client keeps to ten calls a second; each further refusal slows it down, answers speed it up."""
    clock = Clock()
    good = say({})
    scripts = [good, LIMITED, *[good] * 6, LIMITED, LIMITED, good]
    with Wire(*scripts) as wire, client_for(wire.url, clock) as client:
        client.get("x")
        assert clock.waits == []
        client.get("x")
        assert [1.2 <= wait <= 1.4 for wait in clock.waits] == [True]
        for _call in range(5):
            client.get("x")
        assert all(0.09 <= wait <= 0.12 for wait in clock.waits[1:])
        client.get("x")
        assert [wait > 1 for wait in clock.waits[-2:]] == [True, True]
        client.get("x")
        assert 0.5 < clock.waits[-1] < 1.2
        for _call in range(20):
            client.get("x")
        assert 0.09 <= clock.waits[-1] <= 0.12


def test_pace_of_other_errors() -> None:
    """An error of the server is no reason to slow down."""
    clock = Clock()
    with Wire(say({}, status=503), say({})) as wire, client_for(wire.url, clock) as client:
        client.get("x")
        client.get("x")
    assert len(clock.waits) == 1


@pytest.mark.parametrize("script", [hang(), drip(b"[" * 999, begin=answer(b"", headers={"Content-Length": "999"}))])
def test_no_thread_stays(script: t.Any) -> None:
    """A thread whose attempt was given up ends, so that a controller that runs for days does not gather them."""
    clock = Clock()
    with Wire(script) as wire, client_for(wire.url, clock, timeout=1, retries=0) as client:
        started = time.monotonic()
        with pytest.raises(AttemptTimeoutError):
            client.get("x")
        assert time.monotonic() - started < 1.5
        if not hasattr(urllib3.HTTPResponse, "shutdown"):
            return  # urllib3 before 2.3 has no way to end it
        deadline = time.monotonic() + 2
        while workers() and time.monotonic() < deadline:
            time.sleep(0.01)
        assert workers() == []


def test_a_thread_stops_reading() -> None:
    """An answer that goes on and on is not read any further once the attempt is given up."""

    def flood(line: t.Any) -> None:
        line.send(answer(b"", headers={"Content-Length": f"{1 << 40}"}))
        while not line.stopping.is_set():  # until the client leaves, which ends this thread with an OSError
            line.send(b" " * 65536)
            time.sleep(0.001)

    with Wire(flood) as wire, client_for(wire.url, Clock(), timeout=1, retries=0) as client:
        with pytest.raises(AttemptTimeoutError):
            client.get("x")
        deadline = time.monotonic() + 3
        while workers() and time.monotonic() < deadline:
            time.sleep(0.01)
        assert workers() == []


def test_connection_is_kept_after_an_error(api: Api) -> None:
    """An answer that was read whole leaves its connection to the next call."""
    api.expect("/x", answer={"code": 5}, status=404)
    api.expect("/x", answer={})
    with _client.Client(connect(api.url)) as client:
        with pytest.raises(NotFoundError):
            client.get("x")
        assert client.get("x") == {}
    assert api.connections == 1


def test_warnings_are_left_alone() -> None:
    """The filters of the process are as they were, also after an attempt that was given up."""
    before = list(warnings.filters)
    with Wire(hang()) as wire, client_for(wire.url, Clock(), timeout=1, retries=0) as client:
        with pytest.raises(AttemptTimeoutError):
            client.get("x")
    assert list(warnings.filters) == before


def test_logs_of_others_are_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    """What urllib3 logs of our own requests may hold headers and stays away; what it logs of others' does not."""
    import requests

    bad = raw(b"HTTP/1.1 200 OK\r\nno header at all\r\nContent-Length: 2\r\n\r\n{}")
    with caplog.at_level(logging.DEBUG), Wire(bad) as wire:
        with _client.Client(connect(wire.url)) as client:
            client.get("x")
        assert not [record for record in caplog.records if record.name.startswith("urllib3")]
        requests.get(wire.url, timeout=5)
        assert "no header at all" in caplog.text


def test_requests_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_client, "IMPORT_ERROR", ModuleNotFoundError("No module named requests", name="requests"))
    with pytest.raises(BillingError) as caught:
        _client.Client(connect("https://api.example"))
    assert caught.value.reason == "options"
    assert "requests" in str(caught.value)
    assert sys.executable in str(caught.value)


def test_a_short_credential_stays_in_the_data() -> None:
    """A key of a few characters would be found by chance; in a message it is hidden all the same."""
    credential = Credential("abc", "api_key", "option api_key")
    with Wire(say({"a": "abc"}), say({"message": "abc"}, status=400)) as wire:
        with _client.Client(connect(wire.url, credential=credential)) as client:
            assert client.get("x") == {"a": "abc"}
            with pytest.raises(BillingError) as caught:
                client.get("x")
    assert caught.value.message == "********"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (break_off(b""), say({"code": 5, "message": "gone"}, status=404)),
        (say({}, status=503), say({"code": 5, "message": "gone"}, status=404)),
    ],
)
def test_the_last_answer_counts(first: t.Any, second: t.Any) -> None:
    with Wire(first, second) as wire, client_for(wire.url, Clock()) as client:
        with pytest.raises(NotFoundError) as caught:
            client.get("x")
    assert (caught.value.status, caught.value.code, caught.value.attempts) == (404, 5, 2)
    assert "after 2 attempts" in str(caught.value)


CHILD = """
    import sys, time
    from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils import _client, _errors, _options
    credential = _options.Credential("sandbox-key", "api_key", "option api_key")
    url, how = sys.argv[1:]
    client = _client.Client(_options.Connection(credential, None, None, url, "2024-09-16", True, 1, 0, 0))
    try:
        client.get("x")
    except _errors.AttemptTimeoutError:
        print("late", flush=True)
    if how == "raise":
        raise SystemExit(3)
"""


def _python(tmp_path: pathlib.Path) -> dict[str, str]:
    tree = pathlib.Path(__file__).resolve().parents[4]
    if tree.parts[-3:] != ("ansible_collections", "cockroachdb_cloud", "billing"):
        namespace = tmp_path / "ansible_collections" / "cockroachdb_cloud"
        namespace.mkdir(parents=True)
        (namespace / "billing").symlink_to(tree)
        root = tmp_path
    else:
        root = tree.parents[2]
    return {"PYTHONPATH": str(root), "PYTHONDEVMODE": "1", "PATH": os.environ["PATH"], "HOME": str(tmp_path)}


@pytest.mark.parametrize("how", ["return", "raise"])
def test_process_ends_at_once(how: str, tmp_path: pathlib.Path) -> None:
    """A thread that still waits neither keeps the process nor writes anything when the interpreter ends."""
    # Headers that drip: no urllib3 can end a thread that waits for them.
    with Wire(drip(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 999, pause=0.05)) as wire:
        started = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(CHILD), wire.url, how],
            check=False,
            capture_output=True,
            text=True,
            timeout=20,
            env=_python(tmp_path),
        )
        assert done.stderr == ""
        assert done.stdout == "late\n"
        assert done.returncode == (3 if how == "raise" else 0)
        # One second is the attempt's; the rest is the start of an interpreter on a busy machine.
        assert time.monotonic() - started < 8
