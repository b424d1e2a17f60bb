# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Scripted faults: what the next requests get instead of, or around, the answer that they would have got."""

from __future__ import annotations

import json
import threading
import typing as t

from billing_sandbox._api import Answer, ApiError, json_bytes

_GRPC_CODES = {400: 3, 401: 16, 403: 7, 404: 5, 405: 12, 409: 10, 429: 8, 500: 13, 501: 12, 502: 14, 503: 14, 504: 4}


class Fault(t.NamedTuple):
    """One fault. README.md beside this package says what each field does."""

    path: str = ""
    times: int | None = 1
    status: int | None = None
    headers: t.Mapping[str, str] = {}
    body: t.Any = ...
    delay: float = 0.0

    @classmethod
    def parse(cls, script: object) -> Fault:
        """Read a fault from its JSON form; ApiError 400 when there is something wrong with it."""
        if not isinstance(script, dict):
            raise _bad("a fault is an object")
        unknown = sorted(set(script) - set(cls._fields))
        if unknown:
            raise _bad(f"unknown field {', '.join(map(str, unknown))}")
        fault = cls(**script)
        if not isinstance(fault.path, str):
            raise _bad("path is a text that the path begins with")
        if not isinstance(fault.headers, dict):
            raise _bad("headers is an object")
        if fault.status is not None and not (_is_number(fault.status) and 200 <= fault.status <= 599):
            raise _bad("status is a number from 200 to 599")
        if fault.times is not None and not (_is_number(fault.times) and fault.times >= 1):
            raise _bad("times is a number from 1, or null for ever")
        if not _is_number(fault.delay):
            raise _bad("delay is a number of seconds")
        return fault

    def answer(self, usual: t.Callable[[], Answer]) -> Answer:
        """What to send: the fault's own answer, or the usual one with the fault's headers.

        :param usual: computes the answer that the request would have got; not called when it is not needed.
        """
        if self.status is None and self.body is ...:
            return _with_headers(usual(), self.headers)
        status, body, kind = self.status or 200, self.body, "application/json"
        if body is ...:
            body = {"code": _GRPC_CODES.get(status, 2), "message": f"sandbox: {status}", "details": []}
        if isinstance(body, str):
            kind, content = "text/plain; charset=utf-8", body.encode()
        else:
            content = json_bytes(body)
        return _with_headers(Answer(status, (("Content-Type", kind),), content), self.headers)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0


def _bad(text: str) -> ApiError:
    return ApiError(400, 3, f"bad fault: {text}")


def _with_headers(answer: Answer, headers: t.Mapping[str, str]) -> Answer:
    """The answer with further headers, which replace those of the same name."""
    replaced = {name.lower() for name in headers}
    kept = [pair for pair in answer.headers if pair[0].lower() not in replaced]
    return answer._replace(headers=(*kept, *((name, f"{value}") for name, value in headers.items())))


class FaultQueue:
    """The faults that are still to come, in order."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[list[t.Any]] = []

    def add(self, script: object) -> None:
        """Append faults from their JSON form: a list of objects."""
        if not isinstance(script, list):
            raise _bad("send a list of faults")
        # Each entry: how often the fault is still to be applied, the fault, and its JSON form.
        entries = [[fault.times, fault, json.loads(json.dumps(one))] for one in script for fault in [Fault.parse(one)]]
        with self._lock:
            self._waiting.extend(entries)

    def take(self, path: str) -> Fault | None:
        """The first fault for a path, which is thereby used once; None when there is none."""
        with self._lock:
            for entry in self._waiting:
                fault: Fault = entry[1]
                if not path.startswith(fault.path):
                    continue
                if entry[0] is not None:
                    entry[0] -= 1
                    if entry[0] == 0:
                        self._waiting.remove(entry)
                return fault
        return None

    def pending(self) -> list[dict[str, t.Any]]:
        """What has not been applied yet, in JSON form, with the C(times) that are left."""
        with self._lock:
            return [{**script, "times": left} for left, _fault, script in self._waiting]

    def clear(self) -> None:
        with self._lock:
            self._waiting.clear()
