# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is private to the cockroachdb_cloud.billing collection.
# It can change or vanish in any release, so do not use it from outside.

"""The page's upper half: the verdict on the month, what is paid for, and why it has changed."""

from __future__ import annotations

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._chart import change_bar, gauge
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._figures import (
    brief,
    change,
    large,
    month_name,
    percent,
    plural,
    signed,
    span,
    unit_of_usage,
)
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._html import Markup, Part, join, name, tag
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._money import ZERO
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._page_parts import (
    KINDS,
    View,
    amount_cell,
    cell,
    change_cell,
    groups_name,
    head,
    key_name,
    row_head,
    table,
)
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._report_model import (
    Budget,
    Decimal,
    Mover,
)
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._report_model import (
    Part as PaidFor,
)


def verdict(view: View) -> Markup:
    """Return what the month has cost so far, where it may end, and what its budgets say to that."""
    books, mark = view.books, f"{view.mark}-now"
    budgets = [budget for budget in view.model.budgets if budget.currency == view.code]
    measure = None
    if budgets:
        measure = tag("ul", [_budget(view, budget) for budget in budgets], class_="budgets")
    elif books.before is not None and books.before > 0:
        drawn = gauge(books.spent, (books.low, books.high), books.before, view.code, "the month before,")
        caption = tag("p", f"The mark is {view.before}: {large(books.before, view.code)}", class_="note")
        measure = tag("div", drawn, caption, class_="budgets")
    hero = tag(
        "div",
        tag("h3", view.month, id=mark),
        tag("p", large(books.spent, view.code), class_="big"),
        tag("p", _outlook(view), class_="verdict"),
        measure,
    )
    facts = tag("div", _fact_before(view), _fact_unallocated(view), class_="facts")
    return tag("section", hero, facts, class_="card hero", aria_labelledby=f"{mark} {view.mark}")


def _outlook(view: View) -> Part:
    books = view.books
    if view.model.failures:
        return "No verdict while an organization is missing."
    if not view.model.draft:
        against = f": {change(books.spent, books.before) or 'no change'} against {view.before}" if books.before else ""
        return f"The month is over{against}."
    if books.low is None or books.high is None:
        if view.model.day <= 2:
            return "Too early in the month to say where it will end."
        return "It cannot be said where the month will end." if books.spent else "Nothing so far."
    if books.low == books.high == books.spent:
        return "The month is over, and its invoice is still a draft."
    return ["Expected by the end of the month: ", tag("b", span(books.low, books.high, view.code)), "."]


def _budget(view: View, budget: Budget) -> Markup:
    title = tag("b", name(budget.name or ", ".join(f"{value}" for value in budget.group.values()) or "All costs"))
    spent, limit = budget.spent, large(budget.amount, view.code)
    if spent is None:
        return tag("li", title, f": there are no costs of this month to compare with {limit}.")
    end = "" if budget.low is None or budget.high is None else f": {span(budget.low, budget.high, view.code)} expected"
    words: Part = {
        "over": tag("b", f"over budget by {large(spent - budget.amount, view.code)}", class_="bad"),
        "forecast_over": [tag("b", "will go over budget", class_="bad"), end],
        "at_risk": [tag("b", "may go over budget", class_="warn"), end],
        "within": [tag("b", "within budget", class_="good"), end],
    }.get(budget.state, "no verdict yet")
    of_it = tag("span", f" \u00b7 {large(spent, view.code)} of {limit}", class_="by")
    ends = (None, None) if view.model.failures else (budget.low, budget.high)
    drawn = gauge(spent, ends, budget.amount, view.code, "budget")
    return tag("li", title, " ", words, of_it, drawn)


def _fact(title: Part, value: str, *note: Part) -> Markup:
    return tag("div", tag("h4", title), tag("p", value, class_="value"), tag("p", note, class_="note"), class_="fact")


def _fact_before(view: View) -> Markup:
    before = view.books.before
    if before is None:
        return _fact(view.before, "\u2013", "There is no invoice of the month before.")
    return _fact(view.before, large(before, view.code), "The month before.")


def _fact_unallocated(view: View) -> Markup | None:
    lost = view.books.unallocated
    if lost is None:
        return None
    clusters = sum((amount for _cluster, amount in lost.clusters), ZERO)
    notes = [
        (f"{plural(len(lost.clusters), 'cluster')} {large(clusters, view.code)}", lost.clusters),
        (f"adjustments {large(lost.adjustments, view.code)}", lost.adjustments),
        (f"not itemized {large(lost.unitemized, view.code)}", lost.unitemized),
    ]
    shown = ", ".join(text for text, there in notes if there)
    title = ["No ", name(view.owner)]
    total = clusters + lost.adjustments + lost.unitemized
    return _fact(title, large(total, view.code), f"{shown[:1].upper()}{shown[1:]}." if shown else "Every cost has one.")


