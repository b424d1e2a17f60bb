# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the tests of a module that has an action plugin in both ways: nobody can tell the two apart."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins import _run

BOTH_WAYS = ("test_invoice_info", "test_cost_info")


def pytest_generate_tests(metafunc: t.Any) -> None:
    """Double the tests of these files, where the controller's part of ansible-core is there."""
    if metafunc.module.__name__.endswith(BOTH_WAYS):
        ways = ["module", "in place"] if _run.has_controller() else ["module"]
        metafunc.parametrize("way", ways, indirect=True)


@pytest.fixture(autouse=True)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run modules in this way for the length of a test."""
    monkeypatch.setattr(_run, "IN_PLACE", getattr(request, "param", "module") == "in place")
