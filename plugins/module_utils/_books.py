# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is private to the cockroachdb_cloud.billing collection.
# It can change or vanish in any release, so do not use it from outside.

"""What is kept of an invoice: its sums, so that the line items of all need not lie in memory together."""

from __future__ import annotations

import datetime
import decimal
import typing as t

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._document import (
    ADJUSTMENT,
    LABEL,
    UNITEMIZED,
    USAGE,
    Invoice,
)
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._money import (
    CREDITS,
    EXACT,
    ZERO,
    Sums,
    add,
    exact,
    in_usd,
    settle_each,
)
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._owners import NOBODY, Decision
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._query import OF_CLUSTERS, OWNER, Query

LineKey = t.Tuple[t.Optional[str], t.Optional[str], t.Optional[str]]
"""Description and unit of line items, null where nobody asks for them, and currency."""


# No owner is called so: owners are never empty.
_UNSEEN = ""
_LineSums = t.Tuple[t.Dict[LineKey, decimal.Decimal], t.Dict[LineKey, decimal.Decimal]]


class Header(t.NamedTuple):
    """What tells one invoice from another; C(start) and C(end) bound its billing period, aware."""

    invoice_id: str | None
    period: str | None
    status: str | None
    start: datetime.datetime | None
    end: datetime.datetime | None


class Share(t.NamedTuple):
    """What one cluster costs in an invoice, or what belongs to none, as far as one owner has it.

    C(values) holds the entries of C(group_by) that are asked for and that belong to the cluster, and the owner; C(sums)
    are the amounts by currency.
    """

    kind: str
    values: dict[str, str | None]
    sums: Sums
    amounts: dict[LineKey, decimal.Decimal]
    quantities: dict[LineKey, decimal.Decimal]


class Book(t.NamedTuple):
    """An invoice, added up: as it states it, by its parts, and by what a query asks for.

    The sums by currency are those of the invoice; in C(shares) credits are converted where the query has a rate.
    """

    header: Header
    stated: Sums
    lines: Sums
    adjustments: Sums
    balances: Sums
    named_adjustments: list[tuple[str | None, str | None, decimal.Decimal]]
    shares: list[Share]
    labels: set[str]
    clusters: list[tuple[Invoice, dict[str, t.Any]]]


def add_up(raw: dict[str, t.Any], query: Query, *, details: bool = False) -> Book:
    """Add up one invoice.

    :param raw: the invoice as the API sent it, with all details.
    :param query: what will be asked of it.
    :param details: whether to keep the clusters, for what a page says about them.
    :raises ResponseError: on a value of the wrong type in the invoice.
    """
    invoice = Invoice(raw)
    book = Book(_header(invoice), invoice.totals(), {}, {}, invoice.balances(), [], [], set(), [])
    reader = _Reader(invoice, query)
    for cluster, lines in invoice.items():
        book.labels.update(reader.label_names(cluster))
        if details:
            book.clusters.append((invoice, cluster))
        book.shares.extend(reader.usage(cluster, lines, book.lines))
    book.shares.extend(reader.adjustments(book))
    book.shares.extend(reader.unitemized(book))
    return book


def _header(invoice: Invoice) -> Header:
    start = invoice.instant(invoice.period_start, "period_start")
    end = invoice.instant(invoice.period_end, "period_end")
    return Header(invoice.invoice_id, invoice.period, invoice.status, start, end)


class _ByOwner:
    """Sums of the costs of one kind and cluster, apart for each owner; all are nobody's without rules."""

    def __init__(self, decision: Decision) -> None:
        self.decision = decision
        self.sums: dict[str | None, _LineSums] = {}

    def of(self, description: str | None) -> _LineSums:
        """Return the amounts and quantities that a line item with this description belongs to."""
        return self.sums.setdefault(self.decision.owner(description), ({}, {}))


