# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the tests of this collection.

"""A private CA, and files that a user could name as one."""

from __future__ import annotations

import ssl
import typing as t

HOST = "127.0.0.1"


def server_context(certificate: t.Any) -> ssl.SSLContext:
    """Return what a server needs to show a certificate of trustme."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


class Authority(t.NamedTuple):
    """The CA of the servers, and files that a user could name: of it, of another one, no certificates, and none."""

    ca: t.Any
    good: str
    other: str
    garbage: str
    missing: str
