"""How often targets of the shipped plans were met: counts whose outcome is known, each with the day it became known.

``scenarios/track_record.csv`` is written by ``python tests/statistical/retrospective.py``. An assessment is told what
was known by its own cut-off and no more, and never the outcomes of the plan it assesses.
"""

from collections.abc import Sequence
from datetime import date
from functools import cache
from pathlib import Path
from typing import Final

import pandas as pd

from qsim.feasibility.records import TrackRecord
from qsim.shipped import shipped_folder

RECORD_COLUMNS: Final = ("plan", "target", "met", "known_on")
"""Columns of the file, in order."""

SOURCE: Final = "docs/retrospective.md"
"""Page that lists the outcomes."""


def track_record(cutoff: date, *, leave_out: str, file: Path | None = None) -> TrackRecord | None:
    """Count outcomes that were known on a day.

    Parameters
    ----------
    cutoff : datetime.date
        Outcomes settled by figures published later are not counted.
    leave_out : str
        Id of the plan that is assessed: its own outcomes say nothing about others of its kind.
    file : Path, optional
        Another record than the shipped one.

    Returns
    -------
    TrackRecord or None
        None where no outcome was known.
    """
    known = [
        met
        for plan, met, day in _rows(file or shipped_folder() / "track_record.csv")
        if plan != leave_out and day <= cutoff
    ]
    return TrackRecord(statements=len(known), met=sum(known), source=SOURCE) if known else None


@cache
def _rows(file: Path) -> Sequence[tuple[str, bool, date]]:
    """Plan, outcome, day it became known; none where there is no such file."""
    if not file.is_file():
        return ()
    table = pd.read_csv(file, dtype=str)
    return tuple(
        (str(plan), met == "yes", date.fromisoformat(str(day)))
        for plan, met, day in zip(table["plan"], table["met"], table["known_on"], strict=True)
    )
