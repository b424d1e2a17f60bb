# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the benchmark.

"""Run a command and take its time and memory; run the sandbox beside it."""

from __future__ import annotations

import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
import typing as t
import urllib.request

SERVER = pathlib.Path(__file__).resolve().parents[1] / "sandbox" / "server.py"
KEY = "sandbox-key"
_LIFETIME = 3600
_MEBIBYTE = 1 << 20


class Sample(t.NamedTuple):
    """What one run cost: seconds by the clock, seconds of user CPU, and MiB of the largest process."""

    wall: float
    user: float
    peak: float | None = None

    def less(self, other: Sample) -> Sample:
        """Take another run's time off; memory is not of the kind that can be taken off."""
        return Sample(self.wall - other.wall, self.user - other.user, self.peak)


def run(command: t.Sequence[str], env: t.Mapping[str, str], cwd: pathlib.Path) -> Sample:
    """Run a command to its end.

    :returns: user CPU over all its processes; the peak of the largest of them, since what processes share would count
        more than once in a sum.
    :raises SystemExit: it failed; with the end of what it printed.
    """
    with tempfile.TemporaryFile() as output:
        began = time.monotonic()
        process = subprocess.Popen(command, env=env, cwd=cwd, stdout=output, stderr=subprocess.STDOUT)
        _pid, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            output.seek(0)
            said = output.read().decode("utf-8", "replace")[-4000:]
            raise SystemExit(f"{' '.join(command)} failed:\n{said}")
    unit = 1 if sys.platform == "darwin" else 1024
    return Sample(wall, usage.ru_utime, usage.ru_maxrss * unit / _MEBIBYTE)


def median(samples: t.Sequence[Sample]) -> Sample:
    """Return the median of each measure for itself."""
    peaks = [sample.peak for sample in samples if sample.peak is not None]
    return Sample(
        statistics.median(sample.wall for sample in samples),
        statistics.median(sample.user for sample in samples),
        statistics.median(peaks) if peaks else None,
    )


def fastest(samples: t.Sequence[Sample]) -> Sample:
    """Return the least of each measure for itself: what is left when nothing else got in the way."""
    peaks = [sample.peak for sample in samples if sample.peak is not None]
    return Sample(
        min(sample.wall for sample in samples),
        min(sample.user for sample in samples),
        min(peaks) if peaks else None,
    )


class Sandbox:
    """The sandbox in a process of its own, without a rate limit."""

    def __init__(self, *, months: int, clusters: int, lines: int) -> None:
        arguments = {"months": months, "clusters": clusters, "lines": lines, "lifetime": _LIFETIME}
        self._command = [sys.executable, str(SERVER), "--no-rate-limit"]
        self._command += [f"--{name}={value}" for name, value in arguments.items()]
        self.url = ""

    def __enter__(self) -> Sandbox:
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()
        if not self.url:
            raise SystemExit("The sandbox did not start.")
        return self

    def __exit__(self, *dummy: object) -> None:
        self._process.terminate()
        self._process.communicate()

    def size(self) -> int:
        """Return the number of bytes of the list of invoices."""
        with self._open("GET", "/api/v1/invoices") as answer:
            return int(answer.headers["Content-Length"])

    def invoice_ids(self) -> list[str]:
        """Return the ids of all invoices; for small sandboxes, since it holds the list in this process."""
        with self._open("GET", "/api/v1/invoices") as answer:
            return [str(invoice["invoice_id"]) for invoice in json.load(answer)["invoices"]]

    def count_requests(self) -> int:
        """Return how many requests came since the last time that this was asked."""
        with self._open("GET", "/_sandbox/requests") as answer:
            number = len(json.load(answer))
        self._open("DELETE", "/_sandbox/requests").close()
        return number

    def _open(self, method: str, path: str) -> t.Any:
        headers = {"Authorization": f"Bearer {KEY}"}
        request = urllib.request.Request(self.url + path, method=method, headers=headers)  # noqa: S310 (the sandbox)
        return urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request)
