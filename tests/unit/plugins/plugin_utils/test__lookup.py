# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From terms, keywords and variables to checked options: types, and the strings of ansible-core."""

from __future__ import annotations

import contextlib
import datetime
import math
import typing as t

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible.utils.unsafe_proxy import wrap_var

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils import _credential
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._errors import OptionsError
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._options import (
    CONNECTION_SPEC,
    DETAIL_SPEC,
    SELECTION_SPEC,
    Connection,
    Selection,
)
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._run import fresh_environment


def read(
    terms: list[t.Any] | None = None, variables: dict[str, t.Any] | None = None, **keywords: t.Any
) -> tuple[Connection, Selection]:
    """Read the options as the lookup does, which the real loader makes."""
    from ansible.plugins.loader import lookup_loader

    with fresh_environment():
        templar = Templar(loader=DataLoader(), variables=variables or {})
        lookup = lookup_loader.get("cockroachdb_cloud.billing.invoice", templar=templar)
        options = lookup.read_options(terms or [], variables, keywords)
    return t.cast("tuple[Connection, Selection]", options)


def plain(value: t.Any) -> bool:
    """Say whether a value and all that it holds are of the plain types, which every version of requests takes."""
    if isinstance(value, (list, tuple)):
        return all(plain(inner) for inner in value)
    return value is None or type(value) in (str, int, bool)


def test_strings_of_ansible_become_plain_strings() -> None:
    given = {
        "api_jwt": wrap_var(" sandbox.jwt\n"),
        "vanity_name": wrap_var("acme "),
        "username": wrap_var("ops"),
        "api_url": wrap_var("http://localhost:8080/"),
        "api_version": wrap_var("2026-09-15"),
        "ca_path": wrap_var("/"),
        "timeout": wrap_var("5"),
        "detail": wrap_var("totals"),
    }
    connection, selection = read([wrap_var("a"), [wrap_var("b")]], **given)
    assert connection.credential == ("sandbox.jwt", "api_jwt", "option api_jwt")
    assert (connection.vanity_name, connection.api_url, connection.verify) == ("acme", "http://localhost:8080", "/")
    assert plain(tuple(connection))
    assert selection == Selection(["a", "b"], detail="totals")
    assert plain(tuple(selection))
    connection, selection = read(
        variables={f"cockroachdb_cloud_{name}": wrap_var("sandbox-key") for name in ("api_key", "vanity_name")},
        status=wrap_var("DRAFT"),
        start_time=wrap_var("2026-01-01"),
    )
    assert connection.credential.source == "variable cockroachdb_cloud_api_key"
    assert plain(tuple(connection))
    assert plain(tuple(selection))


def test_null_is_as_good_as_left_out() -> None:
    names = {*CONNECTION_SPEC, *SELECTION_SPEC, *DETAIL_SPEC} - {"api_key", "invoice_id"}
    assert read(api_key="sandbox-key", **dict.fromkeys(names)) == read(api_key="sandbox-key")


def test_a_version_that_yaml_took_for_a_date() -> None:
    date = datetime.date(2026, 9, 15)
    for where in ({"api_version": date}, {"variables": {"cockroachdb_cloud_api_version": date}}):
        assert read(api_key="sandbox-key", **where)[0].api_version == "2026-09-15"


@pytest.mark.parametrize("key", [" sandbox-key\n", "sandbox key"])
def test_ansible_is_told_what_to_mask(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Since ansible-core 2.22 that is possible; also what is refused."""
    told: set[str] = set()
    monkeypatch.setattr(_credential, "register_secrets", told.update)
    with contextlib.suppress(OptionsError):
        read(api_key=key)
    assert told == {key, key.strip()}


class _OmitType:
    """What C(omit) is since ansible-core 2.19, by its name."""


@pytest.mark.parametrize("omitted", ["__omit_place_holder__0123456789abcdef", _OmitType()])
def test_what_is_omitted_is_not_given(omitted: t.Any) -> None:
    names = {*CONNECTION_SPEC, *SELECTION_SPEC, *DETAIL_SPEC} - {"api_key", "invoice_id"}
    assert read([omitted], api_key="sandbox-key", **dict.fromkeys(names, omitted)) == read(api_key="sandbox-key")
    assert read(["a", omitted, ["b", omitted]], api_key="sandbox-key")[1].invoice_ids == ["a", "b"]
    assert read([[omitted]], api_key="sandbox-key")[1].invoice_ids == []
    assert read(api_key="sandbox-key", require=["final", omitted])[1].require == ("final",)
    with pytest.raises(OptionsError, match="There is no credential"):
        read(api_key=omitted)


def test_require_is_a_list() -> None:
    for value in (["final", "invoices"], wrap_var(["final", "invoices"]), ("final", "invoices")):
        selection = read(api_key="sandbox-key", require=value)[1]
        assert selection.require == ("invoices", "final")
        assert plain(selection.require)


@pytest.mark.parametrize("value", ["", "final", {}, 0, False])
def test_require_is_nothing_else(value: t.Any) -> None:
    with pytest.raises(OptionsError, match="require must be a list of invoices"):
        read(api_key="sandbox-key", require=value)


def test_options_of_one_call_do_not_reach_the_next() -> None:
    from ansible.plugins.loader import lookup_loader

    with fresh_environment():
        lookup = lookup_loader.get("cockroachdb_cloud.billing.invoice", templar=Templar(loader=DataLoader()))
        first = lookup.read_options(["a"], {}, {"api_key": "sandbox-key", "detail": "totals", "timeout": 5})
        second = lookup.read_options([], {}, {"api_key": "sandbox-other"})
        assert first[0].timeout == 5
        assert second[0].credential.secret == "sandbox-other"
        assert second[0].timeout == 30
        assert second[1] == Selection()
        with pytest.raises(OptionsError, match="There is no credential"):
            lookup.read_options([], {}, {})


@pytest.mark.parametrize("value", ["maybe", "", "tru", 2, 0.5, [True], {"a": 1}, "disabled"])
def test_certificates_are_not_left_unchecked_by_a_slip(value: t.Any) -> None:
    for where in ({"validate_certs": value}, {"variables": {"cockroachdb_cloud_validate_certs": value}}):
        with pytest.raises(OptionsError, match=r"^validate_certs must be true or false, not "):
            read(api_key="sandbox-key", **where)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(True, True), ("yes", True), ("on", True), (1, True), ("False", False), ("no", False), (0, False)],
)
def test_every_writing_of_a_boolean(value: t.Any, expected: bool) -> None:
    assert read(api_key="sandbox-key", validate_certs=value)[0].verify is expected


@pytest.mark.parametrize(
    "value", ["", "soon", "1.5", 1.5, math.inf, "inf", [1], {"a": 1}, "0x10", datetime.date(2026, 1, 1)]
)
@pytest.mark.parametrize("name", ["timeout", "retries", "retry_max_delay"])
def test_what_is_no_whole_number(name: str, value: t.Any) -> None:
    with pytest.raises(OptionsError, match=rf"\b{name}\b"):
        read(api_key="sandbox-key", **{name: value})
