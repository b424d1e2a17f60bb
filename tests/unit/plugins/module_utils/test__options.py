# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The validator of the shared options: what it accepts, what it makes of it, and what it refuses by name."""

from __future__ import annotations

import datetime
import os
import pathlib
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._credential import (
    ENVIRONMENT,
    Credential,
    Layer,
)
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._errors import OptionsError
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._options import (
    CONNECTION_SPEC,
    SELECTION_SPEC,
    Connection,
    Selection,
    is_loopback,
    read_connection,
    read_selection,
)
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._periods import Months

NOW = datetime.datetime(2026, 11, 23, tzinfo=datetime.timezone.utc)
OPTION = "option {option}"
DEFAULTS = {name: spec.get("default") for name, spec in CONNECTION_SPEC.items()}
NOTHING = {name: spec.get("default") for name, spec in SELECTION_SPEC.items()}
KEY = {"api_key": "sandbox-key"}
JWT = {"api_jwt": "sandbox.jwt", "vanity_name": "acme"}


def connect(**options: t.Any) -> Connection:
    return read_connection({**DEFAULTS, **options}, [Layer(options, OPTION)], environment_of="this test")


def choose(**options: t.Any) -> Selection:
    return read_selection({**NOTHING, **options}, now=NOW)


def refusal(read: t.Callable[..., object], *arguments: t.Any, **options: t.Any) -> str:
    with pytest.raises(OptionsError) as caught:
        read(*arguments, **options)
    assert caught.value.failure() == {
        "reason": "options",
        "status": None,
        "code": None,
        "message": None,
        "attempts": 0,
    }
    assert caught.value.__cause__ is None
    return f"{caught.value}"


# Like the unsafe strings of ansible-core 2.16: a subclass of str that stays what it is, whatever is done to it. It is
# made by a call since linters take such methods for mistakes.
TextOfAnsible: t.Any = type(
    "TextOfAnsible",
    (str,),
    {
        "__str__": lambda text: text,
        "__format__": lambda text, form: TextOfAnsible(str.__format__(text, form)),
        "strip": lambda text, chars=None: TextOfAnsible(str.strip(text, chars)),
    },
)


def test_the_defaults() -> None:
    assert connect(**KEY) == Connection(
        credential=Credential("sandbox-key", "api_key", "option api_key"),
        vanity_name=None,
        username=None,
        api_url="https://cockroachlabs.cloud",
        api_version="2024-09-16",
        verify=True,
        timeout=30,
        retries=4,
        retry_max_delay=60,
    )


# Who asks


def test_a_connection_is_made_of_plain_strings() -> None:
    connection = connect(api_jwt=TextOfAnsible(" sandbox.jwt "), vanity_name=TextOfAnsible("acme"))
    for value in (connection.credential.secret, connection.vanity_name, connection.api_url, connection.api_version):
        assert value.__class__ is str


def test_a_broken_credential_is_refused() -> None:
    assert refusal(connect, api_key=" ").startswith("The option api_key is empty: ")
    assert "in the environment of this test" in refusal(connect)


@pytest.mark.parametrize("source", ["option api_jwt", "environment variable COCKROACH_API_JWT"])
def test_a_jwt_needs_the_vanity_name(source: str) -> None:
    layer = Layer({"api_jwt": "sandbox.jwt"}, source)
    text = refusal(read_connection, DEFAULTS, [layer], environment_of="this test")
    assert text.startswith(f"The JWT from the {source} needs vanity_name: ")
    assert "COCKROACH_VANITY_NAME" in text


@pytest.mark.parametrize("name", ["vanity_name", "username"])
@pytest.mark.parametrize("value", ["", " ", "a b", "a\nb", "a\r\nX-Other: 1", "é", "a\x00", "\x7f"])
def test_what_cannot_stand_in_a_header(name: str, value: str) -> None:
    text = refusal(connect, **{**JWT, name: value})
    assert text.startswith(f"{name} (or the environment variable {ENVIRONMENT[name]}) is empty or holds characters")


@pytest.mark.parametrize("name", ["vanity_name", "username"])
def test_what_can_stand_in_a_header(name: str) -> None:
    assert getattr(connect(**{**JWT, name: " ops+billing@example.com\n"}), name) == "ops+billing@example.com"


# The URL


