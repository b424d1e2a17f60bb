# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Months, the numbers drawn for a seed, and decimals on their way to JSON."""

from __future__ import annotations

import datetime
import hashlib
import typing as t
import uuid
from decimal import Decimal

UTC = datetime.timezone.utc


class Draw:
    """Numbers that depend on their names alone: the same for the same seed on every Python, in any order of asking."""

    def __init__(self, *names: object) -> None:
        self._names = "/".join(str(name) for name in names)

    def _digest(self, names: tuple[object, ...]) -> bytes:
        text = self._names + "/" + "/".join(str(name) for name in names)
        return hashlib.sha256(text.encode()).digest()

    def fraction(self, *names: object) -> float:
        """A number from 0 up to, but not including, 1."""
        return int.from_bytes(self._digest(names)[:6], "big") / 2**48

    def between(self, low: float, high: float, *names: object) -> float:
        return low + (high - low) * self.fraction(*names)

    def uuid(self, *names: object) -> str:
        """An id of the shape of a random (version 4) UUID."""
        return str(uuid.UUID(bytes=self._digest(names)[:16], version=4))

    def token(self, length: int, *names: object) -> str:
        return self._digest(names).hex()[:length]


class Month(t.NamedTuple):
    """A calendar month in UTC: the billing period."""

    year: int
    month: int

    @classmethod
    def of(cls, moment: datetime.datetime) -> Month:
        return cls(moment.year, moment.month)

    def plus(self, months: int) -> Month:
        number = self.year * 12 + self.month - 1 + months
        return Month(number // 12, number % 12 + 1)

    @property
    def start(self) -> datetime.datetime:
        return datetime.datetime(self.year, self.month, 1, tzinfo=UTC)

    @property
    def end(self) -> datetime.datetime:
        return self.plus(1).start

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.month:02d}"


def timestamp(moment: datetime.datetime) -> str:
    """RFC 3339 in UTC as the API writes it: microseconds only where there are some."""
    return moment.isoformat().replace("+00:00", "Z")


def decimal(value: float, places: int) -> Decimal:
    """The value as a decimal with so many places."""
    return Decimal(round(value * 10**places)).scaleb(-places)


def number(value: Decimal) -> int | float:
    """The JSON number for a decimal: whole numbers come without a fraction, as the API's serializer writes them."""
    whole = int(value)
    return whole if whole == value else float(value)