def paid_for(view: View) -> Markup | None:
    """Return what is paid for, by description and unit."""
    model, books = view.model, view.books
    parts = [part for part in books.parts if part.amount or part.before]
    if not parts:
        return None
    against = model.compared if model.compared is not None and model.compared.period == model.newest else None
    heads = [head("Line item"), head("Quantity", "number", wide=True), head(view.month, "number")]
    heads.append(head("Share", "number", wide=True))
    expected = sum((part.expected or ZERO for part in parts), ZERO)
    before = sum((part.before or ZERO for part in parts), ZERO)
    sums = [row_head("Total"), cell("", wide=True), amount_cell(sum((part.amount for part in parts), ZERO))]
    sums.append(cell("", wide=True))
    note = None
    if against is not None:
        if against.ahead:
            heads.append(head("Expected", "number", wide=True))
            sums.append(amount_cell(expected, wide=True))
            note = tag(
                "p", f"Expected is the whole of {month_name(model.newest)}, at the middle of its range.", class_="note"
            )
        heads += [head(view.before, "number", wide=True), head("Change", "number")]
        sums += [amount_cell(before, wide=True), change_cell(expected - before, expected, before)]
    rows = [_part(view, part, ahead=against is not None and against.ahead) for part in parts]
    return view.card("parts", "What is paid for", note, table(f"In {view.currency}", heads, rows, sums))


def _part(view: View, part: PaidFor, *, ahead: bool) -> Markup:
    usage, spent = part.kind == "usage", view.books.spent
    cells = [
        row_head(
            name(part.description, missing="(no description)") if usage else KINDS[part.kind],
            [" ", tag("span", name(unit_of_usage(part.unit)), class_="by")] if part.unit else None,
        ),
        cell(brief(part.quantity) if usage and part.quantity else "", wide=True),
        amount_cell(part.amount),
        cell(percent(part.amount / spent) if spent > 0 and part.amount > 0 else "", wide=True),
    ]
    if part.expected is not None and part.before is not None and part.change is not None:
        cells += [amount_cell(part.expected, wide=True)] if ahead else []
        cells += [amount_cell(part.before, wide=True), change_cell(part.change, part.expected, part.before)]
    return tag("tr", cells)


def why(view: View) -> Markup | None:
    """Return what has changed most, and whether it is usage or price."""
    movers, compared = view.books.movers, view.model.compared
    if movers is None or compared is None or not movers.rows:
        return None
    most = max(abs(row.change) for row in [*movers.rows, movers.rest])
    rows = [_mover(row, _mover_name(row), most) for row in movers.rows]
    if movers.others:
        rows.append(_mover(movers.rest, plural(movers.others, "smaller change"), most, cause=False))
    heads = [
        head(groups_name(view.model.group_by).capitalize() or "Line item"),
        head(tag("span", "Change as a bar", class_="unseen"), wide=True),
        head("Usage", "number", wide=True),
        head("Price", "number", wide=True),
        head("Change", "number"),
    ]
    total = movers.total
    sums = [
        row_head("Total"),
        cell("", wide=True),
        cell(signed(total.usage), wide=True),
        cell(signed(total.price), wide=True),
    ]
    sums.append(cell(signed(total.change)))
    what = f"{month_name(compared.period)}{', at the middle of its range,' if compared.ahead else ''}"
    note = (
        f"{what} against {month_name(compared.before)}. Price is what the quantities of now cost more than at the "
        "prices of before; the rest is usage."
    )
    return view.card(
        "why", "Why it changed", tag("p", note, class_="note"), table(f"In {view.currency}", heads, rows, sums)
    )


def _mover_name(mover: Mover) -> Part:
    if mover.kind != "usage":
        return KINDS[mover.kind]
    return key_name(mover.key) if mover.key else name(mover.description, missing="(no description)")


def _mover(mover: Mover, title: Part, most: Decimal, *, cause: bool = True) -> Markup:
    because = None
    if cause and mover.kind == "usage":
        quantities = None
        if mover.quantity_before is not None and mover.quantity is not None:
            unit = [" ", name(unit_of_usage(mover.unit))] if mover.unit else None
            quantities = [f", {brief(mover.quantity_before)} \u2192 {brief(mover.quantity)}", unit]
        what = (
            [name(mover.description, missing="(no description)"), quantities] if mover.key else ["Quantity", quantities]
        )
        because = tag("span", what, f": {signed(mover.line_change)}", class_="by line")
    split = mover.kind != "adjustment"
    return tag(
        "tr",
        row_head(title, because),
        tag("td", change_bar(mover.change, most), class_="bar wide"),
        cell(signed(mover.usage) if split else "\u2013", wide=True),
        cell(signed(mover.price) if split else "\u2013", wide=True),
        cell(join(signed(mover.change))),
    )
