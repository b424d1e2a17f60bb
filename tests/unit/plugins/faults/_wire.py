# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the tests of this collection.

"""A server that plays faults byte by byte, and the ways to run a plugin against it without real waits.

The server of C(_api.py) speaks proper HTTP. This one has a bare socket in hand, for what no proper server does.
"""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import struct
import threading
import typing as t
from unittest import mock

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils import _client
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._api import KEY
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._run import (
    LookupFailureError,
    run_lookup,
    run_module,
)

_BACKSTOP = 20.0

Script = t.Callable[["Line"], None]


class Line:
    """One connection of a client."""

    def __init__(self, connection: socket.socket, stopping: threading.Event, request: str) -> None:
        self.connection = connection
        self.request = request
        self.stopping = stopping

    def send(self, data: bytes) -> None:
        self.connection.sendall(data)

    def drip(self, data: bytes, pause: float) -> None:
        """Send a byte at a time until the client leaves or the server stops."""
        for at in range(len(data)):
            self.send(data[at : at + 1])
            if self.stopping.wait(pause):
                return

    def wait(self) -> None:
        """Say nothing until the client leaves or the server stops."""
        with contextlib.suppress(OSError):
            while not self.stopping.is_set() and self.connection.recv(4096):
                pass

    def reset(self) -> None:
        """Have the connection closed with a reset in place of a proper end."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class Wire:
    """A server on a free port of the loopback address; each connection is one request and gets the next script.

    The last script goes for all further connections too.
    """

    def __init__(self, *scripts: Script, tls: ssl.SSLContext | None = None, reads_request: bool = True) -> None:
        """Listen; with C(tls) speak HTTPS; without C(reads_request) run the script as soon as a client connects."""
        self.requests: list[str] = []
        self.connections = 0
        self._scripts = scripts
        self._tls = tls
        self._reads_request = reads_request
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"{'http' if tls is None else 'https'}://127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _address = self._listener.accept()
                connection.settimeout(_BACKSTOP)
                with self._lock:
                    self._open.add(connection)
                    script = self._scripts[min(self.connections, len(self._scripts) - 1)]
                    self.connections += 1
                threading.Thread(target=self._serve, args=(connection, script), daemon=True).start()

    def _serve(self, connection: socket.socket, script: Script) -> None:
        with contextlib.suppress(OSError):
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
            head = b""
            while self._reads_request and b"\r\n\r\n" not in head:
                data = connection.recv(65536)
                if not data:
                    break
                head += data
            if head:
                with self._lock:
                    self.requests.append(head.decode("latin-1"))
            if head or not self._reads_request:
                script(Line(connection, self._stopping, head.decode("latin-1")))
        with contextlib.suppress(OSError):
            connection.close()

    def close(self) -> None:
        """Stop listening and end what waits."""
        self._stopping.set()
        # Closing alone does not wake up a thread that waits in accept().
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *dummy: object) -> None:
        self.close()


def answer(
    body: bytes | str | t.Any = b"",
    *,
    status: int = 200,
    headers: t.Mapping[str, str | None] | None = None,
    version: str = "HTTP/1.1",
) -> bytes:
    """Return the bytes of a whole answer after which the connection closes.

    :param body: bytes, or a JSON value.
    :param headers: beat the Content-Type and Content-Length that are made up; None leaves one out.
    """
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    made_up = {"Content-Type": "application/json", "Content-Length": f"{len(body)}", "Connection": "close"}
    lines = [f"{name}: {value}" for name, value in {**made_up, **(headers or {})}.items() if value is not None]
    return "\r\n".join([f"{version} {status} Text", *lines, "", ""]).encode("latin-1") + body


def say(*args: t.Any, **kwargs: t.Any) -> Script:
    """Return a script that sends C(answer(…)) and closes."""
    data = answer(*args, **kwargs)
    return lambda line: line.send(data)


def raw(data: bytes) -> Script:
    """Return a script that sends bytes and closes."""
    return lambda line: line.send(data)


def break_off(data: bytes) -> Script:
    """Return a script that sends bytes and resets the connection."""

    def script(line: Line) -> None:
        line.send(data)
        line.reset()

    return script


def hang(begin: bytes = b"") -> Script:
    """Return a script that sends the beginning of an answer and then nothing more."""

    def script(line: Line) -> None:
        line.send(begin)
        line.wait()

    return script


def drip(data: bytes, *, begin: bytes = b"", pause: float = 0.15) -> Script:
    """Return a script that sends the beginning of an answer at once and the rest byte by byte."""

    def script(line: Line) -> None:
        line.send(begin)
        line.drip(data, pause)

    return script


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return t.cast(int, listener.getsockname()[1])


class Outcome(t.NamedTuple):
    """How a plugin ended, and how long it waited in between."""

    invoices: t.Any
    text: str
    failure: dict[str, t.Any] | None
    shown: str
    waits: list[float]


@contextlib.contextmanager
def no_waits() -> t.Iterator[list[float]]:
    """Let every client note its waits in place of waiting; yield the list of them in seconds."""
    waits: list[float] = []
    with mock.patch.dict(_client.Client.__init__.__kwdefaults__, {"sleep": waits.append}):
        yield waits


def run_plugin(
    kind: str,
    options: t.Mapping[str, t.Any],
    *,
    environment: t.Mapping[str, str] | None = None,
    variables: t.Mapping[str, t.Any] | None = None,
    key: str | None = KEY,
) -> Outcome:
    """Run invoice_info or the invoice lookup, as the user would, and never wait.

    :param kind: C(module) or C(in place) for the two ways of invoice_info, C(lookup) for the lookup.
    :param key: the option api_key; None leaves it to the environment or the variables.
    """
    options = dict(options, **({} if key is None else {"api_key": key}))
    with no_waits() as waits:
        if kind != "lookup":
            result = run_module("invoice_info", options, environment=environment, in_place=kind == "in place")
            data = result.data
            failed = bool(data.get("failed"))
            assert result.exit_code == (1 if failed else 0)
            assert "Traceback" not in result.output
            return Outcome(data.get("invoices"), data.get("msg", ""), data.get("failure"), result.output, waits)
        terms = [options.pop("invoice_id")] if "invoice_id" in options else []
        try:
            invoices = run_lookup("invoice", terms, options, variables=variables, environment=environment)
        except LookupFailureError as error:
            return Outcome(None, error.args[0], None, error.shown, waits)
        return Outcome(invoices, "", None, "", waits)
