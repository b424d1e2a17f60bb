# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Instants and billing periods: every form, every edge of the calendar, and what is none of the forms."""

from __future__ import annotations

import datetime
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._periods import (
    Months,
    cut_months,
    format_instant,
    month_of,
    months_of,
    parse_instant,
    parse_period,
)

UTC = datetime.timezone.utc
NOW = datetime.datetime(2026, 11, 23, 5, 16, tzinfo=UTC)
JANUARY = datetime.datetime(2026, 1, 1, tzinfo=UTC)

INSTANTS = st.datetimes(timezones=st.just(UTC))
OFFSETS = st.integers(-(23 * 60 + 59), 23 * 60 + 59)
# Far enough from both ends of the calendar for every offset.
MIDDLE_INSTANTS = INSTANTS.filter(lambda instant: 1 < instant.year < 9999)
MONTHS = st.tuples(st.integers(1, 9999), st.integers(1, 12))


def months(first: str, last: str | None = None) -> Months:
    """Return an interval of months that is written as C(2026-01)."""
    counts = [int(text[:4]) * 12 + int(text[5:]) - 1 for text in (first, last or first)]
    return Months(*counts)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-10-01", "2026-10-01T00:00:00Z"),
        ("2026-10-01T12:34:56Z", "2026-10-01T12:34:56Z"),
        ("2026-10-01t12:34:56z", "2026-10-01T12:34:56Z"),
        ("2026-10-01 12:34:56", "2026-10-01T12:34:56Z"),
        ("2026-10-01T12:34:56", "2026-10-01T12:34:56Z"),
        ("2026-10-01 00:00:00+00:00", "2026-10-01T00:00:00Z"),
        ("2026-10-01 00:00:00 +00:00", "2026-10-01T00:00:00Z"),
        ("2026-10-01T00:00:00-00:00", "2026-10-01T00:00:00Z"),
        ("2026-10-01T00:00:00+02:00", "2026-09-30T22:00:00Z"),
        ("2026-09-30T20:00:00-05:30", "2026-10-01T01:30:00Z"),
        ("2026-01-01T00:30:00+05:45", "2025-12-31T18:45:00Z"),
        ("2024-02-29T23:30:00-01:00", "2024-03-01T00:30:00Z"),
        ("2023-02-28T23:30:00-01:00", "2023-03-01T00:30:00Z"),
        ("2026-10-01T00:00:00.5Z", "2026-10-01T00:00:00.500000Z"),
        ("2026-10-01T00:00:00.123456789Z", "2026-10-01T00:00:00.123456Z"),
        ("2026-10-01T00:00:00+23:59", "2026-09-30T00:01:00Z"),
        ("0001-01-01", "0001-01-01T00:00:00Z"),
        ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"),
    ],
)
def test_an_instant_in_utc(text: str, expected: str) -> None:
    assert format_instant(parse_instant(text)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "2026",
        "2026-10",
        "2026-1-1",
        "2026-13-01",
        "2026-02-29",
        "0000-01-01",
        "2026-10-01T",
        "2026-10-01T12:34Z",
        "2026-10-01T24:00:00Z",
        "2026-10-01T12:00:61Z",
        "2026-10-01T12:00:00.Z",
        "2026-10-01T12:00:00+0200",
        "2026-10-01T12:00:00+24:00",
        "2026-10-01T12:00:00Z+02:00",
        "2026-10-01  12:00:00Z",
        "2026-10-01\n",
        " 2026-10-01",
        "٢٠٢٦-10-01",
        "20261001",
        "1760000000",
        "yesterday",
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
    ],
)
def test_what_is_no_instant(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_instant(text)


@given(INSTANTS)
def test_every_instant_comes_back_from_its_text(instant: datetime.datetime) -> None:
    assert parse_instant(format_instant(instant)) == instant


@given(MIDDLE_INSTANTS, OFFSETS, st.sampled_from(["T", "t", " "]))
def test_an_offset_changes_the_writing_and_not_the_instant(
    instant: datetime.datetime, minutes: int, separator: str
) -> None:
    local = instant.astimezone(datetime.timezone(datetime.timedelta(minutes=minutes)))
    assert parse_instant(local.isoformat(sep=separator)) == instant
    assert parse_instant(local.isoformat(sep=separator)).utcoffset() == datetime.timedelta(0)
    assert format_instant(local) == format_instant(instant)


@given(st.text(max_size=40))
def test_a_text_is_an_instant_or_an_error_of_one_kind(text: str) -> None:
    try:
        instant = parse_instant(text)
    except ValueError:
        return
    assert parse_instant(format_instant(instant)) == instant


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-10-01T00:00:00Z", "2026-10"),
        ("2026-10-01T01:00:00+02:00", "2026-09"),
        ("2025-12-31T23:30:00-01:00", "2026-01"),
        ("0099-03-04", "0099-03"),
    ],
)
def test_the_month_of_an_instant_is_in_utc(text: str, expected: str) -> None:
    assert month_of(text) == expected


