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


@pytest.mark.parametrize("white", ["", " ", "\n", "\t", "\r\n", " \n\t "])
@pytest.mark.parametrize("name", ["api_key", "api_jwt"])
def test_a_credential_loses_the_white_space_around_it(name: str, white: str) -> None:
    credential = find(**{name: f"{white}sandbox-key{white}"})
    assert credential == ("sandbox-key", name, f"option {name}")


@given(LONG.filter(lambda text: text[0] not in "\"'`"))
def test_visible_ascii_makes_a_credential(secret: str) -> None:
    assert find(api_key=secret).secret == secret


@pytest.mark.parametrize("value", ["0", "sandbox", " sandbox\n"])
@pytest.mark.parametrize("name", ["api_key", "api_jwt"])
def test_a_short_credential_is_refused_and_not_shown(name: str, value: str) -> None:
    assert refusal(**{name: value}) == (
        f"The option {name} is shorter than 8 characters, which no credential is: copy all of it, or leave it out "
        "altogether."
    )


@pytest.mark.parametrize("quotes", ['""', "''", "``", "\u201c\u201d", "\u201e\u201c", "\u00ab\u00bb"])
def test_a_credential_in_quotes_is_refused_and_not_shown(quotes: str) -> None:
    assert refusal(api_key=f" {quotes[0]}sandbox-key{quotes[1]}\n") == (
        "The option api_key is in quotes, which are no part of a credential: write it without them."
    )
    assert "is in quotes" in refusal(api_key=quotes)


@pytest.mark.parametrize(
    "value",
    [
        "sandbox key",
        "sandbox\nkey",
        "sandbox\tkey",
        "sandbox\r\nX-Other: 1",
        "sandbox\x00key",
        "sandbox-key\x7f",
        "sandbox-kéy",
        "sandbox\u200bkey",
        "sandbox\u00a0key",
        "sandbox\udc80key",
    ],
)
@pytest.mark.parametrize("name", ["api_key", "api_jwt"])
def test_a_broken_credential_is_refused_and_not_shown(name: str, value: str) -> None:
    text = refusal(**{name: value})
    assert f"The option {name} holds white space" in text
    assert "sandbox" not in text


@pytest.mark.parametrize("value", ["", " ", "\n", "\t\r\n "])
@pytest.mark.parametrize("name", ["api_key", "api_jwt"])
def test_an_empty_credential_is_refused(name: str, value: str) -> None:
    assert refusal(**{name: value}) == (
        f"The option {name} is empty: set it to a credential, or leave it out altogether."
    )


@pytest.mark.parametrize("value", [["sandbox-key"], {"sandbox": "key"}, 12345, True, b"sandbox-key"])
def test_a_credential_of_another_type_is_refused_and_not_shown(value: object) -> None:
    assert refusal(api_key=value) == "The option api_key must be a string."


@given(st.text(min_size=1).map(lambda text: f"sandbox{text}key"))
def test_a_refused_credential_never_stands_in_the_message(secret: str) -> None:
    try:
        credential = find(api_key=secret)
    except OptionsError as error:
        assert "sandbox" not in f"{error}"  # noqa: PT017 (not every text is refused)
    else:
        assert credential.secret == secret
        assert secret not in f"{credential!r} {credential}"


def test_a_credential_shows_where_it_is_from_and_not_what_it_is() -> None:
    credential = Credential("sandbox-key", "api_key", "option api_key")
    assert f"{credential}" == repr(credential) == "Credential(api_key from option api_key)"


def test_no_credential_at_all() -> None:
    text = refusal()
    for name in ("api_key", "api_jwt", "vanity_name"):
        assert name in text
        assert ENVIRONMENT[name] in text
    assert "in the environment of this test" in text


LAYERS = {
    "option": Layer({"api_key": "option-key", "api_jwt": None}, "option {option}"),
    "option jwt": Layer({"api_key": None, "api_jwt": "option-jwt"}, "option {option}"),
    "variable": Layer({"api_key": "variable-key", "api_jwt": None}, "variable v_{option}"),
    "variable jwt": Layer({"api_key": None, "api_jwt": "variable-jwt"}, "variable v_{option}"),
    "environment": Layer({"api_key": "environment-key", "api_jwt": None}, "environment variable {variable}", False),
    "environment jwt": Layer({"api_key": None, "api_jwt": "environment-jwt"}, "environment variable {variable}", False),
    "environment both": Layer(
        {"api_key": "environment-key", "api_jwt": "environment-jwt"}, "environment variable {variable}", False
    ),
    "nothing": Layer({"api_key": None}, "nothing"),
}


