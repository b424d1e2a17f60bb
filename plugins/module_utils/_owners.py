# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is private to the cockroachdb_cloud.billing collection.
# It can change or vanish in any release, so do not use it from outside.

"""Who owns a cost: rules as data, of which the first that fits decides.

What a rule asks for of a cluster is the same for all of its line items, so that rules are gone through once for each
cluster, and once more for each description where a rule asks for one.
"""

from __future__ import annotations

import fnmatch
import re
import typing as t

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._document import KINDS, LABEL, USAGE, Invoice
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._errors import OptionsError, shown

_OF_CLUSTERS = ("cluster", "cluster_id", "folder", "plan")
_CONDITIONS = (*_OF_CLUSTERS, "description", "kind", "label")
_SOURCES = ("folder", "cluster")

RULE_SPEC: dict[str, dict[str, t.Any]] = {
    # Ansible would make a text of a list, and of a "no" without quotes.
    "owner": {"type": "raw"},
    "from": {"type": "str"},
    "lower": {"type": "bool"},
    **{name: {"type": "raw"} for name in _CONDITIONS if name != "label"},
    "label": {"type": "dict"},
}
"""The argument spec of one rule."""

# Descriptions are few. Should each line item have one of its own, they are not all kept.
_MOST_DESCRIPTIONS = 10_000

_Test = t.Callable[[t.Optional[str]], bool]


class Rule(t.NamedTuple):
    """One rule: who it names, and what has to hold for it; C(conditions) maps entries of C(group_by) to tests."""

    owner: str | None
    source: str | None
    lower: bool
    kinds: frozenset[str]
    conditions: tuple[tuple[str, _Test], ...]
    description: _Test | None

    def name(self, facts: t.Mapping[str, str | None]) -> str | None:
        """Return the owner that the rule names for a cluster; None where what it reads is missing or blank."""
        if self.source is None:
            return self.owner
        value = facts[self.source]
        if value is None or not value.strip():
            return None
        return value.lower() if self.lower else value


class Decision:
    """Who owns the costs of one kind that one cluster has; C(known) maps descriptions that were met to owners."""

    __slots__ = ("_candidates", "constant", "known")

    def __init__(self, candidates: t.Sequence[tuple[_Test | None, str]]) -> None:
        """Take what the rules leave open.

        :param candidates: owners and what a description has to be for each, the first that fits decides.
        """
        self._candidates = candidates
        self.known: dict[str | None, str | None] = {}
        self.constant = all(test is None for test, dummy in candidates)

    def owner(self, description: str | None = None) -> str | None:
        """Return who owns what has this description; None for nobody."""
        if description not in self.known:
            if len(self.known) >= _MOST_DESCRIPTIONS:
                self.known.clear()
            fits = (name for test, name in self._candidates if test is None or test(description))
            self.known[description] = next(fits, None)
        return self.known[description]


NOBODY = Decision(())
"""What holds without rules."""


class Owners:
    """Rules, ready to be asked."""

    def __init__(self, rules: t.Sequence[Rule]) -> None:
        """Take the rules in their order."""
        self._rules = rules
        sources = {rule.source for rule in rules if rule.source is not None}
        self._needs = sorted(sources.union(entry for rule in rules for entry, dummy in rule.conditions))
        self._decisions: dict[tuple[str | None, ...], Decision] = {}

    def labels(self) -> list[str]:
        """Return the names of the labels that rules read or ask for, sorted."""
        return [entry[len(LABEL) :] for entry in self._needs if entry.startswith(LABEL)]

    def of_cluster(self, invoice: Invoice, cluster: dict[str, t.Any]) -> Decision:
        """Return who owns the usage of a cluster.

        :raises ResponseError: on a value of the wrong type in the invoice.
        """
        return self._decide(USAGE, [invoice.fact(cluster, entry) for entry in self._needs])

    def of_kind(self, kind: str) -> Decision:
        """Return who owns costs of a kind that belong to no cluster."""
        return self._decide(kind, [None] * len(self._needs))

    def _decide(self, kind: str, values: list[str | None]) -> Decision:
        key = (kind, *values)
        if key not in self._decisions:
            self._decisions[key] = Decision(self._candidates(kind, dict(zip(self._needs, values))))
        return self._decisions[key]

    def _candidates(self, kind: str, facts: dict[str, str | None]) -> list[tuple[_Test | None, str]]:
        candidates: list[tuple[_Test | None, str]] = []
        for rule in self._rules:
            name = rule.name(facts)
            if name is None or kind not in rule.kinds or not all(test(facts[entry]) for entry, test in rule.conditions):
                continue
            candidates.append((rule.description, name))
            if rule.description is None:
                break
        return candidates


