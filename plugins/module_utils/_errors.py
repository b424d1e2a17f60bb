# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is private to the cockroachdb_cloud.billing collection.
# It can change or vanish in any release, so do not use it from outside.

"""What can go wrong: one base class, and a subclass for each thing that a user does differently about."""

from __future__ import annotations

import typing as t


class BillingError(Exception):
    """Base of every error that the collection raises on purpose.

    Its text is written for the user: it says what happened and what to do next, and never holds a credential.
    """

    reason: t.ClassVar[str] = "response"

    def __init__(
        self,
        text: str,
        *,
        status: int | None = None,
        code: int | None = None,
        message: str | None = None,
        attempts: int = 0,
        retry: bool = False,
        retry_after: float | None = None,
    ) -> None:
        """Keep what a playbook can branch on beside the text.

        :param text: the whole message for the user.
        :param status: the HTTP status of the last answer, None when there was none.
        :param code: the gRPC code out of the answer's body, None when it had none.
        :param message: the server's own message, None when it had none.
        :param attempts: how many attempts the call had that failed; 0 when it was refused before any.
        :param retry: whether another attempt may help.
        :param retry_after: how long the API asked to wait before it, in seconds; None when it did not say.
        """
        super().__init__(text)
        self.status = status
        self.code = code
        self.message = message
        self.attempts = attempts
        self.retry = retry
        self.retry_after = retry_after

    def in_call(self, call: str, attempts: int) -> BillingError:
        """Return this error as what a call ended with.

        :param call: the method and the URL, without secrets; the text begins with it from now on.
        :param attempts: how many attempts it had.
        """
        tries = f" (after {attempts} attempts)" if attempts > 1 else ""
        self.args = (f"{call} failed{tries}: {self}",)
        self.attempts = attempts
        return self

    def failure(self) -> dict[str, t.Any]:
        """Return the C(failure) dictionary that every module returns beside C(msg)."""
        return {
            "reason": self.reason,
            "status": self.status,
            "code": self.code,
            "message": self.message,
            "attempts": self.attempts,
        }


class OptionsError(BillingError):
    """An option, or the machine that it is used on, has to change before a call makes sense."""

    reason = "options"


def out_of_memory() -> OptionsError:
    """Return the error that a MemoryError means, wherever it is met."""
    return OptionsError(
        "The memory of this machine is too small for the answer. Ask for less with start_time, end_time or invoice_id, "
        "or give the machine more memory."
    )


class AuthenticationError(BillingError):
    """401: the API does not know the bearer of the credential."""

    reason = "authentication"


class PermissionDeniedError(BillingError):
    """403: the bearer is known and lacks the role."""

    reason = "permission"


class NotFoundError(BillingError):
    """404: there is no such invoice, or no such API at C(api_url)."""

    reason = "not_found"


class RateLimitError(BillingError):
    """The API asked for fewer requests, for longer than the options allow to wait."""

    reason = "rate_limit"


class RequestError(BillingError):
    """Another 4xx: the API refuses the request as it is."""

    reason = "request"


class ServerError(BillingError):
    """5xx: the API failed, also after the retries."""

    reason = "server"


class NetworkError(BillingError):
    """No whole answer arrived: name resolution, connection, proxy, TLS, or a body that broke off."""

    reason = "network"


class AttemptTimeoutError(BillingError):
    """The last attempt was not over within C(timeout) seconds."""

    reason = "timeout"


class ResponseError(BillingError):
    """An answer arrived that is not what the API is documented to send."""

    reason = "response"


class IncompleteError(BillingError):
    """The answer lacks what C(require) asks for: an invoice, a month, a final one, or a label."""

    reason = "incomplete"


def shown(value: t.Any) -> str:
    """Return a value as an error message shows it: on one line, and short."""
    try:
        text = repr(value)
    except ValueError:  # Python writes no whole number of more than some thousand digits.
        text = f"a very long {type(value).__name__}"
    return text if len(text) <= 60 else f"{text[:57]}..."


def legible(text: str) -> str:
    """Return a text from outside as a message shows it: as it is, where that is one short line without controls."""
    return text if text.isprintable() and 0 < len(text) <= 60 else shown(text)
