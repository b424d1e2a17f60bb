# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From exceptions and answers to errors. C(faults) has what can go wrong on the wire."""

from __future__ import annotations

import http.client
import json
import re
import socket
import ssl
import typing as t

import pytest
import requests
import urllib3.exceptions

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils import _failures, _transport
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._errors import (
    AttemptTimeoutError,
    AuthenticationError,
    BillingError,
    NetworkError,
    NotFoundError,
    OptionsError,
    PermissionDeniedError,
    RateLimitError,
    RequestError,
    ResponseError,
    ServerError,
)
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._redaction import Redactor
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._transport import Answer, BodyTooLargeError
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._api import KEY
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._clients import NOW, Clock, client_for, connect
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._run import fresh_environment
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins.faults._wire import Wire, say


@pytest.fixture(autouse=True)
def _environment() -> t.Iterator[None]:
    with fresh_environment():
        yield


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


# Without an answer


def failures(**options: t.Any) -> _failures.Failures:
    return _failures.Failures(connect("https://api.example", **options), Redactor(KEY).redact, lambda: NOW)


def untrusted(code: int, message: str) -> Exception:
    """Return what requests raises for a certificate that OpenSSL refuses."""
    error = ssl.SSLCertVerificationError(message)
    error.verify_code, error.verify_message = code, message
    return requests.exceptions.SSLError(urllib3.exceptions.MaxRetryError(None, "/", error))  # type: ignore[arg-type]


def caused(error: Exception, cause: BaseException) -> Exception:
    error.__cause__ = cause
    return error


def unreachable(cause: Exception) -> Exception:
    return requests.exceptions.ConnectionError(urllib3.exceptions.ProtocolError("Connection aborted.", cause))


def tunnel(text: str) -> Exception:
    refused = urllib3.exceptions.ProxyError("Cannot connect to proxy.", OSError(f"Tunnel connection failed: {text}"))
    return requests.exceptions.ProxyError(urllib3.exceptions.MaxRetryError(None, "/", refused))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("error", "kind", "retry", "words"),
    [
        (MemoryError(), OptionsError, False, "memory of this machine is too small"),
        (caused(requests.RequestException(), MemoryError()), OptionsError, False, "memory of this machine"),
        (BodyTooLargeError(200, 512 << 20), ResponseError, False, r"\(HTTP 200\) is larger than 512 MiB"),
        (requests.exceptions.ReadTimeout(), AttemptTimeoutError, True, "within 5 seconds"),
        (unreachable(TimeoutError("x")), AttemptTimeoutError, True, "or raise timeout"),
        (
            untrusted(20, "unable to get issuer"),
            NetworkError,
            False,
            r"unable to get issuer\. For a private CA set ca_path",
        ),
        (untrusted(10, "certificate has expired"), NetworkError, False, "has expired. Check the clock"),
        (
            untrusted(85, "Missing Authority Key Identifier"),
            NetworkError,
            False,
            "refuse such a certificate whatever ca_path",
        ),
        (untrusted(62, "Hostname mismatch"), NetworkError, False, "it is for another host. Check api_url"),
        (untrusted(23, "certificate revoked"), NetworkError, False, "revoked. The certificate has to be replaced"),
        (tunnel("407 Proxy Authentication Required"), NetworkError, False, "Write them into HTTPS_PROXY"),
        (tunnel(f"403 {KEY}"), NetworkError, True, r"it answers HTTP 403\. Check HTTPS_PROXY"),
        (
            unreachable(socket.gaierror(-2, "Name or service not known")),
            NetworkError,
            True,
            "Check the host in api_url",
        ),
        (
            unreachable(ConnectionResetError(104, "Connection reset by peer")),
            NetworkError,
            True,
            "cuts connections off",
        ),
        (
            unreachable(ConnectionRefusedError(111, "Connection refused")),
            NetworkError,
            True,
            "refused. Check the host and port",
        ),
        (unreachable(http.client.IncompleteRead(b"")), NetworkError, True, "broke off before its end"),
        (FileNotFoundError(2, "No such file"), OptionsError, False, "check ca_path, and REQUESTS_CA_BUNDLE"),
        (
            requests.exceptions.InvalidSchema("Missing dependencies for SOCKS support."),
            OptionsError,
            False,
            "needs the PySocks",
        ),
        (requests.exceptions.InvalidURL("x"), OptionsError, False, "cannot be used: correct it"),
        (RuntimeError(KEY), NetworkError, True, "The connection failed: RuntimeError"),
    ],
)
def test_what_an_exception_means(error: Exception, kind: type[BillingError], retry: bool, words: str) -> None:
    found = failures().of_exception(error)
    assert (type(found), found.retry, found.retry_after) == (kind, retry, None)
    assert re.search(words, f"{found}")
    assert KEY not in f"{found}"


