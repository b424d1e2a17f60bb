# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the modules share: the argument spec, masking, and the failure of every failed task."""

from __future__ import annotations

import contextlib
import io
import json
import typing as t
import uuid

import pytest

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._errors import OptionsError, ServerError
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._module import BillingModule
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._options import CONNECTION_SPEC, SELECTION_SPEC
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._run import (
    fresh_environment,
    module_arguments,
    run_python,
)

EXTRA = {"width": {"type": "int", "default": 3}}


def module(options: dict[str, t.Any], environment: dict[str, str] | None = None, **kwargs: t.Any) -> BillingModule:
    with fresh_environment(environment), module_arguments(options):
        return BillingModule(EXTRA, **kwargs)


def ended(run: t.Callable[[], object]) -> dict[str, t.Any]:
    """Return what a module prints at its end."""
    stdout = io.StringIO()
    with contextlib.redirect_stdout(stdout), module_arguments({}), pytest.raises(SystemExit):
        run()
    return t.cast("dict[str, t.Any]", json.loads(stdout.getvalue()))


def test_the_options_of_every_module() -> None:
    made = module({"api_key": "sandbox-key", "width": 4})
    assert set(made.argument_spec) >= {*CONNECTION_SPEC, *SELECTION_SPEC, *EXTRA}
    assert made.params["width"] == 4
    assert made.params["api_url"] == "https://cockroachlabs.cloud"
    assert made.connection().credential.source == "option api_key"
    assert made.selection().detail == "full"
    assert made.supports_check_mode
    assert not made.diff_mode


def test_check_and_diff_mode() -> None:
    made = module({"_ansible_check_mode": True, "_ansible_diff": True})
    assert made.check_mode
    assert made.diff_mode


def test_the_environment_of_the_host_is_read_when_the_module_starts() -> None:
    made = module({}, {"COCKROACH_API_KEY": "sandbox-key", "COCKROACH_SERVER": "http://localhost:8080"})
    assert made.connection().credential == ("sandbox-key", "api_key", "environment variable COCKROACH_API_KEY")
    assert made.connection().api_url == "http://localhost:8080"


@pytest.mark.parametrize(
    ("options", "environment"),
    [
        ({"api_key": " {secret}\n"}, {}),
        ({"api_jwt": "{secret}"}, {}),
        ({}, {"COCKROACH_API_KEY": "{secret}\n"}),
        ({}, {"COCKROACH_API_JWT": "{secret}"}),
        # Not used, and masked all the same.
        ({"api_key": "other-key"}, {"COCKROACH_API_JWT": " {secret} "}),
    ],
)
def test_a_secret_is_masked_in_what_the_module_returns(options: dict[str, t.Any], environment: dict[str, str]) -> None:
    secret = f"sandbox-{uuid.uuid4().hex}"
    made = module(
        {name: value.format(secret=secret) for name, value in options.items()},
        {name: value.format(secret=secret) for name, value in environment.items()},
    )
    told: set[str] = set()
    for run in (
        lambda: made.exit_json(invoices=[{"name": secret}, f"a {secret} b"]),
        lambda: made.fail_json(secret),
        lambda: made.fail_with(ServerError(secret, message=secret)),
    ):
        result = ended(run)
        # From ansible-core 2.22 on it is the controller that masks, when the module has told it what.
        told.update(result.pop("_ansible_new_secrets", ()))
        assert secret in told or secret not in f"{result}"


@pytest.mark.parametrize("environment", [{}, {"COCKROACH_API_KEY": ""}, {"COCKROACH_API_JWT": " \n"}])
def test_an_empty_secret_masks_nothing(environment: dict[str, str]) -> None:
    made = module({"api_key": "", "api_jwt": " "}, environment)
    assert ended(lambda: made.exit_json(text="a b"))["text"] == "a b"


def test_every_failure_says_why() -> None:
    made = module({})
    nothing = {"reason": "options", "status": None, "code": None, "message": None, "attempts": 0}
    failed = ended(lambda: made.fail_json("No."))
    assert (failed["failed"], failed["msg"], failed["failure"]) == (True, "No.", nothing)
    assert ended(lambda: made.fail_json(msg="No."))["failure"] == nothing
    assert ended(lambda: made.fail_with(OptionsError("No.")))["failure"] == nothing
    error = ServerError("Broken.", status=500, code=13, message="internal", attempts=5)
    failed = ended(lambda: made.fail_with(error))
    assert failed["msg"] == "Broken."
    assert failed["failure"] == {"reason": "server", "status": 500, "code": 13, "message": "internal", "attempts": 5}


@pytest.mark.parametrize(
    ("options", "kwargs", "named"),
    [
        ({"api_kay": "x"}, {}, "api_kay"),
        ({"timeout": "soon"}, {}, "timeout"),
        ({"status": "draft"}, {}, "status"),
        ({"width": 1}, {"required_together": [("width", "period")]}, "period"),
    ],
)
def test_what_ansible_itself_refuses_has_a_failure_too(
    options: dict[str, t.Any], kwargs: dict[str, t.Any], named: str
) -> None:
    failed = ended(lambda: module(options, **kwargs))
    assert named in failed["msg"]
    assert failed["failure"]["reason"] == "options"


AT_THE_END = """
import atexit, gc
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._module import BillingModule
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._run import module_arguments
atexit.register(lambda: print(gc.get_freeze_count() > 1000))
with module_arguments({}):
    BillingModule()
    print(gc.isenabled(), gc.get_freeze_count() > 1000)
"""


def test_a_module_does_not_look_for_garbage() -> None:
    """Neither while it runs nor at its end, when Python would look through everything once more."""
    ended = run_python("-c", AT_THE_END)
    assert ended.stdout.splitlines() == ["False False", "True"], ended.stderr


def test_a_module_can_need_all_of_an_invoice() -> None:
    assert module({}).selection(needs="full").detail == "full"
    with pytest.raises(OptionsError, match=r"^detail must be full here, not totals: leave it out\.$"):
        module({"detail": "totals"}).selection(needs="full")
