# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is private to the cockroachdb_cloud.billing collection.
# It can change or vanish in any release, so do not use it from outside.

"""From invoices to answers: line items, exact sums over any grouping, reconciliation and forecast.

Everything here is a pure function of its arguments. Money is exact: each double is read as the decimal that it prints
as, added as decimals, and leaves as the double nearest to the exact sum. Currencies are never added up together.

What is missing from an invoice or null is empty; what has the wrong type is a C(ResponseError) that names the invoice.
"""

from __future__ import annotations

import datetime
import decimal
import math
import typing as t
from collections.abc import Iterable, Iterator

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._errors import OptionsError, ResponseError
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._periods import month_of, parse_instant

Row = t.Dict[str, t.Any]
"""One row of a result: plain data, ready for JSON."""

Key = t.Tuple[t.Optional[str], ...]
"""The values of the entries of C(group_by), in their order."""

Sums = t.Dict[t.Optional[str], decimal.Decimal]
"""Exact sums by currency; null stands for a missing currency."""

Groups = t.Dict[t.Tuple[Key, t.Optional[str]], decimal.Decimal]
"""Exact sums by group and currency."""

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
"""The keys of a row of :func:`line_items`, in their order."""

GROUPS = (
    "period",
    "invoice",
    "status",
    "cluster",
    "cluster_id",
    "plan",
    "cloud_provider",
    "region",
    "folder",
    "description",
    "unit",
    "kind",
)
"""What C(group_by) takes besides C(label:<name>)."""

LABEL = "label:"
GROUP_FORMS = f"{', '.join(GROUPS)}, or {LABEL}<name>"

CREDITS = frozenset(("CRDB_CLOUD_CREDITS", "COCKROACH_CREDITS"))
"""The currencies that C(credit_rate) turns into USD: the same credits under their older and their newer name."""

ZERO = decimal.Decimal(0)

# Doubles lie between 5e-324 and 1.8e308, and a rate may add some hundred digits: no sum needs more than this. Should
# one do so nevertheless, the trap makes an exception of it rather than a rounded amount.
EXACT = decimal.Context(
    prec=4000,
    Emin=decimal.MIN_EMIN,
    Emax=decimal.MAX_EMAX,
    traps=[decimal.Inexact, decimal.InvalidOperation, decimal.Overflow],
)
# A quotient has no exact decimal in general: far more digits than the double that it becomes in the end.
_QUOTIENT = decimal.Context(prec=60, Emin=decimal.MIN_EMIN, Emax=decimal.MAX_EMAX)


def shown(value: t.Any) -> str:
    """Return a value as an error message shows it: on one line, and short."""
    try:
        text = repr(value)
    except ValueError:  # Python writes no whole number of more than some thousand digits.
        text = f"a very long {type(value).__name__}"
    return text if len(text) <= 60 else f"{text[:57]}..."


class Books(t.NamedTuple):
    """What one pass over the invoices adds up."""

    groups: Groups
    invoices: list[InvoiceSums]


class LineItems(t.NamedTuple):
    """Line items of one invoice that share the values of the first keys: those of one cluster, or the adjustments."""

    shared: tuple[t.Any, ...]
    own: Iterator[tuple[t.Any, ...]]


class Digest(t.Dict[str, t.Any]):
    """An invoice whose line items are added up already and left out, as :func:`digest` makes it."""

    def __init__(self, raw: dict[str, t.Any], books: Books) -> None:
        """Keep what tells one invoice from another, and the books."""
        super().__init__({key: raw[key] for key in ("invoice_id", "period_start") if key in raw})
        self.books = books


class InvoiceSums(t.NamedTuple):
    """The sums of one invoice by currency: as it states them, of its line items, and of its adjustments."""

    invoice: Invoice
    stated: Sums
    lines: Sums
    adjustments: Sums


