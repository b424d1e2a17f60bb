# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The invoice_export module."""

DOCUMENTATION = r"""
module: invoice_export
short_description: Write the invoices of a CockroachDB Cloud organization to a CSV or JSON file
version_added: 1.0.0
author:
  - cockroachdb_cloud.billing contributors (@cockroachdb-cloud-billing)
description:
  - Gathers invoices as M(cockroachdb_cloud.billing.invoice_info) does and writes them to a file on the host that the
    module runs on, for spreadsheets, finance systems and FinOps tools.
  - The file is replaced atomically. When fetching or writing fails, the file that was there stays as it was.
  - A file is not replaced by one without rows, unless O(require) is empty.
  - The file is written only when its bytes would differ. The order in which the API sends the items of an invoice does
    not matter to that, except for O(layout=invoices) in JSON.
extends_documentation_fragment:
  - ansible.builtin.files
  - cockroachdb_cloud.billing._attributes
  - cockroachdb_cloud.billing._attributes.files
  - cockroachdb_cloud.billing._files
  - cockroachdb_cloud.billing._connection
  - cockroachdb_cloud.billing._connection.modules
  - cockroachdb_cloud.billing._selection
  - cockroachdb_cloud.billing._selection.modules
  - cockroachdb_cloud.billing._selection.writers
  - cockroachdb_cloud.billing._costs
  - cockroachdb_cloud.billing._costs.owners
  - cockroachdb_cloud.billing._costs.compare
  - cockroachdb_cloud.billing._costs.sharing
  - cockroachdb_cloud.billing._focus
options:
  dest:
    description:
      - The file to write. Its folder must exist.
    type: path
    required: true
  format:
    description:
      - V(csv) is a CSV file as RFC 4180 has it, in UTF-8, with a header. A text that a spreadsheet could take for a
        formula, or whose part it could where it splits the lines at another delimiter, gets an apostrophe there.
      - V(json) is one array with a row on each line, V(jsonl) has a row on each line and nothing else.
      - Left out, the ending of the name in O(dest) decides. C(.csv), C(.json), C(.jsonl) and C(.ndjson) are known, and
        any other name makes a CSV.
    type: str
    choices:
      - csv
      - json
      - jsonl
  csv_bom:
    description:
      - Begin a CSV with the byte order mark of UTF-8, by which Excel knows that the text is not in an older encoding.
      - Other readers may take it for a part of the first column's name.
    type: bool
    default: false
  csv_delimiter:
    description:
      - 'What separates the cells of a CSV: a comma, a semicolon, a vertical bar or a tab, which is C("\t") in YAML.'
      - Excel expects a semicolon where the decimal sign is a comma. Decimals are written with a point all the same.
    type: str
    default: ','
  layout:
    description:
      - V(line_items) has a row for each line item and each adjustment, with the keys that the filter
        P(cockroachdb_cloud.billing.line_items#filter) documents. In each invoice they are sorted by the cluster's name,
        then by what they describe; what belongs to no cluster comes after them.
      - V(invoices) has a row for each invoice. In JSON it is the invoice as the API sent it; in a CSV it has the number
        of clusters, and the total, the adjustments and the balance of each currency.
      - V(costs) has the rows that M(cockroachdb_cloud.billing.cost_info) returns in
        RV(cockroachdb_cloud.billing.cost_info#module:costs), with all options that make them, such as O(group_by),
        O(owners), O(allocate) and O(decimals).
      - V(focus-1.2) and V(focus-1.4) have rows in the layout of that version of FOCUS, the FinOps Open Cost and Usage
        Specification. The filter P(cockroachdb_cloud.billing.focus_rows#filter) says where each column comes from and
        what is missing. O(credit_rate) is needed there for usage that was paid with credits.
      - With O(owners), V(line_items) has a column C(owner), and FOCUS has C(x_Owner) and C(owner) in C(Tags).
      - O(group_by), O(allocate), O(weights), O(decimals) and O(compare) are for V(costs) alone. An option that does
        nothing for a layout is a warning.
    type: str
    choices:
      - line_items
      - invoices
      - costs
      - focus-1.2
      - focus-1.4
    default: line_items
seealso:
  - module: cockroachdb_cloud.billing.invoice_info
  - module: cockroachdb_cloud.billing.cost_info
  - plugin: cockroachdb_cloud.billing.line_items
    plugin_type: filter
  - plugin: cockroachdb_cloud.billing.focus_rows
    plugin_type: filter
  - module: ansible.builtin.copy
  - name: FOCUS
    description: The FinOps Open Cost and Usage Specification.
    link: https://focus.finops.org/
"""

