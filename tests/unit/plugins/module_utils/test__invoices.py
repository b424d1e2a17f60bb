# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The two calls, and what is kept of their answers: order, months, detail, requirements, pages."""

from __future__ import annotations

import contextlib
import copy
import json
import random
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils import _invoices
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._errors import IncompleteError, ResponseError
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._invoices import Gathered, gather, trim
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._options import Selection
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._periods import Months
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._api import INVOICES, Api, serve
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._ask import at, connect
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._data import (
    bill,
    draft,
    invoice,
    item,
    without_items,
    without_line_items,
)

YEAR = [bill(f"2026-{month:02d}") for month in range(1, 13)]
NOW = at("2026-12-24")


def months(first: str, last: str | None = None) -> Months:
    return Months(*(int(text[:4]) * 12 + int(text[5:]) - 1 for text in (first, last or first)))


def listed(api: Api, invoices: t.Any, selection: Selection = Selection(), **more: t.Any) -> Gathered:  # noqa: B008 (a tuple)
    """Return what is gathered from an API that answers the list of all invoices, or this answer, with these."""
    names = ("status", "start_time", "end_time")
    query = {name: getattr(selection, name) for name in names if getattr(selection, name)}
    api.expect(query=query, answer={"invoices": invoices} if isinstance(invoices, list) else invoices)
    return gather(connect(api), selection, **{"now": NOW, **more})


def ids(gathered: Gathered) -> list[t.Any]:
    return [one.get("invoice_id") for one in gathered.invoices]


# Order


def test_the_order_of_the_api_does_not_matter(api: Api) -> None:
    shuffled = YEAR[:]
    random.Random(1).shuffle(shuffled)
    assert shuffled != YEAR
    assert listed(api, shuffled).invoices == YEAR
    assert listed(api, YEAR[::-1]) == Gathered(YEAR, [], [])


def test_instants_are_sorted_and_not_their_writings_then_ids(api: Api) -> None:
    west = {"invoice_id": "west", "period_start": "2026-01-01T00:00:00-01:00"}
    east = {"invoice_id": "east", "period_start": "2026-01-01T01:00:00+02:00"}
    same = [bill("2026-01", invoice_id=name) for name in ("c", "a", "b")]
    assert ids(listed(api, [west, *same, east])) == ["east", "a", "b", "c", "west"]


STARTS: list[t.Any] = ["2026-01-01T00:00:00Z", "2026-01-01T00:00:00+14:00", "0001-01-01", "soon", "", None, 7, [], {}]


@given(st.lists(st.sampled_from(STARTS), max_size=8))
def test_sorting_loses_nothing_and_never_fails(starts: list[t.Any]) -> None:
    invoices = [{"invoice_id": f"{index}", "period_start": start} for index, start in enumerate(starts)]
    with serve() as api:
        once = listed(api, invoices).invoices
        assert sorted(map(json.dumps, once)) == sorted(map(json.dumps, invoices))
        assert listed(api, once).invoices == once


# Months


@pytest.mark.parametrize(("first", "last"), [(1, 1), (1, 12), (3, 5), (12, 12), (6, 7)])
def test_each_month_of_a_period_is_in_and_no_other(first: int, last: int, api: Api) -> None:
    selection = Selection(months=months(f"2026-{first:02d}", f"2026-{last:02d}"))
    assert listed(api, YEAR[::-1], selection) == Gathered(YEAR[first - 1 : last], [], [])


@pytest.mark.parametrize("start", [None, "", "soon", 7, [], "2026-01"])
def test_a_period_needs_a_month_in_every_invoice(start: t.Any, api: Api) -> None:
    broken = {"invoice_id": "x", "period_start": start}
    with pytest.raises(ResponseError, match=r"^The invoice 'x' has no period_start that is a time") as caught:
        listed(api, [YEAR[0], broken], Selection(months=months("2026-01")))
    assert caught.value.failure() == {"reason": "response", "status": 200, "code": None, "message": None, "attempts": 1}
    assert listed(api, [broken]).invoices == [broken]


@pytest.mark.parametrize(
    ("selection", "there", "before"),
    [
        (Selection(months=months("2026-03", "2026-04")), YEAR[2:4], YEAR[1:2]),
        (Selection(months=months("2026-01", "2026-04")), YEAR[:4], []),
        # Without a period there is no month before.
        (Selection(), YEAR, []),
        (Selection(start_time="2026-01-01T00:00:00Z"), YEAR, []),
    ],
)
def test_the_month_before_a_period_comes_with_the_same_call(
    selection: Selection, there: list[t.Any], before: list[t.Any], api: Api
) -> None:
    assert listed(api, YEAR[::-1], selection, previous=True) == Gathered(there, before, [])


