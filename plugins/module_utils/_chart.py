# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is private to the cockroachdb_cloud.billing collection.
# It can change or vanish in any release, so do not use it from outside.

"""The charts of the report's page: where everything stands, and the SVG of it.

Across, places are in percent, so that a chart fits any width; down, they are in pixels, so that texts keep their size.
"""

from __future__ import annotations

import math
import typing as t

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._figures import (
    brief,
    large,
    money,
    month_name,
    plural,
    span,
    unit,
)
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._html import Markup, join, name, tag
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._report_model import (
    Books,
    Budget,
    Decimal,
    Series,
)

HEIGHT = 250
"""How high the plot is, in pixels, without what stands above and below it."""

_ABOVE, _BELOW = 22, 40
_LEAST_SLICE = 3
_LEAST_SLOTS = 6
_LINE = 16
# So many columns have room for the sign of a currency above each of them.
_ROOMY = 14
# And so many for a sum above each of them on a phone.
_FEW = 7


class Slice(t.NamedTuple):
    """A rectangle of a column, in pixels from the top of the drawing."""

    fill: str
    top: float
    height: float


class Column(t.NamedTuple):
    """A month of the chart: its slices, and how far up it reaches."""

    slices: list[Slice]
    top: float


class Scale(t.NamedTuple):
    """From amounts to pixels."""

    high: float
    low: float
    step: float

    def y(self, amount: float) -> float:
        return _ABOVE + (self.high - amount) / (self.high - self.low) * HEIGHT

    def size(self, amount: float) -> float:
        return abs(amount) / (self.high - self.low) * HEIGHT

    def ticks(self) -> list[float]:
        """Return the amounts that the axis names: round steps within the scale."""
        first, last = math.ceil(self.low / self.step), math.floor(self.high / self.step)
        return [place * self.step for place in range(first, last + 1)]


def at(place: float) -> str:
    """Return a place, short and the same everywhere."""
    return f"{place:.2f}".rstrip("0").rstrip(".").replace("-0", "0" if abs(place) < 0.005 else "-0")


def scale_of(columns: t.Sequence[t.Sequence[float]], marks: t.Iterable[float]) -> Scale:
    """Return the scale for columns of amounts, each stacked up from zero and down from it, and for single marks."""
    marks = list(marks)
    high = max([0.0, *marks, *(sum(one for one in column if one > 0) for column in columns)])
    low = min([0.0, *(sum(one for one in column if one < 0) for column in columns)])
    reach = max(high - low, 1e-9)
    power = 10.0 ** math.floor(math.log10(reach / 4))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if reach / (power * factor) <= 5)
    return Scale(max(high * 1.02, step if not low else high * 1.02), low * 1.02, step)


def fills_of(series: t.Sequence[Series]) -> list[str]:
    """Return the class of each series' fill."""
    return [{"others": "fo", "none": "fn"}.get(one.role, f"f{place}") for place, one in enumerate(series, 1)]


def column_of(amounts: t.Sequence[float], fills: t.Sequence[str], scale: Scale) -> Column:
    """Return a column, the first series at its foot; slices too small to be seen go into that of the others."""
    kept = {}
    small = {True: 0.0, False: 0.0}
    for fill, amount in zip(fills, amounts):
        if scale.size(amount) >= _LEAST_SLICE and fill != "fo":
            kept[fill] = amount
        elif amount:
            small[amount > 0] += amount
    slices: list[Slice] = []
    top = scale.y(0)
    for up in (True, False):
        parts = [(fill, amount) for fill, amount in kept.items() if (amount > 0) == up]
        if scale.size(small[up]) >= _LEAST_SLICE or (small[up] and not kept and not slices):
            # Below what belongs to nobody, as in the legend.
            parts.insert(len(parts) - ([fill for fill, _amount in parts][-1:] == ["fn"]), ("fo", small[up]))
        elif parts and small[up]:
            parts[-1] = (parts[-1][0], parts[-1][1] + small[up])
        reached = 0.0
        for fill, amount in parts:
            reached += amount
            slices.append(Slice(fill, scale.y(reached if up else reached - amount), scale.size(amount)))
        top = scale.y(reached) if up else top
    return Column(slices, top)


