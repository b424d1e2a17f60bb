# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The four filters, called as Ansible's own templating calls them and with the data that it hands out."""

from __future__ import annotations

import contextlib
import importlib
import json
import pathlib
import typing as t

import pytest
from ansible.errors import AnsibleFilterError
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible.utils.unsafe_proxy import wrap_var

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils import _focus, _lines
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._invoices import trim
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._owners import read_owners
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._ask import ask, at, costs
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._data import (
    adjustment,
    bill,
    draft,
    item,
    money,
)
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._run import time_at

PLUGINS = "ansible_collections.cockroachdb_cloud.billing.plugins"
NAMES = ("cost_summary", "focus_rows", "line_items", "reconcile")

INVOICES: list[dict[str, t.Any]] = [
    bill(
        month,
        item("{{ 6 * 7 }}", amount, id="c-1", labels={"team": "{{ 1 / 0 }}"}, parent_id="f-1"),
        adjustments=[adjustment(-0.05)],
        folder_resources=[{"resource_id": "f-1", "name": "F", "path": [], "organization_id": "o", "labels": {}}],
    )
    for month, amount in (("2026-10", 0.1), ("2026-11", 0.3))
]


def as_ansible_loads(data: t.Any) -> t.Any:
    """Return data in the subclasses of str, list and dict that ansible-core makes of YAML."""
    return DataLoader().load(f"---\n{json.dumps(data)}\n# YAML, since plain JSON would stay plain")


def template(expression: str, **variables: t.Any) -> t.Any:
    """Template an expression as that of a playbook, which is trusted where ansible-core knows of trust."""
    try:
        from ansible.template import trust_as_template
    except ImportError:
        trusted = expression
    else:
        trusted = trust_as_template(expression)
    return Templar(loader=DataLoader(), variables=variables).template(trusted)


def filter_of(name: str) -> t.Callable[..., t.Any]:
    filters: dict[str, t.Callable[..., t.Any]] = (
        importlib.import_module(f"{PLUGINS}.filter.{name}").FilterModule().filters()
    )
    return filters[name]


def kinds(value: t.Any) -> set[type]:
    """Return the types of everything in nested data."""
    inside = [*value, *value.values()] if isinstance(value, dict) else value if isinstance(value, list) else []
    return {type(value)}.union(*map(kinds, inside))


PLAIN = {dict, list, str, float, bool, type(None)}

OWNERS = [{"owner": "all", "kind": ["usage"]}, {"from": "label:team", "lower": True}]
ACCOUNT: dict[str, t.Any] = {"billing_account_id": "a", "billing_account_name": "b", "invoice_issuer": "c"}
CALLS: list[tuple[str, dict[str, t.Any], list[dict[str, t.Any]]]] = [
    ("line_items", {}, list(_lines.line_items(INVOICES))),
    ("line_items", {"owners": OWNERS}, list(_lines.line_items(INVOICES, read_owners(OWNERS)))),
    (
        "cost_summary",
        {"group_by": ["owner", "kind"], "owners": OWNERS, "allocate": "fixed", "weights": {"all": 1}, "decimals": 1},
        costs(INVOICES, ["owner", "kind"], owners=OWNERS, allocate="fixed", weights={"all": 1}, decimals=1),
    ),
    (
        "focus_rows",
        {"version": "1.2", "owners": OWNERS},
        list(_focus.focus_rows(INVOICES, "1.2", owners=read_owners(OWNERS))),
    ),
    ("reconcile", {}, ask(INVOICES).result["reconciliation"]),
    ("cost_summary", {}, costs(INVOICES)),
    (
        "cost_summary",
        {"group_by": ["period", "cluster", "label:team"], "credit_rate": 0.5, "compare": "previous"},
        costs(INVOICES, ["period", "cluster", "label:team"], credit_rate=0.5, compare="previous"),
    ),
    ("focus_rows", {"version": "1.2"}, list(_focus.focus_rows(INVOICES, "1.2"))),
    ("focus_rows", {"version": 1.4, **ACCOUNT}, list(_focus.focus_rows(INVOICES, "1.4", **ACCOUNT))),
    ("focus_rows", {"version": "1.2", "credit_rate": 1}, list(_focus.focus_rows(INVOICES, "1.2", credit_rate=1))),
]


