# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What has to agree between files: metadata, documentation, argument specs, layers, licences, grammar."""

from __future__ import annotations

import ast
import functools
import importlib
import inspect
import json
import pathlib
import re
import typing as t

import pytest
import yaml
from ansible.plugins.loader import fragment_loader
from ansible.utils.plugin_docs import get_docstring

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._credential import ENVIRONMENT, SECRETS
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._errors import OptionsError
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._focus import FOCUS_SPEC
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._options import (
    CONNECTION_SPEC,
    DETAIL_SPEC,
    SELECTION_SPEC,
    WRITER_SPEC,
)
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._query import COST_SPEC
from ansible_collections.cockroachdb_cloud.billing.plugins.plugin_utils._lookup import VARIABLE_PREFIX
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._api import KEY, Api
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._run import TREE, run_module, run_python

ROOT = pathlib.Path(__file__).resolve().parents[3]
COLLECTION = "cockroachdb_cloud.billing"
PLUGINS = f"ansible_collections.{COLLECTION}.plugins"
GALAXY = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))
RUNTIME = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text(encoding="utf-8"))

FILES = sorted((ROOT / "plugins").rglob("*.py"))
MODULES = sorted((ROOT / "plugins" / "modules").glob("*.py"))
ACTIONS = sorted((ROOT / "plugins" / "action").glob("*.py"))
LOOKUPS = sorted((ROOT / "plugins" / "lookup").glob("*.py"))
FILTERS = sorted((ROOT / "plugins" / "filter").glob("*.py"))
ON_TARGETS = MODULES + sorted((ROOT / "plugins" / "module_utils").glob("*.py"))
# What a Python that is too old gets to see.
FOR_ANY_PYTHON = [*MODULES, ROOT / "plugins" / "module_utils" / "_python.py"]

# The module_utils, ground floor first: each stands on those before it alone.
FLOORS = (
    "_python",
    "_errors",
    "_periods",
    "_credential",
    "_options",
    "_money",
    "_document",
    "_owners",
    "_lines",
    "_query",
    "_books",
    "_forecast",
    "_costs",
    "_sharing",
    "_budgets",
    "_answers",
    "_cost_file",
    "_focus",
    "_order",
    "_export",
    "_files",
    "_redaction",
    "_transport",
    "_failures",
    "_client",
    "_invoices",
    "_watch",
    "_task",
    "_invoice_info",
    "_cost_info",
    "_invoice_export",
    "_report_model",
    "_report_rows",
    "_report_parts",
    "_report_books",
    "_report",
    "_figures",
    "_html",
    "_chart",
    "_page_style",
    "_page_script",
    "_page_parts",
    "_page_month",
    "_page_owners",
    "_page",
    "_folder",
    "_cost_report",
    "_module",
)
PURE = (*FLOORS[:3], *FLOORS[FLOORS.index("_money") : FLOORS.index("_export") + 1])
DEPRECATED = (
    "ansible.module_utils._text",
    "ansible.module_utils.six",
    "ansible.module_utils.common._collections_compat",
)

# REUSE-IgnoreStart
GPL = (
    "# Copyright (c) 2026, cockroachdb_cloud.billing contributors\n"
    "# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or "
    "https://www.gnu.org/licenses/gpl-3.0.txt)\n"
    "# SPDX-License-Identifier: GPL-3.0-or-later\n\n"
)
BSD = (
    "# Copyright (c) 2026, cockroachdb_cloud.billing contributors\n"
    "# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)\n"
    "# SPDX-License-Identifier: BSD-2-Clause\n\n"
)
# REUSE-IgnoreEnd
PRIVATE = (
    "# This {} is private to the cockroachdb_cloud.billing collection.\n"
    "# It can change or vanish in any release, so do not use it from outside.\n\n"
)
KINDS = {"module_utils": "module_util", "plugin_utils": "plugin_util", "doc_fragments": "document fragment"}


def name_of(path: pathlib.Path) -> str:
    return f"{path.relative_to(ROOT)}"


def documentation(path: pathlib.Path, kind: str) -> tuple[dict[str, t.Any], t.Any]:
    """Return the documentation of a plugin with its fragments, and what it returns, as ansible-doc reads them."""
    doc, _examples, returned, _metadata = get_docstring(
        str(path), fragment_loader, collection_name=COLLECTION, plugin_type=kind, is_module=kind == "module"
    )
    returned = yaml.safe_load(returned) if isinstance(returned, str) else returned
    return doc, returned


