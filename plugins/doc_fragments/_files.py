# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This document fragment is private to the cockroachdb_cloud.billing collection.
# It can change or vanish in any release, so do not use it from outside.

"""How a module places files, beside what the fragment C(ansible.builtin.files) says."""

from __future__ import annotations


class ModuleDocFragment:
    """C(DOCUMENTATION) is for every module that writes files."""

    DOCUMENTATION = r"""
options:
  follow:
    description:
      - When O(dest) is a symbolic link, write to the file that it points to. Otherwise a file takes the place of the
        link, and what it pointed to stays as it is.
    type: bool
    default: false
notes:
  - A new file is open to its owner alone (V(0600)) unless O(mode) says otherwise. A file that is there keeps its mode,
    as with M(ansible.builtin.copy).
"""
