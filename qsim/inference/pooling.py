r"""What the other regions of an indicator say about a region: its level and its theta.

Levels. With figures :math:`y_r \pm v_r^{1/2}` of the other regions on the link scale,

.. math:: y_r \sim N(m, \tau^2 + v_r), \qquad m \sim N(m_0, s_0^2), \qquad \tau \sim N^+(0, \tau_0^2),

and the region's own level is a further draw :math:`N(m, \tau^2)`. Its predictive mean and variance are integrated
over a grid of :math:`\tau`; the law is then taken as normal.

Theta. The members' theta are draws of a normal population whose mean and covariance have a normal-inverse-Wishart
prior around the shipped law :math:`N(m_0, S_0)`. With :math:`\bar z_s, C_s` the moments of each member's posterior
under that population, EM finds

.. math::
    m_p &= \frac{w_m m_0 + \sum_s \lambda \bar z_s}{w_m + \lambda n}, \\
    S_p &= \frac{w_0 S_0 + w_m (m_0 - m_p)(m_0 - m_p)^T + \sum_s \lambda [C_s + (\bar z_s - m_p)(\bar z_s - m_p)^T]}
               {w_0 + \lambda n},

with :math:`\lambda` below 1 because regions share their years' shocks and n regions are not n independent pieces. A
further member of that population has the covariance :math:`S_p (1 + 1 / (w_m + \lambda n))`: what the pool does not
know of its own mean goes into every forecast. A series is left out of its own pool. The three numbers were chosen by
the CRPS of the last three and five years of the panel's histories, never on what came after them.

Source: Gelman et al. (2013), Bayesian data analysis, ch. 3.6 and 5.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from qsim.inference.design import sobol_normals
from qsim.inference.laplace import log_evidence
from qsim.model.priors import LevelPrior, LinkPriors, NormalLaw, ThetaPrior, priors_of
from qsim.model.series import SeriesData

Floats = NDArray[np.float64]

COVARIANCE_SERIES: Final = 20.0
"""Weight w_0 of the shipped law in the covariance of a pool's population. [series]"""

MEAN_SERIES: Final = 3.0
"""Weight w_m of the shipped law in the mean of a pool's population. [series]"""

TEMPER: Final = 0.5
"""Share of a series' evidence that counts. [1]"""

MIN_FIGURES: Final = 3
"""Fewest figures of a series that say anything about theta."""

_LOG2_POINTS: Final = 10
_ROUNDS: Final = 15
_WIDE: Final = 4.0
"""Covariance of the design's widest part over the prior's: lets a pool lie outside of what was seen before. [1]"""


@dataclass(frozen=True, eq=False)
class PoolFit:
    """Evidence of every member of a pool at one common design of theta."""

    labels: tuple[str, ...]
    z: Floats
    """Unconstrained points, dims (point, 5)."""
    log_proposal: Floats
    """Log density the points were drawn from, dims (point)."""
    log_evidence: Floats
    """dims (member, point)."""
    prior: ThetaPrior
    """Shipped mixture."""


def fit_pool(members: Sequence[SeriesData]) -> PoolFit:
    """Weigh one design of theta for every member, at least one, that has enough figures.

    All members are of one indicator. The points come from its shipped mixture and a wider law around it, and do not
    depend on the members.
    """
    priors = priors_of(members[0].indicator)
    prior = priors.theta
    wide = NormalLaw(prior.mean, _WIDE * prior.covariance)
    weights = np.append(0.8 * prior.weights, 0.2)
    proposal = ThetaPrior((*prior.components, wide), weights)
    z = proposal.at(sobol_normals(_LOG2_POINTS, seed=0))
    able = [member for member in members if member.year.size >= MIN_FIGURES]
    rows = [log_evidence(member, priors.level, z) for member in able]
    values = np.array(rows) if rows else np.empty((0, len(z)))
    return PoolFit(tuple(member.label for member in able), z, proposal.log_density(z), values, prior)


def pooled_theta(pool: PoolFit, own: str, *, leave_out: str | None = None) -> ThetaPrior:
    """Prior of theta for the series with label ``own`` given the other members.

    ``leave_out`` names an indicator that the shipped prior must not have learned from.
    """
    prior = pool.prior.without(leave_out)
    rows = pool.log_evidence[[label != own for label in pool.labels]]
    if not len(rows):
        return prior
    count = TEMPER * len(rows)
    found = population(
        pool.z, pool.log_proposal, rows, prior, mean_weight=MEAN_SERIES, covariance_weight=COVARIANCE_SERIES
    )
    return ThetaPrior.normal(found.mean, found.covariance * (1.0 + 1.0 / (MEAN_SERIES + count)))


