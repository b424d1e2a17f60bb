# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The errors: what each is told apart by, and what modules return of it."""

from __future__ import annotations

import inspect

import pytest

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils import _errors
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._errors import BillingError

REASONS = {
    "AttemptTimeoutError": "timeout",
    "AuthenticationError": "authentication",
    "IncompleteError": "incomplete",
    "NetworkError": "network",
    "NotFoundError": "not_found",
    "OptionsError": "options",
    "PermissionDeniedError": "permission",
    "RateLimitError": "rate_limit",
    "RequestError": "request",
    "ResponseError": "response",
    "ServerError": "server",
}
CLASSES = [
    value
    for value in vars(_errors).values()
    if inspect.isclass(value) and issubclass(value, BillingError) and value is not BillingError
]


def test_each_error_has_a_reason_of_its_own() -> None:
    assert {error.__name__: error.reason for error in CLASSES} == REASONS


@pytest.mark.parametrize("error", CLASSES)
def test_the_failure_of_an_error_that_came_before_any_request(error: type[BillingError]) -> None:
    raised = error("What to do next.")
    assert f"{raised}" == "What to do next."
    assert raised.failure() == {
        "reason": REASONS[error.__name__],
        "status": None,
        "code": None,
        "message": None,
        "attempts": 0,
    }


def test_the_failure_of_an_answer() -> None:
    raised = _errors.PermissionDeniedError("Add a role.", status=403, code=7, message="permission denied", attempts=2)
    assert raised.failure() == {
        "reason": "permission",
        "status": 403,
        "code": 7,
        "message": "permission denied",
        "attempts": 2,
    }


def test_an_error_knows_whether_another_attempt_may_help() -> None:
    raised = _errors.ServerError("Later.", status=503, retry=True, retry_after=7)
    assert (raised.retry, raised.retry_after) == (True, 7)
    assert (_errors.ServerError("No.").retry, _errors.ServerError("No.").retry_after) == (False, None)
    # It is for the client alone.
    assert not {"retry", "retry_after"} & set(raised.failure())


@pytest.mark.parametrize(("attempts", "begin"), [(1, "GET x failed: "), (3, "GET x failed (after 3 attempts): ")])
def test_an_error_that_ended_a_call(attempts: int, begin: str) -> None:
    raised = _errors.ServerError("Later.", status=503).in_call("GET x", attempts)
    assert f"{raised}" == f"{begin}Later."
    assert (raised.attempts, raised.status) == (attempts, 503)
