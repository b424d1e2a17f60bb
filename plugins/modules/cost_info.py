# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cost_info module."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cost_info
short_description: Add up the costs of a CockroachDB Cloud organization by team, cluster, month and more
version_added: 1.0.0
author:
  - cockroachdb_cloud.billing contributors (@cockroachdb-cloud-billing)
description:
  - Gathers invoices as M(cockroachdb_cloud.billing.invoice_info) does, adds up their line items and adjustments, and
    returns the sums, whether the invoices add up, and where the draft of the current month is heading.
  - It computes where it fetches. Its result stays small, whatever the invoices weigh.
  - Sums are exact to the last digit that the API sends. Amounts of different currencies are never added up.
extends_documentation_fragment:
  - cockroachdb_cloud.billing._attributes
  - cockroachdb_cloud.billing._attributes.info
  - cockroachdb_cloud.billing._connection
  - cockroachdb_cloud.billing._connection.modules
  - cockroachdb_cloud.billing._selection
  - cockroachdb_cloud.billing._selection.modules
options:
  group_by:
    description:
      - What to add up by, in this order. Each entry becomes a key of the rows of RV(costs), spelled as given.
      - V(period) is the month, such as C(2026-10); V(invoice) the id and V(status) the status of the invoice.
      - V(cluster) is the name of a cluster and V(cluster_id) its id; V(plan), V(cloud_provider), V(region) and
        V(folder) belong to it too. The regions of a cluster are joined by a comma, a folder is a path from the root.
      - V(label:team) is the value of the label C(team) of the cluster, and likewise for any other name.
      - V(description) and V(unit) are those of the line item. V(kind) is C(usage) or C(adjustment).
      - What an item does not have is null in its row. Adjustments belong to no cluster.
      - An empty list gives one row for each currency.
    type: list
    elements: str
    default:
      - period
  credit_rate:
    description:
      - What one credit is worth in USD. With it, credits count as USD in RV(costs) and RV(totals).
      - Without it, credits stay a currency of their own.
    type: float
  compare:
    description:
      - With V(previous), each row of RV(costs) is compared with the same group in the calendar month before. Needs
        V(period) in O(group_by).
      - With O(period), the month before the first one is known as well; with ids or a filter by time it is not.
    type: str
    choices:
      - previous
seealso:
  - module: cockroachdb_cloud.billing.invoice_info
  - module: cockroachdb_cloud.billing.invoice_export
  - plugin: cockroachdb_cloud.billing.cost_summary
    plugin_type: filter
    description: The same sums over invoices that a task has registered.
  - plugin: cockroachdb_cloud.billing.reconcile
    plugin_type: filter
"""

EXAMPLES = r"""
---
- name: Add up last month by team
  cockroachdb_cloud.billing.cost_info:
    period: last_month
    group_by: ["label:team"]
  register: teams

- name: Show who pays what
  ansible.builtin.debug:
    msg: "{{ item['label:team'] or 'nobody' }}: {{ item.amount }} {{ item.currency }}"
  loop: "{{ teams.costs }}"
  loop_control:
    label: "{{ item['label:team'] }}"

- name: Compare the clusters of this year month by month
  cockroachdb_cloud.billing.cost_info:
    period: this_year
    group_by: [period, cluster]
    compare: previous
  register: changes

- name: See where this month is heading, with a credit at 0.9 USD
  cockroachdb_cloud.billing.cost_info:
    period: this_month
    credit_rate: 0.9
  register: month

- name: Stop when an invoice does not add up
  ansible.builtin.assert:
    that: changes.reconciliation | rejectattr('difference', 'equalto', 0) | length == 0
    fail_msg: "{{ changes.reconciliation | rejectattr('difference', 'equalto', 0) }}"
"""

RETURN = r"""
costs:
  description: One row for each group and currency, sorted by the values of the groups (null last), then by currency.
  returned: success
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
      returned: always
    amount:
      description: The sum of the line items and adjustments of the group.
      type: float
      returned: always
    previous:
      description: The sum of the same group in the calendar month before; null where there was nothing.
      type: float
      returned: with O(compare=previous)
    change:
      description: The amount less the one before; null where there was nothing.
      type: float
      returned: with O(compare=previous)
    change_percent:
      description: The change in percent of the amount before; null where there was nothing, or 0.
      type: float
      returned: with O(compare=previous)
totals:
  description: The sum of everything, one row for each currency.
  returned: success
  type: list
  elements: dict
  sample:
    - currency: USD
      amount: 5120.1
reconciliation:
  description: Whether each invoice adds up, one row for each invoice and currency, in the currency of the invoice.
  returned: success
  type: list
  elements: dict
  contains:
    invoice_id:
      description: The id of the invoice.
      type: str
      returned: always
    period:
      description: The month of the invoice, such as C(2026-10).
      type: str
      returned: always
    currency:
      description: The currency of the row.
      type: str
      returned: always
    total:
      description: The total as the invoice states it.
      type: float
      returned: always
    lines:
      description: The sum of its line items.
      type: float
      returned: always
    adjustments:
      description: The sum of its adjustments.
      type: float
      returned: always
    difference:
      description:
        - The total less the line items and less the adjustments. 0 means that the invoice adds up.
        - The vendor does not document whether a total includes the adjustments. Where it does not, this is their sum
          with the sign turned.
      type: float
      returned: always
forecast:
  description: Where each draft is heading, one row for each draft and currency, in the currency of the invoice.
  returned: success
  type: list
  elements: dict
  contains:
    invoice_id:
      description: The id of the draft.
      type: str
      returned: always
    period:
      description: The month of the draft, such as C(2026-10).
      type: str
      returned: always
    currency:
      description: The currency of the row.
      type: str
      returned: always
    spent:
      description: The total of the draft so far.
      type: float
      returned: always
    elapsed:
      description: The part of the billing period that is over, from 0 to 1.
      type: float
      returned: always
    projected:
      description: The total at the end of the period if costs go on at the same rate; null when nothing has elapsed.
      type: float
      returned: always
failure:
  description: What went wrong, as RV(cockroachdb_cloud.billing.invoice_info#module:failure) says.
  returned: failure
  type: dict
  sample:
    reason: permission
    status: 403
    code: 7
    message: permission denied
    attempts: 1
"""

import typing as t

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._answers import fetch_answer
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._errors import BillingError
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._module import BillingModule
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._query import COST_SPEC, read_query


def costs(module: BillingModule) -> dict[str, t.Any]:
    """Return the answers that the options ask for; raises BillingError."""
    query = read_query(module.params)
    selection = module.selection(labels=bool(query.labels()))
    result, warnings = fetch_answer(module.connection(), selection, query)
    module.warn_of(warnings)
    return result


def main() -> None:
    """Run the module."""
    module = BillingModule(COST_SPEC)
    try:
        module.exit_json(changed=False, **costs(module))
    except BillingError as error:
        module.fail_with(error)


if __name__ == "__main__":
    main()
