# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the benchmark.

"""From samples to a table and to JSON."""

from __future__ import annotations

import dataclasses
import math
import typing as t

from _measure import Sample, median

Measure = t.Literal["wall", "user", "peak"]


@dataclasses.dataclass(frozen=True)
class Comparison:
    """One line of the table.

    :param work: what our side does.
    :param against: what the other side is.
    :param measure: what the target is about: time by the clock, user CPU, or the memory of the largest process.
    :param summary: what stands for the samples of a side.
    :param target: the ratio, ours to theirs, that is not to be exceeded; None where the line is for information.
    """

    work: str
    against: str
    target: float | None
    ours: t.Sequence[Sample]
    theirs: t.Sequence[Sample]
    measure: Measure = "wall"
    summary: t.Callable[[t.Sequence[Sample]], Sample] = median

    @property
    def sides(self) -> tuple[Sample, Sample]:
        return self.summary(self.ours), self.summary(self.theirs)

    @property
    def ratio(self) -> float:
        ours, theirs = (_value(side, self.measure) for side in self.sides)
        return ours / theirs if theirs > 0 else math.inf

    @property
    def cpu_ratio(self) -> float:
        ours, theirs = self.sides
        return ours.user / theirs.user if theirs.user > 0 else math.inf

    @property
    def met(self) -> bool | None:
        return None if self.target is None else self.ratio <= self.target

    def as_json(self) -> dict[str, t.Any]:
        """Return the line with all its samples: seconds and MiB."""
        return {
            "work": self.work,
            "against": self.against,
            "measure": self.measure,
            "target": self.target,
            "ratio": self.ratio,
            "user_cpu_ratio": self.cpu_ratio,
            "met": self.met,
            "summary": self.summary.__name__,
            "ours": self._side_as_json(self.ours),
            "theirs": self._side_as_json(self.theirs),
        }

    def _side_as_json(self, samples: t.Sequence[Sample]) -> dict[str, t.Any]:
        return {"summary": self.summary(samples)._asdict(), "samples": [sample._asdict() for sample in samples]}


def _value(sample: Sample, measure: Measure) -> float:
    value = {"wall": sample.wall, "user": sample.user, "peak": sample.peak}[measure]
    assert value is not None
    return value


def _side(samples: t.Sequence[Sample], summary: Sample, measure: Measure) -> str:
    values = [_value(sample, measure) for sample in samples]
    shown = _value(summary, measure)
    spread = max(max(values) - shown, shown - min(values)) / abs(shown) * 100 if shown else 0
    seconds = f"{shown * 1000:.0f} ms" if shown < 10 else f"{shown:.1f} s"
    return f"{f'{shown:.0f} MiB' if measure == 'peak' else seconds} ±{spread:.0f} %"


HEADER = ("work", "against", "ours", "theirs", "ratio", "target", "", "user CPU", "peak MiB")


def table(comparisons: t.Sequence[Comparison]) -> str:
    """Return the table: for each side its median or fastest sample, and how far the farthest lies from that."""
    rows = [HEADER]
    for line in comparisons:
        ours, theirs = line.sides
        rows.append(
            (
                line.work,
                line.against,
                _side(line.ours, ours, line.measure),
                _side(line.theirs, theirs, line.measure),
                f"{line.ratio:.3f}{' CPU' if line.measure == 'user' else ''}",
                "" if line.target is None else f"{line.target:g}",
                {True: "met", False: "MISSED", None: ""}[line.met],
                f"{line.cpu_ratio:.3f}",
                " / ".join("-" if peak is None else f"{peak:.0f}" for peak in (ours.peak, theirs.peak)),
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADER))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])
