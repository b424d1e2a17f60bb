# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Build the tarball and check it as Galaxy does on an upload: what is inside, and what its importer says."""

from __future__ import annotations

import pathlib
import subprocess
import sys
import tarfile
import typing as t

import yaml
from _checkout import BIN, CACHE, ROOT, environment, files
from _install import build

# What a user, a documentation build or a certification needs; all else of the checkout is for developers.
SHIPPED = (
    "CHANGELOG.md",
    "CHANGELOG.rst",
    "CODE_OF_CONDUCT.md",
    "CONTRIBUTING.md",
    "COPYING",
    "LICENSES",
    "README.md",
    "REUSE.toml",
    "SECURITY.md",
    "changelogs",
    "docs",
    "extensions",
    "meta",
    "playbooks",
    "plugins",
    "tests/config.yml",
)
OF_THE_BUILD = {"FILES.json", "MANIFEST.json"}

IMPORTER = {
    "GALAXY_IMPORTER_CHECK_CHANGELOG": "true",
    "GALAXY_IMPORTER_CHECK_REQUIRED_TAGS": "true",
    "GALAXY_IMPORTER_REQUIRE_V1_OR_GREATER": "true",
    "GALAXY_IMPORTER_RUN_ANSIBLE_DOC": "true",
    "GALAXY_IMPORTER_RUN_ANSIBLE_LINT": "true",
}


def expected() -> set[str]:
    """Return the paths that the tarball has to hold, no more and no less."""
    shipped = {str(path) for path in files() if any(path.is_relative_to(name) for name in SHIPPED)}
    return shipped | OF_THE_BUILD


def wrong_contents(tarball: pathlib.Path) -> list[str]:
    """Return a line for each file that is in the tarball and should not be, or the other way round."""
    with tarfile.open(tarball) as archive:
        held = {member.name.removeprefix("./") for member in archive if not member.isdir()}
    wrong = [f"in the tarball, not expected there (build_ignore in galaxy.yml): {name}" for name in held - expected()]
    wrong += [f"not in the tarball, expected there: {name}" for name in expected() - held]
    wrong += [f"not in the checkout, expected there: {name}" for name in SHIPPED if not (ROOT / name).exists()]
    return sorted(wrong)


def wrong_version() -> list[str]:
    """Return a line when the version of galaxy.yml is neither in the changelog nor waits for it in fragments."""
    version = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))["version"]
    changelog: dict[str, t.Any] = yaml.safe_load((ROOT / "changelogs" / "changelog.yaml").read_text(encoding="utf-8"))
    fragments = [path for path in files() if path.parts[:2] == ("changelogs", "fragments")]
    if version in changelog["releases"] or fragments:
        return []
    return [f"the changelog does not know version {version}, and there is no fragment for it"]


def importer_says(tarball: pathlib.Path) -> list[str]:
    """Run galaxy-importer over the tarball and return its warnings and errors."""
    folder = CACHE / "importer"
    folder.mkdir(parents=True, exist_ok=True)
    env = environment(**IMPORTER, GALAXY_IMPORTER_ANSIBLE_LOCAL_TMP=str(folder), HOME=str(CACHE / "home"))
    command = [str(BIN / "python"), "-m", "galaxy_importer.main", str(tarball)]
    done = subprocess.run(
        command, cwd=folder, env=env, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode:
        return done.stdout.splitlines()
    return [line for line in done.stdout.splitlines() if line.startswith(("WARNING", "ERROR", "CRITICAL"))]


def main() -> int:
    """Return how many of the checks have found something."""
    tarball = build()
    checks = {
        "contents": wrong_contents(tarball),
        "version": wrong_version(),
        "galaxy-importer": importer_says(tarball),
    }
    for name, wrong in checks.items():
        print("\n".join([f"{'FAILED' if wrong else 'ok':8}{name}", *wrong]), flush=True)
    print(f"{tarball.relative_to(ROOT)}, {tarball.stat().st_size / 1024:.0f} KiB")
    return sum(map(bool, checks.values()))


if __name__ == "__main__":
    sys.exit(main())
