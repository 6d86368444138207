"""The last runs as a picture: failed checks by severity as bars, coverage as a line, broken where runs differ."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from recordscan.history import incomparable
from recordscan.result import RunRecord
from recordscan.rule import Severity
from recordscan_reports.wording import SEVERITIES, count, percent

LEFT, RIGHT = 44, 990
BARS_TOP, BARS_BOTTOM = 24, 190
LINE_TOP, LINE_BOTTOM = 226, 276
WIDEST_BAR = 44
LABELS = 7
"""Days that are written below the picture at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """The failed checks of one severity in a bar: from `y`, so high."""

    severity: Severity
    y: float
    height: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One run.

    Attributes:
        run: The run.
        x: Its middle.
        pieces: The worst at the bottom.
        covered: Height of its coverage on the line; None where nothing applied.
        why: Why it cannot be compared with the run before; None where it can, and of the first.
        day: What is written below it; "" for nothing.
    """

    run: RunRecord
    x: float
    pieces: tuple[Piece, ...]
    covered: float | None
    why: str | None
    day: str

    @property
    def coverage(self) -> str:
        """As a percentage."""
        return percent(self.run.evaluated, self.run.planned) if self.run.planned else "no data"


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """The runs, the oldest first, as they are drawn.

    Attributes:
        bars: The runs.
        width: Of a bar.
        most: Number at the top of the scale of the bars.
        lines: Points of the coverage, one list for each stretch of runs that can be compared.
        breaks: Where runs cannot be compared: between which.
    """

    bars: tuple[Bar, ...]
    width: float
    most: int
    lines: tuple[str, ...]
    breaks: tuple[float, ...]

    @property
    def summary(self) -> str:
        """In words, for who does not see the picture."""
        first, last = self.bars[0].run, self.bars[-1].run
        failed = [sum(run.failing.values()) for run in (first, last)]
        if first is last:
            return f"One run: {count(failed[1], 'check fails', 'checks fail')}"
        return (
            f"{count(len(self.bars), 'run')} from {first.started[:10]} to {last.started[:10]}: first "
            f"{count(failed[0], 'check fails', 'checks fail')}, last {failed[1]:,}"
        )


def picture_of(runs: Sequence[RunRecord]) -> Picture:
    """Draw runs, of which there is at least one."""
    most = _scale(max(sum(run.failing.values()) for run in runs))
    slot = (RIGHT - LEFT) / len(runs)
    every = -(-len(runs) // LABELS)
    reasons = [None, *(incomparable(before, run) for before, run in pairwise(runs))]
    bars = tuple(
        Bar(
            run=run,
            x=round(LEFT + slot * (at + 0.5), 1),
            pieces=tuple(_pieces(run, most)),
            covered=_at(run.evaluated / run.planned) if run.planned else None,
            why=reasons[at],
            day=run.started[5:10] if (len(runs) - 1 - at) % every == 0 else "",
        )
        for at, run in enumerate(runs)
    )
    stretches: list[list[str]] = []
    for bar in bars:
        if not stretches or bar.why is not None or bar.covered is None:
            stretches.append([])
        if bar.covered is not None:
            stretches[-1].append(f"{bar.x},{bar.covered}")
    return Picture(
        bars=bars,
        width=round(min(WIDEST_BAR, slot * 0.62), 1),
        most=most,
        lines=tuple(" ".join(points) for points in stretches if len(points) > 1),
        breaks=tuple(round(bar.x - slot / 2, 1) for bar in bars if bar.why is not None),
    )


def _pieces(run: RunRecord, most: int) -> list[Piece]:
    pieces, y = [], float(BARS_BOTTOM)
    for severity in SEVERITIES:
        number = run.failing.get(severity, 0)
        height = number / most * (BARS_BOTTOM - BARS_TOP)
        y -= height
        if number:
            pieces.append(Piece(severity=severity, y=round(y, 1), height=round(height, 1)))
    return pieces


def _at(share: float) -> float:
    return round(LINE_BOTTOM - share * (LINE_BOTTOM - LINE_TOP), 1)


def _scale(most: int) -> int:
    """The next of 4, 5, 10, 20, 40, 50, 100 and so on."""
    step = 4
    while step < most:
        step = step * 5 // 4 if str(step).startswith(("4", "8")) else step * 2
    return step
