# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A secret goes out of any text, and nothing else does. C(faults) has servers that repeat it."""

from __future__ import annotations

import base64
import html
import json
import typing as t
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._redaction import Redactor
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._forms import FORMS

SECRET = 'Sandbox/key"with&all+of\\it'
MASK = "********"

secrets = st.text([chr(code) for code in range(0x21, 0x7F) if chr(code) != "*"], min_size=8, max_size=60)
texts = st.text(max_size=20)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@given(secrets, texts, texts)
def test_every_form_goes(form: t.Callable[[str], str], secret: str, before: str, after: str) -> None:
    redactor = Redactor(secret)
    text = f"{before}<{form(secret)}>{after}"
    assert redactor.may_be_in(text.encode("utf-8", "surrogatepass"))
    redacted = redactor.redact(text)
    assert MASK in redacted
    assert form(secret) not in redacted


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
@given(secrets, st.binary(max_size=4), st.binary(max_size=4))
def test_base64_goes_wherever_the_secret_begins(
    encode: t.Callable[[bytes], bytes], secret: str, before: bytes, after: bytes
) -> None:
    """All characters go that depend on the secret alone: what is left tells less than a character at each end."""
    redactor = Redactor(secret)
    text = encode(before + secret.encode() + after).decode()
    assert redactor.may_be_in(text.encode())
    redacted = redactor.redact(text)
    assert MASK in redacted
    assert len(redacted.replace(MASK, "").rstrip("=")) <= (len(before) * 8 + 5) // 6 + (len(after) * 8 + 5) // 6 + 2


@given(secrets)
def test_base64_goes_over_the_end_of_a_line(secret: str) -> None:
    before, after = "Authorization: Bearer ", " and more"
    lines = base64.encodebytes(f"{before}{secret}{after}".encode()).decode()
    redacted = Redactor(secret).redact(f"{lines}\n{lines}")
    assert redacted.count(MASK) == 2
    assert len("".join(redacted.replace(MASK, "").split())) <= 2 * (len(f"{before}{after}") * 8 / 6 + 4)


@given(st.text(max_size=40).filter(lambda text: SECRET[:2] not in text))
def test_all_else_stays(text: str) -> None:
    redactor = Redactor(SECRET)
    assert redactor.redact(text) == text
    # A part of it alone is no secret, or each text would be full of holes.
    assert redactor.redact(f"{text} {SECRET[:20]}") == f"{text} {SECRET[:20]}"


def test_every_occurrence_goes() -> None:
    assert Redactor(SECRET).redact(f"{SECRET}{SECRET} and {quote(SECRET, safe='')}") == f"{MASK}{MASK} and {MASK}"


@pytest.mark.parametrize("last", ['"', "\\", "/", "&", "<", "k"])
def test_json_stays_json_and_html_html(last: str) -> None:
    """All of the last character goes, however many signs it is written with."""
    secret = f"{SECRET}{last}"
    assert Redactor(secret).redact(json.dumps([secret, "more"])) == json.dumps([MASK, "more"])
    assert Redactor(secret).redact(f"<b>{html.escape(secret)}</b>") == f"<b>{MASK}</b>"


@pytest.mark.parametrize("body", [b"", b'{"a": "b c"}', b"[1, 2]"])
def test_a_usual_body_is_not_searched(body: bytes) -> None:
    assert not Redactor(SECRET).may_be_in(body)
