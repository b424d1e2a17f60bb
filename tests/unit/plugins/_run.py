# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the tests of this collection.

"""Run the real modules and the real lookups inside the process of the test, as Ansible would, on any ansible-core.

The environment of each run is fresh: nothing of the user's own account, proxies or keys reaches it.
The controller's part of ansible-core is imported where a lookup runs, since on a target there is none.
"""

from __future__ import annotations

import atexit
import contextlib
import datetime
import gc
import importlib
import importlib.util
import io
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import types
import typing as t
from unittest import mock

from ansible.module_utils import basic

try:  # Here, since some tests go on as a user who may not read all of ansible-core.
    from ansible.module_utils.testing import patch_module_args
except ImportError:
    patch_module_args = None

COLLECTION = "cockroachdb_cloud.billing"
# The folder that holds the folder ansible_collections.
TREE = pathlib.Path(__file__).parents[6]
_PACKAGE = f"ansible_collections.{COLLECTION}.plugins"
_KEPT = ("PATH", "LANG", "LC_ALL", "TMPDIR", "ANSIBLE_COLLECTIONS_PATH", "ANSIBLE_HOME", "PYTHONPATH")
# One empty home folder for the whole run, also where each test has a process of its own, as under ansible-test; what
# wants to put something into its home brings its own.
_HOME = tempfile.mkdtemp(prefix="billing-home-")
atexit.register(shutil.rmtree, _HOME, ignore_errors=True)


class ModuleResult(t.NamedTuple):
    """How a module ended: its JSON and all that it wrote, as the controller shows them, and its exit code."""

    data: dict[str, t.Any]
    output: str
    exit_code: int


class LookupFailureError(Exception):
    """A lookup failed: C(args[0]) is the text of its own error, C(shown) all that any exception of the chain says."""

    def __init__(self, text: str, shown: str) -> None:
        super().__init__(text)
        self.shown = shown


@contextlib.contextmanager
def fresh_environment(environment: t.Mapping[str, str] | None = None) -> t.Iterator[None]:
    """Replace this process's environment by a small one with an empty home folder, plus the variables given."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    with mock.patch.dict(os.environ, {**kept, "HOME": _HOME, **(environment or {})}, clear=True):
        yield


@contextlib.contextmanager
def time_at(now: datetime.datetime, *names: str) -> t.Iterator[None]:
    """Let the clock of plugins show an instant for the length of a block.

    :param now: the instant, aware.
    :param names: which plugins and module_utils, by what follows C(plugins.) in their names: C(filter.cost_summary).
    """

    class Clock(datetime.datetime):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> datetime.datetime:  # type: ignore[override]
            return cls.fromtimestamp(now.timestamp(), tz)

    clock = types.SimpleNamespace(**{**vars(datetime), "datetime": Clock})
    with contextlib.ExitStack() as stack:
        for name in names:
            module = importlib.import_module(f"{_PACKAGE}.{name}")
            stack.enter_context(mock.patch.object(module, "datetime", clock))
        yield


# Whether run_module() runs the action plugin of a module that has one: tests of such a module run both ways.
IN_PLACE = False


def has_controller() -> bool:
    """Say whether the controller's part of ansible-core is there, which a target has no need of."""
    try:
        importlib.import_module("ansible.plugins.action.normal")
    except ImportError:
        return False
    return True


def _has_action(name: str) -> bool:
    return importlib.util.find_spec(f"{_PACKAGE}.action.{name}") is not None


def run_module(
    name: str,
    options: t.Mapping[str, t.Any] | None = None,
    *,
    environment: t.Mapping[str, str] | None = None,
    check_mode: bool = False,
    in_place: bool | None = None,
) -> ModuleResult:
    """Run a module of this collection.

    :param name: such as C(invoice_info).
    :param options: the parameters of the task; what is left out is left to the module's defaults.
    :param environment: variables of the host that the module runs on.
    :param in_place: whether to run its action plugin, if it has one; C(IN_PLACE) says so when left out.
    """
    if (IN_PLACE if in_place is None else in_place) and _has_action(name):
        return _run_in_place(name, options or {}, environment, check_mode=check_mode)
    module = importlib.import_module(f"{_PACKAGE}.modules.{name}")
    parameters = {**(options or {}), "_ansible_check_mode": check_mode, "_ansible_module_name": f"{COLLECTION}.{name}"}
    stdout, stderr = io.StringIO(), io.StringIO()
    with fresh_environment(environment), module_arguments(parameters), _no_old_warnings():
        with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
            exit_code: t.Any = None
            try:
                module.main()
            except SystemExit as end:
                exit_code = end.code or 0
    assert exit_code is not None, "the module returned without exit_json() or fail_json()"
    lines = [line for line in stdout.getvalue().splitlines() if line.strip()]
    assert len(lines) == 1, stdout.getvalue()
    line = as_controller_shows(lines[0])
    return ModuleResult(json.loads(line), line + stderr.getvalue(), exit_code)


