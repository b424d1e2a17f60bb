# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What holds for any invoices: sums, the bill, projections, order, comparison, FOCUS, and one error for broken ones."""

from __future__ import annotations

import copy
import decimal
import json
import re
import typing as t
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils import _focus
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._answers import read_books
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._errors import BillingError, ResponseError
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._lines import line_items
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._owners import read_owners
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._query import GROUPS, Query, read_query
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._ask import Rows, ask, at, costs
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._data import FOLDERS, adjustment, draft, item

NOW = at("2026-03-10T07:00")
OVER = {"2025-11": "2025-12", "2025-12": "2026-01", "2026-01": "2026-02", "2026-02": "2026-03"}
MONTHS = {**OVER, "2026-03": "2026-04", "2026-04": "2026-05"}
CREDITS = ("CRDB_CLOUD_CREDITS", "COCKROACH_CREDITS")
NAMES = st.sampled_from(["orders", "search", "", "Ünïcode", "a/b"])
CURRENCIES = st.sampled_from(["USD", *CREDITS, "", None])
# Amounts such that every sum of them has less than 12 digits: then each group's double prints as its exact sum, and
# the rows of a summary can be added up again without an error.
SHORT = st.integers(-(10**7), 10**7).map(lambda number: number / 10**4)
POSITIVE = st.integers(0, 10**7).map(lambda number: number / 10**4)
ANY_AMOUNT = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e300, max_value=1e300) | st.integers(-99, 99)

Invoices = t.List[t.Dict[str, t.Any]]
Sums = t.Dict[t.Any, Fraction]


def money(amounts: st.SearchStrategy[t.Any]) -> st.SearchStrategy[dict[str, t.Any]]:
    return st.fixed_dictionaries({"amount": amounts}, optional={"currency": CURRENCIES})


def items(amounts: st.SearchStrategy[t.Any]) -> st.SearchStrategy[dict[str, t.Any]]:
    """Return invoice items, whose clusters may have one id or name."""
    line = st.fixed_dictionaries(
        {
            "description": st.sampled_from(["Compute", "Storage"]),
            "quantity": st.sampled_from([0.0, 720, 0.3]),
            "quantity_unit": st.sampled_from(["HOURS", "GIB", "NEW_UNIT"]),
            "total": money(amounts),
        }
    )
    return st.builds(
        lambda name, lines, **cluster: item(name, *lines, **cluster),
        NAMES,
        st.lists(line, max_size=3),
        id=NAMES,
        plan=st.sampled_from(["BASIC", "STANDARD"]),
        cloud_provider=st.sampled_from(["AWS", "GCP"]),
        regions=st.lists(st.fixed_dictionaries({"name": NAMES}), max_size=2),
        labels=st.dictionaries(st.sampled_from(["team", "env"]), NAMES),
        parent_id=st.sampled_from(["root", "f-eng", "f-pay"]),
    )


def invoices(amounts: st.SearchStrategy[t.Any], *, stated: bool = True) -> st.SearchStrategy[Invoices]:
    """Return lists of invoices whose totals are their parts, their line items, anything, or are missing."""
    one = st.fixed_dictionaries(
        {
            "status": st.sampled_from(["FINALIZED", "DRAFT", None]),
            "month": st.sampled_from([*MONTHS, None]),
            "invoice_items": st.lists(items(amounts), max_size=3),
            "adjustments": st.lists(st.fixed_dictionaries({"name": NAMES, "amount": money(amounts)}), max_size=2),
            "balances": st.lists(money(amounts), max_size=2),
            "folder_resources": st.just(FOLDERS),
        },
        optional={
            "invoice_id": st.none(),
            "period_end": st.none(),
            "totals": st.lists(money(amounts), max_size=2) | st.sampled_from(["parts", "lines"])
            if stated
            else st.none(),
        },
    )
    return st.lists(one, max_size=4).map(lambda made: [_complete(raw, number) for number, raw in enumerate(made)])


def _complete(raw: dict[str, t.Any], number: int) -> dict[str, t.Any]:
    month = raw.pop("month")
    bounds = {"period_start": f"{month}-01T00:00:00Z", "period_end": f"{MONTHS[month]}-01T00:00:00Z"} if month else {}
    if number:  # Nobody can say of two without an id which one comes first.
        raw.pop("invoice_id", None)
    whole = {"invoice_id": f"inv-{number}", **bounds, **raw}
    if isinstance(raw.get("totals"), str):
        sums = add_up([*lines_of(raw), *(adjustments_of(raw) if raw["totals"] == "parts" else [])])
        whole["totals"] = [{"amount": float(amount), "currency": currency} for currency, amount in sums.items()]
    return whole


