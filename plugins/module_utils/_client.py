# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is private to the cockroachdb_cloud.billing collection.
# It can change or vanish in any release, so do not use it from outside.

"""HTTP: one session, the credential, bounded attempts, retries, and from each answer either JSON or one clear error."""

from __future__ import annotations

import contextlib
import datetime
import functools
import gc
import json
import math
import random
import re
import sys
import time
import typing as t
from urllib.parse import quote, urlencode

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._errors import (
    BillingError,
    OptionsError,
    RateLimitError,
    out_of_memory,
)
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._transport import (
    IMPORT_ERROR,
    Answer,
    fetch,
    open_session,
    run_bounded,
)

if t.TYPE_CHECKING:
    from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._failures import Failures
    from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._options import Connection
    from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._redaction import Redactor

VERSION = "1.0.0"
USER_AGENT = f"cockroachdb_cloud.billing/{VERSION}"

_Reader = t.Callable[[json.JSONDecoder, str], t.Any]

_DEEPEST = 64
_SHOWN = 1 << 20  # bytes, far more than what a message shows of a body
_LONGEST_URL = 2000  # characters that a message shows: the API says what the next page is called
# How long one call waits out the rate limit, in seconds, beside its other retries: a hundred clients of five calls, all
# with one key, need 57 at the most.
_PATIENCE = 120
# Beyond the time that the API asked for, each client waits a random time, so that not all come back at once: up to 1/32
# of a second, and twice as much with each further refusal. 8 clients of 6 calls are done after 5 seconds, where twice
# that at the beginning takes half a second longer, and 40 clients of 3 calls after 16 with either.
_FIRST_SPREAD = 0.03125
_LARGEST_SPREAD = 4

# An escape with what no text may hold as its group: NUL, which some readers end a text at, and the half of a surrogate
# pair that stands alone, for which UTF-8 has no bytes. The other alternatives keep what looks like one from being read
# as one.
_NO_CHARACTER = (
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u(?:[dD][89a-fA-F][0-9a-fA-F]{2}|0000))|[^u])"
)
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_RESERVED = "__ansible_"
_RESERVED_ESCAPED = r"\\u00(?:5[fF]|6[1259cCeE]|73)"  # the letters that it is made of


class Client:
    """A connection to the API, over which any number of calls go one after the other."""

    def __init__(
        self,
        connection: Connection,
        *,
        sleep: t.Callable[[float], object] = time.sleep,
        now: t.Callable[[], datetime.datetime] = lambda: datetime.datetime.now(datetime.timezone.utc),
    ) -> None:
        """Prepare the session; nothing is sent yet.

        :param connection: the checked options.
        :param sleep: how to wait, in seconds.
        :param now: the present, which a Retry-After in the form of a date counts from.
        :raises OptionsError: when the requests library is missing or broken; it names the interpreter that needs it.
        """
        if IMPORT_ERROR is not None:
            raise OptionsError(_say_what_is_broken(IMPORT_ERROR))
        self._connection = connection
        self._sleep = sleep
        self._now = now
        self.attempts = 0  # of the call under way, or of the last one
        self._session = open_session()
        # A callable, since requests lets an entry in ~/.netrc replace an Authorization header that is set directly.
        self._session.auth = self._authorize
        self._session.headers["User-Agent"] = f"{USER_AGENT} {self._session.headers['User-Agent']}"
        self._session.headers["Accept"] = "application/json"
        self._session.headers["Cc-Version"] = connection.api_version
        if connection.credential.kind == "api_jwt":
            for header, value in (("Cc-Vanity-Name", connection.vanity_name), ("Cc-Username", connection.username)):
                if value is not None:
                    self._session.headers[header] = value

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *dummy: object) -> None:
        self._session.close()

    def get(self, *path: str, query: t.Mapping[str, str] | None = None, read: _Reader | None = None) -> t.Any:
        """Send GET and return the JSON value of the answer.

        A connection that fails, an attempt that takes too long, a body that breaks off, and the statuses 500, 502, 503
        and 504 are tried again, O(retries) times at the most. The rate limit is waited out for two minutes.

        :param path: the segments of the path below C(api_url); each is quoted whole.
        :param query: the query parameters.
        :param read: makes the value of the body's text with the decoder that it is given; it raises ValueError where
            the text is no JSON. When left out, the text is one JSON value.
        :returns: whatever C(read) returns.
        :raises BillingError: the subclass that fits; its text says what to do next. Also what C(read) raises.
        """
        url = "/".join([self._connection.api_url, *(quote(segment, safe="") for segment in path)])
        if query:
            url = f"{url}?{urlencode(query)}"
        waits = _Waits(self._connection)
        self.attempts = 0
        while True:
            self.attempts += 1
            outcome: t.Any = run_bounded(lambda: self._exchange(url), self._connection.timeout)
            if outcome is None:
                outcome = self._failures.timed_out()
            if isinstance(outcome, Answer):
                outcome = self._read(outcome, path, read)
                if not isinstance(outcome, BillingError):
                    return outcome
            delay = waits.before_another(outcome)
            if delay is None:
                raise outcome.in_call(f"GET {self._redactor.redact(url)[:_LONGEST_URL]}", self.attempts)
            self._sleep(delay)

    def _authorize(self, request: t.Any) -> t.Any:
        request.headers["Authorization"] = f"Bearer {self._connection.credential.secret}"
        return request

    def _exchange(self, url: str) -> Answer | BillingError:
        try:
            return fetch(self._session, url, verify=self._connection.verify, timeout=self._connection.timeout)
        except Exception as error:  # noqa: BLE001 (none may die with its thread, and its text may show a header)
            return self._failures.of_exception(error)

    def _read(self, answer: Answer, path: t.Sequence[str], read: _Reader | None) -> t.Any:
        """Return the JSON value of an answer, or the error that it means."""
        try:
            if answer.status != 200:
                return self._failures.refused(answer, path)
            return _load(self._without_secret(answer.body), read)
        except (ValueError, RecursionError):
            return self._failures.unreadable(answer)
        except MemoryError:
            return out_of_memory()  # there may be too little to load _failures

    def _without_secret(self, body: bytes | bytearray) -> bytes | bytearray:
        """Return a body without the credential: a server that echoes it must not make it part of the data."""
        if not self._redactor.may_be_in(body):
            return body
        return self._redactor.redact(body.decode("latin-1")).encode("latin-1")

    @functools.cached_property
    def _redactor(self) -> Redactor:
        from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._redaction import Redactor

        return Redactor(self._connection.credential.secret)

    @functools.cached_property
    def _failures(self) -> Failures:
        # Nothing that goes well needs it, and to compile it would take as long as to read a small answer.
        from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._failures import Failures

        return Failures(self._connection, self._redactor.redact, self._now)


