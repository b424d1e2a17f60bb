# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is private to the cockroachdb_cloud.billing collection.
# It can change or vanish in any release, so do not use it from outside.

"""The report's page: from the model to HTML. Nothing is added up here but what a table sums up at its end."""

from __future__ import annotations

import base64
import collections
import hashlib
import typing as t

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._chart import patterns
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._figures import (
    currency_name,
    date_name,
    large,
    month_name,
    number,
    plural,
)
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._html import (
    Markup,
    Part,
    asset,
    join,
    name,
    tag,
)
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._money import ZERO, exact
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._page_month import paid_for, verdict, why
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._page_owners import (
    by_month,
    stand_out,
    who_pays,
)
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._page_parts import (
    View,
    amount_cell,
    card,
    head,
    row_head,
    table,
)
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._page_script import SCRIPT
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._page_style import STYLE
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._report_model import (
    Balance,
    Books,
    Decimal,
    Model,
)

_ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Crect width='16' height='16' "
    "rx='4' fill='%23403a9c'/%3E%3Cpath d='M4 12V8M8 12V4M12 12V6' stroke='%23fff' stroke-width='2' "
    "stroke-linecap='round'/%3E%3C/svg%3E"
)


def page(model: Model) -> str:
    """Return the page of a report: one file that asks for nothing, the same for the same model."""
    heading = model.title + (f", {month_name(model.newest)}" if model.newest else "")
    policy = (
        f"default-src 'none'; img-src data:; style-src '{_hash(STYLE)}'; script-src '{_hash(SCRIPT)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    opening = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("meta", name="robots", content="noindex"),
        tag("title", heading),
        tag("link", rel="icon", href=_ICON),
        asset("style", STYLE),
    )
    body = tag(
        "body",
        tag("a", "Skip to the costs", class_="skip", href="#main"),
        patterns(),
        _header(model),
        tag(
            "main",
            _failures(model),
            None if model.currencies else _empty(model),
            [_currency(model, books, place) for place, books in enumerate(model.currencies)],
            _other_budgets(model),
            _balances(model),
            _reconciliation(model),
            _adjustments(model),
            id="main",
        ),
        _footer(model),
        tag("div", class_="unseen", role="status", id="said"),
        asset("script", SCRIPT),
    )
    return f"<!DOCTYPE html>\n{tag('html', opening, body, lang='en')}\n"


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _header(model: Model) -> Markup:
    facts: list[Part] = []
    if model.newest:
        state = f" so far, day {model.day} of {model.days}" if model.draft else ""
        facts.append([tag("b", month_name(model.newest)), state])
    facts.append(["as of ", tag("time", date_name(model.as_of), datetime=model.as_of), " (UTC)"])
    if model.months > 1:
        facts.append(f"{plural(model.months, 'month')} from {month_name(model.first)} on")
    if model.organizations or model.failures:
        known, all_of_them = len(model.organizations), len(model.organizations) + len(model.failures)
        facts.append(f"{known} of {all_of_them} organizations" if model.failures else plural(known, "organization"))
    if model.credit_rate is not None:
        facts.append(f"1 credit = {_rate(model)}")
    line = [part for fact in facts for part in (" \u00b7 ", fact)][1:]
    return tag(
        "header",
        tag("p", "CockroachDB Cloud costs", class_="overline"),
        tag("h1", name(model.title)),
        tag("p", line, class_="scope"),
    )


def _rate(model: Model) -> str:
    rate = model.credit_rate or ZERO
    return f"${rate:.2f}" if rate == round(rate, 2) else f"${rate.normalize():f}"


def _failures(model: Model) -> Markup | None:
    if not model.failures:
        return None
    missing = [tag("li", tag("b", name(one)), ": ", why or "no reason given") for one, why in model.failures.items()]
    count = plural(len(missing), "organization is", "organizations are")
    words = f"{count} missing: every sum is without {'it' if len(missing) == 1 else 'them'}"
    return tag("section", tag("h2", words, id="missing"), tag("ul", missing), class_="alert", aria_labelledby="missing")


def _empty(model: Model) -> Markup:
    if model.newest is None:
        title, words = "No invoices yet", "There is no invoice in this period. The report fills up with the first one."
    else:
        title = "No costs yet"
        words = f"There is {plural(model.invoices, 'invoice')} in this period, without any amount."
    return tag("div", tag("h2", title), tag("p", words), class_="card empty")


def _other_budgets(model: Model) -> Markup | None:
    """Return the budgets that no section has, since nothing is in their currency."""
    known = [books.currency for books in model.currencies]
    limits = [large(one.amount, one.currency) for one in model.budgets if one.currency not in known]
    words = f"{plural(len(limits), 'budget')} ({', '.join(limits)}) cannot be compared: no cost is in that currency."
    return tag("p", words, class_="card") if limits else None


def _balances(model: Model) -> Markup | None:
    """Return what is left of each currency, and when it is gone."""
    shown = [balance for balance in model.balances if balance.amount]
    if not shown:
        return None
    return card("balances", "What is left", tag("ul", [_balance(balance) for balance in shown], class_="budgets"))


