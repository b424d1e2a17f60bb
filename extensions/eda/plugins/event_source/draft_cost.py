# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The draft_cost event source for ansible-rulebook."""

from __future__ import annotations

DOCUMENTATION = r"""
name: draft_cost
short_description: Emit an event when this month's cost crosses a threshold
version_added: 1.0.0
author:
  - cockroachdb_cloud.billing contributors (@cockroachdb-cloud-billing)
description:
  - Polls the draft of this month's invoice with the billing API of CockroachDB Cloud, and emits an event when the cost
    reaches a threshold, an amount or a percentage of a budget.
  - Each threshold is emitted once in a billing period, and with O(group_by) once for each group. What was crossed
    before the source started is emitted at its first poll, with C(at_start) true. A new billing period starts anew.
  - The draft is the invoice with the status C(DRAFT) and the latest billing period. Until the API shows the draft of a
    new month, that is the one of the month before.
  - Options that cannot be used end the source before any call. As long as no poll has succeeded, so does an error that
    waiting does not mend, such as an answer with the status 401, 403 or 404. Any other error, and after the first
    success every error, is logged, and the next poll follows after a wait that grows up to O(interval).
requirements:
  - ansible-rulebook
  - ansible-core >= 2.16 and requests >= 2.29 for the Python that runs ansible-rulebook
options:
  thresholds:
    description:
      - What to watch for, each either an amount in O(currency), such as V(500), or a percentage of O(budget), such as
        V(80%).
      - A threshold is crossed when the cost reaches or passes it.
    type: list
    elements: raw
    required: true
  budget:
    description:
      - The amount in O(currency) for a month that the percentages in O(thresholds) refer to. With O(group_by) it is the
        budget of each group.
    type: raw
  measure:
    description:
      - V(spent) compares what the draft has come to so far.
      - V(projected) compares what the month will come to at the rate so far.
    type: str
    choices:
      - spent
      - projected
    default: spent
  projected_from_day:
    description:
      - The day of the month, in UTC, before which no projection is compared. The rate of the first hours says little,
        and a threshold that it crosses by mistake is not emitted again.
      - It matters with O(measure=projected) only.
    type: int
    default: 3
  currency:
    description:
      - The currency that is watched, as the invoices name it. Amounts in others are left out.
    type: str
    default: USD
  credit_rate:
    description:
      - The USD for one credit. With it, amounts in credits are turned into USD and added to those in USD.
    type: raw
  group_by:
    description:
      - Compares the cost of each group with the thresholds rather than the whole draft, with the groups of the option
        O(cockroachdb_cloud.billing.cost_info#module:group_by).
      - For example V(label:team), V(cluster) or V(folder).
    type: list
    elements: raw
  interval:
    description:
      - The seconds from one poll to the next, from V(10) to V(86400).
    type: int
    default: 3600
  api_key:
    description:
      - The secret key of a service account of CockroachDB Cloud that has the role C(BILLING_COORDINATOR) or
        C(CLUSTER_ADMIN) at the scope of the organization.
      - An option beats the environment, O(api_jwt) as an option the key in the environment too.
      - Mutually exclusive with O(api_jwt).
    type: str
    env:
      - name: COCKROACH_API_KEY
  api_jwt:
    description:
      - A JWT from an issuer that the organization has configured, in place of O(api_key). Needs O(vanity_name).
      - Mutually exclusive with O(api_key).
    type: str
    env:
      - name: COCKROACH_API_JWT
  vanity_name:
    description:
      - The vanity name of the organization, which a JWT does not say. It is sent with O(api_jwt) only.
    type: str
    env:
      - name: COCKROACH_VANITY_NAME
  username:
    description:
      - The e-mail address or the service account id to act as, for a JWT that stands for several identities. It is sent
        with O(api_jwt) only.
    type: str
    env:
      - name: COCKROACH_USERNAME
  api_url:
    description:
      - The base URL of the API. It begins with C(https://); plain C(http://) is accepted for C(localhost), C(127.0.0.1)
        and C([::1]) alone. Redirects are not followed.
    type: str
    default: https://cockroachlabs.cloud
    env:
      - name: COCKROACH_SERVER
  api_version:
    description:
      - The version of the API that the answers are in, a date.
    type: str
    default: "2024-09-16"
  validate_certs:
    description:
      - Whether the TLS certificate of the API has to be valid.
    type: bool
    default: true
  ca_path:
    description:
      - A file with the CA certificates to trust, in PEM format, or a directory of such files prepared with C(c_rehash).
    type: path
  timeout:
    description:
      - The longest that one attempt may take, in seconds.
    type: int
    default: 30
  retries:
    description:
      - How many further attempts are made within one poll when the API or the network fails for the moment.
    type: int
    default: 4
  retry_max_delay:
    description:
      - The longest single wait between two attempts of one poll, in seconds.
    type: int
    default: 60
notes:
  - The environment that counts is that of the ansible-rulebook process.
  - What comes from outside, such as the name of a cluster, stands in the event with a space inside the opening of a
    template, since Ansible would execute a template in the event that a playbook gets.
seealso:
  - module: cockroachdb_cloud.billing.cost_info
    description: The same figures as a task.
"""

