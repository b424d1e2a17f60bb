# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is below the client: threads that end, bodies that are bounded, and what comes before an answer."""

from __future__ import annotations

import logging
import pathlib
import random
import socket
import ssl
import subprocess
import threading
import time
import typing as t
import warnings
import zlib

import pytest
from billing_sandbox._scripted import Line, Script, Wire, answer, break_off, drip, hang, raw, say

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils import _client, _transport
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._errors import NotFoundError
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._api import Api
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._clients import Clock, call, client_for
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._run import run_python


def workers() -> list[threading.Thread]:
    """Return the threads of clients that are still alive."""
    return [thread for thread in threading.enumerate() if thread.name == "cockroachdb_cloud.billing"]


def flood(line: Line) -> None:
    """Send without a pause until the client leaves, which ends this with an OSError."""
    line.send(answer(b"", headers={"Transfer-Encoding": "chunked", "Content-Length": None}))
    while not line.stopping.is_set():
        line.send(b"10000\r\n" + b" " * 65536 + b"\r\n")
        time.sleep(0.001)


HEAD = answer(b"", headers={"Content-Length": "999"})
SLOW: dict[str, Script] = {
    "no answer": hang(),
    "headers that drip": drip(HEAD, pause=0.05),
    "no body": hang(HEAD),
    "a body that drips": drip(b"[" * 999, begin=HEAD, pause=0.05),
    "the same, kept alive": drip(b"[" * 999, begin=HEAD.replace(b"close", b"keep-alive"), pause=0.05),
    "flood": flood,
    "a TLS handshake that never ends": hang(),
    "a body that drips, in TLS": drip(b"[" * 999, begin=HEAD, pause=0.05),
}


@pytest.mark.parametrize("name", SLOW)
def test_slow(name: str) -> None:
    """Each attempt ends with C(timeout), whatever the other side does in between, and its thread soon after.

    So a controller that runs for days does not gather threads, and the filters of warnings are as they were.
    """
    before = list(warnings.filters)
    context = None
    if name.endswith("in TLS"):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        pytest.importorskip("trustme").CA().issue_cert("127.0.0.1").configure_cert(context)
    started = time.monotonic()
    with Wire(SLOW[name], tls=context, reads_request="handshake" not in name) as wire:
        url = wire.url.replace("http:", "https:") if "TLS" in name else wire.url
        ended = call(url, timeout=0.3, retries=1, verify=False)
        assert 0.6 <= time.monotonic() - started < 3
        while workers() and time.monotonic() - started < 5:
            time.sleep(0.01)
        assert workers() == []
    assert (ended.failure["reason"], ended.failure["attempts"], wire.connections) == ("timeout", 2, 2)
    assert "No whole answer arrived within 0.3 seconds" in ended.text
    assert list(warnings.filters) == before


def test_an_attempt_that_is_connected_too_late_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """When name resolution takes longer than C(timeout), nobody waits any more for the answer that comes then."""
    given_up, resolve = threading.Event(), socket.getaddrinfo

    def late(*args: t.Any, **kwargs: t.Any) -> t.Any:
        given_up.wait(5)
        return resolve(*args, **kwargs)

    with Wire(SLOW["a body that drips"]) as wire:
        monkeypatch.setattr(socket, "getaddrinfo", late)
        assert call(wire.url, timeout=0.5, retries=0).failure["reason"] == "timeout"
        given_up.set()
        for thread in workers():
            thread.join(5)
        assert workers() == []


def test_an_attempt_whose_answer_ends_at_this_very_moment_is_given_up() -> None:
    attempt = _transport._Attempt(lambda: None)
    with socket.socket() as connected:
        attempt.watch(connected)
    attempt.give_up()


def test_connection_is_kept_after_an_error(api: Api) -> None:
    """An answer that was read whole leaves its connection to the next call."""
    api.expect("/x", answer={"code": 5}, status=404)
    api.expect("/x", answer={})
    with client_for(api.url, Clock()) as client:
        with pytest.raises(NotFoundError):
            client.get("x")
        assert client.get("x") == {}
    assert api.connections == 1


