# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the unit and integration tests with every supported ansible-core, Python and requests, and print tables of it.

A controller is an ansible-core on a Python: all unit tests and all integration targets run with it. A target is a
Python with a requests, as a module meets them on a host: ansible-test runs the unit tests of modules and module_utils
with it, and the integration targets, whose modules C(ansible-playbook) starts there from a controller of its own.

Pythons that the machine lacks are skipped and named. What each step printed stays in C(.cache/matrix/), the outcome in
C(.cache/matrix.json). A run of everything writes the tables into the README.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import contextlib
import dataclasses
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import typing as t

from _checkout import CACHE, ROOT, copy_tree, environment
from ansible_test import HOME as TEST_HOME
from ansible_test import Controller, find_python, made_controller, make_venv, provide_home, provide_pip, this_controller

LOGS = CACHE / "matrix"
OUTCOME = CACHE / "matrix.json"
README = ROOT / "README.md"
MARKERS = ("<!-- matrix:begin -->", "<!-- matrix:end -->")
STEP_TIMEOUT = 1800  # seconds; a hang must not hold up the rest

# The Pythons that each ansible-core supports: to run with, and on a target. Those older than 3.8 are not ours.
# https://docs.ansible.com/ansible/latest/reference_appendices/release_and_maintenance.html
SUPPORTED: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "2.16": (("3.10", "3.11", "3.12"), ("3.8", "3.9", "3.10", "3.11", "3.12")),
    "2.17": (("3.10", "3.11", "3.12"), ("3.8", "3.9", "3.10", "3.11", "3.12")),
    "2.18": (("3.11", "3.12", "3.13"), ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13")),
    "2.19": (("3.11", "3.12", "3.13"), ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13")),
    "2.20": (("3.12", "3.13", "3.14"), ("3.9", "3.10", "3.11", "3.12", "3.13", "3.14")),
    "2.21": (("3.12", "3.13", "3.14"), ("3.9", "3.10", "3.11", "3.12", "3.13", "3.14")),
}
TARGET_PYTHONS = ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14")
# A run of everything that the README shows has at least these.
WANTED_PYTHONS = TARGET_PYTHONS[:-1]

# What pip installs for each column of the targets' table; requests 2.29 is of the time before urllib3 2.
REQUESTS = {
    "2.29": ("requests == 2.29.*", "urllib3 < 2"),
    "2.31": ("requests == 2.31.*",),
    "newest": ("requests",),
}

# The steps under way, and whether no more are to begin.
_RUNNING: set[subprocess.Popen[bytes]] = set()
_STOPPING = threading.Event()

Verdict = t.Literal["passed", "failed"]


@dataclasses.dataclass(frozen=True)
class Row:
    """One combination: a controller alone, or with a target of another Python and a chosen requests."""

    core: str
    python: str
    target: str = ""
    requests: str = ""
    steps: tuple[str, ...] = ("units", "integration")

    @property
    def name(self) -> str:
        name = f"core{self.core}-py{self.python}"
        return f"{name}-target{self.target}-requests-{self.requests}" if self.target else name


@dataclasses.dataclass
class Result:
    """What became of a row."""

    row: Row
    core: str = ""  # as 2.16.19
    requests: str = ""  # as 2.29.0, on the target if there is one
    unit: str = ""  # "passed", "failed", or empty when they were not run
    integration: str = ""
    tests: int = 0  # unit tests that passed
    seconds: float = 0.0
    commit: str = ""
    note: str = ""

    @property
    def verdict(self) -> Verdict:
        return "passed" if {self.unit, self.integration} <= {"passed", ""} and not self.note else "failed"


def main() -> int:
    """Run the rows that the arguments choose and return 1 if one of them failed."""
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    start = time.monotonic()
    pythons = _pythons()
    everything = not options.quick and not options.only
    rows = _quick_rows(pythons) if options.quick else _rows(pythons)
    rows = [row for row in rows if options.only in row.name]
    if everything or not rows:
        rows += [row for row in _newer_rows(pythons) if options.only in row.name]
    if not rows:
        raise SystemExit("No row is left to run.")
    earlier = {row: result for row, result in _passed_earlier().items() if row in rows} if options.again else {}
    if not options.again:
        shutil.rmtree(LOGS, ignore_errors=True)
    LOGS.mkdir(parents=True, exist_ok=True)
    provide_home()
    results = _run(rows, earlier, options.jobs)
    tables = _tables(results, pythons)
    minutes, seconds = divmod(round(time.monotonic() - start), 60)
    print(f"\n{tables}\n{len(rows) - len(earlier)} combinations in {minutes} min {seconds} s.", flush=True)
    if everything and not _absent(pythons, WANTED_PYTHONS):
        _write_readme(tables)
    return int(any(result.verdict == "failed" for result in results))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument(
        "--quick",
        action="store_true",
        help="the oldest and the newest ansible-core, with the oldest and the newest target; make test runs its own",
    )
    parser.add_argument("--only", default="", metavar="TEXT", help="only the rows whose names contain this")
    parser.add_argument("--again", action="store_true", help="leave out what passed the last time")
    parser.add_argument("--jobs", type=int, default=2, help="how many rows to run at a time (default: %(default)s)")
    return parser.parse_args()


def _pythons() -> dict[str, str]:
    """Return the paths of the Pythons that the machine has, and say which it lacks."""
    paths = {version: _path_of(version) for version in TARGET_PYTHONS}
    for version, path in paths.items():
        if not path:
            print(f"Python {version} is not on this machine: what needs it is skipped.", flush=True)
    return {version: path for version, path in paths.items() if path}


def _path_of(version: str) -> str:
    try:
        return find_python(version)
    except SystemExit:
        return ""


def _absent(pythons: t.Container[str], versions: t.Iterable[str]) -> list[str]:
    return [version for version in versions if version not in pythons]


def _rows(pythons: t.Container[str]) -> list[Row]:
    """Return each supported controller, and each target with the requests of the table.

    The oldest requests meets the oldest ansible-core that supports the target, the newest one the newest.
    """
    rows = [Row(core, python) for core, (own, _target) in SUPPORTED.items() for python in own if python in pythons]
    targets = [version for version in TARGET_PYTHONS if version in pythons]
    for target in targets:
        cores = [core for core in _usable_cores(pythons) if target in SUPPORTED[core][1]]
        if cores:
            rows.append(_target_row(cores[0], target, "2.29", pythons))
            rows.append(_target_row(cores[-1], target, "newest", pythons))
            if target in (targets[0], targets[-1]):
                rows.append(_target_row(cores[-1], target, "2.31", pythons))
    return rows


def _usable_cores(pythons: t.Container[str]) -> list[str]:
    return [core for core, (own, _target) in SUPPORTED.items() if any(python in pythons for python in own)]


def _target_row(core: str, target: str, requests: str, pythons: t.Container[str]) -> Row:
    newest = [python for python in SUPPORTED[core][0] if python in pythons][-1]
    return Row(core, newest, target, requests)


def _quick_rows(pythons: t.Container[str]) -> list[Row]:
    """Return the oldest controller with the oldest target and requests, and the newest with the newest target.

    Unit tests run in the controller's Python, integration targets on the target. What C(make test) uses is left to it.
    """
    cores = _usable_cores(pythons)
    if not cores:
        return []
    rows = []
    for core, place in ((cores[0], 0), (cores[-1], -1)):
        own = [python for python in SUPPORTED[core][0] if python in pythons][place]
        target = [python for python in SUPPORTED[core][1] if python in pythons][place]
        rows.append(Row(core, own, steps=("units",)))
        rows.append(Row(core, own, target, ("2.29", "newest")[place], steps=("integration",)))
    mine = this_controller()
    print(f"make test covers ansible-core {mine.core} on Python {mine.python}.", flush=True)
    return rows


def _run(rows: t.Sequence[Row], earlier: dict[Row, Result], jobs: int) -> list[Result]:
    """Run the rows that have no earlier result, some at a time; environments are made one after the other meanwhile."""
    making = threading.Lock()
    results = dict(earlier)

    def run(row: Row) -> None:
        result = Result(row, commit=_commit())
        try:
            with making:
                controller = made_controller(row.core, row.python)
                provide_pip(row.core)
                target = _target(row)
            _run_row(result, controller, target)
        except SystemExit as error:
            result.note = str(error).strip().splitlines()[-1]
        _say(result)
        with making:
            results[row] = result
            _save([results[row] for row in rows if row in results])

    pool = concurrent.futures.ThreadPoolExecutor(jobs)
    try:
        list(pool.map(run, [row for row in rows if row not in earlier]))
        return [results[row] for row in rows]
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        _STOPPING.set()
        for process in list(_RUNNING):  # None, unless this program is to end early.
            _end(process)


def _newer_rows(pythons: t.Container[str]) -> list[Row]:
    """Return what the package index has above the newest ansible-core of the table, pre-releases too."""
    major, minor = map(int, list(SUPPORTED)[-1].split("."))
    newest = [version for version in TARGET_PYTHONS if version in pythons][-1]
    rows: list[Row] = []
    while True:
        minor += 1
        try:
            made_controller(f"{major}.{minor}", newest)
        except SystemExit as error:
            if "No matching distribution" not in str(error):
                raise
            return rows
        rows.append(Row(f"{major}.{minor}", newest))


def _save(results: t.Sequence[Result]) -> None:
    """Keep what is known so far: a run that is ended early can go on with C(--again)."""
    content = [{**dataclasses.asdict(result), "verdict": result.verdict} for result in results]
    OUTCOME.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _passed_earlier() -> dict[Row, Result]:
    """Return what C(OUTCOME) has of rows that passed."""
    if not OUTCOME.is_file():
        return {}
    results = {}
    for content in json.loads(OUTCOME.read_text(encoding="utf-8")):
        verdict = content.pop("verdict")
        row = content.pop("row")
        if verdict == "passed":
            result = Result(Row(**{**row, "steps": tuple(row["steps"])}), **content)
            results[result.row] = result
    return results


def _target(row: Row) -> pathlib.Path | None:
    """Make the environment of a row's target; one with the tests' own needs only where unit tests run in it."""
    if not row.target:
        return None
    tests = ["-r", str(ROOT / "tests" / "requirements" / "target.txt")]
    name = f"target-py{row.target}-requests-{row.requests}"
    # The tests' needs ask for no requests, so that the version under test is what this line says.
    return make_venv(name, row.target, [[*REQUESTS[row.requests], *tests]])


def _run_row(result: Result, controller: Controller, target: pathlib.Path | None) -> None:
    """Run the steps of a row."""
    row = result.row
    start = time.monotonic()
    result.core = _version(controller.bin, "ansible-core")
    result.requests = _version(target / "bin" if target else controller.bin, "requests")
    if "units" in row.steps:
        result.unit, result.tests = _units(row, controller, target)
    if "integration" in row.steps:
        result.integration = _step(row, "integration", _ansible_test(row, controller, target, "integration"))
    result.seconds = round(time.monotonic() - start, 1)


def _say(result: Result) -> None:
    """Say on one line how a row went."""
    row = result.row
    print(
        f"{result.verdict:7} {result.seconds:6.1f} s  {row.name}: ansible-core {result.core}, "
        f"requests {result.requests}, unit tests {result.unit or 'not run'} ({result.tests} passed), "
        f"integration {result.integration or 'not run'}{result.note and ', '}{result.note}",
        flush=True,
    )


def _units(row: Row, controller: Controller, target: pathlib.Path | None) -> tuple[str, int]:
    """Run the unit tests: all of them in the controller's own Python, or what may run on a target in the target's.

    pytest itself is twice as quick as C(ansible-test units), which runs each test in a process of its own; on a target
    without ansible-core nothing but C(ansible-test) can run them.
    """
    if target is None:
        pytest: list[str | os.PathLike[str]] = [
            controller.bin / "python",
            "-m",
            "pytest",
            "tests/unit",
            "-q",
            "-n",
            "2",
        ]
        verdict = _step(row, "units", (pytest, ROOT, _environment(controller)))
    else:
        # What is pure depends on the Python alone: once for each is enough.
        pure = ["tests/unit/plugins/module_utils/"] if row.requests == "newest" else []
        folders = ["--num-workers=2", "tests/unit/plugins/modules/", *pure]
        verdict = _step(row, "units", _ansible_test(row, controller, target, "units", *folders))
    log = (LOGS / f"{row.name}-units.log").read_text(encoding="utf-8", errors="replace")
    return verdict, sum(map(int, re.findall(r"(\d+) passed", log)))


_Command = tuple[t.Sequence["str | os.PathLike[str]"], pathlib.Path, dict[str, str]]


def _ansible_test(
    row: Row, controller: Controller, target: pathlib.Path | None, command: str, *further: str
) -> _Command:
    """Return a command of ansible-test over a copy of the checkout of its own."""
    arguments = ["--local", f"--python={row.python}"]
    if target is not None:
        arguments = [
            f"--controller=origin:python={row.python}@{controller.bin}/python",
            f"--target=controller:python={row.target}@{target}/bin/python",
        ]
    copy = copy_tree(f"matrix-{row.name}-{command}")
    return (
        [controller.bin / "ansible-test", command, "--color=no", *arguments, *further],
        copy,
        _environment(controller, HOME=str(TEST_HOME)),
    )


def _environment(controller: Controller, **further: str) -> dict[str, str]:
    path = f"{controller.bin}{os.pathsep}{environment()['PATH']}"
    return environment(PATH=path, PYTHONDONTWRITEBYTECODE="1", **further)


def _step(row: Row, step: str, command: _Command) -> Verdict:
    """Run a command into a log of its own; show the end of that when it fails, and end all of it when it hangs."""
    if _STOPPING.is_set():
        raise SystemExit("ended early")
    arguments, cwd, env = command
    log = LOGS / f"{row.name}-{step}.log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [os.fspath(argument) for argument in arguments],
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        _RUNNING.add(process)
        try:
            code = process.wait(STEP_TIMEOUT)
        except subprocess.TimeoutExpired:
            code = -1
            file.write(f"Ended after {STEP_TIMEOUT} seconds.\n".encode())
        finally:
            _end(process)
            _RUNNING.discard(process)
    if code:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
        telling = [line for line in lines if step == "units" and re.match(r"FAILED|ERROR|E  ", line)] or lines
        print(
            "\n".join([f"--- {step} of {row.name} failed; {log.relative_to(ROOT)} has it all", *telling[-30:]]),
            flush=True,
        )
        return "failed"
    if cwd != ROOT:
        shutil.rmtree(cwd.parents[2], ignore_errors=True)
    return "passed"


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a step and all that it started in its session."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _version(folder: pathlib.Path, package: str) -> str:
    code = f"from importlib.metadata import version; print(version({package!r}))"
    answer = subprocess.run([str(folder / "python"), "-c", code], check=True, capture_output=True, text=True)
    return answer.stdout.strip()


def _commit() -> str:
    command = ["git", "-c", "safe.directory=*", "describe", "--always", "--dirty"]
    return subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True).stdout.strip()


