# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This document fragment is private to the cockroachdb_cloud.billing collection.
# It can change or vanish in any release, so do not use it from outside.

"""The cost options, documented once."""

from __future__ import annotations


class ModuleDocFragment:
    """C(DOCUMENTATION) is for whatever groups costs, the others for what also does what they say."""

    DOCUMENTATION = r"""
options:
  group_by:
    description:
      - What to add up by, in this order. Each entry becomes a key of the rows, spelled as given.
      - V(period) is the month, such as C(2026-10); V(invoice) the id and V(status) the status of the invoice.
      - V(cluster) is the name of a cluster and V(cluster_id) its id; V(plan), V(cloud_provider), V(region) and
        V(folder) belong to it too. The regions of a cluster are joined by a comma, a folder is a path from the root.
      - V(label:team) is the value of the label C(team) of the cluster itself, and likewise for any other name. Labels
        of folders do not count. A label that is on no cluster is a warning, which lists the labels that there are.
      - V(description) and V(unit) are those of the line item; the description of an adjustment is its name. With
        V(unit), rows have a C(quantity) as well.
      - V(kind) is C(usage), C(adjustment), or C(unitemized) for what an invoice states beyond its parts.
      - What an item does not have is null in its row. Adjustments and unitemized costs belong to no cluster.
      - An empty list gives one row for each currency.
    type: list
    elements: str
    default:
      - period
  credit_rate:
    description:
      - What one credit is worth in USD, above 0 and at most 10. With it, credits of either name count as USD, but for
        what an invoice states of itself.
      - Without it, credits stay a currency of their own.
    type: float
"""

    COMPARE = r"""
options:
  compare:
    description:
      - With V(previous), each row is compared with the same group in the calendar month before. Needs V(period) in
        O(group_by), and neither V(invoice) nor V(status).
      - A month that is not over is compared at its projection, so that there is no comparison in its first two days.
      - A group that had costs in the month before and has none in a month that was invoiced gets a row with an amount
        of 0.
    type: str
    choices:
      - previous
"""

    MORE = r"""
options:
  breakdowns:
    description:
      - Further groupings of the same invoices, a dictionary from names to lists as O(group_by) takes them. The rows are
        in RV(ignore:breakdowns) under the same names.
      - They come from the same fetch, so that they cannot contradict each other.
    type: dict
"""

    BUDGETS = r"""
options:
  budgets:
    description:
      - What this month may cost. The drafts of this month are compared with each budget.
    type: list
    elements: dict
    suboptions:
      amount:
        description:
          - What the month may cost, above 0.
        type: float
        required: true
      currency:
        description:
          - The currency of the budget; costs in others do not count. With O(credit_rate) credits are USD.
        type: str
        default: USD
      name:
        description:
          - What to call the budget.
        type: str
      group:
        description:
          - Which costs the budget is for, a dictionary from entries of O(group_by) to values, such as the name of a
            team for V(label:team). Everything when left out.
          - Values that no cost has are a warning, which names those that there are.
        type: dict
"""
