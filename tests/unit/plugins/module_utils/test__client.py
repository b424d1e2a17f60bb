# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The client itself: its pace, its waits, what it sends, and what it makes of an answer that is one."""

from __future__ import annotations

import contextlib
import gc
import gzip
import json
import pathlib
import sys
import time
import typing as t

import pytest
from billing_sandbox._scripted import Script, Wire, answer, break_off, raw, say

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils import _client
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._credential import Credential
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._errors import BillingError, ResponseError
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._api import INVOICES, JWT, JWT_HEADERS, KEY, Api
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._clients import Clock, call, client_for, connect

LIMITED = say({"code": 8, "message": "rate limit exceeded"}, status=429, headers={"Retry-After": "1"})


# What goes out


def test_request(api: Api) -> None:
    """Each segment is quoted whole. (Dot segments the options have refused before.)"""
    api.expect(f"{INVOICES}/a%20b%2Fc..%3F", query={"x": "1 2", "y": "a&b"}, answer={"a": 1})
    with client_for(api.url, Clock()) as client:
        assert client.get("api", "v1", "invoices", "a b/c..?", query={"x": "1 2", "y": "a&b"}) == {"a": 1}


def test_jwt(api: Api) -> None:
    credential = Credential(JWT, "api_jwt", "option api_jwt")
    api.expect(headers={**JWT_HEADERS, "Cc-Username": "someone"}, answer={})
    api.expect(headers=JWT_HEADERS, answer={})
    for username in ("someone", None):
        assert call(api.url, credential=credential, vanity_name="acme", username=username).value == {}


@pytest.mark.parametrize("entry", ["machine 127.0.0.1", "default"])
def test_netrc(entry: str, tmp_path: pathlib.Path) -> None:
    """An entry of ~/.netrc neither replaces the credential nor goes out beside it."""
    netrc = tmp_path / ".netrc"
    netrc.write_text(f"{entry} login netrc-user password netrc-word\n", encoding="utf-8")
    netrc.chmod(0o600)
    with Wire(say({})) as wire:
        assert call(wire.url, environment={"HOME": f"{tmp_path}", "NETRC": f"{netrc}"}).value == {}
    authorizations = [line for line in wire.requests[0].split("\r\n") if line.lower().startswith("authorization")]
    assert authorizations == [f"Authorization: Bearer {KEY}"]


def test_what_leaves_beside_the_credential() -> None:
    """Nothing that tells of the user or the machine."""
    with Wire(say({})) as wire:
        call(wire.url, vanity_name="acme", username="someone")
    names = {name.lower() for name in wire.requests[0].headers}
    assert names == {"host", "user-agent", "accept-encoding", "accept", "connection", "cc-version", "authorization"}
    assert wire.requests[0].count(KEY) == 1
    # A server may answer with what else requests can read, and the client could not.
    assert wire.requests[0].headers["Accept-Encoding"] == "gzip"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    with Wire(say({})) as elsewhere:
        for target in (f"{elsewhere.url}/api/v1/invoices", "/api/v1/invoices"):
            with Wire(say(b"", status=status, headers={"Location": target}), say({})) as wire:
                assert "which is not followed" in call(wire.url).text
            assert len(wire.requests) == 1
    assert elsewhere.connections == 0


def test_a_long_url_does_not_fill_the_message() -> None:
    with Wire(say({}, status=404)) as wire:
        assert len(call(f"{wire.url}/{'a' * 9000}").text) < 2500


# Waits


def test_the_rate_limit_is_waited_out_by_time() -> None:
    """For two minutes, whatever C(retries) says; each wait is at least what the API asked for, and they spread out."""
    with Wire(LIMITED) as wire:
        waits = call(wire.url, retries=1).waits
    assert len(wire.requests) == len(waits) + 1
    assert all(1 <= wait <= 5 for wait in waits)
    assert 120 <= sum(waits) < 125
    # Each of several clients that were refused together comes back at a time of its own.
    assert waits[0] <= 1.04
    assert max(waits) > 2
    assert len(set(waits)) > 20


def test_a_shorter_wait_counts_as_a_second() -> None:
    """So that what asks for none is not asked again without end."""
    with Wire(asks(429, "0")) as wire:
        waits = call(wire.url, retry_max_delay=1).waits
    assert len(waits) == 120
    assert sum(waits) < 120


def test_the_rate_limit_leaves_the_retries_alone() -> None:
    """What the rate limit took is not missing when the server fails."""
    with Wire(*[LIMITED] * 9, say({}, status=503), say({})) as wire:
        assert call(wire.url, retries=1).value == {}
    assert len(wire.requests) == 11


def asks(status: int, wait: str | None) -> Script:
    return say({"code": 8}, status=status, headers={"Retry-After": wait})