class _Reader:
    """Reads the parts of one invoice as far as a query asks for them."""

    def __init__(self, invoice: Invoice, query: Query) -> None:
        entries = query.entries()
        self._invoice = invoice
        self._rate = query.credit_rate
        self._of_clusters = [entry for entry in entries if entry in OF_CLUSTERS or entry.startswith(LABEL)]
        self._owners = query.owners if OWNER in entries else None
        self._description = "description" in entries
        self._unit = "unit" in entries

    def usage(self, cluster: dict[str, t.Any], lines: t.Sequence[dict[str, t.Any]], by_currency: Sums) -> list[Share]:
        """Add up the line items of a cluster, and add them to the sums of the invoice."""
        invoice, plus = self._invoice, EXACT.add
        decision = NOBODY if self._owners is None else self._owners.of_cluster(invoice, cluster)
        by_owner, varies = _ByOwner(decision), not decision.constant
        asked, counted = self._description, self._unit
        amounts, quantities = by_owner.of(None)
        description = unit = None
        for line in lines:
            amount, currency = invoice.money(line.get("total"), "the total of a line item")
            if asked or varies:
                description = line.get("description")
                if description.__class__ is not str:
                    description = invoice.text(description, "the description of a line item")
                if varies:
                    owner = decision.known.get(description, _UNSEEN)
                    amounts, quantities = by_owner.sums.get(owner) or by_owner.of(description)
            if counted:
                unit = line.get("quantity_unit")
                if unit.__class__ is not str:
                    unit = invoice.text(unit, "the quantity_unit of a line item")
            key = (description if asked else None, unit, currency)
            amounts[key] = plus(amounts[key], amount) if key in amounts else amount
            if counted:
                quantity = invoice.number(line.get("quantity"), "the quantity of a line item")
                add(quantities, key, exact(quantity) if quantity else ZERO)
        values = {entry: invoice.fact(cluster, entry) for entry in self._of_clusters} if lines else {}
        return self._shares(USAGE, values, by_owner, by_currency)

    def adjustments(self, book: Book) -> list[Share]:
        """Add up the adjustments, and keep each by its name."""
        by_owner = self._of_no_cluster(ADJUSTMENT)
        for adjustment in self._invoice.adjustments():
            amount, currency = self._invoice.money(adjustment.get("amount"), "an adjustment")
            name = self._invoice.text(adjustment.get("name"), "the name of an adjustment")
            add(by_owner.of(name)[0], (name if self._description else None, None, currency), amount)
            book.named_adjustments.append((name, *in_usd(currency, amount, self._rate)))
        return self._shares(ADJUSTMENT, {}, by_owner, book.adjustments)

    def unitemized(self, book: Book) -> list[Share]:
        """Return what the invoice states beyond its parts."""
        by_owner = self._of_no_cluster(UNITEMIZED)
        for currency, found in settle_each(book.stated, book.lines, book.adjustments):
            if found.unitemized:
                by_owner.of(None)[0][None, None, currency] = found.unitemized
        return self._shares(UNITEMIZED, {}, by_owner, {})

    def _of_no_cluster(self, kind: str) -> _ByOwner:
        return _ByOwner(NOBODY if self._owners is None else self._owners.of_kind(kind))

    def _shares(self, kind: str, values: dict[str, str | None], by_owner: _ByOwner, by_currency: Sums) -> list[Share]:
        """Return what each owner has, and add it to the sums of the invoice."""
        named = self._owners is not None
        shares = []
        for owner, (amounts, quantities) in by_owner.sums.items():
            if amounts:
                sums: Sums = {}
                for key, amount in amounts.items():
                    add(sums, key[2], amount)
                for currency, amount in sums.items():
                    add(by_currency, currency, amount)
                share = Share(kind, {**values, OWNER: owner} if named else values, sums, amounts, quantities)
                shares.append(share if self._rate is None or CREDITS.isdisjoint(sums) else self._converted(share))
        return shares

    def _converted(self, share: Share) -> Share:
        """Return a share with its credits in USD."""
        sums: Sums = {}
        for currency, amount in share.sums.items():
            add(sums, *in_usd(currency, amount, self._rate))
        amounts: dict[LineKey, decimal.Decimal] = {}
        for (description, unit, currency), amount in share.amounts.items():
            into, worth = in_usd(currency, amount, self._rate)
            add(amounts, (description, unit, into), worth)
        quantities: dict[LineKey, decimal.Decimal] = {}
        for (description, unit, currency), quantity in share.quantities.items():
            add(quantities, (description, unit, in_usd(currency, ZERO, self._rate)[0]), quantity)
        return share._replace(sums=sums, amounts=amounts, quantities=quantities)

    def label_names(self, cluster: dict[str, t.Any]) -> t.Iterable[str]:
        """Return the names of the labels of a cluster."""
        return self._invoice.mapping(cluster.get("labels"), "the labels of a cluster")