@pytest.mark.parametrize(
    ("given_url", "expected"),
    [
        ("https://cockroachlabs.cloud", None),
        ("https://cockroachlabs.cloud/", "https://cockroachlabs.cloud"),
        ("https://cockroachlabs.cloud//", "https://cockroachlabs.cloud"),
        (" https://cockroachlabs.cloud\n", "https://cockroachlabs.cloud"),
        ("https://cockroachlabs.cloud:443", None),
        ("https://cockroachlabs.cloud:65535", None),
        ("https://gateway.example.com/crdb/v1.0~a_b-c/", "https://gateway.example.com/crdb/v1.0~a_b-c"),
        ("https://gateway.example.com/with%20space", None),
        ("https://gateway.example.com/..a/b..", None),
        ("HTTPS://COCKROACHLABS.CLOUD", None),
        ("https://10.0.0.1:8443", None),
        ("https://[2001:db8::1]:8443/crdb", None),
        ("https://127.0.0.1.example.com", None),
        ("http://localhost", None),
        ("http://localhost:8080/", "http://localhost:8080"),
        ("http://LocalHost:8080", None),
        ("HTTP://127.0.0.1:8080", None),
        ("http://127.0.0.1", None),
        ("http://127.8.9.10:1", None),
        ("http://[::1]:8080/crdb", None),
    ],
)
def test_an_accepted_url(given_url: str, expected: str | None) -> None:
    assert connect(**KEY, api_url=given_url).api_url == (expected or given_url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        " ",
        "cockroachlabs.cloud",
        "//cockroachlabs.cloud",
        "https:cockroachlabs.cloud",
        "https:///cockroachlabs.cloud",
        "https://",
        "https://cockroachlabs.cloud:",
        "https://cockroachlabs.cloud:port",
        "https://cockroachlabs.cloud:443443",
        "ftp://cockroachlabs.cloud",
        "file:///etc/passwd",
        "https://user@cockroachlabs.cloud",
        "https://user:secretword@cockroachlabs.cloud",
        "https://@cockroachlabs.cloud",
        "http://127.0.0.1@example.com",
        "http://localhost\\@example.com",
        "https://cockroachlabs.cloud\\path",
        "https://cockroachlabs.cloud?secretword",
        "https://cockroachlabs.cloud#fragment",
        "https://cockroachlabs.cloud/a b",
        "https://cockroach labs.cloud",
        "https://cockroachlabs.cloud/a\nb",
        "https://cockroachlabs.cloud\t.example.com",
        "https://cockroachlabs.cloud/..",
        "https://cockroachlabs.cloud/a/../b",
        "https://cockroachlabs.cloud/a;b",
        "https://cöckroachlabs.cloud",
        "https://cockroachlabs。cloud",
        "https://cockroachlabs%2ecloud",
        "https://coc\u212aroachlabs.cloud",
        "https://cockroachlab\u017f.cloud",
        "https://cockroachlabs.cloud:\u0664\u0664\u0663",
        "https://cockroachlabs.cloud/%2e%2E/x",
        "https://::1",
        "https://[::1%25lo]",
        "https://a,b",
        "http+unix://%2Frun%2Fsocket",
    ],
)
def test_a_refused_url_is_not_shown(url: str) -> None:
    text = refusal(connect, **KEY, api_url=url)
    assert text.startswith("api_url (or the environment variable COCKROACH_SERVER) must be a URL such as https://")
    assert "secretword" not in text


@pytest.mark.parametrize(
    ("path", "added"),
    [
        ("/api/v1", "/api/v1"),
        ("/api/v1/", "/api/v1"),
        ("/api", "/api"),
        ("/API/V1//", "/API/V1"),
        ("/api/v2", "/api/v2"),
        ("/api/v1/invoices", "/api/v1/invoices"),
        ("/crdb/api/v1", "/api/v1"),
    ],
)
def test_a_url_that_has_the_path_of_the_api(path: str, added: str) -> None:
    assert refusal(connect, **KEY, api_url=f"https://cockroachlabs.cloud{path}") == (
        f"api_url (or the environment variable COCKROACH_SERVER) ends in {added}, which is added to it: leave that out."
    )


@pytest.mark.parametrize("path", ["/api/v1/crdb", "/crdb-api", "/apiv1", "/api/x"])
def test_a_prefix_that_only_looks_like_it(path: str) -> None:
    assert connect(**KEY, api_url=f"https://gateway.example.com{path}").api_url.endswith(path)


@pytest.mark.parametrize("port", ["0", "00", "65536", "99999"])
def test_a_port_that_does_not_exist(port: str) -> None:
    text = refusal(connect, **KEY, api_url=f"https://cockroachlabs.cloud:{port}")
    assert text.startswith("api_url (or the environment variable COCKROACH_SERVER) has a port that is not between")