EXAMPLES = r"""
---
- name: Write the line items of last month for finance
  cockroachdb_cloud.billing.invoice_export:
    dest: /tmp/last_month.csv
    period: last_month
    mode: "0640"

- name: Write who pays what, with shared costs allocated, in cents that add up to the bill
  cockroachdb_cloud.billing.invoice_export:
    dest: /tmp/chargeback.csv
    layout: costs
    period: last_month
    require: [invoices, final]
    group_by: [period, owner]
    owners:
      - owner: platform
        cluster: ["ci-*", "*-staging"]
      - from: label:team
        lower: true
    allocate: proportional
    decimals: 2
    credit_rate: 0.9
  register: chargeback

- name: Check that the file adds up to the bill
  ansible.builtin.assert:
    that: chargeback.totals | rejectattr('adds_up') | length == 0

- name: Write the line items for an Excel whose decimal sign is a comma
  cockroachdb_cloud.billing.invoice_export:
    dest: /tmp/last_month_excel.csv
    period: last_month
    csv_bom: true
    csv_delimiter: ";"

- name: Archive all invoices as the API sends them
  cockroachdb_cloud.billing.invoice_export:
    dest: /tmp/invoices.json
    layout: invoices

- name: Write the last three months in the layout of FOCUS 1.2, with a credit at 0.9 USD
  cockroachdb_cloud.billing.invoice_export:
    dest: /tmp/focus.csv
    layout: focus-1.2
    period: last_3_months
    credit_rate: 0.9
"""

RETURN = r"""
dest:
  description: The file as an absolute path; with O(follow=true), links resolved.
  returned: success
  type: str
  sample: /tmp/last_month.csv
rows:
  description: How many rows the file has, the header of a CSV not counted.
  returned: success
  type: int
  sample: 142
summary:
  description: What the rows of each owner come to, which is the first entry of O(group_by) that is not of the invoice.
  returned: with O(layout=costs)
  type: list
  elements: dict
  sample:
    - period: 2026-10
      owner: payments
      currency: USD
      amount: 1290.55
      allocated: 120.1
totals:
  description: What all rows come to, by month where V(period) is in O(group_by), and by currency.
  returned: with O(layout=costs)
  type: list
  elements: dict
  sample:
    - period: 2026-10
      currency: USD
      amount: 5120.1
      billed: 5120.1
      adds_up: true
  contains:
    amount:
      description: The sum of the amounts as they stand in the file.
      type: float
      returned: always
    billed:
      description: What the invoices bill, to O(decimals) digits.
      type: float
      returned: always
    adds_up:
      description: Whether both are the same, to the 15 digits that a number surely holds.
      type: bool
      returned: always
invoices:
  description: The invoices that went in, as RV(cockroachdb_cloud.billing.cost_info#module:invoices).
  returned: with O(layout=costs)
  type: list
  elements: dict
  sample: []
reconciliation:
  description:
    - Whether each invoice states what its parts add up to, as
      RV(cockroachdb_cloud.billing.cost_info#module:reconciliation).
  returned: with O(layout=costs)
  type: list
  elements: dict
  sample: []
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

import typing as t

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._cost_file import COST_OPTIONS
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._export import (
    CSV_OPTIONS,
    FORMATS,
    LAYOUTS,
    OPTIONS,
    check_rows,
    idle_options,
    read_format,
    write_table,
)
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._files import (
    FILE_SPEC,
    check_attributes,
    check_dest,
    draft_of,
    place,
)
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._focus import FOCUS_SPEC
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._invoice_export import (
    fetch_content,
    read_request,
)
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._module import BillingModule, end_with
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._options import WRITER_SPEC
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._query import COST_SPEC

SPEC: t.Dict[str, t.Dict[str, t.Any]] = {
    **FILE_SPEC,
    **WRITER_SPEC,
    "dest": {"type": "path", "required": True},
    "format": {"type": "str", "choices": list(FORMATS)},
    "csv_bom": {"type": "bool", "default": False},
    "csv_delimiter": {"type": "str", "default": ","},
    "layout": {"type": "str", "choices": list(LAYOUTS), "default": "line_items"},
    **FOCUS_SPEC,
    **{name: COST_SPEC[name] for name in COST_OPTIONS},
}


def export(module: BillingModule) -> t.Dict[str, t.Any]:
    """Write the file if it differs; raises BillingError, after which the file is as it was."""
    params = module.params
    dest = check_dest(params["dest"], follow=params["follow"], unsafe_writes=params["unsafe_writes"])
    check_attributes(module, dest)
    file_format = read_format(params["format"], dest, params["csv_delimiter"], bom=params["csv_bom"])
    given = [name for name in (*OPTIONS, *CSV_OPTIONS) if params[name] != SPEC[name].get("default")]
    module.warn_of(idle_options(given, params["layout"], file_format))
    request = read_request(params, file_format)
    selection = module.selection(labels=bool(request.labels))
    table, seen, warnings = fetch_content(module.connection(), selection, request)
    module.warn_of(warnings)
    with draft_of(module, dest) as draft:
        rows = write_table(draft, table, file_format)
        if "invoices" in selection.require:
            check_rows(rows, dest)
        return {"dest": dest, "rows": rows, **seen, **place(module, {dest: draft})}


def main() -> None:
    """Run the module."""
    module = BillingModule(SPEC, add_file_common_args=True)
    end_with(module, lambda: export(module))


if __name__ == "__main__":
    main()
