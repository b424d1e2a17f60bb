# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The event source, loaded from its file, over real sockets; only waiting and the clock are injected."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime
import importlib
import importlib.util
import logging
import os
import pathlib
import subprocess
import sys
import threading
import time
import types
import typing as t

import pytest
import yaml

ROOT = pathlib.Path(__file__).absolute().parents[4]
PATH = ROOT / "extensions" / "eda" / "plugins" / "event_source" / "draft_cost.py"


def _load() -> types.ModuleType:
    # ansible-rulebook uses runpy.run_path(), which Ansible's own importer, at work in unit tests, takes for a folder.
    spec = importlib.util.spec_from_file_location("draft_cost", PATH)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SOURCE: t.Any = _load()

MODULE_UTILS = "ansible_collections.cockroachdb_cloud.billing.plugins.module_utils"
ERRORS = importlib.import_module(f"{MODULE_UTILS}._errors")
OPTIONS = importlib.import_module(f"{MODULE_UTILS}._options")
API: t.Any = importlib.import_module("ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._api")
ANSWERS = importlib.import_module(f"{MODULE_UTILS}._answers")
QUERY = importlib.import_module(f"{MODULE_UTILS}._query")
WATCH = importlib.import_module(f"{MODULE_UTILS}._watch")

KEY = API.KEY
NOW = datetime.datetime(2026, 10, 16, tzinfo=datetime.timezone.utc)
NOVEMBER = datetime.datetime(2026, 11, 3, tzinfo=datetime.timezone.utc)
LOGGER = "cockroachdb_cloud.billing.draft_cost"


class DraftApi(API.Api):
    """The server of all unit tests, with an answer for each poll."""

    def drafts(self, *polls: t.Any, headers: t.Any = None) -> None:
        """Answer each poll with a list of invoices, with a body, or with a status alone."""
        for poll in polls:
            status = poll if isinstance(poll, int) else 200
            body = {"code": 2, "message": f"status {poll}, {KEY}", "details": []} if status != 200 else poll
            body = {"invoices": body} if isinstance(body, list) else body
            self.expect(query={"status": "DRAFT"}, headers=headers, answer=body, status=status)

    @property
    def left(self) -> int:
        """Return how many polls will be answered."""
        return len(self._expectations)


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> t.Iterator[DraftApi]:
    for name in OPTIONS.ENVIRONMENT.values():
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = DraftApi()
    yield server
    server.close()
    server.verify()


def invoice(*amounts: t.Any, month: str = "2026-10", status: str = "DRAFT", **more: t.Any) -> dict[str, t.Any]:
    """Return an invoice with a cluster for each amount: C(amount), C((amount, team)) or C((amount, team, currency))."""
    items = []
    totals: dict[str, float] = {}
    for number, given in enumerate(amounts):
        amount, team, currency = (*given, "USD")[:3] if isinstance(given, tuple) else (given, None, "USD")
        totals[currency] = totals.get(currency, 0) + amount
        money = {"amount": amount, "currency": currency}
        cluster = {"id": f"c{number}", "name": f"cluster-{number}", "labels": {"team": team} if team else {}}
        items.append({"cluster": cluster, "totals": [money], "line_items": [{"description": "d", "total": money}]})
    year, number = int(month[:4]), int(month[5:])
    end = f"{year + number // 12}-{number % 12 + 1:02d}-01T00:00:00Z"
    return {
        "invoice_id": f"draft-{month}",
        "status": status,
        "period_start": f"{month}-01T00:00:00Z",
        "period_end": end,
        "totals": [{"amount": amount, "currency": currency} for currency, amount in totals.items()],
        "balances": [],
        "invoice_items": items,
        **more,
    }


@dataclasses.dataclass
class Run:
    """What watching brought about: events, waits, and the error that ended it, if any."""

    events: list[dict[str, t.Any]] = dataclasses.field(default_factory=list)
    waits: list[float] = dataclasses.field(default_factory=list)
    error: BaseException | None = None

    @property
    def thresholds(self) -> list[float]:
        return [event["threshold"] for event in self.events]


