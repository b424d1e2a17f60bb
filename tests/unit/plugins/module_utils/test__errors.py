# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The errors: what each is told apart by, and what modules return of it."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils import _errors
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._errors import BillingError, legible, shown


def test_each_error_has_a_reason_of_its_own() -> None:
    reasons = [kind.reason for kind in BillingError.__subclasses__()]
    assert len({*reasons}) == len(reasons) == 11


def test_what_an_error_tells() -> None:
    early = _errors.OptionsError("What to do next.")
    nothing = {"status": None, "code": None, "message": None, "attempts": 0}
    assert (f"{early}", early.failure()) == ("What to do next.", {"reason": "options", **nothing})
    assert (early.retry, early.retry_after) == (False, None)
    facts: dict[str, t.Any] = {"status": 503, "code": 7, "message": "no", "attempts": 2}
    late = _errors.ServerError("Later.", retry=True, retry_after=7, **facts)
    # Whether another attempt may help is for the client alone.
    assert (late.retry, late.retry_after) == (True, 7)
    assert late.failure() == {"reason": "server", **facts}


@pytest.mark.parametrize(("attempts", "begin"), [(1, "GET x failed: "), (3, "GET x failed (after 3 attempts): ")])
def test_an_error_that_ended_a_call(attempts: int, begin: str) -> None:
    raised = _errors.ServerError("Later.", status=503).in_call("GET x", attempts)
    assert f"{raised}" == f"{begin}Later."
    assert (raised.attempts, raised.status) == (attempts, 503)


def test_errors_stay_short_whatever_they_show() -> None:
    assert [legible(text) for text in ("a b", "", "a\x1b", "x" * 61)] == ["a b", "''", r"'a\x1b'", f"'{'x' * 56}..."]
    assert shown("x" * 1000) == f"'{'x' * 56}..."
    # From 3.11 on Python refuses to write a number of that many digits.
    assert len(shown(10**5000)) <= 60
