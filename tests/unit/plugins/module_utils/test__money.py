# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Money: exact sums, what a bill is, credits in USD, and the way back to numbers that JSON can hold."""

from __future__ import annotations

import math
import random
import typing as t
from decimal import Decimal

import pytest

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils import _money
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._errors import ResponseError


@pytest.mark.parametrize(
    ("amounts", "total"),
    [
        ([0.1, 0.2], 0.3),
        ([1e16, 0.1, -1e16, 0.2], 0.3),
        ([1.7e308, 5e-324, -1.7e308], 5e-324),
        ([0.1, -0.1], 0.0),
        ([-5e-324], -5e-324),
        ([-0.0], 0.0),
    ],
)
def test_sums_are_exact_where_doubles_are_not(amounts: list[float], total: float) -> None:
    sums: dict[str, Decimal] = {}
    for amount in amounts:
        _money.add(sums, "USD", _money.exact(amount))
    number = _money.to_float(sums["USD"])
    assert (number, math.copysign(1, number)) == (total, math.copysign(1, total))


def test_a_sum_that_no_double_can_hold_is_an_error() -> None:
    with pytest.raises(ResponseError, match=r"more than a number can hold"):
        _money.to_float(Decimal("1.8e308"))


@pytest.mark.parametrize(
    ("stated", "lines", "adjustments", "reconciled", "unitemized"),
    [
        # 1. The parts add up to what is stated.
        ("90", "100", "-10", True, "0"),
        ("0", "0", "0", True, "0"),
        # 2. What is stated is the line items alone.
        ("100", "100", "-10", True, "0"),
        # 3. The larger of the two: what is stated ...
        ("120", "100", "-10", False, "30"),
        ("0", "-5", "0", False, "5"),
        # ... or the parts.
        ("80", "100", "-10", False, "0"),
        ("0", "5", "0", False, "0"),
        # Less than half of the last digit that is stated, which is that of cents at the most.
        ("100", "100.0049", "0", True, "0"),
        ("100", "100.005", "0", False, "0"),
        ("0.1", "0.0951", "0", True, "0"),
        ("100.004", "100.0044", "0", True, "0"),
        ("10000", "9999.996", "0", True, "0"),
        # Noise of a sum of doubles.
        ("783.1000000000004", "783.1", "0", True, "0"),
        ("12345678901234.567", "12345678901234.57", "0", True, "0"),
    ],
)
def test_what_the_bill_is(stated: str, lines: str, adjustments: str, reconciled: bool, unitemized: str) -> None:
    settled = _money.settle(Decimal(stated), Decimal(lines), Decimal(adjustments))
    assert settled == (reconciled, Decimal(unitemized))


@pytest.mark.parametrize("digits", [2, 4, 10])
@pytest.mark.parametrize("count", [100, 10_000])
def test_a_total_that_was_summed_as_doubles_adds_up(count: int, digits: int) -> None:
    for seed in range(5):
        chance = random.Random(seed)
        amounts = [round(chance.uniform(0, 300), digits) for _line in range(count)]
        total = 0.0
        for amount in amounts:  # sum() adds up more exactly from Python 3.12 on
            total += amount
        exact = sum(map(_money.exact, amounts), Decimal(0))
        assert _money.settle(_money.exact(total), exact, Decimal(0)).reconciled


@pytest.mark.parametrize(
    ("part", "whole", "percent"),
    [
        ("1", "4", 25.0),
        ("-1", "4", -25.0),
        ("1", "-4", 25.0),
        ("-5", "15", -100 / 3),
        ("1", "0", None),
        ("0", "7", 0.0),
        # No number can hold it.
        ("10", "1e-309", None),
    ],
)
def test_a_percentage_has_the_sign_of_the_part(part: str, whole: str, percent: float | None) -> None:
    assert _money.percent_of(Decimal(part), Decimal(whole)) == percent


@pytest.mark.parametrize(
    ("amount", "text"),
    [(0, "0.00"), (-0.004, "0.00"), (-0.005001, "-0.01"), (1234567.891, "1,234,567.89"), (Decimal("-12.3"), "-12.30")],
)
def test_amounts_for_people(amount: t.Any, text: str) -> None:
    assert _money.grouped(amount) == text
