# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Everything that can go wrong between the client and the API, over real sockets, through the module and the lookup.

One table: what the other side does, and what the user gets. The table of the documentation is held to it.
"""

from __future__ import annotations

import datetime
import email.utils
import gzip
import json
import pathlib
import re
import time
import typing as t

import pytest

from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins.faults._wire import (
    Line,
    Script,
    Wire,
    answer,
    break_off,
    drip,
    free_port,
    hang,
    raw,
    run_plugin,
    say,
)

KINDS = ("module", "lookup")
DOCUMENTATION = pathlib.Path(__file__).resolve().parents[4] / "docs" / "docsite" / "rst" / "guide_troubleshooting.rst"

INVOICE = {"invoice_id": "one", "period_start": "2026-10-01T00:00:00Z", "period_end": "2026-11-01T00:00:00Z"}
GOOD = {"invoices": [INVOICE]}
HTML = b"<html><body>Please log in</body></html>"
LIMITED = {"code": 8, "message": "rate limit exceeded"}
ALWAYS = 5  # requests with the default of four retries
ONCE = 1
BY_TIME = 0  # as many as two minutes allow


class Case(t.NamedTuple):
    """What the other side does to every request, and what the user gets.

    C(row) is the row of the documentation's table that tells of it, C(waits) what the waits between the attempts have
    to be at least, in seconds.
    """

    row: str
    script: Script
    reason: str
    requests: int
    words: tuple[str, ...]
    status: int | None = None
    code: int | None = None
    message: str | None = None
    waits: tuple[float, ...] = ()


def _limited_until(**delta: float) -> Script:
    """Return a script that asks to wait until some time after the moment at which it runs."""

    def script(line: Line) -> None:
        when = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(**delta)
        until = email.utils.format_datetime(when, usegmt=True)
        line.send(answer(LIMITED, status=429, headers={"Retry-After": until}))

    return script


def _error(status: int, body: t.Any, **headers: str) -> Script:
    return say(body, status=status, headers={name.replace("_", "-"): value for name, value in headers.items()})


def _refusal(row: str, status: int, reason: str, code: int, message: str, requests: int, *words: str) -> Case:
    said = {"code": code, "message": message, "details": []}
    return Case(
        row, _error(status, said), reason, requests, (f"HTTP {status}: {message}", *words), status, code, message
    )


_VALUES: list[t.Any] = [None, [], "text", 1, {"code": "7", "message": ["no"]}, {"code": True, "message": ""}]
_NO_LISTS: list[t.Any] = [None, [], [INVOICE], "text", 1, True, {"invoices": {}}, {"invoices": [1]}, {"code": 5}]

CASES = {
    # The rate limit
    "429 with Retry-After in seconds": Case(
        "Rate limit",
        _error(429, LIMITED, Retry_After="2"),
        "rate_limit",
        BY_TIME,
        ("HTTP 429: rate limit exceeded", "asks to wait 2 seconds", "fewer requests", "throttle"),
        429,
        8,
        "rate limit exceeded",
        (2,) * 20,
    ),
    "429 with Retry-After as a date": Case(
        "Rate limit",
        _limited_until(seconds=40),
        "rate_limit",
        BY_TIME,
        ("HTTP 429",),
        429,
        8,
        "rate limit exceeded",
        (15,) * 2,
    ),
    "429 with Retry-After as a date in the past": Case(
        "Rate limit",
        _limited_until(days=-3),
        "rate_limit",
        BY_TIME,
        ("asks to wait 0 seconds",),
        429,
        8,
        "rate limit exceeded",
        (),
    ),
    "429 without Retry-After": Case(
        "Rate limit",
        _error(429, LIMITED),
        "rate_limit",
        BY_TIME,
        ("HTTP 429",),
        429,
        8,
        "rate limit exceeded",
    ),
    "429 with Retry-After of an hour": Case(
        "Rate limit, and a wait longer than retry_max_delay",
        _error(429, LIMITED, Retry_After="3600"),
        "rate_limit",
        ONCE,
        ("asks to wait 3600 seconds, longer than retry_max_delay (60)",),
        429,
        8,
        "rate limit exceeded",
    ),
    "429 with Retry-After as a date in an hour": Case(
        "Rate limit, and a wait longer than retry_max_delay",
        _limited_until(hours=1),
        "rate_limit",
        ONCE,
        ("longer than retry_max_delay (60)",),
        429,
        8,
        "rate limit exceeded",
    ),
    **{
        f"429 with Retry-After {value!r}": Case(
            "Rate limit",
            _error(429, LIMITED, Retry_After=value),
            "rate_limit",
            BY_TIME,
            ("HTTP 429",),
            429,
            8,
            "rate limit exceeded",
        )
        for value in ("soon", "", "-5", "1.5", "1e3", "9" * 40, "Thu, 99 Foo 2026 99:99:99 GMT", "\xb2", "0x10")
    },
    **{
        f"the rate limit's message under {status}": Case(
            "Rate limit",
            _error(status, {"code": 8, "message": "Rate limit exceeded, slow down"}, Retry_After="1"),
            "rate_limit",
            BY_TIME,
            (f"HTTP {status}",),
            status,
            8,
            "Rate limit exceeded, slow down",
            (1,) * 20,
        )
        for status in (400, 403, 500, 501, 503)
    },
    "429 with HTML": Case("Rate limit", _error(429, HTML), "rate_limit", BY_TIME, ("HTTP 429", "Please log in"), 429),
    # Refusals
    "400": _refusal("Another status from 400 to 499", 400, "request", 3, "invalid Cc-Version", ONCE, "api_version"),
    "401": _refusal("Status 401", 401, "authentication", 16, "not authenticated", ONCE, "api_key"),
    "403": _refusal(
        "Status 403", 403, "permission", 7, "denied", ONCE, "BILLING_COORDINATOR", "CLUSTER_ADMIN", "BILLING_VIEWER"
    ),
    "404": _refusal("Status 404", 404, "not_found", 5, "Not Found", ONCE, "api_url is the address"),
    **{
        f"{status}": _refusal("Another status from 400 to 499", status, "request", 2, "no", ONCE)
        for status in (402, 405, 406, 407, 408, 409, 410, 418, 422, 431, 451)
    },
    **{
        f"{status}": _refusal("Status 500, 502, 503 or 504", status, "server", 13, "broken", ALWAYS, "after 5 attempts")
        for status in (500, 502, 503, 504)
    },
    "503 with Retry-After": Case(
        "Status 500, 502, 503 or 504",
        _error(503, {}, Retry_After="7"),
        "server",
        ALWAYS,
        ("asks to wait 7 seconds",),
        503,
        waits=(7, 7, 7, 7),
    ),
    "503 with Retry-After of a day": Case(
        "Rate limit, and a wait longer than retry_max_delay",
        _error(503, {}, Retry_After="86400"),
        "server",
        ONCE,
        ("86400 seconds, longer than retry_max_delay (60)",),
        503,
    ),
    "501": _refusal("Status 501, or 505 and higher", 501, "server", 12, "not implemented", ONCE),
    "505": _refusal("Status 501, or 505 and higher", 505, "server", 12, "version", ONCE),
    "599": _refusal("Status 501, or 505 and higher", 599, "server", 12, "what", ONCE),
    "500 with HTML": Case(
        "Status 500, 502, 503 or 504",
        say(HTML, status=500, headers={"Content-Type": "text/html"}),
        "server",
        ALWAYS,
        ("HTTP 500, content type text/html, body '<html>", "Please log in"),
        500,
    ),
    "500 with nothing": Case("Status 500, 502, 503 or 504", say(b"", status=500), "server", ALWAYS, ("no body",), 500),
    **{
        f"403 with the JSON value {value!r}": Case(
            "Status 403", say(value, status=403), "permission", ONCE, ("403",), 403
        )
        for value in _VALUES
    },
    # Connections
    "the connection resets before an answer": Case(
        "Connection refused, reset or closed",
        break_off(b""),
        "network",
        ALWAYS,
        ("Connection reset by peer",),
    ),
    "the connection closes before an answer": Case(
        "Connection refused, reset or closed",
        raw(b""),
        "network",
        ALWAYS,
        ("closed it without an answer",),
    ),
    "the connection resets within the headers": Case(
        "Connection refused, reset or closed",
        break_off(b"HTTP/1.1 200 OK\r\nContent-"),
        "network",
        ALWAYS,
        ("connection",),
    ),
    "the connection resets within the body": Case(
        "Body that breaks off",
        break_off(answer(GOOD)[:-9]),
        "network",
        ALWAYS,
        ("connection failed",),
    ),
    "a body that is too short": Case(
        "Body that breaks off",
        say(b'{"invoices":[]}', headers={"Content-Length": "99"}),
        "network",
        ALWAYS,
        ("broke off",),
    ),
    "a short body of an error": Case(
        "Body that breaks off",
        say(b"{}", status=404, headers={"Content-Length": "99"}),
        "network",
        ALWAYS,
        ("broke off",),
    ),
    "a chunk that never comes": Case(
        "Body that breaks off",
        raw(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n{"invoices": []}\r\n'),
        "network",
        ALWAYS,
        ("broke off",),
    ),
    "a chunk that breaks off": Case(
        "Body that breaks off",
        raw(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n99\r\n{"inv'),
        "network",
        ALWAYS,
        ("broke off",),
    ),
    "gzip that breaks off": Case(
        "Body that breaks off",
        say(
            gzip.compress(json.dumps(GOOD).encode())[:-20],
            headers={"Content-Encoding": "gzip", "Content-Length": "900"},
        ),
        "network",
        ALWAYS,
        ("broke off",),
    ),
    "gzip that is none": Case(
        "Answer that is not HTTP or cannot be decompressed",
        say(b"garbage", headers={"Content-Encoding": "gzip"}),
        "network",
        ALWAYS,
        ("cannot be decompressed",),
    ),
    "garbage in place of HTTP": Case(
        "Answer that is not HTTP or cannot be decompressed",
        raw(b"220 mail.example ESMTP\r\n\r\n"),
        "network",
        ALWAYS,
        ("not HTTP",),
    ),
    "a header without end": Case(
        "Answer that is not HTTP or cannot be decompressed",
        raw(b"HTTP/1.1 200 OK\r\nA: " + b"x" * 70000 + b"\r\n\r\n"),
        "network",
        ALWAYS,
        ("not HTTP",),
    ),
    "headers without end": Case(
        "Answer that is not HTTP or cannot be decompressed",
        raw(b"HTTP/1.1 200 OK\r\n" + b"A: x\r\n" * 200 + b"\r\n"),
        "network",
        ALWAYS,
        ("not HTTP",),
    ),
    "two lengths": Case(
        "Answer that is not HTTP or cannot be decompressed",
        raw(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}"),
        "network",
        ALWAYS,
        ("not HTTP",),
    ),
    "an encoding that was not asked for": Case(
        "Answer that is not HTTP or cannot be decompressed",
        say(b"\x0b\x01\x80{}\x03", headers={"Content-Encoding": "br"}),
        "network",
        ALWAYS,
        ("cannot be decompressed",),
    ),
    "a length that no body has": Case(
        "Body larger than 512 MiB",
        say(GOOD, headers={"Content-Length": "9" * 5000}),
        "response",
        ONCE,
        ("HTTP 200", "larger than 512 MiB"),
        200,
    ),
    # Answers that are none
    **{
        f"200 with {what}": Case(
            "Answer that is not JSON", say(body, headers={"Content-Type": kind}), "response", ONCE, words, 200
        )
        for what, body, kind, words in (
            ("HTML", HTML, "text/html", ("content type text/html", "Please log in", "api_url", "login page")),
            ("nothing", b"", "application/json", ("not JSON", "no body")),
            ("broken JSON", b'{"invoices": [', "application/json", ("not JSON", '{"invoices": [')),
            ("broken UTF-8", b'{"invoices": ["\xff\xfe"]}', "application/json", ("not JSON",)),
            ("UTF-16", json.dumps(GOOD).encode("utf-16"), "application/json", ("not JSON", "invoices")),
            ("NaN", b'{"invoices": [{"a": NaN}]}', "application/json", ("not JSON",)),
            ("a number out of range", b'{"invoices": [{"a": 1e999}]}', "application/json", ("not JSON",)),
            ("two values", b"{} {}", "application/json", ("not JSON",)),
            ("nesting that exhausts a parser", b"[" * 100_000, "application/json", ("not JSON",)),
            ("nesting that exhausts Ansible", b'{"invoices": [%s]}' % (b"[" * 300 + b"]" * 300), "a/b", ("not JSON",)),
            ("controls", b"\x1b[2J\x07\r\n\x00 text", "text/plain\x1b[1m", ("[2J text",)),
        )
    },
    **{
        f"200 with the JSON value {body!r}": Case(
            "JSON that is no invoices", say(body), "response", ONCE, ("not a list of invoices",), 200
        )
        for body in _NO_LISTS
    },
    "HTTP/1.0 with a body that breaks off": Case(
        "Answer that is not JSON",
        say(b'{"invoices": [', headers={"Content-Length": None}, version="HTTP/1.0"),
        "response",
        ONCE,
        ("not JSON",),
        200,
    ),
    **{
        f"{status}": Case(
            "Another status below 400",
            raw(f"HTTP/1.1 {status} Text\r\n\r\n".encode()),
            "response",
            ONCE,
            (f"HTTP {status}", "api_url"),
            status,
        )
        for status in (101, 204, 304)
    },
    **{
        f"{status} with invoices": Case(
            "Another status below 400", say(GOOD, status=status), "response", ONCE, (f"HTTP {status}",), status
        )
        for status in (201, 202, 206, 300)
    },
    **{
        f"{status} to {target!r}": Case(
            "Redirect",
            say(b"", status=status, headers={"Location": target}),
            "response",
            ONCE,
            (f"redirect (HTTP {status})", f"to {host},", "api_url"),
            status,
        )
        for status, target, host in (
            (301, "https://elsewhere.example/api", "elsewhere.example"),
            (302, "http://user:word@elsewhere.example:8443/x", "elsewhere.example"),
            (303, "//elsewhere.example/", "elsewhere.example"),
            (307, "https://127.0.0.1.example.com/", "127.0.0.1.example.com"),
            (308, "/login", "an address without a host"),
            (302, "", "an address without a host"),
            (302, "http://[::1", "an address without a host"),
            (302, "http://\xe9\xff/", "\xe9\xff"),
            (302, "https://" + "a" * 300 + ".example/", "a" * 192 + "…"),
        )
    },
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", CASES.values(), ids=[name[:60] for name in CASES])
def test_fault(case: Case, kind: str) -> None:
    """One clear error, with exactly the requests that the rules allow, and waits that the API asked for."""
    with Wire(case.script) as wire:
        outcome = run_plugin(kind, {"api_url": wire.url})
    assert outcome.invoices is None
    requests = case.requests or len(outcome.waits) + 1
    assert len(wire.requests) == requests
    assert f"GET {wire.url}/api/v1/invoices failed" in outcome.text or case.row == "JSON that is no invoices"
    for words in case.words:
        assert words in outcome.text
    assert len(outcome.text) < 1000
    assert outcome.text.isprintable()
    _check_waits(case, outcome.waits)
    if kind == "module":
        expected = {"reason": case.reason, "status": case.status, "code": case.code, "message": case.message}
        assert outcome.failure == {**expected, "attempts": requests}


def _check_waits(case: Case, waits: list[float]) -> None:
    assert all(0 <= wait <= 60 for wait in waits)
    if case.requests == BY_TIME:
        assert len(waits) > 1
        # A wait of less than a second counts as one.
        assert 120 <= sum(max(wait, 1) for wait in waits) < 180
    else:
        assert len(waits) == case.requests - 1
    for wait, least in zip(waits, case.waits):
        assert wait >= least
    # Without a word of the API: exponential backoff.
    if not case.waits and case.reason != "rate_limit":
        assert all(wait <= 2**number for number, wait in enumerate(waits))


@pytest.mark.parametrize("kind", KINDS)
def test_connection_refused(kind: str) -> None:
    outcome = run_plugin(kind, {"api_url": f"http://127.0.0.1:{free_port()}"})
    assert "The connection failed: Connection refused" in outcome.text
    assert len(outcome.waits) == ALWAYS - 1
    if kind == "module":
        assert outcome.failure == {"reason": "network", "status": None, "code": None, "message": None, "attempts": 5}


@pytest.mark.parametrize("kind", KINDS)
def test_name_resolution(kind: str) -> None:
    # RFC 6761: no name below .invalid ever resolves.
    outcome = run_plugin(kind, {"api_url": "https://api.invalid", "retries": 1})
    assert "The connection failed" in outcome.text
    assert "Check the host in api_url, the name resolution" in outcome.text
    assert len(outcome.waits) == 1
    assert outcome.failure is None or outcome.failure["reason"] == "network"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("host", ["a" * 64 + ".example", "a..example"])
def test_host_that_no_name_can_be(kind: str, host: str) -> None:
    outcome = run_plugin(kind, {"api_url": f"https://{host}"})
    assert "The host of api_url" in outcome.text
    assert not outcome.waits
    assert outcome.failure is None or outcome.failure["reason"] == "options"


_HEAD = answer(b"", headers={"Content-Length": "900"})
_CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
SLOW: dict[str, tuple[Script, bool]] = {
    "an answer that never comes": (hang(), False),
    "headers that drip": (drip(_HEAD), False),
    "a body that never comes": (hang(_HEAD), False),
    "a body that drips": (drip(b"[" * 900, begin=_HEAD), False),
    "chunks that drip": (drip(b"1\r\n[\r\n" * 99, begin=_CHUNKED), False),
    "a TLS handshake that never ends": (hang(), True),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("script", "tls"), SLOW.values(), ids=SLOW)
def test_slow(script: Script, tls: bool, kind: str) -> None:
    """Each attempt ends with C(timeout), whatever the other side does in between."""
    retries = 1 if kind == "module" else 0
    started = time.monotonic()
    with Wire(script, reads_request=not tls) as wire:
        url = wire.url.replace("http:", "https:") if tls else wire.url
        outcome = run_plugin(kind, {"api_url": url, "timeout": 1, "retries": retries})
        spent = time.monotonic() - started
    assert wire.connections == retries + 1
    assert "No whole answer arrived within 1 seconds" in outcome.text
    assert "raise timeout" in outcome.text
    assert retries + 1 <= spent < retries + 2.5
    if kind == "module":
        assert outcome.failure == {"reason": "timeout", "status": None, "code": None, "message": None, "attempts": 2}


AUGUST = {**INVOICE, "invoice_id": "august", "period_start": "2026-08-01T00:00:00Z"}
SEPTEMBER = {**INVOICE, "invoice_id": "september", "period_start": "2026-09-01T00:00:00Z"}
OCTOBER = {**INVOICE, "invoice_id": "october", "period_start": "2026-10-01T00:00:00Z"}
STRANGE = {
    **INVOICE,
    "status": "CANCELLED",
    "from_the_future": {"a": [None, True, 1.5]},
    "totals": [{"currency": "DOUBLOONS"}, {"amount": 12}, {}, {"amount": -0.1, "currency": None}],
    "invoice_items": [{"cluster": {"plan": "GALACTIC", "cloud_provider": "MOON"}, "totals": [{}], "line_items": [{}]}],
    "adjustments": [{"name": "credit", "amount": {}}, {}],
}
DATA: dict[str, tuple[Script, dict[str, t.Any], list[t.Any]]] = {
    "an ascending list": (say({"invoices": [AUGUST, SEPTEMBER, OCTOBER]}), {}, [AUGUST, SEPTEMBER, OCTOBER]),
    "a descending list": (say({"invoices": [OCTOBER, SEPTEMBER, AUGUST]}), {}, [AUGUST, SEPTEMBER, OCTOBER]),
    "unknown fields, enums and currencies": (say({"invoices": [STRANGE], "next_page": "x"}), {}, [STRANGE]),
    "no invoices": (say({"invoices": []}), {}, []),
    "an empty object": (say({}), {}, []),
    "invoices that are null": (say({"invoices": None}), {}, []),
    "a bare invoice": (say(OCTOBER), {"invoice_id": ["october"]}, [OCTOBER]),
    "a wrapped invoice": (say({"invoices": [OCTOBER]}), {"invoice_id": ["october"]}, [OCTOBER]),
    "a byte order mark": (say(b"\xef\xbb\xbf" + json.dumps(GOOD).encode()), {}, [INVOICE]),
    "another content type": (say(GOOD, headers={"Content-Type": "text/plain; charset=nonsense"}), {}, [INVOICE]),
    "no content type": (say(GOOD, headers={"Content-Type": None}), {}, [INVOICE]),
    "HTTP/1.0 without a length": (say(GOOD, headers={"Content-Length": None}, version="HTTP/1.0"), {}, [INVOICE]),
    "a length that is no number": (say(GOOD, headers={"Content-Length": "\xb2"}), {}, [INVOICE]),
    "103 Early Hints first": (raw(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + answer(GOOD)), {}, [INVOICE]),
    "keys that Ansible reserves, and NUL": (
        say(b'{"invoices": [{"__ansible_type": "x", "a": [{"__ansible_vault": "x"}, "\\u0000"], "\\u0000": 1}]}'),
        {},
        [{"a": [{}, "\ufffd"], "\ufffd": 1}],
    ),
    "100 Continue first": (raw(b"HTTP/1.1 100 Continue\r\n\r\n" + answer(GOOD)), {}, [INVOICE]),
    "gzip": (say(gzip.compress(json.dumps(GOOD).encode()), headers={"Content-Encoding": "gzip"}), {}, [INVOICE]),
    "half a surrogate pair": (
        say(b'{"invoices": [{"a": "\\ud83d\\ude00 \\ud800 \\\\ud800", "\\udfff": 1}]}'),
        {},
        [{"a": "\U0001f600 \ufffd \\ud800", "\ufffd": 1}],
    ),
    "brackets within strings": (say({"invoices": [{"a": "[" * 200 + "{" * 200}]}), {}, [{"a": "[" * 200 + "{" * 200}]),
    "as deep as is read": (
        say(b'{"invoices": [{"a": %s}]}' % (b"[" * 60 + b"]" * 60)),
        {},
        [{"a": json.loads("[" * 60 + "]" * 60)}],
    ),
    "a number of 4000 digits": (say(b'{"invoices": [{"a": %s}]}' % (b"9" * 4000)), {}, [{"a": 10**4000 - 1}]),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("script", "options", "expected"), DATA.values(), ids=DATA)
def test_data(script: Script, options: dict[str, t.Any], expected: list[t.Any], kind: str) -> None:
    """What the API may send, and what is kept of it: everything as it came."""
    with Wire(script) as wire:
        outcome = run_plugin(kind, {"api_url": wire.url, **options})
    assert outcome.text == ""
    assert outcome.invoices == expected
    assert len(wire.requests) == 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "first",
    [
        say({}, status=503),
        say(LIMITED, status=429, headers={"Retry-After": "1"}),
        break_off(b""),
        break_off(answer(GOOD)[:-9]),
        say(b"{}", headers={"Content-Length": "9"}),
    ],
    ids=["503", "429", "reset", "reset in the body", "short body"],
)
def test_passes(first: Script, kind: str) -> None:
    """A fault that goes away is not seen by the user."""
    with Wire(first, first, say(GOOD)) as wire:
        outcome = run_plugin(kind, {"api_url": wire.url})
    assert outcome.invoices == [INVOICE]
    assert len(wire.requests) == 3
    assert len(outcome.waits) == 2


@pytest.mark.parametrize("kind", KINDS)
def test_no_retries(kind: str) -> None:
    with Wire(say({}, status=503)) as wire:
        outcome = run_plugin(kind, {"api_url": wire.url, "retries": 0})
    assert len(wire.requests) == 1
    assert outcome.waits == []
    assert "attempts" not in outcome.text


@pytest.mark.parametrize("kind", KINDS)
def test_the_longest_wait_is_the_users(kind: str) -> None:
    """A wait as long as C(retry_max_delay) is waited for, a longer one is not."""
    script = say(LIMITED, status=429, headers={"Retry-After": "5"})
    with Wire(script) as wire:
        outcome = run_plugin(kind, {"api_url": wire.url, "retry_max_delay": 5})
    assert outcome.waits == [5] * 24
    with Wire(script) as wire:
        outcome = run_plugin(kind, {"api_url": wire.url, "retry_max_delay": 4})
    assert outcome.waits == []
    assert "5 seconds, longer than retry_max_delay (4)" in outcome.text


def test_documented() -> None:
    """The documentation's table has each row that is named here, with the same reason, and says what is retried."""
    rows = re.findall(
        r"^  \* - (.+)\n    - ``(\w+)``\n    - (Yes|No)\n    - ",
        DOCUMENTATION.read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    documented = {row.replace("``", ""): (reason, retried) for row, reason, retried in rows}
    assert len(documented) == len(rows) > 20
    for name, case in CASES.items():
        reason, retried = documented[case.row]
        assert (reason, retried) == (case.reason, "No" if case.requests == ONCE else "Yes") or (
            # A wait that is too long has the reason of what it comes with.
            "and a wait" in case.row and case.requests == ONCE
        ), name
    assert documented["Answer that takes too long"] == ("timeout", "Yes")
