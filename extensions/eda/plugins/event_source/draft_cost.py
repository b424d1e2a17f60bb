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
    reaches a threshold, an amount or a percentage of a budget. The costs are those that
    M(cockroachdb_cloud.billing.cost_info) returns at that moment.
  - Each threshold is emitted once in a billing period, and with O(group_by) once for each group. What was crossed
    before the source started is emitted at its first poll, with C(at_start) true. Each counts again in a new period.
  - The drafts that count are those of the newest billing period that has begun; several of one period are added up.
    Until the API shows the draft of a new month, that of the month before counts.
  - Options that cannot be used end the source before any call. As long as no poll has succeeded, so does what waiting
    does not mend, such as an answer with the status 401, 403 or 404. Any other error, and after the first success every
    error, is logged, and the next poll follows after a wait that grows up to O(interval).
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
      - V(projected) compares what it will come to, as the module says in
        RV(cockroachdb_cloud.billing.cost_info#module:forecast[].projected). In the first two days of a month nothing is
        projected, and nothing is emitted.
    type: str
    choices:
      - spent
      - projected
    default: spent
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
      - For example V(label:team), V(cluster), V(folder), or V(owner) with O(owners).
    type: list
    elements: raw
    default: []
  owners:
    description:
      - The rules that say who owns a cost, for V(owner) in O(group_by), as in the option
        O(cockroachdb_cloud.billing.cost_info#module:owners).
    type: list
    elements: dict
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
import importlib.machinery
import importlib.util
import logging
import os
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

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._errors import (
    AuthenticationError,
    BillingError,
    NotFoundError,
    OptionsError,
    PermissionDeniedError,
    RequestError,
)
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._redaction import Redactor
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._watch import Settings, Watcher, read_settings

# What waiting does not mend. Before the first success it means that the rulebook is set up wrong.
_FINAL = (OptionsError, AuthenticationError, PermissionDeniedError, NotFoundError, RequestError)
_FIRST_WAIT = 15
_LOG = logging.getLogger("cockroachdb_cloud.billing.draft_cost")

_T = t.TypeVar("_T")


async def main(queue: asyncio.Queue[t.Any], args: dict[str, t.Any]) -> None:
    """Watch the draft until the task is cancelled.

    :param queue: where the events go.
    :param args: the options as they stand in the rulebook.
    :raises BillingError: for options that cannot be used, and before the first success for what waiting does not mend.
    """
    await watch(queue, read_settings(args))


async def watch(
    queue: asyncio.Queue[t.Any],
    settings: Settings,
    *,
    sleep: t.Callable[[float], t.Awaitable[object]] = asyncio.sleep,
    now: t.Callable[[], datetime.datetime] = lambda: datetime.datetime.now(datetime.timezone.utc),
) -> None:
    """Poll for ever, and put each new crossing into the queue.

    :param sleep: how to wait, in seconds.
    :param now: the present, up to which drafts hold costs.
    :raises Exception: before the first success, what waiting does not mend; after it, MemoryError alone.
    """
    watcher = Watcher(settings, lambda text: _LOG.warning("%s", text))
    at_start = True
    failures = 0
    while True:
        try:
            for crossing in await _in_thread(lambda: watcher.poll(now())):
                await queue.put({"cockroachdb_cloud": {**watcher.emit(crossing), "at_start": at_start}})
                # So that the rules, and whatever else is in the loop, get their turn between two events.
                await sleep(0)
        except MemoryError:
            raise
        except Exception as error:
            if at_start and (isinstance(error, _FINAL) or not isinstance(error, BillingError)):
                raise
            failures += 1
            wait = min(settings.interval, _FIRST_WAIT << min(failures - 1, 16))
            _LOG.warning("The cost is not known, the next poll is in %d seconds. %s", wait, _reason(error, settings))
        else:
            if failures:
                _LOG.warning("The cost is known again. Polls that failed before: %d.", failures)
            failures = 0
            wait = settings.interval
            at_start = False
        await sleep(wait)


def _reason(error: Exception, settings: Settings) -> str:
    """Return what to say about an error; nobody knows what is in the text of one that nobody expected."""
    if isinstance(error, BillingError):
        return f"{error}"
    return Redactor(settings.connection.credential.secret).redact(f"{type(error).__name__}: {error}")


async def _in_thread(work: t.Callable[[], _T]) -> _T:
    """Run what blocks or computes in a thread of its own, so that the loop goes on.

    The thread is a daemon, unlike those of C(asyncio.to_thread): a call that hangs does not hold up the process's end.
    """
    loop = asyncio.get_running_loop()
    done = asyncio.Event()
    results: list[_T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:  # noqa: BLE001 - whatever it is, it belongs to whoever awaits it
            errors.append(error)
        # The loop is closed when nobody waits any more.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(done.set)

    threading.Thread(target=run, name="draft_cost", daemon=True).start()
    await done.wait()
    for error in errors:
        raise error
    return results[0]
