# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The client itself: its pace, its waits, and what it makes of an answer. C(faults) holds what can go wrong."""

from __future__ import annotations

import sys
import typing as t

import pytest

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils import _client
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._credential import Credential
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._errors import (
    BillingError,
    NotFoundError,
    RateLimitError,
    ResponseError,
    ServerError,
)
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._api import INVOICES, JWT_HEADERS, Api
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._clients import (
    Clock,
    client_for,
    connect,
)
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._run import fresh_environment
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins.faults._wire import (
    Wire,
    break_off,
    say,
)


@pytest.fixture(autouse=True)
def _environment() -> t.Iterator[None]:
    with fresh_environment():
        yield


LIMITED = say({"code": 8, "message": "rate limit exceeded"}, status=429, headers={"Retry-After": "1"})


def test_request(api: Api) -> None:
    """Each segment is quoted whole. (Dot segments the options have refused before.)"""
    api.expect(f"{INVOICES}/a%20b%2Fc..%3F", query={"x": "1 2", "y": "a&b"}, answer={"a": 1})
    with _client.Client(connect(api.url)) as client:
        assert client.get("api", "v1", "invoices", "a b/c..?", query={"x": "1 2", "y": "a&b"}) == {"a": 1}


def test_jwt(api: Api) -> None:
    credential = Credential("sandbox.jwt.signature", "api_jwt", "option api_jwt")
    api.expect(headers={**JWT_HEADERS, "Cc-Username": "someone"}, answer={})
    api.expect(headers=JWT_HEADERS, answer={})
    for username in ("someone", None):
        connection = connect(api.url, credential=credential, vanity_name="acme", username=username)
        with _client.Client(connection) as client:
            assert client.get("api", "v1", "invoices") == {}


def test_the_rate_limit_is_waited_out_by_time() -> None:
    """For two minutes, whatever C(retries) says; each wait is at least what the API asked for, and they spread out."""
    clock = Clock()
    with Wire(LIMITED) as wire, client_for(wire.url, clock, retries=1) as client:
        with pytest.raises(RateLimitError) as caught:
            client.get("x")
    assert len(wire.requests) == caught.value.attempts == len(clock.waits) + 1
    assert all(1 <= wait <= 5 for wait in clock.waits)
    assert 120 <= sum(clock.waits) < 125
    # Each of several clients that were refused together comes back at a time of its own.
    assert clock.waits[0] <= 1.04
    assert max(clock.waits) > 2
    assert len(set(clock.waits)) > 20


def test_no_single_wait_is_longer_than_the_user_allows() -> None:
    clock = Clock()
    limited = say({"code": 8}, status=429, headers={"Retry-After": "50"})
    with Wire(limited) as wire, client_for(wire.url, clock, retry_max_delay=50) as client:
        with pytest.raises(RateLimitError):
            client.get("x")
    assert clock.waits == [50, 50, 50]


def test_the_rate_limit_leaves_the_retries_alone() -> None:
    """What the rate limit took is not missing when the server fails."""
    clock = Clock()
    with Wire(*[LIMITED] * 9, say({}, status=503), say({})) as wire, client_for(wire.url, clock, retries=1) as client:
        assert client.get("x") == {}
        assert client.attempts == len(wire.requests) == 11


@pytest.mark.parametrize("options", [{"retries": 0}, {"retry_max_delay": 0}])
@pytest.mark.parametrize("headers", [{}, {"Retry-After": "0"}, {"Retry-After": "1"}])
def test_the_rate_limit_is_not_waited_out(options: dict[str, int], headers: dict[str, str]) -> None:
    limited = say({"code": 8}, status=429, headers=headers)
    with Wire(limited) as wire, client_for(wire.url, Clock(), **options) as client:
        with pytest.raises(RateLimitError):
            client.get("x")
    assert len(wire.requests) == 1


def test_backoff() -> None:
    """Without a word of the API the waits grow by doubling and are random."""
    clock = Clock()
    with Wire(say({}, status=503)) as wire, client_for(wire.url, clock, retries=9, retry_max_delay=10) as client:
        with pytest.raises(ServerError):
            client.get("x")
    assert all(0 <= wait <= min(10, 2**number) for number, wait in enumerate(clock.waits))
    assert len(set(clock.waits)) > 2


def test_no_waits_with_a_delay_of_zero() -> None:
    clock = Clock()
    with Wire(say({}, status=503)) as wire, client_for(wire.url, clock, retry_max_delay=0) as client:
        with pytest.raises(ServerError):
            client.get("x")
    assert clock.waits == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ModuleNotFoundError("No module named 'requests'", name="requests"), ("library (requests)", "pip install req")),
        (ModuleNotFoundError("No module named 'idna'", name="idna"), ("cannot be imported", "No module named 'idna'")),
        (ImportError("cannot import name 'x' from 'urllib3'"), ("cannot be imported: cannot import name 'x' from",)),
        (AttributeError("module 'lib' has no attribute\n 'y'"), ("cannot be imported", "has no attribute 'y'")),
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


UNDERSCORE = "\\u005f"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('{"__ansible_type": "x", "a": 1}', {"a": 1}),
        ('{"a": [[{"__ansible_unsafe": "x", "b": "__ansible_vault"}]]}', {"a": [[{"b": "__ansible_vault"}]]}),
        (f'{{"{UNDERSCORE}{UNDERSCORE.upper().replace("U", "u")}ansible_type": 1, "a": 1}}', {"a": 1}),
        *(('{"__ansible_type": 1, "a": 1}'.replace(c, f"\\u{ord(c):04x}", 1), {"a": 1}) for c in "_nsibl"),
        ('{"_ansible_no_log": 1, "ansible_": 2}', {"_ansible_no_log": 1, "ansible_": 2}),
        (
            r'{"a\u0000b": ["\u0000", {"c": "x\u0000"}], "d": "\\u0000"}',
            {"a\ufffdb": ["\ufffd", {"c": "x\ufffd"}], "d": r"\u0000"},
        ),
        (r'["\u0000\ud800\ud83d\ude00"]', ["\ufffd\ufffd\U0001f600"]),
    ],
)
def test_what_ansible_cannot_hand_on(body: str, expected: t.Any) -> None:
    """Keys that ansible-core takes for its own are dropped, and NUL becomes the replacement character."""
    with Wire(say(body.encode())) as wire, client_for(wire.url, Clock()) as client:
        assert client.get("x") == expected
        assert client.get("x", read=lambda decoder, text: decoder.raw_decode(text)[0]) == expected


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


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (break_off(b""), say({"code": 5, "message": "gone"}, status=404)),
        (say({}, status=503), say({"code": 5, "message": "gone"}, status=404)),
    ],
)
def test_the_last_answer_counts(first: t.Any, second: t.Any) -> None:
    with Wire(first, second) as wire, client_for(wire.url, Clock()) as client:
        with pytest.raises(NotFoundError) as caught:
            client.get("x")
    assert (caught.value.status, caught.value.code, caught.value.attempts) == (404, 5, 2)
    assert "after 2 attempts" in str(caught.value)
