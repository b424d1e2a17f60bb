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
import logging
import random
import re
import sys
import threading
import time
import types
import typing as t
import warnings
from urllib.parse import quote, urlencode

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._errors import (
    BillingError,
    NetworkError,
    OptionsError,
    Problem,
    RateLimitError,
)
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._options import host_of, is_loopback

if t.TYPE_CHECKING:
    from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._options import Connection
    from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._refusals import Refusals

try:
    import requests
    import requests.utils
    import urllib3.exceptions
except ImportError:
    HAS_REQUESTS = False
else:
    HAS_REQUESTS = True

VERSION = "1.0.0"
USER_AGENT = f"cockroachdb_cloud.billing/{VERSION}"

_Read = t.Callable[[json.JSONDecoder, str], t.Any]

_CHUNK = 1 << 18
_SHORTEST_SECRET = 8
_DEEPEST = 64

# Between two calls of one client, once the API has asked for fewer: the shortest keeps a client that is alone within
# ten requests a second. The pause trebles with each refusal and shrinks with each answer, so that several clients that
# share one limit find a pace that fits all of them.
_SHORTEST_PAUSE = 0.1
_LONGEST_PAUSE = 1.6
# What a client waits beyond the time that the API asked for. It grows steeply, since each of several clients that come
# back at the same moment would be refused again, and none may be refused more often than it has retries.
_FIRST_MARGIN = 0.4
_MARGIN_GROWTH = 5
_MARGIN_STEPS = 8  # past any retry_max_delay, as are the doublings below
_BACKOFF_STEPS = 20

_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
# An escape, with the half of a surrogate pair that stands alone as its group: it is no character, and UTF-8 has no
# bytes for it. The other alternatives keep what looks like one from being read as one.
_LONE_SURROGATE = r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|[^u])"

_THREAD = "cockroachdb_cloud.billing"


def _is_not_ours(record: logging.LogRecord) -> bool:
    return record.threadName != _THREAD


# urllib3 logs headers that it cannot parse, and what it logs ends up in Ansible's log file. A server may echo the
# credential there, so that nothing is logged of our own requests.
for _name in ("urllib3.connection", "urllib3.connectionpool", "urllib3.response"):
    logging.getLogger(_name).addFilter(_is_not_ours)


class _Answer(t.NamedTuple):
    """An HTTP answer whose body has arrived whole."""

    status: int
    headers: t.Mapping[str, str]
    body: bytes


