# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An invoice that is added up as soon as it is read counts as it would whole."""

from __future__ import annotations

import datetime
import functools
import typing as t

import pytest

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._costs import GROUPS, analyse, digest
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._credential import Layer
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._errors import OptionsError, ResponseError
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._invoices import gather_invoices
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._options import (
    CONNECTION_SPEC,
    Connection,
    Selection,
    read_connection,
)
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._periods import Months
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._api import KEY, Api
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._data import invoice

NOW = datetime.datetime(2026, 3, 11, tzinfo=datetime.timezone.utc)
YEAR = [invoice(f"2026-{month:02d}", status="DRAFT" if month == 3 else "FINALIZED") for month in (1, 2, 3)]


def connect(api: Api) -> Connection:
    options = {name: spec.get("default") for name, spec in CONNECTION_SPEC.items()}
    layer = Layer({"api_key": KEY}, "option {option}")
    return read_connection({**options, "api_url": api.url}, [layer], environment_of="this test")


@pytest.mark.parametrize(
    ("group_by", "compare"),
    [
        ([], None),
        (["cluster", "label:team"], None),
        (["period", "description"], "previous"),
        (list(GROUPS), "previous"),
    ],
)
def test_digests_give_what_the_invoices_give(group_by: list[str], compare: str | None) -> None:
    options: dict[str, t.Any] = {"group_by": group_by, "credit_rate": 0.9, "compare": compare, "now": NOW}
    digests = [digest(one, group_by) for one in YEAR]
    whole = analyse(YEAR[1:], before=YEAR[:1], **options)
    assert whole["costs"]
    assert whole["forecast"]
    assert analyse(digests[1:], before=digests[:1], **options) == whole


def test_a_digest_holds_nothing_of_the_bulk() -> None:
    kept = digest(YEAR[0], ["period"])
    assert set(kept) == {"invoice_id", "period_start"}
    assert [sums.invoice.raw for sums in kept.books.invoices] == [{}]


def test_invoices_are_digested_while_they_are_read(api: Api) -> None:
    api.expect(answer={"invoices": YEAR[::-1]})
    digests = gather_invoices(connect(api), Selection(), functools.partial(digest, group_by=["period"]))
    assert [dict(one) for one in digests] == [
        {"invoice_id": one["invoice_id"], "period_start": one["period_start"]} for one in YEAR
    ]
    assert analyse(digests, group_by=["period"], now=NOW) == analyse(YEAR, group_by=["period"], now=NOW)


def test_what_was_not_asked_for_is_not_looked_at(api: Api) -> None:
    broken = dict(YEAR[0], invoice_items="no list")
    api.expect(answer={"invoices": [broken, YEAR[1]]})
    february = Selection(months=Months(2026 * 12 + 1, 2026 * 12 + 1))
    digests = gather_invoices(connect(api), february, functools.partial(digest, group_by=["period"]))
    assert analyse(digests) == analyse(YEAR[1:2])


def test_what_was_asked_for_and_is_broken_is_an_error(api: Api) -> None:
    api.expect(answer={"invoices": [dict(YEAR[0], invoice_items="no list")]})
    with pytest.raises(ResponseError, match="invoice_items"):
        gather_invoices(connect(api), Selection(), functools.partial(digest, group_by=["period"]))


def test_a_wrong_group_is_an_error() -> None:
    with pytest.raises(OptionsError, match="colour"):
        digest(YEAR[0], ["colour"])
