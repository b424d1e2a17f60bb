# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the tools and tests of this checkout.

"""Where the checkout lies, which files belong to it, and the environment that its tools run in."""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache"
BIN = pathlib.Path(sys.prefix) / "bin"
COLLECTION = pathlib.Path("ansible_collections", "cockroachdb_cloud", "billing")
# What could change which Ansible, Python or packages a tool meets; the key of an account reaches the demo alone.
FOREIGN = ("ANSIBLE_", "COCKROACH_", "GIT_DIR", "GIT_INDEX", "GIT_WORK", "PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV")


def files() -> list[pathlib.Path]:
    """Return the relative paths of all files that belong to the checkout: uncommitted ones too, ignored ones not."""
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    paths = {pathlib.Path(name) for name in listed.split("\0") if name}
    return sorted(path for path in paths if (ROOT / path).is_file())


def copy_tree(name: str) -> pathlib.Path:
    """Copy the checkout's files to where Ansible's own tools want a collection to stand.

    :param name: names the copy; what runs at the same time uses copies of its own.
    :returns: the collection's folder, which ends in C(ansible_collections/cockroachdb_cloud/billing).
    """
    tree = CACHE / "trees" / name
    shutil.rmtree(tree, ignore_errors=True)
    for path in files():
        copy = tree / COLLECTION / path
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / path, copy, follow_symlinks=False)
    # Ansible's tools ask git for the files, and the checkout's own git would answer that it ignores them all.
    subprocess.run(["git", "init", "--quiet", "--template=", str(tree / COLLECTION)], check=True)
    return tree / COLLECTION


def environment(**further: str) -> dict[str, str]:
    """Return the environment for a child: this virtual environment first, nothing of the user's Ansible or account."""
    loopback = {
        name: ",".join(filter(None, ["127.0.0.1,localhost", os.environ.get(name, "")]))
        for name in ("NO_PROXY", "no_proxy")
    }
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)},
        **loopback,
        "ANSIBLE_CONFIG": str(ROOT / "tests" / "tools" / "ansible.cfg"),
        "ANSIBLE_HOME": str(CACHE / "ansible"),
        "ANSIBLE_REMOTE_TMP": str(CACHE / "ansible" / "remote"),
        "PATH": os.pathsep.join([str(BIN), os.environ.get("PATH", os.defpath)]),
        **further,
    }