EXAMPLES = r"""
---
- name: Watch the bill of CockroachDB Cloud
  hosts: localhost
  sources:
    - name: Poll this month's draft, with the key from COCKROACH_API_KEY in the environment
      cockroachdb_cloud.billing.draft_cost:
        budget: 5000
        thresholds: [50%, 80%, 100%]
  rules:
    - name: Tell the team
      condition: event.cockroachdb_cloud.event == "threshold_crossed"
      action:
        debug:
          msg: >-
            {{ event.cockroachdb_cloud.period }}: {{ event.cockroachdb_cloud.amount }}
            {{ event.cockroachdb_cloud.currency }} of {{ event.cockroachdb_cloud.budget }}
"""

import asyncio
import contextlib
import datetime
import decimal
import importlib.machinery
import importlib.util
import logging
import os
import re
import sys
import threading
import typing as t


def _make_importable() -> None:
    """Let the collection be imported by its name from where this file lies.

    ansible-rulebook runs a source as a single file, in a process where neither Ansible's importer is at work nor the
    collections are on the path. A folder on the path would not do: the ansible package on PyPI has an
    C(ansible_collections) of its own that hides all others. So the packages that nobody else provides are made here,
    and that of the collection also when it is another copy, so that this file meets the code it was installed with.
    """
    if importlib.util.find_spec("ansible") is None:
        raise ModuleNotFoundError(
            "cockroachdb_cloud.billing.draft_cost needs ansible-core for the Python that runs ansible-rulebook: "
            f"{sys.executable} -m pip install ansible-core"
        )
    folder = os.path.dirname(os.path.abspath(__file__))
    for _level in ("event_source", "plugins", "eda", "extensions"):
        folder = os.path.dirname(folder)
    collection = "ansible_collections.cockroachdb_cloud.billing"
    places = {
        "ansible_collections": os.path.dirname(os.path.dirname(folder)),
        "ansible_collections.cockroachdb_cloud": os.path.dirname(folder),
        collection: folder,
    }
    for name, place in places.items():
        spec = importlib.util.find_spec(name)
        found = [] if spec is None else [os.path.realpath(path) for path in spec.submodule_search_locations or ()]
        if spec is None or (name == collection and os.path.realpath(place) not in found):
            spec = importlib.machinery.ModuleSpec(name, None, is_package=True)
            spec.submodule_search_locations = [place]
            sys.modules[name] = importlib.util.module_from_spec(spec)


_make_importable()

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._costs import (
    CREDITS,
    Invoice,
    Row,
    check_credit_rate,
    check_group_by,
    cost_summary,
    forecast,
    to_float,
)
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._credential import (
    SECRETS,
    Layer,
    environment_layer,
    mask_secrets,
)
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._errors import (
    AuthenticationError,
    BillingError,
    NotFoundError,
    OptionsError,
    PermissionDeniedError,
    RequestError,
)
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._invoices import gather_invoices
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._options import (
    CONNECTION_SPEC,
    Connection,
    Selection,
    read_connection,
)

