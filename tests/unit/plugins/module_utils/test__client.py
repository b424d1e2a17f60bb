# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The client itself: its pace, its waits, its threads, and what it leaves behind. C(faults) holds what can go wrong."""

from __future__ import annotations

import datetime
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

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils import _client, _failures, _transport
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._credential import Credential
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._errors import (
    AttemptTimeoutError,
    BillingError,
    NetworkError,
    NotFoundError,
    RateLimitError,
    ResponseError,
    ServerError,
)
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._options import Connection
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._api import INVOICES, JWT_HEADERS, KEY, Api
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._run import fresh_environment
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins.faults._tls import server_context
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


def test_the_rate_limit_is_waited_out_by_time() -> None:
    """For two minutes, whatever C(retries) says; each wait is at least what the API asked for, and they spread out."""
    clock = Clock()
    with Wire(LIMITED) as wire, client_for(wire.url, clock, retries=1) as client:
        with pytest.raises(RateLimitError) as caught:
            client.get("x")
    assert len(wire.requests) == caught.value.attempts == len(clock.waits) + 1
    assert all(1 <= wait <= 5 for wait in clock.waits)
    assert 120 <= sum(clock.waits) < 125
    # Each of several clients that were refused together comes back at a time of its own.
    assert clock.waits[0] <= 1.125
    assert max(clock.waits) > 2
    assert len(set(clock.waits)) > 20


def test_no_single_wait_is_longer_than_the_user_allows() -> None:
    clock = Clock()
    limited = say({"code": 8}, status=429, headers={"Retry-After": "50"})
    with Wire(limited) as wire, client_for(wire.url, clock, retry_max_delay=50) as client:
        with pytest.raises(RateLimitError):
            client.get("x")
    assert clock.waits == [50, 50, 50]


def test_the_rate_limit_leaves_the_retries_alone() -> None:
    """What the rate limit took is not missing when the server fails."""
    clock = Clock()
    with Wire(*[LIMITED] * 9, say({}, status=503), say({})) as wire, client_for(wire.url, clock, retries=1) as client:
        assert client.get("x") == {}
        assert client.attempts == len(wire.requests) == 11


@pytest.mark.parametrize("options", [{"retries": 0}, {"retry_max_delay": 0}])
@pytest.mark.parametrize("headers", [{}, {"Retry-After": "0"}, {"Retry-After": "1"}])
def test_the_rate_limit_is_not_waited_out(options: dict[str, int], headers: dict[str, str]) -> None:
    limited = say({"code": 8}, status=429, headers=headers)
    with Wire(limited) as wire, client_for(wire.url, Clock(), **options) as client:
        with pytest.raises(RateLimitError):
            client.get("x")
    assert len(wire.requests) == 1


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


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ModuleNotFoundError("No module named 'requests'", name="requests"), ("library (requests)", "pip install req")),
        (ModuleNotFoundError("No module named 'idna'", name="idna"), ("cannot be imported", "No module named 'idna'")),
        (ImportError("cannot import name 'x' from 'urllib3'"), ("cannot be imported: cannot import name 'x' from",)),
        (AttributeError("module 'lib' has no attribute\n 'y'"), ("cannot be imported", "has no attribute 'y'")),
    ],
)
def test_requests_cannot_be_imported(error: Exception, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """That it is missing is said only where it is."""
    monkeypatch.setattr(_client, "IMPORT_ERROR", error)
    with pytest.raises(BillingError) as caught:
        _client.Client(connect("https://api.example"))
    assert caught.value.reason == "options"
    for word in (*words, sys.executable):
        assert word in f"{caught.value}"


def test_broken_urllib3(tmp_path: pathlib.Path) -> None:
    """A real interpreter with a urllib3 that cannot be imported: the module_util is there, and knows the reason."""
    (tmp_path / "urllib3").mkdir()
    (tmp_path / "urllib3" / "__init__.py").write_text("raise ImportError('urllib3 wants OpenSSL 1.1.1')\n")
    done = subprocess.run(
        [sys.executable, "-c", f"from {_client.__name__} import IMPORT_ERROR; print(IMPORT_ERROR)"],
        check=True,
        capture_output=True,
        text=True,
        env={**_python(tmp_path), "PYTHONPATH": f"{tmp_path}:{_python(tmp_path / 'tree')['PYTHONPATH']}"},
    )
    assert "urllib3 wants OpenSSL 1.1.1" in done.stdout


# The answer


def gzip_of(pieces: t.Iterable[bytes]) -> bytes:
    deflate = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join([*map(deflate.compress, pieces), deflate.flush()])


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
            env=_python(tmp_path),
        )
    outcome, _space, megabytes = done.stdout.rpartition(" ")
    assert outcome == expected
    assert int(megabytes) < 50


