# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the tests of this collection.

"""A client that hides nothing: one request, and the answer as it came."""

from __future__ import annotations

import http.client
import json
import pathlib
import ssl
import typing as t
from decimal import Decimal
from urllib.parse import urlsplit

SANDBOX = pathlib.Path(__file__).resolve().parents[2] / "sandbox"
INVOICES = "/api/v1/invoices"


class Reply(t.NamedTuple):
    """An answer; names of headers are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> t.Any:
        return json.loads(self.body)


def connect(url: str, *, context: ssl.SSLContext | None = None, timeout: float = 5) -> http.client.HTTPConnection:
    parts = urlsplit(url)
    if parts.scheme == "https":
        return http.client.HTTPSConnection(parts.netloc, context=context, timeout=timeout)
    return http.client.HTTPConnection(parts.netloc, timeout=timeout)


def call(
    url: str,
    target: str = INVOICES,
    *,
    key: str | None = "sandbox-key",
    headers: t.Mapping[str, str] | None = None,
    method: str = "GET",
    content: object = None,
    over: http.client.HTTPConnection | None = None,
    timeout: float = 5,
) -> Reply:
    """Send one request and read its answer.

    :param target: path and query, after the path that the URL has.
    :param over: an open connection to use instead of one of its own.
    """
    connection = over or connect(url, timeout=timeout)
    all_headers = dict(headers or {})
    if key is not None:
        all_headers["Authorization"] = f"Bearer {key}"
    body = None if content is None else json.dumps(content)
    try:
        connection.request(method, urlsplit(url).path + target, body=body, headers=all_headers)
        answer = connection.getresponse()
        return Reply(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
    finally:
        if over is None:
            connection.close()


def exact(amounts: t.Iterable[t.Mapping[str, t.Any]]) -> dict[str, Decimal]:
    """Exact sums of C({amount, currency}) by currency."""
    totals: dict[str, Decimal] = {}
    for money in amounts:
        totals[money["currency"]] = totals.get(money["currency"], Decimal(0)) + Decimal(repr(money["amount"]))
    return totals
