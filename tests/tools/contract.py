# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hold the plugins and the sandbox to the vendor's OpenAPI document, with tools that nobody of this project wrote.

1. Prism plays the API as the document describes it, with its examples and with made-up data; real playbooks read it.
2. Prism stands as a proxy in front of the sandbox and fails whatever the document does not allow, while the integration
   targets run through it.
3. Schemathesis asks the sandbox whatever the document allows and forbids, and checks the answers.

The document is no part of this repository: without it, without node and npm, or where the package registries cannot
give the tools, this says so and does nothing. Everything ends with this program.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import contextlib
import http.client
import http.server
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time
import typing as t
import urllib.parse

from _checkout import BIN, CACHE, ROOT, copy_tree, environment
from ansible_test import HOME, provide_home, this_controller

TOOLS = CACHE / "contract"
PRISM = TOOLS / "node_modules" / ".bin" / "prism"
PRISM_PACKAGE = "@stoplight/prism-cli@5.14"
SCHEMATHESIS = TOOLS / "schemathesis"
REQUIREMENTS = ROOT / "tests" / "requirements" / "contract.txt"
PLAYBOOKS = ROOT / "tests" / "contract"
KEY = "sandbox-key"
VERSION = "2024-09-16"  # of the API; newer ones have a currency that the document does not know
# The integration targets that talk to one sandbox with its usual data.
TARGETS = ("cost_info", "invoice_export", "invoice_info", "invoice_lookup")
LIFETIME = 600  # seconds after which a sandbox ends by itself, even when this program is killed
STEP_TIMEOUT = 400  # seconds for one part
START_TIMEOUT = 60

# What Schemathesis checks and the sandbox does otherwise on purpose, or the document leaves open.
NOT_CHECKED = {
    "unsupported_method": "other methods are not in the document, and no client here uses one",
    "negative_data_rejection": "the API does not say that it refuses unknown parameters, nor any header",
}

Address = t.NewType("Address", str)


class MissingError(Exception):
    """Something that is not of this repository is missing."""


def main() -> int:
    """Run the parts that the arguments choose and return 1 if one of them failed."""
    parts: dict[str, t.Callable[[pathlib.Path], None]] = {
        "mock": mock,
        "dynamic": dynamic,
        "proxy": proxy,
        "schemathesis": schemathesis,
    }
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("spec", type=pathlib.Path, help="the vendor's OpenAPI document")
    parser.add_argument("parts", nargs="*", choices=[[], *parts], help=f"some of {', '.join(parts)}; all by default")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        spec = _document(options.spec)
        _install()
    except MissingError as reason:
        print(f"contract: skipped, since {reason}", flush=True)
        return 0
    return max(_outcome(name, parts[name], spec) for name in options.parts or parts)


def _outcome(name: str, part: t.Callable[[pathlib.Path], None], spec: pathlib.Path) -> int:
    start = time.monotonic()
    said, failed = "", 0
    try:
        part(spec)
    except AssertionError as error:
        said, failed = f"\n{error}\n", 1
    print(f"{('ok', 'FAILED')[failed]:7} {name:13}{time.monotonic() - start:6.1f} s{said}", flush=True)
    return failed


def mock(spec: pathlib.Path) -> None:
    """Read what Prism makes of the document's examples, and its errors."""
    with _prism("mock", spec) as prism, _preferring(prism) as url:
        _play("mock.yml", url)


def dynamic(spec: pathlib.Path) -> None:
    """Read what Prism makes up within the document, the same in each run."""
    with _prism("mock", "--dynamic", "--seed=billing", spec) as prism, _preferring(prism) as url:
        _play("dynamic.yml", url)


