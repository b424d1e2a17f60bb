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

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._errors import shown

# RFC 3339, section 5.6. PyYAML prints an instant with a space where RFC 3339 has a "T", and one without an offset is
# in UTC to it, so that the offset may be missing here.
_INSTANT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?\s?(?:[Zz]|([+-])(\d\d):(\d\d))?)?", re.ASCII
)
# Patterns that few tasks need are compiled where they are.
_NUMBERED = r"[0-9]{4}(?:-q[0-9]|-[0-9]{2})?"
_RANGE = r"[0-9]{4}-[0-9]{2}\.\.[0-9]{4}-[0-9]{2}"
_RELATIVE = r"(this|last)_(month|quarter|year)"
_LAST_MONTHS = r"last_([1-9][0-9]{0,3})_months"
_UNITS = {"month": 1, "quarter": 3, "year": 12}
# What is wrong with a text that has none of the forms: the first pattern that is found in it says.
_WRONG = (
    (r"^$", " is empty: write a month such as 2026-10, or leave it out."),
    (r"^[0-9]{4}-[0-9]{2}-[0-9]{2}\b", " is a day, and a billing period is a month: write it without the day."),
    (r"^[0-9]{2}$", ": a year has four digits, and a month stands behind its year, such as 2026-10."),
    (r"next|future|tomorrow", " has not begun, and has no invoice: write this_month, or a month such as 2026-10."),
    (r"day|week", ": a billing period is a month, write this_month, last_month or last_3_months."),
    (r"\.\.", ": a range has a month on both sides of the two dots, such as 2026-01..2026-03."),
    (r"^last.+months?$", ": the number of full months before this one is 1 to 9999, such as last_3_months."),
    (r"^q[0-9]", ": a quarter stands behind its year, such as 2026-q3."),
    (
        r"^[a-z]{3,9}( [0-9]{4})?$",
        ": months are numbers behind their year, such as 2026-10, or a name like last_month.",
    ),
    (
        r"",
        " is none that is known: write a month such as 2026-10, a quarter such as 2026-q3, a range such as "
        "2026-01..2026-03, or a name such as last_month.",
    ),
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


def cut_months(start: datetime.datetime | None, end: datetime.datetime | None) -> list[str]:
    """Return the months, such as C(2026-10), that an interval of time cuts through: they lie partly in it.

    :param start: where the interval begins, aware; None when it has no beginning.
    :param end: where it ends, aware; None when it has no end.
    """
    cut = {_month(_count(edge)) for edge in (start, end) if edge is not None and edge != _start_of_month(edge)}
    return sorted(cut)


def months_of(months: Months, now: datetime.datetime | None = None) -> list[str]:
    """Return each month of an interval, such as C(2026-10), in their order.

    The forms of O(period) bound the interval: it is never longer than 10,000 years.

    :param now: months that begin after this instant, an aware one, are left out; without it none is.
    """
    last = months.last if now is None else min(months.last, _count(now.astimezone(datetime.timezone.utc)))
    return [_month(count) for count in range(max(months.first, 0), last + 1)]


def parse_period(text: str, now: datetime.datetime) -> Months:
    """Read the O(period) option.

    :param text: C(2026-10), C(2026), C(2026-q3), C(2026-01..2026-03), C(this_month), C(last_month), the same with
        C(quarter) and C(year), or C(last_3_months) with any number from 1 to 9999.
    :param now: the instant that C(this_month) and the other relative forms count from, aware.
    :returns: the interval of months, both ends included.
    :raises ValueError: when it is none of them; its text is for the user: the name of the option, what is wrong, and
        what to write instead.
    """
    months = _read(text, now)
    if months is None:
        raise ValueError(_say_what_is_wrong(text, now))
    return months


def _read(text: str, now: datetime.datetime) -> Months | None:
    """Return the interval of a text, None when it has none of the forms; raises ValueError as :func:`parse_period`."""
    this_month = _count(now.astimezone(datetime.timezone.utc))
    relative = re.fullmatch(_RELATIVE, text)
    if relative:
        length = _UNITS[relative.group(2)]
        first = this_month - this_month % length - (length if relative.group(1) == "last" else 0)
        return Months(first, first + length - 1)
    last_months = re.fullmatch(_LAST_MONTHS, text)
    if last_months:
        return Months(this_month - int(last_months.group(1)), this_month - 1)
    if re.fullmatch(_RANGE, text):
        first, last = (_read_numbered(side).first for side in text.split(".."))
        if first > last:
            raise ValueError(f"period {text!r} ends before it begins, write {_month(last)}..{_month(first)}.")
        return Months(first, last)
    return _read_numbered(text) if re.fullmatch(_NUMBERED, text) else None


def _read_numbered(text: str) -> Months:
    year, part = int(text[:4]), text[5:]
    unit, length, number = ("quarter", 3, part[1:]) if part.startswith("q") else ("month", 1, part)
    if not part:
        return Months(year * 12, year * 12 + 11)
    if not 1 <= int(number) <= 12 // length:
        all_of_them = f"{text[:4]}-q1 to {text[:4]}-q4" if length == 3 else f"{text[:4]}-01 to {text[:4]}-12"
        raise ValueError(f"period {text!r}: there is no {unit} {number}, write {all_of_them}.")
    first = year * 12 + int(number) * length - length
    return Months(first, first + length - 1)


def _say_what_is_wrong(text: str, now: datetime.datetime) -> str:
    """Return the message for a text that has none of the forms: what is wrong, and what to write instead."""
    meant = _meant(text.lower())
    if meant != text and _read(meant, now):
        return f"period must be written {meant}, not {shown(text)}."
    kind = next(message for pattern, message in _WRONG if re.search(pattern, text, re.ASCII | re.IGNORECASE))
    return f"period {shown(text)}{kind}" if text else f"period{kind}"


def _meant(text: str) -> str:
    """Return a text in lower case with the marks between its parts that a period has."""
    text = re.sub(
        r"\b([0-9]{4})(?:[/. _-]([1-9])|[/. _-]?(0[1-9]|1[0-2]))\b",
        lambda at: f"{at[1]}-{int(at[2] or at[3]):02d}",
        text,
    )
    text = re.sub(r"\b([0-9]{4})[/. _-]?q([1-4])\b", r"\1-q\2", text)
    text = re.sub(r"([0-9]{4}-[0-9]{2}) ?(?:\.{2,}| to |[-/]) ?([0-9]{4}-[0-9]{2})", r"\1..\2", text)
    return re.sub(r"(?<=[a-z0-9])[ -](?=[a-z])", "_", text) if text[:4] in ("this", "last") else text


def _start_of_month(instant: datetime.datetime) -> datetime.datetime:
    return instant.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _month(count: int) -> str:
    return f"{count // 12:04d}-{count % 12 + 1:02d}"


def _count(instant: datetime.datetime) -> int:
    return instant.year * 12 + instant.month - 1
