# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sandbox's server with scripts in place of the API: answers that a test expects, and faults byte by byte.

A script has the bare connection in hand, for what no proper server does. Expectations say what each request has to look
like and what it is answered with; one that differs, one too many, and one that never came fail the test.
"""

from __future__ import annotations

import http.client
import io
import json
import socket
import socketserver
import ssl
import struct
import threading
import typing as t
from urllib.parse import parse_qsl, urlsplit

from billing_sandbox._api import Api, Options
from billing_sandbox._server import Server

_BACKSTOP = 20.0
_NO_API = Api(Options())


class Request(str):
    """The head of a request as it came over the wire."""

    @property
    def call(self) -> tuple[str, str, list[tuple[str, str]]]:
        """The method, the path as the client quoted it, and the query parameters by name."""
        method, target, _version = self.split(" ", 2)
        url = urlsplit(target)
        return method, url.path, sorted(parse_qsl(url.query, keep_blank_values=True))

    @property
    def headers(self) -> dict[str, str]:
        return dict(http.client.parse_headers(io.BytesIO(self.partition("\n")[2].encode("latin-1"))).items())


class Line:
    """One connection of a client, and its latest request; with C(stays) it is left open for another one."""

    def __init__(self, connection: socket.socket, stopping: threading.Event) -> None:
        self.connection = connection
        self.stopping = stopping
        self.request = Request()
        self.stays = False

    def read(self) -> bool:
        """Read the next request; False when the client has left."""
        head = b""
        while b"\r\n\r\n" not in head:
            data = self.connection.recv(65536)
            if not data:
                return False
            head += data
        self.request = Request(head.decode("latin-1"))
        return True

    def send(self, data: bytes) -> Line:
        self.connection.sendall(data)
        return self

    def drip(self, data: bytes, pause: float) -> None:
        """Send a byte at a time until the client leaves or the server stops."""
        for at in range(len(data)):
            self.send(data[at : at + 1])
            if self.stopping.wait(pause):
                return

    def wait(self) -> None:
        """Say nothing until the client leaves or the server stops."""
        while not self.stopping.is_set() and self.connection.recv(4096):
            pass

    def reset(self) -> None:
        """Close the connection with a reset in place of a proper end."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()


Script = t.Callable[[Line], object]


class _Connection(socketserver.BaseRequestHandler):
    """Runs the scripts of one connection; a client that leaves ends them with an OSError."""

    server: Wire

    def handle(self) -> None:
        self.request.settimeout(_BACKSTOP)
        line = Line(self.request, self.server.stopping)
        going = True
        while going and (not self.server.reads_request or line.read()):
            self.server.script_for(line)(line)
            going = line.stays


class Wire(Server):
    """A server on a free port of the loopback address, at work at once; each request gets the next script.

    The last script goes for all further requests too.
    """

    def __init__(self, *scripts: Script, tls: ssl.SSLContext | None = None, reads_request: bool = True) -> None:
        """Listen; with C(tls) speak HTTPS; without C(reads_request) run the script as soon as a client connects."""
        super().__init__(("127.0.0.1", 0), _NO_API, tls=tls)
        self.RequestHandlerClass = _Connection
        self.reads_request = reads_request
        self.port: int = self.server_address[1]
        self.requests: list[Request] = []
        self.connections = 0
        self._scripts = list(scripts)
        self._thread = threading.Thread(target=self.serve_forever, args=(0.002,), daemon=True)
        self._thread.start()

    def get_request(self) -> tuple[socket.socket, t.Any]:
        self.connections += 1
        return super().get_request()

    def script_for(self, line: Line) -> Script:
        """Return what is done with the latest request of a connection."""
        with self._lock:
            if self.reads_request:
                self.requests.append(line.request)
            return self._scripts.pop(0) if len(self._scripts) > 1 else self._scripts[0]

    def close(self) -> None:
        """Stop listening and end what waits."""
        self.stop()
        self._thread.join()

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *dummy: object) -> None:
        self.close()