class _Waits:
    """Says for one call whether another attempt is made, and after how many seconds."""

    def __init__(self, connection: Connection) -> None:
        self._retries = connection.retries
        self._longest = connection.retry_max_delay
        self._failed = 0
        self._refused = 0
        self._patience = float(_PATIENCE if connection.retries else 0)

    def before_another(self, failure: BillingError) -> float | None:
        """Return how long to wait after a failure, None when it is final.

        It is never less than the API asked for, nor more than C(retry_max_delay).
        """
        if not failure.retry or (failure.retry_after or 0) > self._longest:
            return None
        delay = failure.retry_after
        if isinstance(failure, RateLimitError):
            if self._patience <= 0 or self._longest == 0:
                return None
            spread = min(_FIRST_SPREAD * 2**self._refused, _LARGEST_SPREAD)
            delay = min((1 if delay is None else delay) + random.uniform(0, spread), self._longest)
            self._refused += 1
            self._patience -= max(delay, 1)
            return delay
        if self._failed >= self._retries:
            return None
        if delay is None:  # up to twice as long each time ("full jitter")
            delay = random.uniform(0, min(self._longest, 2**self._failed))
        self._failed += 1
        return delay


def _say_what_is_broken(error: Exception) -> str:
    if isinstance(error, ModuleNotFoundError) and error.name == "requests":
        # Only this path needs what basic brings along, and on the controller it may not be loaded yet.
        from ansible.module_utils.basic import missing_required_lib

        return f"{missing_required_lib('requests')} For example: {sys.executable} -m pip install requests"
    reason = " ".join(f"{error}".split()) or type(error).__name__
    return (
        f"The requests library of {sys.executable} cannot be imported: {reason}. Repair it, for example: "
        f"{sys.executable} -m pip install --upgrade --force-reinstall requests urllib3"
    )


def _load(body: bytes | bytearray, read: _Reader | None = None) -> t.Any:
    """Return the JSON value of a body, less what Ansible cannot hand on.

    :raises ValueError: no JSON, no UTF-8, a number out of range, or nesting that would exhaust what reads it next.
    """
    text = body.decode("utf-8-sig")
    clean = None
    # For the usual body that is all that it costs: 14 ms for 20 MB.
    if "\\" in text:
        text = re.sub(_NO_CHARACTER, _replace, text)
        clean = _without_reserved if re.search(_RESERVED_ESCAPED, text) else None
    if _RESERVED in text:
        clean = _without_reserved
    decoder = json.JSONDecoder(object_hook=clean, parse_float=_finite, parse_constant=_no_constant)
    deep = _may_be_deep(body)
    if isinstance(body, bytearray):
        del body[_SHOWN:]  # else the body would lie in memory twice while its text is read
    with no_garbage_collection():
        if deep and _is_deep(decoder.decode(text)):
            raise ValueError("nested too deeply")
        return read(decoder, text) if read else decoder.decode(text)


@contextlib.contextmanager
def no_garbage_collection() -> t.Iterator[None]:
    """Keep Python from looking for garbage while something large is built that has none.

    20 MB are read in 0.17 s in place of 0.25; and in a worker Python would look among all that it has from Ansible.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _replace(match: re.Match[str]) -> str:
    return "\\ufffd" if match.group(1) else match.group()


def _without_reserved(value: dict[str, t.Any]) -> dict[str, t.Any]:
    """Return an object less the keys that ansible-core takes for marks of its own, and fails at."""
    return {key: inner for key, inner in value.items() if not key.startswith(_RESERVED)}


def _may_be_deep(body: bytes | bytearray) -> bool:
    """Say quickly whether JSON may be nested too deeply: brackets within strings can make it say so wrongly.

    Ansible can hand on 200 levels, and fails at 300; Python reads some 900. This takes 17 ms for 20 MB, and to walk
    through the value takes 95. For 20 MB of brackets that nothing closes it would take 4 s to go on to the end.
    """
    brackets = body.translate(None, delete=_NO_BRACKETS)
    for _level in range(_DEEPEST):
        before = len(brackets)
        brackets = brackets.replace(b"[]", b"").replace(b"{}", b"")
        if (before - len(brackets)) * _DEEPEST < before:
            break  # Were they nested no deeper, one in _DEEPEST at least would have been an innermost one.
    return bool(brackets)


def _is_deep(value: t.Any) -> bool:
    level = [value]
    for _level in range(_DEEPEST + 1):
        level = [inner for inner in level if isinstance(inner, (dict, list))]
        level = [inner for outer in level for inner in (outer.values() if isinstance(outer, dict) else outer)]
    return bool(level)


def _no_constant(name: str) -> t.NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if math.isfinite(value):
        return value
    raise ValueError("a number out of range")
