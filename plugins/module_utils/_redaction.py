# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is private to the cockroachdb_cloud.billing collection.
# It can change or vanish in any release, so do not use it from outside.

"""Takes a secret out of texts that came from outside."""

from __future__ import annotations

import base64
import functools
import html
import re

_MASK = "********"
_BEGIN = 12  # characters of a secret that tell whether it may be there
_BREAK = r"(?:\s|\\{1,4}[rn])*"  # MIME and the base64 command end a line after 76 characters


class Redactor:
    """Finds a secret in foreign texts: as it is, as JSON, HTML or a URL may write it, and in base64 and hexadecimal."""

    def __init__(self, secret: str) -> None:
        self._secret = secret
        encoded = secret.encode("ascii")
        self._encoded = [encoded.hex(), encoded.hex().upper(), *_base64_forms(encoded)]

    def may_be_in(self, body: bytes | bytearray) -> bool:
        """Say quickly whether a body may hold the secret: never wrongly that it does not."""
        # 15 ms for 20 MB. To search for all forms at once takes ten times as long.
        signs = (self._secret, *self._encoded, "\\", "%", "&")
        return any(sign.encode("ascii") in body for sign in signs)

    def redact(self, text: str) -> str:
        """Return a text with asterisks in place of the secret."""
        if self._any_begin.search(text):
            for form in self._forms:
                # The pattern for a long secret takes a second to compile, and is hardly ever needed.
                if re.search("".join(form[:_BEGIN]), text):
                    text = re.sub("".join(form), _MASK, text)
        return text

    @functools.cached_property
    def _any_begin(self) -> re.Pattern[str]:
        return re.compile("|".join("".join(form[:_BEGIN]) for form in self._forms))

    @functools.cached_property
    def _forms(self) -> list[list[str]]:
        """All that the secret may look like, each as a pattern for each of its characters."""
        # Of what is encoded, only what is no letter or digit is ever written in another way.
        encoded = [[c if c.isalnum() else _written(c) for c in form] for form in self._encoded]
        return [[*map(_written, self._secret)], *([first, *(_BREAK + c for c in more)] for first, *more in encoded)]


def _base64_forms(secret: bytes) -> list[str]:
    """Return what is in any text in base64 that holds a secret: it depends on how many bytes stand before it.

    At both ends a character may hold bits of what stands beside the secret, and is left out.
    """
    forms = []
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + secret).decode("ascii").rstrip("=")
        begin, end = (0, 2, 3)[before], len(encoded) - bool((before + len(secret)) % 3)
        forms.append(encoded[begin:end])
    return forms + [form.replace("+", "-").replace("/", "_") for form in forms if "+" in form or "/" in form]


def _written(char: str) -> str:
    """Return a pattern for the ways to write a character."""
    code = ord(char)
    # JSON within a text of JSON has each backslash doubled.
    forms = [re.escape(char), rf"\\{{1,4}}(?i:u00{code:02x})", f"%(?i:{code:02x})", f"&#(?i:0*{code}|x0*{code:x});"]
    if char in '"\\/':
        forms.append(rf"\\{{1,4}}{re.escape(char)}")
    if html.escape(char) != char:
        forms.append(re.escape(html.escape(char)))
    return f"(?:{'|'.join(reversed(forms))})"
