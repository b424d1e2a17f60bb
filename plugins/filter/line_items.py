# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The line_items filter."""

from __future__ import annotations

DOCUMENTATION = r"""
name: line_items
short_description: Flatten invoices of CockroachDB Cloud into rows of line items and adjustments
version_added: 1.0.0
author:
  - cockroachdb_cloud.billing contributors (@cockroachdb-cloud-billing)
description:
  - Turns invoices into a flat list with one row for each line item and each adjustment. Rows of one invoice stand
    together, line items by cluster first, adjustments next, and last what the invoice states beyond both. They add up
    to the bill.
  - Line items of zero cost are rows too, since they can carry real usage.
positional: _input
extends_documentation_fragment:
  - cockroachdb_cloud.billing._costs.owners
options:
  _input:
    description:
      - The invoices with all their details, as M(cockroachdb_cloud.billing.invoice_info) returns them in
        RV(cockroachdb_cloud.billing.invoice_info#module:invoices), or as P(cockroachdb_cloud.billing.invoice#lookup)
        returns them.
    type: list
    elements: dict
    required: true
notes:
  - For many invoices, M(cockroachdb_cloud.billing.invoice_export) writes the same rows into a file much faster than a
    task can hand them on.
seealso:
  - module: cockroachdb_cloud.billing.invoice_export
    description: Write the same rows into a file.
  - plugin: cockroachdb_cloud.billing.cost_summary
    plugin_type: filter
  - plugin: cockroachdb_cloud.billing.focus_rows
    plugin_type: filter
"""

EXAMPLES = r"""
---
- name: Get the invoices of last month
  cockroachdb_cloud.billing.invoice_info:
    period: last_month
  register: last_month

- name: Show the five dearest lines in USD
  ansible.builtin.debug:
    msg: "{{ item.cluster_name or 'adjustment' }}: {{ item.description }}, {{ item.amount }}"
  loop: >-
    {{ (last_month.invoices | cockroachdb_cloud.billing.line_items
        | selectattr('currency', 'equalto', 'USD') | sort(attribute='amount', reverse=true))[:5] }}
  loop_control:
    label: "{{ item.invoice_id }}"
"""

RETURN = r"""
_value:
  description: The rows.
  type: list
  elements: dict
  sample:
    - invoice_id: 5d8e6f3a-0c1b-4f5e-9d2c-7a8b9c0d1e2f
      status: FINALIZED
      period_start: "2026-10-01T00:00:00Z"
      period_end: "2026-11-01T00:00:00Z"
      kind: usage
      cluster_id: 35c4abb2-bb66-46d7-afed-25ebef5ed2aa
      cluster_name: orders
      plan: STANDARD
      cloud_provider: AWS
      regions: [us-east-1]
      folder: Engineering/Payments
      labels: {team: payments}
      description: Compute
      quantity: 2976.0
      quantity_unit: VCPU_HOURS
      unit_cost: 0.18
      amount: 535.68
      currency: USD
  contains:
    invoice_id:
      description: The id of the invoice.
      type: str
    status:
      description: The status of the invoice, such as V(FINALIZED) or V(DRAFT).
      type: str
    period_start:
      description: The begin of the billing period.
      type: str
    period_end:
      description: The end of the billing period; it is not part of the period.
      type: str
    kind:
      description: What the row is, V(usage) for a line item, V(adjustment), or V(unitemized).
      type: str
    cluster_id:
      description: The id of the cluster; null for an adjustment, as are the other keys of clusters and quantities.
      type: str
    cluster_name:
      description: The name of the cluster.
      type: str
    plan:
      description: The plan of the cluster.
      type: str
    cloud_provider:
      description: The cloud provider of the cluster.
      type: str
    regions:
      description: The names of the regions of the cluster; empty for an adjustment.
      type: list
      elements: str
    folder:
      description: The path of the folder of the cluster, from the root, with C(/) between the names; null at the root.
      type: str
    labels:
      description: The labels of the cluster itself; empty for an adjustment.
      type: dict
    description:
      description: The description of the line item, or the name of the adjustment.
      type: str
    quantity:
      description: How much was used.
      type: float
    quantity_unit:
      description: The unit of the quantity.
      type: str
    unit_cost:
      description: The cost of one unit.
      type: float
    amount:
      description: The cost of the row; 0 where the API names none.
      type: float
    currency:
      description: The currency of the amount; null where the API names none.
      type: str
    owner:
      description: With O(owners), who owns the cost; null when no rule fits.
      type: str
"""

import typing as t

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils import _lines
from ansible_collections.cockroachdb_cloud.billing.plugins.plugin_utils._filter import billing_filter, owners_of


@billing_filter
def line_items(invoices: t.Any, *, owners: t.Any = None) -> list[dict[str, t.Any]]:
    """Return the rows of the invoices."""
    return list(_lines.line_items(invoices, owners_of(invoices, owners)))


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filter by its name."""
        return {"line_items": line_items}
