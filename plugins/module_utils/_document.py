# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is private to the cockroachdb_cloud.billing collection.
# It can change or vanish in any release, so do not use it from outside.

"""An invoice, read with care: every access gives its type, or an error that names the invoice.

What is missing from an invoice or null is empty; what has the wrong type is a C(ResponseError).
"""

from __future__ import annotations

import datetime
import decimal
import math
import typing as t
from collections import Counter
from collections.abc import Iterable, Iterator

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._errors import (
    OptionsError,
    ResponseError,
    legible,
    shown,
)
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._money import Sums, add, exact
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._periods import month_of, parse_instant

KINDS = USAGE, ADJUSTMENT, UNITEMIZED = ("usage", "adjustment", "unitemized")
"""What a cost can be: a line item of a cluster, an adjustment, or what an invoice states beyond both."""

LABEL = "label:"
"""What an entry of C(group_by) begins with that is the label of a cluster."""

_FIELDS = {"cluster": "name", "cluster_id": "id"}


class Invoice:
    """An invoice, read with care: every access either returns what the type promises or raises C(ResponseError)."""

    def __init__(self, raw: dict[str, t.Any]) -> None:
        """Read the facts that every use needs.

        :param raw: the invoice as the API sent it.
        :raises ResponseError: when the id, the status or an instant is no text, or C(period_start) is no instant.
        """
        self.raw = raw
        self.invoice_id: str | None = None
        self.invoice_id = self.text(raw.get("invoice_id"), "invoice_id") or None
        self.status = self.text(raw.get("status"), "status") or None
        self.period_start = self.text(raw.get("period_start"), "period_start") or None
        self.period_end = self.text(raw.get("period_end"), "period_end") or None
        self.period = None if self.period_start is None else self._month(self.period_start)
        self._folder_resources: dict[str, dict[str, t.Any]] | None = None

    @property
    def name(self) -> str:
        """Return what a message calls the invoice: its id comes from outside, and may be anything."""
        if self.invoice_id is None:
            return "An invoice without an id"
        return f"Invoice {legible(self.invoice_id)}"

    def _month(self, text: str) -> str:
        try:
            return month_of(text)
        except ValueError:
            raise self.wrong("period_start", text, "an RFC 3339 time") from None

    def instant(self, text: str | None, what: str) -> datetime.datetime | None:
        """Return an instant of the invoice, aware and in UTC; None when it is missing.

        :raises ResponseError: when the text is no instant.
        """
        if text is None:
            return None
        try:
            return parse_instant(text)
        except ValueError:
            raise self.wrong(what, text, "an RFC 3339 time") from None

    def wrong(self, what: str, found: t.Any, expected: str) -> ResponseError:
        """Return the error for a value of the wrong kind: it names the invoice, the value and what is expected."""
        return ResponseError(
            f"{self.name} is not what the API is documented to send: {what} is {shown(found)}, not {expected}."
        )

    def text(self, value: t.Any, what: str) -> str | None:
        """Return a text as plain C(str), whatever subclass ansible-core wrapped it in; None when it is missing."""
        if value is None or value.__class__ is str:
            return value
        if isinstance(value, str):
            return str.__str__(value)
        raise self.wrong(what, value, "text")

    def number(self, value: t.Any, what: str) -> float | None:
        """Return a number as a plain C(float) without a negative zero; None when it is missing.

        :raises ResponseError: when it is a boolean, no number at all, not finite, or too large for a double.
        """
        if value.__class__ is float and math.isfinite(value):
            return value + 0.0
        if value is None:
            return None
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            try:
                number = float(value) + 0.0
            except OverflowError:
                raise self.wrong(what, value, "a finite number") from None
            if math.isfinite(number):
                return number
            raise self.wrong(what, value, "a finite number")
        raise self.wrong(what, value, "a number")

    def entries(self, holder: dict[str, t.Any], name: str, what: str) -> t.Sequence[dict[str, t.Any]]:
        """Return a list of objects; a missing one is empty."""
        value = holder.get(name)
        if value is None:
            return ()
        if not isinstance(value, (list, tuple)):
            raise self.wrong(what, value, "a list")
        for entry in value:
            if not isinstance(entry, dict):
                raise self.wrong(f"an entry of {what}", entry, "an object")
        return value

    def mapping(self, value: t.Any, what: str) -> dict[str, t.Any]:
        """Return an object; a missing one is empty."""
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise self.wrong(what, value, "an object")
        return value

    def money(self, value: t.Any, what: str) -> tuple[decimal.Decimal, str | None]:
        """Return the exact amount of a C({amount, currency}) object, and its currency, as :meth:`amount` reads them."""
        amount, currency = self.amount(value, what)
        return exact(amount), currency

    def amount(self, value: t.Any, what: str) -> tuple[float, str | None]:
        """Return the amount of a C({amount, currency}) object as the double that it is, and its currency.

        :returns: a missing amount is 0, a missing currency null.
        """
        if value is None:
            return 0.0, None
        if not isinstance(value, dict):
            raise self.wrong(what, value, "an amount of a currency")
        amount = value.get("amount")
        currency = value.get("currency")
        if currency.__class__ is not str:
            currency = self.text(currency, f"the currency of {what}")
        # proto3 knows no null text: an empty currency is none.
        currency = currency or None
        if amount.__class__ is float and math.isfinite(amount):
            return amount + 0.0, currency
        return self.number(amount, f"the amount of {what}") or 0.0, currency

    def totals(self) -> Sums:
        """Return the totals that the invoice states."""
        return self._sums(self.raw, "totals", "totals")

    def balances(self) -> Sums:
        """Return what was left of each currency at the time of the invoice."""
        return self._sums(self.raw, "balances", "balances")

    def _sums(self, holder: dict[str, t.Any], name: str, what: str) -> Sums:
        sums: Sums = {}
        for total in self.entries(holder, name, what):
            amount, currency = self.money(total, f"an entry of {what}")
            add(sums, currency, amount)
        return sums

    def items(self) -> Iterator[tuple[dict[str, t.Any], t.Sequence[dict[str, t.Any]]]]:
        """Yield the cluster and the line items of each invoice item."""
        for item in self.entries(self.raw, "invoice_items", "invoice_items"):
            yield self.mapping(item.get("cluster"), "a cluster"), self.entries(item, "line_items", "line_items")

    def line_sums(self) -> Sums:
        """Return the exact sums of the line items by currency."""
        sums: Sums = {}
        for item in self.items():
            for line in item[1]:
                amount, currency = self.money(line.get("total"), "the total of a line item")
                add(sums, currency, amount)
        return sums

    def adjustments(self) -> t.Sequence[dict[str, t.Any]]:
        """Return the adjustments: credits and costs that belong to no cluster."""
        return self.entries(self.raw, "adjustments", "adjustments")

    def adjustment_sums(self) -> Sums:
        """Return the exact sums of the adjustments by currency."""
        sums: Sums = {}
        for adjustment in self.adjustments():
            amount, currency = self.money(adjustment.get("amount"), "an adjustment")
            add(sums, currency, amount)
        return sums

    def labels(self, value: t.Any, what: str) -> dict[str, str | None]:
        """Return labels as a new plain dictionary."""
        labels: dict[str, str | None] = {}
        for name, label in self.mapping(value, what).items():
            labels[self.text(name, f"a name in {what}") or ""] = self.text(label, f"an entry of {what}")
        return labels

    def regions(self, cluster: dict[str, t.Any]) -> list[str]:
        """Return the names of a cluster's regions, in the order of the API."""
        names = (
            self.text(region.get("name"), "the name of a region")
            for region in self.entries(cluster, "regions", "the regions of a cluster")
        )
        return [name for name in names if name]

    def fact(self, cluster: dict[str, t.Any], entry: str) -> str | None:
        """Return what an entry of C(group_by) is for all line items of a cluster; None when it is missing.

        :param entry: one that belongs to clusters, such as C(folder), C(cluster) or C(label:team).
        """
        if entry.startswith(LABEL):
            labels = self.mapping(cluster.get("labels"), "the labels of a cluster")
            return self.text(labels.get(entry[len(LABEL) :]), f"the {entry} of a cluster")
        if entry == "region":
            return ", ".join(self.regions(cluster)) or None
        if entry == "folder":
            return self.folder(cluster)
        field = _FIELDS.get(entry, entry)
        return self.text(cluster.get(field), f"the {field} of a cluster")

    def resource(self, resource_id: str | None) -> dict[str, t.Any]:
        """Return an entry of C(folder_resources) by its id; empty when there is none."""
        if not resource_id:
            return {}
        if self._folder_resources is None:
            self._folder_resources = {
                self.text(entry.get("resource_id"), "a resource_id") or "": entry
                for entry in self.entries(self.raw, "folder_resources", "folder_resources")
            }
        return self._folder_resources.get(resource_id, {})

    def folders(self, cluster: dict[str, t.Any]) -> list[tuple[str | None, str | None]]:
        """Return the folders that a cluster lies in, outermost first, each as C((id, name)); empty at the root.

        The C(path) of the cluster's own entry of C(folder_resources) says it. Without that, the folder that its
        C(parent_id) names does: the folder's own C(path), then the folder. A folder that C(folder_resources) does not
        tell of is unknown, and counts as the root.
        """
        cluster_id = self.text(cluster.get("id"), "the id of a cluster")
        entry = self.resource(cluster_id)
        path = self._path(entry, cluster_id)
        if path:
            return path
        parent_id = self.text(cluster.get("parent_id") or entry.get("parent_id"), "the parent_id of a cluster")
        parent = self.resource(parent_id)
        if not parent or parent_id == "root":
            return []
        return [*self._path(parent, parent_id), (parent_id, self.text(parent.get("name"), "the name of a folder"))]

    def _path(self, entry: dict[str, t.Any], own_id: str | None) -> list[tuple[str | None, str | None]]:
        # The schema leaves open whether a path begins with the root and whether it ends with the resource itself.
        path = []
        for segment in self.entries(entry, "path", "a path in folder_resources"):
            segment_id = self.text(segment.get("id"), "the id of a folder")
            if segment_id not in ("root", own_id):
                path.append((segment_id, self.text(segment.get("name"), "the name of a folder")))
        return path

    def folder(self, cluster: dict[str, t.Any]) -> str | None:
        """Return the path of a cluster's folder from the root, C(/) between the names; None at the root or unknown."""
        return "/".join(name or folder_id or "" for folder_id, name in self.folders(cluster)) or None