def test_a_connection_after_a_thousand_pages() -> None:
    """What watches a connection is put around it once, or it would exhaust the stack."""
    with Wire(*[say({})] * 1000, break_off(b""), say({"a": 1})) as wire, client_for(wire.url, Clock()) as client:
        assert [client.get("x") for _page in range(1001)] == [{}] * 1000 + [{"a": 1}]


def test_logs_of_others_are_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    """What urllib3 logs may hold headers: of our own requests they stay away, of others' they do not."""
    import requests

    bad = raw(b"HTTP/1.1 200 OK\r\nno header at all\r\nContent-Length: 2\r\n\r\n{}")
    with caplog.at_level(logging.DEBUG), Wire(bad) as wire:
        assert call(wire.url).value == {}
        assert not [record for record in caplog.records if record.levelno > logging.DEBUG]
        assert "no header at all" not in caplog.text
        requests.get(wire.url, timeout=5)
        assert "no header at all" in caplog.text
    assert not [name for name in logging.root.manager.loggerDict if logging.getLogger(name).filters]


@pytest.mark.parametrize("error", ["ModuleNotFoundError", "AttributeError", "OSError"])
def test_broken_urllib3(error: str, tmp_path: pathlib.Path) -> None:
    """A real interpreter in which urllib3 cannot be imported: the module_util is there, and knows the reason."""
    (tmp_path / "urllib3.py").write_text(f"raise {error}('No urllib3')\n", encoding="utf-8")
    program = f"import sys; sys.path.insert(0, {f'{tmp_path}'!r})\n"
    program += f"from {_client.__name__} import IMPORT_ERROR; print(repr(IMPORT_ERROR))"
    assert run_python("-c", program).stdout == f"{error}('No urllib3')\n"


def gzip_of(pieces: t.Iterable[bytes]) -> bytes:
    deflate = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join(map(deflate.compress, pieces)) + deflate.flush()


GZIP = {"Content-Encoding": "gzip"}


