# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is private to the cockroachdb_cloud.billing collection.
# It can change or vanish in any release, so do not use it from outside.

"""What the event source asks: its options, and which thresholds were crossed since it asked last."""

from __future__ import annotations

import datetime
import decimal
import functools
import re
import typing as t

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._answers import differences, missing_labels
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._books import Book, add_up
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._budgets import (
    Crossing,
    Threshold,
    crossed,
    newest_drafts,
)
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._costs import (
    Calendar,
    group_costs,
    optional,
    reconciliation_rows,
)
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._credential import (
    Layer,
    environment_layer,
    mask_secrets,
    take_out_secrets,
)
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._errors import OptionsError
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._invoices import gather
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._lines import Row
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._money import EXACT, to_float
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._options import (
    CONNECTION_SPEC,
    Connection,
    Selection,
    check_number,
    read_connection,
)
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._query import (
    COST_SPEC,
    OWNER,
    Query,
    check_amount,
    read_query,
)

WATCH_SPEC: dict[str, dict[str, t.Any]] = {
    "thresholds": {"type": "list", "elements": "raw", "required": True},
    "budget": {"type": "raw"},
    "measure": {"type": "str", "choices": ["spent", "projected"], "default": "spent"},
    "currency": {"type": "str", "default": "USD"},
    "credit_rate": {"type": "raw"},
    "group_by": {"type": "list", "elements": "raw", "default": []},
    "owners": COST_SPEC["owners"],
    "interval": {"type": "int", "default": 3600},
    **CONNECTION_SPEC,
}
_SHORTEST_INTERVAL = 10
_CURRENCY = re.compile(r"[A-Z][A-Z0-9_]*", re.ASCII)
_TEMPLATE = re.compile(r"\{(?=[{%#])")


class Settings(t.NamedTuple):
    """The options, checked; C(thresholds) in ascending order, C(interval) in seconds."""

    connection: Connection
    query: Query
    thresholds: list[Threshold]
    budget: decimal.Decimal | None
    measure: str
    currency: str
    interval: int


def read_settings(args: t.Mapping[str, t.Any]) -> Settings:
    """Check the options; no call is made.

    :param args: the options as they stand in the rulebook.
    :raises OptionsError: it names the option and what to write instead, and shows nothing of a secret.
    """
    given = {name: value for name, value in args.items() if value is not None}
    layers = (Layer(take_out_secrets(given), "option {option}"), environment_layer())
    mask_secrets(layers)
    validated = ArgumentSpecValidator(WATCH_SPEC).validate(given)
    if validated.error_messages:
        raise OptionsError(f"draft_cost: {'. '.join(validated.error_messages)}")
    options = validated.validated_parameters
    connection = read_connection(options, layers, environment_of="the ansible-rulebook process")
    query = read_query({name: options[name] for name in ("group_by", "credit_rate", "owners")})
    if query.owners and OWNER not in query.group_by:
        raise OptionsError("owners: the rules decide nothing, as no group is 'owner'. Add it to group_by.")
    currency = options["currency"].strip() or "USD"
    if not _CURRENCY.fullmatch(currency):
        raise OptionsError(f"currency must be one such as USD or CRDB_CLOUD_CREDITS, not {currency!r}.")
    if query.credit_rate is not None and currency != "USD":
        raise OptionsError(f"credit_rate turns credits into USD: leave it out, or watch USD rather than {currency}.")
    budget = None if options["budget"] is None else check_amount(options["budget"], "budget")
    return Settings(
        connection=connection,
        query=query,
        thresholds=_read_thresholds(options["thresholds"], budget),
        budget=budget,
        measure=options["measure"],
        currency=currency,
        interval=check_number(options, "interval", _SHORTEST_INTERVAL),
    )


def _read_thresholds(given: list[t.Any], budget: decimal.Decimal | None) -> list[Threshold]:
    thresholds = {_read_threshold(value, budget) for value in given}
    if not thresholds:
        raise OptionsError("thresholds is empty: give at least one amount, or percentage of the budget.")
    return sorted(thresholds, key=lambda threshold: (threshold.amount, threshold.percent or 0))


def _read_threshold(value: t.Any, budget: decimal.Decimal | None) -> Threshold:
    form = "hold amounts above 0 such as 500, or percentages such as 80%"
    if not isinstance(value, str) or not value.strip().endswith("%"):
        return Threshold(check_amount(value, "thresholds", form))
    percent = check_amount(value.strip()[:-1], "thresholds", form)
    if budget is None:
        raise OptionsError(f"thresholds: {value!r} is a percentage of the budget, and budget is not set.")
    return Threshold(EXACT.scaleb(EXACT.multiply(budget, percent), -2), percent)


