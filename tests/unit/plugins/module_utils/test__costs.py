# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Line items, sums, comparison, reconciliation and forecast, on invoices that are small enough to add up by hand."""

from __future__ import annotations

import copy
import datetime
import decimal
import json
import typing as t

import pytest

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils import _costs
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._errors import OptionsError, ResponseError


def line(amount: t.Any, currency: t.Any = "USD", description: str = "Compute", **more: t.Any) -> dict[str, t.Any]:
    return {
        "description": description,
        "quantity": 720.0,
        "quantity_unit": "HOURS",
        "unit_cost": 0.5,
        "total": {"amount": amount, "currency": currency},
        **more,
    }


def item(name: str, lines: list[t.Any], /, **cluster: t.Any) -> dict[str, t.Any]:
    return {
        "cluster": {
            "id": f"id-{name}",
            "name": name,
            "plan": "STANDARD",
            "cloud_provider": "AWS",
            "regions": [{"name": "us-east-1"}],
            "labels": {},
            "parent_id": "root",
            **cluster,
        },
        "totals": [],
        "line_items": lines,
    }


def invoice(month: str, items: list[dict[str, t.Any]], **more: t.Any) -> dict[str, t.Any]:
    year, number = int(month[:4]), int(month[5:])
    end = f"{year + number // 12:04d}-{number % 12 + 1:02d}"
    return {
        "invoice_id": f"inv-{month}",
        "status": "FINALIZED",
        "period_start": f"{month}-01T00:00:00Z",
        "period_end": f"{end}-01T00:00:00Z",
        "totals": [],
        "balances": [],
        "invoice_items": items,
        **more,
    }


def adjustment(name: str, amount: t.Any, currency: str | None = "USD") -> dict[str, t.Any]:
    return {"name": name, "amount": {"amount": amount, "currency": currency}}


FOLDERS = [
    {"resource_id": "f-eng", "resource_type": "FOLDER", "name": "Engineering", "parent_id": "root", "path": []},
    {
        "resource_id": "f-pay",
        "resource_type": "FOLDER",
        "name": "Payments",
        "parent_id": "f-eng",
        "path": [{"id": "f-eng", "name": "Engineering"}],
    },
    {
        "resource_id": "id-orders",
        "resource_type": "CLUSTER",
        "name": "orders",
        "parent_id": "f-pay",
        "path": [{"id": "f-eng", "name": "Engineering"}, {"id": "f-pay", "name": "Payments"}],
    },
]


@pytest.fixture
def october() -> dict[str, t.Any]:
    return invoice(
        "2026-10",
        [
            item(
                "orders",
                [line(0.1), line(0.2, description="Storage", quantity_unit="GIB"), line(0)],
                labels={"team": "payments"},
                regions=[{"name": "us-east-1"}, {"name": "eu-west-1"}],
                parent_id="f-pay",
            ),
            item("search", [line(3, "CRDB_CLOUD_CREDITS")], plan="ADVANCED", cloud_provider="GCP", parent_id="f-pay"),
        ],
        totals=[{"amount": 0.05, "currency": "USD"}, {"amount": 3, "currency": "CRDB_CLOUD_CREDITS"}],
        adjustments=[adjustment("Free credit", -0.25)],
        folder_resources=FOLDERS,
    )


# Line items


def test_line_items_have_the_keys_in_order_and_what_the_invoice_says(october: dict[str, t.Any]) -> None:
    rows = list(_costs.line_items([october]))
    assert [tuple(row) for row in rows] == [_costs.LINE_ITEM_KEYS] * 5
    assert rows[1] == {
        "invoice_id": "inv-2026-10",
        "status": "FINALIZED",
        "period_start": "2026-10-01T00:00:00Z",
        "period_end": "2026-11-01T00:00:00Z",
        "kind": "usage",
        "cluster_id": "id-orders",
        "cluster_name": "orders",
        "plan": "STANDARD",
        "cloud_provider": "AWS",
        "regions": ["us-east-1", "eu-west-1"],
        "folder": "Engineering/Payments",
        "labels": {"team": "payments"},
        "description": "Storage",
        "quantity": 720.0,
        "quantity_unit": "GIB",
        "unit_cost": 0.5,
        "amount": 0.2,
        "currency": "USD",
    }
    assert rows[4] == {
        **dict.fromkeys(_costs.LINE_ITEM_KEYS),
        "invoice_id": "inv-2026-10",
        "status": "FINALIZED",
        "period_start": "2026-10-01T00:00:00Z",
        "period_end": "2026-11-01T00:00:00Z",
        "kind": "adjustment",
        "regions": [],
        "labels": {},
        "description": "Free credit",
        "amount": -0.25,
        "currency": "USD",
    }


