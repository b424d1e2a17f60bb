# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is private to the cockroachdb_cloud.billing collection.
# It can change or vanish in any release, so do not use it from outside.

"""From an exception, or from an answer that holds no data, to the error that it means, in words of our own."""

from __future__ import annotations

import datetime
import email.utils
import http.client
import json
import math
import re
import socket
import sys
import traceback
import typing as t
import zlib

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
    out_of_memory,
)
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._options import host_of
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._transport import Answer, BodyTooLargeError

if t.TYPE_CHECKING:
    from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._options import Connection

try:
    import requests
    import urllib3.exceptions
except ImportError:  # _client says so, and comes here only when they are there
    pass

_RETRIED_STATUSES = frozenset((429, 500, 502, 503, 504))
_RATE_LIMIT_MESSAGE = "rate limit exceeded"

# X509_V_ERR_... of OpenSSL.
_WRONG_DATE = (9, 10)
_UNKNOWN_ISSUER = (2, 18, 19, 20, 21)
_NOT_STRICT = range(79, 95)
_WRONG_NAME = (62, 64)

_SEGMENTS_OF_A_LIST = 3  # api/v1/invoices; what follows is an id
_EXCERPT = 1 << 20  # of a body, far more than what is shown of it, so that no half of a credential is

_OF_THE_PROXY = "Check HTTPS_PROXY and NO_PROXY in the environment."
_OF_THE_ADDRESS = "Check the host and port of api_url."


