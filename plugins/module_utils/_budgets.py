# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is private to the cockroachdb_cloud.billing collection.
# It can change or vanish in any release, so do not use it from outside.

"""Budgets: what this month may cost, and where its draft stands against that."""

from __future__ import annotations

import datetime
import decimal
import typing as t

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._books import Book
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._costs import (
    Calendar,
    Cell,
    Group,
    Key,
    group_costs,
    is_draft,
    optional,
    projection_row,
)
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._errors import legible, shown
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._forecast import UNKNOWN, Projection
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._lines import Row
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._money import percent_of, to_float
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._query import Budget

OVER, FORECAST_OVER, AT_RISK, WITHIN, NOT_KNOWN = STATES = ("over", "forecast_over", "at_risk", "within", "unknown")
_MOST_NAMES = 20


class Judged(t.NamedTuple):
    """A row for each budget in the order given, and what a user should be warned of."""

    rows: list[Row]
    warnings: list[str]


class Threshold(t.NamedTuple):
    """An amount to watch for; C(percent) is what it is of a budget, None where it was given as an amount."""

    amount: decimal.Decimal
    percent: decimal.Decimal | None = None


class Crossing(t.NamedTuple):
    """A threshold that the cost of a group has reached; C(amount) is that cost."""

    key: Key
    threshold: Threshold
    amount: decimal.Decimal


def drafts_of(books: t.Iterable[Book], now: datetime.datetime) -> list[Book]:
    """Return the drafts whose billing period has begun and is not over.

    :param now: the present, aware.
    """
    return [book for book in books if is_draft(book) and _covers(book, now)]


def _covers(book: Book, now: datetime.datetime) -> bool:
    start, end = book.header.start, book.header.end
    if start is None or start > now:
        return False
    return now < end if end is not None else book.header.period == f"{now:%Y-%m}"


def newest_drafts(books: t.Iterable[Book], now: datetime.datetime) -> list[Book]:
    """Return the drafts of the newest month that has begun.

    Until there is one of a month that has just begun, these are those of the month before, whose last hours of costs
    may still be added to them.

    :param now: the present, aware.
    """
    begun = [book for book in books if is_draft(book) and book.header.start is not None and book.header.start <= now]
    newest = max((f"{book.header.period}" for book in begun), default=None)
    return [book for book in begun if book.header.period == newest]


def crossed(
    thresholds: t.Sequence[Threshold], cells: t.Mapping[Group, Cell], currency: str, *, projected: bool = False
) -> list[Crossing]:
    """Return which thresholds the cost of each group has reached or passed: group by group, as C(thresholds) are.

    :param cells: what each group costs; those in other currencies are left out.
    :param projected: compare where costs are heading rather than what was spent; nothing where that is not known.
    """
    crossings = []
    for (key, given), cell in cells.items():
        amount = cell.projection.projected if projected else cell.amount
        if given == currency and amount is not None:
            crossings += [Crossing(key, threshold, amount) for threshold in thresholds if amount >= threshold.amount]
    return crossings


def judge(budgets: t.Sequence[Budget], books: t.Sequence[Book], calendar: Calendar, now: datetime.datetime) -> Judged:
    """Compare the drafts of this month with budgets.

    :param books: the invoices that were fetched; others than drafts of this month tell which groups there are.
    :param now: the present, aware, in UTC.
    """
    drafts = drafts_of(books, now)
    spent, known = _Grouped(drafts, calendar), _Grouped(books, calendar)
    judged = Judged([], [])
    if budgets:
        judged.warnings.extend(
            _say_what_does_not_count(books, drafts, now) if drafts else [say_what_is_newest(books, now)]
        )
    for budget in budgets:
        entries = tuple(entry for entry, dummy in budget.group)
        group = (tuple(value for dummy, value in budget.group), budget.currency)
        cell = spent.by(entries).get(group)
        if drafts and cell is None:
            # Which groups there are in other months matters only here, and takes as long as all else.
            there = (known if entries else spent).by(entries)
            if group in there or not (entries or there):
                cell = Cell()
                cell.rise = calendar.nothing_yet(drafts[0].header.period)
            else:
                judged.warnings.append(_say_what_there_is(budget, there))
        judged.rows.append(_row(budget, cell))
    return judged


