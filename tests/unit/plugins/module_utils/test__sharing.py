# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Costs of nobody, shared out, and amounts rounded: whatever is done to rows, they add up to the bill."""

from __future__ import annotations

import typing as t
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._errors import OptionsError
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._money import round_keeping_sum, split
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._query import read_query
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._ask import Rows, ask, at, values
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._data import CREDITS, adjustment, bill, item, line

# A third of April is over.
NOW = at("2026-04-11")
TEAM = "label:team"
Bills = t.List[t.Dict[str, t.Any]]


def of(team: str | None, *lines: t.Any) -> dict[str, t.Any]:
    """Return the item of a team, or of a cluster that nobody owns."""
    return item(f"{team}", *lines, labels={} if team is None else {"team": team})


def invoice(*items: dict[str, t.Any], month: str = "2026-03", credit: float | None = None) -> dict[str, t.Any]:
    adjustments = [] if credit is None else [adjustment(credit)]
    return bill(month, *items, adjustments=adjustments, status="DRAFT" if month == "2026-04" else "FINALIZED")


def rows(*bills: dict[str, t.Any], **options: t.Any) -> Rows:
    return t.cast("Rows", ask(bills, **{"now": NOW, "group_by": [TEAM], **options}).result["costs"])


def warned(*bills: dict[str, t.Any], **options: t.Any) -> list[str]:
    return ask(bills, **{"now": NOW, "group_by": [TEAM], **options}).warnings


def sums(found: t.Iterable[dict[str, t.Any]], name: str = "amount", *groups: str) -> dict[t.Any, Decimal]:
    added: dict[t.Any, Decimal] = {}
    for row in found:
        key = (*(row[group] for group in groups), row["currency"])
        added[key] = added.get(key, Decimal(0)) + Decimal(repr(row[name]))
    return added


BILL = invoice(of("a", 30), of("b", 10), of(None, 5), credit=-1)
OWNED: dict[str, t.Any] = {"allocate": "even", "owners": [{"from": TEAM}]}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"allocate": "proportional"}, {"a": (33, 3), "b": (11, 1)}),
        ({"allocate": "even"}, {"a": (32, 2), "b": (12, 2)}),
        ({"allocate": "fixed", "weights": {"a": 1, "b": 3}}, {"a": (31, 1), "b": (13, 3)}),
        ({"allocate": "fixed", "weights": {"a": 0, "b": 0.5}}, {"a": (30, 0), "b": (14, 4)}),
    ],
)
def test_what_nobody_owns_is_shared_out(options: dict[str, t.Any], expected: dict[str, t.Any]) -> None:
    found = rows(BILL, **options)
    assert {row[TEAM]: (row["amount"], row["allocated"]) for row in found} == expected


def test_without_allocate_rows_do_not_speak_of_it() -> None:
    assert rows(BILL) == rows(BILL, allocate="none")
    assert [sorted(row) for row in rows(BILL)] == [["amount", "currency", TEAM]] * 3


@pytest.mark.parametrize(
    ("options", "warnings"),
    [
        # Nobody of March has a weight.
        (
            {"allocate": "fixed", "weights": {"c": 1}, "group_by": ["period", TEAM]},
            ["allocate: nobody with a weight has costs, so that what has no label:team stays so: 4.00 USD of 2026-03."],
        ),
        (
            {"allocate": "fixed", "weights": {"a": 1, "c": 1, "teem": 1}},
            [
                "weights: 'teem' has no costs in these invoices, so that the weight counts for nothing. "
                "There is a, b, c."
            ],
        ),
        # Groups before the owner that change what is shared out.
        (
            {**OWNED, "group_by": ["period", "kind", "owner"]},
            ["allocate: every cost has a kind, so that nothing is sha"],
        ),
        (
            {**OWNED, "group_by": ["cluster", "owner"]},
            ["allocate: what has no cluster is shared out, as cluster comes "],
        ),
        ({**OWNED, "group_by": ["period", "owner", "kind", "cluster"]}, []),
    ],
)
def test_what_counts_for_nothing_is_a_warning(options: dict[str, t.Any], warnings: list[str]) -> None:
    found = warned(BILL, invoice(of("c", 1), month="2026-02"), **options)
    assert [text[: len(start)] for text, start in zip(found, warnings)] == warnings
    assert len(found) == len(warnings)


