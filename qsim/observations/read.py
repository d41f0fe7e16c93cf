"""Read a table of published figures: check all of it, merge what is one figure, label it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import pandas as pd
import xarray as xr

from qsim.errors import Fault, ObservationError
from qsim.files import FileFault, lines_from_frame, lines_from_path
from qsim.indicators import Catalogue
from qsim.observations.check import check
from qsim.observations.dataset import is_late, to_dataset
from qsim.observations.merge import merge
from qsim.observations.parse import parse_table
from qsim.observations.table import Table, faults_of, join, objects, table_from_lines
from qsim.shipped import shipped_catalogue

Source = str | Path | pd.DataFrame


def read_observations(
    source: Source | Sequence[Source],
    *,
    catalogue: Catalogue | None = None,
    cutoff: date | None = None,
    regions: Mapping[str, str] | None = None,
) -> xr.Dataset:
    """Read published figures.

    Parameters
    ----------
    source : str, Path, pandas.DataFrame, or a sequence of them
        ``.csv`` or ``.csv.gz`` (UTF-8 with or without BOM, GB18030), ``.xlsx`` (first sheet) or ``.parquet`` with the
        columns of ``docs/schema.md``, English or Chinese. Several tables are read as one.
    catalogue : Catalogue, optional
        Indicators with their units and definitions; the shipped one if not given.
    cutoff : datetime.date, optional
        Information cut-off: figures published later are set aside, and tell nothing to figures known before.
    regions : mapping of str to str, optional
        Other names of regions, such as Chinese ones, and what each is called in the dataset.

    Returns
    -------
    xarray.Dataset, dims (observation,)
        Variables as in ``docs/schema.md``; ``value``, ``lower`` and ``upper`` in the unit of the indicator. Several
        sources of one figure are one observation. Nothing is left out: what cannot be used says why in ``set_aside``.

    Raises
    ------
    ObservationError
        With every fault of the tables, each at its row and column as Excel counts them.
    PlanError
        If no catalogue is given and the shipped one is faulty.
    """
    sources = [source] if isinstance(source, Source) else list(source)
    title = _name(sources[0]) if len(sources) == 1 else f"{len(sources)} tables"
    table, faults = _tables(sources)
    if table is None:
        raise ObservationError(title, faults)
    table = _renamed(table, regions or {})
    parsed = parse_table(table, catalogue if catalogue is not None else shipped_catalogue())
    faults += faults_of(table, [*parsed.findings, *check(parsed.figures, table)])
    if faults:
        raise ObservationError(title, faults)
    late = is_late(parsed.figures, cutoff)
    return to_dataset(parsed.figures, merge(parsed.figures, late=late), table, late=late)


def _tables(sources: Sequence[Source]) -> tuple[Table | None, list[Fault]]:
    """Every table that can be read, as one, and the faults of files and headers."""
    if not sources:
        return None, [Fault("source", "an empty list", "at least one table")]
    names = _short_names(sources)
    tables: list[Table] = []
    faults: list[Fault] = []
    for source, name in zip(sources, names, strict=True):
        try:
            lines = lines_from_frame(source) if isinstance(source, pd.DataFrame) else lines_from_path(Path(source))
        except FileFault as error:
            where = f"{name}, {error.fault.where}" if name else error.fault.where
            faults.append(Fault(where, error.fault.got, error.fault.expected))
            continue
        table, wrong = table_from_lines(lines, name)
        is_book = not isinstance(source, pd.DataFrame) and Path(source).suffix.lower() == ".xlsx"
        faults += [_of_sheet(fault) for fault in wrong[:1]] + wrong[1:] if is_book else wrong
        if table is not None:
            tables.append(table)
    return (join(tables) if tables else None), faults


def _of_sheet(fault: Fault) -> Fault:
    """A fault of the header of an Excel file, which may be that of a cover sheet."""
    if "row 1" not in fault.where.split(", "):
        return fault
    return replace(fault, expected=f"{fault.expected}; only the first sheet is read: put the figures there")


def _renamed(table: Table, regions: Mapping[str, str]) -> Table:
    """The same table with each region under one name, so that figures of one region are merged and compared."""
    named = objects([regions.get(name, name) for name in table.cells["region"].tolist()])
    return replace(table, cells={**table.cells, "region": named})


def _name(source: Source) -> str:
    return "DataFrame" if isinstance(source, pd.DataFrame) else str(source)


def _short_names(sources: Sequence[Source]) -> list[str]:
    """File names for messages; whole paths where two files bear one name, none where there is one table."""
    if len(sources) == 1:
        return [""]
    long = [_name(source) for source in sources]
    short = [Path(name).name for name in long]
    names = [brief if short.count(brief) == 1 else full for brief, full in zip(short, long, strict=True)]
    # One file given twice, or several DataFrames, are told apart by their place.
    return [name if names.count(name) == 1 else f"{name} ({place})" for place, name in enumerate(names, start=1)]
