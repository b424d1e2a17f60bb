# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Instants and billing periods: every form, every edge of the calendar, and what is none of the forms."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._periods import (
    PERIOD_FORMS,
    Months,
    format_instant,
    month_of,
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
        "2026-00-01",
        "2026-02-29",
        "2024-02-30",
        "2026-10-00",
        "0000-01-01",
        "2026-10-01T",
        "2026-10-01T12",
        "2026-10-01T12:34Z",
        "2026-10-01T24:00:00Z",
        "2026-10-01T12:60:00Z",
        "2026-10-01T12:00:61Z",
        "2026-10-01T12:00:00.Z",
        "2026-10-01T12:00:00+2",
        "2026-10-01T12:00:00+0200",
        "2026-10-01T12:00:00+24:00",
        "2026-10-01T12:00:00+02:60",
        "2026-10-01T12:00:00Z+02:00",
        "2026-10-01  12:00:00Z",
        "2026-10-01\n",
        "2026-10-01Z",
        " 2026-10-01",
        "٢٠٢٦-10-01",
        "20261001",
        "10/01/2026",
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
        ("2024", NOW, months("2024-01", "2024-12")),
        ("2026-01..2026-03", NOW, months("2026-01", "2026-03")),
        ("2025-11..2026-02", NOW, months("2025-11", "2026-02")),
        ("2026-03..2026-03", NOW, months("2026-03")),
        ("this_month", NOW, months("2026-11")),
        ("last_month", NOW, months("2026-10")),
        ("this_year", NOW, months("2026-01", "2026-12")),
        ("last_year", NOW, months("2025-01", "2025-12")),
        ("last_1_months", NOW, months("2026-10")),
        ("last_3_months", NOW, months("2026-08", "2026-10")),
        ("last_12_months", NOW, months("2025-11", "2026-10")),
        ("last_120_months", NOW, months("2016-11", "2026-10")),
        ("this_month", JANUARY, months("2026-01")),
        ("last_month", JANUARY, months("2025-12")),
        ("this_year", JANUARY, months("2026-01", "2026-12")),
        ("last_year", JANUARY, months("2025-01", "2025-12")),
        ("last_1_months", JANUARY, months("2025-12")),
        ("last_3_months", JANUARY, months("2025-10", "2025-12")),
        ("last_13_months", JANUARY, months("2024-12", "2025-12")),
        ("this_year", datetime.datetime(2026, 12, 31, 23, 59, 59, 999999, UTC), months("2026-01", "2026-12")),
        ("last_month", datetime.datetime(2024, 3, 1, tzinfo=UTC), months("2024-02")),
        ("last_month", datetime.datetime(2024, 2, 29, 12, tzinfo=UTC), months("2024-01")),
        ("last_year", datetime.datetime(2024, 2, 29, 12, tzinfo=UTC), months("2023-01", "2023-12")),
        ("last_month", datetime.datetime(2026, 3, 31, tzinfo=UTC), months("2026-02")),
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


@pytest.mark.parametrize(
    "text",
    [
        "",
        "26",
        "2026-1",
        "2026-13",
        "2026-00",
        "2026-10-01",
        "202610",
        "20266",
        "2026-03..2026-01",
        "2026..2027",
        "2026-01..",
        "..2026-03",
        "2026-01...2026-03",
        "2026-01..2026-02..2026-03",
        "2026-01-2026-03",
        "2026-01 .. 2026-03",
        "this month",
        "This_Month",
        "next_month",
        "last_months",
        "last_3_month",
        "last_0_months",
        "last_03_months",
        "last_-1_months",
        "last_1.5_months",
        "last_three_months",
        "last_10000_months",
        "last_٣_months",
        "٢٠٢٦",
        "2026-10\n",
    ],
)
def test_what_is_no_period(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_period(text, NOW)


def test_each_form_that_messages_name_is_one() -> None:
    forms = PERIOD_FORMS.replace("or ", "").replace(" with any number", "").split(", ")
    assert len(forms) == 8
    for form in forms:
        parse_period(form, NOW)


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
def test_years_follow_each_other_and_hold_twelve_months(now: datetime.datetime) -> None:
    this_year, last_year = parse_period("this_year", now), parse_period("last_year", now)
    assert this_year.last - this_year.first == last_year.last - last_year.first == 11
    assert last_year.last + 1 == this_year.first
    assert now in this_year
    assert this_year == parse_period(f"{now.year:04d}", now)


@pytest.mark.parametrize("value", ["2026-10-01T00:00:00Z", None, 2026, datetime.date(2026, 10, 1)])
def test_only_an_instant_lies_in_a_month(value: object) -> None:
    assert value not in parse_period("2026-10", NOW)
