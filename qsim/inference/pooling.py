r"""What the other regions of an indicator say about a region: its level and its theta.

Levels. With figures :math:`y_r \pm v_r^{1/2}` of the other regions on the link scale,

.. math:: y_r \sim N(m, \tau^2 + v_r), \qquad m \sim N(m_0, s_0^2), \qquad \tau \sim N^+(0, \tau_0^2),

and the region's own level is a further draw :math:`N(m, \tau^2)`. Its predictive mean and variance are integrated
over a grid of :math:`\tau`; the law is then taken as normal.

Theta. The members' theta are draws of a normal population whose mean and covariance have a normal-inverse-Wishart
prior around the shipped law :math:`N(m_0, S_0)`. With :math:`\bar z, \bar C` the mean of the n members' posterior means
under that population, and of the second moments of their posteriors about :math:`m_p`, EM finds

.. math::
    m_p = \frac{w_m m_0 + n_e \bar z}{w_m + n_e}, \qquad
    S_p = \frac{w_0 S_0 + w_m (m_0 - m_p)(m_0 - m_p)^T + \lambda n \bar C}{w_0 + \lambda n}, \qquad
    n_e = \frac{n}{1 + (n - 1) c}.

:math:`c` is the share of a year's shock that regions of one indicator have in common (``shares.yaml``): where all of
them rose, that may have been the years and not the indicator, so that 150 regions say as much about the mean as a dozen
independent ones (the design effect of Kish 1965). The spread between regions suffers less, :math:`\lambda = 1/2`. A
further member has the covariance :math:`S_p (1 + 1 / (w_m + n_e))`: what the pool does not know of its own mean goes
into every forecast. A series is left out of its own pool. The weights were chosen by the CRPS of the last three and
five years of the panel's histories, never on what came after them.

Source: Gelman et al. (2013), Bayesian data analysis, ch. 3.6 and 5; Kish (1965), Survey sampling, ch. 5.
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
from qsim.model.shares import default_shares

Floats = NDArray[np.float64]

COVARIANCE_SERIES: Final = 20.0
"""Weight w_0 of the shipped law in the covariance of a pool's population. [series]"""

MEAN_SERIES: Final = 1.0
"""Weight w_m of the shipped law in the mean of a pool's population. [series]"""

TEMPER: Final = 0.5
"""Share lambda of a series that counts for the covariance. [1]"""

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
    independent = independent_regions(len(rows))
    found = population(
        pool.z,
        pool.log_proposal,
        rows,
        prior,
        weights=(MEAN_SERIES, COVARIANCE_SERIES),
        counts=(independent, TEMPER * len(rows)),
    )
    return ThetaPrior.normal(found.mean, found.covariance * (1.0 + 1.0 / (MEAN_SERIES + independent)))


def independent_regions(regions: int) -> float:
    """How many regions without shocks in common say as much about the mean of a pool. [regions]"""
    return regions / (1.0 + (regions - 1.0) * default_shares().indicator)


def population(
    z: Floats,
    log_proposal: Floats,
    log_evidence: Floats,
    around: ThetaPrior,
    *,
    weights: tuple[float, float],
    counts: tuple[float, float],
) -> NormalLaw:
    """Normal population of the theta of several series by EM (see the module).

    A finite design misses the moments of the law itself by a little, and EM would add that up round by round: the same
    miss, seen on a member that says nothing, is taken off.

    Parameters
    ----------
    z : array, dims (point, 5)
        Unconstrained points drawn from a law of log density ``log_proposal``, dims (point).
    log_evidence : array, dims (series, point)
    weights, counts : (float, float)
        Of ``around`` and of all series together, for the mean and for the covariance. [series]
    """
    mean0, covariance0 = around.mean, around.covariance
    law = NormalLaw(mean0, covariance0)
    for _ in range(_ROUNDS):
        logs = np.vstack([log_evidence, np.zeros(len(z))]) + (law.log_density(z) - log_proposal)
        of_point = np.exp(logs - logsumexp(logs, axis=1, keepdims=True))
        silent, told = of_point[-1], of_point[:-1].mean(axis=0)
        center = told @ z + law.mean - silent @ z
        mean = (weights[0] * mean0 + counts[0] * center) / (weights[0] + counts[0])
        miss = law.covariance - _scatter(z - law.mean, silent)
        shift = mean0 - mean
        scatter = weights[0] * np.outer(shift, shift) + counts[1] * (_scatter(z - mean, told) + miss)
        found = (weights[1] * covariance0 + scatter) / (weights[1] + counts[1])
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
