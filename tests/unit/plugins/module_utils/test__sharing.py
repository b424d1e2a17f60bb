# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Costs of nobody, shared out, and amounts rounded: whatever is done to rows, they add up to the bill."""

from __future__ import annotations

import datetime
import typing as t
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._answers import Answer, answer, read_books
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._errors import OptionsError
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._money import round_keeping_sum, split
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._query import read_query

NOW = datetime.datetime(2026, 4, 11, tzinfo=datetime.timezone.utc)
TEAM = "label:team"
CREDITS = "CRDB_CLOUD_CREDITS"


def item(team: str | None, *amounts: float, currency: str = "USD", description: str = "Compute") -> dict[str, t.Any]:
    return {
        "cluster": {"id": f"c-{team}", "name": f"c-{team}", "labels": {} if team is None else {"team": team}},
        "line_items": [
            {
                "description": description,
                "quantity": 3.0,
                "quantity_unit": "HOURS",
                "total": {"amount": amount, "currency": currency},
            }
            for amount in amounts
        ],
    }


def invoice(*items: dict[str, t.Any], month: str = "2026-03", credit: float | None = None) -> dict[str, t.Any]:
    year, number = int(month[:4]), int(month[5:])
    following = f"{year + number // 12:04d}-{number % 12 + 1:02d}"
    lines = [line["total"] for one in items for line in one["line_items"]]
    adjustments = [] if credit is None else [{"name": "Promotion", "amount": {"amount": credit, "currency": "USD"}}]
    return {
        "invoice_id": f"inv-{month}",
        "status": "DRAFT" if month == "2026-04" else "FINALIZED",
        "period_start": f"{month}-01T00:00:00Z",
        "period_end": f"{following}-01T00:00:00Z",
        "totals": [*lines, *(adjustment["amount"] for adjustment in adjustments)],
        "invoice_items": list(items),
        "adjustments": adjustments,
    }


def ask(*bills: dict[str, t.Any], before: t.Sequence[dict[str, t.Any]] = (), **options: t.Any) -> Answer:
    query = read_query({"group_by": [TEAM], **options})
    return answer(read_books(list(bills), query), query, NOW, before=read_books(list(before), query))


def rows(*bills: dict[str, t.Any], **options: t.Any) -> list[dict[str, t.Any]]:
    found: list[dict[str, t.Any]] = ask(*bills, **options).result["costs"]
    return found


def shared(*bills: dict[str, t.Any], **options: t.Any) -> dict[str | None, tuple[float, float]]:
    return {row[TEAM]: (row["amount"], row["allocated"]) for row in rows(*bills, **options)}


def sums(found: t.Iterable[dict[str, t.Any]], name: str = "amount", *groups: str) -> dict[t.Any, Decimal]:
    added: dict[t.Any, Decimal] = {}
    for row in found:
        key = (*(row[group] for group in groups), row["currency"])
        added[key] = added.get(key, Decimal(0)) + Decimal(repr(row[name]))
    return added


BILL = invoice(item("a", 30.0), item("b", 10.0), item(None, 5.0), credit=-1.0)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"allocate": "proportional"}, {"a": (33.0, 3.0), "b": (11.0, 1.0)}),
        ({"allocate": "even"}, {"a": (32.0, 2.0), "b": (12.0, 2.0)}),
        ({"allocate": "fixed", "weights": {"a": 1, "b": 3}}, {"a": (31.0, 1.0), "b": (13.0, 3.0)}),
        ({"allocate": "fixed", "weights": {"a": 0, "b": 0.5}}, {"a": (30.0, 0.0), "b": (14.0, 4.0)}),
    ],
    ids=str,
)
def test_what_nobody_owns_is_shared_out(options: dict[str, t.Any], expected: dict[str, tuple[float, float]]) -> None:
    assert shared(BILL, **options) == expected


def test_without_allocate_rows_do_not_speak_of_it() -> None:
    assert rows(BILL) == rows(BILL, allocate="none")
    assert [sorted(row) for row in rows(BILL)] == [["amount", "currency", TEAM]] * 3


def test_who_is_at_or_below_zero_takes_no_part_in_a_proportional_share() -> None:
    bill = invoice(item("a", 10.0), item("zero", 5.0, -5.0), item("below", -100.0), item(None, 6.0))
    assert shared(bill, allocate="proportional") == {"a": (16.0, 6.0), "below": (-100.0, 0.0), "zero": (0.0, 0.0)}
    assert shared(bill, allocate="even") == {"a": (12.0, 2.0), "below": (-98.0, 2.0), "zero": (2.0, 2.0)}


