# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is private to the cockroachdb_cloud.billing collection.
# It can change or vanish in any release, so do not use it from outside.

"""The cost options: their argument spec, and the one validator that makes a query of them."""

from __future__ import annotations

import decimal
import re
import typing as t

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._document import LABEL
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._errors import OptionsError, shown
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._money import CREDITS
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._owners import RULE_SPEC, Owners, read_owners

OF_INVOICES = ("period", "invoice", "status")
OF_CLUSTERS = ("cluster", "cluster_id", "plan", "cloud_provider", "region", "folder")
OF_LINES = ("description", "unit")
OWNER = "owner"
GROUPS = (*OF_INVOICES, *OF_CLUSTERS, OWNER, *OF_LINES, "kind")
"""What C(group_by) takes besides C(label:<name>)."""

ALLOCATIONS = NONE, PROPORTIONAL, EVEN, FIXED = ("none", "proportional", "even", "fixed")
"""How what has no owner is shared out."""

_FORMS = f"{', '.join(GROUPS)}, or {LABEL}<name>"

COST_SPEC: dict[str, dict[str, t.Any]] = {
    "group_by": {"type": "list", "elements": "str", "default": ["period"]},
    "credit_rate": {"type": "float"},
    "compare": {"type": "str", "choices": ["previous"]},
    "owners": {"type": "list", "elements": "dict", "options": RULE_SPEC},
    "allocate": {"type": "str", "choices": list(ALLOCATIONS), "default": NONE},
    "weights": {"type": "dict"},
    "decimals": {"type": "int"},
    "breakdowns": {"type": "dict"},
    "budgets": {
        "type": "list",
        "elements": "dict",
        "options": {
            "amount": {"type": "float", "required": True},
            "currency": {"type": "str", "default": "USD"},
            "name": {"type": "str"},
            "group": {"type": "dict"},
        },
    },
}

# A credit is sold for a dollar at the most: whoever writes 90 means cents.
_HIGHEST_RATE = 10
# No amount of money needs more digits than these.
_HIGHEST_AMOUNT = decimal.Decimal(10) ** 15
_DIGITS = 30
_MOST_DECIMALS = 6


class Budget(t.NamedTuple):
    """What a month may cost; C(group) maps entries of C(group_by) to values, and is empty for everything."""

    amount: decimal.Decimal
    currency: str
    name: str | None
    group: tuple[tuple[str, str | None], ...]


class Query(t.NamedTuple):
    """What is asked of invoices, every value checked."""

    group_by: tuple[str, ...] = ("period",)
    credit_rate: decimal.Decimal | None = None
    compare: bool = False
    owners: Owners | None = None
    allocate: str = NONE
    weights: tuple[tuple[str, decimal.Decimal], ...] = ()
    decimals: int | None = None
    breakdowns: tuple[tuple[str, tuple[str, ...]], ...] = ()
    budgets: tuple[Budget, ...] = ()

    def entries(self) -> set[str]:
        """Return every group that an answer needs."""
        groups = {*self.group_by, *(entry for dummy, groups in self.breakdowns for entry in groups)}
        return groups.union(entry for budget in self.budgets for entry, dummy in budget.group)

    def labels(self) -> list[str]:
        """Return the names of the labels that are asked for, as groups or by the rules that say who owns a cost."""
        entries = self.entries()
        names = {entry[len(LABEL) :] for entry in entries if entry.startswith(LABEL)}
        return sorted(names.union(self.owners.labels() if self.owners and OWNER in entries else ()))

    def dimension(self) -> int | None:
        """Return the place in C(group_by) of what costs are shared out by; None when all entries belong to invoices."""
        return next((place for place, entry in enumerate(self.group_by) if entry not in OF_INVOICES), None)


def read_query(options: t.Mapping[str, t.Any]) -> Query:
    """Check the cost options.

    :param options: cost options by their names; None, or no such name, where one is not given.
    :raises OptionsError: it names the option and what to write instead.
    """
    given = {name: value for name, value in options.items() if value is not None}
    group_by = check_group_by(given.get("group_by", ("period",)))
    rate = check_credit_rate(given.get("credit_rate"))
    allocate = _check_allocate(given.get("allocate", NONE))
    query = Query(
        group_by=group_by,
        credit_rate=rate,
        compare=_check_compare(given.get("compare"), group_by),
        owners=read_owners(given.get("owners")),
        allocate=allocate,
        weights=_check_weights(given.get("weights"), allocate),
        decimals=_check_decimals(given.get("decimals")),
        breakdowns=_check_breakdowns(given.get("breakdowns", {})),
        budgets=_check_budgets(given.get("budgets", ()), rate),
    )
    if OWNER in query.entries() and query.owners is None:
        raise OptionsError("owners: the group 'owner' needs rules here, such as [{'from': 'label:team'}].")
    if allocate != NONE and query.dimension() is None:
        raise OptionsError("allocate: costs are shared out by a group such as owner or label:team. Add it to group_by.")
    return query


