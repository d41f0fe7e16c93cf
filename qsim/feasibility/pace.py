"""Pace and office marks of a target from the published figures of its series."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from qsim.feasibility import marks
from qsim.feasibility.events import is_flow, wants_high
from qsim.feasibility.marks import Course, Mark, MarkTables, Pace
from qsim.indicators import Indicator
from qsim.model.series import SeriesData
from qsim.plans.targets import (
    ChangeTarget,
    CumulativeTarget,
    ImproveTarget,
    LevelTarget,
    MaintainTarget,
    NoDecreaseTarget,
    PathTarget,
    RangeTarget,
    Target,
)
from qsim.vocabulary import PERCENT_FAMILIES

MARK_TABLES: Final = MarkTables()

_RECENT: Final = 5
"""Years before the newest figure that count as recent."""


@dataclass(frozen=True)
class Figure:
    """A published figure of a year."""

    year: int
    value: float
    """[unit]"""


def figures_of(data: SeriesData) -> tuple[Figure, ...]:
    """Published figures, one a year; what is printed as a range stands at its middle."""
    values = np.where(np.isfinite(data.printed), data.printed, data.link.to_figure(data.guess))
    by_year = dict(zip(data.year.tolist(), values.tolist(), strict=True))
    return tuple(Figure(year, value) for year, value in sorted(by_year.items()))


def pace_and_marks(
    target: Target,
    indicator: Indicator,
    figures: tuple[Figure, ...],
    base_year: int,
    tables: MarkTables = MARK_TABLES,
) -> tuple[Pace | None, tuple[Mark, ...]]:
    """Needed and recent pace, and the marks that apply.

    Parameters
    ----------
    figures : tuple of Figure
        Own figures, ascending years.
    base_year : int
        Last year before the plan, from which its schedule counts.
    tables : MarkTables
        Bounds and verdicts of the marks.
    """
    before = [figure for figure in figures if figure.year <= base_year]
    if not figures:
        return None, ()
    newest = figures[-1]
    under_way = bool(before) and newest.year > base_year
    recent = [figure for figure in figures if newest.year - _RECENT <= figure.year < newest.year]
    first = before[-1] if under_way else recent[0] if recent else None
    level, high = _level_due(target, figures, flow=is_flow(indicator)), wants_high(target)
    if first is None:
        return None, ()
    course = Course(
        base_year=first.year,
        base=first.value,
        year=newest.year,
        value=newest.value,
        due_year=target.last_year,
        target=newest.value if level is None else level,
        high=high,
    )
    if level is None:
        moves = isinstance(target, ImproveTarget | NoDecreaseTarget)
        return None, (marks.growth(course, _limit(indicator, high=high), tables.growth),) if moves else ()
    pace = Pace(
        needed=marks.needed_pace(course),
        recent=course.sign * (newest.value - first.value) / (newest.year - first.year),
        first_year=first.year,
        last_year=newest.year,
    )
    return pace, _marks(course, indicator, figures, tables, under_way=under_way)


def _marks(
    course: Course, indicator: Indicator, figures: tuple[Figure, ...], tables: MarkTables, *, under_way: bool
) -> tuple[Mark, ...]:
    if course.due_year <= course.base_year:
        return ()
    given = [marks.growth_ratio(course, tables.eurostat), marks.extrapolated_share(course, tables.unsd)]
    if indicator.family in PERCENT_FAMILIES and course.high:
        given.append(marks.failure_ratio(course, tables.failure))
    if not course.high:
        within = [figure for figure in figures if figure.year >= course.base_year]
        years, values = [one.year for one in within], [one.value for one in within]
        given.append(marks.reduction(course, years, values, tables.aarr))
    if under_way:
        given.append(marks.schedule(course, tables.schedule))
    return tuple(given)


def _level_due(target: Target, figures: tuple[Figure, ...], *, flow: bool) -> float | None:
    """Figure to reach in the last year; None where it is no fixed one."""
    known = {figure.year: figure.value for figure in figures}
    match target:
        case LevelTarget() | MaintainTarget() | RangeTarget():
            return target.value
        case PathTarget():
            return target.values[target.last_year]
        case ChangeTarget() if target.base_year in known:
            base, sign = known[target.base_year], 1.0 if target.direction == "up" else -1.0
            return base + sign * (0.01 * target.value * base if target.relative else target.value)
        case CumulativeTarget() if not target.per_year and not flow and target.base_year in known:
            return known[target.base_year] + target.value
        case _:
            return None


def _limit(indicator: Indicator, *, high: bool) -> float | None:
    """Natural limit on the side that helps, if there is one. [unit]"""
    if not high:
        return None  # zero is a limit that growth never reaches: its factor is one
    full = 100.0 if indicator.family in PERCENT_FAMILIES else None
    return full if indicator.natural_limit is None else indicator.natural_limit