def watch(api: DraftApi, *moments: datetime.datetime, **args: t.Any) -> Run:
    """Watch until every answer of the API is used up; the last of the moments goes on for all further polls."""
    run = Run()
    clock = list(moments or [NOW])
    options = {"api_url": api.url, "api_key": KEY, "retries": 0, **args}

    async def sleep(seconds: float) -> None:
        if seconds == 0:
            return
        run.waits.append(seconds)
        if not api.left:
            raise asyncio.CancelledError

    async def go() -> None:
        queue: asyncio.Queue[t.Any] = asyncio.Queue()
        try:
            await SOURCE.watch(
                queue, WATCH.read_settings(options), sleep=sleep, now=lambda: clock.pop(0) if clock[1:] else clock[0]
            )
        except (asyncio.CancelledError, Exception) as error:  # noqa: BLE001 - a test says which it has to be
            run.error = error
        while not queue.empty():
            event = queue.get_nowait()
            assert list(event) == ["cockroachdb_cloud"]
            run.events.append(event["cockroachdb_cloud"])

    asyncio.run(go())
    return run


# What is emitted


def test_an_event_says_everything(api: DraftApi) -> None:
    api.drafts([invoice(812.5)])
    run = watch(api, thresholds=[1000, "80%"], budget=1000)
    assert run.events == [
        {
            "event": "threshold_crossed",
            "period": "2026-10",
            "invoice_id": "draft-2026-10",
            "group": {},
            "currency": "USD",
            "measure": "spent",
            "amount": 812.5,
            "threshold": 800.0,
            "percent": 80.0,
            "budget": 1000.0,
            "at_start": True,
        }
    ]
    assert run.waits == [3600]


def test_each_threshold_is_emitted_once_in_a_month(api: DraftApi) -> None:
    api.drafts(503, *([invoice(cost)] for cost in (110, 100, 900, 90, 900)))
    api.drafts([invoice(150, month="2026-11")], [invoice(9000)])
    run = watch(api, *[NOW] * 6, NOVEMBER, thresholds=[500, 100, 200])
    assert [(e["period"], e["threshold"], e["amount"], e["at_start"]) for e in run.events] == [
        ("2026-10", 100.0, 110.0, True),
        ("2026-10", 200.0, 900.0, False),
        ("2026-10", 500.0, 900.0, False),
        ("2026-11", 100.0, 150.0, False),
    ]


def test_a_threshold_is_crossed_to_the_last_digit(api: DraftApi) -> None:
    # 0.1 + 0.2 is above 0.3 as doubles, and 0.3 as money; 33.3 % of 10 is 3.33.
    api.drafts([invoice((0.1, "a"), (0.2, "a"), (3.33, "b"))])
    run = watch(api, thresholds=["0.3", "0.30000000001", "33.3%"], budget="10", group_by=["label:team"])
    crossed = [(e["group"]["label:team"], e["threshold"]) for e in run.events]
    assert crossed == [("a", 0.3), ("b", 0.3), ("b", 0.30000000001), ("b", 3.33)]


def test_each_group_crosses_by_itself(api: DraftApi) -> None:
    api.drafts([invoice((120, "shop"), (40, "data"), (90, None))], [invoice((120, "shop"), (140, "data"), (300, None))])
    run = watch(api, thresholds=[100], group_by=["label:team", "kind"])
    assert [e["amount"] for e in run.events] == [120.0, 140.0, 300.0]
    assert [e["group"] for e in run.events] == [
        {"label:team": team, "kind": "usage"} for team in ("shop", "data", None)
    ]


def test_rules_make_owners_of_groups(api: DraftApi) -> None:
    api.drafts([invoice((120, "shop"), (90, "data"), (40, None))])
    rules = [{"owner": "platform", "cluster": "cluster-[12]"}, {"from": "label:team"}]
    run = watch(api, thresholds=[100], group_by=["owner"], owners=rules)
    assert [(e["group"], e["amount"]) for e in run.events] == [
        ({"owner": "shop"}, 120.0),
        ({"owner": "platform"}, 130.0),
    ]


def same_as_cost_info(
    api: DraftApi, drafts: list[dict[str, t.Any]], moment: datetime.datetime, **options: t.Any
) -> int:
    """Compare what is emitted with the forecast of C(cost_info); return how many numbers there were."""
    query = QUERY.read_query({"group_by": [], **options})
    rows = ANSWERS.answer(ANSWERS.read_books(drafts, query), query, moment).result["forecast"]
    numbers = 0
    for measure in ("spent", "projected"):
        expected = {
            tuple(row[entry] for entry in query.group_by): row[measure]
            for row in rows
            if row["currency"] == "USD" and row["period"] == "2026-10" and (row[measure] or 0) > 0
        }
        api.drafts(drafts)
        run = watch(api, moment, thresholds=["0.000001"], measure=measure, **options)
        assert {tuple(e["group"].values()): e["amount"] for e in run.events} == expected
        numbers += len(expected)
    return numbers


