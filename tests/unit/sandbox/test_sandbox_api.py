# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the sandbox answers: keys, versions, filters, errors, the rate limit, and what is not known of the real API."""

from __future__ import annotations

import concurrent.futures
import typing as t
from urllib.parse import quote

import pytest
from billing_sandbox import VERSIONS, Sandbox, fingerprint

from ansible_collections.cockroachdb_cloud.billing.tests.unit.sandbox._call import INVOICES, Reply, call, connect

TODAY = "2026-11-23"


@pytest.fixture(scope="module")
def sandbox() -> t.Iterator[Sandbox]:
    with Sandbox(months=4, clusters=4, today=TODAY, rate_limit=False) as running:
        yield running


def months(reply: Reply) -> list[str]:
    assert reply.status == 200, reply.body
    return [one["period_start"][:7] for one in reply.json["invoices"]]


def assert_error(reply: Reply, status: int, code: int, text: str) -> None:
    assert reply.status == status
    assert reply.headers["content-type"] == "application/json"
    error = reply.json
    assert set(error) == {"code", "message", "details"}
    assert (error["code"], error["details"]) == (code, [])
    assert text in error["message"]


def test_list_and_get(sandbox: Sandbox) -> None:
    listed = call(sandbox.url, headers={"Cc-Version": "2024-09-16"})
    assert listed.json == {"invoices": sandbox.invoices()}
    assert months(listed) == ["2026-08", "2026-09", "2026-10", "2026-11"]
    for invoice in listed.json["invoices"]:
        got = call(sandbox.url, f"{INVOICES}/{invoice['invoice_id']}", headers={"Cc-Version": "2024-09-16"})
        assert (got.status, got.json) == (200, invoice)


def test_one_connection_serves_many_requests(sandbox: Sandbox) -> None:
    sandbox.clear_requests()
    connection = connect(sandbox.url)
    for _attempt in range(3):
        assert call(sandbox.url, over=connection).status == 200
    assert call(sandbox.url, f"{INVOICES}/nothing", over=connection).status == 404
    connection.close()
    call(sandbox.url)
    numbers = [entry["connection"] for entry in sandbox.requests()]
    assert numbers[:4] == [numbers[0]] * 4
    assert numbers[4] != numbers[0]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("status=DRAFT", ["2026-11"]),
        ("status=FINALIZED", ["2026-08", "2026-09", "2026-10"]),
        ("start_time=2026-10-01T00:00:00Z", ["2026-10", "2026-11"]),
        ("start_time=2026-10-01T00:00:00.000001Z", ["2026-11"]),
        ("start_time=2026-10-01T02:00:00%2B02:00", ["2026-10", "2026-11"]),
        ("end_time=2026-10-01T00:00:00Z", ["2026-08", "2026-09"]),
        ("end_time=2026-09-30T23:59:59Z", ["2026-08"]),
        ("start_time=2026-09-01T00:00:00Z&end_time=2026-11-01T00:00:00Z", ["2026-09", "2026-10"]),
        ("start_time=2026-09-01T00:00:00Z&status=FINALIZED", ["2026-09", "2026-10"]),
        ("end_time=2020-01-01T00:00:00Z", []),
        ("start_time=2026-10-02T00:00:00Z&end_time=2026-10-01T00:00:00Z", []),
        ("something_else=1", ["2026-08", "2026-09", "2026-10", "2026-11"]),
    ],
)
def test_filters(sandbox: Sandbox, query: str, expected: list[str]) -> None:
    assert months(call(sandbox.url, f"{INVOICES}?{query}")) == expected


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("status=draft", 'parsing field "status"'),
        ("status=", 'parsing field "status"'),
        ("status=DRAFT&status=FINALIZED", 'too many values for field "status"'),
        ("start_time=2026-10-01", 'parsing field "start_time"'),
        ("start_time=", 'parsing field "start_time"'),
        ("end_time=2026-13-01T00:00:00Z", 'parsing field "end_time"'),
        ("end_time=2026-10-01T00:00:00", 'parsing field "end_time"'),
        # An unquoted + is a space, as in every query.
        ("end_time=2026-10-01T00:00:00+00:00", 'parsing field "end_time"'),
        ("start_time=0001-01-01T00:00:00%2B12:00", 'parsing field "start_time"'),
    ],
)
def test_bad_filters(sandbox: Sandbox, query: str, text: str) -> None:
    assert_error(call(sandbox.url, f"{INVOICES}?{query}"), 400, 3, text)