class Invoice:
    """An invoice, read with care: every access either returns what the type promises or raises C(ResponseError)."""

    def __init__(self, raw: dict[str, t.Any]) -> None:
        """Read the facts that every use needs.

        :param raw: the invoice as the API sent it.
        :raises ResponseError: when the id, the status or an instant is no text, or C(period_start) is no instant.
        """
        self.raw = raw
        self.invoice_id: str | None = None
        self.invoice_id = self.text(raw.get("invoice_id"), "invoice_id")
        self.status = self.text(raw.get("status"), "status")
        self.period_start = self.text(raw.get("period_start"), "period_start")
        self.period_end = self.text(raw.get("period_end"), "period_end")
        self.period = None if self.period_start is None else self._month(self.period_start)
        self._folder_resources: dict[str, dict[str, t.Any]] | None = None

    @property
    def name(self) -> str:
        """Return what a message calls the invoice: its id comes from outside, and may be anything."""
        if self.invoice_id is None:
            return "An invoice without an id"
        legible = self.invoice_id.isprintable() and len(self.invoice_id) <= 60
        return f"Invoice {self.invoice_id if legible else shown(self.invoice_id)}"

    def let_go(self) -> None:
        """Forget the invoice as the API sent it; what was read above stays."""
        self.raw = {}
        self._folder_resources = None

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
        if value.__class__ is float and value - value == 0.0:
            return value + 0.0
        if value is None:
            return None
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            try:
                number = float(value) + 0.0
            except OverflowError:
                raise self.wrong(what, value, "a finite number") from None
            if number - number == 0.0:
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
        return decimal.Decimal(repr(amount)), currency

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
        if currency is not None and currency.__class__ is not str:
            currency = self.text(currency, f"the currency of {what}")
        if amount.__class__ is float and amount - amount == 0.0:
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
            _add(sums, currency, amount)
        return sums

    def items(self) -> Iterator[tuple[dict[str, t.Any], t.Sequence[dict[str, t.Any]]]]:
        """Yield the cluster and the line items of each invoice item.

        :raises OptionsError: when the invoice was trimmed: it states costs whose line items are not there.
        """
        if self.raw.get("invoice_items") is None and any(
            amount and amount != self.adjustment_sums().get(currency) for currency, amount in self.totals().items()
        ):
            raise self._trimmed("invoice_items", "totals")
        for item in self.entries(self.raw, "invoice_items", "invoice_items"):
            if item.get("line_items") is None and any(
                self._sums(item, "totals", "the totals of an invoice item").values()
            ):
                raise self._trimmed("line_items", "clusters")
            yield self.mapping(item.get("cluster"), "a cluster"), self.entries(item, "line_items", "line_items")

    def _trimmed(self, missing: str, detail: str) -> OptionsError:
        return OptionsError(
            f"{self.name} states costs but has no {missing}, as with 'detail: {detail}'. "
            "Line items are needed here: gather the invoices with 'detail: full', which is the default."
        )

    def adjustments(self) -> t.Sequence[dict[str, t.Any]]:
        """Return the adjustments: credits and costs that belong to no cluster."""
        return self.entries(self.raw, "adjustments", "adjustments")

    def adjustment_sums(self) -> Sums:
        """Return the exact sums of the adjustments by currency."""
        sums: Sums = {}
        for adjustment in self.adjustments():
            amount, currency = self.money(adjustment.get("amount"), "an adjustment")
            _add(sums, currency, amount)
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
    :raises OptionsError: when it is no list of invoices; the text says what it is and what to pass instead.
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
    return invoices


def check_group_by(value: t.Any) -> list[str]:
    """Return the entries of C(group_by).

    :param value: a list of texts, or one text with commas between the entries.
    :raises OptionsError: for an unknown entry, a label without a name, or an entry that is there twice.
    """
    if isinstance(value, str):
        value = [entry.strip() for entry in value.split(",")]
    if not isinstance(value, (list, tuple)):
        raise OptionsError(f"group_by: a list is needed, of {GROUP_FORMS}.")
    entries: list[str] = []
    for given in value:
        if isinstance(given, dict) and list(given) == ["label"]:
            entry = shown(f"{LABEL}{given['label']}")
            raise OptionsError(f"group_by: write {entry} without a space, or YAML makes a dictionary of it.")
        if not isinstance(given, str):
            raise OptionsError(f"group_by: {shown(given)} is no text. Write {GROUP_FORMS}.")
        entry = str.__str__(given)
        if entry.startswith(LABEL):
            name = entry[len(LABEL) :]
            if not name or name != name.strip():
                raise OptionsError(f"group_by: {shown(entry)} names no label. Write 'label:team' for the label 'team'.")
        elif entry not in GROUPS:
            raise OptionsError(f"group_by: {shown(entry)} is unknown. Write {GROUP_FORMS}.")
        if entry in entries:
            raise OptionsError(f"group_by: {shown(entry)} is there twice. Name each group once.")
        entries.append(entry)
    return entries


