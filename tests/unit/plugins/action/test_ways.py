# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The two ways of a module, in Ansible's own process and in one of its own: the results do not tell them apart."""

from __future__ import annotations

import datetime
import gc
import json
import os
import pathlib
import re
import threading
import time
import types
import typing as t
from unittest import mock

import pytest
from billing_sandbox._scripted import Wire, say
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils import _credential, _invoice_info
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._errors import out_of_memory
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._api import KEY
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._data import invoice
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._run import (
    fresh_environment,
    run_action,
    text_of_warning,
)

TEXTS = [
    "",
    "x",
    " final ",
    "{{ 1 + 1 }}",
    "{% raw %}",
    "\u00e9\U0001f41b",
    "a\x85b",
    KEY,
    "taken out",
    "12345678",
    "=1+1",
]
texts = st.sampled_from(TEXTS)
anything = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 10**20) | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2),
    max_leaves=4,
)
months = st.sampled_from(["2025-11", "2025-12", "2026-01"])


def one_of(*good: t.Any) -> st.SearchStrategy[t.Any]:
    """Return mostly what an option takes, and sometimes anything."""
    return st.sampled_from(good) | st.sampled_from(good) | anything


SHARED = {
    "api_key": st.sampled_from([KEY, KEY, None, "", "short", f"'{KEY}'", [KEY], {KEY: 1}, "12345678", 12345678]),
    "api_jwt": st.sampled_from([None, "sandbox.jwt", KEY]),
    "vanity_name": one_of("acme"),
    "timeout": one_of(5, "5"),
    "retries": st.just(0),
    "validate_certs": one_of(True, "no"),
    "api_version": one_of("2024-09-16", datetime.date(2024, 9, 16)),
    "ca_path": one_of(None, "nowhere.pem", "~/nowhere.pem"),
    "invoice_id": one_of(None, [], "a,b", ["id-2026-01"]),
    "status": one_of("FINALIZED", "DRAFT"),
    "period": one_of("2026-01", "2025-11..2026-01", "2025-q4"),
    "start_time": one_of(
        "2025-11-15", datetime.date(2025, 11, 1), datetime.datetime(2025, 11, 1, 12, tzinfo=datetime.timezone.utc)
    ),
    "require": one_of(["months"], ["labels", "final"], "invoices"),
    "no_such_option": anything,
}
OPTIONS: dict[str, dict[str, st.SearchStrategy[t.Any]]] = {
    "invoice_info": {**SHARED, "detail": one_of("full", "totals", "clusters")},
    "cost_info": {
        **SHARED,
        "group_by": one_of([], ["label:team"], "period,cluster", ["kind", "unit"], ["label:none"]),
        "credit_rate": one_of(0.9, "2"),
        "compare": one_of("previous"),
        "breakdowns": one_of({"a": ["plan"]}, {"{{ a }}": ["period"]}),
        "budgets": one_of([{"amount": 5}], [{"amount": "7.5", "group": {"label:team": "payments"}}]),
    },
}


@st.composite
def options_of(draw: t.Callable[..., t.Any], name: str) -> dict[str, t.Any]:
    """Draw the options of a task: some of them, most of them right."""
    strategies = OPTIONS[name]
    chosen = draw(st.sets(st.sampled_from(sorted(strategies)), max_size=3))
    return {"api_key": KEY, **{option: draw(strategies[option]) for option in sorted(chosen)}}


@st.composite
def answers(draw: t.Callable[..., t.Any]) -> tuple[t.Any, int]:
    """Draw what the API answers: invoices with anything in some places, or something else."""
    if draw(st.integers(0, 5)) == 0:
        return draw(anything), draw(st.sampled_from([200, 403, 404, 500]))
    invoices = []
    for month in draw(st.lists(months, max_size=3, unique=True)):
        made = invoice(month, status=draw(st.sampled_from(["FINALIZED", "DRAFT"])))
        made["invoice_items"][0]["cluster"]["name"] = draw(texts)
        made["adjustments"][0]["name"] = draw(texts)
        invoices.append({**made, draw(texts): draw(anything)})
    return {"invoices": invoices}, 200