def lines_of(invoice: dict[str, t.Any]) -> Rows:
    return [line["total"] for one in invoice["invoice_items"] for line in one["line_items"]]


def adjustments_of(invoice: dict[str, t.Any]) -> Rows:
    return [entry["amount"] for entry in invoice["adjustments"]]


def add_up(rows: t.Iterable[dict[str, t.Any]], amount: str = "amount") -> Sums:
    """Add rows up by currency, as fractions of the decimals that their doubles print as."""
    sums: Sums = {}
    for row in rows:
        currency = row.get("currency") or None
        if row[amount] is not None:
            sums[currency] = sums.get(currency, Fraction()) + Fraction(repr(row[amount]))
    return sums


def settled(invoice: dict[str, t.Any]) -> dict[t.Any, tuple[Fraction, bool]]:
    """Return what an invoice bills in each currency by the text of the rule, and whether it adds up."""
    stated, lines = add_up(invoice.get("totals") or []), add_up(lines_of(invoice))
    parts = add_up([*lines_of(invoice), *adjustments_of(invoice)])
    bills: dict[t.Any, tuple[Fraction, bool]] = {}
    for currency in {*stated, *parts}:
        total, of_lines, of_parts = (sums.get(currency, Fraction()) for sums in (stated, lines, parts))
        last_digit = int(decimal.Decimal(repr(float(total))).normalize().as_tuple().exponent)
        half = Fraction(10) ** min(last_digit, -2) / 2
        adds_up = abs(total - of_parts) < half or abs(total - of_lines) < half
        bills[currency] = (of_parts if adds_up or currency not in stated else max(total, of_parts), adds_up)
    return bills


def without_zeros(sums: Sums) -> Sums:
    return {currency: amount for currency, amount in sums.items() if amount}


OWNERS = [{"owner": "disks", "description": "Storage"}, {"from": "label:team"}, {"from": "folder", "lower": True}]
GROUPINGS = st.lists(st.sampled_from([*GROUPS, "label:team", "label:none"]), unique=True, max_size=4)
RATES = st.sampled_from([None, 0.5, 1])
few = settings(max_examples=60)


def in_usd(currency: str | None, rate: float | None) -> tuple[str | None, Fraction]:
    """Return what an amount of a currency is shown in, and what one unit is worth there."""
    return ("USD", Fraction(repr(rate))) if rate and currency in CREDITS else (currency, Fraction(1))


def value_of(row: dict[str, t.Any], entry: str) -> t.Any:
    """Return what a line item has for an entry of C(group_by)."""
    if entry.startswith("label:"):
        return row["labels"].get(entry[len("label:") :])
    if entry == "period":
        return row["period_start"] and row["period_start"][:7]
    if entry == "region":
        return ", ".join(row["regions"]) or None
    return row[{"invoice": "invoice_id", "cluster": "cluster_name", "unit": "quantity_unit"}.get(entry, entry)]


@few
@given(invoices(SHORT), GROUPINGS, RATES)
def test_rows_are_the_line_items_by_group_in_order(data: Invoices, group_by: list[str], rate: float | None) -> None:
    sums: dict[t.Any, list[Fraction]] = {}
    for line in line_items(data, read_owners(OWNERS)):
        currency, worth = in_usd(line["currency"], rate)
        added = sums.setdefault((*(value_of(line, entry) for entry in group_by), currency), [Fraction(), Fraction()])
        added[0] += Fraction(repr(line["amount"])) * worth
        added[1] += Fraction(repr(line["quantity"] or 0))
    expected = []
    for key in sorted(sums, key=lambda key: [(value is None, value or "") for value in key]):
        row = {**dict(zip([*group_by, "currency"], key)), "amount": float(sums[key][0])}
        if "unit" in group_by:
            row["quantity"] = None if row["unit"] is None else float(sums[key][1])
        expected.append(row)
    result = ask(data, owners=OWNERS, credit_rate=rate, group_by=group_by, breakdowns={"a": group_by}, now=NOW).result
    for rows in (result["costs"], result["breakdowns"]["a"]):
        assert [{name: row[name] for name in row if name != "projected"} for row in rows] == expected
        assert all(list(row)[: len(group_by)] == group_by for row in rows)


