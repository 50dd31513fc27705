"""Measurements side by side, as a table in Markdown."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(slots=True)
class Table:
    """Rows of what was measured, its peer or bound, and how the two compare."""

    rows: list[tuple[str, str, str, str, str]] = field(default_factory=list)

    def add(self, work: str, measured: str, peer: str, ratio: str, goal: str) -> None:
        """One more row."""
        self.rows.append((work, measured, peer, ratio, goal))

    def compare(
        self, work: str, taken: Mapping[str, Sequence[float]], ours: str, peer: str, *, goal: str, size: int = 0
    ) -> float:
        """One more row, of two of the works whose seconds are told; returns their ratio. `size` is what went through."""
        ratio = median_ratio(taken[ours], taken[peer])
        measured = f"{readable(taken[ours])}{rate(taken[ours], size)}"
        self.add(work, measured, f"{readable(taken[peer])} ({peer})", f"{ratio:.2f}×", goal)
        return ratio

    def markdown(self) -> str:
        """The table, its columns aligned."""
        head = ("work", "measured", "beside it, in the same run", "ratio", "goal")
        lines = [head, tuple("-" * len(word) for word in head), *self.rows]
        widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
        return "\n".join(_line(line, widths) for line in lines)


def interleaved(works: Mapping[str, Callable[[], float]], repetitions: int) -> dict[str, list[float]]:
    """Seconds of each work, done in turns, so that what else the machine does falls on all of them alike."""
    taken: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(repetitions):
        for name, work in works.items():
            taken[name].append(work())
    return taken


def median_ratio(measured: Sequence[float], peer: Sequence[float]) -> float:
    """The median of the ratios within each turn."""
    return statistics.median(ours / theirs for ours, theirs in zip(measured, peer, strict=True))


def timed(work: Callable[[], object]) -> float:
    """Seconds that it takes. What was written before is on the disk by then, so that nobody waits for that."""
    os.sync()
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def readable(seconds: Sequence[float]) -> str:
    """The median, in the unit that fits."""
    median = statistics.median(seconds)
    return milliseconds(median) if median < 1 else f"{median:.2f} s"


def rate(seconds: Sequence[float], size: int) -> str:
    """What the median is of so many bytes, if any."""
    return f", {size / statistics.median(seconds) / 1e6:,.0f} MB/s" if size else ""


def milliseconds(seconds: Iterable[float] | float) -> str:
    """The median, to be read."""
    value = seconds if isinstance(seconds, float) else statistics.median(seconds)
    return f"{value * 1000:.1f} ms"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |"
