"""Nested Laplace approximation of one series: weights over theta, then draws corrected by importance weights."""

from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from qsim.errors import FitError
from qsim.inference import general, kernels
from qsim.inference.design import ENOUGH_POINTS, MIN_EFFECTIVE_POINTS, Weighted, weigh
from qsim.inference.layout import layouts
from qsim.inference.psis import PARETO_K_LIMIT, effective_count, smooth
from qsim.model.priors import LevelPrior, ThetaPrior
from qsim.model.series import SeriesData
from qsim.model.trend import constrain, propagate

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_LOG2_POINTS: Final = 10
_OVERSAMPLING: Final = 2
"""Proposals per draw: keeps draws distinct when weights thin them out."""


@dataclass(frozen=True, eq=False, kw_only=True)
class SeriesPosterior:
    """Equally weighted draws of one series and how they came about."""

    data: SeriesData
    theta: Floats
    """(sigma_level, sigma_slope, rho, sigma_noise, mu), dims (draw, 5). [link scale]"""
    level: Floats
    """True level of every year of the grid, dims (draw, year). [link scale]"""
    slope: Floats
    """Departure of the last slope from the drift, dims (draw). [link scale per year]"""
    pareto_k: float
    theta_effective: float
    """Effective points of theta behind the draws; of NUTS, the smallest effective sample size."""
    log_evidence: float
    offset: Floats = field(default_factory=lambda: np.empty((0, 0)))
    """Offsets of the other bases, dims (draw, offset); empty where there are none. [link scale]"""
    draw_effective: float = np.nan
    """Effective number of the proposals behind the draws; NaN where there were none."""
    engine: Literal["laplace", "nuts", "own"] = "laplace"
    """What drew them; ``own`` is a model of the user's."""

    @property
    def drift(self) -> Floats:
        """Signed drift: positive raises the figure, dims (draw). [link scale per year]"""
        return np.asarray(self.data.sign * self.theta[:, 4])

    def ahead(self, shocks: Floats) -> Floats:
        """Levels after the last year under shocks (v, u), dims (draw, year, 2) -> (draw, year). [link scale]"""
        return propagate(self.theta, self.data.kept, self.level[:, -1], self.slope, self.drift, shocks)

    @property
    def gate(self) -> bool:
        """True if both gates hold."""
        return self.pareto_k <= PARETO_K_LIMIT and self.theta_effective >= MIN_EFFECTIVE_POINTS


def weigh_theta(
    data: SeriesData,
    theta_prior: ThetaPrior,
    level_prior: LevelPrior,
    *,
    log2_points: int = _LOG2_POINTS,
    enough: float = ENOUGH_POINTS,
) -> Weighted:
    """Posterior of theta for one series, by :func:`~qsim.inference.design.weigh`.

    Raises
    ------
    FitError
        If the search for a mode fails, which the figures of a series should never cause.
    """
    return weigh(theta_prior, lambda z: log_evidence(data, level_prior, z), log2_points, enough=enough)


def log_evidence(data: SeriesData, level_prior: LevelPrior, z: Floats) -> Floats:
    """Log Laplace evidence of one series at unconstrained points of theta, dims (point, 5) -> (point).

    Raises
    ------
    FitError
        If no point has a finite evidence.
    """
    if data.plain:
        values = kernels.evidence(constrain(z), *_problem(data, level_prior, z))
    else:
        values = logsumexp(_reading_evidence(data, level_prior, z), axis=0)
    if not np.isfinite(values).any():
        raise FitError(
            f"{data.label}: no finite evidence at any of {len(z)} points of theta; "
            "check the figures of this series for a misprint, or use engine='nuts'"
        )
    # heavy-tailed proposals reach points so absurd that nothing can be computed there: they have no weight
    return np.where(np.isfinite(values), values, -np.inf)


def draw_series(
    data: SeriesData, weighted: Weighted, level_prior: LevelPrior, *, draws: int, rng: np.random.Generator
) -> SeriesPosterior:
    """Draws of the path of one series, resampled to equal weights and in random order."""
    proposals = _OVERSAMPLING * draws
    chosen = systematic(weighted.weights, proposals, rng)
    theta = constrain(weighted.z)
    propose = _plain_paths if data.plain else _general_paths
    level, slope, offset, log_ratio = propose(data, weighted.z, chosen, level_prior, rng)
    weights, pareto_k = smooth(log_ratio)
    # each proposal enters at most about once unless its weight is far above the mean
    kept = rng.permutation(systematic(weights, draws, rng))
    return SeriesPosterior(
        data=data,
        theta=theta[chosen[kept]],
        level=level[kept],
        slope=slope[kept],
        pareto_k=pareto_k,
        theta_effective=weighted.effective,
        log_evidence=weighted.log_evidence,
        offset=offset[kept],
        draw_effective=effective_count(weights),
    )


