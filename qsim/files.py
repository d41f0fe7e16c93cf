"""From a file or a DataFrame to lines of text cells: encodings, wrong file types, and what a spreadsheet shows."""

import csv
import gzip
import io
import re
import warnings
import zlib
from collections.abc import Callable, Iterator
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from qsim.errors import Fault

Lines = list[list[str]]

_ZIP: Final = b"PK\x03\x04"
_OLE: Final = b"\xd0\xcf\x11\xe0"
_KINDS: Final = "a table as .csv, .csv.gz, .xlsx or .parquet"


class FileFault(Exception):
    """A file that gives no lines; carries the fault for the message."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        super().__init__(str(fault))


def lines_from_path(path: Path) -> Lines:
    """Read the cells of a file as text.

    Parameters
    ----------
    path : Path
        ``.csv`` or ``.csv.gz`` in UTF-8 (with or without BOM) or GB18030, ``.xlsx`` (first sheet), ``.parquet``.

    Returns
    -------
    list of lists of str
        The header first.

    Raises
    ------
    FileFault
        If there is no such file, it is of another type, or it cannot be read.
    """
    reader = _reader(path.name.lower())
    if reader is None:
        raise _fault(f"a {path.suffix or 'folder or file without an ending'}" + _old_excel(path), _KINDS)
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise _fault("no such file", f"a file {path.name} in {path.parent}: check the name and the folder") from error
    except IsADirectoryError as error:
        raise _fault("a folder", _KINDS) from error
    except OSError as error:
        raise _fault(error.strerror or str(error), "a file that can be read: close it in Excel") from error
    return reader(content)


def lines_from_frame(frame: pd.DataFrame) -> Lines:
    """Write the cells of a DataFrame as text; the index is not read."""
    columns = [[_text(cell) for cell in _cells(frame.iloc[:, place])] for place in range(frame.shape[1])]
    return [[str(name) for name in frame.columns], *(list(line) for line in zip(*columns, strict=True))]


def _reader(name: str) -> Callable[[bytes], Lines] | None:
    endings = {".csv": _from_csv, ".csv.gz": _from_gzip, ".xlsx": _from_xlsx, ".parquet": _from_parquet}
    return next((reader for ending, reader in endings.items() if name.endswith(ending)), None)


def _old_excel(path: Path) -> str:
    return " of old Excel: save it as .xlsx" if path.suffix.lower() == ".xls" else ""


def _fault(got: str, expected: str) -> FileFault:
    return FileFault(Fault("file", got, expected))


def _from_gzip(content: bytes) -> Lines:
    try:
        return _from_csv(gzip.decompress(content))
    except (OSError, EOFError, zlib.error) as error:
        raise _fault(f"no whole gzip file ({error})", "a CSV file packed with gzip: pack it again") from error


def _from_csv(content: bytes) -> Lines:
    if content.startswith((_ZIP, _OLE)):
        raise _fault("an Excel file named .csv", "a text file: save as CSV UTF-8, or name it .xlsx")
    # newline="" leaves line breaks inside quotes to the csv module, so that rows count as in Excel.
    lines = csv.reader(io.StringIO(_decoded(content), newline=""), strict=True)
    try:
        return list(lines)
    except csv.Error as error:
        hint = "double quotes in pairs around text that holds a comma or a quote: save as CSV UTF-8"
        raise FileFault(Fault(f"line {lines.line_num}", f"no CSV ({error})", hint)) from error


def _decoded(content: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise _fault("neither UTF-8 nor GB18030", "a text file in one of them: in Excel, save as CSV UTF-8")


def _from_parquet(content: bytes) -> Lines:
    try:
        frame = pd.read_parquet(io.BytesIO(content))
    except (ValueError, OSError, NotImplementedError) as error:  # the last: of PyArrow, for what it cannot read yet
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise _fault(f"no parquet file ({reason})", "a whole parquet file: write or download it again") from error
    return lines_from_frame(frame)


def _from_xlsx(content: bytes) -> Lines:
    if content.startswith(_OLE):
        raise _fault("an old or locked Excel file", "an .xlsx without a password: save it again as Excel workbook")
    # A quarter of a second that readers of CSV need not wait.
    from openpyxl import load_workbook

    try:
        with warnings.catch_warnings():
            # openpyxl warns of styles, filters and validations it drops; none of them is a figure.
            warnings.simplefilter("ignore")
            book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
            sheet = book.worksheets[0]
            # Some programs write a wrong size, and a read-only sheet would stop there.
            sheet.reset_dimensions()
            return [[_shown(cell) for cell in line] for line in sheet.iter_rows()]
    except Exception as error:  # a broken package fails in whichever of zipfile, XML and openpyxl meets it first
        raise _fault(f"no Excel file ({error})", "a whole .xlsx file: save it again as Excel workbook") from error


def _shown(cell: Any) -> str:
    """Text of a cell as the planner sees it: with the zeros, the percent sign and the date parts of its format."""
    value = cell.value
    if isinstance(value, float | int) and not isinstance(value, bool):
        return _formatted(value, cell.number_format or "")
    if isinstance(value, datetime) and "d" not in (cell.number_format or "d").lower():
        # Excel turns a typed 2015-06 into the first day of that month and goes on showing the month.
        return f"{value.year}-{value.month:02}"
    return _text(value)


@lru_cache(maxsize=100_000)
def _formatted(value: float, number_format: str) -> str:
    first = number_format.split(";", maxsplit=1)[0]
    percent = "%" in first
    text = _text(value * 100 if percent else value)
    zeros = re.search(r"0\.(0+)", first)
    if zeros and re.fullmatch(r"-?\d+(\.\d+)?", text):
        whole, _, fraction = text.partition(".")
        text = f"{whole}.{fraction.ljust(len(zeros[1]), '0')}"
    return f"{text}%" if percent else text


def _cells(column: "pd.Series[Any]") -> Iterator[object]:
    # A float32 turned into a Python float would show digits that nobody printed.
    return iter(column.to_numpy()) if column.dtype == np.float32 else iter(column.tolist())


def _text(value: object) -> str:
    if isinstance(value, str):
        return value.strip()
    if value is None or value is pd.NA or value is pd.NaT:
        return ""
    if isinstance(value, float | np.floating):
        return _number_text(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value)


@lru_cache(maxsize=100_000, typed=True)
def _number_text(value: "float | np.floating[Any]") -> str:
    if np.isnan(value):
        return ""
    if np.isinf(value) or value == int(value):
        return str(value) if np.isinf(value) else str(int(value))
    # Twelve digits keep every printed figure and drop the dust of binary arithmetic (100 * 0.934).
    short = value if isinstance(value, np.float32) else float(f"{value:.12g}")
    return np.format_float_positional(short, trim="-")
