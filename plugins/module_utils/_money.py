# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is private to the cockroachdb_cloud.billing collection.
# It can change or vanish in any release, so do not use it from outside.

"""Money: exact sums by currency, what a bill is, credits in USD, and the way back to numbers that JSON can hold.

Each double is read as the decimal that it prints as, added as decimals, and leaves as the double nearest to the exact
sum. Currencies are never added up together.
"""

from __future__ import annotations

import decimal
import functools
import math
import typing as t

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._errors import ResponseError

Sums = t.Dict[t.Optional[str], decimal.Decimal]
"""Exact sums by currency; null stands for a missing currency."""

CREDITS = frozenset(("CRDB_CLOUD_CREDITS", "COCKROACH_CREDITS"))
"""The currencies that C(credit_rate) turns into USD: the same credits under their older and their newer name."""

ZERO = decimal.Decimal(0)
_ONE = decimal.Decimal(1)

# Doubles lie between 5e-324 and 1.8e308, and a rate may add some hundred digits: no sum needs more than this. Should
# one do so nevertheless, the trap makes an exception of it rather than a rounded amount.
EXACT = decimal.Context(
    prec=4000,
    Emin=decimal.MIN_EMIN,
    Emax=decimal.MAX_EMAX,
    traps=[decimal.Inexact, decimal.InvalidOperation, decimal.Overflow],
)
# A quotient has no exact decimal in general: far more digits than the double that it becomes in the end.
_QUOTIENT = decimal.Context(prec=60, Emin=decimal.MIN_EMIN, Emax=decimal.MAX_EMAX)
_CENTS = -2
_DIGITS_OF_A_DOUBLE = 15
# Adding up a hundred thousand doubles leaves noise in the last three of their digits.
_DIGITS_OF_A_SUM = 12
_DIGITS_OF_PARTS = 10

_K = t.TypeVar("_K")


class Settled(t.NamedTuple):
    """What the parts and the stated total of an invoice make in one currency.

    C(unitemized) is what is stated beyond the parts; C(reconciled) says whether both tell the same bill.
    """

    reconciled: bool
    unitemized: decimal.Decimal


def exact(number: float) -> decimal.Decimal:
    """Return a double as the decimal that it prints as."""
    return decimal.Decimal(repr(number))


def add(sums: dict[_K, decimal.Decimal], key: _K, amount: decimal.Decimal) -> None:
    """Add an amount to one of the exact sums."""
    sums[key] = EXACT.add(sums[key], amount) if key in sums else amount


def divide(amount: decimal.Decimal, by: decimal.Decimal) -> decimal.Decimal:
    """Return a quotient with 60 digits."""
    return _QUOTIENT.divide(amount, by)


def to_float(amount: decimal.Decimal) -> float:
    """Return the double nearest to an exact amount, without a negative zero.

    :raises ResponseError: when the amount is larger than any double.
    """
    number = float(amount) + 0.0
    if math.isfinite(number):
        return number
    raise ResponseError("The amounts of these invoices add up to more than a number can hold.")


def percent_of(part: decimal.Decimal, whole: decimal.Decimal) -> float | None:
    """Return a part in percent of the size of the whole, so that its sign is the part's.

    :returns: None of nothing, and of next to nothing, where no number can hold it.
    """
    if not whole:
        return None
    percent = float(divide(EXACT.scaleb(part, 2), whole.copy_abs())) + 0.0
    return percent if math.isfinite(percent) else None


def in_usd(
    currency: str | None, amount: decimal.Decimal, rate: decimal.Decimal | None
) -> tuple[str | None, decimal.Decimal]:
    """Return an amount and its currency, credits as USD where there is a rate."""
    if rate is None or currency not in CREDITS:
        return currency, amount
    return "USD", EXACT.multiply(amount, rate)


def settle(stated: decimal.Decimal, lines: decimal.Decimal, adjustments: decimal.Decimal) -> Settled:
    """Say what an invoice bills in one currency: its parts, and what it states beyond them.

    It is not documented whether a stated total includes the adjustments. Where it equals the parts, or the line items
    alone, the parts are the bill. Else the larger of the two is, and what is stated beyond the parts is unitemized.
    """
    parts = EXACT.add(lines, adjustments)
    tolerance = _half_of_the_last_digit(stated)
    if any(abs(EXACT.subtract(stated, known)) < tolerance for known in (parts, lines)):
        return Settled(True, ZERO)
    return Settled(False, max(EXACT.subtract(stated, parts), ZERO))


