# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the shipped playbooks promise: they state what they need, name their variables by one rule, compute nothing."""

from __future__ import annotations

import pathlib
import re
import typing as t

import jinja2
import jinja2.meta
import jinja2.nodes
import pytest
import yaml

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._options import CONNECTION_SPEC

PLAYBOOKS = pathlib.Path(__file__).resolve().parents[3] / "playbooks"
FILES = sorted(PLAYBOOKS.glob("*.yml"))
PLAYS = [play for path in FILES for play in yaml.safe_load(path.read_text(encoding="utf-8"))]
IDS = [play["name"] for play in PLAYS]

STATED = {
    "connection": "local",
    "gather_facts": False,
    "become": False,
    "strategy": "linear",
    "any_errors_fatal": False,
}
# An inventory's own words on a host beat the keywords of a play, and lose to the play's variables.
STRONGER = {
    "ansible_become": False,
    "ansible_connection": "local",
    "ansible_python_interpreter": "{{ ansible_playbook_python }}",
}
OURS = re.compile(r"(?:ansible|billing|cockroachdb_cloud)_\w+")
OF_ANSIBLE = {"hostvars", "inventory_hostname", "item", "omit", "query"}
ARITHMETIC = (
    r"\|\s*(?:sum|round|abs|length\s*[-+*/])",
    r"(?:float|int)\s*[-+*/]",
    r"[-+*/]\s*[a-z_.]+\s*\|\s*(?:float|int)",
    r"\b(?:amount|spent|percent|elapsed|projected\w*)\s*[-+*/]",
    r"now\(|to_datetime|strftime",
)


def texts(value: t.Any, key: str = "") -> t.Iterator[str]:
    """Yield every template in a part of a playbook; an assertion is one without braces."""
    if isinstance(value, dict):
        for name, below in value.items():
            yield from texts(below, str(name))
    elif isinstance(value, list):
        for below in value:
            yield from texts(below, key)
    elif isinstance(value, str):
        yield f"{{{{ {value} }}}}" if key in ("that", "when") else value


def variables(text: str) -> set[str]:
    """Return the names that a template takes from outside."""
    environment = jinja2.Environment(autoescape=True)
    tree = environment.parse(text)
    for node in tree.find_all((jinja2.nodes.Filter, jinja2.nodes.Test)):
        # Ansible's own are not there, and nothing is rendered.
        environment.filters.setdefault(node.name, lambda value: value)
        environment.tests.setdefault(node.name, lambda value: value)
    return jinja2.meta.find_undeclared_variables(tree)


@pytest.mark.parametrize("play", PLAYS, ids=IDS)
def test_a_play_states_what_it_needs(play: dict[str, t.Any]) -> None:
    assert {key: play.get(key) for key in STATED} == STATED
    assert {key: play["vars"].get(key) for key in STRONGER} == STRONGER


@pytest.mark.parametrize("play", PLAYS, ids=IDS)
def test_every_variable_has_the_prefix(play: dict[str, t.Any]) -> None:
    used = set().union(*map(variables, texts(play)))
    assert {variable for variable in used if not OURS.fullmatch(variable)} <= OF_ANSIBLE
    assert any(variable.startswith("billing_") for variable in used)
    assert all(OURS.fullmatch(variable) for variable in play["vars"])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_nothing_is_computed(path: pathlib.Path) -> None:
    code = re.sub(r"^ *#.*", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    found = [line for line in code.splitlines() if any(re.search(pattern, line) for pattern in ARITHMETIC)]
    assert not found


def test_every_connection_option_is_taken_from_its_variable() -> None:
    shared = yaml.safe_load((PLAYBOOKS / "vars" / "connection.yml").read_text(encoding="utf-8"))
    assert set(shared["billing_connection"]) == set(CONNECTION_SPEC)
    for option, text in shared["billing_connection"].items():
        assert f"cockroachdb_cloud_{option} " in text
        in_environment = "fallback" in CONNECTION_SPEC[option] or option in ("api_key", "api_jwt")
        assert ("in billing_given" in text) == in_environment, option
