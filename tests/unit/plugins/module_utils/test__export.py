# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the module invoice_export cannot show: paths and numbers that do not come through the API."""

from __future__ import annotations

import os
import pathlib

import pytest

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._errors import OptionsError, ResponseError
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._export import Table, check_dest, write_table


@pytest.mark.parametrize("dest", ["", "  "])
def test_an_empty_dest(dest: str) -> None:
    with pytest.raises(OptionsError, match="dest is empty"):
        check_dest(dest)


def test_a_folder_that_this_user_may_not_write_to(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Root may write everywhere, so that a folder without the permission would show nothing where root runs the tests.
    monkeypatch.setattr(os, "access", lambda *_arguments: False)
    with pytest.raises(OptionsError, match="this user may not write"):
        check_dest(f"{tmp_path / 'lines.csv'}")


@pytest.mark.parametrize("number", [float("inf"), float("nan")])
def test_a_number_that_json_does_not_have(tmp_path: pathlib.Path, number: float) -> None:
    with pytest.raises(ResponseError, match="too large"):
        write_table(f"{tmp_path / 'lines.json'}", Table((), [{"amount": number}]), "json")


@pytest.mark.parametrize(("file_format", "text"), [("json", "[]\n"), ("jsonl", ""), ("csv", "amount\r\n")])
def test_no_rows(tmp_path: pathlib.Path, file_format: str, text: str) -> None:
    path = tmp_path / "lines"
    assert write_table(f"{path}", Table(("amount",), []), file_format) == 0
    assert path.read_bytes() == text.encode()
