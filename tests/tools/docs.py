# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Build the guides and the pages of the plugins as HTML: antsibull-docs, then Sphinx, without the network.

Every warning is an error, a reference to something that is not there too.
"""

from __future__ import annotations

import pathlib
import shutil
import subprocess
import typing as t

import yaml
from _checkout import BIN, CACHE, ROOT, copy_tree, environment

NAME = "cockroachdb_cloud.billing"
SITE = CACHE / "docs"
HTML = ROOT / "build" / "docs"

# What sphinx-init writes expects the network, for references to the documentation of ansible-core. Those stay without a
# link, and those to playbooks; any other reference that leads nowhere is an error.
SETTINGS = r"""
intersphinx_mapping = {}
nitpick_ignore_regex = [
    ("std:ref", r"ansible_collections\.ansible\.builtin\..*|ansible_configuration_settings|common_return_values"),
    ("std:ref", r"ansible_collections\.cockroachdb_cloud\.billing\..*_playbook"),  # playbooks have no pages
]
"""


def step(*command: str, env: t.Mapping[str, str]) -> None:
    """Run one step; what a content one says is shown to nobody.

    :raises SystemExit: it failed; the text is what it said.
    """
    done = subprocess.run(
        [str(BIN / command[0]), *command[1:]],
        cwd=SITE,
        env=env,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode:
        raise SystemExit(done.stdout)


def copy_sources() -> pathlib.Path:
    """Copy the collection, less its changelog as long as no release is in it, and return the folder to look in."""
    tree = copy_tree("docs")
    changelog = yaml.safe_load((tree / "changelogs" / "changelog.yaml").read_text(encoding="utf-8"))
    if not changelog["releases"]:
        (tree / "docs" / "docsite" / "config.yml").unlink(missing_ok=True)
    return tree.parents[2]


def main() -> None:
    """Build everything anew, so that no page stays whose source is gone."""
    for folder in (SITE, HTML):
        shutil.rmtree(folder, ignore_errors=True)
    SITE.mkdir(parents=True, mode=0o700)
    # Without the scan, what an earlier `make demo` installed into .venv would be documented in places.
    env = environment(ANSIBLE_COLLECTIONS_PATH=str(copy_sources()), ANSIBLE_COLLECTIONS_SCAN_SYS_PATH="false")
    step(
        *("antsibull-docs", "sphinx-init", "--use-current", "--squash-hierarchy", "--dest-dir=."),
        *(f"--project={NAME}", f"--copyright={NAME} contributors", f"--title={NAME}"),
        NAME,
        env=env,
    )
    with (SITE / "conf.py").open("a", encoding="utf-8") as settings:
        settings.write(SETTINGS)
    (SITE / "rst").chmod(0o700)
    step(
        *("antsibull-docs", "--config-file=antsibull-docs.cfg", "collection", "--cleanup=everything", "--use-current"),
        *("--squash-hierarchy", "--dest-dir=rst", NAME),
        env=env,
    )
    step(
        "sphinx-build", "-q", "-b", "html", "-c", ".", "-d", "doctrees", "-W", "--keep-going", "rst", str(HTML), env=env
    )
    print(HTML / "index.html")


if __name__ == "__main__":
    main()
