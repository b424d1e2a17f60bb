# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One table of behaviour over the lookup and both ways of the module: the same requests and the same outcome."""

from __future__ import annotations

import re
import typing as t

import pytest

from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._api import (
    INVOICES,
    JWT,
    JWT_HEADERS,
    KEY,
    KEY_HEADERS,
    Api,
)
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._data import (
    invoice,
    without_items,
    without_line_items,
)
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._run import (
    LookupFailureError,
    run_lookup,
    run_module,
)

PLUGINS = ("module", "in place", "lookup")
HOST = {
    "module": "the host that the module runs on",
    "in place": "the host that the module runs on",
    "lookup": "the controller, where lookups run",
}

NOVEMBER, DECEMBER, JANUARY, DRAFT = (
    invoice("2025-11"),
    invoice("2025-12", status="PAID_IN_GOLD"),
    invoice("2026-01"),
    invoice("2999-01", status="DRAFT"),
)
HISTORY = [NOVEMBER, DECEMBER, JANUARY, DRAFT]
SHUFFLED = {"invoices": [DECEMBER, DRAFT, NOVEMBER, JANUARY]}
NONE: dict[str, t.Any] = {"invoices": []}


class Case(t.NamedTuple):
    """Options and environment; then the requests they make, and either the invoices or the text of the error.

    Without a credential of its own a case has the option O(api_key), and without an O(api_url) that of the server.
    ``{port}`` in an option, the environment or the error is the port of the server, ``{host}`` in the error says whose
    environment is meant.
    """

    options: dict[str, t.Any]
    environment: dict[str, str] = {}
    requests: list[dict[str, t.Any]] = []
    invoices: list[dict[str, t.Any]] | None = None
    error: str | None = None
    credential: bool = True


def run(plugin: str, api: Api, case: Case) -> list[dict[str, t.Any]] | str:
    """Return the invoices, or the text of the error."""

    def fill(value: t.Any) -> t.Any:
        return value.replace("{port}", f"{api.port}") if isinstance(value, str) else value

    options = {**({"api_key": KEY} if case.credential else {}), **case.options}
    if "COCKROACH_SERVER" not in case.environment:
        options.setdefault("api_url", api.url)
    options = {name: fill(value) for name, value in options.items()}
    environment = {name: fill(value) for name, value in case.environment.items()}
    if plugin != "lookup":
        data = run_module("invoice_info", options, environment=environment, in_place=plugin == "in place").data
        if data.get("failed"):
            return t.cast("str", data["msg"])
        assert data["invoices"] is not None
        return t.cast("list[dict[str, t.Any]]", data["invoices"])
    terms = [options.pop("invoice_id")] if "invoice_id" in options else []
    try:
        return run_lookup("invoice", terms, options, environment=environment)
    except LookupFailureError as error:
        return f"{error}"


def listing(query: dict[str, str] | None = None, **more: t.Any) -> dict[str, t.Any]:
    return {"query": query or {}, "answer": SHUFFLED, **more}


def getting(invoice_id: str, answer: t.Any, **more: t.Any) -> dict[str, t.Any]:
    return {"path": f"{INVOICES}/{invoice_id}", "answer": answer, **more}


def called(invoice_id: str, whole: dict[str, t.Any]) -> dict[str, t.Any]:
    return dict(whole, invoice_id=invoice_id)


# The draft as the answer to the id a.
A = called("a", DRAFT)


def bearer(secret: str) -> dict[str, str | None]:
    return {**KEY_HEADERS, "Authorization": f"Bearer {secret}"}


