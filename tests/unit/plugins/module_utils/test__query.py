# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cost options: what each takes, and what the message says when it takes something else."""

from __future__ import annotations

import typing as t
from decimal import Decimal

import pytest

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._errors import OptionsError
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._query import (
    COST_SPEC,
    GROUPS,
    Budget,
    Query,
    check_credit_rate,
    check_group_by,
    read_query,
)

FULL: dict[str, t.Any] = {
    "group_by": ["period", "label:team"],
    "credit_rate": 0.95,
    "compare": "previous",
    "breakdowns": {"parts": "description, unit", "one": []},
    "budgets": [
        {"amount": 5000},
        {"amount": "0.5", "currency": "EUR", "name": "a", "group": {"label:cost center": 7, "cluster": None}},
    ],
}


def test_what_is_given_is_one_query() -> None:
    query = read_query(FULL)
    assert query == Query(
        group_by=("period", "label:team"),
        credit_rate=Decimal("0.95"),
        compare=True,
        breakdowns=(("parts", ("description", "unit")), ("one", ())),
        budgets=(
            Budget(Decimal(5000), "USD", None, ()),
            Budget(Decimal("0.5"), "EUR", "a", (("label:cost center", "7"), ("cluster", None))),
        ),
    )
    assert query.entries() == {"period", "label:team", "description", "unit", "label:cost center", "cluster"}
    assert query.labels() == ["cost center", "team"]


@pytest.mark.parametrize("options", [{}, dict.fromkeys(COST_SPEC)], ids=["left out", "null"])
def test_what_is_not_given_has_its_default(options: dict[str, t.Any]) -> None:
    query = read_query(options)
    assert query == Query()
    assert tuple(query) == (("period",), None, False, None, "none", (), None, (), ())
    assert query.labels() == []


def test_every_group_is_taken_and_a_text_is_split() -> None:
    assert check_group_by([*GROUPS, "label:a b"]) == (*GROUPS, "label:a b")
    assert check_group_by("period, label:cost center") == ("period", "label:cost center")
    assert check_group_by(()) == ()


@pytest.mark.parametrize(
    ("group_by", "text"),
    [
        (["team"], "'team' is unknown. Write label:team if it is a label, or one of period, .*, or label:<name>"),
        (["cost center"], "'cost center' is unknown. Write period, invoice, .*, or label:<name>"),
        (["{'label': 'team'}"], "write 'label:team' without a space"),
        ([{"label": None}], "write 'label:None' without a space"),
        (["label:"], "names no label. Write 'label:team'"),
        (["label: team"], "names no label. Write 'label:team'"),
        ([{"label": "team"}], "write 'label:team' without a space"),
        (["period", "cluster", "period"], "'period' is there twice"),
        ([1], "1 is no text"),
        ([None], "None is no text"),
        (7, "a list is needed"),
        ({"period": 1}, "a list is needed"),
        ("", "'' is unknown"),
    ],
)
def test_groups_that_are_none_are_refused(group_by: t.Any, text: str) -> None:
    with pytest.raises(OptionsError, match=f"^group_by: .*{text}"):
        read_query({"group_by": group_by})
    with pytest.raises(OptionsError, match=rf"^breakdowns\.parts: .*{text}"):
        read_query({"breakdowns": {"parts": group_by}})


OTHERS: list[t.Any] = [[1], b"1", {"usd": 1}, 10**5000]


@pytest.mark.parametrize("rate", [0.95, "0.95", Decimal("0.95"), 1, 10, 1e-9])
def test_a_rate_is_the_decimal_that_it_is_written_as(rate: t.Any) -> None:
    assert check_credit_rate(rate) == Decimal(str(rate))


@pytest.mark.parametrize(
    "rate",
    [
        *OTHERS,
        0,
        0.0,
        True,
        "free",
        "",
        "0,9",
        -1,
        -0.01,
        float("nan"),
        float("inf"),
        "NaN",
        "1e999",
        "1e-999",
        "1." + "1" * 50,
    ],
    ids=lambda rate: "long" if isinstance(rate, int) and rate > 1 else repr(rate)[:20],
)
def test_a_rate_that_is_none_is_refused(rate: t.Any) -> None:
    with pytest.raises(OptionsError, match=r"^credit_rate: .*above 0 such as 0\.95, not .{1,70}$"):
        check_credit_rate(rate)


def test_a_rate_in_cents_is_refused() -> None:
    with pytest.raises(OptionsError, match=r"not 90: write 0\.9 where a credit costs 90 cents\.$"):
        read_query({"credit_rate": 90})


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"compare": "year"}, "compare: 'year' is unknown. Write 'previous'"),
        ({"compare": "previous", "group_by": ["cluster"]}, "compare: .*Add 'period' to group_by"),
        ({"compare": "previous", "group_by": ["period", "invoice"]}, "compare: .*Take both out of group_by"),
        ({"compare": "previous", "group_by": ["status", "period"]}, "compare: .*Take both out of group_by"),
        ({"breakdowns": ["period"]}, "breakdowns: a dictionary is needed"),
        ({"budgets": {"amount": 1}}, "budgets: a list of dictionaries is needed"),
        ({"budgets": [5000]}, "budgets: a list of dictionaries is needed"),
        ({"budgets": [{"amount": 1}, {"amount": 1, "limit": 2}]}, r"budgets\[1\]: limit is unknown. Write amount, cur"),
        *(
            ({"budgets": [{"amount": amount}]}, r"budgets\[0\]\.amount must be a number above 0, not ")
            for amount in (None, 0, -1, "much", True, 1e15, float("inf"))
        ),
        ({"budgets": [{}]}, r"budgets\[0\]\.amount must be a number above 0"),
        ({"budgets": [{"amount": 1, "currency": 5}]}, r"budgets\[0\]\.currency must be one such as USD, not 5"),
        (
            {"budgets": [{"amount": 1, "currency": "COCKROACH_CREDITS"}], "credit_rate": 1},
            r"budgets\[0\]\.currency: with credit_rate credits are USD. Give the budget in USD",
        ),
        ({"budgets": [{"amount": 1, "group": "payments"}]}, r"budgets\[0\]\.group must be a dictionary such as"),
        ({"budgets": [{"amount": 1, "group": {"team": "a"}}]}, r"budgets\[0\]\.group: 'team' is unknown"),
        (
            {"budgets": [{"amount": 1, "group": {"period": "2026-10"}}]},
            r"budgets\[0\]\.group: a budget is for this month. Leave per",
        ),
        (
            {"budgets": [{"amount": 1, "group": {"cluster": ["a"]}}]},
            r"budgets\[0\]\.group: cluster must be one text, not \['a'\]",
        ),
        ({"budgets": [{"amount": 1, "group": {"cluster": True}}]}, r"budgets\[0\]\.group: cluster must be one text"),
    ],
)
def test_what_an_option_does_not_take_is_refused_by_its_name(options: dict[str, t.Any], text: str) -> None:
    with pytest.raises(OptionsError, match=f"^{text}"):
        read_query(options)
