# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Show what a playbook has to say and nothing of how it runs."""

from __future__ import annotations

DOCUMENTATION = """
name: messages
type: stdout
short_description: Show what a playbook has to say
description:
  - Shows the messages of debug, the warnings of all tasks, and of a task that fails its message alone.
"""

import typing as t

from ansible.plugins.callback import CallbackBase


class CallbackModule(CallbackBase):
    """Print the lines of each message, after an empty one."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "messages"

    def v2_runner_on_ok(self, result: t.Any) -> None:
        answer = self._said(result)
        if result._task.action in ("debug", "ansible.builtin.debug"):
            lines = answer["msg"] if isinstance(answer["msg"], list) else [answer["msg"]]
            self._display.display("\n".join(["", *map(str, lines)]))

    def v2_runner_on_failed(self, result: t.Any, ignore_errors: bool = False) -> None:
        message = self._said(result).get("msg", "It failed without a message.")
        if not ignore_errors:
            self._display.display(f"\n{message}", color="red", stderr=True)

    def _said(self, result: t.Any) -> dict[str, t.Any]:
        """Return what a task returned, after its warnings have been shown."""
        answer: dict[str, t.Any] = result._result
        self._handle_warnings(answer)
        return answer