def test_the_certificates_of_ca_path_are_named() -> None:
    found = failures(verify="/etc/ca.pem").of_exception(untrusted(19, "self-signed certificate in chain"))
    assert "No CA in ca_path (/etc/ca.pem) has signed it" in f"{found}"


def test_a_chain_without_end() -> None:
    first, second = OSError(5, "Input/output error"), ValueError()
    second.__context__, first.__context__ = first, second
    assert "Input/output error" in f"{failures().of_exception(requests.RequestException(second))}"


# With an answer


def answered(status: int, body: t.Any = b"", **headers: str) -> Answer:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status, requests.structures.CaseInsensitiveDict(headers), text)


LIMIT = {"code": 8, "message": "Rate limit exceeded"}


@pytest.mark.parametrize(
    ("answer", "kind", "retry", "retry_after"),
    [
        (answered(429), RateLimitError, True, None),
        (answered(429, LIMIT, **{"Retry-After": "7"}), RateLimitError, True, 7),
        (answered(403, LIMIT), RateLimitError, True, None),
        (answered(200, LIMIT), ResponseError, False, None),
        (answered(503, **{"Retry-After": "Mon, 23 Nov 2026 12:01:30 GMT"}), ServerError, True, 90),
        (answered(500, {"message": "no"}), ServerError, True, None),
        (answered(501), ServerError, False, None),
        (answered(400), RequestError, False, None),
        (answered(401), AuthenticationError, False, None),
        (answered(403), PermissionDeniedError, False, None),
        (answered(404), NotFoundError, False, None),
        (answered(302, Location="https://other.example/x?y"), ResponseError, False, None),
        (answered(204), ResponseError, False, None),
    ],
)
def test_what_an_answer_means(answer: Answer, kind: type[BillingError], retry: bool, retry_after: float | None) -> None:
    found = failures().refused(answer, ("api", "v1", "invoices"))
    assert (type(found), found.retry, found.retry_after, found.status) == (kind, retry, retry_after, answer.status)


def test_the_rules_of_a_403_do_not_rule_out_the_viewer() -> None:
    text = f"{failures().refused(answered(403), ('api', 'v1', 'invoices'))}"
    for role in ("BILLING_COORDINATOR", "CLUSTER_ADMIN", "BILLING_VIEWER is the least privilege to try"):
        assert role in text
    assert "from the option api_key" in text


@pytest.mark.parametrize(
    ("body", "facts"),
    [
        ({"code": 5, "message": "gone"}, (5, "gone")),
        ({"code": True, "message": ["gone"]}, (None, None)),
        ({"code": "5", "message": ""}, (None, None)),
        ({"message": f" to\n{KEY}\x1b[2J "}, (None, "to ******** [2J")),
        ([5], (None, None)),
        (b"<html>", (None, None)),
        (b"[" * 100_000, (None, None)),
    ],
)
def test_the_code_and_message_of_the_api(body: t.Any, facts: tuple[int | None, str | None]) -> None:
    found = failures().refused(answered(400, body), ("x",))
    assert (found.code, found.message) == facts


def test_a_body_that_is_none_of_the_api() -> None:
    page = f"<b>{KEY} {'x' * 500}".encode()
    text = f"{failures().unreadable(answered(200, page, **{'Content-Type': 'text/html'}))}"
    assert "content type text/html, body '<b>******** xxx" in text
    assert "x…'" in text
    assert len(text) < 450
    assert "content type not given, no body" in f"{failures().unreadable(answered(200))}"