class Failures:
    """Says what went wrong with a call of one client. Each method returns the error and raises nothing."""

    def __init__(
        self, connection: Connection, redact: t.Callable[[str], str], now: t.Callable[[], datetime.datetime]
    ) -> None:
        """Keep what the words depend on.

        :param connection: the options that the advice names.
        :param redact: takes the credential out of a text.
        :param now: the present, which a Retry-After in the form of a date counts from.
        """
        self._connection = connection
        self._redact = redact
        self._now = now

    # Without an answer

    def timed_out(self) -> BillingError:
        """Return the error of an attempt that took longer than C(timeout)."""
        return AttemptTimeoutError(
            f"No whole answer arrived within {self._connection.timeout} seconds. Check that api_url can be reached "
            "from here, or raise timeout.",
            retry=True,
        )

    def of_exception(self, error: Exception) -> BillingError:
        """Return the error that an exception means which ended an attempt, or the reading of its answer."""
        chain = list(_chain(error))
        if any(isinstance(cause, MemoryError) for cause in chain):
            return out_of_memory()
        if isinstance(error, BodyTooLargeError):
            return ResponseError(
                f"The body of the answer (HTTP {error.status}) is larger than {error.largest >> 20} MiB, and was not "
                "read any further. Ask for less with start_time, end_time or invoice_id, and check that api_url is the "
                "address of the API.",
                status=error.status,
            )
        # urllib3 1.26 counts every failure to connect as a time-out.
        late = (requests.Timeout, urllib3.exceptions.TimeoutError, TimeoutError)
        refused = urllib3.exceptions.NewConnectionError
        if any(isinstance(cause, late) and not isinstance(cause, refused) for cause in chain):
            return self.timed_out()
        by_proxy = any(map(_is_of_proxy, chain))
        return (
            self._of_tls(chain, by_proxy=by_proxy)
            or _of_configuration(error, chain)
            or (_of_proxy(chain) if by_proxy else _of_connection(chain))
        )

    def _of_tls(self, chain: t.Sequence[BaseException], *, by_proxy: bool) -> BillingError | None:
        for cause in chain:
            untrusted = self._say_why_untrusted(cause)
            if untrusted:
                return NetworkError(f"The TLS certificate of the API is not valid: {untrusted}")
        if not any(getattr(cause, "reason", None) == "WRONG_VERSION_NUMBER" for cause in chain):
            return None
        if by_proxy:
            return NetworkError(
                "The proxy speaks plain http where the environment names it by https://. Write http:// in HTTPS_PROXY."
            )
        return NetworkError(
            "The port that api_url names by https:// speaks plain http, or something else that is not TLS. "
            f"{_OF_THE_ADDRESS}"
        )

    def _say_why_untrusted(self, cause: BaseException) -> str | None:
        """Return why a certificate is refused and what to do about it, None when the cause is another."""
        code, message = getattr(cause, "verify_code", None), getattr(cause, "verify_message", None)
        # urllib3 1.26 compares the names itself, and its error has no number.
        if code in _WRONG_NAME or type(cause).__name__ == "CertificateError":
            return "it is for another host. Check api_url, and whether a proxy answers in place of the API."
        if not message:
            return None
        if code in _WRONG_DATE:
            advice = "Check the clock of this machine, or have the certificate renewed."
        elif code in _NOT_STRICT:
            advice = (
                "Python 3.13 and newer refuse such a certificate whatever ca_path holds: have it reissued as "
                "RFC 5280 asks (the certificate of the server, or that of its CA)."
            )
        elif code not in _UNKNOWN_ISSUER:
            advice = "The certificate has to be replaced."
        elif isinstance(self._connection.verify, str):
            advice = f"No CA in ca_path ({self._connection.verify}) has signed it: name the CA that has."
        else:
            advice = "For a private CA set ca_path, or REQUESTS_CA_BUNDLE in the environment."
        return f"{printable(message)}. {advice}"

    # With an answer

    def unreadable(self, answer: Answer) -> BillingError:
        """Return the error of a 200 whose body is no JSON that can be read."""
        return ResponseError(
            f"The answer is not JSON that can be read: {self._describe(answer)}. Check api_url, and whether a proxy or "
            "a login page answers in place of the API.",
            status=answer.status,
        )

    def refused(self, answer: Answer, path: t.Sequence[str]) -> BillingError:
        """Return the error of an answer with another status than 200.

        :param path: the segments of the path that were asked for.
        """
        status = answer.status
        code, message = self._read_status(answer.body)
        said = f": {message}" if message else f", {self._describe(answer)}"
        facts: dict[str, t.Any] = {"status": status, "code": code, "message": message}
        limited = status == 429 or (status >= 400 and _RATE_LIMIT_MESSAGE in (message or "").lower())
        if limited or status in _RETRIED_STATUSES:
            return self._retriable(answer, said, facts, limited=limited)
        if 300 <= status < 400 and "Location" in answer.headers:
            target = host_of(self._clean(answer.headers["Location"])) or "an address without a host"
            return ResponseError(
                f"The answer is a redirect (HTTP {status}) to {target}, which is not followed: the credential goes to "
                "api_url alone. Set api_url to the address of the API itself.",
                **facts,
            )
        error, advice = self._advice(status, path)
        return error(f"HTTP {status}{said}. {advice}", **facts)

    def _retriable(self, answer: Answer, said: str, facts: dict[str, t.Any], *, limited: bool) -> BillingError:
        wait = read_retry_after(answer.headers.get("Retry-After"), self._now())
        longest = self._connection.retry_max_delay
        asked = "" if wait is None else f" The API asks to wait {math.ceil(wait)} seconds."
        if wait is not None and wait > longest:
            asked = f"{asked[:-1]}, longer than retry_max_delay ({longest})."
            advice = "Try again after that, or raise retry_max_delay."
        elif limited:
            advice = "Send fewer requests at a time: fewer forks, or throttle on the task."
        else:
            advice = "Try again later; retries and retry_max_delay say how long to keep trying."
        return (RateLimitError if limited else ServerError)(
            f"HTTP {answer.status}{said}.{asked} {advice}", retry=True, retry_after=wait, **facts
        )

    def _advice(self, status: int, path: t.Sequence[str]) -> tuple[type[BillingError], str]:
        credential = self._connection.credential
        if status == 401:
            return AuthenticationError, (
                f"The API does not accept the credential from the {credential.source}: check that it is complete, not "
                "revoked or expired, and of the right organization."
            )
        if status == 403:
            return PermissionDeniedError, (
                f"The credential from the {credential.source} lacks a role at the scope of the organization: give its "
                "service account BILLING_COORDINATOR or CLUSTER_ADMIN, which are documented for this. BILLING_VIEWER "
                "is the least privilege to try; it is not known whether it is enough."
            )
        if status == 404:
            return NotFoundError, self._advice_on_path(path)
        if status >= 500:
            return ServerError, "The API, or a proxy before it, does not serve this request: check api_url."
        if status >= 400:
            options = "api_version and vanity_name" if credential.kind == "api_jwt" else "api_version"
            return RequestError, f"Check the values of the options, {options} among them."
        return ResponseError, "That is no answer of this API: check api_url."

    def _advice_on_path(self, path: t.Sequence[str]) -> str:
        base = self._connection.api_url
        for end in range(len(path), 0, -1):
            known = "/" + "/".join(path[:end])
            if base.endswith(known):
                return f"api_url ends in {known}, which is added to it: leave that out and write {base[: -len(known)]}."
        also = "the invoice id, and " if len(path) > _SEGMENTS_OF_A_LIST else ""
        return f"Check {also}that api_url is the address of the API."

    def _describe(self, answer: Answer) -> str:
        """Return the content type and the first characters of a body that is not what was expected."""
        kind = self._clean(answer.headers.get("Content-Type", ""))
        excerpt = self._clean(answer.body[:_EXCERPT].decode("utf-8", "replace"))
        return f"content type {kind or 'not given'}, {f'body {excerpt!r}' if excerpt else 'no body'}"

    def _read_status(self, body: bytes | bytearray) -> tuple[int | None, str | None]:
        """Return C(code) and C(message) of an error's body, None for what is not there."""
        try:
            value = json.loads(body)
        except (ValueError, RecursionError):
            return None, None
        if not isinstance(value, dict):
            return None, None
        code, message = value.get("code"), value.get("message")
        return (
            code if isinstance(code, int) and not isinstance(code, bool) else None,
            self._clean(message, 500) or None if isinstance(message, str) else None,
        )

    def _clean(self, text: str, length: int = 200) -> str:
        """Return a foreign text as one line that is safe to show.

        The credential goes before the text is cut, so that no half of it stays behind.
        """
        # Without the zeros a page in UTF-16 can be read, and searched.
        return printable(self._redact(text.replace("\0", "")), length)


