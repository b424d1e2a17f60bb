# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures for the tests of TLS and proxies."""

from __future__ import annotations

import pytest

from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins.faults._tls import Authority


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Return a CA for servers on the loopback address."""
    trustme = pytest.importorskip("trustme")
    folder = tmp_path_factory.mktemp("ca")
    ca = trustme.CA()
    ca.cert_pem.write_to_path(folder / "good.pem")
    trustme.CA().cert_pem.write_to_path(folder / "other.pem")
    (folder / "garbage.pem").write_text("this is no certificate\n", encoding="utf-8")
    return Authority(ca, *(str(folder / f"{name}.pem") for name in Authority._fields[1:]))