@pytest.mark.parametrize(
    "host",
    [
        "cockroachlabs.cloud",
        "127.0.0.1.example.com",
        "localhost.example.com",
        "localhost.",
        "mylocalhost",
        "127.1",
        "127.0.0.01",
        "2130706433",
        "0x7f000001",
        "0.0.0.0",
        "0",
        "10.0.0.1",
        "[::]",
        "[2001:db8::1]",
    ],
)
@pytest.mark.parametrize("scheme", ["http", "HTTP"])
def test_a_key_travels_in_the_clear_to_loopback_alone(scheme: str, host: str) -> None:
    text = refusal(connect, **KEY, api_url=f"{scheme}://{host}:8080/crdb")
    assert text.startswith(
        "api_url (or the environment variable COCKROACH_SERVER) must begin with https:// for the host"
    )
    assert f" {host}: " in text
    assert connect(**KEY, api_url=f"https://{host}:8080/crdb").api_url == f"https://{host}:8080/crdb"


@pytest.mark.parametrize("host", ["", None])
def test_no_host_is_no_loopback(host: str | None) -> None:
    assert not is_loopback(host)


@given(st.text(min_size=1, max_size=20))
def test_no_host_name_but_localhost_is_loopback(host: str) -> None:
    if host.lower() != "localhost" and not host.strip("[]").startswith(("127.", "::", "0")):
        assert not is_loopback(host)


# Versions, certificates, numbers


@pytest.mark.parametrize("version", ["2024-09-16", "2026-09-15", " 2022-03-31\n", "2024-02-29"])
def test_an_api_version(version: str) -> None:
    assert connect(**KEY, api_version=version).api_version == version.strip()


@pytest.mark.parametrize(
    "version",
    [
        "",
        "latest",
        "2024-9-16",
        "2023-02-29",
        "2024-09-16T00:00:00Z",
        "2024-09-16\r\nX: 1",
        "٢٠٢٤-09-16",
    ],
)
def test_what_is_no_api_version(version: str) -> None:
    assert refusal(connect, **KEY, api_version=version) == (
        f"api_version must be a date such as 2024-09-16, not {version!r}."
    )


