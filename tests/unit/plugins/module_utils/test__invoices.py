# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The two calls, and what is kept of their answers: order, months, detail, requirements, pages."""

from __future__ import annotations

import contextlib
import copy
import json
import typing as t
from collections import Counter

import pytest
from hypothesis import given, settings
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


def page(invoices: list[t.Any], following: t.Any) -> dict[str, t.Any]:
    return {"invoices": invoices, "pagination": {"next_page": following}}


# Which of them, and in which order

# In the order of their instants, which is not that of their writings; the month in UTC.
STARTS = {
    "2025-11-01": "2025-11",
    "2026-01-01T00:00:00+14:00": "2025-12",
    "2026-01-01T00:00:00Z": "2026-01",
    "2025-12-31T23:00:00-02:00": "2026-01",
    "2026-02-01T00:00:00Z": "2026-02",
}
NO_STARTS: list[t.Any] = ["soon", "", None, 7, []]
LISTS = st.lists(
    st.fixed_dictionaries(
        {
            "invoice_id": st.sampled_from(["a", "b", "c", "d", "", None]),
            "period_start": st.sampled_from([*STARTS, *NO_STARTS]),
            "status": st.sampled_from(["FINALIZED", "DRAFT", None]),
        }
    ),
    max_size=8,
)
PERIODS = st.sampled_from([("2026-01", "2026-01"), ("2026-01", "2026-02"), ("2025-12", "2026-01"), None])


@given(LISTS, st.integers(1, 8), PERIODS, st.sampled_from([None, "FINALIZED"]), st.booleans())
def test_what_is_asked_for_is_kept_of_all_pages_once_and_in_order(
    listing: list[t.Any], size: int, period: tuple[str, str] | None, status: str | None, previous: bool
) -> None:
    raws = [raw for raw in listing if period is None or f"{raw['period_start']}" in STARTS]
    kept, before, seen = [], [], set()
    left: Counter[str] = Counter()
    for raw in raws:
        month = STARTS.get(f"{raw['period_start']}", "")
        if status not in (None, raw["status"]):
            left[f"of another status than {status}"] += 1
        elif raw["invoice_id"] and raw["invoice_id"] in seen:
            left["that the API sent twice"] += 1
        else:
            seen.add(raw["invoice_id"])
            if period is None or period[0] <= month <= period[1]:
                kept.append(raw)
            elif previous and month == {"2026-01": "2025-12", "2025-12": "2025-11"}[period[0]]:
                before.append(raw)

    def order(raw: dict[str, t.Any]) -> tuple[int, str]:
        start = raw["period_start"]
        return [*STARTS, start].index(start), f"{start} {raw['invoice_id']}"

    pages = [raws[place : place + size] for place in range(0, len(raws), size)] or [[]]
    with serve() as api:
        for number, invoices in enumerate(pages):
            query = {**({"status": status} if status else {}), **({"pagination.page": f"{number}"} if number else {})}
            api.expect(query=query, answer=page(invoices, f"{number + 1}" if number + 1 < len(pages) else None))
        selection = Selection(status=status, months=months(*period) if period else None)
        found = gather(connect(api), selection, previous=previous, now=NOW)
        assert api.connections == 1
    assert found.invoices == sorted(kept, key=order)
    assert found.before == sorted(before, key=order)
    assert found.warnings[: len(left)] == [f"Left out of the invoices: {count} {what}." for what, count in left.items()]
    assert all(text.startswith("There is no invoice") for text in found.warnings[len(left) :])


@pytest.mark.parametrize("start", [None, "", "soon", 7, [], "2026-01"])
def test_a_period_needs_a_month_in_every_invoice(start: t.Any, api: Api) -> None:
    broken = {"invoice_id": "x", "period_start": start}
    with pytest.raises(ResponseError, match=r"^The invoice 'x' has no period_start that is a time") as caught:
        listed(api, [YEAR[0], broken], Selection(months=months("2026-01")))
    assert caught.value.failure() == {"reason": "response", "status": 200, "code": None, "message": None, "attempts": 1}
    assert listed(api, [broken]).invoices == [broken]


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


NO_LISTS: list[t.Any] = [None, "x", 7, {"cluster": {}}]
NO_OBJECTS: list[t.Any] = [None, "x", 7, []]


@pytest.mark.parametrize(
    ("items", "kept"),
    [
        *((items, items) for items in NO_LISTS),
        *(([{"cluster": one, "line_items": []}], [{"cluster": {}, "totals": []}]) for one in NO_OBJECTS),
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


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["invoices", "x"]), inner),
    max_leaves=6,
)
OBJECTS = st.fixed_dictionaries({}, optional=dict.fromkeys(("x", "invoices", "pagination"), VALUES))
WRITINGS = st.sampled_from([{}, {"indent": 1}, {"separators": (",", ":")}, {"separators": (" ,\t", " :\r\n")}])


