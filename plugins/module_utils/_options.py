# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is private to the cockroachdb_cloud.billing collection.
# It can change or vanish in any release, so do not use it from outside.

"""The options that every plugin shares: their argument spec, and the one validator of their values."""

from __future__ import annotations

import datetime
import ipaddress
import os
import re
import typing as t
from urllib.parse import unquote, urlsplit

from ansible.module_utils.common.parameters import env_fallback
from ansible.module_utils.common.text.converters import to_bytes

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._credential import (
    API_URL,
    ENVIRONMENT,
    Credential,
    Layer,
    find_credential,
    is_visible_ascii,
    plain,
)
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._errors import OptionsError, shown
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._periods import (
    Months,
    cut_months,
    format_instant,
    parse_instant,
    parse_period,
)

DETAILS = ("full", "clusters", "totals")
STATUSES = ("FINALIZED", "DRAFT")
REQUIREMENTS = ("invoices", "months", "final", "labels")

# The secrets have no env_fallback: an explicit api_jwt beats COCKROACH_API_KEY, so that it has to be known where each
# came from. _credential reads and masks what the environment holds.
CONNECTION_SPEC: dict[str, dict[str, t.Any]] = {
    "api_key": {"type": "str", "no_log": True},
    "api_jwt": {"type": "str", "no_log": True},
    "vanity_name": {"type": "str", "fallback": (env_fallback, [ENVIRONMENT["vanity_name"]])},
    "username": {"type": "str", "fallback": (env_fallback, [ENVIRONMENT["username"]])},
    "api_url": {
        "type": "str",
        "default": "https://cockroachlabs.cloud",
        "fallback": (env_fallback, [ENVIRONMENT["api_url"]]),
    },
    "api_version": {"type": "str", "default": "2024-09-16"},
    "validate_certs": {"type": "bool", "default": True},
    "ca_path": {"type": "path"},
    "timeout": {"type": "int", "default": 30},
    "retries": {"type": "int", "default": 4},
    "retry_max_delay": {"type": "int", "default": 60},
}
SELECTION_SPEC: dict[str, dict[str, t.Any]] = {
    "invoice_id": {"type": "list", "elements": "str"},
    "status": {"type": "str", "choices": list(STATUSES)},
    "start_time": {"type": "str"},
    "end_time": {"type": "str"},
    "period": {"type": "str"},
    "require": {"type": "list", "elements": "str", "choices": list(REQUIREMENTS)},
}
# What a plugin has beside them: one that returns invoices, and one that writes a file.
DETAIL_SPEC: dict[str, dict[str, t.Any]] = {"detail": {"type": "str", "choices": list(DETAILS), "default": "full"}}
WRITER_SPEC: dict[str, dict[str, t.Any]] = {"require": {**SELECTION_SPEC["require"], "default": ["invoices"]}}

_ADDED_TO_URL = re.compile(r"/api(?:/v\d+(?:/invoices)?)?/*$", re.ASCII | re.IGNORECASE)
_DAY = 86400


class Connection(t.NamedTuple):
    """Where the API is and how to talk to it; every value is checked. Times are in seconds."""

    credential: Credential
    vanity_name: str | None
    username: str | None
    api_url: str
    api_version: str
    verify: bool | str
    timeout: int
    retries: int
    retry_max_delay: int


