# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is private to the cockroachdb_cloud.billing collection.
# It can change or vanish in any release, so do not use it from outside.

"""What the report needs of the API, from one fetch."""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._answers import answer, cluster_rows
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._books import Book, add_up
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._cost_info import check_labels
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._costs import Calendar, cost_rows, group_costs
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._folder import Write
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._invoices import gather
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._page import page
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._query import Query
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._report import as_json, build
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._report_rows import Options, Source

if t.TYPE_CHECKING:
    from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._options import Connection, Selection

Raw = t.Dict[str, t.Any]


class Fetched(t.NamedTuple):
    """What a report is made of; C(first) is the first month that was asked for, the one before it is there too."""

    sources: list[Source]
    first: str | None
    invoices: list[Raw]
    warnings: list[str]


def fetch_report(connection: Connection, selection: Selection, query: Query, now: datetime.datetime) -> Fetched:
    """Fetch the invoices that were asked for and the month before them, and answer a query about them.

    :raises BillingError: as :func:`fetch_answer`.
    """

    def keep(raw: Raw) -> tuple[Raw, Book]:
        return raw, add_up(raw, query, details=True)

    invoices, before, warnings = gather(connection, selection, keep, previous=True, now=now)
    books = [book for _raw, book in (*before, *invoices)]
    check_labels(books, selection, query)
    # By far the most rows, and they concern the newest months alone: two to compare, and a draft that is too young.
    few = [one for one in query.breakdowns if one[0] != "movers"]
    found = answer(books, query._replace(breakdowns=tuple(few)), now)
    newest = sorted({book.header.period or "" for book in books})[-3:]
    recent = [book for book in books if (book.header.period or "") in newest]
    entries, calendar = dict(query.breakdowns)["movers"], Calendar(recent, now)
    movers = cost_rows(group_costs(recent, entries, calendar), entries, calendar)
    first = min((book.header.period for _raw, book in invoices if book.header.period), default=None)
    broken_down = {**found.result["breakdowns"], "movers": movers}
    source = Source(None, {**found.result, "breakdowns": broken_down, "clusters": cluster_rows(books)})
    return Fetched([source], first, [raw for raw, _book in invoices], [*warnings, *found.warnings])


def page_files(
    sources: t.Sequence[Source], params: t.Mapping[str, t.Any], first: str | None, now: datetime.datetime
) -> dict[str, Write]:
    """Return what writes the model of a report, and its page.

    :param params: the options C(title), C(group_by), C(credit_rate) and C(budgets).
    """
    options = Options(params["title"], params["group_by"], params["credit_rate"], params["budgets"] or (), first)
    model = build(sources, options, now)
    return {"costs.json": _write_text(as_json(model)), "index.html": _write_text(page(model))}


def _write_text(text: str) -> Write:
    def write(path: bytes) -> None:
        with open(path, "w", encoding="utf-8", newline="") as stream:
            stream.write(text)

    return write
