"""Measurements side by side, as a table in Markdown."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(slots=True)
class Table:
    """Rows of what was measured, its peer or bound, and how the two compare."""

    rows: list[tuple[str, str, str, str, str]] = field(default_factory=list)

    def add(self, work: str, measured: str, peer: str, ratio: str, goal: str) -> None:
        """One more row."""
        self.rows.append((work, measured, peer, ratio, goal))

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


def milliseconds(seconds: Iterable[float] | float) -> str:
    """The median, to be read."""
    value = seconds if isinstance(seconds, float) else statistics.median(seconds)
    return f"{value * 1000:.1f} ms"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |"
