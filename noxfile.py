# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Here are the sessions that test, build and measure; those that check are in antsibull-nox.toml."""

from __future__ import annotations

import argparse
import ast
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import time
import typing as t

import antsibull_nox
import nox
import python_discovery
import yaml

sys.path[:0] = [str(pathlib.Path(__file__).parent / "tests" / name) for name in ("sandbox", "tools")]

from _checkout import CACHE, ROOT, copy_tree, environment, files
from _matrix import NEWER, QUICK, REQUESTS, ROWS, Row, table, write_readme
from billing_sandbox import KEY, Sandbox

NAME = "cockroachdb_cloud.billing"
THIS = f"{sys.version_info.major}.{sys.version_info.minor}"
HOME = CACHE / "home"  # what ansible-test keeps, it keeps here

clean = environment()
os.environ.clear()
os.environ.update(clean, VIRTUALENV_OVERRIDE_APP_DATA=str(CACHE / "virtualenv"))
# All Pythons of pyenv count, not only those that its user has made active.
pyenv = pathlib.Path(os.environ.get("PYENV_ROOT") or "~/.pyenv").expanduser()
if found := sorted(path.name for path in pyenv.glob("versions/3.*")):
    os.environ.update(PYENV_ROOT=str(pyenv), PYENV_VERSION=":".join(found))

# What Galaxy asks of a collection on an upload, and a certification more.
for name in ("CHECK_CHANGELOG", "CHECK_REQUIRED_TAGS", "REQUIRE_V1_OR_GREATER", "RUN_ANSIBLE_DOC", "RUN_ANSIBLE_LINT"):
    os.environ[f"GALAXY_IMPORTER_{name}"] = "true"

nox.options.allow_parallel = True
nox.options.download_python = "never"
nox.options.error_on_missing_interpreters = False
nox.options.reuse_venv = "yes"
antsibull_nox.load_antsibull_nox_toml()


def install_once(session: nox.Session, *arguments: str, **options: t.Any) -> None:
    """Install what the environment has not got yet: pip would ask the index, even for what is there."""
    texts = [pathlib.Path(name).read_text(encoding="utf-8") for name in arguments if name.endswith(".txt")]
    wanted, stamp = repr((arguments, texts)), pathlib.Path(session.virtualenv.location, ".installed")
    if not stamp.is_file() or stamp.read_text(encoding="utf-8") != wanted:
        install(session, *arguments, **options)
        stamp.write_text(wanted, encoding="utf-8")


install = nox.Session.install
nox.Session.install = install_once  # type: ignore[method-assign, assignment] # antsibull-nox' own sessions call it too.


def run_pytest(session: nox.Session, *arguments: str, **env: str) -> None:
    """Run pytest, with the variable CI where it really runs there: Hypothesis tries the same each time with it."""
    with_ci = {"CI": os.environ.get("REALLY_CI") or None, **env}
    session.run("python", "-m", "pytest", *arguments, env=with_ci, silent=session.parallel)


def ansible_test(session: nox.Session, command: str, *arguments: str) -> None:
    """Run ansible-test over a copy of the checkout."""
    collection = copy_tree(re.sub(r"[^\w.-]+", "-", f"{session.name}-{command}"))
    with session.chdir(collection):
        env = {"HOME": str(HOME)}
        session.run("ansible-test", command, "--color=no", *arguments, env=env, silent=session.parallel)
    shutil.rmtree(collection.parents[2])


@nox.session(python=False, allow_parallel=False)
def unit(session: nox.Session) -> None:
    """Run the unit tests with coverage; '-- -k retry' picks some."""
    coverage = ["-q", "-n", "auto", "--cov", "--cov-report=term", "--cov-report=html:build/coverage"]
    run_pytest(session, "tests/unit", *(session.posargs or coverage))


@nox.session(python=False)
def integration(session: nox.Session) -> None:
    """Run real playbooks against the sandbox; '-- cost_info' picks some."""
    ansible_test(session, "integration", "--local", f"--python={THIS}", *session.posargs)


@nox.session(name="docs-examples", python=False, allow_parallel=False)
def docs_examples(session: nox.Session) -> None:
    """Run every example of the guides, the plugins and the README; '-- -k chargeback' picks some."""
    run_pytest(session, "tests/docs", *(session.posargs or ["-q", "-n", "auto"]))


GET_PIP = """\
import sys
sys.path.insert(0, {wheel!r})
from pip._internal.cli.main import main
arguments = [argument for argument in sys.argv[1:] if argument not in ("--no-setuptools", "--no-wheel")]
sys.exit(main(["install", "--find-links", {folder!r}, *arguments]))
"""