def test_lines_of_zero_cost_stay(october: dict[str, t.Any]) -> None:
    assert [row["amount"] for row in _costs.line_items([october])] == [0.1, 0.2, 0.0, 3.0, -0.25]


def test_rows_share_nothing_with_the_invoices_or_each_other(october: dict[str, t.Any]) -> None:
    before = copy.deepcopy(october)
    rows = list(_costs.line_items([october]))
    for row in rows:
        row["labels"]["damaged"] = row["invoice_id"]
        row["regions"].append("damaged")
    assert october == before
    assert rows[0]["regions"] == ["us-east-1", "eu-west-1", "damaged"]


def test_line_items_are_a_stream(october: dict[str, t.Any]) -> None:
    broken = invoice("2026-11", [item("orders", [line("much")])])
    stream = _costs.line_items([october, broken])
    assert next(stream)["invoice_id"] == "inv-2026-10"
    with pytest.raises(ResponseError, match=r"inv-2026-11"):
        list(stream)


@pytest.mark.parametrize(
    ("cluster", "resources", "folder"),
    [
        ({"id": "id-orders", "parent_id": "f-pay"}, FOLDERS, "Engineering/Payments"),
        ({"id": "other", "parent_id": "f-pay"}, FOLDERS, "Engineering/Payments"),
        ({"id": "other", "parent_id": "f-eng"}, FOLDERS, "Engineering"),
        ({"id": "other", "parent_id": "root"}, FOLDERS, None),
        ({"id": "other"}, FOLDERS, None),
        ({"id": "other", "parent_id": "f-gone"}, FOLDERS, None),
        ({"id": "id-orders", "parent_id": "f-pay"}, None, None),
        ({"parent_id": "f-pay"}, [{"resource_id": "f-pay", "name": "Payments"}], "Payments"),
        ({"id": "a"}, [{"resource_id": "a", "parent_id": "f"}, {"resource_id": "f", "name": "F", "path": None}], "F"),
        ({"id": "a"}, [{"resource_id": "a", "path": [{"id": "root", "name": "root"}, {"id": "f"}, {"id": "a"}]}], "f"),
        ({"parent_id": "f"}, [{"resource_id": "f", "name": "F", "path": [{"id": "f", "name": "F"}]}], "F"),
    ],
)
def test_the_folder_is_the_path_from_the_root(cluster: t.Any, resources: t.Any, folder: str | None) -> None:
    october = invoice("2026-10", [{"cluster": cluster, "line_items": [line(1)]}], folder_resources=resources)
    assert [row["folder"] for row in _costs.line_items([october])] == [folder]
    assert _costs.cost_summary([october], ["folder"]) == [{"folder": folder, "currency": "USD", "amount": 1.0}]


# Sums


def test_sums_are_exact_where_floats_are_not() -> None:
    assert 0.1 + 0.2 != 0.3
    tenths = invoice("2026-10", [item("orders", [line(0.1), line(0.2)])])
    assert _costs.totals([tenths]) == [{"currency": "USD", "amount": 0.3}]
    far_apart = invoice("2026-10", [item("orders", [line(1e16), line(0.1), line(-1e16), line(0.2)])])
    assert _costs.totals([far_apart]) == [{"currency": "USD", "amount": 0.3}]
    extremes = invoice("2026-10", [item("orders", [line(1.7e308), line(5e-324), line(-1.7e308)])])
    assert _costs.totals([extremes]) == [{"currency": "USD", "amount": 5e-324}]