SPEC: dict[str, dict[str, t.Any]] = {
    "thresholds": {"type": "list", "elements": "raw", "required": True},
    "budget": {"type": "raw"},
    "measure": {"type": "str", "choices": ["spent", "projected"], "default": "spent"},
    "projected_from_day": {"type": "int", "default": 3},
    "currency": {"type": "str", "default": "USD"},
    "credit_rate": {"type": "raw"},
    "group_by": {"type": "list", "elements": "raw"},
    "interval": {"type": "int", "default": 3600},
    **CONNECTION_SPEC,
}

# What waiting does not mend. Before the first success it means that the rulebook is set up wrong.
_FINAL = (OptionsError, AuthenticationError, PermissionDeniedError, NotFoundError, RequestError)
_FIRST_WAIT = 15
_SHORTEST_INTERVAL = 10
_LONGEST_INTERVAL = 86400
_CURRENCY = re.compile(r"[A-Z][A-Z0-9_]*", re.ASCII)
_TEMPLATE = re.compile(r"\{(?=[{%#])")
_LOG = logging.getLogger("cockroachdb_cloud.billing.draft_cost")

_T = t.TypeVar("_T")


class Threshold(t.NamedTuple):
    """An amount to watch for; C(percent) is what it is of the budget, None when it was given as an amount."""

    amount: decimal.Decimal
    percent: decimal.Decimal | None


class Settings(t.NamedTuple):
    """The options, checked; C(thresholds) in ascending order, C(interval) in seconds."""

    connection: Connection
    thresholds: list[Threshold]
    budget: decimal.Decimal | None
    measure: str
    projected_from_day: int
    currency: str
    credit_rate: decimal.Decimal | None
    group_by: list[str]
    interval: int


class Group(t.NamedTuple):
    """The entries of C(group_by) with the group's value for each, none for the whole draft, and the group's cost."""

    values: tuple[tuple[str, str | None], ...]
    amount: decimal.Decimal


class Reading(t.NamedTuple):
    """What one poll found out about the draft; C(currencies) are all that it has amounts in."""

    invoice_id: str | None
    period: str
    currencies: list[str | None]
    groups: list[Group]


async def main(queue: asyncio.Queue[t.Any], args: dict[str, t.Any]) -> None:
    """Watch the draft until the task is cancelled.

    :param queue: where the events go.
    :param args: the options as they stand in the rulebook.
    :raises BillingError: for options that cannot be used, and before the first success for what waiting does not mend.
    """
    await watch(queue, read_settings(args))


def read_settings(args: t.Mapping[str, t.Any]) -> Settings:
    """Check the options; no call is made.

    :raises OptionsError: it names the option and what to write instead, and shows nothing of a secret.
    """
    # The validator would show a secret of the wrong type in its message, so that it never gets to see one.
    public = {name: value for name, value in args.items() if name not in SECRETS and value is not None}
    validated = ArgumentSpecValidator(SPEC).validate(public)
    if validated.error_messages:
        raise OptionsError(f"draft_cost: {'. '.join(validated.error_messages)}")
    options = validated.validated_parameters
    layers = (Layer(args, "option {option}"), environment_layer())
    mask_secrets(layers)
    connection = read_connection(options, layers, environment_of="the ansible-rulebook process")
    budget = None if options["budget"] is None else _read_amount("budget", options["budget"])
    credit_rate = check_credit_rate(options["credit_rate"])
    currency = f"{options['currency']}".strip()
    if not _CURRENCY.fullmatch(currency):
        raise OptionsError(f"currency must be one such as USD or CRDB_CLOUD_CREDITS, not {currency!r}.")
    if credit_rate is not None and currency != "USD":
        raise OptionsError(f"credit_rate turns credits into USD: leave it out, or watch USD rather than {currency}.")
    return Settings(
        connection=connection,
        thresholds=_read_thresholds(options["thresholds"], budget),
        budget=budget,
        measure=options["measure"],
        projected_from_day=_read_whole(options, "projected_from_day", 1, 28),
        currency=currency,
        credit_rate=credit_rate,
        group_by=check_group_by(options["group_by"] or []),
        interval=_read_whole(options, "interval", _SHORTEST_INTERVAL, _LONGEST_INTERVAL),
    )