ANSWERED: dict[str, Case] = {
    # Which invoices
    "all, sorted": Case({}, requests=[listing()], invoices=HISTORY),
    "newest first": Case({}, requests=[listing(answer={"invoices": HISTORY[::-1]})], invoices=HISTORY),
    "none": Case({}, requests=[listing(answer=NONE)], invoices=[]),
    "none, left out": Case({}, requests=[listing(answer={})], invoices=[]),
    "status DRAFT": Case({"status": "DRAFT"}, requests=[listing({"status": "DRAFT"})], invoices=[DRAFT]),
    "status FINALIZED, which is checked again": Case(
        {"status": "FINALIZED"}, requests=[listing({"status": "FINALIZED"})], invoices=[NOVEMBER, JANUARY]
    ),
    "an invoice that comes twice": Case(
        {}, requests=[listing(answer={"invoices": [DRAFT, JANUARY, DRAFT]})], invoices=[JANUARY, DRAFT]
    ),
    "pages": Case(
        {"status": "FINALIZED"},
        requests=[
            listing({"status": "FINALIZED"}, answer={"invoices": [JANUARY], "pagination": {"next_page": "p=2"}}),
            listing(
                {"status": "FINALIZED", "pagination.page": "p=2"},
                answer={"invoices": [NOVEMBER], "pagination": {"next_page": ""}},
            ),
        ],
        invoices=[NOVEMBER, JANUARY],
    ),
    "start and end": Case(
        {"start_time": "2025-11-01", "end_time": "2026-02-01T00:00:00+02:00"},
        requests=[listing({"start_time": "2025-11-01T00:00:00Z", "end_time": "2026-01-31T22:00:00Z"})],
        invoices=HISTORY,
    ),
    "period, a month": Case({"period": "2025-12"}, requests=[listing()], invoices=[DECEMBER]),
    "period, relative": Case({"period": "last_9999_months"}, requests=[listing()], invoices=HISTORY[:3]),
    "period, none of it": Case({"period": "2024"}, requests=[listing()], invoices=[]),
    "period by the month in UTC": Case(
        {"period": "2026-01"},
        requests=[listing(answer={"invoices": [{**DECEMBER, "period_start": "2026-01-01T01:00:00+02:00"}]})],
        invoices=[],
    ),
    "no time to sort by": Case(
        {},
        requests=[listing(answer={"invoices": [{"invoice_id": "x"}, {"period_start": "soon"}, DRAFT, JANUARY]})],
        invoices=[JANUARY, DRAFT, {"invoice_id": "x"}, {"period_start": "soon"}],
    ),
    # Ids
    "ids in their order": Case(
        {"invoice_id": ["b", "a", "c"]},
        requests=[getting("b", called("b", JANUARY)), getting("a", A), getting("c", called("c", NOVEMBER))],
        invoices=[called("b", JANUARY), A, called("c", NOVEMBER)],
    ),
    "no ids": Case({"invoice_id": []}, invoices=[]),
    "an id, wrapped": Case({"invoice_id": ["a"]}, requests=[getting("a", {"invoices": [A]})], invoices=[A]),
    "a number as an id": Case(
        {"invoice_id": [2026]}, requests=[getting("2026", called("2026", DRAFT))], invoices=[called("2026", DRAFT)]
    ),
    "odd characters in ids": Case(
        {"invoice_id": ["a b", "%2e%2e", "é&=+;,", "..."]},
        requests=[
            getting("a%20b", called("a b", DRAFT)),
            getting("%252e%252e", called("%2e%2e", DRAFT)),
            getting("%C3%A9%26%3D%2B%3B%2C", called("é&=+;,", DRAFT)),
            getting("...", called("...", DRAFT)),
        ],
        invoices=[called(invoice_id, DRAFT) for invoice_id in ("a b", "%2e%2e", "é&=+;,", "...")],
    ),
    # How much
    "clusters": Case({"detail": "clusters"}, requests=[listing()], invoices=[without_line_items(i) for i in HISTORY]),
    "totals": Case({"detail": "totals"}, requests=[listing()], invoices=[without_items(i) for i in HISTORY]),
    # Who asks
    "white space around the key": Case(
        {"api_key": " sandbox-option\r\n"}, requests=[listing(headers=bearer("sandbox-option"))], invoices=HISTORY
    ),
    "option api_jwt with a user name": Case(
        {"api_jwt": JWT, "vanity_name": "acme", "username": "ops@example.com"},
        requests=[listing(headers={**JWT_HEADERS, "Cc-Username": "ops@example.com"})],
        invoices=HISTORY,
        credential=False,
    ),
    "environment key": Case(
        {}, {"COCKROACH_API_KEY": "sandbox-env"}, [listing(headers=bearer("sandbox-env"))], HISTORY, credential=False
    ),
    "environment jwt": Case(
        {},
        {"COCKROACH_API_JWT": JWT, "COCKROACH_VANITY_NAME": "acme", "COCKROACH_USERNAME": "bob"},
        [listing(headers={**JWT_HEADERS, "Cc-Username": "bob"})],
        HISTORY,
        credential=False,
    ),
    "both in the environment": Case(
        {},
        {"COCKROACH_API_JWT": JWT, "COCKROACH_API_KEY": "sandbox-env", "COCKROACH_VANITY_NAME": "acme"},
        [listing(headers=bearer("sandbox-env"))],
        HISTORY,
        credential=False,
    ),
    "option key, environment key": Case({}, {"COCKROACH_API_KEY": "sandbox-env"}, [listing()], HISTORY),
    "option jwt, environment key": Case(
        {"api_jwt": JWT, "vanity_name": "acme"},
        {"COCKROACH_API_KEY": "sandbox-env"},
        [listing(headers=JWT_HEADERS)],
        HISTORY,
        credential=False,
    ),
    # Where
    "environment server": Case({}, {"COCKROACH_SERVER": "http://127.0.0.1:{port}/"}, [listing()], HISTORY),
    "a path prefix and an id": Case(
        {"api_url": "http://127.0.0.1:{port}/crdb", "invoice_id": ["a"]},
        requests=[{"path": f"/crdb{INVOICES}/a", "answer": A}],
        invoices=[A],
    ),
    # How
    "api_version": Case(
        {"api_version": "2026-09-15"},
        requests=[listing(headers={**KEY_HEADERS, "Cc-Version": "2026-09-15"})],
        invoices=HISTORY,
    ),
    "numbers": Case({"timeout": "86400", "retries": 0, "retry_max_delay": "0"}, requests=[listing()], invoices=HISTORY),
}

