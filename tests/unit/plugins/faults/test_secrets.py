# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The credential goes to the API and nowhere else: not elsewhere on the wire, and into nothing that anybody reads."""

from __future__ import annotations

import base64
import html
import io
import json
import logging
import pathlib
import typing as t
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._api import KEY
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins.faults._wire import (
    Script,
    Wire,
    break_off,
    free_port,
    raw,
    run_plugin,
    say,
)

KINDS = ("module", "in place", "lookup")
GOOD = {"invoices": [{"invoice_id": "one"}]}
_FRAGMENT = 12


# Anything that a credential may be made of; the beginning keeps chance out of the search for it. There are no
# asterisks, since the mask is made of them, and no braces, since an option of a lookup with them may be a template.
_VISIBLE = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) not in "*{}")
keys = st.builds("Sandbox-{}".format, st.text(_VISIBLE, min_size=20, max_size=60))
long_keys = keys.map(lambda key: key * 30)  # as long as a JWT


def _unicode_escaped(key: str) -> str:
    return "".join(f"\\u{ord(char):04x}" for char in key)


# How a server may write the key that it repeats, for the body of a page; and as a JSON string.
FORMS: dict[str, t.Callable[[str], str]] = {
    "as it is": str,
    "for a URL": lambda key: quote(key, safe=""),
    "for a URL, all of it": lambda key: "".join(f"%{ord(char):02X}" for char in key),
    "for HTML": html.escape,
    "for HTML, all of it": lambda key: "".join(f"&#{ord(char)};" for char in key),
    "for HTML, in hexadecimal": lambda key: "".join(f"&#x{ord(char):02X};" for char in key),
    "as JSON": lambda key: json.dumps(key)[1:-1],
    "as JSON, with slashes escaped": lambda key: json.dumps(key)[1:-1].replace("/", "\\/"),
    "as JSON, all of it": _unicode_escaped,
}
# What a server that decodes the header may have made of it: the key alone, or what it stood in.
for _before in ("", ":", "id", "Bearer "):
    for _name, _encode in (("base64", base64.b64encode), ("base64 for URLs", base64.urlsafe_b64encode)):
        FORMS[f"{_name} after {_before!r}"] = lambda key, before=_before, encode=_encode: encode(  # type: ignore[misc]
            f"{before}{key}".encode()
        ).decode()
FORMS["in hexadecimal"] = lambda key: key.encode().hex()
FORMS["in hexadecimal, upper case"] = lambda key: key.encode().hex().upper()
FORMS["in hexadecimal, mixed case"] = lambda key: key.encode().hex().title()
ENCODED = [name for name in FORMS if name.startswith(("base64", "in hexadecimal"))]
JSON_FORMS = ("as JSON", "as JSON, with slashes escaped", "as JSON, all of it")

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


def _run_and_check(kind: str, place: str, name: str, key: str, script: Script) -> None:
    log = io.StringIO()
    handler = logging.StreamHandler(log)
    # As Ansible does for its log file.
    logging.getLogger().addHandler(handler)
    try:
        how = _options_for(kind, place, name, key)
        with Wire(script) as wire:
            options = {"api_url": wire.url, "vanity_name": "acme", **how.pop("options", {})}
            outcome = run_plugin(kind, options, **how)
    finally:
        logging.getLogger().removeHandler(handler)
    assert wire.requests
    assert f"Bearer {key}\r\n" in wire.requests[0]
    _check(key, outcome.text, outcome.shown, outcome.failure, outcome.invoices, log.getvalue())


quickly = settings(
    max_examples=8,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],  # each run of an example opens sockets: shrinking would take minutes
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("page", PAGES)
@quickly
@given(data=st.data())
def test_echo(page: str, kind: str, data: st.DataObject) -> None:
    """A server that repeats the key, in any form and place, does not make it readable."""
    key = data.draw(st.one_of(keys, long_keys) if "full" in page else keys)
    form = data.draw(st.sampled_from(sorted(FORMS)))
    name = data.draw(st.sampled_from(["api_key", "api_jwt"]))
    _run_and_check(kind, data.draw(st.sampled_from(PLACES)), name, key, PAGES[page](FORMS[form](key)))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("answer", _ESCAPED)
