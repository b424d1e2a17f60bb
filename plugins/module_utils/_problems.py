# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is private to the cockroachdb_cloud.billing collection.
# It can change or vanish in any release, so do not use it from outside.

"""From an exception of requests, or of what is below it, to the problem that it means, in words of our own."""

from __future__ import annotations

import http.client
import re
import typing as t

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._errors import (
    AttemptTimeoutError,
    NetworkError,
    OptionsError,
    Problem,
)

try:
    import requests
    import urllib3.exceptions
except ImportError:  # _client says so, and comes here only when they are there
    pass

_PROXY_WANTS_CREDENTIALS = "it wants a user and a password (HTTP 407), which belong into its URL"


def timed_out(timeout: int) -> Problem:
    """Return the problem of an attempt that took longer than it was allowed to, in seconds."""
    return Problem(
        AttemptTimeoutError,
        f"No whole answer arrived within {timeout} seconds. Check that api_url can be reached from here, or raise "
        "timeout.",
        retry=True,
    )


def classify(error: Exception, timeout: int) -> Problem:
    """Return the problem that an exception of one attempt means.

    :param timeout: how long the attempt was allowed to take, in seconds.
    """
    chain = list(_chain(error))
    # urllib3 1.26 counts every failure to connect as a time-out.
    late = (requests.Timeout, urllib3.exceptions.TimeoutError, TimeoutError)
    if any(isinstance(cause, late) and not isinstance(cause, urllib3.exceptions.NewConnectionError) for cause in chain):
        return timed_out(timeout)
    lasting = _lasting_problem(error, chain)
    if lasting is not None:
        return lasting
    detail = _say_why(chain)
    if any(isinstance(cause, (requests.exceptions.ProxyError, urllib3.exceptions.ProxyError)) for cause in chain):
        return Problem(
            NetworkError,
            f"The proxy does not serve the connection: {detail}. Check HTTPS_PROXY and NO_PROXY in the environment.",
            retry=_PROXY_WANTS_CREDENTIALS not in detail,
        )
    return Problem(
        NetworkError,
        f"The connection failed: {detail}. Check api_url, name resolution, firewalls and proxies.",
        retry=True,
    )


def _lasting_problem(error: Exception, chain: t.Sequence[BaseException]) -> Problem | None:
    """Return the problem of an exception that another attempt would only bring up again, None for any other."""
    for cause in chain:
        untrusted = _say_why_untrusted(cause)
        if untrusted:
            return Problem(NetworkError, f"The TLS certificate of the API is not valid: {untrusted}", retry=False)
    not_certificates = any(getattr(cause, "library", None) in ("X509", "PEM") for cause in chain)
    if not_certificates or (isinstance(error, OSError) and not isinstance(error, requests.RequestException)):
        return Problem(
            OptionsError,
            "The CA certificates cannot be read: check ca_path, and REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE in the "
            "environment.",
            retry=False,
        )
    unusable = (
        requests.exceptions.InvalidURL,
        requests.exceptions.InvalidSchema,
        urllib3.exceptions.LocationParseError,
        http.client.InvalidURL,
        UnicodeError,
    )
    if any(isinstance(cause, unusable) for cause in chain):
        return Problem(
            OptionsError,
            "The host of api_url, or the URL of a proxy in the environment (HTTPS_PROXY), cannot be used: correct it.",
            retry=False,
        )
    return None


def _say_why_untrusted(cause: BaseException) -> str | None:
    """Return why a certificate is refused and what to do about it, None when the cause is another."""
    code, message = getattr(cause, "verify_code", None), getattr(cause, "verify_message", None)
    # urllib3 1.26 compares the names itself, and its error has no number.
    if code in (62, 64) or type(cause).__name__ == "CertificateError":
        return "it is for another host. Check api_url, and whether a proxy answers in place of the API."
    if not message:
        return None
    if code in (9, 10):
        return f"{printable(message)}. Check the clock of this machine, or have the certificate renewed."
    return f"{printable(message)}. For a private CA set ca_path, or REQUESTS_CA_BUNDLE in the environment."


def _say_why(chain: t.Sequence[BaseException]) -> str:
    """Return what the operating system says, or what a failure of HTTP means.

    Nothing that the other side wrote is in it: a proxy's answer to CONNECT may repeat the proxy's password.
    """
    for cause in chain:
        tunnel = re.match(r"Tunnel connection failed: (\d{3})", f"{cause}")
        if tunnel:
            return _PROXY_WANTS_CREDENTIALS if tunnel.group(1) == "407" else f"it answers HTTP {tunnel.group(1)}"
        if isinstance(cause, OSError) and cause.strerror:
            return printable(cause.strerror)
        for kind, words in _failures_of_http():
            if isinstance(cause, kind):
                return words
    if any(isinstance(cause, urllib3.exceptions.ProtocolError) for cause in chain):
        return "the answer broke off before its end"
    return type(chain[-1]).__name__


def _failures_of_http() -> tuple[tuple[type[BaseException], str], ...]:
    # The more special kind first.
    return (
        (http.client.RemoteDisconnected, "the other side closed it without an answer"),
        (http.client.IncompleteRead, "the body of the answer broke off before its end"),
        (urllib3.exceptions.DecodeError, "the body of the answer cannot be decompressed"),
        (http.client.HTTPException, "the answer is not HTTP"),
        (urllib3.exceptions.InvalidHeader, "the answer is not HTTP"),
    )


def _chain(error: BaseException) -> t.Iterator[BaseException]:
    """Yield an exception and what caused it, the outermost first; urllib3 keeps causes in arguments and C(reason)."""
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting:
        current = waiting.pop(0)
        if isinstance(current, BaseException) and id(current) not in seen:
            seen.add(id(current))
            yield current
            waiting += [getattr(current, "reason", None), *current.args, current.__cause__, current.__context__]


def printable(text: str, length: int = 200) -> str:
    """Return the first characters of a foreign text on one line, without what could move a terminal's cursor."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text[: 2 * length]).split())
    return line if len(line) <= length else f"{line[:length]}…"