def check_invoices(value: t.Any) -> list[dict[str, t.Any]]:
    """Return the invoices as a list of dictionaries.

    :param value: what a user passes as invoices: a list, or an iterator over one.
    :raises OptionsError: when it is no list of invoices, or one that holds an invoice twice; the text says what it is
        and what to pass instead.
    """
    if isinstance(value, dict):
        hint = (
            " It looks like a registered result: pass its 'invoices'."
            if "invoices" in value
            else " Put a single invoice into a list."
            if "invoice_id" in value
            else ""
        )
        raise OptionsError(f"A list of invoices is needed, and this is a dictionary.{hint}")
    if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
        kind = "nothing (null)" if value is None else "text" if isinstance(value, (str, bytes)) else "one value"
        raise OptionsError(
            f"A list of invoices is needed, and this is {kind}. "
            "Pass what cockroachdb_cloud.billing.invoice_info returns as 'invoices', or what the lookup returns."
        )
    invoices = list(value)
    for number, invoice in enumerate(invoices, 1):
        if not isinstance(invoice, dict) or not ("invoice_id" in invoice or "period_start" in invoice):
            found = "a dictionary without 'invoice_id'" if isinstance(invoice, dict) else type(invoice).__name__
            raise OptionsError(f"A list of invoices is needed, and entry {number} of this list is no invoice: {found}.")
    for invoice_id, count in Counter(f"{invoice.get('invoice_id') or ''}" for invoice in invoices).items():
        if invoice_id and count > 1:
            raise OptionsError(
                f"The invoice {shown(invoice_id)} is in this list {count} times: pass each invoice once."
            )
    return invoices
