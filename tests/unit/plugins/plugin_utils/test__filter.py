# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every filter does around its function: what is omitted, what is unknown, and how it fails."""

from __future__ import annotations

import typing as t

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._errors import ResponseError
from ansible_collections.cockroachdb_cloud.billing.plugins.plugin_utils._filter import billing_filter
from ansible_collections.cockroachdb_cloud.billing.plugins.plugin_utils._omitted import is_omitted


@billing_filter
def sums(invoices: t.Any, group_by: t.Any = ("period",), credit_rate: t.Any = None) -> list[t.Any]:
    """Return what it was called with."""
    if invoices == "broken":
        raise ResponseError("The invoices are broken.")
    return [invoices, group_by, credit_rate]


def omit() -> t.Any:
    """Return what C(omit) is on this ansible-core, as a filter gets it."""
    try:
        from ansible._internal._templating._utils import Omit
    except ImportError:
        return "__omit_place_holder__0123456789abcdef"
    return Omit


def test_a_filter_without_omitted_options() -> None:
    assert sums([1]) == [[1], ("period",), None]
    assert sums([1], ["cluster"], 0.9) == [[1], ["cluster"], 0.9]
    assert sums([1], credit_rate=None, group_by=[]) == [[1], [], None]
    assert (sums.__name__, sums.__doc__) == ("sums", "Return what it was called with.")


def test_an_omitted_option_is_not_given() -> None:
    assert is_omitted(omit())
    assert sums([1], group_by=omit(), credit_rate=omit()) == [[1], ("period",), None]
    assert sums([1], omit()) == [[1], ("period",), None]
    assert sums([1], omit(), 0.9) == [[1], ("period",), 0.9]
    assert sums([1], ("period", omit())) == [[1], ["period"], None]
    assert sums([1], [{"owner": "a", "kind": omit()}, omit()], {"a": [omit()]}) == [[1], [{"owner": "a"}], {"a": []}]
    # What the filter is applied to is no option.
    assert sums(omit()) == [omit(), ("period",), None]


@pytest.mark.parametrize("value", [None, "", "omit", [], 0, b"__omit_place_holder__", ["__omit_place_holder__1"]])
def test_other_values_are_given(value: t.Any) -> None:
    assert not is_omitted(value)


def test_what_is_refused_has_the_same_text_and_shows_no_cause() -> None:
    with pytest.raises(AnsibleFilterError) as caught:
        sums("broken")
    assert f"{caught.value}" == "The invoices are broken."
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    ("args", "kwargs", "words"),
    [
        (
            ([1],),
            {"rate": 1},
            "sums: got an unexpected keyword argument 'rate'. The options are group_by, credit_rate.",
        ),
        (([1], [], 1, 2), {}, "sums: too many positional arguments. The options are group_by, credit_rate."),
        (([1], []), {"group_by": []}, "sums: multiple values for argument 'group_by'. "),
        ((), {"group_by": []}, "sums: missing a required argument: 'invoices'. "),
    ],
)
def test_an_option_that_it_does_not_have(args: tuple[t.Any, ...], kwargs: dict[str, t.Any], words: str) -> None:
    with pytest.raises(AnsibleFilterError) as caught:
        sums(*args, **kwargs)
    assert f"{caught.value}".startswith(words)


def test_a_filter_whose_option_is_needed_and_one_without_options() -> None:
    @billing_filter
    def rows(invoices: t.Any, version: t.Any) -> list[t.Any]:
        return [invoices, version]

    @billing_filter
    def count(invoices: t.Any) -> int:
        return len(invoices)

    assert (rows([], "1.2"), count([1])) == ([[], "1.2"], 1)
    with pytest.raises(
        AnsibleFilterError, match=r"^rows: missing a required argument: 'version'\. The options are version\.$"
    ):
        rows([], version=omit())
    with pytest.raises(AnsibleFilterError, match=r"unexpected keyword argument 'by'\. It has no options\.$"):
        count([], by="cluster")
