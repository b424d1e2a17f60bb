# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measure the collection against what a user would do without it, side by side in one run.

Each scenario runs both sides against the same sandbox, in turn, after a warm-up that also checks that they give the
same. C(make bench) runs all of them with the newest ansible-core, C(make bench CORE=2.18) with another one.
"""

from __future__ import annotations

import argparse
import csv
import importlib.metadata
import itertools
import json
import math
import os
import pathlib
import platform
import shutil
import sys
import tempfile
import typing as t

import yaml

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))

from _checkout import BIN, CACHE, copy_tree, environment
from _measure import KEY, Sample, Sandbox, fastest, run
from _report import Comparison, table
from ansible.release import __version__

HERE = pathlib.Path(__file__).resolve().parent
PLAYBOOKS = HERE / "playbooks"
CORE = ".".join(__version__.split(".")[:2])

Command = t.Callable[[], Sample]


class Sizes(t.NamedTuple):
    """How large the sandbox's organization is in each scenario, and how often things are repeated."""

    tasks: int = 40
    ids: int = 50
    months: int = 120
    clusters: int = 100
    lines: int = 10
    export_lines: int = 33
    smaller_months: int = 12
    report_months: int = 24
    report_clusters: int = 600
    rounds: int = 5
    heavy_rounds: int = 3
    short_rounds: int = 15


TINY = Sizes(
    tasks=1,
    ids=2,
    months=10,
    clusters=2,
    lines=1,
    export_lines=2,
    smaller_months=1,
    report_months=3,
    report_clusters=4,
    rounds=1,
    heavy_rounds=1,
    short_rounds=1,
)


class Bench:
    """Where things are, and how a playbook, a module or a plain program is run."""

    def __init__(self, folder: pathlib.Path, sizes: Sizes) -> None:
        self.folder = folder
        self.sizes = sizes
        collection = copy_tree(f"benchmark-{CORE}")
        self._env = environment(
            ANSIBLE_CONFIG=str(HERE / "ansible.cfg"),
            ANSIBLE_COLLECTIONS_PATH=str(collection.parents[2]),
        )

    def play(self, playbook: str | pathlib.Path, *arguments: str, **variables: t.Any) -> Command:
        """Return what runs a playbook."""
        return self._ansible(playbook, arguments, variables, {})

    def start(self) -> Command:
        """Return what runs a play without tasks: the start-up that has nothing to do with either side."""
        return self.play("start.yml")

    def module(self, playbook: str, name: str, **variables: t.Any) -> Command:
        """Return what runs the one module of a playbook in its own process alone, as a task does on its host.

        It is the very file that ansible-core makes of the module and its parameters and hands to Python there.
        """
        remote = pathlib.Path(tempfile.mkdtemp(dir=self.folder))
        self._ansible(playbook, (), variables, {"ANSIBLE_KEEP_REMOTE_FILES": "1", "ANSIBLE_REMOTE_TMP": str(remote)})()
        (payload,) = remote.glob(f"*/AnsiballZ_{name}.py")
        return self.python(str(payload))

    def python(self, *command: str) -> Command:
        """Return what runs a Python program with the Python of the modules."""
        return lambda: run([sys.executable, *command], self._env, self.folder)

    def rows(self, playbook: str, **variables: t.Any) -> t.Any:
        """Run a playbook once and return what it found, as it writes it down itself."""
        path = self.folder / "rows.json"
        self.play(playbook, "--tags=all,rows", rows_file=str(path), **variables)()
        return json.loads(path.read_text(encoding="utf-8"))

    def _ansible(
        self,
        playbook: str | pathlib.Path,
        arguments: t.Sequence[str],
        variables: t.Mapping[str, t.Any],
        further: t.Mapping[str, str],
    ) -> Command:
        given = json.dumps({"api_key": KEY, **variables})
        command = [str(BIN / "ansible-playbook"), *arguments, "-e", given, str(PLAYBOOKS / playbook)]
        return lambda: run(command, {**self._env, **further}, self.folder)