@pytest.mark.parametrize(
    ("group_by", "expected"),
    [
        (["period"], [("2026-10", 0.05, "USD"), ("2026-10", 3.0, "CRDB_CLOUD_CREDITS")]),
        (["invoice"], [("inv-2026-10", 0.05, "USD"), ("inv-2026-10", 3.0, "CRDB_CLOUD_CREDITS")]),
        (["status"], [("FINALIZED", 0.05, "USD"), ("FINALIZED", 3.0, "CRDB_CLOUD_CREDITS")]),
        (["cluster"], [("orders", 0.3, "USD"), ("search", 3.0, "CRDB_CLOUD_CREDITS"), (None, -0.25, "USD")]),
        (["cluster_id"], [("id-orders", 0.3, "USD"), ("id-search", 3.0, "CRDB_CLOUD_CREDITS"), (None, -0.25, "USD")]),
        (["plan"], [("ADVANCED", 3.0, "CRDB_CLOUD_CREDITS"), ("STANDARD", 0.3, "USD"), (None, -0.25, "USD")]),
        (["cloud_provider"], [("AWS", 0.3, "USD"), ("GCP", 3.0, "CRDB_CLOUD_CREDITS"), (None, -0.25, "USD")]),
        (
            ["region"],
            [("us-east-1", 3.0, "CRDB_CLOUD_CREDITS"), ("us-east-1, eu-west-1", 0.3, "USD"), (None, -0.25, "USD")],
        ),
        (
            ["folder"],
            [
                ("Engineering/Payments", 3.0, "CRDB_CLOUD_CREDITS"),
                ("Engineering/Payments", 0.3, "USD"),
                (None, -0.25, "USD"),
            ],
        ),
        (
            ["label:team"],
            [("payments", 0.3, "USD"), (None, 3.0, "CRDB_CLOUD_CREDITS"), (None, -0.25, "USD")],
        ),
        (
            ["description"],
            [
                ("Compute", 3.0, "CRDB_CLOUD_CREDITS"),
                ("Compute", 0.1, "USD"),
                ("Free credit", -0.25, "USD"),
                ("Storage", 0.2, "USD"),
            ],
        ),
        (
            ["unit"],
            [("GIB", 0.2, "USD"), ("HOURS", 3.0, "CRDB_CLOUD_CREDITS"), ("HOURS", 0.1, "USD"), (None, -0.25, "USD")],
        ),
        (["kind"], [("adjustment", -0.25, "USD"), ("usage", 3.0, "CRDB_CLOUD_CREDITS"), ("usage", 0.3, "USD")]),
    ],
)
def test_every_group_adds_up(october: dict[str, t.Any], group_by: list[str], expected: list[t.Any]) -> None:
    rows = _costs.cost_summary([october], group_by)
    assert all(list(row) == [*group_by, "currency", "amount"] for row in rows)
    assert sorted(map(repr, [(row[group_by[0]], row["amount"], row["currency"]) for row in rows])) == sorted(
        map(repr, expected)
    )


def test_rows_are_sorted_by_groups_with_null_last_then_currency(october: dict[str, t.Any]) -> None:
    rows = _costs.cost_summary([october], ["label:team", "unit"])
    assert [tuple(row.values()) for row in rows] == [
        ("payments", "GIB", "USD", 0.2),
        ("payments", "HOURS", "USD", 0.1),
        (None, "HOURS", "CRDB_CLOUD_CREDITS", 3.0),
        (None, None, "USD", -0.25),
    ]


def test_a_group_between_groups_of_lines_keeps_its_place(october: dict[str, t.Any]) -> None:
    rows = _costs.cost_summary([october], ["description", "cluster", "unit"])
    assert {"description": "Storage", "cluster": "orders", "unit": "GIB", "currency": "USD", "amount": 0.2} in rows


def test_no_group_gives_a_row_for_each_currency(october: dict[str, t.Any]) -> None:
    assert _costs.cost_summary([october], []) == _costs.totals([october])


def test_folder_labels_are_not_labels_of_the_cluster() -> None:
    resources = [{"resource_id": "f", "name": "F", "labels": {"team": "platform"}, "path": []}]
    october = invoice("2026-10", [item("orders", [line(1)], parent_id="f")], folder_resources=resources)
    assert _costs.cost_summary([october], ["label:team"]) == [{"label:team": None, "currency": "USD", "amount": 1.0}]


def test_a_period_counts_in_utc() -> None:
    late = invoice("2026-10", [item("orders", [line(1)])], period_start="2026-09-30T22:00:00.000-02:00")
    assert _costs.cost_summary([late]) == [{"period": "2026-10", "currency": "USD", "amount": 1.0}]


def test_missing_amount_is_zero_and_missing_currency_null() -> None:
    odd = invoice("2026-10", [item("orders", [line(1), {"description": "x", "total": {}}, {"description": "y"}])])
    assert _costs.totals([odd]) == [{"currency": "USD", "amount": 1.0}, {"currency": None, "amount": 0.0}]


