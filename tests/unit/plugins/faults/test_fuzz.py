# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No answer, however broken, makes a plugin end in a traceback. C(make fuzz) plays many more of them.

The variables C(FUZZ_SEED) and C(FUZZ_ROUNDS) choose which rounds and how many, C(FUZZ_FIRST) where to begin: the same
seed and number give the same round.
"""

from __future__ import annotations

import collections
import copy
import importlib
import json
import os
import pathlib
import random
import typing as t

from billing_sandbox._scripted import Wire, answer

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._errors import BillingError
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._api import KEY
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._data import invoice
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._run import (
    LookupFailureError,
    run_lookup,
    run_module,
)
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins.faults._plugins import no_waits

SEED = int(os.environ.get("FUZZ_SEED", "1"))
FIRST = int(os.environ.get("FUZZ_FIRST", "0"))
ROUNDS = int(os.environ.get("FUZZ_ROUNDS", "250"))
_REASONS = {kind.reason for kind in BillingError.__subclasses__()}
_PATH = [{"id": "f1", "name": "production"}]
_FOLDER = {"resource_id": "f1", "resource_type": "FOLDER", "name": "production", "path": _PATH, "labels": {"c": "17"}}
# What a value may turn into. Texts look like what stands there, like numbers, times and formulas, or like nothing.
_VALUES: list[t.Any] = [
    None, True, False, 0, -1, 1, 10**30, -(10**400), 1e308, -1e308, 5e-324, -0.0, 0.1, 1.5,
    "", " ", "x", "null", "NaN", "1e999", "0.1", "-1", "=1+1", "\u0000", "\u001b[2J", "\u202e", "\U0001f600",
    "x" * 3000,
    "2026-10-01T00:00:00Z", "2026-10-01", "0000-00-00T00:00:00Z", "9999-12-31T23:59:60Z", "2026-13-01T00:00:00+99:99",
    "10000-01-01T00:00:00Z", "2026-10-01T00:00:00.999999999Z", "USD", "usd", "CRDB_CLOUD_CREDITS", "root", "f1",
    "DRAFT",
    [], {}, [[]], [{}], [None], {"": None}, {"amount": "1"}, {"a": {"b": {"c": []}}}, [1, "a", None, {}],
    {"__ansible_unsafe": "x"}, {"__ansible_vault": "x"}, {"items": 1, "keys": 2}, "{{ 1/0 }}", "{% raw %}",
]  # fmt: skip
# And what may stand between its bytes.
_BYTES = (b"\xff", b"\x00", b'"', b"\\ud800", b"\\u0000", b"[" * 500, b"1e999", b"NaN", b"{", b"}", b",", b"9" * 99)
_WHICH: list[dict[str, t.Any]] = [{}, {}, {"period": "2026"}, {"period": "2026-10"}, {"invoice_id": ["a", "b"]}]
_GROUPS = (
    "period", "invoice", "status", "cluster", "cluster_id", "plan", "cloud_provider", "region", "folder", "label:team",
    "description", "unit", "kind",
)  # fmt: skip


class Round:
    """One answer, and how it is asked for."""

    def __init__(self, seed: int, number: int) -> None:
        self.random = random.Random(f"{seed}/{number}")
        invoices = [dict(invoice(month), folder_resources=[_FOLDER]) for month in ("2026-09", "2026-10", "2026-11")]
        self.value: t.Any = copy.deepcopy({"invoices": invoices[: self.random.randint(1, 3)]})
        for _time in range(self.random.choice([1, 1, 1, 2, 3, 8])):
            self._mutate_value()
        body = json.dumps(self.value, ensure_ascii=self.random.random() < 0.5).encode("utf-8", "surrogatepass")
        if self.random.random() < 0.35:
            for _time in range(self.random.randint(1, 4)):
                body = self._mutate_bytes(body)
        status = self.random.choice([200] * 12 + [400, 403, 404, 429, 500, 302])
        self.answer = answer(body, status=status)

    def _mutate_value(self) -> None:
        """Change one place of the JSON value, chosen evenly over all places."""
        places: list[tuple[t.Any, t.Any]] = []
        waiting = [self.value]
        while waiting:
            current = waiting.pop()
            if isinstance(current, (dict, list)):
                for key in list(current) if isinstance(current, dict) else range(len(current)):
                    places.append((current, key))
                    waiting.append(current[key])
        if not places:
            return
        outer, key = self.random.choice(places)
        other, other_key = self.random.choice(places)
        value, any_value = outer[key], self.random.choice(_VALUES)
        new = self.random.choice([any_value, any_value, [value], {"invoices": value}, str(value), other[other_key]])
        act = self.random.choice(["replace", "replace", "replace", "delete", "add"])
        if act == "delete":
            del outer[key]
        elif act == "replace":
            outer[key] = copy.deepcopy(new)
        elif isinstance(outer, list):
            outer.extend([copy.deepcopy(value)] * self.random.randint(1, 3))
        else:
            outer[self.random.choice([f"{any_value}", f"{key}_"])] = copy.deepcopy(value)

    def _mutate_bytes(self, body: bytes) -> bytes:
        at = self.random.randrange(len(body) + 1)
        end = min(len(body), at + self.random.choice([1, 1, 2, 8, 64, 1024]))
        between = self.random.choice([b"", b"", bytes([self.random.randrange(256)]), body[at:end] * 2, *_BYTES])
        return body[:at] + between + self.random.choice([body[end:], body[end:], body[at:], b""])

    def run(self, url: str, folder: str) -> str:
        """Hand the answer to one of the plugins and return which; AssertionError when it ends as it may not."""
        plugin = self.random.choice(["invoice_info", "invoice", "cost_info", "invoice_export", "filters"])
        which: t.Any = self.random.choice(
            [{}, {}, {"period": "2026"}, {"period": "2026-10"}, {"invoice_id": ["a", "b"]}]
        )
        options = {"api_url": url, "api_key": KEY, "retries": 0, **which}
        if plugin == "filters":
            self._run_filters()
        elif plugin == "cost_info":
            self._run_module(plugin, {**options, **self._costs()}, "costs")
        elif plugin == "invoice_export":
            self._run_module(plugin, {**options, **self._export(), "dest": f"{folder}/export"}, "rows")
        else:
            options["detail"] = self.random.choice(("full", "clusters", "totals"))
            if plugin == "invoice_info":
                self._run_module(plugin, options, "invoices")
            else:
                self._run_lookup(options)
        return plugin

    def _costs(self) -> dict[str, t.Any]:
        options: dict[str, t.Any] = {"group_by": self.random.sample(_GROUPS, self.random.randint(0, 4))}
        if self.random.random() < 0.5:
            options["credit_rate"] = 1.25
        if self.random.random() < 0.3 and not {"invoice", "status"}.intersection(options["group_by"]):
            options.update(group_by=sorted({"period", *options["group_by"]}), compare="previous")
        if self.random.random() < 0.5:
            options["breakdowns"] = {"more": self.random.sample(_GROUPS, 2)}
            options["budgets"] = [{"amount": 1}, {"amount": 1, "group": {"label:team": "payments"}}]
        return options

    def _export(self) -> dict[str, t.Any]:
        layout = self.random.choice(("line_items", "invoices", "focus-1.2", "focus-1.4"))
        account = {"billing_account_id": "o1", "credit_rate": 1}
        more = account if layout.startswith("focus") and self.random.random() < 0.7 else {}
        return {"format": self.random.choice(("csv", "json", "jsonl")), "layout": layout, **more}

    def _run_lookup(self, options: dict[str, t.Any]) -> None:
        terms = [options.pop("invoice_id")] if "invoice_id" in options else []
        try:
            assert isinstance(run_lookup("invoice", terms, options), list)
        except LookupFailureError as error:
            _check_text(error.args[0])

    def _run_module(self, name: str, options: dict[str, t.Any], result: str) -> None:
        ended = run_module(name, options)
        _check_text(ended.data.get("msg", ""))
        if ended.exit_code == 0:
            assert result in ended.data
        else:
            assert ended.data["failure"]["reason"] in _REASONS

    def _run_filters(self) -> None:
        """The filters get whatever a playbook hands them: the value as it is, and the list within."""
        from ansible.errors import AnsibleFilterError

        for value in (self.value, self.value.get("invoices") if isinstance(self.value, dict) else None):
            for name, arguments in (
                ("line_items", {}),
                ("reconcile", {}),
                ("cost_summary", {"group_by": self.random.sample(_GROUPS, 3), "credit_rate": 1}),
                ("focus_rows", {"version": "1.4", "billing_account_id": "o1"}),
            ):
                package = "ansible_collections.cockroachdb_cloud.billing.plugins.filter"
                function = importlib.import_module(f"{package}.{name}").FilterModule().filters()[name]
                try:
                    json.dumps(function(copy.deepcopy(value), **arguments), allow_nan=False)
                except AnsibleFilterError as error:
                    _check_text(f"{error}")


def _check_text(text: str) -> None:
    """Fail when a message is more than one line to read."""
    assert "Traceback" not in text
    assert text.isprintable(), text


def test_fuzz(tmp_path: pathlib.Path) -> None:
    """Each round ends in data or in one clear error; a failure names the round, which plays the same again."""
    counts: collections.Counter[str] = collections.Counter()
    played = Round(SEED, FIRST)
    with Wire(lambda line: line.send(played.answer)) as wire, no_waits():
        for number in range(FIRST, FIRST + ROUNDS):
            played = Round(SEED, number)
            try:
                counts[played.run(wire.url, str(tmp_path))] += 1
            except Exception as error:
                again = f"FUZZ_SEED={SEED} FUZZ_FIRST={number} FUZZ_ROUNDS=1"
                raise AssertionError(f"{again}: {played.answer[:2000]!r}") from error
    print(f"{ROUNDS} rounds with seed {SEED}: {dict(counts)}")
    assert sum(counts.values()) == ROUNDS
    assert len(counts) == 5 or ROUNDS < 100
