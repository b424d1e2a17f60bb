# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules that say who owns a cost: what they take, what they refuse, and that the first that fits decides."""

from __future__ import annotations

import datetime
import fnmatch
import typing as t

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._answers import (
    answer,
    missing_labels,
    read_books,
)
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._errors import OptionsError
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._query import COST_SPEC, read_query

NOW = datetime.datetime(2026, 4, 10, tzinfo=datetime.timezone.utc)

FOLDERS = [
    {"resource_id": "f-1", "name": "Shop", "path": []},
    {"resource_id": "f-2", "name": "Web", "path": [{"id": "f-1", "name": "Shop"}]},
]


def line(description: str, amount: float, currency: str = "USD") -> dict[str, t.Any]:
    return {
        "description": description,
        "quantity": 2.0,
        "quantity_unit": "HOURS",
        "total": {"amount": amount, "currency": currency},
    }


def item(name: str, *lines: dict[str, t.Any], **cluster: t.Any) -> dict[str, t.Any]:
    return {"cluster": {"id": f"id-{name}", "name": name, **cluster}, "line_items": list(lines)}


def invoice(
    *items: dict[str, t.Any], adjustments: t.Sequence[tuple[str, float]] = (), month: str = "2026-03", **more: t.Any
) -> dict[str, t.Any]:
    return {
        "invoice_id": f"inv-{month}",
        "status": "FINALIZED",
        "period_start": f"{month}-01T00:00:00Z",
        "period_end": f"{month}-28T00:00:00Z",
        "invoice_items": list(items),
        "adjustments": [
            {"name": name, "amount": {"amount": amount, "currency": "USD"}} for name, amount in adjustments
        ],
        "folder_resources": FOLDERS,
        **more,
    }


BILL = invoice(
    item(
        "web-prod",
        line("Compute", 100.0),
        line("Storage", 10.0),
        labels={"team": "Web"},
        parent_id="f-2",
        plan="ADVANCED",
    ),
    item("ci-1", line("Compute", 7.0), labels={"team": " "}, parent_id="root", plan="BASIC"),
    item("ci-2", line("Backup storage", 3.0), labels={"cost_center": "4711"}, parent_id="f-1", plan="BASIC"),
    adjustments=[("Premium Support", 50.0), ("Promotion", -5.0)],
    totals=[{"amount": 200.0, "currency": "USD"}],
)


def owned(*rules: dict[str, t.Any], bill: dict[str, t.Any] = BILL, **options: t.Any) -> dict[str | None, float]:
    query = read_query({"group_by": ["owner"], "owners": list(rules), **options})
    rows = answer(read_books([bill], query), query, NOW).result["costs"]
    assert len({row["owner"] for row in rows}) == len(rows)
    return {row["owner"]: row["amount"] for row in rows}


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ([{"owner": "all"}], {"all": 200.0}),
        ([{"owner": "ci", "cluster": "ci-*"}], {"ci": 10.0, None: 190.0}),
        ([{"owner": "ci", "cluster": "CI-*"}], {None: 200.0}),
        ([{"owner": "ci", "cluster": ["ci-2", "x"]}], {"ci": 3.0, None: 197.0}),
        ([{"owner": "one", "cluster_id": "id-ci-[12]"}], {"one": 10.0, None: 190.0}),
        ([{"owner": "shop", "folder": "Shop*"}], {"shop": 113.0, None: 87.0}),
        ([{"owner": "shop", "folder": "*"}], {"shop": 113.0, None: 87.0}),
        ([{"owner": "basic", "plan": "BASIC"}], {"basic": 10.0, None: 190.0}),
        ([{"owner": "disks", "description": "*torage*"}], {"disks": 13.0, None: 187.0}),
        ([{"owner": "support", "description": "*Support"}], {"support": 50.0, None: 150.0}),
        ([{"owner": "finance", "kind": "adjustment"}], {"finance": 45.0, None: 155.0}),
        ([{"owner": "finance", "kind": ["adjustment", "unitemized"]}], {"finance": 80.0, None: 120.0}),
        ([{"owner": "us", "kind": "usage"}], {"us": 120.0, None: 80.0}),
        ([{"owner": "any", "cluster": "*"}], {"any": 120.0, None: 80.0}),
        ([{"owner": "money", "label": {"cost_center": 4711}}], {"money": 3.0, None: 197.0}),
        ([{"owner": "web", "label": {"team": ["Web", "x"]}}], {"web": 110.0, None: 90.0}),
        ([{"owner": "web", "label": {"team": "Web", "env": "*"}}], {None: 200.0}),
        ([{"owner": "both", "cluster": "web-*", "description": "Compute"}], {"both": 100.0, None: 100.0}),
        ([{"from": "label:team"}], {"Web": 110.0, None: 90.0}),
        ([{"from": "label:team", "lower": True}], {"web": 110.0, None: 90.0}),
        ([{"from": "folder"}], {"Shop/Web": 110.0, "Shop": 3.0, None: 87.0}),
        ([{"from": "cluster", "plan": "BASIC"}], {"ci-1": 7.0, "ci-2": 3.0, None: 190.0}),
        # What a rule reads and does not find, or finds blank, is left to the next one.
        ([{"from": "label:team"}, {"from": "folder"}, {"owner": "rest"}], {"Web": 110.0, "Shop": 3.0, "rest": 87.0}),
        # The first that fits decides, per description where one is asked for.
        (
            [{"owner": "disks", "description": "Storage"}, {"from": "label:team"}, {"owner": "disks", "kind": "usage"}],
            {"disks": 20.0, "Web": 100.0, None: 80.0},
        ),
        ([{"owner": "a", "cluster": "ci-*"}, {"owner": "b", "cluster": "ci-1"}], {"a": 10.0, None: 190.0}),
        ([{"owner": 4711, "plan": "BASIC"}], {"4711": 10.0, None: 190.0}),
    ],
    ids=str,
)
def test_the_first_rule_that_fits_decides(rules: list[dict[str, t.Any]], expected: dict[str | None, float]) -> None:
    assert owned(*rules) == expected


