"""Levers of a scenario, applied to the draws of one series.

First a course takes the place of the trend, then effects are added on the link scale, then a limit flattens what comes
near it; samples, definitions and the end of a series change the published figure alone. Every lever is measured on the
levels without any, so their order does not matter; nothing moves a year up to the origin.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from qsim.forecast.levers_courses import course_level
from qsim.forecast.levers_figures import USUAL, FigureChange
from qsim.forecast.levers_scales import add_effect, lever_effect
from qsim.forecast.levers_sizes import size_draws, size_scores
from qsim.forecast.trend import Trend
from qsim.model.links import Link
from qsim.model.series import SeriesData
from qsim.plans.levers import Course, DefinitionChange, Discontinued, Lever, Measure, NaturalLimit, SamplingPlan
from qsim.plans.scenarios import Scenario

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class Moved:
    """One series under a scenario."""

    level: Floats
    """dims (draw, year). [link scale]"""
    figures: FigureChange = USUAL


def touches(lever: Measure, data: SeriesData) -> bool:
    """Whether a lever acts on a series."""
    return data.indicator.slug in lever.indicators and (not lever.regions or data.region in lever.regions)


def scenario_sizes(scenario: Scenario, draws: int, seed: int) -> dict[str, Floats]:
    """Draws of what is uncertain about each lever, dims (draw), by lever id: the same in every series."""
    return {
        lever.id: size_draws(law, size_scores(lever.id, scenario.correlations, draws, seed))
        for lever in scenario.levers
        if (law := lever.law) is not None
    }


def apply_levers(
    levers: Sequence[Measure], sizes: Mapping[str, Floats], trend: Trend, usual_trials: float | None
) -> Moved:
    """Levels and ways of publishing of one series under the levers of a scenario.

    Parameters
    ----------
    sizes : mapping of str to array, dims (draw)
        As :func:`scenario_sizes` draws them.
    usual_trials : float or None
        Sample behind a usual figure.

    Raises
    ------
    HorizonError
        If a lever needs a year, a limit or peers that the series does not have.
    """
    levers = sorted((lever for lever in levers if touches(lever, trend.data)), key=lambda lever: lever.id)
    level = trend.level
    for lever in levers:
        if isinstance(lever, Course):
            level = course_level(lever, trend, sizes.get(lever.id))
    for lever in levers:
        if isinstance(lever, Lever):
            level = add_effect(level, *lever_effect(lever, trend, sizes[lever.id]))
    figures = USUAL
    for lever in levers:
        if isinstance(lever, NaturalLimit):
            level = _flattened(lever, trend, level, sizes[lever.id])
        elif isinstance(lever, SamplingPlan | DefinitionChange | Discontinued):
            figures = _publication(lever, trend, figures, sizes.get(lever.id), usual_trials)
    return Moved(level=level, figures=figures)


def flattened_from(lever: NaturalLimit, trend: Trend) -> int:
    """Place of the first year that a limit flattens; its start level is that of the year before."""
    return max(lever.start_year, trend.origin + 1) - trend.years[0]


def squeezed(level: Floats, start: Floats, limit: Floats, link: Link, sign: float) -> Floats:
    r"""Progress since a start level, squeezed below a limit.

    With the room :math:`r = K - y_0` and the progress :math:`b = y - y_0`, both counted to the better side, the
    progress that remains is :math:`r (1 - e^{-b/r})`; a draw beyond the limit already makes none. The result never
    falls as the level or the start level rises.

    Parameters
    ----------
    level, start : arrays of dims that go together
        [link scale]
    limit : array
        [unit]
    sign : float
        1 where higher is better, else -1.
    """
    begun, figure = link.to_figure(start), link.to_figure(level)
    room = np.maximum(sign * (limit - begun), 0.0)
    progress = np.maximum(sign * (figure - begun), 0.0)
    share = np.divide(progress, room, out=np.zeros_like(progress), where=room > 0.0)
    return np.where(progress > 0.0, link.to_link(begun - sign * room * np.expm1(-share)), level)


def _flattened(lever: NaturalLimit, trend: Trend, level: Floats, limit: Floats) -> Floats:
    begins = flattened_from(lever, trend)
    if begins >= len(trend.years):
        return level
    after = squeezed(level[:, begins:], level[:, begins - 1, None], limit[:, None], trend.data.link, trend.sign)
    return np.concatenate([level[:, :begins], after], axis=1)


def _publication(
    lever: SamplingPlan | DefinitionChange | Discontinued,
    trend: Trend,
    figures: FigureChange,
    size: Floats | None,
    usual_trials: float | None,
) -> FigureChange:
    """Figures changed by one more lever, from its start on."""
    on = np.asarray(trend.years) >= max(lever.start_year, trend.origin + 1)
    if isinstance(lever, Discontinued):
        return replace(figures, absent=on)
    if isinstance(lever, DefinitionChange):
        return replace(figures, offset=None if size is None else size[:, None] * on[None, :])
    planned = lever.batches
    if planned is None and lever.batches_change is not None and usual_trials is not None:
        planned = max(round(usual_trials * (1.0 + lever.batches_change / 100.0)), 1)
    return replace(
        figures,
        trials=None if planned is None else np.where(on, float(planned), np.nan),
        risk_share=np.where(on, lever.risk_share, 0.0),
        risk_points=size,
    )
