"""Named numbers about how figures are measured and printed, with their origin in ``measurement.yaml``."""

from functools import cache
from pathlib import Path

from pydantic import Field

from qsim.records import Record, read_record


class Named(Record):
    """One number and where it comes from."""

    value: float = Field(gt=0)
    origin: str = Field(min_length=1)


class ByLink(Record):
    """One number a link and where they come from. [link scale]"""

    logit: float = Field(gt=0)
    log: float = Field(gt=0)
    identity: float = Field(gt=0)
    origin: str = Field(min_length=1)


class Measurement(Record):
    """What ``measurement.yaml`` holds."""

    about_digits: Named
    """Half width of "about". [units of the last printed digit]"""
    about_points: Named
    """Least half width of "about" for a rate. [percentage points]"""
    reading_sd: ByLink
    """Sd of one source's reading of a year on which sources differ. [link scale]"""
    partial_sd: ByLink
    """Sd of a figure of part of a year around the year's. [link scale]"""
    least_sd: Named
    """Noise left around a figure whose year noise is shared with others. [link scale]"""


@cache
def measurement() -> Measurement:
    """The shipped numbers.

    Raises
    ------
    PlanError
        With every fault of the file.
    """
    return read_record(Measurement, Path(__file__).with_name("measurement.yaml"))
