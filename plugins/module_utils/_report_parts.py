# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is private to the cockroachdb_cloud.billing collection.
# It can change or vanish in any release, so do not use it from outside.

"""The parts of the report that want some thought: what changed and why, what stands out, what the chart stacks."""

from __future__ import annotations

import statistics
import typing as t

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._money import ZERO, divide, text_order
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._report_model import (
    Chart,
    Comparison,
    Decimal,
    Key,
    Month,
    Mover,
    Movers,
    Part,
    Series,
    Standout,
)

Cell = t.Tuple[Decimal, t.Optional[Decimal]]
"""An amount, and the quantity that it was for where that is known."""

Line = t.Tuple[str, Key, t.Optional[str], t.Optional[str]]
"""The kind of a cost, who pays, its description and unit."""

Lines = t.Dict[Line, t.Dict[t.Optional[str], Cell]]
"""Line items by month."""

SERIES = 8
"""How many fills a reader tells apart."""

# More than this in one grey fill, and the chart says nothing.
_MOST_OTHERS = Decimal("0.4")
# A mover is named when it has this part of all usage that moved, and the first few are always.
_WORTH_NAMING = Decimal("0.03")
_NAMED_MOVERS = 8
_ALWAYS_NAMED = 3
# A month stands out when it is this part of its neighbours away from them.
_UNLIKE = Decimal("0.5")
_NEIGHBOURS = 2

NOTHING: Cell = (ZERO, ZERO)


def parts_of(lines: Lines, newest: str | None, compared: Comparison | None, pace: Decimal) -> list[Part]:
    """Return what is paid for, the largest first; adjustments and what is not itemized stand at the end.

    :param pace: by what usage is multiplied to be carried forward.
    """
    parts = []
    for (kind, _key, description, unit), months in _merged(lines).items():
        amount, quantity = months.get(newest, NOTHING)
        expected = before = None
        if compared is not None and compared.period == newest:
            before = months.get(compared.before, NOTHING)[0]
            expected = amount * pace if compared.ahead and kind != "adjustment" else amount
        change = None if expected is None or before is None else expected - before
        total = sum((cell[0] for cell in months.values()), ZERO)
        if amount or before or total:
            parts.append(Part(kind, description, unit, amount, quantity, expected, before, change, total))
    return sorted(
        parts,
        key=lambda part: (
            part.kind != "usage",
            -part.amount,
            -(part.before or ZERO),
            text_order(part.description),
            text_order(part.unit),
        ),
    )


def _merged(lines: Lines) -> Lines:
    """Return the lines with all adjustments as one: their names are of their own section."""
    merged: Lines = {}
    for (kind, key, description, unit), months in lines.items():
        into = merged.setdefault((kind, key, description, unit) if kind == "usage" else (kind, (), None, None), {})
        for period, (amount, quantity) in months.items():
            known = into.get(period)
            into[period] = (amount, quantity) if known is None else (known[0] + amount, None)
    return merged


def movers_of(lines: Lines, compared: Comparison, factors: t.Mapping[Key, Decimal]) -> Movers:
    """Return why the costs of the groups have changed.

    What a line item costs more is price as far as today's quantity costs more than at the price of before, and usage
    else. Without quantities, and of what is new or gone, all of it is usage.

    :param factors: by what the usage of a group is multiplied where the month is carried forward.
    """
    groups: dict[tuple[str, Key], list[Mover]] = {}
    for (kind, key, description, unit), months in lines.items():
        factor = factors.get(key, Decimal(1)) if compared.ahead and kind != "adjustment" else Decimal(1)
        now, before = months.get(compared.period, NOTHING), months.get(compared.before, NOTHING)
        quantity = None if now[1] is None else now[1] * factor
        change = now[0] * factor - before[0]
        price = _price_effect((now[0] * factor, quantity), before)
        usage = ZERO if kind == "adjustment" else change - price
        line = Mover(list(key), kind, usage, price, change, description, unit, change, before[1], quantity)
        groups.setdefault((kind, key if kind == "usage" else ()), []).append(line)
    movers = [_sum(group) for group in groups.values()]
    movers.sort(key=lambda one: (-abs(one.change), one.kind, [text_order(value) for value in one.key]))
    moved = [mover for mover in movers if mover.kind == "usage" and mover.change]
    least = _WORTH_NAMING * sum((abs(mover.change) for mover in moved), ZERO)
    top = [
        mover
        for place, mover in enumerate(moved)
        if place < _NAMED_MOVERS and (abs(mover.change) >= least or place < _ALWAYS_NAMED)
    ]
    named = [mover for mover in movers if mover.change and (mover.kind != "usage" or mover in top)]
    rest = [mover for mover in moved if mover not in top]
    return Movers(named, len(rest), _sum(rest), _sum(movers))


