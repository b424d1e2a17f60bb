# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This document fragment is private to the cockroachdb_cloud.billing collection.
# It can change or vanish in any release, so do not use it from outside.

"""The selection options, documented once."""

from __future__ import annotations


class ModuleDocFragment:
    """C(DOCUMENTATION) is for modules and plugins alike, C(MODULES) adds the ids, which are the terms of a lookup."""

    DOCUMENTATION = r"""
options:
  status:
    description:
      - Return only invoices of this status. V(DRAFT) is the current month, and early in a month the one before too;
        past months are V(FINALIZED).
    type: str
    choices:
      - FINALIZED
      - DRAFT
  start_time:
    description:
      - Return only invoices whose billing period began at this time or later.
      - An RFC 3339 time such as V(2026-10-01T00:00:00Z) or a date such as V(2026-10-01). It is in UTC unless it has an
        offset.
      - The API does the comparison.
    type: str
  end_time:
    description:
      - Return only invoices whose billing period ended at this time or earlier, in the same forms as O(start_time).
      - The API does the comparison. Its documentation leaves open whether a period that ends exactly then is in, and
        whether the draft is; use O(period) for whole months.
    type: str
  period:
    description:
      - Return only invoices of these billing periods. A billing period is one calendar month in UTC.
      - A month such as V(2026-10), a year such as V(2026), a range of months such as V(2026-01..2026-03),
        V(this_month), V(last_month), V(this_year), V(last_year), or V(last_3_months) with any number, which means full
        months before this one.
      - The collection compares RV(ignore:period_start) of each invoice itself, so that the whole list is fetched.
      - Mutually exclusive with O(start_time) and O(end_time).
    type: str
  detail:
    description:
      - How much of each invoice to return.
      - V(full) is all that the API sends.
      - V(clusters) keeps, of each item, its totals and the cluster's id, name, plan, cloud provider, labels, parent
        folder and state, and leaves out the line items.
      - V(totals) leaves out C(invoice_items) and C(folder_resources).
    type: str
    choices:
      - full
      - clusters
      - totals
    default: full
"""

    MODULES = r"""
options:
  invoice_id:
    description:
      - Return these invoices, in this order, with one call for each over one connection.
      - An empty list returns no invoice and makes no call. Without the option all invoices are listed, in one call.
      - Mutually exclusive with O(status), O(start_time), O(end_time) and O(period).
    type: list
    elements: str
"""
