# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin_util is private to the cockroachdb_cloud.billing collection.
# It can change or vanish in any release, so do not use it from outside.

"""What a module does, done in Ansible's own worker where that is the same, and by the module everywhere else.

A module is a program that Ansible packs, starts and reads; for a small task that takes ten times what the task takes.
"""

from __future__ import annotations

import codecs
import contextlib
import json
import os
import sys
import typing as t

from ansible import constants as C  # noqa: N812 (the name that everything in ansible-core gives it)
from ansible.errors import AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.parameters import remove_values
from ansible.module_utils.errors import UnsupportedError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action.normal import ActionModule as NormalAction
from ansible.utils.display import Display

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils import _client, _redaction
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._credential import CORE_MASKS, SECRETS
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._errors import (
    BillingError,
    OptionsError,
    out_of_memory,
)
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._task import Task, Work, argument_spec
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._transport import IMPORT_ERROR

try:
    from ansible.module_utils.common.json import Direction, get_module_encoder
except ImportError:
    from ansible.module_utils.common.json import AnsibleJSONEncoder

    _ENCODING: dict[str, t.Any] = {"cls": AnsibleJSONEncoder, "vault_to_text": True}
else:
    _ENCODING = {"cls": get_module_encoder("legacy", Direction.CONTROLLER_TO_MODULE)}

# ansible-core tells the results of modules from those of actions: the one has failed as "Module failed", the other as
# "Action failed". There is no public way to say which one a result is; without these it is an action's.
try:
    from ansible._internal._task import UnifiedTaskResult
except ImportError:
    UnifiedTaskResult = None
try:
    from ansible._internal._errors._captured import AnsibleModuleCapturedError
except ImportError:
    AnsibleModuleCapturedError = None

display = Display()

# What a task needs later is loaded here: this file is imported in the main process, once, and all workers have it.
_FOR_WORKERS = (_client, _redaction, codecs.lookup("utf-8-sig"))

AS_MODULE = "cockroachdb_cloud_as_module"
_LOCAL = "ansible.builtin.local"
_OF_IMPLICIT_LOCALHOST = "{{ansible_playbook_python}}"
_Variables = t.Mapping[str, t.Any]


class WorkerTask(Task):
    """One task in the worker: its options, and what its user is warned of."""

    def __init__(self, arguments: t.Mapping[str, t.Any]) -> None:
        """Read the options, with every secret kept out of what the task returns.

        :param arguments: the options of the task, templated.
        :raises TypeError: for a value that no module could be sent.
        """
        # As the module would find them: plain values, where the controller has subclasses of str that requests refuses.
        self.params = json.loads(json.dumps(dict(arguments), **_ENCODING))
        self.masked = self.keep_secrets()
        self.warnings: list[str] = []

    def check(self, extra_spec: t.Mapping[str, t.Any], name: str) -> None:
        """Check the options as AnsibleModule does, and fill in defaults.

        :param extra_spec: the options that not all tasks have.
        :param name: what the task calls the module.
        :raises OptionsError: with the text that AnsibleModule fails with.
        """
        checked = ArgumentSpecValidator(argument_spec(extra_spec)).validate(self.params)
        self.params.update(checked.validated_parameters)
        # AnsibleModule masks what stands in place of a credential as well.
        self.masked.update(self.params[secret] for secret in SECRETS if self.params.get(secret))
        if checked.error_messages:
            unknown = isinstance(checked.errors[0], UnsupportedError)
            prefix = f"Unsupported parameters for ({name}) module: " if unknown else ""
            raise OptionsError(f"{prefix}{checked.error_messages[0]}")

    def warn(self, warning: str) -> None:
        """Keep a warning for the result, where Ansible looks for it."""
        self.warnings.append(warning)