@pytest.mark.parametrize(
    ("hours", "projected"), [(0, False), (23, False), (47, False), (48, True), (95, True), (372, True), (769, True)]
)
def test_the_numbers_are_those_of_cost_info(api: DraftApi, hours: int, projected: bool) -> None:
    credit = {"name": "Credit", "amount": {"amount": -20.0, "currency": "USD"}}
    draft = invoice((300.1, "shop"), (0.2, "shop"), (99, "data", "CRDB_CLOUD_CREDITS"), (7, None), adjustments=[credit])
    beyond = invoice(12, invoice_id="another", totals=[{"amount": 40.0, "currency": "USD"}])
    moment = datetime.datetime(2026, 10, 1, tzinfo=datetime.timezone.utc) + datetime.timedelta(hours=hours)
    for options, groups in (
        ({}, 1),
        ({"group_by": ["label:team"]}, 2),
        ({"group_by": ["label:team", "kind"], "credit_rate": 0.5}, 4),
    ):
        assert same_as_cost_info(api, [draft, beyond], moment, **options) == groups * (2 if projected else 1)


def test_a_credit_is_not_multiplied(api: DraftApi) -> None:
    credit = {"name": "Credit", "amount": {"amount": -15.0, "currency": "USD"}}
    api.drafts([invoice(150, adjustments=[credit])])
    # 15 of 31 days are over: 150 / 15 * 31 - 15.
    assert [e["amount"] for e in watch(api, thresholds=[290], measure="projected").events] == [295.0]


@pytest.mark.parametrize("group_by", [None, ["label:team"]])
def test_credits_count_at_their_rate(api: DraftApi, group_by: t.Any) -> None:
    draft = invoice((100, "a", "CRDB_CLOUD_CREDITS"), (10, "a", "COCKROACH_CREDITS"), (1, "a", "USD"), (7, "a", "EUR"))
    api.drafts([draft], [draft])
    assert watch(api, thresholds=[50, 56, 57], credit_rate="0.5", group_by=group_by).thresholds == [50.0, 56.0]


@pytest.mark.parametrize("currency", [None, "", " "])
def test_no_currency_is_one(api: DraftApi, currency: t.Any) -> None:
    api.drafts([invoice((1, "a", ""), (2, "a", None), (9, "a", "CRDB_CLOUD_CREDITS"), 30)])
    run = watch(api, thresholds=[1], currency=currency)
    assert [(e["amount"], e["currency"]) for e in run.events] == [(30.0, "USD")]


@pytest.mark.parametrize(
    ("draft", "args", "text"),
    [
        (
            invoice((100, "a", "CRDB_CLOUD_CREDITS")),
            {},
            "The draft of 2026-10 has no amount in USD, only in CRDB_CLOUD_CREDITS: set currency, or credit_rate for ",
        ),
        (
            invoice(10.5, period_end=None),
            {"measure": "projected"},
            "The draft of 2026-10 has no period_end: nothing can be projected.",
        ),
        (invoice((0.5, "a")), {"group_by": ["label:a\nb"]}, "No cluster has the label 'a\\nb'. The labels are team."),
        (
            invoice(0.1, totals=[{"amount": 0.9, "currency": "USD"}]),
            {},
            "Not every invoice adds up, and the larger amount counts: draft-2026-10 (2026-10) states 0.90 USD, ",
        ),
    ],
)
def test_what_makes_numbers_questionable_is_said_once(
    api: DraftApi, caplog: pytest.LogCaptureFixture, draft: t.Any, args: dict[str, t.Any], text: str
) -> None:
    api.drafts([draft], [{**draft, "invoice_id": "another"}])
    assert watch(api, thresholds=[1], **args).events == []
    [said] = [record.getMessage() for record in caplog.records]
    assert said.startswith(text)


# Which draft