def _is_of_proxy(cause: BaseException) -> bool:
    """Say whether the proxy failed; of one that answers CONNECT with no HTTP, where it was raised says so alone."""
    if isinstance(cause, (requests.exceptions.ProxyError, urllib3.exceptions.ProxyError)):
        return True
    return any(frame.f_code.co_name == "_tunnel" for frame, _line in traceback.walk_tb(cause.__traceback__))


def _of_configuration(error: Exception, chain: t.Sequence[BaseException]) -> BillingError | None:
    """Return the error of what this machine or the options have wrong, None for anything else."""
    not_certificates = any(getattr(cause, "library", None) in ("X509", "PEM") for cause in chain)
    if not_certificates or (isinstance(error, OSError) and not isinstance(error, requests.RequestException)):
        return OptionsError(
            "The CA certificates cannot be read: check ca_path, and REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE in the "
            "environment."
        )
    if isinstance(error, requests.exceptions.InvalidSchema) and "SOCKS" in f"{error}":
        return OptionsError(
            "The environment names a SOCKS proxy (ALL_PROXY or HTTPS_PROXY), which needs the PySocks library: "
            f"{sys.executable} -m pip install PySocks. Or name the host of api_url in NO_PROXY to go without the proxy."
        )
    unusable = (
        requests.exceptions.InvalidURL,
        requests.exceptions.InvalidSchema,
        urllib3.exceptions.LocationParseError,
        http.client.InvalidURL,
        UnicodeError,
    )
    # The TypeError is what requests raises at the URL of a proxy that has a user and no host.
    if isinstance(error, TypeError) or any(isinstance(cause, unusable) for cause in chain):
        return OptionsError(
            "The host of api_url, or the URL of a proxy in the environment (HTTPS_PROXY), cannot be used: correct it."
        )
    return None


