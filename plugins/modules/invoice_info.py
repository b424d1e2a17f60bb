# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The invoice_info module."""

DOCUMENTATION = r"""
module: invoice_info
short_description: Gather the invoices of a CockroachDB Cloud organization
version_added: 1.0.0
author:
  - cockroachdb_cloud.billing contributors (@cockroachdb-cloud-billing)
description:
  - Gathers invoices with the billing API of CockroachDB Cloud and returns them as structured data.
  - Lists all invoices or a selection of them, or gets single ones by their ids.
extends_documentation_fragment:
  - cockroachdb_cloud.billing._attributes
  - cockroachdb_cloud.billing._attributes.info
  - cockroachdb_cloud.billing._connection
  - cockroachdb_cloud.billing._connection.modules
  - cockroachdb_cloud.billing._selection
  - cockroachdb_cloud.billing._selection.detail
  - cockroachdb_cloud.billing._selection.modules
notes:
  - Ansible takes much longer to hand on a large result than this module takes to fetch it. An organization with 100
    clusters and ten years of invoices has a list of 20 MB. Use O(detail), O(period), or
    M(cockroachdb_cloud.billing.cost_info) where the line items are not needed in the playbook.
seealso:
  - plugin: cockroachdb_cloud.billing.invoice
    plugin_type: lookup
    description: The same on the controller, inside an expression.
  - module: cockroachdb_cloud.billing.cost_info
  - module: cockroachdb_cloud.billing.invoice_export
  - name: CockroachDB Cloud API
    description: The vendor's reference of the API.
    link: https://www.cockroachlabs.com/docs/api/cloud/v1
"""

EXAMPLES = r"""
---
- name: Gather all invoices, with the key from COCKROACH_API_KEY in the environment
  cockroachdb_cloud.billing.invoice_info:
  register: billing

- name: Show what each billing period came to
  ansible.builtin.debug:
    msg: "{{ item.period_start[:7] }} {{ item.status }} {{ item.totals }}"
  loop: "{{ billing.invoices }}"
  loop_control:
    label: "{{ item.invoice_id }}"

- name: Gather the last three full months, without the line items
  cockroachdb_cloud.billing.invoice_info:
    period: last_3_months
    detail: clusters
  register: quarter

- name: Gather the draft of the current month
  cockroachdb_cloud.billing.invoice_info:
    status: DRAFT
    detail: totals
  register: draft

- name: Get invoices by their ids, in this order
  cockroachdb_cloud.billing.invoice_info:
    invoice_id:
      - "{{ billing.invoices[0].invoice_id }}"
      - "{{ billing.invoices[1].invoice_id }}"
  register: two_invoices
"""

RETURN = r"""
invoices:
  description:
    - The invoices, sorted by RV(invoices[].period_start), or in the order of O(invoice_id).
    - Everything that O(detail) keeps is as the API sent it, including fields and values that are not documented here.
    - Amounts are in major units (dollars, not cents). Amounts of different currencies must not be added up.
  returned: success
  type: list
  elements: dict
  contains:
    invoice_id:
      description: The id of the invoice.
      type: str
      returned: always
      sample: 5b0a2c3e-7f0d-4c7e-9f4e-0b1f4f6f2f10
    status:
      description: V(FINALIZED), or V(DRAFT) for an invoice that still changes.
      type: str
      returned: when the API sends it
      sample: FINALIZED
    period_start:
      description: The start of the billing period, inclusive, in RFC 3339.
      type: str
      returned: always
      sample: "2026-10-01T00:00:00Z"
    period_end:
      description: The end of the billing period, exclusive, in RFC 3339.
      type: str
      returned: always
      sample: "2026-11-01T00:00:00Z"
    totals:
      description: The total of the invoice in each currency.
      type: list
      elements: dict
      returned: always
      sample:
        - amount: 1290.55
          currency: USD
    balances:
      description: What was left of each currency at the time of the invoice.
      type: list
      elements: dict
      returned: always
      sample:
        - amount: 20500.25
          currency: CRDB_CLOUD_CREDITS
    adjustments:
      description: Credits and costs that belong to no cluster.
      type: list
      elements: dict
      returned: when the API sends it
      sample:
        - name: Premium Support
          amount:
            amount: 500.0
            currency: USD
    invoice_items:
      description: One item for each cluster, sorted by the cluster's name.
      type: list
      elements: dict
      returned: unless O(detail=totals)
      contains:
        cluster:
          description: The cluster, with its labels, plan and regions as at the time of the call.
          type: dict
          returned: always
          sample:
            id: 35c4abb2-bb66-46d7-afed-25ebef5ed2aa
            name: payments-prod
            plan: STANDARD
            cloud_provider: GCP
            state: CREATED
            parent_id: root
            labels:
              team: payments
        totals:
          description: The total of the item in each currency.
          type: list
          elements: dict
          returned: always
          sample:
            - amount: 790.55
              currency: USD
        line_items:
          description: What the cluster used, one line for each kind of usage.
          type: list
          elements: dict
          returned: only with O(detail=full)
          sample:
            - description: Compute
              quantity: 1440.0
              quantity_unit: VCPU_HOURS
              unit_cost: 0.12
              total:
                amount: 172.8
                currency: USD
    folder_resources:
      description: Folders and clusters with their paths and labels, a preview feature of the API.
      type: list
      elements: dict
      returned: when the API sends it, unless O(detail=totals)
failure:
  description: What went wrong, for playbooks to branch on.
  returned: failure
  type: dict
  contains:
    reason:
      description:
        - One of V(options), V(authentication), V(permission), V(not_found), V(rate_limit), V(request), V(server),
          V(network), V(timeout), V(response), V(incomplete).
      type: str
      returned: always
      sample: permission
    status:
      description: The HTTP status of the last answer, or null.
      type: int
      returned: always
      sample: 403
    code:
      description: The gRPC code that the API gave, or null.
      type: int
      returned: always
      sample: 7
    message:
      description: The message that the API gave, or null.
      type: str
      returned: always
      sample: permission denied
    attempts:
      description: How many attempts the call had that failed; 0 when it was refused before any.
      type: int
      returned: always
      sample: 1
"""

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._python import require_python

require_python()

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._invoice_info import INVOICE_INFO
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._module import run_module


def main() -> None:
    """Run the module."""
    run_module(INVOICE_INFO)


if __name__ == "__main__":
    main()