def test_drafts_of_a_month_add_up(api: DraftApi) -> None:
    parts = [invoice((9000, "shop")), invoice((10, "shop"), (5, "data"), invoice_id="another")]
    for group_by, expected in (([], [9015.0]), (["label:team"], [9010.0, 5.0])):
        api.drafts(parts)
        run = watch(api, thresholds=[5], group_by=group_by)
        assert [(e["amount"], e["invoice_id"]) for e in run.events] == [(amount, None) for amount in expected]


def test_a_draft_of_the_future_waits_and_silences_nothing(api: DraftApi, caplog: pytest.LogCaptureFixture) -> None:
    october, november, far = invoice(500), invoice(20, month="2026-11"), invoice(7, month="2099-01")
    closed = invoice(9000, month="2026-12", status="FINALIZED")
    api.drafts([far], [october, far, closed], [november, far, october], [november, far, october], [november])
    run = watch(api, NOW, NOW, NOW, NOVEMBER, thresholds=[6, 400])
    assert [(e["period"], e["threshold"]) for e in run.events] == [("2026-10", 6), ("2026-10", 400), ("2026-11", 6)]
    assert [record.getMessage() for record in caplog.records] == [
        "Left out: the draft draft-2099-01 of 2099-01, a month that has not begun.",
        "There is no draft of this month (2026-10): nothing is compared until the API has one.",
        "Left out of the invoices: 1 of another status than DRAFT.",
        "Left out: the draft draft-2026-11 of 2026-11, a month that has not begun.",
    ]


def test_the_month_before_counts_until_there_is_a_draft_of_the_new_one(api: DraftApi) -> None:
    api.drafts([invoice(500)], [invoice(600)], [invoice(20, month="2026-11"), invoice(700)])
    run = watch(api, NOW, NOVEMBER, thresholds=[10, 550, 650])
    assert [(e["period"], e["threshold"]) for e in run.events] == [("2026-10", 10), ("2026-10", 550), ("2026-11", 10)]


@pytest.mark.parametrize("answer", [{}, {"invoices": []}, {"invoices": [{"invoice_id": "x", "status": "DRAFT"}]}])
def test_an_organization_without_a_draft_is_watched_on(
    api: DraftApi, caplog: pytest.LogCaptureFixture, answer: t.Any
) -> None:
    api.drafts(answer, answer, [invoice(5)])
    run = watch(api, thresholds=[1])
    assert [(e["threshold"], e["at_start"]) for e in run.events] == [(1.0, False)]
    texts = [record.getMessage() for record in caplog.records]
    assert texts[-1].startswith("There is no draft of this month (2026-10): ")
    assert texts[:-1] == ["Left out: the draft x, which has no period_start."][: len(answer.get("invoices", []))]


# Errors


def test_errors_are_survived_with_growing_waits(api: DraftApi, caplog: pytest.LogCaptureFixture) -> None:
    api.drafts(503, 500, 429, 502, [invoice(5)], 503, [invoice(50)])
    run = watch(api, thresholds=[1, 10], interval=100)
    assert run.waits == [15, 30, 60, 100, 100, 15, 100]
    assert run.thresholds == [1.0, 10.0]
    texts = [record.getMessage() for record in caplog.records]
    assert texts[0].startswith("The cost is not known, the next poll is in 15 seconds. GET http://127.0.0.1:")
    assert "HTTP 503: status 503, ********" in texts[0]
    assert texts[4] == "The cost is known again. Polls that failed before: 4."
    assert {record.name for record in caplog.records} == {LOGGER}


def test_what_is_no_invoice_is_survived(api: DraftApi, caplog: pytest.LogCaptureFixture) -> None:
    broken = invoice(5)
    broken["invoice_items"] = "none"
    api.drafts(["no", "invoices"], [broken], [invoice(5)])
    assert watch(api, thresholds=[1]).thresholds == [1.0]
    assert len(caplog.records) == 3


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, ERRORS.RequestError),
        (401, ERRORS.AuthenticationError),
        (403, ERRORS.PermissionDeniedError),
        (404, ERRORS.NotFoundError),
    ],
)
def test_a_refusal_ends_the_source_at_the_start_and_is_survived_later(
    api: DraftApi, status: int, error: type[Exception]
) -> None:
    api.drafts(503, status)
    run = watch(api, thresholds=[1])
    assert run.error.__class__ is error
    assert str(status) in str(run.error)
    assert KEY not in str(run.error)
    api.drafts([], status, status, [invoice(5)])
    run = watch(api, thresholds=[1])
    assert run.thresholds == [1.0]
    assert run.waits == [3600, 15, 30, 3600]


