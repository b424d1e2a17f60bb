# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This document fragment is private to the cockroachdb_cloud.billing collection.
# It can change or vanish in any release, so do not use it from outside.

"""What every module supports, documented once."""

from __future__ import annotations


class ModuleDocFragment:
    """C(DOCUMENTATION) holds the attributes of every module, C(INFO) those of the modules that only read."""

    DOCUMENTATION = r"""
attributes:
  action_group:
    description: Use C(group/cockroachdb_cloud.billing.all) in C(module_defaults) to set defaults for this module.
    support: full
    details:
      - Ansible hands a default of the group to every module in it, and a module fails for an option that it does not
        have. Set defaults for the group that all modules have, such as O(api_url), and others by the name of a module.
    membership:
      - cockroachdb_cloud.billing.all
"""

    INFO = r"""
attributes:
  action:
    description: Indicates this has a corresponding action plugin so some parts of the options can be executed on the
      controller.
    support: full
    details:
      - With the connection C(local) and the Python that runs Ansible, the work is done in Ansible's own process, which
        takes a tenth of the time. Where anything could differ, as with C(become), C(async), or C(environment), the
        module runs. The result is the same, and C(-vvv) shows which way was taken.
      - Set the variable C(cockroachdb_cloud_as_module) to V(true) to have the module run in any case. A module also
        writes its options, less the credentials, to the syslog of the host.
  check_mode:
    description: Can run in C(check_mode) and say what it would change without changing it.
    support: full
    details:
      - This module changes nothing, and runs in check mode as it always does.
  diff_mode:
    description: Shows what has changed, or in C(check_mode) would change, when in diff mode.
    support: N/A
    details:
      - This module changes nothing.
  idempotent:
    description: Run twice in a row with the same options, the second run changes nothing.
    support: full
    details:
      - This module changes nothing.
"""

    FILES = r"""
attributes:
  check_mode:
    description: Can run in C(check_mode) and say what it would change without changing it.
    support: full
  diff_mode:
    description: Shows what has changed, or in C(check_mode) would change, when in diff mode.
    support: full
  idempotent:
    description: Run twice in a row with the same options, the second run changes nothing.
    support: full
    details:
      - The draft of the current month changes through the month, and so does a file made of it.
  safe_file_operations:
    description: Replaces the file in one step, and sets its permissions, with the functions of ansible-core.
    support: full
"""
