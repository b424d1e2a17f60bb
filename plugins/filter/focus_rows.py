# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The focus_rows filter."""

from __future__ import annotations

DOCUMENTATION = r"""
name: focus_rows
short_description: Turn invoices of CockroachDB Cloud into rows for FinOps tools, in the layout of FOCUS
version_added: 1.0.0
author:
  - cockroachdb_cloud.billing contributors (@cockroachdb-cloud-billing)
description:
  - Turns each line item and each adjustment into a row in the layout of the FinOps Open Cost and Usage Specification.
  - The rows have the shape of FOCUS with gaps, and conformance is not claimed. The API has no SKUs, list prices, taxes,
    corrections, commitments and daily periods.
positional: _input, version
extends_documentation_fragment:
  - cockroachdb_cloud.billing._costs.owners
  - cockroachdb_cloud.billing._focus
options:
  _input:
    description:
      - The invoices with all their details, as M(cockroachdb_cloud.billing.invoice_info) returns them in
        RV(cockroachdb_cloud.billing.invoice_info#module:invoices), or as P(cockroachdb_cloud.billing.invoice#lookup)
        returns them.
    type: list
    elements: dict
    required: true
  version:
    description:
      - The version of FOCUS. V(1.2) is what most tools import.
      - V(1.4) has C(HostProviderName) and C(ServiceProviderName) in place of C(ProviderName) and C(PublisherName).
    type: str
    choices:
      - '1.2'
      - '1.4'
    required: true
  credit_rate:
    description:
      - What one credit is worth in USD. It is needed when an invoice has amounts in credits.
      - Usage that is paid from credits has a C(BilledCost) of 0, since the credits were billed when they were bought.
        Its other costs are the credits in USD.
    type: float
notes:
  - There is no C(SkuPriceId), since any would be invented. By the letter of FOCUS since 1.3 a row without one has no
    quantities; these rows have those that the API tells, in V(1.4) too.
  - C(ListCost) and C(ListUnitPrice) repeat the contracted ones, and C(x_ListCostEstimated) says so.
  - An adjustment below 0 has the C(ChargeCategory) V(Credit), any other V(Adjustment). None is a V(Purchase), which
    would need a quantity and a price.
  - C(Tags) are the labels of the cluster and of the folders that it is in, as a dictionary; the nearer one wins.
  - With O(owners), C(x_Owner) is the owner, and so is C(owner) in C(Tags), where it takes the place of a label of that
    name. Costs without an owner are not shared out here, since FOCUS tells what was billed for each resource.
  - What an invoice states beyond its line items and adjustments is an V(Adjustment) with the C(ChargeDescription)
    V(Unitemized). The sum of C(BilledCost) over an C(InvoiceId) is what the invoice bills in USD, adjustments included.
seealso:
  - module: cockroachdb_cloud.billing.invoice_export
    description: Write the same rows into a file, with its layouts V(focus-1.2) and V(focus-1.4).
  - plugin: cockroachdb_cloud.billing.line_items
    plugin_type: filter
  - name: FOCUS
    description: The specification.
    link: https://focus.finops.org/focus-specification/
"""

EXAMPLES = r"""
---
- name: Get the invoices of last month
  cockroachdb_cloud.billing.invoice_info:
    period: last_month
  register: last_month

- name: Hand the costs on to another tool
  ansible.builtin.set_fact:
    focus: >-
      {{ last_month.invoices
         | cockroachdb_cloud.billing.focus_rows('1.2', billing_account_id='acme', credit_rate=0.9) }}

- name: Show what each resource cost
  ansible.builtin.debug:
    msg: "{{ item.ResourceName or item.ChargeDescription }}: {{ item.BilledCost }} {{ item.BillingCurrency }}"
  loop: "{{ focus }}"
  loop_control:
    label: "{{ item.InvoiceId }}"
"""

RETURN = r"""
_value:
  description:
    - A row for each line item and adjustment. All rows have the same keys, the columns of O(version), in one order.
    - Decimals are floats, times are texts in UTC, C(Tags) is a dictionary, and what is not known is null.
    - Columns of this collection begin with C(x_). They are the currency in the words of the API, the path of the
      folder, the status of the invoice, whether list costs are estimated, the plan of the cluster, and with O(owners)
      the owner.
  type: list
  elements: dict
  sample:
    - BilledCost: 535.68
      BillingAccountId: acme
      BillingAccountName: null
      BillingAccountType: Organization
      BillingCurrency: USD
      BillingPeriodEnd: "2026-11-01T00:00:00Z"
      BillingPeriodStart: "2026-10-01T00:00:00Z"
      ChargeCategory: Usage
      ChargeDescription: Compute
      InvoiceId: 5d8e6f3a-0c1b-4f5e-9d2c-7a8b9c0d1e2f
"""

import typing as t

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils import _focus
from ansible_collections.cockroachdb_cloud.billing.plugins.plugin_utils._filter import billing_filter, owners_of


@billing_filter
def focus_rows(
    invoices: t.Any,
    version: t.Any,
    *,
    billing_account_id: t.Any = None,
    billing_account_name: t.Any = None,
    invoice_issuer: t.Any = _focus.VENDOR,
    credit_rate: t.Any = None,
    owners: t.Any = None,
) -> list[dict[str, t.Any]]:
    """Return the rows of the invoices."""
    return list(
        _focus.focus_rows(
            invoices,
            version,
            billing_account_id=billing_account_id,
            billing_account_name=billing_account_name,
            invoice_issuer=invoice_issuer,
            credit_rate=credit_rate,
            owners=owners_of(invoices, owners),
        )
    )


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filter by its name."""
        return {"focus_rows": focus_rows}