def outcome(
    name: str, options: dict[str, t.Any], answer: t.Any, status: int, *, as_module: bool
) -> tuple[str, list[str]]:
    """Return the text of a result, as ansible-core has it from an action plugin, and the requests that were sent."""
    with Wire(say(answer, status=status)) as wire, fresh_environment():
        result = run_action(
            name, {"api_url": wire.url, **options}, variables={"cockroachdb_cloud_as_module": as_module}
        )
    # Up to 2.20 this says of a module that what it printed was JSON; Ansible takes it away again.
    result.pop("_ansible_parsed", None)
    # What a module warns of is more than a text since 2.19, as Ansible makes of any text that an action warns of.
    result["warnings"] = [text_of_warning(warning) for warning in result.get("warnings", ())]
    # One message of 2.16 and 2.17 lists a set, in whatever order it has in a process.
    text = re.sub(r"(?<=Valid booleans include: )[^\"]*", "", json.dumps(result, default=repr))
    place = f"127.0.0.1:{wire.port}"  # with its host: five digits alone may stand anywhere
    return text.replace(place, "PLACE"), [request.replace(place, "PLACE") for request in wire.requests]


@pytest.mark.parametrize("name", OPTIONS)
# Each example starts a process: too slow to look for the shortest one that fails.
@settings(max_examples=20, phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_both_ways_give_the_same_byte_for_byte(name: str, data: st.DataObject) -> None:
    options, (answer, status) = data.draw(options_of(name)), data.draw(answers())
    in_place, as_module = (outcome(name, options, answer, status, as_module=way) for way in (False, True))
    assert in_place == as_module


def holders_of(parts: tuple[str, ...]) -> list[str]:
    """Return the kinds of what this process holds a text in, given in parts so that nobody here holds it."""
    gc.collect()
    text = "".join(parts)
    found = []
    seen: set[int] = set()  # Some texts are long, and in many places.
    for holder in gc.get_objects():
        for held in [] if isinstance(holder, types.FrameType) else gc.get_referents(holder):
            if isinstance(held, (str, bytes)) and id(held) not in seen:
                seen.add(id(held))
                if (text in held) if isinstance(held, str) else (text.encode() in held):
                    found.append(type(holder).__name__)
    return found


@pytest.mark.parametrize("name", OPTIONS)
@pytest.mark.parametrize(
    ("status", "place"), [(200, "option"), (403, "option"), (200, "environment"), (500, "environment")]
)
def test_the_worker_keeps_nothing_of_a_task(name: str, status: int, place: str) -> None:
    """A loop runs all its items in one worker, each perhaps with a key of its own."""
    parts = ("sandbox-", f"{name}-{status}-", f"{place}-key")

    def run() -> bool:
        secret = "".join(parts)
        options = {"api_key": secret} if place == "option" else {}
        environment = {"COCKROACH_API_KEY": secret} if place == "environment" else {}
        # Since 2.22 ansible-core itself keeps what it masks.
        keeping = mock.patch.object(_credential, "register_secrets", None)
        with keeping, fresh_environment(environment), Wire(
            say({"invoices": [invoice("2026-01")]}, status=status)
        ) as wire:
            result = run_action(name, {"api_url": wire.url, "retries": 0, **options})
            assert f"Bearer {secret}" in wire.requests[0]
            wire.requests.clear()
        return bool(result.get("failed"))

    folder, threads = os.getcwd(), threading.active_count()
    assert run() is (status != 200)
    assert gc.isenabled()
    assert os.getcwd() == folder
    patience = time.monotonic() + 10
    while threading.active_count() > threads and time.monotonic() < patience:
        time.sleep(0.01)  # the server's own may be about to end
    assert threading.active_count() <= threads
    assert holders_of(parts) == []


def test_a_relative_path_counts_from_the_folder_of_the_playbook(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    text, _requests = outcome(
        "invoice_info", {"api_key": KEY, "ca_path": "elsewhere"}, {"invoices": []}, 200, as_module=False
    )
    assert json.loads(text)["invoices"] == []


def test_too_little_memory_is_a_failure_as_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever it runs out, it does not end the worker's task with a traceback."""
    monkeypatch.setattr(_invoice_info, "gather", mock.Mock(side_effect=MemoryError))
    with fresh_environment():
        result = run_action("invoice_info", {"api_key": KEY})
    assert (result["msg"], result["failure"]) == (f"{out_of_memory()}", out_of_memory().failure())