def _of_proxy(chain: t.Sequence[BaseException]) -> BillingError:
    for cause in chain:
        tunnel = re.match(r"Tunnel connection failed: (\d{3})", f"{cause}")
        if tunnel and tunnel.group(1) == "407":
            return NetworkError(
                "The proxy does not serve the connection: it wants a user and a password (HTTP 407), which belong into "
                "its URL. Write them into HTTPS_PROXY in the environment."
            )
        if tunnel:
            return NetworkError(
                f"The proxy does not serve the connection: it answers HTTP {tunnel.group(1)}. {_OF_THE_PROXY}",
                retry=True,
            )
    return NetworkError(f"The proxy does not serve the connection: {_say_why(chain)[0]}. {_OF_THE_PROXY}", retry=True)


def _of_connection(chain: t.Sequence[BaseException]) -> BillingError:
    return NetworkError("The connection failed: {}. {}".format(*_say_why(chain)), retry=True)


def _say_why(chain: t.Sequence[BaseException]) -> tuple[str, str]:
    """Return what the operating system says, or what a failure of HTTP means, and what to do about it.

    Nothing that the other side wrote is in it: a proxy's answer to CONNECT may repeat the proxy's password.
    """
    cut = "If it goes on, look for a proxy or a firewall in between that cuts connections off."
    for cause in chain:
        if isinstance(cause, socket.gaierror):
            advice = "Check the host in api_url, the name resolution of this machine, and whether it needs HTTPS_PROXY."
            return printable(cause.strerror or "the name does not resolve"), advice
        if isinstance(cause, ConnectionResetError) and cause.strerror:
            return printable(cause.strerror), cut
        if isinstance(cause, OSError) and cause.strerror:
            advice = f"{_OF_THE_ADDRESS[:-1]}, firewalls, and whether this machine needs a proxy (HTTPS_PROXY)."
            return printable(cause.strerror), advice
        # The more special kind first.
        for kind, words, advice in (
            (http.client.RemoteDisconnected, "the other side closed it without an answer", cut),
            (http.client.IncompleteRead, "the body of the answer broke off before its end", cut),
            (urllib3.exceptions.DecodeError, "the body of the answer cannot be decompressed", _OF_THE_ADDRESS),
            (zlib.error, "the body of the answer cannot be decompressed", _OF_THE_ADDRESS),
            (http.client.HTTPException, "the answer is not HTTP", _OF_THE_ADDRESS),
            (urllib3.exceptions.InvalidHeader, "the answer is not HTTP", _OF_THE_ADDRESS),
        ):
            if isinstance(cause, kind):
                return words, advice
    if any(isinstance(cause, urllib3.exceptions.ProtocolError) for cause in chain):
        return "the answer broke off before its end", cut
    # A ValueError is what Python has for a chunk of a negative size.
    return "the answer is not HTTP" if isinstance(chain[-1], ValueError) else type(chain[-1]).__name__, _OF_THE_ADDRESS


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


def read_retry_after(value: str | None, now: datetime.datetime) -> float | None:
    """Read a Retry-After header (RFC 9110, section 10.2.3) as seconds from now, None when it makes no sense."""
    text = (value or "").strip()
    if re.fullmatch(r"[0-9]{1,9}", text):
        return float(text)
    try:
        date = email.utils.parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=datetime.timezone.utc)
    return max(0.0, (date - now).total_seconds())
