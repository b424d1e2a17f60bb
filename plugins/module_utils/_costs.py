# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is private to the cockroachdb_cloud.billing collection.
# It can change or vanish in any release, so do not use it from outside.

"""Costs by any grouping: sums, their projection, comparison with the month before, and reconciliation."""

from __future__ import annotations

import datetime
import decimal
import typing as t

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._books import Book, Share
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._document import ADJUSTMENT
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._forecast import (
    NOTHING,
    UNKNOWN,
    Progress,
    Projection,
    progress,
    project,
)
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._lines import Row
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._money import (
    EXACT,
    ZERO,
    add,
    percent_of,
    settle_each,
    text_order,
    to_float,
)
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._query import OF_INVOICES, OF_LINES

Key = t.Tuple[t.Optional[str], ...]
"""The values of the entries of C(group_by), in their order."""

Group = t.Tuple[Key, t.Optional[str]]
"""A key and a currency."""

Amounts = t.Dict[Group, decimal.Decimal]


class Cell:
    """What a group costs. C(rise) is what drafts add to it until their periods end, null where there is no draft.

    C(allocated) is what came to it from costs that were shared out; it is in C(usage) and C(adjustments) as well.
    """

    __slots__ = ("adjustments", "allocated", "quantity", "rise", "usage")

    def __init__(self) -> None:
        self.usage = ZERO
        self.adjustments = ZERO
        self.allocated = ZERO
        self.quantity = ZERO
        self.rise: Projection | None = None

    def add(self, kind: str, amount: decimal.Decimal) -> None:
        """Add costs of a kind: usage and what is unitemized go on, adjustments do not."""
        if kind == ADJUSTMENT:
            self.adjustments = EXACT.add(self.adjustments, amount)
        else:
            self.usage = EXACT.add(self.usage, amount)

    @property
    def amount(self) -> decimal.Decimal:
        """Return what was spent."""
        return EXACT.add(self.usage, self.adjustments)

    @property
    def projection(self) -> Projection:
        """Return what was spent, and what drafts add to it."""
        spent = self.amount
        return Projection(spent, spent, spent) + (self.rise or NOTHING)


class Calendar:
    """Says of each draft how far it has come, and of each month whether it was invoiced and is over."""

    def __init__(self, books: t.Iterable[Book], now: datetime.datetime) -> None:
        """Look at all invoices.

        :param now: the instant up to which drafts hold costs, aware.
        """
        self.progress: dict[str | None, Progress | None] = {}
        self.open: set[str | None] = set()
        self.invoiced: set[str | None] = set()
        self._now = now
        for book in books:
            self.invoiced.add(book.header.period)
            if is_draft(book):
                period, so_far = book.header.period, self.of(book)
                # Where one of several drafts has no end, nothing is known of the month as a whole.
                self.progress[period] = so_far and self.progress.get(period, so_far)
                if book.header.end is None or book.header.end > now:
                    self.open.add(period)

    def of(self, book: Book) -> Progress | None:
        """Return how far the billing period of an invoice has come."""
        return progress(book.header.start, book.header.end, self._now)

    def rise(self, book: Book, usage: decimal.Decimal, adjustments: decimal.Decimal) -> Projection | None:
        """Return what a draft adds to costs until its period ends; None for an invoice that is final."""
        if not is_draft(book):
            return None
        spent = EXACT.add(usage, adjustments)
        return Projection(
            *[None if end is None else EXACT.subtract(end, spent) for end in project(usage, adjustments, self.of(book))]
        )

    def nothing_yet(self, period: str | None) -> Projection:
        """Return the projection of a group that a month has no costs of."""
        so_far = self.progress.get(period)
        return UNKNOWN if period in self.open and (so_far is None or not so_far.settled) else NOTHING


def is_draft(book: Book) -> bool:
    """Say whether an invoice still changes."""
    return book.header.status == "DRAFT"


