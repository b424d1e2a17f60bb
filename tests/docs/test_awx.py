# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The credential types of the guide for AWX: AWX would take them, and a job gets an environment that works.

AWX does not run here. What it demands of a credential type is written down below as a schema of our own, after
C(CredentialTypeInputField) and C(CredentialTypeInjectorField) in its C(awx/main/fields.py). It renders an injector with
Jinja2's sandbox, where a field that was left empty is undefined.
"""

from __future__ import annotations

import re
import typing as t

import _examples
import jinja2
import jinja2.sandbox
import jsonschema
import pytest

NAME = r"^[a-zA-Z_]+[a-zA-Z0-9_]*$"
INPUTS = {
    "type": "object",
    "additionalProperties": False,
    "required": ["fields", "required"],
    "properties": {
        "required": {"type": "array", "items": {"type": "string"}},
        "fields": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["id", "label"],
                "properties": {
                    "id": {"type": "string", "pattern": NAME, "not": {"enum": ["tower", "awx"]}},
                    "type": {"enum": ["string", "boolean"]},
                    "label": {"type": "string"},
                    "help_text": {"type": "string"},
                    "secret": {"type": "boolean"},
                    "default": {"type": "string"},
                },
            },
        },
    },
}
INJECTORS = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "env": {
            "type": "object",
            "additionalProperties": False,
            # AWX lets no credential change Ansible's own settings.
            "patternProperties": {r"^(?!ANSIBLE_)[a-zA-Z_]+[a-zA-Z0-9_]*$": {"type": "string", "pattern": r"^[ -~]*$"}},
        }
    },
}
FILLED_IN = {
    "key": {"api_key": "sandbox-key"},
    "jwt": {"api_jwt": "sandbox-jwt", "vanity_name": "sandbox", "username": "billing@example.com"},
}


def credential_type(kind: str) -> tuple[dict[str, t.Any], dict[str, t.Any]]:
    """Return the input and the injector configuration of the guide."""
    examples = _examples.read_examples(_examples.GUIDES / "guide_awx.rst")
    files = {example.file: _examples.load(example.text) for example in examples if example.file}
    return files[f"{kind}_inputs.yml"], files[f"{kind}_injectors.yml"]


def inject(injectors: dict[str, t.Any], values: dict[str, str]) -> dict[str, str]:
    """Return the environment that AWX makes of the fields that are filled in."""
    environment = jinja2.sandbox.ImmutableSandboxedEnvironment()
    return {name: environment.from_string(text).render(**values) for name, text in injectors["env"].items()}


@pytest.mark.parametrize("kind", FILLED_IN)
def test_awx_takes_the_inputs(kind: str) -> None:
    inputs, _injectors = credential_type(kind)
    jsonschema.validate(inputs, INPUTS)
    fields = {field["id"]: field for field in inputs["fields"]}
    assert len(fields) == len(inputs["fields"])
    assert set(inputs["required"]) <= set(fields)
    assert {name for name, field in fields.items() if field.get("secret")} == {f"api_{kind}"}


@pytest.mark.parametrize("kind", FILLED_IN)
def test_awx_takes_the_injectors(kind: str) -> None:
    inputs, injectors = credential_type(kind)
    jsonschema.validate(injectors, INJECTORS)
    strict = jinja2.sandbox.ImmutableSandboxedEnvironment(undefined=jinja2.StrictUndefined)
    for text in injectors["env"].values():
        assert strict.from_string(text).render({field["id"]: "EXAMPLE" for field in inputs["fields"]}) == "EXAMPLE"


def test_the_variables_are_those_of_the_collection() -> None:
    source = (_examples.ROOT / "plugins" / "module_utils" / "_credential.py").read_text(encoding="utf-8")
    known = set(re.findall(r'^    "\w+": "(COCKROACH_\w+)",$', source, re.MULTILINE))
    assert "COCKROACH_SERVER" in known
    assert {name for kind in FILLED_IN for name in credential_type(kind)[1]["env"]} == known


@pytest.mark.parametrize("kind", FILLED_IN)
def test_no_variable_is_empty(kind: str) -> None:
    inputs, injectors = credential_type(kind)
    assert set(FILLED_IN[kind]) == set(inputs["required"])
    made = inject(injectors, FILLED_IN[kind])
    assert all(made.values())
    assert made["COCKROACH_SERVER"] == "https://cockroachlabs.cloud"


@pytest.mark.parametrize("kind", FILLED_IN)
def test_a_job_runs_with_it(kind: str, runner: _examples.Runner) -> None:
    url = runner.environment["COCKROACH_SERVER"]
    bare = {name: value for name, value in runner.environment.items() if not name.startswith("COCKROACH_")}
    job = bare | inject(credential_type(kind)[1], {**FILLED_IN[kind], "api_url": url})
    said = _examples.Runner(runner.folder, job).run(
        kind, "ansible-playbook", "cockroachdb_cloud.billing.invoices", "-e", "billing_period=last_month"
    )
    assert "1 invoice" in said
