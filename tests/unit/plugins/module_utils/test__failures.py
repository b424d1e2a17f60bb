# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What goes wrong between the client and the API, and the error that it means: over real sockets where it can be.

The table of the documentation is held to the table of cases.
"""

from __future__ import annotations

import gzip
import json
import pathlib
import re
import socket
import ssl
import typing as t

import pytest
import requests
import urllib3.exceptions
from billing_sandbox._scripted import Script, Wire, answer, break_off, free_port, raw, say
from urllib3.util.ssl_match_hostname import CertificateError

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils import _client, _failures, _transport
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._errors import (
    AttemptTimeoutError,
    BillingError,
    NetworkError,
    NotFoundError,
    OptionsError,
)
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._redaction import Redactor
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._api import KEY
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._clients import (
    NOW,
    Clock,
    call,
    client_for,
    connect,
)

DOCUMENTATION = pathlib.Path(__file__).resolve().parents[4] / "docs" / "docsite" / "rst" / "guide_troubleshooting.rst"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        *((value, None) for value in ("", "9999999999", "-1", "+1", "1.5", "1e3", "0x10", "soon", "\u0661", "\xb2")),
        (None, None),
        ("0", 0),
        (" 17 ", 17),
        ("999999999", 999999999),
        ("Mon, 23 Nov 2026 12:01:30 GMT", 90),
        ("Monday, 23-Nov-26 12:01:30 GMT", 90),
        ("Mon Nov 23 12:01:30 2026", 90),
        ("Mon, 23 Nov 2026 12:01:30 -0000", 90),
        ("Mon, 23 Nov 2026 13:01:30 +0100", 90),
        ("Mon, 23 Nov 2026 11:59:00 GMT", 0),
        ("Mon, 99 Nov 2026 12:00:00 GMT", None),
        ("Mon, 23 Nov 99999999999 12:00:00 GMT", None),
    ],
)
def test_retry_after(value: str | None, expected: float | None) -> None:
    """Seconds or one of the three forms of a date (RFC 9110, section 5.6.7); a date in the past is now."""
    assert _failures.read_retry_after(value, NOW) == expected


GOOD: dict[str, t.Any] = {"invoices": []}
HTML = b"<html><body>Please log in</body></html>"
ALWAYS = 5  # requests with the default of four retries
ONCE = 1
BY_TIME = 0  # as many as two minutes allow


class Case(t.NamedTuple):
    """What the other side does to every request, and the text, status, code and message of the error.

    C(least) is what the first wait has to be at least, in seconds.
    """

    script: Script
    words: str
    facts: tuple[int | None, int | None, str | None] = (None, None, None)
    least: float = 0


def refusal(status: int, words: str = "", body: t.Any = None, *, least: float = 0, **headers: t.Any) -> Case:
    """Return a case of an answer with a JSON body."""
    if body is None:
        body, words = {"code": 2, "message": f"no {status}", "details": []}, f"HTTP {status}: no {status}[.].*{words}"
    said = body if isinstance(body, dict) else {}
    script = say(body, status=status, headers={name.replace("_", "-"): value for name, value in headers.items()})
    return Case(script, words, (status, said.get("code"), said.get("message")), least)


def limited(words: str, status: int = 429, *, least: float = 0, **headers: str) -> Case:
    said = {"code": 8, "message": "Rate limit exceeded, slow down"}
    return refusal(status, f"HTTP {status}: Rate limit exceeded, slow down[.].*{words}", said, least=least, **headers)


def other(status: int, words: str, body: t.Any, **headers: t.Any) -> Case:
    """Return a case of an answer that is not the API's own."""
    return Case(refusal(status, "", body, **headers).script, words, (status, None, None))


def no_json(words: str, body: bytes, kind: str = "application/json") -> Case:
    return other(200, f"not JSON that can be read: .*{words}", body, Content_Type=kind)


def redirect(status: int, target: str, host: str) -> Case:
    words = rf"redirect \(HTTP {status}\) to {re.escape(host)}, which is not followed.*Set api_url"
    return other(status, words, b"", Location=target)


def short(body: bytes, **more: t.Any) -> Case:
    return Case(say(body, **more), "broke off before its end. If it goes on, look for a proxy")


