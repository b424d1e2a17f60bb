# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Scripted faults, over real sockets: each does to the client what it says."""

from __future__ import annotations

import contextlib
import http.client
import json
import pathlib
import ssl
import threading
import time
import typing as t

import pytest
import trustme
from billing_sandbox import Sandbox

from ansible_collections.cockroachdb_cloud.billing.tests.unit.sandbox._call import INVOICES, call, connect


@pytest.fixture(scope="module")
def running() -> t.Iterator[Sandbox]:
    with Sandbox(months=1, clusters=1, rate_limit=False) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox) -> t.Iterator[Sandbox]:
    running.reset()
    yield running
    running.reset()


def test_a_status_alone_gets_an_error_body(sandbox: Sandbox) -> None:
    sandbox.faults([{"status": 503, "headers": {"Retry-After": "7"}}])
    reply = call(sandbox.url)
    assert (reply.status, reply.headers["retry-after"]) == (503, "7")
    assert reply.json == {"code": 14, "message": "sandbox: 503", "details": []}
    assert call(sandbox.url).status == 200


def test_faults_come_in_order_and_as_often_as_asked(sandbox: Sandbox) -> None:
    sandbox.faults([{"status": 500, "times": 2}, {}, {"status": 404}])
    sandbox.faults([{"status": 502}])
    assert [call(sandbox.url).status for _attempt in range(6)] == [500, 500, 200, 404, 502, 200]
    assert [entry["status"] for entry in sandbox.requests()] == [500, 500, 200, 404, 502, 200]


def test_faults_for_a_path_leave_others_alone(sandbox: Sandbox) -> None:
    sandbox.faults([{"path": f"{INVOICES}/a", "status": 500}, {"status": 502}])
    assert call(sandbox.url).status == 502
    assert sandbox.pending_faults() == [{"path": f"{INVOICES}/a", "status": 500, "times": 1}]
    assert call(sandbox.url, f"{INVOICES}/abc").status == 500
    assert sandbox.pending_faults() == []


def test_a_fault_for_ever(sandbox: Sandbox) -> None:
    sandbox.faults([{"status": 500, "times": None}])
    assert [call(sandbox.url).status for _attempt in range(5)] == [500] * 5
    sandbox.clear_faults()
    assert call(sandbox.url).status == 200


@pytest.mark.parametrize(
    ("fault", "content_type", "body"),
    [
        ({"body": "<html>"}, "text/plain; charset=utf-8", b"<html>"),
        ({"body": "<html>", "headers": {"content-type": "a/b"}}, "a/b", b"<html>"),
        ({"body": {"invoices": None}}, "application/json", b'{"invoices":null}'),
        ({"body": None}, "application/json", b"null"),
        ({"body": ""}, "text/plain; charset=utf-8", b""),
    ],
)
def test_bodies(sandbox: Sandbox, fault: dict[str, t.Any], content_type: str, body: bytes) -> None:
    sandbox.faults([fault])
    reply = call(sandbox.url)
    assert (reply.status, reply.headers["content-type"], reply.body) == (200, content_type, body)


def test_headers_alone_go_with_the_usual_answer(sandbox: Sandbox) -> None:
    usual = call(sandbox.url)
    sandbox.faults([{"headers": {"X-Proxy": "a"}}])
    reply = call(sandbox.url)
    assert reply.headers["x-proxy"] == "a"
    assert reply.body == usual.body


def test_a_delay(sandbox: Sandbox) -> None:
    sandbox.faults([{"delay": 0.15}])
    started = time.monotonic()
    assert call(sandbox.url).status == 200
    assert time.monotonic() - started >= 0.15


def test_stopping_ends_what_waits() -> None:
    with Sandbox(months=1, clusters=1) as sandbox:
        sandbox.faults([{"delay": 60, "times": 3}])
        clients = [threading.Thread(target=_call_and_ignore, args=(sandbox.url,), daemon=True) for _attempt in range(3)]
        for client in clients:
            client.start()
        while len(sandbox.requests()) < 3:
            time.sleep(0.01)
        started = time.monotonic()
    assert time.monotonic() - started < 2
    for client in clients:
        client.join(2)
        assert not client.is_alive()


def _call_and_ignore(url: str) -> None:
    with contextlib.suppress(OSError, http.client.HTTPException):
        call(url, timeout=30)


def test_control_endpoints(sandbox: Sandbox) -> None:
    control = "/_sandbox/faults"
    reply = call(sandbox.url, control, key=None, method="POST", content=[{"status": 418}, {"times": 2}])
    assert reply.json == [{"status": 418, "times": 1}, {"times": 2}]
    assert call(sandbox.url).status == 418
    assert call(sandbox.url, control, key=None).json == [{"times": 2}]
    assert call(sandbox.url, control, key=None, method="DELETE").json == []
    seen = call(sandbox.url, "/_sandbox/requests", key=None).json
    assert [entry["path"] for entry in seen] == [INVOICES]
    call(sandbox.url, "/_sandbox/requests", key=None, method="DELETE")
    assert call(sandbox.url, "/_sandbox/requests", key=None).json == []
    assert call(sandbox.url, "/_sandbox/else", key=None).status == 404


@pytest.mark.parametrize(
    ("script", "text"),
    [
        ({}, "a list"),
        ([1], "object"),
        ([{"stauts": 500}], "unknown field stauts"),
        ([{"status": 100}], "status"),
        ([{"status": "500"}], "status"),
        ([{"times": 0}], "times"),
        ([{"delay": "1"}], "seconds"),
        ([{"headers": 1}], "headers"),
        ([{"path": 1}], "path"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(sandbox: Sandbox, script: object, text: str) -> None:
    reply = call(sandbox.url, "/_sandbox/faults", key=None, method="POST", content=script)
    assert reply.status == 400
    assert text in reply.json["message"]
    assert sandbox.pending_faults() == []


def test_control_endpoints_do_not_count_towards_the_rate_limit() -> None:
    with Sandbox(months=1, clusters=1) as sandbox:
        assert [call(sandbox.url, "/_sandbox/faults").status for _attempt in range(15)] == [200] * 15
        assert call(sandbox.url).status == 200
        assert len(sandbox.requests()) == 1


def test_tls(tmp_path: pathlib.Path) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1", "localhost")
    certificate.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    certificate.cert_chain_pems[0].write_to_path(str(tmp_path / "cert.pem"))
    context = ssl.create_default_context()
    with pytest.raises(ssl.SSLCertVerificationError), _tls(tmp_path) as sandbox:
        call(sandbox.url, over=connect(sandbox.url, context=context))
    authority.configure_trust(context)
    with _tls(tmp_path) as sandbox:
        assert sandbox.url.startswith("https://127.0.0.1:")
        connection = connect(sandbox.url, context=context)
        assert [call(sandbox.url, over=connection).status for _attempt in range(2)] == [200, 200]
        connection.close()
        # A client that connects and says nothing holds nobody up.
        silent = connect(sandbox.url.replace("https", "http"))
        silent.connect()
        assert call(sandbox.url, over=connect(sandbox.url, context=context)).status == 200
        silent.close()


def _tls(folder: pathlib.Path) -> Sandbox:
    return Sandbox(months=1, clusters=1, tls=(str(folder / "cert.pem"), str(folder / "key.pem")))


def test_a_broken_request_gets_an_error_in_the_same_form(sandbox: Sandbox) -> None:
    connection = connect(sandbox.url)
    connection.connect()
    connection.sock.sendall(b"nonsense\r\n\r\n")
    raw = connection.sock.recv(4096)
    connection.close()
    head, _blank, body = raw.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert set(json.loads(body)) == {"code", "message", "details"}
