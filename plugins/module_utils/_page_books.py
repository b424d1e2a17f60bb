# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is private to the cockroachdb_cloud.billing collection.
# It can change or vanish in any release, so do not use it from outside.

"""The page's end: what is left of the credits, whether the invoices add up, and the adjustments."""

from __future__ import annotations

import collections
import typing as t

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._figures import (
    currency_name,
    date_name,
    large,
    month_name,
    number,
    plural,
)
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._html import Markup, Part, name, tag
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._money import ZERO, exact
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._page_parts import (
    amount_cell,
    card,
    head,
    row_head,
    table,
)
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._report_model import Balance, Decimal, Model


def balances(model: Model) -> Markup | None:
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


def reconciliation(model: Model) -> Markup | None:
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


def adjustments(model: Model) -> Markup | None:
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