@few
@given(invoices(SHORT), GROUPINGS, RATES)
def test_rows_add_up_to_the_totals_and_to_the_bill(data: Invoices, group_by: list[str], rate: float | None) -> None:
    result = ask(data, group_by=group_by, owners=OWNERS, credit_rate=rate, now=NOW).result
    totals = add_up(result["totals"])
    assert add_up(result["costs"]) == totals
    billed: Sums = {}
    for invoice in data:
        for given_in, (amount, _adds_up) in settled(invoice).items():
            currency, worth = in_usd(given_in, rate)
            billed[currency] = billed.get(currency, Fraction()) + amount * worth
    assert without_zeros(totals) == without_zeros(billed)


@few
@given(invoices(SHORT))
def test_each_invoice_is_what_the_rule_says(data: Invoices) -> None:
    for invoice in data:
        expected = settled(invoice)
        bill = {currency: amount for currency, (amount, _adds_up) in expected.items()}
        assert without_zeros(add_up(line_items([invoice]))) == without_zeros(bill)
        result, warnings = ask([invoice])
        rows = result["reconciliation"]
        assert [(row["currency"], row["reconciled"]) for row in rows] == [
            (currency, expected[currency][1]) for currency in sorted(expected, key=lambda key: (key is None, key or ""))
        ]
        assert bool(warnings) == (not all(row["reconciled"] for row in rows))
        for row in rows:
            parts = [Fraction(repr(row[key])) for key in ("lines", "adjustments", "difference")]
            assert Fraction(repr(row["total"])) == sum(parts)


@few
@given(invoices(ANY_AMOUNT, stated=False))
def test_totals_are_the_doubles_nearest_to_the_exact_sums(data: Invoices) -> None:
    billed: Sums = {}
    for invoice in data:
        for currency, (amount, _adds_up) in settled(invoice).items():
            billed[currency] = billed.get(currency, Fraction()) + amount
    found = {row["currency"]: row["amount"] for row in ask(data).result["totals"]}
    assert found == {currency: float(amount) for currency, amount in billed.items()}


# Projections


def close(sums: t.Mapping[t.Any, t.Any]) -> t.Any:
    return {key: None if value is None else pytest.approx(value, rel=1e-9, abs=1e-9) for key, value in sums.items()}


def by_month(rows: Rows, amount: str) -> dict[t.Any, float | None]:
    """Return sums by month and currency; null where one of the amounts is."""
    sums: dict[t.Any, float | None] = {}
    for row in rows:
        key = row["period"], row["currency"]
        so_far = sums.get(key, 0.0)
        sums[key] = None if so_far is None or row[amount] is None else so_far + row[amount]
    return sums


@few
@given(invoices(SHORT) | invoices(POSITIVE), GROUPINGS, RATES)
def test_projections_of_groups_add_up_to_those_of_the_whole(
    data: Invoices, group_by: list[str], rate: float | None
) -> None:
    """Where a group is below zero its range is the other way round, and that of the whole is the narrower one."""
    whole = ask(data, group_by=[], credit_rate=rate, now=NOW).result["forecast"]
    groups = ask(data, owners=OWNERS, group_by=group_by, credit_rate=rate, now=NOW).result["forecast"]
    ranges = () if any(row["usage"] < 0 for row in groups) else ("projected_low", "projected_high")
    for amount in ("spent", "usage", "adjustments", "projected", *ranges):
        assert by_month(groups, amount) == close(by_month(whole, amount))


@few
@given(invoices(SHORT), GROUPINGS)
def test_what_rows_of_an_open_month_project_is_the_forecast(data: Invoices, group_by: list[str]) -> None:
    entries = ["period", *(entry for entry in group_by if entry not in ("period", "invoice", "status"))]
    result = ask(data, owners=OWNERS, group_by=entries, now=NOW).result
    rises = {
        tuple(row[entry] for entry in [*entries, "currency"]): (row["spent"], row["projected"])
        for row in result["forecast"]
    }
    for row in result["costs"]:
        spent, projected = rises.get(tuple(row[entry] for entry in [*entries, "currency"]), (0.0, 0.0))
        if "projected" not in row:
            assert projected == spent  # the month is over, or has no draft
        elif projected is None:
            assert row["projected"] is None
        else:
            assert row["projected"] == pytest.approx(row["amount"] - spent + projected, rel=1e-9, abs=1e-6)