class Watcher:
    """Asks for the drafts again and again, and remembers what was emitted of their billing period."""

    def __init__(self, settings: Settings, warn: t.Callable[[str], None]) -> None:
        """Start with nothing emitted.

        :param warn: how to tell whoever runs this; everything is said once.
        """
        self._settings = settings
        self._warn = warn
        self._said: set[str] = set()
        self._period = ""
        self._invoice_id: str | None = None
        self._emitted: set[tuple[t.Any, Threshold]] = set()

    def poll(self, now: datetime.datetime) -> list[Crossing]:
        """Fetch the drafts, and return what was crossed and not emitted yet.

        It takes as long as the network and the size of the drafts make it.

        :param now: the present, aware, in UTC.
        :raises BillingError: as :func:`gather` and :func:`add_up`.
        """
        settings = self._settings
        keep = functools.partial(add_up, query=settings.query)
        gathered = gather(settings.connection, Selection(status="DRAFT"), keep, now=now)
        drafts = newest_drafts(gathered.invoices, now)
        self._say_what_is_left_out(gathered.invoices, now)
        if not drafts:
            self._say(f"There is no draft of this month ({now:%Y-%m}): nothing is compared until the API has one.")
            return []
        for text in gathered.warnings:
            self._say(text)
        period = f"{drafts[0].header.period}"
        if period < self._period:
            return []
        if period > self._period:
            self._period = period
            self._emitted.clear()
        self._invoice_id = _defuse(drafts[0].header.invoice_id) if len(drafts) == 1 else None
        cells = group_costs(drafts, settings.query.group_by, Calendar(drafts, now))
        self._say_what_cannot_be_compared(drafts, {currency for dummy, currency in cells})
        crossings = crossed(settings.thresholds, cells, settings.currency, projected=settings.measure == "projected")
        return [crossing for crossing in crossings if (crossing.key, crossing.threshold) not in self._emitted]

    def emit(self, crossing: Crossing) -> Row:
        """Return what rules get to know of a crossing, and remember that they do.

        :raises ResponseError: when the amount is larger than a number can be.
        """
        settings = self._settings
        event = {
            "event": "threshold_crossed",
            "period": self._period,
            "invoice_id": self._invoice_id,
            "group": dict(zip(settings.query.group_by, map(_defuse, crossing.key))),
            "currency": settings.currency,
            "measure": settings.measure,
            "amount": to_float(crossing.amount),
            "threshold": to_float(crossing.threshold.amount),
            "percent": optional(crossing.threshold.percent),
            "budget": optional(settings.budget),
        }
        self._emitted.add((crossing.key, crossing.threshold))
        return event

    def _say_what_is_left_out(self, books: t.Iterable[Book], now: datetime.datetime) -> None:
        for header in (book.header for book in books):
            if header.start is None:
                self._say(f"Left out: the draft {header.invoice_id}, which has no period_start.")
            elif header.start > now:
                self._say(f"Left out: the draft {header.invoice_id} of {header.period}, a month that has not begun.")

    def _say_what_cannot_be_compared(self, drafts: list[Book], currencies: set[str | None]) -> None:
        which = f"The draft of {self._period}"
        if currencies and self._settings.currency not in currencies:
            there_are = ", ".join(sorted(f"{currency or 'no currency'}" for currency in currencies))
            self._say(
                f"{which} has no amount in {self._settings.currency}, only in {there_are}: set currency, or "
                "credit_rate for credits."
            )
        if self._settings.measure == "projected" and not all(book.header.end for book in drafts):
            self._say(f"{which} has no period_end: nothing can be projected.")
        missing = missing_labels(drafts, self._settings.query)
        if missing:
            self._say(missing)
        for text in differences(reconciliation_rows(drafts)):
            # The amounts in it change from poll to poll.
            self._say(text, once=f"{which} does not add up")

    def _say(self, text: str, *, once: str = "") -> None:
        if (once or text) not in self._said:
            self._said.add(once or text)
            # Names from outside do not begin a line of a log.
            self._warn("".join(char if char.isprintable() else "?" for char in text))


def _defuse(text: str | None) -> str | None:
    """Set a space into what would open a template: a playbook gets the event as variables, which Ansible templates."""
    return None if text is None else _TEMPLATE.sub("{ ", text)