class BillingAction(NormalAction):
    """An action plugin for a module that only reads; C(work) is what the module does."""

    work: Work

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Return what the module returns."""
        variables = task_vars or {}
        reason = self._reason_for_module(variables)
        host = variables.get("inventory_hostname")
        if reason is None:
            try:
                task = WorkerTask(self._task.args)
            except TypeError:
                reason = "an option has a value that only Ansible's own refusal can name"
            else:
                display.vvv(f"{self._task.action} runs in Ansible's own process", host=host)
                super(NormalAction, self).run(tmp, task_vars)
                return _as_of_module(self._result(task, variables))
        display.vvv(f"{self._task.action} runs as a module: {reason}", host=host)
        return t.cast("dict[str, t.Any]", super().run(tmp, task_vars))

    def _result(self, task: WorkerTask, variables: _Variables) -> dict[str, t.Any]:
        """Do the work, and return what AnsibleModule would return."""
        try:
            task.check(self.work.extra_spec, self._task.action)
            with _in_folder(self._loader.get_basedir()), _client.no_garbage_collection():
                result = {"changed": False, **self.work.run(task)}
        except (BillingError, MemoryError) as error:
            failure = error if isinstance(error, BillingError) else out_of_memory()
            result = {"failure": failure.failure(), "failed": True, "msg": f"{failure}"}
        if _has_invocation(variables):
            result["invocation"] = {"module_args": task.params}
        if task.warnings:
            result["warnings"] = task.warnings
        if CORE_MASKS:
            # From ansible-core 2.22 on it masks what it shows, and a module masks nothing.
            return result
        return {key: _mask(value, task.masked) for key, value in result.items()}

    def _reason_for_module(self, variables: _Variables) -> str | None:
        """Say why the module has to run, None where the same can be done here."""
        if boolean(self._templar.template(variables.get(AS_MODULE)) or False, strict=False):
            return f"{AS_MODULE} asks for it"
        if self._connection.ansible_name != _LOCAL:
            return f"the connection is {self._connection.ansible_name}"
        if self._task.async_val:
            return "it is asynchronous"
        if self._becomes_another():
            return "it becomes another user"
        if self._has_environment():
            return "it has an environment of its own"
        if C.DEFAULT_KEEP_REMOTE_FILES:
            return "remote files are kept"
        if sys.platform == "darwin":
            return "on macOS, a process that was forked must not look up proxies"
        if IMPORT_ERROR is not None:
            return "requests cannot be imported"
        python = self._interpreter(variables)
        return None if is_this_python(python) else f"{python} is not the Python that runs Ansible"

    def _becomes_another(self) -> bool:
        """Say whether Ansible would become another user, as it decides itself."""
        if not self._connection.become:
            return False
        user = self.get_become_option("become_user")
        return bool(C.BECOME_ALLOW_SAME_USER or not user or user != self._get_remote_user())

    def _has_environment(self) -> bool:
        if not any(self._task.environment or ()):
            return False
        environment: dict[str, t.Any] = {}
        self._compute_environment_string(environment)
        return bool(environment)

    def _interpreter(self, variables: _Variables) -> str:
        """Return the Python of the host, or how it is to be found; never one that had to be found."""
        if self._task.delegate_to:
            variables = variables["ansible_delegated_vars"][self._task.delegate_to]
        python = C.config.get_config_value("INTERPRETER_PYTHON", variables=variables)
        if python == _OF_IMPLICIT_LOCALHOST:
            # Nothing else in a small task may be a template, and to load all that templates need takes longer than it.
            python = variables["ansible_playbook_python"]
        elif "{" in python:
            python = self._templar.template(python)
        return f"{python}".strip()


def _mask(value: t.Any, secrets: set[str]) -> t.Any:
    """Return a value of a result without secrets, as AnsibleModule does.

    That goes through all of it, and most values hold no secret, which their text tells much quicker.
    """
    if value is None or isinstance(value, bool):
        return value
    text = json.dumps(value)
    return remove_values(value, secrets) if any(json.dumps(secret)[1:-1] in text for secret in secrets) else value


def _as_of_module(result: dict[str, t.Any]) -> dict[str, t.Any]:
    """Return a result as ansible-core has it from a module, as far as it lets one."""
    with contextlib.suppress(Exception):
        if UnifiedTaskResult is not None:
            unified = UnifiedTaskResult.from_module_result_dict(dict(result))
            unified.ansible_parsed = True
            return t.cast("dict[str, t.Any]", unified.as_result_dict(for_round_trip=True))
        if AnsibleModuleCapturedError is not None:
            of_module = dict(result)
            AnsibleModuleCapturedError.normalize_result_exception(of_module)
            return of_module
    return result


_as_of_module({})  # Once in the main process: ansible-core would look through its types again in each worker.


def is_this_python(path: str) -> bool:
    """Say whether a path is that of the Python that runs this: the same program with the same libraries.

    A virtual environment's Python is a link to another one, and belongs to it by the place of the link.
    """
    return os.path.isabs(path) and _program(path) == _THIS_PROGRAM


def _program(path: str) -> tuple[str, str | None]:
    folder = os.path.realpath(os.path.dirname(path))
    environments = [place for place in (folder, os.path.dirname(folder)) if os.path.isfile(f"{place}/pyvenv.cfg")]
    return os.path.realpath(path), environments[0] if environments else None


_THIS_PROGRAM = _program(sys.executable)


def _has_invocation(variables: _Variables) -> bool:
    """Say whether a module would return its options: since ansible-core 2.21 it is a setting."""
    try:
        return bool(C.config.get_config_value("INJECT_INVOCATION", variables=variables))
    except AnsibleError:
        return True


@contextlib.contextmanager
def _in_folder(folder: str) -> t.Iterator[None]:
    """Be in a folder, which relative paths count from: Ansible starts a module in that of the playbook."""
    before = os.getcwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