class _Exchange:
    """One request and its answer, between the thread that waits for it and the thread that has it."""

    def __init__(self) -> None:
        self.outcome: _Answer | Problem | None = None
        self._given_up = threading.Event()
        self._response: t.Any = None

    def read(self, response: t.Any) -> _Answer | Problem:
        """Return the answer once its body is whole."""
        self._response = response
        chunks = []
        for chunk in response.iter_content(_CHUNK):
            if self._given_up.is_set():
                break
            chunks.append(chunk)
        if _is_short(response):
            return Problem(NetworkError, "The body of the answer broke off before its end.", retry=True)
        return _Answer(response.status_code, response.headers, b"".join(chunks))

    def give_up(self) -> None:
        """Let the thread end that still reads."""
        self._given_up.set()
        # Since urllib3 2.3; before that, a thread lasts as long as the server drips, or the process.
        shutdown = getattr(getattr(self._response, "raw", None), "shutdown", None)
        if shutdown is not None:
            with contextlib.suppress(Exception):  # the answer may have ended at this very moment
                shutdown()


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
        :raises OptionsError: when the requests library is missing; it names the interpreter that needs it.
        """
        if not HAS_REQUESTS:
            raise OptionsError(_missing_requests())
        self._connection = connection
        self._sleep = sleep
        self._now = now
        self._pause = 0.0
        self.attempts = 0  # of the call under way, or of the last one
        self._session = requests.Session()
        # A callable, since requests lets an entry in ~/.netrc replace an Authorization header that is set directly.
        self._session.auth = self._authorize
        # Also where it does not follow, requests prepares the next request, and fails when it cannot read the target.
        self._session.get_redirect_target = _no_target  # type: ignore[method-assign]
        self._session.headers["User-Agent"] = f"{USER_AGENT} python-requests/{requests.__version__}"
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

    def get(
        self,
        *path: str,
        query: t.Mapping[str, str] | None = None,
        read: _Read | None = None,
    ) -> t.Any:
        """Send GET and return the JSON value of the answer.

        A connection that fails, an attempt that takes too long, a body that breaks off, and the statuses 429, 500, 502,
        503 and 504 are tried again, O(retries) times at the most.

        :param path: the segments of the path below C(api_url); each is quoted whole.
        :param query: the query parameters.
        :param read: makes the value of the text of the body with a decoder; the decoder alone does when left out.
        :returns: whatever JSON value the body holds.
        :raises BillingError: the subclass that fits; its text says what to do next.
        """
        url = "/".join([self._connection.api_url, *(quote(segment, safe="") for segment in path)])
        if query:
            url = f"{url}?{urlencode(query)}"
        backoff = self._backoff()
        self.attempts = 0
        if self._pause:
            self._sleep(self._pause * random.uniform(0.9, 1.2))
        while True:
            self.attempts += 1
            outcome = self._attempt(url)
            if isinstance(outcome, _Answer):
                outcome = self._read(outcome, read)
            if not isinstance(outcome, Problem):
                self._pause = self._pause and max(self._pause * 0.8, self._shortest_pause)
                return outcome
            delay = next(backoff, None) if outcome.retry else None
            if delay is None or (outcome.retry_after or 0) > self._connection.retry_max_delay:
                raise self._error(url, outcome)
            self._sleep(self._wait_for(outcome, delay))

    def _backoff(self) -> t.Iterator[float]:
        """Yield how long to wait before each further attempt: up to twice as long each time ("full jitter")."""
        # The generator of ansible.module_utils.api fails where the longest wait is 0.
        for number in range(self._connection.retries):
            yield random.uniform(0, min(self._connection.retry_max_delay, 2 ** min(number, _BACKOFF_STEPS)))

    @property
    def _shortest_pause(self) -> float:
        return min(_SHORTEST_PAUSE, self._connection.retry_max_delay)

    def _wait_for(self, problem: Problem, backoff: float) -> float:
        """Return how long to wait for the next attempt: never less than the API asked for, nor over retry_max_delay."""
        delay = backoff if problem.retry_after is None else problem.retry_after
        if problem.error is RateLimitError:
            longest = min(_LONGEST_PAUSE, self._connection.retry_max_delay)
            self._pause = min(max(self._pause * 3, self._shortest_pause), longest)
            delay += _FIRST_MARGIN * _MARGIN_GROWTH ** min(self.attempts - 1, _MARGIN_STEPS) * random.uniform(0.5, 1)
        return min(delay, self._connection.retry_max_delay)

    def _authorize(self, request: t.Any) -> t.Any:
        request.headers["Authorization"] = f"Bearer {self._connection.credential.secret}"
        return request

    def _attempt(self, url: str) -> _Answer | Problem:
        """Send one request and wait until its answer is whole, for C(timeout) seconds at the most.

        The time-out of requests bounds a single read, and neither name resolution nor a server that drips. So the
        exchange has a thread of its own, and what counts is when that is over.
        """
        exchange = _Exchange()
        worker = threading.Thread(target=self._exchange, args=(url, exchange), name=_THREAD, daemon=True)
        with warnings.catch_warnings():
            # With validate_certs=false the user has said so already; a warning for each request says nothing new.
            warnings.simplefilter("ignore", urllib3.exceptions.InsecureRequestWarning)
            worker.start()
            worker.join(self._connection.timeout)
        if exchange.outcome is None:
            exchange.give_up()
            late: Problem = _problems().timed_out(self._connection.timeout)
            return late
        return exchange.outcome

    def _exchange(self, url: str, exchange: _Exchange) -> None:
        try:
            with self._session.get(
                url,
                # Per request: a session's verify loses to REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE.
                verify=self._connection.verify,
                timeout=self._connection.timeout,
                proxies=_proxies(url),
                allow_redirects=False,
                stream=True,
            ) as response:
                exchange.outcome = exchange.read(response)
        except Exception as error:  # noqa: BLE001 (none may die with the thread, and its text may show a header)
            exchange.outcome = _problems().classify(error, self._connection.timeout)

    def _read(self, answer: _Answer, read: _Read | None) -> t.Any:
        """Return the JSON value of an answer, or the problem with it."""
        if answer.status != 200:
            return self._refusals.refused(answer)
        try:
            return _load(self._scrub_data(answer.body), read)
        except (ValueError, RecursionError):
            return self._refusals.unreadable(answer)

    def _scrub_data(self, body: bytes) -> bytes:
        # A server that echoes the credential must not make it part of the data. No real one is so short that it could
        # stand in a body by chance, where taking it out would break the data.
        secret = self._connection.credential.secret
        if len(secret) < _SHORTEST_SECRET:
            return body
        # Quick, and right about most bodies: one without the secret and without escapes does not hold it.
        if not any(sign in body for sign in (secret.encode("ascii"), b"\\", b"%", b"&")):
            return body
        return self._redact(body.decode("latin-1")).encode("latin-1")

    # What follows is for answers that are not as they should be. An answer that is needs none of it, and to compile it
    # would take as long as to read a small answer.

    @functools.cached_property
    def _redact(self) -> t.Callable[[str], str]:
        from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._redaction import Redactor

        return Redactor(self._connection.credential.secret).redact

    @functools.cached_property
    def _refusals(self) -> Refusals:
        from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._refusals import Refusals

        return Refusals(self._connection, self._redact, self._now)

    def _error(self, url: str, problem: Problem) -> BillingError:
        tries = f" (after {self.attempts} attempts)" if self.attempts > 1 else ""
        return problem.error(
            f"GET {self._redact(url)} failed{tries}: {problem.text}",
            status=problem.status,
            code=problem.code,
            message=problem.message,
            attempts=self.attempts,
        )


def _missing_requests() -> str:
    # Only this path needs what basic brings along, and on the controller it may not be loaded yet.
    from ansible.module_utils.basic import missing_required_lib

    return f"{missing_required_lib('requests')} For example: {sys.executable} -m pip install requests"


def _problems() -> types.ModuleType:
    # As with the backoff: nothing that goes well needs it.
    from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils import _problems

    return _problems


def _proxies(url: str) -> dict[str, str] | None:
    """Return what overrides the proxies from the environment, None for nothing.

    Plain http is for loopback: through a proxy on another host the credential would travel in the clear after all.
    """
    if url.lower().startswith("https:"):
        return None
    proxy = requests.utils.select_proxy(url, requests.utils.get_environ_proxies(url)) or ""
    return None if is_loopback(host_of(proxy if "://" in proxy else f"//{proxy}")) else {"http": ""}


def _is_short(response: t.Any) -> bool:
    """Say whether fewer bytes came than Content-Length announced, which urllib3 1.26 does not check."""
    length = response.headers.get("Content-Length", "")
    if "Transfer-Encoding" in response.headers or not length.isdecimal() or response.status_code in (204, 304):
        return False
    return bool(response.raw.tell() < int(length))


def _no_target(resp: t.Any) -> None:  # noqa: ARG001 (requests calls it so)
    return None


def _load(body: bytes, read: _Read | None = None) -> t.Any:
    """Return the JSON value of a body, less what Ansible cannot hand on.

    :raises ValueError: no JSON, no UTF-8, a number out of range, or nesting that would exhaust what reads it next.
    """
    text = body.decode()
    if text.startswith("\ufeff"):
        text = text[1:]
    if "\\u" in text:
        text = re.sub(_LONE_SURROGATE, _replace_lone, text)
    with _no_garbage_collection():
        decoder = json.JSONDecoder(parse_constant=_no_constant, parse_float=_finite)
        value = read(decoder, text) if read else decoder.decode(text)
    if _may_be_deep(body) and _is_deep(value):
        raise ValueError("nested too deeply")
    return value


@contextlib.contextmanager
def _no_garbage_collection() -> t.Iterator[None]:
    """Keep Python from looking for garbage while something large is built that has none: that takes a third longer."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _replace_lone(match: re.Match[str]) -> str:
    return "\\ufffd" if match.group(1) else match.group()


def _may_be_deep(body: bytes) -> bool:
    """Say quickly whether JSON may be nested too deeply: brackets within strings can make it say so wrongly."""
    brackets = body.translate(None, delete=_NO_BRACKETS)
    for _level in range(_DEEPEST):
        brackets = brackets.replace(b"[]", b"").replace(b"{}", b"")
    return bool(brackets)


def _is_deep(value: t.Any) -> bool:
    level = [value]
    for _level in range(_DEEPEST):
        level = [
            inner
            for outer in level
            if isinstance(outer, (dict, list))
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
    return any(isinstance(value, (dict, list)) for value in level)


def _no_constant(name: str) -> t.NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if value - value == 0.0:
        return value
    raise ValueError("a number out of range")