def test_the_month_of_no_instant() -> None:
    with pytest.raises(ValueError, match="no RFC 3339 time"):
        month_of("October")


@pytest.mark.parametrize(
    ("text", "now", "expected"),
    [
        ("2026-10", NOW, months("2026-10")),
        ("2026", NOW, months("2026-01", "2026-12")),
        ("2026-01..2026-03", NOW, months("2026-01", "2026-03")),
        ("2025-11..2026-02", NOW, months("2025-11", "2026-02")),
        ("2026-03..2026-03", NOW, months("2026-03")),
        ("2026-q1", NOW, months("2026-01", "2026-03")),
        ("2026-q4", NOW, months("2026-10", "2026-12")),
        ("this_month", NOW, months("2026-11")),
        ("last_month", NOW, months("2026-10")),
        ("this_quarter", NOW, months("2026-10", "2026-12")),
        ("last_quarter", NOW, months("2026-07", "2026-09")),
        ("last_year", NOW, months("2025-01", "2025-12")),
        ("last_1_months", NOW, months("2026-10")),
        ("last_3_months", NOW, months("2026-08", "2026-10")),
        ("last_12_months", NOW, months("2025-11", "2026-10")),
        ("last_month", JANUARY, months("2025-12")),
        ("last_quarter", JANUARY, months("2025-10", "2025-12")),
        ("last_quarter", datetime.datetime(2026, 3, 31, 23, 59, 59, tzinfo=UTC), months("2025-10", "2025-12")),
        ("last_year", JANUARY, months("2025-01", "2025-12")),
        ("last_3_months", JANUARY, months("2025-10", "2025-12")),
        ("last_13_months", JANUARY, months("2024-12", "2025-12")),
        ("this_year", datetime.datetime(2026, 12, 31, 23, 59, 59, 999999, UTC), months("2026-01", "2026-12")),
        ("last_month", datetime.datetime(2024, 3, 1, tzinfo=UTC), months("2024-02")),
    ],
)
def test_a_period(text: str, now: datetime.datetime, expected: Months) -> None:
    assert parse_period(text, now) == expected


@pytest.mark.parametrize(
    ("hours", "expected"),
    [(+2, months("2025-12")), (0, months("2026-01")), (-2, months("2026-01"))],
    ids=["east", "UTC", "west"],
)
def test_relative_periods_count_from_now_in_utc(hours: int, expected: Months) -> None:
    midnight = datetime.datetime(2026, 1, 1, 0, 30, tzinfo=datetime.timezone(datetime.timedelta(hours=hours)))
    assert parse_period("this_month", midnight) == expected


UNKNOWN = (
    " is none that is known: write a month such as 2026-10, a quarter such as 2026-q3, a range such as "
    "2026-01..2026-03, or a name such as last_month."
)
NO_RANGE = ": a range has a month on both sides of the two dots, such as 2026-01..2026-03."
NO_NUMBER = ": the number of full months before this one is 1 to 9999, such as last_3_months."
NO_MONTH = ": a billing period is a month, write this_month, last_month or last_3_months."
A_DAY = " is a day, and a billing period is a month: write it without the day."
NO_YEAR = ": a year has four digits, and a month stands behind its year, such as 2026-10."
NO_NAME = ": months are numbers behind their year, such as 2026-10, or a name like last_month."
NO_QUARTER = ": a quarter stands behind its year, such as 2026-q3."
FUTURE = " has not begun, and has no invoice: write this_month, or a month such as 2026-10."