class _Grouped:
    """Invoices by any groups that are asked for, each grouping made once."""

    def __init__(self, books: t.Sequence[Book], calendar: Calendar) -> None:
        self._books = books
        self._calendar = calendar
        self._made: dict[tuple[str, ...], dict[Group, Cell]] = {}

    def by(self, entries: tuple[str, ...]) -> dict[Group, Cell]:
        """Return the costs of each group and currency."""
        if entries not in self._made:
            self._made[entries] = group_costs(self._books, entries, self._calendar)
        return self._made[entries]


def say_what_is_newest(books: t.Iterable[Book], now: datetime.datetime) -> str:
    """Return the text for a month without a draft."""
    known = sorted(
        (book.header.period, legible(book.header.status or "without a status"))
        for book in books
        if book.header.period is not None
    )
    newest = f"the newest of these invoices is of {known[-1][0]} ({known[-1][1]})" if known else "there is no invoice"
    return f"There is no draft of this month ({now:%Y-%m}) to compare with a budget: {newest}."


def _say_what_does_not_count(books: t.Iterable[Book], drafts: list[Book], now: datetime.datetime) -> list[str]:
    """Return the warning for invoices that may be of this month, and are not compared with a budget."""
    unclear = [
        f"{legible(header.invoice_id or '(no id)')} ({legible(header.status or 'without a status')}, "
        f"{header.period or 'no period_start'})"
        for book, header in ((book, book.header) for book in books)
        if not any(book is draft for draft in drafts) and (_covers(book, now) or (is_draft(book) and not header.start))
    ]
    if not unclear:
        return []
    more = f" and {len(unclear) - _MOST_NAMES} more" if len(unclear) > _MOST_NAMES else ""
    return [f"budgets: the drafts of this month count, and not {', '.join(unclear[:_MOST_NAMES])}{more}."]


def _row(budget: Budget, cell: Cell | None) -> Row:
    amount = None if cell is None else cell.amount
    projection = UNKNOWN if cell is None else cell.projection
    return {
        "name": budget.name,
        "group": dict(budget.group),
        "currency": budget.currency,
        "amount": to_float(budget.amount),
        "spent": optional(amount),
        "percent": None if amount is None else percent_of(amount, budget.amount),
        **projection_row(projection),
        "state": state_of(budget.amount, amount, projection),
    }


def state_of(budget: decimal.Decimal, spent: decimal.Decimal | None, projection: Projection) -> str:
    """Return where costs stand against a budget: one of :data:`STATES`, the first one that holds."""
    if spent is not None and spent > budget:
        return OVER
    if spent is None or projection.low is None or projection.high is None:
        return NOT_KNOWN
    if projection.low > budget:
        return FORECAST_OVER
    return AT_RISK if projection.high > budget else WITHIN


def _say_what_there_is(budget: Budget, known: dict[Group, Cell]) -> str:
    """Return the warning for a budget that fits no cost."""
    which = f"the budget {shown(budget.name)}" if budget.name else "a budget"
    wanted = " and ".join(f"{entry} {shown(value)}" for entry, value in budget.group)
    values = tuple(value for dummy, value in budget.group)
    currencies = sorted({legible(currency or "(no currency)") for key, currency in known if key == values})
    if currencies:
        return (
            f"budgets: {which} is in {legible(budget.currency)}, and its costs are only in {', '.join(currencies)}. "
            "Give it in a currency that there is, or set credit_rate to count credits as USD."
        )
    names = sorted({" / ".join(legible(value or "(none)") for value in key) for key, dummy in known if key})
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    there_is = f" The costs are of {', '.join(names[:_MOST_NAMES])}{more}." if names else ""
    return f"budgets: no cost fits {which} for {wanted}.{there_is}"