def proxy(spec: pathlib.Path) -> None:
    """Run integration targets through a Prism that fails what the document does not allow."""
    log = TOOLS / "proxy.log"
    with _sandbox() as sandbox, _prism("proxy", "--errors", spec, sandbox, log=log) as url:
        _prove_that_it_fails(url, sandbox)
        before = _received(log)
        copy = copy_tree("contract")
        config = copy / "tests" / "integration" / "integration_config.yml"
        config.write_text(json.dumps({"setup_sandbox_url": url}), encoding="utf-8")
        controller = this_controller()
        command = ["ansible-test", "integration", "--color=no", "--local", f"--python={controller.python}", *TARGETS]
        provide_home()
        _succeed([str(controller.bin / command[0]), *command[1:]], cwd=copy, env=environment(HOME=str(HOME)))
        seen = _received(log) - before
        # One request for each task that fetches; far fewer would mean that the targets went past Prism.
        assert seen >= 20, f"Prism saw only {seen} requests."
        shutil.rmtree(copy.parents[2])
        print(f"        {len(TARGETS)} integration targets, {seen} requests through Prism", flush=True)


def schemathesis(spec: pathlib.Path) -> None:
    """Ask the sandbox whatever the document allows and forbids."""
    with _sandbox("--no-rate-limit") as url:
        _succeed(
            [
                str(SCHEMATHESIS / "bin" / "schemathesis"),
                "run",
                str(spec),
                f"--url={url}",
                f"--header=Authorization: Bearer {KEY}",
                f"--header=Cc-Version: {VERSION}",
                "--checks=all",
                f"--exclude-checks={','.join(NOT_CHECKED)}",
                "--phases=examples,coverage,fuzzing",
                "--max-examples=50",
                "--seed=1",
                "--request-timeout=10",
                "--no-color",
            ],
            cwd=TOOLS,
            env={"HOME": str(TOOLS), "PATH": os.environ.get("PATH", os.defpath), "NO_PROXY": "127.0.0.1"},
        )


def _document(path: pathlib.Path) -> pathlib.Path:
    path = path if path.is_absolute() else ROOT / path
    if not path.is_file():
        raise MissingError(f"{path} is not there; name the vendor's OpenAPI document as SPEC=<path>")
    return path.resolve()


def _install() -> None:
    """Install Prism and Schemathesis into folders of their own, once."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            raise MissingError(f"Prism needs {program}, which is not on the PATH")
    TOOLS.mkdir(parents=True, exist_ok=True)
    if not PRISM.exists():
        print("Installing Prism into .cache/contract", flush=True)
        npm = ["npm", "install", "--no-audit", "--no-fund", "--loglevel=error", f"--prefix={TOOLS}", PRISM_PACKAGE]
        _get(npm)
    stamp = SCHEMATHESIS / ".installed"
    wanted = REQUIREMENTS.read_text(encoding="utf-8")
    if not stamp.is_file() or stamp.read_text(encoding="utf-8") != wanted:
        print("Installing Schemathesis into .cache/contract", flush=True)
        _get([getattr(sys, "_base_executable", sys.executable), "-m", "venv", "--clear", str(SCHEMATHESIS)])
        _get([str(SCHEMATHESIS / "bin" / "python"), "-m", "pip", "install", "-qq", "-r", str(REQUIREMENTS)])
        stamp.write_text(wanted, encoding="utf-8")


def _get(command: list[str]) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=STEP_TIMEOUT)
    if done.returncode:
        raise MissingError(f"'{' '.join(command[:3])} …' failed:\n{(done.stderr or done.stdout).strip()[-1000:]}")


@contextlib.contextmanager
def _running(command: list[str], **options: t.Any) -> t.Iterator[subprocess.Popen[str]]:
    """Run a command in a session of its own, and end all of that when the block is left."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True, text=True, **options)
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@contextlib.contextmanager
def _sandbox(*options: str) -> t.Iterator[Address]:
    command = [sys.executable, str(ROOT / "tests" / "sandbox" / "server.py"), f"--lifetime={LIFETIME}", *options]
    with (TOOLS / "sandbox.log").open("w", encoding="utf-8") as log:
        with _running(command, stdout=subprocess.PIPE, stderr=log) as process:
            url = process.stdout.readline().strip() if process.stdout else ""
            assert url, f"The sandbox does not start; {log.name} says why."
            yield Address(url)


