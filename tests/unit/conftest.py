# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make plain C(pytest tests/unit) work from a checkout: the collection is importable under its own name.

Under ansible-test the tree is in place already. The sandbox, whose server all tests use, is a package beside a script.
"""

from __future__ import annotations

import atexit
import os
import pathlib
import shutil
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]


def _load_collection() -> None:
    if ROOT.parts[-3:] == ("ansible_collections", "cockroachdb_cloud", "billing"):
        return
    tree = pathlib.Path(tempfile.mkdtemp(prefix="billing-tree-"))
    atexit.register(shutil.rmtree, tree, ignore_errors=True)
    namespace = tree / "ansible_collections" / "cockroachdb_cloud"
    namespace.mkdir(parents=True)
    (namespace / "billing").symlink_to(ROOT)
    os.environ["ANSIBLE_COLLECTIONS_PATH"] = str(tree)

    from ansible.plugins.loader import init_plugin_loader

    init_plugin_loader([str(tree)])


_load_collection()
sys.path.insert(0, str(ROOT / "tests" / "sandbox"))