def test_a_credit_is_shared_out_as_costs_are() -> None:
    bill = invoice(item("a", 30.0), item("b", 10.0), credit=-80.0)
    assert shared(bill, allocate="proportional") == {"a": (-30.0, -60.0), "b": (-10.0, -20.0)}


@pytest.mark.parametrize(
    "bill",
    [
        invoice(item(None, 5.0), credit=1.0),
        invoice(item(None, 6.0), item("a", -1.0)),
        invoice(item(None, 6.0), item("a", 4.0, currency="EUR")),
    ],
    ids=["nobody", "a debtor", "another currency"],
)
def test_where_there_is_nobody_to_share_with_it_stays(bill: dict[str, t.Any]) -> None:
    found, warnings = ask(bill, allocate="proportional")
    [left] = [row for row in found["costs"] if row[TEAM] is None]
    assert (left["amount"], left["allocated"]) == (6.0, 0.0)
    text = "allocate: nobody has costs to share by, so that what has no label:team stays so: 6.00 USD of 2026-03."
    assert text in warnings


def test_no_weight_for_anybody_of_a_month_leaves_it_to_nobody() -> None:
    other = invoice(item("c", 1.0), month="2026-02")
    found, warnings = ask(BILL, other, group_by=["period", TEAM], allocate="fixed", weights={"c": 1})
    assert [row["amount"] for row in found["costs"] if row[TEAM] is None] == [4.0]
    text = "allocate: nobody with a weight has costs, so that what has no label:team stays so: 4.00 USD of 2026-03."
    assert warnings == [text]


def test_nothing_to_share_is_no_warning() -> None:
    assert ask(invoice(item("a", 1.0)), allocate="even").warnings == []
    assert ask(invoice(item("a", 1.0, currency="EUR"), item(None, 1.0, -1.0)), allocate="even").warnings == []
    assert ask(allocate="even").result["costs"] == []


def test_one_owner_takes_all() -> None:
    for options in ({"allocate": "proportional"}, {"allocate": "even"}, {"allocate": "fixed", "weights": {"a": 0.1}}):
        assert shared(invoice(item("a", 0.1), item(None, 0.2)), **options) == {"a": (0.3, 0.2)}


def test_weights_of_those_without_costs_count_for_nothing_and_are_a_warning() -> None:
    found, warnings = ask(BILL, allocate="fixed", weights={"a": 1, "teem": 1})
    assert {row[TEAM]: row["amount"] for row in found["costs"]} == {"a": 34.0, "b": 10.0}
    assert warnings == [
        "weights: 'teem' has no costs in these invoices, so that the weight counts for nothing. There is a, b."
    ]


def test_names_from_outside_begin_no_line_of_a_warning() -> None:
    bill = invoice(item("a\n[ERROR]: b", 1.0), item(None, 1.0, currency="X\n[ERROR]: Y"))
    found = ask(bill, allocate="fixed", weights={"c": 1}).warnings
    assert len(found) == 2
    assert not [text for text in found if "\n" in text]


def test_credits_are_shared_out_beside_dollars() -> None:
    bill = invoice(item("a", 1.0), item("b", 3.0, currency=CREDITS), item(None, 7.0, currency=CREDITS), item(None, 2.0))
    assert sums(rows(bill, allocate="even"), "amount", TEAM) == {("a", "USD"): 3, ("b", CREDITS): 10}
    assert shared(bill, allocate="proportional", credit_rate=0.5) == {"a": (3.2, 2.2), "b": (4.8, 3.3)}


def test_what_is_shared_out_keeps_its_other_groups() -> None:
    bill = invoice(
        item("a", 30.0), item("b", 10.0, description="Disk"), item(None, 8.0, description="Backup"), credit=-4.0
    )
    found = rows(bill, group_by=["period", TEAM, "description", "invoice"], allocate="proportional")
    assert [(row[TEAM], row["description"], row["amount"], row["allocated"]) for row in found] == [
        ("a", "Backup", 6.0, 6.0),
        ("a", "Compute", 30.0, 0.0),
        ("a", "Promotion", -3.0, -3.0),
        ("b", "Backup", 2.0, 2.0),
        ("b", "Disk", 10.0, 0.0),
        ("b", "Promotion", -1.0, -1.0),
    ]
    assert {(row["period"], row["invoice"]) for row in found} == {("2026-03", "inv-2026-03")}
    plain = rows(bill, group_by=["description"])
    assert sums(found, "amount", "description") == sums(plain, "amount", "description")


