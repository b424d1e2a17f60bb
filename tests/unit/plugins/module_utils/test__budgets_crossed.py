# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which drafts are watched, and which thresholds their costs have crossed."""

from __future__ import annotations

import datetime
import typing as t
from decimal import Decimal

import pytest

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._books import Book, add_up
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._budgets import (
    Crossing,
    Threshold,
    crossed,
    newest_drafts,
)
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._costs import Calendar, group_costs
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._query import Query

LOW, HIGH = Threshold(Decimal(100), Decimal(50)), Threshold(Decimal(200))


def day(month: int, number: int) -> datetime.datetime:
    return datetime.datetime(2026, month, number, tzinfo=datetime.timezone.utc)


def book(month: int | None, amount: float = 0.0, *, status: str = "DRAFT", currency: str = "USD") -> Book:
    raw: dict[str, t.Any] = {"status": status, "totals": [{"amount": amount, "currency": currency}]}
    if month is not None:
        raw["period_start"], raw["period_end"] = f"{day(month, 1).isoformat()}", f"{day(month + 1, 1).isoformat()}"
    return add_up(raw, Query(group_by=("kind",)))


@pytest.mark.parametrize(
    ("now", "months"),
    [
        (day(9, 30), []),
        (day(10, 1), [10, 10]),
        (day(10, 31), [10, 10]),
        (day(11, 1), [11]),
        (day(12, 31), [11]),
    ],
)
def test_the_newest_month_that_has_begun_is_watched(now: datetime.datetime, months: list[int]) -> None:
    books = [book(11), book(10), book(None), book(9, status="FINALIZED"), book(10), book(11, status="FINALIZED")]
    assert [found.header.start and found.header.start.month for found in newest_drafts(books, now)] == months


@pytest.mark.parametrize(
    ("amount", "now", "spent", "projected"),
    [
        (99.99, day(10, 2), [], []),
        (100.0, day(10, 2), [LOW], []),
        (100.0, day(10, 16), [LOW], [LOW, HIGH]),
        (96.0, day(10, 16), [], [LOW]),
        (200.0, day(11, 1), [LOW, HIGH], [LOW, HIGH]),
        (-500.0, day(10, 16), [], []),
    ],
)
def test_what_is_reached_is_crossed(
    amount: float, now: datetime.datetime, spent: list[Threshold], projected: list[Threshold]
) -> None:
    books = [book(10, amount), book(10, 5000.0, currency="EUR")]
    cells = group_costs(books, ("kind",), Calendar(books, now))
    found = crossed([LOW, HIGH], cells, "USD")
    assert found == [Crossing(("unitemized",), threshold, Decimal(repr(amount))) for threshold in spent]
    assert [crossing.threshold for crossing in crossed([LOW, HIGH], cells, "USD", projected=True)] == projected
