# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is private to the cockroachdb_cloud.billing collection.
# It can change or vanish in any release, so do not use it from outside.

"""The shapes of the report's model. As JSON they are what C(costs.json) holds."""

from __future__ import annotations

import dataclasses
import decimal
import typing as t

Decimal = decimal.Decimal

Key = t.Tuple[t.Optional[str], ...]
"""Who pays: the values of the entries that say so, the organization before them where there are several."""


@dataclasses.dataclass
class Comparison:
    """Which month is compared with which; C(ahead) where the first is a draft, carried forward to its end."""

    period: str
    before: str
    ahead: bool


@dataclasses.dataclass
class Month:
    """What a month has cost; one without an invoice is there so that the months stand at their distance."""

    period: str
    amount: Decimal
    invoiced: bool
    draft: bool


@dataclasses.dataclass
class Part:
    """What is paid for: the newest month, the same carried forward, the month before, and what has changed."""

    kind: str
    description: str | None
    unit: str | None
    amount: Decimal
    quantity: Decimal | None
    expected: Decimal | None
    before: Decimal | None
    change: Decimal | None
    total: Decimal


@dataclasses.dataclass
class Mover:
    """Why the cost of a group has changed: C(change) is C(usage) and C(price) together, or an adjustment.

    C(description) and C(unit) are of the line item that has changed most, C(line_change), from one quantity to another.
    """

    key: list[str | None]
    kind: str
    usage: Decimal
    price: Decimal
    change: Decimal
    description: str | None
    unit: str | None
    line_change: Decimal
    quantity_before: Decimal | None
    quantity: Decimal | None


@dataclasses.dataclass
class Movers:
    """What has changed most; C(rest) sums up the C(others) smaller changes, so that all is C(total)."""

    rows: list[Mover]
    others: int
    rest: Mover
    total: Mover


@dataclasses.dataclass
class Standout:
    """A month that is unlike its neighbours, whose median C(usual) is; the line item that has most to do with it."""

    period: str
    amount: Decimal
    usual: Decimal
    description: str | None
    difference: Decimal


@dataclasses.dataclass
class Group:
    """Who pays, by month."""

    key: list[str | None]
    amounts: list[Decimal]
    total: Decimal
    allocated: Decimal | None


@dataclasses.dataclass
class Unallocated:
    """What has no owner in the newest month; a cluster is its name and its amount."""

    adjustments: Decimal
    unitemized: Decimal
    clusters: list[tuple[str | None, Decimal]]


@dataclasses.dataclass
class Cluster:
    """A cluster by month, with what the newest invoice says of it; adjustments are a row without a name."""

    organization: str | None
    kind: str
    cluster_id: str | None
    name: str | None
    details: dict[str, t.Any]
    amounts: list[Decimal]
    total: Decimal


@dataclasses.dataclass
class Series:
    """One fill of the chart; C(role) is C(named), C(others) or C(none)."""

    role: str
    key: list[str | None]
    members: int
    amounts: list[Decimal]


@dataclasses.dataclass
class Chart:
    """What the chart stacks, and by what."""

    by: list[str]
    series: list[Series]


@dataclasses.dataclass
class Books:
    """Everything in one currency. Lists of amounts are one a month of C(months)."""

    currency: str | None
    spent: Decimal
    low: Decimal | None
    high: Decimal | None
    before: Decimal | None
    total: Decimal
    months: list[Month]
    parts: list[Part]
    movers: Movers | None
    standouts: list[Standout]
    groups: list[Group]
    unallocated: Unallocated | None
    clusters: list[Cluster]
    chart: Chart


@dataclasses.dataclass
class Budget:
    """A budget and what became of it."""

    name: str | None
    group: dict[str, t.Any]
    currency: str | None
    amount: Decimal
    spent: Decimal | None
    low: Decimal | None
    high: Decimal | None
    state: str


@dataclasses.dataclass
class Balance:
    """What is left of a currency, what a month of it takes, and the day on which it is gone."""

    organization: str | None
    period: str | None
    currency: str | None
    amount: Decimal
    monthly: Decimal | None
    runs_out: str | None


@dataclasses.dataclass
class Model:
    """The report."""

    title: str
    as_of: str
    newest: str | None
    draft: bool
    day: int
    days: int
    first: str | None
    months: int
    invoices: int
    group_by: list[str]
    credit_rate: Decimal | None
    organizations: list[str]
    failures: dict[str, str | None]
    compared: Comparison | None
    budgets: list[Budget]
    currencies: list[Books]
    balances: list[Balance]
    reconciliation: list[dict[str, t.Any]]
    adjustments: list[dict[str, t.Any]]
