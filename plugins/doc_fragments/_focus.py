# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This document fragment is private to the cockroachdb_cloud.billing collection.
# It can change or vanish in any release, so do not use it from outside.

"""What the rows of FOCUS say that is on no invoice."""

from __future__ import annotations


class ModuleDocFragment:
    """C(DOCUMENTATION) is for every plugin that makes rows of FOCUS."""

    DOCUMENTATION = r"""
options:
  billing_account_id:
    description:
      - The C(BillingAccountId) of all FOCUS rows.
      - Without it, it is the id of the organization, which invoices tell where folders are in use. Where they do not,
        the option is needed.
    type: str
  billing_account_name:
    description:
      - The C(BillingAccountName) of all FOCUS rows; null without it.
    type: str
  invoice_issuer:
    description:
      - The C(InvoiceIssuerName) of all FOCUS rows. Name the marketplace here if you buy through one.
    type: str
    default: Cockroach Labs
"""
