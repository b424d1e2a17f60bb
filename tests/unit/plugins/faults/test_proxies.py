# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Proxies out of the environment: a real one (proxy.py), and some that fail."""

from __future__ import annotations

import base64
import contextlib
import importlib.util
import socket
import subprocess
import sys
import threading
import time
import typing as t
from unittest import mock

import pytest
from billing_sandbox._scripted import Line, Script, Wire, break_off, drip, free_port, hang, raw, say

from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._api import KEY
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._clients import Ended, call
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins.faults._tls import HOST, Authority, server_context

GOOD = {"invoices": [{"invoice_id": "one"}]}
HTML = b"<html>Access denied by policy</html>"
USER, WORD = "proxy-user", "proxy-word"


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[str]:
    """Return the address of a proxy that wants a user and a password."""
    pytest.importorskip("proxy")
    folder = tmp_path_factory.mktemp("proxy")
    port_file = folder / "port"
    command = [sys.executable, "-m", "proxy", "--hostname", HOST, "--port", "0", "--num-workers", "1"]
    command += ["--num-acceptors", "1", "--port-file", str(port_file), "--basic-auth", f"{USER}:{WORD}"]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 20
        while not (port_file.exists() and port_file.read_text(encoding="utf-8").strip()):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield f"{HOST}:{port_file.read_text(encoding='utf-8').split()[0]}"
        process.terminate()


@pytest.fixture
def wire(authority: Authority) -> t.Iterator[Wire]:
    """Return the API behind TLS."""
    with Wire(say(GOOD), tls=server_context(authority.ca.issue_cert(HOST))) as wire:
        yield wire


def through(proxy: str, wire: Wire, authority: Authority, name: str = "HTTPS_PROXY", **options: t.Any) -> Ended:
    """Ask the API with a proxy in the environment, and hold the outcome to not telling any secret."""
    ended = call(wire.url, environment={name: proxy}, verify=authority.good, **options)
    for secret in (KEY, WORD, base64.b64encode(f"{USER}:{WORD}".encode()).decode()):
        assert secret not in f"{ended.text} {ended.error!r}"
    return ended


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_connect(name: str, proxy: str, wire: Wire, authority: Authority) -> None:
    """The proxy passes bytes on, and the certificate is that of the API."""
    assert through(f"http://{USER}:{WORD}@{proxy}", wire, authority, name).value == GOOD
    assert len(wire.requests) == 1
    assert f"Bearer {KEY}" in wire.requests[0]
    assert "Proxy-" not in wire.requests[0]


@pytest.mark.parametrize("no_proxy", [HOST, "127.0.0.0/8", "*", "example.com,127.0.0.1"])
def test_no_proxy(no_proxy: str, wire: Wire, authority: Authority) -> None:
    with Wire(say(HTML, status=403)) as other:
        environment = {"HTTPS_PROXY": other.url, "NO_PROXY": no_proxy}
        assert call(wire.url, environment=environment, verify=authority.good).value == GOOD
    assert other.connections == 0


def test_proxy_wants_password(proxy: str, wire: Wire, authority: Authority) -> None:
    ended = through(f"http://{USER}:wrong@{proxy}", wire, authority)
    assert "The proxy does not serve the connection: it wants a user and a password (HTTP 407)" in ended.text
    assert "wrong" not in ended.text
    assert (ended.failure["reason"], ended.failure["attempts"], wire.connections) == ("network", 1, 0)


@pytest.mark.parametrize(
    ("script", "requests", "words"),
    [
        (say(HTML, status=403), 2, "The proxy does not serve the connection: it answers HTTP 403"),
        (say(HTML, status=502), 2, "The proxy does not serve the connection: it answers HTTP 502"),
        (
            raw(f"HTTP/1.1 407 Who is {USER}:{WORD}?\r\nX: {WORD}\r\n\r\n{WORD}".encode()),
            1,
            "it wants a user and a password (HTTP 407), which belong into its URL. Write them into HTTPS_PROXY",
        ),
        (raw(b"HTTP/1.1 200 Connection established\r\n\r\n" + HTML), 2, "connection"),
        (raw(HTML), 2, "The proxy does not serve the connection: the answer is not HTTP. Check HTTPS_PROXY"),
        (raw(b""), 2, "The proxy does not serve the connection: the other side closed it without an answer"),
        (break_off(b""), 2, "Connection reset by peer"),
    ],
    ids=["403", "502", "407 that repeats the password", "HTML in the tunnel", "HTML", "an end", "reset"],
)
def test_proxy_that_fails(script: Script, requests: int, words: str, wire: Wire, authority: Authority) -> None:
    with Wire(script) as other:
        ended = through(f"http://{USER}:{WORD}@127.0.0.1:{other.port}", wire, authority, retries=1)
    assert words in ended.text
    assert len(other.requests) == requests == len(ended.waits) + 1
    assert all(KEY not in request for request in other.requests)
    assert (ended.failure["reason"], ended.failure["attempts"], wire.connections) == ("network", requests, 0)


