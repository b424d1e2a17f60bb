# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One question, one answer: whoever is asked about drafts says the same numbers, at any moment.

What is expected was computed by hand from the definition of the forecast. A further way to ask is one more function in
C(WAYS): it returns those of the figures that it shows.
"""

from __future__ import annotations

import datetime
import importlib
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import typing as t

import pytest

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._watch import Watcher, read_settings
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._api import KEY, Api
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._ask import ask, at
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._data import (
    CREDITS,
    adjustment,
    bill,
    draft,
    item,
    line,
    money,
)
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._run import (
    COLLECTION,
    TREE,
    fresh_environment,
    run_module,
    time_at,
)

RATE = 0.9
PERIOD = "2026-10"


class Case(t.NamedTuple):
    """Invoices, a moment and a budget in USD; then the figures of October: they are None where nothing is known."""

    invoices: list[dict[str, t.Any]]
    now: datetime.datetime
    budget: float
    spent: float | None
    projected: float | None
    projected_low: float | None
    projected_high: float | None
    state: str

    def figures(self) -> dict[str, t.Any]:
        """Return the figures by their names."""
        return dict(zip(self._fields[3:], self[3:]))


def october(*items: t.Any, **more: t.Any) -> dict[str, t.Any]:
    return draft(PERIOD, *items, **more)


SEPTEMBER = bill("2026-09", item("a", 2000), item("gone", 500))
CASES = {
    "the fourth, 23:00": Case(
        [SEPTEMBER, october(item("a", 1140))],
        at("2026-10-04T23:00"),
        *(7000, 1140.0, 1140 * 744 / 95, 1140 * 31 / 4, 1140 * 31 / 3, "forecast_over"),
    ),
    "an hour of the second day": Case(
        [SEPTEMBER, october(item("a", 180))], at("2026-10-02T01:00"), *(7000, 180.0, None, None, None, "unknown")
    ),
    "the first day, and all is spent": Case(
        [october(item("a", 7000.01))], at("2026-10-01T05:00"), *(7000, 7000.01, None, None, None, "over")
    ),
    "a one-off credit on day 25": Case(
        [october(item("a", 2500), adjustments=[adjustment(-9000)])],
        at("2026-10-26"),
        *(7000, -6500.0, -5900.0, 2500 * 31 / 26 - 9000, -5900.0, "within"),
    ),
    "two drafts, one in credits": Case(
        [october(item("a", 3100)), SEPTEMBER, october(item("b", line(1000, CREDITS)), invoice_id="other")],
        at("2026-10-16T12:00"),
        *(8000, 4000.0, 8000.0, 7750.0, 4000 * 31 / 15, "at_risk"),
    ),
    "from the 20th on": Case(
        [october(item("a", 500), period_start="2026-10-20T00:00:00Z")],
        at("2026-10-25"),
        *(1199, 500.0, 1200.0, 1000.0, 1200.0, "at_risk"),
    ),
    "a total without line items": Case(
        [october(totals=[money(10000)], adjustments=[adjustment(-500)])],
        at("2026-10-16T12:00"),
        *(9999, 10000.0, 20500.0, 10500 * 31 / 16 - 500, 10500 * 31 / 15 - 500, "over"),
    ),
    "the last hour": Case(
        [october(item("a", 7430))],
        at("2026-10-31T23:00"),
        *(7440, 7430.0, 7440.0, 7430.0, 7430 * 31 / 30, "at_risk"),
    ),
    "without an end": Case(
        [october(item("a", 10.5), period_end=None)], at("2026-10-20"), *(7000, 10.5, None, None, None, "unknown")
    ),
    "beside a draft of the future": Case(
        [october(item("a", 150)), draft("2099-01", item("a", 9999))],
        at("2026-10-16"),
        *(310, 150.0, 310.0, 150 * 31 / 16, 310.0, "within"),
    ),
    "no draft but that of last month": Case(
        [draft("2026-09", item("a", 9999))], at("2026-10-16"), *(7000, None, None, None, None, "unknown")
    ),
    "no invoice at all": Case([], at("2026-10-16"), *(7000, None, None, None, None, "unknown")),
}


def figures_of(result: dict[str, t.Any]) -> dict[str, t.Any]:
    """Return the figures of an answer, which says each of them in several places."""
    (judged,) = result["budgets"]
    for row in result["costs"]:
        if row["period"] == PERIOD:
            assert (row["amount"], row["projected"]) == (judged["spent"], judged["projected"])
    for row in result["forecast"]:
        if row["period"] == PERIOD:
            assert all(row[name] == judged[name] for name in row if name.startswith(("spent", "projected")))
    return {name: judged[name] for name in Case._fields if name in judged}


def answer(_api: Api, case: Case) -> dict[str, t.Any]:
    budgets = [{"amount": case.budget}]
    return figures_of(ask(case.invoices, credit_rate=RATE, budgets=budgets, now=case.now).result)


def cost_info(api: Api, case: Case) -> dict[str, t.Any]:
    api.expect(answer={"invoices": case.invoices})
    options = {"api_key": KEY, "api_url": api.url, "credit_rate": RATE, "budgets": [{"amount": case.budget}]}
    with time_at(case.now, "module_utils._cost_info"):
        return figures_of(run_module("cost_info", options).data)


def cost_summary(_api: Api, case: Case) -> dict[str, t.Any]:
    module = importlib.import_module("ansible_collections.cockroachdb_cloud.billing.plugins.filter.cost_summary")
    with time_at(case.now, "filter.cost_summary"):
        rows = module.FilterModule().filters()["cost_summary"](case.invoices, ["period"], credit_rate=RATE)
    of_october = [row for row in rows if row["period"] == PERIOD] or [{"amount": None, "projected": None}]
    return {"spent": of_october[0]["amount"], "projected": of_october[0]["projected"]}


def cost_report(api: Api, case: Case) -> dict[str, t.Any]:
    """Return what the data of the page says, once as a budget and once as the newest month."""
    api.expect(answer={"invoices": case.invoices})
    with tempfile.TemporaryDirectory() as folder, time_at(case.now, "modules.cost_report"):
        options = {"credit_rate": RATE, "budgets": [{"amount": case.budget}], "dest": folder, "require": []}
        result = run_module("cost_report", {"api_key": KEY, "api_url": api.url, **options}).data
        data = json.loads(pathlib.Path(result["dest"], "costs.json").read_text(encoding="utf-8"))
    (judged,) = data["budgets"]
    if data["newest"] == PERIOD:
        (books,) = data["currencies"]
        assert rounded({name: books[name] for name in ("spent", "low", "high")}) == rounded(
            {name: judged[name] for name in ("spent", "low", "high")}
        )
    ends = {"projected_low": judged["low"], "projected_high": judged["high"]}
    return {"spent": judged["spent"], "state": judged["state"], **ends}


def event_source(api: Api, case: Case) -> dict[str, t.Any]:
    """Return the amounts of events of a threshold that every cost crosses."""
    figures: dict[str, t.Any] = {}
    for measure in ("spent", "projected"):
        api.expect(query={"status": "DRAFT"}, answer={"invoices": case.invoices})
        with fresh_environment():
            options = {"thresholds": [1e-9], "credit_rate": RATE, "measure": measure}
            settings = read_settings({"api_key": KEY, "api_url": api.url, "retries": 0, **options})
            watcher = Watcher(settings, lambda _text: None)
            events = [watcher.emit(crossing) for crossing in watcher.poll(case.now)]
        figures[measure] = next((event["amount"] for event in events if event["period"] == PERIOD), None)
    # No threshold is below 0, so that a credit is no event.
    below = {name: getattr(case, name) for name in figures if (getattr(case, name) or 0) < 0}
    assert all(figures[name] is None for name in below)
    return {**figures, **below}


WAYS: tuple[t.Callable[[Api, Case], dict[str, t.Any]], ...] = (
    answer,
    cost_info,
    cost_summary,
    cost_report,
    event_source,
)


@pytest.mark.parametrize("ask_for_figures", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_one_answer(case: Case, ask_for_figures: t.Callable[[Api, Case], dict[str, t.Any]], api: Api) -> None:
    shown = ask_for_figures(api, case)
    assert {"spent", "projected"} <= set(shown) or {"spent", "projected_low", "projected_high"} <= set(shown)
    assert rounded(shown) == rounded({name: figure for name, figure in case.figures().items() if name in shown})


def rounded(figures: dict[str, t.Any]) -> dict[str, t.Any]:
    return {name: round(figure, 9) if isinstance(figure, float) else figure for name, figure in figures.items()}


# A run of Ansible takes seconds: these say no more than the others.
NOT_PLAYED = {"the first day, and all is spent", "from the 20th on", "the last hour", "without an end"}
LINE = re.compile(
    r'"(?P<state>\w+) +everything: (?:nothing|(?P<spent>[-0-9,.]+) of [0-9,.]+ USD spent) '
    r'.*?(?:heading for (?P<projected_low>[-0-9,.]+) to (?P<projected_high>[-0-9,.]+))?"'
)


@pytest.mark.skipif(shutil.which("faketime") is None, reason="faketime gives a process another moment")
@pytest.mark.parametrize("name", [name for name in CASES if name not in NOT_PLAYED])
def test_the_playbook_budget_shows_the_same(name: str, api: Api, tmp_path: pathlib.Path) -> None:
    """It shows cents, and fails for what is over or heading there."""
    case = CASES[name]
    api.expect(answer={"invoices": case.invoices})
    settings = {
        "ANSIBLE_CALLBACK_RESULT_FORMAT": "json",
        "ANSIBLE_COLLECTIONS_PATH": str(TREE),
        "ANSIBLE_DISPLAY_OK_HOSTS": "1",
        "ANSIBLE_HOME": str(tmp_path),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_PIPELINING": "1",
        "COCKROACH_API_KEY": KEY,
        "COCKROACH_SERVER": api.url,
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
    }
    given = f"billing_budget={case.budget} billing_credit_rate={RATE}"
    if case.spent is None:
        given += " billing_require=[]"
    playbook = [sys.executable, "-m", "ansible.cli.playbook", f"{COLLECTION}.budget", "-e", given]
    with fresh_environment(settings):
        done = subprocess.run(
            ["faketime", f"{case.now:%Y-%m-%d %H:%M:%S}", *playbook],
            cwd=tmp_path,
            check=False,
            capture_output=True,
            text=True,
            timeout=120,
        )
    found = LINE.search(done.stdout)
    assert found, done.stdout + done.stderr
    shown = {name: _read(name, text) for name, text in found.groupdict().items()}
    expected = {name: figure for name, figure in case.figures().items() if name in shown}
    assert shown == {
        name: round(figure, 2) if isinstance(figure, float) else figure for name, figure in expected.items()
    }
    assert done.returncode == (2 if case.state in ("over", "forecast_over") else 0), done.stdout + done.stderr


def _read(name: str, text: str | None) -> str | float | None:
    return text if name == "state" or text is None else float(text.replace(",", ""))