def apart(labels: t.Iterable[tuple[float, str, str]], last: float) -> list[tuple[float, str, str]]:
    """Return labels in their order from the top, moved so far that none lies over another or below the last place."""
    placed: list[tuple[float, str, str]] = []
    for y, text, kind in sorted(labels):
        placed.append((max(y, placed[-1][0] + _LINE) if placed else y, text, kind))
    for place in range(len(placed) - 1, -1, -1):
        most = last if place == len(placed) - 1 else placed[place + 1][0] - _LINE
        placed[place] = (min(placed[place][0], most), *placed[place][1:])
    return placed


class _MonthsChart:
    """Where the columns of the months stand."""

    def __init__(self, books: Books, budget: Budget | None) -> None:
        self.books = books
        self.months = books.months
        self.newest = books.months[-1]
        self.highest = max(range(len(books.months)), key=lambda place: books.months[place].amount)
        self.slots = max(len(books.months), _LEAST_SLOTS)
        self.band = 100 / self.slots
        self.fills = fills_of(books.chart.series)
        self.columns = [[float(one.amounts[place]) for one in books.chart.series] for place in range(len(self.months))]
        self.ahead = books.low is not None and books.high is not None and books.high > books.spent
        reach = max([*(abs(month.amount) for month in self.months), books.high or 0])
        # One that is far above everything would press the columns flat; the bar above the chart has it.
        drawn = budget is not None and self.newest.draft and budget.amount < 2 * reach
        self.budget = budget.amount if budget is not None and drawn else None
        self.scale = scale_of(self.columns, [float(books.high or 0), float(self.budget or 0)])

    def column(self, place: int) -> Markup:
        """Return a month: its slices, its sum above them, and its name below."""
        month, age = self.months[place], len(self.months) - 1 - place
        column = column_of(self.columns[place], self.fills, self.scale)
        left = self.band * (place + self.slots - len(self.months))
        middle, foot = f"{at(left + self.band / 2)}%", HEIGHT + _ABOVE
        x, width = f"{at(left + self.band * 0.17)}%", f"{at(self.band * 0.66)}%"
        # A gap of a pixel parts the slices, whatever the colours are.
        rects = [
            tag("rect", x=x, y=at(one.top), width=width, height=at(max(one.height - 1, 1)), class_=one.fill)
            for one in column.slices
        ]
        minor = "wide" if age % 3 else None
        texts = [_text(month_name(month.period, short=True), middle, foot + 18, minor)]
        if month.period.endswith("-01") or not age or place == 0:
            texts.append(_text(month.period[:4], middle, foot + 34, "wide" if place == 0 else None))
        crowded = len(self.months) > _ROOMY
        # Every other sum, that of the highest month among them.
        kept = not (place - self.highest) % 2
        if month.invoiced and not month.draft and (kept or not crowded):
            amount = brief(month.amount, None if crowded else self.books.currency)
            fits = len(self.months) <= _FEW or place == self.highest
            texts.append(
                _text(amount, middle, column.top - 6, "sum" if fits else "sum wide" if kept else "sum wide odd")
            )
        return tag(
            "g",
            tag("rect", x=f"{at(left)}%", y="0", width=f"{at(self.band)}%", height=foot + _BELOW, class_="hit"),
            rects,
            self._outline(x, width) if self.ahead and not age else None,
            texts,
            class_="column",
            tabindex="-1" if age else "0",
            role="img",
            aria_label=_words(self.books, place),
        )

    def _outline(self, x: str, width: str) -> Markup:
        """Return what the month may come to: a dashed frame from what is spent to its upper end, split at its lower."""
        spent, low, high = (
            self.scale.y(float(end or 0)) for end in (self.books.spent, self.books.low, self.books.high)
        )
        upper = tag("rect", x=x, y=at(high), width=width, height=at(low - high), class_="range")
        return join(upper, tag("rect", x=x, y=at(low), width=width, height=at(max(spent - low, 0)), class_="range"))

    def lines(self) -> Markup:
        """Return the line that the columns stand on, and that of the budget, over the month that it is for."""
        zero = at(self.scale.y(0))
        base = tag("line", x1="0", x2="100%", y1=zero, y2=zero, class_="base")
        if self.budget is None:
            return base
        y = at(self.scale.y(float(self.budget)))
        return join(base, tag("line", x1=f"{at(100 - self.band * 0.9)}%", x2="100%", y1=y, y2=y, class_="mark"))

    def aside(self) -> Markup | None:
        """Return what stands beside the newest month: how far it is, where it may end, and its budget."""
        books, labels = self.books, []
        if self.newest.draft:
            labels.append((self.scale.y(float(books.spent)) + 4, f"{brief(books.spent, books.currency)} so far", ""))
        if self.ahead and books.low is not None and books.high is not None:
            text = f"{brief(books.low, books.currency)} to {brief(books.high, books.currency)}"
            labels.append((self.scale.y(float(books.low + books.high) / 2) + 4, text, "soft"))
        if self.budget is not None:
            text = f"Budget {brief(self.budget, books.currency)}"
            labels.append((self.scale.y(float(self.budget)) + 4, text, ""))
        texts = [
            tag("text", text, x="10", y=at(y), class_=kind or None) for y, text, kind in apart(labels, HEIGHT + 20)
        ]
        if not texts:
            return None
        return tag("svg", texts, class_="aside", width="116", height=HEIGHT + _ABOVE + _BELOW, aria_hidden="true")


