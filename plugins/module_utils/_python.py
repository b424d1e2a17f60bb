# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is private to the cockroachdb_cloud.billing collection.
# It can change or vanish in any release, so do not use it from outside.

"""Ends a module on a Python that is too old for it, in one sentence.

ansible-core 2.16 runs modules with Python 3.6, and 2.17 with 3.7; later ones do not get as far. So this file and those
of the modules are written for 3.6, which has no annotations from the future.
"""

import json
import sys

_OLDEST = (3, 8)


def require_python() -> None:
    """End the process with a failed result unless Python is new enough for everything else to be imported."""
    if sys.version_info[:2] >= _OLDEST:
        return
    text = (
        "This module needs Python {}.{} or newer on the host that it runs on, and {} is Python {}.{}: set "
        "ansible_python_interpreter to a newer one, or delegate the task to a host that has one."
    ).format(*_OLDEST, sys.executable, *sys.version_info[:2])
    failure = {"reason": "options", "status": None, "code": None, "message": None, "attempts": 0}
    # AnsibleModule would check the options first, and show those of a task that fails.
    sys.stdout.write(json.dumps({"failed": True, "msg": text, "failure": failure}) + "\n")
    raise SystemExit(1)
