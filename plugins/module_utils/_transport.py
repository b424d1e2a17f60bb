# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is private to the cockroachdb_cloud.billing collection.
# It can change or vanish in any release, so do not use it from outside.

"""What is below the client: a session whose every request can be ended, and bodies that are bounded."""

from __future__ import annotations

import contextlib
import functools
import http.client
import re
import socket
import threading
import typing as t
import warnings
import zlib

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._errors import OptionsError
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._options import host_of, is_loopback

try:
    import requests
    import requests.utils
    import urllib3.exceptions
except Exception as error:  # noqa: BLE001 (a broken installation may fail in any way, and its reason is shown)
    IMPORT_ERROR: Exception | None = error
else:
    IMPORT_ERROR = None

LARGEST_BODY = 512 << 20  # bytes, decompressed

_Outcome = t.TypeVar("_Outcome")

_CHUNK = 1 << 18
_INTERIM = (102, 103)
_LONGEST_LINE = 65537  # bytes, as http.client reads those of the headers


class Answer(t.NamedTuple):
    """An HTTP answer whose body has arrived whole, and is decompressed."""

    status: int
    headers: t.Mapping[str, str]
    body: bytes | bytearray


class BodyTooLargeError(Exception):
    """A body is larger than C(largest) bytes, and was not read any further."""

    def __init__(self, status: int, largest: int) -> None:
        """Keep the HTTP status of the answer, and the bound."""
        super().__init__(f"HTTP {status}")
        self.status = status
        self.largest = largest


def open_session() -> t.Any:
    """Return a session of requests whose requests can be given to :func:`run_bounded`."""
    session = requests.Session()
    # Also where it does not follow, requests prepares the next request, and fails when it cannot read the target.
    session.get_redirect_target = lambda resp: None  # type: ignore[method-assign]  # noqa: ARG005
    for adapter in session.adapters.values():
        _watch_connections(adapter)
    session.headers["User-Agent"] = f"python-requests/{requests.__version__}"
    session.headers["Accept-Encoding"] = "gzip"  # what _decoded() can do
    return session


def run_bounded(exchange: t.Callable[[], _Outcome], seconds: float) -> _Outcome | None:
    """Return what a request and the reading of its answer come to, None when they are not over after some seconds.

    The time-out of requests bounds a single read, and neither name resolution nor a server that drips. So the request
    has a thread of its own, and what counts is when that is over.

    :raises OptionsError: when this user may start no further thread.
    """
    attempt = _Attempt(exchange)
    with warnings.catch_warnings():
        # With validate_certs=false the user has said so already; a warning for each request says nothing new.
        warnings.simplefilter("ignore", urllib3.exceptions.InsecureRequestWarning)
        try:
            attempt.start()
        except RuntimeError:
            raise OptionsError(
                "No further thread can be started for the request: raise the limit of processes of this user "
                "(ulimit -u), or give the machine more memory."
            ) from None
        attempt.join(seconds)
    outcome: _Outcome | None = attempt.outcome
    if outcome is None:
        attempt.give_up()
    return outcome


def fetch(session: t.Any, url: str, *, verify: bool | str, timeout: float) -> Answer:
    """Send GET and return the answer once its body is whole.

    :param timeout: how long a single read may take, in seconds.
    :raises BodyTooLargeError: when the body is larger than C(LARGEST_BODY); no more is read than shows it.
    :raises Exception: whatever requests, urllib3 and what is below them raise.
    """
    with session.get(
        url,
        verify=verify,  # per request: a session's verify loses to REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE
        timeout=timeout,
        proxies=_proxies(url),
        allow_redirects=False,
        stream=True,
    ) as response:
        announced = _announced_length(response)
        body = bytearray()
        pieces = _decoded(response.raw.stream(_CHUNK, decode_content=False), response.headers)
        try:
            while announced <= LARGEST_BODY and len(body) <= LARGEST_BODY:
                piece = next(pieces, None)
                if piece is None:
                    break
                body += piece
            else:
                raise BodyTooLargeError(response.status_code, LARGEST_BODY)
        except (urllib3.exceptions.DecodeError, zlib.error):
            if response.status_code == 200:
                raise
            return Answer(response.status_code, response.headers, b"")  # the status alone tells what is wrong
        if response.raw.tell() < announced:  # urllib3 1.26 does not check it
            raise http.client.IncompleteRead(b"")
        return Answer(response.status_code, response.headers, body)