def test_what_a_module_fills_in_is_as_if_it_were_not_there() -> None:
    filled = dict.fromkeys(("from", "cluster", "cluster_id", "folder", "plan", "description", "kind", "label", "lower"))
    assert owned({**filled, "owner": "all"}) == {"all": 200.0}


def test_owners_stand_beside_other_groups_and_quantities() -> None:
    rules = [{"owner": "disks", "description": "*torage*"}, {"from": "label:team"}]
    query = read_query({"group_by": ["owner", "plan", "unit"], "owners": rules})
    rows = answer(read_books([BILL], query), query, NOW).result["costs"]
    found = [(row["owner"], row["plan"], row["unit"], row["quantity"], row["amount"]) for row in rows]
    assert found == [
        ("Web", "ADVANCED", "HOURS", 2.0, 100.0),
        ("disks", "ADVANCED", "HOURS", 2.0, 10.0),
        ("disks", "BASIC", "HOURS", 2.0, 3.0),
        (None, "BASIC", "HOURS", 2.0, 7.0),
        (None, None, None, None, 80.0),
    ]


def test_credits_of_an_owner_become_dollars() -> None:
    bill = invoice(item("a", line("Compute", 10.0, "CRDB_CLOUD_CREDITS"), line("Disk", 1.0, "COCKROACH_CREDITS")))
    rules = ({"owner": "disks", "description": "Disk"}, {"owner": "rest"})
    assert owned(*rules, bill=bill, credit_rate=0.5) == {"rest": 5.0, "disks": 0.5}


def test_a_budget_and_a_breakdown_may_be_of_an_owner() -> None:
    draft = {**BILL, "status": "DRAFT", "period_start": "2026-04-01T00:00:00Z", "period_end": "2026-05-01T00:00:00Z"}
    options = {
        "owners": [{"from": "label:team"}, {"owner": "rest"}],
        "breakdowns": {"by owner": ["owner"]},
        "budgets": [
            {"amount": 100, "group": {"owner": "Web"}},
            {"amount": 100, "group": {"owner": "wep"}},
        ],
    }
    query = read_query(options)
    result, warnings = answer(read_books([draft], query), query, NOW)
    assert [(row["spent"], row["state"]) for row in result["budgets"]] == [(110.0, "over"), (None, "unknown")]
    assert {row["owner"]: row["amount"] for row in result["breakdowns"]["by owner"]} == {"Web": 110.0, "rest": 90.0}
    assert any("The costs are of Web, rest." in text for text in warnings)