# How much of each


@pytest.mark.parametrize("detail", ["full", "clusters", "totals"])
def test_what_each_detail_keeps(detail: str, api: Api) -> None:
    whole = invoice("2026-01")
    before = copy.deepcopy(whole)
    kept = {"full": whole, "clusters": without_line_items(whole), "totals": without_items(whole)}[detail]
    assert json.dumps(trim(whole, detail)) == json.dumps(kept)  # in this order
    assert whole == before
    assert listed(api, [whole], Selection(detail=detail)).invoices == [kept]
    assert trim({"invoice_id": "x"}, detail) == {"invoice_id": "x"}


@pytest.mark.parametrize(
    ("items", "kept"),
    [
        *((items, items) for items in (None, "x", 7, {"cluster": {}})),
        *(([{"cluster": none, "line_items": []}], [{"cluster": {}, "totals": []}]) for none in (None, "x", 7, [])),
        ([{"totals": [{"amount": 1}], "line_items": [{}]}, "x"], [{"cluster": {}, "totals": [{"amount": 1}]}]),
    ],
)
def test_items_that_are_none(items: t.Any, kept: t.Any) -> None:
    assert trim({"invoice_items": items}, "clusters") == {"invoice_items": kept}


# An invoice is known by its place in the answer


def test_names_from_outside_that_are_those_of_fields(api: Api) -> None:
    """Labels of clusters and folders are maps, and their keys may be anything."""
    labels = {"invoice_items": "x", "invoice_id": "y", "period_start": "z", "invoices": "w"}
    resources = [{"resource_id": "f", "labels": labels, "invoices": [{"invoice_id": "no"}]}]
    odd = bill("2026-01", item("a", 1, labels=labels), folder_resources=resources, invoices=[bill("2026-01")])
    answer = {"invoices": [odd], "more": {"invoices": [bill("2026-01")]}}
    gathered = listed(api, answer, Selection(months=months("2026-01")), keep=lambda raw: ("kept", raw))
    assert gathered.invoices == [("kept", odd)]


def test_each_invoice_is_kept_as_soon_as_it_is_read(api: Api) -> None:
    """The bulk of all never lies in memory together: the second one is no JSON, and the first was taken."""
    taken: list[t.Any] = []
    with pytest.raises(ResponseError, match=r"^(?!.*Expecting)"):
        listed(api, b'{"invoices": [{"invoice_id": "a"}, {"invoice_id": }]}', keep=taken.append)
    assert taken == [{"invoice_id": "a"}]


def test_what_was_not_asked_for_is_not_looked_at(api: Api) -> None:
    kept: list[t.Any] = []
    listed(api, YEAR, Selection(months=months("2026-02")), keep=kept.append)
    assert kept == YEAR[1:2]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["invoices", "x"]), inner),
    max_leaves=6,
)
OBJECTS = st.fixed_dictionaries({}, optional=dict.fromkeys(("x", "invoices", "pagination"), VALUES))
WRITINGS = st.sampled_from([{}, {"indent": 1}, {"separators": (",", ":")}, {"separators": (" ,\t", " :\r\n")}])


@given(OBJECTS | VALUES, WRITINGS, st.none() | st.tuples(st.integers(0, 99), st.text('{}[],:" x1', max_size=1)))
def test_a_list_is_read_as_json_is(value: t.Any, writing: dict[str, t.Any], damage: tuple[int, str] | None) -> None:
    text = f" {json.dumps(value, **writing)}\n"
    if damage:
        text = text[: damage[0]] + damage[1] + text[damage[0] + 1 :]
    expected, found = "no JSON", "no JSON"
    taken: list[t.Any] = []
    with contextlib.suppress(ValueError):
        expected = json.loads(text)
    with contextlib.suppress(ValueError):
        found = _invoices._read_list(json.JSONDecoder(), text, taken.append)
        if isinstance(found, dict):
            found = {name: taken if isinstance(one, _invoices._Taken) else one for name, one in found.items()}
    assert found == expected


@pytest.mark.parametrize("text", ["{}", " { } ", '{"invoices": []}', '{"invoices": null}', '{"pagination": null}'])
def test_no_invoices(text: str, api: Api) -> None:
    gathered = listed(api, text.encode())
    assert gathered == Gathered([], [], ["There is no invoice to look at: the API answered with none."])