def _plain_paths(
    data: SeriesData, z: Floats, chosen: Ints, level_prior: LevelPrior, rng: np.random.Generator
) -> tuple[Floats, Floats, Floats, Floats]:
    """Levels, last slopes, no offsets, log importance ratios."""
    proposals, figures = chosen.size, data.year.size
    level, slope, log_ratio = kernels.draw_paths(
        constrain(z),
        chosen,
        *_problem(data, level_prior, z),
        rng.standard_normal((proposals, 2 * data.years)),
        rng.standard_normal((proposals, figures + 1)),
        rng.standard_normal((proposals, figures)),
    )
    return level, slope, np.empty((proposals, 0)), log_ratio


def _reading_evidence(data: SeriesData, level_prior: LevelPrior, z: Floats) -> Floats:
    """Log evidence of each reading times its prior probability, dims (reading, point)."""
    readings = layouts(data)
    theta, first_mean = constrain(z), level_prior.given(z)
    rows = [
        general.general_evidence(
            theta, first_mean, level_prior.mean, level_prior.sd, data.sign, data.kept, data.years, layout
        )
        for layout in readings
    ]
    # a point where nothing can be computed has no weight
    return np.asarray(np.where(np.isfinite(rows), rows, -np.inf) - np.log(len(readings)))


def _general_paths(
    data: SeriesData, z: Floats, chosen: Ints, level_prior: LevelPrior, rng: np.random.Generator
) -> tuple[Floats, Floats, Floats, Floats]:
    """Levels, last slopes, offsets, log importance ratios; each draw takes a reading in proportion to its evidence."""
    readings, proposals = layouts(data), chosen.size
    reading = np.zeros(proposals, dtype=np.int64)
    if len(readings) > 1:
        # the rows in use only: a reading's share of the evidence at one point of theta
        used, place = np.unique(chosen, return_inverse=True)
        logs = _reading_evidence(data, level_prior, z[used])
        edges = np.cumsum(np.exp(logs - logsumexp(logs, axis=0)), axis=0)[:-1]
        reading = (rng.random(proposals) > edges[:, place]).sum(axis=0)
    level, slope = np.empty((proposals, data.years)), np.empty(proposals)
    offset, log_ratio = np.empty((proposals, len(data.offsets))), np.empty(proposals)
    for number, layout in enumerate(readings):
        at = np.flatnonzero(reading == number)
        figures = layout.form.size
        level[at], slope[at], offset[at], log_ratio[at] = general.general_paths(
            constrain(z),
            chosen[at],
            level_prior.given(z),
            level_prior.mean,
            level_prior.sd,
            data.sign,
            data.kept,
            data.years,
            layout,
            rng.integers(0, 2, at.size),
            rng.standard_normal((at.size, 2 * data.years)),
            rng.standard_normal((at.size, data.years + len(data.offsets))),
            rng.standard_normal((at.size, figures)),
            rng.standard_normal((at.size, figures)),
        )
    return level, slope, offset, log_ratio


def systematic(weights: Floats, count: int, rng: np.random.Generator) -> Ints:
    """Indices drawn in proportion to weights with one random number, ascending."""
    edges = np.cumsum(weights)
    points = (np.arange(count) + rng.random()) / count * edges[-1]
    return np.asarray(np.minimum(np.searchsorted(edges, points), weights.size - 1), dtype=np.int64)


class _Problem(NamedTuple):
    """Arguments that both kernels take behind theta, in their order."""

    first_mean: Floats
    """Of the first level given each theta, dims (theta)."""
    level_sd: float
    sign: float
    kept: float
    years: int
    steps: Ints
    noisy: Floats
    kind: Ints
    lower: Floats
    upper: Floats
    size: Floats
    guess: Floats
    guess_variance: Floats
    limit: float


def _problem(data: SeriesData, prior: LevelPrior, z: Floats) -> _Problem:
    return _Problem(
        prior.given(z),
        prior.sd,
        data.sign,
        data.kept,
        data.years,
        data.steps,
        data.noisy,
        data.kind,
        data.lower,
        data.upper,
        data.size,
        data.guess,
        data.guess_variance,
        data.limit,
    )
