# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cost_info module."""

DOCUMENTATION = r"""
module: cost_info
short_description: Add up the costs of a CockroachDB Cloud organization, and say where the month is heading
version_added: 1.0.0
author:
  - cockroachdb_cloud.billing contributors (@cockroachdb-cloud-billing)
description:
  - Gathers invoices as M(cockroachdb_cloud.billing.invoice_info) does, adds them up by team, cluster, month and more,
    and returns the sums, where the draft of this month is heading, where budgets stand, what is left of credits, and
    whether the invoices add up. All of it comes from one fetch.
  - It computes where it fetches. Its result stays small, however large the invoices are.
  - Sums are exact to the last digit that the API sends. Amounts of different currencies are never added up.
  - What an invoice bills is what its line items and adjustments come to. Where it states more than these, the rest is a
    row of the kind C(unitemized), so that rows always add up to the bill, and a warning says so.
extends_documentation_fragment:
  - cockroachdb_cloud.billing._attributes
  - cockroachdb_cloud.billing._attributes.info
  - cockroachdb_cloud.billing._connection
  - cockroachdb_cloud.billing._connection.modules
  - cockroachdb_cloud.billing._selection
  - cockroachdb_cloud.billing._selection.modules
  - cockroachdb_cloud.billing._costs
  - cockroachdb_cloud.billing._costs.owners
  - cockroachdb_cloud.billing._costs.sharing
  - cockroachdb_cloud.billing._costs.compare
  - cockroachdb_cloud.billing._costs.more
  - cockroachdb_cloud.billing._costs.budgets
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
    msg: "{{ item['label:team'] or 'no team' }}: {{ item.amount }} {{ item.currency }}"
  loop: "{{ teams.costs }}"
  loop_control:
    label: "{{ item['label:team'] }}"

- name: Add up last month by owner, allocate what has none, and round to cents that add up
  cockroachdb_cloud.billing.cost_info:
    period: last_month
    group_by: [owner]
    credit_rate: 0.9
    owners:
      - owner: platform
        cluster: ["ci-*", "*-staging"]
      - from: label:team
        lower: true
      - owner: finance
        kind: adjustment
        description: "*Credit*"
    allocate: proportional
    decimals: 2
  register: chargeback

- name: Compare the clusters of this year month by month
  cockroachdb_cloud.billing.cost_info:
    period: this_year
    group_by: [period, cluster]
    compare: previous
  register: changes

- name: See where this month is heading and what is paid for, with a credit at 0.9 USD
  cockroachdb_cloud.billing.cost_info:
    period: this_month
    credit_rate: 0.9
    budgets:
      - name: everything
        amount: 50000
      - name: payments
        amount: 20000
        group:
          label:team: payments
    breakdowns:
      parts: [description, unit]
  register: month

- name: Show each budget
  ansible.builtin.debug:
    msg: "{{ item.name }}: {{ item.state }}, {{ item.spent }} of {{ item.amount }} {{ item.currency }}"
  loop: "{{ month.budgets }}"
  loop_control:
    label: "{{ item.name }}"

- name: Stop when an invoice does not add up
  ansible.builtin.assert:
    that: changes.reconciliation | rejectattr('reconciled') | length == 0
    fail_msg: "{{ changes.reconciliation | rejectattr('reconciled') }}"
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
      description: The sum of the group, with what was shared out to it.
      type: float
      returned: always
    allocated:
      description: The part of the amount that came from sharing out what has no owner.
      type: float
      returned: with O(allocate) other than V(none)
    quantity:
      description: The sum of the quantities, in the unit of the row; null where it has none.
      type: float
      returned: with V(unit) in O(group_by)
    projected:
      description: What the month comes to at its end, as in RV(forecast).
      type: float
      returned: in a month that is not over, with V(period) in O(group_by)
    previous:
      description: The sum of the same group in the calendar month before; null where there was nothing.
      type: float
      returned: with O(compare=previous)
    change:
      description: The amount, or the projection of a month that is not over, less the one before; null without either.
      type: float
      returned: with O(compare=previous)
    change_percent:
      description: The change in percent of the size of the amount before; null where there was nothing, or 0.
      type: float
      returned: with O(compare=previous)
breakdowns:
  description: The rows of each of O(breakdowns), by its name, of the same form as RV(costs).
  returned: success
  type: dict
  sample: {}
totals:
  description: The sum of everything, one row for each currency.
  returned: success
  type: list
  elements: dict
  sample:
    - currency: USD
      amount: 5120.1
invoices:
  description: The invoices that went in.
  returned: success
  type: list
  elements: dict
  sample:
    - invoice_id: 5d8e6f3a-0c1b-4f5e-9d2c-7a8b9c0d1e2f
      period: 2026-10
      status: FINALIZED
forecast:
  description:
    - Where drafts are heading, one row for each month, group and currency. The groups are the entries of O(group_by)
      but V(period), V(invoice) and V(status).
    - Usage goes on at its rate so far, and adjustments stay as they are. It is not known to the hour how far a draft
      has come, so that a projection has a range, which is the same all day.
    - There is no projection in the first two days of a month, and none for an invoice without an end of its period.
  returned: success
  type: list
  elements: dict
  sample:
    - period: 2026-10
      label:team: payments
      currency: USD
      spent: 645.0
      usage: 645.0
      adjustments: 0.0
      elapsed: 0.5
      projected: 1290.0
      projected_low: 1249.69
      projected_high: 1333.0
  contains:
    spent:
      description: What the month has cost so far.
      type: float
      returned: always
    usage:
      description: The part of it that goes on, line items and what is unitemized.
      type: float
      returned: always
    adjustments:
      description: The part of it that stays as it is.
      type: float
      returned: always
    elapsed:
      description:
        - The part of the billing period that is over, from 0 to 1; null when the bounds of a draft are not known.
      type: float
      returned: always
    projected:
      description: RV(forecast[].usage) by RV(forecast[].elapsed), plus RV(forecast[].adjustments).
      type: float
      returned: always
    projected_low:
      description: The same if the draft held all of the day that has begun.
      type: float
      returned: always
    projected_high:
      description: The same if the draft held none of the day that has begun.
      type: float
      returned: always
budgets:
  description: Where the drafts of this month stand against each of O(budgets), in their order.
  returned: success
  type: list
  elements: dict
  sample:
    - name: payments
      group:
        label:team: payments
      currency: USD
      amount: 1250.0
      spent: 645.0
      percent: 51.6
      projected: 1290.0
      projected_low: 1249.69
      projected_high: 1333.0
      state: at_risk
  contains:
    spent:
      description: What this month has cost so far; null without a draft, or where no cost fits.
      type: float
      returned: always
    percent:
      description: That in percent of the budget.
      type: float
      returned: always
    state:
      description:
        - V(over), the budget is spent; V(forecast_over), the low end of the projection is over it; V(at_risk), the high
          end is; V(within); V(unknown), there is no draft of this month, no cost that fits, or it is too early.
      type: str
      returned: always
reconciliation:
  description:
    - Whether each invoice adds up, one row for each invoice and currency. Credits are not converted.
  returned: success
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
      description: The total less the line items and less the adjustments.
      type: float
      returned: always
    reconciled:
      description:
        - Whether the total is what the line items come to, with the adjustments or without them, which the vendor does
          not document. Half of the last digit of the total makes no difference.
      type: bool
      returned: always
balances:
  description:
    - What is left of each currency, as the newest invoice with a balance of it says. Credits are not converted.
  returned: success
  type: list
  elements: dict
  sample:
    - invoice_id: 5d8e6f3a-0c1b-4f5e-9d2c-7a8b9c0d1e2f
      period: 2026-10
      currency: CRDB_CLOUD_CREDITS
      amount: 20500.25
      monthly: 2000.5
      runs_out: "2027-09-08"
  contains:
    monthly:
      description: What the newest three full months that were spent in it came to on average; null without one.
      type: float
      returned: always
    runs_out:
      description: The day on which the balance is used up at that rate; null when it never is.
      type: str
      returned: always
adjustments:
  description: Each adjustment of the invoices.
  returned: success
  type: list
  elements: dict
  sample:
    - invoice_id: 5d8e6f3a-0c1b-4f5e-9d2c-7a8b9c0d1e2f
      period: 2026-10
      name: Premium Support
      currency: USD
      amount: 500.0
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

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._python import require_python

require_python()

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._cost_info import COST_INFO
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._module import run_module


def main() -> None:
    """Run the module."""
    run_module(COST_INFO)


if __name__ == "__main__":
    main()
