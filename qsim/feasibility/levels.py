"""Levels that draws meet with a given probability, rounded to a figure one would print, on the right side."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from qsim.feasibility.events import EXACT, Draws, Floats, wants_high, years_needed
from qsim.plans.targets import (
    ChangeTarget,
    CumulativeTarget,
    LevelTarget,
    MaintainTarget,
    PathTarget,
    Target,
    ZeroTarget,
)

CONFIDENCES: Final = (0.9, 0.8, 0.7, 0.5)
"""Probabilities of recommended levels. [1]"""

AMBITIOUS: Final = 0.1
"""Probability of the ambitious level (Kantorova et al. 2017). [1]"""


@dataclass(frozen=True, kw_only=True)
class Recommended:
    """A level and the least probability with which it is met."""

    confidence: float
    """[1]"""
    value: float
    """Level, in the statement's own terms: a figure, a size of change, a number of new ones. [unit]"""


def recommended(target: Target, published: Draws, *, decimals: int, flow: bool) -> tuple[Recommended, ...]:
    """Levels that the published figure meets with 90, 80, 70 and 50 %, and the ambitious one with 10 %.

    For a path it is the level of the last year; for statements without a level of their own (better than the base
    year, than another region), the figure of the last year.
    """
    if isinstance(target, ZeroTarget):
        return ()
    quantity = _quantity(target, published, flow=flow)
    high = wants_high(target) or isinstance(target, ChangeTarget)
    if not np.isfinite(quantity).all():
        return ()
    return tuple(
        Recommended(confidence=confidence, value=level_met_with(quantity, confidence, high=high, decimals=decimals))
        for confidence in (*CONFIDENCES, AMBITIOUS)
    )


def level_met_with(figures: Floats, confidence: float, *, high: bool, decimals: int) -> float:
    """Best printable level that at least a share ``confidence`` of the draws meets.

    Parameters
    ----------
    figures : array, dims (draw)
        [unit]
    high : bool
        Whether a level is met from above; the level is then rounded down, and up otherwise.
    decimals : int
        Decimals one would print.
    """
    ordered = np.sort(figures if high else -figures)
    # the k-th largest figure is met by k draws
    enough = int(np.ceil(confidence * ordered.size - EXACT))
    level = float(ordered[ordered.size - max(enough, 1)])
    scale = 10.0**decimals
    rounded = np.floor(level * scale + 1e-6) / scale
    return float(rounded if high else -rounded + 0.0)


def _quantity(target: Target, published: Draws, *, flow: bool) -> Floats:  # noqa: PLR0911 (a return for each kind)
    """What a level of the statement is compared with, dims (draw)."""
    match target:
        case LevelTarget() | PathTarget():
            return published.at(target.last_year)
        case MaintainTarget():
            due = published.over(target.years)
            return np.asarray(due.min(axis=-1) if wants_high(target) else due.max(axis=-1))
        case ChangeTarget():
            return _change(target, published)
        case CumulativeTarget() if target.per_year:
            due = published.over(target.years)
            if not flow:
                due = due - published.over(tuple(year - 1 for year in target.years))
            return np.asarray(due.min(axis=-1) if wants_high(target) else due.max(axis=-1))
        case CumulativeTarget():
            if flow:
                return np.asarray(published.over(years_needed(target, flow=True)).sum(axis=-1))
            return published.at(target.year) - published.at(target.base_year)
        case _:
            return published.at(target.last_year)


def _change(target: ChangeTarget, published: Draws) -> Floats:
    """Size of the change in the direction of the statement; negative where the figure went the other way."""
    base = published.at(target.base_year)
    change = (published.at(target.year) - base) * (1.0 if target.direction == "up" else -1.0)
    if target.relative:
        with np.errstate(divide="ignore", invalid="ignore"):
            change = 100.0 * change / base
    return change
