# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the tests of this collection.

"""The ways to run a plugin against a server that plays faults, without real waits."""

from __future__ import annotations

import contextlib
import typing as t
from unittest import mock

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils import _client
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._api import KEY
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._run import (
    LookupFailureError,
    run_lookup,
    run_module,
)

KINDS = ("module", "in place", "lookup")


class Outcome(t.NamedTuple):
    """How a plugin ended, and how long it waited in between."""

    invoices: t.Any
    text: str
    failure: dict[str, t.Any] | None
    shown: str
    waits: list[float]


@contextlib.contextmanager
def no_waits() -> t.Iterator[list[float]]:
    """Let every client note its waits in place of waiting; yield the list of them in seconds."""
    waits: list[float] = []
    with mock.patch.dict(_client.Client.__init__.__kwdefaults__, {"sleep": waits.append}):
        yield waits


def run_plugin(
    kind: str,
    options: t.Mapping[str, t.Any],
    *,
    environment: t.Mapping[str, str] | None = None,
    variables: t.Mapping[str, t.Any] | None = None,
    key: str | None = KEY,
) -> Outcome:
    """Run invoice_info or the invoice lookup, as the user would, and never wait.

    :param kind: C(module) or C(in place) for the two ways of invoice_info, C(lookup) for the lookup.
    :param key: the option api_key; None leaves it to the environment or the variables.
    """
    options = dict(options, **({} if key is None else {"api_key": key}))
    with no_waits() as waits:
        if kind != "lookup":
            result = run_module("invoice_info", options, environment=environment, in_place=kind == "in place")
            data = result.data
            failed = bool(data.get("failed"))
            assert result.exit_code == (1 if failed else 0)
            assert "Traceback" not in result.output
            return Outcome(data.get("invoices"), data.get("msg", ""), data.get("failure"), result.output, waits)
        terms = [options.pop("invoice_id")] if "invoice_id" in options else []
        try:
            invoices = run_lookup("invoice", terms, options, variables=variables, environment=environment)
        except LookupFailureError as error:
            return Outcome(None, error.args[0], None, error.shown, waits)
        return Outcome(invoices, "", None, "", waits)