def test_nothing_leaves_as_a_negative_zero() -> None:
    zero = invoice(
        "2026-10",
        [item("orders", [line(-0.0)])],
        totals=[{"amount": -0.0, "currency": "USD"}],
        adjustments=[adjustment("a", -0.0)],
        status="DRAFT",
    )
    now = datetime.datetime(2026, 10, 16, tzinfo=datetime.timezone.utc)
    tiny = invoice("2026-10", [item("orders", [line(-5e-324, "CRDB_CLOUD_CREDITS")])])
    shown = json.dumps(
        [
            list(_costs.line_items([zero])),
            _costs.analyse([zero], group_by=["period"], compare="previous", now=now),
            _costs.totals([tiny], credit_rate=0.1),
        ]
    )
    assert "-0.0" not in shown
    assert "0.0" in shown


# Credits


def test_credits_stay_currencies_of_their_own_and_apart() -> None:
    october = invoice(
        "2026-10",
        [item("orders", [line(1), line(2, "CRDB_CLOUD_CREDITS"), line(4, "COCKROACH_CREDITS"), line(8, "DOUBLOON")])],
    )
    assert [tuple(row.values()) for row in _costs.totals([october])] == [
        ("COCKROACH_CREDITS", 4.0),
        ("CRDB_CLOUD_CREDITS", 2.0),
        ("DOUBLOON", 8.0),
        ("USD", 1.0),
    ]
    assert [tuple(row.values()) for row in _costs.totals([october], credit_rate=0.95)] == [
        ("DOUBLOON", 8.0),
        ("USD", 6.7),
    ]


def test_the_rate_multiplies_exactly() -> None:
    october = invoice("2026-10", [item("orders", [line(0.1, "CRDB_CLOUD_CREDITS")] * 3)])
    assert 0.1 * 3 * 1.1 != 0.33
    for rate in (1.1, "1.1", decimal.Decimal("1.1")):
        assert _costs.totals([october], credit_rate=rate) == [{"currency": "USD", "amount": 0.33}]


@pytest.mark.parametrize("rate", [True, "free", "", -1, -0.01, float("nan"), float("inf"), "NaN", "1e999", [1], b"1"])
def test_a_rate_that_is_none_is_refused(rate: t.Any) -> None:
    with pytest.raises(OptionsError, match=r"^credit_rate: .*such as 0\.95"):
        _costs.check_credit_rate(rate)
    with pytest.raises(OptionsError, match=r"^credit_rate: "):
        _costs.cost_summary([], credit_rate=rate)


def test_a_rate_of_zero_or_none_is_fine() -> None:
    assert _costs.check_credit_rate(0) == 0
    assert _costs.check_credit_rate(None) is None


# Groups and comparison


@pytest.mark.parametrize(
    ("group_by", "text"),
    [
        (["team"], "'team' is unknown. Write period, invoice, .*, or label:<name>"),
        (["label:"], "names no label. Write 'label:team'"),
        (["label: team"], "names no label. Write 'label:team'"),
        ([{"label": "team"}], "write 'label:team' without a space"),
        (["period", "cluster", "period"], "'period' is there twice"),
        ([1], "1 is no text"),
        ([None], "None is no text"),
        (7, "a list is needed"),
        (None, "a list is needed"),
        ({"period": 1}, "a list is needed"),
        ("", "'' is unknown"),
    ],
)
def test_groups_that_are_none_are_refused(group_by: t.Any, text: str) -> None:
    with pytest.raises(OptionsError, match=f"^group_by: .*{text}"):
        _costs.cost_summary([], group_by)


def test_groups_as_one_text_are_split() -> None:
    assert _costs.check_group_by("period, label:cost center") == ["period", "label:cost center"]


def test_compare_gives_the_month_before() -> None:
    months = [
        invoice("2026-08", [item("orders", [line(10)]), item("legacy", [line(4)])]),
        invoice("2026-09", [item("orders", [line(15)]), item("search", [line(0)])]),
        invoice("2026-10", [item("orders", [line(10)]), item("search", [line(5)])]),
    ]
    rows = _costs.cost_summary(months, ["period", "cluster"], compare="previous")
    assert [tuple(row.values()) for row in rows] == [
        ("2026-08", "legacy", "USD", 4.0, None, None, None),
        ("2026-08", "orders", "USD", 10.0, None, None, None),
        ("2026-09", "legacy", "USD", 0.0, 4.0, -4.0, -100.0),
        ("2026-09", "orders", "USD", 15.0, 10.0, 5.0, 50.0),
        ("2026-09", "search", "USD", 0.0, None, None, None),
        ("2026-10", "orders", "USD", 10.0, 15.0, -5.0, -33.333333333333336),
        ("2026-10", "search", "USD", 5.0, 0.0, 5.0, None),
    ]
    assert list(rows[0]) == ["period", "cluster", "currency", "amount", "previous", "change", "change_percent"]


