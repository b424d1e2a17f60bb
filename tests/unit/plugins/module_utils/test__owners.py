# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules that say who owns a cost: what they take, what they refuse, and that the first that fits decides."""

from __future__ import annotations

import fnmatch
import typing as t

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils import _owners
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._errors import OptionsError
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._lines import line_items
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._query import COST_SPEC, read_query
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._ask import ask, costs
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._data import (
    FOLDERS,
    adjustment,
    bill,
    item,
    line,
    money,
)

Rules = t.List[t.Dict[str, t.Any]]


def parts(month: str, make: t.Callable[..., dict[str, t.Any]] = bill) -> dict[str, t.Any]:
    return make(
        month,
        item(
            "web-prod", 100, line(10, description="Storage"), labels={"team": "Web"}, parent_id="f-pay", plan="ADVANCED"
        ),
        item("ci-1", 7, labels={"team": " "}),
        item("ci-2", line(3, description="Backup storage"), labels={"cost_center": "4711"}, parent_id="f-eng"),
        adjustments=[adjustment(50, name="Premium Support"), adjustment(-5, name="Promotion")],
        totals=[money(200)],
        folder_resources=FOLDERS,
    )


BILL = parts("2026-03")


def owned(*rules: dict[str, t.Any], invoice: dict[str, t.Any] = BILL, **options: t.Any) -> dict[str | None, float]:
    rows = costs([invoice], ["owner"], owners=list(rules), **options)
    assert len({row["owner"] for row in rows}) == len(rows)
    return {row["owner"]: row["amount"] for row in rows}


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ([{"owner": "eng", "folder": "*"}], {"eng": 113.0, None: 87.0}),
        ([{"owner": "support", "description": "*Support"}], {"support": 50.0, None: 150.0}),
        ([{"owner": "finance", "kind": ["adjustment", "unitemized"]}], {"finance": 80.0, None: 120.0}),
        ([{"owner": "money", "label": {"cost_center": 4711}}], {"money": 3.0, None: 197.0}),
        ([{"owner": 4711, "plan": "STANDARD"}], {"4711": 10.0, None: 190.0}),
        ([{"from": "label:team", "lower": True}], {"web": 110.0, None: 90.0}),
        # What a rule reads and does not find, or finds blank, is left to the next one.
        (
            [{"from": "label:team"}, {"from": "folder"}, {"owner": "rest"}],
            {"Web": 110.0, "Engineering": 3.0, "rest": 87.0},
        ),
        # The first that fits decides, per description where one is asked for.
        (
            [{"owner": "disks", "description": "Storage"}, {"from": "label:team"}, {"owner": "disks", "kind": "usage"}],
            {"disks": 20.0, "Web": 100.0, None: 80.0},
        ),
        # A module fills in what is not given.
        ([{**dict.fromkeys(_owners.RULE_SPEC), "owner": "all"}], {"all": 200.0}),
    ],
    ids=str,
)
def test_the_first_rule_that_fits_decides(rules: Rules, expected: dict[str | None, float]) -> None:
    assert owned(*rules) == expected


def test_what_rules_name_in_vain_is_a_warning() -> None:
    misspelt = [{"from": "label:tema"}, {"owner": "x", "label": {"evn": "*"}}]
    text = "No cluster has the label 'evn' and 'tema'. The labels are cost_center, team."
    assert text in ask([BILL], group_by=["owner"], owners=misspelt).warnings
    unused = "owners: nothing is added up by owner, as no group is 'owner'. Add it to group_by."
    assert ask([BILL], owners=misspelt).warnings[-1:] == [unused]


def test_descriptions_without_an_end_are_not_all_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_owners, "_MOST_DESCRIPTIONS", 3)
    decision = _owners.Decision([(lambda text: text in ("1", "7"), "a")])
    assert [decision.owner(f"{number}") for number in range(9)].count("a") == 2
    assert len(decision.known) <= 3


A_LIST = "owners: a list of rules is needed, such as [{'owner': 'platform', 'cluster': 'ci-*'}]."
NO_TEXT = "is no text. Put it in quotes."
NO_LABELS: list[t.Any] = ["team", {}]
A_PATTERN = "a pattern such as 'ci-*', or a list of them,"


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        *((rules, A_LIST) for rules in ("x", {"owner": "x"}, ["x"])),
        ([{}], "owners[0] names nobody. Write owner, a name, or from, such as 'label:team'."),
        ([{"owner": "a"}, {"owner": "a", "from": "folder"}], "owners[1] has owner and from. Leave one of them out: "),
        ([{"owner": "a", "clusters": "x"}], "owners[0]: clusters is unknown. Write owner, from, lower, cluster, clus"),
        ([{"owner": True}], f"owners[0].owner: a name is needed, and True {NO_TEXT}"),
        ([{"owner": " "}], "owners[0].owner: a name is needed, and this is empty."),
        *(([{"from": given}], f"owners[0].from: {given!r} is unknown. Write 'label:") for given in ("team", "label:")),
        ([{"from": "folder", "lower": "x"}], "owners[0].lower: true or false is needed, not 'x'."),
        ([{"owner": "A", "lower": True}], "owners[0].lower: it is for what from reads. Write the owner as you want it"),
        ([{"owner": "a", "cluster": []}], "owners[0].cluster: an empty list fits nothing. Write a pattern such as 'c"),
        ([{"owner": "a", "folder": ["x", False]}], f"owners[0].folder: {A_PATTERN} is needed, and False {NO_TEXT}"),
        ([{"owner": "a", "kind": "adjustments"}], "owners[0].kind: 'adjustments' is none. The kinds are usage, adju"),
        *(([{"owner": "a", "label": none}], "owners[0].label: a dictionary is needed, from na") for none in NO_LABELS),
        (
            [{"owner": "a"}, {"owner": "c", "label": {"team": ""}}],
            f"owners[1].label.team: {A_PATTERN} is needed, and thi",
        ),
    ],
    ids=str,
)
def test_a_rule_that_cannot_be_used_is_named_with_what_to_write_instead(rules: t.Any, message: str) -> None:
    with pytest.raises(OptionsError) as caught:
        read_query({"group_by": ["owner"], "owners": rules})
    assert f"{caught.value}".startswith(message)


