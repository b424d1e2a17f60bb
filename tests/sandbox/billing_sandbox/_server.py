# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The HTTP server: connections, the log of requests, and the control endpoints."""

from __future__ import annotations

import collections
import contextlib
import email.message
import hashlib
import http
import http.server
import itertools
import json
import socket
import socketserver
import ssl
import sys
import threading
import time
import traceback
import typing as t
import urllib.parse

from billing_sandbox._api import Answer, Api, ApiError, Request, json_answer
from billing_sandbox._faults import FaultQueue

CONTROL_PREFIX = "/_sandbox/"
_SECRET_HEADERS = ("authorization", "proxy-authorization", "cookie")
_LOG_LENGTH = 20_000
_JOIN_BELOW = 65_536


class Log:
    """The requests that were seen, without their secrets."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._entries: collections.deque[dict[str, t.Any]] = collections.deque(maxlen=_LOG_LENGTH)

    def add(self, method: str, target: str, headers: t.Mapping[str, str], connection: int) -> dict[str, t.Any]:
        """Note a request; its C(status) is filled in when it has been answered."""
        url = urllib.parse.urlsplit(target)
        entry = {
            "method": method,
            "path": url.path,
            "query": dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True)),
            "target": target,
            "headers": {name: _redacted(name, value) for name, value in headers.items()},
            "connection": connection,
            "at": round(time.monotonic() - self._started, 4),
            "status": None,
        }
        self._entries.append(entry)
        return entry

    def entries(self) -> list[dict[str, t.Any]]:
        return list(self._entries)

    def clear(self) -> None:
        self._entries.clear()


def _redacted(name: str, value: str) -> str:
    """A header's value; of a secret only its scheme and enough of a hash to tell two secrets apart."""
    if name.lower() not in _SECRET_HEADERS:
        return value
    scheme, space, secret = value.partition(" ")
    if not space:
        scheme, secret = "", value
    return f"{scheme} {fingerprint(secret)}".strip()


def fingerprint(secret: str) -> str:
    """What stands in the log for a secret: eight hexadecimal digits of its hash."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()[:8]


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """A thread for each connection; connections end with the server."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 512

    def __init__(
        self,
        address: tuple[str, int],
        api: Api,
        *,
        prefix: str = "",
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Listen on an address.

        :param prefix: a path that stands before every path of the API, such as C(/cockroach).
        """
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        self.api = api
        self.prefix = prefix
        self.tls = tls
        self.faults = FaultQueue()
        self.log = Log()
        self.stopping = threading.Event()
        self.connection_numbers = itertools.count(1)
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__(address, Handler)

    @property
    def url(self) -> str:
        host, port = str(self.server_address[0]), self.server_address[1]
        name = f"[{host}]" if ":" in host else host
        return f"{'https' if self.tls else 'http'}://{name}:{port}{self.prefix}"

    def get_request(self) -> tuple[socket.socket, t.Any]:
        connection, address = super().get_request()
        if self.tls is not None:
            # The handshake happens at the first read, in the connection's own thread: accepting never waits.
            connection = self.tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        with self._lock:
            self._connections.add(connection)
        return connection, address

    def shutdown_request(self, request: t.Any) -> None:
        with self._lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, *_connection: t.Any) -> None:
        """A client that leaves is nothing to report; anything else is an error of the sandbox."""
        if not isinstance(sys.exc_info()[1], OSError):
            traceback.print_exc()

    def stop(self) -> None:
        """Stop serving, end what waits, and close the connections."""
        self.stopping.set()
        self.shutdown()
        self.server_close()
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection."""

    server: Server
    protocol_version = "HTTP/1.1"
    server_version = "CockroachCloudSandbox"
    sys_version = ""
    disable_nagle_algorithm = True
    timeout = 300

    def setup(self) -> None:
        super().setup()
        self.number = next(self.server.connection_numbers)

    def _serve(self) -> None:
        body = self._read_body()
        url = urllib.parse.urlsplit(self.path)
        if url.path.startswith(CONTROL_PREFIX) or url.path.startswith(self.server.prefix + CONTROL_PREFIX):
            self._send(self._control(url.path[url.path.index(CONTROL_PREFIX) :], body))
            return
        entry = self.server.log.add(self.command, self.path, _joined(self.headers), self.number)
        fault = self.server.faults.take(url.path)
        if fault is not None:
            self.server.stopping.wait(fault.delay)
        answer = self._usual(url) if fault is None else fault.answer(lambda: self._usual(url))
        entry["status"] = answer.status
        self._send(answer)

    def __getattr__(self, name: str) -> t.Callable[[], None]:
        """The base class looks for C(do_GET) and the like: all methods, known or not, are served alike."""
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)

    def _usual(self, url: urllib.parse.SplitResult) -> Answer:
        prefix = self.server.prefix
        path = url.path[len(prefix) :] if url.path.startswith(prefix) else ""
        headers = {name.lower(): value for name, value in _joined(self.headers).items()}
        return self.server.api.answer(Request(self.command, path, url.query, headers))

    def _control(self, path: str, body: bytes) -> Answer:
        what = path[len(CONTROL_PREFIX) :]
        server = self.server
        try:
            if (self.command, what) == ("POST", "faults"):
                server.faults.add(json.loads(body))
            elif (self.command, what) == ("DELETE", "faults"):
                server.faults.clear()
            elif (self.command, what) == ("DELETE", "requests"):
                server.log.clear()
            elif (self.command, what) == ("GET", "requests"):
                return json_answer(200, server.log.entries())
            elif (self.command, what) != ("GET", "faults"):
                return ApiError(404, 5, "Not Found").answer()
            return json_answer(200, server.faults.pending())
        except ApiError as error:
            return error.answer()
        except ValueError as error:
            return ApiError(400, 3, f"not JSON: {error}").answer()

    def _read_body(self) -> bytes:
        """The body that came with the request, so that the connection stays in step."""
        length = self.headers.get("Content-Length", "")
        if self.headers.get("Transfer-Encoding"):
            self.close_connection = True
            return b""
        return self.rfile.read(int(length)) if length.isdigit() else b""

    def _head(self, answer: Answer) -> bytes:
        """The status line and headers."""
        reason = http.HTTPStatus(answer.status).phrase if answer.status in _STATUSES else "Unknown"
        headers = [("Date", self.date_time_string()), *answer.headers, ("Content-Length", f"{len(answer.body)}")]
        if self.close_connection:
            headers.append(("Connection", "close"))
        lines = [f"HTTP/1.1 {answer.status} {reason}", *(f"{name}: {value}" for name, value in headers), "", ""]
        return "\r\n".join(lines).encode("utf-8", "surrogateescape")

    def _send(self, answer: Answer) -> None:
        body = b"" if self.command == "HEAD" else answer.body
        head = self._head(answer)
        if len(body) < _JOIN_BELOW:
            self.wfile.write(head + body)
        else:
            self.wfile.write(head)
            self.wfile.write(body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What the base class refuses, such as a broken request line, in the API's own form."""
        self.close_connection = True
        self._send(ApiError(code, 3, message or explain or "bad request").answer())

    def log_message(self, *_message: t.Any) -> None:
        """Nothing: standard output belongs to the URL, and the log of requests has its own endpoint."""


_STATUSES = {status.value for status in http.HTTPStatus}


def _joined(headers: email.message.Message) -> dict[str, str]:
    """Headers by name; several of one name are joined by commas."""
    return {name: ", ".join(headers.get_all(name, [])) for name in dict.fromkeys(headers.keys())}