class Selection(t.NamedTuple):
    """Which invoices, and how much of each; C(invoice_ids) is None for a list call.

    C(require) is what the task is to fail without. C(warnings) are texts for the user about options that may select
    something else than was meant.
    """

    invoice_ids: list[str] | None = None
    status: str | None = None
    start_time: str | None = None
    end_time: str | None = None
    months: Months | None = None
    detail: str = "full"
    require: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def is_loopback(host: str | None) -> bool:
    """Say whether a host name or address of a URL can only mean this machine.

    A name other than C(localhost) is never taken for loopback, whatever it resolves to.
    """
    if not host:
        return False
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def host_of(url: str) -> str:
    """Return the host of a URL in lower case, empty when there is none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def read_connection(options: t.Mapping[str, t.Any], layers: t.Sequence[Layer], *, environment_of: str) -> Connection:
    """Check the connection options.

    :param options: each connection option but the secrets by its name, with defaults and environment applied.
    :param layers: where the secrets can stand, the strongest first.
    :param environment_of: whose environment is read, for the message when there is no credential at all.
    :raises OptionsError: it names the option or variable and what to write instead, and shows nothing of a secret.
    """
    credential = find_credential(layers, environment_of)
    vanity_name = _header_value(options, "vanity_name")
    if credential.kind == "api_jwt" and vanity_name is None:
        raise OptionsError(
            f"The JWT from the {credential.source} needs vanity_name: set it to the vanity name of the organization, "
            f"or set the environment variable {ENVIRONMENT['vanity_name']}."
        )
    return Connection(
        credential=credential,
        vanity_name=vanity_name,
        username=_header_value(options, "username"),
        api_url=_check_url(plain(options["api_url"])),
        api_version=_check_api_version(plain(options["api_version"]).strip()),
        verify=_check_verify(options["validate_certs"], options["ca_path"]),
        timeout=check_number(options, "timeout", 1),
        retries=check_number(options, "retries", 0),
        retry_max_delay=check_number(options, "retry_max_delay", 0),
    )


def read_selection(
    options: t.Mapping[str, t.Any], *, now: datetime.datetime | None = None, labels: bool = False
) -> Selection:
    """Check the selection options.

    :param options: each selection option by its name, O(detail) where the plugin has it; None where it is not given.
    :param now: what the relative forms of O(period) count from; the present when left out.
    :param labels: whether any other option of the task asks for a label, which O(require=labels) is about.
    :raises OptionsError: it names the option and what to write instead.
    """
    _check_exclusive(options, "invoice_id", ("status", "start_time", "end_time", "period"))
    _check_exclusive(options, "period", ("start_time", "end_time"))
    start, end = (_check_instant(options, name) for name in ("start_time", "end_time"))
    if start and end and start > end:
        raise OptionsError("start_time lies after end_time: swap them.")
    return Selection(
        invoice_ids=_check_ids(options["invoice_id"]),
        status=_check_choice("status", options["status"], STATUSES),
        start_time=format_instant(start) if start else None,
        end_time=format_instant(end) if end else None,
        months=_check_period(options["period"], now or datetime.datetime.now(datetime.timezone.utc)),
        detail=_check_choice("detail", options.get("detail"), DETAILS) or "full",
        require=_check_require(options, labels=labels),
        warnings=_warn_of_cut_months(cut_months(start, end)),
    )


def _check_choice(name: str, value: t.Any, choices: tuple[str, ...]) -> str | None:
    if value is None:
        return None
    if value not in choices:
        raise OptionsError(f"{name} must be one of {', '.join(choices)}, not {value!r}.")
    return plain(value)


def _check_require(options: t.Mapping[str, t.Any], *, labels: bool) -> tuple[str, ...]:
    given = [] if options["require"] is None else options["require"]
    if not isinstance(given, (list, tuple)):
        raise OptionsError(f"require must be a list of {', '.join(REQUIREMENTS)}, not {given!r}.")
    require = [_check_choice("require", "" if value is None else value, REQUIREMENTS) for value in given]
    if "months" in require and options["period"] is None:
        raise OptionsError(
            "require holds months, those of period, and period is not given: set it, or leave months out."
        )
    if "labels" in require and not labels:
        raise OptionsError("require holds labels, and no other option asks for a label here: leave labels out.")
    return tuple(name for name in REQUIREMENTS if name in require)


def _warn_of_cut_months(cut: list[str]) -> tuple[str, ...]:
    if not cut:
        return ()
    lie = "lie" if len(cut) > 1 else "lies"
    return (
        f"{' and '.join(cut)} {lie} only partly between start_time and end_time, and a billing period that is not "
        "wholly inside is left out: use times at the first of a month, such as 2026-10-01 and 2026-11-01, or period.",
    )


def _header_value(options: t.Mapping[str, t.Any], name: str) -> str | None:
    if options[name] is None:
        return None
    value = plain(options[name]).strip()
    if not is_visible_ascii(value):
        raise OptionsError(
            f"{name} (or the environment variable {ENVIRONMENT[name]}) is empty or holds characters other than visible "
            "ASCII: correct it or leave it out."
        )
    return value


def _check_url(value: str) -> str:
    name = f"api_url (or the environment variable {ENVIRONMENT['api_url']})"
    match = API_URL.fullmatch(value.strip())
    # The value is not shown: it may hold user info, which is a secret.
    if match is None or any(unquote(segment) in (".", "..") for segment in match.group("path").split("/")):
        raise OptionsError(
            f"{name} must be a URL such as https://cockroachlabs.cloud: http or https, a host, and at most a port and "
            "a path; no user info, query or fragment."
        )
    added = _ADDED_TO_URL.search(match.group("path"))
    if added:
        raise OptionsError(f"{name} ends in {added.group().rstrip('/')}, which is added to it: leave that out.")
    if match.group("port") and not 0 < int(match.group("port")) < 65536:
        raise OptionsError(f"{name} has a port that is not between 1 and 65535.")
    if match.group("scheme").lower() == "http" and not is_loopback(match.group("host")):
        raise OptionsError(
            f"{name} must begin with https:// for the host {match.group('host')}: a credential is never sent in the "
            "clear. Plain http is for localhost, 127.0.0.1 and [::1] alone."
        )
    return value.strip().rstrip("/")


def _check_api_version(value: str) -> str:
    try:
        parse_instant(value)
        if len(value) != len("2024-09-16"):
            raise ValueError
    except ValueError:
        raise OptionsError(f"api_version must be a date such as 2024-09-16, not {value!r}.") from None
    return value


def _check_verify(validate_certs: bool, ca_path: str | None) -> bool | str:
    if not validate_certs or ca_path is None:
        return bool(validate_certs)
    path = plain(ca_path)
    # In UTF-8 as ansible-core has paths, whatever the locale says.
    file = os.fsdecode(to_bytes(path, errors="surrogate_then_replace"))
    if not os.path.exists(file):
        raise OptionsError(f"ca_path {path!r} does not exist: name a file of CA certificates in PEM format.")
    if not os.access(file, os.R_OK):
        raise OptionsError(f"ca_path {path!r} cannot be read by the user that runs this.")
    return file


def check_number(options: t.Mapping[str, t.Any], name: str, least: int) -> int:
    """Return a whole number of the options, such as a number of seconds.

    :raises OptionsError: when it is below C(least), or above a day's seconds.
    """
    value = int(options[name])
    if not least <= value <= _DAY:
        raise OptionsError(f"{name} must be a whole number from {least} to {_DAY}, not {shown(value)}.")
    return value


def _check_exclusive(options: t.Mapping[str, t.Any], name: str, others: t.Iterable[str]) -> None:
    given = [other for other in others if options[other] is not None]
    if options[name] is not None and given:
        raise OptionsError(f"{name} cannot be combined with {', '.join(given)}: leave out the one or the other.")


def _check_ids(values: t.Any) -> list[str] | None:
    if values is None:
        return None
    ids: dict[str, None] = {}
    for invoice_id in map(_check_id, values):
        if invoice_id in ids:
            raise OptionsError(f"invoice_id holds {invoice_id!r} twice: leave one out, or its costs count twice.")
        ids[invoice_id] = None
    return list(ids)


def _check_id(value: t.Any) -> str:
    if not isinstance(value, (str, int, type(None))):
        raise OptionsError("invoice_id must be a list of ids, each a string.")
    invoice_id = "" if value is None else plain(value)
    if not invoice_id.strip():
        raise OptionsError("invoice_id holds an empty id: leave it out, or leave out invoice_id to list all invoices.")
    if invoice_id in (".", "..") or re.search(r"[/?#\x00-\x1f\x7f-\x9f\ud800-\udfff]", invoice_id):
        raise OptionsError(
            f"invoice_id holds {invoice_id!r}, which is no invoice id: it must not be '.' or '..' nor hold '/', '?', "
            "'#' or control characters. Copy the id from invoice_id of a list of invoices."
        )
    return invoice_id


def _check_instant(options: t.Mapping[str, t.Any], name: str) -> datetime.datetime | None:
    if options[name] is None:
        return None
    text = plain(options[name]).strip()
    try:
        return parse_instant(text)
    except ValueError:
        raise OptionsError(
            f"{name} must be an RFC 3339 time such as 2026-10-01T00:00:00Z or a date such as 2026-10-01, not {text!r}."
        ) from None


def _check_period(value: t.Any, now: datetime.datetime) -> Months | None:
    if value is None:
        return None
    text = plain(value).strip()
    try:
        return parse_period(text, now)
    except ValueError as error:
        raise OptionsError(f"{error}") from None