NO_CREDENTIAL = (
    "There is no credential: set the option api_key (or api_jwt with vanity_name), or set COCKROACH_API_KEY (or "
    "COCKROACH_API_JWT with COCKROACH_VANITY_NAME) in the environment of {host}."
)
NEEDS_VANITY = (
    " needs vanity_name: set it to the vanity name of the organization, or set the environment variable "
    "COCKROACH_VANITY_NAME."
)
EMPTY = " is empty: set it to a credential, or leave it out altogether."
URL = (
    "api_url (or the environment variable COCKROACH_SERVER) must be a URL such as https://cockroachlabs.cloud: http or "
    "https, a host, and at most a port and a path; no user info, query or fragment."
)
CLEAR = (
    "api_url (or the environment variable COCKROACH_SERVER) must begin with https:// for the host {}: a credential is "
    "never sent in the clear. Plain http is for localhost, 127.0.0.1 and [::1] alone."
)
HEADER = " is empty or holds characters other than visible ASCII: correct it or leave it out."
TIME = " must be an RFC 3339 time such as 2026-10-01T00:00:00Z or a date such as 2026-10-01, not {}."
ID = (
    "invoice_id holds {}, which is no invoice id: it must not be '.' or '..' nor hold '/', '?', '#' or control "
    "characters. Copy the id from invoice_id of a list of invoices."
)
NO_LIST = (
    "The API answered with JSON that is not {}. Check api_url and api_version, and whether a proxy answers in place of "
    "the API."
)
NOT_ONE = "The API answered with {} invoices where the invoice a was asked for. Check api_url and api_version."

