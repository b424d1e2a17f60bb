# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible's templates escape nothing by themselves: here each expression of the page proves that it does."""

from __future__ import annotations

import pathlib
import re
import typing as t

import jinja2
import jinja2.meta
import pytest
import yaml
from jinja2 import nodes

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._options import CONNECTION_SPEC, SELECTION_SPEC

ROLE = pathlib.Path(__file__).resolve().parents[4] / "roles" / "report"
TEMPLATES = sorted((ROLE / "templates").rglob("*.j2"))
PAGES = [path for path in TEMPLATES if path.name != "costs.json.j2"]
SOURCE = {str(path.relative_to(ROLE / "templates")): path.read_text(encoding="utf-8") for path in TEMPLATES}
# Nothing is rendered here. Ansible's own environment escapes nothing, whatever is set.
ENVIRONMENT = jinja2.Environment(loader=jinja2.DictLoader(SOURCE), autoescape=True)
# Texts of the role's own, which stand in the page as they are.
OWN_TEXTS = {"style", "script"}


def outputs(name: str) -> list[nodes.Expr]:
    """Every expression of a template whose value is printed."""
    tree = ENVIRONMENT.parse(SOURCE[name])
    printed = [one for output in tree.find_all(nodes.Output) for one in output.nodes]
    return [one for one in printed if not isinstance(one, nodes.TemplateData)]


def is_safe(expression: nodes.Expr) -> bool:
    """Whether a value is escaped, is printed by a macro that escapes, or is a constant."""
    if isinstance(expression, nodes.CondExpr):
        return all(is_safe(one) for one in (expression.expr1, expression.expr2) if one is not None)
    if isinstance(expression, nodes.Concat):
        return all(is_safe(one) for one in expression.nodes)
    if isinstance(expression, nodes.Const):
        return not re.search("[<>&\"']", str(expression.value))
    if isinstance(expression, nodes.Filter):
        return expression.name == "e" or (expression.name == "regex_replace" and is_number(expression.node))
    if isinstance(expression, nodes.Name):
        return expression.name in OWN_TEXTS
    if isinstance(expression, nodes.Call):
        called = expression.node
        if isinstance(called, nodes.Getattr) and isinstance(called.node, nodes.Name):
            return called.node.name == "ui"
        return isinstance(called, nodes.Name) and called.name in MACROS
    return False


def is_number(expression: nodes.Expr | None) -> bool:
    """Whether a value is a number that was formatted here."""
    return (
        isinstance(expression, nodes.Filter)
        and expression.name == "format"
        and isinstance(expression.node, nodes.Const)
    )


MACROS = {macro.name for macro in ENVIRONMENT.parse(SOURCE["page/ui.j2"]).find_all(nodes.Macro)}


@pytest.mark.parametrize("name", [str(path.relative_to(ROLE / "templates")) for path in PAGES])
def test_everything_that_is_printed_is_escaped(name: str) -> None:
    unsafe = [f"line {expression.lineno}: {expression}" for expression in outputs(name) if not is_safe(expression)]
    assert unsafe == []


def test_the_check_sees_what_is_not_escaped() -> None:
    unsafe = "{{ a }}{{ a | upper }}{{ a ~ '<b>' }}{{ a if b else c }}{{ f(a) }}{{ 'x' if b else a }}"
    tree = ENVIRONMENT.parse(unsafe + "{{ a | e }}{{ ui.text(a) }}")
    printed = [one for output in tree.find_all(nodes.Output) for one in output.nodes]
    assert [is_safe(one) for one in printed] == [False] * 6 + [True] * 2


def test_nothing_from_outside_is_handed_to_an_included_file() -> None:
    # ansible-core 2.16 evaluates such values as templates: a name of a cluster could run a command.
    tree = ENVIRONMENT.parse(SOURCE["index.html.j2"])
    stored = {name.name for name in tree.find_all(nodes.Name) if name.ctx == "store"}
    assert stored == {"place", "mark", *OWN_TEXTS}
    sections = set(jinja2.meta.find_referenced_templates(tree)) - {"page/model.j2", "page/ui.j2"}
    assert len(sections) > 10
    for section in sections:
        assert list(ENVIRONMENT.parse(SOURCE[str(section)]).find_all((nodes.Include, nodes.Import))) == []


def test_attributes_are_quoted_and_carry_no_style_or_handler() -> None:
    for name, source in SOURCE.items():
        if name.endswith((".css.j2", ".js.j2", "costs.json.j2")):
            continue
        assert not re.search(r"=\{\{", source), name
        assert not re.search(r"<[^>{]*\s(style|on[a-z]+)=", source), name


def argument_specs() -> dict[str, t.Any]:
    read = yaml.safe_load((ROLE / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))
    return t.cast("dict[str, t.Any]", read["argument_specs"])


def test_defaults_and_argument_specs_agree() -> None:
    options = argument_specs()
    defaults = yaml.safe_load((ROLE / "defaults" / "main.yml").read_text(encoding="utf-8"))
    documented = {name: one["default"] for name, one in options["main"]["options"].items() if "default" in one}
    assert documented == defaults
    every = [one for entry in options.values() for one in entry["options"].values()]
    assert all(one.get("description") and one.get("type") for one in every)


def test_every_option_of_the_modules_is_one_of_the_role() -> None:
    names = {*CONNECTION_SPEC, *SELECTION_SPEC} - {"require"}
    assert {f"report_{name}" for name in names} <= set(argument_specs()["main"]["options"])
    tasks = (ROLE / "tasks" / "main.yml").read_text(encoding="utf-8")
    for name in names:
        assert f'{name}: "{{{{ report_{name} | default(omit) }}}}"' in tasks