class _Attempt(threading.Thread):
    """A thread that has one request and its answer, and that ends soon after nobody waits for it any more."""

    def __init__(self, exchange: t.Callable[[], t.Any]) -> None:
        super().__init__(name="cockroachdb_cloud.billing", daemon=True)
        self.outcome: t.Any = None
        self._exchange = exchange
        self._given_up = False
        self._socket: socket.socket | None = None

    def run(self) -> None:
        self.outcome = self._exchange()

    def watch(self, connected: socket.socket) -> None:
        """Note the socket that the answer comes from."""
        self._socket = getattr(connected, "socket", connected)  # what is below urllib3's TLS within TLS
        if self._given_up:
            raise TimeoutError

    def give_up(self) -> None:
        """End the thread: what it waits for ends now, or with the time-out of a socket that is not connected yet."""
        self._given_up = True
        if self._socket is not None:
            with contextlib.suppress(OSError):  # the answer may have ended at this very moment
                self._socket.shutdown(socket.SHUT_RDWR)


class _Response(http.client.HTTPResponse):
    """Python's own answer, which its attempt can end, without what comes before the answer proper or is no header."""

    def __init__(self, sock: socket.socket, *args: t.Any, **kwargs: t.Any) -> None:
        attempt = threading.current_thread()
        if isinstance(attempt, _Attempt):
            attempt.watch(sock)
        super().__init__(sock, *args, **kwargs)

    def begin(self) -> None:
        super().begin()
        while self.status in _INTERIM:
            self.headers = self.msg = None  # type: ignore[assignment]
            super().begin()
        # urllib3 logs lines that are no headers, and what it logs ends up in Ansible's log file: a server may echo the
        # credential there.
        self.msg.defects = []
        self.msg.set_payload("")
        if "Content-Type" in self.msg:
            # Older versions of requests, 2.32 among them, fail at a charset without a value.
            kind = re.sub(r"(?i);[\s\"']*charset[\s\"']*(?=;|$)", "", self.msg["Content-Type"])
            self.msg.replace_header("Content-Type", kind)
        if self.fp is not None:
            self.fp.readline = functools.partial(_read_line, self.fp.readline)  # type: ignore[method-assign]


def _read_line(readline: t.Callable[[int], bytes], limit: int = _LONGEST_LINE) -> bytes:
    """Return a line between the chunks of a body; older versions of urllib3, 2.5 among them, read it however long."""
    line = readline(limit)
    if len(line) == _LONGEST_LINE:
        raise http.client.IncompleteRead(b"")
    return line


def _watch_connections(adapter: t.Any) -> None:
    """Have all connections of an adapter, with or without a proxy, make a _Response of each answer."""

    def watched(get_pool: t.Callable[..., t.Any]) -> t.Callable[..., t.Any]:
        def get_watched_pool(*args: t.Any, **kwargs: t.Any) -> t.Any:
            pool = get_pool(*args, **kwargs)
            if not isinstance(pool.ConnectionCls, functools.partial):
                pool.ConnectionCls = functools.partial(_connect, pool.ConnectionCls)
            return pool

        return get_watched_pool

    for name in ("get_connection", "get_connection_with_tls_context"):  # the latter since requests 2.32
        if hasattr(adapter, name):
            setattr(adapter, name, watched(getattr(adapter, name)))


def _connect(kind: t.Callable[..., t.Any], *args: t.Any, **kwargs: t.Any) -> t.Any:
    connection = kind(*args, **kwargs)
    connection.response_class = _Response
    return connection


def _proxies(url: str) -> dict[str, str] | None:
    """Return what overrides the proxies from the environment, None for nothing.

    Plain http is for loopback: through a proxy on another host the credential would travel in the clear after all.
    """
    if url.lower().startswith("https:"):
        return None
    proxy = requests.utils.select_proxy(url, requests.utils.get_environ_proxies(url)) or ""
    return None if is_loopback(host_of(proxy if "://" in proxy else f"//{proxy}")) else {"http": ""}


def _announced_length(response: t.Any) -> int:
    """Return how many bytes a body is to have at least, before it is decompressed."""
    length = response.headers.get("Content-Length", "")
    if "Transfer-Encoding" in response.headers or not length.isdecimal() or response.status_code in (204, 304):
        return 0
    return int(length[:20])  # of thousands of digits Python makes no number


def _decoded(pieces: t.Iterator[bytes], headers: t.Mapping[str, str]) -> t.Iterator[bytes]:
    """Yield a body decompressed, in pieces of C(_CHUNK) bytes at the most.

    urllib3 before 2.6 makes one piece of all that a chunk unpacks to, which may be a thousand times as much, and that
    again for each encoding that the answer names.
    """
    coding = headers.get("Content-Encoding", "").strip().lower()
    if coding in ("", "identity"):
        yield from pieces
        return
    if coding not in ("gzip", "x-gzip"):
        raise urllib3.exceptions.DecodeError
    inflater = None
    for piece in pieces:
        data = b""
        while piece or len(data) == _CHUNK:
            if inflater is None or (inflater.eof and piece):
                inflater = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
            data = inflater.decompress(piece, _CHUNK)
            yield data
            piece = inflater.unconsumed_tail or inflater.unused_data  # noqa: PLW2901 (what is left of it)
    if inflater is not None and not inflater.eof:
        raise http.client.IncompleteRead(b"")