def chunked(data: bytes) -> Case:
    return Case(raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + data), "broke off")


NO_ADDRESS = "an address without a host"
# Each row of the documentation's table: its reason, and how many requests are sent.
ROWS = {
    "Rate limit": ("rate_limit", BY_TIME),
    "Rate limit, and a wait longer than retry_max_delay": ("rate_limit", ONCE),
    "Status 401": ("authentication", ONCE),
    "Status 403": ("permission", ONCE),
    "Status 404": ("not_found", ONCE),
    "Another status from 400 to 499": ("request", ONCE),
    "Status 500, 502, 503 or 504": ("server", ALWAYS),
    "Status 501, or 505 and higher": ("server", ONCE),
    "Connection refused, reset or closed": ("network", ALWAYS),
    "Body that breaks off": ("network", ALWAYS),
    "Answer that is not HTTP or cannot be decompressed": ("network", ALWAYS),
    "Answer that is not JSON": ("response", ONCE),
    "Body larger than 512 MiB": ("response", ONCE),
    "Another status below 400": ("response", ONCE),
    "Redirect": ("response", ONCE),
}
CASES = {
    "Rate limit": {
        "seconds": limited("asks to wait 2 seconds.*fewer requests.*throttle", least=2, Retry_After="2"),
        "a date": limited("", least=40, Retry_After="Mon, 23 Nov 2026 12:00:40 GMT"),
        "a date in the past": limited("wait 0 seconds", Retry_After="Mon, 23 Nov 2026 11:00:00 GMT"),
        "no Retry-After": limited("", least=1),
        "no sense": limited("", least=1, Retry_After="soon"),
        **{f"{status}": limited("", status, Retry_After="1", least=1) for status in (400, 403, 500, 501, 503)},
        "HTML": other(429, "HTTP 429, .*Please log in", HTML),
    },
    "Rate limit, and a wait longer than retry_max_delay": {
        "an hour": limited("wait 3600 seconds, longer than retry_max_delay [(]60[)][.] Try", Retry_After="3600"),
        "a date": limited("3600 seconds, longer", Retry_After="Mon, 23 Nov 2026 13:00:00 GMT"),
    },
    "Status 401": {"401": refusal(401, "from the option api_key: check that")},
    "Status 403": {
        "403": refusal(403, "BILLING_COORDINATOR or CLUSTER_ADMIN.*BILLING_VIEWER is the least privilege to try"),
        "403 with a text": refusal(403, "HTTP 403, content type", "text"),
    },
    "Status 404": {"404": refusal(404, "Check that api_url is the address")},
    "Another status from 400 to 499": {
        f"{status}": refusal(status) for status in (400, 402, 405, 407, 408, 409, 418, 451, 499)
    },
    "Status 500, 502, 503 or 504": {
        **{f"{status}": refusal(status) for status in (500, 502, 503, 504)},
        "503 with Retry-After": refusal(503, "asks to wait 7 seconds", least=7, Retry_After="7"),
        "500 with HTML": other(500, "content type text/html, body '<html><body>Please", HTML, Content_Type="text/html"),
        "500 with nothing": other(500, "no body", b""),
        "500 with nothing in gzip": other(500, "no body", b"", Content_Encoding="gzip"),
    },
    "Status 501, or 505 and higher": {f"{status}": refusal(status) for status in (501, 505, 599)},
    "Connection refused, reset or closed": {
        "a reset": Case(break_off(b""), "Connection reset by peer[.] .*cuts connections off"),
        "an end": Case(raw(b""), "closed it without an answer"),
        "a reset in the headers": Case(break_off(b"HTTP/1.1 200 OK\r\nContent-"), "The connection failed"),
    },
    "Body that breaks off": {
        "a reset": Case(break_off(answer(GOOD)[:-9]), "The connection failed"),
        "a short body": short(b'{"invoices":[]}', headers={"Content-Length": "99"}),
        "a short body of an error": short(b"{}", status=404, headers={"Content-Length": "99"}),
        "no last chunk": chunked(b'10\r\n{"invoices": []}\r\n'),
        "half a chunk": chunked(b'99\r\n{"inv'),
        "half of gzip": short(
            gzip.compress(b"{}" * 99)[:-9], headers={"Content-Encoding": "gzip", "Content-Length": "900"}
        ),
    },
    "Answer that is not HTTP or cannot be decompressed": {
        "no gzip": Case(say(b"garbage", headers={"Content-Encoding": "gzip"}), "cannot be decompressed"),
        "brotli": Case(say(b"\x0b\x01\x80{}\x03", headers={"Content-Encoding": "br"}), "cannot be decompressed"),
        "no HTTP": Case(raw(b"220 mail.example ESMTP\r\n\r\n"), "not HTTP[.] Check the host and port of api_url"),
        "a long header": Case(raw(b"HTTP/1.1 200 OK\r\nA: " + b"x" * 70000 + b"\r\n\r\n"), "not HTTP"),
        "many headers": Case(raw(b"HTTP/1.1 200 OK\r\n" + b"A: x\r\n" * 200 + b"\r\n"), "not HTTP"),
        "a negative chunk": Case(
            raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n{}\r\n0\r\n\r\n"),
            "(not HTTP|broke off)",  # depends on the version of Python
        ),
        "two lengths": Case(raw(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}"), "not HTTP"),
    },
    "Answer that is not JSON": {
        "HTML": no_json("content type a/b, body '<html>.*Please log in.*login page", HTML, "a/b"),
        "nothing": no_json("no body", b""),
        "half": no_json('{"invoices": .', b'{"invoices": ['),
        "no UTF-8": no_json("", b'{"invoices": ["\xff\xfe"]}'),
        "UTF-16": no_json("invoices", json.dumps(GOOD).encode("utf-16")),
        "NaN": no_json("", b'{"invoices": [{"a": NaN}]}'),
        "out of range": no_json("", b'{"invoices": [{"a": 1e999}]}'),
        "two values": no_json("", b"{} {}"),
        "too deep for a parser": no_json("", b"[" * 100_000),
        "too deep for Ansible": no_json("", b'{"invoices": [%s]}' % (b"[" * 300 + b"]" * 300)),
        "a level too deep": no_json("", b"[" * 65 + b"1" + b"]" * 65),
        "controls": no_json(r"type a/b \[1m, body '\[2J text'", b"\x1b[2J\x07\n\0 text", "a/b\x1b[1m"),
        "a long page": no_json(rf"body '<b>\*{{8}} {'x' * 188}…'", f"<b>{KEY} {'x' * 500}".encode()),
    },
    "Body larger than 512 MiB": {"a length": other(200, "larger than 512 MiB", GOOD, Content_Length="9" * 5000)},
    "Another status below 400": {
        **{f"{status}": other(status, f"HTTP {status}.*api_url", b"") for status in (101, 204, 304)},
        **{f"{status} with a length": other(status, "HTTP", b"", Content_Length="9") for status in (204, 304)},
        **{f"{status}": other(status, f"HTTP {status}", GOOD) for status in (201, 300)},
        "201 that names the rate limit": refusal(201, "HTTP 201", {"code": 8, "message": "rate limit exceeded"}),
    },
    "Redirect": {
        "another host": redirect(301, "https://elsewhere.example/api", "elsewhere.example"),
        "a password": redirect(302, "http://user:word@elsewhere.example:8443/x", "elsewhere.example"),
        "no scheme": redirect(303, "//elsewhere.example/", "elsewhere.example"),
        "a host that looks like ours": redirect(307, "https://127.0.0.1.example.com/", "127.0.0.1.example.com"),
        "a path": redirect(308, "/login", NO_ADDRESS),
        "nothing": redirect(302, "", NO_ADDRESS),
        "no URL": redirect(302, "http://[::1", NO_ADDRESS),
        "no ASCII": redirect(302, "http://\xe9\xff/", "\xe9\xff"),
        "a long host": redirect(302, f"https://{'a' * 300}.example/", f"{'a' * 192}…"),
    },
}


@pytest.mark.parametrize(
    ("row", "case"),
    [pytest.param(row, case, id=f"{row}: {name}") for row in ROWS for name, case in CASES[row].items()],
)
def test_fault(row: str, case: Case) -> None:
    """One clear error, with exactly the requests that the rules allow, and waits that the API asked for."""
    with Wire(case.script) as wire:
        ended = call(wire.url)
    reason, sent = ROWS[row]
    attempts = sent or len(ended.waits) + 1
    assert len(wire.requests) == attempts == len(ended.waits) + 1
    assert re.match(f"GET {wire.url}/api/v1/invoices failed.*: .*{case.words}", ended.text)
    assert ("(after 5 attempts)" in ended.text) == (sent == ALWAYS)
    assert len(ended.text) < 1000
    assert ended.text.isprintable()
    assert KEY not in ended.text
    assert ended.failure == dict(
        zip(("reason", "status", "code", "message", "attempts"), (reason, *case.facts, attempts))
    )
    if sent == BY_TIME:
        assert 120 <= sum(max(wait, 1) for wait in ended.waits) < 180
    elif not case.least:
        # Without a word of the API: exponential backoff.
        assert all(wait <= 2**number for number, wait in enumerate(ended.waits))
    assert all(0 <= wait <= 60 for wait in ended.waits)
    assert not case.least or ended.waits[0] >= case.least


@pytest.mark.parametrize(
    ("url", "words", "reason", "waits"),
    [
        ("http://127.0.0.1:{}", "failed: Connection refused[.] Check the host and port", "network", 4),
        # RFC 6761: no name below .invalid ever resolves.
        ("https://api.invalid", "Check the host in api_url, the name resolution", "network", 4),
        (f"https://{'a' * 64}.example", "The host of api_url, .* cannot be used", "options", 0),
        ("https://a..example", "The host of api_url", "options", 0),
    ],
    ids=["nobody listens", "no such name", "a long name", "an empty label"],
)
def test_no_connection(url: str, words: str, reason: str, waits: int) -> None:
    ended = call(url.format(free_port()))
    assert re.search(words, ended.text)
    assert (ended.failure["reason"], len(ended.waits)) == (reason, waits)


def test_documented() -> None:
    """The documentation's table has each row that is named here, with the same reason, and says what is retried."""
    found = re.findall(
        r"^  \* - (.+)\n    - ``(\w+)``\n    - (Yes|No)\n    - ",
        DOCUMENTATION.read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    documented = {name.replace("``", ""): (reason, retried) for name, reason, retried in found}
    assert len(documented) == len(found) > 20
    here = {name: (reason, "No" if sent == ONCE else "Yes") for name, (reason, sent) in ROWS.items()}
    here.update({"Answer that takes too long": ("timeout", "Yes"), "JSON that is no invoices": ("response", "No")})
    assert {name: documented[name] for name in here} == here


@pytest.mark.parametrize("where", ["while it arrives", "while it is read"])
def test_memory_runs_out(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Never tried again, and told as what it is."""

    def fail(*_args: t.Any) -> t.NoReturn:
        raise MemoryError

    if where == "while it arrives":
        monkeypatch.setattr(_transport, "_announced_length", fail)
    else:  # and there is too little to load what has the words for all else
        monkeypatch.setattr(_client.Client, "_failures", property(fail))
    clock = Clock()
    with Wire(say({})) as wire, client_for(wire.url, clock) as client:
        with pytest.raises(BillingError, match="memory of this machine is too small") as caught:
            client.get("x", read=fail)
    assert (caught.value.reason, len(wire.requests), clock.waits) == ("options", 1, [])


@pytest.mark.parametrize(
    ("prefix", "words"),
    [
        ("/api/v1", "api_url ends in /api/v1, which is added to it: leave that out and write {}."),
        ("/api/v1/invoices", "api_url ends in /api/v1/invoices"),
        ("/api", "api_url ends in /api,"),
        ("/v1", "Check that api_url is the address of the API."),
    ],
)
def test_the_address_of_a_404(prefix: str, words: str) -> None:
    with Wire(say({"code": 5, "message": "Not Found"}, status=404)) as wire:
        assert words.format(wire.url) in call(wire.url + prefix).text
        with client_for(wire.url, Clock()) as client:
            # A key in the place of an id is not shown.
            with pytest.raises(NotFoundError, match=r"^GET http:.*/invoices/[*]{8} failed: .*Check the invoice id"):
                client.get("api", "v1", "invoices", KEY)


@pytest.mark.parametrize(
    ("body", "facts"),
    [
        ({"code": True, "message": ["gone"]}, (None, None)),
        ({"code": "5", "message": ""}, (None, None)),
        ({"message": f" to\n{KEY}\x1b[2J "}, (None, "to ******** [2J")),
        ({"message": "x" * 600}, (None, f"{'x' * 500}…")),
        (b"[" * 100_000, (None, None)),
    ],
)
def test_the_code_and_message_of_the_api(body: t.Any, facts: tuple[int | None, str | None]) -> None:
    with Wire(say(body, status=400)) as wire:
        failure = call(wire.url).failure
    assert (failure["code"], failure["message"]) == facts
    assert (failure["reason"], failure["status"]) == ("request", 400)


def test_no_more_of_a_body_is_searched_than_may_be_shown() -> None:
    searched: list[int] = []

    def without_secrets(text: str) -> str:
        searched.append(len(text))
        return text

    failures = _failures.Failures(connect("https://api.example"), without_secrets, lambda: NOW)
    failures.unreadable(_transport.Answer(200, {}, b"x" * (4 << 20)))
    assert max(searched) == 1 << 20


# What no server can be made to cause everywhere


def error_of(error: Exception, **options: t.Any) -> BillingError:
    connection = connect("https://api.example", **options)
    return _failures.Failures(connection, Redactor(KEY).redact, lambda: NOW).of_exception(error)


@pytest.mark.parametrize(
    ("code", "verify", "words"),
    [
        *((code, True, "said. For a private CA set ca_path, or REQUESTS_CA") for code in (2, 18, 19, 20, 21)),
        *((code, True, "said. Check the clock of this machine, or have") for code in (9, 10)),
        *((code, True, "it is for another host. Check api_url, and whether") for code in (62, 64)),
        (19, "/some/ca.pem", "said. No CA in ca_path (/some/ca.pem) has signed it: name the CA that has."),
        *(
            (code, "/some/ca.pem", "said. Python 3.13 and newer refuse such a certificate whatever")
            for code in (79, 94)
        ),
        *((code, True, "said. The certificate has to be replaced.") for code in (23, 78, 95)),
    ],
)
def test_what_is_wrong_with_a_certificate(code: int, verify: bool | str, words: str) -> None:
    """The numbers are OpenSSL's, on every Python."""
    refused = ssl.SSLCertVerificationError("refused")
    refused.verify_code, refused.verify_message = code, "said"
    error = requests.exceptions.SSLError(urllib3.exceptions.MaxRetryError(None, "/", refused))  # type: ignore[arg-type]
    found = error_of(error, verify=verify)
    assert f"{found}".startswith(f"The TLS certificate of the API is not valid: {words}")
    assert (type(found), found.retry) == (NetworkError, False)


def test_urllib3_compares_names_itself() -> None:
    """1.26 does, with an error that has no number."""
    found = error_of(requests.exceptions.SSLError(CertificateError("no match")))
    assert f"{found}".startswith("The TLS certificate of the API is not valid: it is for another host.")


def aborted(cause: Exception) -> Exception:
    return requests.exceptions.ConnectionError(urllib3.exceptions.ProtocolError("Connection aborted.", cause))


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (aborted(MemoryError()), OptionsError, "memory of this machine is too small"),
        (aborted(TimeoutError("x")), AttemptTimeoutError, "within 5 seconds. Check that api_url .*, or raise timeout"),
        (aborted(socket.gaierror(-2, "No such name")), NetworkError, "No such name. Check the host in api_url"),
        (aborted(socket.gaierror()), NetworkError, "the name does not resolve. Check the host in api_url"),
        (aborted(ValueError(KEY)), NetworkError, "The connection failed: the answer broke off"),
        (RuntimeError(KEY), NetworkError, "The connection failed: RuntimeError"),
    ],
)
def test_what_an_exception_means(error: Exception, kind: type[BillingError], words: str) -> None:
    found = error_of(error)
    assert (type(found), found.retry) == (kind, kind is not OptionsError)
    assert re.search(words, f"{found}")
    assert KEY not in f"{found}"


def test_a_chain_without_end() -> None:
    first, second = OSError(5, "Input/output error"), ValueError()
    second.__context__, first.__context__ = first, second
    assert "Input/output error" in f"{error_of(requests.RequestException(second))}"