def check_credit_rate(value: t.Any) -> decimal.Decimal | None:
    """Return the USD for one credit as the decimal that it is written as; None when it is not given.

    :param value: a number, or a text that holds one.
    :raises OptionsError: when it is no number, not finite, or below 0.
    """
    if value is None:
        return None
    needed = "credit_rate: the USD for one credit is needed, a number such as 0.95"
    if isinstance(value, bool) or not isinstance(value, (int, float, str, decimal.Decimal)):
        raise OptionsError(f"{needed}, and {shown(value)} is none.")
    try:
        rate = decimal.Decimal(float.__repr__(value) if isinstance(value, float) else value)
    except decimal.InvalidOperation:
        raise OptionsError(f"{needed}, and {shown(value)} is none.") from None
    # The bounds on the digits are those of doubles, generously: they keep the product of any amount with it exact.
    if not rate.is_finite() or rate < 0 or abs(rate.adjusted()) > 300 or len(rate.as_tuple().digits) > 300:
        raise OptionsError(f"{needed}, not below 0, and {shown(value)} is none.")
    return rate


def check_compare(value: t.Any, group_by: t.Sequence[str]) -> bool:
    """Say whether each row is to be compared with the month before.

    :param value: None, or C(previous).
    :param group_by: the entries of C(group_by), checked.
    :raises OptionsError: for anything else, or when C(period) is not among the groups.
    """
    if value is None:
        return False
    if value != "previous":
        raise OptionsError(f"compare: {shown(value)} is unknown. Write 'previous', or leave it out.")
    if "period" not in group_by:
        raise OptionsError("compare: 'previous' compares months. Add 'period' to group_by.")
    return True


def line_items(invoices: t.Any) -> Iterator[Row]:
    """Yield the line items and adjustments of invoices as flat rows: per invoice usage by cluster, then adjustments.

    :param invoices: a list of invoices with all details.
    :returns: rows with :data:`LINE_ITEM_KEYS`. Numbers are floats; lines of zero cost are there; C(regions) is a list
        of names; an adjustment has C(regions) and C(labels) empty and the other keys of clusters and quantities null.
        Rows share nothing with the invoices or each other.
    :raises OptionsError: when these are no invoices, or invoices without line items.
    :raises ResponseError: on a value of the wrong type, while the rows are consumed.
    """
    return _rows(line_item_blocks(invoices))


def line_item_blocks(invoices: t.Any) -> Iterator[LineItems]:
    """Yield what :func:`line_items` does in the blocks that it comes in, without a row for each line item.

    :returns: blocks whose C(shared) values and one tuple of C(own) follow each other as :data:`LINE_ITEM_KEYS` do. The
        own values are made while they are read, which has to be before the next block.
    :raises: as :func:`line_items`.
    """
    return _blocks(check_invoices(invoices))


def _rows(blocks: Iterator[LineItems]) -> Iterator[Row]:
    for shared, own in blocks:
        template: Row = {**dict.fromkeys(LINE_ITEM_KEYS), **dict(zip(LINE_ITEM_KEYS, shared))}
        regions, labels = template["regions"], template["labels"]
        for description, quantity, quantity_unit, unit_cost, amount, currency in own:
            row = template.copy()
            row["regions"] = regions.copy()
            row["labels"] = labels.copy()
            row["description"] = description
            row["quantity"] = quantity
            row["quantity_unit"] = quantity_unit
            row["unit_cost"] = unit_cost
            row["amount"] = amount
            row["currency"] = currency
            yield row