def test_the_first_entry_that_is_not_of_the_invoice_is_shared_out_by() -> None:
    found = rows(BILL, group_by=["status", "cluster", TEAM], allocate="even")
    assert {(row["cluster"], row[TEAM]): row["allocated"] for row in found} == {
        ("c-None", None): pytest.approx(-1 / 3),
        ("c-a", "a"): 0.0,
        ("c-b", "b"): 0.0,
        ("c-a", None): pytest.approx(-1 / 3),
        ("c-b", None): pytest.approx(-1 / 3),
    }


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (
            ["period", "kind", "owner"],
            "allocate: every cost has a kind, so that nothing is shared out. "
            "Put who pays, such as owner, before kind in group_by.",
        ),
        (
            ["cluster", "owner"],
            "allocate: what has no cluster is shared out, as cluster comes before owner in group_by. "
            "Put owner first to share out what has no owner.",
        ),
    ],
    ids=str,
)
def test_groups_before_the_owner_that_change_what_is_shared_out_are_a_warning(groups: list[str], message: str) -> None:
    options: dict[str, t.Any] = {"allocate": "even", "owners": [{"from": TEAM}]}
    bill = invoice(item("a", 1.0), credit=-0.5)
    assert ask(bill, group_by=groups, **options).warnings == [message]
    assert ask(bill, group_by=["period", "owner", "kind", "cluster"], **options).warnings == []


def test_each_month_shares_out_its_own_also_where_the_month_is_no_group() -> None:
    bills = (BILL, invoice(item("b", 1.0), item(None, 100.0), month="2026-02"))
    assert shared(*bills, allocate="proportional") == {"a": (33.0, 3.0), "b": (112.0, 101.0)}
    by_month = rows(*bills, allocate="proportional", group_by=["period", TEAM])
    assert sums(by_month, "amount", TEAM) == {("a", "USD"): 33, ("b", "USD"): 112}


def test_a_month_is_shared_out_alike_whichever_others_are_asked_for() -> None:
    march = invoice(item("a", 1.0), item("b", 1.0), item("c", 1.0), credit=1.0)
    larger = invoice(item("a", 123456.78), month="2026-02")
    options: dict[str, t.Any] = {"allocate": "even", "group_by": ["period", TEAM]}
    alone = rows(march, **options)
    assert [row["allocated"] for row in alone] == [0.3333333334, 0.3333333333, 0.3333333333]
    assert [row for row in rows(larger, march, **options) if row["period"] == "2026-03"] == alone


def test_quantities_are_shared_out_too() -> None:
    bill = invoice(item("a", 1.0), item("b", 1.0), item(None, 2.0))
    found = rows(bill, group_by=[TEAM, "unit"], allocate="even")
    assert [(row[TEAM], row["quantity"], row["amount"]) for row in found] == [("a", 4.5, 2.0), ("b", 4.5, 2.0)]


def test_a_draft_shares_out_its_projection() -> None:
    draft = invoice(item("a", 30.0), item("b", 10.0), item(None, 8.0), month="2026-04", credit=-4.0)
    found = rows(draft, group_by=["period", TEAM], allocate="proportional")
    # A third of the month is over: usage goes on, the credit does not.
    assert [(row["amount"], row["projected"]) for row in found] == [(33.0, 105.0), (11.0, 35.0)]
    early = answer(
        read_books([draft], read_query({})),
        query := read_query({"group_by": ["period", TEAM], "allocate": "even", "decimals": 2}),
        datetime.datetime(2026, 4, 2, tzinfo=datetime.timezone.utc),
    )
    assert query.decimals == 2
    assert {row["projected"] for row in early.result["costs"]} == {None}


def test_what_was_shared_out_is_compared_with_what_was_shared_out() -> None:
    march = invoice(item("a", 10.0), item(None, 5.0))
    april = invoice(item("a", 10.0), item("b", 20.0), item(None, 3.0), month="2026-04")
    found = rows(april, before=[march], group_by=["period", TEAM], allocate="proportional", compare="previous")
    assert [(row[TEAM], row["projected"], row["previous"], row["change"]) for row in found] == [
        ("a", 33.0, 15.0, 18.0),
        ("b", 66.0, None, None),
    ]


def test_forecast_budgets_breakdowns_and_totals_are_before_sharing() -> None:
    draft = invoice(item("a", 30.0), item(None, 8.005), month="2026-04")
    options: dict[str, t.Any] = {"breakdowns": {"x": [TEAM]}, "budgets": [{"amount": 30, "group": {TEAM: "a"}}]}
    plain = ask(draft, **options).result
    found = ask(draft, **options, allocate="even", decimals=1).result
    assert found.pop("costs") == [{TEAM: "a", "currency": "USD", "amount": 38.0, "allocated": 8.0}]
    assert plain.pop("costs") != []
    assert found == plain


