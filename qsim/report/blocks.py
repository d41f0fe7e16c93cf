"""What the parts of the appendix share: numbers of tables, columns, names of targets in tables."""

from collections.abc import Sequence
from dataclasses import dataclass

from qsim.feasibility.records import TargetResult
from qsim.report.content import Align, Block, Cell, Column, Heading, Table
from qsim.report.reading import Reading


@dataclass
class TableNumbers:
    """Gives each table its number."""

    last: int = 0

    def label(self, reading: Reading, title: str) -> str:
        """Caption with the next number."""
        self.last += 1
        return reading.words("table_label", n=self.last, title=reading.words(f"table_{title}"))


def columns(reading: Reading, *titles: tuple[str, float] | tuple[str, float, Align]) -> tuple[Column, ...]:
    """Columns by the keys of their titles, widths in mm."""
    return tuple(Column(reading.words(f"col_{title}"), size, *rest) for title, size, *rest in titles)


def grouped(reading: Reading, result: TargetResult, rows: Sequence[tuple[Cell, ...]]) -> list[tuple[Cell, ...]]:
    """Rows of one target behind its number and name, which stand once."""
    heads: list[tuple[Cell, Cell]] = [(str(reading.number(result)), reading.marked_name(result))]
    heads += [(None, None)] * (len(rows) - 1)
    return [(*head, *row) for head, row in zip(heads, rows, strict=True)]


def under(reading: Reading, heading: str, table: Table | None) -> list[Block]:
    """A table under its heading; nothing without a table."""
    return [] if table is None else [Heading(reading.words(f"sub_{heading}"), 2), table]


def weak_note(reading: Reading, results: Sequence[TargetResult]) -> list[str]:
    """What the mark at a target's name means, where one has it."""
    return [reading.words("weak_note")] if any(reading.weak(result) for result in results) else []
