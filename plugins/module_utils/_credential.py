# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is private to the cockroachdb_cloud.billing collection.
# It can change or vanish in any release, so do not use it from outside.

"""The credential: where it can stand, which one counts, and what of it has to be masked."""

from __future__ import annotations

import os
import re
import typing as t

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._errors import OptionsError

try:
    from ansible.module_utils.secrets import register_secrets
except ImportError:
    # Before ansible-core 2.22 there is nobody to tell: a module masks by itself, and a plugin has to keep quiet.
    register_secrets = None
CORE_MASKS = register_secrets is not None

ENVIRONMENT = {
    "api_key": "COCKROACH_API_KEY",
    "api_jwt": "COCKROACH_API_JWT",
    "vanity_name": "COCKROACH_VANITY_NAME",
    "username": "COCKROACH_USERNAME",
    "api_url": "COCKROACH_SERVER",
}
SECRETS = ("api_key", "api_jwt")

# Stricter than RFC 3986 on purpose: what is left cannot be read as another host by any other parser.
API_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::(?P<port>\d{1,5}))?(?P<path>(?:/[a-z0-9._~%+-]*)*)",
    re.ASCII | re.IGNORECASE,
)

# A real one is much longer, and to mask a shorter one would mask parts of numbers and words as well.
_SHORTEST = 8
_QUOTES = "\"'`\u2018\u2019\u201a\u201c\u201d\u201e\u00ab\u00bb"
_MASK = "********"
# What AnsibleModule writes in place of a secret option. Since 2.22 ansible-core masks the value of such an option
# wherever it shows, and with asterisks those that end each line with the name of a task would go.
_LEFT = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"


class Credential(t.NamedTuple):
    """The secret, which option it is, and where it came from (a text for messages)."""

    secret: str
    kind: str
    source: str

    def __repr__(self) -> str:
        """Keep the secret out of whatever prints an object."""
        return f"Credential({self.kind} from {self.source})"


class Layer(t.NamedTuple):
    """One place where a credential can stand.

    C(values) maps option names to values, None where nothing is given. C(source) is what a message calls one, with
    C({option}) for the name of the option and C({variable}) for that of the environment variable. Where C(exclusive),
    the key and the JWT together are an error.
    """

    values: t.Mapping[str, t.Any]
    source: str
    exclusive: bool = True

    def source_of(self, name: str) -> str:
        """Return what a message calls the option in this layer."""
        return self.source.format(option=name, variable=ENVIRONMENT[name])

    def counting(self) -> list[str]:
        """Return the names that count in this layer: where it is not exclusive, the key alone beats the JWT."""
        given = [name for name in SECRETS if self.values.get(name) is not None]
        return given if self.exclusive else given[:1]


def environment_layer() -> Layer:
    """Return the credentials in this process's environment, where the key wins over the JWT."""
    return Layer(
        {name: os.environ.get(ENVIRONMENT[name]) for name in SECRETS},
        "environment variable {variable}",
        exclusive=False,
    )


def find_credential(layers: t.Sequence[Layer], environment_of: str) -> Credential:
    """Return the credential of the strongest layer that has one, checked.

    :param layers: where one can stand, the strongest first.
    :param environment_of: whose environment is read, for the message when there is none at all.
    :raises OptionsError: it names the option or variable and what to write instead, and shows nothing of a secret.
    """
    for layer in layers:
        checked = [_check(layer.values[name], name, layer.source_of(name)) for name in layer.counting()]
        if len(checked) == 2:
            raise OptionsError(f"The {checked[0].source} and the {checked[1].source} are both given: leave one out.")
        if checked:
            return checked[0]
    raise OptionsError(
        "There is no credential: set the option api_key (or api_jwt with vanity_name), or set "
        f"{ENVIRONMENT['api_key']} (or {ENVIRONMENT['api_jwt']} with {ENVIRONMENT['vanity_name']}) "
        f"in the environment of {environment_of}."
    )


def mask_secrets(layers: t.Sequence[Layer]) -> set[str]:
    """Return what has to be masked wherever it shows, and have ansible-core mask it where it can.

    That is the credential that counts, also when it is refused, as it stands, and without the white space and quotes
    around it. One that does not count is not used and not masked, nor is one that is too short to be a credential.
    """
    counting = next(([layer.values[name] for name in layer.counting()] for layer in layers if layer.counting()), [])
    texts = [plain(value) for value in counting if isinstance(value, str)]
    forms = {form for text in texts for form in (text, text.strip(), text.strip().strip(_QUOTES))}
    masked = {form for form in forms if len(form.strip()) >= _SHORTEST}
    if register_secrets is not None and masked:
        register_secrets(masked)
    return masked


def take_out_secrets(options: dict[str, t.Any]) -> dict[str, t.Any]:
    """Take what is secret out of the options of a task, before anything that shows options gets to see them.

    In place of a credential a fixed text is left. In place of an O(api_url) that is refused later, since it may hold
    user info or a secret in its query, asterisks are; that from the environment becomes an option then.

    :param options: the options as given; they are changed.
    :returns: the credentials by their option, None where one is not given.
    """
    secrets = {name: options.get(name) for name in SECRETS}
    options.update({name: _LEFT for name, value in secrets.items() if value is not None})
    url = options.get("api_url")
    text = plain(os.environ.get(ENVIRONMENT["api_url"], "") if url is None else url)
    if text and not API_URL.fullmatch(text.strip()):
        options["api_url"] = _MASK
    return secrets


def plain(value: t.Any) -> str:
    """Return a value as a str of no subclass.

    The strings that ansible-core hands to a lookup are of subclasses, some of which requests refuses. On 2.16 they stay
    so through C(str()), their methods and a bare f-string.
    """
    return "".join([f"{value}"])


def is_visible_ascii(value: str) -> bool:
    """Say whether a text can stand in a header as one word."""
    return value != "" and value.isascii() and value.isprintable() and " " not in value


def _check(value: t.Any, kind: str, source: str) -> Credential:
    if not isinstance(value, str):
        raise OptionsError(f"The {source} must be a string.")
    secret = plain(value).strip()
    if not secret:
        raise OptionsError(f"The {source} is empty: set it to a credential, or leave it out altogether.")
    if secret[0] in _QUOTES and secret[-1] in _QUOTES:
        raise OptionsError(f"The {source} is in quotes, which are no part of a credential: write it without them.")
    if not is_visible_ascii(secret):
        raise OptionsError(
            f"The {source} holds white space, control characters or other characters that no credential has: "
            "copy it again, on one line."
        )
    if len(secret) < _SHORTEST:
        raise OptionsError(
            f"The {source} is shorter than {_SHORTEST} characters, which no credential is: copy all of it, or leave "
            "it out altogether."
        )
    return Credential(secret, kind, source)