@quickly
@given(data=st.data())
def test_echo_in_json(answer: str, kind: str, data: st.DataObject) -> None:
    key = data.draw(keys)
    form = data.draw(st.sampled_from([*JSON_FORMS, *ENCODED]))
    name = data.draw(st.sampled_from(["api_key", "api_jwt"]))
    _run_and_check(kind, data.draw(st.sampled_from(PLACES)), name, key, _ESCAPED[answer](FORMS[form](key)))


def test_data_around_an_echo_stays() -> None:
    """Only the credential goes, not what stands beside it."""
    for kind in KINDS:
        with Wire(say({"invoices": [{"a": f"<{KEY}> & \\ % {KEY[:-1]}", KEY: 1.50, "b": "\u20ac"}]})) as wire:
            outcome = run_plugin(kind, {"api_url": wire.url})
        assert outcome.invoices == [{"a": f"<********> & \\ % {KEY[:-1]}", "********": 1.5, "b": "\u20ac"}]


@pytest.mark.parametrize("kind", KINDS)
@quickly
@given(data=st.data())
def test_options_that_are_refused(kind: str, data: st.DataObject) -> None:
    """No error about an option shows the credential, whatever is wrong with the option or with the credential."""
    key = data.draw(keys)
    broken = data.draw(
        st.sampled_from(
            [
                key,
                f"{key[:9]} {key[9:]}",
                f"{key}\u20ac",
                f"{key[:9]}\r\nX-Evil: {key[9:]}",
                f"{key}\x7f",
                f'"{key}\t{key}"',
            ]
        )
    )
    wrong: dict[str, t.Any] = data.draw(
        st.sampled_from(
            [
                {"api_jwt": key},
                {"vanity_name": ""},
                {"api_url": "http://api.example"},
                {"api_url": "https://host/?x"},
                {"api_version": "yesterday"},
                {"timeout": 0},
                {"retries": -1},
                {"period": "whenever"},
                {"invoice_id": [".."]},
                {"ca_path": "/no/such/file"},
            ]
        )
    )
    place = data.draw(st.sampled_from(PLACES))
    how = _options_for(kind, place, "api_key", broken)
    outcome = run_plugin(kind, {"api_url": "https://127.0.0.1:1", "retries": 0, **wrong}, **how)
    assert outcome.invoices is None
    assert outcome.failure is None or outcome.failure["reason"] == "options"
    _check(key, outcome.text, outcome.shown, outcome.failure)


BROKEN = ["two words{}", "{}\u20ac", "{}\r\nX-Evil: header", "{}\x7f", '"{}\t"', "\u200b{}", "", " \n"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["api_key", "api_jwt"])
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("broken", BROKEN)
def test_credential_that_is_none(broken: str, place: str, name: str, kind: str) -> None:
    """Refused before any connection, with the name of where it came from: requests would show it in its error."""
    how = _options_for(kind, place, name, broken.format("sandbox-secret"))
    with Wire(say(GOOD)) as wire:
        options = {"api_url": wire.url, "vanity_name": "acme", **how.pop("options", {})}
        outcome = run_plugin(kind, options, **how)
    assert wire.connections == 0
    assert "secret" not in outcome.text
    assert any(word in outcome.text for word in (name, f"COCKROACH_{name.upper()}"))
    assert outcome.failure is None or (outcome.failure["reason"], outcome.failure["attempts"]) == ("options", 0)
    assert "sandbox-secret" not in outcome.shown


@pytest.mark.parametrize("kind", KINDS)
@quickly
@given(key=keys)
def test_key_in_a_wrong_place(kind: str, key: str) -> None:
    """A key that was given as an id, or in the path of api_url, is not shown in the URL of an error."""
    safe = "".join(char for char in key if char not in "/?#.")
    with Wire(say({}, status=404)) as wire:
        outcome = run_plugin(kind, {"api_url": wire.url, "invoice_id": [safe]}, key=safe)
    assert "failed: HTTP 404" in outcome.text
    _check(safe, outcome.text, outcome.failure)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("entry", ["machine 127.0.0.1", "default"])