def check_group_by(value: t.Any, option: str = "group_by") -> tuple[str, ...]:
    """Return the entries of C(group_by).

    :param value: a list of texts, or one text with commas between the entries.
    :param option: what a message calls the option.
    :raises OptionsError: for an unknown entry, a label without a name, or an entry that is there twice.
    """
    if isinstance(value, str):
        value = [entry.strip() for entry in value.split(",")]
    if not isinstance(value, (list, tuple)):
        raise OptionsError(f"{option}: a list is needed, of {_FORMS}.")
    entries: list[str] = []
    for given in value:
        entry = _check_entry(given, option)
        if entry in entries:
            raise OptionsError(f"{option}: {shown(entry)} is there twice. Name each group once.")
        entries.append(entry)
    return tuple(entries)


def _check_entry(given: t.Any, option: str) -> str:
    # A module gets the dictionary as text.
    meant = re.fullmatch(r"\{'label': '?(.*?)'?\}", f"{given}")
    if meant:
        entry = shown(f"{LABEL}{meant.group(1)}")
        raise OptionsError(f"{option}: write {entry} without a space, or YAML makes a dictionary of it.")
    if not isinstance(given, str):
        raise OptionsError(f"{option}: {shown(given)} is no text. Write {_FORMS}.")
    entry = str.__str__(given)
    if entry.startswith(LABEL):
        name = entry[len(LABEL) :]
        if not name or name != name.strip():
            raise OptionsError(f"{option}: {shown(entry)} names no label. Write 'label:team' for the label 'team'.")
    elif entry not in GROUPS:
        label = f" {LABEL}{entry} if it is a label, or one of" if entry.isidentifier() else ""
        raise OptionsError(f"{option}: {shown(entry)} is unknown. Write{label} {_FORMS}.")
    return entry


def check_credit_rate(value: t.Any) -> decimal.Decimal | None:
    """Return the USD for one credit as the decimal that it is written as; None when it is not given.

    :param value: a number, or a text that holds one.
    :raises OptionsError: when it is no number, or not above 0 and at most 10.
    """
    if value is None:
        return None
    needed = "credit_rate: the USD for one credit is needed, a number above 0 such as 0.95"
    rate = _number(value)
    if rate is None or rate <= 0 or abs(rate.adjusted()) > 300:
        raise OptionsError(f"{needed}, not {shown(value)}.")
    if rate > _HIGHEST_RATE:
        raise OptionsError(f"{needed}, not {shown(value)}: write 0.9 where a credit costs 90 cents.")
    return rate


def check_amount(value: t.Any, option: str, form: str = "be a number above 0") -> decimal.Decimal:
    """Return an amount of money, or a percentage, as the decimal that it is written as.

    :param value: a number, or a text that holds one.
    :param option: what a message calls it, and C(form) what it must be or hold.
    :raises OptionsError: when it is no number, or not above 0.
    """
    amount = _number(value)
    if amount is None or not 0 < amount < _HIGHEST_AMOUNT:
        raise OptionsError(f"{option} must {form}, not {shown(value)}.")
    return amount


