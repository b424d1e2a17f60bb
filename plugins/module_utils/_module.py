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

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._credential import (
    Layer,
    environment_layer,
    mask_secrets,
    take_out_secrets,
)
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._errors import BillingError, OptionsError
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._options import (
    CONNECTION_SPEC,
    SELECTION_SPEC,
    Connection,
    Selection,
    read_connection,
    read_selection,
)


def _leave_garbage() -> None:
    """Keep Python from looking for garbage in this process: it ends with its one task, and all its memory with it.

    Python would look while it imports requests, while an answer is read, and once more through everything at the end:
    together that is a tenth of a small task.
    """
    gc.disable()
    atexit.register(gc.freeze)


class BillingModule(AnsibleModule):
    """A module with the shared options, whose every failure carries the C(failure) dictionary."""

    def __init__(self, extra_spec: t.Mapping[str, t.Any] | None = None, **kwargs: t.Any) -> None:
        """Read the parameters, with every secret kept out of what the module returns.

        :param extra_spec: the options of the module beside the connection and selection options, and those of them that
            are different in it.
        :param kwargs: as for AnsibleModule.
        """
        _leave_garbage()
        super().__init__(
            argument_spec={**CONNECTION_SPEC, **SELECTION_SPEC, **(extra_spec or {})},
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
        self._layers = (Layer(take_out_secrets(self.params), "option {option}"), environment_layer())
        self.no_log_values.update(mask_secrets(self._layers))

    def connection(self) -> Connection:
        """Return the checked connection options; raises OptionsError."""
        return read_connection(self.params, self._layers, environment_of="the host that the module runs on")

    def selection(self, *, labels: bool = False) -> Selection:
        """Return the checked selection options, and show the user what they warn of.

        :param labels: whether any other option of the task asks for a label.
        :raises OptionsError: it names the option and what to write instead.
        """
        selection = read_selection(self.params, labels=labels)
        self.warn_of(selection.warnings)
        return selection

    def warn_of(self, texts: t.Iterable[str]) -> None:
        """Show the user each of some warnings."""
        for text in texts:
            self.warn(text)

    def fail_json(self, msg: str, **kwargs: t.Any) -> None:
        """Fail as every module does, and say that the options are at fault when nothing else is said.

        That is the case for what AnsibleModule itself finds: an unknown option, a wrong type, a missing parameter.
        """
        kwargs.setdefault("failure", OptionsError(msg).failure())
        super().fail_json(msg, **kwargs)

    def fail_with(self, error: BillingError) -> None:
        """Fail with the text of an error and its C(failure) dictionary."""
        self.fail_json(f"{error}", failure=error.failure())