def test_names_from_outside_begin_no_line_of_a_warning() -> None:
    hostile = invoice(of("a\n[ERROR]: b", 1), of(None, line(1, "X\n[ERROR]: Y")))
    found = warned(hostile, allocate="fixed", weights={"c": 1})
    assert (len(found), [text for text in found if "\n" in text]) == (2, [])


def test_the_first_entry_that_is_not_of_the_invoice_is_shared_out_by() -> None:
    found = rows(BILL, group_by=["status", "cluster", TEAM], allocate="even")
    assert values(found, "cluster", TEAM, "allocated") == [
        *[("None", None, -0.3333333333), ("a", "a", 0.0), ("a", None, -0.3333333333)],
        *[("b", "b", 0.0), ("b", None, -0.3333333334)],
    ]


def test_a_month_is_shared_out_alike_whichever_others_are_asked_for() -> None:
    march, options = (
        invoice(of("a", 1), of("b", 1), of("c", 1), credit=1),
        {"allocate": "even", "group_by": ["period", TEAM]},
    )
    alone = rows(march, **options)
    assert [row["allocated"] for row in alone] == [0.3333333334, 0.3333333333, 0.3333333333]
    assert rows(invoice(of("a", 123456.78), month="2026-02"), march, **options)[1:] == alone


def test_parts_leave_room_for_the_months_that_they_are_added_up_with() -> None:
    march, february = (
        invoice(of("a", 1), of("b", 1), of("c", 1), credit=1),
        invoice(of("a", 12345678.9012), month="2026-02"),
    )
    assert sums(rows(february, march, allocate="even")) == {("USD",): Decimal("12345682.9012")}


def test_nothing_that_stays_is_no_warning() -> None:
    assert warned(invoice(of("a", line(1, "EUR")), of(None, 1, -1)), allocate="even") == []


def test_a_draft_shares_out_its_projection() -> None:
    draft = invoice(of("a", 30), of("b", 10), of(None, 8), month="2026-04", credit=-4)
    options: dict[str, t.Any] = {"group_by": ["period", TEAM], "allocate": "proportional"}
    # Usage goes on, the credit does not.
    assert values(rows(draft, **options), "amount", "projected") == [(33.0, 105.0), (11.0, 35.0)]
    early = rows(draft, **options, decimals=2, now=at("2026-04-02"))
    assert {row["projected"] for row in early} == {None}


# Rounding


@pytest.mark.parametrize(
    ("amounts", "digits", "expected"),
    [
        ((0.333, 0.333, 0.333, 0.006), 2, [0.34, 0.33, 0.33, 0.01]),
        ((0.333, 0.333, 0.333, 0.006), 0, [1.0, 0.0, 0.0, 0.0]),
        ((-0.125,), 2, [-0.13]),
        ((-0.001, 0.001), 2, [0.0, 0.0]),
    ],
)
def test_rounded_rows_add_up_by_the_largest_remainder(
    amounts: tuple[float, ...], digits: int, expected: list[float]
) -> None:
    found = rows(invoice(*(of(team, amount) for team, amount in zip("abcd", amounts))), decimals=digits)
    assert repr([row["amount"] for row in found]) == repr(expected)


def test_what_is_compared_was_shared_out_and_rounded_too() -> None:
    options: dict[str, t.Any] = {"allocate": "proportional", "compare": "previous", "decimals": 1}
    march = invoice(of("a", 10), of(None, 5.04))
    april = invoice(of("a", 10), of("b", 20), of(None, 3), month="2026-04")
    found = rows(april, before=[march], group_by=["period", TEAM], **options)
    assert values(found, TEAM, "projected", "previous", "change") == [("a", 33.0, 15.0, 18.0), ("b", 66.0, None, None)]


def test_a_row_of_sharing_alone_shows_one_amount_also_rounded() -> None:
    bills = invoice(of("a", 0.005), of("b", 0.005), credit=0.008)
    found = rows(bills, group_by=[TEAM, "kind"], allocate="even", decimals=2)
    alone = [("a", 0.0, 0.0), ("a", 0.01, 0.0), ("b", 0.0, 0.0), ("b", 0.01, 0.0)]
    assert values(found, TEAM, "amount", "allocated") == alone