def test_a_misspelt_label_of_a_rule_is_a_warning_that_lists_those_that_there_are() -> None:
    query = read_query(
        {"group_by": ["owner"], "owners": [{"from": "label:tema"}, {"owner": "x", "label": {"evn": "*"}}]}
    )
    books = read_books([BILL], query)
    text = "No cluster has the label 'evn' and 'tema'. The labels are cost_center, team."
    assert missing_labels(books, query) == text
    assert text in answer(books, query, NOW).warnings


def test_rules_that_no_group_asks_for_are_a_warning() -> None:
    query = read_query({"owners": [{"owner": "all"}]})
    assert answer(read_books([BILL], query), query, NOW).warnings[-1:] == [
        "owners: nothing is added up by owner, as no group is 'owner'. Add it to group_by."
    ]


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ("x", "owners: a list of rules is needed, such as [{'owner': 'platform', 'cluster': 'ci-*'}]."),
        ({"owner": "x"}, "owners: a list of rules is needed, such as [{'owner': 'platform', 'cluster': 'ci-*'}]."),
        (["x"], "owners: a list of rules is needed, such as [{'owner': 'platform', 'cluster': 'ci-*'}]."),
        ([{}], "owners[0] names nobody. Write owner, a name, or from, such as 'label:team'."),
        (
            [{"owner": "a"}, {"owner": "a", "from": "folder"}],
            "owners[1] has owner and from. Leave one of them out: from reads the name from the bill.",
        ),
        (
            [{"owner": "a", "clusters": "x"}],
            "owners[0]: clusters is unknown. "
            "Write owner, from, lower, cluster, cluster_id, folder, plan, description, kind, label.",
        ),
        ([{"owner": True}], "owners[0].owner: a name is needed, and True is no text. Put it in quotes."),
        ([{"owner": " "}], "owners[0].owner: a name is needed, and this is empty."),
        (
            [{"from": "team"}],
            "owners[0].from: 'team' is unknown. Write 'label:team' for the label 'team', folder or cluster.",
        ),
        (
            [{"from": "label:"}],
            "owners[0].from: 'label:' is unknown. Write 'label:team' for the label 'team', folder or cluster.",
        ),
        ([{"from": "folder", "lower": "x"}], "owners[0].lower: true or false is needed, not 'x'."),
        (
            [{"owner": "A", "lower": True}],
            "owners[0].lower: it is for what from reads. Write the owner as you want it, and leave lower out.",
        ),
        (
            [{"owner": "a", "cluster": []}],
            "owners[0].cluster: an empty list fits nothing. Write a pattern such as 'ci-*', or leave it out.",
        ),
        (
            [{"owner": "a", "plan": {"x": 1}}],
            "owners[0].plan: a pattern such as 'ci-*', or a list of them, is needed, and {'x': 1} is no text. "
            "Put it in quotes.",
        ),
        (
            [{"owner": "a", "folder": ["x", False]}],
            "owners[0].folder: a pattern such as 'ci-*', or a list of them, is needed, and False is no text. "
            "Put it in quotes.",
        ),
        (
            [{"owner": "a", "kind": "adjustments"}],
            "owners[0].kind: 'adjustments' is none. The kinds are usage, adjustment, unitemized.",
        ),
        (
            [{"owner": "a", "label": "team"}],
            "owners[0].label: a dictionary is needed, from names to patterns, such as {'team': 'pay*'}.",
        ),
        (
            [{"owner": "a", "label": {}}],
            "owners[0].label: a dictionary is needed, from names to patterns, such as {'team': 'pay*'}.",
        ),
        (
            [{"owner": "a"}, {"owner": "b"}, {"owner": "c", "label": {"team": ""}}],
            "owners[2].label.team: a pattern such as 'ci-*', or a list of them, is needed, and this is empty.",
        ),
    ],
    ids=str,
)
def test_a_rule_that_cannot_be_used_is_named_with_what_to_write_instead(rules: t.Any, message: str) -> None:
    with pytest.raises(OptionsError) as caught:
        read_query({"group_by": ["owner"], "owners": rules})
    assert f"{caught.value}" == message


@pytest.mark.parametrize(
    ("owner", "message"),
    [
        (["platform"], "owners[0].owner: a name is needed, and ['platform'] is no text. Put it in quotes."),
        (False, "owners[0].owner: a name is needed, and False is no text. Put it in quotes."),
        ({"a": "b"}, "owners[0].owner: a name is needed, and {'a': 'b'} is no text. Put it in quotes."),
    ],
    ids=str,
)
def test_ansible_makes_no_name_of_what_is_none(owner: t.Any, message: str) -> None:
    given = {"group_by": ["owner"], "owners": [{"owner": owner}]}
    with pytest.raises(OptionsError) as caught:
        read_query(ArgumentSpecValidator(COST_SPEC).validate(given).validated_parameters)
    assert f"{caught.value}" == message


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


