# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the tools of this checkout.

"""Build the collection and install it into the virtual environment, as a user would, when a file of it has changed."""

from __future__ import annotations

import hashlib
import pathlib
import subprocess
import sys
import sysconfig

from _checkout import BIN, COLLECTION, ROOT, environment, files

BUILD = ROOT / "build"
# Ansible looks for collections beside its own package: no variable has to be set to use what is installed here.
SITE_PACKAGES = pathlib.Path(sysconfig.get_path("purelib"))


def build(folder: pathlib.Path = BUILD) -> pathlib.Path:
    """Build the tarball of the collection into a folder and return its path.

    :raises SystemExit: C(ansible-galaxy) failed; the text is what it said.
    """
    for old in folder.glob("cockroachdb_cloud-billing-*.tar.gz"):
        old.unlink()
    galaxy("build", "--force", f"--output-path={folder}", str(ROOT))
    (tarball,) = folder.glob("cockroachdb_cloud-billing-*.tar.gz")
    return tarball


def install() -> None:
    """Install the collection into this virtual environment, unless just these files are installed already."""
    stamp = pathlib.Path(sys.prefix) / ".installed-collection"
    digest = _digest()
    if (SITE_PACKAGES / COLLECTION).is_dir() and stamp.is_file() and stamp.read_text(encoding="utf-8") == digest:
        return
    print("Building the collection and installing it into .venv", flush=True)
    galaxy("install", "--force", "--offline", f"--collections-path={SITE_PACKAGES}", str(build()))
    stamp.write_text(digest, encoding="utf-8")


def galaxy(*arguments: str) -> None:
    """Run C(ansible-galaxy collection) quietly.

    :raises SystemExit: it failed; the text is what it said.
    """
    command = [str(BIN / "ansible-galaxy"), "collection", *arguments]
    env = environment(ANSIBLE_COLLECTIONS_PATH=str(SITE_PACKAGES))
    done = subprocess.run(
        command, cwd=ROOT, env=env, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode:
        raise SystemExit(done.stdout)


def _digest() -> str:
    """Return a digest of the names and bytes of all files of the checkout that can end up in the tarball."""
    digest = hashlib.sha256()
    for path in files():
        if path.parts[0] != "tests" and not path.parts[0].startswith("."):
            content = (ROOT / path).read_bytes()
            digest.update(f"{path} {len(content)}\n".encode() + content)
    return digest.hexdigest()
