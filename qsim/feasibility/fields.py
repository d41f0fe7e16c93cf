"""Published figures of one series as functions of the levels that effects move, other levers being what they are."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numba import njit
from numpy.typing import NDArray

from qsim.feasibility.bounds import ROUNDING
from qsim.feasibility.conditions import Conditions
from qsim.feasibility.statements import Trials
from qsim.forecast.levers import apply_levers, flattened_from, scenario_sizes, squeezed
from qsim.forecast.levers_figures import FigureChange
from qsim.forecast.levers_scales import lever_effect
from qsim.forecast.paths import Paths
from qsim.forecast.published import usual_trials
from qsim.forecast.trend import Trend
from qsim.plans.levers import Lever, Measure, NaturalLimit

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

_LEAST_WIDTH = 1e-9


@dataclass(frozen=True, eq=False, kw_only=True)
class Mover:
    """One series and what each of its effects adds: the same beside all other levers."""

    paths: Paths
    trend: Trend
    conditions: Conditions
    effects: tuple[Lever, ...]
    sizes: dict[str, Floats]
    steps: Floats
    """dims (lever, draw, year of the paths). [link scale]"""

    @classmethod
    def of(cls, trials: Trials, number: int, conditions: Conditions, levers: Sequence[Measure]) -> "Mover":
        """The series of a statement; ``levers`` are those that act on it."""
        statement, posterior = trials.statements[number], trials.posterior
        paths = posterior.paths(statement.series[0], statement.years)
        trend = paths.trend(posterior.peers)
        sizes = scenario_sizes(trials.scenario(levers), trend.level.shape[0], posterior.seed)
        effects = tuple(lever for lever in levers if isinstance(lever, Lever))
        steps = np.zeros((len(effects), *trend.level.shape))
        for place, lever in enumerate(effects):
            full, shares = lever_effect(lever, trend, sizes[lever.id])
            steps[place] = full[:, None] * shares[None, :]
        return cls(paths=paths, trend=trend, conditions=conditions, effects=effects, sizes=sizes, steps=steps)

    def beside(self, others: Sequence[Measure]) -> "Field":
        """The series beside other levers than effects."""
        limit = next((lever for lever in others if isinstance(lever, NaturalLimit)), None)
        unlimited = [lever for lever in others if lever is not limit]
        moved = apply_levers(unlimited, self.sizes, self.trend, usual_trials(self.paths.data))
        years, begins = self.conditions.years, -1
        if limit is not None and (at := flattened_from(limit, self.trend)) < len(self.paths.years):
            before = self.paths.years[at - 1]
            years = tuple(sorted({*years, before}))
            begins = years.index(before)
        at_years = [year - self.paths.years[0] for year in years]
        weights = np.zeros((self.conditions.weights.shape[0], len(years)))
        weights[:, [years.index(year) for year in self.conditions.years]] = self.conditions.weights
        return Field(
            paths=self.paths,
            years=years,
            level=moved.level[:, at_years],
            steps=self.steps[:, :, at_years],
            change=moved.figures.at(at_years),
            limit=self.sizes[limit.id] if limit is not None and begins >= 0 else None,
            begins=begins,
            weights=weights,
            need=self.conditions.need,
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class Field:
    """Figures of one series in the years that conditions ask for, at any levels."""

    paths: Paths
    years: tuple[int, ...]
    level: Floats
    """Without effects, and before a limit, dims (draw, year). [link scale]"""
    steps: Floats
    """dims (lever, draw, year). [link scale]"""
    change: FigureChange
    limit: Floats | None
    """Level that a limit squeezes progress below, dims (draw). [unit]"""
    begins: int
    """Place of the year before the limit; -1 without one."""
    weights: Floats
    """dims (condition, year). [1]"""
    need: Floats
    """dims (draw, condition). [unit]"""

    @property
    def moves_its_start(self) -> bool:
        """Whether effects move the level that a limit starts from."""
        return self.begins >= 0 and bool(self.steps[:, :, self.begins].any())

    def with_steps(self, steps: Floats) -> "Field":
        """The same under other effects, dims (lever, draw, year)."""
        return replace(self, steps=steps)

    def figures(self, level: Floats, draws: Counts, start: Floats | None = None) -> Floats:
        """Published figures at levels with effects, dims (row, year). [unit]

        Parameters
        ----------
        level : array, dims (row, year)
            [link scale]
        draws : array, dims (row)
            Draw of each row.
        start : array, dims (row), optional
            Level before the limit's first year; that of ``level`` if not given. [link scale]
        """
        if self.limit is not None:
            begun = level[:, self.begins] if start is None else start
            after = slice(self.begins + 1, None)
            data = self.paths.data
            limit = self.limit[draws, None]
            flat = squeezed(level[:, after], begun[:, None], limit, data.link, data.sign)
            level = np.concatenate([level[:, : self.begins + 1], flat], axis=1)
        return self.paths.rows(draws).printed(level, self.years, self.change.rows(draws))

    def hold(self, draws: Counts, sets: Counts) -> NDArray[np.bool_]:
        """Whether conditions hold under sets of effects, to the last bit as in a forecast, dims (row).

        Parameters
        ----------
        draws, sets : arrays, dims (row)
            Draw of each row, and its set: the last effect is the lowest bit.
        """
        figures = self.figures(_levels(self.level, self.steps, draws, sets), draws)
        conditions = Conditions(years=self.years, weights=self.weights, need=self.need)
        return conditions.hold(figures, draws)

    def grid(self, cells: int) -> tuple[Floats, Floats]:
        """First point and width of a grid over what effects can reach, dims (draw, year). [link scale]"""
        rise, fall = np.maximum(self.steps, 0.0).sum(axis=0), np.minimum(self.steps, 0.0).sum(axis=0)
        level = np.where(np.isfinite(self.level), self.level, 0.0)
        spare = 8.0 * ROUNDING * (np.abs(level) + rise - fall)
        width = np.maximum(rise - fall + 2.0 * spare, _LEAST_WIDTH * (1.0 + np.abs(level)))
        return level + fall - spare, width / cells

    def table(self, draws: Counts, first: Floats, width: Floats, cells: int, slices: int) -> Floats:
        """Figures on the grid of some draws, dims (draw, year, slice, point). [unit]

        Parameters
        ----------
        first, width : arrays, dims (draw, year)
            Grids of those draws.
        slices : int
            Points of the grid of a limit's start level that are tried; 1 if it does not move.
        """
        points = np.arange(cells + 1)[None, :, None]
        fixed = ~np.isfinite(self.level[draws])[:, None, :]
        levels = np.where(fixed, self.level[draws][:, None, :], first[:, None, :] + points * width[:, None, :])
        rows = np.repeat(draws, cells + 1)
        flat = levels.reshape(-1, len(self.years))
        made = np.empty((draws.size, len(self.years), slices, cells + 1))
        for at in range(slices):
            start = None
            if self.begins >= 0:
                # one level for all points of a draw
                place = at * (cells // max(slices - 1, 1)) if slices > 1 else 0
                start = levels[:, place, self.begins] if self.moves_its_start else self.level[draws, self.begins]
                start = np.repeat(start, cells + 1)
            figures = self.figures(flat, rows, start)
            made[:, :, at, :] = figures.reshape(draws.size, cells + 1, -1).transpose(0, 2, 1)
        return made


@njit(cache=True, nogil=True, error_model="numpy")
def _levels(level: Floats, steps: Floats, draws: Counts, sets: Counts) -> Floats:
    """Levels with the effects of a set, added in the order of a forecast, dims (row, column)."""
    levers, columns = steps.shape[0], level.shape[1]
    found = np.empty((draws.size, columns))
    for row in range(draws.size):
        draw = draws[row]
        found[row] = level[draw]
        for lever in range(levers):
            if sets[row] >> (levers - 1 - lever) & 1:
                for column in range(columns):
                    found[row, column] += steps[lever, draw, column]
    return found
