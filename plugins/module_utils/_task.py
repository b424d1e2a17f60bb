# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is private to the cockroachdb_cloud.billing collection.
# It can change or vanish in any release, so do not use it from outside.

"""What a task of this collection has at hand, whether a module runs it or the controller's worker."""

from __future__ import annotations

import typing as t

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._credential import (
    Layer,
    environment_layer,
    mask_secrets,
    take_out_secrets,
)
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._options import (
    CONNECTION_SPEC,
    SELECTION_SPEC,
    Connection,
    Selection,
    read_connection,
    read_selection,
)


class Task:
    """The options of one task, and a way to warn its user.

    Who runs the task derives from it, sets C(params) to the options as given, calls :meth:`keep_secrets` before
    anything else gets to see them, and has them checked against an argument spec.
    """

    params: dict[str, t.Any]
    _layers: tuple[Layer, ...] = ()

    def keep_secrets(self) -> set[str]:
        """Take the credentials out of the options, and return what has to be masked in all that the task shows."""
        self._layers = (Layer(take_out_secrets(self.params), "option {option}"), environment_layer())
        return mask_secrets(self._layers)

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

    def warn(self, warning: str) -> None:
        """Show the user a warning."""
        raise NotImplementedError


class Work(t.NamedTuple):
    """What a task does: its options beside those that all have, and the function that returns its result.

    The function raises BillingError. It changes nothing, and does the same in check mode.
    """

    extra_spec: t.Mapping[str, t.Any]
    run: t.Callable[[Task], dict[str, t.Any]]


def argument_spec(extra_spec: t.Mapping[str, t.Any] | None = None) -> dict[str, t.Any]:
    """Return the argument spec of a task with options of its own, or with some that are different in it."""
    return {**CONNECTION_SPEC, **SELECTION_SPEC, **(extra_spec or {})}
