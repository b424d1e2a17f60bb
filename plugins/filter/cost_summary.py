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
  - Sums are exact, and amounts of different currencies are never added up.
positional: _input, group_by
options:
  _input:
    description:
      - The invoices with all their details, as M(cockroachdb_cloud.billing.invoice_info) returns them in
        RV(cockroachdb_cloud.billing.invoice_info#module:invoices), or as P(cockroachdb_cloud.billing.invoice#lookup)
        returns them.
    type: list
    elements: dict
    required: true
  group_by:
    description:
      - What to add up by, in this order. Each entry becomes a key of the rows, spelled as given.
      - V(period) is the month, such as C(2026-10); V(invoice) the id and V(status) the status of the invoice.
      - V(cluster) is the name of a cluster and V(cluster_id) its id; V(plan), V(cloud_provider), V(region) and
        V(folder) belong to it too. The regions of a cluster are joined by a comma, a folder is a path from the root.
      - V(label:team) is the value of the label C(team) of the cluster itself, and likewise for any other name. Labels
        of folders do not count.
      - V(description) and V(unit) are those of the line item; the description of an adjustment is its name. V(kind) is
        C(usage) or C(adjustment).
      - What an item does not have is null in its row. Adjustments belong to no cluster.
      - An empty list gives one row for each currency.
    type: list
    elements: str
    default:
      - period
  credit_rate:
    description:
      - What one credit is worth in USD. With it, credits of either name count as USD.
      - Without it, credits stay a currency of their own.
    type: float
  compare:
    description:
      - With V(previous), each row is compared with the same group in the calendar month before. Needs V(period) in
        O(group_by).
      - A group that had costs in the month before and has none in a month that is among the invoices gets a row with an
        amount of 0.
    type: str
    choices:
      - previous
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
    msg: "{{ item['label:team'] or 'nobody' }}: {{ item.amount }} {{ item.currency }}"
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
      description: The sum of the line items and adjustments of the group.
      type: float
    previous:
      description: With O(compare), the sum of the same group in the calendar month before; null where nothing was.
      type: float
    change:
      description: With O(compare), the amount less the one before; null where nothing was.
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
    invoices: t.Any, group_by: t.Any = ("period",), credit_rate: t.Any = None, compare: t.Any = None
) -> t.Any:
    """Return the sums of the invoices."""
    query = read_query({"group_by": group_by, "credit_rate": credit_rate, "compare": compare})
    result, warnings = answer(read_books(invoices, query), query, datetime.datetime.now(datetime.timezone.utc))
    for text in warnings:
        display.warning(text)
    return result["costs"]


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filter by its name."""
        return {"cost_summary": cost_summary}