def test_the_certificates_to_trust(tmp_path: pathlib.Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("-----BEGIN CERTIFICATE-----\n")
    assert connect(**KEY).verify is True
    assert connect(**KEY, validate_certs=False).verify is False
    assert connect(**KEY, ca_path=f"{file}").verify == f"{file}"
    assert connect(**KEY, ca_path=f"{tmp_path}").verify == f"{tmp_path}"
    assert connect(**KEY, validate_certs=False, ca_path=f"{file}").verify is False
    assert connect(**KEY, validate_certs=False, ca_path="/nowhere").verify is False


def test_certificates_that_are_not_there(tmp_path: pathlib.Path) -> None:
    missing = f"{tmp_path / 'missing.pem'}"
    assert refusal(connect, **KEY, ca_path=missing) == (
        f"ca_path {missing!r} does not exist: name a file of CA certificates in PEM format."
    )
    assert "ca_path '' does not exist" in refusal(connect, **KEY, ca_path="")


def test_certificates_that_may_not_be_read(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("")
    file.chmod(0)
    if os.geteuid() == 0:
        # Nothing is unreadable to root, so that the system's answer is all that can be replaced here.
        monkeypatch.setattr(os, "access", lambda path, mode: not (path == f"{file}" and mode == os.R_OK))
    assert "cannot be read by the user that runs this" in refusal(connect, **KEY, ca_path=f"{file}")


@pytest.mark.parametrize(("name", "least"), [("timeout", 1), ("retries", 0), ("retry_max_delay", 0)])
def test_the_range_of_a_number(name: str, least: int) -> None:
    for value in (least, 7, 86400, "86400"):
        assert getattr(connect(**KEY, **{name: value}), name) == int(value)
    for value in (least - 1, -86400, 86401, 10**30):
        assert refusal(connect, **KEY, **{name: value}) == (
            f"{name} must be a whole number from {least} to 86400, not {value}."
        )
    assert "to 86400, not " in refusal(connect, **KEY, **{name: 10**5000})


# The selection


def test_nothing_selected_lists_everything_in_full() -> None:
    assert choose() == Selection(None, None, None, None, None, "full", (), ())


def test_every_selection_option() -> None:
    assert choose(status="DRAFT", start_time="2026-01-01", end_time="2026-02-01", detail="totals") == Selection(
        None, "DRAFT", "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z", None, "totals"
    )
    assert choose(status="FINALIZED", period="2026-01") == Selection(
        status="FINALIZED", months=Months(2026 * 12, 2026 * 12)
    )
    assert choose(invoice_id=["b", "a"], detail="clusters") == Selection(["b", "a"], detail="clusters")
    assert choose(invoice_id=[]).invoice_ids == []


def test_relative_periods_count_from_the_present_when_no_other_is_given() -> None:
    before = datetime.datetime.now(datetime.timezone.utc)
    months = read_selection({**NOTHING, "period": "this_month"}).months
    after = datetime.datetime.now(datetime.timezone.utc)
    assert months is not None
    assert before in months or after in months


@pytest.mark.parametrize(
    "invoice_id",
    [
        "5b0a2c3e-7f0d-4c7e-9f4e-0b1f4f6f2f10",
        "a b",
        "...",
        "a..b",
        "%2e%2e",
        "a;b",
        "a&b=c",
        "a\\b",
        "é",
        "a\u2028b",
        "~",
    ],
)
def test_an_id_as_given(invoice_id: str) -> None:
    assert choose(invoice_id=[invoice_id]).invoice_ids == [invoice_id]


def test_an_id_that_yaml_took_for_a_number() -> None:
    assert choose(invoice_id=[20261001]).invoice_ids == ["20261001"]


@pytest.mark.parametrize("invoice_id", ["", " ", "\t", None])
def test_an_empty_id(invoice_id: str | None) -> None:
    text = refusal(choose, invoice_id=["a", invoice_id])
    assert text.startswith("invoice_id holds an empty id: ")


@pytest.mark.parametrize(
    "invoice_id",
    [
        ".",
        "..",
        "/",
        "a/b",
        "../clusters",
        "a?b",
        "a#b",
        "a\nb",
        "a\x00",
        "\x1b[2J",
        "a\x85b",
        "\udc80",
        "a\ud83d",
    ],
)
def test_an_id_that_would_change_the_path(invoice_id: str) -> None:
    text = refusal(choose, invoice_id=["a", invoice_id])
    assert text.startswith(f"invoice_id holds {invoice_id!r}, which is no invoice id: ")
    assert text.isprintable()


def test_an_id_twice() -> None:
    expected = "invoice_id holds 'a' twice: leave one out, or its costs count twice."
    assert refusal(choose, invoice_id=["a", "b", "a"]) == expected
    assert refusal(choose, invoice_id=["7", 7]).startswith("invoice_id holds '7' twice: ")


@pytest.mark.parametrize("invoice_id", [["a"], {"invoice_id": "a"}, 1.5, b"a"])
def test_an_id_of_another_type(invoice_id: object) -> None:
    assert refusal(choose, invoice_id=[invoice_id]) == "invoice_id must be a list of ids, each a string."


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"invoice_id": ["a"], "status": "DRAFT"}, "invoice_id cannot be combined with status: "),
        ({"invoice_id": ["a"], "start_time": "2026-01-01"}, "invoice_id cannot be combined with start_time: "),
        ({"invoice_id": ["a"], "end_time": "2026-01-01"}, "invoice_id cannot be combined with end_time: "),
        ({"invoice_id": ["a"], "period": "2026"}, "invoice_id cannot be combined with period: "),
        ({"invoice_id": [], "period": "2026"}, "invoice_id cannot be combined with period: "),
        ({"period": "2026", "start_time": "2026-01-01"}, "period cannot be combined with start_time: "),
        ({"period": "2026", "end_time": "2026-01-01"}, "period cannot be combined with end_time: "),
        (
            {"period": "2026", "start_time": "2026-01-01", "end_time": "2026-02-01"},
            "period cannot be combined with start_time, end_time: ",
        ),
        (
            {"invoice_id": ["a"], "status": "DRAFT", "period": "2026"},
            "invoice_id cannot be combined with status, period: ",
        ),
    ],
)
def test_options_that_exclude_each_other(options: dict[str, t.Any], expected: str) -> None:
    assert refusal(choose, **options) == f"{expected}leave out the one or the other."