@nox.session(python=False)
def sanity(session: nox.Session) -> None:
    """Run ansible-test sanity; '-- --test pylint' picks some."""
    # It would download the script with which it bootstraps pip from an address that is no package index, and so out of
    # reach for many. This one needs a wheel alone. The names are those of its target/setup/requirements.py.
    code = "import ansible_test._internal.python_requirements as module; print(module.__file__)"
    source = pathlib.Path(str(session.run("python", "-c", code, silent=True)).strip()).read_text(encoding="utf-8")
    version = re.findall(r"pip='(.+?)'", source)[0]
    folder = HOME / ".ansible" / "test" / "cache"
    wheel = folder / f"pip-{version}-py3-none-any.whl"
    if not wheel.is_file():
        session.run("python", "-m", "pip", "download", "-qq", "--no-deps", f"--dest={folder}", f"pip=={version}")
    script = GET_PIP.format(wheel=str(wheel), folder=str(folder))
    (folder / f"get_pip_{version.replace('.', '_')}.py").write_text(script, encoding="utf-8")
    # Its pip sees none of the machine's variables. What they say comes first here, and counts.
    said = str(session.run("python", "-m", "pip", "config", "list", silent=True))
    option = r"(?m)^\S+\.((?:cert|extra-index-url|find-links|index-url|proxy|trusted-host))=(.+)$"
    settings = {name: ast.literal_eval(value) for name, value in reversed(re.findall(option, said))}
    lines = [f"{name} = {value}".replace("\n", "\n  ") for name, value in {**settings, "quiet": "2"}.items()]
    path = HOME / ".config" / "pip" / "pip.conf"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text("\n".join(["[global]", *lines, ""]), encoding="utf-8")
    ansible_test(session, "sanity", f"--python={THIS}", *session.posargs)


@nox.session(name="extra-lint", python=False)
def extra_lint(session: nox.Session) -> None:
    """Check the files of GitHub with check-jsonschema and zizmor, and the changelog."""
    for schema, pattern in (
        ("dependabot", "dependabot.yml"),
        ("github-issue-config", "ISSUE_TEMPLATE/config.yml"),
        ("github-issue-forms", "ISSUE_TEMPLATE/[!c]*.yml"),
        ("github-workflows", "workflows/*.yml"),
    ):
        paths = map(str, pathlib.Path(".github").glob(pattern))
        session.run("check-jsonschema", f"--builtin-schema=vendor.{schema}", *paths)
    session.run("zizmor", "--offline", "--no-progress", "--quiet", "--persona=pedantic", ".github")
    session.run("antsibull-changelog", "lint")


@nox.session(python=False, default=False)
def changelog(session: nox.Session) -> None:
    """Generate the changelog of the version in galaxy.yml; before its publication as often as wanted."""
    session.run("antsibull-changelog", "release", "--update-existing", "--reload-plugins", *session.posargs)


@nox.session(name="release-check", python=False, default=False, requires=["build-import-check"])
def release_check(session: nox.Session) -> None:
    """Build the tarball, and check what is in it and that the changelog knows its version."""
    session.run("ansible-galaxy", "collection", "build", "--force", "--output-path=build", silent=True)
    version = yaml.safe_load(pathlib.Path("galaxy.yml").read_text(encoding="utf-8"))["version"]
    with tarfile.open(f"build/cockroachdb_cloud-billing-{version}.tar.gz") as archive:
        held = {member.name for member in archive if not member.isdir()} - {"FILES.json", "MANIFEST.json"}
    shipped = (
        r"[A-Z][A-Z_]+\.\w+|COPYING|REUSE.toml|tests/config.yml|(LICENSES|changelogs|docs|extensions|meta|pl\w+)/.+"
    )
    expected = {path.as_posix() for path in files() if re.fullmatch(shipped, path.as_posix())}
    wrong = [f"in the tarball, not expected there (build_ignore in galaxy.yml): {name}" for name in held - expected]
    wrong += [f"not in the tarball, expected there: {name}" for name in expected - held]
    releases = yaml.safe_load(pathlib.Path("changelogs/changelog.yaml").read_text(encoding="utf-8"))["releases"]
    if version not in releases and not list(pathlib.Path("changelogs/fragments").glob("*.yml")):
        wrong.append(f"the changelog does not know version {version}, and there is no fragment for it")
    if wrong:
        session.error("\n".join(sorted(wrong)))