@pytest.mark.parametrize(
    ("text", "what_is_wrong"),
    [
        ("26", NO_YEAR),
        ("2026-13", ": there is no month 13, write 2026-01 to 2026-12."),
        ("2026-00", ": there is no month 00, write 2026-01 to 2026-12."),
        ("2026-q5", ": there is no quarter 5, write 2026-q1 to 2026-q4."),
        ("2026-q0", ": there is no quarter 0, write 2026-q1 to 2026-q4."),
        ("2026-10..2026-03", " ends before it begins, write 2026-03..2026-10."),
        ("2026-01..", NO_RANGE),
        ("..", NO_RANGE),
        ("2026-q3..2026-q1", NO_RANGE),
        ("last_month..this_month", NO_RANGE),
        ("2026-10-01", A_DAY),
        ("next_month", FUTURE),
        ("next quarter", FUTURE),
        ("today", NO_MONTH),
        ("last_30_days", NO_MONTH),
        ("last_0_months", NO_NUMBER),
        ("last_1.5_months", NO_NUMBER),
        ("last_10000_months", NO_NUMBER),
        ("last_\u0663_months", NO_NUMBER),
        ("october", NO_NAME),
        ("May", NO_NAME),
        ("q3", NO_QUARTER),
        ("20266", UNKNOWN),
        ("13/2026", UNKNOWN),
        ("last_0_years", UNKNOWN),
        ("ytd", NO_NAME),
        ("October 2026", NO_NAME),
        ("\u0662\u0660\u0662\u0666", UNKNOWN),
        ("2026-10\n", UNKNOWN),
    ],
)
def test_what_is_wrong_with_what_is_no_period(text: str, what_is_wrong: str) -> None:
    with pytest.raises(ValueError, match=r"^period ") as caught:
        parse_period(text, NOW)
    assert f"{caught.value}" == f"period {text!r}{what_is_wrong}"


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2026-1", "2026-01"),
        ("202610", "2026-10"),
        ("2026/10", "2026-10"),
        ("2026.10", "2026-10"),
        ("2026-Q3", "2026-q3"),
        ("2026q3", "2026-q3"),
        ("2026-1..2026-3", "2026-01..2026-03"),
        ("2026-01...2026-03", "2026-01..2026-03"),
        ("2026-01 .. 2026-03", "2026-01..2026-03"),
        ("2026-01-2026-03", "2026-01..2026-03"),
        ("2026-01 to 2026-03", "2026-01..2026-03"),
        ("2026-01/2026-03", "2026-01..2026-03"),
        ("this month", "this_month"),
        ("This_Month", "this_month"),
        ("LAST-QUARTER", "last_quarter"),
    ],
)
def test_what_was_probably_meant(text: str, meant: str) -> None:
    with pytest.raises(ValueError, match=r"^period ") as caught:
        parse_period(text, NOW)
    assert f"{caught.value}" == f"period must be written {meant}, not {text!r}."
    parse_period(meant, NOW)


def test_no_period_at_all_and_one_without_end() -> None:
    with pytest.raises(ValueError, match=r"^period is empty: write a month such as 2026-10, or leave it out\.$"):
        parse_period("", NOW)
    with pytest.raises(ValueError, match=r"^period 'x{56}\.\.\. is none that is known: "):
        parse_period("x" * 10_000_000, NOW)


PERIOD_PIECES = ["2026", "-", "..", "q", "1", "03", "13", "last", "this", "_", "month", "months", "0", " ", "Q3", "oct"]


@given(st.one_of(st.text(max_size=30), st.lists(st.sampled_from(PERIOD_PIECES), max_size=8).map("".join)), INSTANTS)
def test_a_text_is_a_period_or_an_error_that_names_the_option(text: str, now: datetime.datetime) -> None:
    try:
        period = parse_period(text, now)
    except ValueError as error:
        assert re.match(r"period .*\.$", f"{error}")  # noqa: PT017 (not every text is refused)
    else:
        assert period.first <= period.last


# The months of an interval


