# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What holds for any invoices: sums, order, comparison, FOCUS, and nothing but BillingError for broken ones."""

from __future__ import annotations

import copy
import datetime
import fractions
import json
import typing as t

import pytest

pytest.importorskip("hypothesis")

from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils import _costs, _focus
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._errors import BillingError

NOW = datetime.datetime(2026, 3, 10, 7, tzinfo=datetime.timezone.utc)
NAMES = st.sampled_from(["orders", "search", "", "Ünïcode", "a/b"])
CURRENCIES = st.sampled_from(["USD", "CRDB_CLOUD_CREDITS", "COCKROACH_CREDITS"])
MONTHS = ("2025-11", "2025-12", "2026-01", "2026-02", "2026-03")

# Amounts such that every sum of them has less than 15 digits: then each group's double prints as its exact sum, and
# the rows of a summary can be added up again without an error.
SHORT = st.integers(-(10**9), 10**9).map(lambda number: number / 10**4)
ANY_AMOUNT = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e300, max_value=1e300) | st.integers(-99, 99)


def money(amounts: st.SearchStrategy[t.Any]) -> st.SearchStrategy[dict[str, t.Any]]:
    return st.fixed_dictionaries({"amount": amounts}, optional={"currency": CURRENCIES})


def items(amounts: st.SearchStrategy[t.Any]) -> st.SearchStrategy[dict[str, t.Any]]:
    line = st.fixed_dictionaries(
        {
            "description": st.sampled_from(["Compute", "Storage"]),
            "quantity": st.sampled_from([0.0, 720, 0.3]),
            "quantity_unit": st.sampled_from(["HOURS", "GIB", "NEW_UNIT"]),
            "unit_cost": st.sampled_from([0.1, 7.0, 1e-7]),
            "total": money(amounts),
        }
    )
    cluster = st.fixed_dictionaries(
        {
            "id": NAMES,
            "name": NAMES,
            "plan": st.sampled_from(["BASIC", "STANDARD"]),
            "cloud_provider": st.sampled_from(["AWS", "GCP"]),
            "regions": st.lists(st.fixed_dictionaries({"name": NAMES}), max_size=2),
            "labels": st.dictionaries(st.sampled_from(["team", "env"]), NAMES),
            "parent_id": st.sampled_from(["root", "f-1", "f-2"]),
        }
    )
    return st.fixed_dictionaries({"cluster": cluster, "line_items": st.lists(line, max_size=3)})


def invoices(amounts: st.SearchStrategy[t.Any]) -> st.SearchStrategy[list[dict[str, t.Any]]]:
    one = st.fixed_dictionaries(
        {
            "invoice_id": st.sampled_from(["inv-1", "inv-2", "inv-3"]),
            "status": st.sampled_from(["FINALIZED", "DRAFT"]),
            "period_start": st.sampled_from(MONTHS).map(lambda month: f"{month}-01T00:00:00Z"),
            "period_end": st.just("2026-04-01T00:00:00Z"),
            "totals": st.lists(money(amounts), max_size=2),
            "balances": st.just([]),
            "invoice_items": st.lists(items(amounts), max_size=3),
            "adjustments": st.lists(
                st.fixed_dictionaries({"name": NAMES, "amount": money(amounts)}),
                max_size=2,
            ),
            "folder_resources": st.just(
                [
                    {"resource_id": "f-1", "name": "F", "path": [], "organization_id": "org", "labels": {"team": "f"}},
                    {"resource_id": "f-2", "name": "G", "path": [{"id": "f-1", "name": "F"}], "labels": {}},
                ]
            ),
        }
    )
    return st.lists(one, max_size=3, unique_by=lambda invoice: invoice["invoice_id"])


GROUPINGS = st.lists(st.sampled_from([*_costs.GROUPS, "label:team", "label:none"]), unique=True, max_size=4)
few = settings(max_examples=40, deadline=None)


def exact(rows: t.Iterable[dict[str, t.Any]], amount: str = "amount") -> dict[t.Any, fractions.Fraction]:
    """Add rows up by currency, as fractions of the decimals that their doubles print as."""
    sums: dict[t.Any, fractions.Fraction] = {}
    for row in rows:
        value = row.get(amount)
        if value is not None:
            sums[row["currency"]] = sums.get(row["currency"], fractions.Fraction()) + fractions.Fraction(repr(value))
    return sums


@few
@given(invoices(SHORT), GROUPINGS)
def test_the_sum_over_any_grouping_is_the_total(data: list[dict[str, t.Any]], group_by: list[str]) -> None:
    rows = _costs.cost_summary(data, group_by)
    assert exact(rows) == exact(_costs.totals(data)) == exact(_costs.line_items(data))
    keys = [(*(row[entry] for entry in group_by), row["currency"]) for row in rows]
    assert len(set(keys)) == len(keys)
    assert keys == sorted(keys, key=lambda key: [(value is None, value or "") for value in key])


@few
@given(invoices(ANY_AMOUNT))
def test_totals_are_the_doubles_nearest_to_the_exact_sums(data: list[dict[str, t.Any]]) -> None:
    amounts: dict[t.Any, fractions.Fraction] = {}
    for invoice in data:
        lines = [line["total"] for item in invoice["invoice_items"] for line in item["line_items"]]
        for entry in [*lines, *(adjustment["amount"] for adjustment in invoice["adjustments"])]:
            currency = entry.get("currency")
            amounts[currency] = amounts.get(currency, fractions.Fraction()) + fractions.Fraction(repr(entry["amount"]))
    assert {row["currency"]: row["amount"] for row in _costs.totals(data)} == {
        currency: float(amount) for currency, amount in amounts.items()
    }