def test_compare_does_not_reach_over_a_gap_and_does_over_new_year() -> None:
    months = [invoice(month, [item("orders", [line(10)])]) for month in ("2026-08", "2026-10", "2026-12", "2027-01")]
    rows = _costs.cost_summary(months, compare="previous")
    assert [(row["period"], row["previous"]) for row in rows] == [
        ("2026-08", None),
        ("2026-10", None),
        ("2026-12", None),
        ("2027-01", 10.0),
    ]


def test_compare_counts_a_month_that_was_invoiced_without_costs() -> None:
    months = [invoice("2026-09", [item("orders", [line(10)])]), invoice("2026-10", [])]
    assert [tuple(row.values()) for row in _costs.cost_summary(months, compare="previous")] == [
        ("2026-09", "USD", 10.0, None, None, None),
        ("2026-10", "USD", 0.0, 10.0, -10.0, -100.0),
    ]


def test_the_sign_of_the_percentage_is_that_of_the_change() -> None:
    months = [invoice("2026-09", [item("orders", [line(-10)])]), invoice("2026-10", [item("orders", [line(-5)])])]
    last = _costs.cost_summary(months, compare="previous")[-1]
    assert (last["change"], last["change_percent"]) == (5.0, 50.0)


def test_a_percentage_that_no_number_can_hold_is_none() -> None:
    """Next to nothing is as nothing: the change still stands, and the costs are not lost over it."""
    months = [invoice("2026-09", [item("orders", [line(1e-309)])]), invoice("2026-10", [item("orders", [line(10)])])]
    last = _costs.cost_summary(months, compare="previous")[-1]
    assert (last["previous"], last["change"], last["change_percent"]) == (1e-309, 10.0, None)


def test_earlier_invoices_count_as_previous_alone() -> None:
    earlier = invoice("2026-09", [item("orders", [line(8)]), item("legacy", [line(2)])])
    october = invoice("2026-10", [item("orders", [line(10)])])
    answer = _costs.analyse([october], group_by=["period", "cluster"], compare="previous", before=[earlier])
    assert [tuple(row.values()) for row in answer["costs"]] == [
        ("2026-10", "legacy", "USD", 0.0, 2.0, -2.0, -100.0),
        ("2026-10", "orders", "USD", 10.0, 8.0, 2.0, 25.0),
    ]
    assert answer["totals"] == [{"currency": "USD", "amount": 10.0}]
    assert [row["invoice_id"] for row in answer["reconciliation"]] == ["inv-2026-10"]


def test_compare_without_periods_or_with_another_word_is_refused() -> None:
    with pytest.raises(OptionsError, match=r"Add 'period' to group_by"):
        _costs.cost_summary([], ["cluster"], compare="previous")
    with pytest.raises(OptionsError, match=r"compare: 'year' is unknown. Write 'previous'"):
        _costs.cost_summary([], ["period"], compare="year")


# Reconciliation and forecast


def test_reconcile_sets_the_stated_total_against_the_parts(october: dict[str, t.Any]) -> None:
    without = invoice(
        "2026-09",
        [item("orders", [line(5)])],
        totals=[{"amount": 5, "currency": "USD"}],
        adjustments=[adjustment("Free credit", -1)],
    )
    keys = ["invoice_id", "period", "currency", "total", "lines", "adjustments", "difference"]
    rows = _costs.reconcile([october, without])
    assert all(list(row) == keys for row in rows)
    assert [tuple(row.values()) for row in rows] == [
        ("inv-2026-09", "2026-09", "USD", 5.0, 5.0, -1.0, 1.0),
        ("inv-2026-10", "2026-10", "CRDB_CLOUD_CREDITS", 3.0, 3.0, 0.0, 0.0),
        ("inv-2026-10", "2026-10", "USD", 0.05, 0.3, -0.25, 0.0),
    ]


def test_reconcile_shows_a_currency_that_only_one_side_has() -> None:
    odd = invoice("2026-10", [item("orders", [line(2, "EUR")])], totals=[{"amount": 3, "currency": "USD"}])
    assert [(row["currency"], row["difference"]) for row in _costs.reconcile([odd])] == [("EUR", -2.0), ("USD", 3.0)]


