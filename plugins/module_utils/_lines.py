# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is private to the cockroachdb_cloud.billing collection.
# It can change or vanish in any release, so do not use it from outside.

"""Line items as flat rows, each invoice's rows adding up to its bill."""

from __future__ import annotations

import typing as t
from collections.abc import Iterator

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._document import (
    ADJUSTMENT,
    UNITEMIZED,
    USAGE,
    Invoice,
    check_invoices,
)
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._money import Sums, settle_each, to_float
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._owners import Decision, Owners

Row = t.Dict[str, t.Any]
"""One row of a result: plain data, ready for JSON."""

LINE_ITEM_KEYS = (
    "invoice_id",
    "status",
    "period_start",
    "period_end",
    "kind",
    "cluster_id",
    "cluster_name",
    "plan",
    "cloud_provider",
    "regions",
    "folder",
    "labels",
    "description",
    "quantity",
    "quantity_unit",
    "unit_cost",
    "amount",
    "currency",
)
"""The keys of a row of :func:`line_items`, in their order; with owners C(owner) comes last."""


class LineItems(t.NamedTuple):
    """Line items of one invoice that share the values of the first keys: those of one cluster, or of none."""

    shared: tuple[t.Any, ...]
    own: t.Iterable[tuple[t.Any, ...]]


def line_items(invoices: t.Any, owners: Owners | None = None) -> Iterator[Row]:
    """Yield the line items, adjustments and unitemized costs of invoices as flat rows.

    :param invoices: a list of invoices with all details.
    :param owners: who owns each of them; without it rows do not say.
    :returns: rows with :data:`LINE_ITEM_KEYS`: per invoice C(usage) by cluster, then C(adjustment), then C(unitemized),
        which is what the invoice states beyond them (see :func:`unitemized`). The amounts of an invoice add up to its
        bill. Numbers are floats; lines of zero cost are there; C(regions) is a list of names; what belongs to no
        cluster has C(regions) and C(labels) empty and the other keys of clusters and quantities null. Rows share
        nothing with the invoices or each other.
    :raises OptionsError: when these are no invoices.
    :raises ResponseError: on a value of the wrong type, while the rows are consumed.
    """
    return _rows(line_item_blocks(invoices, owners))


def line_item_blocks(invoices: t.Any, owners: Owners | None = None) -> Iterator[LineItems]:
    """Yield what :func:`line_items` does in the blocks that it comes in, without a row for each line item.

    :returns: blocks whose C(shared) values and one tuple of C(own) follow each other as :data:`LINE_ITEM_KEYS` do. The
        own values are made while they are read, which has to be before the next block.
    :raises: as :func:`line_items`.
    """
    return _blocks(check_invoices(invoices), owners)


def unitemized(invoice: Invoice) -> Sums:
    """Return by currency what an invoice states beyond its line items and adjustments, where that is anything.

    The rule is that of :func:`settle`. What is unitemized belongs to no cluster.
    """
    settled = settle_each(invoice.totals(), invoice.line_sums(), invoice.adjustment_sums())
    return {currency: found.unitemized for currency, found in settled if found.unitemized}


def _rows(blocks: Iterator[LineItems]) -> Iterator[Row]:
    for shared, own in blocks:
        template: Row = {**dict.fromkeys(LINE_ITEM_KEYS), **dict(zip(LINE_ITEM_KEYS, shared))}
        regions, labels = template["regions"], template["labels"]
        for description, quantity, quantity_unit, unit_cost, amount, currency, *owner in own:
            row = template.copy()
            row["regions"] = regions.copy()
            row["labels"] = labels.copy()
            row["description"] = description
            row["quantity"] = quantity
            row["quantity_unit"] = quantity_unit
            row["unit_cost"] = unit_cost
            row["amount"] = amount
            row["currency"] = currency
            if owner:
                row["owner"] = owner[0]
            yield row


def _blocks(invoices: list[dict[str, t.Any]], owners: Owners | None) -> Iterator[LineItems]:
    for raw in invoices:
        invoice = Invoice(raw)
        start = (invoice.invoice_id, invoice.status, invoice.period_start, invoice.period_end)
        for cluster, lines in invoice.items():
            usage = _usage(invoice, lines)
            if owners is not None:
                usage = _owned(usage, owners.of_cluster(invoice, cluster))
            yield LineItems((*start, USAGE, *_cluster_values(invoice, cluster)), usage)
        beyond = unitemized(invoice).items()
        further = {
            ADJUSTMENT: _adjustments(invoice),
            UNITEMIZED: ((None, None, None, None, to_float(amount), currency) for currency, amount in beyond),
        }
        for kind, own in further.items():
            nothing: tuple[t.Any, ...] = (None, None, None, None, [], None, {})
            yield LineItems((*start, kind, *nothing), own if owners is None else _owned(own, owners.of_kind(kind)))


def _owned(own: Iterator[tuple[t.Any, ...]], decision: Decision) -> Iterator[tuple[t.Any, ...]]:
    """Add the owner to the values of line items, which begin with their description."""
    for values in own:
        yield (*values, decision.owner(values[0]))


def _cluster_values(invoice: Invoice, cluster: dict[str, t.Any]) -> tuple[t.Any, ...]:
    return (
        invoice.text(cluster.get("id"), "the id of a cluster"),
        invoice.text(cluster.get("name"), "the name of a cluster"),
        invoice.text(cluster.get("plan"), "the plan of a cluster"),
        invoice.text(cluster.get("cloud_provider"), "the cloud_provider of a cluster"),
        invoice.regions(cluster),
        invoice.folder(cluster),
        invoice.labels(cluster.get("labels"), "the labels of a cluster"),
    )


def _usage(invoice: Invoice, lines: t.Sequence[dict[str, t.Any]]) -> Iterator[tuple[t.Any, ...]]:
    text, number = invoice.text, invoice.number
    for line in lines:
        amount, currency = invoice.amount(line.get("total"), "the total of a line item")
        yield (
            text(line.get("description"), "the description of a line item"),
            number(line.get("quantity"), "the quantity of a line item"),
            text(line.get("quantity_unit"), "the quantity_unit of a line item"),
            number(line.get("unit_cost"), "the unit_cost of a line item"),
            amount,
            currency,
        )


def _adjustments(invoice: Invoice) -> Iterator[tuple[t.Any, ...]]:
    for adjustment in invoice.adjustments():
        amount, currency = invoice.amount(adjustment.get("amount"), "an adjustment")
        name = invoice.text(adjustment.get("name"), "the name of an adjustment")
        yield name, None, None, None, amount, currency
