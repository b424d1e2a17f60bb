# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is private to the cockroachdb_cloud.billing collection.
# It can change or vanish in any release, so do not use it from outside.

"""What the report needs of the API, from one fetch."""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._answers import answer
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._books import Book, add_up
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._cost_info import check_labels
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._invoices import gather
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._options import Connection, Selection
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._query import Query


class Report(t.NamedTuple):
    """An answer for a report: with what is told of each cluster, and the invoices themselves.

    C(first) is the first month of the selection; the answer holds the one before it as well.
    """

    result: dict[str, t.Any]
    invoices: list[dict[str, t.Any]]
    first: str | None
    warnings: list[str]


def fetch_report(connection: Connection, selection: Selection, query: Query, now: datetime.datetime) -> Report:
    """Fetch the invoices that were asked for with the month before them, and answer a query about them.

    :raises BillingError: as :func:`fetch_answer`.
    """

    def keep(raw: dict[str, t.Any]) -> tuple[dict[str, t.Any], Book]:
        return raw, add_up(raw, query, details=True)

    invoices, before, warnings = gather(connection, selection, keep, previous=True, now=now)
    books = [book for _raw, book in (*before, *invoices)]
    check_labels(books, selection, query)
    found = answer(books, query, now)
    clusters = {cluster["cluster_id"]: cluster for book in books for cluster in book.clusters}
    first = min((book.header.period for _raw, book in invoices if book.header.period), default=None)
    result = {**found.result, "clusters": list(clusters.values())}
    return Report(result, [raw for raw, _book in invoices], first, [*warnings, *found.warnings])
