# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An offline stand-in for the billing part of the CockroachDB Cloud API, for tests, demonstrations and benchmarks.

C(Sandbox) runs it in a thread of the same process; C(server.py) beside this package runs it in a process of its own.
"""

from __future__ import annotations

import datetime
import json
import ssl
import threading
import typing as t

from billing_sandbox._api import (
    JWT,
    KEY,
    QUIRKS,
    RENAMED_CREDITS_VERSION,
    VANITY_NAME,
    VERSIONS,
    Api,
    Options,
    parse_time,
)
from billing_sandbox._server import Server, fingerprint
from billing_sandbox._values import UTC


class Sandbox:
    """A running sandbox: a context manager, or C(start) and C(stop)."""

    def __init__(
        self,
        *,
        months: int = 14,
        clusters: int = 12,
        lines: int | None = None,
        seed: int = 1,
        today: str | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: tuple[str, str] | None = None,
        rate_limit: bool = True,
        api_prefix: str = "",
        quirks: t.Sequence[str] = (),
    ) -> None:
        """Listen at once; requests are answered from C(start) on.

        :param months: the number of billing periods, this month included; 0 for none.
        :param clusters: how many clusters the organization has or had.
        :param lines: line items for each running cluster; without it as many as its plan has.
        :param seed: the same seed gives the same organization.
        :param today: C(YYYY-MM-DD) (its noon) or an RFC 3339 time; this hour without it.
        :param tls: paths of a certificate and its key, for https.
        :param rate_limit: False answers any number of requests a second.
        :param api_prefix: a path before every path of the API; it is part of C(url).
        :param quirks: names from C(QUIRKS), for what is not known of the real API.
        :raises ValueError: an option makes no sense.
        """
        if months < 0 or clusters < 0 or (lines is not None and lines < 1):
            raise ValueError("months and clusters are 0 or more, lines is 1 or more")
        unknown = sorted(set(quirks) - set(QUIRKS))
        if unknown:
            raise ValueError(f"unknown quirk {', '.join(unknown)}: there are {', '.join(QUIRKS)}")
        options = Options(months, clusters, lines, seed, moment(today), rate_limit, tuple(quirks))
        self._api = Api(options)
        self._server = Server((host, port), self._api, prefix=_prefix(api_prefix), tls=_tls_context(tls))
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """What to give as C(api_url)."""
        return self._server.url

    @property
    def now(self) -> datetime.datetime:
        """The moment up to which the draft has grown, in UTC."""
        return self._api.now

    def start(self) -> Sandbox:
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="sandbox", daemon=True
        )
        self._thread.start()
        return self

    def stop(self) -> None:
        """End everything; connections that still wait for an answer are closed."""
        if self._thread is None:
            self._server.server_close()
            return
        self._server.stop()
        self._thread.join()
        self._thread = None

    def __enter__(self) -> Sandbox:
        return self.start()

    def __exit__(self, *_exception: object) -> None:
        self.stop()

    def faults(self, script: list[dict[str, t.Any]]) -> None:
        """Append scripted faults: each is applied to the next request that it matches."""
        self._server.faults.add(script)

    def pending_faults(self) -> list[dict[str, t.Any]]:
        """The faults that no request has met yet."""
        return self._server.faults.pending()

    def clear_faults(self) -> None:
        self._server.faults.clear()

    def requests(self) -> list[dict[str, t.Any]]:
        """The requests seen so far, oldest first."""
        return self._server.log.entries()

    def clear_requests(self) -> None:
        self._server.log.clear()

    def reset(self) -> None:
        """Forget faults and requests."""
        self.clear_faults()
        self.clear_requests()

    def prepare(self, key: str = KEY) -> None:
        """Generate what a key opens now instead of at its first request."""
        self._api.prepare(key[len(KEY) + 1 :])

    def invoices(self, key: str = KEY, *, version: str = "2024-09-16") -> list[dict[str, t.Any]]:
        """The invoices that a key opens, parsed as a client would, oldest first; no request is made for them."""
        name = key[len(KEY) + 1 :]
        return [json.loads(invoice.for_version(version)) for invoice in self._api.invoices(name)]


def moment(today: str | None) -> datetime.datetime | None:
    """The moment that C(today) names: noon of a date, or a time."""
    if today is None:
        return None
    return parse_time(today if "T" in today else f"{today}T12:00:00Z").astimezone(UTC)


def _prefix(path: str) -> str:
    return "/" + path.strip("/") if path.strip("/") else ""


def _tls_context(tls: tuple[str, str] | None) -> ssl.SSLContext | None:
    if tls is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*tls)
    return context


__all__ = ["JWT", "KEY", "QUIRKS", "RENAMED_CREDITS_VERSION", "VANITY_NAME", "VERSIONS", "Sandbox", "fingerprint"]
