# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin_util is private to the cockroachdb_cloud.billing collection.
# It can change or vanish in any release, so do not use it from outside.

"""What only the controller's plugins need: from terms, keywords and variables to checked options."""

from __future__ import annotations

import datetime
import typing as t

from ansible.errors import AnsibleError, AnsibleLookupError
from ansible.module_utils.common.validation import check_type_bool, check_type_int
from ansible.plugins.lookup import LookupBase
from ansible.utils.display import Display

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._credential import (
    SECRETS,
    Layer,
    environment_layer,
    mask_secrets,
)
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._errors import OptionsError
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._options import (
    CONNECTION_SPEC,
    DETAIL_SPEC,
    SELECTION_SPEC,
    Connection,
    Selection,
    read_connection,
    read_selection,
)
from ansible_collections.cockroachdb_cloud.billing.plugins.plugin_utils._omitted import is_omitted, without_omitted

try:
    from ansible.errors import AnsibleValueOmittedError
except ImportError:
    # Before ansible-core 2.19 a variable that is omitted is a text, and no error.
    _OMITTED: tuple[type[Exception], ...] = ()
else:
    _OMITTED = (AnsibleValueOmittedError,)

display = Display()

VARIABLE_PREFIX = "cockroachdb_cloud_"
_CONNECTION = tuple(CONNECTION_SPEC)
_SELECTION = tuple(name for name in {**SELECTION_SPEC, **DETAIL_SPEC} if name != "invoice_id")
# ansible-core 2.16 hands this one to the lookup of a with_ loop.
_NOT_OURS = ("wantlist",)
_STRICT = {"bool": (check_type_bool, "true or false"), "int": (check_type_int, "a whole number")}


class BillingLookup(LookupBase):
    """A lookup with the shared options; the terms are invoice ids."""

    def read_options(
        self, terms: t.Sequence[t.Any], variables: t.Mapping[str, t.Any] | None, keywords: t.Mapping[str, t.Any]
    ) -> tuple[Connection, Selection]:
        """Return the checked options of one call of the lookup.

        :param terms: as C(run()) gets them; none at all lists the invoices, an empty list is a list of no ids.
        :param variables: the variables of the host; C(cockroachdb_cloud_<option>) sets a connection option.
        :param keywords: the keyword arguments of the lookup, which beat variables, which beat the environment.
        :raises OptionsError: it names the option or variable and what to write instead.
        """
        direct = {
            name: None if is_omitted(value) else _plain(name, without_omitted(value))
            for name, value in keywords.items()
            if name not in _NOT_OURS
        }
        unknown = sorted(set(direct) - set(_CONNECTION) - set(_SELECTION))
        if unknown:
            raise OptionsError(
                f"{', '.join(unknown)}: no such option. The options are {', '.join(sorted(_CONNECTION + _SELECTION))}; "
                "invoice ids are the terms of the lookup."
            )
        named = self._template_variables(variables or {})
        layers = (
            Layer(direct, "option {option}"),
            Layer({name: named.pop(name, None) for name in SECRETS}, f"variable {VARIABLE_PREFIX}{{option}}"),
            environment_layer(),
        )
        mask_secrets(layers)
        # ansible-core would show a secret of the wrong type in its message, so that it never gets to see one. What
        # selects has neither variables nor environment, and the messages of its own validator name the choices.
        public = {name: value for name, value in direct.items() if name in _CONNECTION and name not in SECRETS}
        try:
            self.set_options(
                var_options={VARIABLE_PREFIX + name: value for name, value in named.items()}, direct=public
            )
        except AnsibleError as error:
            raise OptionsError(f"{error}") from None
        connection = read_connection(
            {name: self.get_option(name) for name in _CONNECTION if name not in SECRETS},
            layers,
            environment_of="the controller, where lookups run",
        )
        selection = read_selection({**{name: direct.get(name) for name in _SELECTION}, "invoice_id": self._ids(terms)})
        self.warn_of(selection.warnings)
        return connection, selection

    def warn_of(self, texts: t.Iterable[str]) -> None:
        """Show the user each of some warnings."""
        for text in texts:
            display.warning(text)

    def _ids(self, terms: t.Sequence[t.Any]) -> list[t.Any] | None:
        """Return the ids among the terms; None when there is no term, or none that is not omitted."""
        given = [term for term in terms if not is_omitted(term)]
        return [term for term in self._flatten(given) if not is_omitted(term)] if given else None

    def _template_variables(self, variables: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        """Return the options that variables set; ansible-core hands variables to a lookup without templating.

        A variable that is null sets nothing, but one for a credential does: who left it blank meant to fill it in, and
        a credential that is found elsewhere may be another organization's.
        """
        values = {}
        for name in _CONNECTION:
            if VARIABLE_PREFIX + name in variables:
                try:
                    value = self._templar.template(variables[VARIABLE_PREFIX + name])
                except _OMITTED:
                    continue
                if not is_omitted(value):
                    values[name] = "" if value is None and name in SECRETS else _plain(name, value)
        return values


def lookup_error(error: Exception) -> AnsibleLookupError:
    """Return the error that a lookup raises, with the same text and without the chain that led to it."""
    return AnsibleLookupError(f"{error}")


def _plain(name: str, value: t.Any) -> t.Any:
    """Return the value of an option as a module would see it.

    A date or time that YAML made becomes the text that it was. Numbers and booleans are read strictly: for a plugin,
    ansible-core takes any text that does not mean true for false, and 2.16 cuts off fractions.
    """
    if isinstance(value, datetime.date):
        return value.isoformat()
    if getattr(value, "__ENCRYPTED__", False):
        # A vaulted value, which is no str until ansible-core 2.19. It is decrypted here.
        return f"{value}"
    if name == "api_url" and value is not None and not isinstance(value, str):
        # ansible-core would show it, and user info in it is a secret.
        raise OptionsError("api_url must be a string.")
    check, meaning = _STRICT.get(CONNECTION_SPEC.get(name, {}).get("type", ""), (None, ""))
    if check is None or value is None:
        return value
    try:
        return check(value)
    except (TypeError, ValueError, OverflowError):
        raise OptionsError(f"{name} must be {meaning}, not {value!r}.") from None