REFUSED: dict[str, Case] = {
    "no credential": Case({}, error=NO_CREDENTIAL, credential=False),
    "both credentials": Case(
        {"api_jwt": JWT, "vanity_name": "acme"},
        error="The option api_key and the option api_jwt are both given: leave one out.",
    ),
    "a jwt without a vanity name in the environment": Case(
        {},
        {"COCKROACH_API_JWT": JWT},
        error=f"The JWT from the environment variable COCKROACH_API_JWT{NEEDS_VANITY}",
        credential=False,
    ),
    "a header in the user name": Case(
        {"username": "a\r\nX-Other: 1"}, error=f"username (or the environment variable COCKROACH_USERNAME){HEADER}"
    ),
    "empty ids before any call": Case(
        {"invoice_id": ["a", ""]},
        error="invoice_id holds an empty id: leave it out, or leave out invoice_id to list all invoices.",
    ),
    "a period and a time": Case(
        {"period": "2026", "end_time": "2026-01-01"},
        error="period cannot be combined with end_time: leave out the one or the other.",
    ),
    "times in the wrong order": Case(
        {"start_time": "2026-02-01", "end_time": "2026-01-01"}, error="start_time lies after end_time: swap them."
    ),
    "a day that is none": Case({"end_time": "2026-02-29"}, error=f"end_time{TIME.format(repr('2026-02-29'))}"),
    "no CA certificates": Case(
        {"ca_path": "/nowhere/ca.pem"},
        error="ca_path '/nowhere/ca.pem' does not exist: name a file of CA certificates in PEM format.",
    ),
    "an api_version that is none": Case(
        {"api_version": "latest"}, error="api_version must be a date such as 2024-09-16, not 'latest'."
    ),
    "a port that is none": Case(
        {"api_url": "https://localhost:65536"},
        error="api_url (or the environment variable COCKROACH_SERVER) has a port that is not between 1 and 65535.",
    ),
    "a month that is none": Case(
        {"period": "2026-13"}, error="period '2026-13': there is no month 13, write 2026-01 to 2026-12."
    ),
    "months of no period": Case(
        {"require": ["months"]},
        error="require holds months, those of period, and period is not given: set it, or leave months out.",
    ),
    "labels where none is asked for": Case(
        {"require": ["labels"], "period": "2026"},
        error="require holds labels, and no other option asks for a label here: leave labels out.",
    ),
}
REFUSED["no id"] = Case({"invoice_id": ["a", "a/b"]}, error=ID.format(repr("a/b")))
REFUSED["no url"] = Case({"api_url": "cockroachlabs.cloud"}, error=URL)
REFUSED["http"] = Case({}, {"COCKROACH_SERVER": "http://example.com"}, error=CLEAR.format("example.com"))
for option, variable in {"api_key": "COCKROACH_API_KEY", "api_jwt": "COCKROACH_API_JWT"}.items():
    REFUSED[f"empty {option}"] = Case({option: " "}, error=f"The option {option}{EMPTY}", credential=False)
    REFUSED[f"empty {variable}"] = Case(
        {}, {variable: ""}, error=f"The environment variable {variable}{EMPTY}", credential=False
    )
for number, least in {"timeout": 1, "retries": 0, "retry_max_delay": 0}.items():
    REFUSED[number] = Case({number: 86401}, error=f"{number} must be a whole number from {least} to 86400, not 86401.")

ANY_JSON: list[t.Any] = [
    [],
    None,
    0,
    False,
    "x",
    {"x": 1},
    {"invoices": {}},
    {"invoices": "x"},
    {"invoices": [1]},
    {"invoices": [None]},
]
MISANSWERED: dict[str, Case] = {
    f"list: {answer!r}": Case({}, requests=[listing(answer=answer)], error=NO_LIST.format("a list of invoices"))
    for answer in ANY_JSON
}
MISANSWERED.update(
    {
        f"get: {answer!r}": Case(
            {"invoice_id": ["a"]}, requests=[getting("a", answer)], error=NO_LIST.format("the invoice a")
        )
        for answer in ([], [DRAFT], None, "x", {"invoices": None}, {"invoices": DRAFT})
    }
)
MISANSWERED.update(
    {
        f"get: {number} invoices": Case(
            {"invoice_id": ["a"]}, requests=[getting("a", answer)], error=NOT_ONE.format(number)
        )
        for number, answer in {
            "no": {},
            0: {"invoices": []},
            1: {"invoices": [{}]},
            2: {"invoices": [DRAFT, DRAFT]},
        }.items()
    }
)
MISANSWERED["the first id that fails ends it"] = Case(
    {"invoice_id": ["b", "a", "c"]},
    requests=[getting("b", called("b", DRAFT)), getting("a", {})],
    error=NOT_ONE.format("no"),
)
MISANSWERED["another invoice"] = Case(
    {"invoice_id": ["a"]},
    requests=[getting("a", JANUARY)],
    error="The API answered with the invoice 'id-2026-01' where a was asked for.",
)
MISANSWERED["pages without an end"] = Case(
    {},
    requests=[
        listing(answer={"invoices": [], "pagination": {"next_page": "2"}}),
        listing({"pagination.page": "2"}, answer={"invoices": [], "pagination": {"next_page": "2"}}),
    ],
    error=(
        "The pages of the list of invoices do not come to an end. Ask for less with start_time and end_time, and check "
        "api_url."
    ),
)
MISANSWERED["no month to choose by"] = Case(
    {"period": "2026"},
    requests=[listing(answer={"invoices": [JANUARY, {"invoice_id": "x", "period_start": None}]})],
    error=(
        "The invoice 'x' has no period_start that is a time, so that period cannot choose. Use start_time and "
        "end_time, or leave period out."
    ),
)
MISANSWERED["an unknown id"] = Case(
    {"invoice_id": ["a"]},
    requests=[getting("a", {"code": 5, "message": "invoice not found"}, status=404)],
    error=(
        "GET http://127.0.0.1:{port}/api/v1/invoices/a failed: HTTP 404: invoice not found. Check the invoice id, and "
        "that api_url is the address of the API."
    ),
)

