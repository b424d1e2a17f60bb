# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is private to the cockroachdb_cloud.billing collection.
# It can change or vanish in any release, so do not use it from outside.

"""From invoices that were added up to everything that is asked of them, in one pass."""

from __future__ import annotations

import datetime
import decimal
import typing as t

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._books import Book, add_up
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._budgets import judge
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._costs import (
    Calendar,
    Cell,
    Group,
    compared_rows,
    cost_rows,
    forecast_rows,
    group_costs,
    is_draft,
    optional,
    reconciliation_rows,
)
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._document import Invoice, check_invoices
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._errors import legible
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._forecast import monthly, run_out
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._lines import Row
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._money import (
    CREDITS,
    ZERO,
    add,
    grouped,
    settle_each,
    text_order,
    to_float,
)
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._owners import Owners
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._query import NONE, OF_CLUSTERS, OWNER, Query
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._sharing import arrange

_MOST = 3
_MOST_LABELS = 30


class Answer(t.NamedTuple):
    """What C(cost_info) returns, and what its user should be warned of."""

    result: dict[str, t.Any]
    warnings: list[str]


def read_books(invoices: t.Any, query: Query) -> list[Book]:
    """Add up invoices that a user passes.

    :param invoices: a list of invoices with all details.
    :raises OptionsError: on anything but invoices.
    :raises ResponseError: on a value of the wrong type in one.
    """
    return sorted((add_up(raw, query) for raw in check_invoices(invoices)), key=_book_order)


def answer(books: t.Iterable[Book], query: Query, now: datetime.datetime, *, before: t.Sequence[Book] = ()) -> Answer:
    """Answer a query.

    :param books: the invoices, added up for this query.
    :param now: the instant up to which drafts hold costs, aware, in UTC.
    :param before: invoices that only count as the month before, for C(compare).
    :returns: the rows as C(cost_info) documents them; all of them sorted.
    :raises ResponseError: when amounts add up to more than a number can hold.
    """
    books = sorted(books, key=_book_order)
    calendar = Calendar(books, now)
    judged = judge(query.budgets, books, calendar, now)
    arranged = arrange(books, query, calendar)
    reconciliation = reconciliation_rows(books)
    result: dict[str, t.Any] = {
        "costs": _cost_rows(arranged.cells, before, query, calendar),
        "breakdowns": {
            name: cost_rows(group_costs(books, entries, calendar), entries, calendar)
            for name, entries in query.breakdowns
        },
        "totals": cost_rows(group_costs(books, (), calendar), (), calendar),
        "invoices": [
            {"invoice_id": header.invoice_id, "period": header.period, "status": header.status}
            for header in (book.header for book in books)
        ],
        "forecast": forecast_rows(books, query.group_by, calendar),
        "budgets": judged.rows,
        "reconciliation": reconciliation,
        "balances": _balance_rows(books, now),
        "adjustments": _adjustment_rows(books),
    }
    missing = missing_labels(books, query)
    warnings = [*differences(reconciliation), *([missing] if missing else []), *judged.warnings, *arranged.warnings]
    if query.owners and OWNER not in query.entries():
        warnings.append("owners: nothing is added up by owner, as no group is 'owner'. Add it to group_by.")
    return Answer(result, warnings)


def _cost_rows(cells: dict[Group, Cell], before: t.Sequence[Book], query: Query, calendar: Calendar) -> list[Row]:
    shared = query.allocate != NONE
    if query.compare:
        earlier = arrange(before, query, calendar).cells
        return compared_rows(cells, earlier, query.group_by, calendar, shared=shared)
    return cost_rows(cells, query.group_by, calendar, shared=shared)


def cluster_rows(books: t.Iterable[Book]) -> list[Row]:
    """Return what the newest invoice of each cluster says about it beside its costs, where the books keep details."""
    newest: dict[tuple[str | None, str | None], tuple[Invoice, Row]] = {}
    for book in sorted(books, key=_age):
        for invoice, cluster in book.clusters:
            cluster_id = invoice.fact(cluster, "cluster_id")
            newest[cluster_id, None if cluster_id else invoice.fact(cluster, "cluster")] = invoice, cluster
    order = sorted(newest, key=lambda known: [text_order(part) for part in known])
    return [
        {
            **{entry: invoice.fact(cluster, entry) for entry in OF_CLUSTERS},
            "state": invoice.text(cluster.get("state"), "the state of a cluster"),
            "labels": invoice.labels(cluster.get("labels"), "the labels of a cluster"),
        }
        for invoice, cluster in map(newest.__getitem__, order)
    ]