def read_owners(value: t.Any) -> Owners | None:
    """Check the rules that say who owns a cost.

    :param value: a list of dictionaries with the keys of :data:`RULE_SPEC`; None stands for what is not given.
    :returns: None where there is no rule.
    :raises OptionsError: it names the rule, counted from 0, its key, and what to write instead.
    """
    if value is None:
        return None
    if not isinstance(value, (list, tuple)) or not all(isinstance(rule, dict) for rule in value):
        raise OptionsError("owners: a list of rules is needed, such as [{'owner': 'platform', 'cluster': 'ci-*'}].")
    rules = [_read_rule(rule, f"owners[{place}]") for place, rule in enumerate(value)]
    return Owners(rules) if rules else None


def _read_rule(given: dict[str, t.Any], option: str) -> Rule:
    unknown = [f"{name}" for name in given if name not in RULE_SPEC]
    if unknown:
        raise OptionsError(f"{option}: {', '.join(unknown)} is unknown. Write {', '.join(RULE_SPEC)}.")
    rule = {f"{name}": value for name, value in given.items() if value is not None}
    owner, source = rule.get("owner"), rule.get("from")
    if owner is None and source is None:
        raise OptionsError(f"{option} names nobody. Write owner, a name, or from, such as 'label:team'.")
    if owner is not None and source is not None:
        raise OptionsError(f"{option} has owner and from. Leave one of them out: from reads the name from the bill.")
    if owner is not None:
        owner = _read_text(owner, f"{option}.owner", "a name")
    return Rule(
        owner=owner,
        source=None if source is None else _read_source(source, f"{option}.from"),
        lower=_read_lower(rule.get("lower", False), source, f"{option}.lower"),
        kinds=_read_kinds(rule["kind"], f"{option}.kind") if "kind" in rule else frozenset(KINDS),
        conditions=(
            *((name, _read_test(rule[name], f"{option}.{name}")) for name in _OF_CLUSTERS if name in rule),
            *_read_labels(rule.get("label"), f"{option}.label"),
        ),
        description=_read_test(rule["description"], f"{option}.description") if "description" in rule else None,
    )


def _read_text(value: t.Any, option: str, what: str) -> str:
    """Return a text; a whole number, such as that of a cost center, is one that YAML has read as a number."""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise OptionsError(f"{option}: {what} is needed, and {shown(value)} is no text. Put it in quotes.")
    text = f"{value}"
    if not text.strip():
        raise OptionsError(f"{option}: {what} is needed, and this is empty.")
    return text


def _read_source(value: t.Any, option: str) -> str:
    source = f"{value}"
    name = source[len(LABEL) :] if source.startswith(LABEL) else None
    if source in _SOURCES or (name and name == name.strip()):
        return source
    raise OptionsError(
        f"{option}: {shown(value)} is unknown. Write 'label:team' for the label 'team', folder or cluster."
    )


def _read_lower(value: t.Any, source: t.Any, option: str) -> bool:
    if not isinstance(value, bool):
        raise OptionsError(f"{option}: true or false is needed, not {shown(value)}.")
    if value and source is None:
        raise OptionsError(f"{option}: it is for what from reads. Write the owner as you want it, and leave lower out.")
    return value


def _read_patterns(value: t.Any, option: str) -> list[str]:
    patterns = list(value) if isinstance(value, (list, tuple)) else [value]
    if not patterns:
        raise OptionsError(f"{option}: an empty list fits nothing. Write a pattern such as 'ci-*', or leave it out.")
    return [_read_text(pattern, option, "a pattern such as 'ci-*', or a list of them,") for pattern in patterns]


def _read_test(value: t.Any, option: str) -> _Test:
    """Return what tells whether a value fits one of the patterns. What is missing fits none, not even C(*)."""
    matches = [_compiled(pattern, option).match for pattern in _read_patterns(value, option)]

    def test(text: str | None) -> bool:
        return text is not None and any(match(text) for match in matches)

    return test


def _compiled(pattern: str, option: str) -> re.Pattern[str]:
    try:
        return re.compile(fnmatch.translate(pattern))
    except re.error:
        # A range from a later to an earlier character, in Python up to 3.10.
        raise OptionsError(f"{option}: {shown(pattern)} is no pattern. Write '[[]' for a bracket itself.") from None


def _read_kinds(value: t.Any, option: str) -> frozenset[str]:
    kinds: set[str] = set()
    for pattern in _read_patterns(value, option):
        fitting = [kind for kind in KINDS if fnmatch.fnmatchcase(kind, pattern)]
        if not fitting:
            raise OptionsError(f"{option}: {shown(pattern)} is none. The kinds are {', '.join(KINDS)}.")
        kinds.update(fitting)
    return frozenset(kinds)


def _read_labels(value: t.Any, option: str) -> t.Iterator[tuple[str, _Test]]:
    if value is None:
        return
    if not isinstance(value, dict) or not value:
        raise OptionsError(f"{option}: a dictionary is needed, from names to patterns, such as {{'team': 'pay*'}}.")
    for name, patterns in value.items():
        label = _read_text(name, option, "the name of a label")
        yield f"{LABEL}{label}", _read_test(patterns, f"{option}.{label}")