FIXED = "weights: 'allocate: fixed' needs a number for each owner, such as {'payments': 2}."
WEIGHT = "weights.a: a number from 0 on is needed"
DIGITS = "decimals: a whole number from 0 to 6 is needed"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"allocate": "fair"}, "allocate: 'fair' is unknown. Write none, proportional, even, fixed."),
        ({"allocate": "even", "group_by": ["period", "status"]}, "allocate: costs are shared out by a group such as "),
        ({"weights": {"a": 1}}, "weights: only 'allocate: fixed' shares out by them. Write that, or leave weights ou"),
        *(({"allocate": "fixed", "weights": weights}, FIXED) for weights in (None, ["a"])),
        *(
            ({"allocate": "fixed", "weights": {"a": weight}}, f"{WEIGHT}, not {weight!r}.")
            for weight in (-1, "x", True)
        ),
        ({"allocate": "fixed", "weights": {"a": 0, "b": 0.0}}, "weights: those of a, b add up to 0. Write a number "),
        *(({"decimals": digits}, f"{DIGITS}, not {digits}.") for digits in (7, -1, 1.5, True)),
    ],
    ids=str,
)
def test_what_cannot_be_shared_out_or_rounded_so_is_refused(options: dict[str, t.Any], message: str) -> None:
    with pytest.raises(OptionsError) as caught:
        read_query({"group_by": [TEAM], **options})
    assert f"{caught.value}".startswith(message)


# Whatever the bill


def test_the_parts_of_an_amount_leave_room_for_what_they_are_added_to() -> None:
    parts = split(Decimal(100), [Decimal(1)] * 3, Decimal("123456.78"))
    assert parts == [Decimal("33.333333334"), Decimal("33.333333333"), Decimal("33.333333333")]
    finer = Decimal("1E-12")
    assert split(finer, [Decimal(1), Decimal(2)], Decimal(10) ** 9) == [Decimal(0), finer]


DECIMALS = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9)
WEIGHTS = st.decimals(min_value="0.000001", max_value=10**6, allow_nan=False)
# Sums of these have less than 15 digits, so that their doubles can be added up again.
SHORT = (st.integers(-(10**8), 10**8) | st.integers(-(10**12), 10**12)).map(lambda number: number / 10**4)
LINES = st.builds(line, SHORT, st.sampled_from(["USD", CREDITS]), st.sampled_from(["Compute", "Disk"]))
BILLS = st.lists(
    st.builds(
        lambda month, items, credit: invoice(*items, month=month, credit=credit),
        st.sampled_from(["2026-01", "2026-02", "2026-03", "2026-04"]),
        st.lists(st.builds(of, st.sampled_from(["a", "b", "c", None]), LINES), max_size=5),
        st.none() | SHORT,
    ),
    max_size=3,
    unique_by=lambda raw: t.cast("str", raw["invoice_id"]),
)
SHARING: tuple[dict[str, t.Any], ...] = (
    {"allocate": "proportional"},
    {"allocate": "even"},
    {"allocate": "fixed", "weights": {"a": 2, "b": 0.7, "x": 1}},
)
MODES = st.sampled_from([{}, *SHARING])
FURTHER = st.lists(st.sampled_from(["period", "description", "kind", "status", "unit"]), unique=True, max_size=3)


@given(st.lists(DECIMALS, max_size=8), st.integers(0, 6))
def test_rounding_keeps_the_sum_and_moves_no_amount_by_more_than_a_unit(amounts: list[Decimal], digits: int) -> None:
    rounded = round_keeping_sum(amounts, digits)
    unit = Fraction(1, 10**digits)
    exact = sum(map(Fraction, amounts), Fraction(0)) / unit
    assert sum(map(Fraction, rounded)) / unit == int(abs(exact) + Fraction(1, 2)) * (1 if exact >= 0 else -1)
    assert all(abs(Fraction(new) - Fraction(old)) <= unit for new, old in zip(rounded, amounts))


@given(DECIMALS, st.lists(WEIGHTS, min_size=1, max_size=6), DECIMALS)
def test_parts_add_up_to_the_amount(amount: Decimal, weights: list[Decimal], size: Decimal) -> None:
    size = abs(size)  # which rounds as well
    parts = split(amount, weights, size)
    assert sum(map(Fraction, parts)) == Fraction(amount)
    # Each part is the one next to the exact share, but for the rest beyond the digits that parts have.
    digits = max(min(10, 14 - size.adjusted()), 0) if size else 10
    for part, weight in zip(parts, weights):
        share = Fraction(amount) * Fraction(weight) / sum(map(Fraction, weights))
        assert abs(Fraction(part) - share) < 2 * Fraction(1, 10**digits)