def missing_labels(books: t.Iterable[Book], query: Query) -> str | None:
    """Say which labels that are asked for are on no cluster, and which ones there are; None where all are."""
    return say_missing(query.labels(), {f"{name}" for book in books for name in book.labels})


def missing_in_rules(invoices: t.Iterable[dict[str, t.Any]], owners: Owners) -> str | None:
    """Say which labels that rules name are on no cluster, and which ones there are; None where all are.

    :raises ResponseError: on a value of the wrong type in an invoice.
    """
    names = owners.labels()
    if not names:
        return None
    known: set[str] = set()
    for invoice in map(Invoice, invoices):
        for item in invoice.items():
            known.update(invoice.labels(item[0].get("labels"), "the labels of a cluster"))
    return say_missing(names, known)


def say_missing(names: t.Iterable[str], known: t.Collection[str]) -> str | None:
    """Say which names of labels are on no cluster, and which ones there are; None where all are known."""
    missing = [name for name in names if name not in known]
    if not missing:
        return None
    there = [legible(name) for name in sorted(known)]
    more = f" and {len(there) - _MOST_LABELS} more" if len(there) > _MOST_LABELS else ""
    there_are = f"The labels are {', '.join(there[:_MOST_LABELS])}{more}." if there else "No cluster has any label."
    named = " and ".join(repr(name) for name in missing)
    return f"No cluster has the label {named}. {there_are}"


def _book_order(book: Book) -> list[tuple[bool, str]]:
    header = book.header
    texts = (header.period, header.invoice_id, header.status, f"{header.start}", f"{header.end}")
    return [text_order(text) for text in texts]


def _age(book: Book) -> tuple[str, bool, str]:
    """Return what sorts books from the oldest, those without a period first, to the newest."""
    return book.header.period or "", is_draft(book), book.header.invoice_id or ""


def differences(rows: t.Iterable[Row]) -> list[str]:
    """Return the warning for invoices whose parts do not add up to what they state."""
    wrong = [row for row in rows if not row["reconciled"]]
    if not wrong:
        return []
    said = [
        f"{legible(row['invoice_id'] or '(no id)')} ({row['period'] or 'no period'}) states {grouped(row['total'])} "
        f"{legible(row['currency'] or '(no currency)')}, and its line items come to {grouped(row['lines'])}, its "
        f"adjustments to {grouped(row['adjustments'])}"
        for row in wrong[:_MOST]
    ]
    more = f"; and {len(wrong) - _MOST} more, see reconciliation" if len(wrong) > _MOST else ""
    return [f"Not every invoice adds up, and the larger amount counts: {'; '.join(said)}{more}."]


def _adjustment_rows(books: t.Iterable[Book]) -> list[Row]:
    rows = [
        (book.header.period, book.header.invoice_id, name, currency, to_float(amount))
        for book in books
        for name, currency, amount in book.named_adjustments
    ]
    rows.sort(key=lambda row: ([text_order(text) for text in row[:4]], row[4]))
    return [
        {"invoice_id": invoice_id, "period": period, "name": name, "currency": currency, "amount": amount}
        for period, invoice_id, name, currency, amount in rows
    ]


def _balance_rows(books: t.Sequence[Book], now: datetime.datetime) -> list[Row]:
    """Return what is left of each currency, as the newest invoice with a balance of it says."""
    rows = []
    for currency in sorted({currency for book in books for currency in book.balances}, key=text_order):
        known = [book for book in books if currency in book.balances]
        book = max(known, key=lambda book: (_age(book), book.balances[currency]))
        balance, per_month = book.balances[currency], monthly(_spent_by_month(books, currency, now))
        since = now if is_draft(book) else book.header.end
        day = run_out(balance, per_month, since)
        rows.append(
            {
                "invoice_id": book.header.invoice_id,
                "period": book.header.period,
                "currency": currency,
                "amount": to_float(balance),
                "monthly": optional(per_month),
                "runs_out": None if day is None else day.isoformat(),
            }
        )
    return rows


def _spent_by_month(
    books: t.Iterable[Book], currency: str | None, now: datetime.datetime
) -> dict[str, decimal.Decimal]:
    """Return what each month that is over came to in a currency; both names of credits are the same credits."""
    names = CREDITS if currency in CREDITS else (currency,)
    months: dict[str, decimal.Decimal] = {}
    for book in books:
        period, end = book.header.period, book.header.end
        if period is None or (end > now if end is not None else period >= f"{now:%Y-%m}"):
            continue
        for name, found in settle_each(book.stated, book.lines, book.adjustments):
            if name in names:
                for part in (book.lines.get(name, ZERO), book.adjustments.get(name, ZERO), found.unitemized):
                    add(months, period, part)
    return months