@pytest.mark.parametrize("owner", [["platform"], False, {"a": "b"}], ids=str)
def test_ansible_makes_no_name_of_what_is_none(owner: t.Any) -> None:
    given = ArgumentSpecValidator(COST_SPEC).validate({"group_by": ["owner"], "owners": [{"owner": owner}]})
    with pytest.raises(OptionsError) as caught:
        read_query(given.validated_parameters)
    assert f"{caught.value}" == f"owners[0].owner: a name is needed, and {owner} {NO_TEXT}"


@pytest.mark.parametrize("pattern", ["[", "[]", "[!]", "]", "*[", "[z-a]*", "[[a]", "a\\", "(?P<a>", "**x"])
def test_odd_patterns_fit_nothing_or_are_refused_in_our_words(pattern: str) -> None:
    said = []
    try:
        assert "odd" not in owned({"owner": "odd", "cluster": pattern})
    except OptionsError as error:
        said = [f"{error}"]
    # Only some versions of Python take a range from a later to an earlier character.
    assert said in ([], [f"owners[0].cluster: {pattern!r} is no pattern. Write '[[]' for a bracket itself."])


@pytest.mark.parametrize("owners", [None, []], ids=str)
@pytest.mark.parametrize(
    "options",
    [{"group_by": ["owner"]}, {"breakdowns": {"x": ["owner"]}}, {"budgets": [{"amount": 1, "group": {"owner": "a"}}]}],
    ids=str,
)
def test_the_group_owner_needs_rules(options: dict[str, t.Any], owners: t.Any) -> None:
    with pytest.raises(OptionsError, match="owners: the group 'owner' needs rules here, such as"):
        read_query({**options, "owners": owners})


NAMES = st.sampled_from(["ci-1", "CI-2", "web", "Ünï", "a/b"])
PATTERNS = st.sampled_from(["*", "ci-*", "web", "[!c]*", "?*b", "Ü*"])
RULES = st.lists(
    st.fixed_dictionaries(
        {"owner": st.sampled_from(["a", "b"])},
        optional={
            "cluster": PATTERNS | st.lists(PATTERNS, min_size=1, max_size=2),
            "cluster_id": st.sampled_from(["id-ci-*", "*2"]),
            "plan": st.sampled_from(["STANDARD", "[AB]*"]),
            "folder": st.sampled_from(["*", "Eng*", "*/*"]),
            "description": PATTERNS,
            "kind": st.sampled_from(["usage", "adj*", ["unitemized", "usage"]]),
            "label": st.fixed_dictionaries({"team": PATTERNS}),
        },
    )
    | st.fixed_dictionaries(
        {"from": st.sampled_from(["label:team", "folder", "cluster"])}, optional={"lower": st.booleans()}
    ),
    min_size=1,
    max_size=4,
)
ITEMS = st.builds(
    item,
    NAMES,
    st.builds(lambda amount, description: line(amount, description=description), st.integers(-999, 999), NAMES),
    labels=st.dictionaries(st.just("team"), NAMES),
    parent_id=st.sampled_from(["root", "f-pay", "f-eng"]),
    plan=st.sampled_from(["BASIC", "STANDARD"]),
)
BILLS = st.builds(
    lambda items, adjustments, **more: bill("2026-03", *items, adjustments=adjustments, **more),
    st.lists(ITEMS, max_size=3),
    st.lists(st.builds(adjustment, st.integers(-999, 999), name=NAMES), max_size=2),
    totals=st.lists(st.builds(money, st.integers(0, 99999)), max_size=1),
    folder_resources=st.just(FOLDERS),
)


def named(rule: dict[str, t.Any], row: dict[str, t.Any]) -> str | None:
    """Say whom a rule names for one line: the rule as its documentation has it, and nothing of how it is made quick."""

    def fits(value: str | None, patterns: t.Any) -> bool:
        listed = patterns if isinstance(patterns, list) else [patterns]
        return value is not None and any(fnmatch.fnmatchcase(value, pattern) for pattern in listed)

    conditions = [(row[name], patterns) for name, patterns in rule.items() if name in row]
    conditions += [(row[f"label:{name}"], patterns) for name, patterns in rule.get("label", {}).items()]
    if not all(fits(value, patterns) for value, patterns in conditions):
        return None
    name: str | None = rule["owner"] if "owner" in rule else row[rule["from"]]
    return name.lower() if name and rule.get("lower") else name


@given(RULES, BILLS)
def test_every_cost_has_the_owner_of_the_first_rule_that_fits_it(rules: Rules, invoice: dict[str, t.Any]) -> None:
    groups = ["cluster", "cluster_id", "description", "kind", "folder", "label:team", "plan"]
    expected: dict[str | None, float] = {}
    for row in costs([invoice], groups):
        owner = next((name for name in (named(rule, row) for rule in rules) if name is not None), None)
        expected[owner] = expected.get(owner, 0.0) + row["amount"]
    assert owned(*rules, invoice=invoice) == expected
    by_line: dict[str | None, float] = {}
    for row in line_items([invoice], _owners.read_owners(rules)):
        by_line[row["owner"]] = by_line.get(row["owner"], 0.0) + row["amount"]
    assert by_line == expected
    assert owned(*rules, invoice=invoice, breakdowns={"more": ["description"]}) == expected
