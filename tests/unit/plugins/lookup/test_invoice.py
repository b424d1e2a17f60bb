# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The invoice lookup: what is the lookup's alone. The table in test_behaviour.py covers the options."""

from __future__ import annotations

import datetime
import json
import pathlib
import sys
import typing as t

import pytest
from ansible import errors
from ansible.errors import AnsibleError

from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._api import (
    INVOICES,
    JWT,
    JWT_HEADERS,
    KEY,
    KEY_HEADERS,
    Api,
)
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._data import invoice
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._run import (
    LookupFailureError,
    exceptions,
    run_lookup,
    run_python,
    template,
)

QUERY = "query('cockroachdb_cloud.billing.invoice'"
LOOKUP = "lookup('cockroachdb_cloud.billing.invoice'"
JANUARY, FEBRUARY = invoice("2026-01"), invoice("2026-02")
EMPTY: dict[str, t.Any] = {"invoices": []}


def variables(api: Api, **more: t.Any) -> dict[str, t.Any]:
    return {"cockroachdb_cloud_api_url": api.url, "cockroachdb_cloud_api_key": KEY, **more}


def bearer(secret: str) -> dict[str, str | None]:
    return {**KEY_HEADERS, "Authorization": f"Bearer {secret}"}


def refusal(*arguments: t.Any, **options: t.Any) -> str:
    with pytest.raises(LookupFailureError) as caught:
        run_lookup("invoice", *arguments, **options)
    return f"{caught.value}"


# Variables


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("api_key", "a b"),
        ("api_jwt", "a b"),
        ("vanity_name", "a b"),
        ("username", "a b"),
        ("api_url", "ftp://localhost"),
        ("api_version", "latest"),
        ("validate_certs", "maybe"),
        ("ca_path", "/nowhere/ca.pem"),
        ("timeout", 0),
        ("retries", -1),
        ("retry_max_delay", 1.5),
    ],
)
def test_every_variable_is_read(name: str, value: t.Any, api: Api) -> None:
    given = variables(api)
    if name == "api_jwt":
        del given["cockroachdb_cloud_api_key"]
    text = refusal(variables={**given, f"cockroachdb_cloud_{name}": value})
    assert name in text


@pytest.mark.parametrize("name", ["status", "start_time", "end_time", "period", "detail", "invoice_id"])
def test_selection_options_have_no_variable(name: str, api: Api) -> None:
    api.expect(answer=EMPTY)
    assert run_lookup("invoice", variables=variables(api, **{f"cockroachdb_cloud_{name}": "nonsense"})) == []


def test_variables_are_templates(api: Api) -> None:
    api.expect(answer=EMPTY, headers=bearer("sandbox-vault"))
    run_lookup(
        "invoice",
        variables={
            "cockroachdb_cloud_api_url": "http://{{ gateway.host }}:{{ gateway.port }}",
            "cockroachdb_cloud_api_key": "{{ vault_key | trim }}",
            "cockroachdb_cloud_timeout": "{{ 5 * 6 }}",
            "cockroachdb_cloud_validate_certs": "{{ 1 == 1 }}",
            "gateway": {"host": "127.0.0.1", "port": api.port},
            "vault_key": " {{ deeper }} ",
            "deeper": "sandbox-vault",
        },
    )


def test_a_vaulted_key(api: Api, tmp_path: pathlib.Path) -> None:
    from ansible.parsing.vault import VaultLib, VaultSecret

    vault = VaultLib([("default", VaultSecret(b"password"))])
    secret = vault.encrypt(KEY).decode().strip().replace("\n", "\n        ")
    (tmp_path / "play.yml").write_text(
        f"""
- hosts: localhost
  gather_facts: false
  vars:
    vaulted: &vaulted !vault |
        {secret}
  tasks:
    - ansible.builtin.assert:
        that: {QUERY}, api_url='{api.url}', api_key=vaulted) == []
    - ansible.builtin.assert:
        that: {QUERY}, api_url='{api.url}') == []
      vars:
        cockroachdb_cloud_api_key: *vaulted
""",
        encoding="utf-8",
    )
    (tmp_path / "password").write_text("password", encoding="ascii")
    for _place in ("a keyword", "a variable"):
        api.expect(answer=EMPTY)
    # Not with "-m ansible": that needs the entry points, and ansible-test runs without the metadata that has them.
    run = "import sys; from ansible.cli.playbook import main; main(['ansible-playbook', *sys.argv[1:]])"
    ended = run_python("-c", run, "--vault-password-file", str(tmp_path / "password"), str(tmp_path / "play.yml"))
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_an_undefined_variable_is_named(api: Api) -> None:
    with pytest.raises(AnsibleError, match="vault_key"):
        template(f"{{{{ {QUERY}) }}}}", variables(api, cockroachdb_cloud_api_key="{{ vault_key }}"))
    assert api.connections == 0