@pytest.mark.parametrize(
    ("script", "options", "waits"),
    [
        # A wait as long as the user allows is waited for, a longer one is not, and none gets longer by being spread.
        (asks(429, "50"), {"retry_max_delay": 50}, [50, 50, 50]),
        (asks(429, "51"), {"retry_max_delay": 50}, []),
        *((asks(429, wait), {"retries": 0}, []) for wait in (None, "0", "1")),
        *((asks(429, wait), {"retry_max_delay": 0}, []) for wait in (None, "0", "1")),
        (asks(503, None), {"retry_max_delay": 0}, [0, 0, 0, 0]),
        (asks(503, "7"), {"retries": 2}, [7, 7]),
        (asks(503, "7"), {"retries": 0}, []),
        (asks(503, "61"), {}, []),
    ],
)
def test_waits(script: Script, options: dict[str, t.Any], waits: list[float]) -> None:
    with Wire(script) as wire:
        ended = call(wire.url, **options)
    assert ended.waits == waits
    assert len(wire.requests) == ended.failure["attempts"] == len(waits) + 1
    assert ("attempts" in ended.text) == bool(waits)


def test_backoff() -> None:
    """Without a word of the API the waits grow by doubling and are random."""
    with Wire(say({}, status=503)) as wire:
        waits = call(wire.url, retries=9, retry_max_delay=10).waits
    assert all(0 <= wait <= min(10, 2**number) for number, wait in enumerate(waits))
    assert len(set(waits)) > 2


BREAKS = {
    "503": say({}, status=503),
    "429": LIMITED,
    "reset": break_off(b""),
    "reset in the body": break_off(answer({})[:-1]),
    "short body": say(b"{}", headers={"Content-Length": "9"}),
}


@pytest.mark.parametrize("first", BREAKS.values(), ids=BREAKS)
def test_the_last_answer_counts(first: Script) -> None:
    """A fault that goes away is not seen by the user, and one that changes is told as what it is at the end."""
    with Wire(first, first, say({"a": 1})) as wire:
        ended = call(wire.url)
    assert (ended.value, len(wire.requests), len(ended.waits)) == ({"a": 1}, 3, 2)
    with Wire(first, say({"code": 5, "message": "gone"}, status=404)) as wire:
        ended = call(wire.url)
    assert ended.failure == {"reason": "not_found", "status": 404, "code": 5, "message": "gone", "attempts": 2}
    assert "after 2 attempts" in ended.text


# What comes in


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ModuleNotFoundError("No module named 'requests'", name="requests"), ("library (requests)", "pip install req")),
        (ModuleNotFoundError("No module named 'idna'", name="idna"), ("cannot be imported", "No module named 'idna'")),
        (ImportError("cannot import name 'x' from 'urllib3'"), ("cannot be imported: cannot import name 'x' from",)),
        (AttributeError("module 'lib' has no attribute\n 'y'"), ("cannot be imported", "has no attribute 'y'")),
        (ImportError(), ("cannot be imported: ImportError. Repair it",)),
    ],
)
def test_requests_cannot_be_imported(error: Exception, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """That it is missing is said only where it is."""
    monkeypatch.setattr(_client, "IMPORT_ERROR", error)
    with pytest.raises(BillingError) as caught:
        _client.Client(connect("https://api.example"))
    assert caught.value.reason == "options"
    for word in (*words, sys.executable):
        assert word in f"{caught.value}"


def seconds_to_read(body: bytes) -> float:
    started = time.process_time()
    with contextlib.suppress(ValueError, RecursionError):
        _client._load(body)
    return time.process_time() - started


@pytest.mark.parametrize("body", [b"[{" * 2_000_000, b"[" * 4_000_000 + b"[]" * 100])
def test_brackets_that_nothing_closes_take_no_longer_than_others(body: bytes) -> None:
    """So that a body of the largest size is refused within seconds."""
    assert seconds_to_read(body) < 2 * seconds_to_read(b"[" + b"[]," * 1_333_332 + b"[]]")


def test_a_body_does_not_lie_in_memory_beside_its_text() -> None:
    """What is left of it is all that a message shows."""
    body = bytearray(b" " * (8 << 20) + b"{}")
    assert _client._load(body, lambda decoder, text: (decoder.decode(text), len(body))) == ({}, 1 << 20)


@pytest.mark.parametrize("enabled", [True, False])
def test_nothing_looks_for_garbage_while_a_body_is_read(enabled: bool) -> None:
    """And all is as it was afterwards: a module has it switched off anyway."""
    (gc.enable if enabled else gc.disable)()
    try:
        with Wire(say({})) as wire, client_for(wire.url, Clock()) as client:
            assert client.get("x", read=lambda _decoder, _text: gc.isenabled()) is False
        assert gc.isenabled() is enabled
    finally:
        gc.enable()


UNDERSCORE = "\\u005f"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('{"__ansible_type": "x", "a": 1}', {"a": 1}),
        ('{"a": [[{"__ansible_unsafe": "x", "b": "__ansible_vault"}]]}', {"a": [[{"b": "__ansible_vault"}]]}),
        (f'{{"{UNDERSCORE}{UNDERSCORE.upper().replace("U", "u")}ansible_type": 1, "a": 1}}', {"a": 1}),
        *(
            ('{"__ansible_type": 1, "a": 1}'.replace(char, f"\\u{form(ord(char))}", 1), {"a": 1})
            for char in "_ansible"
            for form in ("{:04x}".format, "{:04X}".format)
        ),
        ('{"_ansible_no_log": 1, "ansible_": 2}', {"_ansible_no_log": 1, "ansible_": 2}),
        (
            r'{"a\u0000b": ["\u0000", {"c": "x\u0000"}], "d": "\\u0000"}',
            {"a\ufffdb": ["\ufffd", {"c": "x\ufffd"}], "d": r"\u0000"},
        ),
        (r'["\u0000\ud800\ud83d\ude00 \\ud800", {"\udfff": 1}]', ["\ufffd\ufffd\U0001f600 \\ud800", {"\ufffd": 1}]),
        (r'["\uD800 \uD83D\uDE00", "\uDFFF"]', ["\ufffd \U0001f600", "\ufffd"]),
        (json.dumps("[" * 200 + "{" * 200), "[" * 200 + "{" * 200),
        ("[" * 64 + "1" + "]" * 64, json.loads("[" * 64 + "1" + "]" * 64)),
        ("9" * 4000, 10**4000 - 1),
    ],
)
def test_what_is_read(body: str, expected: t.Any) -> None:
    """Everything as it came, but for the keys that ansible-core takes for its own, and what no text can hold."""
    with Wire(say(body.encode())) as wire, client_for(wire.url, Clock()) as client:
        assert client.get("x") == expected
        assert client.get("x", read=lambda decoder, text: decoder.raw_decode(text)[0]) == expected