def _price_effect(now: Cell, before: Cell) -> Decimal:
    if not now[1] or not before[1] or not now[0] or not before[0]:
        return ZERO
    return now[0] - divide(before[0] * now[1], before[1])


def _sum(movers: t.Sequence[Mover]) -> Mover:
    """Return movers as one, with the line of that which has changed most in the direction of all."""
    change = sum((mover.change for mover in movers), ZERO)
    usage = sum((mover.usage for mover in movers), ZERO)
    price = sum((mover.price for mover in movers), ZERO)
    if not movers:
        return Mover([], "usage", usage, price, change, None, None, ZERO, None, None)
    line = max(movers, key=lambda one: one.change if change >= 0 else -one.change)
    return Mover(
        line.key,
        line.kind,
        usage,
        price,
        change,
        line.description,
        line.unit,
        line.change,
        line.quantity_before,
        line.quantity,
    )


def standouts_of(months: t.Sequence[Month], lines: Lines) -> list[Standout]:
    """Return the months that are unlike the two before and after them; a draft is none, and no neighbour either."""
    whole = [month for month in months if month.invoiced and not month.draft]
    found = []
    for place, month in enumerate(whole):
        around = [*whole[max(place - _NEIGHBOURS, 0) : place], *whole[place + 1 : place + 1 + _NEIGHBOURS]]
        # The newest months have no one after them yet: what began there may be here to stay.
        if len(around) < _NEIGHBOURS + 1:
            continue
        usual = statistics.median(one.amount for one in around)
        if usual > 0 and abs(month.amount - usual) > _UNLIKE * usual:
            found.append(_standout(month, usual, [one.period for one in around], lines))
    return found


def _standout(month: Month, usual: Decimal, around: list[str], lines: Lines) -> Standout:
    differences: dict[str | None, Decimal] = {}
    for (_kind, _key, description, _unit), cells in lines.items():
        difference = cells.get(month.period, NOTHING)[0] - statistics.median(
            cells.get(one, NOTHING)[0] for one in around
        )
        differences[description] = differences.get(description, ZERO) + difference
    sign = 1 if month.amount > usual else -1
    cause = max(differences, key=lambda one: (sign * differences[one], one or ""))
    return Standout(month.period, month.amount, usual, cause, differences[cause])


Folding = t.Tuple[t.List[str], t.Dict[Key, t.List[Decimal]]]
"""By what amounts are summed up, and the sums by month."""


def series_of(foldings: t.Iterable[Folding], periods: t.Sequence[str], months: t.Sequence[Decimal]) -> Chart:
    """Return what the chart stacks: the first folding whose others are few enough, else that which has the fewest."""
    best: tuple[Decimal, Chart] | None = None
    for by, amounts in foldings:
        chart = Chart(by, _stack(amounts))
        size = sum((_size(one.amounts) for one in chart.series), ZERO)
        others = sum((_size(one.amounts) for one in chart.series if one.role == "others"), ZERO)
        share = divide(others, size) if size else ZERO
        if share < _MOST_OTHERS:
            return chart
        if best is None or share < best[0]:
            best = share, chart
    return best[1] if best else Chart([], [Series("named", [], 1, list(months))] if periods else [])


def _size(amounts: t.Iterable[Decimal]) -> Decimal:
    return sum(map(abs, amounts), ZERO)


def _stack(amounts: dict[Key, list[Decimal]]) -> list[Series]:
    """Return at most :data:`SERIES` series: the largest, the others as one, and what belongs to nobody."""
    sized = [key for key in amounts if any(amounts[key])]
    nobody = [key for key in sized if key[-1] is None]
    named = [key for key in sized if key[-1] is not None]
    named.sort(key=lambda key: (-_size(amounts[key]), [text_order(part) for part in key]))
    room = SERIES - bool(nobody)
    # The page has a colour for each but one: the last is the others' or nobody's.
    top = named if len(named) < SERIES and len(named) <= room else named[: room - 1]
    series = [Series("named", list(key), 1, amounts[key]) for key in top]
    for role, members in (("others", named[len(top) :]), ("none", nobody)):
        if members:
            columns = zip(*(amounts[key] for key in members))
            series.append(Series(role, [], len(members), [sum(column, ZERO) for column in columns]))
    return series