class Expectation(t.NamedTuple):
    """What the next request has to look like, and the script that answers it."""

    call: tuple[str, str, list[tuple[str, str]]]
    headers: t.Mapping[str, str | None]
    script: Script

    def differences(self, request: Request) -> list[str]:
        """Return a line for each way in which a request is not the one expected."""
        got = {name.lower(): value for name, value in request.headers.items()}
        pairs: list[tuple[str, t.Any, t.Any]] = [("the call", request.call, self.call)]
        pairs += [(f"the header {name}", got.get(name.lower()), value) for name, value in self.headers.items()]
        return [f"{name} is {found!r}, not {wanted!r}" for name, found, wanted in pairs if found != wanted]


class ExpectingServer(Wire):
    """A server that gets its requests in the order of what is expected, over connections that stay open."""

    def __init__(self, headers: t.Mapping[str, str | None], *, tls: ssl.SSLContext | None = None) -> None:
        """Listen.

        :param headers: what every request has to carry that no other headers are expected of.
        """
        self._headers = headers
        self._expectations: list[Expectation] = []
        self._problems: list[str] = []
        super().__init__(tls=tls)

    def expect(
        self,
        path: str = "/api/v1/invoices",
        *,
        method: str = "GET",
        query: t.Mapping[str, str] | None = None,
        headers: t.Mapping[str, str | None] | None = None,
        answer: t.Any = None,
        status: int = 200,
        answer_headers: t.Mapping[str, str] | None = None,
        act: Script | None = None,
    ) -> None:
        """Expect one more request after those expected so far.

        :param path: the path on the wire, quoted.
        :param query: all query parameters; none when left out.
        :param headers: headers that the request has to carry, with None those that it must not carry.
        :param answer: a JSON value, or bytes that are sent as they are.
        :param act: answers the request in place of C(answer).
        """
        usual = say(answer, status=status, headers={"Connection": "keep-alive", **(answer_headers or {})})
        wanted = method, path, sorted((query or {}).items())
        self._expectations.append(Expectation(wanted, self._headers if headers is None else headers, act or usual))

    def script_for(self, line: Line) -> Script:
        """Return the answer to the request that is expected next, or a refusal that is noted as a problem."""
        line.stays = True
        with self._lock:
            self.requests.append(line.request)
            problem = f"nothing more was expected than {line.request.call}"
            if self._expectations:
                expectation = self._expectations.pop(0)
                problem = "; ".join(expectation.differences(line.request))
                if not problem:
                    return expectation.script
            self._problems.append(problem)
        # 501 is not tried again, so that the client under test ends at once.
        return say({"message": f"unexpected: {problem}"}, status=501)

    def verify(self) -> None:
        """Fail when the requests were not exactly those expected; what was expected is forgotten."""
        lines = self._problems + [f"never came: {expected.call}" for expected in self._expectations]
        self._problems, self._expectations = [], []
        assert not lines, "\n".join(lines)


def answer(
    body: t.Any = b"",
    *,
    status: int = 200,
    headers: t.Mapping[str, str | None] | None = None,
    version: str = "HTTP/1.1",
) -> bytes:
    """Return the bytes of a whole answer.

    :param body: bytes, or a JSON value.
    :param headers: beat the Content-Type, Content-Length and Connection that are made up; None leaves one out.
    """
    data: bytes = body if isinstance(body, bytes) else json.dumps(body).encode()
    made_up = {"Content-Type": "application/json", "Content-Length": f"{len(data)}", "Connection": "close"}
    lines = [f"{name}: {value}" for name, value in {**made_up, **(headers or {})}.items() if value is not None]
    return "\r\n".join([f"{version} {status} Text", *lines, "", ""]).encode("latin-1") + data


def say(body: t.Any = b"", **rest: t.Any) -> Script:
    """Return a script that sends C(answer(…))."""
    return raw(answer(body, **rest))


def raw(data: bytes) -> Script:
    """Return a script that sends bytes."""
    return lambda line: line.send(data)


def break_off(data: bytes) -> Script:
    """Return a script that sends bytes and resets the connection."""
    return lambda line: line.send(data).reset()


def hang(begin: bytes = b"") -> Script:
    """Return a script that sends the beginning of an answer and then nothing more."""
    return lambda line: line.send(begin).wait()


def drip(data: bytes, *, begin: bytes = b"", pause: float = 0.15) -> Script:
    """Return a script that sends the beginning of an answer at once and the rest byte by byte."""
    return lambda line: line.send(begin).drip(data, pause)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return t.cast("int", listener.getsockname()[1])