def _blocks(invoices: list[dict[str, t.Any]]) -> Iterator[LineItems]:
    for raw in invoices:
        invoice = Invoice(raw)
        start = (invoice.invoice_id, invoice.status, invoice.period_start, invoice.period_end)
        for cluster, lines in invoice.items():
            yield LineItems((*start, "usage", *_cluster_values(invoice, cluster)), _usage(invoice, lines))
        nothing: tuple[t.Any, ...] = (None, None, None, None, [], None, {})
        yield LineItems((*start, "adjustment", *nothing), _adjustments(invoice))


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


def cost_summary(
    invoices: t.Any,
    group_by: t.Any = ("period",),
    credit_rate: t.Any = None,
    compare: t.Any = None,
) -> list[Row]:
    """Add up line items and adjustments by group and currency.

    :param invoices: a list of invoices with all details.
    :param group_by: the groups, as :func:`check_group_by` takes them. An empty list gives one row for each currency.
    :param credit_rate: USD for one credit, as :func:`check_credit_rate` takes it; without it credits stay currencies.
    :param compare: C(previous) to compare each row with the same group in the calendar month before.
    :returns: rows sorted by the values of the groups, null last, then by currency. Each has a key for each entry of
        C(group_by), spelled as given, then C(currency) and C(amount). Null where an item has no such label, folder or
        cluster: adjustments belong to no cluster, and labels are those of the cluster alone, not of its folders.
        With C(compare) also C(previous), C(change) and C(change_percent), null where there was nothing; a group that
        had costs in the month before and has none in a month that was invoiced gets a row with the amount 0.
    :raises OptionsError: on options or invoices that can't be used.
    :raises ResponseError: on a value of the wrong type in an invoice.
    """
    return analyse(invoices, group_by=group_by, credit_rate=credit_rate, compare=compare)["costs"]


def totals(invoices: t.Any, credit_rate: t.Any = None) -> list[Row]:
    """Add up all line items and adjustments by currency: rows of C(currency) and C(amount), sorted.

    Parameters and errors are those of :func:`cost_summary`.
    """
    return analyse(invoices, group_by=(), credit_rate=credit_rate)["totals"]


def reconcile(invoices: t.Any) -> list[Row]:
    """Compare what each invoice states with what its parts add up to.

    :param invoices: a list of invoices with all details.
    :returns: a row for each invoice and currency, sorted by period, invoice and currency: C(invoice_id), C(period),
        C(currency), C(total) as stated, C(lines) and C(adjustments) as added up, and C(difference), which is the total
        less both. A difference of 0 means that the invoice adds up. The vendor does not document whether a stated
        total includes the adjustments: where it does not, the difference is the adjustments with the sign turned.
    :raises OptionsError: on anything but invoices with line items.
    :raises ResponseError: on a value of the wrong type in an invoice.
    """
    return analyse(invoices, group_by=())["reconciliation"]


def forecast(invoices: t.Any, now: datetime.datetime) -> list[Row]:
    """Project each draft to the end of its billing period at the rate so far.

    What was spent is the total that the draft states; line items are not needed. A currency that the draft has line
    items or adjustments in but no stated total counts with their sum.

    :param invoices: a list of invoices; others than drafts are passed over.
    :param now: the instant up to which the draft holds costs, aware.
    :returns: a row for each draft and currency, sorted by period, invoice and currency: C(invoice_id), C(period),
        C(currency), C(spent), C(elapsed) as the part of the period from 0 to 1, and C(projected), which is C(spent) by
        C(elapsed). C(projected) is null when nothing has elapsed; both are null when the period has no start or end.
    :raises OptionsError: on anything but invoices.
    :raises ResponseError: on a value of the wrong type in an invoice.
    """
    drafts = [invoice for invoice in check_invoices(invoices) if invoice.get("status") == "DRAFT"]
    whole = [raw for raw in drafts if not _is_trimmed(raw)]
    bare = [raw for raw in drafts if _is_trimmed(raw)]
    sums = _keep_books(whole, []).invoices
    sums += [InvoiceSums(invoice, invoice.totals(), {}, {}) for invoice in map(Invoice, bare)]
    return _forecast_rows(sums, now)


def _is_trimmed(raw: dict[str, t.Any]) -> bool:
    items = raw.get("invoice_items")
    if items is None:
        return True
    return isinstance(items, list) and any(isinstance(item, dict) and item.get("line_items") is None for item in items)


