# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the tests of this collection.

"""The sandbox's server that answers what a test expects, with the headers that the plugins send."""

from __future__ import annotations

import contextlib
import ssl
import typing as t

from billing_sandbox._scripted import ExpectingServer

INVOICES = "/api/v1/invoices"
KEY = "sandbox-key"
JWT = "sandbox.jwt.signature"

# What every request with an API key carries and, with None, what it must not carry.
KEY_HEADERS: dict[str, str | None] = {
    "Accept": "application/json",
    "Authorization": f"Bearer {KEY}",
    "Cc-Version": "2024-09-16",
    "Cc-Vanity-Name": None,
    "Cc-Username": None,
    "Cookie": None,
}
JWT_HEADERS: dict[str, str | None] = {**KEY_HEADERS, "Authorization": f"Bearer {JWT}", "Cc-Vanity-Name": "acme"}


class Api(ExpectingServer):
    """A server whose every request has to carry the API key, where a test expects no other headers."""

    def __init__(self, *, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(KEY_HEADERS, tls=tls)


@contextlib.contextmanager
def serve(*, tls: ssl.SSLContext | None = None) -> t.Iterator[Api]:
    """Run a server for the length of a block, and verify at its end that it got what it expected."""
    api = Api(tls=tls)
    try:
        yield api
        api.verify()
    finally:
        api.close()
