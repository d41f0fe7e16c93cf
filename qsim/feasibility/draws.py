"""A forecast as plain arrays, read once, and what each target compares itself with."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import xarray as xr

from qsim.feasibility.events import Draws, Floats
from qsim.plans.targets import RelativeTarget, Target
from qsim.vocabulary import BASELINE_SCENARIO, CHAIN, DRAW, PUBLISHED, RATE, SCENARIO, SERIES, YEAR

_LEAST_VARIANCE = 1e-12


@dataclass(frozen=True, eq=False)
class ForecastDraws:
    """Draws of a forecast, chains laid end to end."""

    forecast: xr.Dataset

    @cached_property
    def scenarios(self) -> tuple[str, ...]:
        """Scenarios; the baseline alone where there is no forecast."""
        if SCENARIO not in self.forecast.dims:
            return (BASELINE_SCENARIO,)
        return tuple(str(name) for name in self.forecast[SCENARIO].values.tolist())

    @cached_property
    def years(self) -> tuple[int, ...]:
        """Years of the forecast."""
        return tuple(int(year) for year in self.forecast[YEAR].values.tolist())

    @cached_property
    def labels(self) -> dict[str, int]:
        """Place of each series."""
        if SERIES not in self.forecast.dims:
            return {}
        return {str(label): place for place, label in enumerate(self.forecast[SERIES].values.tolist())}

    @cached_property
    def figures(self) -> dict[str, int]:
        """Own figures of each series."""
        counts = self.forecast["n_figures"].values.tolist()
        return {label: int(counts[place]) for label, place in self.labels.items()}

    def of(self, scenario: str, label: str, variable: str) -> Draws:
        """Draws of one series under a scenario, dims (draw, year)."""
        values = self._arrays[variable][self.scenarios.index(scenario), :, self.labels[label], :]
        return Draws(values, self.years)

    def reference(self, target: RelativeTarget, scenario: str, label: str, variable: str) -> Draws | None:
        r"""Draws of what a relative target is compared with; None where nobody can say.

        The reference is a mean the region is part of, with weight w (``reference_share``). Its own draws r do not know
        that. With :math:`\beta` the regression of r on this region's draws c and e what is left of it, each draw is
        moved so that both have at least the covariance that a part has with its mean, and r keeps its variance:

        .. math:: r' = \bar r + \max(\beta, w) (c - \bar c) + a e + w (c_s - c),

        with :math:`c_s` the region under the scenario: what a policy adds in the region moves the mean by w. A lever
        of this plan does not touch the other regions.

        A region without figures is taken to lie around its reference as the regions of a pool lie around their
        centre: an uncertain offset with no sign.
        """
        if target.reference_region is None:
            return None
        first = self.scenarios[0]
        own = self.of(scenario, label, variable)
        if self.figures[label] == 0:
            centre = np.median(self.of(first, label, variable).values, axis=0)
            return Draws(np.broadcast_to(centre, own.values.shape), self.years)
        other = f"{target.reference_region}/{target.indicator}"
        if other not in self.labels:
            return None
        alone = self.of(first, other, variable)
        if target.reference_share == 0.0:
            return alone
        base = self.of(first, label, variable)
        shared = np.column_stack(
            [
                _coupled(alone.values[:, place], base.values[:, place], target.reference_share)
                for place in range(len(self.years))
            ]
        )
        return Draws(shared + target.reference_share * (own.values - base.values), self.years)

    @cached_property
    def _arrays(self) -> dict[str, Floats]:
        ordered = self.forecast[[PUBLISHED, RATE]].transpose(SCENARIO, CHAIN, DRAW, SERIES, YEAR)
        shape = (len(self.scenarios), -1, len(self.labels), len(self.years))
        return {name: np.asarray(ordered[name].values, dtype=float).reshape(shape) for name in (PUBLISHED, RATE)}


def reference_of(draws: ForecastDraws, target: Target, scenario: str, label: str, variable: str) -> Draws | None:
    """Draws of the reference of a relative target; None for every other kind."""
    if not isinstance(target, RelativeTarget):
        return None
    return draws.reference(target, scenario, label, variable)


def _coupled(mean: Floats, part: Floats, weight: float) -> Floats:
    """Draws of a mean moved so that they have the covariance with a part of that weight, dims (draw)."""
    if not (np.isfinite(mean).all() and np.isfinite(part).all()):
        return mean
    apart, off = mean - mean.mean(), part - part.mean()
    own = float(np.mean(off**2))
    if own < _LEAST_VARIANCE:
        return mean
    slope = float(np.mean(apart * off)) / own
    rest = apart - slope * off
    left, wanted = float(np.mean(rest**2)), max(slope, weight)
    # a part that varies more than its mean can leaves nothing of the mean's own
    kept = max(0.0, float(np.mean(apart**2)) - wanted**2 * own)
    scale = np.sqrt(kept / left) if left > _LEAST_VARIANCE else 1.0
    return np.asarray(mean.mean() + wanted * off + scale * rest)