@few
@given(invoices(ANY_AMOUNT), GROUPINGS, st.randoms(use_true_random=False))
def test_the_order_of_the_input_does_not_matter(
    data: list[dict[str, t.Any]], group_by: list[str], chance: t.Any
) -> None:
    shuffled = copy.deepcopy(data)
    chance.shuffle(shuffled)
    for invoice in shuffled:
        chance.shuffle(invoice["invoice_items"])
        chance.shuffle(invoice["adjustments"])
        for item in invoice["invoice_items"]:
            chance.shuffle(item["line_items"])
    compare = "previous" if "period" in group_by else None
    options: dict[str, t.Any] = {"group_by": group_by, "credit_rate": 0.7, "compare": compare, "now": NOW}
    assert _costs.analyse(shuffled, **options) == _costs.analyse(data, **options)


@few
@given(invoices(SHORT), GROUPINGS)
def test_what_a_month_shows_as_previous_is_what_the_month_before_cost(
    data: list[dict[str, t.Any]], group_by: list[str]
) -> None:
    entries = [*(entry for entry in group_by if entry != "period"), "period"]
    rows = _costs.cost_summary(data, entries, compare="previous")
    invoiced = {invoice["period_start"][:7] for invoice in data}
    for before, month in zip(MONTHS, MONTHS[1:]):
        if month in invoiced:
            earlier = exact(row for row in rows if row["period"] == before)
            previous = exact((row for row in rows if row["period"] == month), "previous")
            # A row with the amount 0 may stand for a group that has vanished, which the next month knows nothing of.
            assert {key: value for key, value in previous.items() if value} == {
                key: value for key, value in earlier.items() if value
            }
    plain = _costs.cost_summary(data, entries)
    assert [row for row in plain if row["amount"]] == [
        {key: row[key] for key in plain[0]} for row in rows if row["amount"]
    ]
    for row in rows:
        if row["previous"] is None:
            assert (row["change"], row["change_percent"]) == (None, None)
        else:
            difference = fractions.Fraction(repr(row["amount"])) - fractions.Fraction(repr(row["previous"]))
            assert fractions.Fraction(repr(row["change"])) == difference
            assert (row["change_percent"] is None) == (row["previous"] == 0)


@few
@given(invoices(SHORT))
def test_reconciliation_balances(data: list[dict[str, t.Any]]) -> None:
    for row in _costs.reconcile(data):
        total, lines, adjustments, difference = (
            fractions.Fraction(repr(row[key])) for key in ("total", "lines", "adjustments", "difference")
        )
        assert total == lines + adjustments + difference


@few
@given(invoices(SHORT), st.sampled_from(["1.2", "1.4"]))
def test_focus_bills_what_the_line_items_and_adjustments_cost(data: list[dict[str, t.Any]], version: str) -> None:
    for invoice in data:
        for entry in invoice["adjustments"]:
            entry["amount"].setdefault("currency", "USD")
        for item in invoice["invoice_items"]:
            for line in item["line_items"]:
                line["total"].setdefault("currency", "USD")
    rows = list(_focus.focus_rows(data, version, credit_rate=0.5))
    for invoice in data:
        costs = exact(_costs.totals([invoice]))
        billed = exact(
            {"currency": row["BillingCurrency"], "amount": row["BilledCost"]}
            for row in rows
            if row["InvoiceId"] == invoice["invoice_id"]
        )
        assert billed.get("USD", 0) == costs.get("USD", 0)
    assert all(tuple(row) == _focus.COLUMNS[version] for row in rows)


JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.just(10**400)
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["USD", "root", "2026-13-01", "2026-01-01T00:00:00Z", "DRAFT", "f-1"]),
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


def refusal(ask: t.Callable[[], t.Any]) -> None:
    """Ask for an answer that is plain JSON or a refusal that a user can read; any other exception fails the test."""
    text = "no refusal"
    try:
        json.dumps(ask(), allow_nan=False)
    except BillingError as error:
        text = f"{error}"
    assert 10 <= len(text) < 600


@settings(max_examples=120, deadline=None)
@given(invoices(SHORT), st.data())
def test_broken_invoices_raise_nothing_but_billing_errors(data: list[dict[str, t.Any]], draw: st.DataObject) -> None:
    broken = copy.deepcopy(data)
    spots = places(broken)
    if spots:
        container, key = spots[draw.draw(st.integers(0, len(spots) - 1))]
        if isinstance(container, dict) and draw.draw(st.booleans()):
            del container[key]
        else:
            container[key] = draw.draw(JUNK)
    every_group = [*_costs.GROUPS, "label:team"]
    refusal(lambda: list(_costs.line_items(broken)))
    every_group = [*_costs.GROUPS, "label:team"]
    refusal(lambda: _costs.analyse(broken, group_by=every_group, credit_rate=0.9, compare="previous", now=NOW))
    refusal(lambda: _costs.forecast(broken, NOW))
    refusal(lambda: list(_focus.focus_rows(broken, "1.4", credit_rate=0.9)))


@settings(max_examples=100, deadline=None)
@given(JUNK, JUNK)
def test_junk_for_invoices_and_options_raises_nothing_but_billing_errors(junk: t.Any, option: t.Any) -> None:
    refusal(lambda: _costs.analyse(junk, group_by=option, now=NOW))
    refusal(lambda: _costs.analyse([], credit_rate=option))
    refusal(lambda: _costs.cost_summary([], compare=option))
    refusal(lambda: _costs.forecast(junk, NOW))
    refusal(lambda: list(_focus.focus_rows(junk, "1.2", billing_account_id=option)))
    refusal(lambda: list(_focus.focus_rows([], option)))