def test_rounded_rows_add_up_to_the_rounded_total_by_the_largest_remainder() -> None:
    bill = invoice(*(item(team, 0.333) for team in "abc"), item("d", 0.006))
    assert [row["amount"] for row in rows(bill, decimals=2)] == [0.34, 0.33, 0.33, 0.01]
    assert [row["amount"] for row in rows(bill, decimals=0)] == [1.0, 0.0, 0.0, 0.0]
    assert [row["amount"] for row in rows(bill, decimals=6)] == [0.333, 0.333, 0.333, 0.006]


def test_amounts_below_zero_are_rounded_as_those_above() -> None:
    assert [row["amount"] for row in rows(invoice(item("a", -0.125)), decimals=2)] == [-0.13]
    assert [row["amount"] for row in rows(invoice(item("a", -0.001), item("b", 0.001)), decimals=2)] == [0.0, 0.0]
    assert str(rows(invoice(item("a", -0.001), item("b", 0.001)), decimals=2)[0]["amount"]) == "0.0"


def test_rounding_adds_up_by_month_or_without_months_by_currency() -> None:
    bills = [invoice(item("a", 0.004), item("b", 0.0), month=month) for month in ("2026-01", "2026-02")]
    assert [row["amount"] for row in rows(*bills, group_by=["period", TEAM], decimals=2)] == [0.0, 0.0, 0.0, 0.0]
    assert [row["amount"] for row in rows(*bills, decimals=2)] == [0.01, 0.0]


def test_a_row_that_came_from_sharing_alone_shows_one_amount() -> None:
    bill = invoice(item("a", 1.0), item("b", 1.0), item("c", 1.0), credit=-0.5)
    found = rows(bill, group_by=[TEAM, "kind"], allocate="even", decimals=2)
    assert all(row["allocated"] == (row["amount"] if row["kind"] == "adjustment" else 0.0) for row in found)
    assert sums(found) == {("USD",): Decimal("2.50")}


def test_the_comparison_of_rounded_rows_is_that_of_what_they_show() -> None:
    months = [
        invoice(item("a", 0.333), item("b", 0.333), item("c", 0.334), month="2026-02"),
        invoice(item("a", 0.5), item("b", 0.7), month="2026-03"),
    ]
    found = rows(*months, group_by=["period", TEAM], compare="previous", decimals=2)
    february, march = found[:3], found[3:]
    assert [row["previous"] for row in march] == [row["amount"] for row in february] == [0.33, 0.33, 0.34]
    assert [row["change"] for row in march] == [0.17, 0.37, -0.34]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"allocate": "fair"}, "allocate: 'fair' is unknown. Write none, proportional, even, fixed."),
        (
            {"allocate": "even", "group_by": ["period", "status"]},
            "allocate: costs are shared out by a group such as owner or label:team. Add it to group_by.",
        ),
        (
            {"weights": {"a": 1}},
            "weights: only 'allocate: fixed' shares out by them. Write that, or leave weights out.",
        ),
        ({"allocate": "fixed"}, "weights: 'allocate: fixed' needs a number for each owner, such as {'payments': 2}."),
        (
            {"allocate": "fixed", "weights": ["a"]},
            "weights: 'allocate: fixed' needs a number for each owner, such as {'payments': 2}.",
        ),
        ({"allocate": "fixed", "weights": {"a": -1}}, "weights.a: a number from 0 on is needed, not -1."),
        ({"allocate": "fixed", "weights": {"a": "x"}}, "weights.a: a number from 0 on is needed, not 'x'."),
        ({"allocate": "fixed", "weights": {"a": True}}, "weights.a: a number from 0 on is needed, not True."),
        (
            {"allocate": "fixed", "weights": {"a": 0, "b": 0.0}},
            "weights: those of a, b add up to 0. Write a number above 0 for one of them.",
        ),
        ({"decimals": 7}, "decimals: a whole number from 0 to 6 is needed, not 7."),
        ({"decimals": -1}, "decimals: a whole number from 0 to 6 is needed, not -1."),
        ({"decimals": 1.5}, "decimals: a whole number from 0 to 6 is needed, not 1.5."),
        ({"decimals": True}, "decimals: a whole number from 0 to 6 is needed, not True."),
    ],
    ids=str,
)
def test_what_cannot_be_shared_out_or_rounded_so_is_refused(options: dict[str, t.Any], message: str) -> None:
    with pytest.raises(OptionsError) as caught:
        read_query({"group_by": [TEAM], **options})
    assert f"{caught.value}" == message


