# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make the sandbox importable: it is a package beside a script, so its folder stands on the path."""

from __future__ import annotations

import sys

from ansible_collections.cockroachdb_cloud.billing.tests.unit.sandbox._call import SANDBOX

if str(SANDBOX) not in sys.path:
    sys.path.insert(0, str(SANDBOX))