def test_an_amount_that_no_number_holds_is_survived(api: DraftApi) -> None:
    api.drafts([], [invoice((1.7e308, "a", "COCKROACH_CREDITS"))], [invoice(5)])
    run = watch(api, thresholds=[1], credit_rate=10)
    assert (run.thresholds, run.waits) == ([1.0], [3600, 15, 3600])


UNEXPECTED = [ZeroDivisionError(f"of {KEY}"), StopIteration(), RecursionError("deep"), MemoryError()]


@pytest.mark.parametrize(
    ("outcomes", "waits"), [([KeyError("at the start")], []), ([None, *UNEXPECTED], [3600, 15, 30, 60])]
)
def test_what_nobody_expects_ends_the_source_at_the_start_alone(
    api: DraftApi,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    outcomes: list[Exception | None],
    waits: list[float],
) -> None:
    """No answer is known that brings it about, so that it is raised where costs are computed."""
    compute, coming = WATCH.group_costs, list(outcomes)

    def group_costs(*args: t.Any) -> t.Any:
        error = coming.pop(0)
        if error:
            raise error
        return compute(*args)

    monkeypatch.setattr(WATCH, "group_costs", group_costs)
    api.drafts(*[[invoice(50)]] * len(outcomes))
    run = watch(api, thresholds=[10])
    assert (run.error, run.waits) == (outcomes[-1], waits)
    assert len(run.events) == outcomes.count(None)
    assert ("15 seconds. ZeroDivisionError: of ********" in caplog.text) == bool(waits)
    assert KEY not in caplog.text


# Options


@pytest.mark.parametrize(
    ("args", "text"),
    [
        ({"thresholds": None}, "missing required arguments: thresholds"),
        ({"thresholds": []}, "thresholds is empty"),
        ({"thresholds": [0]}, "thresholds must hold amounts above 0 such as 500, or percentages such as 80%, not 0."),
        ({"thresholds": ["much"]}, "not 'much'"),
        ({"thresholds": ["80%"]}, "thresholds: '80%' is a percentage of the budget, and budget is not set."),
        ({"budget": "a lot"}, "budget must be a number above 0, not 'a lot'."),
        ({"measure": "guessed"}, "value of measure must be one of: spent, projected, got: guessed"),
        ({"interval": 9}, "interval must be a whole number from 10 to 86400, not 9."),
        ({"currency": "usd"}, "currency must be one such as USD or CRDB_CLOUD_CREDITS, not 'usd'."),
        ({"credit_rate": "cheap"}, "credit_rate: the USD for one credit is needed"),
        ({"group_by": ["team"]}, "group_by: 'team' is unknown."),
        ({"group_by": ["owner"]}, "owners: the group 'owner' needs rules here"),
        ({"owners": [{"from": "team"}], "group_by": ["owner"]}, "owners[0].from: 'team' is unknown."),
        ({"treshold": [5]}, "treshold"),
        ({"api_key": None}, "There is no credential"),
        ({"api_jwt": "sandbox-jwt"}, "are both given: leave one out."),
        ({"api_url": "https://user:sandbox-list-key@host"}, "api_url (or the environment variable"),
        ({"timeout": 0}, "timeout must be a whole number from 1"),
    ],
)
def test_bad_options_end_the_source_before_any_call(api: DraftApi, args: dict[str, t.Any], text: str) -> None:
    options = {"api_url": api.url, "api_key": KEY, "thresholds": [1], **args}
    with pytest.raises(ERRORS.OptionsError) as caught:
        asyncio.run(asyncio.wait_for(SOURCE.main(asyncio.Queue(), options), 5))
    assert text in str(caught.value)
    assert api.requests == []
    for secret in (KEY, "sandbox key", "sandbox-list-key", "sandbox-jwt"):
        assert secret not in str(caught.value)


