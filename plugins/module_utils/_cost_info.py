# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is private to the cockroachdb_cloud.billing collection.
# It can change or vanish in any release, so do not use it from outside.

"""What the module cost_info does: fetch, and answer from one pass over what was fetched."""

from __future__ import annotations

import datetime
import functools
import typing as t

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._answers import Answer, answer, missing_labels
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._books import Book, add_up
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._errors import IncompleteError
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._invoices import gather
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._query import COST_SPEC, Query, read_query
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._task import Task, Work

if t.TYPE_CHECKING:
    from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._options import Connection, Selection


def fetch_answer(connection: Connection, selection: Selection, query: Query) -> Answer:
    """Fetch the invoices that were asked for, and answer a query about them.

    :raises BillingError: as :func:`gather`, and :class:`IncompleteError` for a label that is required and not there.
    """
    now = datetime.datetime.now(datetime.timezone.utc)
    add_each = functools.partial(add_up, query=query)
    invoices, before, warnings = gather(connection, selection, add_each, previous=query.compare, now=now)
    check_labels(invoices, selection, query)
    found = answer(invoices, query, now, before=before)
    return Answer(found.result, [*warnings, *found.warnings])


def check_labels(books: list[Book], selection: Selection, query: Query) -> None:
    """Raise :class:`IncompleteError` for a label that is required, asked for, and on no cluster."""
    missing = missing_labels(books, query)
    if missing and "labels" in selection.require:
        raise IncompleteError(missing)


def _cost_info(task: Task) -> dict[str, t.Any]:
    query = read_query(task.params)
    selection = task.selection(labels=bool(query.labels()))
    result, warnings = fetch_answer(task.connection(), selection, query)
    task.warn_of(warnings)
    return result


COST_INFO = Work(COST_SPEC, _cost_info)
