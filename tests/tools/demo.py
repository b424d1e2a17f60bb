# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Show what the collection does: print the invoices and who spent it, and write the report.

With C(COCKROACH_API_KEY) in the environment it asks the real API, else a sandbox that ends with this program.
Arguments are handed on to C(ansible-playbook), for example C(-e billing_period=last_3_months).
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import types
import typing as t
import urllib.parse

from _checkout import BIN, CACHE, ROOT, environment

TOOLS = ROOT / "tests" / "tools"
REPORT = ROOT / "build" / "report"
KEY = "sandbox-key"
LIFETIME = 600  # seconds; a sandbox lives no longer, even when this program is killed
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def on_signal(number: int, _frame: types.FrameType | None) -> t.NoReturn:
    """End this program, and let no further signal interrupt what then cleans up."""
    for each in SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    sys.exit(128 + number)


@contextlib.contextmanager
def running(command: t.Sequence[str], **options: t.Any) -> t.Iterator[subprocess.Popen[str]]:
    """Run a command in a session of its own and end all of that, whatever happens, when the block is left."""
    process = subprocess.Popen(command, cwd=ROOT, start_new_session=True, text=True, **options)
    try:
        yield process
    finally:
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(5)


@contextlib.contextmanager
def sandbox(*options: str) -> t.Iterator[str]:
    """Run a sandbox and give its address.

    :raises SystemExit: it does not start.
    """
    command = [sys.executable, "tests/sandbox/server.py", f"--lifetime={LIFETIME}", *options]
    log = CACHE / "sandbox.log"
    log.parent.mkdir(exist_ok=True)
    with log.open("w", encoding="utf-8") as errors, running(command, stdout=subprocess.PIPE, stderr=errors) as process:
        url = process.stdout.readline().strip() if process.stdout else ""
        if not url:
            raise SystemExit(f"The sandbox does not start:\n{log.read_text(encoding='utf-8')}")
        yield url


def demo(arguments: t.Sequence[str], account: t.Mapping[str, str]) -> int:
    """Run the playbook, and return its exit code."""
    callback = {"ANSIBLE_CALLBACK_PLUGINS": str(TOOLS / "callback_plugins"), "ANSIBLE_STDOUT_CALLBACK": "messages"}
    command = [str(BIN / "ansible-playbook"), str(TOOLS / "demo.yml"), "-e", f"billing_dest={REPORT}", *arguments]
    REPORT.parent.mkdir(exist_ok=True)
    with running(command, env=environment(**callback, **account), stdin=subprocess.DEVNULL) as playbook:
        failed = playbook.wait()
    if not failed:
        print(f"Open it in a browser: {(REPORT / 'index.html').as_uri()}", flush=True)
    return failed


def main(arguments: t.Sequence[str]) -> int:
    """Run the demo and return the exit code of the playbook; a signal ends it with 128 and its number."""
    for number in SIGNALS:
        signal.signal(number, on_signal)
    if os.environ.get("COCKROACH_API_KEY"):
        account = {name: value for name, value in os.environ.items() if name.startswith("COCKROACH_")}
        host = None  # and nothing else of the address, which may hold a password
        with contextlib.suppress(ValueError):
            host = urllib.parse.urlsplit(account.get("COCKROACH_SERVER", "https://cockroachlabs.cloud")).hostname
        print(f"The organization of COCKROACH_API_KEY, at {host or 'the host of COCKROACH_SERVER'}.", flush=True)
        return demo(arguments, account)
    print("The sandbox, a made-up organization. With COCKROACH_API_KEY set this is your own.", flush=True)
    with sandbox() as url:
        return demo(arguments, {"COCKROACH_SERVER": url, "COCKROACH_API_KEY": KEY})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
