# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No answer, however broken, makes a plugin end in a traceback. C(make fuzz) plays many more of them.

The variables C(FUZZ_SEED) and C(FUZZ_ROUNDS) choose which rounds and how many, C(FUZZ_FIRST) where to begin.
"""

from __future__ import annotations

import collections
import os
import pathlib

from billing_sandbox._scripted import Wire

from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins.faults._fuzz import Round
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins.faults._plugins import no_waits

SEED = int(os.environ.get("FUZZ_SEED", "1"))
FIRST = int(os.environ.get("FUZZ_FIRST", "0"))
ROUNDS = int(os.environ.get("FUZZ_ROUNDS", "250"))


def test_fuzz(tmp_path: pathlib.Path) -> None:
    """Each round ends in data or in one clear error; a failure names the round, which plays the same again."""
    counts: collections.Counter[str] = collections.Counter()
    played = Round(SEED, FIRST)
    with Wire(lambda line: line.send(played.answer)) as wire, no_waits():
        for number in range(FIRST, FIRST + ROUNDS):
            played = Round(SEED, number)
            try:
                counts[played.run(wire.url, str(tmp_path))] += 1
            except Exception as error:
                again = f"FUZZ_SEED={SEED} FUZZ_FIRST={number} FUZZ_ROUNDS=1"
                raise AssertionError(f"{again}: {played.answer[:2000]!r}") from error
    print(f"{ROUNDS} rounds with seed {SEED}: {dict(counts)}")
    assert sum(counts.values()) == ROUNDS
    assert len(counts) == 5 or ROUNDS < 100