def settle_each(stated: Sums, lines: Sums, adjustments: Sums) -> t.Iterator[tuple[str | None, Settled]]:
    """Say by :func:`settle` what an invoice bills in each currency that it states or has parts in, null last.

    What states nothing in a currency has no total that its parts could be less than.
    """
    for currency in sorted({*stated, *lines, *adjustments}, key=text_order):
        settled = settle(*(sums.get(currency, ZERO) for sums in (stated, lines, adjustments)))
        yield currency, settled if currency in stated else settled._replace(unitemized=ZERO)


def _half_of_the_last_digit(stated: decimal.Decimal) -> decimal.Decimal:
    """Return how far a sum may lie from a stated total that it equals: half of the total's last digit, cents at most.

    A total that was summed in doubles is stated with noise behind the digits that such a sum can hold.
    """
    digits = decimal.Context(prec=_DIGITS_OF_A_SUM).plus(stated).normalize().as_tuple().exponent
    return decimal.Decimal((0, (5,), min(int(digits), _CENTS) - 1))


def text_order(value: str | None) -> tuple[bool, str]:
    """Return what sorts texts with null last."""
    return value is None, value or ""


def grouped(amount: float | decimal.Decimal) -> str:
    """Write an amount for people: with two digits, and commas between the thousands."""
    text = f"{amount:,.2f}"
    return text[1:] if text.strip("-0.,") == "" and text.startswith("-") else text


def round_keeping_sum(
    amounts: t.Sequence[decimal.Decimal], digits: int, total: decimal.Decimal | None = None
) -> list[decimal.Decimal]:
    """Round amounts so that they add up to their rounded total, by the largest remainder.

    All are rounded down, and what is left is given to those that lost most, one unit of the last digit each; of equals
    the first gets it. Half a unit of the total is rounded up in size, as on an invoice.

    :param digits: how many digits to keep behind the point.
    :param total: what to add up to instead, rounded to as many digits; as near as one unit for each amount comes.
    """
    scaled = [EXACT.scaleb(amount, digits) for amount in amounts]
    units = [amount.to_integral_value(decimal.ROUND_FLOOR) for amount in scaled]
    wanted = functools.reduce(EXACT.add, scaled, ZERO) if total is None else EXACT.scaleb(total, digits)
    rest = int(wanted.to_integral_value(decimal.ROUND_HALF_UP)) - sum(map(int, units))
    lost = [EXACT.subtract(amount, unit) for amount, unit in zip(scaled, units)]
    for place in sorted(range(len(units)), key=lost.__getitem__, reverse=True)[: max(rest, 0)]:
        units[place] = EXACT.add(units[place], _ONE)
    return [EXACT.scaleb(unit, -digits) for unit in units]


def split(
    amount: decimal.Decimal, weights: t.Sequence[decimal.Decimal], size: decimal.Decimal
) -> list[decimal.Decimal]:
    """Split an amount in proportion to weights, so that the parts add up to it exactly.

    :param weights: above 0, at least one.
    :param size: how large a sum with one of the parts can get. The parts have ten digits behind the point, or as many
        as leave such sums the 15 digits that a double surely holds; a rest of the amount beyond those digits goes to
        the greatest weight.
    """
    if not amount:
        return [ZERO] * len(weights)
    digits = _digits_of_parts(amount, size)
    scaled = EXACT.scaleb(amount, digits)
    whole = scaled.to_integral_value(decimal.ROUND_FLOOR)
    least = min(int(weight.as_tuple().exponent) for weight in weights)
    ratios = [int(EXACT.scaleb(weight, -least)) for weight in weights]
    units, total = int(whole), sum(ratios)
    quotients = [divmod(units * ratio, total) for ratio in ratios]
    parts = [quotient for quotient, dummy in quotients]
    order = sorted(range(len(parts)), key=lambda place: quotients[place][1], reverse=True)
    for place in order[: units - sum(parts)]:
        parts[place] += 1
    shares = [EXACT.scaleb(decimal.Decimal(part), -digits) for part in parts]
    greatest = ratios.index(max(ratios))
    shares[greatest] = EXACT.add(shares[greatest], EXACT.scaleb(EXACT.subtract(scaled, whole), -digits))
    return shares


def _digits_of_parts(amount: decimal.Decimal, size: decimal.Decimal) -> int:
    wanted = max(_DIGITS_OF_PARTS, -int(amount.as_tuple().exponent))
    return max(min(wanted, _DIGITS_OF_A_DOUBLE - 1 - size.adjusted()), 0) if size else wanted
