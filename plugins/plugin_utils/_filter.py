# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin_util is private to the cockroachdb_cloud.billing collection.
# It can change or vanish in any release, so do not use it from outside.

"""What every filter does around its function: options as Ansible hands them over, and errors as Ansible shows them."""

from __future__ import annotations

import functools
import inspect
import typing as t

from ansible.errors import AnsibleFilterError
from ansible.utils.display import Display

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._answers import missing_in_rules
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._document import check_invoices
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._errors import BillingError
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._owners import Owners, read_owners
from ansible_collections.cockroachdb_cloud.billing.plugins.plugin_utils._omitted import without_omitted

_Result = t.TypeVar("_Result")
_DISPLAY = Display()


def billing_filter(function: t.Callable[..., _Result]) -> t.Callable[..., _Result]:
    """Make a filter of a function: a decorator.

    An option that the playbook omits is as if it were not given, by its name or by its place. What the function refuses
    becomes an AnsibleFilterError with the same text, and so does an option that it does not have. Invoices that were
    trimmed are a warning, since what they state without line items belongs to nobody.

    :param function: takes the value before the C(|), then the options of the filter.
    """
    signature = inspect.signature(function)
    of_value, *options = signature.parameters
    known = f"The options are {', '.join(options)}." if options else "It has no options."

    @functools.wraps(function)
    def run(*args: t.Any, **kwargs: t.Any) -> _Result:
        try:
            bound = signature.bind(*args, **kwargs).arguments
            value = bound.pop(of_value)
            given = without_omitted(bound)
            signature.bind(value, **given)
        except TypeError as error:
            raise AnsibleFilterError(f"{function.__name__}: {error}. {known}") from None
        if _is_trimmed(value):
            _DISPLAY.warning(
                f"{function.__name__}: an invoice states totals without line items. Where detail has left them out, "
                "gather the invoices with detail=full, its default."
            )
        try:
            return function(value, **given)
        except BillingError as error:
            raise AnsibleFilterError(f"{error}") from None

    return run


def _is_trimmed(invoices: t.Any) -> bool:
    """Say whether C(detail) may have left out line items: of a whole invoice, or of one of its clusters."""
    raw = [invoice for invoice in invoices if isinstance(invoice, dict)] if isinstance(invoices, list) else []
    if any("invoice_items" not in invoice and invoice.get("totals") for invoice in raw):
        return True
    lists = [invoice.get("invoice_items") for invoice in raw]
    items = [item for listed in lists if isinstance(listed, list) for item in listed if isinstance(item, dict)]
    return any("line_items" not in item and item.get("totals") for item in items)


def owners_of(invoices: t.Any, rules: t.Any) -> Owners | None:
    """Check the rules that say who owns each row, and warn of labels in them that no cluster has.

    :raises OptionsError: on rules that cannot be used, and on anything but invoices.
    :raises ResponseError: on a value of the wrong type in an invoice.
    """
    owners = read_owners(rules)
    missing = missing_in_rules(check_invoices(invoices), owners) if owners else None
    if missing:
        _DISPLAY.warning(missing)
    return owners
