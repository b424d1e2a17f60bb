# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cost_summary filter."""

from __future__ import annotations

DOCUMENTATION = r"""
name: cost_summary
short_description: Add up invoices of CockroachDB Cloud by team, cluster, month and more
version_added: 1.0.0
author:
  - cockroachdb_cloud.billing contributors (@cockroachdb-cloud-billing)
description:
  - Adds up the line items and adjustments of invoices by any list of groups and by currency.
  - What an invoice states beyond its line items and adjustments is a row of the kind C(unitemized), so that rows add up
    to the bill. A warning says so.
  - Sums are exact, and amounts of different currencies are never added up.
positional: _input, group_by
extends_documentation_fragment:
  - cockroachdb_cloud.billing._costs
  - cockroachdb_cloud.billing._costs.owners
  - cockroachdb_cloud.billing._costs.sharing
  - cockroachdb_cloud.billing._costs.compare
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
    description: The same sums where the invoices are fetched, which is much faster for many of them.
  - plugin: cockroachdb_cloud.billing.reconcile
    plugin_type: filter
"""

EXAMPLES = r"""
---
- name: Get the invoices of this year
  cockroachdb_cloud.billing.invoice_info:
    period: this_year
  register: year

- name: Show what each team costs
  ansible.builtin.debug:
    msg: "{{ item['label:team'] or 'no team' }}: {{ item.amount }} {{ item.currency }}"
  loop: "{{ year.invoices | cockroachdb_cloud.billing.cost_summary(['label:team'], credit_rate=0.9) }}"
  loop_control:
    label: "{{ item['label:team'] }}"

- name: Show the clusters that cost at least a tenth more than in the month before
  ansible.builtin.debug:
    msg: "{{ item.cluster }} in {{ item.period }}: {{ item.change_percent | round(1) }} percent more"
  loop: >-
    {{ year.invoices | cockroachdb_cloud.billing.cost_summary(['period', 'cluster'], compare='previous')
       | rejectattr('change_percent', 'none') | selectattr('change_percent', 'ge', 10) }}
  loop_control:
    label: "{{ item.cluster }}"
"""

RETURN = r"""
_value:
  description:
    - One row for each group and currency, with a key for each entry of O(group_by), and the keys below.
    - Rows are sorted by the values of the groups in the order of O(group_by), null last, then by currency.
  type: list
  elements: dict
  sample:
    - period: 2026-10
      label:team: payments
      currency: USD
      amount: 1290.55
  contains:
    currency:
      description: The currency of the row; null where the API names none.
      type: str
    amount:
      description: The sum of the group, with what was shared out to it.
      type: float
    allocated:
      description: With O(allocate) other than V(none), the part of the amount that came from sharing out.
      type: float
    quantity:
      description: With V(unit) in O(group_by), the sum of the quantities; null where there is no unit.
      type: float
    projected:
      description:
        - With V(period) in O(group_by), in a month that is not over, what the month comes to at its end as
          M(cockroachdb_cloud.billing.cost_info) projects it; null in its first two days.
      type: float
    previous:
      description: With O(compare), the sum of the same group in the calendar month before; null where nothing was.
      type: float
    change:
      description: With O(compare), the amount, or the projection, less the one before; null without either.
      type: float
    change_percent:
      description:
        - With O(compare), the change in percent of the size of the amount before, so that it is below 0 when costs
          fell. Null where nothing was, or 0.
      type: float
"""

import datetime
import typing as t

from ansible.utils.display import Display

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._answers import answer, read_books
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._query import read_query
from ansible_collections.cockroachdb_cloud.billing.plugins.plugin_utils._filter import billing_filter

display = Display()


@billing_filter
def cost_summary(
    invoices: t.Any,
    group_by: t.Any = ("period",),
    credit_rate: t.Any = None,
    owners: t.Any = None,
    compare: t.Any = None,
    allocate: t.Any = "none",
    weights: t.Any = None,
    decimals: t.Any = None,
) -> t.Any:
    """Return the sums of the invoices."""
    query = read_query(
        {
            "group_by": group_by,
            "credit_rate": credit_rate,
            "owners": owners,
            "compare": compare,
            "allocate": allocate,
            "weights": weights,
            "decimals": decimals,
        }
    )
    result, warnings = answer(read_books(invoices, query), query, datetime.datetime.now(datetime.timezone.utc))
    for text in warnings:
        display.warning(text)
    return result["costs"]


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filter by its name."""
        return {"cost_summary": cost_summary}