def test_the_parts_of_an_amount_leave_room_for_what_they_are_added_to() -> None:
    parts = split(Decimal(100), [Decimal(1)] * 3, Decimal("123456.78"))
    assert parts == [Decimal("33.333333334"), Decimal("33.333333333"), Decimal("33.333333333")]
    finer = Decimal("1E-12")
    assert split(finer, [Decimal(1), Decimal(2)], Decimal(10) ** 9) == [Decimal(0), finer]


hypothesis = pytest.importorskip("hypothesis")
st = hypothesis.strategies

DECIMALS = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9)
WEIGHTS = st.decimals(min_value="0.000001", max_value=10**6, allow_nan=False)
SHORT = st.integers(-(10**8), 10**8).map(lambda number: number / 10**4)
TEAMS = st.sampled_from(["a", "b", "c", None])
ITEMS = st.builds(
    item,
    TEAMS,
    SHORT,
    currency=st.sampled_from(["USD", "CRDB_CLOUD_CREDITS"]),
    description=st.sampled_from(["Compute", "Disk"]),
)
BILLS = st.lists(
    st.builds(
        lambda month, items, credit: invoice(*items, month=month, credit=credit),
        st.sampled_from(["2026-01", "2026-02", "2026-03", "2026-04"]),
        st.lists(ITEMS, max_size=5),
        st.none() | SHORT,
    ),
    max_size=3,
    unique_by=lambda bill: bill["invoice_id"],
)
MODES = st.sampled_from(
    [
        {},
        {"allocate": "proportional"},
        {"allocate": "even"},
        {"allocate": "fixed", "weights": {"a": 2, "b": 0.7, "x": 1}},
    ]
)
FURTHER = st.lists(st.sampled_from(["period", "description", "kind", "status", "unit"]), unique=True, max_size=3)


@hypothesis.given(st.lists(DECIMALS, max_size=8), st.integers(0, 6))
def test_rounding_keeps_the_sum_and_moves_no_amount_by_more_than_a_unit(amounts: list[Decimal], digits: int) -> None:
    rounded = round_keeping_sum(amounts, digits)
    unit = Decimal(1).scaleb(-digits)
    exact = sum(map(Fraction, amounts), Fraction(0)) / Fraction(unit)
    assert sum(rounded) / unit == (
        int(abs(exact) + Fraction(1, 2)) if exact >= 0 else -int(abs(exact) + Fraction(1, 2))
    )
    assert all(abs(Fraction(new) - Fraction(old)) <= Fraction(unit) for new, old in zip(rounded, amounts))


@hypothesis.given(DECIMALS, st.lists(WEIGHTS, min_size=1, max_size=6), DECIMALS)
def test_parts_add_up_to_the_amount(amount: Decimal, weights: list[Decimal], size: Decimal) -> None:
    parts = split(amount, weights, abs(size))
    assert sum(map(Fraction, parts)) == Fraction(amount)
    # Each part is the one next to the exact share, but for the rest beyond the digits that parts have.
    digits = max(min(10, 14 - size.adjusted()), 0) if size else 10
    for part, weight in zip(parts, weights):
        share = Fraction(amount) * Fraction(weight) / sum(map(Fraction, weights))
        assert abs(Fraction(part) - share) < 2 * Fraction(1, 10**digits)


@hypothesis.given(BILLS, MODES, FURTHER)
def test_rows_add_up_to_the_bill_to_the_last_digit(
    bills: list[dict[str, t.Any]], mode: dict[str, t.Any], further: list[str]
) -> None:
    group_by = [*further, TEAM]
    if any(entry not in ("period", "status") for entry in further):
        group_by = [TEAM, *further]
    result = ask(*bills, **mode, group_by=group_by).result
    assert sums(result["costs"]) == sums(result["totals"])
    plain = ask(*bills, group_by=group_by).result
    for entry in further:
        assert sums(result["costs"], "amount", entry) == sums(plain["costs"], "amount", entry)
    for row in result["costs"] if mode else ():
        assert row["allocated"] == 0.0 or row[TEAM] is not None


@hypothesis.given(BILLS, MODES, st.booleans(), st.integers(0, 6))
def test_rounded_rows_add_up_to_the_rounded_bill(
    bills: list[dict[str, t.Any]], mode: dict[str, t.Any], monthly: bool, digits: int
) -> None:
    groups = ["period"] if monthly else []
    found = rows(*bills, **mode, group_by=[*groups, TEAM, "kind"], decimals=digits)
    exact = sums(ask(*bills, group_by=groups).result["costs"], "amount", *groups)
    unit = Decimal(1).scaleb(-digits)
    rounded = {key: amount.quantize(unit, ROUND_HALF_UP) for key, amount in exact.items()}
    assert sums(found, "amount", *groups) == rounded