# References to the documentation of ansible-core, and to playbooks, which have no pages, stay without a link. Any other
# that leads nowhere is an error.
SPHINX = r"""
intersphinx_mapping = {}
nitpick_ignore_regex = [
    ("std:ref", r"ansible_collections\.(ansible\.builtin\..*|cockroachdb_cloud\.billing\..*_playbook)"),
    ("std:ref", "action_plugins|ansible_configuration_settings|common_return_values"),
]
"""


@nox.session(default=False)
def docs(session: nox.Session) -> None:
    """Build the guides and the plugins' pages as HTML into build/docs, without the network; a warning is an error."""
    session.install("-r", "tests/requirements/docs.txt")
    collection, site, html = copy_tree("docs"), CACHE / "docs", ROOT / "build" / "docs"
    if not yaml.safe_load((collection / "changelogs" / "changelog.yaml").read_text(encoding="utf-8"))["releases"]:
        (collection / "docs" / "docsite" / "config.yml").unlink()  # There is no changelog to show yet.
    for folder in (site, html):
        shutil.rmtree(folder, ignore_errors=True)
    for folder in (site, site / "rst"):
        folder.mkdir(mode=0o700, parents=True)
    env = {"ANSIBLE_COLLECTIONS_PATH": str(collection.parents[2])}
    names = ["--use-current", "--squash-hierarchy", NAME]
    titles = [f"--project={NAME}", f"--copyright={NAME} contributors", f"--title={NAME}"]
    with session.chdir(site):
        session.run("antsibull-docs", "sphinx-init", "--dest-dir=.", *titles, *names, env=env, silent=True)
        build = ["--config-file=antsibull-docs.cfg", "collection", "--cleanup=everything", "--dest-dir=rst"]
        session.run("antsibull-docs", *build, *names, env=env, silent=True)
        with open("conf.py", "a", encoding="utf-8") as settings:
            settings.write(SPHINX)
        session.run("sphinx-build", "-q", "-c.", "-d.", "-W", "--keep-going", "rst", str(html))
    session.log(str(html / "index.html"))


@nox.session(python=False, default=False)
def fuzz(session: nox.Session) -> None:
    """Play thousands of mutated answers to every plugin; SEED=7 ROUNDS=50000 before it choose which and how many."""
    chosen = {"FUZZ_SEED": os.environ.get("SEED") or str(int(time.time()))}
    chosen["FUZZ_ROUNDS"] = os.environ.get("ROUNDS") or "10000"
    tests = "tests/unit/plugins/faults/test_fuzz.py"
    run_pytest(session, "-q", "-s", "-p", "no:randomly", tests, *session.posargs, **chosen)


CORE = os.environ.get("CORE", "")


@nox.session(python=(CORE and ("3.10" if CORE == "2.16" else "3.12")) or None, default=False)
def bench(session: nox.Session) -> None:
    """Measure time and memory against uri, lookups and plain Python; CORE=2.18 before it picks the ansible-core."""
    session.install(f"ansible-core ~= {CORE}.0" if CORE else "ansible-core < 2.22", "requests")
    session.run("python", "tests/benchmark/bench.py", *session.posargs)


@nox.session(default=False)
def browser(session: nox.Session) -> None:
    """Look at the report in headless Chromium; '-- -k sort' picks some."""
    if not any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))):
        session.skip("There is no chromium on the PATH; Debian has it as a package.")
    session.install("-r", "tests/browser/requirements.txt")
    axe = CACHE / "browser" / "node"
    if shutil.which("npm") and not axe.is_dir():  # Without it, the checks for accessibility are skipped.
        session.run("npm", "install", "--silent", "--no-audit", f"--prefix={axe}", "axe-core@4", external=True)
    run_pytest(session, "tests/browser", *session.posargs)


@nox.session(default=False)
def eda(session: nox.Session) -> None:
    """Run the event source in the real ansible-rulebook against the sandbox; '-- -k hostile' picks some."""
    if not shutil.which("java") or subprocess.call(["java", "-version"], stderr=subprocess.DEVNULL):
        session.skip("ansible-rulebook needs Java 17 or newer.")
    session.install("-r", "tests/eda/requirements.txt")
    run_pytest(session, "tests/eda", *session.posargs)


@nox.session(python="3.12", default=False)  # The validator asks for a NumPy that newer Pythons do not have.
def focus(session: nox.Session) -> None:
    """Check an export in the layout of FOCUS with the FinOps Foundation's own validator."""
    session.install("-r", "tests/requirements/focus.txt")
    run_pytest(session, "tests/focus", *session.posargs)