@pytest.mark.parametrize(
    ("args", "environment", "expected"),
    [
        ({"api_key": "sandbox-a"}, {"COCKROACH_API_KEY": "sandbox-env"}, {"authorization": "Bearer sandbox-a"}),
        (
            {"api_jwt": "sandbox-jwt", "vanity_name": "crl"},
            {"COCKROACH_API_KEY": "sandbox-env", "COCKROACH_VANITY_NAME": "other", "COCKROACH_USERNAME": "a@b.c"},
            {"authorization": "Bearer sandbox-jwt", "cc-vanity-name": "crl", "cc-username": "a@b.c"},
        ),
    ],
)
def test_options_beat_the_environment(
    api: DraftApi, monkeypatch: pytest.MonkeyPatch, args: dict[str, str], environment: dict[str, str], expected: t.Any
) -> None:
    for name, value in {"COCKROACH_SERVER": api.url, **environment}.items():
        monkeypatch.setenv(name, value)
    api.drafts([], headers=expected)
    watch(api, **{"api_key": None, "api_url": None, "thresholds": [1], **args})


# The loop


def test_a_poll_that_hangs_blocks_neither_the_loop_nor_the_end(api: DraftApi) -> None:
    hang = threading.Event()
    api.expect(query={"status": "DRAFT"}, act=lambda _line: hang.wait(20))
    ticks = 0

    async def go() -> None:
        nonlocal ticks
        options = {"api_url": api.url, "api_key": KEY, "thresholds": [1], "timeout": 15}
        task = asyncio.create_task(SOURCE.main(asyncio.Queue(), options))
        while not api.requests or ticks < 20:
            ticks += 1
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    started = time.monotonic()
    asyncio.run(go())
    assert time.monotonic() - started < 5
    hang.set()


def test_nothing_else_in_the_loop_waits_for_many_groups(api: DraftApi, monkeypatch: pytest.MonkeyPatch) -> None:
    """A poll of many groups takes seconds: it is done in another thread, and events let others have their turn."""
    api.drafts([invoice(*((100, f"team-{number}") for number in range(1000)))])
    queue: asyncio.Queue[t.Any] = asyncio.Queue()
    computing: list[int] = []

    class Watched(SOURCE.Watcher):
        def poll(self, now: datetime.datetime) -> t.Any:
            computing.append(threading.get_ident())
            crossings = super().poll(now)
            assert isinstance(crossings, list), "nothing is left to compute in the loop"
            return crossings

    monkeypatch.setattr(SOURCE, "Watcher", Watched)

    async def go() -> int:
        options = {"api_url": api.url, "api_key": KEY, "thresholds": [100], "group_by": ["label:team"]}
        task = asyncio.create_task(SOURCE.main(queue, options))
        turns = 0
        while queue.qsize() < 1000:
            turns += not queue.empty()
            await asyncio.sleep(0)
        task.cancel()
        return turns

    assert asyncio.run(go()) > 500, "several events for one turn of the loop"
    assert computing
    assert threading.get_ident() not in computing


def test_a_full_queue_holds_events_back_and_loses_none(api: DraftApi) -> None:
    api.drafts([invoice(5)])

    async def go() -> list[float]:
        queue: asyncio.Queue[t.Any] = asyncio.Queue(1)
        options = {"api_url": api.url, "api_key": KEY, "thresholds": [1, 2, 3]}
        task = asyncio.create_task(SOURCE.main(queue, options))
        events = [await asyncio.wait_for(queue.get(), 10) for _number in range(3)]
        task.cancel()
        return [event["cockroachdb_cloud"]["threshold"] for event in events]

    assert asyncio.run(go()) == [1.0, 2.0, 3.0]


# What comes from outside


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("{{ lookup('pipe', 'id') }}", "{ { lookup('pipe', 'id') }}"),
        ("{{{{ x }}}}", "{ { { { x }}}}"),
        ("<b>&'\"\n\x1b[31m {x}", "<b>&'\"\n\x1b[31m {x}"),
    ],
)
def test_names_from_outside_are_no_templates(api: DraftApi, name: str, expected: str) -> None:
    api.drafts([invoice((5, name))])
    run = watch(api, thresholds=[1], group_by=["label:team"])
    assert [event["group"] for event in run.events] == [{"label:team": expected}]