def group_costs(books: t.Iterable[Book], entries: t.Sequence[str], calendar: Calendar) -> dict[Group, Cell]:
    """Add up invoices by group and currency.

    :param entries: entries of C(group_by) that the books were made for.
    """
    cells: dict[Group, Cell] = {}
    plan = _Plan(entries)
    for book in books:
        if not is_draft(book):
            plan.add(cells, book)
            continue
        of_draft: dict[Group, Cell] = {}
        plan.add(of_draft, book)
        for group, part in of_draft.items():
            part.rise = calendar.rise(book, part.usage, part.adjustments)
            merge(cells, group, part)
    return cells


class _Plan:
    """How the key of a group is put together: which of its entries line items of one share have in common."""

    def __init__(self, entries: t.Sequence[str]) -> None:
        self._entries = entries
        self._of_lines = [(place, OF_LINES.index(entry)) for place, entry in enumerate(entries) if entry in OF_LINES]
        self._quantities = "unit" in entries

    def add(self, cells: dict[Group, Cell], book: Book) -> None:
        """Add an invoice to the cells of its groups."""
        header = book.header
        known = {"period": header.period, "invoice": header.invoice_id, "status": header.status}
        for share in book.shares:
            if share.sums:
                known["kind"] = share.kind
                self._add_share(cells, share, [known.get(entry, share.values.get(entry)) for entry in self._entries])

    def _add_share(self, cells: dict[Group, Cell], share: Share, values: list[str | None]) -> None:
        if not self._of_lines:
            key = tuple(values)
            for currency, amount in share.sums.items():
                _cell(cells, (key, currency)).add(share.kind, amount)
            return
        of_lines, quantities, kind = self._of_lines, share.quantities if self._quantities else {}, share.kind
        for line, amount in share.amounts.items():
            for place, which in of_lines:
                values[place] = line[which]
            group = (tuple(values), line[2])
            cell = cells.get(group) or _cell(cells, group)
            cell.add(kind, amount)
            if line in quantities:
                cell.quantity = EXACT.add(cell.quantity, quantities[line])


def _cell(cells: dict[Group, Cell], group: Group) -> Cell:
    cell = cells.get(group)
    if cell is None:
        cell = cells[group] = Cell()
    return cell


def merge(cells: dict[Group, Cell], group: Group, part: Cell) -> None:
    """Add costs to those of their group."""
    cell = _cell(cells, group)
    cell.usage = EXACT.add(cell.usage, part.usage)
    cell.adjustments = EXACT.add(cell.adjustments, part.adjustments)
    cell.allocated = EXACT.add(cell.allocated, part.allocated)
    cell.quantity = EXACT.add(cell.quantity, part.quantity)
    if part.rise is not None:
        cell.rise = (cell.rise or NOTHING) + part.rise


def group_order(group: Group) -> list[tuple[bool, str]]:
    """Return what sorts groups by their values, null last, then by currency."""
    key, currency = group
    return [text_order(value) for value in (*key, currency)]


def optional(amount: decimal.Decimal | None) -> float | None:
    """Return the double nearest to an amount, None for none."""
    return None if amount is None else to_float(amount)


def cost_rows(
    cells: t.Mapping[Group, Cell], entries: t.Sequence[str], calendar: Calendar, *, shared: bool = False
) -> list[Row]:
    """Return a row for each group and currency, in their order.

    :param shared: whether rows tell what came to them from costs that were shared out.
    """
    return [_row(group, cells[group], entries, calendar, shared) for group in sorted(cells, key=group_order)]


def _row(group: Group, cell: Cell, entries: t.Sequence[str], calendar: Calendar, shared: bool) -> Row:
    key, currency = group
    row: Row = {**dict(zip(entries, key)), "currency": currency, "amount": to_float(cell.amount)}
    if shared:
        row["allocated"] = to_float(cell.allocated)
    if "unit" in entries:
        row["quantity"] = None if row["unit"] is None else to_float(cell.quantity)
    if "period" in entries and row["period"] in calendar.open:
        row["projected"] = optional(cell.projection.projected)
    return row