@nox.session(default=False)
def contract(session: nox.Session) -> None:
    """Ask the sandbox whatever the vendor's OpenAPI document allows and forbids; SPEC=<path> before it names that."""
    spec = pathlib.Path(os.environ.get("SPEC", "")).absolute()
    if not spec.is_file():
        session.error("The vendor's OpenAPI document is no part of this repository: name it as SPEC=<path>.")
    session.install("schemathesis >= 4.32, < 5")
    with Sandbox(rate_limit=False) as sandbox, session.chdir(CACHE):
        session.run(
            *("schemathesis", "run", str(spec), f"--url={sandbox.url}", "--phases=examples,coverage,fuzzing"),
            *(f"--header=Authorization: Bearer {KEY}", "--header=Cc-Version: 2024-09-16", "--request-timeout=10"),
            # No client uses other methods, and the API does not say that it refuses unknown parameters or a header.
            *("--checks=all", "--exclude-checks=unsupported_method,negative_data_rejection"),
            *("--max-examples=50", "--seed=1", "--no-color"),
        )


@nox.session(default=False)
@nox.parametrize(["python", "row"], [nox.param(row.python, row, id=str(row), tags=[str(row)]) for row in ROWS])
def versions(session: nox.Session, row: Row) -> None:
    """Run unit and integration tests with one combination of versions; matrix runs them all."""
    target = python_discovery.get_interpreter(row.target) if row.target else None
    if row.target and not target:
        session.skip(f"Python {row.target} is not on this machine.")
    pip = ("python", "-m", "pip", "install", "-qq")
    wanted = f"ansible-core ~= {row.core}.0"
    if row.core == NEWER:
        wanted = f"ansible-core >= {ROWS[ROWS.index(row) - 1].core}.999b0"
        if "No matching" in str(session.run(*pip, "--dry-run", wanted, silent=True, success_codes=[0, 1])):
            session.skip("There is no newer ansible-core.")
    result = {"core": row.core, "requests": row.requests, "verdict": "failed"}
    row.record(**result)
    session.install(wanted, "-r", "tests/requirements/test.txt")
    folder = pathlib.Path(session.virtualenv.location).absolute()
    python = f"{folder}/target/bin/python" if target else "python"
    if target:
        session.run(target.executable, "-m", "venv", f"{folder}/target", external=True)
        needs = [*REQUESTS[row.requests], "-r", "tests/requirements/target.txt"]
        session.run(python, *pip[1:], *needs, external=True, silent=True)
    code = "import importlib.metadata as m, sys; print(m.version(sys.argv[1]))"
    for name, where, package in (("core", "python", "ansible-core"), ("requests", python, "requests")):
        result[name] = str(session.run(where, "-c", code, package, external=True, silent=True)).strip()
    row.record(**result)
    if target:  # Without ansible-core there, ansible-test alone can run unit tests, and those of modules alone.
        controller = f"--controller=origin:python={row.python}@{folder}/bin/python"
        tests = [f"tests/unit/plugins/{name}/" for name in ("modules", "module_utils")]
        on_target = f"{row.target}@{python}"
        ansible_test(session, "units", controller, f"--target-python={on_target}", "--num-workers=2", *tests)
        ansible_test(session, "integration", controller, f"--target=controller:python={on_target}")
    else:
        run_pytest(session, "tests/unit", "-q", "-n", "2")
        ansible_test(session, "integration", "--local", f"--python={row.python}")
    row.record(**{**result, "verdict": "passed"})


@nox.session(python=False, default=False)
def matrix(session: nox.Session) -> None:
    """Test every supported ansible-core, Python and requests; '-- --quick' takes the oldest and the newest."""
    parser = argparse.ArgumentParser(prog="matrix")
    parser.add_argument("--quick", action="store_true", help="the oldest and the newest ansible-core and target")
    parser.add_argument("--only", default="", metavar="TEXT", help="those whose names contain this")
    parser.add_argument("--again", action="store_true", help="leave out what passed the last time")
    options = parser.parse_args(session.posargs)
    rows = [row for row in (QUICK if options.quick else ROWS) if options.only in str(row)]
    if not options.again:
        shutil.rmtree(CACHE / "matrix", ignore_errors=True)
    left = [str(row) for row in rows if row.recorded().get("verdict") != "passed"]
    if not left:
        session.skip("No combination is left to run.")
    try:
        session.run("python", "-m", "nox", "--parallel", "2", "-t", *left)
    finally:
        session.log(f"What came out:\n{table()}")
        if rows == ROWS:
            write_readme()
