"""From text cells to columns of numbers, with a finding for every cell that cannot be read."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from qsim.indicators import Catalogue, Indicator
from qsim.observations import cells
from qsim.observations.figures import NO_INDICATOR, Figures, rate_of_counts, resolve, same_name
from qsim.observations.table import Finding, Table, Texts, objects
from qsim.records import nearest

FIRST_RELEASE: Final = (6, 30)
"""Month and day of the following year on which a figure counts as published if no date is given."""

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Parsed:
    """Columns of a table, and what could not be read."""

    figures: Figures
    findings: tuple[Finding, ...]


def parse_table(table: Table, catalogue: Catalogue) -> Parsed:
    """Read every cell of a table.

    Parameters
    ----------
    table : Table
        Cells as text.
    catalogue : Catalogue
        Indicators with their units and definitions.

    Returns
    -------
    Parsed
        Columns; a finding for each cell that cannot be read.
    """
    findings: list[Finding] = []

    def read(column: str, parser: Callable[[str], T], empty: T) -> list[T]:
        return _column(table, column, parser, empty, findings)

    indicators, indicator = _indicators(table, catalogue, findings)
    numbers = read("value", cells.parse_value, None)
    decimals = np.array(read("decimals", cells.parse_decimals, -1), dtype=np.int64)
    year = np.array(read("year", cells.parse_year, 0), dtype=np.int64)
    published = read("published", cells.parse_published, None)
    figures = Figures(
        region=objects(read("region", cells.parse_text, "")),
        indicators=indicators,
        indicator=indicator,
        year=year,
        value=np.array([number.value if number else np.nan for number in numbers]),
        printed=np.array([number is not None for number in numbers]),
        percent_sign=np.array([number is not None and number.percent for number in numbers]),
        decimals=_decimals(decimals, numbers, indicators, indicator),
        qualifier=objects(read("qualifier", cells.parse_qualifier, "=")),
        numerator=np.array(read("numerator", cells.parse_count, np.nan)),
        denominator=np.array(read("denominator", cells.parse_trials, np.nan)),
        definition=_definitions(table, indicators, indicator, findings),
        period=objects(read("period", cells.parse_period, "year")),
        year_from=np.array(read("year_from", cells.parse_other_year, 0), dtype=np.int64),
        change=objects([change or "" for change in read("change", cells.parse_change, None)]),
        base_year=np.array(read("base_year", cells.parse_other_year, 0), dtype=np.int64),
        published=_published(published, year),
        published_given=np.array([given is not None for given in published]),
        source=objects(read("source", str, "")),
        url=objects(read("url", str, "")),
        note=objects(read("note", str, "")),
    )
    return Parsed(figures=_with_rates(figures), findings=tuple(findings))


def _column(table: Table, column: str, parser: Callable[[str], T], empty: T, findings: list[Finding]) -> list[T]:
    """Parse each distinct text once: a table of 50,000 rows has a few hundred years, dates and qualifiers."""
    places, distinct = _distinct(table.cells[column])
    entries: list[T] = []
    wrong: dict[int, str] = {}
    for place, text in enumerate(distinct):
        try:
            entries.append(parser(text))
        except cells.Unreadable as error:
            entries.append(empty)
            wrong[place] = str(error)
    if wrong:
        for index in np.flatnonzero(np.isin(places, list(wrong))).tolist():
            findings.append(_finding(table, index, column, wrong[places[index]]))
    # The last entry stands at place -1: the column is not in this file.
    entries.append(empty)
    return [entries[place] for place in places.tolist()]


def _distinct(texts: Texts) -> tuple[NDArray[np.int64], Sequence[str]]:
    places, distinct = pd.factorize(texts)
    return places.astype(np.int64), distinct.tolist()


def _finding(table: Table, index: int, column: str, expected: str) -> Finding:
    text = table.cells[column][index]
    return Finding(index=index, column=column, got=repr(text) if text else "an empty cell", expected=expected)


def _indicators(
    table: Table, catalogue: Catalogue, findings: list[Finding]
) -> tuple[tuple[Indicator, ...], NDArray[np.int64]]:
    def parse(text: str) -> Indicator | None:
        if not text:
            raise cells.Unreadable("the slug of an indicator, or its Chinese name")
        found = resolve(text, catalogue)
        if found is None:
            slugs = [known.slug for known in catalogue.indicators if same_name(text, known.name.zh)]
            raise cells.Unreadable(f"one indicator, and this is the name of several: write {' or '.join(slugs)}")
        return found

    found = _column(table, "indicator", parse, None, findings)
    kinds = {indicator.slug: indicator for indicator in found if indicator is not None}
    place = {slug: number for number, slug in enumerate(kinds)}
    codes = [NO_INDICATOR if indicator is None else place[indicator.slug] for indicator in found]
    return tuple(kinds.values()), np.array(codes, dtype=np.int64)


def _decimals(
    given: NDArray[np.int64],
    numbers: Sequence[cells.Number | None],
    indicators: Sequence[Indicator],
    indicator: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Printed decimals: the column, else the text of the value, else the habit of the indicator."""
    habit = np.array([*(kind.decimals for kind in indicators), 0], dtype=np.int64)[indicator]
    printed = np.array([number.decimals if number else -1 for number in numbers], dtype=np.int64)
    return np.where(given >= 0, given, np.where(printed >= 0, printed, habit))


def _definitions(
    table: Table, indicators: Sequence[Indicator], indicator: NDArray[np.int64], findings: list[Finding]
) -> Texts:
    """Codes of the closed list; the Chinese name of a definition stands for its code."""
    known: dict[tuple[int, str], str] = {}
    codes: list[str] = []
    for index, (kind, text) in enumerate(zip(indicator.tolist(), table.cells["definition"].tolist(), strict=True)):
        # Without an indicator there is no list to look in, and that cell has its own finding.
        if not text or kind == NO_INDICATOR:
            codes.append("")
            continue
        if (kind, text) not in known:
            known[kind, text] = _code(indicators[kind], text)
        if not known[kind, text]:
            findings.append(_finding(table, index, "definition", _expected_code(indicators[kind], text)))
        codes.append(known[kind, text])
    return objects(codes)


def _code(indicator: Indicator, text: str) -> str:
    matches = [one.code for one in indicator.definitions if text == one.code or same_name(text, one.name.zh)]
    return matches[0] if len(matches) == 1 else ""


def _expected_code(indicator: Indicator, text: str) -> str:
    if not indicator.definitions:
        return f"an empty cell: {indicator.slug} has no list of definitions; put remarks in the column note (备注)"
    return f"a definition of {indicator.slug}; {nearest(text, indicator.codes)}"


def _published(given: Sequence[cells.Published | None], year: NDArray[np.int64]) -> NDArray[np.datetime64]:
    month, day = FIRST_RELEASE
    usual = {number: date(number + 1, month, day) for number in np.unique(year).tolist()}
    days = [known.day if known else usual[number] for known, number in zip(given, year.tolist(), strict=True)]
    return np.array(days, dtype="datetime64[D]")


def _with_rates(figures: Figures) -> Figures:
    """Fill in the figure that the counts give where none is printed."""
    values: dict[str, Any] = {name: getattr(figures, name) for name in Figures.__dataclass_fields__}
    values["value"] = np.where(figures.printed, figures.value, rate_of_counts(figures))
    return Figures(**values)
