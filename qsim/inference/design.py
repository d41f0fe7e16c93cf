"""Quasi-random designs of theta: a global one from the prior, a local one where the likelihood is sharp.

The local design is adaptive importance sampling: a Student t around the weighted points so far. Where few points
carry the weight, the moments come from tempered weights first. No point is thrown away: with designs q_1 ... q_R of as
many points each, every point of all of them has the weight

    prior x likelihood / [(q_1 + ... + q_R) / R],

so that a tail or a second mode that a local design passes over keeps its points of the global one, of bounded weight.

Source: Sobol (1967); Cornuet, Marin, Mira & Robert (2012), doi:10.1111/j.1467-9469.2011.00756.x (adaptive importance
sampling with all points); Owen & Zhou (2000), doi:10.1080/01621459.2000.10473909 (mixtures of proposals).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtri, gammaln, ndtr, ndtri
from scipy.stats import qmc

from qsim.inference.psis import effective_count
from qsim.model.priors import ThetaPrior
from qsim.model.trend import N_THETA

Floats = NDArray[np.float64]

MIN_EFFECTIVE_POINTS: Final = 30.0
"""Fewest effective theta points that answer for a series. [1]"""

ENOUGH_POINTS: Final = 150.0
"""Effective points below which a local design is worth its time. [1]"""

_T_FREEDOM: Final = 5.0
_ROUNDS: Final = 6


@dataclass(frozen=True, eq=False)
class Weighted:
    """Points of theta with posterior weights."""

    z: Floats
    """Unconstrained points, dims (point, 5)."""
    weights: Floats
    """Sum 1, dims (point)."""
    log_evidence: float
    """Log marginal likelihood of the series."""
    local: bool
    """True if the global design was too coarse."""

    @property
    def effective(self) -> float:
        """Effective number of points."""
        return effective_count(self.weights)

    @property
    def mean(self) -> Floats:
        """Posterior mean of z, dims (5)."""
        return np.asarray(self.weights @ self.z)

    @property
    def covariance(self) -> Floats:
        """Posterior covariance of z, dims (5, 5)."""
        return _covariance(self.z, self.weights)


@cache
def sobol_normals(log2_points: int, seed: int) -> Floats:
    """Scrambled Sobol points as standard normals, in random order, dims (point, dim).

    In Sobol's own order every eighth point has its first coordinate in the same eighth of the scale: a resampling that
    takes fewer points than there are, one in so many, would see that eighth alone.
    """
    rng = np.random.default_rng(seed)
    uniform = rng.permutation(qmc.Sobol(N_THETA + 1, scramble=True, rng=rng).random_base2(log2_points))
    return np.asarray(ndtri(np.clip(uniform, 1e-12, 1.0 - 1e-12)))


def weigh(
    prior: ThetaPrior,
    log_likelihood: Callable[[Floats], Floats],
    log2_points: int,
    *,
    enough: float = ENOUGH_POINTS,
    moments: tuple[Floats, Floats] | None = None,
) -> Weighted:
    """Posterior of theta on a global design, refined locally until enough points carry it.

    Parameters
    ----------
    log_likelihood : callable
        Takes unconstrained points, dims (point, 5), to log evidences, dims (point).
    log2_points : int
        Base-two logarithm of the number of points a design.
    enough : float
        Effective points below which the global design is too coarse; local ones are added up to three times that. [1]
    moments : tuple of arrays, dims (5) and (5, 5), optional
        Mean and covariance that the first local design is laid around, where more is known than the global one finds.
    """
    z = prior.at(sobol_normals(log2_points, seed=0))
    likelihood, density = log_likelihood(z), prior.log_density(z)
    designs: list[Callable[[Floats], Floats]] = [prior.log_density]
    found, log_weights = _normalized(z, likelihood, local=False)
    moments = moments if moments is not None else tempered_moments(z, log_weights)
    for attempt in range(_ROUNDS):
        if found.effective >= enough * (1 if attempt == 0 else 3):
            break
        # wider than the moments say: a proposal narrower than its target has unbounded weights
        law = _Student.around(*moments, widening=1.5)
        added = law.at(_sobol_students(log2_points, attempt + 1))
        designs.append(law.log_density)
        value, own = log_likelihood(added), prior.log_density(added)
        z, likelihood, density = (np.concatenate(pair) for pair in ((z, added), (likelihood, value), (density, own)))
        mixture = np.logaddexp.reduce([log_density(z) for log_density in designs]) - np.log(len(designs))
        found, log_weights = _normalized(z, density + likelihood - mixture, local=True)
        if found.effective >= MIN_EFFECTIVE_POINTS:
            moments = tempered_moments(z, log_weights)
        else:
            # still on the way: the newest points are nearest, and the older ones would hold it back
            moments = tempered_moments(added, own + value - law.log_density(added))
    return found


def _normalized(z: Floats, log_weights: Floats, *, local: bool) -> tuple[Weighted, Floats]:
    top = log_weights.max()
    weights = np.exp(log_weights - top)
    evidence = float(top + np.log(weights.mean()))
    return Weighted(z, weights / weights.sum(), evidence, local), log_weights


def _covariance(z: Floats, weights: Floats) -> Floats:
    centered = z - weights @ z
    return np.asarray(centered.T @ (centered * weights[:, None]))


def tempered_moments(z: Floats, log_weights: Floats) -> tuple[Floats, Floats]:
    """Mean and covariance under weights flattened until enough points count."""
    power = 1.0
    logs = log_weights - log_weights.max()
    weights = np.exp(logs)
    while effective_count(weights) < MIN_EFFECTIVE_POINTS:
        power *= 0.8
        weights = np.exp(power * logs)
    weights = weights / weights.sum()
    return weights @ z, _covariance(z, weights) + 1e-6 * np.eye(z.shape[1])


@dataclass(frozen=True, eq=False)
class _Student:
    """Multivariate t with few degrees of freedom."""

    center: Floats
    factor: Floats
    """Cholesky factor of its scale."""

    @classmethod
    def around(cls, mean: Floats, covariance: Floats, *, widening: float) -> "_Student":
        return cls(mean, np.asarray(np.linalg.cholesky(widening * covariance)))

    def at(self, white: Floats) -> Floats:
        """Points that those of the law of mean zero and scale one stand for, dims (point, 5) each."""
        return np.asarray(self.center + white @ self.factor.T)

    def log_density(self, z: Floats) -> Floats:
        dims = self.center.size
        white = np.linalg.solve(self.factor, (z - self.center).T)
        half = 0.5 * (_T_FREEDOM + dims)
        constant = gammaln(half) - gammaln(0.5 * _T_FREEDOM) - 0.5 * dims * np.log(_T_FREEDOM * np.pi)
        constant -= np.log(np.diag(self.factor)).sum()
        return np.asarray(constant - half * np.log1p(np.square(white).sum(axis=0) / _T_FREEDOM))


@cache
def _sobol_students(log2_points: int, seed: int) -> Floats:
    """Sobol points as t variables of mean zero and scale one; the last column of normals drives their mixing."""
    normals = sobol_normals(log2_points, seed)
    mixing = chdtri(_T_FREEDOM, 1.0 - np.clip(ndtr(normals[:, -1]), 1e-12, 1.0 - 1e-12)) / _T_FREEDOM
    return np.asarray(normals[:, :-1] / np.sqrt(mixing)[:, None])
