# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The credential goes to the API and nowhere else: not elsewhere on the wire, and into nothing that anybody reads."""

from __future__ import annotations

import base64
import html
import json
import typing as t
from urllib.parse import quote

import pytest
from billing_sandbox._scripted import Script, Wire, break_off, free_port, raw, say
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._credential import Credential
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._api import KEY
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._clients import call
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._forms import FORMS
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._run import (
    LookupFailureError,
    exceptions,
    run_lookup,
)
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins.faults._plugins import KINDS, run_plugin

GOOD = {"invoices": [{"invoice_id": "one"}]}
_FRAGMENT = 12


# Anything that a credential may be made of; the beginning keeps chance out of the search for it. There are no
# asterisks, since the mask is made of them, and no braces, since an option of a lookup with them may be a template.
_VISIBLE = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) not in "*{}")
keys = st.builds("Sandbox-{}".format, st.text(_VISIBLE, min_size=20, max_size=60))
long_keys = keys.map(lambda key: key * 30)  # as long as a JWT

# What a server may answer with a text that holds the key in some form.
PAGES: dict[str, t.Callable[[str], Script]] = {
    "a page": lambda text: say(f"<html>{text}</html>".encode(), headers={"Content-Type": "text/html"}),
    "an error page": lambda text: say(f"<b>{text}</b>".encode(), status=500),
    "a page in UTF-16": lambda text: say(f"<html>{text}</html>".encode("utf-16"), status=403),
    "a page that is full of it": lambda text: say(text.encode() * 60, status=404),
    "a page where it crosses the border of the excerpt": lambda text: say(b"x" * 190 + text.encode(), status=400),
    "a page with it after spaces": lambda text: say(b" " * 390 + text.encode(), status=400),
    "a content type": lambda text: say(b"no", headers={"Content-Type": text}),
    "a reason": lambda text: raw(f"HTTP/1.1 403 {text}\r\nContent-Length: 0\r\n\r\n".encode()),
    "a header that is none": lambda text: raw(f"HTTP/1.1 400 No\r\n{text}\r\nContent-Length: 0\r\n\r\n".encode()),
    "a status line that is none": lambda text: raw(f"{text}\r\n\r\n".encode()),
    "a Retry-After": lambda text: say({}, status=429, headers={"Retry-After": text}),
    "a Location": lambda text: say(b"", status=302, headers={"Location": f"https://elsewhere.example/{text}"}),
    "the host of a Location": lambda text: say(b"", status=302, headers={"Location": f"https://{text}.example/"}),
    "the user of a Location": lambda text: say(b"", status=302, headers={"Location": f"//{text}@e.example/"}),
    "a broken body": lambda text: break_off(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n" + text.encode()),
    "a chunk's length": lambda text: raw(f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{text}\r\n".encode()),
}
_ESCAPED: dict[str, t.Callable[[str], Script]] = {
    "a message": lambda text: say(f'{{"code": 7, "message": "not for {text}!"}}'.encode(), status=403),
    "a message of a retried error": lambda text: say(f'{{"code": 7, "message": "{text}{text}"}}'.encode(), status=503),
    "a long message": lambda text: say(f'{{"message": "{"x" * 490}{text}"}}'.encode(), status=401),
    "data": lambda text: say(f'{{"invoices": [{{"a": ["for {text}"], "{text}": 1}}]}}'.encode()),
    "data that is no invoice": lambda text: say(f'{{"invoices": ["{text}"]}}'.encode()),
    "broken JSON": lambda text: say(f'{{"invoices": ["{text}", }}'.encode()),
}
# A JSON string cannot hold the other forms.
IN_JSON = [name for name in FORMS if name.startswith(("as JSON", "base64", "in hexadecimal"))]
PLACES = ("option", "variable", "environment")


def _options_for(kind: str, place: str, name: str, key: str) -> dict[str, t.Any]:
    """Return what run_plugin() wants for a credential that stands in some place; invoice_info has no variables."""
    if place == "environment" or (place == "variable" and kind != "lookup"):
        return {"environment": {f"COCKROACH_{name.upper()}": key}, "key": None}
    if place == "variable":
        return {"variables": {f"cockroachdb_cloud_{name}": "{{ secret }}", "secret": key}, "key": None}
    return {"key": key} if name == "api_key" else {"key": None, "options": {"api_jwt": key}}


def _encoded_parts(key: str) -> t.Iterator[str]:
    """Yield what can be seen of a key in hexadecimal or in base64, wherever it begins; in lower case."""
    yield key.encode().hex()[: 2 * _FRAGMENT]
    for before in range(3):
        encoded = base64.b64encode(b" " * before + key.encode()).decode()
        for text in (encoded, encoded.replace("+", "-").replace("/", "_")):
            yield text[4 : 4 + _FRAGMENT].lower()
            yield text[-4 - _FRAGMENT : -4].lower()


def _check(key: str, *shown: t.Any) -> None:
    """Fail when the key, or a good part of it, can be read in any of some texts or values."""
    for value in shown:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        # A page in UTF-16 that is read as UTF-8 has something between any two characters.
        forms = {text, html.unescape(text), text.replace(" ", ""), text.replace("\ufffd", "")}
        for form in forms:
            assert key not in form
            for part in _encoded_parts(key):
                assert part not in form.lower()
            for fragment in (key[:_FRAGMENT], key[-_FRAGMENT:]):
                assert fragment.lower() not in form.lower()
                assert json.dumps(fragment)[1:-1] not in form
                assert quote(fragment, safe="") not in form


quickly = settings(
    max_examples=8,
    phases=[Phase.explicit, Phase.generate],  # each run of an example opens sockets: shrinking would take minutes
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize("page", [*PAGES, *_ESCAPED])
@settings(quickly, max_examples=20)
@given(data=st.data())
def test_echo(page: str, data: st.DataObject, caplog: pytest.LogCaptureFixture) -> None:
    """A server that repeats the key, in any form and place, does not make it readable."""
    key = data.draw(st.one_of(keys, long_keys) if "full" in page else keys)
    form = data.draw(st.sampled_from(sorted(FORMS) if page in PAGES else IN_JSON))
    credential = Credential(key, "api_key", "option api_key")
    with Wire({**PAGES, **_ESCAPED}[page](FORMS[form](key))) as wire:
        ended = call(wire.url, credential=credential)
    assert f"Bearer {key}\r\n" in wire.requests[0]
    _check(key, ended.text, ended.value, caplog.text, *([ended.failure] if ended.error else []))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["api_key", "api_jwt"])
@pytest.mark.parametrize("place", PLACES)
@quickly
@given(key=keys)
def test_echo_to_a_plugin(place: str, name: str, kind: str, key: str, caplog: pytest.LogCaptureFixture) -> None:
    """Also what the plugins add, return and print is without it, wherever they have it from."""
    for script in (_ESCAPED["a message"](FORMS["as JSON"](key)), _ESCAPED["data"](FORMS["as JSON"](key))):
        how = _options_for(kind, place, name, key)
        with Wire(script) as wire:
            options = {"api_url": wire.url, "vanity_name": "acme", **how.pop("options", {})}
            outcome = run_plugin(kind, options, **how)
        assert f"Bearer {key}\r\n" in wire.requests[0]
        _check(key, outcome.text, outcome.shown, outcome.failure, outcome.invoices, caplog.text)


WRONG: list[dict[str, t.Any]] = [
    {"api_jwt": KEY},
    {"api_url": "https://host/?x"},
    {"timeout": 0},
    {"period": "whenever"},
    {"invoice_id": [".."]},
    {"ca_path": "/no/such/file"},
]
BROKEN = ["{}", "two words{}", "{}\u20ac", "{}\r\nX-Evil: header", "{}\x7f", '"{}\t"']


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("place", PLACES)
@quickly
@given(key=keys, broken=st.sampled_from(BROKEN), wrong=st.sampled_from(WRONG))
def test_options_that_are_refused(place: str, kind: str, key: str, broken: str, wrong: dict[str, t.Any]) -> None:
    """Before any connection, and no error shows the credential, whatever is wrong with the options or with itself."""
    how = _options_for(kind, place, "api_key", broken.format(key))
    with Wire(say(GOOD)) as wire:
        outcome = run_plugin(kind, {"api_url": wire.url, "retries": 0, **wrong}, **how)
    assert (outcome.invoices, wire.connections) == (None, 0)
    assert outcome.failure is None or (outcome.failure["reason"], outcome.failure["attempts"]) == ("options", 0)
    _check(key, outcome.text, outcome.shown, outcome.failure)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("place", ["option", "environment"])
@pytest.mark.parametrize(
    "url", ["https://user:url-word@{}", "https://{key}@{}", "user:url-word@{}", "http://{}/?x=url-word"]
)
def test_secrets_in_a_url(url: str, place: str, kind: str) -> None:
    """Refused before any connection, with a text that shows nothing of what may be a secret in the URL."""
    with Wire(say(GOOD)) as wire:
        url = url.format(f"127.0.0.1:{wire.port}", key=KEY)
        options, environment = ({"api_url": url}, {}) if place == "option" else ({}, {"COCKROACH_SERVER": url})
        outcome = run_plugin(kind, options, environment=environment)
    assert wire.connections == 0
    assert "api_url (or the environment variable COCKROACH_SERVER)" in outcome.text
    assert outcome.failure is None or (outcome.failure["reason"], outcome.failure["attempts"]) == ("options", 0)
    for secret in (KEY, "url-word"):
        assert secret not in f"{outcome.text} {outcome.failure}"


@pytest.mark.parametrize("kind", ["module", "in place"])
def test_a_key_that_stands_in_another_option_too(kind: str) -> None:
    """It is masked in what is said of that option."""
    # Since 2.22 a module tells of each secret once in a process, so that this is one that no other test has.
    key = f"{KEY}-of-two-options"
    outcome = run_plugin(kind, {"period": f"<{key}>"}, key=key)
    assert "period '<********>'" in outcome.text
    assert key not in f"{outcome.text} {outcome.shown} {outcome.failure}"


@pytest.mark.parametrize("kind", KINDS)
def test_a_failure_reaches_the_user(kind: str) -> None:
    """After the retries and waits that the options say, with all that a playbook can branch on."""
    with Wire(say({"code": 13, "message": "no"}, status=503, headers={"Retry-After": "7"})) as wire:
        outcome = run_plugin(kind, {"api_url": wire.url, "retries": 2, "retry_max_delay": 7})
        assert outcome.waits == [7, 7]
        assert run_plugin(kind, {"api_url": wire.url, "retry_max_delay": 6}).waits == []
    assert "failed (after 3 attempts): HTTP 503: no. The API asks to wait 7 seconds." in outcome.text
    if kind != "lookup":
        assert outcome.failure == {"reason": "server", "status": 503, "code": 13, "message": "no", "attempts": 3}


def test_unreachable() -> None:
    """No exception of what lies below is chained to the lookup's error, where a traceback would show it."""
    options = {"api_url": f"http://127.0.0.1:{free_port()}", "api_key": KEY, "retries": 0}
    with pytest.raises(LookupFailureError) as caught:
        run_lookup("invoice", [], options)
    kinds = {type(link).__module__.split(".")[0] for link in exceptions(caught.value)}
    assert not kinds & {"requests", "urllib3", "http", "socket"}