def tunnel(line: Line) -> None:
    """Do what CONNECT asks for."""
    host, _colon, port = line.request.split(" ", 2)[1].partition(":")
    with socket.create_connection((host, int(port))) as other:
        line.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
        back = threading.Thread(target=_pass_on, args=(other, line.connection))
        back.start()
        _pass_on(line.connection, other)
        back.join()


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("script", [say(GOOD), hang(), drip(b"x" * 99, begin=b"HTTP/1.1 200 OK\r\nX: ", pause=0.05)])
def test_tls_within_tls(script: Script, authority: Authority) -> None:
    """By way of a proxy that speaks TLS as well, an answer arrives, and none too late."""
    context = server_context(authority.ca.issue_cert(HOST))
    with Wire(tunnel, tls=context) as other, Wire(script, tls=context) as wire:
        ended = through(other.url, wire, authority, timeout=0.5, retries=0)
        assert ended.value == GOOD or ended.failure["reason"] == "timeout"
        deadline = time.monotonic() + 5
        while any(thread.name == "cockroachdb_cloud.billing" for thread in threading.enumerate()):
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_proxy_that_hangs(wire: Wire, authority: Authority) -> None:
    with Wire(hang()) as other:
        ended = through(other.url, wire, authority, timeout=0.3, retries=0)
    assert ended.failure["reason"] == "timeout"


NOWHERE = f"{USER}:{WORD}@127.0.0.1:{{}}"  # a port that nobody listens on
NO_URL = "the URL of a proxy in the environment (HTTPS_PROXY), cannot be used"
NO_SOCKS = (
    f"SOCKS proxy (ALL_PROXY or HTTPS_PROXY), which needs the PySocks library: {sys.executable} -m pip install PySocks"
)


@pytest.mark.parametrize(
    ("proxy_url", "name", "reason", "attempts", "words"),
    [
        (
            f"http://{NOWHERE}",
            "HTTPS_PROXY",
            "network",
            5,
            "connection: Connection refused. Check HTTPS_PROXY",
        ),
        (f"socks5h://{NOWHERE}", "HTTPS_PROXY", "options", 1, NO_SOCKS),
        (f"socks5h://{NOWHERE}", "ALL_PROXY", "options", 1, NO_SOCKS),
        *(
            (url, "HTTPS_PROXY", "options", 1, NO_URL)
            for url in (
                f"http://{USER}:{WORD}@[",
                f"http://{USER}:{WORD}@127.0.0.1:99999",
                f"http://{USER}:{WORD}@127.0.0.1:port",
                f"ftp://{USER}:{WORD}@127.0.0.1:1",
                f"http://{USER}:{WORD}@{'a' * 70}.example:1",
                f"http://{USER}:{WORD}@:3128",
                f"http://{USER}:{WORD}@",
                f"no sense {WORD}",
            )
        ),
    ],
)
def test_proxy_that_is_none(
    proxy_url: str, name: str, reason: str, attempts: int, words: str, wire: Wire, authority: Authority
) -> None:
    with _without_socks():
        ended = through(proxy_url.format(free_port()), wire, authority, name)
    assert words in ended.text
    assert (ended.failure["reason"], ended.failure["attempts"]) == (reason, attempts)


def _without_socks() -> t.ContextManager[t.Any]:
    """Where PySocks is installed, put in place what requests has where it is not."""
    from requests import adapters, exceptions

    def missing(*_args: t.Any, **_kwargs: t.Any) -> t.NoReturn:
        raise exceptions.InvalidSchema("Missing dependencies for SOCKS support.")

    if importlib.util.find_spec("socks") is None:
        return contextlib.nullcontext()
    return mock.patch.object(adapters, "SOCKSProxyManager", missing)


def test_https_to_a_proxy_that_speaks_http(wire: Wire, authority: Authority) -> None:
    with Wire(say(HTML, status=400), reads_request=False) as other:
        ended = through(other.url.replace("http:", "https:"), wire, authority)
    assert "The proxy speaks plain http" in ended.text
    assert "Write http:// in HTTPS_PROXY" in ended.text
    assert (ended.failure["reason"], ended.failure["attempts"], other.connections) == ("network", 1, 1)


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
@pytest.mark.parametrize(
    "proxy_url",
    [
        "http://192.0.2.1:3128",
        "192.0.2.1:3128",
        "http://127.0.0.1.example.com:3128",
        "http://127.0.0.1@192.0.2.1:3128",
        "http://[",
    ],
)
def test_plain_http_stays_here(proxy_url: str, name: str) -> None:
    """Plain http goes to loopback, and so must not leave this machine through a proxy on another."""
    with Wire(say(GOOD)) as wire:
        assert call(wire.url, environment={name: proxy_url}, retries=0, timeout=2).value == GOOD
    assert wire.requests[0].startswith("GET /api/v1/invoices HTTP/1.1\r\n")


@pytest.mark.parametrize("form", ["http://127.0.0.1:{}", "127.0.0.1:{}", "http://localhost:{}"])
def test_plain_http_through_a_proxy_here(form: str) -> None:
    """A proxy on this machine is the user's own; what it answers in place of the API is told."""
    with Wire(say(GOOD)) as wire, Wire(say(HTML, headers={"Content-Type": "text/html"})) as other:
        text = call(wire.url, environment={"http_proxy": form.format(other.port)}).text
    assert "content type text/html, body '<html>Access denied by policy</html>'" in text
    assert "proxy" in text
    assert other.requests[0].startswith(f"GET {wire.url}/api/v1/invoices HTTP/1.1\r\n")
    assert wire.connections == 0