def test_netrc(entry: str, kind: str, tmp_path: pathlib.Path) -> None:
    """An entry of ~/.netrc neither replaces the credential nor goes out beside it."""
    netrc = tmp_path / ".netrc"
    netrc.write_text(f"{entry} login netrc-user password netrc-word\n", encoding="utf-8")
    netrc.chmod(0o600)
    environment = {"HOME": str(tmp_path), "NETRC": str(netrc)}
    with Wire(say(GOOD)) as wire:
        outcome = run_plugin(kind, {"api_url": wire.url}, environment=environment)
    assert outcome.invoices == GOOD["invoices"]
    authorizations = [line for line in wire.requests[0].split("\r\n") if line.lower().startswith("authorization")]
    assert authorizations == [f"Authorization: Bearer {KEY}"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_is_not_followed(status: int, kind: str) -> None:
    with Wire(say(GOOD)) as other:
        with Wire(say(b"", status=status, headers={"Location": f"{other.url}/api/v1/invoices"})) as wire:
            outcome = run_plugin(kind, {"api_url": wire.url})
        with Wire(say(b"", status=status, headers={"Location": "/api/v1/invoices"}), say(GOOD)) as same:
            run_plugin(kind, {"api_url": same.url})
    assert "which is not followed" in outcome.text
    assert other.connections == 0
    assert len(wire.requests) == len(same.requests) == 1


NOT_FOR_A_KEY = [
    "http://api.example",
    "http://127.0.0.1.example.com",
    "http://localhost.example.com",
    "http://127.0.0.1:{port}.example.com",
    "http://127.0.0.1:{port}@192.0.2.1/",
    "http://user:url-word@127.0.0.1:{port}",
    "https://user:url-word@127.0.0.1:{port}",
    "https://{key}@127.0.0.1:{port}",
    "http://2130706433:{port}",
    "http://0x7f.1:{port}",
    "http://0177.0.0.1:{port}",
    "http://127.1:{port}",
    "http://0.0.0.0:{port}",
    "http://localhost.:{port}",
    "http://[::ffff:192.0.2.1]:{port}",
    "http://127.0.0.1:{port}\\@192.0.2.1",
    "http://127.0.0.1\u3002example:{port}",
    "ftp://127.0.0.1:{port}",
    "file:///etc/passwd",
    "//127.0.0.1:{port}",
    "127.0.0.1:{port}",
    "http://127.0.0.1:{port}/?x=url-word",
    "http://127.0.0.1:{port}/#url-word",
    "http://127.0.0.1:{port}/..;/x",
    "http://127.0.0.1:{port}/a/../b",
    "http://127.0.0.1:{port}\r\nHost: evil.example",
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("place", ["option", "environment"])
@pytest.mark.parametrize("url", NOT_FOR_A_KEY)
def test_urls_that_get_no_key(url: str, place: str, kind: str) -> None:
    """Refused before any connection, with a text that shows nothing of what may be a secret in the URL."""
    with Wire(say(GOOD)) as wire:
        url = url.format(port=wire.port, key=KEY)
        options, environment = ({"api_url": url}, {}) if place == "option" else ({}, {"COCKROACH_SERVER": url})
        outcome = run_plugin(kind, {**options, "retries": 0, "timeout": 1}, environment=environment)
    assert wire.connections == 0
    assert "api_url (or the environment variable COCKROACH_SERVER)" in outcome.text
    assert outcome.failure is None or (outcome.failure["reason"], outcome.failure["attempts"]) == ("options", 0)
    for secret in (KEY, "url-word"):
        assert secret not in outcome.text
        assert secret not in json.dumps(outcome.failure)


@pytest.mark.parametrize("kind", KINDS)
def test_user_agent_tells_no_secret(kind: str) -> None:
    """What leaves beside the credential: nothing that tells of the user or the machine."""
    with Wire(say(GOOD)) as wire:
        run_plugin(kind, {"api_url": wire.url, "vanity_name": "acme", "username": "someone"})
    head = wire.requests[0]
    names = {line.partition(":")[0].lower() for line in head.split("\r\n")[1:] if line}
    assert names == {"host", "user-agent", "accept-encoding", "accept", "connection", "cc-version", "authorization"}
    assert head.count(KEY) == 1


def test_unreachable(tmp_path: pathlib.Path) -> None:
    """No exception of what lies below is chained to the lookup's error, where a traceback would show it."""
    from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._run import (
        LookupFailureError,
        exceptions,
        run_lookup,
    )

    options = {"api_url": f"http://127.0.0.1:{free_port()}", "api_key": KEY, "retries": 0}
    with pytest.raises(LookupFailureError) as caught:
        run_lookup("invoice", [], options, environment={"HOME": str(tmp_path)})
    kinds = {type(link).__module__.split(".")[0] for link in exceptions(caught.value)}
    assert not kinds & {"requests", "urllib3", "http", "socket"}
