# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The invoice_info module, without a process of its own where that is the same."""

from __future__ import annotations

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._invoice_info import INVOICE_INFO
from ansible_collections.cockroachdb_cloud.billing.plugins.plugin_utils._action import BillingAction


class ActionModule(BillingAction):
    """Do what the module does."""

    work = INVOICE_INFO