@pytest.mark.parametrize(
    "script",
    [
        say(b" " * 300_000),
        say(b" " * 300_000, headers={"Content-Length": None}),
        say(gzip_of([b" " * 1_000_000]), headers=GZIP),
        raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + (b"10000\r\n" + b" " * 65536 + b"\r\n") * 9),
        say(gzip_of([b" " * 1_000_000]), headers=GZIP, status=503),
    ],
    ids=["announced", "without a length", "gzip", "chunked", "an error's"],
)
def test_a_body_that_is_too_large(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    """One error and no second attempt."""
    monkeypatch.setattr(_transport, "LARGEST_BODY", 200_000)
    with Wire(script) as wire:
        ended = call(wire.url)
    assert "larger than 0 MiB" in ended.text
    assert (ended.failure["reason"], len(wire.requests), ended.waits) == ("response", 1, [])


def test_a_body_as_large_as_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    body = b'"' + b"x" * 199_998 + b'"'
    monkeypatch.setattr(_transport, "LARGEST_BODY", len(body))
    for script in (say(body), say(gzip_of([body]), headers=GZIP)):
        with Wire(script) as wire:
            assert len(call(wire.url).value) == 199_998


CHILD = """
import resource, sys
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils import _transport
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._clients import call
_transport.LARGEST_BODY = 20 << 20
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
exec(sys.argv[3])
failure = call(sys.argv[1], timeout=float(sys.argv[2]), retry_max_delay=0).failure
print(failure["reason"], failure["attempts"])
if resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before >> 10 > 50:
    print("more than 50 MiB")
raise SystemExit(3)
"""


def run_child(url: str, timeout: float, before: str = "") -> subprocess.CompletedProcess[str]:
    """Send one request with a client in a process of its own, that says what came of it."""
    return run_python("-c", CHILD, url, f"{timeout}", before, environment={"PYTHONDEVMODE": "1"})


@pytest.mark.parametrize(("coding", "expected"), [("gzip", "response 1\n"), ("gzip, gzip", "network 5\n")])
def test_a_bomb(coding: str, expected: str) -> None:
    """A chunk that unpacks to a thousand times its size takes no more memory than the bound, in two layers none."""
    body = gzip_of([bytes(1 << 20)] * 200)
    if coding != "gzip":
        body = gzip_of([body])
    with Wire(say(body, headers={"Content-Encoding": coding})) as wire:
        assert run_child(wire.url, 60).stdout == expected


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
@pytest.mark.parametrize("coding", ["GZIP ", "x-gzip"])
def test_gzip(body: bytes, coding: str) -> None:
    with Wire(say(body, headers={"Content-Encoding": coding})) as wire:
        assert call(wire.url).value["a"] == 1


@pytest.mark.parametrize("headers", [GZIP, {**GZIP, "Transfer-Encoding": "chunked", "Content-Length": None}])
def test_gzip_that_ends_early(headers: dict[str, str | None]) -> None:
    """Also where the length of what arrives is right."""
    body = gzip_of([b'{"a": 1}'])[:-9]
    if "Transfer-Encoding" in headers:
        body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    with Wire(say(body, headers=headers)) as wire:
        assert "broke off" in call(wire.url, retries=1).text


def test_an_error_that_cannot_be_decompressed_is_known_by_its_status() -> None:
    for coding in ("br", "gzip"):
        with Wire(say(b"no such coding", status=403, headers={"Content-Encoding": coding})) as wire:
            ended = call(wire.url)
        assert (ended.failure["reason"], ended.failure["status"], len(wire.requests)) == ("permission", 403, 1)
        assert "HTTP 403, content type application/json, no body. " in ended.text


@pytest.mark.parametrize("begin", [b"5;", b"5\r\n[1,2]\r\n0\r\nX", b"5\r\n[1,2]\r\n"])
def test_lines_between_chunks_are_bounded(begin: bytes) -> None:
    """What follows such a line shows that it is none, and is not waited for until the memory is full."""
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    with Wire(hang(head + begin + b"x" * 200000)) as wire:
        ended = call(wire.url, retries=0, timeout=2)
    assert "broke off" in ended.text


@pytest.mark.parametrize("kind", ["application/json; Charset", 'application/json;"charset" ; a=b', "a/b;charset=utf-8"])
def test_a_charset_says_nothing(kind: str) -> None:
    with Wire(say(b"{}", headers={"Content-Type": kind})) as wire:
        assert call(wire.url, retries=0).value == {}


def test_no_thread_can_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    ended = call("http://127.0.0.1:1")
    assert "No further thread can be started for the request: raise the limit of processes" in ended.text
    assert (ended.failure["reason"], ended.failure["attempts"], ended.waits) == ("options", 0, [])


HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"


@pytest.mark.parametrize("before", [HINTS, HINTS * 3, b"HTTP/1.1 102 Processing\r\n\r\n" + HINTS])
def test_interim_answers(before: bytes) -> None:
    """What comes before the answer is no answer, and the next call on the connection gets its own."""
    for following in (
        answer({"a": 1}, headers={"Connection": "keep-alive"}),
        answer(gzip_of([b'{"a": 1}']), headers=GZIP),
        b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n{"a": 1}\r\n0\r\n\r\n',
    ):
        with Wire(raw(before + following)) as wire:
            assert call(wire.url, retries=0).value == {"a": 1}


NAMES_TAKE_LONG = "import socket, time; socket.getaddrinfo = lambda *args: time.sleep(30)"


@pytest.mark.parametrize("before", ["", NAMES_TAKE_LONG], ids=["an answer", "a name"])
def test_process_ends_at_once(before: str) -> None:
    """A thread that still waits neither keeps the process nor writes anything when the interpreter ends."""
    with Wire(drip(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 999, pause=0.05)) as wire:
        started = time.monotonic()
        done = run_child(wire.url, 0.2, before)
        assert (done.stdout, done.stderr, done.returncode) == ("timeout 5\n", "", 3)
        # The attempts' time, and the start of an interpreter on a busy machine.
        assert time.monotonic() - started < 8
