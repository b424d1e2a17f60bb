# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is private to the cockroachdb_cloud.billing collection.
# It can change or vanish in any release, so do not use it from outside.

"""What the module invoice_export does: fetch, and make the rows of a layout."""

from __future__ import annotations

import typing as t

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._answers import missing_in_rules
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._cost_file import (
    COST_OPTIONS,
    COSTS,
    cost_columns,
    look_at_file,
    with_bill,
)
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._cost_info import fetch_answer
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._errors import IncompleteError
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._export import (
    FOCUS_LAYOUTS,
    FOCUS_OPTIONS,
    FileFormat,
    Table,
    build_table,
)
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._invoices import gather
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._owners import Owners, read_owners
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._query import (
    Query,
    check_credit_rate,
    read_query,
)

if t.TYPE_CHECKING:
    from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._options import Connection, Selection


class Request(t.NamedTuple):
    """What file is asked for, every value checked. C(query) is for the layout V(costs), C(labels) are all it names."""

    layout: str
    file_format: FileFormat
    query: Query | None
    owners: Owners | None
    labels: list[str]
    focus_options: dict[str, t.Any]


class Content(t.NamedTuple):
    """The rows of a file, what a user sees of them, and what to warn of."""

    table: Table
    seen: dict[str, t.Any]
    warnings: list[str]


def read_request(params: t.Mapping[str, t.Any], file_format: FileFormat) -> Request:
    """Check the options that say what is in the file.

    :raises OptionsError: it names the option and what to write instead.
    """
    layout = params["layout"]
    check_credit_rate(params["credit_rate"])
    if layout == COSTS:
        query = read_query({name: params[name] for name in COST_OPTIONS})
        return Request(layout, file_format, query, query.owners, query.labels(), {})
    owners = None if layout == "invoices" else read_owners(params["owners"])
    focus_options = {name: params[name] for name in FOCUS_OPTIONS} if layout in FOCUS_LAYOUTS else {}
    return Request(layout, file_format, None, owners, owners.labels() if owners else [], focus_options)


def fetch_content(connection: Connection, selection: Selection, request: Request) -> Content:
    """Fetch the invoices that were asked for, and make the rows of the layout.

    :raises BillingError: as :func:`gather`, and :class:`IncompleteError` for a label that is required and not there;
        also while the rows are read.
    """
    layout, file_format, query, owners, _labels, focus_options = request
    if query is not None:
        result, warnings = fetch_answer(connection, selection, with_bill(query))
        return Content(Table(cost_columns(query), result["costs"]), look_at_file(result, query), warnings)
    gathered = gather(connection, selection)
    missing = missing_in_rules(gathered.invoices, owners) if owners else None
    if missing and "labels" in selection.require:
        raise IncompleteError(missing)
    warnings = [*gathered.warnings, *([missing] if missing else [])]
    return Content(build_table(gathered.invoices, layout, file_format, focus_options, owners), {}, warnings)
