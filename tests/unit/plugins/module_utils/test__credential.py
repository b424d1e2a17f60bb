# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The credential: which one counts, what is one, what is masked, and that none is ever shown."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._credential import (
    ENVIRONMENT,
    SECRETS,
    Credential,
    Layer,
    environment_layer,
    find_credential,
    mask_secrets,
    take_out_secrets,
)
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._errors import OptionsError
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._run import fresh_environment

VISIBLE = "".join(map(chr, range(0x21, 0x7F)))
LONG = st.text(VISIBLE, min_size=8)


def find(*others: Layer, **options: t.Any) -> Credential:
    return find_credential([Layer(options, "option {option}"), *others], "this test")


def refusal(*others: Layer, **options: t.Any) -> str:
    with pytest.raises(OptionsError) as caught:
        find(*others, **options)
    assert caught.value.__cause__ is None
    return f"{caught.value}"


@given(LONG.filter(lambda text: text[0] not in "\"'`"), st.sampled_from(["", " ", "\n", "\t", "\r\n", " \n\t "]))
def test_visible_ascii_makes_a_credential_without_the_white_space_around_it(secret: str, white: str) -> None:
    for name in ("api_key", "api_jwt"):
        assert find(**{name: f"{white}{secret}{white}"}) == (secret, name, f"option {name}")


EMPTY = "is empty: set it to a credential, or leave it out altogether."
SHORT = "is shorter than 8 characters, which no credential is: copy all of it, or leave it out altogether."
QUOTED = "is in quotes, which are no part of a credential: write it without them."
BROKEN = "holds white space, control characters or other characters that no credential has: copy it again, on one line."


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *((EMPTY, value) for value in ("", " ", "\n", "\t\r\n ")),
        *((SHORT, value) for value in ("0", "sandbox", " sandbox\n")),
        *(
            (QUOTED, f" {a}sandbox-key{b}\n")
            for a, b in (
                '""',
                "''",
                "``",
                "\u201c\u201d",
                "\u201e\u201c",
                "\u00ab\u00bb",
                "\u2018\u2019",
                "\u201a\u2018",
            )
        ),
        (QUOTED, '""'),
        *((BROKEN, f"sandbox{char}key") for char in " \n\t\x00é\u200b\u00a0\udc80"),
        (BROKEN, "sandbox\r\nX-Other: 1"),
        (BROKEN, "sandbox-key\x7f"),
        *(("must be a string.", value) for value in (["sandbox-key"], {"sandbox": "key"}, 12345, True, b"sandbox-key")),
    ],
)
@pytest.mark.parametrize("name", ["api_key", "api_jwt"])
def test_what_is_no_credential_is_refused_and_not_shown(name: str, text: str, value: object) -> None:
    assert refusal(**{name: value}) == f"The option {name} {text}"


@given(st.text(st.characters(max_codepoint=0x2FF), min_size=1).map(lambda text: f"sandbox{text}key"))
def test_a_refused_credential_never_stands_in_the_message(secret: str) -> None:
    try:
        credential = find(api_key=secret)
    except OptionsError as error:
        assert "sandbox" not in f"{error}"  # noqa: PT017 (not every text is refused)
    else:
        assert credential.secret == secret
        assert f"{credential}" == repr(credential) == "Credential(api_key from option api_key)"


def test_no_credential_at_all() -> None:
    text = refusal()
    for name in ("api_key", "api_jwt", "vanity_name"):
        assert name in text
        assert ENVIRONMENT[name] in text
    assert "in the environment of this test" in text


def layers_of(names: str) -> list[Layer]:
    """Return layers in which keys and JWTs stand that say where they are, such as C(option-key environment-jwt)."""
    stand = {place: {f"api_{name[-3:]}": name for name in names.split() if name.startswith(place)} for place in PLACES}
    return [Layer({**dict.fromkeys(SECRETS), **stand[place]}, *how) for place, how in PLACES.items()]


PLACES = {
    "option": ("option {option}", True),
    "variable": ("variable v_{option}", True),
    "environment": ("environment variable {variable}", False),
}


@pytest.mark.parametrize(
    ("names", "source"),
    [
        ("option-key", "option api_key"),
        ("option-jwt", "option api_jwt"),
        ("variable-key", "variable v_api_key"),
        ("variable-jwt", "variable v_api_jwt"),
        ("environment-key", "environment variable COCKROACH_API_KEY"),
        ("environment-jwt", "environment variable COCKROACH_API_JWT"),
        ("environment-key environment-jwt", "environment variable COCKROACH_API_KEY"),
        ("option-jwt variable-key environment-key", "option api_jwt"),
        ("option-key variable-jwt environment-jwt", "option api_key"),
        ("variable-jwt environment-key", "variable v_api_jwt"),
    ],
)
def test_the_strongest_layer_wins_across_the_pair(names: str, source: str) -> None:
    secret = names.split(maxsplit=1)[0]
    assert find_credential(layers_of(names), "this test") == (secret, f"api_{secret[-3:]}", source)


