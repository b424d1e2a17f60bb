# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write down what each task costs: for plays over a single host, in which one task follows the other."""

from __future__ import annotations

DOCUMENTATION = """
name: task_costs
type: aggregate
short_description: Write down what each task costs
description:
  - Appends a line of JSON for each task to a file, with the task's name, its time from start to result in seconds, the
    user CPU time of ansible-playbook and all its children meanwhile.
options:
  task_costs_file:
    description: The file; nothing is written without it.
    type: path
    env:
      - name: BENCHMARK_TASK_COSTS
"""

import json
import multiprocessing
import os
import resource
import time
import typing as t

from ansible.plugins.callback import CallbackBase


class CallbackModule(CallbackBase):
    """Take the time between a task's start and its result."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "task_costs"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._path = os.environ.get("BENCHMARK_TASK_COSTS")
        self._name = ""
        self._began = (0.0, 0.0)

    def v2_playbook_on_task_start(self, task: t.Any, is_conditional: bool) -> None:  # noqa: ARG002 (Ansible passes it)
        self._name = task.get_name()
        self._began = (time.monotonic(), _user_seconds())

    def v2_runner_on_ok(self, result: object) -> None:  # noqa: ARG002 (Ansible passes it)
        wall = time.monotonic() - self._began[0]
        if self._path:
            # A process counts when it has ended: the worker is about to.
            for child in multiprocessing.active_children():
                child.join()
            user = _user_seconds() - self._began[1]
            with open(self._path, "a", encoding="utf-8") as file:
                file.write(json.dumps({"name": self._name, "wall": wall, "user": user}) + "\n")


def _user_seconds() -> float:
    return sum(resource.getrusage(who).ru_utime for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
