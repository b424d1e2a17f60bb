# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests of the documentation share: a path with the collection alone, a sandbox, a folder to work in."""

from __future__ import annotations

import datetime
import pathlib
import sys
import typing as t

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / name) for name in ("docs", "sandbox", "tools")]

import _checkout  # noqa: E402 (it lies on the path that was just set)
import _examples  # noqa: E402
import billing_sandbox  # noqa: E402

KEY = "sandbox-key"


@pytest.fixture(scope="session")
def collections(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Return a folder for ANSIBLE_COLLECTIONS_PATH in which the checkout stands as the collection."""
    folder = tmp_path_factory.mktemp("collections")
    namespace = folder / "ansible_collections" / "cockroachdb_cloud"
    namespace.mkdir(parents=True)
    (namespace / "billing").symlink_to(ROOT)
    return folder


@pytest.fixture(scope="session")
def sandbox() -> t.Iterator[billing_sandbox.Sandbox]:
    """Run a sandbox with all months of this year, late in this month, so that the draft holds something on any day."""
    today = f"{datetime.datetime.now(datetime.timezone.utc):%Y-%m}-25"
    with billing_sandbox.Sandbox(months=14, today=today) as running:
        yield running


@pytest.fixture
def runner(tmp_path: pathlib.Path, collections: pathlib.Path, sandbox: billing_sandbox.Sandbox) -> _examples.Runner:
    """Return what runs examples in a fresh folder, with the key of the sandbox in the environment."""
    remote = tmp_path / "ansible" / "remote"
    remote.mkdir(parents=True)
    environment = _checkout.environment(
        ANSIBLE_COLLECTIONS_PATH=str(collections),
        # Without the scan, what an earlier `make demo` installed into .venv could be run instead.
        ANSIBLE_COLLECTIONS_SCAN_SYS_PATH="false",
        ANSIBLE_HOME=str(tmp_path / "ansible"),
        ANSIBLE_PIPELINING="true",  # quicker
        ANSIBLE_REMOTE_TMP=str(remote),
        COCKROACH_API_KEY=KEY,
        COCKROACH_API_JWT=billing_sandbox.JWT,
        COCKROACH_SERVER=sandbox.url,
        COCKROACH_VANITY_NAME=billing_sandbox.VANITY_NAME,
        HOME=str(tmp_path),
        PIP_NO_INDEX="1",  # no example installs anything into the environment that runs the tests
        PWD=str(tmp_path),
    )
    folder = tmp_path / "work"
    folder.mkdir()
    return _examples.Runner(folder, environment)