@pytest.mark.parametrize(
    ("keywords", "more", "environment", "secret"),
    [
        ({}, {"api_key": "sandbox-variable"}, {"COCKROACH_API_KEY": "sandbox-env"}, "sandbox-variable"),
        ({"api_key": "sandbox-option"}, {"api_key": "sandbox-variable"}, {}, "sandbox-option"),
        ({}, {"api_key": "sandbox-variable"}, {"COCKROACH_API_JWT": JWT}, "sandbox-variable"),
        ({"api_key": None}, {"api_key": "sandbox-variable"}, {}, "sandbox-variable"),
        ({"api_key": "sandbox-option"}, {"api_key": None, "api_jwt": ""}, {}, "sandbox-option"),
        ({"api_jwt": JWT}, {"api_key": "sandbox-variable"}, {"COCKROACH_API_KEY": "sandbox-env"}, JWT),
    ],
)
def test_options_beat_variables_and_those_the_environment(
    keywords: dict[str, t.Any], more: dict[str, t.Any], environment: dict[str, str], secret: str, api: Api
) -> None:
    api.expect(answer=EMPTY, headers=JWT_HEADERS if secret == JWT else bearer(secret))
    given = {f"cockroachdb_cloud_{name}": value for name, value in more.items()}
    given["cockroachdb_cloud_vanity_name"] = "acme"
    run_lookup("invoice", (), {"api_url": api.url, **keywords}, variables=given, environment=environment)


def test_an_option_beats_a_variable_beats_the_environment(api: Api) -> None:
    elsewhere = "https://elsewhere.example.com"
    for keywords, given in (({"api_url": api.url}, elsewhere), ({}, api.url)):
        api.expect(answer=EMPTY)
        run_lookup(
            "invoice",
            (),
            {"api_key": KEY, **keywords},
            variables={"cockroachdb_cloud_api_url": given},
            environment={"COCKROACH_SERVER": elsewhere},
        )


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("api_key", "", "The variable cockroachdb_cloud_api_key is empty: "),
        ("api_key", None, "The variable cockroachdb_cloud_api_key is empty: "),
        ("api_key", "sandbox\nkey", "The variable cockroachdb_cloud_api_key holds white space"),
        ("api_jwt", "sandbox.jwt", "The JWT from the variable cockroachdb_cloud_api_jwt needs vanity_name: "),
    ],
)
def test_a_broken_credential_in_a_variable_is_named_and_not_shown(
    name: str, value: t.Any, expected: str, api: Api
) -> None:
    with pytest.raises(LookupFailureError) as caught:
        run_lookup(
            "invoice",
            (),
            {"api_url": api.url},
            variables={f"cockroachdb_cloud_{name}": value},
            # A key that is there does not stand in for one that was left blank.
            environment={"COCKROACH_API_KEY": "sandbox-env"},
        )
    assert f"{caught.value}".startswith(expected)
    assert "sandbox" not in caught.value.shown


@pytest.mark.parametrize("in_variable", [False, True])
def test_user_info_in_a_url_of_the_wrong_type_is_not_shown(in_variable: bool) -> None:
    url = ["https://user:sandbox-word@host"]
    given = ({}, {"cockroachdb_cloud_api_url": url}) if in_variable else ({"api_url": url}, {})
    with pytest.raises(LookupFailureError) as caught:
        run_lookup("invoice", (), {"api_key": KEY, **given[0]}, variables=given[1])
    assert f"{caught.value}" == "api_url must be a string."
    assert "word" not in caught.value.shown


@pytest.mark.parametrize("value", [["sandbox-key"], {"sandbox": "key"}, 12345, "sandbox key", "sandboxé"])
@pytest.mark.parametrize("name", ["api_key", "api_jwt"])
def test_a_broken_credential_stands_in_no_exception_of_the_chain(name: str, value: t.Any, api: Api) -> None:
    with pytest.raises(LookupFailureError) as caught:
        run_lookup("invoice", (), {"api_url": api.url, name: value})
    assert name in f"{caught.value}"
    for part in ("sandbox", "12345"):
        assert part not in caught.value.shown