def in_turn(rounds: int, **sides: Command) -> dict[str, list[Sample]]:
    """Run each side once a round, in one order and then in the other, so that none always comes first."""
    samples: dict[str, list[Sample]] = {name: [] for name in sides}
    for number in range(rounds):
        for name in list(sides)[:: -1 if number % 2 else 1]:
            samples[name].append(sides[name]())
    return samples


def less_start(samples: t.Mapping[str, t.Sequence[Sample]], side: str) -> list[Sample]:
    """Return the cost of a side's tasks alone: each run less the start-up of the same round."""
    return [sample.less(start) for sample, start in zip(samples[side], samples["start"], strict=True)]


def check(found: object, expected: object, what: str) -> None:
    """Stop where the two sides do not do the same work.

    :raises SystemExit: they differ.
    """
    if found != expected:
        shown = " and ".join(str(side)[:500] for side in (found, expected))
        raise SystemExit(f"The two sides of {what!r} do not give the same: {shown}")


def rounded(rows: list[dict[str, t.Any]]) -> list[dict[str, t.Any]]:
    """Return rows of costs without the digits in which a sum of doubles is off."""
    return [{**row, "amount": round(row["amount"], 4)} for row in rows]


def totals(rows: list[dict[str, t.Any]]) -> list[float]:
    """Return what rows of costs come to in each currency."""
    currencies = sorted({row["currency"] for row in rows})
    return [sum(row["amount"] for row in rows if row["currency"] == currency) for currency in currencies]


def count_equal_rows(*paths: pathlib.Path) -> int:
    """Return how many rows two CSV files have, where both have the same in whatever order.

    :raises SystemExit: they differ in more than in how a number is written: only ours has none with an exponent.
    """
    tables = []
    for path in paths:
        with path.open(encoding="utf-8", newline="") as file:
            tables.append(sorted("|".join(f"{_plain(cell)}" for cell in row) for row in csv.reader(file)))
    for ours, theirs in itertools.zip_longest(*tables):
        check(ours, theirs, "the export")
    return len(tables[0]) - 1


def _plain(cell: str) -> str | float:
    try:
        return float(cell)
    except ValueError:
        return cell


def one_task(bench: Bench) -> t.Iterator[Comparison]:
    """Compare plays of forty tasks of one kind each, less a play without tasks."""
    kinds = yaml.safe_load((PLAYBOOKS / "tasks" / "one_of_each.yml").read_text(encoding="utf-8"))
    with Sandbox(months=2, clusters=4, lines=3) as sandbox:

        def play(name: str, tasks: list[t.Any]) -> Command:
            playbook = bench.folder / f"{name}.json"
            content = [{"name": name, "hosts": "localhost", "gather_facts": False, "tasks": tasks}]
            playbook.write_text(json.dumps(content), encoding="utf-8")
            return bench.play(playbook, api_url=sandbox.url)

        play("Check that all have the same invoices", kinds)()
        for task in kinds:
            task.pop("register", None)
        plays = {task["name"]: play(task["name"], [task] * bench.sizes.tasks) for task in kinds[:-1]}
        samples = in_turn(bench.sizes.heavy_rounds, start=bench.start(), **plays)
    costs = {name: less_start(samples, name) for name in plays}
    work = "a task, two small invoices"
    for name, target in {"uri": 0.12, "ping": 0.2, "debug": 2.2}.items():
        yield Comparison(work, name, target, costs["Gather with invoice_info"], costs[f"Use {name}"], "user")
    ours, empty = costs["Gather with invoice_info as a module"], costs["Run an empty module"]
    yield Comparison("the same as a module", "uri", 0.9, ours, costs["Use uri"])
    yield Comparison("the same as a module", "an empty module", 1.45, ours, empty)
    # How much of that any module takes that imports requests and has these invoices as its result.
    shortest = costs["Run the shortest module on requests"]
    yield Comparison("the shortest module on requests", "the same", None, shortest, empty)


