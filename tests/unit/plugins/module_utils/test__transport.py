# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is below the client: threads that end, bodies that are bounded, and what comes before an answer."""

from __future__ import annotations

import logging
import os
import pathlib
import random
import subprocess
import sys
import textwrap
import threading
import time
import typing as t
import warnings
import zlib

import pytest

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils import _client, _transport
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._errors import (
    AttemptTimeoutError,
    NetworkError,
    NotFoundError,
    ResponseError,
)
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._api import Api
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._clients import (
    Clock,
    client_for,
    connect,
    python_environment,
)
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._run import fresh_environment
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins.faults._tls import server_context
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins.faults._wire import (
    Wire,
    answer,
    drip,
    hang,
    raw,
    say,
)


@pytest.fixture(autouse=True)
def _environment() -> t.Iterator[None]:
    with fresh_environment():
        yield


def workers() -> list[threading.Thread]:
    """Return the threads of clients that are still alive."""
    return [thread for thread in threading.enumerate() if thread.name == "cockroachdb_cloud.billing"]


def await_no_workers() -> None:
    deadline = time.monotonic() + 0.8  # less than the time-out of a socket in these tests
    while workers() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert workers() == []


def flood(line: t.Any) -> None:
    """Send without a pause until the client leaves, which ends this with an OSError."""
    line.send(answer(b"", headers={"Transfer-Encoding": "chunked", "Content-Length": None}))
    while not line.stopping.is_set():
        line.send(b"10000\r\n" + b" " * 65536 + b"\r\n")
        time.sleep(0.001)


@pytest.mark.parametrize(
    "script",
    [
        hang(),
        drip(answer({})),
        hang(answer(b"", headers={"Content-Length": "999"})),
        drip(b"[" * 999, begin=answer(b"", headers={"Content-Length": "999"})),
        drip(b"[" * 999, begin=answer(b"", headers={"Content-Length": "999", "Connection": "keep-alive"})),
        flood,
    ],
    ids=["no answer", "headers that drip", "no body", "a body that drips", "the same, kept alive", "flood"],
)
def test_no_thread_stays(script: t.Any) -> None:
    """A thread whose attempt was given up ends, so that a controller that runs for days does not gather them."""
    with Wire(script) as wire, client_for(wire.url, Clock(), timeout=1, retries=0) as client:
        started = time.monotonic()
        with pytest.raises(AttemptTimeoutError):
            client.get("x")
        assert time.monotonic() - started < 1.5
        await_no_workers()


def test_no_thread_stays_with_tls() -> None:
    trustme = pytest.importorskip("trustme")
    context = server_context(trustme.CA().issue_cert("127.0.0.1"))
    script = drip(b"[" * 999, begin=answer(b"", headers={"Content-Length": "999"}))
    with Wire(script, tls=context) as wire, client_for(wire.url, Clock(), timeout=1, retries=0, verify=False) as client:
        with pytest.raises(AttemptTimeoutError):
            client.get("x")
        await_no_workers()


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
    """What urllib3 logs may hold headers: of our own requests they stay away, of others' they do not."""
    import requests

    bad = raw(b"HTTP/1.1 200 OK\r\nno header at all\r\nContent-Length: 2\r\n\r\n{}")
    with caplog.at_level(logging.DEBUG), Wire(bad) as wire:
        with _client.Client(connect(wire.url)) as client:
            client.get("x")
        assert not [record for record in caplog.records if record.levelno > logging.DEBUG]
        assert "no header at all" not in caplog.text
        requests.get(wire.url, timeout=5)
        assert "no header at all" in caplog.text
    assert not [name for name in logging.root.manager.loggerDict if logging.getLogger(name).filters]


def test_broken_urllib3(tmp_path: pathlib.Path) -> None:
    """A real interpreter with a urllib3 that cannot be imported: the module_util is there, and knows the reason."""
    environment = python_environment(tmp_path)
    (tmp_path / "urllib3").mkdir()
    (tmp_path / "urllib3" / "__init__.py").write_text("raise ImportError('urllib3 wants OpenSSL 1.1.1')\n")
    done = subprocess.run(
        [sys.executable, "-c", f"from {_client.__name__} import IMPORT_ERROR; print(IMPORT_ERROR)"],
        check=True,
        capture_output=True,
        text=True,
        env={**environment, "PYTHONPATH": f"{tmp_path}{os.pathsep}{environment['PYTHONPATH']}"},
    )
    assert "urllib3 wants OpenSSL 1.1.1" in done.stdout


def gzip_of(pieces: t.Iterable[bytes]) -> bytes:
    deflate = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join(map(deflate.compress, pieces)) + deflate.flush()


GZIP = {"Content-Encoding": "gzip"}