def digest(invoice: dict[str, t.Any], group_by: t.Any) -> Digest:
    """Add up one invoice, so that it need not stay in memory until the others have arrived.

    :param invoice: an invoice with all details.
    :param group_by: the same as will be given to :func:`analyse`, which takes the result in place of the invoice.
    :raises OptionsError: on options or an invoice that can't be used.
    :raises ResponseError: on a value of the wrong type in the invoice.
    """
    books = _keep_books([invoice], check_group_by(group_by))
    for sums in books.invoices:
        sums.invoice.let_go()
    return Digest(invoice, books)


def analyse(
    invoices: t.Any,
    *,
    group_by: t.Any = ("period",),
    credit_rate: t.Any = None,
    compare: t.Any = None,
    now: datetime.datetime | None = None,
    before: t.Any = (),
) -> dict[str, list[Row]]:
    """Answer everything about the invoices in one pass over them.

    :param invoices: a list of invoices with all details, or of what :func:`digest` made of them.
    :param group_by: as in :func:`cost_summary`.
    :param credit_rate: as in :func:`cost_summary`.
    :param compare: as in :func:`cost_summary`.
    :param now: as in :func:`forecast`; None for no forecast.
    :param before: invoices (or digests) of the time before C(invoices), which count as C(previous) of a row and nowhere
        else.
    :returns: C(costs) as :func:`cost_summary`, C(totals) as :func:`totals`, C(reconciliation) as :func:`reconcile` and
        C(forecast) as :func:`forecast`. C(credit_rate) concerns costs and totals alone: reconciliation and forecast
        speak the currencies of the invoices.
    :raises OptionsError: on options or invoices that can't be used.
    :raises ResponseError: on a value of the wrong type in an invoice.
    """
    entries = check_group_by(group_by)
    rate = check_credit_rate(credit_rate)
    compared = check_compare(compare, entries)
    books = _keep_books(check_invoices(invoices), entries)
    groups = _convert(books.groups, rate)
    if compared:
        earlier = _convert(_keep_books(check_invoices(before), entries).groups, rate)
        costs = _compared_rows(entries, groups, earlier, {sums.invoice.period for sums in books.invoices})
    else:
        costs = [_cost_row(entries, group, groups[group]) for group in sorted(groups, key=_group_order)]
    return {
        "costs": costs,
        "totals": _total_rows(groups),
        "reconciliation": _reconciliation_rows(books.invoices),
        "forecast": [] if now is None else _forecast_rows(books.invoices, now),
    }


# Keeping the books: one pass over the line items, with everything that a cluster decides looked up once for it.


def _keep_books(invoices: list[dict[str, t.Any]], entries: list[str]) -> Books:
    books = Books({}, [])
    for raw in invoices:
        if isinstance(raw, Digest):
            books.invoices.extend(raw.books.invoices)
            for group, amount in raw.books.groups.items():
                _add(books.groups, group, amount)
            continue
        invoice = Invoice(raw)
        sums = InvoiceSums(invoice, invoice.totals(), {}, {})
        for cluster, lines in invoice.items():
            _book_usage(invoice, cluster, lines, entries, books.groups, sums.lines)
        _book_adjustments(invoice, entries, books.groups, sums.adjustments)
        books.invoices.append(sums)
    return books


def _book_usage(
    invoice: Invoice,
    cluster: dict[str, t.Any],
    lines: t.Sequence[dict[str, t.Any]],
    entries: list[str],
    groups: Groups,
    by_currency: Sums,
) -> None:
    """Add the line items of one cluster to the groups and to the invoice's sums."""
    money = invoice.money
    add = EXACT.add
    subtotals: dict[tuple[tuple[str | None, ...], str | None], decimal.Decimal] = {}
    fields = [_LINE_FIELDS[entry] for entry in entries if entry in _LINE_FIELDS]
    values: tuple[str | None, ...] = ()
    for line in lines:
        amount, currency = money(line.get("total"), "the total of a line item")
        if fields:
            values = tuple([invoice.text(line.get(field), f"the {field} of a line item") for field in fields])
        group = (values, currency)
        subtotals[group] = add(subtotals[group], amount) if group in subtotals else amount
    if not subtotals:
        return
    constant = [None if entry in _LINE_FIELDS else _cluster_value(invoice, cluster, entry) for entry in entries]
    for (values, currency), amount in subtotals.items():
        rest = iter(values)
        key = tuple(next(rest) if entry in _LINE_FIELDS else value for entry, value in zip(entries, constant))
        _add(groups, (key, currency), amount)
        _add(by_currency, currency, amount)


