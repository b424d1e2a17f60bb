# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is private to the cockroachdb_cloud.billing collection.
# It can change or vanish in any release, so do not use it from outside.

"""The two calls of the billing API, and what is kept of their answers."""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._errors import ResponseError
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._periods import Months, parse_instant

if t.TYPE_CHECKING:
    from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._client import Client
    from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._options import Connection, Selection

Invoice = t.Dict[str, t.Any]
Digest = t.Callable[[Invoice], Invoice]
"""Makes less of an invoice as soon as it is read, so that the bulk of all of them never lies in memory together."""

_PATH = ("api", "v1", "invoices")
_TOTALS_LEAVES_OUT = ("invoice_items", "folder_resources")
_CLUSTERS_KEEPS = ("id", "name", "plan", "cloud_provider", "labels", "parent_id", "state")
_NEVER = datetime.datetime.max.replace(tzinfo=datetime.timezone.utc)


def gather_invoices(connection: Connection, selection: Selection, digest: Digest | None = None) -> list[Invoice]:
    """Fetch the invoices that were asked for, over one connection.

    :param connection: the checked connection options.
    :param selection: the checked selection options.
    :param digest: what is made of each invoice that was asked for; it has to keep C(period_start).
    :returns: invoices as the API sent them, less what O(detail) and C(digest) leave out; sorted by C(period_start), or
        in the order of the ids.
    :raises BillingError: as :meth:`Client.get`, and :class:`ResponseError` for an answer that holds no invoices.
    """
    if selection.invoice_ids == []:
        return []
    # Not before: to import requests takes as long as all else in a small task, and options that are refused need none.
    from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._client import Client

    hook = _digest_at_once(selection, digest)
    with Client(connection) as client:
        try:
            if selection.invoice_ids is not None:
                invoices = [_get(client, invoice_id, hook) for invoice_id in selection.invoice_ids]
            else:
                invoices = select(_list(client, selection, hook), selection)
        except ResponseError as error:
            # What is wrong with the invoices is found when the client has done its part.
            error.attempts = client.attempts
            raise
    return [trim(invoice, selection.detail) for invoice in invoices]


def gather_with_previous(
    connection: Connection, selection: Selection, digest: Digest | None = None
) -> tuple[list[Invoice], list[Invoice]]:
    """Fetch the invoices that were asked for, and for a O(period) those of the month before it.

    The list holds them anyway. With ids or a filter by time there is no month before.

    :returns: the invoices as :func:`gather_invoices`, and the invoices of the month before the first of the period.
    :raises BillingError: as :func:`gather_invoices`.
    """
    months = selection.months
    if months is None:
        return gather_invoices(connection, selection, digest), []
    widened = selection._replace(months=Months(months.first - 1, months.last))
    invoices = gather_invoices(connection, widened, digest)
    wanted = select(invoices, selection)
    return wanted, invoices[: len(invoices) - len(wanted)]


def select(invoices: list[Invoice], selection: Selection) -> list[Invoice]:
    """Return the invoices of the selected months, sorted by C(period_start).

    The months are compared here and not by the API, since its documentation leaves open on which side of an C(end_time)
    a month falls that ends then, and whether a filter by time hides the draft. The same goes for its order.

    :raises ResponseError: when months are asked for and an invoice does not say which month it is of.
    """
    months = selection.months
    if months is not None:
        invoices = [invoice for invoice in invoices if _start(invoice, needed=True) in months]
    return sorted(invoices, key=lambda invoice: (_start(invoice, needed=False), f"{invoice.get('period_start')}"))


def trim(invoice: Invoice, detail: str) -> Invoice:
    """Return as much of an invoice as O(detail) says; the invoice itself stays as it is."""
    if detail == "totals":
        return {key: value for key, value in invoice.items() if key not in _TOTALS_LEAVES_OUT}
    if detail == "clusters":
        items = invoice.get("invoice_items")
        if isinstance(items, list):
            return dict(invoice, invoice_items=[_trim_item(item) for item in items if isinstance(item, dict)])
    return invoice


def _trim_item(item: dict[str, t.Any]) -> dict[str, t.Any]:
    cluster = item.get("cluster")
    return {
        "cluster": {key: cluster[key] for key in _CLUSTERS_KEEPS if key in cluster}
        if isinstance(cluster, dict)
        else {},
        "totals": item.get("totals", []),
    }


def _digest_at_once(selection: Selection, digest: Digest | None) -> Digest | None:
    """Return the hook that makes less of each invoice while the answer is read; None to keep all of them whole."""
    months, detail = selection.months, selection.detail
    if months is None and digest is None and detail == "full":
        return None

    def hook(value: dict[str, t.Any]) -> dict[str, t.Any]:
        if "invoice_items" not in value:
            return value
        if months is not None and _start(value, needed=True) not in months:
            return trim(value, "totals")
        return digest(value) if digest else trim(value, detail)

    return hook


def _list(client: Client, selection: Selection, hook: Digest | None) -> list[Invoice]:
    filters = {name: getattr(selection, name) for name in ("status", "start_time", "end_time")}
    answer = client.get(*_PATH, query={name: value for name, value in filters.items() if value}, object_hook=hook)
    # proto3 JSON leaves out what is empty: an organization without invoices may get {}.
    if answer in ({}, {"invoices": None}):
        return []
    return _check_invoices(answer.get("invoices") if isinstance(answer, dict) else None, "a list of invoices")


def _get(client: Client, invoice_id: str, hook: Digest | None) -> Invoice:
    answer = client.get(*_PATH, invoice_id, object_hook=hook)
    # The schema says a bare invoice, an example in the vendor's documentation says a list of one.
    wrapped = isinstance(answer, dict) and "invoices" in answer
    invoices = _check_invoices(answer["invoices"] if wrapped else [answer], f"the invoice {invoice_id}")
    if len(invoices) != 1 or not invoices[0]:
        raise ResponseError(
            f"The API answered with {len(invoices) if wrapped else 'no'} invoices where the invoice {invoice_id} was "
            "asked for. Check api_url and api_version.",
            status=200,
        )
    return invoices[0]


def _check_invoices(value: t.Any, expected: str) -> list[Invoice]:
    if isinstance(value, list) and all(isinstance(invoice, dict) for invoice in value):
        return value
    raise ResponseError(
        f"The API answered with JSON that is not {expected}. Check api_url and api_version, and whether a proxy "
        "answers in place of the API.",
        status=200,
    )


def _start(invoice: Invoice, *, needed: bool) -> datetime.datetime:
    start = invoice.get("period_start")
    try:
        return parse_instant(start if isinstance(start, str) else "")
    except ValueError:
        if needed:
            raise ResponseError(
                f"The invoice {invoice.get('invoice_id')!r:.60} has no period_start that is a time, so that period "
                "cannot choose. Use start_time and end_time, or leave period out.",
                status=200,
            ) from None
        return _NEVER