@pytest.mark.parametrize(("name", "options", "expected"), CALLS)
def test_what_ansible_loads_gives_plain_data(
    name: str, options: dict[str, t.Any], expected: list[dict[str, t.Any]]
) -> None:
    loaded = as_ansible_loads(INVOICES)
    assert not kinds(loaded) <= PLAIN
    rows = filter_of(name)(loaded, **as_ansible_loads(options))
    assert rows == expected
    assert len(rows) >= 2
    assert kinds(rows) <= PLAIN


@pytest.mark.parametrize(("name", "options", "expected"), CALLS)
def test_a_template_gives_the_same(name: str, options: dict[str, t.Any], expected: list[dict[str, t.Any]]) -> None:
    arguments = ", ".join(f"{option}={value!r}" for option, value in options.items())
    expression = f"{{{{ result.invoices | cockroachdb_cloud.billing.{name}({arguments}) }}}}"
    # Names with braces come from outside: they are text, whatever they look like.
    assert template(expression, result={"invoices": wrap_var(INVOICES)}) == expected


def test_filters_work_on_selected_invoices() -> None:
    expression = (
        "{{ invoices | selectattr('invoice_id', 'equalto', 'inv-2026-10') "
        "| cockroachdb_cloud.billing.cost_summary('cluster') | map(attribute='amount') }}"
    )
    assert template(expression, invoices=wrap_var(INVOICES)) == [0.1, -0.05]


@pytest.mark.parametrize(
    ("call", "text"),
    [
        ("line_items", "A list of invoices is needed, and this is a dictionary. It looks like a registered result"),
        ("reconcile", "pass its 'invoices'"),
        ("cost_summary(['period'])", "pass its 'invoices'"),
        ("focus_rows('1.2')", "pass its 'invoices'"),
    ],
)
def test_a_whole_result_is_refused_with_a_hint(call: str, text: str) -> None:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - templating wraps the error differently in each version
        template(f"{{{{ result | cockroachdb_cloud.billing.{call} }}}}", result={"invoices": []})
    assert text in f"{caught.value}"


@pytest.mark.parametrize(
    ("name", "arguments", "options", "text"),
    [
        ("line_items", [[{"invoice_id": "a", "adjustments": 1}]], {}, "Invoice a .*adjustments is 1, not a list"),
        ("cost_summary", [[], ["team"]], {}, "group_by: 'team' is unknown"),
        ("cost_summary", [[*INVOICES, INVOICES[0]]], {}, "The invoice 'inv-2026-10' is in this list 2 times"),
        ("line_items", [[*INVOICES, INVOICES[0]]], {}, "The invoice 'inv-2026-10' is in this list 2 times"),
        ("reconcile", [[*INVOICES, INVOICES[0]]], {}, "The invoice 'inv-2026-10' is in this list 2 times"),
        ("focus_rows", [[], "2.0"], {}, "version: "),
        ("focus_rows", [[{"invoice_id": "a"}], "1.2"], {}, "'billing_account_id'"),
    ],
)
def test_errors_are_filter_errors_with_the_same_text(
    name: str, arguments: list[t.Any], options: dict[str, t.Any], text: str
) -> None:
    with pytest.raises(AnsibleFilterError, match=text):
        filter_of(name)(*arguments, **options)