def _balance(balance: Balance) -> Markup:
    of_whom = [name(balance.organization), ": "] if balance.organization is not None else None
    note = f"On the invoice of {month_name(balance.period)}."
    if balance.monthly is not None and balance.monthly > 0:
        note += f" {large(balance.monthly, balance.currency)} a month, the mean of the newest full months."
    gone: Part = None
    if balance.runs_out is not None:
        gone = [" ", tag("b", f"Gone on {date_name(balance.runs_out)}"), " at that rate."]
    return tag(
        "li",
        tag("p", of_whom, large(balance.amount, balance.currency), class_="value"),
        tag("p", note, gone, class_="note"),
    )


def _reconciliation(model: Model) -> Markup | None:
    """Return whether each invoice states what its parts come to."""
    rows = model.reconciliation
    if not any(row["total"] or row["lines"] or row["adjustments"] for row in rows):
        return None
    wrong = [row for row in rows if not row["reconciled"]]
    count = len({(row["organization"], row["invoice_id"]) for row in rows})
    if not wrong:
        words = "invoice states" if count == 1 else "invoices state"
        sentence = tag(
            "p", tag("b", "Yes", class_="good"), f": {count} {words} what the line items and adjustments come to."
        )
        return card("reconciliation", "Do the invoices add up?", sentence)
    bad = len({(row["organization"], row["invoice_id"]) for row in wrong})
    sentence = tag(
        "p",
        tag(
            "b",
            f"{bad} of {plural(count, 'invoice')} do not" if bad > 1 else f"1 of {plural(count, 'invoice')} does not",
            class_="bad",
        ),
        ": the larger of what is stated and what the parts come to counts here.",
    )
    heads = [
        head("Invoice"),
        *(
            head(text, "number", wide=text != "Difference")
            for text in ("Stated", "Line items", "Adjustments", "Difference")
        ),
    ]
    keys = ("total", "lines", "adjustments", "difference")
    body = [
        tag(
            "tr",
            row_head(
                [name(row["organization"]), " "] if row["organization"] else None,
                month_name(row["period"]),
                tag("span", name(row["invoice_id"]), " ", currency_name(row["currency"]), class_="by"),
            ),
            [amount_cell(exact(row[key]), wide=key != "difference") for key in keys],
        )
        for row in wrong
    ]
    return card("reconciliation", "Do the invoices add up?", sentence, table("Invoices that differ", heads, body))


def _adjustments(model: Model) -> Markup | None:
    """Return credits and costs that belong to no cluster, by their names."""
    sums: dict[tuple[t.Any, ...], list[Decimal]] = collections.defaultdict(lambda: [ZERO, ZERO, ZERO])
    for row in model.adjustments:
        one = sums[row["name"], row["currency"]]
        amount = exact(row["amount"])
        one[0] += amount if row["period"] == model.newest else ZERO
        one[1] += amount
        one[2] += 1
    if not sums:
        return None
    heads = [
        head("Adjustment"),
        head(month_name(model.newest), "number"),
        head("All months", "number"),
        head("Times", "number", wide=True),
    ]
    body = [
        tag(
            "tr",
            row_head(name(title, missing="(no name)"), " ", tag("span", currency_name(currency), class_="by")),
            amount_cell(now),
            amount_cell(total),
            tag("td", number(times, 0), class_="n wide"),
        )
        for (title, currency), (now, total, times) in sorted(
            sums.items(), key=lambda one: (-abs(one[1][1]), f"{one[0]}")
        )
    ]
    return card("adjustments", "Adjustments", table("Credits and costs that belong to no cluster", heads, body))


def _footer(model: Model) -> Markup:
    rate = None
    if model.credit_rate is not None:
        rate = tag(
            "p", f"Credits are counted as {_rate(model)} each. Balances and the check of the invoices stay in credits."
        )
    expected = None
    if any(books.high is not None for books in model.currencies):
        expected = tag(
            "p",
            "Where a month may end is a range, since how much of today is in its draft is not known: usage goes on as "
            "in the days so far, with and without today, and adjustments stay as they are.",
        )
    data = join(tag("a", "costs.json", href="costs.json"), ", all that the page says")
    lines = None if model.organizations or model.failures else tag("a", "line_items.csv", href="line_items.csv")
    files = tag("p", "Beside this page: ", data, [", and ", lines, ", every line item"] if lines else None, ".")
    return tag("footer", expected, rate, files)


def _currency(model: Model, books: Books, place: int) -> Markup:
    """Return all that the page says of one currency."""
    view = View(model, books, f"c{place}")
    title = tag("h2", name(view.currency), id=view.mark, class_=None if len(model.currencies) > 1 else "unseen")
    sections = (verdict, paid_for, why, by_month, who_pays, stand_out)
    return tag("section", title, [section(view) for section in sections], aria_labelledby=view.mark)
