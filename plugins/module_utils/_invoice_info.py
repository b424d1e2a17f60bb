# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is private to the cockroachdb_cloud.billing collection.
# It can change or vanish in any release, so do not use it from outside.

"""What the module invoice_info does: fetch, and return what was fetched."""

from __future__ import annotations

import typing as t

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._invoices import gather
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._options import DETAIL_SPEC
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._task import Task, Work


def _invoice_info(task: Task) -> dict[str, t.Any]:
    gathered = gather(task.connection(), task.selection())
    task.warn_of(gathered.warnings)
    return {"invoices": gathered.invoices}


INVOICE_INFO = Work(DETAIL_SPEC, _invoice_info)
