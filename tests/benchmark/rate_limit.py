# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long many clients with one key take under the rate limit of the sandbox: C(rate_limit.py [CHECKOUT ...]).

Each checkout is measured in turn, this one when none is named, so that two versions of the client can be compared.
"""

from __future__ import annotations

import pathlib
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parents[2]
SIZES = ((8, 6), (20, 2), (20, 10), (40, 3))
CLIENTS = """
import os, sys
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils import _client, _errors, _options
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._credential import Credential
url, clients, calls = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
credential = Credential("sandbox-key", "api_key", "option api_key")
def run():
    connection = _options.Connection(credential, None, None, url, "2024-09-16", True, 30, 4, 60)
    with _client.Client(connection) as client:
        for _call in range(calls):
            client.get("api", "v1", "invoices")
children = []
for _client_number in range(clients):
    child = os.fork()
    if not child:
        try:
            run()
        except _errors.BillingError as error:
            print(error, file=sys.stderr)
            os._exit(1)
        os._exit(0)
    children.append(child)
print(sum(1 for child in children if os.waitpid(child, 0)[1]))
"""


def measure(tree: str, clients: int, calls: int) -> tuple[float, int, int]:
    """Return seconds, failed clients and refused requests of C(clients) processes that send C(calls) requests each."""
    sys.path.insert(0, str(HERE / "tests" / "sandbox"))
    from billing_sandbox import Sandbox

    with Sandbox(months=2, clusters=2) as sandbox:
        started = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-c", CLIENTS, sandbox.url, f"{clients}", f"{calls}"],
            env={"PYTHONPATH": tree},
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        refused = sum(1 for entry in sandbox.requests() if entry["status"] == 429)
        return time.monotonic() - started, int(done.stdout), refused


def main() -> None:
    """Print a line for each size and checkout."""
    for clients, calls in SIZES:
        for checkout in sys.argv[1:] or [str(HERE)]:
            with tempfile.TemporaryDirectory() as tree:
                namespace = pathlib.Path(tree, "ansible_collections", "cockroachdb_cloud")
                namespace.mkdir(parents=True)
                (namespace / "billing").symlink_to(pathlib.Path(checkout).resolve())
                spent, failed, refused = measure(tree, clients, calls)
            print(f"{clients} x {calls}: {spent:5.1f} s, {failed} failed, {refused} refused  {checkout}", flush=True)


if __name__ == "__main__":
    main()
