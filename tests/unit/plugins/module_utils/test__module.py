# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the modules share: the argument spec, masking, and the failure of every failed task."""

from __future__ import annotations

import contextlib
import io
import json
import pathlib
import typing as t
import uuid

import pytest

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._errors import (
    OptionsError,
    ServerError,
    out_of_memory,
)
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._module import BillingModule, end_with
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._options import (
    CONNECTION_SPEC,
    DETAIL_SPEC,
    SELECTION_SPEC,
    WRITER_SPEC,
    Selection,
)
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._api import KEY, Api
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._run import (
    fresh_environment,
    module_arguments,
    run_module,
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
    made = module({"api_key": "sandbox-key", "width": 4, "_ansible_check_mode": True, "_ansible_diff": True})
    assert set(made.argument_spec) >= {*CONNECTION_SPEC, *SELECTION_SPEC, *EXTRA}
    assert made.params["width"] == 4
    assert made.params["api_url"] == "https://cockroachlabs.cloud"
    assert made.connection().credential.source == "option api_key"
    assert made.selection() == Selection()
    assert made.supports_check_mode
    assert made.check_mode
    assert made.diff_mode


@pytest.mark.parametrize(
    ("options", "environment"),
    [
        ({"api_key": " {secret}\n"}, {}),
        ({"api_jwt": "{secret}"}, {}),
        ({}, {"COCKROACH_API_KEY": "{secret}\n"}),
        ({}, {"COCKROACH_API_JWT": "{secret}"}),
        # Refused, and masked all the same.
        ({"api_key": "{secret}", "api_jwt": "sandbox.jwt"}, {}),
        ({"api_key": "'{secret}'"}, {}),
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


@pytest.mark.parametrize(
    ("options", "environment"),
    [
        ({"api_key": "", "api_jwt": " "}, {}),
        ({}, {"COCKROACH_API_KEY": ""}),
        ({}, {"COCKROACH_API_JWT": " \n"}),
        # What is too short to be a credential, and what is not used.
        ({"api_key": "0"}, {}),
        ({"api_key": 0}, {}),
        ({}, {"COCKROACH_API_KEY": "0"}),
        ({"api_key": "sandbox-key"}, {"COCKROACH_API_KEY": "2000", "COCKROACH_API_JWT": "0"}),
        ({}, {"COCKROACH_API_KEY": "sandbox-key", "COCKROACH_API_JWT": "0"}),
        ({"api_key": "sandbox-key"}, {"COCKROACH_API_JWT": "a text b"}),
        ({"api_url": "https://0:0@host"}, {}),
    ],
)
def test_what_masks_nothing(options: dict[str, t.Any], environment: dict[str, str]) -> None:
    result = ended(lambda: module(options, environment).exit_json(text="a text b", amount=2000, key="10"))
    assert not {"0", "a text b"} & set(result.get("_ansible_new_secrets", ()))
    assert (result["text"], result["amount"], result["key"]) == ("a text b", 2000, "10")


WRONG: list[dict[str, t.Any]] = [
    {},
    {"timeout": "soon"},
    {"no_such_option": 1},
    {"status": "draft"},
    {"invoice_id": {"a": 1}, "period": "2026"},
]
URLS = [
    "https://user:sandbox-word@host",
    "user:sandbox-word@host",
    "https:user:sandbox-word@host",
    "sandbox-word@host",
    "https://user:sand@sandbox-word@host",
    "https://user:sandbox-word@host:port/?a=b@c",
]


@pytest.mark.parametrize("options", WRONG)
@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize("place", ["option", "environment"])
def test_user_info_in_the_url_is_not_shown(place: str, url: str, options: dict[str, t.Any]) -> None:
    """Whether the argument check of ansible-core fails first or not."""
    given, environment = ({"api_url": url}, {}) if place == "option" else ({}, {"COCKROACH_SERVER": url})
    result = run_module("invoice_info", {"api_key": "sandbox-key", **given, **options}, environment=environment)
    assert result.data["failure"]["reason"] == "options"
    assert options or "no user info, query or fragment" in result.data["msg"]
    assert "word" not in result.output


@pytest.mark.parametrize("options", WRONG)
@pytest.mark.parametrize(
    "secret", ["sandbox", "sandbox key", "'sandbox-key'", ["sandbox-key"], {"sandbox": "key"}, 77777777777, "sandbox-é"]
)
def test_a_credential_that_is_refused_is_not_shown(secret: t.Any, options: dict[str, t.Any]) -> None:
    result = run_module("invoice_info", {"api_key": secret, **options})
    assert result.data["failure"]["reason"] == "options"
    assert options or result.data["msg"].startswith("The option api_key ")
    assert "sandbox" not in result.output
    assert "777" not in result.output


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


def test_too_little_memory_is_a_failure_as_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where it runs out within AnsibleModule, which makes several copies of a result."""

    def fail(*_args: object, **_kwargs: object) -> t.NoReturn:
        raise MemoryError

    made = module({})
    failed = ended(lambda: end_with(made, fail))
    assert failed["failure"] == out_of_memory().failure()
    monkeypatch.setattr(made, "exit_json", fail)
    assert ended(lambda: end_with(made, dict))["msg"] == f"{out_of_memory()}"


@pytest.mark.parametrize("name", ["invoice_info", "invoice_export", "cost_report"])
def test_no_failure_shows_a_traceback(name: str, api: Api, tmp_path: pathlib.Path) -> None:
    """Before ansible-core 2.19 a module that fails where it caught an error shows how it came to that."""
    api.expect(answer={"code": 7}, status=403)
    dest = {} if name == "invoice_info" else {"dest": f"{tmp_path}/a"}
    options = {"api_key": KEY, "api_url": api.url, "_ansible_verbosity": 3, **dest}
    result = run_module(name, options, in_place=False)
    assert result.data["failure"]["reason"] == "permission"
    assert "exception" not in result.data


def test_what_ansible_itself_refuses_has_a_failure_too() -> None:
    failed = ended(lambda: module({"width": 1, "period": "2026"}, mutually_exclusive=[("width", "period")]))
    assert "width" in failed["msg"]
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


@pytest.mark.parametrize(("name", "month"), [("invoice_info", "2026-08"), ("cost_info", "2026-10")])
def test_what_the_selection_warns_of_is_a_warning_of_the_module(name: str, month: str, api: Api) -> None:
    api.expect(query={"start_time": f"{month}-01T00:00:00Z", "end_time": f"{month}-31T00:00:00Z"}, answer={})
    options = {"api_key": KEY, "api_url": api.url, "start_time": f"{month}-01", "end_time": f"{month}-31"}
    # In this process, which is a controller's as well, ansible-core displays it from 2.19 on, and each text once.
    output = " ".join(run_module(name, options).output.split())
    assert output.count(f"{month} lies only partly between start_time and end_time") == 1


def test_what_is_required_by_default_and_by_an_option() -> None:
    with fresh_environment(), module_arguments({"detail": "totals"}):
        assert BillingModule({**WRITER_SPEC, **DETAIL_SPEC}).selection() == Selection(
            detail="totals", require=("invoices",)
        )
    with fresh_environment(), module_arguments({"require": []}):
        assert BillingModule(WRITER_SPEC).selection().require == ()
    assert module({"require": "final,labels"}).selection(labels=True).require == ("final", "labels")
    with pytest.raises(OptionsError, match=r"^require holds labels, and no other option asks for a label here"):
        module({"require": ["labels"]}).selection()
