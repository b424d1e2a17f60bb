# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures for the tests of all plugins."""

from __future__ import annotations

import os
import typing as t

import pytest
from hypothesis import settings

from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._api import Api, serve

# The machine may be busy, so that no single example has a deadline. In CI the examples are always the same, so that a
# red run means a change; everywhere else they are new ones each time, which is how mistakes are found.
settings.register_profile(
    "collection", deadline=None, max_examples=50, database=None, derandomize=bool(os.environ.get("CI"))
)
settings.load_profile("collection")


@pytest.fixture
def api() -> t.Iterator[Api]:
    """Return a server that answers what the test expects; one that differs, is too many or missing is a failure."""
    with serve() as server:
        yield server
