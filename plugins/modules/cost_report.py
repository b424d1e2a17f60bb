# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cost_report module."""

DOCUMENTATION = r"""
module: cost_report
short_description: Write a page that says what a CockroachDB Cloud organization spends, and why
version_added: 1.0.0
author:
  - cockroachdb_cloud.billing contributors (@cockroachdb-cloud-billing)
description:
  - Gathers invoices once, and writes a folder with C(index.html), a page for people, C(costs.json), all that the page
    says as data, and C(line_items.csv), every line item. The three cannot contradict each other.
  - The page says what this month has cost so far, in which range it may end and what budgets say to that, what is paid
    for, what has changed and whether it is usage or price, who pays, which months stand out, what is left of credits,
    and whether the invoices add up.
  - The page is one file that loads nothing from anywhere, so that it can be mailed. It works without JavaScript, in
    light and dark, on a phone and on paper.
  - The same invoices give the same bytes all day. All files are finished before the first is replaced; then each is
    replaced atomically, the page last.
  - Each month is compared with the one before, so that with O(period) the month before it is fetched as well.
extends_documentation_fragment:
  - ansible.builtin.files
  - cockroachdb_cloud.billing._attributes
  - cockroachdb_cloud.billing._attributes.files
  - cockroachdb_cloud.billing._files
  - cockroachdb_cloud.billing._connection
  - cockroachdb_cloud.billing._connection.modules
  - cockroachdb_cloud.billing._selection
  - cockroachdb_cloud.billing._selection.writers
  - cockroachdb_cloud.billing._selection.modules
  - cockroachdb_cloud.billing._costs
  - cockroachdb_cloud.billing._costs.owners
  - cockroachdb_cloud.billing._costs.sharing
  - cockroachdb_cloud.billing._costs.budgets
options:
  dest:
    description:
      - The folder to write to. It is made if its parent exists.
    type: path
    required: true
  title:
    description:
      - What stands at the top of the page, such as the name of the organization.
    type: str
    default: CockroachDB Cloud
  group_by:
    description:
      - Who pays. The page has a row for each group, and a row for each cluster with its details in any case.
      - Entries that are no owner, V(period), V(invoice) and V(status), change nothing.
    default:
      - cluster
  sources:
    description:
      - Write the report of several organizations, each gathered by M(cockroachdb_cloud.billing.cost_info), instead of
        fetching one. No C(line_items.csv) is written then.
      - Each O(sources[].result) has O(group_by) with C(period) before it, and the breakdowns C(parts), C(movers) and
        C(clusters), as in the example.
      - An organization that is missing is named at the top of the page, and there is no verdict on budgets without it.
      - The O(budgets[].group) of a budget is by entries of O(group_by).
    type: list
    elements: dict
    suboptions:
      name:
        description:
          - What to call the organization.
        type: str
        required: true
      result:
        description:
          - What M(cockroachdb_cloud.billing.cost_info) returned. One that failed counts as its message.
        type: dict
      failure:
        description:
          - Why the organization is missing.
        type: str
seealso:
  - module: cockroachdb_cloud.billing.cost_info
  - module: cockroachdb_cloud.billing.invoice_export
"""

EXAMPLES = r"""
---
- name: Write the report of all invoices, by cluster
  cockroachdb_cloud.billing.cost_report:
    dest: /tmp/report
    title: Example Inc.
    budgets:
      - amount: 8000

- name: Write the report of last month, by team, with a credit at 0.9 USD
  cockroachdb_cloud.billing.cost_report:
    dest: /tmp/report_last_month
    period: last_month
    group_by: ["label:team"]
    credit_rate: 0.9
    mode: "0640"

- name: Gather one of several organizations
  cockroachdb_cloud.billing.cost_info:
    group_by: [period]
    breakdowns:
      parts: [period, kind, description, unit]
      movers: [period, kind, description, unit]
      clusters: [period, kind, cluster_id, cluster]
  register: acme

- name: Write the report of several organizations
  cockroachdb_cloud.billing.cost_report:
    dest: /tmp/report_all
    title: All organizations
    group_by: []
    sources:
      - name: Acme
        result: "{{ acme }}"
      - name: Globex
        failure: The key is not valid.
"""

RETURN = r"""
dest:
  description: The folder.
  returned: success
  type: str
  sample: /tmp/report
page:
  description: The page.
  returned: success
  type: str
  sample: /tmp/report/index.html
files:
  description: All files of the report, the page last.
  returned: success
  type: list
  elements: str
  sample:
    - /tmp/report/line_items.csv
    - /tmp/report/costs.json
    - /tmp/report/index.html
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

import datetime
import os
import typing as t

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._cost_report import fetch_report, page_files
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._export import (
    FileFormat,
    build_table,
    write_table,
)
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._files import FILE_SPEC, check_attributes
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._folder import Write, check_folder, place_all
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._module import BillingModule, end_with
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._options import SELECTION_SPEC, WRITER_SPEC
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._query import COST_SPEC, read_query
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._report_rows import (
    breakdowns,
    grouping,
    read_sources,
)

SPEC: t.Dict[str, t.Dict[str, t.Any]] = {
    **WRITER_SPEC,
    **FILE_SPEC,
    **{name: option for name, option in COST_SPEC.items() if name not in ("compare", "breakdowns")},
    "group_by": {"type": "list", "elements": "str", "default": ["cluster"]},
    "dest": {"type": "path", "required": True},
    "title": {"type": "str", "default": "CockroachDB Cloud"},
    "sources": {
        "type": "list",
        "elements": "dict",
        "options": {
            "name": {"type": "str", "required": True},
            "result": {"type": "dict"},
            "failure": {"type": "str"},
        },
    },
}
CSV = FileFormat()
INSTEAD = [("sources", name) for name in SELECTION_SPEC if name != "require"]


def report(module: BillingModule) -> t.Dict[str, t.Any]:
    """Write the report if it differs; raises BillingError, after which all files are as they were."""
    params, now = module.params, datetime.datetime.now(datetime.timezone.utc)
    group_by = params["group_by"]
    folder = check_folder(params["dest"])
    check_attributes(module, folder)
    query = read_query({**params, "group_by": grouping(group_by), "breakdowns": breakdowns(group_by)})
    files: t.Dict[str, Write] = {}
    if params["sources"] is None:
        selection = module.selection(labels=bool(query.labels()))
        sources, first, invoices, warnings = fetch_report(module.connection(), selection, query, now)
        module.warn_of(warnings)
        table = build_table(invoices, "line_items", CSV, {}, query.owners)
        files["line_items.csv"] = lambda path: write_table(path, table, CSV)
    else:
        sources, first = read_sources(params["sources"], group_by), None
    files.update(page_files(sources, params, first, now))
    paths = [os.path.join(folder, name) for name in files]
    return {"dest": folder, "page": paths[-1], "files": paths, **place_all(module, folder, files)}


def main() -> None:
    """Run the module."""
    module = BillingModule(SPEC, add_file_common_args=True, mutually_exclusive=INSTEAD)
    end_with(module, lambda: report(module))


if __name__ == "__main__":
    main()
