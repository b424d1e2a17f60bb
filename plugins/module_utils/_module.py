# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is private to the cockroachdb_cloud.billing collection.
# It can change or vanish in any release, so do not use it from outside.

"""What only the modules need: from an argument spec to checked options, and from an error to a failed task."""

from __future__ import annotations

import atexit
import gc
import re
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._errors import BillingError, OptionsError
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._options import (
    CONNECTION_SPEC,
    SELECTION_SPEC,
    Connection,
    Layer,
    Selection,
    environment_layer,
    read_connection,
    read_selection,
)

try:
    from ansible.module_utils.secrets import register_secrets
except ImportError:
    # Before 2.22 the module itself masks what stands in no_log_values, and from then on the controller what it is told.
    register_secrets = None


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
        """Read the parameters and mask every secret in what the module returns.

        :param extra_spec: the options of the module beside the connection and selection options.
        :param kwargs: as for AnsibleModule.
        """
        _leave_garbage()
        super().__init__(
            argument_spec={**CONNECTION_SPEC, **SELECTION_SPEC, **(extra_spec or {})},
            supports_check_mode=True,
            **kwargs,
        )
        self.diff_mode: bool = self._diff
        self._environment = environment_layer()
        # The environment's secrets as well as the parameters', and without the white space that is not sent.
        secrets = [*self._environment.values.values(), self.params["api_key"], self.params["api_jwt"]]
        # A password in the URL is refused, and Ansible shows the options of a task that fails.
        secrets += re.findall(r"//(.+)@", self.params["api_url"])
        self.no_log_values.update(secret.strip() for secret in secrets if secret)
        # What is all white space is no secret, and would mask every message that says so.
        self.no_log_values.difference_update([secret for secret in self.no_log_values if not secret.strip()])
        if register_secrets is not None:
            register_secrets(self.no_log_values)

    def connection(self) -> Connection:
        """Return the checked connection options; raises OptionsError."""
        layers = (Layer(self.params, "option {option}"), self._environment)
        return read_connection(self.params, layers, environment_of="the host that the module runs on")

    def selection(self, *, needs: str | None = None) -> Selection:
        """Return the checked selection options.

        :param needs: the one value of O(detail) that the module can work with.
        :raises OptionsError: it names the option and what to write instead.
        """
        selection = read_selection(self.params)
        if needs not in (None, selection.detail):
            raise OptionsError(f"detail must be {needs} here, not {selection.detail}: leave it out.")
        return selection

    def fail_json(self, msg: str, **kwargs: t.Any) -> None:
        """Fail as every module does, and say that the options are at fault when nothing else is said.

        That is the case for what AnsibleModule itself finds: an unknown option, a wrong type, a missing parameter.
        """
        kwargs.setdefault("failure", OptionsError(msg).failure())
        super().fail_json(msg, **kwargs)

    def fail_with(self, error: BillingError) -> None:
        """Fail with the text of an error and its C(failure) dictionary."""
        self.fail_json(f"{error}", failure=error.failure())
