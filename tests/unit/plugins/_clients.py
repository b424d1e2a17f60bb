# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the tests of this collection.

"""Clients for tests: with the options that most tests do not care about, and a clock that only waits move."""

from __future__ import annotations

import contextlib
import datetime
import typing as t

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils import _client
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._credential import Credential
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._errors import BillingError
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._options import Connection
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._api import KEY
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._run import fresh_environment

NOW = datetime.datetime(2026, 11, 23, 12, 0, 0, tzinfo=datetime.timezone.utc)


def connect(url: str, **options: t.Any) -> Connection:
    """Return connection options as the plugins check them, with the defaults."""
    values: dict[str, t.Any] = {
        "credential": Credential(KEY, "api_key", "option api_key"),
        "vanity_name": None,
        "username": None,
        "api_url": url,
        "api_version": "2024-09-16",
        "verify": True,
        "timeout": 5,
        "retries": 4,
        "retry_max_delay": 60,
    }
    return Connection(**{**values, **options})


class Clock:
    """Time that passes only where the client waits."""

    def __init__(self) -> None:
        self.waits: list[float] = []
        self.now = NOW

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += datetime.timedelta(seconds=seconds)


@contextlib.contextmanager
def client_for(
    url: str, clock: Clock, environment: t.Mapping[str, str] | None = None, **options: t.Any
) -> t.Iterator[_client.Client]:
    """Run with a client that waits on a clock of the test, in a fresh environment plus the variables given."""
    with fresh_environment(environment):
        with _client.Client(connect(url, **options), sleep=clock.sleep, now=lambda: clock.now) as client:
            yield client


class Ended(t.NamedTuple):
    """How a call ended: the value or the error, the error's text, and the waits in between."""

    value: t.Any
    error: BillingError | None
    text: str
    waits: list[float]

    @property
    def failure(self) -> dict[str, t.Any]:
        assert self.error is not None
        return self.error.failure()


def call(url: str, *, environment: t.Mapping[str, str] | None = None, **options: t.Any) -> Ended:
    """Ask for the list of invoices, with the client alone.

    :param environment: variables of the process.
    :param options: those of the connection that are not the usual ones.
    """
    clock = Clock()
    with client_for(url, clock, environment, **options) as client:
        try:
            return Ended(client.get("api", "v1", "invoices"), None, "", clock.waits)
        except BillingError as error:
            return Ended(None, error, f"{error}", clock.waits)
