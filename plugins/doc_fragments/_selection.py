# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This document fragment is private to the cockroachdb_cloud.billing collection.
# It can change or vanish in any release, so do not use it from outside.

"""The selection options, documented once."""

from __future__ import annotations


class ModuleDocFragment:
    """C(DOCUMENTATION) is for modules and plugins alike, C(MODULES) adds the ids, which are the terms of a lookup.

    C(DETAIL) is for what returns invoices, C(WRITERS) for what writes a file, after C(DOCUMENTATION).
    """

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
      - A billing period that lies only partly between the two times is not returned. That is a warning, which names
        the months.
    type: str
  period:
    description:
      - Return only invoices of these billing periods. A billing period is one calendar month in UTC.
      - A month such as V(2026-10), a quarter such as V(2026-q3), a year such as V(2026), a range of months such as
        V(2026-01..2026-03), or one of V(this_month), V(last_month), V(this_quarter), V(last_quarter), V(this_year) and
        V(last_year).
      - V(last_3_months), with any number from 1 to 9999, means that many full months before this one.
      - The collection compares RV(ignore:period_start) of each invoice itself, so that the whole list is fetched.
      - Mutually exclusive with O(start_time) and O(end_time).
    type: str
  require:
    description:
      - What has to be there. Where it is not, the task fails with the reason V(ignore:incomplete).
      - V(invoices) is at least one invoice, V(final) is that no invoice is a draft.
      - V(months) is an invoice for each month of O(period), and can be used with that option alone.
      - V(labels) is that each label that another option asks for is on some cluster, and can be used where an option
        does ask for one.
      - What is not required and was asked for by name is a warning when it is missing, a month of O(period) or a label.
    type: list
    elements: str
    choices:
      - invoices
      - months
      - final
      - labels
"""

    DETAIL = r"""
options:
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

    WRITERS = r"""
options:
  require:
    description:
      - An empty list lets a file be written that has no rows.
    default:
      - invoices
"""

    MODULES = r"""
options:
  invoice_id:
    description:
      - Return these invoices, in this order, with one call for each over one connection. An id twice is an error.
      - An empty list returns no invoice and makes no call. Without the option all invoices are listed, in one call.
      - Mutually exclusive with O(status), O(start_time), O(end_time) and O(period).
    type: list
    elements: str
"""
