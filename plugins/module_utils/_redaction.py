# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is private to the cockroachdb_cloud.billing collection.
# It can change or vanish in any release, so do not use it from outside.

"""Takes a secret out of texts that came from outside."""

from __future__ import annotations

import functools
import html
import re

_MASK = "********"
_BEGIN = 12  # characters of a secret that tell whether it may be there


class Redactor:
    """Finds a secret in foreign texts: as it is, and as JSON, HTML or a URL may write it."""

    def __init__(self, secret: str) -> None:
        self._secret = secret

    @functools.cached_property
    def _begin(self) -> re.Pattern[str]:
        return re.compile("".join(map(_written, self._secret[:_BEGIN])))

    def redact(self, text: str) -> str:
        """Return a text with asterisks in place of the secret."""
        # The pattern for a long secret takes a second to compile, and is hardly ever needed.
        if not self._begin.search(text):
            return text
        return re.sub("".join(map(_written, self._secret)), _MASK, text)


def _written(char: str) -> str:
    """Return a pattern for the ways to write a character."""
    code = ord(char)
    forms = [re.escape(char), rf"\\(?i:u00{code:02x})", f"%(?i:{code:02x})", f"&#(?i:0*{code}|x0*{code:x});"]
    if char in '"\\/':
        forms.append(re.escape(f"\\{char}"))
    if html.escape(char) != char:
        forms.append(re.escape(html.escape(char)))
    return f"(?:{'|'.join(reversed(forms))})"
