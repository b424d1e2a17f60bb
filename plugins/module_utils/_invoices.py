# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is private to the cockroachdb_cloud.billing collection.
# It can change or vanish in any release, so do not use it from outside.

"""The two calls of the billing API: which invoices are asked for, and what is kept of the answers."""

from __future__ import annotations

import datetime
import json
import re
import typing as t

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._errors import (
    IncompleteError,
    ResponseError,
    legible,
    shown,
)
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._periods import (
    Months,
    months_of,
    parse_instant,
)

if t.TYPE_CHECKING:
    from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._client import Client
    from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._options import Connection, Selection

Raw = t.Dict[str, t.Any]
Keep = t.Callable[[Raw], t.Any]
"""Makes of an invoice what is kept of it, as soon as it is read: the bulk of all never lies in memory together."""

_PATH = ("api", "v1", "invoices")
_TOTALS_LEAVES_OUT = ("invoice_items", "folder_resources")
_CLUSTERS_KEEPS = ("id", "name", "plan", "cloud_provider", "labels", "parent_id", "state")
_NEVER = datetime.datetime.max.replace(tzinfo=datetime.timezone.utc)
_WHITE_SPACE = re.compile(r"[ \t\n\r]*")
_MOST_PAGES = 1000
_MOST_NAMED = 6


class Gathered(t.NamedTuple):
    """What was kept of the invoices that were asked for, and of the month before them if that was asked for too.

    C(warnings) are for the user: what was left out, and which months have no invoice.
    """

    invoices: list[t.Any]
    before: list[t.Any]
    warnings: list[str]


def gather(
    connection: Connection,
    selection: Selection,
    keep: Keep | None = None,
    *,
    previous: bool = False,
    now: datetime.datetime | None = None,
) -> Gathered:
    """Fetch the invoices that were asked for, over one connection.

    :param connection: the checked connection options.
    :param selection: the checked selection options.
    :param keep: what is made of each invoice; as much of it as C(detail) says when left out.
    :param previous: whether to keep the month before a O(period) as well. The list holds it anyway; with ids or a
        filter by time there is no month before.
    :param now: the present, aware; months that have not begun have no invoice.
    :returns: sorted by C(period_start), or in the order of the ids; no invoice is there twice.
    :raises BillingError: as :meth:`Client.get`; :class:`ResponseError` for an answer that holds no invoices, and
        :class:`IncompleteError` for what C(require) does not let pass.
    """
    pile = _Pile(selection, keep or (lambda raw: trim(raw, selection.detail)), previous=previous)
    if selection.invoice_ids != []:
        # Not before: to import requests takes as long as all else in a small task, and refused options need none.
        from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._client import Client

        with Client(connection) as client:
            try:
                _fetch(client, selection, pile)
            except ResponseError as error:
                # What is wrong with the invoices is found when the client has done its part.
                error.attempts = error.attempts or client.attempts
                raise
    return pile.gathered(now or datetime.datetime.now(datetime.timezone.utc))


def trim(invoice: Raw, detail: str) -> Raw:
    """Return as much of an invoice as C(detail) says; the invoice itself stays as it is."""
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


class _Kept(t.NamedTuple):
    start: datetime.datetime
    text: str
    draft: bool
    kept: t.Any