def many_ids(bench: Bench) -> t.Iterator[Comparison]:
    """Compare a task and a lookup that take ids with what asks for one invoice after the other."""
    number = bench.sizes.ids
    with Sandbox(months=number, clusters=4, lines=3) as sandbox:
        variables = {"api_url": sandbox.url, "ids": sandbox.invoice_ids()}
        sandbox.count_requests()
        playbooks = {
            "module": "ids_module.yml",
            "uri": "ids_uri.yml",
            "lookup": "ids_lookup.yml",
            "url": "ids_url_lookup.yml",
        }
        expected = None
        for playbook in playbooks.values():
            found = bench.rows(playbook, **variables)
            expected = expected or found
            check(found, expected, playbook)
            check(sandbox.count_requests(), number, f"the number of requests of {playbook}")
        file = bench.folder / "invoices.json"
        file.write_text(json.dumps(expected), encoding="utf-8")
        check(bench.rows("ids_hand_on.yml", invoices_file=str(file)), expected, "ids_hand_on.yml")
        floor = bench.play("ids_hand_on.yml", invoices_file=str(file))
        commands = {name: bench.play(playbook, **variables) for name, playbook in playbooks.items()}
        lookups = {name: commands.pop(name) for name in ("lookup", "url")}
        samples = in_turn(bench.sizes.rounds, start=bench.start(), floor=floor, **commands)
        task, uri, least = (less_start(samples, side) for side in ("module", "uri", "floor"))
        samples = in_turn(bench.sizes.short_rounds, start=bench.start(), **lookups)
        lookup, url = (less_start(samples, side) for side in lookups)
    yield Comparison(f"{number} invoices by id, one task", "uri in a loop", 0.05, task, uri)
    # What no task can go below that has all these invoices as its result.
    yield Comparison("a task that only hands them on", "the same", None, least, uri)
    yield Comparison(f"{number} invoices by id, lookup", "url lookups in one expression", 0.5, lookup, url)


def team_costs(bench: Bench) -> t.Iterator[Comparison]:
    """Compare cost_info with uri and Jinja, and with fetching and parsing the same body in plain Python."""
    sizes = bench.sizes
    with Sandbox(months=sizes.months, clusters=sizes.clusters, lines=sizes.lines) as sandbox:
        size = f"{sandbox.size() / 1e6:.1f} MB"
        url = sandbox.url
        found, expected = (bench.rows(playbook, api_url=url) for playbook in ("teams_cost_info.yml", "teams_uri.yml"))
        check(rounded(found), rounded(expected), "cost per team")
        samples = in_turn(
            sizes.heavy_rounds,
            start=bench.start(),
            ours=bench.play("teams_cost_info.yml", api_url=url),
            theirs=bench.play("teams_uri.yml", api_url=url),
        )
        ours, theirs = less_start(samples, "ours"), less_start(samples, "theirs")
        yield Comparison(f"cost per team of {size}, cost_info", "uri and Jinja", 0.1, ours, theirs)
        yield Comparison("the same, peak memory", "the same", 0.3, ours, theirs, "peak")
        samples = in_turn(
            sizes.short_rounds,
            start=bench.start(),
            empty=bench.play("teams_cost_info.yml", api_url=url, api_key=f"{KEY}-empty"),
            ours=bench.play("teams_cost_info.yml", api_url=url),
            module=bench.module("teams_cost_info.yml", "cost_info", api_url=url),
            theirs=bench.python(str(HERE / "plain.py"), "parse", url, KEY),
        )
        plain = samples["theirs"]
        ours = [sample.less(empty) for sample, empty in zip(samples["ours"], samples["empty"], strict=True)]
        work = f"cost_info on {size}, less on no invoices"
        yield Comparison(work, "fetch and parse in Python", 1.8, ours, plain, "user")
        ours = less_start(samples, "ours")
        yield Comparison("the same, less a play without tasks", "the same", None, ours, plain, "user")
        yield Comparison("the module's process alone", "the same", None, samples["module"], plain, "user")