ONE = b'{"a": 1}'
HTTP = {
    "a byte order mark": say(b"\xef\xbb\xbf" + ONE),
    "another content type": say(ONE, headers={"Content-Type": "text/plain; charset=nonsense"}),
    "no content type": say(ONE, headers={"Content-Type": None}),
    "HTTP/1.0 without a length": say(ONE, headers={"Content-Length": None}, version="HTTP/1.0"),
    "a length that is no number": say(ONE, headers={"Content-Length": "\xb2"}),
    "a length beside chunks": raw(
        b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n" + ONE + b"\r\n0\r\n\r\n"
    ),
    "100 Continue first": raw(b"HTTP/1.1 100 Continue\r\n\r\n" + answer(ONE)),
    "identity": say(ONE, headers={"Content-Encoding": "identity"}),
    "gzip": say(gzip.compress(ONE), headers={"Content-Encoding": "gzip"}),
}


@pytest.mark.parametrize("script", HTTP.values(), ids=HTTP)
def test_any_http_will_do(script: Script) -> None:
    with Wire(script) as wire:
        assert call(wire.url).value == {"a": 1}
    assert len(wire.requests) == 1


def test_only_the_credential_goes_from_data() -> None:
    """A server that repeats it must not make it part of the data; what stands beside it stays."""
    body = {"a": f"<{KEY}> & \\ % {KEY[:-1]}", KEY: 1.50, "b": "\u20ac"}
    with Wire(say(body)) as wire:
        assert call(wire.url).value == {"a": f"<********> & \\ % {KEY[:-1]}", "********": 1.5, "b": "\u20ac"}


def test_the_usual_body_has_no_hook() -> None:
    with Wire(say({"a": "b", "c_d": "e & f %20"})) as wire, client_for(wire.url, Clock()) as client:
        assert client.get("x", read=lambda decoder, _text: decoder.object_hook) is None


def test_a_reader() -> None:
    """What a reader makes of the text is returned; what it raises goes through, and ValueError means no JSON."""

    def raises(error: Exception) -> t.Callable[..., t.NoReturn]:
        def read(*_args: t.Any) -> t.NoReturn:
            raise error

        return read

    with Wire(say(b"\xef\xbb\xbf[1, 2] tail")) as wire, client_for(wire.url, Clock()) as client:
        assert client.get("x", read=lambda decoder, text: decoder.raw_decode(text)) == ([1, 2], 6)
        with pytest.raises(ResponseError, match=r"^No invoices[.]$"):
            client.get("x", read=raises(ResponseError("No invoices.")))
        with pytest.raises(ResponseError, match="failed: The answer is not JSON"):
            client.get("x", read=raises(ValueError("x")))
        with pytest.raises(ResponseError, match="failed: The answer is not JSON"):
            client.get("x", read=raises(RecursionError()))
    assert client.attempts == 1
