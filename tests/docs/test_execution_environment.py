# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The execution environment of the guide for AWX, with the real ansible-builder, as far as no container is needed."""

from __future__ import annotations

import pathlib
import subprocess
import typing as t
import venv

import _checkout
import _examples
import pytest
import yaml

BUILDER = "ansible-builder >= 3.1, < 4"
TARBALL = "cockroachdb_cloud-billing-1.0.0.tar.gz"


@pytest.fixture(scope="module")
def builder() -> str:
    """Return the path of ansible-builder, which has a virtual environment of its own; skip where pip has none."""
    folder = _checkout.CACHE / "builder"
    program = folder / "bin" / "ansible-builder"
    if not program.exists():
        venv.create(folder, clear=True, with_pip=True)
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "-qq", "--disable-pip-version-check", BUILDER]
        done = subprocess.run(pip, check=False, capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"pip cannot install {BUILDER}: {done.stderr.strip()}")
    return str(program)


@pytest.fixture
def shell(tmp_path: pathlib.Path) -> t.Callable[..., str]:
    """Return a function that runs a command in a folder, which has to succeed, and returns what it printed."""
    environment = _checkout.environment(
        ANSIBLE_COLLECTIONS_SCAN_SYS_PATH="false",  # or what is installed into .venv would count as installed
        ANSIBLE_HOME=str(tmp_path / ".ansible"),
        HOME=str(tmp_path),
    )

    def run(*command: str, cwd: pathlib.Path = tmp_path) -> str:
        done = subprocess.run(
            command, cwd=cwd, env=environment, check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        assert done.returncode == 0, f"{command}:\n{done.stdout}"
        return done.stdout

    return run


def test_context(builder: str, shell: t.Callable[..., str], tmp_path: pathlib.Path) -> None:
    files = {example.file: example.text for example in _examples.read_examples(_examples.GUIDES / "guide_awx.rst")}
    (tmp_path / "execution-environment.yml").write_text(files["execution-environment.yml"], encoding="utf-8")
    galaxy = str(_checkout.BIN / "ansible-galaxy")
    shell(galaxy, "collection", "build", f"--output-path={tmp_path}", str(_checkout.copy_tree("builder")))
    assert (tmp_path / TARBALL).is_file()

    shell(builder, "create")
    context = tmp_path / "context"
    (recipe,) = context.glob("*file")  # a Containerfile or a Dockerfile, after the engine that is at hand
    assert "-r requirements.yml" in recipe.read_text(encoding="utf-8")

    # What the first stage of the Containerfile does: it stands in a copy of _build, and installs from there.
    build = context / "_build"
    target = tmp_path / "installed"
    shell(galaxy, "collection", "install", "--offline", "-r", "requirements.yml", "-p", str(target), cwd=build)

    found = yaml.safe_load(shell(builder, "introspect", str(target)))
    assert found["python"] == ["requests >= 2.29  # from collection cockroachdb_cloud.billing"]
    assert not found["system"]
