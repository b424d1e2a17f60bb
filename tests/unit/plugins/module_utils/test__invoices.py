# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The two calls, and what is kept of their answers: order, months, detail."""

from __future__ import annotations

import copy
import itertools
import random
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._credential import Layer
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._errors import ResponseError
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._invoices import (
    gather_invoices,
    gather_with_previous,
    select,
    trim,
)
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._options import (
    CONNECTION_SPEC,
    Connection,
    Selection,
    read_connection,
)
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._periods import Months
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._api import INVOICES, KEY, Api
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._data import (
    invoice,
    without_items,
    without_line_items,
)

YEAR = [invoice(f"2026-{month:02d}") for month in range(1, 13)]
STARTS: list[t.Any] = [
    "2026-01-01T00:00:00Z",
    "2026-01-01T00:00:00+14:00",
    "2025-12-31",
    "0001-01-01",
    "soon",
    "",
    None,
    7,
    [],
    {},
]


def connect(api: Api) -> Connection:
    options = {name: spec.get("default") for name, spec in CONNECTION_SPEC.items()}
    layer = Layer({"api_key": KEY}, "option {option}")
    return read_connection({**options, "api_url": api.url}, [layer], environment_of="this test")


def months(first: str, last: str) -> Months:
    return Months(*(int(text[:4]) * 12 + int(text[5:]) - 1 for text in (first, last)))


def of(selection: Selection, *invoices: dict[str, t.Any]) -> list[str]:
    return [one["invoice_id"] for one in select(list(invoices), selection)]


def test_the_order_of_the_api_does_not_matter() -> None:
    shuffled = YEAR[:]
    random.Random(1).shuffle(shuffled)
    assert shuffled != YEAR
    assert select(shuffled, Selection()) == YEAR
    assert select(YEAR[::-1], Selection()) == YEAR


def test_instants_are_sorted_and_not_their_writings() -> None:
    west = {"invoice_id": "west", "period_start": "2026-01-01T00:00:00-01:00"}
    east = {"invoice_id": "east", "period_start": "2026-01-01T01:00:00+02:00"}
    assert of(Selection(), west, invoice("2026-01"), east) == ["east", "id-2026-01", "west"]


@given(st.lists(st.sampled_from(STARTS), max_size=8))
def test_sorting_loses_nothing_and_never_fails(starts: list[t.Any]) -> None:
    invoices = [{"invoice_id": index, "period_start": start} for index, start in enumerate(starts)]
    sorted_ids = [one["invoice_id"] for one in select(invoices, Selection())]
    assert sorted(sorted_ids) == list(range(len(starts)))
    assert select(select(invoices, Selection()), Selection()) == select(invoices, Selection())


def test_invoices_of_the_same_start_keep_their_order() -> None:
    twins = [dict(invoice("2026-01"), invoice_id=name) for name in ("c", "a", "b")]
    assert of(Selection(), *twins) == ["c", "a", "b"]


@pytest.mark.parametrize(
    ("first", "last"),
    list(itertools.combinations_with_replacement([f"2026-{month:02d}" for month in range(1, 13)], 2)),
)
def test_each_month_of_an_interval_is_in_and_no_other(first: str, last: str) -> None:
    wanted = [f"id-2026-{month:02d}" for month in range(int(first[5:]), int(last[5:]) + 1)]
    assert of(Selection(months=months(first, last)), *YEAR) == wanted


@pytest.mark.parametrize("start", [None, "", "soon", 7, [], "2026-01"])
def test_a_period_needs_a_month_in_every_invoice(start: t.Any) -> None:
    broken = {"invoice_id": "x", "period_start": start}
    with pytest.raises(ResponseError, match=r"^The invoice 'x' has no period_start that is a time") as caught:
        select([YEAR[0], broken], Selection(months=months("2026-01", "2026-01")))
    assert caught.value.failure()["reason"] == "response"
    assert caught.value.failure()["status"] == 200
    assert select([broken], Selection()) == [broken]