class _Pile:
    """Takes invoices one by one: chooses, keeps what is wanted of each, and remembers what to tell the user."""

    def __init__(self, selection: Selection, keep: Keep, *, previous: bool) -> None:
        self._selection = selection
        self._keep = keep
        self._kept: list[_Kept] = []
        self._before: list[_Kept] = []
        self._left_out: dict[str, int] = {}
        self._ids: set[str] = set()
        self._newest = (datetime.datetime.min.replace(tzinfo=datetime.timezone.utc), "")
        months = selection.months
        self._month_before = Months(months.first - 1, months.first - 1) if previous and months else None

    def take(self, raw: t.Any) -> None:
        """Take an invoice, or leave it out."""
        if not isinstance(raw, dict):
            raise _no_invoices("a list of invoices")
        months, status = self._selection.months, self._selection.status
        start = _start(raw, needed=months is not None)
        found = raw.get("status")
        if start != _NEVER:
            self._newest = max(self._newest, (start, f"{start:%Y-%m} ({legible(str(found or 'without a status'))})"))
        # The id settles the order of several invoices of one month.
        entry = _Kept(start, f"{raw.get('period_start')} {raw.get('invoice_id')}", found == "DRAFT", None)
        if status is not None and found != status:
            self._leave_out(f"of another status than {status}")
        elif not self._is_new(raw.get("invoice_id")):
            self._leave_out("that the API sent twice")
        elif months is None or start in months:
            self._kept.append(entry._replace(kept=self._keep(raw)))
        elif self._month_before is not None and start in self._month_before:
            self._before.append(entry._replace(kept=self._keep(raw)))

    def _leave_out(self, what: str) -> None:
        self._left_out[what] = self._left_out.get(what, 0) + 1

    def _is_new(self, invoice_id: t.Any) -> bool:
        if not isinstance(invoice_id, str) or not invoice_id:
            return True
        known = invoice_id in self._ids
        self._ids.add(invoice_id)
        return not known

    def gathered(self, now: datetime.datetime) -> Gathered:
        """Return what was kept, in order.

        The months are compared here and not by the API, since its documentation leaves open on which side of an
        C(end_time) a month falls that ends then, and whether a filter by time hides the draft. So does its order.
        """
        warnings = [f"Left out of the invoices: {count} {what}." for what, count in self._left_out.items()]
        lacking = dict(self._lacking(now))
        for requirement, text in lacking.items():
            if requirement in self._selection.require:
                raise IncompleteError(text)
        said = lacking.get("invoices") or lacking.get("months")
        if said and self._selection.invoice_ids != []:
            warnings.append(said)
        kept, before = self._kept, self._before
        if self._selection.invoice_ids is None:
            kept, before = (sorted(entries, key=lambda entry: entry[:2]) for entries in (kept, before))
        return Gathered([entry.kept for entry in kept], [entry.kept for entry in before], warnings)

    def _lacking(self, now: datetime.datetime) -> t.Iterator[tuple[str, str]]:
        """Yield what could be required and is not there."""
        if not self._kept:
            yield "invoices", f"There is no invoice {self._say_why_there_is_none()}."
        months = self._selection.months
        if months is not None:
            there = {f"{entry.start:%Y-%m}" for entry in self._kept}
            missing = [month for month in months_of(months, now) if month not in there]
            if missing:
                yield "months", f"There is no invoice for {_listed(missing)}."
        drafts = sorted({f"{entry.start:%Y-%m}" for entry in self._kept if entry.draft and entry.start != _NEVER})
        if any(entry.draft for entry in self._kept):
            yield "final", f"An invoice is still a draft: {_listed(drafts) or 'one without a period'}."

    def _say_why_there_is_none(self) -> str:
        selection = self._selection
        if selection.invoice_ids is not None:
            return "to look at: invoice_id is an empty list"
        chosen = selection.months or selection.status or selection.start_time or selection.end_time
        newest = f"the newest one is of {self._newest[1]}" if self._newest[1] else "the API answered with none"
        return f"{'of this selection' if chosen else 'to look at'}: {newest}"


def _listed(months: list[str]) -> str:
    more = f" and {len(months) - _MOST_NAMED} more months" if len(months) > _MOST_NAMED else ""
    return f"{', '.join(months[:_MOST_NAMED])}{more}"


def _fetch(client: Client, selection: Selection, pile: _Pile) -> None:
    if selection.invoice_ids is None:
        _list(client, selection, pile)
    else:
        for invoice_id in selection.invoice_ids:
            pile.take(_get(client, invoice_id))


def _list(client: Client, selection: Selection, pile: _Pile) -> None:
    """Take all invoices of the list, from all its pages.

    The list has no pages today. The vendor's other lists answer C(pagination.next_page) and take C(pagination.page).
    """
    filters = {name: getattr(selection, name) for name in ("status", "start_time", "end_time")}
    query = {name: value for name, value in filters.items() if value}
    pages: set[str] = set()
    while True:
        answer = client.get(*_PATH, query=query, read=lambda decoder, text: _read_list(decoder, text, pile.take))
        if not isinstance(answer, dict) or not isinstance(answer.get("invoices"), (_Taken, type(None))):
            raise _no_invoices("a list of invoices")
        # proto3 JSON leaves out what is empty: an organization without invoices may get {}.
        if "invoices" not in answer and answer and "pagination" not in answer:
            raise _no_invoices("a list of invoices")
        pagination = answer.get("pagination")
        page = pagination.get("next_page") if isinstance(pagination, dict) else None
        if not page:
            return
        if not isinstance(page, str):
            raise _no_invoices("a list of invoices: pagination.next_page is no text")
        if page in pages or len(pages) >= _MOST_PAGES:
            raise ResponseError(
                "The pages of the list of invoices do not come to an end. Ask for less with start_time and end_time, "
                "and check api_url.",
                status=200,
            )
        pages.add(page)
        query = {**query, "pagination.page": page}


