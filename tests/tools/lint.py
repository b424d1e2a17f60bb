# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the linters, two at a time, and show what those say that find something. Arguments pick some by name."""

from __future__ import annotations

import argparse
import concurrent.futures
import dataclasses
import os
import pathlib
import re
import subprocess
import sys
import time
import typing as t

from _checkout import BIN, COLLECTION, ROOT, copy_tree, environment

SOURCES = ("plugins", "extensions", "tests")
# Below these, files are imported by their name in the collection; in other folders of tests/ they import one another.
OF_ANSIBLE_TEST = ("integration", "unit")
# The files of GitHub, and the schema of check-jsonschema that each has to keep.
SCHEMAS = {
    "dependabot": ("vendor.dependabot", (".github/dependabot.yml",)),
    "forms": ("vendor.github-issue-forms", (".github/ISSUE_TEMPLATE/bug.yml", ".github/ISSUE_TEMPLATE/wish.yml")),
    "forms-config": ("vendor.github-issue-config", (".github/ISSUE_TEMPLATE/config.yml",)),
    "workflows": ("vendor.github-workflows", (".github/workflows/ci.yml", ".github/workflows/release.yml")),
}


# The folder of a copy in what a linter says: what follows is the path in the checkout.
COPY = re.compile(rf"{COLLECTION}/|[./\w-]*/antsibull-docs-\w+/")


@dataclasses.dataclass(frozen=True)
class Linter:
    """One command; it runs in the checkout, or in a copy that stands where Ansible wants a collection."""

    name: str
    command: tuple[str, ...]
    cwd: pathlib.Path = ROOT
    env: t.Mapping[str, str] = dataclasses.field(default_factory=dict)


def linters() -> list[Linter]:
    """Return the linters, the slow ones first."""
    collection = copy_tree("lint")
    root = collection.parents[2]
    sources = [str(COLLECTION / name) for name in SOURCES if (collection / name).is_dir()]
    own = [folder for folder in sorted((collection / "tests").iterdir()) if folder.name not in OF_ANSIBLE_TEST]
    mypy_path = os.pathsep.join(map(str, [root, *own]))
    in_tree = {"ANSIBLE_COLLECTIONS_PATH": str(root)}
    config = f"--config-file={ROOT / 'pyproject.toml'}"
    docs = ("antsibull-docs", "lint-collection-docs", "--plugin-docs", "--validate-collection-refs=all", ".")
    return [
        Linter("mypy", ("mypy", config, *sources), root, {"MYPYPATH": mypy_path}),
        Linter("ansible-lint", ("ansible-lint", "--offline", "--strict", "--nocolor"), collection, in_tree),
        Linter("docs", docs, collection, in_tree),
        Linter("reuse", ("reuse", "lint")),
        Linter("changelog", ("antsibull-changelog", "lint")),
        Linter("yamllint", ("yamllint", "--strict", ".")),
        Linter("ruff", ("ruff", "check", ".")),
        Linter("format", ("ruff", "format", "--diff", ".")),
        Linter("zizmor", ("zizmor", "--offline", "--no-progress", "--quiet", "--persona=pedantic", ".github")),
        *(
            Linter(name, ("check-jsonschema", f"--builtin-schema={schema}", *paths))
            for name, (schema, paths) in SCHEMAS.items()
        ),
    ]


def lint(linter: Linter) -> bool:
    """Run one linter, show how it went and what it has found, and return whether that is nothing."""
    start = time.monotonic()
    command = [str(BIN / linter.command[0]), *linter.command[1:]]
    done = subprocess.run(
        command,
        cwd=linter.cwd,
        env=environment(**linter.env),
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    took = f"{linter.name:13}{time.monotonic() - start:5.1f} s"
    if done.returncode == 0:
        print(f"ok      {took}", flush=True)
    else:
        said = COPY.sub("", done.stdout).rstrip()
        print(f"FAILED  {took}\n{said}\n", flush=True)
    return done.returncode == 0


def main() -> int:
    """Run the linters that the command line names, or all, and return how many have found something."""
    known = {linter.name: linter for linter in linters()}
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join(known))
    parser.add_argument("--skip", action="append", default=[], choices=known, help="leave one out")
    options = parser.parse_args()
    for name in options.names:
        if name not in known:
            parser.error(f"there is no linter {name}, but {', '.join(known)}")
    chosen = [known[name] for name in options.names or known if name not in options.skip]
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        return list(pool.map(lint, chosen)).count(False)


if __name__ == "__main__":
    sys.exit(main())
