"""A table as text, before anything is made of its cells, and the place of a cell as the user sees it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qsim.errors import Fault
from qsim.observations.columns import NAMES, Header, read_header

Texts = NDArray[np.object_]
"""Cells as text, dims (row,)."""
Mask = NDArray[np.bool_]

FIRST_DATA_ROW = 2
"""Excel counts the header as row 1."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """Cells as text of one or several files, one row per figure."""

    cells: Mapping[str, Texts]
    """Every column by its English name; a cell is None where its file has no such column."""
    rows: NDArray[np.int64]
    """Row number in the file, the header being row 1."""
    files: NDArray[np.int64]
    """Place in ``names`` of the file that a row stands in."""
    names: tuple[str, ...]
    """File names for messages; one empty name where there is only one file."""
    headers: tuple[Header, ...]
    """Header of each file."""

    def __len__(self) -> int:
        return len(self.rows)

    def where(self, index: int, column: str) -> str:
        """Place of a cell: ``guizhou.csv, row 3, column 年份``."""
        file = self.names[int(self.files[index])]
        return f"{_prefix(file)}row {self.rows[index]}, column {self.shown(index, column)}"

    def shown(self, index: int, column: str) -> str:
        """Name of a column in the language of the row's file."""
        return self.headers[int(self.files[index])].shown[column]

    def row(self, index: int) -> str:
        """Row of a figure: ``3``, or ``guizhou.csv:3`` where there are several files."""
        name = self.names[int(self.files[index])]
        return f"{name}:{self.rows[index]}" if name else str(self.rows[index])


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A fault of one cell, before its place is put into words."""

    index: int
    """Place of the row in the table."""
    column: str
    """English name of the column."""
    got: str
    expected: str


def faults_of(table: Table, findings: Sequence[Finding]) -> list[Fault]:
    """Write faults in the order a reader meets them: by row, then by column."""
    order = {name: place for place, name in enumerate(NAMES)}
    ordered = sorted(findings, key=lambda finding: (finding.index, order[finding.column]))
    return [Fault(table.where(finding.index, finding.column), finding.got, finding.expected) for finding in ordered]


def written(table: Table, column: str) -> Callable[[int], str]:
    """What the user wrote in a column, for :func:`each`."""
    return lambda index: repr(table.cells[column][index])


def always(text: str) -> Callable[[int], str]:
    """One text for every row, for :func:`each`."""
    return lambda index: text


def each(mask: Mask, column: str, got: Callable[[int], str], expected: Callable[[int], str]) -> Iterator[Finding]:
    """Make one finding for every row in which ``mask`` is true."""
    for index in np.flatnonzero(mask).tolist():
        yield Finding(index=index, column=column, got=got(index), expected=expected(index))


def table_from_lines(lines: Sequence[Sequence[str]], name: str) -> tuple[Table | None, list[Fault]]:
    """Turn lines of cells, the header first, into a table.

    Parameters
    ----------
    lines : sequence of sequences of str
        Cells as text; lines may differ in length, blank ones are passed over but counted.
    name : str
        File name for messages, empty where there is only one file.

    Returns
    -------
    tuple of Table or None, list of Fault
        No table where there are no figures; faults of the header and of lines that are too long.
    """
    prefix = _prefix(name)
    lines = [[cell.strip() for cell in line] for line in lines]
    numbered = [(number, line) for number, line in enumerate(lines[1:], start=FIRST_DATA_ROW) if any(line)]
    if not lines or not any(lines[0]) or not numbered:
        got = "no figures below the header" if lines and any(lines[0]) else "nothing in row 1"
        return None, [Fault(f"{prefix}row 1", got, "a header in row 1 and one figure in each row below")]
    if len(lines[0]) == 1 and any(mark in lines[0][0] for mark in "\t;"):
        hint = "columns with commas between them: save as CSV (comma)"
        return None, [Fault(f"{prefix}row 1", "one single column", hint)]
    header = read_header(lines[0])
    faults = [Fault(prefix + fault.where, fault.got, fault.expected) for fault in header.faults]
    width = max(place for place, cell in enumerate(lines[0]) if cell) + 1
    for number, line in numbered:
        if any(line[width:]):
            hint = f"at most {width}, as in the header: put text that holds a comma between double quotes"
            faults.append(Fault(f"{prefix}row {number}", f"{len(line)} cells", hint))
    cells = {column: _column([line for _, line in numbered], header.places.get(column)) for column in NAMES}
    rows = np.array([number for number, _ in numbered], dtype=np.int64)
    files = np.zeros(len(rows), dtype=np.int64)
    return Table(cells=cells, rows=rows, files=files, names=(name,), headers=(header,)), faults


def join(tables: Sequence[Table]) -> Table:
    """Put several tables below each other."""
    if len(tables) == 1:
        return tables[0]
    return Table(
        cells={name: np.concatenate([table.cells[name] for table in tables]) for name in NAMES},
        rows=np.concatenate([table.rows for table in tables]),
        files=np.concatenate([np.full(len(table), place, dtype=np.int64) for place, table in enumerate(tables)]),
        names=tuple(name for table in tables for name in table.names),
        headers=tuple(header for table in tables for header in table.headers),
    )


def objects(values: Sequence[Any]) -> NDArray[np.object_]:
    """Array of objects, dims (row,), whatever the values look like."""
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def _prefix(name: str) -> str:
    return f"{name}, " if name else ""


def _column(lines: Sequence[Sequence[str]], place: int | None) -> Texts:
    if place is None:
        return np.full(len(lines), None, dtype=object)
    return objects([line[place] if place < len(line) else "" for line in lines])