def compared_rows(
    cells: dict[Group, Cell],
    before: t.Mapping[Group, Cell],
    entries: t.Sequence[str],
    calendar: Calendar,
    *,
    shared: bool = False,
) -> list[Row]:
    """Return the rows of :func:`cost_rows`, each compared with the same group in the month before.

    A month that is not over is compared at its projection. A group that had costs in the month before and has none in
    a month that was invoiced gets a row.

    :param cells: what the rows are of; groups that have costs no more are added.
    :param before: costs that only count as the month before.
    """
    place = list(entries).index("period")
    earlier: Amounts = {}
    for source in (cells, before):
        for (key, currency), cell in source.items():
            period = _next_month(key[place])
            if period is not None:
                add(earlier, ((*key[:place], period, *key[place + 1 :]), currency), cell.amount)
    for group in earlier:
        if group not in cells and group[0][place] in calendar.invoiced:
            cells[group] = Cell()
            cells[group].rise = calendar.nothing_yet(group[0][place])
    rows = []
    for group in sorted(cells, key=group_order):
        cell = cells[group]
        reached = cell.projection.projected if group[0][place] in calendar.open else cell.amount
        rows.append({**_row(group, cell, entries, calendar, shared), **_comparison(reached, earlier.get(group))})
    return rows


def _comparison(amount: decimal.Decimal | None, previous: decimal.Decimal | None) -> Row:
    if previous is None or amount is None:
        return {"previous": optional(previous), "change": None, "change_percent": None}
    change = EXACT.subtract(amount, previous)
    return {"previous": to_float(previous), "change": to_float(change), "change_percent": percent_of(change, previous)}


def _next_month(period: str | None) -> str | None:
    if period is None:
        return None
    year, month = int(period[:4]), int(period[5:7])
    return f"{year + 1:04d}-01" if month == 12 else f"{year:04d}-{month + 1:02d}"


def forecast_rows(books: t.Iterable[Book], entries: t.Sequence[str], calendar: Calendar) -> list[Row]:
    """Project drafts to the end of their billing periods: a row for each month, group and currency.

    :param entries: entries of C(group_by); those that belong to invoices are passed over.
    """
    groups = ["period", *(entry for entry in entries if entry not in OF_INVOICES)]
    cells = group_costs([book for book in books if is_draft(book)], groups, calendar)
    rows = []
    for group in sorted(cells, key=group_order):
        key, currency = group
        cell, so_far = cells[group], calendar.progress[key[0]]
        rows.append(
            {
                **dict(zip(groups, key)),
                "currency": currency,
                "spent": to_float(cell.amount),
                "usage": to_float(cell.usage),
                "adjustments": to_float(cell.adjustments),
                "elapsed": None if so_far is None else to_float(so_far.elapsed),
                **projection_row(cell.projection),
            }
        )
    return rows


def projection_row(projection: Projection) -> Row:
    """Return the keys that say where costs are heading."""
    names = ("projected", "projected_low", "projected_high")
    return {name: optional(amount) for name, amount in zip(names, projection)}


def reconciliation_rows(books: t.Iterable[Book]) -> list[Row]:
    """Return what each invoice states beside what its parts add up to, a row for each currency, not converted."""
    rows = []
    for book in books:
        for currency, found in settle_each(book.stated, book.lines, book.adjustments):
            total, lines, adjusted = (sums.get(currency, ZERO) for sums in (book.stated, book.lines, book.adjustments))
            rows.append(
                {
                    "invoice_id": book.header.invoice_id,
                    "period": book.header.period,
                    "currency": currency,
                    "total": to_float(total),
                    "lines": to_float(lines),
                    "adjustments": to_float(adjusted),
                    "difference": to_float(EXACT.subtract(EXACT.subtract(total, lines), adjusted)),
                    "reconciled": found.reconciled,
                }
            )
    return rows