async def watch(
    queue: asyncio.Queue[t.Any],
    settings: Settings,
    *,
    sleep: t.Callable[[float], t.Awaitable[object]] = asyncio.sleep,
    now: t.Callable[[], datetime.datetime] = lambda: datetime.datetime.now(datetime.timezone.utc),
) -> None:
    """Poll for ever, and put each new crossing into the queue.

    :param sleep: how to wait, in seconds.
    :param now: the present, which a projection counts from.
    :raises BillingError: before the first success, for what waiting does not mend.
    """
    crossings = Crossings(settings)
    failures = 0
    while True:
        try:
            reading = await _in_thread(lambda: read_draft(settings, now()))
        except BillingError as error:
            if isinstance(error, _FINAL) and not crossings.polled:
                raise
            failures += 1
            wait = min(settings.interval, _FIRST_WAIT << min(failures - 1, 16))
            _LOG.warning("The cost is not known, the next poll is in %d seconds. %s", wait, error)
        else:
            if failures:
                _LOG.warning("The cost is known again. Polls that failed before: %d.", failures)
            failures = 0
            wait = settings.interval
            for event in crossings.take(reading):
                await queue.put({"cockroachdb_cloud": event})
                # So that the rules get their turn between two events.
                await sleep(0)
        await sleep(wait)


def read_draft(settings: Settings, now: datetime.datetime) -> Reading | None:
    """Fetch the draft and measure it; None when there is no draft.

    :raises BillingError: as :func:`gather_invoices` and :func:`cost_summary`.
    """
    drafts: dict[str, dict[str, t.Any]] = {}
    for raw in gather_invoices(settings.connection, Selection(status="DRAFT")):
        invoice = Invoice(raw)
        if invoice.status == "DRAFT" and invoice.period is not None:
            drafts[invoice.period] = raw
    if not drafts:
        return None
    period = max(drafts)
    draft = drafts[period]
    outlook = forecast([draft], now)
    unsettled = settings.measure == "projected" and f"{now:%Y-%m}" == period and now.day < settings.projected_from_day
    return Reading(
        invoice_id=Invoice(draft).invoice_id,
        period=period,
        currencies=[row["currency"] for row in outlook],
        groups=[] if unsettled else _measure(draft, settings, outlook),
    )