MOMENTS = st.datetimes(at("2026-02-25").replace(tzinfo=None), at("2026-05-05").replace(tzinfo=None)).map(
    lambda moment: moment.replace(tzinfo=NOW.tzinfo)
)


@few
@given(invoices(SHORT), GROUPINGS, MOMENTS)
def test_a_range_holds_its_projection(data: Invoices, group_by: list[str], now: t.Any) -> None:
    for row in ask(data, owners=OWNERS, group_by=group_by, now=now).result["forecast"]:
        ends = [row["projected_low"], row["projected"], row["projected_high"]]
        assert ends == [None] * 3 or ends == sorted(ends)
        if row["elapsed"] == 1.0:
            assert ends in ([row["spent"]] * 3, [None] * 3)  # one draft of two may be without an end


@few
@given(st.lists(POSITIVE, max_size=4), SHORT, st.sampled_from(["parts", "lines"]), MOMENTS)
def test_a_one_off_credit_is_never_multiplied(usage: list[float], credit: float, stated: str, now: t.Any) -> None:
    """Whether the totals include it or not."""
    plain = draft("2026-03", item("a", *usage))
    credited = draft("2026-03", item("a", *usage), adjustments=[adjustment(credit)])
    if stated == "lines":
        credited["totals"] = plain["totals"]
    before, after = (ask([invoice], group_by=[], now=now).result["forecast"] for invoice in (plain, credited))
    if not usage:
        before = [dict.fromkeys(after[0], 0.0)] if after[0]["projected"] is not None else after
    for name in ("projected", "projected_low", "projected_high"):
        found, expected = after[0][name], before[0][name]
        assert (found is None) == (expected is None)
        assert found is None or found == pytest.approx(expected + credit, rel=1e-12, abs=1e-9)


# Order and comparison


@few
@given(invoices(ANY_AMOUNT), GROUPINGS, st.randoms(use_true_random=False))
def test_the_order_of_the_input_does_not_matter(data: Invoices, group_by: list[str], chance: t.Any) -> None:
    shuffled = copy.deepcopy(data)
    chance.shuffle(shuffled)
    for invoice in shuffled:
        chance.shuffle(invoice["invoice_items"])
        chance.shuffle(invoice["adjustments"])
        for one in invoice["invoice_items"]:
            chance.shuffle(one["line_items"])
    shared = not {"period", "invoice", "status"}.issuperset(group_by)
    options: dict[str, t.Any] = {
        "group_by": group_by,
        "credit_rate": 0.7,
        "owners": OWNERS,
        "allocate": "proportional" if shared else "none",
        "decimals": 2 if shared else None,
        "compare": "previous" if "period" in group_by and not {"invoice", "status"} & set(group_by) else None,
        "budgets": [{"amount": 5}, {"amount": 5, "group": {"cluster": "orders"}}],
        "now": NOW,
    }
    assert ask(shuffled, **options) == ask(data, **options)


@few
@given(invoices(SHORT), GROUPINGS, MOMENTS)
def test_a_group_is_compared_with_itself_in_the_month_before(data: Invoices, group_by: list[str], now: t.Any) -> None:
    """Also one that has costs no more, where its month was invoiced; a month that is not over at its projection."""
    entries = ["period", *(entry for entry in group_by if entry not in ("period", "invoice", "status"))]

    def asked(**more: t.Any) -> dict[tuple[t.Any, ...], dict[str, t.Any]]:
        rows = costs(data, entries, owners=OWNERS, now=now, **more)
        return {tuple(row[entry] for entry in (*entries, "currency")): row for row in rows}

    plain, compared = asked(), asked(compare="previous")
    invoiced = {f"{invoice.get('period_start')}"[:7] for invoice in data}
    gone = {(MONTHS[month], *rest) for month, *rest in plain if MONTHS.get(month) in invoiced}
    assert set(compared) == {*plain, *gone}
    before = {month: previous for previous, month in MONTHS.items()}
    for key, row in compared.items():
        assert row["amount"] == (plain[key]["amount"] if key in plain else 0.0)
        previous = plain.get((before.get(key[0], "none"), *key[1:]))
        assert row["previous"] == (previous and previous["amount"])
        reached = row.get("projected", row["amount"])
        if row["previous"] is None or reached is None:
            assert (row["change"], row["change_percent"]) == (None, None)
        else:
            assert row["change"] == pytest.approx(reached - row["previous"], rel=1e-9, abs=1e-6)
            assert (row["change_percent"] is None) == (row["previous"] == 0)


