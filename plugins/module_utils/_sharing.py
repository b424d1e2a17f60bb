# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is private to the cockroachdb_cloud.billing collection.
# It can change or vanish in any release, so do not use it from outside.

"""Costs of nobody, shared out among those who have some, and amounts rounded: the sum is the bill's all the time.

What is shared out keeps the values of all groups but the one that it is shared out by, so that sums by an invoice, a
description or a plan are what they were.
"""

from __future__ import annotations

import decimal
import typing as t

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._books import Book
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._costs import (
    Calendar,
    Cell,
    Group,
    group_costs,
    group_order,
    merge,
)
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._errors import legible
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._forecast import UNKNOWN, Projection
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._money import (
    EXACT,
    ZERO,
    add,
    grouped,
    round_keeping_sum,
    split,
    text_order,
)
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._query import (
    EVEN,
    FIXED,
    NONE,
    OWNER,
    PROPORTIONAL,
    Query,
)

_KIND, _PERIOD = "kind", "period"
_MOST = 3
_MOST_NAMES = 20

Pool = t.Tuple[t.Optional[str], t.Optional[str]]
"""A month and a currency: costs are shared out within these."""


class Arranged(t.NamedTuple):
    """Costs by group and currency as a query wants to see them, and what its user should be warned of."""

    cells: dict[Group, Cell]
    warnings: list[str]


def arrange(books: t.Sequence[Book], query: Query, calendar: Calendar) -> Arranged:
    """Add up invoices by the groups of a query, share out what belongs to nobody, and round.

    :raises ResponseError: when amounts add up to more than a number can hold.
    """
    dimension = None if query.allocate == NONE else query.dimension()
    if dimension is None:
        arranged = Arranged(group_costs(books, query.group_by, calendar), [])
    else:
        arranged = _share_out(books, query, calendar, query.group_by[dimension])
    if query.decimals is None:
        return arranged
    return arranged._replace(cells=_rounded(arranged.cells, query.group_by, query.decimals))


def _share_out(books: t.Sequence[Book], query: Query, calendar: Calendar, dimension: str) -> Arranged:
    """Share out within months, whether the month is a group or not."""
    monthly = _PERIOD in query.group_by
    entries = query.group_by if monthly else (_PERIOD, *query.group_by)
    sharing = _Sharing(group_costs(books, entries, calendar), entries, dimension, merged=not monthly)
    weights = dict(query.weights)
    cells = sharing.share_out(query.allocate, weights)
    if not monthly:
        by_month, cells = cells, {}
        for (key, currency), cell in by_month.items():
            merge(cells, (key[1:], currency), cell)
    return Arranged(
        cells,
        [
            *_say_what_is_shared(query, dimension),
            *_say_what_stays(sharing.left, query, dimension),
            *_say_who_is_unknown(sharing.owners, weights),
        ],
    )


class _Sharing:
    """Costs by group, seen by who they belong to: month by month, and currency by currency.

    How large the sum of a row can get decides how many digits its parts have. That is up to its month alone, so that a
    month is shared out as it is whichever others are asked for; but for months that are C(merged) into one row.
    """

    def __init__(self, cells: dict[Group, Cell], entries: t.Sequence[str], dimension: str, *, merged: bool) -> None:
        self._cells = cells
        self._merged = merged
        self._month, self._place = list(entries).index(_PERIOD), list(entries).index(dimension)
        self._sums: dict[Pool, dict[str, decimal.Decimal]] = {}
        self._sizes: dict[Pool, decimal.Decimal] = {}
        self.owners: set[str] = set()
        self.left: dict[Pool, decimal.Decimal] = {}
        for (key, currency), cell in cells.items():
            owner, amount, pool = key[self._place], cell.amount, (key[self._month], currency)
            add(self._sizes, self._rows(pool), amount.copy_abs())
            if owner is not None:
                self.owners.add(owner)
                add(self._sums.setdefault(pool, {}), owner, amount)

    def share_out(self, method: str, weights: t.Mapping[str, decimal.Decimal]) -> dict[Group, Cell]:
        """Return the costs with those of nobody shared out, and keep in C(left) what nobody could take."""
        shared = {group: cell for group, cell in self._cells.items() if group[0][self._place] is not None}
        takers: dict[Pool, dict[str, decimal.Decimal]] = {}
        for group in sorted(set(self._cells).difference(shared), key=group_order):
            key, currency = group
            cell, pool = self._cells[group], (key[self._month], currency)
            if pool not in takers:
                takers[pool] = self._takers(pool, method, weights)
            if not takers[pool]:
                shared[group] = cell
                add(self.left, pool, cell.amount)
                continue
            parts = _parts(cell, list(takers[pool].values()), self._sizes[self._rows(pool)])
            for owner, part in zip(takers[pool], parts):
                merge(shared, ((*key[: self._place], owner, *key[self._place + 1 :]), currency), part)
        return shared

    def _rows(self, pool: Pool) -> Pool:
        """Return the month and currency of the rows that costs end up in."""
        return (None, pool[1]) if self._merged else pool

    def _takers(self, pool: Pool, method: str, weights: t.Mapping[str, decimal.Decimal]) -> dict[str, decimal.Decimal]:
        """Return who takes part, in their order, and with what weight."""
        sums = self._sums.get(pool, {})
        if method == PROPORTIONAL:
            weights = sums
        elif method == EVEN:
            weights = dict.fromkeys(sums, decimal.Decimal(1))
        return {owner: weights[owner] for owner in sorted(sums) if weights.get(owner, ZERO) > 0}