def test_the_months_of_an_interval() -> None:
    assert months_of(months("2025-11", "2026-02")) == ["2025-11", "2025-12", "2026-01", "2026-02"]
    assert months_of(parse_period("2026-q4", NOW), NOW) == ["2026-10", "2026-11"]
    assert months_of(parse_period("2027", NOW), NOW) == []


@given(st.integers(1, 9999), INSTANTS)
def test_the_months_of_an_interval_are_bounded_by_the_calendar(number: int, now: datetime.datetime) -> None:
    listed = months_of(parse_period(f"last_{number}_months", now))
    assert len(listed) == min(number, now.year * 12 + now.month - 1)
    assert listed == sorted(set(listed))


def instant(text: str | None) -> datetime.datetime | None:
    return parse_instant(text) if text else None


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (None, None, []),
        ("2026-10-01", "2026-11-01", []),
        ("2026-10-01T02:00:00+02:00", None, []),
        ("2026-10-01", "2026-10-31", ["2026-10"]),
        ("2026-10-01", "2026-10-31T23:59:59Z", ["2026-10"]),
        ("2026-10-01T00:00:00.000001Z", "2026-12-01", ["2026-10"]),
        ("2026-10-01T00:00:00+02:00", None, ["2026-09"]),
        (None, "2026-11-23", ["2026-11"]),
        ("2026-09-15", "2026-11-15", ["2026-09", "2026-11"]),
        ("2026-10-02", "2026-10-03", ["2026-10"]),
    ],
)
def test_months_that_lie_partly_in_an_interval(start: str | None, end: str | None, expected: list[str]) -> None:
    assert cut_months(instant(start), instant(end)) == expected


@given(MONTHS, INSTANTS)
def test_an_instant_lies_in_the_one_month_that_it_is_of(month: tuple[int, int], instant: datetime.datetime) -> None:
    period = parse_period("{:04d}-{:02d}".format(*month), NOW)
    assert (instant in period) == ((instant.year, instant.month) == month)
    assert instant in parse_period(month_of(format_instant(instant)), NOW)


@given(MONTHS, MONTHS, INSTANTS)
def test_a_range_is_the_months_from_its_first_to_its_last(
    first: tuple[int, int], last: tuple[int, int], instant: datetime.datetime
) -> None:
    text = "{:04d}-{:02d}..{:04d}-{:02d}".format(*first, *last)
    if first > last:
        with pytest.raises(ValueError, match="ends before it begins"):
            parse_period(text, NOW)
    else:
        assert (instant in parse_period(text, NOW)) == (first <= (instant.year, instant.month) <= last)


@given(st.integers(1, 9999), INSTANTS)
def test_last_months_are_that_many_and_end_before_this_one(number: int, now: datetime.datetime) -> None:
    period = parse_period(f"last_{number}_months", now)
    this_month = parse_period("this_month", now)
    assert period.last - period.first + 1 == number
    assert period.last + 1 == this_month.first
    assert now not in period
    assert now in this_month


@given(INSTANTS)
def test_quarters_hold_three_months_and_follow_each_other(now: datetime.datetime) -> None:
    this_quarter, last_quarter = parse_period("this_quarter", now), parse_period("last_quarter", now)
    assert now in this_quarter
    assert this_quarter.first % 3 == 0
    assert last_quarter == (this_quarter.first - 3, this_quarter.first - 1)
    assert this_quarter == parse_period(f"{now.year:04d}-q{(now.month + 2) // 3}", now)


@given(INSTANTS)
def test_years_follow_each_other_and_hold_twelve_months(now: datetime.datetime) -> None:
    this_year, last_year = parse_period("this_year", now), parse_period("last_year", now)
    assert this_year.last - this_year.first == last_year.last - last_year.first == 11
    assert last_year.last + 1 == this_year.first
    assert now in this_year
    assert this_year == parse_period(f"{now.year:04d}", now)


@pytest.mark.parametrize("value", ["2026-10-01T00:00:00Z", None, 2026, datetime.date(2026, 10, 1)])
def test_only_an_instant_lies_in_a_month(value: object) -> None:
    assert value not in parse_period("2026-10", NOW)
