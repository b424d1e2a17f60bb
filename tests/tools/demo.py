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
import typing as t
import urllib.parse

from _checkout import BIN, ROOT, environment

sys.path.insert(0, str(ROOT / "tests" / "sandbox"))

from billing_sandbox import KEY, Sandbox

TOOLS = ROOT / "tests" / "tools"
REPORT = ROOT / "build" / "report"


def demo(arguments: t.Sequence[str], account: t.Mapping[str, str]) -> int:
    """Run the playbook, end it whatever happens here, and return its exit code."""
    callback = {"ANSIBLE_CALLBACK_PLUGINS": str(TOOLS / "callback_plugins"), "ANSIBLE_STDOUT_CALLBACK": "messages"}
    options: dict[str, t.Any] = {"env": environment(**callback, **account), "stdin": subprocess.DEVNULL}
    command = [str(BIN / "ansible-playbook"), str(TOOLS / "demo.yml"), "-e", f"billing_dest={REPORT}", *arguments]
    REPORT.parent.mkdir(exist_ok=True)
    with subprocess.Popen(command, start_new_session=True, **options) as playbook:
        try:
            failed = playbook.wait()
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(playbook.pid, signal.SIGTERM)
    if not failed:
        print(f"Open it in a browser: {(REPORT / 'index.html').as_uri()}", flush=True)
    return failed


def main(arguments: t.Sequence[str]) -> int:
    """Run the demo and return the exit code of the playbook; a signal ends it with 128 and its number."""
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, lambda number, _frame: sys.exit(128 + number))
    if os.environ.get("COCKROACH_API_KEY"):
        account = {name: value for name, value in os.environ.items() if name.startswith("COCKROACH_")}
        host = None  # and nothing else of the address, which may hold a password
        with contextlib.suppress(ValueError):
            host = urllib.parse.urlsplit(account.get("COCKROACH_SERVER", "https://cockroachlabs.cloud")).hostname
        print(f"The organization of COCKROACH_API_KEY, at {host or 'the host of COCKROACH_SERVER'}.", flush=True)
        return demo(arguments, account)
    print("The sandbox, a made-up organization. With COCKROACH_API_KEY set this is your own.", flush=True)
    with Sandbox() as sandbox:
        return demo(arguments, {"COCKROACH_SERVER": sandbox.url, "COCKROACH_API_KEY": KEY})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
