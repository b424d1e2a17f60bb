# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a draft is heading, and when a balance runs out."""

from __future__ import annotations

import datetime
import typing as t
from decimal import Decimal

import pytest

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._forecast import (
    NOTHING,
    UNKNOWN,
    Progress,
    Projection,
    monthly,
    progress,
    project,
    run_out,
)
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._ask import at

SEPTEMBER = (at("2026-09-01"), at("2026-10-01"))
# A period that begins on the 20th has 12 days in October.
FROM_THE_20TH = (at("2026-10-20"), at("2026-11-01"))


@pytest.mark.parametrize(
    ("bounds", "now", "days", "whole_days", "settled"),
    [
        (SEPTEMBER, "2026-08-01", 0, 0, False),
        (SEPTEMBER, "2026-09-01", 0, 0, False),
        (SEPTEMBER, "2026-09-02T23:59", 2879 / 1440, 1, False),
        (SEPTEMBER, "2026-09-03", 2, 2, True),
        (SEPTEMBER, "2026-09-10T12:00", 9.5, 9, True),
        (SEPTEMBER, "2026-09-30T23:00", 719 / 24, 29, True),
        (FROM_THE_20TH, "2026-10-25", 5, 5, True),
    ],
)
def test_elapsed_counts_from_the_start_of_the_period(
    bounds: t.Any, now: str, days: float, whole_days: int, settled: bool
) -> None:
    start, end = bounds
    found = progress(start, end, at(now))
    assert found is not None
    length = (end - start).days
    assert [float(part) * length for part in found[:3]] == pytest.approx([days, whole_days, whole_days + 1], rel=1e-15)
    assert found.settled is settled


@pytest.mark.parametrize("now", ["2026-10-01", "2026-10-01T01:00", "2027-05-05"])
def test_a_period_that_is_over_is_all_of_it(now: str) -> None:
    over = Progress(Decimal(1), Decimal(1), Decimal(1), settled=True)
    assert progress(*SEPTEMBER, at(now)) == over
    # However short: there is nothing to wait for.
    assert progress(at("2026-09-30"), SEPTEMBER[1], at(now)) == over


def test_the_last_day_is_no_longer_than_the_period() -> None:
    found = progress(at("2026-09-01"), at("2026-09-10T12:00"), at("2026-09-10T06:00"))
    assert found is not None
    assert found.most == 1


def test_the_clock_counts_in_any_zone() -> None:
    two_hours = datetime.timezone(datetime.timedelta(hours=2))
    there = datetime.datetime(2026, 9, 16, 2, tzinfo=two_hours)
    assert progress(*SEPTEMBER, there) == progress(*SEPTEMBER, at("2026-09-16"))


@pytest.mark.parametrize(
    "bounds", [(None, SEPTEMBER[1]), (SEPTEMBER[0], None), (None, None), SEPTEMBER[::-1], (SEPTEMBER[0],) * 2]
)
def test_without_bounds_there_is_no_progress(bounds: tuple[datetime.datetime, datetime.datetime]) -> None:
    assert progress(*bounds, at("2026-09-16")) is None
    assert project(Decimal(95), Decimal(0), None) == UNKNOWN


@pytest.mark.parametrize(
    ("usage", "adjustments", "now", "expected"),
    [
        ("95", "0", "2026-09-10T12:00", ("300", "285", "316.66666666666666")),
        ("95", "-9000", "2026-09-10T12:00", ("-8700", "-8715", "-8683.333333333334")),
        ("250", "-9000", "2026-09-26", ("-8700", "-8711.538461538461", "-8700")),
        ("-95", "0", "2026-09-10T12:00", ("-300", "-316.66666666666666", "-285")),
        ("0", "5", "2026-09-10T12:00", ("5", "5", "5")),
        ("95", "5", "2026-10-02", ("100", "100", "100")),
        ("95", "0", "2026-09-01", (None, None, None)),
        ("95", "0", "2026-09-02T23:59", (None, None, None)),
    ],
)
def test_usage_goes_on_and_adjustments_do_not(
    usage: str, adjustments: str, now: str, expected: tuple[str | None, ...]
) -> None:
    found = project(Decimal(usage), Decimal(adjustments), progress(*SEPTEMBER, at(now)))
    assert [None if end is None else float(end) for end in found] == [
        None if end is None else float(end) for end in expected
    ]


def test_projections_are_added_up_each_for_itself() -> None:
    one = Projection(Decimal(2), Decimal(1), Decimal(3))
    assert one + one == Projection(Decimal(4), Decimal(2), Decimal(6))
    assert one + NOTHING == one
    assert one + UNKNOWN == UNKNOWN
    no_projection: tuple[int, ...] = (1, 2, 3)
    with pytest.raises(TypeError):
        one + no_projection


@pytest.mark.parametrize(
    ("spent", "mean"),
    [
        ({}, None),
        ({"2026-09": 0, "2026-08": -5}, None),
        ({"2026-09": 10}, 10),
        ({"2026-05": 1000, "2026-06": 30, "2026-07": 0, "2026-08": 20, "2026-09": 10}, 20),
        ({"2026-09": 10, "2025-12": 30, "2026-08": 20, "2025-11": 1000}, 20),
    ],
)
def test_a_month_costs_the_mean_of_the_newest_three_that_were_spent_in(spent: dict[str, int], mean: int | None) -> None:
    assert monthly({month: Decimal(amount) for month, amount in spent.items()}) == mean


@pytest.mark.parametrize(
    ("balance", "per_month", "day"),
    [
        ("100", "100", "2026-10-31"),
        ("0.01", "100", "2026-10-01"),
        ("1200", "100", "2027-10-01"),
        ("0", "100", None),
        ("-5", "100", None),
        ("100", "0", None),
        ("100", "-1", None),
        ("100", None, None),
        ("1e20", "1", None),
        ("1e6", "1", None),
    ],
)
def test_the_day_on_which_a_balance_runs_out(balance: str, per_month: str | None, day: str | None) -> None:
    found = run_out(Decimal(balance), None if per_month is None else Decimal(per_month), at("2026-10-01"))
    assert (None if found is None else found.isoformat()) == day
    assert run_out(Decimal(balance), Decimal(1), None) is None