@pytest.mark.parametrize(
    "path", ["/", "/api/v1/clusters", "/api/v1/invoices/", "/api/v1/invoices/a/b", "/api/v1/Invoices"]
)
def test_unknown_paths(sandbox: Sandbox, path: str) -> None:
    assert_error(call(sandbox.url, path), 404, 5, "Not Found")


@pytest.mark.parametrize("invoice_id", ["00000000-0000-4000-8000-000000000000", "x", "..", "a%2Fb", "%ff"])
def test_unknown_invoices(sandbox: Sandbox, invoice_id: str) -> None:
    assert_error(call(sandbox.url, f"{INVOICES}/{invoice_id}"), 404, 5, "invoice not found")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"])
def test_other_methods(sandbox: Sandbox, method: str) -> None:
    reply = call(sandbox.url, method=method)
    assert_error(reply, 405, 12, "Method Not Allowed")
    assert reply.headers["allow"] == "GET"


def test_head_has_no_body_and_leaves_the_connection_usable(sandbox: Sandbox) -> None:
    connection = connect(sandbox.url)
    assert call(sandbox.url, method="HEAD", over=connection).status == 405
    assert call(sandbox.url, over=connection).status == 200
    connection.close()


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "sandbox-key",
        "Bearer",
        "Bearer ",
        "Bearer nonsense",
        "Bearer sandbox-key-",
        "Bearer sandbox-key-a_b",
        "Bearer  sandbox-key",
        "Basic c2FuZGJveC1rZXk=",
    ],
)
def test_unknown_credentials(sandbox: Sandbox, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    assert_error(call(sandbox.url, key=None, headers=headers), 401, 16, "")


def test_a_key_without_the_role(sandbox: Sandbox) -> None:
    assert_error(call(sandbox.url, key="sandbox-key-forbidden"), 403, 7, "BILLING_COORDINATOR")


def test_an_organization_without_invoices(sandbox: Sandbox) -> None:
    assert call(sandbox.url, key="sandbox-key-empty").body == b'{"invoices":[]}'


def test_each_key_opens_its_own_organization(sandbox: Sandbox) -> None:
    blue = call(sandbox.url, key="sandbox-key-blue", headers={"Cc-Version": "2024-09-16"})
    assert blue.json == {"invoices": sandbox.invoices("sandbox-key-blue")}
    foreign = blue.json["invoices"][0]["invoice_id"]
    assert call(sandbox.url, f"{INVOICES}/{foreign}").status == 404


def test_jwt(sandbox: Sandbox) -> None:
    whole = call(sandbox.url).body
    vanity = {"Cc-Vanity-Name": "sandbox"}
    assert call(sandbox.url, key="sandbox-jwt", headers=vanity).body == whole
    assert call(sandbox.url, key="sandbox-jwt", headers={**vanity, "Cc-Username": "ada@example.com"}).body == whole
    assert_error(call(sandbox.url, key="sandbox-jwt"), 400, 3, "missing Cc-Vanity-Name")
    assert_error(call(sandbox.url, key="sandbox-jwt", headers={"Cc-Vanity-Name": "acme"}), 401, 16, "unknown")


@pytest.mark.parametrize("version", [*VERSIONS, None])
def test_the_newest_version_names_credits_anew(sandbox: Sandbox, version: str | None) -> None:
    reply = call(sandbox.url, headers={"Cc-Version": version} if version else {})
    newest = version in (None, "2026-09-15")
    assert (b"COCKROACH_CREDITS" in reply.body) is newest
    assert (b"CRDB_CLOUD_CREDITS" in reply.body) is not newest


@pytest.mark.parametrize("version", ["2024-09-17", "", "latest"])
def test_unknown_versions(sandbox: Sandbox, version: str) -> None:
    assert_error(call(sandbox.url, headers={"Cc-Version": version}), 400, 3, "invalid Cc-Version")


def test_the_log_holds_what_came_but_no_secret(sandbox: Sandbox) -> None:
    sandbox.clear_requests()
    call(sandbox.url, f"{INVOICES}?status=DRAFT&a=%20b", headers={"Cc-Version": "2024-09-16", "Cookie": "a=hidden"})
    call(sandbox.url, key="sandbox-key-forbidden")
    first, second = sandbox.requests()
    assert (first["method"], first["path"], first["status"]) == ("GET", INVOICES, 200)
    assert first["query"] == {"status": "DRAFT", "a": " b"}
    assert first["target"] == f"{INVOICES}?status=DRAFT&a=%20b"
    assert first["headers"]["Cc-Version"] == "2024-09-16"
    assert first["headers"]["Authorization"] == f"Bearer {fingerprint('sandbox-key')}"
    assert first["headers"]["Authorization"] != second["headers"]["Authorization"]
    assert second["status"] == 403
    assert second["at"] >= first["at"]
    assert "sandbox-key" not in str((first, second))
    assert "hidden" not in str((first, second))


def test_many_clients_at_once(sandbox: Sandbox) -> None:
    expected = call(sandbox.url).body
    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        bodies = [reply.body for reply in pool.map(lambda _number: call(sandbox.url), range(200))]
    assert bodies == [expected] * 200


def test_the_rate_limit_is_ten_a_second_for_each_credential() -> None:
    with Sandbox(months=1, clusters=1) as sandbox:
        statuses = [call(sandbox.url).status for _attempt in range(10)]
        refused = call(sandbox.url)
        other = call(sandbox.url, key="sandbox-key-blue")
        entries = sandbox.requests()
    assert entries[10]["at"] - entries[0]["at"] < 1, "the machine was too slow for this test to mean anything"
    assert statuses == [200] * 10
    assert_error(refused, 429, 8, "rate limit exceeded")
    assert refused.headers["retry-after"] == "1"
    assert other.status == 200


def test_who_waits_as_told_is_served_again() -> None:
    from billing_sandbox._api import RateLimit

    now = 100.0
    limit = RateLimit(clock=lambda: now)
    assert [limit.admits("a") for _attempt in range(12)] == [True] * 10 + [False] * 2
    now += 0.99
    assert not limit.admits("a")
    now += 0.01
    assert [limit.admits("a") for _attempt in range(11)] == [True] * 10 + [False]


def quirky(quirk: str, **options: t.Any) -> Sandbox:
    return Sandbox(**{"months": 4, "clusters": 3, "today": TODAY, "quirks": [quirk], **options})


def test_quirk_wrapped_invoice() -> None:
    with quirky("wrapped-invoice") as sandbox:
        invoice = sandbox.invoices()[1]
        reply = call(sandbox.url, f"{INVOICES}/{invoice['invoice_id']}", headers={"Cc-Version": "2024-09-16"})
        assert reply.json == {"invoices": [invoice]}


def test_quirk_descending() -> None:
    with quirky("descending") as sandbox:
        assert months(call(sandbox.url)) == ["2026-11", "2026-10", "2026-09", "2026-08"]


@pytest.mark.parametrize("quirks", [["paged"], ["paged", "descending"]])
@pytest.mark.parametrize(
    ("query", "sizes"),
    [("", [3, 3, 1]), ("status=FINALIZED", [3, 3]), ("status=DRAFT", [1]), ("end_time=2020-01-01T00:00:00Z", [0])],
)
def test_quirk_paged(query: str, sizes: list[int], quirks: list[str]) -> None:
    """Page after page the whole list comes, each invoice once and in the list's order."""
    with quirky("descending", months=7) as whole:
        expected = months(call(whole.url, f"{INVOICES}?{query}"))
    with quirky("", quirks=quirks, months=7) as sandbox:
        got: list[str] = []
        page, token = "", None
        for size in sizes:
            reply = call(sandbox.url, f"{INVOICES}?{query}{page}")
            got += months(reply)
            assert len(reply.json["invoices"]) == size
            token = (reply.json["pagination"] or {}).get("next_page")
            page = f"&pagination.page={quote(token, safe='')}" if token else ""
        assert token is None
    assert got == (expected if "descending" in quirks else expected[::-1])


def test_quirk_paged_knows_its_pages() -> None:
    with quirky("paged") as sandbox:
        for page in ("2", ""):
            assert_error(call(sandbox.url, f"{INVOICES}?pagination.page={page}"), 400, 3, '"pagination.page"')
        token = call(sandbox.url).json["pagination"]["next_page"]
        # A token is of one list: with other filters there may be no such page.
        page = f"pagination.page={quote(token, safe='')}"
        assert months(call(sandbox.url, f"{INVOICES}?{page}")) == ["2026-11"]
        assert_error(call(sandbox.url, f"{INVOICES}?status=FINALIZED&{page}"), 400, 3, '"pagination.page"')
        assert_error(call(sandbox.url, f"{INVOICES}?{page}&{page}"), 400, 3, "too many values")


def test_the_list_is_not_paged_by_default(sandbox: Sandbox) -> None:
    assert set(call(sandbox.url, f"{INVOICES}?pagination.page=2").json) == {"invoices"}


def test_quirk_exclusive_end() -> None:
    with quirky("exclusive-end") as sandbox:
        assert months(call(sandbox.url, f"{INVOICES}?end_time=2026-10-01T00:00:00Z")) == ["2026-08"]


def test_quirk_filters_hide_draft() -> None:
    with quirky("filters-hide-draft") as sandbox:
        assert months(call(sandbox.url, f"{INVOICES}?start_time=2026-10-01T00:00:00Z")) == ["2026-10"]
        assert months(call(sandbox.url, f"{INVOICES}?status=DRAFT")) == ["2026-11"]


def test_quirk_empty_object() -> None:
    with quirky("empty-object") as sandbox:
        assert call(sandbox.url, key="sandbox-key-empty").body == b"{}"


def test_quirk_late_draft() -> None:
    with quirky("late-draft", today="2026-11-04") as sandbox:
        statuses = [one["status"] for one in call(sandbox.url).json["invoices"]]
    assert statuses == ["FINALIZED", "FINALIZED", "DRAFT", "DRAFT"]


def test_quirk_bare_totals() -> None:
    with quirky("bare-totals") as bare, quirky("descending") as adjusted:
        one, other = bare.invoices()[1], adjusted.invoices()[1]
    assert one["adjustments"] == other["adjustments"]
    assert one["totals"] != other["totals"]
    items = [money["amount"] for item in one["invoice_items"] for money in item["totals"] if money["currency"] == "USD"]
    assert one["totals"][0]["amount"] == pytest.approx(sum(items))


def test_quirk_bad_id_400() -> None:
    with quirky("bad-id-400") as sandbox:
        assert_error(call(sandbox.url, f"{INVOICES}/x"), 400, 3, "not a valid UUID")
        assert call(sandbox.url, f"{INVOICES}/00000000-0000-4000-8000-000000000000").status == 404


@pytest.mark.parametrize(
    "options", [{"months": -1}, {"clusters": -1}, {"lines": 0}, {"quirks": ["no such"]}, {"today": "yesterday"}]
)
def test_options_that_make_no_sense(options: dict[str, t.Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        Sandbox(**options)


def test_api_prefix() -> None:
    with Sandbox(months=1, clusters=1, api_prefix="cloud/v2/") as sandbox:
        assert sandbox.url.endswith("/cloud/v2")
        assert call(sandbox.url).status == 200
        assert call(sandbox.url.replace("/cloud/v2", "")).status == 404
        assert call(sandbox.url, "/_sandbox/requests", key=None).status == 200
