# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the tests of this collection.

"""The ways in which a server may write a secret that it repeats."""

from __future__ import annotations

import base64
import html
import json
import re
import typing as t
from urllib.parse import quote

FORMS: dict[str, t.Callable[[str], str]] = {
    "as it is": str,
    "as JSON": lambda key: json.dumps(key)[1:-1],
    "as JSON, with slashes escaped": lambda key: json.dumps(key)[1:-1].replace("/", "\\/"),
    "as JSON, all of it": lambda key: "".join(f"\\u{ord(char):04x}" for char in key),
    "as JSON, all of it in upper case": lambda key: "".join(f"\\u{ord(char):04X}" for char in key),
    "as JSON within JSON": lambda key: json.dumps(json.dumps(key)[1:-1])[1:-1],
    "as JSON within JSON, all of it": lambda key: "".join(f"\\\\u{ord(char):04x}" for char in key),
    "for a URL": lambda key: quote(key, safe=""),
    "for a URL, all of it": lambda key: "".join(f"%{ord(char):02X}" for char in key),
    "for a URL, all of it in lower case": lambda key: "".join(f"%{ord(char):02x}" for char in key),
    "for HTML": html.escape,
    "for HTML, all of it": lambda key: "".join(f"&#{ord(char):05};" for char in key),
    "for HTML, in hexadecimal": lambda key: "".join(f"&#x{ord(char):02X};" for char in key),
    "for HTML, in HEXADECIMAL": lambda key: "".join(f"&#X{ord(char):02x};" for char in key),
    "in hexadecimal": lambda key: key.encode().hex(),
    "in hexadecimal, upper case": lambda key: key.encode().hex().upper(),
}
# What a server that decodes the header may have made of it: the key alone, or what it stood in.
for _before in ("", ":", "id", "Bearer "):
    for _name, _encode in (("base64", base64.b64encode), ("base64 for URLs", base64.urlsafe_b64encode)):
        FORMS[f"{_name} after {_before!r}"] = lambda key, before=_before, encode=_encode: encode(  # type: ignore[misc]
            f"{before}{key}".encode()
        ).decode()
FORMS["base64, for a URL"] = lambda key: quote(base64.b64encode(key.encode()), safe="")
FORMS["base64, as JSON with slashes escaped"] = lambda key: base64.b64encode(key.encode()).decode().replace("/", "\\/")
for _columns, _way, _end in (
    (20, "as JSON", r"\n"),
    (76, "as JSON", r"\n"),
    (20, "as JSON with CRLF", r"\r\n"),
    (20, "as JSON within JSON", r"\\n"),
):
    FORMS[f"base64 in {_columns} columns, {_way}"] = lambda key, columns=_columns, end=_end: re.sub(  # type: ignore[misc]
        f".{{{columns}}}",
        lambda line: f"{line[0]}{end}",
        base64.b64encode(f"Authorization: Bearer {key}".encode()).decode(),
    )