@settings(max_examples=300)
@given(OBJECTS | VALUES, WRITINGS, st.none() | st.tuples(st.integers(0, 30), st.text('{}[],:" x1', max_size=1)))
def test_a_list_is_read_as_json_is(value: t.Any, writing: dict[str, t.Any], damage: tuple[int, str] | None) -> None:
    text = f" {json.dumps(value, **writing)}\n"
    marks = [place for place, char in enumerate(text) if char in '{}[],:"\n']
    if damage:  # another character, or none, in place of one that matters
        place = marks[damage[0] % len(marks)]
        text = text[:place] + damage[1] + text[place + 1 :]
    expected: t.Any = "no JSON"
    found: t.Any = "no JSON"
    taken: list[t.Any] = []
    with contextlib.suppress(ValueError):
        expected = json.loads(text)
    with contextlib.suppress(ValueError):
        found = _invoices._read_list(json.JSONDecoder(), text, taken.append)
        if isinstance(found, dict):
            found = {name: taken if isinstance(one, _invoices._Taken) else one for name, one in found.items()}
    assert found == expected


@pytest.mark.parametrize(
    "text", ["{1: 2}", "{null: 1}", "{[]: 1}", "\x0b{}", "{\xa0}", '{"a":\u20281}', '{"a": 1}\x0c', '{"a": 1,}']
)
def test_what_only_looks_like_json(text: str) -> None:
    for read in (json.loads, lambda text: _invoices._read_list(json.JSONDecoder(), text, [].append)):
        with pytest.raises(json.JSONDecodeError):
            read(text)


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


@pytest.mark.parametrize("pagination", [None, {}, {"next_page": None}, {"next_page": ""}, [], "x", {"page": "a"}])
def test_the_last_page(pagination: t.Any, api: Api) -> None:
    assert listed(api, {"invoices": YEAR, "pagination": pagination}).invoices == YEAR


def test_every_page_is_asked_for_with_the_same_filters(api: Api) -> None:
    filters: t.Any = {"status": "FINALIZED", "start_time": "2026-01-01T00:00:00Z", "end_time": "2027-01-01T00:00:00Z"}
    for month, place, following in ((0, {}, "a"), (1, {"pagination.page": "a"}, None)):
        api.expect(query={**filters, **place}, answer=page([YEAR[month]], following))
    assert gather(connect(api), Selection(**filters), now=NOW).invoices == YEAR[:2]


@pytest.mark.parametrize("following", [["a", "a"], ["a", "b", "a"], ["1", "2", "3", "4"]])
def test_pages_without_an_end_are_an_error(following: list[t.Any], api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_invoices, "_MOST_PAGES", 3)
    for asked, name in zip([None, *following], following):
        api.expect(query={"pagination.page": asked} if asked else {}, answer=page([], name))
    with pytest.raises(
        ResponseError, match=r"^The pages of the list of invoices do not come to an end\. Ask for less with"
    ):
        gather(connect(api), Selection(), now=NOW)


@pytest.mark.parametrize("following", [7, ["a"], {"page": "a"}, True])
def test_a_next_page_that_is_no_text_is_an_error(following: t.Any, api: Api) -> None:
    api.expect(answer=page([], following))
    with pytest.raises(
        ResponseError, match=r"not a list of invoices: pagination\.next_page is no text\. Check api_url"
    ):
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


def test_an_id_that_is_the_same_in_other_letters_counts_once(api: Api) -> None:
    for invoice_id in ("A", "a"):
        api.expect(f"{INVOICES}/{invoice_id}", answer=bill("2026-01", invoice_id="a"))
    gathered = gather(connect(api), Selection(invoice_ids=["A", "a"]))
    assert (ids(gathered), gathered.warnings) == (["a"], ["Left out of the invoices: 1 that the API sent twice."])


@pytest.mark.parametrize("invoice_id", ["", None, 7, []])
def test_without_an_id_nobody_can_say_that_two_are_the_same(invoice_id: t.Any, api: Api) -> None:
    two = [{"invoice_id": invoice_id, "period_start": f"2026-0{month}-01"} for month in (1, 2)]
    assert listed(api, two) == Gathered(two, [], [])


def test_an_invoice_without_a_period_is_not_the_newest(api: Api) -> None:
    with pytest.raises(IncompleteError, match=r"selection: the newest one is of 2026-01 \(FINALIZED\)\.$"):
        listed(
            api,
            [YEAR[0], {"invoice_id": "a", "status": "FINALIZED"}],
            Selection(start_time="2026-01-01T00:00:00Z", status="DRAFT", require=("invoices",)),
        )


MISSING = "There is no invoice for 2026-09, 2026-10, 2026-12."
SEVEN = "There is no invoice for 2026-01, 2026-02, 2026-03, 2026-04, 2026-05, 2026-06 and 1 more months."
NONE_OF = "There is no invoice of this selection: the "
MARCH = {"months": months("2026-03")}
LACKING: list[tuple[list[t.Any], dict[str, t.Any], str, str]] = [
    ([], {}, "invoices", "There is no invoice to look at: the API answered with none."),
    ([], {"status": "DRAFT"}, "invoices", f"{NONE_OF}API answered with none."),
    ([], {"start_time": "2026-01-01T00:00:00Z"}, "invoices", f"{NONE_OF}API answered with none."),
    (YEAR[:2], MARCH, "invoices", f"{NONE_OF}newest one is of 2026-02 (FINALIZED)."),
    ([bill("2026-11", status="\x1b")], MARCH, "invoices", rf"{NONE_OF}newest one is of 2026-11 ('\x1b')."),
    (
        [draft("2026-04"), bill("2026-05", status="")],
        MARCH,
        "invoices",
        f"{NONE_OF}newest one is of 2026-05 (without a status).",
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