@pytest.fixture
def displayed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the list to which every warning that Ansible displays is added."""
    from ansible.utils.display import Display

    said: list[str] = []
    monkeypatch.setattr(Display, "warning", lambda _display, text, *_args, **_kwargs: said.append(text))
    return said


@pytest.mark.parametrize(
    ("invoices", "options", "text"),
    [
        (INVOICES, {"group_by": ["label:tema"]}, "No cluster has the label 'tema'. The labels are team."),
        ([], {"group_by": ["label:tema"]}, "No cluster has the label 'tema'. No cluster has any label."),
        (
            [bill("2026-10", totals=[money(10000)], invoice_items=[])],
            {},
            "Not every invoice adds up, and the larger amount counts: inv-2026-10 (2026-10) states 10,000.00 USD, and "
            "its line items come to 0.00, its adjustments to 0.00.",
        ),
    ],
)
def test_what_looks_wrong_is_displayed(
    invoices: t.Any, options: dict[str, t.Any], text: str, displayed: list[str]
) -> None:
    filter_of("cost_summary")(invoices, **options)
    assert displayed == [text]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("detail", ["totals", "clusters"])
def test_invoices_that_were_trimmed_are_a_warning(name: str, detail: str, displayed: list[str]) -> None:
    one = item("a", 10)
    whole = bill("2026-10", invoice_items=[{**one, "totals": [money(10)]}], totals=[money(10)])
    options = {"version": "1.2", "billing_account_id": "org"} if name == "focus_rows" else {}
    filter_of(name)([whole], **options)
    assert displayed == []
    filter_of(name)([trim(whole, detail)], **options)
    assert displayed[0].startswith(f"{name}: an invoice states totals without line items. ")
    assert "detail=full" in displayed[0]


@pytest.mark.parametrize(("name", "arguments"), [("line_items", []), ("focus_rows", ["1.2"])], ids=str)
def test_a_misspelt_label_of_a_rule_is_displayed(name: str, arguments: list[str], displayed: list[str]) -> None:
    options = {"owners": [{"from": "label:tema"}], **({"billing_account_id": "org"} if arguments else {})}
    filter_of(name)(INVOICES, *arguments, **options)
    assert displayed == ["No cluster has the label 'tema'. The labels are team."]


def test_what_is_in_order_warns_of_nothing(displayed: list[str]) -> None:
    for name, options, _expected in CALLS:
        filter_of(name)(INVOICES, **options)
    assert displayed == []


@pytest.mark.parametrize(
    "invoice",
    [
        {"invoice_id": "a"},
        {"invoice_id": "a", "totals": []},
        {"invoice_id": "a", "invoice_items": [{"cluster": {"id": "c"}}]},
        {"invoice_id": "a", "invoice_items": [{"cluster": {"id": "c"}, "totals": []}]},
    ],
)
def test_what_states_no_totals_was_not_trimmed(invoice: dict[str, t.Any], displayed: list[str]) -> None:
    filter_of("reconcile")([invoice])
    assert displayed == []


@pytest.mark.parametrize("items", [None, "x", 7, ["x"], [None]])
def test_items_that_are_none_are_what_the_filter_says_of_them(items: t.Any, displayed: list[str]) -> None:
    expected = contextlib.nullcontext() if items is None else pytest.raises(AnsibleFilterError, match="invoice_items")
    with expected:
        filter_of("reconcile")([{"invoice_id": "a", "invoice_items": items}])
    assert displayed == []


def test_a_month_that_is_not_over_is_compared_at_its_projection() -> None:
    invoices = [bill("2026-10", item("a", 60)), draft("2026-11", item("a", 15), adjustments=[adjustment(-9)])]
    with time_at(at("2026-11-11"), "filter.cost_summary"):
        rows = filter_of("cost_summary")(invoices, compare="previous")
    assert rows[1] == {
        "period": "2026-11",
        "currency": "USD",
        "amount": 6.0,
        "projected": 36.0,
        "previous": 60.0,
        "change": -24.0,
        "change_percent": -40.0,
    }


def test_every_file_has_the_filter_of_its_name() -> None:
    folder = pathlib.Path(_lines.__file__).parents[1] / "filter"
    assert sorted(path.stem for path in folder.glob("*.py") if path.stem != "__init__") == sorted(NAMES)
    for name in NAMES:
        assert list(importlib.import_module(f"{PLUGINS}.filter.{name}").FilterModule().filters()) == [name]
