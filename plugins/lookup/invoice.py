# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The invoice lookup."""

from __future__ import annotations

DOCUMENTATION = r"""
name: invoice
short_description: Look up the invoices of a CockroachDB Cloud organization
version_added: 1.0.0
author:
  - cockroachdb_cloud.billing contributors (@cockroachdb-cloud-billing)
description:
  - Gathers invoices with the billing API of CockroachDB Cloud, on the controller, and returns them as structured data.
  - Lists all invoices or a selection of them, or gets single ones by their ids.
requirements:
  - requests >= 2.29 on the controller
extends_documentation_fragment:
  - cockroachdb_cloud.billing._connection
  - cockroachdb_cloud.billing._connection.plugins
  - cockroachdb_cloud.billing._selection
  - cockroachdb_cloud.billing._selection.detail
options:
  _terms:
    description:
      - The ids of the invoices to get, in this order, with one call for each over one connection.
      - An id twice is an error.
      - An empty list returns no invoice and makes no call. Without terms all invoices are listed, in one call.
      - C(with_cockroachdb_cloud.billing.invoice) cannot tell an empty list from no terms, and lists all invoices for
        either. Use C(loop) with C(query()) where the list may be empty.
      - Mutually exclusive with O(status), O(start_time), O(end_time) and O(period).
    type: list
    elements: str
notes:
  - Use C(query()), which always returns a list. C(lookup()) returns the one invoice
    itself when the list has one, and no list.
  - A lookup runs on the controller and reads the environment of the controller; C(environment) of a task or play does
    not reach it.
  - An option or term that is omitted, as with C(default(omit)), is as if it were not given.
  - A variable such as C(cockroachdb_cloud_api_key) that is defined and left blank is an error; the credential is not
    looked for elsewhere then.
  - A lookup runs again each time that its expression is evaluated, and a variable that holds such an expression is
    evaluated at each use. Use M(ansible.builtin.set_fact), or M(cockroachdb_cloud.billing.invoice_info) with
    C(register), to fetch once.
seealso:
  - module: cockroachdb_cloud.billing.invoice_info
    description: The same as a task, on the host of the task.
  - module: cockroachdb_cloud.billing.cost_info
  - name: CockroachDB Cloud API
    description: The vendor's reference of the API.
    link: https://www.cockroachlabs.com/docs/api/cloud/v1
"""

EXAMPLES = r"""
---
- name: Keep the invoices of last month, with the key from COCKROACH_API_KEY in the environment of the controller
  ansible.builtin.set_fact:
    last_month: "{{ query('cockroachdb_cloud.billing.invoice', period='last_month', detail='totals') }}"

- name: Show the totals of all invoices
  ansible.builtin.debug:
    msg: "{{ item.period_start[:7] }} {{ item.totals }}"
  loop: "{{ query('cockroachdb_cloud.billing.invoice', detail='totals') }}"
  loop_control:
    label: "{{ item.invoice_id }}"

- name: Get invoices by their ids
  ansible.builtin.debug:
    msg: "{{ query('cockroachdb_cloud.billing.invoice', ids, detail='clusters') }}"
  vars:
    ids: "{{ last_month | map(attribute='invoice_id') | list }}"
"""

RETURN = r"""
_raw:
  description:
    - The invoices, sorted by C(period_start), or in the order of the terms.
    - RV(cockroachdb_cloud.billing.invoice_info#module:invoices) says what an invoice holds.
  type: list
  elements: dict
"""

import typing as t

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._errors import BillingError
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._invoices import gather
from ansible_collections.cockroachdb_cloud.billing.plugins.plugin_utils._lookup import BillingLookup, lookup_error


class LookupModule(BillingLookup):
    """Gather invoices on the controller."""

    def run(self, terms: list[t.Any], variables: dict[str, t.Any] | None = None, **kwargs: t.Any) -> list[t.Any]:
        """Return the invoices; raises AnsibleLookupError."""
        try:
            gathered = gather(*self.read_options(terms, variables, kwargs))
        except BillingError as error:
            raise lookup_error(error) from None
        self.warn_of(gathered.warnings)
        return gathered.invoices