def _run_in_place(
    name: str, options: t.Mapping[str, t.Any], environment: t.Mapping[str, str] | None, *, check_mode: bool
) -> ModuleResult:
    """Run the action plugin of a module, and take from its result what ansible-core adds to it."""
    credential = importlib.import_module(f"{_PACKAGE}.module_utils._credential")
    told: set[str] = set()
    # Since ansible-core 2.22 the process knows what to mask, and it is the one process of all these tests.
    telling = mock.patch.object(credential, "register_secrets", told.update)
    with fresh_environment(environment), telling if credential.CORE_MASKS else contextlib.nullcontext():
        result = run_action(name, options, check_mode=check_mode)
    for key in ("exception", "ansible_parsed"):
        result.pop(key, None)
    failed = bool(result.pop("failed", False))
    result.update({"failed": True} if failed else {})
    warnings = [text_of_warning(warning) for warning in result.pop("warnings", None) or ()]
    shown = ""
    if not _displays_warnings():
        result.update({"warnings": warnings} if warnings else {})
    else:
        # Since 2.19 a module that runs inside of a controller, as it does in these tests, displays them by itself.
        shown = "".join(f"[WARNING]: {warning}\n" for warning in warnings)
    line = as_controller_shows(json.dumps({**result, "_ansible_new_secrets": [*told]}))
    return ModuleResult(json.loads(line), line + shown, int(failed))


def _displays_warnings() -> bool:
    try:
        return bool(importlib.import_module("ansible.module_utils._internal").is_controller)
    except (ImportError, AttributeError):
        return False


def text_of_warning(warning: t.Any) -> str:
    """Return the text of a warning in a result, which since ansible-core 2.19 may be an object."""
    return warning if isinstance(warning, str) else f"{warning.event.msg}"


def run_action(
    name: str,
    options: t.Mapping[str, t.Any],
    *,
    check_mode: bool = False,
    variables: t.Mapping[str, t.Any] | None = None,
) -> dict[str, t.Any]:
    """Run an action plugin of this collection as a worker does, on the implicit localhost, in this process.

    :param variables: variables of the host beside those that every play has.
    """
    from ansible.parsing.dataloader import DataLoader
    from ansible.playbook.play_context import PlayContext
    from ansible.playbook.task import Task
    from ansible.plugins import loader
    from ansible.template import Templar

    task = Task.load({f"{COLLECTION}.{name}": dict(options)})
    task.check_mode = check_mode
    host = {
        "inventory_hostname": "localhost",
        "ansible_playbook_python": sys.executable,
        "ansible_python_interpreter": sys.executable,
        **(variables or {}),
    }
    context, files = PlayContext(), DataLoader()
    connection = loader.connection_loader.get("ansible.builtin.local", context, None)
    connection.set_options(var_options=host)
    connection._shell.set_options(var_options=host)
    action = loader.action_loader.get(
        f"{COLLECTION}.{name}",
        task=task,
        connection=connection,
        play_context=context,
        loader=files,
        templar=Templar(loader=files, variables=host),
        shared_loader_obj=loader,
    )
    try:
        return t.cast("dict[str, t.Any]", action.run(task_vars=host))
    finally:
        action.cleanup()


def as_controller_shows(line: str) -> str:
    """Return what a module printed without what it says to the controller alone.

    Since ansible-core 2.22 the controller masks, and the module tells it what.
    """
    result = json.loads(line)
    told = result.pop("_ansible_new_secrets", None)
    if told is None:
        return line
    shown = json.dumps(result)
    for secret in told:
        shown = shown.replace(json.dumps(secret)[1:-1], "********")
    return shown