def budgets(bench: Bench) -> t.Iterator[Comparison]:
    """Compare cost_info with two breakdowns and ten budgets with fetching and parsing the same body in plain Python."""
    sizes, playbook = bench.sizes, "budgets_cost_info.yml"
    with Sandbox(months=sizes.months, clusters=sizes.clusters, lines=sizes.lines) as sandbox:
        url = sandbox.url
        check(bench.rows(playbook, api_url=url)["budgets"], 10, "the number of budgets")
        samples = in_turn(
            sizes.short_rounds,
            start=bench.start(),
            ours=bench.play(playbook, api_url=url),
            module=bench.module(playbook, "cost_info", api_url=url),
            theirs=bench.python(str(HERE / "plain.py"), "parse", url, KEY),
        )
        work = f"cost_info on {sandbox.size() / 1e6:.1f} MB, two breakdowns, ten budgets"
    plain = samples["theirs"]
    yield Comparison(work, "fetch and parse in Python", 2.5, less_start(samples, "ours"), plain)
    yield Comparison("the module's process alone", "the same", None, samples["module"], plain)


def owners(bench: Bench) -> t.Iterator[Comparison]:
    """Compare cost_info that finds an owner for each line and shares out the rest with itself without that."""
    sizes, playbook = bench.sizes, "teams_cost_info.yml"
    rules = [{"owner": "storage", "description": "storage"}, {"from": "label:team"}, {"from": "folder"}]
    shared = {"group_by": ["owner"], "owners": rules, "allocate": "proportional"}
    with Sandbox(months=sizes.months, clusters=sizes.clusters, lines=sizes.lines) as sandbox:
        url = sandbox.url
        pairs = zip(*(totals(bench.rows(playbook, api_url=url, **given)) for given in (shared, {})), strict=True)
        check([ours for ours, theirs in pairs if not math.isclose(ours, theirs)], [], "owners")
        samples = in_turn(
            sizes.short_rounds,
            start=bench.start(),
            ours=bench.play(playbook, api_url=url, **shared),
            theirs=bench.play(playbook, api_url=url),
        )
    ours, theirs = less_start(samples, "ours"), less_start(samples, "theirs")
    yield Comparison("cost_info with owners and sharing", "cost_info by team", 1.15, ours, theirs, "user")


def export(bench: Bench) -> t.Iterator[Comparison]:
    """Compare invoice_export with a program in plain Python that writes the same rows."""
    sizes = bench.sizes
    paths = [bench.folder / "ours.csv", bench.folder / "theirs.csv"]
    with Sandbox(months=sizes.months, clusters=sizes.clusters, lines=sizes.export_lines) as sandbox:
        url = sandbox.url

        def anew(command: Command) -> Command:
            """Return what runs a command when there is no file yet."""

            def command_without_files() -> Sample:
                for path in paths:
                    path.unlink(missing_ok=True)
                return command()

            return command_without_files

        plain = bench.python(str(HERE / "plain.py"), "csv", url, KEY, str(paths[1]))
        ours = bench.play("export.yml", api_url=url, csv_file=str(paths[0]))
        module = bench.module("export.yml", "invoice_export", api_url=url, csv_file=str(paths[0]))
        anew(ours)()
        plain()
        lines = count_equal_rows(*paths)
        samples = in_turn(sizes.rounds, start=bench.start(), ours=anew(ours), module=anew(module), theirs=anew(plain))
    theirs = samples["theirs"]
    yield Comparison(f"CSV of {lines:,} rows, invoice_export", "plain Python", 2, less_start(samples, "ours"), theirs)
    yield Comparison("the module's process alone", "the same", None, samples["module"], theirs)


