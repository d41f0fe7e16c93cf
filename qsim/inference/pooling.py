r"""What the other regions of an indicator say about a region: its level and its theta.

Levels. With figures :math:`y_r \pm v_r^{1/2}` of the other regions on the link scale,

.. math:: y_r \sim N(m, \tau^2 + v_r), \qquad m \sim N(m_0, s_0^2), \qquad \tau \sim N^+(0, \tau_0^2),

and the region's own level is a further draw :math:`N(m, \tau^2)`. Its predictive mean and variance are integrated
over a grid of :math:`\tau`; the law is then taken as normal.

Theta. The pool's prior is again a mixture. First, the shipped components are weighed anew by how well they foretell
the pool, tempered because regions share their years' shocks and r regions are not r independent pieces:

.. math:: w_c \propto w_c^0 \prod_s \Big[\int L_s(z) N(z; m_c, S_c) dz\Big]^{\lambda_c}.

Second, a component of the pool's own is added: the posterior mode of a normal population under a
normal-inverse-Wishart prior around the moments of that mixture, found by EM with :math:`\bar z_s, C_s` the moments of
each series' posterior,

.. math::
    m_p = \frac{w_0 m_0 + \sum_s \lambda \bar z_s}{w_0 + \lambda n}, \qquad
    S_p = \frac{w_0 [S_0 + (m_0 - m_p)(m_0 - m_p)^T] + \sum_s \lambda [C_s + (\bar z_s - m_p)(\bar z_s - m_p)^T]}
               {w_0 + \lambda n},

with weight :math:`\lambda n / (\lambda n + 60)` beside the shipped ones. A series is left out of its own pool. The four
numbers were chosen by the CRPS of the last three years of histories, never on what came after them.

Source: Gelman et al. (2013), Bayesian data analysis, ch. 3 and 5; Yao, Vehtari, Simpson & Gelman (2018),
doi:10.1214/17-BA1091 (weights of models by evidence).
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

PRIOR_SERIES: Final = 60.0
"""Weight of the shipped components beside the pool's own: with less, pools of few series overfit. [series]"""

POPULATION_SERIES: Final = 10.0
"""Weight of the prior within the pool's own component. [series]"""

TEMPER: Final = 0.5
"""Share of a series' evidence that counts for the pool's own component. [1]"""

COMPONENT_TEMPER: Final = 0.05
"""Share of a series' evidence that counts for the weights of the shipped components. [1]"""

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

    ``leave_out`` names an indicator whose learned component of the shipped prior is not used.
    """
    prior = pool.prior.without(leave_out)
    rows = pool.log_evidence[[label != own for label in pool.labels]]
    if not len(rows):
        return prior
    # evidence of each member under each shipped component, by importance sampling on the common design
    shifted = prior.component_log_densities(pool.z) - pool.log_proposal
    evidence = np.array([logsumexp(rows + shift, axis=1) for shift in shifted])
    log_weights = np.log(prior.weights) + COMPONENT_TEMPER * evidence.sum(axis=1)
    weights = np.exp(log_weights - logsumexp(log_weights))
    reweighed = ThetaPrior(prior.components, weights)
    count = TEMPER * len(rows)
    mixed = np.append(weights * PRIOR_SERIES, count) / (PRIOR_SERIES + count)
    return ThetaPrior((*prior.components, _population(pool, rows, reweighed)), mixed)


def _population(pool: PoolFit, rows: Floats, around: ThetaPrior) -> NormalLaw:
    """Normal population of the members' theta by EM (see the module).

    A finite design misses the moments of the law itself by a little, and EM would add that up round by round: the same
    miss, seen on a member that says nothing, is taken off.
    """
    mean0, covariance0 = around.mean, around.covariance
    law = NormalLaw(mean0, covariance0, "pool")
    count = TEMPER * len(rows)
    total = POPULATION_SERIES + count
    for _ in range(_ROUNDS):
        logs = np.vstack([rows, np.zeros(len(pool.z))]) + (law.log_density(pool.z) - pool.log_proposal)
        weights = np.exp(logs - logsumexp(logs, axis=1, keepdims=True))
        silent, told = weights[-1], TEMPER * weights[:-1].sum(axis=0)
        mean = (POPULATION_SERIES * mean0 + told @ pool.z + count * (law.mean - silent @ pool.z)) / total
        miss = law.covariance - _scatter(pool.z - law.mean, silent)
        scatter = _scatter(pool.z - mean, told) + count * miss
        shift = mean0 - mean
        found = (POPULATION_SERIES * (covariance0 + np.outer(shift, shift)) + scatter) / total
        law = NormalLaw(mean, _positive(found, covariance0), "pool")
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