# What is required and not there.
NEWEST = "the newest one is of 2999-01 (DRAFT)."
MISANSWERED.update(
    {
        "no invoice": Case(
            {"require": ["invoices"]},
            requests=[listing(answer=NONE)],
            error="There is no invoice to look at: the API answered with none.",
        ),
        "no invoice of a period": Case(
            {"require": ["invoices"], "period": "2024-q3"},
            requests=[listing()],
            error=f"There is no invoice of this selection: {NEWEST}",
        ),
        "not every month": Case(
            {"require": ["months"], "period": "2025-10..2026-02"},
            requests=[listing()],
            error="There is no invoice for 2025-10, 2026-02.",
        ),
        "a draft": Case(
            {"require": ["final", "invoices"]},
            requests=[listing()],
            error="An invoice is still a draft: 2999-01.",
        ),
    }
)

# What ansible-core itself refuses, in words that differ from version to version.
REFUSED_BY_ANSIBLE: dict[str, dict[str, t.Any]] = {
    "status": {"status": "draft"},
    "no status": {"status": ""},
    "detail": {"detail": "most"},
    "timeout": {"timeout": "soon"},
    "no timeout": {"timeout": ""},
    "a fraction of a timeout": {"timeout": 30.5},
    "a list for a timeout": {"timeout": [30]},
    "retries": {"retries": "many"},
    "retry_max_delay": {"retry_max_delay": {"seconds": 1}},
    "validate_certs": {"validate_certs": "maybe"},
    "no validate_certs": {"validate_certs": ""},
    "a number for validate_certs": {"validate_certs": 2},
    "a list for a period": {"period": ["2026"]},
    "a mapping for a time": {"start_time": {"year": 2026}},
    "a list for a URL": {"api_url": ["https://cockroachlabs.cloud"]},
    "a mapping for a version": {"api_version": {"year": 2026}},
}


@pytest.mark.parametrize("plugin", PLUGINS)
@pytest.mark.parametrize("case", ANSWERED.values(), ids=ANSWERED)
def test_answered(plugin: str, case: Case, api: Api) -> None:
    for request in case.requests:
        api.expect(**request)
    assert run(plugin, api, case) == case.invoices
    assert api.connections == min(len(case.requests), 1)


@pytest.mark.parametrize("plugin", PLUGINS)
@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_refused_before_any_call(plugin: str, case: Case, api: Api) -> None:
    assert case.error is not None
    assert run(plugin, api, case) == case.error.replace("{host}", HOST[plugin])
    assert api.connections == 0


@pytest.mark.parametrize("plugin", PLUGINS)
@pytest.mark.parametrize("case", MISANSWERED.values(), ids=MISANSWERED)
def test_answered_with_something_else(plugin: str, case: Case, api: Api) -> None:
    for request in case.requests:
        api.expect(**request)
    assert case.error is not None
    assert run(plugin, api, case) == case.error.replace("{port}", f"{api.port}")


@pytest.mark.parametrize("plugin", PLUGINS)
@pytest.mark.parametrize("options", REFUSED_BY_ANSIBLE.values(), ids=REFUSED_BY_ANSIBLE)
def test_refused_by_name_before_any_call(plugin: str, options: dict[str, t.Any], api: Api) -> None:
    text = run(plugin, api, Case(options))
    assert isinstance(text, str)
    assert re.search(rf"\b{next(iter(options))}\b", text)
    assert api.connections == 0