NOON = datetime.datetime(2026, 9, 10, 12, tzinfo=datetime.timezone.utc)


def test_forecast_runs_the_rate_to_the_end_of_the_month() -> None:
    draft = invoice("2026-09", [], status="DRAFT", totals=[{"amount": 95, "currency": "USD"}])
    final = invoice("2026-08", [], totals=[{"amount": 1, "currency": "USD"}])
    rows = _costs.forecast([final, draft], NOON)
    assert rows == [
        {
            "invoice_id": "inv-2026-09",
            "period": "2026-09",
            "currency": "USD",
            "spent": 95.0,
            "elapsed": 9.5 / 30,
            "projected": 300.0,
        }
    ]
    assert list(rows[0]) == ["invoice_id", "period", "currency", "spent", "elapsed", "projected"]


@pytest.mark.parametrize(
    ("now", "elapsed", "projected"),
    [
        (datetime.datetime(2026, 8, 1, tzinfo=datetime.timezone.utc), 0.0, None),
        (datetime.datetime(2026, 9, 1, tzinfo=datetime.timezone.utc), 0.0, None),
        (datetime.datetime(2026, 10, 1, tzinfo=datetime.timezone.utc), 1.0, 95.0),
        (datetime.datetime(2026, 10, 3, tzinfo=datetime.timezone.utc), 1.0, 95.0),
        (datetime.datetime(2026, 9, 16, 2, tzinfo=datetime.timezone(datetime.timedelta(hours=2))), 0.5, 190.0),
    ],
)
def test_elapsed_stays_between_0_and_1(now: datetime.datetime, elapsed: float, projected: float | None) -> None:
    draft = invoice("2026-09", [], status="DRAFT", totals=[{"amount": 95, "currency": "USD"}])
    assert [(row["elapsed"], row["projected"]) for row in _costs.forecast([draft], now)] == [(elapsed, projected)]


def test_forecast_of_a_draft_without_stated_totals_takes_its_parts() -> None:
    draft = invoice("2026-09", [item("a", [line(1)])], status="DRAFT", adjustments=[adjustment("Support", 2)])
    assert [row["spent"] for row in _costs.forecast([draft], NOON)] == [3.0]


def test_forecast_needs_no_line_items() -> None:
    draft = invoice("2026-09", [], status="DRAFT", totals=[{"amount": 95, "currency": "USD"}])
    clusters = copy.deepcopy(draft)
    clusters["invoice_items"] = [{"cluster": {"id": "a"}, "totals": [{"amount": 95, "currency": "USD"}]}]
    del draft["invoice_items"]
    assert [row["spent"] for row in _costs.forecast([draft, clusters], NOON)] == [95.0, 95.0]


def test_forecast_of_a_draft_without_a_period_projects_nothing() -> None:
    draft = invoice("2026-09", [], status="DRAFT", totals=[{"amount": 95, "currency": "USD"}], period_end=None)
    assert [(row["elapsed"], row["projected"]) for row in _costs.forecast([draft], NOON)] == [(None, None)]
    draft["period_end"] = draft["period_start"]
    assert [(row["elapsed"], row["projected"]) for row in _costs.forecast([draft], NOON)] == [(None, None)]
    draft["period_end"] = "soon"
    with pytest.raises(ResponseError, match=r"inv-2026-09 .* period_end is 'soon'"):
        _costs.forecast([draft], NOON)


def test_analyse_answers_the_same_as_each_function(october: dict[str, t.Any]) -> None:
    draft = invoice("2026-11", [item("orders", [line(7)])], status="DRAFT", totals=[{"amount": 7, "currency": "USD"}])
    invoices = [october, draft]
    now = datetime.datetime(2026, 11, 10, tzinfo=datetime.timezone.utc)
    answer = _costs.analyse(invoices, group_by=["period"], credit_rate=2, compare="previous", now=now)
    assert answer == {
        "costs": _costs.cost_summary(invoices, ["period"], credit_rate=2, compare="previous"),
        "totals": _costs.totals(invoices, credit_rate=2),
        "reconciliation": _costs.reconcile(invoices),
        "forecast": _costs.forecast(invoices, now),
    }
    assert answer["forecast"]
    assert _costs.analyse(invoices)["forecast"] == []