@contextlib.contextmanager
def _prism(*arguments: str | pathlib.Path, log: pathlib.Path | None = None) -> t.Iterator[Address]:
    """Run Prism on a free port of the loopback and wait until it listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    path = log or TOOLS / "mock.log"
    command = [str(PRISM), str(arguments[0]), f"--port={port}", "--host=127.0.0.1", *map(str, arguments[1:])]
    with path.open("w", encoding="utf-8") as file, _running(command, stdout=file, stderr=file, cwd=TOOLS) as process:
        deadline = time.monotonic() + START_TIMEOUT
        while "is listening" not in path.read_text(encoding="utf-8", errors="replace"):
            said = path.read_text(encoding="utf-8", errors="replace")
            assert process.poll() is None, f"Prism ended:\n{said[-2000:]}"
            assert time.monotonic() < deadline, f"Prism does not start within {START_TIMEOUT} seconds:\n{said[-2000:]}"
            time.sleep(0.1)
        yield Address(f"http://127.0.0.1:{port}")


def _received(log: pathlib.Path) -> int:
    return log.read_text(encoding="utf-8", errors="replace").count("Request received")


def _prove_that_it_fails(url: Address, sandbox: Address) -> None:
    """Let the sandbox answer once as the document does not allow: Prism has to turn that into an error."""
    _ask(sandbox, "POST", "/_sandbox/faults", json.dumps([{"body": {"invoices": [{"invoice_id": 7}]}}]))
    status, body = _ask(url, "GET", "/api/v1/invoices")
    assert (status, b"VIOLATIONS" in body) == (500, True), f"Prism lets a wrong answer pass: {status} {body[:500]!r}"
    status, body = _ask(url, "GET", "/api/v1/invoices")
    assert status == 200, f"Prism takes the sandbox's list for wrong: {status} {body[:2000]!r}"


def _ask(url: Address, method: str, path: str, body: str | None = None) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc, timeout=30)
    with contextlib.closing(connection):
        headers = {"Authorization": f"Bearer {KEY}", "Cc-Version": VERSION, "Content-Type": "application/json"}
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()


@contextlib.contextmanager
def _preferring(prism: Address) -> t.Iterator[Address]:
    """Stand before Prism: C(/code-403/…) becomes C(/…) with the header by which Prism is asked for an error.

    The header in which Prism lists its own answer's faults is dropped: it can be longer than HTTP clients allow.
    """

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
            path = self.path
            if path.startswith("/code-"):
                code, slash, rest = path.removeprefix("/code-").partition("/")
                headers["Prefer"], path = f"code={code}", slash + rest
            connection = http.client.HTTPConnection(urllib.parse.urlsplit(prism).netloc, timeout=30)
            with contextlib.closing(connection):
                connection.request("GET", path, headers=headers)
                answer = connection.getresponse()
                body = answer.read()
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.headers.get("Content-Type", ""))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: t.Any) -> None:
            pass

    http.client._MAXLINE = 100_000_000  # type: ignore[attr-defined] # The header mentioned above.
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        pool.submit(server.serve_forever)
        try:
            yield Address(f"http://127.0.0.1:{server.server_port}")
        finally:
            server.shutdown()
            server.server_close()


def _play(playbook: str, url: Address) -> None:
    """Run a playbook with the collection as it stands in the checkout."""
    copy = copy_tree("contract-play")
    variables = json.dumps({"mock_url": url, "mock_key": KEY})
    env = environment(ANSIBLE_COLLECTIONS_PATH=str(copy.parents[2]), ANSIBLE_LOCALHOST_WARNING="false")
    command = [str(BIN / "ansible-playbook"), "-i", "localhost,", "-c", "local", "-e", variables]
    interpreter = ["-e", f"ansible_python_interpreter={sys.executable}"]
    _succeed([*command, *interpreter, str(PLAYBOOKS / playbook)], cwd=TOOLS, env=env)
    shutil.rmtree(copy.parents[2])


def _succeed(command: list[str], *, cwd: pathlib.Path, env: dict[str, str]) -> None:
    """Run a command and raise what it said when it fails or takes too long."""
    options: dict[str, t.Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "errors": "replace"}
    with _running(command, cwd=cwd, env=env, **options) as process:
        try:
            said, _errors = process.communicate(timeout=STEP_TIMEOUT)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{command[0]} did not end within {STEP_TIMEOUT} seconds.") from None
    assert process.returncode == 0, said[-6000:]


if __name__ == "__main__":
    sys.exit(main())
