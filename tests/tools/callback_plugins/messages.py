# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Show the messages of debug, the warnings of all tasks, of a task that fails its message, and nothing of the run."""

from __future__ import annotations

DOCUMENTATION = """
name: messages
type: stdout
short_description: Show what a playbook has to say
description: Shows the messages of debug, the warnings of all tasks, and of a task that fails its message alone.
"""

import typing as t

from ansible.plugins.callback import CallbackBase


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "messages"

    def v2_runner_on_ok(self, result: t.Any) -> None:
        self._handle_warnings(result._result)
        if result._task.action in ("debug", "ansible.builtin.debug"):
            said = result._result["msg"]
            self._display.display("\n".join(["", *map(str, said if isinstance(said, list) else [said])]))

    def v2_runner_on_failed(self, result: t.Any, ignore_errors: bool = False) -> None:
        self._handle_warnings(result._result)
        if not ignore_errors:
            said = result._result.get("msg", "It failed without a message.")
            self._display.display(f"\n{said}", color="red", stderr=True)
