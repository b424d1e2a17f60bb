# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is private to the cockroachdb_cloud.billing collection.
# It can change or vanish in any release, so do not use it from outside.

"""How the report writes amounts, shares, changes and months."""

from __future__ import annotations

import decimal
import typing as t

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._money import CREDITS, ZERO

Decimal = decimal.Decimal

# Wide enough for any double; a report needs no digit past the second behind the point.
_ROUNDING = decimal.Context(prec=400, rounding=decimal.ROUND_HALF_UP)
_CENT = Decimal("0.01")

# The names of the standard library follow the locale of the process, and the page is English everywhere.
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


def number(amount: Decimal, places: int = 2) -> str:
    """Return an amount with its thousands apart, rounded half up: 4,680.32."""
    rounded = amount.quantize(Decimal(1).scaleb(-places), context=_ROUNDING)
    text = f"{abs(rounded):,f}"
    return f"\u2212{text}" if rounded < 0 else text


def unit(currency: str | None) -> str:
    """Return what stands behind an amount of a currency that has no sign of its own."""
    return "credits" if currency in CREDITS else currency or "without currency"


def unit_of_usage(text: str) -> str:
    """Return a unit of the API as people write it: GiB hours for GIB_HOURS."""
    words = text.replace("_", " ").lower().split(" ")
    return " ".join({"gib": "GiB", "vcpu": "vCPU"}.get(word, word) for word in words)


def currency_name(currency: str | None, among: t.Iterable[str | None] = ()) -> str:
    """Return a heading for what is in a currency; where credits have two names among the currencies, with the name."""
    if currency == "USD":
        return "US dollars"
    if currency in CREDITS:
        return f"Credits ({currency})" if set(among) >= CREDITS else "Credits"
    return currency or "Without currency"


def money(amount: Decimal, currency: str | None, places: int = 2) -> str:
    """Return an amount with its currency: $1,234.56, or 1,234.56 credits."""
    text = number(amount, places)
    if currency != "USD":
        return f"{text} {unit(currency)}"
    return f"\u2212${text[1:]}" if text.startswith("\u2212") else f"${text}"


def large(amount: Decimal, currency: str | None) -> str:
    """Return an amount with its currency, without the small change where there is a lot of it."""
    return money(amount, currency, 0 if abs(amount) >= 1000 else 2)


def span(low: Decimal, high: Decimal, currency: str | None) -> str:
    """Return a range of amounts."""
    return f"{large(low, currency)} to {large(high, currency)}"


def brief(amount: Decimal, currency: str | None = None) -> str:
    """Return an amount for a chart: 950, 1.2k, 35k, 1.2M, 4.1B, 2.5T; with a sign where the currency is the dollar."""
    size, suffix = abs(amount), ""
    for factor, name in ((12, "T"), (9, "B"), (6, "M"), (3, "k")):
        if size >= Decimal("0.9995").scaleb(factor):
            size, suffix = size.scaleb(-factor), name
            break
    places = 0 if size >= Decimal("99.5") or not size else 1 if size >= Decimal("9.95") or suffix else 2
    text = number(size, places)
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    sign = "\u2212" if amount < 0 and size else ""
    return f"{sign}{'$' if currency == 'USD' else ''}{text}{suffix}"


def percent(part: Decimal) -> str:
    """Return a part of one in percent: 0.4 %, 12 %."""
    hundreds = part * 100
    if 0 < hundreds < _CENT * 5:
        return "< 0.1 %"
    return f"{number(hundreds, 1 if abs(hundreds) < 10 and part else 0)} %"


def signed(amount: Decimal, places: int = 2) -> str:
    """Return a change with its sign; one too small to be seen has none."""
    text = number(amount, places)
    return f"+{text}" if amount > 0 and text.strip("0.,") else text


def change(now: Decimal, before: Decimal | None) -> str:
    """Return how an amount stands against another in percent: +12 %, or new, gone, and times where it is many."""
    if before is None or abs(before) < _CENT / 2:
        return "" if abs(now) < _CENT / 2 else "new"
    if abs(now) < _CENT / 2:
        return "gone"
    part = _ROUNDING.divide(now - before, abs(before))
    if abs(part) < Decimal("0.0005"):
        return "\u00b10 %"
    if part >= 10 and before > ZERO:
        return f"\u00d7 {number(_ROUNDING.divide(now, before), 0)}"
    return f"{'+' if part > 0 else ''}{percent(part)}"


def month_name(period: str | None, *, short: bool = False) -> str:
    """Return the name of a month: October 2026, or Oct."""
    if period is None:
        return "No month"
    year, month = period.split("-")
    return _MONTHS[int(month) - 1][:3] if short else f"{_MONTHS[int(month) - 1]} {year}"


def date_name(date: str) -> str:
    """Return a date as people write it: 25 November 2026."""
    year, month, day = date.split("-")
    return f"{int(day)} {_MONTHS[int(month) - 1]} {year}"


def plural(count: int, one: str, many: str | None = None) -> str:
    """Return a count with its word."""
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"