@pytest.mark.parametrize(
    "script",
    [
        say(b" " * 300_000),
        say(b" " * 300_000, headers={"Content-Length": None}),
        say(b"", headers={"Content-Length": "9" * 5000}),
        say(gzip_of([b" " * 1_000_000]), headers=GZIP),
        raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + (b"10000\r\n" + b" " * 65536 + b"\r\n") * 9),
        say(gzip_of([b" " * 1_000_000]), headers=GZIP, status=503),
    ],
    ids=["announced", "without a length", "5000 digits", "gzip", "chunked", "an error's"],
)
def test_a_body_that_is_too_large(script: t.Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """One error and no second attempt."""
    monkeypatch.setattr(_transport, "LARGEST_BODY", 200_000)
    clock = Clock()
    with Wire(script) as wire, client_for(wire.url, clock) as client:
        with pytest.raises(ResponseError, match="larger than 0 MiB") as caught:
            client.get("x")
    assert (caught.value.attempts, len(wire.requests), clock.waits) == (1, 1, [])


def test_a_body_as_large_as_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    body = b'"' + b"x" * 199_998 + b'"'
    monkeypatch.setattr(_transport, "LARGEST_BODY", len(body))
    for script in (say(body), say(gzip_of([body]), headers=GZIP)):
        with Wire(script) as wire, client_for(wire.url, Clock()) as client:
            assert len(client.get("x")) == 199_998


BOMB = """
    import resource, sys
    from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils import _client, _errors, _options
    from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils import _credential
    from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils import _transport
    _transport.LARGEST_BODY = 20 << 20
    credential = _credential.Credential("sandbox-key", "api_key", "option api_key")
    client = _client.Client(_options.Connection(credential, None, None, sys.argv[1], "2024-09-16", True, 60, 4, 0))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        client.get("x")
    except _errors.BillingError as error:
        print(error.reason, error.attempts, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before >> 10)
"""


@pytest.mark.parametrize(("coding", "expected"), [("gzip", "response 1"), ("gzip, gzip", "network 5")])
def test_a_bomb(coding: str, expected: str, tmp_path: pathlib.Path) -> None:
    """A chunk that unpacks to a thousand times its size takes no more memory than the bound, in two layers none."""
    body = gzip_of([bytes(1 << 20)] * 200)
    if coding != "gzip":
        body = gzip_of([body])
    with Wire(say(body, headers={"Content-Encoding": coding})) as wire:
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(BOMB), wire.url],
            check=True,
            capture_output=True,
            text=True,
            env=python_environment(tmp_path),
        )
    outcome, _space, megabytes = done.stdout.rpartition(" ")
    assert outcome == expected
    assert int(megabytes) < 50


@pytest.mark.parametrize(
    "body",
    [
        gzip_of([b'{"a": 1}']),
        gzip_of([b'{"a"']) + gzip_of([b": 1}"]),
        gzip_of([b" " * (1 << 18), b'{"a": 1}']),
        gzip_of([b'{"a": 1}'.ljust(1 << 18)]),
        gzip_of([bytes(random.Random(1).choices(b"0123456789abcdef", k=600_000)).join((b'{"a": 1, "b": "', b'"}'))]),
    ],
    ids=["one member", "two members", "more than a chunk", "a chunk", "little compression"],
)
def test_gzip(body: bytes) -> None:
    with Wire(say(body, headers={"Content-Encoding": "GZIP"})) as wire, client_for(wire.url, Clock()) as client:
        assert client.get("x")["a"] == 1


@pytest.mark.parametrize("headers", [GZIP, {**GZIP, "Transfer-Encoding": "chunked", "Content-Length": None}])
def test_gzip_that_ends_early(headers: dict[str, str | None]) -> None:
    """Also where the length of what arrives is right."""
    body = gzip_of([b'{"a": 1}'])[:-9]
    if "Transfer-Encoding" in headers:
        body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    with Wire(say(body, headers=headers)) as wire, client_for(wire.url, Clock(), retries=1) as client:
        with pytest.raises(NetworkError, match="broke off"):
            client.get("x")


HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"


@pytest.mark.parametrize("before", [HINTS, HINTS * 3, b"HTTP/1.1 102 Processing\r\n\r\n" + HINTS])
def test_interim_answers(before: bytes) -> None:
    """What comes before the answer is no answer, and the next call on the connection gets its own."""
    for call in (
        answer({"a": 1}, headers={"Connection": "keep-alive"}),
        answer(gzip_of([b'{"a": 1}']), headers=GZIP),
        b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n{"a": 1}\r\n0\r\n\r\n',
    ):
        with Wire(raw(before + call)) as wire, client_for(wire.url, Clock(), retries=0) as client:
            assert client.get("x") == {"a": 1}


CHILD = """
    import sys, time
    from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils import _client, _errors, _options
    from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils import _credential
    credential = _credential.Credential("sandbox-key", "api_key", "option api_key")
    url, how = sys.argv[1:]
    client = _client.Client(_options.Connection(credential, None, None, url, "2024-09-16", True, 1, 0, 0))
    try:
        client.get("x")
    except _errors.AttemptTimeoutError:
        print("late", flush=True)
    if how == "raise":
        raise SystemExit(3)
"""


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
            env=python_environment(tmp_path),
        )
        assert done.stderr == ""
        assert done.stdout == "late\n"
        assert done.returncode == (3 if how == "raise" else 0)
        # One second is the attempt's; the rest is the start of an interpreter on a busy machine.
        assert time.monotonic() - started < 8
