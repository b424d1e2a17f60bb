# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the API answers: keys, versions, filters, the rate limit and errors. No socket is touched here."""

from __future__ import annotations

import base64
import collections
import datetime
import hashlib
import json
import re
import threading
import time
import typing as t
import urllib.parse

from billing_sandbox._invoices import CREDITS, invoices
from billing_sandbox._organization import Organization
from billing_sandbox._values import UTC, timestamp

VERSIONS = ("2022-03-31", "2022-09-20", "2023-04-10", "2024-09-16", "2026-09-15")
# From this version on the credits carry their newer name.
RENAMED_CREDITS_VERSION = "2026-09-15"
RENAMED_CREDITS = "COCKROACH_CREDITS"

KEY = "sandbox-key"
JWT = "sandbox-jwt"
VANITY_NAME = "sandbox"
REQUESTS_PER_SECOND = 10
INVOICES_PER_PAGE = 3  # with the quirk

# Where nobody outside the vendor knows what the API does, the sandbox plays the other answer on demand.
QUIRKS = (
    "bad-id-400",
    "bare-totals",
    "descending",
    "empty-object",
    "exclusive-end",
    "filters-hide-draft",
    "late-draft",
    "paged",
    "wrapped-invoice",
)

_TIME = re.compile(r"^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)$", re.ASCII)
_NAME = re.compile(r"^[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?$", re.ASCII)
_UUID = re.compile(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", re.ASCII)
_LIST_PATH = "/api/v1/invoices"
_PAGE = "pagination.page"


class Request(t.NamedTuple):
    """A request as far as the API looks at it. Names of headers are in lower case."""

    method: str
    path: str
    query: str
    headers: t.Mapping[str, str]


class Answer(t.NamedTuple):
    """An answer on its way out."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


class ApiError(Exception):
    """An answer of C({"code", "message", "details"})."""

    def __init__(self, status: int, code: int, message: str, *, headers: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = headers

    def answer(self) -> Answer:
        return json_answer(self.status, {"code": self.code, "message": str(self), "details": []}, headers=self.headers)


def json_bytes(content: object) -> bytes:
    return json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()


def json_answer(status: int, content: object, *, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    return Answer(status, (("Content-Type", "application/json"), *headers), json_bytes(content))


class StoredInvoice(t.NamedTuple):
    """An invoice in the form in which it is sent."""

    id: str
    status: str
    period_start: datetime.datetime
    period_end: datetime.datetime
    body: bytes

    def for_version(self, version: str) -> bytes:
        if version < RENAMED_CREDITS_VERSION:
            return self.body
        return self.body.replace(f'"currency":"{CREDITS}"'.encode(), f'"currency":"{RENAMED_CREDITS}"'.encode())


class Options(t.NamedTuple):
    """What the sandbox serves. C(lines) None: as many line items as each plan has."""

    months: int = 14
    clusters: int = 12
    lines: int | None = None
    seed: int = 1
    now: datetime.datetime | None = None
    rate_limit: bool = True
    quirks: tuple[str, ...] = ()


class Api:
    """The two calls. One object serves all organizations, from many threads at once."""

    def __init__(self, options: Options, *, clock: t.Callable[[], float] = time.monotonic) -> None:
        self._options = options
        self._now = options.now or datetime.datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
        self._stored: dict[str, list[StoredInvoice]] = {}
        self._lists: dict[tuple[str, bool], bytes] = {}
        self._generating = threading.Lock()
        self._limit = RateLimit(clock=clock)

    @property
    def now(self) -> datetime.datetime:
        """The moment up to which the draft has grown. It stands still while the sandbox runs."""
        return self._now

    def answer(self, request: Request) -> Answer:
        """Answer a request.

        Checked in this order: the path, the method, the credential, the rate limit, the version, the parameters.
        """
        try:
            return self._answer(request)
        except ApiError as error:
            return error.answer()

    def invoices(self, name: str) -> list[StoredInvoice]:
        """The invoices of an organization, oldest first.

        :param name: empty for the main organization, else what follows C(sandbox-key-).
        """
        with self._generating:
            if name not in self._stored:
                self._stored[name] = list(self._generate(name))
            return self._stored[name]

    def prepare(self, name: str) -> None:
        """Generate an organization, and the bytes of its whole history, before the first request."""
        for version in VERSIONS:
            self._whole_list(name, version)

    def _whole_list(self, name: str, version: str) -> bytes:
        """The body of the list without filters: what is asked for most, and large, so its bytes are kept."""
        renamed = version >= RENAMED_CREDITS_VERSION
        known = self._lists.get((name, renamed))
        if known is None:
            known = self._lists[name, renamed] = self._list_body(self.invoices(name), version)
        return known

    def _answer(self, request: Request) -> Answer:
        invoice_id = _route(request.path)
        if request.method != "GET":
            raise ApiError(405, 12, "Method Not Allowed", headers=(("Allow", "GET"),))
        name = self._authenticate(request.headers)
        if self._options.rate_limit and not self._limit.admits(request.headers["authorization"]):
            raise ApiError(429, 8, "rate limit exceeded", headers=(("Retry-After", "1"),))
        version = request.headers.get("cc-version", VERSIONS[-1])
        if version not in VERSIONS:
            raise ApiError(400, 3, "invalid Cc-Version")
        if name == "forbidden":
            raise ApiError(403, 7, "caller lacks the required role: BILLING_COORDINATOR or CLUSTER_ADMIN")
        if invoice_id is not None:
            return self._get(name, version, invoice_id)
        return self._list(name, version, _parameters(request.query))

    def _authenticate(self, headers: t.Mapping[str, str]) -> str:
        """The name of the organization that a credential opens."""
        scheme, _space, credential = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise ApiError(401, 16, "missing or malformed Authorization header")
        if credential == JWT:
            vanity_name = headers.get("cc-vanity-name")
            if not vanity_name:
                raise ApiError(400, 3, "missing Cc-Vanity-Name header")
            if vanity_name != VANITY_NAME:
                raise ApiError(401, 16, "unknown organization or JWT issuer")
            return ""
        if credential == KEY:
            return ""
        name = credential[len(KEY) + 1 :] if credential.startswith(KEY + "-") else ""
        if not _NAME.match(name):
            raise ApiError(401, 16, "invalid API key or token")
        return name

    def _get(self, name: str, version: str, invoice_id: str) -> Answer:
        if "bad-id-400" in self._options.quirks and not _UUID.match(invoice_id):
            raise ApiError(400, 3, "invoice_id is not a valid UUID")
        for invoice in self.invoices(name):
            if invoice.id == invoice_id:
                body = invoice.for_version(version)
                wrapped = "wrapped-invoice" in self._options.quirks
                return _body_answer(b'{"invoices":[' + body + b"]}" if wrapped else body)
        raise ApiError(404, 5, "invoice not found")

    def _list(self, name: str, version: str, parameters: t.Mapping[str, str]) -> Answer:
        if not parameters and "paged" not in self._options.quirks:
            return _body_answer(self._whole_list(name, version))
        selected = self._select(self.invoices(name), parameters)
        return _body_answer(self._list_body(selected, version, page=parameters.get(_PAGE)))

    def _list_body(self, selected: list[StoredInvoice], version: str, *, page: str | None = None) -> bytes:
        if not selected and "empty-object" in self._options.quirks:
            return b"{}"
        ordered = selected[::-1] if "descending" in self._options.quirks else selected
        end = b"]}"
        if "paged" in self._options.quirks:
            first = _first_of_page(page, ordered)
            following = ordered[first + INVOICES_PER_PAGE :]
            ordered = ordered[first : first + INVOICES_PER_PAGE]
            token = json_bytes({"next_page": _token(following[0])} if following else None)
            end = b'],"pagination":' + token + b"}"
        return b'{"invoices":[' + b",".join(invoice.for_version(version) for invoice in ordered) + end

    def _select(self, all_of_them: list[StoredInvoice], parameters: t.Mapping[str, str]) -> list[StoredInvoice]:
        status = parameters.get("status")
        if status is not None and status not in ("FINALIZED", "DRAFT"):
            raise ApiError(400, 3, f'parsing field "status": "{status}" is not a valid value')
        start, end = _time(parameters, "start_time"), _time(parameters, "end_time")
        hide_draft = "filters-hide-draft" in self._options.quirks and (start is not None or end is not None)
        if hide_draft:
            end = min(end or self._now, self._now)
        return [
            invoice
            for invoice in all_of_them
            if (status is None or invoice.status == status)
            and (start is None or invoice.period_start >= start)
            and (end is None or self._ended_by(invoice, end))
        ]

    def _ended_by(self, invoice: StoredInvoice, end: datetime.datetime) -> bool:
        if "exclusive-end" in self._options.quirks:
            return invoice.period_end < end
        return invoice.period_end <= end

    def _generate(self, name: str) -> t.Iterator[StoredInvoice]:
        if name == "empty":
            return
        quirks = self._options.quirks
        for invoice in invoices(
            self._organization(name),
            grace_days=10 if "late-draft" in quirks else 0,
            adjusted_totals="bare-totals" not in quirks,
        ):
            month, body = invoice.month, json_bytes(invoice.content)
            yield StoredInvoice(invoice.id, invoice.status, month.start, month.end, body)

    def _organization(self, name: str) -> Organization:
        options = self._options
        if name in ("", "hostile"):
            return Organization(
                key=f"{options.seed}/{name}" if name else str(options.seed),
                months=options.months,
                clusters=options.clusters,
                lines=options.lines,
                now=self._now,
                hostile=name == "hostile",
            )
        # Other organizations are smaller and younger, each in its own way.
        share = int(hashlib.sha256(f"{options.seed}/{name}".encode()).hexdigest()[:8], 16)
        return Organization(
            key=f"{options.seed}/{name}",
            months=min(options.months, 3 + share % max(options.months - 2, 1)),
            clusters=min(options.clusters, 2 + share // 64 % max(options.clusters - 2, 1)),
            lines=options.lines,
            now=self._now,
            shuffled=True,
        )


class RateLimit:
    """At most ten requests within any second for one credential."""

    def __init__(self, *, clock: t.Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._admitted: dict[str, collections.deque[float]] = {}
        self._lock = threading.Lock()

    def admits(self, credential: str) -> bool:
        """Whether one more request is within the limit; one that is not does not count."""
        with self._lock:
            times = self._admitted.setdefault(credential, collections.deque())
            now = self._clock()
            while times and times[0] <= now - 1:
                times.popleft()
            if len(times) >= REQUESTS_PER_SECOND:
                return False
            times.append(now)
            return True


def _body_answer(body: bytes) -> Answer:
    return Answer(200, (("Content-Type", "application/json"),), body)


def _route(path: str) -> str | None:
    """The invoice id that a path names, None for the list."""
    if path == _LIST_PATH:
        return None
    base, _slash, name = path.rpartition("/")
    if base == _LIST_PATH and name:
        return urllib.parse.unquote(name)
    raise ApiError(404, 5, "Not Found")


def _parameters(query: str) -> dict[str, str]:
    """The filters and the page out of a query, each once. Other names are ignored, as the API's gateway does."""
    parameters: dict[str, str] = {}
    for name, value in urllib.parse.parse_qsl(query, keep_blank_values=True):
        if name in ("status", "start_time", "end_time", _PAGE):
            if name in parameters:
                raise ApiError(400, 3, f'too many values for field "{name}"')
            parameters[name] = value
    return parameters


def _token(invoice: StoredInvoice) -> str:
    """What names the page that begins with an invoice. It tells nothing, and has to be quoted in a query."""
    return base64.b64encode(hashlib.sha256(invoice.id.encode()).digest()).decode()


def _first_of_page(page: str | None, ordered: list[StoredInvoice]) -> int:
    """Where a page of a list begins; ApiError 400 for one that the list does not have."""
    if page is None:
        return 0
    for index, invoice in enumerate(ordered):
        if page == _token(invoice):
            return index
    raise ApiError(400, 3, f'parsing field "{_PAGE}": no such page')


def _time(parameters: t.Mapping[str, str], name: str) -> datetime.datetime | None:
    text = parameters.get(name)
    if text is None:
        return None
    try:
        return parse_time(text)
    except ValueError:
        raise ApiError(400, 3, f'parsing field "{name}": "{text}" is not an RFC 3339 time') from None


def parse_time(text: str) -> datetime.datetime:
    """The moment that an RFC 3339 text names; ValueError when it is none."""
    if not _TIME.match(text):
        raise ValueError(text)
    text = text.upper().replace("Z", "+00:00")
    moment, offset = text[:-6], text[-6:]
    seconds, _dot, fraction = moment.partition(".")
    try:
        return datetime.datetime.fromisoformat(f"{seconds}.{(fraction + '000000')[:6]}{offset}").astimezone(UTC)
    except OverflowError:
        raise ValueError(text) from None


__all__ = [
    "JWT",
    "KEY",
    "QUIRKS",
    "VANITY_NAME",
    "VERSIONS",
    "Answer",
    "Api",
    "ApiError",
    "Options",
    "RateLimit",
    "Request",
    "StoredInvoice",
    "json_answer",
    "parse_time",
    "timestamp",
]
