# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the tools of this checkout.

"""Which versions are tested with one another, what came out, and the table of that in the README."""

from __future__ import annotations

import json
import pathlib
import typing as t

from _checkout import CACHE, ROOT

# https://docs.ansible.com/ansible/latest/reference_appendices/release_and_maintenance.html
# Each ansible-core with one of the Pythons that it supports.
CONTROLLERS = {
    "2.16": ("3.10",),
    "2.17": ("3.11",),
    "2.18": ("3.11",),
    "2.19": ("3.13",),
    "2.20": ("3.13",),
    "2.21": ("3.13", "3.14"),
}
NEWER = "newer"  # what the package index has above these, pre-releases too
# What each Python on a target is tested with: ansible-core and requests. Pythons older than 3.8 are not ours.
TARGETS = {
    "3.8": (("2.16", "2.29"), ("2.19", "newest")),
    "3.9": (("2.21", "2.31"),),
    "3.10": (("2.17", "newest"),),
    "3.11": (("2.18", "2.29"),),
    "3.12": (("2.20", "newest"),),
    "3.13": (("2.21", "newest"),),
    "3.14": (("2.21", "newest"),),
}
# What pip installs for each of these; requests 2.29 is of the time before urllib3 2.
REQUESTS = {"2.29": ("requests == 2.29.*", "urllib3 < 2"), "2.31": ("requests == 2.31.*",), "newest": ("requests",)}


class Row(t.NamedTuple):
    """A controller alone, or with a target of another Python and a chosen requests."""

    core: str
    python: str
    target: str = ""
    requests: str = ""

    def __str__(self) -> str:
        target = f"-target{self.target}-requests{self.requests}" if self.target else ""
        return f"core{self.core}-py{self.python}{target}"

    @property
    def outcome(self) -> pathlib.Path:
        """The file that is there once it has run, with the full versions and whether it passed."""
        return CACHE / "matrix" / f"{self}.json"

    def record(self, **outcome: str) -> None:
        """Write down what came out."""
        self.outcome.parent.mkdir(parents=True, exist_ok=True)
        self.outcome.write_text(json.dumps(outcome), encoding="utf-8")

    def recorded(self) -> dict[str, str]:
        """Return what came out; nothing when it has not run."""
        return dict(json.loads(self.outcome.read_text(encoding="utf-8"))) if self.outcome.is_file() else {}


ROWS = [Row(core, python) for core, pythons in CONTROLLERS.items() for python in pythons]
ROWS.append(Row(NEWER, "3.13"))
ROWS += [
    Row(core, CONTROLLERS[core][0], target, requests) for target, tested in TARGETS.items() for core, requests in tested
]
# The oldest and the newest controller, and the oldest and the newest target that many machines have.
QUICK = [
    Row("2.16", "3.10"),
    Row("2.21", "3.13"),
    Row("2.16", "3.10", "3.8", "2.29"),
    Row("2.21", "3.13", "3.13", "newest"),
]


def table() -> str:
    """Return the outcomes as a table in Markdown, with a line for each ansible-core."""
    lines: dict[str, tuple[list[str], list[str]]] = {}
    for row in ROWS:
        if found := row.recorded():
            what = f"{row.target} and requests {found['requests']}" if row.target else row.python
            cells = lines.setdefault(found["core"], ([], []))
            cells[bool(row.target)].append(f"{what}: {found['verdict']}")
    grid: list[tuple[str, ...]] = [("ansible-core", "Python", "Python on the target"), ("---", "---", "---")]
    grid += [(core, *map(", ".join, cells)) for core, cells in lines.items()]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in grid)


def write_readme() -> None:
    """Put the table between the two markers of the README, if nothing is missing that many machines have."""
    if not all(row.recorded() for row in ROWS if "3.14" not in row and row.core != NEWER):
        return
    path = ROOT / "README.md"
    before, begin, rest = path.read_text(encoding="utf-8").partition("<!-- matrix:begin -->\n")
    _old, end, after = rest.partition("<!-- matrix:end -->")
    path.write_text(f"{before}{begin}\n{table()}\n{end}{after}", encoding="utf-8")
