# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the tests of this collection.

"""Ask a question about invoices as the plugins ask it, at a moment that the test names."""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._answers import Answer, answer, read_books
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._books import add_up
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._credential import Layer
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._options import (
    CONNECTION_SPEC,
    Connection,
    read_connection,
)
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._query import read_query
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._api import KEY, Api

Rows = t.List[t.Dict[str, t.Any]]


def at(text: str) -> datetime.datetime:
    """Return an instant in UTC, such as that of C(2026-10-04) or C(2026-10-04T23:00)."""
    return datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.timezone.utc)


NEW_YEAR = at("2027-01-01")


def ask(
    invoices: t.Any, *, now: datetime.datetime = NEW_YEAR, before: t.Sequence[t.Any] = (), **options: t.Any
) -> Answer:
    """Answer a query with cost options about invoices, and those before them."""
    query = read_query(options)
    books = read_books(invoices, query)[::-1]  # in no order
    return answer(books, query, now, before=[add_up(raw, query) for raw in before])


def costs(invoices: t.Any, group_by: t.Any = ("period",), **more: t.Any) -> Rows:
    """Return the rows of C(costs)."""
    return t.cast("Rows", ask(invoices, group_by=group_by, **more).result["costs"])


def values(rows: Rows, *keys: str) -> list[tuple[t.Any, ...]]:
    """Return the values of rows, all or those of some keys."""
    return [tuple(row[key] for key in keys or row) for row in rows]


def connect(api: Api) -> Connection:
    """Return checked connection options for the server of a test."""
    options = {name: spec.get("default") for name, spec in CONNECTION_SPEC.items()}
    layer = Layer({"api_key": KEY}, "option {option}")
    return read_connection({**options, "api_url": api.url, "retries": 0}, [layer], environment_of="this test")
