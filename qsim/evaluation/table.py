"""A backtest as a table and as a file."""

import gzip
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import xarray as xr

from qsim.errors import OutputError
from qsim.evaluation.names import BOUNDS, CASE, COLUMNS, HORIZON, P_COLUMNS, P_TARGET, QUANTILE_COLUMNS, QUANTILES
from qsim.vocabulary import PUBLISHED

ENDINGS: Final = (".csv", ".csv.gz", ".parquet")
_DECIMALS: Final = 5
"""Decimals in a text file: far below what draws can tell."""


def forecast_table(result: xr.Dataset) -> pd.DataFrame:
    """A row per case and horizon with the columns of :data:`~qsim.evaluation.names.COLUMNS`; NaN where no target."""
    table = pd.DataFrame(
        result[PUBLISHED].values.reshape(-1, len(QUANTILES)), columns=list(QUANTILE_COLUMNS), dtype=float
    )
    table[list(P_COLUMNS)] = result[P_TARGET].values.reshape(-1, len(BOUNDS))
    horizons = result[HORIZON].values
    table.insert(0, COLUMNS[0], np.repeat(result[CASE].values.astype(object), len(horizons)))
    table.insert(1, COLUMNS[1], np.tile(horizons, len(result[CASE])))
    return table


def checked_ending(path: Path) -> str:
    """Ending of a file of forecasts.

    Raises
    ------
    OutputError
        If it is another than ``.csv``, ``.csv.gz`` or ``.parquet``.
    """
    ending = next((ending for ending in reversed(ENDINGS) if path.name.lower().endswith(ending)), None)
    if ending is None:
        raise OutputError(f"cannot write to {path}: name a file that ends in {', '.join(ENDINGS)}")
    return ending


def write_forecasts(result: xr.Dataset, path: Path) -> None:
    """Write a backtest as a table, whole or not at all.

    Raises
    ------
    OutputError
        If the ending is unknown or the place cannot be written to; an older file is as it was.
    """
    ending, table = checked_ending(path), forecast_table(result)
    made: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".qsim-", dir=path.parent)
        made = Path(name)
        with os.fdopen(handle, "wb") as file:
            if ending == ".parquet":
                table.to_parquet(file, index=False)
            else:
                text = table.round(_DECIMALS).to_csv(index=False, lineterminator="\n").encode()
                # no time stamp: equal forecasts make equal files
                file.write(gzip.compress(text, mtime=0) if ending == ".csv.gz" else text)
        made.chmod(0o644)
        made.replace(path)
    except OSError as error:
        raise OutputError(f"cannot write to {path}: {error.strerror or error}; choose another file") from error
    finally:
        if made is not None:
            with suppress(OSError):
                made.unlink(missing_ok=True)