@pytest.mark.parametrize(
    "text",
    [
        *("[]", '"x"', "null", '{"x": 1}', '{"invoices": {}}', '{"invoices": "x"}', '{"invoices": [1]}'),
        # JSON says nothing about which one of the same name counts.
        '{"invoices": [], "invoices": []}',
    ],
)
def test_json_that_holds_no_invoices_is_one_clear_error(text: str, api: Api) -> None:
    with pytest.raises(ResponseError, match=r"^The API answered with JSON that is not a list of invoices"):
        listed(api, text.encode())


# Pages


def page(invoices: list[t.Any], following: t.Any) -> dict[str, t.Any]:
    return {"invoices": invoices, "pagination": {"next_page": following}}


def test_pages_are_followed_to_the_last(api: Api) -> None:
    pages = [page(YEAR[8:], "a b"), page(YEAR[4:8], "=c="), page([], "d"), page(YEAR[:4], "")]
    for answer, asked in zip(pages, [None, "a b", "=c=", "d"]):
        query = {"status": "FINALIZED", **({"pagination.page": asked} if asked else {})}
        api.expect(query=query, answer=answer)
    assert gather(connect(api), Selection(status="FINALIZED"), now=NOW) == Gathered(YEAR, [], [])
    assert api.connections == 1


@pytest.mark.parametrize("pagination", [None, {}, {"next_page": None}, {"next_page": ""}, [], "x", {"page": "a"}])
def test_the_last_page(pagination: t.Any, api: Api) -> None:
    assert listed(api, {"invoices": YEAR, "pagination": pagination}).invoices == YEAR


@pytest.mark.parametrize("following", [["a", "a"], ["a", "b", "a"], [7], [["a"]]])
def test_pages_without_an_end_are_an_error(following: list[t.Any], api: Api) -> None:
    for asked, name in zip([None, *following], following):
        api.expect(query={"pagination.page": asked} if asked else {}, answer=page([], name))
    with pytest.raises(ResponseError, match=r"^The pages of the list of invoices do not come to an end\.$"):
        gather(connect(api), Selection(), now=NOW)


def test_pages_that_never_repeat_are_an_error_too(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_invoices, "_MOST_PAGES", 3)
    for number in range(4):
        query = {"pagination.page": f"p{number}"} if number else {}
        api.expect(query=query, answer=page([], f"p{number + 1}"))
    with pytest.raises(ResponseError, match="do not come to an end"):
        gather(connect(api), Selection(), now=NOW)


# Ids


def test_ids_share_one_connection_and_keep_their_order(api: Api) -> None:
    for invoice_id in "cab":
        api.expect(f"{INVOICES}/{invoice_id}", answer=bill("2026-01", invoice_id=invoice_id))
    gathered = gather(connect(api), Selection(invoice_ids=["c", "a", "b"]))
    assert ids(gathered) == ["c", "a", "b"]
    assert api.connections == 1


def test_no_ids_make_no_call(api: Api) -> None:
    assert gather(connect(api), Selection(invoice_ids=[])) == Gathered([], [], [])
    with pytest.raises(IncompleteError, match=r"^There is no invoice to look at: invoice_id is an empty list\.$"):
        gather(connect(api), Selection(invoice_ids=[], require=("invoices",)))
    assert api.connections == 0


@pytest.mark.parametrize(
    "answer",
    [bill("2026-01", invoice_id="A-1"), {"invoices": [bill("2026-01", invoice_id="A-1")]}, {"status": "DRAFT"}],
)
def test_one_invoice_is_bare_or_in_a_list(answer: t.Any, api: Api) -> None:
    api.expect(f"{INVOICES}/a-1", answer=answer)
    found = answer["invoices"][0] if "invoices" in answer else answer
    assert gather(connect(api), Selection(invoice_ids=["a-1"])) == Gathered([found], [], [])


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (bill("2026-01", invoice_id="b"), "The API answered with the invoice 'b' where a was asked for."),
        ({"invoice_id": 5}, "The API answered with the invoice 5 where a was asked for."),
        ({}, "The API answered with no invoices where the invoice a was asked for. Check api_url and api_version."),
        ({"invoices": []}, "The API answered with 0 invoices where the invoice a was asked for."),
        ({"invoices": [bill("2026-01"), bill("2026-02")]}, "The API answered with 2 invoices where the invoice a was"),
        ([bill("2026-01")], "The API answered with JSON that is not the invoice a."),
        ({"invoices": [5]}, "The API answered with JSON that is not the invoice a."),
        ({"invoices": None}, "The API answered with JSON that is not the invoice a."),
    ],
)
def test_another_invoice_than_the_one_asked_for_is_an_error(answer: t.Any, text: str, api: Api) -> None:
    api.expect(f"{INVOICES}/a", answer=answer)
    with pytest.raises(ResponseError) as caught:
        gather(connect(api), Selection(invoice_ids=["a"]))
    assert f"{caught.value}".startswith(text)


