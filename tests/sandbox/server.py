# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the sandbox in a process of its own: C(python3 tests/sandbox/server.py --help)."""

from __future__ import annotations

import argparse
import json
import pathlib
import signal
import threading
import typing as t

from billing_sandbox import KEY, QUIRKS, Sandbox


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="An offline CockroachDB Cloud billing API. The first line printed is its URL."
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=0, help="port to listen on; 0, the default, picks a free one")
    parser.add_argument(
        "--months", type=int, default=14, help="billing periods, this month included (default: %(default)s)"
    )
    parser.add_argument("--clusters", type=int, default=12, help="clusters of the organization (default: %(default)s)")
    parser.add_argument("--lines", type=int, help="line items for each running cluster (default: as its plan has)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same data (default: %(default)s)")
    parser.add_argument(
        "--today", metavar="YYYY-MM-DD", help="what counts as today, or an RFC 3339 time (default: now)"
    )
    parser.add_argument("--tls", nargs=2, metavar=("CERT", "KEY"), help="serve https with this certificate and its key")
    parser.add_argument("--no-rate-limit", action="store_true", help="answer any number of requests a second")
    parser.add_argument("--api-prefix", default="", metavar="PATH", help="a path before every path of the API")
    parser.add_argument(
        "--quirk", action="append", default=[], choices=QUIRKS, help="play the API's other possible answer"
    )
    parser.add_argument("--faults", type=pathlib.Path, metavar="FILE", help="a JSON list of faults to begin with")
    parser.add_argument("--lifetime", type=float, metavar="SECONDS", help="end by itself after so many seconds")
    return parser


def main(arguments: t.Sequence[str] | None = None) -> None:
    """Serve until SIGTERM, SIGINT or the end of the lifetime."""
    parser = _parser()
    args = parser.parse_args(arguments)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        sandbox = Sandbox(
            months=args.months,
            clusters=args.clusters,
            lines=args.lines,
            seed=args.seed,
            today=args.today,
            host=args.host,
            port=args.port,
            tls=tuple(args.tls) if args.tls else None,
            rate_limit=not args.no_rate_limit,
            api_prefix=args.api_prefix,
            quirks=args.quirk,
        )
        if args.faults:
            sandbox.faults(json.loads(args.faults.read_text(encoding="utf-8")))
    except (ValueError, OSError) as error:
        parser.error(str(error))
    sandbox.prepare(KEY)
    with sandbox:
        print(sandbox.url, flush=True)
        stop.wait(args.lifetime)


if __name__ == "__main__":
    main()
