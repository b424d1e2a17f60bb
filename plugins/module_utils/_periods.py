# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is private to the cockroachdb_cloud.billing collection.
# It can change or vanish in any release, so do not use it from outside.

"""Instants and billing periods: a billing period is one calendar month in UTC."""

from __future__ import annotations

import contextlib
import datetime
import re
import typing as t

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
_MONTH_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_UNITS = {"month": 1, "quarter": 3, "year": 12}


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
    shown = _shown(text)
    if not text:
        return "period is empty: write a month such as 2026-10, or leave it out."
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\b.*", text, re.ASCII):
        return f"period {shown} is a day, and a billing period is a month: write {text[:7]}."
    if re.fullmatch(r"[0-9]{2}", text):
        return f"period {shown}: a year has four digits, write 20{text}."
    if re.search(r"next|future|tomorrow", text, re.IGNORECASE):
        return f"period {shown} has not begun, and has no invoice: write this_month, or a month such as 2026-10."
    if re.search(r"\b(?:day|week|today|yesterday)|_(?:day|week)", text, re.IGNORECASE):
        return f"period {shown}: a billing period is a month, write this_month, last_month or last_3_months."
    meant = _guess(text.lower(), now)
    if meant is not None and meant.endswith("-"):
        return f"period {shown} has no year: write one before it, such as {now.year:04d}{meant[:-1]}."
    if meant is not None:
        return f"period must be written {meant}, not {shown}."
    if ".." in text:
        return f"period {shown}: a range has a month on both sides of the two dots, such as 2026-01..2026-03."
    if re.fullmatch(r"last.+months?", text, re.IGNORECASE):
        return f"period {shown}: the number of full months before this one is 1 to 9999, such as last_3_months."
    return (
        f"period {shown} is none that is known: write a month such as 2026-10, a quarter such as 2026-q3, a range "
        "such as 2026-01..2026-03, or a name such as last_month."
    )


def _guess(text: str, now: datetime.datetime) -> str | None:
    """Return the period that was probably meant; without its year, and with C(-) at the end, when the text has none."""
    for read in (_guess_relative, _guess_range, _guess_quarter, _guess_month):
        meant = read(text)
        with contextlib.suppress(ValueError):
            if meant and _read(f"2026{meant[:-1]}" if meant.endswith("-") else meant, now):
                return meant
    return None


def _guess_relative(text: str) -> str | None:
    words = re.fullmatch(r"(this|current|last|previous|prev|past)?[ _-]*([0-9]*)[ _-]*(month|quarter|year)s?", text)
    if words is None:
        return None
    which, number, unit = words.groups()
    if number:
        return f"last_{int(number) * _UNITS[unit]}_months"
    return which and f"{'this' if which in ('this', 'current') else 'last'}_{unit}"


def _guess_range(text: str) -> str | None:
    """Read two months, quarters or years with something else than two dots between them."""
    text = re.sub(r"(?<=[0-9]{4}-[0-9]{2})-", " ", text)
    sides = re.findall(r"\b[0-9]{4}(?:[-/]?(?:q[1-4]|[0-9]{1,2}))?\b", text)
    if len(sides) != 2:
        return None
    first, last = (_guess_quarter(side) or _guess_month(side) or side for side in sides)
    first = {"q1": "-01", "q2": "-04", "q3": "-07", "q4": "-10"}.get(first[5:], first[4:] or "-01")
    last = {"q1": "-03", "q2": "-06", "q3": "-09", "q4": "-12"}.get(last[5:], last[4:] or "-12")
    return f"{sides[0][:4]}{first}..{sides[1][:4]}{last}"


def _guess_quarter(text: str) -> str | None:
    separator = "[ _/.-]*"
    found = re.fullmatch(rf"(?:([0-9]{{4}}){separator})?q{separator}([1-4])(?:{separator}([0-9]{{4}}))?", text)
    if found is None:
        return None
    before, number, after = found.groups()
    return f"{before or after}-q{number}" if before or after else f"-q{number}-"


def _guess_month(text: str) -> str | None:
    for number, name in enumerate(_MONTH_NAMES, 1):
        text = re.sub(rf"\b{name}[a-z]*", f"{number:02d}", text)
    year_first = re.fullmatch(r"([0-9]{4})(?:[ _/.,-]+([0-9]{1,2})|([0-9]{2}))", text)
    year_last = re.fullmatch(r"([0-9]{1,2})[ _/.,-]+([0-9]{4})", text)
    if year_first:
        return f"{year_first.group(1)}-{int(year_first.group(2) or year_first.group(3)):02d}"
    if year_last:
        return f"{year_last.group(2)}-{int(year_last.group(1)):02d}"
    return f"-{int(text):02d}-" if re.fullmatch(r"[0-9]{2}", text) else None


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:40]}…")


def _start_of_month(instant: datetime.datetime) -> datetime.datetime:
    return instant.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _month(count: int) -> str:
    return f"{count // 12:04d}-{count % 12 + 1:02d}"


def _count(instant: datetime.datetime) -> int:
    return instant.year * 12 + instant.month - 1