# Terms and keywords


@pytest.mark.parametrize("terms", [("a", "b"), (["a", "b"],), ("a", ["b"])], ids=["many", "list", "mixed"])
def test_terms_are_ids_one_by_one_or_in_lists(terms: tuple[t.Any, ...], api: Api) -> None:
    january, february = dict(JANUARY, invoice_id="a"), dict(FEBRUARY, invoice_id="b")
    api.expect(f"{INVOICES}/a", answer=january)
    api.expect(f"{INVOICES}/b", answer=february)
    assert run_lookup("invoice", terms, variables=variables(api)) == [january, february]
    assert api.connections == 1


def test_an_empty_list_of_ids_makes_no_call_and_no_terms_list_all(api: Api) -> None:
    assert run_lookup("invoice", ([],), variables=variables(api)) == []
    assert api.connections == 0
    api.expect(answer={"invoices": [FEBRUARY, JANUARY]})
    assert run_lookup("invoice", (), variables=variables(api)) == [JANUARY, FEBRUARY]


def test_terms_come_from_expressions(api: Api) -> None:
    api.expect(answer={"invoices": [FEBRUARY, JANUARY]})
    api.expect(f"{INVOICES}/id-2026-01", answer=JANUARY)
    api.expect(f"{INVOICES}/id-2026-02", answer=FEBRUARY)
    inner = f"{QUERY}, detail='totals') | map(attribute='invoice_id') | list"
    assert template(f"{{{{ {QUERY}, {inner}) }}}}", variables(api)) == [JANUARY, FEBRUARY]


@pytest.mark.parametrize("name", ["perod", "invoice_id", "_terms", "api_key_"])
def test_an_unknown_keyword_is_refused_and_its_value_not_shown(name: str, api: Api) -> None:
    with pytest.raises(LookupFailureError) as caught:
        run_lookup("invoice", (), {name: "sandbox-value"}, variables=variables(api))
    text = f"{caught.value}"
    assert text.startswith(f"{name}: no such option. The options are api_jwt, api_key, api_url, ")
    assert text.endswith("; invoice ids are the terms of the lookup.")
    assert "sandbox-value" not in caught.value.shown
    assert api.connections == 0


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (datetime.date(2026, 1, 1), "2026-01-01T00:00:00Z"),
        (datetime.datetime(2026, 1, 1), "2026-01-01T00:00:00Z"),  # noqa: DTZ001 (as YAML makes it)
        ("2026-01-01", "2026-01-01T00:00:00Z"),
    ],
)
@pytest.mark.parametrize("name", ["start_time", "end_time"])
def test_times_as_yaml_makes_them(name: str, value: t.Any, expected: str, api: Api) -> None:
    api.expect(query={name: expected}, answer=EMPTY)
    assert run_lookup("invoice", (), {name: value}, variables=variables(api)) == []


def test_what_a_playbook_omits_is_not_given(api: Api) -> None:
    names = ["status", "period", "start_time", "end_time", "detail", "require", "timeout", "validate_certs", "api_key"]
    options = ", ".join(f"{name}=nothing | default(omit)" for name in names)
    given = variables(api, cockroachdb_cloud_api_jwt="{{ nothing | default(omit) }}")
    given["cockroachdb_cloud_timeout"] = "{{ nothing | default(omit) }}"
    if not hasattr(errors, "AnsibleValueOmittedError"):
        # Before ansible-core 2.19 omit is a variable of every task, and since then it is part of the templates.
        given["omit"] = "__omit_place_holder__0123456789abcdef"
    api.expect(answer={"invoices": [JANUARY]})
    assert template(f"{{{{ {QUERY}, nothing | default(omit), {options}) }}}}", given) == [JANUARY]


def test_a_blank_variable_sets_nothing_else(api: Api) -> None:
    api.expect(answer=EMPTY)
    blank = {f"cockroachdb_cloud_{name}": None for name in ("vanity_name", "timeout", "ca_path", "validate_certs")}
    assert run_lookup("invoice", variables=variables(api, **blank)) == []


