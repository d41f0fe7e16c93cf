"""Columns of a table of figures: English and Chinese names, and which column of the user's file is which."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from unicodedata import normalize

from qsim.errors import Fault
from qsim.records import nearest


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column a table may have."""

    name: str
    """Name in the dataset."""
    chinese: str
    """Name a Chinese table may use instead."""
    required: bool = False
    """Whether a table without it is refused."""


COLUMNS: Final = (
    Column(name="region", chinese="地区", required=True),
    Column(name="indicator", chinese="指标", required=True),
    Column(name="year", chinese="年份", required=True),
    Column(name="value", chinese="数值"),
    Column(name="qualifier", chinese="限定"),
    Column(name="numerator", chinese="合格数"),
    Column(name="denominator", chinese="抽查数"),
    Column(name="decimals", chinese="小数位"),
    Column(name="definition", chinese="口径"),
    Column(name="period", chinese="时段"),
    Column(name="year_from", chinese="起始年份"),
    Column(name="change", chinese="变化"),
    Column(name="base_year", chinese="基期年份"),
    Column(name="published", chinese="发布日期"),
    Column(name="source", chinese="来源"),
    Column(name="url", chinese="网址"),
    Column(name="note", chinese="备注"),
)
NAMES: Final = tuple(column.name for column in COLUMNS)
_BY_ALIAS: Final = {alias: column for column in COLUMNS for alias in (column.name, column.chinese)}
_CHINESE: Final = {column.name: column.chinese for column in COLUMNS}


@dataclass(frozen=True, kw_only=True)
class Header:
    """What the first row of a table says."""

    places: dict[str, int]
    """Place of each known column, by its English name."""
    shown: dict[str, str]
    """Every column's name as the user writes it: the one in the file, else the twin in the file's language."""
    faults: tuple[Fault, ...]
    """Unknown, doubled and missing columns."""


def read_header(cells: Sequence[str]) -> Header:
    """Find the known columns in the first row of a table.

    Parameters
    ----------
    cells : sequence of str
        Names as they stand in the file; an empty one belongs to a column without content, which is passed over.

    Returns
    -------
    Header
        With a fault for each unknown, doubled or missing column.
    """
    places: dict[str, int] = {}
    shown: dict[str, str] = {}
    faults: list[Fault] = []
    for place, cell in enumerate(cells):
        if not cell:
            continue
        column = _BY_ALIAS.get(normalize("NFKC", cell).strip().lower())
        if column is None:
            hint = f"a column of the table of figures; {nearest(cell, _BY_ALIAS)}"
            faults.append(Fault(f"row 1, column {cell}", "an unknown column", hint))
        elif column.name in places:
            hint = f"this column once: '{shown[column.name]}' holds the same, keep one of them"
            faults.append(Fault(f"row 1, column {cell}", "a second column for the same", hint))
        else:
            places[column.name], shown[column.name] = place, cell
    names = _twins(shown)
    return Header(places=places, shown=names, faults=(*faults, *_missing(places, names)))


def _twins(shown: dict[str, str]) -> dict[str, str]:
    """Names for all columns; those the file lacks take the language of most that it has."""
    in_chinese = sum(not name.isascii() for name in shown.values()) > len(shown) / 2
    return {column.name: shown.get(column.name, column.chinese if in_chinese else column.name) for column in COLUMNS}


def _missing(places: dict[str, int], names: dict[str, str]) -> list[Fault]:
    faults = [
        Fault(f"row 1, column {names[column.name]}", "no such column", f"{_both(column.name)}, which is required")
        for column in COLUMNS
        if column.required and column.name not in places
    ]
    if "value" not in places and not {"numerator", "denominator"} <= set(places):
        hint = f"{_both('value')}, or both {_both('numerator')} and {_both('denominator')}"
        faults.append(Fault(f"row 1, column {names['value']}", "no such column", hint))
    return faults


def _both(name: str) -> str:
    return f"{name} ({_CHINESE[name]})"