class Crossings:
    """Knows which thresholds were emitted in the billing period, so that each is emitted once."""

    def __init__(self, settings: Settings) -> None:
        """Start with nothing emitted; C(polled) says whether a poll has succeeded yet."""
        self.polled = False
        self._settings = settings
        self._period = ""
        self._emitted: set[tuple[tuple[tuple[str, str | None], ...], Threshold]] = set()
        self._said: set[str] = set()

    def take(self, reading: Reading | None) -> list[Row]:
        """Return an event for each threshold that was crossed and not yet emitted, and count them as emitted."""
        at_start = not self.polled
        self.polled = True
        if reading is None:
            self._say_once("There is no draft invoice: nothing can be compared until the API has one.")
            return []
        if reading.period < self._period:
            return []
        if reading.period > self._period:
            self._period = reading.period
            self._emitted.clear()
            self._said.clear()
        self._check_currency(reading)
        events = []
        for group in reading.groups:
            for threshold in self._settings.thresholds:
                if group.amount >= threshold.amount and (group.values, threshold) not in self._emitted:
                    self._emitted.add((group.values, threshold))
                    events.append(self._event(reading, group, threshold, at_start=at_start))
        return events

    def _event(self, reading: Reading, group: Group, threshold: Threshold, *, at_start: bool) -> Row:
        settings = self._settings
        return {
            "event": "threshold_crossed",
            "period": reading.period,
            "invoice_id": _defuse(reading.invoice_id),
            "group": {entry: _defuse(value) for entry, value in group.values},
            "currency": settings.currency,
            "measure": settings.measure,
            "amount": to_float(group.amount),
            "threshold": to_float(threshold.amount),
            "percent": None if threshold.percent is None else to_float(threshold.percent),
            "budget": None if settings.budget is None else to_float(settings.budget),
            "at_start": at_start,
        }

    def _check_currency(self, reading: Reading) -> None:
        known = {"USD" if self._settings.credit_rate is not None and c in CREDITS else c for c in reading.currencies}
        if known and self._settings.currency not in known:
            self._say_once(
                f"The draft has no amount in {self._settings.currency}, only in "
                f"{', '.join(sorted(str(name) for name in known))}: set currency, or credit_rate for credits."
            )

    def _say_once(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            _LOG.warning("%s", _defuse(text))


def _measure(draft: dict[str, t.Any], settings: Settings, outlook: list[Row]) -> list[Group]:
    """Return the cost of each group in the currency that is watched, as spent or as projected."""
    if not settings.group_by:
        rate = settings.credit_rate
        amounts = [
            _decimal(row[settings.measure]) * (1 if rate is None or row["currency"] == settings.currency else rate)
            for row in outlook
            if row[settings.measure] is not None
            and (row["currency"] == settings.currency or (rate is not None and row["currency"] in CREDITS))
        ]
        return [Group((), sum(amounts, decimal.Decimal(0)))] if amounts else []
    elapsed = decimal.Decimal(1)
    if settings.measure == "projected":
        elapsed = _decimal(next((row["elapsed"] for row in outlook), None) or 0)
    rows = cost_summary([draft], settings.group_by, settings.credit_rate) if elapsed else []
    return [
        Group(tuple((entry, row[entry]) for entry in settings.group_by), _decimal(row["amount"]) / elapsed)
        for row in rows
        if row["currency"] == settings.currency
    ]


def _decimal(number: float) -> decimal.Decimal:
    return decimal.Decimal(repr(number))


def _read_thresholds(given: list[t.Any], budget: decimal.Decimal | None) -> list[Threshold]:
    thresholds = set()
    for value in given:
        text = f"{value}".strip()
        if not text.endswith("%"):
            thresholds.add(Threshold(_read_amount("thresholds", value), None))
            continue
        percent = _read_amount("thresholds", text[:-1])
        if budget is None:
            raise OptionsError(f"thresholds: {text!r} is a percentage of the budget, and budget is not set.")
        thresholds.add(Threshold(budget * percent / 100, percent))
    if not thresholds:
        raise OptionsError("thresholds is empty: give at least one amount, or percentage of the budget.")
    return sorted(thresholds, key=lambda threshold: (threshold.amount, threshold.percent or 0))


def _read_amount(name: str, value: t.Any) -> decimal.Decimal:
    number = None
    if isinstance(value, (int, float, str)) and not isinstance(value, bool):
        with contextlib.suppress(decimal.InvalidOperation):
            number = decimal.Decimal(f"{value}".strip())
    # No amount of money needs more digits than these, and a percentage of it stays exact.
    if number is None or not number.is_finite() or not 0 < number < 10**12 or len(number.as_tuple().digits) > 13:
        form = "hold amounts above 0 such as 500, or percentages such as 80%" if name == "thresholds" else "be above 0"
        raise OptionsError(f"{name} must {form}, not {value!r}.")
    return number


def _read_whole(options: t.Mapping[str, t.Any], name: str, least: int, most: int) -> int:
    value = options[name]
    if isinstance(value, bool) or not least <= value <= most:
        raise OptionsError(f"{name} must be a whole number from {least} to {most}, not {value}.")
    return int(value)


def _defuse(text: str | None) -> str | None:
    """Set a space into what would open a template: a playbook gets the event as variables, which Ansible templates."""
    return None if text is None else _TEMPLATE.sub("{ ", text)


async def _in_thread(work: t.Callable[[], _T]) -> _T:
    """Run what blocks in a thread of its own, so that the loop goes on.

    The thread is a daemon, unlike those of C(asyncio.to_thread): a call that hangs does not hold up the process's end.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[_T] = loop.create_future()

    def deliver(settle: t.Callable[[t.Any], None], outcome: object) -> None:
        if not future.done():
            settle(outcome)

    def run() -> None:
        settle: t.Callable[[t.Any], None] = future.set_result
        outcome: object
        try:
            outcome = work()
        except Exception as error:  # noqa: BLE001 - whatever it is, it belongs to whoever awaits it
            settle, outcome = future.set_exception, error
        # The loop is closed when nobody waits any more.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(deliver, settle, outcome)

    threading.Thread(target=run, name="draft_cost", daemon=True).start()
    return await future
