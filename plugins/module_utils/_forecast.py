# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is private to the cockroachdb_cloud.billing collection.
# It can change or vanish in any release, so do not use it from outside.

"""Where a draft is heading, and when credits run out: said once.

Usage goes on at its rate so far, and adjustments stay as they are stated: a one-off credit is not multiplied. How far
the draft has come is not known to the hour, so that each projection has a range.
"""

from __future__ import annotations

import datetime
import decimal
import typing as t

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._money import EXACT, ZERO, divide

_ONE = decimal.Decimal(1)
_DAY = datetime.timedelta(days=1)
_FIRST_DAYS = 2
# The mean length of a month of the Gregorian calendar.
_DAYS_OF_A_MONTH = decimal.Decimal("30.436875")
_NEWEST_MONTHS = 3


class Progress(t.NamedTuple):
    """How much of a billing period is over, from 0 to 1: by the clock, and in whole days what it is at least and most.

    C(settled) is false in the first two days of a period, when a rate says nothing yet.
    """

    elapsed: decimal.Decimal
    least: decimal.Decimal
    most: decimal.Decimal
    settled: bool


class Projection(t.NamedTuple):
    """What costs come to at the end of their billing period; all are null where that cannot be said."""

    projected: decimal.Decimal | None
    low: decimal.Decimal | None
    high: decimal.Decimal | None

    def __add__(self, other: object) -> Projection:  # a sum of each, not a longer tuple
        """Return the projections of both together."""
        if not isinstance(other, Projection):
            return NotImplemented
        return Projection(
            *[None if one is None or two is None else EXACT.add(one, two) for one, two in zip(self, other)]
        )


NOTHING = Projection(ZERO, ZERO, ZERO)
UNKNOWN = Projection(None, None, None)


def progress(start: datetime.datetime | None, end: datetime.datetime | None, now: datetime.datetime) -> Progress | None:
    """Return how far a billing period has come; None when its bounds are not known, or not in their order.

    :param start: when the period starts, inclusive, aware.
    :param end: when it ends, exclusive, aware.
    :param now: the instant up to which its costs are known, aware.
    """
    if start is None or end is None or start >= end:
        return None
    length = end - start
    passed = min(max(now - start, datetime.timedelta(0)), length)
    days = passed // _DAY
    over = passed == length
    return Progress(
        elapsed=_part(passed, length),
        least=_ONE if over else _part(days * _DAY, length),
        most=_ONE if over else _part(min((days + 1) * _DAY, length), length),
        settled=over or days >= _FIRST_DAYS,
    )


def project(usage: decimal.Decimal, adjustments: decimal.Decimal, so_far: Progress | None) -> Projection:
    """Project costs to the end of their billing period.

    :param usage: what goes on at its rate: line items, and what is unitemized.
    :param adjustments: what stays as it is.
    :param so_far: how far the period has come.
    :returns: all null when that is not known, and in the first two days.
    """
    if so_far is None or not so_far.settled:
        return UNKNOWN
    ends = [EXACT.add(divide(usage, part), adjustments) for part in (so_far.most, so_far.least)]
    return Projection(EXACT.add(divide(usage, so_far.elapsed), adjustments), min(ends), max(ends))


def monthly(spent: t.Mapping[str, decimal.Decimal]) -> decimal.Decimal | None:
    """Return the mean of the newest three months that were spent in; None when there is none.

    :param spent: what each full month came to, by month such as C(2026-10).
    """
    newest = sorted(month for month, amount in spent.items() if amount > 0)[-_NEWEST_MONTHS:]
    if not newest:
        return None
    total = ZERO
    for month in newest:
        total = EXACT.add(total, spent[month])
    return divide(total, decimal.Decimal(len(newest)))


def run_out(
    balance: decimal.Decimal, per_month: decimal.Decimal | None, since: datetime.datetime | None
) -> datetime.date | None:
    """Return the day on which a balance is used up at a monthly rate; None when it never is, or nobody can say.

    :param since: the instant at which the balance was what it is.
    """
    if since is None or not per_month or per_month < 0 or balance <= 0:
        return None
    try:
        days = int(EXACT.multiply(divide(balance, per_month), _DAYS_OF_A_MONTH).to_integral_value(decimal.ROUND_FLOOR))
        return (since + datetime.timedelta(days=days)).date()
    except OverflowError:
        return None


def _part(passed: datetime.timedelta, length: datetime.timedelta) -> decimal.Decimal:
    microsecond = datetime.timedelta(microseconds=1)
    return divide(decimal.Decimal(passed // microsecond), decimal.Decimal(length // microsecond))
