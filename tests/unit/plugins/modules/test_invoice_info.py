# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The invoice_info module: what is the module's alone. The table in test_behaviour.py covers the options."""

from __future__ import annotations

import json
import sys
import typing as t

import pytest

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._task import argument_spec
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._api import INVOICES, KEY, KEY_HEADERS, Api
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._data import invoice
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._run import (
    as_controller_shows,
    run_module,
    run_python,
)

MODULE = "ansible_collections.cockroachdb_cloud.billing.plugins.modules.invoice_info"
REFUSED = {"reason": "options", "status": None, "code": None, "message": None, "attempts": 0}


def run(api: Api, **options: t.Any) -> dict[str, t.Any]:
    return run_module("invoice_info", {"api_key": KEY, "api_url": api.url, **options}).data


@pytest.mark.parametrize("check_mode", [False, True])
def test_check_mode_makes_no_difference(check_mode: bool, api: Api) -> None:
    api.expect(answer={"invoices": [invoice("2026-01")]})
    options = {"api_key": KEY, "api_url": api.url}
    result = run_module("invoice_info", options, check_mode=check_mode)
    assert result.exit_code == 0
    assert result.data["invoices"] == [invoice("2026-01")]
    assert not result.data.get("changed")
    assert "warnings" not in result.data
    assert "deprecations" not in result.data


def test_what_it_returns_is_what_its_documentation_says(api: Api) -> None:
    api.expect(answer={"invoices": []})
    # What ansible-core adds to every result differs from version to version.
    added = {"invocation", "changed", "warnings"}
    assert set(run(api)) - added == {"invoices"}
    assert set(run(api, api_url="ftp://localhost")) - added == {"failed", "msg", "failure"}


def test_numbers_and_nulls_come_out_as_the_api_sent_them(api: Api) -> None:
    text = '{"a": 0.1, "b": 1e-07, "c": 12345678901234567890, "d": null, "e": -0.0, "f": 1.0, "g": true}'
    api.expect(answer=f'{{"invoices": [{text}]}}'.encode())
    assert text in run_module("invoice_info", {"api_key": KEY, "api_url": api.url}).output


def test_a_failure_of_the_api(api: Api) -> None:
    api.expect(answer={"code": 7, "message": "permission denied"}, status=403)
    failed = run(api)
    assert failed["failed"] is True
    assert failed["msg"].startswith(
        f"GET {api.url}{INVOICES} failed: HTTP 403: permission denied. The credential from the option api_key lacks "
    )
    facts = {"reason": "permission", "status": 403, "code": 7, "message": "permission denied", "attempts": 1}
    assert failed["failure"] == facts


def test_a_failure_of_an_id_counts_the_attempts_of_that_call(api: Api) -> None:
    api.expect(f"{INVOICES}/a", answer=invoice("2026-01", invoice_id="a"))
    api.expect(f"{INVOICES}/b", answer={"code": 5, "message": "not found"}, status=404)
    failed = run(api, invoice_id=["a", "b"])
    facts = {"reason": "not_found", "status": 404, "code": 5, "message": "not found", "attempts": 1}
    assert failed["failure"] == facts
    assert "invoices" not in failed


@pytest.mark.parametrize("options", [{"terms": []}, {"timeout": "soon"}, {"invoice_id": {"a": "b"}}, {"retries": -1}])
def test_a_refused_option_has_a_failure_too(options: dict[str, t.Any]) -> None:
    result = run_module("invoice_info", {"api_key": KEY, **options})
    assert result.exit_code == 1
    assert next(iter(options)) in result.data["msg"]
    assert result.data["failure"] == REFUSED


def test_a_list_of_ids_may_be_one_text(api: Api) -> None:
    for name in ("a", "b"):
        api.expect(f"{INVOICES}/{name}", answer=invoice("2026-01", invoice_id=name))
    assert len(run(api, invoice_id="a,b")["invoices"]) == 2
    assert run(api, invoice_id="")["msg"].startswith("invoice_id holds an empty id: ")


def test_null_is_as_good_as_left_out(api: Api) -> None:
    api.expect(answer={"invoices": []}, headers={**KEY_HEADERS, "Authorization": "Bearer sandbox-env"})
    optional = [name for name, spec in argument_spec().items() if not {"default", "choices"} & set(spec)]
    options = {**dict.fromkeys(optional), "api_url": api.url}
    result = run_module("invoice_info", options, environment={"COCKROACH_API_KEY": "sandbox-env"})
    assert result.data["invoices"] == []


def test_the_process_on_the_host(api: Api) -> None:
    """Run the module as its own program, which reads its parameters from the standard input."""
    api.expect(answer={"invoices": [invoice("2026-01")]})
    parameters = json.dumps({"ANSIBLE_MODULE_ARGS": {"api_url": api.url}})
    ended = run_python("-m", MODULE, text=parameters, environment={"COCKROACH_API_KEY": KEY})
    assert (ended.returncode, ended.stderr) == (0, "")
    shown = as_controller_shows(ended.stdout)
    assert json.loads(shown)["invoices"] == [invoice("2026-01")]
    assert KEY not in shown


@pytest.mark.parametrize("missing", ["requests", "urllib3"])
def test_a_missing_library_names_the_interpreter(missing: str, api: Api) -> None:
    parameters = json.dumps({"ANSIBLE_MODULE_ARGS": {"api_key": KEY, "api_url": api.url}})
    ended = run_python("-m", MODULE, text=parameters, blocked=[missing])
    assert (ended.returncode, ended.stderr) == (1, "")
    failed = json.loads(ended.stdout)
    if missing == "requests":
        assert "Failed to import the required Python library (requests)" in failed["msg"]
        assert failed["msg"].endswith(f"For example: {sys.executable} -m pip install requests")
    else:
        # requests is there, so that to install it would change nothing.
        assert f"The requests library of {sys.executable} cannot be imported: No module named " in failed["msg"]
    assert failed["failure"] == REFUSED


def test_no_ids_need_no_library() -> None:
    parameters = json.dumps({"ANSIBLE_MODULE_ARGS": {"api_key": KEY, "invoice_id": []}})
    ended = run_python("-m", MODULE, text=parameters, blocked=["requests"])
    assert json.loads(ended.stdout)["invoices"] == []


@pytest.mark.parametrize("user_info", ["someone:hush-hush", "hush-hush", "someone:hush@hush/hush-hush"])
def test_a_password_in_the_url_is_shown_nowhere(user_info: str) -> None:
    result = run_module("invoice_info", {"api_key": KEY, "api_url": f"https://{user_info}@api.example.com"})
    assert result.exit_code == 1
    assert "api_url" in result.data["msg"]
    assert "hush" not in result.output


def test_the_attempts_count_where_the_answer_is_not_one(api: Api) -> None:
    api.expect(status=503, answer={})
    api.expect(answer={"invoices": "none"})
    result = run_module("invoice_info", {"api_key": KEY, "api_url": api.url, "retry_max_delay": 0})
    assert (result.data["failure"]["reason"], result.data["failure"]["attempts"]) == ("response", 2)
