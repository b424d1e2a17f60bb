# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Scripted faults: what the next requests get instead of, or around, the answer that they would have got."""

from __future__ import annotations

import base64
import json
import threading
import typing as t

from billing_sandbox._api import Answer, ApiError, json_bytes

_GRPC_CODES = {400: 3, 401: 16, 403: 7, 404: 5, 405: 12, 409: 10, 429: 8, 500: 13, 501: 12, 502: 14, 503: 14, 504: 4}
_DROPS = ("before", "headers", "body")
_PARTS = ("headers", "body")


class Fault(t.NamedTuple):
    """One fault. README.md beside this package says what each field does."""

    path: str = ""
    times: int | None = 1
    status: int | None = None
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    content_type: str | None = None
    delay: float = 0.0
    drop: str | None = None
    reset: bool | None = None
    drip: float | None = None
    part: str = "body"
    never: bool = False
    chunked: bool = False
    chunked_break: bool = False

    @classmethod
    def parse(cls, script: object) -> Fault:
        """Read a fault from its JSON form; ApiError 400 when there is something wrong with it."""
        if not isinstance(script, dict):
            raise _bad("a fault is an object")
        unknown = sorted(set(script) - _FIELDS)
        if unknown:
            raise _bad(f"unknown field {', '.join(map(str, unknown))}")
        fields = {name: value for name, value in script.items() if name not in ("headers", "body", "body_base64")}
        content_type, body = _body(script)
        fault = cls(**{"content_type": content_type, **fields, "headers": _headers(script), "body": body})
        fault._check()
        return fault

    def _check(self) -> None:
        if not isinstance(self.path, str):
            raise _bad("path is a text that the path begins with")
        if self.drop not in (None, *_DROPS):
            raise _bad(f"drop is one of {', '.join(_DROPS)}")
        if self.part not in _PARTS:
            raise _bad(f"part is one of {', '.join(_PARTS)}")
        if self.status is not None and not (_is_number(self.status) and 200 <= self.status <= 599):
            raise _bad("status is a number from 200 to 599")
        if self.times is not None and not (_is_number(self.times) and self.times >= 1):
            raise _bad("times is a number from 1, or null for ever")
        if not _is_number(self.delay) or not (self.drip is None or _is_number(self.drip)):
            raise _bad("delay and drip are seconds")

    @property
    def replaces_answer(self) -> bool:
        return self.status is not None or self.body is not None

    def answer(self, usual: t.Callable[[], Answer]) -> Answer:
        """What to send: the fault's own answer, or the usual one with the fault's headers.

        :param usual: computes the answer that the request would have got; not called when it is not needed.
        """
        if not self.replaces_answer:
            return _with_headers(usual(), self.headers)
        status = self.status or 200
        body = self.body
        if body is None:
            body = json_bytes({"code": _GRPC_CODES.get(status, 2), "message": f"sandbox: {status}", "details": []})
        return _with_headers(
            Answer(status, (("Content-Type", self.content_type or "application/json"),), body), self.headers
        )


_FIELDS = set(Fault._fields) | {"body_base64"}


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0


def _bad(text: str) -> ApiError:
    return ApiError(400, 3, f"bad fault: {text}")


def _headers(script: t.Mapping[str, t.Any]) -> tuple[tuple[str, str], ...]:
    headers = script.get("headers") or {}
    try:
        pairs = headers.items() if isinstance(headers, dict) else headers
        return tuple((str(name), str(value)) for name, value in pairs)
    except (TypeError, ValueError):
        raise _bad("headers is an object, or a list of pairs") from None


def _body(script: t.Mapping[str, t.Any]) -> tuple[str | None, bytes | None]:
    """Content type and bytes: a string is sent as it stands, anything else as JSON, C(body_base64) as its bytes."""
    if "body_base64" in script:
        try:
            return "application/json", base64.b64decode(script["body_base64"], validate=True)
        except (TypeError, ValueError):
            raise _bad("body_base64 is not base64") from None
    if "body" not in script:
        return None, None
    body = script["body"]
    if isinstance(body, str):
        return "text/plain; charset=utf-8", body.encode()
    return "application/json", json_bytes(body)


def _with_headers(answer: Answer, headers: tuple[tuple[str, str], ...]) -> Answer:
    """The answer with further headers, which replace those of the same name."""
    replaced = {name.lower() for name, _value in headers}
    kept = tuple(pair for pair in answer.headers if pair[0].lower() not in replaced)
    return answer._replace(headers=(*kept, *headers))


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