def _text(text: str, x: str, y: float, kind: str | None) -> Markup:
    return tag("text", text, x=x, y=at(y), text_anchor="middle", class_=kind)


def months_chart(books: Books, budget: Budget | None, mark: str) -> Markup:
    """Return the spend by month, stacked; of a draft, the range in which it will end is outlined.

    :param budget: what the newest month is measured by.
    :param mark: the id of its title.
    """
    chart = _MonthsChart(books, budget)
    plot = tag(
        "svg",
        [chart.column(place) for place in range(len(books.months))],
        chart.lines(),
        class_="plot crowded" if len(books.months) > _ROOMY else "plot",
        width="100%",
        height=HEIGHT + _ABOVE + _BELOW,
        role="group",
        aria_labelledby=mark,
    )
    return tag("div", _axis(chart.scale, books.currency), plot, chart.aside(), class_="chart")


def _axis(scale: Scale, currency: str | None) -> Markup:
    texts = [
        tag("text", brief(Decimal(repr(amount)), currency), x="46", y=at(scale.y(amount) + 4), text_anchor="end")
        for amount in scale.ticks()
    ]
    caption = None if currency == "USD" else tag("text", unit(currency)[:9], x="46", y="10", text_anchor="end")
    return tag("svg", caption, texts, class_="axis", width="54", height=HEIGHT + _ABOVE + _BELOW, aria_hidden="true")


def series_name(one: Series, by: t.Sequence[str]) -> str:
    """Return what a legend calls a series."""
    if one.role == "others":
        return plural(one.members, "other", "others")
    if one.role == "none":
        return f"No {by[-1].split(':', 1)[-1].replace('_', ' ')}"
    return " / ".join("(none)" if part is None else part for part in one.key) if one.key else "All costs"


def _words(books: Books, place: int) -> str:
    """Return a column in words: its sum, then its parts, the largest first."""
    month = books.months[place]
    head = f"{month_name(month.period)}{' so far' if month.draft else ''}: "
    if not month.invoiced:
        return f"{head}no invoice"
    parts = [(one.amounts[place], series_name(one, books.chart.by)) for one in books.chart.series if one.amounts[place]]
    parts.sort(key=lambda part: -abs(part[0]))
    texts = [f"{text or '(blank)'} {money(amount, books.currency)}" for amount, text in parts]
    if place == len(books.months) - 1 and books.low is not None and books.high is not None:
        texts.append(f"expected by its end {span(books.low, books.high, books.currency)}")
    return head + "; ".join([money(month.amount, books.currency), *texts])