def _number(value: t.Any) -> decimal.Decimal | None:
    """Return a number as the decimal that it is written as; None for what is none, or has more digits than any use."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str, decimal.Decimal)):
        return None
    try:
        number = decimal.Decimal(float.__repr__(value) if isinstance(value, float) else value)
    except (decimal.InvalidOperation, ValueError):
        return None
    return number if number.is_finite() and len(number.as_tuple().digits) <= _DIGITS else None


def _check_compare(value: t.Any, group_by: t.Sequence[str]) -> bool:
    if value is None:
        return False
    if value != "previous":
        raise OptionsError(f"compare: {shown(value)} is unknown. Write 'previous', or leave it out.")
    if "period" not in group_by:
        raise OptionsError("compare: 'previous' compares months. Add 'period' to group_by.")
    if {"invoice", "status"}.intersection(group_by):
        raise OptionsError("compare: no invoice and no status has a month before. Take both out of group_by.")
    return True


def _check_allocate(value: t.Any) -> str:
    if value not in ALLOCATIONS:
        raise OptionsError(f"allocate: {shown(value)} is unknown. Write {', '.join(ALLOCATIONS)}.")
    return f"{value}"


def _check_weights(value: t.Any, allocate: str) -> tuple[tuple[str, decimal.Decimal], ...]:
    if allocate != FIXED and value:
        raise OptionsError("weights: only 'allocate: fixed' shares out by them. Write that, or leave weights out.")
    if allocate != FIXED:
        return ()
    if not isinstance(value, dict) or not value:
        raise OptionsError("weights: 'allocate: fixed' needs a number for each owner, such as {'payments': 2}.")
    weights: dict[str, decimal.Decimal] = {}
    for owner, given in value.items():
        weight = _number(given)
        if weight is None or not 0 <= weight < _HIGHEST_AMOUNT or weight.adjusted() < -_DIGITS:
            raise OptionsError(f"weights.{owner}: a number from 0 on is needed, not {shown(given)}.")
        weights[f"{owner}"] = weight
    if not any(weights.values()):
        raise OptionsError(
            f"weights: those of {', '.join(weights)} add up to 0. Write a number above 0 for one of them."
        )
    return tuple(weights.items())


def _check_decimals(value: t.Any) -> int | None:
    if value is None:
        return None
    number = _number(value)
    if number is None or number not in range(_MOST_DECIMALS + 1):
        raise OptionsError(f"decimals: a whole number from 0 to {_MOST_DECIMALS} is needed, not {shown(value)}.")
    return int(number)


def _check_breakdowns(value: t.Any) -> tuple[tuple[str, tuple[str, ...]], ...]:
    if not isinstance(value, dict):
        raise OptionsError("breakdowns: a dictionary is needed, from names to lists of groups.")
    return tuple((f"{name}", check_group_by(groups, f"breakdowns.{name}")) for name, groups in value.items())


def _check_budgets(value: t.Any, rate: decimal.Decimal | None) -> tuple[Budget, ...]:
    if not isinstance(value, (list, tuple)) or not all(isinstance(entry, dict) for entry in value):
        raise OptionsError("budgets: a list of dictionaries is needed, such as [{'amount': 5000}].")
    return tuple(_check_budget(entry, f"budgets[{place}]", rate) for place, entry in enumerate(value))


def _check_budget(given: dict[str, t.Any], option: str, rate: decimal.Decimal | None) -> Budget:
    unknown = sorted(set(map(str, given)) - set(COST_SPEC["budgets"]["options"]))
    if unknown:
        known = ", ".join(COST_SPEC["budgets"]["options"])
        raise OptionsError(f"{option}: {', '.join(unknown)} is unknown. Write {known}.")
    amount = check_amount(given.get("amount"), f"{option}.amount")
    currency = given.get("currency") or "USD"
    if not isinstance(currency, str):
        raise OptionsError(f"{option}.currency must be one such as USD, not {shown(currency)}.")
    if rate is not None and currency in CREDITS:
        raise OptionsError(f"{option}.currency: with credit_rate credits are USD. Give the budget in USD.")
    name = given.get("name")
    return Budget(amount, f"{currency}", None if name is None else f"{name}", _check_budget_group(given, option))


def _check_budget_group(given: dict[str, t.Any], option: str) -> tuple[tuple[str, str | None], ...]:
    group = given.get("group")
    if group is None:
        return ()
    if not isinstance(group, dict):
        raise OptionsError(f"{option}.group must be a dictionary such as {{'label:team': 'payments'}}.")
    of_invoices = [entry for entry in OF_INVOICES if entry in group]
    if of_invoices:
        raise OptionsError(f"{option}.group: a budget is for this month. Leave {', '.join(of_invoices)} out.")
    entries = check_group_by(list(group), f"{option}.group")
    for entry, value in group.items():
        if not isinstance(value, (str, int, type(None))) or isinstance(value, bool):
            raise OptionsError(f"{option}.group: {entry} must be one text, not {shown(value)}.")
    return tuple((entry, None if value is None else f"{value}") for entry, value in zip(entries, group.values()))
