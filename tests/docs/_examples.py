# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the tests of the documentation.

"""From a page of the documentation to its examples, and from an example to a run of the real thing.

Two comments before a code block say what its text alone does not: C(.. file: NAME) under which name the reader is told
to save it, and C(.. not-run: REASON) why no test can run it.
"""

from __future__ import annotations

import pathlib
import re
import subprocess
import textwrap
import typing as t

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
GUIDES = ROOT / "docs" / "docsite" / "rst"

YAML_LANGUAGES = ("yaml", "yaml+jinja")
SHELL = "shell"
# What a command or a plugin answers; nobody types it.
OUTPUT_LANGUAGES = ("text", "json", "ini", "csv")
LANGUAGES = (*YAML_LANGUAGES, SHELL, *OUTPUT_LANGUAGES)

_BLOCK = re.compile(r"( *)\.\. code-block:: (\S+)\n(?: *:\S+:.*\n)*\n", re.ASCII)
_MARKERS = re.compile(r"(?: *\.\. (?:file|not-run): \S.*\n)+\s*\Z")
_MARKER = re.compile(r"\.\. (file|not-run): (.*)")
_TIME_LIMIT = 120  # seconds for one command


class Example(t.NamedTuple):
    """A code block: where it stands, its language and text, and what the comments before it say."""

    source: str
    language: str
    text: str
    file: str | None = None
    not_run: str | None = None

    @property
    def kind(self) -> str:
        """Return C(shell), C(output), C(playbook), C(rulebook), C(tasks) or C(data)."""
        if self.language == SHELL:
            return "shell"
        if self.language not in YAML_LANGUAGES:
            return "output"
        entries = load(self.text)
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            return "data"
        if any("sources" in entry for entry in entries):
            return "rulebook"
        if any("hosts" in entry or "ansible.builtin.import_playbook" in entry for entry in entries):
            return "playbook"
        return "tasks" if all("name" in entry and len(entry) > 1 for entry in entries) else "data"


class Loader(yaml.SafeLoader):
    """YAML with Ansible's own tags, whose values no test here looks at."""


Loader.add_multi_constructor("!", lambda *_: None)


def load(text: str) -> t.Any:
    """Return what the one YAML document of a text holds."""
    return yaml.load(text, Loader)  # noqa: S506 (a safe loader)


def read_examples(path: pathlib.Path) -> list[Example]:
    """Return the code blocks of a page in RST, in their order.

    :raises ValueError: a block is in a language that no test knows what to do with.
    """
    text = path.read_text(encoding="utf-8")
    examples = []
    for match in _BLOCK.finditer(text):
        source = f"{path.name}:{text.count(chr(10), 0, match.start()) + 1}"
        if match.group(2) not in LANGUAGES:
            raise ValueError(f"{source}: the language {match.group(2)} is none of {', '.join(LANGUAGES)}")
        markers = _MARKERS.search(text, 0, match.start())
        given = {name.replace("-", "_"): value for name, value in _MARKER.findall(markers.group() if markers else "")}
        body = _indented(text[match.end() :], len(match.group(1)))
        examples.append(Example(source, match.group(2), body, **given))
    return examples


def _indented(text: str, indent: int) -> str:
    """Return the lines at the begin of a text that are indented deeper than a block."""
    lines = []
    for line in text.splitlines():
        if line.strip() and len(line) - len(line.lstrip()) <= indent:
            break
        lines.append(line)
    return textwrap.dedent("\n".join(lines)).strip("\n") + "\n"


def read_readme(path: pathlib.Path) -> list[Example]:
    """Return the playbooks of a page in Markdown."""
    text = path.read_text(encoding="utf-8")
    blocks = re.finditer(r"^```yaml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [Example(f"{path.name}:{text.count(chr(10), 0, match.start()) + 1}", "yaml", match[1]) for match in blocks]


class Runner:
    """Runs examples in a folder, as a reader would who has set the environment."""

    def __init__(self, folder: pathlib.Path, environment: t.Mapping[str, str]) -> None:
        self.folder = folder
        self.environment = environment

    def run_page(self, examples: t.Sequence[Example]) -> None:
        """Run all examples of a page: the playbooks, then the commands in one shell, at last the tasks as one play."""
        runnable = [example for example in examples if not example.not_run]
        commands = [example for example in runnable if example.kind == "shell"]
        tasks = [example for example in runnable if example.kind == "tasks"]
        script = "\n".join(example.text for example in commands)
        for example in examples:
            if example.file:
                (self.folder / example.file).write_text(example.text, encoding="utf-8")
        for example in runnable:
            if example.kind == "playbook" and not (example.file and example.file in script):
                self.run_playbook(example.source, example.text)
        if commands:
            self.run(commands[0].source, "bash", "-euxo", "pipefail", "-c", script)
        if tasks:
            self.run_tasks(tasks[0].source, "\n".join(example.text for example in tasks))

    def run_tasks(self, source: str, text: str) -> str:
        """Run tasks as they would stand in a play, and return what Ansible printed."""
        body = textwrap.indent(text.replace("---\n", ""), "    ")
        return self.run_playbook(source, f"- hosts: localhost\n  gather_facts: false\n  tasks:\n{body}")

    def run_playbook(self, source: str, text: str) -> str:
        """Run a playbook and return what Ansible printed."""
        path = self.folder / f"{re.sub('[^a-z0-9]+', '_', source.lower())}.yml"
        path.write_text(text, encoding="utf-8")
        return self.run(source, "ansible-playbook", str(path))

    def run(self, source: str, *command: str) -> str:
        """Run a command, which has to succeed, and return what it printed."""
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=_TIME_LIMIT,
        )
        assert done.returncode == 0, f"{source} ends with {done.returncode}:\n{done.stdout}"
        for sign in ("[WARNING]", "[DEPRECATION WARNING]"):
            assert sign not in done.stdout, f"{source} warns:\n{done.stdout}"
        return done.stdout