def _book_adjustments(invoice: Invoice, entries: list[str], groups: Groups, by_currency: Sums) -> None:
    for adjustment in invoice.adjustments():
        amount, currency = invoice.money(adjustment.get("amount"), "an adjustment")
        name = invoice.text(adjustment.get("name"), "the name of an adjustment")
        facts = {**_invoice_values(invoice), "kind": "adjustment", "description": name}
        _add(groups, (tuple(facts.get(entry) for entry in entries), currency), amount)
        _add(by_currency, currency, amount)


_LINE_FIELDS = {"description": "description", "unit": "quantity_unit"}
_CLUSTER_FIELDS = {"cluster": "name", "cluster_id": "id", "plan": "plan", "cloud_provider": "cloud_provider"}


def _invoice_values(invoice: Invoice) -> dict[str, str | None]:
    return {"period": invoice.period, "invoice": invoice.invoice_id, "status": invoice.status}


def _cluster_value(invoice: Invoice, cluster: dict[str, t.Any], entry: str) -> str | None:
    """Return what an entry of C(group_by) is for all line items of a cluster."""
    if entry.startswith(LABEL):
        labels = invoice.mapping(cluster.get("labels"), "the labels of a cluster")
        return invoice.text(labels.get(entry[len(LABEL) :]), f"the {entry} of a cluster")
    if entry in _CLUSTER_FIELDS:
        field = _CLUSTER_FIELDS[entry]
        return invoice.text(cluster.get(field), f"the {field} of a cluster")
    if entry == "region":
        return ", ".join(invoice.regions(cluster)) or None
    if entry == "folder":
        return invoice.folder(cluster)
    if entry == "kind":
        return "usage"
    return _invoice_values(invoice)[entry]


_K = t.TypeVar("_K")


def _add(sums: dict[_K, decimal.Decimal], key: _K, amount: decimal.Decimal) -> None:
    sums[key] = EXACT.add(sums[key], amount) if key in sums else amount


def _convert(groups: Groups, rate: decimal.Decimal | None) -> Groups:
    if rate is None:
        return groups
    converted: Groups = {}
    for (key, currency), amount in groups.items():
        if currency in CREDITS:
            _add(converted, (key, "USD"), EXACT.multiply(amount, rate))
        else:
            _add(converted, (key, currency), amount)
    return converted


# From the books to rows


def to_float(amount: decimal.Decimal) -> float:
    """Return the double nearest to an exact amount, without a negative zero.

    :raises ResponseError: when the amount is larger than any double.
    """
    number = float(amount) + 0.0
    if number - number == 0.0:
        return number
    raise ResponseError("The amounts of these invoices add up to more than a number can hold.")


def _text_order(value: str | None) -> tuple[bool, str]:
    return value is None, value or ""


def _group_order(group: tuple[Key, str | None]) -> list[tuple[bool, str]]:
    key, currency = group
    return [_text_order(value) for value in (*key, currency)]


def _cost_row(entries: list[str], group: tuple[Key, str | None], amount: decimal.Decimal) -> Row:
    key, currency = group
    return {**dict(zip(entries, key)), "currency": currency, "amount": to_float(amount)}


def _compared_rows(entries: list[str], groups: Groups, earlier: Groups, periods: set[str | None]) -> list[Row]:
    """Return a row for each group, compared with the same group in the month before.

    :param earlier: the groups of invoices that only count as the month before.
    :param periods: the months that were invoiced: a group that vanished gets a row in these alone.
    """
    place = entries.index("period")
    moved: Groups = {}
    for source in (groups, earlier):
        for (key, currency), amount in source.items():
            period = _next_month(key[place])
            if period is not None:
                _add(moved, ((*key[:place], period, *key[place + 1 :]), currency), amount)
    known = set(groups)
    known.update(group for group in moved if group[0][place] in periods)
    rows = []
    for group in sorted(known, key=_group_order):
        amount = groups.get(group, ZERO)
        rows.append({**_cost_row(entries, group, amount), **_comparison(amount, moved.get(group))})
    return rows


