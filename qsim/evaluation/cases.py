"""Read the cases of a backtest: which series, from which year on, and which targets."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import pandas as pd

from qsim.errors import Fault, ObservationError
from qsim.evaluation.names import BOUNDS
from qsim.files import FileFault, Lines, lines_from_frame, lines_from_path
from qsim.indicators import Catalogue
from qsim.observations.cells import Unreadable, parse_year
from qsim.observations.figures import resolve
from qsim.shipped import shipped_catalogue

REQUIRED: Final = ("case_id", "indicator", "region", "cutoff", "hist_n")
_TARGET: Final = re.compile(rf"t([1-9]\d?)_({'|'.join(BOUNDS)})")
_FIRST_DATA_ROW: Final = 2
"""Excel counts the header as row 1."""

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class CaseTarget:
    """A level to be reached a number of years after the cutoff."""

    horizon: int
    """[years]"""
    bound: str
    """``lo`` or ``hi``: which of the two targets of that horizon."""
    level: float
    """A figure of at least this meets it. [unit of the indicator]"""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One forecast to make: a series as it was known in a year."""

    case_id: str
    indicator: str
    """Slug."""
    region: str
    cutoff: int
    """Last year with a known figure."""
    hist_n: int
    """Figures that are known, counted back from the cutoff."""
    targets: tuple[CaseTarget, ...] = ()


def read_cases(source: str | Path | pd.DataFrame, *, catalogue: Catalogue | None = None) -> tuple[Case, ...]:
    """Read a table of cases.

    Parameters
    ----------
    source : str, Path or pandas.DataFrame
        ``.csv``, ``.csv.gz``, ``.xlsx`` or ``.parquet`` with the columns ``case_id``, ``indicator``, ``region``,
        ``cutoff``, ``hist_n``, and targets ``t<h>_lo`` and ``t<h>_hi`` for any horizon h, an empty cell for none. Other
        columns are passed over. A region is text: ``0114`` keeps its zero.
    catalogue : Catalogue, optional
        For indicators named in Chinese; the shipped one if not given.

    Raises
    ------
    ObservationError
        With every fault of the table, each at its row and column as Excel counts them.
    """
    title = "DataFrame" if isinstance(source, pd.DataFrame) else str(source)
    try:
        lines = lines_from_frame(source) if isinstance(source, pd.DataFrame) else lines_from_path(Path(source))
    except FileFault as error:
        raise ObservationError(title, [error.fault]) from error
    lines = [[cell.strip() for cell in line] for line in lines]
    faults = list(_header_faults(lines))
    if faults:
        raise ObservationError(title, faults)
    reader = _Reader(lines[0], catalogue if catalogue is not None else shipped_catalogue(), faults)
    cases = tuple(reader.case(row, line) for row, line in enumerate(lines[1:], start=_FIRST_DATA_ROW) if any(line))
    if faults:
        raise ObservationError(title, faults)
    return cases


def _header_faults(lines: Lines) -> Iterator[Fault]:
    header = lines[0] if lines else []
    for name in REQUIRED:
        if name not in header:
            yield Fault(f"row 1, column {name}", "no such column", f"{name}, which is required")
    for name in sorted({name for name in header if header.count(name) > 1 and (name in REQUIRED or _target_of(name))}):
        yield Fault(f"row 1, column {name}", "a second column for the same", "this column once")
    if not any(any(line) for line in lines[1:]):
        yield Fault("row 2", "no case below the header", "one case in each row")


def _target_of(name: str) -> tuple[int, str] | None:
    found = _TARGET.fullmatch(name)
    return (int(found[1]), found[2]) if found else None


class _Reader:
    """Makes a case of each row and notes what cannot be read."""

    def __init__(self, header: Sequence[str], catalogue: Catalogue, faults: list[Fault]) -> None:
        self._place = {name: place for place, name in enumerate(header)}
        self._targets = [(name, *found) for name in header if (found := _target_of(name))]
        self._catalogue = catalogue
        self._faults = faults
        self._row_of: dict[str, int] = {}

    def case(self, row: int, line: Sequence[str]) -> Case:
        def cell(column: str, parse: Callable[[str], T], otherwise: T) -> T:
            text = line[self._place[column]] if self._place[column] < len(line) else ""
            try:
                return parse(text)
            except Unreadable as error:
                got = repr(text) if text else "an empty cell"
                self._faults.append(Fault(f"row {row}, column {column}", got, str(error)))
                return otherwise

        return Case(
            case_id=cell("case_id", lambda text: self._new_id(text, row), ""),
            indicator=cell("indicator", self._slug, ""),
            region=cell("region", _name, ""),
            cutoff=cell("cutoff", parse_year, 0),
            hist_n=cell("hist_n", _whole, 1),
            targets=tuple(
                CaseTarget(horizon=horizon, bound=bound, level=level)
                for name, horizon, bound in self._targets
                if (level := cell(name, _level, None)) is not None
            ),
        )

    def _new_id(self, text: str, row: int) -> str:
        known = self._row_of.setdefault(_name(text), row)
        if known != row:
            raise Unreadable(f"each case_id once; row {known} has it already")
        return text

    def _slug(self, text: str) -> str:
        found = resolve(_name(text), self._catalogue)
        if found is None:
            raise Unreadable("one indicator, and this is the name of several: write its slug")
        return found.slug


def _name(text: str) -> str:
    if not text:
        raise Unreadable("a name")
    return text


def _whole(text: str) -> int:
    number = _number(text)
    if number is None or number < 1 or number != int(number):
        raise Unreadable("a whole number of figures, at least 1")
    return int(number)


def _level(text: str) -> float | None:
    number = _number(text)
    if number is None and text:
        raise Unreadable("a number such as 93.4, or an empty cell for no target")
    return number


def _number(text: str) -> float | None:
    """A finite number, or None."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if abs(number) < float("inf") else None