def test_no_secret_is_logged(api: DraftApi, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    api.drafts(503, [invoice(5)])
    run = watch(api, thresholds=[1])
    assert run.thresholds == [1.0]
    assert "status 503, ********" in caplog.text
    assert KEY not in caplog.text
    assert KEY not in repr(WATCH.read_settings({"api_key": KEY, "thresholds": [1]}))


def test_ansible_core_is_told_what_to_mask(monkeypatch: pytest.MonkeyPatch) -> None:
    """ansible-core 2.22 has a register for it."""
    registered: set[str] = set()
    credential = importlib.import_module(f"{MODULE_UTILS}._credential")
    monkeypatch.setattr(credential, "register_secrets", registered.update)
    with pytest.raises(ERRORS.OptionsError):
        WATCH.read_settings({"api_key": f" {KEY} ", "thresholds": []})
    assert registered == {KEY, f" {KEY} "}


# The documentation


def test_the_documentation_has_every_option_as_it_is() -> None:
    documented = yaml.safe_load(SOURCE.DOCUMENTATION)["options"]
    assert set(documented) == set(WATCH.WATCH_SPEC)
    for name, spec in WATCH.WATCH_SPEC.items():
        option = documented[name]
        for key in ("type", "elements", "default", "choices"):
            assert option.get(key) == spec.get(key), f"{key} of {name}"
        assert option.get("required", False) == spec.get("required", False)
        variables = [entry["name"] for entry in option.get("env", [])]
        assert variables == ([OPTIONS.ENVIRONMENT[name]] if name in OPTIONS.ENVIRONMENT else [])
        assert all(text.endswith(".") for text in option["description"])


def test_the_examples_are_rulebooks_that_pass_the_options_check() -> None:
    [ruleset] = yaml.safe_load(SOURCE.EXAMPLES)
    args = ruleset["sources"][0]["cockroachdb_cloud.billing.draft_cost"]
    assert len(WATCH.read_settings({**args, "api_key": KEY}).thresholds) == 3


# Loading it in a stock installation


def load(tmp_path: pathlib.Path, code: str = "", *, shadowed: bool = False) -> subprocess.CompletedProcess[str]:
    """Run the source's file as ansible-rulebook does, in a Python that knows nothing of collections."""
    import ansible

    paths = [os.path.dirname(os.path.dirname(ansible.__file__))]
    if shadowed:
        # As the ansible package on PyPI brings it along.
        (tmp_path / "ansible_collections").mkdir()
        (tmp_path / "ansible_collections" / "__init__.py").write_text("", encoding="utf-8")
        paths.insert(0, str(tmp_path))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    return subprocess.run(
        [
            sys.executable,
            "-c",
            f"import runpy, sys; {code}\n"
            f"source = runpy.run_path({str(PATH)!r})\n"
            f"print(sys.modules[{MODULE_UTILS + '._invoices'!r}].__file__)",
        ],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("shadowed", [False, True])
def test_it_finds_the_code_it_was_installed_with(tmp_path: pathlib.Path, shadowed: bool) -> None:
    loaded = load(tmp_path, shadowed=shadowed)
    assert (loaded.stdout.strip(), loaded.stderr) == (str(ROOT / "plugins" / "module_utils" / "_invoices.py"), "")


def test_it_says_when_ansible_core_is_missing(tmp_path: pathlib.Path) -> None:
    loaded = load(tmp_path, "sys.modules['ansible'] = None")
    assert loaded.stderr.splitlines()[-1].startswith(
        "ModuleNotFoundError: cockroachdb_cloud.billing.draft_cost needs ansible-core for the Python that runs "
        f"ansible-rulebook: {sys.executable} -m pip install ansible-core"
    )


# The guide

GUIDE = ROOT / "docs" / "docsite" / "rst" / "guide_events.rst"


def table(title: str) -> list[str]:
    """Return the first column of the table in a section of the guide."""
    section = GUIDE.read_text(encoding="utf-8").partition(f"\n{title}\n---")[2].partition("\n---")[0]
    return [line.split("``")[1] for line in section.splitlines() if line.startswith("  * - ``")]


def test_the_guide_has_every_option_and_every_key(api: DraftApi) -> None:
    assert set(table("Options")) == set(WATCH.WATCH_SPEC) - set(OPTIONS.CONNECTION_SPEC)
    text = GUIDE.read_text(encoding="utf-8")
    assert [name for name in OPTIONS.CONNECTION_SPEC if f"``{name}``" not in text] == []
    assert [name for name in OPTIONS.ENVIRONMENT.values() if f"``{name}``" not in text] == []
    api.drafts([invoice(5)])
    [event] = watch(api, thresholds=[1]).events
    assert set(table("What an event holds")) == set(event)
