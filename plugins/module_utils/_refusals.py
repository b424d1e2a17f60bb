# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is private to the cockroachdb_cloud.billing collection.
# It can change or vanish in any release, so do not use it from outside.

"""From an answer that holds no data to the problem that it means, in words of our own."""

from __future__ import annotations

import datetime
import email.utils
import json
import math
import re
import typing as t

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._errors import (
    AuthenticationError,
    BillingError,
    NotFoundError,
    PermissionDeniedError,
    Problem,
    RateLimitError,
    RequestError,
    ResponseError,
    ServerError,
)
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._options import host_of
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._problems import printable

if t.TYPE_CHECKING:
    from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._options import Connection

_RETRIED_STATUSES = frozenset((429, 500, 502, 503, 504))
_RATE_LIMIT_MESSAGE = "rate limit exceeded"


class Answer(t.Protocol):
    """An HTTP answer whose body has arrived whole."""

    @property
    def status(self) -> int:
        """The HTTP status."""

    @property
    def headers(self) -> t.Mapping[str, str]:
        """The headers, by names in any case."""

    @property
    def body(self) -> bytes:
        """The body, decompressed."""


class Refusals:
    """Says what the answers without data mean that a client gets."""

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

    def unreadable(self, answer: Answer) -> Problem:
        """Return the problem of a 200 whose body is no JSON that can be read."""
        return Problem(
            ResponseError,
            f"The answer is not JSON that can be read: {self._describe(answer)}. Check api_url, and whether a proxy or "
            "a login page answers in place of the API.",
            retry=False,
            status=answer.status,
        )

    def refused(self, answer: Answer) -> Problem:
        """Return the problem of an answer other than 200."""
        status = answer.status
        code, message = self._read_status(answer.body)
        said = f": {message}" if message else f", {self._describe(answer)}"
        facts: dict[str, t.Any] = {"status": status, "code": code, "message": message}
        limited = status == 429 or (status >= 400 and _RATE_LIMIT_MESSAGE in (message or "").lower())
        if limited or status in _RETRIED_STATUSES:
            return self._retriable(answer, said, facts, limited=limited)
        if 300 <= status < 400 and "Location" in answer.headers:
            target = host_of(self._clean(answer.headers["Location"])) or "an address without a host"
            return Problem(
                ResponseError,
                f"The answer is a redirect (HTTP {status}) to {target}, which is not followed: the credential goes to "
                "api_url alone. Set api_url to the address of the API itself.",
                retry=False,
                **facts,
            )
        error, advice = self._advice(status)
        return Problem(error, f"HTTP {status}{said}. {advice}", retry=False, **facts)

    def _retriable(self, answer: Answer, said: str, facts: dict[str, t.Any], *, limited: bool) -> Problem:
        wait = read_retry_after(answer.headers.get("Retry-After"), self._now())
        asked = "" if wait is None else f" The API asks to wait {math.ceil(wait)} seconds"
        if wait is not None:
            longest = self._connection.retry_max_delay
            asked += f", longer than retry_max_delay ({longest})." if wait > longest else "."
        if limited:
            advice = "Send fewer requests at a time, or raise retries and retry_max_delay."
        else:
            advice = "Try again later; retries and retry_max_delay say how long to keep trying."
        return Problem(
            RateLimitError if limited else ServerError,
            f"HTTP {answer.status}{said}.{asked} {advice}",
            retry=True,
            retry_after=wait,
            **facts,
        )

    def _advice(self, status: int) -> tuple[type[BillingError], str]:
        credential = self._connection.credential
        if status == 401:
            return AuthenticationError, (
                f"The API does not accept the credential from the {credential.source}: check that it is complete, not "
                "revoked or expired, and of the right organization."
            )
        if status == 403:
            return PermissionDeniedError, (
                f"The credential from the {credential.source} lacks the role: give its service account "
                "BILLING_COORDINATOR or CLUSTER_ADMIN at the scope of the organization."
            )
        if status == 404:
            return NotFoundError, "Check the invoice id, and that api_url is the address of the API."
        if status >= 500:
            return ServerError, "The API, or a proxy before it, does not serve this request: check api_url."
        if status >= 400:
            return RequestError, "Check the values of the options, api_version and vanity_name among them."
        return ResponseError, "That is no answer of this API: check api_url."

    def _describe(self, answer: Answer) -> str:
        """Return the content type and the first characters of a body that is not what was expected."""
        kind = self._clean(answer.headers.get("Content-Type", ""))
        excerpt = self._clean(answer.body.decode("utf-8", "replace"))
        return f"content type {kind or 'not given'}, {f'body {excerpt!r}' if excerpt else 'no body'}"

    def _read_status(self, body: bytes) -> tuple[int | None, str | None]:
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