# What is no list of invoices


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("inv-1", "this is text"),
        (b"inv-1", "this is text"),
        (None, r"this is nothing \(null\)"),
        (7, "this is one value"),
        ({"invoices": [], "changed": False}, "registered result: pass its 'invoices'"),
        ({"invoice_id": "inv-1"}, "Put a single invoice into a list"),
        ({}, "this is a dictionary"),
        (["inv-1"], "entry 1 of this list is no invoice: str"),
        ([{"invoice_id": "inv-1"}, None], "entry 2 of this list is no invoice: NoneType"),
        ([{"results": []}], "entry 1 of this list is no invoice: a dictionary without 'invoice_id'"),
        ([[]], "entry 1 of this list is no invoice: list"),
    ],
)
def test_anything_but_invoices_is_one_clear_error(value: t.Any, text: str) -> None:
    for function in (_costs.line_items, _costs.cost_summary, _costs.totals, _costs.reconcile):
        with pytest.raises(OptionsError, match=f"^A list of invoices is needed.*{text}"):
            function(value)
    with pytest.raises(OptionsError, match=f"^A list of invoices is needed.*{text}"):
        _costs.forecast(value, NOON)


def test_no_invoice_gives_no_row() -> None:
    nothing: tuple[t.Any, ...] = ([], (), iter(()))
    for empty in nothing:
        assert list(_costs.line_items(empty)) == []
    assert _costs.analyse([], now=NOON) == {"costs": [], "totals": [], "reconciliation": [], "forecast": []}


def test_an_iterator_over_invoices_is_fine(october: dict[str, t.Any]) -> None:
    assert _costs.totals(entry for entry in [october]) == _costs.totals([october])


def test_trimmed_invoices_are_refused_where_line_items_are_needed(october: dict[str, t.Any]) -> None:
    totals = {key: value for key, value in october.items() if key not in ("invoice_items", "folder_resources")}
    clusters = {
        **october,
        "invoice_items": [{"cluster": {"id": "a"}, "totals": [{"amount": 3, "currency": "CRDB_CLOUD_CREDITS"}]}],
    }
    for trimmed, missing, detail in ((totals, "invoice_items", "totals"), (clusters, "line_items", "clusters")):
        text = f"Invoice inv-2026-10 states costs but has no {missing}, as with 'detail: {detail}'.*'detail: full'"
        for function in (_costs.cost_summary, _costs.totals, _costs.reconcile):
            with pytest.raises(OptionsError, match=text):
                function([trimmed])
        with pytest.raises(OptionsError, match=text):
            list(_costs.line_items([trimmed]))


def test_an_invoice_without_costs_may_leave_its_lists_out() -> None:
    bare = {"invoice_id": "inv-1", "totals": [{"amount": 0, "currency": "USD"}], "adjustments": None}
    assert list(_costs.line_items([bare])) == []
    support = {**bare, "totals": [{"amount": 5, "currency": "USD"}], "adjustments": [adjustment("Support", 5)]}
    assert _costs.cost_summary([support]) == [{"period": None, "currency": "USD", "amount": 5.0}]
    idle = invoice("2026-10", [{"cluster": {"id": "a"}, "totals": [{"amount": 0.0, "currency": "USD"}]}])
    assert _costs.cost_summary([idle]) == []


# Broken shapes


def _broken(**more: t.Any) -> list[dict[str, t.Any]]:
    return [{**invoice("2026-10", [item("orders", [line(1)])]), **more}]


