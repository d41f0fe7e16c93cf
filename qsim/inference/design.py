"""Quasi-random designs of theta: a global one from the prior, a local one where the likelihood is sharp.

The local design is adaptive importance sampling: a Student t around the weighted points, weights prior x likelihood /
proposal. Where few points carry the weight, the moments come from tempered weights first.

Source: Sobol (1967); Cappé, Douc, Guillin, Marin & Robert (2008), doi:10.1007/s11222-008-9059-x.
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
    enough: float = MIN_EFFECTIVE_POINTS,
) -> Weighted:
    """Posterior of theta on a global design, refined locally until enough points carry it.

    Parameters
    ----------
    log_likelihood : callable
        Takes unconstrained points, dims (point, 5), to log evidences, dims (point).
    log2_points : int
        Base-two logarithm of the number of points a design.
    enough : float
        Effective points below which the global design is too coarse; local ones are renewed up to three times that. [1]
    """
    z = prior.at(sobol_normals(log2_points, seed=0))
    best = _normalized(z, log_likelihood(z), local=False)
    log_weights = np.log(np.maximum(best.weights, 1e-300))
    for attempt in range(_ROUNDS):
        if best.effective >= enough * (1 if attempt == 0 else 3):
            break
        center, spread = _tempered_moments(z, log_weights)
        # wider than the moments say: a proposal narrower than its target has unbounded weights
        z, log_proposal = _student_points(center, 1.5 * spread, sobol_normals(log2_points, attempt + 1))
        log_weights = prior.log_density(z) + log_likelihood(z) - log_proposal
        found = _normalized(z, log_weights, local=True)
        if found.effective > best.effective or not best.local:
            best = found
    return best


def _normalized(z: Floats, log_weights: Floats, *, local: bool) -> Weighted:
    top = log_weights.max()
    weights = np.exp(log_weights - top)
    return Weighted(z, weights / weights.sum(), float(top + np.log(weights.mean())), local)


def _covariance(z: Floats, weights: Floats) -> Floats:
    centered = z - weights @ z
    return np.asarray(centered.T @ (centered * weights[:, None]))


def _tempered_moments(z: Floats, log_weights: Floats) -> tuple[Floats, Floats]:
    """Mean and covariance under weights flattened until enough points count."""
    power = 1.0
    logs = log_weights - log_weights.max()
    weights = np.exp(logs)
    while effective_count(weights) < MIN_EFFECTIVE_POINTS:
        power *= 0.8
        weights = np.exp(power * logs)
    weights = weights / weights.sum()
    return weights @ z, _covariance(z, weights) + 1e-6 * np.eye(z.shape[1])


def _student_points(center: Floats, scale: Floats, normals: Floats) -> tuple[Floats, Floats]:
    """Points of a multivariate t and their log density; the last column of ``normals`` drives the mixing variable."""
    dims = center.size
    factor = np.linalg.cholesky(scale)
    mixing = _chi_square_quantile(normals[:, -1]) / _T_FREEDOM
    white = normals[:, :dims] / np.sqrt(mixing)[:, None]
    half = 0.5 * (_T_FREEDOM + dims)
    constant = gammaln(half) - gammaln(0.5 * _T_FREEDOM) - 0.5 * dims * np.log(_T_FREEDOM * np.pi)
    log_density = constant - np.log(np.diag(factor)).sum() - half * np.log1p(np.square(white).sum(axis=1) / _T_FREEDOM)
    return center + white @ factor.T, log_density


def _chi_square_quantile(normals: Floats) -> Floats:
    return np.asarray(chdtri(_T_FREEDOM, 1.0 - np.clip(ndtr(normals), 1e-12, 1.0 - 1e-12)))