@pytest.mark.parametrize(
    ("names", "secret", "source"),
    [
        (["option"], "option-key", "option api_key"),
        (["option jwt"], "option-jwt", "option api_jwt"),
        (["variable"], "variable-key", "variable v_api_key"),
        (["variable jwt"], "variable-jwt", "variable v_api_jwt"),
        (["environment"], "environment-key", "environment variable COCKROACH_API_KEY"),
        (["environment jwt"], "environment-jwt", "environment variable COCKROACH_API_JWT"),
        (["environment both"], "environment-key", "environment variable COCKROACH_API_KEY"),
        (["option", "environment jwt"], "option-key", "option api_key"),
        (["option", "environment both"], "option-key", "option api_key"),
        (["option jwt", "environment"], "option-jwt", "option api_jwt"),
        (["option jwt", "environment both"], "option-jwt", "option api_jwt"),
        (["option jwt", "variable", "environment"], "option-jwt", "option api_jwt"),
        (["option", "variable jwt", "environment jwt"], "option-key", "option api_key"),
        (["variable jwt", "environment"], "variable-jwt", "variable v_api_jwt"),
        (["nothing", "variable jwt", "environment"], "variable-jwt", "variable v_api_jwt"),
        (["nothing", "nothing", "environment jwt"], "environment-jwt", "environment variable COCKROACH_API_JWT"),
    ],
)
def test_the_strongest_layer_wins_across_the_pair(names: list[str], secret: str, source: str) -> None:
    credential = find_credential([LAYERS[name] for name in names], "this test")
    assert credential == (secret, f"api_{secret.split('-')[1]}", source)


@pytest.mark.parametrize(
    ("source", "exclusive", "expected"),
    [
        ("option {option}", True, "The option api_key and the option api_jwt are both given: leave one out."),
        (
            "variable v_{option}",
            True,
            "The variable v_api_key and the variable v_api_jwt are both given: leave one out.",
        ),
        ("environment variable {variable}", False, None),
    ],
)
def test_key_and_jwt_in_one_layer(source: str, exclusive: bool, expected: str | None) -> None:
    layer = Layer({"api_key": "sandbox-key", "api_jwt": "sandbox.jwt"}, source, exclusive)
    if expected:
        assert refusal(layer) == expected
    else:
        assert find(layer).secret == "sandbox-key"


def test_a_stronger_layer_hides_a_broken_one() -> None:
    broken = Layer({"api_key": "", "api_jwt": "a b"}, "environment variable {variable}", False)
    assert find(broken, api_key="sandbox-key").secret == "sandbox-key"
    assert "environment variable COCKROACH_API_KEY is empty" in refusal(broken)


def test_one_that_is_broken_beside_one_that_is_not() -> None:
    """What was left blank was meant to be filled in: the other is not used in its place."""
    variables = {"api_key": "", "api_jwt": "sandbox.jwt"}
    assert refusal(Layer(variables, "variable v_{option}")).startswith("The variable v_api_key is empty: ")
    assert refusal(api_key="sandbox-key", api_jwt=" ").startswith("The option api_jwt is empty: ")


def test_an_empty_option_does_not_fall_through_to_the_environment() -> None:
    assert "option api_key is empty" in refusal(LAYERS["environment"], api_key="")


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


@given(LONG)
def test_the_credential_that_is_used_is_masked(secret: str) -> None:
    layers = [Layer({"api_key": None}, ""), Layer({"api_key": secret, "api_jwt": "0"}, "", False)]
    assert secret in mask_secrets(layers)


def test_secrets_are_taken_out_of_options() -> None:
    options = {"api_key": "sandbox-key", "api_jwt": ["sandbox.jwt"], "timeout": 5}
    with fresh_environment():
        assert take_out_secrets(options) == {"api_key": "sandbox-key", "api_jwt": ["sandbox.jwt"]}
        assert options == {**dict.fromkeys(("api_key", "api_jwt"), "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"), "timeout": 5}
        assert take_out_secrets({}) == {"api_key": None, "api_jwt": None}


@pytest.mark.parametrize(
    ("url", "left"),
    [
        ("https://user:secret@host/path", "********@host/path"),
        ("https://secret@host", "********@host"),
        ("https://user:sec@ret@host", "********@host"),
        ("user:secret@host", "********@host"),
        ("https:user:secret@host", "********@host"),
        ("secret@", "********@"),
        ("https://host/path", "https://host/path"),
        (["https://user:secret@host"], "********@host']"),
    ],
)
@pytest.mark.parametrize("place", ["option", "environment"])
def test_user_info_is_taken_out_of_the_url(place: str, url: t.Any, left: str) -> None:
    options = {"api_url": url if place == "option" else None}
    with fresh_environment({} if place == "option" else {"COCKROACH_SERVER": f"{url}"}):
        take_out_secrets(options)
    assert options["api_url"] == (left if place == "option" or "@" in left else None)