def _comparison(amount: decimal.Decimal, previous: decimal.Decimal | None) -> Row:
    """Return the change against an amount; its percentage is of the size of that, so that its sign is the change's."""
    if previous is None:
        return {"previous": None, "change": None, "change_percent": None}
    change = EXACT.subtract(amount, previous)
    return {"previous": to_float(previous), "change": to_float(change), "change_percent": _percent(change, previous)}


def _percent(change: decimal.Decimal, previous: decimal.Decimal) -> float | None:
    """Return a change in percent; None of nothing, and of next to nothing, where no number can hold it."""
    if not previous:
        return None
    percent = float(_QUOTIENT.divide(EXACT.scaleb(change, 2), previous.copy_abs())) + 0.0
    return percent if math.isfinite(percent) else None


def _next_month(period: str | None) -> str | None:
    if period is None:
        return None
    year, month = int(period[:4]), int(period[5:7])
    return f"{year + 1:04d}-01" if month == 12 else f"{year:04d}-{month + 1:02d}"


def _total_rows(groups: Groups) -> list[Row]:
    sums: Sums = {}
    for group, amount in groups.items():
        _add(sums, group[1], amount)
    return [{"currency": currency, "amount": to_float(sums[currency])} for currency in sorted(sums, key=_text_order)]


def _by_period(invoices: list[InvoiceSums]) -> list[InvoiceSums]:
    return sorted(invoices, key=lambda sums: (_text_order(sums.invoice.period), _text_order(sums.invoice.invoice_id)))


def _reconciliation_rows(invoices: list[InvoiceSums]) -> list[Row]:
    rows = []
    for invoice, stated, lines, adjustments in _by_period(invoices):
        for currency in sorted({*stated, *lines, *adjustments}, key=_text_order):
            total, usage, adjusted = (sums.get(currency, ZERO) for sums in (stated, lines, adjustments))
            rows.append(
                {
                    "invoice_id": invoice.invoice_id,
                    "period": invoice.period,
                    "currency": currency,
                    "total": to_float(total),
                    "lines": to_float(usage),
                    "adjustments": to_float(adjusted),
                    "difference": to_float(EXACT.subtract(EXACT.subtract(total, usage), adjusted)),
                }
            )
    return rows


def _forecast_rows(invoices: list[InvoiceSums], now: datetime.datetime) -> list[Row]:
    rows = []
    for invoice, stated, lines, adjustments in _by_period(invoices):
        if invoice.status != "DRAFT":
            continue
        elapsed = _elapsed(invoice, now)
        for currency in sorted({*stated, *lines, *adjustments}, key=_text_order):
            spent = stated.get(currency)
            if spent is None:
                spent = EXACT.add(lines.get(currency, ZERO), adjustments.get(currency, ZERO))
            rows.append(
                {
                    "invoice_id": invoice.invoice_id,
                    "period": invoice.period,
                    "currency": currency,
                    "spent": to_float(spent),
                    "elapsed": None if elapsed is None else to_float(elapsed),
                    "projected": to_float(_QUOTIENT.divide(spent, elapsed)) if elapsed else None,
                }
            )
    return rows


def _elapsed(invoice: Invoice, now: datetime.datetime) -> decimal.Decimal | None:
    """Return the part of the billing period that is over, from 0 to 1; None when the period is not known."""
    start = invoice.instant(invoice.period_start, "period_start")
    end = invoice.instant(invoice.period_end, "period_end")
    if start is None or end is None:
        return None
    microsecond = datetime.timedelta(microseconds=1)
    length = (end - start) // microsecond
    passed = min(max((now - start) // microsecond, 0), length)
    return _QUOTIENT.divide(decimal.Decimal(passed), decimal.Decimal(length)) if length > 0 else None
