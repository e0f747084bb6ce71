"""What a figure says, and its form in docs/benchmarks.md."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tests.bench.rotation import Spread, Turn, spread_of

NOT_MEASURED = "not measured"


@dataclass(frozen=True, slots=True)
class Row:
    """One quantity over the rounds. No values: not measured, and `note` says why. A target is a most."""

    what: str
    unit: str
    values: Sequence[float] = ()
    target: float | None = None
    note: str = ""

    @property
    def spread(self) -> Spread | None:
        return spread_of(self.values) if self.values else None

    def verdict(self) -> str:
        """By the median; the most is shown beside it."""
        spread = self.spread
        if self.target is None:
            return ""
        if spread is None:
            return NOT_MEASURED
        return "reached" if spread.middle <= self.target else "**missed**"


@dataclass(slots=True)
class Figure:
    """`wrong`: how many answers were wrong; `void`: why this run does not count."""

    name: str
    title: str
    conditions: Sequence[str]
    rows: list[Row] = field(default_factory=list)
    wrong: int = 0
    checked: int = 0
    void: str = ""
    because: Counter[str] = field(default_factory=Counter)
    """What the wrong answers said."""

    def book(self, turns: Iterable[Turn]) -> None:
        """Count what these turns checked, and what of it was wrong."""
        for turn in turns:
            self.checked += turn.count
            self.wrong += turn.wrong
            self.because.update(turn.because)

    @property
    def counts(self) -> bool:
        return not self.wrong and not self.void


def render(figure: Figure) -> str:
    """Markdown of one figure."""
    lines = [*(f"- {condition}" for condition in figure.conditions), f"- {_standing(figure)}", ""]
    lines += ["| what | unit | min | median | max | target | |", "|---|---|---:|---:|---:|---:|---|"]
    lines += [_line(row, counts=figure.counts) for row in figure.rows]
    return "\n".join(lines) + "\n"


def _standing(figure: Figure) -> str:
    if figure.void:
        return f"**void**: {figure.void}"
    if figure.wrong:
        told = "".join(f"; {count} × {words:.120}" for words, count in figure.because.most_common(3))
        return f"**does not count**: {figure.wrong} of {figure.checked} answers were wrong{told}"
    return f"{figure.checked} answers checked, none wrong"


def _line(row: Row, *, counts: bool) -> str:
    spread = row.spread
    target = "" if row.target is None else f"≤ {_number(row.target)}"
    if spread is None:
        return f"| {row.what} | {row.unit} | {NOT_MEASURED} | | | {target} | {row.note or row.verdict()} |"
    numbers = " | ".join(_number(value) for value in (spread.low, spread.middle, spread.high))
    verdict = row.verdict() if counts or row.target is None else "does not count"
    note = "; ".join(text for text in (verdict, row.note) if text)
    return f"| {row.what} | {row.unit} | {numbers} | {target} | {note} |"


def _number(value: float) -> str:
    """Three significant digits, never in powers of ten."""
    size = abs(value)
    digits = 0 if size >= 100 else 1 if size >= 10 else 2 if size >= 1 else 3
    return f"{value:.{digits}f}"


def write_sections(document: str, sections: Mapping[str, str]) -> str:
    """The document with what stands between `<!-- NAME -->` and `<!-- /NAME -->` replaced.

    Raises ValueError for a section that the document does not have.
    """
    for name, text in sections.items():
        pattern = re.compile(rf"(<!-- {re.escape(name)} -->\n).*?(<!-- /{re.escape(name)} -->)", re.DOTALL)
        document, found = pattern.subn(lambda match, text=text: f"{match[1]}{text}{match[2]}", document)  # type: ignore[misc]
        if found != 1:
            raise ValueError(f"The document has {found} sections named {name}, not one")
    return document