@functools.lru_cache(maxsize=None)
def tree_of(path: pathlib.Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@functools.lru_cache(maxsize=None)
def imports(path: pathlib.Path) -> set[str]:
    """Return the full names of all that a file imports, wherever in it; C(from a import b) is C(a.b)."""
    found: set[str] = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import"
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


def own_imports(path: pathlib.Path) -> set[str]:
    """Return the names of the module_utils that a file imports."""
    prefix = f"{PLUGINS}.module_utils."
    return {name[len(prefix) :].split(".")[0] for name in imports(path) if name.startswith(prefix)}


# Metadata


def test_the_action_group_holds_every_module() -> None:
    assert MODULES
    assert RUNTIME["action_groups"]["all"] == [path.stem for path in MODULES]


def test_an_action_has_the_name_of_a_module_and_needs_no_redirect() -> None:
    """Ansible finds the action of a task, its documentation and its defaults by the name of the module."""
    assert ACTIONS
    assert {path.stem for path in ACTIONS} <= {path.stem for path in MODULES}
    assert "plugin_routing" not in RUNTIME


def test_the_user_agent_has_the_version_of_the_collection(api: Api) -> None:
    api.expect(answer={})
    run_module("invoice_info", {"api_key": KEY, "api_url": api.url})
    agent = api.requests[0].headers["User-Agent"]
    assert re.fullmatch(rf"{COLLECTION}/{re.escape(GALAXY['version'])} python-requests/\d+\.\d+\.\d+", agent)


# Documentation


@pytest.mark.parametrize("path", MODULES + LOOKUPS, ids=name_of)
def test_the_documented_options_are_those_of_the_argument_spec(path: pathlib.Path) -> None:
    options = dict(documentation(path, "module" if path in MODULES else "lookup")[0]["options"])
    spec = {**CONNECTION_SPEC, **SELECTION_SPEC}
    if "safe_file_operations" in documentation(path, "module")[0].get("attributes", {}):
        spec.update(WRITER_SPEC)
    # How much of an invoice to return is a matter of what returns invoices.
    returns_invoices = path in LOOKUPS or path.stem == "invoice_info"
    assert ("detail" in options) == returns_invoices
    if returns_invoices:
        spec.update(DETAIL_SPEC)
    if path in LOOKUPS:
        spec["_terms"] = spec.pop("invoice_id")
        assert set(options) == set(spec)
    for name, expected in spec.items():
        documented = options[name]
        for key in ("type", "elements", "default", "choices"):
            assert documented.get(key) == expected.get(key), f"{name}: {key}"
        assert not documented.get("required")
        assert documented["description"]


@pytest.mark.parametrize("path", FILTERS, ids=name_of)
def test_the_documented_options_of_a_filter_are_its_parameters(path: pathlib.Path) -> None:
    options = documentation(path, "filter")[0]["options"]
    function = importlib.import_module(f"{PLUGINS}.filter.{path.stem}").FilterModule().filters()[path.stem]
    (_input, *parameters) = inspect.signature(function).parameters.values()
    assert set(options) == {"_input", *(parameter.name for parameter in parameters)}
    for parameter in parameters:
        documented, spec = options[parameter.name], {**COST_SPEC, **FOCUS_SPEC}.get(parameter.name, {})
        default = list(parameter.default) if isinstance(parameter.default, tuple) else parameter.default
        assert documented.get("default", parameter.empty if documented.get("required") else None) == default
        for key in {"type", "elements", "choices"} & set(spec):
            assert documented.get(key) == spec[key], f"{parameter.name}: {key}"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_the_argument_spec_of_a_module_is_what_its_documentation_says(path: pathlib.Path) -> None:
    """Ask the module itself, with an option that it cannot know; ansible-core names the ones that it knows."""
    options = documentation(path, "module")[0]["options"]
    required = {name: option.get("choices", ["x"])[0] for name, option in options.items() if option.get("required")}
    result = run_module(path.stem, {**required, "no_such_option": 1})
    supported = re.search(r"Supported parameters include: (.*)\.", result.data["msg"])
    assert supported is not None
    named = re.sub(r"\(.*?\)", "", supported.group(1))
    aliases = {alias for option in options.values() for alias in option.get("aliases", [])}
    assert set(re.split(r",\s*", named.replace(" ", ""))) - aliases == set(options)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_says_in_words_which_variable_of_the_environment_it_reads(path: pathlib.Path) -> None:
    doc = documentation(path, "module")[0]
    assert "runs on the host of the task, and reads the environment of that host" in " ".join(doc["notes"])
    for name, option in doc["options"].items():
        assert "env" not in option, f"{name}: env is illegal in a module"
        assert "vars" not in option, f"{name}: vars is illegal in a module"
        if name in ENVIRONMENT:
            assert f"E({ENVIRONMENT[name]})" in " ".join(option["description"])
        elif name in CONNECTION_SPEC:
            assert "E(COCKROACH" not in " ".join(option["description"])


def test_the_argument_spec_reads_the_environment() -> None:
    for name, option in CONNECTION_SPEC.items():
        # A secret is looked for where the option is known to be given or not.
        fallback = option.get("fallback", (None, []))[1]
        assert fallback == ([ENVIRONMENT[name]] if name in ENVIRONMENT and name not in SECRETS else [])
        assert option.get("no_log", False) == (name in SECRETS)
    assert not any({"fallback", "no_log"} & set(option) for option in SELECTION_SPEC.values())


@pytest.mark.parametrize("path", LOOKUPS, ids=name_of)
def test_a_lookup_reads_one_variable_for_each_option(path: pathlib.Path) -> None:
    doc = documentation(path, "lookup")[0]
    for words in ("C(query())", "reads the environment of the controller", "runs again each time", "set_fact"):
        assert words in " ".join(doc["notes"])
    for name, option in doc["options"].items():
        variables = [entry["name"] for entry in option.get("vars", [])]
        environment = [entry["name"] for entry in option.get("env", [])]
        assert variables == ([f"{VARIABLE_PREFIX}{name}"] if name in CONNECTION_SPEC else [])
        # With two names a module takes the first that is set, and a lookup the last.
        assert environment == ([ENVIRONMENT[name]] if name in ENVIRONMENT else [])
        assert "ini" not in option


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_no_return_value_is_called_like_a_method_of_a_dictionary(path: pathlib.Path) -> None:
    """In a template C(result.items) is the method; ansible-core refuses such keys from 2.21 on."""

    def keys(values: dict[str, t.Any]) -> t.Iterator[str]:
        for name, value in values.items():
            yield name
            yield from keys(value.get("contains") or {})

    returned = documentation(path, "module")[1]
    assert "failure" in returned
    assert not set(keys(returned)) & set(dir(dict))


# Layers


@pytest.mark.parametrize("path", sorted((ROOT / "plugins" / "module_utils").glob("*.py")), ids=name_of)
def test_a_floor_stands_on_those_below_it(path: pathlib.Path) -> None:
    assert path.stem in FLOORS, "say in FLOORS where the new floor is"
    assert own_imports(path) <= set(FLOORS[: FLOORS.index(path.stem)])


def test_http_stays_on_the_floor_of_the_client() -> None:
    client = {"_client.py", "_failures.py", "_transport.py"}

    def users(*libraries: str) -> set[str]:
        return {path.name for path in FILES for name in imports(path) if name.split(".")[0] in libraries}

    assert users("requests", "urllib3", "http", "socket", "ssl") <= client
    assert "_transport.py" in users("requests")
    for name in ("_failures", "_redaction", "_transport"):
        assert {path.name for path in FILES if name in own_imports(path)} <= client | {"_action.py"}
    assert {path.name for path in FILES if "_client" in own_imports(path)} == {"_invoices.py", "_action.py"}


def test_results_are_returned_by_modules_alone() -> None:
    users = {name_of(path) for path in FILES if re.search(r"\b(exit|fail)_json\(", path.read_text(encoding="utf-8"))}
    assert users <= {name_of(path) for path in MODULES} | {"plugins/module_utils/_module.py"}


@pytest.mark.parametrize("path", FILTERS, ids=name_of)
def test_a_filter_imports_what_is_pure(path: pathlib.Path) -> None:
    assert own_imports(path) <= set(PURE)


@pytest.mark.parametrize("path", ON_TARGETS, ids=name_of)
def test_what_runs_on_a_target_imports_nothing_of_the_controller(path: pathlib.Path) -> None:
    for name in imports(path):
        assert not name.startswith(f"{PLUGINS}.plugin_utils")
        if name.startswith("ansible."):
            assert name.startswith("ansible.module_utils.")


def test_nothing_deprecated_is_imported() -> None:
    assert not [name for path in FILES for name in imports(path) if name.startswith(DEPRECATED)]


@pytest.mark.parametrize("path", MODULES + ACTIONS + LOOKUPS + FILTERS, ids=name_of)
def test_a_plugin_only_wires(path: pathlib.Path) -> None:
    code = [node for node in tree_of(path).body if not isinstance(node, (ast.Assign, ast.Expr))]
    assert 0 < sum((node.end_lineno or 0) - node.lineno + 1 for node in code) <= 70


IMPORT_ALL = """
import importlib, json, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
print(json.dumps(sorted(sys.modules)))
"""


def test_what_is_pure_or_checks_the_options_loads_no_http() -> None:
    """To import requests takes as long as the rest of a small task; what is refused needs none of it."""
    names = [f"{PLUGINS}.module_utils.{name}" for name in (*PURE, "_invoices", "_module")]
    names += [f"{PLUGINS}.filter.{path.stem}" for path in FILTERS]
    ended = run_python("-c", IMPORT_ALL, *names)
    assert ended.returncode == 0, ended.stderr
    assert not {"requests", "urllib3", f"{PLUGINS}.module_utils._client"} & set(json.loads(ended.stdout))


def test_every_file_can_be_imported_without_the_library() -> None:
    """ansible-core's own import test asks the same of every module and module_util."""
    names = [f"{PLUGINS}.{path.parent.name}.{path.stem}" for path in ON_TARGETS]
    ended = run_python("-c", IMPORT_ALL, *names, blocked=["requests", "urllib3"])
    assert (ended.returncode, ended.stderr) == (0, "")


def test_the_collection_is_imported_from_this_checkout() -> None:
    for path in ON_TARGETS:
        module = importlib.import_module(f"{PLUGINS}.{path.parent.name}.{path.stem}")
        assert pathlib.Path(f"{module.__file__}").resolve() == path
    assert (TREE / "ansible_collections").is_dir()


# Text


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_the_text_of_a_file(path: pathlib.Path) -> None:
    """It has the head of its kind, is of the oldest grammar, and knows nothing of the tests."""
    expected = BSD if path.parent.name == "module_utils" else GPL
    if path.name.startswith("_"):
        expected += PRIVATE.format(KINDS[path.parent.name])
    text = path.read_text(encoding="utf-8")
    assert text.startswith(expected + '"""')
    assert ("\nfrom __future__ import annotations\n" in text) != (path in FOR_ANY_PYTHON)
    ast.parse(text, feature_version=(3, 6) if path in FOR_ANY_PYTHON else (3, 8))
    assert not re.search(r"sandbox|pytest|\bmock", text, re.IGNORECASE)


OLD_PYTHON = """
import runpy, sys
sys.version_info = (3, 7, 16, "final", 0)
runpy.run_module(sys.argv[1], run_name="__main__")
"""


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_python_that_is_too_old_is_told_in_one_sentence(path: pathlib.Path) -> None:
    # Nothing else may be imported before: on an old Python that ends in a traceback.
    first = next(node for node in tree_of(path).body if isinstance(node, (ast.Import, ast.ImportFrom)))
    assert ast.unparse(first) == f"from {PLUGINS}.module_utils._python import require_python"
    ended = run_python("-c", OLD_PYTHON, f"{PLUGINS}.modules.{path.stem}", text="what the task wants is not looked at")
    assert (ended.returncode, ended.stderr) == (1, "")
    result = json.loads(ended.stdout)
    assert result == {"failed": True, "msg": result["msg"], "failure": OptionsError("").failure()}
    assert result["msg"].startswith("This module needs Python 3.8 or newer on the host that it runs on, and /")
    assert "is Python 3.7: set ansible_python_interpreter to a newer one" in result["msg"]