@pytest.mark.parametrize("detail", ["full", "clusters", "totals"])
def test_trimming_leaves_the_invoice_itself_as_it_is(detail: str) -> None:
    whole = invoice("2026-01")
    before = copy.deepcopy(whole)
    trim(whole, detail)
    assert whole == before


def test_what_each_detail_keeps() -> None:
    whole = invoice("2026-01")
    assert trim(whole, "full") == whole
    assert trim(whole, "clusters") == without_line_items(whole)
    assert trim(whole, "totals") == without_items(whole)
    assert list(trim(whole, "totals")) == [
        "invoice_id",
        "status",
        "period_start",
        "period_end",
        "totals",
        "balances",
        "adjustments",
        "carbon",
    ]
    first, second = trim(whole, "clusters")["invoice_items"]
    assert list(first) == list(second) == ["cluster", "totals"]
    assert list(first["cluster"]) == ["id", "name", "plan", "cloud_provider", "labels", "parent_id", "state"]
    assert list(second["cluster"]) == ["id", "name", "state"]


@pytest.mark.parametrize("detail", ["full", "clusters", "totals"])
def test_an_invoice_with_next_to_nothing(detail: str) -> None:
    assert trim({"invoice_id": "x"}, detail) == {"invoice_id": "x"}


@pytest.mark.parametrize("items", [None, "x", 7, {"cluster": {}}])
def test_items_that_are_no_list_stay(items: t.Any) -> None:
    assert trim({"invoice_items": items}, "clusters") == {"invoice_items": items}


@pytest.mark.parametrize("cluster", [None, "x", 7, []])
def test_a_cluster_that_is_none(cluster: t.Any) -> None:
    items = [{"cluster": cluster, "totals": [], "line_items": []}, {"totals": [{"amount": 1}], "line_items": [{}]}, "x"]
    assert trim({"invoice_items": items}, "clusters") == {
        "invoice_items": [{"cluster": {}, "totals": []}, {"cluster": {}, "totals": [{"amount": 1}]}]
    }


def test_ids_share_one_connection(api: Api) -> None:
    wanted = ["c", "a", "c", "b"]
    for invoice_id in wanted:
        api.expect(f"{INVOICES}/{invoice_id}", answer=invoice("2026-01", invoice_id=invoice_id))
    invoices = gather_invoices(connect(api), Selection(invoice_ids=wanted))
    assert [one["invoice_id"] for one in invoices] == wanted
    assert {request.connection for request in api.requests} == {1}


def test_no_ids_make_no_call(api: Api) -> None:
    assert gather_invoices(connect(api), Selection(invoice_ids=[])) == []
    assert api.connections == 0


def test_the_month_before_a_period_comes_with_the_same_call(api: Api) -> None:
    api.expect(answer={"invoices": YEAR[::-1]})
    selection = Selection(months=months("2026-03", "2026-04"), detail="totals")
    wanted, previous = gather_with_previous(connect(api), selection)
    assert wanted == [without_items(one) for one in YEAR[2:4]]
    assert previous == [without_items(YEAR[1])]


def test_a_month_before_that_is_not_there(api: Api) -> None:
    api.expect(answer={"invoices": YEAR})
    wanted, previous = gather_with_previous(connect(api), Selection(months=months("2026-01", "2026-01")))
    assert (wanted, previous) == (YEAR[:1], [])


@pytest.mark.parametrize(
    "selection", [Selection(), Selection(status="DRAFT"), Selection(start_time="2026-01-01T00:00:00Z")]
)
def test_without_a_period_there_is_no_month_before(selection: Selection, api: Api) -> None:
    names = ("status", "start_time")
    query = {name: getattr(selection, name) for name in names if getattr(selection, name)}
    api.expect(query=query, answer={"invoices": YEAR})
    assert gather_with_previous(connect(api), selection) == (YEAR, [])
