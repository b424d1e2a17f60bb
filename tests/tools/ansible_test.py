# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run ansible-test over a copy of the checkout, with the ansible-core of this environment or with any other.

Without C(--core) and C(--python) it is the ansible-core of the environment that runs this script. With them, an
environment for the two is made in C(.cache/venvs) at the first time, and used again from then on.
What ansible-test keeps in a home folder it keeps in C(.cache/home).
"""

from __future__ import annotations

import argparse
import configparser
import dataclasses
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import typing as t

from _checkout import CACHE, ROOT, copy_tree, environment, run

HOME = CACHE / "home"
REQUIREMENTS = ROOT / "tests" / "requirements" / "test.txt"

# What ansible-test puts into its own environments with a script that it downloads; see provide_pip().
PIP_OF_CORE = {"2.16": "23.1.2", "2.17": "23.1.2", "2.18": "24.2", "2.19": "24.2"}
PIP_OF_NEWER_CORE = "25.2"

GET_PIP = '''\
"""Install pip from the wheel beside this file: what get-pip.py does, with nothing to download."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path({wheel!r})))

from pip._internal.cli.main import main

arguments = [argument for argument in sys.argv[1:] if argument not in ("--no-setuptools", "--no-wheel")]
sys.exit(main(["install", "--find-links", {folder!r}] + arguments))
'''


@dataclasses.dataclass(frozen=True)
class Controller:
    """A Python environment with ansible-core."""

    bin: pathlib.Path
    core: str  # as 2.19
    python: str  # as 3.11

    @property
    def name(self) -> str:
        return f"{self.core}-py{self.python}"


def find_python(version: str) -> str:
    """Return the path of a Python such as C(3.8): one on the PATH that starts, else one of pyenv's.

    :raises SystemExit: there is none.
    """
    for candidate in _candidates(version):
        probe = [candidate, "-c", "import sys; print('%d.%d' % sys.version_info[:2], sys._base_executable)"]
        answer = subprocess.run(probe, check=False, capture_output=True, text=True).stdout.split()
        if answer[:1] == [version]:
            return answer[1]
    raise SystemExit(f"There is no Python {version} on the PATH, nor among pyenv's.")


def _candidates(version: str) -> t.Iterator[str]:
    on_path = shutil.which(f"python{version}")
    if on_path:
        yield on_path
    root = os.environ.get("PYENV_ROOT") or "~/.pyenv"
    if shutil.which("pyenv"):
        root = subprocess.run(["pyenv", "root"], check=False, capture_output=True, text=True).stdout.strip() or root
    for folder in sorted(pathlib.Path(root).expanduser().glob(f"versions/{version}*"), reverse=True):
        yield str(folder / "bin" / f"python{version}")


def this_controller() -> Controller:
    """Return the environment that runs this script."""
    from ansible.release import __version__

    return Controller(
        bin=pathlib.Path(sys.prefix) / "bin",
        core=".".join(__version__.split(".")[:2]),
        python=".".join(map(str, sys.version_info[:2])),
    )


def made_controller(core: str, python: str) -> Controller:
    """Return an environment with the newest ansible-core of a minor version, a pre-release only where it has no other.

    :param core: such as C(2.16).
    :param python: such as C(3.10).
    :raises SystemExit: there is no such Python, or pip has no such ansible-core for it.
    """
    # With pip's own option for pre-releases, all that the tests need would be one too.
    wanted = [f"ansible-core~={core}.0", f"ansible-core>={core}.0b0,<{core}.999"]
    folder = make_venv(f"{core}-py{python}", python, [[spec, "-r", str(REQUIREMENTS)] for spec in wanted])
    return Controller(bin=folder / "bin", core=core, python=python)


def make_venv(name: str, python: str, attempts: t.Sequence[t.Sequence[str]]) -> pathlib.Path:
    """Make a virtual environment in C(.cache/venvs), unless it is there already and made of the same things.

    :param name: the name of its folder.
    :param python: such as C(3.10).
    :param attempts: pip's arguments; the first that it can satisfy count.
    :raises SystemExit: there is no such Python, or pip can satisfy none.
    """
    folder = CACHE / "venvs" / name
    stamp = folder / ".made"
    made_of = hashlib.sha256(repr((str(folder), attempts)).encode() + REQUIREMENTS.read_bytes()).hexdigest()
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == made_of:
        return folder
    print(f"Making {folder.relative_to(ROOT)}", flush=True)
    subprocess.run([find_python(python), "-m", "venv", "--clear", str(folder)], check=True)
    said = ""
    for arguments in attempts:
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "-qq", "--disable-pip-version-check", *arguments]
        done = subprocess.run(pip, check=False, capture_output=True, text=True)
        if done.returncode == 0:
            stamp.write_text(made_of, encoding="utf-8")
            return folder
        said = done.stderr
    raise SystemExit(said)


def provide_home() -> None:
    """Give ansible-test a home folder with the machine's pip settings: its pip sees none of their variables."""
    settings = configparser.RawConfigParser()
    user = pathlib.Path("~").expanduser()
    settings.read([user / ".pip" / "pip.conf", user / ".config" / "pip" / "pip.conf"])
    for option in ("cert", "extra-index-url", "find-links", "index-url", "proxy", "trusted-host"):
        value = os.environ.get(f"PIP_{option.upper().replace('-', '_')}")
        if value:
            settings.read_dict({"global": {option: value}})
    settings.read_dict({"global": {"disable-pip-version-check": "1", "quiet": "2"}})
    path = HOME / ".config" / "pip" / "pip.conf"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    with path.open("w", encoding="utf-8") as file:
        settings.write(file)


def provide_pip(core: str) -> None:
    """Put the script with which ansible-test bootstraps pip where it looks before it downloads one.

    Its own address is not that of a package index, and so out of reach for many; a wheel of the same pip is not.
    The names are those of C(ansible_test/_util/target/setup/requirements.py).
    """
    version = PIP_OF_CORE.get(core, PIP_OF_NEWER_CORE)
    folder = HOME / ".ansible" / "test" / "cache"
    script = folder / f"get_pip_{version.replace('.', '_')}.py"
    wheel = folder / f"pip-{version}-py3-none-any.whl"
    if not wheel.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        download = ["-m", "pip", "download", "-qq", "--disable-pip-version-check", "--no-deps", f"--dest={folder}"]
        subprocess.run([sys.executable, *download, f"pip=={version}"], check=True)
    script.write_text(GET_PIP.format(wheel=str(wheel), folder=str(folder)), encoding="utf-8")


def main() -> int:
    """Run one command of ansible-test and return its exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--core", metavar="X.Y", help="the ansible-core to use, such as 2.16")
    parser.add_argument("--python", metavar="X.Y", help="the Python to run it with, such as 3.10; needs --core")
    parser.add_argument("--target", metavar="X.Y", help="integration: the Python that modules run with, such as 3.8")
    parser.add_argument("command", choices=["sanity", "units", "integration"])
    options, further = parser.parse_known_args()
    if bool(options.core) != bool(options.python):
        parser.error("--core and --python go together")
    controller = made_controller(options.core, options.python) if options.core else this_controller()

    arguments = [f"--python={controller.python}"]
    if options.command != "sanity":
        arguments = ["--local", *arguments]
    if options.target:
        target = make_venv(f"target-py{options.target}", options.target, [["requests"]])
        arguments = [
            f"--controller=origin:python={controller.python}@{controller.bin}/python",
            f"--target=controller:python={options.target}@{target}/bin/python",
        ]
    provide_home()
    provide_pip(controller.core)
    copy = copy_tree(f"{controller.name}-{options.command}")
    path = f"{controller.bin}{os.pathsep}{environment()['PATH']}"
    env = environment(HOME=str(HOME), PATH=path)
    return run(controller.bin / "ansible-test", options.command, "--color=no", *arguments, *further, cwd=copy, env=env)


if __name__ == "__main__":
    sys.exit(main())
