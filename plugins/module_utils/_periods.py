# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is private to the cockroachdb_cloud.billing collection.
# It can change or vanish in any release, so do not use it from outside.

"""Instants and billing periods: a billing period is one calendar month in UTC."""

from __future__ import annotations

import datetime
import re
import typing as t

# RFC 3339, section 5.6. PyYAML prints an instant with a space where RFC 3339 has a "T", and one without an offset is
# in UTC to it, so that the offset may be missing here.
_INSTANT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?\s?(?:[Zz]|([+-])(\d\d):(\d\d))?)?", re.ASCII
)
# Patterns that few tasks need are compiled where they are.
_MONTH = r"([0-9]{4})-(0[1-9]|1[0-2])"
_YEAR = r"[0-9]{4}"
_LAST_MONTHS = r"last_([1-9][0-9]{0,3})_months"

PERIOD_FORMS = (
    "2026-10, 2026, 2026-01..2026-03, this_month, last_month, this_year, last_year, or last_3_months with any number"
)


class Months(t.NamedTuple):
    """An interval of billing periods, each month counted from the year 0: C(year * 12 + month - 1)."""

    first: int
    last: int

    def __contains__(self, instant: object) -> bool:
        """Say whether an instant lies in one of the months."""
        return isinstance(instant, datetime.datetime) and self.first <= _count(instant) <= self.last


def parse_instant(text: str) -> datetime.datetime:
    """Read an RFC 3339 instant, a date, or what YAML makes of either.

    :param text: such as C(2026-10-01T00:00:00Z), C(2026-10-01) or C(2026-10-01 02:00:00+02:00); without an offset it
        is in UTC. Digits of a second past the microseconds are dropped.
    :returns: an aware datetime in UTC.
    :raises ValueError: when the text is none of these, or no such day or time exists.
    """
    match = _INSTANT.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no RFC 3339 time")
    year, month, day, hour, minute, second, fraction, sign, offset_hours, offset_minutes = match.groups()
    instant = datetime.datetime(
        int(year),
        int(month),
        int(day),
        int(hour or 0),
        int(minute or 0),
        int(second or 0),
        int(((fraction or "") + "000000")[:6]),
        tzinfo=datetime.timezone.utc,
    )
    if sign is None:
        return instant
    offset = datetime.timedelta(hours=int(offset_hours), minutes=int(offset_minutes))
    if int(offset_hours) > 23 or int(offset_minutes) > 59:
        raise ValueError(f"{text!r} has no valid offset")
    try:
        return instant - offset if sign == "+" else instant + offset
    except OverflowError:
        raise ValueError(f"{text!r} is out of range") from None


def format_instant(instant: datetime.datetime) -> str:
    """Write an aware instant as the API takes it: RFC 3339, UTC, C(Z)."""
    return instant.astimezone(datetime.timezone.utc).replace(tzinfo=None).isoformat() + "Z"


def month_of(text: str) -> str:
    """Return the month of an RFC 3339 instant in UTC, such as C(2026-10).

    :raises ValueError: as :func:`parse_instant`.
    """
    instant = parse_instant(text)
    return f"{instant.year:04d}-{instant.month:02d}"


def parse_period(text: str, now: datetime.datetime) -> Months:
    """Read the O(period) option.

    :param text: one of the forms in :data:`PERIOD_FORMS`.
    :param now: the instant that C(this_month) and the other relative forms count from, aware.
    :returns: the interval of months, both ends included.
    :raises ValueError: when it is none of the forms, or a range that ends before it begins.
    """
    this_month = _count(now.astimezone(datetime.timezone.utc))
    january = this_month - this_month % 12
    relative = {
        "this_month": Months(this_month, this_month),
        "last_month": Months(this_month - 1, this_month - 1),
        "this_year": Months(january, january + 11),
        "last_year": Months(january - 12, january - 1),
    }
    if text in relative:
        return relative[text]
    last_months = re.fullmatch(_LAST_MONTHS, text)
    if last_months:
        return Months(this_month - int(last_months.group(1)), this_month - 1)
    if re.fullmatch(_YEAR, text):
        return Months(int(text) * 12, int(text) * 12 + 11)
    first, dots, last = text.partition("..")
    months = Months(_parse_month(first), _parse_month(last if dots else first))
    if months.first > months.last:
        raise ValueError(f"{text!r} ends before it begins")
    return months


def _parse_month(text: str) -> int:
    match = re.fullmatch(_MONTH, text)
    if match is None:
        raise ValueError(f"{text!r} is no billing period")
    return int(match.group(1)) * 12 + int(match.group(2)) - 1


def _count(instant: datetime.datetime) -> int:
    return instant.year * 12 + instant.month - 1