def _tables(results: t.Sequence[Result], pythons: t.Iterable[str]) -> str:
    """Return the outcome as two tables in Markdown; a cell is empty where there is no such combination."""
    controllers = [result for result in results if not result.row.target]
    targets = [result for result in results if result.row.target]
    columns = [python for python in pythons if any(result.row.python == python for result in controllers)]
    cells = {(result.row.core, result.row.python): result.verdict for result in controllers}
    full = {result.row.core: result.core for result in controllers if result.core}
    table = [["ansible-core", *(f"Python {python}" for python in columns)]]
    table += [
        [full.get(core, core), *(cells.get((core, python), "") for python in columns)]
        for core in dict.fromkeys(result.row.core for result in controllers)
    ]
    text = _markdown(table)
    if not targets:
        return text
    target_cells = {(result.row.target, result.row.requests): _target_cell(result) for result in targets}
    names = [name for name in REQUESTS if any(result.row.requests == name for result in targets)]
    target_table = [["Python on the target", *(f"requests {name}" for name in names)]]
    target_table += [
        [target, *(target_cells.get((target, name), "") for name in names)]
        for target in dict.fromkeys(result.row.target for result in targets)
    ]
    return f"{text}\n{_markdown(target_table)}"


def _target_cell(result: Result) -> str:
    if not result.requests:
        return result.verdict
    return f"{result.requests} with ansible-core {result.row.core}: {result.verdict}"


def _markdown(table: t.Sequence[t.Sequence[str]]) -> str:
    head, *body = table
    lines = [head, ["---"] * len(head), *body]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _write_readme(tables: str) -> None:
    """Put the tables between the two markers of the README."""
    text = README.read_text(encoding="utf-8")
    begin, end = MARKERS
    before, found, rest = text.partition(begin)
    _dummy, found_end, after = rest.partition(end)
    if not found or not found_end:
        raise SystemExit(f"README.md has no lines {begin} and {end} to write the tables between.")
    new = f"{before}{begin}\n\n{tables}\n{end}{after}"
    if new != text:
        README.write_text(new, encoding="utf-8")
        print("README.md has new tables.", flush=True)


if __name__ == "__main__":
    sys.exit(main())