@few
@given(invoices(SHORT), st.sampled_from(["1.2", "1.4"]))
def test_focus_bills_what_the_rows_add_up_to(data: Invoices, version: str) -> None:
    """What is paid from credits has been billed when they were bought."""
    complete = [
        dict(invoice, invoice_id=f"{number}") for number, invoice in enumerate(data) if "period_start" in invoice
    ]
    for invoice in complete:
        invoice["period_end"] = invoice.get("period_end") or invoice["period_start"]
        for amount in [*lines_of(invoice), *adjustments_of(invoice), *(invoice.get("totals") or [])]:
            amount["currency"] = amount.get("currency") or "USD"
    rows = list(_focus.focus_rows(complete, version, credit_rate=0.5, billing_account_id="o"))
    assert all(tuple(row) == _focus.COLUMNS[version] for row in rows)
    billed = add_up({"currency": row["BillingCurrency"], "amount": row["BilledCost"]} for row in rows)
    expected = sum((settled(invoice).get("USD", (Fraction(), True))[0] for invoice in complete), Fraction())
    assert billed.get("USD", 0) == expected


# Broken input

JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.just(10**400)
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["USD", "root", "2026-13-01", "2026-01-01T00:00:00Z", "DRAFT", "f-eng", "label:team", "0,9"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["id", "name", "amount"]), inner),
    max_leaves=4,
)


def places(node: t.Any) -> list[tuple[t.Any, t.Any]]:
    """Return every place in nested data, as a container and a key of it."""
    found: list[tuple[t.Any, t.Any]] = []
    pairs = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in pairs:
        found.append((node, key))
        found.extend(places(value))
    return found


def refusal(question: t.Callable[[], t.Any]) -> None:
    """Ask for an answer that is plain JSON or a refusal that a user can read; any other exception fails the test."""
    text = "no refusal"
    try:
        json.dumps(question(), allow_nan=False)
    except ResponseError as error:
        text = f"{error}"
        assert re.match(
            r"Invoice (inv-\d|'.*'|.{1,60}) is not|An invoice without an id is not|The amounts of these", text
        )
    except BillingError as error:
        text = f"{error}"
    assert 10 <= len(text) < 600


EVERYTHING: dict[str, t.Any] = {
    "group_by": [entry for entry in GROUPS if entry not in ("invoice", "status")] + ["label:team"],
    "credit_rate": 0.9,
    "owners": OWNERS,
    "compare": "previous",
    "breakdowns": {"a": ["invoice", "status"]},
    "budgets": [{"amount": 5, "group": {"label:team": "orders"}}],
    "now": NOW,
}


@settings(max_examples=120)
@given(invoices(SHORT), st.data())
def test_broken_invoices_raise_nothing_but_billing_errors(data: Invoices, draw: st.DataObject) -> None:
    broken = copy.deepcopy(data)
    spots = places(broken)
    if spots:
        container, key = spots[draw.draw(st.integers(0, len(spots) - 1))]
        if isinstance(container, dict) and draw.draw(st.booleans()):
            del container[key]
        else:
            container[key] = draw.draw(JUNK)
    refusal(lambda: list(line_items(broken)))
    refusal(lambda: ask(broken, **EVERYTHING))
    refusal(lambda: list(_focus.focus_rows(broken, "1.4", credit_rate=0.9)))


@settings(max_examples=100)
@given(JUNK, JUNK)
def test_junk_for_invoices_and_options_raises_nothing_but_billing_errors(junk: t.Any, option: t.Any) -> None:
    refusal(lambda: len(read_books(junk, Query())))
    for name in ("group_by", "credit_rate", "compare", "breakdowns", "budgets"):
        refusal(lambda name=name: repr(read_query({name: option})))  # type: ignore[misc]
    for name in ("amount", "currency", "name", "group"):
        refusal(lambda name=name: repr(read_query({"budgets": [{"amount": 1, name: option}]})))  # type: ignore[misc]
    refusal(lambda: list(_focus.focus_rows(junk, "1.2", billing_account_id=option)))
    refusal(lambda: list(_focus.focus_rows([], option)))