def test_what_the_selection_and_the_invoices_warn_of_is_displayed(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    from ansible.utils.display import Display

    said: list[str] = []
    monkeypatch.setattr(Display, "warning", lambda _display, text, *_args, **_kwargs: said.append(text))
    api.expect(query={"start_time": "2026-10-01T00:00:00Z", "end_time": "2026-10-31T00:00:00Z"}, answer=EMPTY)
    run_lookup("invoice", (), {"start_time": "2026-10-01", "end_time": "2026-10-31"}, variables=variables(api))
    cut, nothing = said
    assert cut.startswith("2026-10 lies only partly between start_time and end_time")
    assert nothing == "There is no invoice of this selection: the API answered with none."


# Around it


def test_query_returns_a_list_and_lookup_the_one_invoice(api: Api) -> None:
    for expression, expected in ((QUERY, [JANUARY]), (LOOKUP, JANUARY)):
        api.expect(answer={"invoices": [JANUARY]})
        assert template(f"{{{{ {expression}) }}}}", variables(api)) == expected
    api.expect(answer={"invoices": [JANUARY]})
    assert template(f"{{{{ {LOOKUP}, wantlist=true) }}}}", variables(api)) == [JANUARY]


def test_the_loop_of_a_task_hands_wantlist_on(api: Api) -> None:
    """With C(with_cockroachdb_cloud.billing.invoice) ansible-core 2.16 calls the lookup so."""
    from ansible.plugins.loader import lookup_loader

    january = dict(JANUARY, invoice_id="a")
    api.expect(f"{INVOICES}/a", answer=january)
    lookup = lookup_loader.get("cockroachdb_cloud.billing.invoice")
    assert lookup.run(["a"], variables={}, wantlist=True, api_key=KEY, api_url=api.url) == [january]


def test_each_evaluation_asks_again(api: Api) -> None:
    api.expect(answer={"invoices": [JANUARY]})
    api.expect(answer={"invoices": [FEBRUARY]})
    twice = f"{{{{ {QUERY}) + {QUERY}) }}}}"
    assert template(twice, variables(api)) == [JANUARY, FEBRUARY]
    assert api.connections == 2


def test_what_comes_from_the_api_is_no_template(api: Api) -> None:
    bad = dict(JANUARY, invoice_id="{{ lookup('env', 'HOME') }}")
    api.expect(answer={"invoices": [bad]})
    api.expect(answer={"invoices": [bad]})
    # Once as it is, once through another template.
    assert template(f"{{{{ {QUERY})[0].invoice_id }}}}", variables(api)) == bad["invoice_id"]
    given = variables(api, billing=f"{{{{ {QUERY}) }}}}")
    assert template("{{ billing[0].invoice_id }}", given) == bad["invoice_id"]


def test_a_failure_of_the_api_has_the_text_of_the_module(api: Api) -> None:
    api.expect(answer={"code": 16, "message": "unauthenticated"}, status=401)
    with pytest.raises(LookupFailureError) as caught:
        run_lookup("invoice", variables=variables(api))
    assert f"{caught.value}" == (
        f"GET {api.url}{INVOICES} failed: HTTP 401: unauthenticated. The API does not accept the credential from the "
        "variable cockroachdb_cloud_api_key: check that it is complete, not revoked or expired, and of the right "
        "organization."
    )
    assert KEY not in caught.value.shown


def test_what_it_raises_is_chained_to_nothing(api: Api) -> None:
    from ansible.errors import AnsibleLookupError
    from ansible.plugins.loader import lookup_loader

    lookup = lookup_loader.get("cockroachdb_cloud.billing.invoice")
    with pytest.raises(AnsibleLookupError) as caught:
        lookup.run([], variables={}, api_key="sandbox key", api_url=api.url)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    assert all("sandbox" not in f"{link} {link.args}" for link in exceptions(caught.value))


MISSING = f"""
import json, sys
from ansible.errors import AnsibleLookupError
from ansible.plugins.loader import init_plugin_loader, lookup_loader
init_plugin_loader([sys.argv[1]])
lookup = lookup_loader.get("cockroachdb_cloud.billing.invoice")
print(json.dumps(lookup.run([[]], variables={{}}, api_key={KEY!r})))
try:
    lookup.run([], variables={{}}, api_key={KEY!r})
except Exception as error:
    print(json.dumps([isinstance(error, AnsibleLookupError), str(error)]))
"""


def test_a_missing_library_names_the_interpreter() -> None:
    from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._run import TREE

    ended = run_python("-c", MISSING, f"{TREE}", blocked=["requests"])
    nothing, failure = (json.loads(line) for line in ended.stdout.splitlines())
    assert nothing == []
    assert failure[0] is True
    assert "requests" in failure[1]
    assert failure[1].endswith(f"For example: {sys.executable} -m pip install requests")