hypothesis = pytest.importorskip("hypothesis")
st = hypothesis.strategies

NAMES = st.sampled_from(["ci-1", "ci-2", "web", "Ünï", "a/b"])
PATTERNS = st.sampled_from(["*", "ci-*", "web", "[!c]*", "?*b", "Ü*"])
RULES = st.lists(
    st.one_of(
        st.fixed_dictionaries(
            {"owner": st.sampled_from(["a", "b"])},
            optional={
                "cluster": PATTERNS | st.lists(PATTERNS, min_size=1, max_size=2),
                "description": PATTERNS,
                "kind": st.sampled_from(["usage", "adj*", ["unitemized", "usage"]]),
                "label": st.fixed_dictionaries({"team": PATTERNS}),
            },
        ),
        st.fixed_dictionaries(
            {"from": st.sampled_from(["label:team", "folder", "cluster"])}, optional={"lower": st.booleans()}
        ),
    ),
    min_size=1,
    max_size=4,
)
BILLS = st.builds(
    invoice,
    st.builds(
        item, NAMES, st.builds(line, NAMES, st.integers(-999, 999)), labels=st.dictionaries(st.just("team"), NAMES)
    ),
    st.builds(item, NAMES, st.builds(line, NAMES, st.integers(-999, 999)), parent_id=st.sampled_from(["root", "f-2"])),
    adjustments=st.lists(st.tuples(NAMES, st.integers(-999, 999)), max_size=2),
    totals=st.lists(st.builds(dict, amount=st.integers(0, 99999), currency=st.just("USD")), max_size=1),
)


def facts(rule: dict[str, t.Any], row: dict[str, t.Any]) -> str | None:
    """Say whom a rule names for one line: the rule as its documentation has it, and nothing of how it is made quick."""

    def fits(value: str | None, patterns: t.Any) -> bool:
        listed = patterns if isinstance(patterns, list) else [patterns]
        return value is not None and any(fnmatch.fnmatchcase(value, pattern) for pattern in listed)

    conditions = [(row[name], rule[name]) for name in ("cluster", "description", "kind") if name in rule]
    conditions += [(row[f"label:{name}"], patterns) for name, patterns in rule.get("label", {}).items()]
    if not all(fits(value, patterns) for value, patterns in conditions):
        return None
    name: str | None = rule["owner"] if "owner" in rule else row[rule["from"]]
    return name.lower() if name and rule.get("lower") else name


@hypothesis.given(RULES, BILLS)
def test_every_cost_has_the_owner_of_the_first_rule_that_fits_it(
    rules: list[dict[str, t.Any]], bill: dict[str, t.Any]
) -> None:
    groups = ["cluster", "cluster_id", "description", "kind", "folder", "label:team"]
    query = read_query({"group_by": groups})
    expected: dict[str | None, float] = {}
    for row in answer(read_books([bill], query), query, NOW).result["costs"]:
        owner = next((name for name in (facts(rule, row) for rule in rules) if name is not None), None)
        expected[owner] = expected.get(owner, 0.0) + row["amount"]
    assert owned(*rules, bill=bill) == expected
    assert owned(*rules, bill=bill, breakdowns={"more": ["description"]}) == expected


@hypothesis.given(RULES, RULES, BILLS)
def test_rules_after_those_that_decide_change_nothing(
    rules: list[dict[str, t.Any]], more: list[dict[str, t.Any]], bill: dict[str, t.Any]
) -> None:
    before, after = owned(*rules, bill=bill), owned(*rules, *more, bill=bill)
    groups = ["owner", "cluster_id", "description", "kind", "label:team", "folder", "cluster"]
    rows = [
        {tuple(row[entry] for entry in groups[1:]): row["owner"] for row in answer(books, query, NOW).result["costs"]}
        for query in (read_query({"group_by": groups, "owners": known}) for known in (rules, [*rules, *more]))
        for books in [read_books([bill], query)]
    ]
    assert all(rows[1][key] == owner for key, owner in rows[0].items() if owner is not None)
    assert sum(before.values()) == sum(after.values())
