# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The reconcile filter."""

from __future__ import annotations

DOCUMENTATION = r"""
name: reconcile
short_description: Check whether invoices of CockroachDB Cloud add up
version_added: 1.0.0
author:
  - cockroachdb_cloud.billing contributors (@cockroachdb-cloud-billing)
description:
  - Sets the total that each invoice states against the exact sums of its line items and of its adjustments.
positional: _input
options:
  _input:
    description:
      - The invoices with all their details, as M(cockroachdb_cloud.billing.invoice_info) returns them in
        RV(cockroachdb_cloud.billing.invoice_info#module:invoices), or as P(cockroachdb_cloud.billing.invoice#lookup)
        returns them.
    type: list
    elements: dict
    required: true
seealso:
  - module: cockroachdb_cloud.billing.cost_info
    description: Returns the same rows where the invoices are fetched.
  - plugin: cockroachdb_cloud.billing.cost_summary
    plugin_type: filter
"""

EXAMPLES = r"""
---
- name: Get the invoices of last month
  cockroachdb_cloud.billing.invoice_info:
    period: last_month
  register: last_month

- name: Stop when one of them does not add up
  ansible.builtin.assert:
    that: wrong | length == 0
    fail_msg: "These do not add up: {{ wrong }}"
  vars:
    wrong: "{{ last_month.invoices | cockroachdb_cloud.billing.reconcile | rejectattr('reconciled') }}"
"""

RETURN = r"""
_value:
  description: One row for each invoice and currency, sorted by period, invoice and currency.
  type: list
  elements: dict
  sample:
    - invoice_id: 5d8e6f3a-0c1b-4f5e-9d2c-7a8b9c0d1e2f
      period: 2026-10
      currency: USD
      total: 2301.17
      lines: 2351.17
      adjustments: -50.0
      difference: 0.0
      reconciled: true
  contains:
    invoice_id:
      description: The id of the invoice.
      type: str
    period:
      description: The month of the invoice, such as V(2026-10).
      type: str
    currency:
      description: The currency of the row; null where the API names none.
      type: str
    total:
      description: The total as the invoice states it; 0 where it states none in this currency.
      type: float
    lines:
      description: The sum of the line items.
      type: float
    adjustments:
      description: The sum of the adjustments.
      type: float
    difference:
      description: The total less the line items and less the adjustments.
      type: float
    reconciled:
      description:
        - Whether the total is what the line items come to, with the adjustments or without them, which the vendor does
          not document. Half of the last digit of the total makes no difference.
      type: bool
"""

import typing as t

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._answers import read_books
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._costs import reconciliation_rows
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._query import Query
from ansible_collections.cockroachdb_cloud.billing.plugins.plugin_utils._filter import billing_filter


@billing_filter
def reconcile(invoices: t.Any) -> list[dict[str, t.Any]]:
    """Return the totals of the invoices beside the sums of their parts."""
    return reconciliation_rows(read_books(invoices, Query()))


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filter by its name."""
        return {"reconcile": reconcile}
