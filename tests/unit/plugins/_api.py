# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the tests of this collection.

"""An HTTP server on a real socket that answers what a test expects, and holds the test to it.

Each expectation says what one request has to look like and what it is answered with. The requests have to come in the
order of the expectations; :meth:`Api.verify` fails for one that differs, one too many, and one that never came.
"""

from __future__ import annotations

import contextlib
import http.server
import json
import ssl
import threading
import typing as t
from urllib.parse import parse_qsl, urlsplit

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


class Request(t.NamedTuple):
    """A request as it came over the wire; C(path) is as quoted by the client, C(connection) numbers the connections."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    connection: int


class Expectation(t.NamedTuple):
    """What the next request has to look like, and what it is answered with."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str | None]
    answer: t.Any
    status: int
    answer_headers: dict[str, str]
    act: t.Callable[[Handler], None] | None

    def differences(self, request: Request) -> list[str]:
        """Return a line for each way in which a request is not the one expected."""
        lines = [
            f"{name} is {getattr(request, name)!r}, not {getattr(self, name)!r}"
            for name in ("method", "path", "query")
            if getattr(request, name) != getattr(self, name)
        ]
        got = {name.lower(): value for name, value in request.headers.items()}
        for name, value in self.headers.items():
            if got.get(name.lower()) != value:
                lines.append(f"the header {name} is {got.get(name.lower())!r}, not {value!r}")
        return lines


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection of a client."""

    protocol_version = "HTTP/1.1"
    # Head and body are written one after the other, and must not wait for each other's acknowledgement.
    disable_nagle_algorithm = True
    server: _Server
    connection_number = 0

    def setup(self) -> None:
        super().setup()
        with self.server.api.lock:
            self.server.api.connections += 1
            self.connection_number = self.server.api.connections

    def send(self, status: int, body: bytes, headers: t.Mapping[str, str] | None = None) -> None:
        """Send a whole answer; C(headers) beats the Content-Type and Content-Length that are made up for it."""
        all_headers = {"Content-Type": "application/json", "Content-Length": f"{len(body)}", **(headers or {})}
        self.send_response(status)
        for name, value in all_headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def handle_any(self) -> None:
        """Answer a request of any method."""
        url = urlsplit(self.path)
        query = parse_qsl(url.query, keep_blank_values=True)
        request = Request(self.command, url.path, dict(query), dict(self.headers.items()), self.connection_number)
        expectation = self.server.api.take(request, repeated=len(query) != len(request.query))
        if expectation is None:
            # 501 is not tried again, so that the client under test ends at once.
            self.send(501, json.dumps({"message": f"unexpected: {request.method} {self.path}"}).encode())
        elif expectation.act is not None:
            expectation.act(self)
        else:
            answer = expectation.answer
            body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send(expectation.status, body, expectation.answer_headers)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = handle_any  # noqa: N815 (named by http.server)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (named by http.server)
        """Log nothing."""


class _Server(http.server.ThreadingHTTPServer):
    """Threads end with the process; a client that goes away is no error of the server."""

    daemon_threads = True
    api: Api

    def handle_error(self, request: t.Any, client_address: t.Any) -> None:
        """Say nothing: tests break connections on purpose."""


class Api:
    """The server, what it expects, and what it got."""

    def __init__(self, *, tls: ssl.SSLContext | None = None) -> None:
        """Listen on a free port of the loopback address; with C(tls), speak HTTPS."""
        self.lock = threading.Lock()
        self.connections = 0
        self.requests: list[Request] = []
        self._expectations: list[Expectation] = []
        self._problems: list[str] = []
        self._server = _Server(("127.0.0.1", 0), Handler)
        self._server.api = self
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_address[1]
        self.url = f"{'http' if tls is None else 'https'}://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.002}, daemon=True)
        self._thread.start()

    def expect(
        self,
        path: str = INVOICES,
        *,
        method: str = "GET",
        query: t.Mapping[str, str] | None = None,
        headers: t.Mapping[str, str | None] | None = None,
        answer: t.Any = None,
        status: int = 200,
        answer_headers: t.Mapping[str, str] | None = None,
        act: t.Callable[[Handler], None] | None = None,
    ) -> None:
        """Expect one more request after those expected so far.

        :param path: the path on the wire, quoted.
        :param query: all query parameters; none when left out.
        :param headers: headers that the request has to carry, with None those that it must not carry; those of a
            request with the API key when left out.
        :param answer: a JSON value, or bytes that are sent as they are.
        :param act: answers the request in place of C(answer), with the handler in hand.
        """
        self._expectations.append(
            Expectation(
                method,
                path,
                dict(query or {}),
                dict(KEY_HEADERS if headers is None else headers),
                answer,
                status,
                dict(answer_headers or {}),
                act,
            )
        )

    def take(self, request: Request, *, repeated: bool = False) -> Expectation | None:
        """Note a request, and return the expectation that it meets, None when it meets none."""
        with self.lock:
            self.requests.append(request)
            if not self._expectations:
                self._problems.append(f"nothing more was expected than {request.method} {request.path} {request.query}")
                return None
            expectation = self._expectations.pop(0)
            differences = expectation.differences(request)
            if repeated:
                differences.append("a query parameter stands there twice")
            if differences:
                self._problems.append(f"request {len(self.requests)}: {'; '.join(differences)}")
                return None
            return expectation

    def verify(self) -> None:
        """Fail when the requests were not exactly those expected; what was expected is forgotten."""
        problems, left = self._problems, self._expectations
        self._problems, self._expectations = [], []
        lines = problems + [f"never came: {expected.method} {expected.path} {expected.query}" for expected in left]
        assert not lines, "\n".join(lines)

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextlib.contextmanager
def serve(*, tls: ssl.SSLContext | None = None) -> t.Iterator[Api]:
    """Run a server for the length of a block, and verify at its end that it got what it expected."""
    api = Api(tls=tls)
    try:
        yield api
        api.verify()
    finally:
        api.close()