def close(amounts: list[Fraction]) -> list[t.Any]:
    """Return what these amounts are beside parts that leave room for sums of thousands of millions."""
    return [pytest.approx(float(amount), rel=1e-9, abs=1e-4) for amount in amounts]


@given(BILLS, st.sampled_from(SHARING))
def test_each_owner_gets_a_part_by_weight_of_what_its_month_has_of_nobody(bills: Bills, mode: dict[str, t.Any]) -> None:
    months: dict[t.Any, dict[str | None, Fraction]] = {}
    for row in rows(*bills, group_by=["period", TEAM]):
        months.setdefault((row["period"], row["currency"]), {})[row[TEAM]] = Fraction(repr(row["amount"]))
    monthly, left = {}, False
    whole: dict[t.Any, Fraction] = {}
    for (period, currency), owned in months.items():
        weights: dict[str, t.Any] = {
            "proportional": owned,
            "even": dict.fromkeys("abc", 1),
            "fixed": mode.get("weights"),
        }
        weighed = {owner: Fraction(weights[mode["allocate"]].get(owner, 0)) for owner in owned if owner is not None}
        total = sum(weight for weight in weighed.values() if weight > 0)
        nobody = owned.pop(None, Fraction()) if total else owned.get(None, Fraction())
        left = left or (not total and nobody != 0)
        for owner, amount in owned.items():
            part = nobody * max(weighed[owner], Fraction()) / total if total and owner is not None else Fraction()
            monthly[period, currency, owner] = close([amount + part, part])
            whole[currency, owner] = whole.get((currency, owner), Fraction()) + amount + part
    found = rows(*bills, **mode, group_by=["period", TEAM])
    shown = {(row["period"], row["currency"], row[TEAM]): [row["amount"], row["allocated"]] for row in found}
    assert shown == monthly
    assert any("stays so" in text for text in warned(*bills, **mode)) == left
    merged = {(row["currency"], row[TEAM]): [row["amount"]] for row in rows(*bills, **mode)}
    assert merged == {key: close([amount]) for key, amount in whole.items()}


@given(BILLS, MODES, FURTHER)
def test_rows_add_up_to_the_bill_to_the_last_digit(bills: Bills, mode: dict[str, t.Any], further: list[str]) -> None:
    group_by = [*further, TEAM]
    if any(entry not in ("period", "status") for entry in further):
        group_by = [TEAM, *further]
    options: dict[str, t.Any] = {"group_by": group_by, "budgets": [{"amount": 9, "group": {TEAM: "a"}}], "now": NOW}
    result, plain = ask(bills, **mode, **options).result, ask(bills, **options).result
    assert sums(result["costs"]) == sums(result["totals"])
    # Everything else is before sharing.
    assert {**result, "costs": []} == {**plain, "costs": []}
    for entry in further:
        assert sums(result["costs"], "amount", entry) == sums(plain["costs"], "amount", entry)
    if "unit" in further:
        rounded = [row for row in rows(*bills, **mode, group_by=group_by, decimals=2) if row["unit"]]
        counted = sums((row for row in plain["costs"] if row["unit"]), "quantity", "unit")
        assert sums(rounded, "quantity", "unit") == pytest.approx(counted, abs=Decimal("1e-6"))


@given(BILLS, MODES, st.booleans(), st.integers(0, 6))
def test_rounded_rows_add_up_to_the_rounded_bill(
    bills: Bills, mode: dict[str, t.Any], monthly: bool, digits: int
) -> None:
    groups = ["period"] if monthly else []
    options = {**mode, "group_by": [*groups, TEAM, "kind"]}
    found = rows(*bills, **options, decimals=digits)
    exact = sums(rows(*bills, group_by=groups), "amount", *groups)
    unit = Decimal(1).scaleb(-digits)
    assert sums(found, "amount", *groups) == {
        key: amount.quantize(unit, ROUND_HALF_UP) for key, amount in exact.items()
    }
    # What is there of sharing alone is one amount.
    pairs = zip(rows(*bills, **options), found) if mode else ()
    assert all(shown["allocated"] == shown["amount"] for row, shown in pairs if row["allocated"] == row["amount"])