@pytest.mark.parametrize(
    "options",
    [
        {"invoice_id": ["a"], "detail": "totals"},
        {"status": "DRAFT", "period": "2026"},
        {"status": "FINALIZED", "start_time": "2026-01-01", "end_time": "2026-02-01", "detail": "clusters"},
    ],
)
def test_options_that_go_together(options: dict[str, t.Any]) -> None:
    assert choose(**options).detail == options.get("detail", "full")


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("status", "draft", "status must be one of FINALIZED, DRAFT, not 'draft'."),
        ("status", "", "status must be one of FINALIZED, DRAFT, not ''."),
        ("detail", "most", "detail must be one of full, clusters, totals, not 'most'."),
        ("status", ["DRAFT"], "status must be one of FINALIZED, DRAFT, not ['DRAFT']."),
        ("require", ["final", "all"], "require must be one of invoices, months, final, labels, not 'all'."),
        ("require", [None], "require must be one of invoices, months, final, labels, not ''."),
        ("require", ["Final"], "require must be one of invoices, months, final, labels, not 'Final'."),
        ("require", "final", "require must be a list of invoices, months, final, labels, not 'final'."),
        ("require", {"final": True}, "require must be a list of invoices, months, final, labels, not {'final': True}."),
    ],
)
def test_a_value_that_is_no_choice(name: str, value: str | None, expected: str) -> None:
    assert refusal(choose, **{name: value}) == expected


@pytest.mark.parametrize("name", ["start_time", "end_time"])
def test_a_time(name: str) -> None:
    for value, expected in {
        "2026-10-01": "2026-10-01T00:00:00Z",
        datetime.date(2026, 10, 1): "2026-10-01T00:00:00Z",
        "2026-10-01 00:00:00+00:00": "2026-10-01T00:00:00Z",
        datetime.datetime(2026, 10, 1, tzinfo=datetime.timezone.utc): "2026-10-01T00:00:00Z",
        " 2026-10-01T02:00:00+02:00\n": "2026-10-01T00:00:00Z",
    }.items():
        assert getattr(choose(**{name: value}), name) == expected


@pytest.mark.parametrize("value", ["", " ", "2026", "2026-10", "tomorrow", 1760000000, True, ["2026-10-01"]])
@pytest.mark.parametrize("name", ["start_time", "end_time"])
def test_what_is_no_time(name: str, value: object) -> None:
    text = refusal(choose, **{name: value})
    assert text.startswith(f"{name} must be an RFC 3339 time such as 2026-10-01T00:00:00Z or a date")


def test_times_in_the_wrong_order() -> None:
    assert refusal(choose, start_time="2026-02-01", end_time="2026-01-01") == (
        "start_time lies after end_time: swap them."
    )
    # The first is the earlier instant, though the later writing.
    assert choose(start_time="2026-02-01T01:00:00+02:00", end_time="2026-01-31T23:00:00Z").start_time == (
        "2026-01-31T23:00:00Z"
    )


def test_times_that_cut_through_months() -> None:
    assert choose(start_time="2026-10-01", end_time="2026-10-31").warnings == (
        "2026-10 lies only partly between start_time and end_time, and a billing period that is not wholly inside is "
        "left out: use times at the first of a month, such as 2026-10-01 and 2026-11-01, or period.",
    )
    (text,) = choose(start_time="2026-09-15", end_time="2026-10-31T23:59:59+02:00").warnings
    assert text.startswith("2026-09 and 2026-10 lie only partly ")
    assert choose(start_time="2026-10-01", end_time="2026-11-01").warnings == ()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", "period is empty: write a month such as 2026-10, or leave it out."),
        (" 2026-13\n", "period '2026-13': there is no month 13, write 2026-01 to 2026-12."),
        (
            datetime.date(2026, 10, 1),
            "period '2026-10-01' is a day, and a billing period is a month: write it without the day.",
        ),
        (["2026"], "period \"['2026']\" is none that is known: "),
    ],
)
def test_what_is_no_period(value: object, expected: str) -> None:
    assert refusal(choose, period=value).startswith(expected)


# What has to be there


def test_what_is_required() -> None:
    assert choose(require=[]).require == ()
    assert choose(require=["final", "invoices", "final"]).require == ("invoices", "final")
    assert choose(require=["months"], period="2026").require == ("months",)
    options = {**NOTHING, "require": ["labels"]}
    assert read_selection(options, now=NOW, labels=True).require == ("labels",)


@pytest.mark.parametrize("options", [{}, {"invoice_id": ["a"]}, {"start_time": "2026-10-01", "end_time": "2026-11-01"}])
def test_months_are_required_of_a_period_alone(options: dict[str, t.Any]) -> None:
    assert refusal(choose, require=["invoices", "months"], **options) == (
        "require holds months, those of period, and period is not given: set it, or leave months out."
    )


def test_labels_are_required_where_some_are_asked_for() -> None:
    assert refusal(choose, require=["labels"]) == (
        "require holds labels, and no other option asks for a label here: leave labels out."
    )


def test_a_year_that_yaml_took_for_a_number() -> None:
    assert choose(period=2026).months == Months(2026 * 12, 2026 * 12 + 11)
