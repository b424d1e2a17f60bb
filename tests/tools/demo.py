# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Show what the collection does: install it as a user would, print the invoices and who spent it, write the report.

With C(COCKROACH_API_KEY) in the environment it asks the real API, else a sandbox that ends with this program.
Arguments are handed on to C(ansible-playbook), for example C(-e billing_period=last_3_months).
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import types
import typing as t
import urllib.parse

from _checkout import BIN, CACHE, ROOT, environment
from _install import install

TOOLS = ROOT / "tests" / "tools"
REPORT = ROOT / "build" / "report"
SANDBOX_KEY = "sandbox-key"
SANDBOX_LIFETIME = 600  # seconds; nothing outlives this program for longer, even when it is killed
GRACE = 5  # seconds for a child to end by itself


class Stopped(BaseException):
    """A signal asks this program to end."""


def on_signal(number: int, _frame: types.FrameType | None) -> t.NoReturn:
    """Turn a signal into an exception, once: what is cleaning up is not interrupted again."""
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    raise Stopped(number)


def end(process: subprocess.Popen[t.Any]) -> None:
    """End a child that may still run, and what it started in its session."""
    if process.poll() is None:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(GRACE)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@contextlib.contextmanager
def running(command: t.Sequence[str], **options: t.Any) -> t.Iterator[subprocess.Popen[str]]:
    """Run a command in a session of its own and end it, whatever happens, when the block is left."""
    process = subprocess.Popen(command, cwd=ROOT, start_new_session=True, text=True, **options)
    try:
        yield process
    finally:
        end(process)


@contextlib.contextmanager
def sandbox() -> t.Iterator[dict[str, str]]:
    """Run a sandbox and give the environment variables that lead to it.

    :raises SystemExit: it does not start.
    """
    command = [sys.executable, "tests/sandbox/server.py", f"--lifetime={SANDBOX_LIFETIME}"]
    log = CACHE / "sandbox.log"
    log.parent.mkdir(exist_ok=True)
    with log.open("w", encoding="utf-8") as errors, running(command, stdout=subprocess.PIPE, stderr=errors) as process:
        if process.stdout is None:
            raise SystemExit("The sandbox has no output.")
        url = process.stdout.readline().strip()
        if not url:
            raise SystemExit(f"The sandbox does not start:\n{log.read_text(encoding='utf-8')}")
        threading.Thread(target=process.stdout.read, daemon=True).start()
        yield {"COCKROACH_SERVER": url, "COCKROACH_API_KEY": SANDBOX_KEY}


def account() -> dict[str, str]:
    """Return the environment variables of the user's own account."""
    return {name: value for name, value in os.environ.items() if name.startswith("COCKROACH_")}


def address() -> str:
    """Return the host that the user's own account is at, and nothing else of the address."""
    server = os.environ.get("COCKROACH_SERVER", "https://cockroachlabs.cloud")
    with contextlib.suppress(ValueError):
        return urllib.parse.urlsplit(server).hostname or "the host of COCKROACH_SERVER"
    return "the host of COCKROACH_SERVER"


def demo(arguments: t.Sequence[str], connection: dict[str, str]) -> int:
    """Print the page while the report is written, and return the exit code of the playbook that failed, or 0."""
    env = environment(
        ANSIBLE_CALLBACK_PLUGINS=str(TOOLS / "callback_plugins"), ANSIBLE_STDOUT_CALLBACK="messages", **connection
    )
    options: dict[str, t.Any] = {"env": env, "stdin": subprocess.DEVNULL}
    program = str(BIN / "ansible-playbook")
    to_show = [program, str(TOOLS / "demo.yml"), *arguments]
    to_report = [program, "cockroachdb_cloud.billing.report", "-e", f"billing_dest={REPORT}", *arguments]
    REPORT.parent.mkdir(exist_ok=True)
    log = CACHE / "report.log"
    log.parent.mkdir(exist_ok=True)
    with (
        log.open("w", encoding="utf-8") as output,
        running(to_report, stdout=output, stderr=subprocess.STDOUT, **options) as report,
    ):
        with running(to_show, **options) as page:
            failed = page.wait()
        if failed:
            return failed
        failed = report.wait()
    if failed:
        print(log.read_text(encoding="utf-8"), file=sys.stderr, flush=True)
    else:
        print(f"\nOpen the report in a browser: {(REPORT / 'index.html').as_uri()}", flush=True)
    return failed


def main(arguments: t.Sequence[str]) -> int:
    """Run the demo and return the exit code of the playbook, or 128 and the signal that ended it."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, on_signal)
    try:
        install()
        if os.environ.get("COCKROACH_API_KEY"):
            print(f"The organization of COCKROACH_API_KEY, at {address()}.", flush=True)
            return demo(arguments, account())
        print("The sandbox, a made-up organization. With COCKROACH_API_KEY set this is your own.", flush=True)
        with sandbox() as connection:
            return demo(arguments, connection)
    except Stopped as stopped:
        return 128 + int(stopped.args[0])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
