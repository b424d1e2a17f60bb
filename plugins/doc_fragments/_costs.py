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
      - V(owner) is who O(owners) says.
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

    OWNERS = r"""
options:
  owners:
    description:
      - Rules that say who owns a cost. They are gone through for each line item and each adjustment, and the first one
        that fits decides. What no rule fits has the owner null.
      - A rule names the owner by O(owners[].owner) or O(owners[].from), and fits where all of its conditions hold.
        Without a condition it fits everything.
      - Patterns are those of a shell, upper and lower case matter. C(*) stands for any text, also with a C(/) in it,
        C(?) for one character, C([ab]) for one of these. Of a list of patterns one has to fit.
      - What is missing fits no pattern, not even C(*). Adjustments and unitemized costs have no cluster, no folder, no
        plan and no label.
      - A label that is on no cluster is a warning, which lists the labels that there are.
    type: list
    elements: dict
    suboptions:
      owner:
        description:
          - The name of the owner, a text. A number stands for itself.
        type: raw
      from:
        description:
          - Where the owner is read from. V(label:team), with the name of any label, V(folder), the path from the root,
            or V(cluster), its name.
          - Where that is missing or blank, the rule does not fit, and the next one decides.
        type: str
      lower:
        description:
          - Whether to write what O(owners[].from) reads in lower case, so that C(Payments) and C(payments) are one.
        type: bool
      cluster:
        description:
          - Patterns for the name of the cluster.
        type: raw
      cluster_id:
        description:
          - Patterns for the id of the cluster.
        type: raw
      folder:
        description:
          - Patterns for the path of the folder, such as C(Retail/*). A cluster at the root has none.
        type: raw
      plan:
        description:
          - Patterns for the plan, such as C(ADVANCED).
        type: raw
      description:
        description:
          - Patterns for the description of the line item, or the name of the adjustment.
        type: raw
      kind:
        description:
          - Patterns for the kind, C(usage), C(adjustment) or C(unitemized).
        type: raw
      label:
        description:
          - A dictionary from names of labels to patterns for their values. All of them have to fit.
        type: dict
"""

    SHARING = r"""
options:
  allocate:
    description:
      - How to share out what has no owner, which is null in the first entry of O(group_by) that is not V(period),
        V(invoice) or V(status), among those that have one. It concerns RV(ignore:costs) alone.
      - It is shared out within its month and currency, also where V(period) is no group, and adds up to the same sum.
      - V(proportional) shares by what each owner has cost; owners at or below zero take no part. V(even) gives all
        that have costs the same. V(fixed) shares by O(weights).
      - Other groups of what is shared out stay as they are, so that sums by V(description) or V(invoice) do not change.
        What a month that is not over comes to is shared out in the same proportion.
      - Rows get C(allocated), the part of C(amount) that was allocated. Costs that no owner can take stay without one,
        and a warning says so.
    type: str
    choices:
      - none
      - proportional
      - even
      - fixed
    default: none
  weights:
    description:
      - For O(allocate=fixed), a dictionary from owners to numbers from 0 on. An owner that is not in it has 0.
      - In a month and currency, those share that have costs there. An owner that has costs nowhere is a warning, which
        names those that there are.
    type: dict
  decimals:
    description:
      - To how many digits behind the point to round the amounts of RV(ignore:costs), from 0 to 6. Left out, they are
        exact.
      - The rows of a month and currency, or of a currency where V(period) is no group, still add up to their rounded
        total. All are rounded down, and what is left goes to those that lost most.
    type: int
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