def test_key_and_jwt_in_one_layer() -> None:
    both = "are both given: leave one out."
    assert refusal(*layers_of("option-key option-jwt")) == f"The option api_key and the option api_jwt {both}"
    assert (
        refusal(*layers_of("variable-key variable-jwt")) == f"The variable v_api_key and the variable v_api_jwt {both}"
    )


def test_one_that_is_broken_hides_weaker_ones_and_no_stronger_one() -> None:
    """What was left blank was meant to be filled in: the other is not used in its place."""
    broken = Layer({"api_key": "", "api_jwt": "a b"}, "environment variable {variable}", False)
    assert find(broken, api_key="sandbox-key").secret == "sandbox-key"
    assert "environment variable COCKROACH_API_KEY is empty" in refusal(broken)
    assert "option api_key is empty" in refusal(*layers_of("environment-key"), api_key="")
    assert "option api_jwt is empty" in refusal(api_key="sandbox-key", api_jwt=" ")


def test_the_environment_is_read_where_it_is_asked_for() -> None:
    with fresh_environment({"COCKROACH_API_KEY": "sandbox-key"}):
        layer = environment_layer()
    assert layer.values == {"api_key": "sandbox-key", "api_jwt": None}
    assert not layer.exclusive
    assert layer.source_of("api_jwt") == "environment variable COCKROACH_API_JWT"


# Masks


@pytest.mark.parametrize(
    ("layers", "masked"),
    [
        ([Layer({"api_key": "sandbox-key"}, "")], {"sandbox-key"}),
        ([Layer({"api_key": " sandbox-key\n"}, "")], {" sandbox-key\n", "sandbox-key"}),
        ([Layer({"api_key": None}, ""), Layer({"api_jwt": "sandbox.jwt"}, "")], {"sandbox.jwt"}),
        # What is refused is masked as well.
        ([Layer({"api_key": "sandbox key"}, "")], {"sandbox key"}),
        ([Layer({"api_key": "'sandbox-key'"}, "")], {"'sandbox-key'", "sandbox-key"}),
        ([Layer({"api_key": "sandbox-key", "api_jwt": "sandbox.jwt"}, "")], {"sandbox-key", "sandbox.jwt"}),
        # What is not used is not.
        ([Layer({"api_key": "sandbox-key"}, ""), Layer({"api_jwt": "sandbox.jwt"}, "")], {"sandbox-key"}),
        ([Layer({"api_key": "sandbox-key", "api_jwt": "sandbox.jwt"}, "", False)], {"sandbox-key"}),
        # What is too short never is.
        ([Layer({"api_key": "0"}, "")], set()),
        ([Layer({"api_key": "      7      "}, "")], set()),
        ([Layer({"api_key": "sandbox-key", "api_jwt": "0"}, "", False)], {"sandbox-key"}),
        ([Layer({"api_key": "", "api_jwt": " "}, "")], set()),
        ([Layer({"api_key": ["sandbox-key"]}, "")], set()),
        ([], set()),
    ],
)
def test_what_is_masked(layers: list[Layer], masked: set[str]) -> None:
    assert mask_secrets(layers) == masked


def test_secrets_are_taken_out_of_options() -> None:
    options = {"api_key": "sandbox-key", "api_jwt": ["sandbox.jwt"], "timeout": 5}
    with fresh_environment():
        assert take_out_secrets(options) == {"api_key": "sandbox-key", "api_jwt": ["sandbox.jwt"]}
        assert options == {**dict.fromkeys(("api_key", "api_jwt"), "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"), "timeout": 5}
        assert take_out_secrets({}) == {"api_key": None, "api_jwt": None}


@pytest.mark.parametrize(
    "url",
    [
        "https://user:secret@host/path",
        "https://user:secret%40host",
        "https://user:secret\uff20host",
        "user:secret@host",
        "https://host/?key=secret",
        "https://host#secret",
        ["https://user:secret@host"],
    ],
)
@pytest.mark.parametrize("place", ["option", "environment"])
def test_a_url_that_may_hold_a_secret_is_taken_out(place: str, url: t.Any) -> None:
    options = {"api_url": url if place == "option" else None}
    with fresh_environment({} if place == "option" else {"COCKROACH_SERVER": f"{url}"}):
        take_out_secrets(options)
    assert options["api_url"] == "********"


@pytest.mark.parametrize("url", ["https://host/path", " http://[::1]:80/a%20b/ "])
def test_a_proper_url_stays(url: str) -> None:
    for option, variable in ((url, ""), (None, url), (None, "")):
        options = {"api_url": option}
        with fresh_environment({"COCKROACH_SERVER": variable}):
            take_out_secrets(options)
        assert options == {"api_url": option}