def legend(books: Books) -> Markup:
    """Return the names of the fills, and of the outline of what is to come."""
    entries = [
        tag("li", _swatch(fill), name(series_name(one, books.chart.by)))
        for one, fill in zip(books.chart.series, fills_of(books.chart.series))
    ]
    if books.low is not None and books.high is not None and books.high > books.spent:
        swatch = tag("rect", x="0.5", y="0.5", width="13", height="13", class_="range")
        ends = span(books.low, books.high, books.currency)
        frame = tag("svg", swatch, width="14", height="14", aria_hidden="true")
        entries.append(tag("li", frame, f"Where {month_name(books.months[-1].period)} may end: {ends}"))
    return tag("ul", entries, class_="legend")


def _swatch(fill: str) -> Markup:
    rect = tag("rect", width="14", height="14", rx="3", class_=fill)
    return tag("svg", rect, width="14", height="14", aria_hidden="true")


def gauge(
    spent: Decimal, ends: tuple[Decimal | None, Decimal | None], limit: Decimal, currency: str | None, what: str
) -> Markup:
    """Return a bar of what is spent, with the range of where the month may end, against a limit."""
    low, high = ends
    reach = max(spent, high or spent, limit, Decimal("0.01")) * Decimal("1.04")

    def part(amount: Decimal) -> str:
        return f"{at(max(float(amount / reach * 100), 0))}%"

    words = f"{large(spent, currency)} spent"
    band = None
    if low is not None and high is not None and high > spent:
        words += f", {span(low, high, currency)} expected"
        start = max(low, spent)
        band = tag("rect", x=part(start), y="0.5", width=part(high - start), height="15", class_="range")
    return tag(
        "svg",
        tag("rect", y="0", width="100%", height="16", rx="3", class_="track"),
        tag(
            "rect",
            y="0",
            width=part(spent),
            height="16",
            rx="3",
            class_="over" if what == "budget" and spent > limit else "f1",
        ),
        band,
        tag("line", x1=part(limit), x2=part(limit), y1="-3", y2="19", class_="mark"),
        width="100%",
        height="16",
        overflow="visible",
        role="img",
        aria_label=f"{words}, {what} {large(limit, currency)}",
    )


def spark(amounts: t.Sequence[Decimal]) -> Markup:
    """Return the months of a row as small bars, from its lowest to its highest."""
    values = [max(float(amount), 0.0) for amount in amounts]
    most = max(values, default=0.0)
    if not most:
        return join()
    steps = [(place, round(value / most * 18)) for place, value in enumerate(values)]
    path = "".join(f"M{place * 4} 18h3v-{height}h-3z" for place, height in steps if height)
    drawing = tag("path", d=path, class_="spark")
    return tag("svg", drawing, width=len(values) * 4, height=18, aria_hidden="true")


def change_bar(amount: Decimal, most: Decimal) -> Markup:
    """Return a change as a bar to the right where it costs more, and to the left where less."""
    size = float(abs(amount) / most * 50) if most else 0.0
    left = 50.0 if amount > 0 else 50.0 - size
    rect = tag(
        "rect", x=f"{at(left)}%", y="2", width=f"{at(size)}%", height="12", class_="up" if amount > 0 else "down"
    )
    line = tag("line", x1="50%", x2="50%", y1="0", y2="16", class_="base")
    return tag("svg", rect, line, width="100%", height="16", aria_hidden="true")


def patterns() -> Markup:
    """Return the textures that take the place of plain fills on paper and where the reader's own colours are forced."""
    paths = {
        "2": "M0 8L8 0",
        "3": "M0 0L8 8",
        "4": "M0 4H8",
        "5": "M4 0V8",
        "6": "M0 4H8M4 0V8",
        "7": "M3 4h2",
        "n": "M0 8L8 0M0 0L8 8",
    }
    drawn = [
        tag(
            "pattern",
            # Not the class of the fill, which would point here again.
            tag("rect", width="8", height="8", class_=f"p{which}"),
            tag("path", d=path, class_="pt"),
            id=f"t{which}",
            width="8",
            height="8",
            patternUnits="userSpaceOnUse",
        )
        for which, path in paths.items()
    ]
    return tag("svg", tag("defs", drawn), class_="patterns", width="0", height="0", aria_hidden="true")