@pytest.mark.parametrize("where", ["while it arrives", "while it is read"])
def test_memory_runs_out(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Never tried again, and told as what it is."""

    def fail(*_args: t.Any) -> t.NoReturn:
        raise MemoryError

    if where == "while it arrives":
        monkeypatch.setattr(_transport, "_announced_length", fail)
    clock = Clock()
    with Wire(say({})) as wire, client_for(wire.url, clock) as client:
        with pytest.raises(BillingError, match="memory of this machine is too small") as caught:
            client.get("x", read=fail)
    assert (caught.value.reason, len(wire.requests), clock.waits) == ("options", 1, [])


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


UNDERSCORE = "\\u005f"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('{"__ansible_type": "x", "a": 1}', {"a": 1}),
        ('{"a": [[{"__ansible_unsafe": "x", "b": "__ansible_vault"}]]}', {"a": [[{"b": "__ansible_vault"}]]}),
        (f'{{"{UNDERSCORE}{UNDERSCORE.upper().replace("U", "u")}ansible_type": 1, "a": 1}}', {"a": 1}),
        *(('{"__ansible_type": 1, "a": 1}'.replace(c, f"\\u{ord(c):04x}", 1), {"a": 1}) for c in "_nsibl"),
        ('{"_ansible_no_log": 1, "ansible_": 2}', {"_ansible_no_log": 1, "ansible_": 2}),
        (
            r'{"a\u0000b": ["\u0000", {"c": "x\u0000"}], "d": "\\u0000"}',
            {"a\ufffdb": ["\ufffd", {"c": "x\ufffd"}], "d": r"\u0000"},
        ),
        (r'["\u0000\ud800\ud83d\ude00"]', ["\ufffd\ufffd\U0001f600"]),
    ],
)
def test_what_ansible_cannot_hand_on(body: str, expected: t.Any) -> None:
    """Keys that ansible-core takes for its own are dropped, and NUL becomes the replacement character."""
    with Wire(say(body.encode())) as wire, client_for(wire.url, Clock()) as client:
        assert client.get("x") == expected
        assert client.get("x", read=lambda decoder, text: decoder.raw_decode(text)[0]) == expected


def test_the_usual_body_has_no_hook() -> None:
    with Wire(say({"a": "b", "c_d": "e & f %20"})) as wire, client_for(wire.url, Clock()) as client:
        assert client.get("x", read=lambda decoder, _text: decoder.object_hook) is None


def test_a_reader() -> None:
    """What a reader makes of the text is returned; what it raises goes through, and ValueError means no JSON."""

    def raises(error: Exception) -> t.Callable[..., t.NoReturn]:
        def read(*_args: t.Any) -> t.NoReturn:
            raise error

        return read

    with Wire(say(b"\xef\xbb\xbf[1, 2] tail")) as wire, client_for(wire.url, Clock()) as client:
        assert client.get("x", read=lambda decoder, text: decoder.raw_decode(text)) == ([1, 2], 6)
        with pytest.raises(ResponseError, match=r"^No invoices[.]$"):
            client.get("x", read=raises(ResponseError("No invoices.")))
        with pytest.raises(ResponseError, match="failed: The answer is not JSON"):
            client.get("x", read=raises(ValueError("x")))
        with pytest.raises(ResponseError, match="failed: The answer is not JSON"):
            client.get("x", read=raises(RecursionError()))
    assert client.attempts == 1


@pytest.mark.parametrize(
    ("prefix", "words"),
    [
        ("/api/v1", "api_url ends in /api/v1, which is added to it: leave that out and write {}."),
        ("/api/v1/invoices", "api_url ends in /api/v1/invoices"),
        ("/api", "api_url ends in /api,"),
        ("", "Check that api_url is the address of the API."),
        ("/v1", "Check that api_url is the address of the API."),
    ],
)
def test_the_address_of_a_404(prefix: str, words: str) -> None:
    with Wire(say({"code": 5, "message": "Not Found"}, status=404)) as wire:
        with client_for(wire.url + prefix, Clock()) as client, pytest.raises(NotFoundError) as caught:
            client.get("api", "v1", "invoices")
        assert words.format(wire.url) in f"{caught.value}"
        assert "invoice id" not in f"{caught.value}"
        with client_for(wire.url, Clock()) as client, pytest.raises(NotFoundError, match="Check the invoice id"):
            client.get("api", "v1", "invoices", "one")


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