def population(
    z: Floats,
    log_proposal: Floats,
    log_evidence: Floats,
    around: ThetaPrior,
    *,
    mean_weight: float,
    covariance_weight: float,
    temper: float = TEMPER,
) -> NormalLaw:
    """Normal population of the theta of several series by EM (see the module).

    A finite design misses the moments of the law itself by a little, and EM would add that up round by round: the same
    miss, seen on a member that says nothing, is taken off.

    Parameters
    ----------
    z : array, dims (point, 5)
        Unconstrained points drawn from a law of log density ``log_proposal``, dims (point).
    log_evidence : array, dims (series, point)
    mean_weight, covariance_weight : float
        Weights of ``around``. [series]
    """
    mean0, covariance0 = around.mean, around.covariance
    law = NormalLaw(mean0, covariance0)
    count = temper * len(log_evidence)
    for _ in range(_ROUNDS):
        logs = np.vstack([log_evidence, np.zeros(len(z))]) + (law.log_density(z) - log_proposal)
        weights = np.exp(logs - logsumexp(logs, axis=1, keepdims=True))
        silent, told = weights[-1], temper * weights[:-1].sum(axis=0)
        mean = (mean_weight * mean0 + told @ z + count * (law.mean - silent @ z)) / (mean_weight + count)
        miss = law.covariance - _scatter(z - law.mean, silent)
        shift = mean0 - mean
        scatter = mean_weight * np.outer(shift, shift) + _scatter(z - mean, told) + count * miss
        found = (covariance_weight * covariance0 + scatter) / (covariance_weight + count)
        law = NormalLaw(mean, _positive(found, covariance0))
    return law


def _scatter(apart: Floats, weights: Floats) -> Floats:
    return np.asarray(apart.T @ (apart * weights[:, None]))


def _positive(covariance: Floats, scale: Floats) -> Floats:
    """Covariance with no direction below a hundredth of the prior's variance: less cannot be told from a few series."""
    root = np.linalg.cholesky(scale)
    white = np.linalg.solve(root, np.linalg.solve(root, covariance).T)
    values, vectors = np.linalg.eigh(0.5 * (white + white.T))
    kept = root @ vectors
    return np.asarray((kept * np.maximum(values, 0.01)) @ kept.T)


def pooled_level(own: SeriesData, peers: Sequence[SeriesData], priors: LinkPriors) -> LevelPrior:
    """Law of the first level of ``own`` given other regions' figures nearest to that year.

    Without peers it is the shipped law.
    """
    nearest = [int(np.argmin(np.abs(peer.year - own.first_year))) for peer in peers]
    values = np.array([peer.guess[at] for peer, at in zip(peers, nearest, strict=True)])
    gaps = np.array([abs(int(peer.year[at]) - own.first_year) for peer, at in zip(peers, nearest, strict=True)])
    noise = np.exp(2.0 * priors.theta.mean[3])
    variances = np.array([peer.guess_variance[at] for peer, at in zip(peers, nearest, strict=True)])
    variances = variances + noise + gaps * priors.gap_sd**2
    between = priors.region_sd * np.linspace(0.01, 4.0, 200)
    precision = 1.0 / (between[:, None] ** 2 + variances[None, :]) if len(peers) else np.zeros((200, 0))
    total = precision.sum(axis=1) + priors.level.sd**-2
    mean = ((precision * values).sum(axis=1) + priors.level.mean * priors.level.sd**-2) / total
    # log marginal likelihood of tau: product of the y's normals with m integrated out
    log_weight = -0.5 * (between / priors.region_sd) ** 2 - 0.5 * np.log(total)
    log_weight += 0.5 * (np.log(precision).sum(axis=1) - (precision * values**2).sum(axis=1) + total * mean**2)
    weight = np.exp(log_weight - log_weight.max())
    weight /= weight.sum()
    center = float(weight @ mean)
    variance = float(weight @ (1.0 / total + between**2 + (mean - center) ** 2))
    return LevelPrior(center, float(np.sqrt(variance))) if len(peers) else priors.level