def _parts(cell: Cell, weights: list[decimal.Decimal], size: decimal.Decimal) -> list[Cell]:
    """Return what each taker gets of costs that belong to nobody."""
    parts = [Cell() for dummy in weights]
    rises = [None if end is None else split(end, weights, end.copy_abs()) for end in cell.rise or ()]
    usages, adjustments = split(cell.usage, weights, size), split(cell.adjustments, weights, size)
    quantities = split(cell.quantity, weights, cell.quantity.copy_abs())
    for place, part in enumerate(parts):
        part.usage, part.adjustments, part.quantity = usages[place], adjustments[place], quantities[place]
        part.allocated = part.amount
        if rises:
            part.rise = Projection(*[None if ends is None else ends[place] for ends in rises])
    return parts


def _rounded(cells: t.Mapping[Group, Cell], entries: t.Sequence[str], digits: int) -> dict[Group, Cell]:
    """Round costs so that those of a month and currency, or of a currency, add up to their rounded total."""
    month = list(entries).index(_PERIOD) if _PERIOD in entries else None
    pools: dict[Pool, list[Group]] = {}
    for group in sorted(cells, key=group_order):
        pools.setdefault((None if month is None else group[0][month], group[1]), []).append(group)
    rounded: dict[Group, Cell] = {}
    for groups in pools.values():
        rounded.update(zip(groups, _round_together([cells[group] for group in groups], digits)))
    return rounded


def _round_together(cells: list[Cell], digits: int) -> list[Cell]:
    rounded = [Cell() for dummy in cells]
    for part, amount in zip(rounded, round_keeping_sum([cell.amount for cell in cells], digits)):
        part.usage = amount
    _round_allocated(cells, rounded, digits)
    ends = [cell.projection.projected for cell in cells]
    projected = iter(round_keeping_sum([end for end in ends if end is not None], digits))
    for part, cell, end in zip(rounded, cells, ends):
        part.quantity = cell.quantity
        rise = None if end is None else EXACT.subtract(next(projected), part.amount)
        if cell.rise is not None:
            part.rise = UNKNOWN if rise is None else Projection(rise, None, None)
    return rounded


def _round_allocated(cells: list[Cell], rounded: list[Cell], digits: int) -> None:
    """Round what was shared out, and let what is allocated as a whole be the amount that the row shows."""
    partly, parts = [], []
    total = pinned = ZERO
    for cell, part in zip(cells, rounded):
        total = EXACT.add(total, cell.allocated)
        if cell.allocated == cell.amount:
            part.allocated = part.amount
            pinned = EXACT.add(pinned, part.amount)
        elif cell.allocated:
            partly.append(cell.allocated)
            parts.append(part)
    [target] = round_keeping_sum([total], digits)
    for part, amount in zip(parts, round_keeping_sum(partly, digits, EXACT.subtract(target, pinned))):
        part.allocated = amount


def _say_what_is_shared(query: Query, dimension: str) -> list[str]:
    """Return the warning for groups in an order that shares out something else than their user means."""
    if dimension == _KIND:
        return [
            "allocate: every cost has a kind, so that nothing is shared out. "
            "Put who pays, such as owner, before kind in group_by."
        ]
    if dimension != OWNER and OWNER in query.group_by:
        return [
            f"allocate: what has no {dimension} is shared out, as {dimension} comes before owner in group_by. "
            "Put owner first to share out what has no owner."
        ]
    return []


def _say_what_stays(left: t.Mapping[Pool, decimal.Decimal], query: Query, dimension: str) -> list[str]:
    """Return the warning for costs that nobody could take."""
    stays = [pool for pool in left if left[pool]]
    if not stays:
        return []
    stays.sort(key=lambda pool: [text_order(value) for value in pool])
    said = [
        f"{grouped(left[period, currency])} {legible(currency or '(no currency)')} of {period or '(no period)'}"
        for period, currency in stays[:_MOST]
    ]
    more = f"; and {len(stays) - _MOST} more" if len(stays) > _MOST else ""
    nobody = "nobody with a weight has costs" if query.allocate == FIXED else "nobody has costs to share by"
    return [f"allocate: {nobody}, so that what has no {dimension} stays so: {'; '.join(said)}{more}."]


def _say_who_is_unknown(owners: t.Collection[str], weights: t.Iterable[str]) -> list[str]:
    """Return the warning for weights of those who have no costs."""
    unknown = [owner for owner in weights if owner not in owners]
    if not unknown:
        return []
    there = [legible(owner) for owner in sorted(owners)]
    more = f" and {len(there) - _MOST_NAMES} more" if len(there) > _MOST_NAMES else ""
    there_is = f"There is {', '.join(there[:_MOST_NAMES])}{more}." if there else "Nobody has any."
    named = " and ".join(repr(owner) for owner in unknown)
    return [f"weights: {named} has no costs in these invoices, so that the weight counts for nothing. {there_is}"]