# What is left out, and what is not there


def test_an_invoice_that_comes_twice_counts_once(api: Api) -> None:
    twice = [*YEAR[:2], YEAR[0], YEAR[0], {"invoice_id": ""}, {"invoice_id": ""}, {"invoice_id": None}]
    gathered = listed(api, twice)
    assert ids(gathered) == ["inv-2026-01", "inv-2026-02", "", "", None]
    assert gathered.warnings == ["Left out of the invoices: 2 that the API sent twice."]


def test_an_invoice_on_two_pages_counts_once(api: Api) -> None:
    api.expect(answer=page(YEAR[:2], "b"))
    api.expect(query={"pagination.page": "b"}, answer=page(YEAR[1:3], None))
    gathered = gather(connect(api), Selection(), now=NOW)
    assert gathered == Gathered(YEAR[:3], [], ["Left out of the invoices: 1 that the API sent twice."])


def test_an_id_that_is_the_same_in_other_letters_counts_once(api: Api) -> None:
    for invoice_id in ("A", "a"):
        api.expect(f"{INVOICES}/{invoice_id}", answer=bill("2026-01", invoice_id="a"))
    gathered = gather(connect(api), Selection(invoice_ids=["A", "a"]))
    assert (ids(gathered), gathered.warnings) == (["a"], ["Left out of the invoices: 1 that the API sent twice."])


def test_an_invoice_of_another_status_is_left_out(api: Api) -> None:
    given = [YEAR[0], draft("2026-02"), bill("2026-03", status="NEW"), {"invoice_id": "x"}]
    gathered = listed(api, given, Selection(status="FINALIZED"))
    assert gathered == Gathered(YEAR[:1], [], ["Left out of the invoices: 3 of another status than FINALIZED."])


MISSING = "There is no invoice for 2026-09, 2026-10, 2026-12."
SEVEN = "There is no invoice for 2026-01, 2026-02, 2026-03, 2026-04, 2026-05, 2026-06 and 1 more months."
NONE_OF = "There is no invoice of this selection: "
LACKING: list[tuple[list[t.Any], dict[str, t.Any], str, str]] = [
    ([], {}, "invoices", "There is no invoice to look at: the API answered with none."),
    ([], {"status": "DRAFT"}, "invoices", f"{NONE_OF}the API answered with none."),
    ([], {"start_time": "2026-01-01T00:00:00Z"}, "invoices", f"{NONE_OF}the API answered with none."),
    (YEAR[:2], {"months": months("2026-12")}, "invoices", f"{NONE_OF}the newest one is of 2026-02 (FINALIZED)."),
    (
        [bill("2026-11", status="\x1b")],
        {"months": months("2026-03")},
        "invoices",
        rf"{NONE_OF}the newest one is of 2026-11 ('\x1b').",
    ),
    (
        [draft("2026-11"), {"invoice_id": "a", "period_start": "2026-12-01"}],
        {"months": months("2026-03")},
        "invoices",
        f"{NONE_OF}the newest one is of 2026-12 (without a status).",
    ),
    # Months that have not begun have no invoice.
    ([YEAR[7], YEAR[10]], {"months": months("2026-08", "2027-12")}, "months", MISSING),
    (YEAR[7:], {"months": months("2026-01", "2026-12")}, "months", SEVEN),
    ([YEAR[0], draft("2026-02")], {}, "final", "An invoice is still a draft: 2026-02."),
    ([{"invoice_id": "a", "status": "DRAFT"}], {}, "final", "An invoice is still a draft: one without a period."),
]


@pytest.mark.parametrize(("invoices", "selection", "requirement", "text"), LACKING)
def test_what_is_required_and_not_there_is_an_error_and_a_warning_else(
    invoices: list[t.Any], selection: dict[str, t.Any], requirement: str, text: str, api: Api
) -> None:
    with pytest.raises(IncompleteError) as caught:
        listed(api, invoices, Selection(**selection, require=(requirement,)))
    assert f"{caught.value}" == text
    assert caught.value.failure()["reason"] == "incomplete"
    others = tuple({"invoices", "months", "final"} - {requirement})
    if requirement == "invoices" and "months" in selection:
        others = ("final",)
    gathered = listed(api, invoices, Selection(**selection, require=others if "months" in selection else ()))
    # Nobody has asked for drafts to be final.
    assert gathered.warnings == ([] if requirement == "final" else [text])


def test_what_is_there_meets_every_requirement(api: Api) -> None:
    selection = Selection(months=months("2026-01", "2026-12"), require=("invoices", "months", "final"))
    assert listed(api, YEAR, selection) == Gathered(YEAR, [], [])