def report(bench: Bench) -> t.Iterator[Comparison]:
    """Compare cost_report, which writes the same CSV and a page and its data, with invoice_export."""
    sizes, folder = bench.sizes, bench.folder / "report"
    exported = bench.folder / "line_items.csv"
    with Sandbox(months=sizes.report_months, clusters=sizes.report_clusters, lines=sizes.lines) as sandbox:

        def anew(command: Command) -> Command:
            """Return what runs a command when there is no file yet."""

            def command_without_files() -> Sample:
                shutil.rmtree(folder, ignore_errors=True)
                exported.unlink(missing_ok=True)
                return command()

            return command_without_files

        ours = bench.play("report.yml", api_url=sandbox.url, folder=str(folder))
        theirs = bench.play("export.yml", api_url=sandbox.url, csv_file=str(exported))
        anew(theirs)()
        ours()
        check((folder / "line_items.csv").read_bytes(), exported.read_bytes(), "the CSV of a report")
        page = (folder / "index.html").stat().st_size // 1000
        samples = in_turn(sizes.heavy_rounds, start=bench.start(), ours=anew(ours), theirs=anew(theirs))
    work = f"cost_report of {sizes.report_clusters} clusters, {sizes.report_months} months, page of {page} kB"
    yield Comparison(work, "invoice_export", 2, less_start(samples, "ours"), less_start(samples, "theirs"))


def growth(bench: Bench) -> t.Iterator[Comparison]:
    """Compare the module's process of cost_info on much with itself on a tenth."""
    sizes = bench.sizes
    large = Sandbox(months=sizes.months, clusters=sizes.clusters, lines=sizes.lines)
    small = Sandbox(months=sizes.smaller_months, clusters=sizes.clusters, lines=sizes.lines)
    with large, small:
        bytes_ratio = large.size() / small.size()
        samples = in_turn(
            sizes.short_rounds,
            start=bench.module("teams_cost_info.yml", "cost_info", api_url=small.url, api_key=f"{KEY}-empty"),
            large=bench.module("teams_cost_info.yml", "cost_info", api_url=large.url),
            small=bench.module("teams_cost_info.yml", "cost_info", api_url=small.url),
        )
    work, against = f"cost_info on {bytes_ratio:.1f} times the bytes", "itself"
    target = round(10.5 / 10 * bytes_ratio, 1)
    yield Comparison(work, against, target, samples["large"], samples["small"])
    # With the start of the process in both, nearly anything looks linear. What the small side adds to that is over so
    # soon that any disturbance is the larger part of it: hence the fastest runs, and no verdict.
    start = fastest(samples["start"])
    ours, theirs = ([sample.less(start) for sample in samples[side]] for side in ("large", "small"))
    yield Comparison("the same, less the start of the process", against, None, ours, theirs, summary=fastest)


SCENARIOS = {
    scenario.__name__: scenario
    for scenario in (one_task, many_ids, team_costs, budgets, owners, export, report, growth)
}


def describe() -> dict[str, t.Any]:
    """Return what the numbers depend on."""
    return {
        "ansible_core": CORE,
        "python": platform.python_version(),
        "requests": importlib.metadata.version("requests"),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "load_before": os.getloadavg()[0],
    }


def main() -> None:
    """Run the scenarios."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, metavar="N", help="rounds after the warm-up")
    parser.add_argument("--tiny", action="store_true", help="one round over next to no data: that it runs, and no more")
    parser.add_argument("--only", action="append", choices=SCENARIOS, help="a scenario; can be given several times")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="where the JSON goes; else below .cache")
    options = parser.parse_args()
    sizes = TINY if options.tiny else Sizes()
    if options.rounds:
        sizes = sizes._replace(rounds=options.rounds, heavy_rounds=options.rounds, short_rounds=options.rounds)

    facts = describe()
    print(", ".join(f"{name} {value}" for name, value in facts.items()), flush=True)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="benchmark-"))
    comparisons = []
    try:
        bench = Bench(folder, sizes)
        for name in options.only or SCENARIOS:
            for comparison in SCENARIOS[name](bench):
                comparisons.append(comparison)
                print(table([comparison]).splitlines()[-1], flush=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    facts["load_after"] = os.getloadavg()[0]
    path = options.json or CACHE / "benchmark" / f"{CORE}-py{sys.version_info.major}.{sys.version_info.minor}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {**facts, "comparisons": [comparison.as_json() for comparison in comparisons]}
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    load = f"Load {facts['load_before']:.1f} to {facts['load_after']:.1f}"
    print(f"\n{table(comparisons)}\n\n{load}. All samples: {path}")


if __name__ == "__main__":
    main()
