# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin_util is private to the cockroachdb_cloud.billing collection.
# It can change or vanish in any release, so do not use it from outside.

"""Values that a playbook leaves out with C(default(omit)), which ansible-core drops for modules alone."""

from __future__ import annotations

import typing as t

# Both are internal to ansible-core. The text is what omit is before 2.19, the object what it is since then.
_TEXT = "__omit_place_holder__"
_TYPE = "_OmitType"


def is_omitted(value: t.Any) -> bool:
    """Say whether a value that reached a lookup or a filter stands for one that is not given."""
    return type(value).__name__ == _TYPE or (isinstance(value, str) and value.startswith(_TEXT))


def without_omitted(value: t.Any) -> t.Any:
    """Return a value without the entries of its dictionaries and lists that stand for ones that are not given."""
    if isinstance(value, dict):
        return {name: without_omitted(entry) for name, entry in value.items() if not is_omitted(entry)}
    if isinstance(value, (list, tuple)):
        return [without_omitted(entry) for entry in value if not is_omitted(entry)]
    return value
