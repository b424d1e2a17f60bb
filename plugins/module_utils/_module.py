# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is private to the cockroachdb_cloud.billing collection.
# It can change or vanish in any release, so do not use it from outside.

"""What only the modules need: from an argument spec to checked options, and from an error to a failed task."""

from __future__ import annotations

import atexit
import gc
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._errors import (
    BillingError,
    OptionsError,
    out_of_memory,
)
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._task import Task, Work, argument_spec


def _leave_garbage() -> None:
    """Keep Python from looking for garbage in this process: it ends with its one task, and all its memory with it.

    Python would look while it imports requests, while an answer is read, and once more through everything at the end:
    together that is a tenth of a small task.
    """
    gc.disable()
    atexit.register(gc.freeze)


class BillingModule(AnsibleModule, Task):
    """A module with the shared options, whose every failure carries the C(failure) dictionary."""

    def __init__(self, extra_spec: t.Mapping[str, t.Any] | None = None, **kwargs: t.Any) -> None:
        """Read the parameters, with every secret kept out of what the module returns.

        :param extra_spec: the options of the module beside the connection and selection options, and those of them that
            are different in it.
        :param kwargs: as for AnsibleModule.
        """
        _leave_garbage()
        super().__init__(
            argument_spec=argument_spec(extra_spec),
            supports_check_mode=True,
            **kwargs,
        )
        self.diff_mode: bool = self._diff

    def _load_params(self) -> None:
        """Load the parameters as every module does, and keep secrets out before anything else gets to see them.

        AnsibleModule would mask each value of the options, however short, only after it has checked all options, and
        shows the options of a task that fails.
        """
        super()._load_params()
        self.no_log_values.update(self.keep_secrets())

    def fail_json(self, msg: str, **kwargs: t.Any) -> None:
        """Fail as every module does, and say that the options are at fault when nothing else is said.

        That is the case for what AnsibleModule itself finds: an unknown option, a wrong type, a missing parameter.
        """
        kwargs.setdefault("failure", OptionsError(msg).failure())
        super().fail_json(msg, **kwargs)

    def fail_with(self, error: BillingError) -> None:
        """Fail with the text of an error and its C(failure) dictionary."""
        self.fail_json(f"{error}", failure=error.failure())


def run_module(work: Work) -> None:
    """Do what a task does, as a module in a process of its own."""
    module = BillingModule(work.extra_spec)
    end_with(module, lambda: {"changed": False, **work.run(module)})


def end_with(module: BillingModule, work: t.Callable[[], dict[str, t.Any]]) -> None:
    """End a module with the result of its work, or with what went wrong.

    :param work: raises BillingError.
    """
    failure: BillingError | None = None
    try:
        module.exit_json(**work())
    except BillingError as error:
        failure = error
    except MemoryError:  # also out of AnsibleModule itself, which makes several copies of a result
        failure = out_of_memory()
    # Not where it was caught: with -vvv ansible-core would add a traceback, which says nothing about what to do.
    if failure is not None:
        module.fail_with(failure)