def run_lookup(
    name: str,
    terms: t.Sequence[t.Any] = (),
    keywords: t.Mapping[str, t.Any] | None = None,
    *,
    variables: t.Mapping[str, t.Any] | None = None,
    environment: t.Mapping[str, str] | None = None,
) -> list[t.Any]:
    """Run C(query()) with a lookup of this collection in an expression, through the real loader and templar.

    :param name: such as C(invoice).
    :param terms: the positional arguments, literally.
    :param keywords: the keyword arguments, literally.
    :param variables: variables of the play; a template in one is trusted, as it is in a playbook.
    :param environment: variables of the controller.
    :raises LookupFailureError: when the lookup raises.
    """
    arguments = {f"term_{index}": term for index, term in enumerate(terms)}
    arguments.update((f"keyword_{keyword}", value) for keyword, value in (keywords or {}).items())
    written = [f"term_{index}" for index in range(len(terms))]
    written += [f"{keyword}=keyword_{keyword}" for keyword in keywords or {}]
    expression = f"{{{{ query({', '.join([repr(f'{COLLECTION}.{name}'), *written])}) }}}}"
    return t.cast("list[t.Any]", template(expression, variables, literals=arguments, environment=environment))


def template(
    expression: str,
    variables: t.Mapping[str, t.Any] | None = None,
    *,
    literals: t.Mapping[str, t.Any] | None = None,
    environment: t.Mapping[str, str] | None = None,
) -> t.Any:
    """Evaluate a template of a playbook.

    :param variables: variables that may hold templates themselves.
    :param literals: variables whose text is never a template, whatever it looks like.
    :raises LookupFailureError: when a lookup in it raises.
    """
    from ansible.errors import AnsibleError, AnsibleLookupError
    from ansible.parsing.dataloader import DataLoader
    from ansible.template import Templar
    from ansible.utils.unsafe_proxy import wrap_var

    with fresh_environment(environment):
        try:
            known = {**{name: wrap_var(value) for name, value in (literals or {}).items()}, **_trust(variables or {})}
            templar = Templar(loader=DataLoader(), variables=known)
            return templar.template(_trust(expression))
        except AnsibleError as error:
            chain = list(exceptions(error))
            own = [link for link in chain if link.__class__ is AnsibleLookupError]
            if not own:
                raise
            raise LookupFailureError(
                f"{own[-1]}", "\n".join(f"{link} {link!r} {link.args!r}" for link in chain)
            ) from error


def exceptions(error: BaseException) -> t.Iterator[BaseException]:
    """Yield an exception and everything that it carries or was raised from, the outermost first."""
    seen: set[int] = set()
    waiting: list[t.Any] = [error]
    while waiting:
        current = waiting.pop(0)
        if isinstance(current, BaseException) and id(current) not in seen:
            seen.add(id(current))
            yield current
            waiting += [current.__cause__, current.__context__, getattr(current, "orig_exc", None), *current.args]


def run_python(
    *arguments: str,
    text: str = "",
    blocked: t.Sequence[str] = (),
    environment: t.Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run this Python in a process of its own, where the collection can be imported and some libraries cannot.

    :param arguments: as on its command line.
    :param text: what it reads from its standard input.
    :param blocked: top-level modules whose import fails there as it does where they are not installed.
    """
    with fresh_environment(environment), tempfile.TemporaryDirectory(prefix="billing-blocked-") as folder:
        for name in blocked:
            missing = f"raise ModuleNotFoundError('No module named {name}', name='{name}')\n"
            pathlib.Path(folder, f"{name}.py").write_text(missing, encoding="ascii")
        path = os.pathsep.join([folder, str(TREE), *filter(None, sys.path)])
        command = [sys.executable, *arguments]
        return subprocess.run(
            command,
            input=text,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env={**os.environ, "PYTHONPATH": path},
        )


def _trust(value: t.Any) -> t.Any:
    """Mark strings as templates that a playbook's author wrote, which ansible-core asks for since 2.19."""
    try:
        from ansible.template import trust_as_template
    except ImportError:
        return value
    if isinstance(value, dict):
        return {key: _trust(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_trust(inner) for inner in value]
    return trust_as_template(value) if isinstance(value, str) else value


@contextlib.contextmanager
def module_arguments(parameters: dict[str, t.Any]) -> t.Iterator[None]:
    """Hand parameters to every AnsibleModule that is made inside of the block."""
    if patch_module_args is None:
        arguments = json.dumps({"ANSIBLE_MODULE_ARGS": parameters}).encode()
        patched: t.ContextManager[t.Any] = mock.patch.object(basic, "_ANSIBLE_ARGS", arguments)
    else:
        patched = patch_module_args(parameters)
    try:
        with patched:
            yield
    finally:
        gc.enable()  # which a module switches off, since it has its process for itself


@contextlib.contextmanager
def _no_old_warnings() -> t.Iterator[None]:
    """Forget the warnings and deprecations of the process, as a module's own process would have none."""
    from ansible.module_utils.common import warnings

    stores = [vars(warnings).get(name) for name in ("_global_warnings", "_global_deprecations")]
    for store in stores:
        if store is not None:
            store.clear()
    yield
