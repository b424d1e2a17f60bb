# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files of costs: for the organization of the sandbox, each adds up to what its invoices state, however it is made."""

from __future__ import annotations

import csv
import datetime
import functools
import json
import pathlib
import sys
import typing as t
from decimal import ROUND_HALF_UP, Decimal

import pytest

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._answers import answer, read_books
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._cost_file import (
    cost_columns,
    look_at_file,
    with_bill,
)
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._export import FileFormat, Table, write_table
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._query import read_query
from ansible_collections.cockroachdb_cloud.billing.tests.unit.sandbox._call import SANDBOX

sys.path.insert(0, str(SANDBOX))

from billing_sandbox import Sandbox

NOW = datetime.datetime(2026, 11, 23, tzinfo=datetime.timezone.utc)
OWNERS = [
    {"owner": "storage", "description": "*torage*"},
    {"owner": "tests", "cluster": ["*-staging", "*-dev"]},
    {"from": "label:team", "lower": True},
]
MODES: list[dict[str, t.Any]] = [
    {},
    {"allocate": "proportional"},
    {"allocate": "even"},
    {"allocate": "fixed", "weights": {"payments": 3, "storage": 0.7, "identity": 1}},
]
GROUPS = [["period", "owner"], ["owner", "period", "description", "kind"], ["period", "invoice", "label:team", "plan"]]


@functools.lru_cache(maxsize=None)
def history(seed: int) -> list[dict[str, t.Any]]:
    with Sandbox(today="2026-11-23", months=5, seed=seed) as sandbox:
        return sandbox.invoices("sandbox-key")


def read(path: pathlib.Path) -> list[dict[str, t.Any]]:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".csv":
        return list(csv.DictReader(text.splitlines()))
    lines = [text] if path.suffix == ".json" else text.splitlines()
    found = [json.loads(line, parse_float=str, parse_int=str) for line in lines]
    return list(found[0]) if path.suffix == ".json" else found


def sums(rows: t.Iterable[t.Mapping[str, t.Any]]) -> dict[tuple[str, str], Decimal]:
    added: dict[tuple[str, str], Decimal] = {}
    for row in rows:
        key = (row["period"], row["currency"])
        added[key] = added.get(key, Decimal(0)) + Decimal(row["amount"])
    return added


def rounded(amount: Decimal, digits: int | None) -> Decimal:
    return amount if digits is None else amount.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)


def stated(invoices: list[dict[str, t.Any]], digits: int | None) -> dict[tuple[str, str], Decimal]:
    """Return what the invoices themselves say that they come to, which is one total for each month and currency."""
    return {
        (invoice["period_start"][:7], total["currency"]): rounded(Decimal(repr(total["amount"])), digits)
        for invoice in invoices
        for total in invoice["totals"]
    }


@pytest.mark.parametrize("digits", [None, 2, 0], ids=str)
@pytest.mark.parametrize("name", ["csv", "json", "jsonl"])
@pytest.mark.parametrize("seed", [1, 7, 42])
def test_each_file_adds_up_to_what_the_invoices_state(
    tmp_path: pathlib.Path, seed: int, name: str, digits: int | None
) -> None:
    invoices = history(seed)
    for number, (group_by, mode) in enumerate((group_by, mode) for group_by in GROUPS for mode in MODES):
        query = read_query({"owners": OWNERS, "group_by": group_by, "decimals": digits, **mode})
        result = answer(read_books(invoices, query), with_bill(query), NOW).result
        path = tmp_path / f"{number}.{name}"
        write_table(str(path), Table(cost_columns(query), result["costs"]), FileFormat(name))
        assert sums(read(path)) == stated(invoices, digits), (group_by, mode)
        totals = look_at_file(result, query)["totals"]
        assert all(row["adds_up"] and row["amount"] == row["billed"] for row in totals)
        assert {(row["period"], row["currency"]) for row in totals} == set(stated(invoices, digits))


def test_columns_follow_from_the_options_alone() -> None:
    options = {"owners": OWNERS, "group_by": ["owner", "period", "unit"], "allocate": "even", "compare": "previous"}
    names = ["currency", "amount", "allocated", "quantity", "projected", "previous", "change", "change_percent"]
    assert cost_columns(read_query(options)) == ("owner", "period", "unit", *names)
    assert cost_columns(read_query({"group_by": []})) == ("currency", "amount")


def test_a_summary_tells_what_the_rows_of_each_owner_come_to() -> None:
    query = read_query({"owners": OWNERS, "group_by": ["owner", "cluster"], "allocate": "even", "decimals": 2})
    result = answer(read_books(history(1), query), with_bill(query), NOW).result
    seen = look_at_file(result, query)
    for row in seen["summary"]:
        owner, *names = row
        assert (owner, *names) == ("owner", "currency", "amount", "allocated")
        costs = [one for one in result["costs"] if all(one[key] == row[key] for key in ("owner", "currency"))]
        for name in names[1:]:
            assert Decimal(repr(row[name])) == sum(Decimal(repr(one[name])) for one in costs)
    assert [list(row) for row in seen["totals"]] == [["currency", "amount", "billed", "adds_up"]] * len(seen["totals"])
    assert (seen["invoices"], seen["reconciliation"]) == (result["invoices"], result["reconciliation"])


def test_rows_that_are_not_the_bill_are_told() -> None:
    query = read_query({"decimals": 2})
    result = answer(read_books(history(1), query), with_bill(query), NOW).result
    result["costs"][0]["amount"] += 0.01
    [wrong] = [row for row in look_at_file(result, query)["totals"] if not row["adds_up"]]
    assert wrong["amount"] == result["costs"][0]["amount"]
    assert wrong["billed"] == pytest.approx(wrong["amount"] - 0.01)
    lost = {**result, "costs": []}
    assert not any(row["adds_up"] for row in look_at_file(lost, query)["totals"])


def test_amounts_with_more_digits_than_a_number_holds_add_up_all_the_same() -> None:
    query = read_query({"group_by": ["period", "label:team"]})
    amounts = [(1 / 11 + place, f"t{place % 7}") for place in range(60)]
    lines = [
        {
            "cluster": {"name": f"c{place}", "labels": {"team": team}},
            "line_items": [{"description": "Compute", "total": {"amount": amount, "currency": "USD"}}],
        }
        for place, (amount, team) in enumerate(amounts)
    ]
    bill = {"period_start": "2026-10-01T00:00:00Z", "status": "FINALIZED", "invoice_items": lines}
    result = answer(read_books([bill], query), with_bill(query), NOW).result
    [total] = look_at_file(result, query)["totals"]
    assert total["amount"] != total["billed"]
    assert total["adds_up"]
    result["costs"][0]["amount"] += 1e-9
    assert not look_at_file(result, query)["totals"][0]["adds_up"]