def _get(client: Client, invoice_id: str) -> Raw:
    answer = client.get(*_PATH, invoice_id)
    # The schema says a bare invoice, an example in the vendor's documentation says a list of one.
    wrapped = isinstance(answer, dict) and "invoices" in answer
    invoices = answer["invoices"] if wrapped else [answer]
    if not isinstance(invoices, list) or not all(isinstance(invoice, dict) for invoice in invoices):
        raise _no_invoices(f"the invoice {invoice_id}")
    if len(invoices) != 1 or not invoices[0]:
        raise ResponseError(
            f"The API answered with {len(invoices) if wrapped else 'no'} invoices where the invoice {invoice_id} was "
            "asked for. Check api_url and api_version.",
            status=200,
        )
    found = invoices[0].get("invoice_id")
    if found is not None and f"{found}".lower() != invoice_id.lower():
        raise ResponseError(
            f"The API answered with the invoice {shown(found)} where {invoice_id} was asked for.", status=200
        )
    return t.cast("Raw", invoices[0])


class _Taken:
    """Stands for a list whose entries were taken while it was read."""


def _read_list(decoder: json.JSONDecoder, text: str, take: t.Callable[[t.Any], None]) -> t.Any:
    """Read a JSON object, and hand each entry of its list C(invoices) to whoever takes them, one by one.

    An invoice is known by this place alone. Whatever else the object holds is read as it is.

    :raises ValueError: when the text is no JSON.
    """
    place = _skip(text, 0)
    if text[place : place + 1] != "{":
        return decoder.decode(text)
    answer: dict[str, t.Any] = {}
    place = _skip(text, place + 1)
    closed = text[place : place + 1] == "}"
    while not closed:
        if text[place : place + 1] != '"':
            raise json.JSONDecodeError("a name is needed", text, place)
        name, place = decoder.raw_decode(text, place)
        place = _skip(text, _expect(text, _skip(text, place), ":"))
        if name == "invoices" and text[place : place + 1] == "[" and name not in answer:
            answer[name], place = _Taken(), _read_entries(decoder, text, place, take)
        else:
            answer[name], place = decoder.raw_decode(text, place)
        place = _skip(text, place)
        closed = text[place : place + 1] == "}"
        if not closed:
            place = _skip(text, _expect(text, place, ","))
    if _skip(text, place + 1) != len(text):
        raise json.JSONDecodeError("something follows", text, place)
    return answer


def _read_entries(decoder: json.JSONDecoder, text: str, place: int, take: t.Callable[[t.Any], None]) -> int:
    """Hand each entry of a list to whoever takes them; return the place behind the list."""
    place = _skip(text, place + 1)
    if text[place : place + 1] == "]":
        return place + 1
    while True:
        entry, place = decoder.raw_decode(text, place)
        take(entry)
        del entry  # before the next one is read
        place = _skip(text, place)
        if text[place : place + 1] == "]":
            return place + 1
        place = _skip(text, _expect(text, place, ","))


def _skip(text: str, place: int) -> int:
    """Return the place of what follows white space."""
    found = _WHITE_SPACE.match(text, place)
    return found.end() if found else place


def _expect(text: str, place: int, char: str) -> int:
    if text[place : place + 1] != char:
        raise json.JSONDecodeError(f"{char} is needed", text, place)
    return place + 1


def _no_invoices(expected: str) -> ResponseError:
    return ResponseError(
        f"The API answered with JSON that is not {expected}. Check api_url and api_version, and whether a proxy "
        "answers in place of the API.",
        status=200,
    )


def _start(invoice: Raw, *, needed: bool) -> datetime.datetime:
    start = invoice.get("period_start")
    try:
        return parse_instant(start if isinstance(start, str) else "")
    except ValueError:
        if needed:
            raise ResponseError(
                f"The invoice {shown(invoice.get('invoice_id'))} has no period_start that is a time, so that period "
                "cannot choose. Use start_time and end_time, or leave period out.",
                status=200,
            ) from None
        return _NEVER