@pytest.mark.parametrize(
    ("invoices", "text"),
    [
        (
            _broken(invoice_items=[item("a", [line("12")])]),
            "the amount of the total of a line item is '12', not a number",
        ),
        (_broken(invoice_items=[item("a", [line(True)])]), "is True, not a number"),
        (_broken(invoice_items=[item("a", [line(float("nan"))])]), "is nan, not a finite number"),
        (_broken(invoice_items=[item("a", [line(float("-inf"))])]), "is -inf, not a finite number"),
        (_broken(invoice_items=[item("a", [line(10**400)])]), "not a finite number"),
        (_broken(invoice_items=[item("a", [line(1, 840)])]), "the currency of .* is 840, not text"),
        (_broken(invoice_items=[item("a", [line(1, total=1)])]), "the total of a line item is 1, not an amount"),
        (_broken(invoice_items=[item("a", ["x"])]), "an entry of line_items is 'x', not an object"),
        (_broken(invoice_items={"a": 1}), "invoice_items is {'a': 1}, not a list"),
        (_broken(invoice_items="x" * 100), r"invoice_items is 'x{56}\.\.\., not a list"),
        (_broken(invoice_items=[None]), "an entry of invoice_items is None, not an object"),
        (_broken(invoice_items=[{"cluster": "a", "line_items": [line(1)]}]), "a cluster is 'a', not an object"),
        (_broken(adjustments=[{"name": "x", "amount": -5}]), "an adjustment is -5, not an amount"),
        (_broken(adjustments=[{"name": 5}]), "the name of an adjustment is 5, not text"),
        (_broken(totals=[{"amount": "1"}]), "the amount of an entry of totals is '1', not a number"),
        (_broken(period_start="October"), "period_start is 'October', not an RFC 3339 time"),
        (_broken(period_start=datetime.date(2026, 10, 1)), r"period_start is datetime.date\(2026, 10, 1\), not text"),
        (_broken(status=1), "status is 1, not text"),
    ],
)
def test_a_value_of_the_wrong_type_is_one_error_that_names_the_invoice(invoices: t.Any, text: str) -> None:
    with pytest.raises(ResponseError, match=f"^Invoice inv-2026-10 is not what the API .*: .*{text}"):
        _costs.analyse(invoices)


@pytest.mark.parametrize(
    ("cluster", "group", "text"),
    [
        ({"name": 5}, "cluster", "the name of a cluster is 5"),
        ({"id": 5}, "cluster_id", "the id of a cluster is 5"),
        ({"regions": "us-east-1"}, "region", "the regions of a cluster is 'us-east-1', not a list"),
        ({"regions": [{"name": 1}]}, "region", "the name of a region is 1"),
        ({"labels": ["team"]}, "label:team", r"the labels of a cluster is \['team'\], not an object"),
        ({"labels": {"team": 1}}, "label:team", "the label:team of a cluster is 1, not text"),
        ({"parent_id": 1}, "folder", "the parent_id of a cluster is 1"),
    ],
)
def test_broken_clusters_are_one_error(cluster: t.Any, group: str, text: str) -> None:
    with pytest.raises(ResponseError, match=f"^Invoice inv-2026-10 .*{text}"):
        _costs.cost_summary([invoice("2026-10", [item("orders", [line(1)], **cluster)])], [group])


def test_errors_stay_short_whatever_they_show() -> None:
    assert _costs.shown("x" * 1000) == f"'{'x' * 56}..."
    # From 3.11 on Python refuses to write a number of that many digits.
    assert len(_costs.shown(10**5000)) <= 60
    with pytest.raises(OptionsError, match=r"^credit_rate: .{1,200}$"):
        _costs.check_credit_rate(10**5000)


def test_an_invoice_without_a_period_is_compared_with_nothing() -> None:
    nameless = invoice("2026-10", [item("orders", [line(1)])], period_start=None)
    assert [tuple(row.values()) for row in _costs.cost_summary([nameless], compare="previous")] == [
        (None, "USD", 1.0, None, None, None)
    ]


def test_an_invoice_without_an_id_is_named_as_such() -> None:
    with pytest.raises(ResponseError, match=r"^An invoice without an id is not what"):
        _costs.totals([{"invoice_id": 5}])


def test_sums_past_every_double_are_an_error() -> None:
    with pytest.raises(ResponseError, match=r"more than a number can hold"):
        _costs.totals([invoice("2026-10", [item("orders", [line(1.7e308), line(1.7e308)])])])


def test_null_is_empty_everywhere() -> None:
    nothing = dict.fromkeys(invoice("2026-10", []))
    assert _costs.analyse([nothing], group_by=[*_costs.GROUPS, "label:team"], now=NOON) == {
        "costs": [],
        "totals": [],
        "reconciliation": [],
        "forecast": [],
    }
    bare = {"invoice_id": "inv-1", "invoice_items": [{"cluster": None, "line_items": [{}]}], "adjustments": [{}]}
    assert _costs.cost_summary([bare], ["period", "cluster", "label:team", "folder", "region", "unit", "kind"]) == [
        {
            "period": None,
            "cluster": None,
            "label:team": None,
            "folder": None,
            "region": None,
            "unit": None,
            "kind": kind,
            "currency": None,
            "amount": 0.0,
        }
        for kind in ("adjustment", "usage")
    ]
    assert len(list(_costs.line_items([bare]))) == 2
