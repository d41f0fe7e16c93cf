r"""Courses: ready shapes that take the place of the trend from their start year on.

A course begins at each draw's own level of the year before its start, or of the origin where the start is past: what
has happened stays. With :math:`y_0` the figure there and :math:`k` the years since, on the scale of the figure unless
said otherwise:

==================== =======================================================================
hold                 :math:`y_0`
halt_decline         the trend, no worse than :math:`y_0`
annual_change        :math:`y_0 + k a`; :math:`y_0 (1 + a / 100)^k`; on the link :math:`g(y_0) + k a`
percent_of_baseline  the straight line from :math:`y_0` to :math:`y_b (1 + p / 100)`
straight_line        the straight lines from :math:`y_0` through the named figures
peer_pace            :math:`g(y_0) + k v` with the peers' pace :math:`v` (:mod:`qsim.forecast.peers`)
return_to_trend      on the link the straight line from :math:`g(y_0)` to the line through two past years
==================== =======================================================================

A figure that a course would take beyond the end of its scale stays at the end. With ``shocks: keep`` the shocks of the
forecast since :math:`y_0` are added on the link scale (:attr:`qsim.forecast.trend.Trend.shocks`).

Source: the scenario functions of billionaiRe (WHO, https://github.com/gpw13/billionaiRe), on draws instead of lines;
its percent_baseline bends away from its own straight line and is not copied. Pace of peers: trackr (World Bank).
"""

import numpy as np
from numpy.typing import NDArray

from qsim.errors import HorizonError
from qsim.forecast.trend import Trend
from qsim.plans.levers import (
    AnnualChange,
    Course,
    HaltDecline,
    Hold,
    PeerPace,
    PercentOfBaseline,
    ReturnToTrend,
    StraightLine,
)

Floats = NDArray[np.float64]


def course_level(course: Course, trend: Trend, size: Floats | None) -> Floats:
    """Levels of a series that follows a course.

    Parameters
    ----------
    size : array, dims (draw), or None
        Draws of the course's size. [its scale]

    Returns
    -------
    array, dims (draw, year)
        [link scale]; those of the trend before the start, and throughout where the course ended before the forecast.

    Raises
    ------
    HorizonError
        If the course looks back at a year before the series begins, or at peers that are not there.
    """
    first = max(course.start_year, trend.origin + 1)
    begins = first - trend.years[0]
    if begins >= len(trend.years):
        return trend.level
    if isinstance(course, HaltDecline):
        floor = trend.level[:, begins - 1, None]
        after = trend.sign * np.maximum(trend.sign * trend.level[:, begins:], trend.sign * floor)
    else:
        way = _way(course, trend, begins, size)
        if way is None:
            return trend.level
        moved = trend.shocks[:, begins:] - trend.shocks[:, begins - 1, None]
        after = way + moved if course.shocks == "keep" else way
    return np.concatenate([trend.level[:, :begins], after], axis=1)


def _way(
    course: Hold | AnnualChange | PercentOfBaseline | StraightLine | PeerPace | ReturnToTrend,
    trend: Trend,
    begins: int,
    size: Floats | None,
) -> Floats | None:
    """The course without shocks, dims (draw, year from ``begins``). [link scale]; None where it is over already."""
    start = trend.level[:, begins - 1]
    steps = np.arange(1.0, len(trend.years) - begins + 1.0)
    if isinstance(course, Hold):
        return np.repeat(start[:, None], steps.size, axis=1)
    if isinstance(course, PeerPace):
        if trend.peers is None:
            raise HorizonError(
                f"lever {course.id!r} needs figures of other regions: forecast from a fit of observations"
            )
        return np.asarray(start[:, None] + steps[None, :] * trend.peers.pace(course, trend.data))
    if isinstance(course, ReturnToTrend):
        return _return(course, trend, begins)
    figure = trend.data.link.to_figure(start)
    if isinstance(course, AnnualChange):
        return _annual(course, trend, begins, size)
    if isinstance(course, PercentOfBaseline):
        base = trend.data.link.to_figure(trend.level[:, _past(course.id, trend, course.baseline_year)])
        points = {course.year: base * (1.0 + _drawn(size) / 100.0)}
    else:
        points = {year: np.full(figure.shape, value) for year, value in sorted(course.values.items())}
    years = np.asarray(trend.years[begins:])
    return _lines(trend, figure, points, years)


def _lines(trend: Trend, figure: Floats, points: dict[int, Floats], years: NDArray[np.int64]) -> Floats | None:
    """Straight lines from the figure of the year before through the points to come; the last one stays."""
    last_year, last = int(years[0]) - 1, figure
    way = np.empty((figure.size, years.size))
    ahead = {year: goal for year, goal in points.items() if year > last_year}
    if not ahead:
        return None
    for year, goal in ahead.items():
        on = (years > last_year) & (years <= year)
        part = (years[on] - last_year) / (year - last_year)
        way[:, on] = last[:, None] + part[None, :] * (goal - last)[:, None]
        last_year, last = year, goal
    way[:, years > last_year] = last[:, None]
    return _bounded_link(trend, way)


def _annual(course: AnnualChange, trend: Trend, begins: int, size: Floats | None) -> Floats:
    link, steps = trend.data.link, np.arange(1.0, len(trend.years) - begins + 1.0)[None, :]
    start = trend.level[:, begins - 1]
    figure = link.to_figure(start)
    if course.like is None:
        change = _drawn(size)
        growth = 1.0 + change / 100.0
    else:
        back = 1 if course.like == "latest" else min(course.window, begins - 1)
        earlier = begins - 1 - back
        if back < 1 or earlier < 0:
            raise HorizonError(
                f"lever {course.id!r}: no change before {trend.years[begins]} to go on with, the series of "
                f"{trend.data.label} begins in {trend.years[0]}; give a size"
            )
        before = trend.level[:, earlier]
        on_link = course.scale == "link"
        change = (start - before if on_link else figure - link.to_figure(before)) / back
        growth = (
            (figure / link.to_figure(before)) ** (1.0 / back) if course.scale == "percent" else np.ones_like(figure)
        )
    if course.scale == "link":
        return np.asarray(start[:, None] + steps * change[:, None])
    if course.scale == "points":
        return _bounded_link(trend, figure[:, None] + steps * change[:, None])
    return _bounded_link(trend, figure[:, None] * np.maximum(growth, 0.0)[:, None] ** steps)


def _return(course: ReturnToTrend, trend: Trend, begins: int) -> Floats | None:
    if course.year <= trend.origin:
        return None
    one, other = (trend.level[:, _past(course.id, trend, year)] for year in (course.from_year, course.to_year))
    slope = (other - one) / (course.to_year - course.from_year)
    years = np.asarray(trend.years[begins:], dtype=float)[None, :]
    line = other[:, None] + slope[:, None] * (years - course.to_year)
    start, before = trend.level[:, begins - 1, None], trend.years[begins] - 1
    back = other + slope * (course.year - course.to_year)
    part = (years - before) / (course.year - before)
    return np.where(years <= course.year, start + part * (back[:, None] - start), line)


def _past(lever: str, trend: Trend, year: int) -> int:
    if year not in trend.years:
        raise HorizonError(
            f"lever {lever!r} looks at {year}, the series of {trend.data.label} covers "
            f"{trend.years[0]}-{trend.years[-1]}: name a year of these"
        )
    return trend.years.index(year)


def _bounded_link(trend: Trend, figures: Floats) -> Floats:
    return trend.data.link.to_link(np.clip(figures, *trend.ends))


def _drawn(size: Floats | None) -> Floats:
    if size is None:
        raise TypeError("a course with a law needs its draws")
    return size
