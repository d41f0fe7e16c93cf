r"""What the other regions of an indicator say about a region: its level and its theta.

Levels. With figures :math:`y_r \pm v_r^{1/2}` of the other regions on the link scale,

.. math:: y_r \sim N(m, \tau^2 + v_r), \qquad m \sim N(m_0, s_0^2), \qquad \tau \sim N^+(0, \tau_0^2),

and the region's own level is a further draw :math:`N(m, \tau^2)`. Its predictive mean and variance are integrated
over a grid of :math:`\tau`; the law is then taken as normal.

Theta. The members' theta are draws of a normal population :math:`N(m_p + b x_r, S_p)`, with :math:`x_r` their first
level (:mod:`qsim.model.priors`), for which the first figure stands, and :math:`b` the shipped slopes. Its mean and
covariance have a normal-inverse-Wishart prior that comes from the shipped law :math:`N(m_0, S_0)`. That is the law of a
region of an indicator nobody knows, whose spread is that between indicators and that within one, :math:`S_w`, together.
A prior mean of the weight of :math:`w_m` series has the covariance :math:`S_w / w_m`, so that

.. math:: S_0 = S_w + S_w / w_m, \qquad S_w = \frac{w_m}{1 + w_m} S_0.

With :math:`\bar z, \bar C` the mean of the n members' posterior means of :math:`z_r - b x_r` under that population, and
of the second moments of their posteriors about :math:`m_p`, EM finds

.. math::
    m_p = \frac{w_m m_0 + n_e \bar z}{w_m + n_e}, \qquad
    S_p = \frac{w_0 S_w + w_m (m_0 - m_p)(m_0 - m_p)^T + \lambda n \bar C}{w_0 + \lambda n}, \qquad
    n_e = \frac{n}{1 + (n - 1) c}.

:math:`c` is the share of a year's shock that regions of one indicator have in common (``shares.yaml``): where all of
them rose, that may have been the years and not the indicator, so that 150 regions say as much about the mean as a dozen
independent ones (the design effect of Kish 1965). The spread between regions suffers less, :math:`\lambda = 1/2`. A
further member has the covariance

.. math:: S_p \Big(1 + \frac{1}{w_m + s\, n_e}\Big), \qquad
    s = 1 - \frac{1}{5 n} \sum_r \mathrm{tr}(S_p^{-1} V_r),

with :math:`V_r` the members' posterior covariances: what the pool does not know of its own mean goes into every
forecast. Three figures tell a share s of a theta only (the observed part of the information, Orchard & Woodbury 1972);
members that say nothing leave the shipped law. With the law of its first level this gives the region's own joint prior
(:meth:`~qsim.model.priors.Population.joint`). A series is left out of its own pool. The weights were chosen by the CRPS
of the last three and five years of the panel's histories, never on what came after them.

Source: Gelman et al. (2013), Bayesian data analysis, ch. 3.6 and 5; Kish (1965), Survey sampling, ch. 5; Orchard &
Woodbury (1972), A missing information principle.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from qsim.inference.design import sobol_normals
from qsim.inference.laplace import log_evidence
from qsim.model.priors import LevelPrior, LinkPriors, NormalLaw, Population, ThetaPrior, priors_of
from qsim.model.series import SeriesData
from qsim.model.shares import default_shares

Floats = NDArray[np.float64]

COVARIANCE_SERIES: Final = 20.0
"""Weight w_0 of the shipped law in the covariance of a pool's population. [series]"""

MEAN_SERIES: Final = 1.0
"""Weight w_m of the shipped law in the mean of a pool's population: spread within indicators over that between them.
[series]"""

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
    begun: Floats
    """First figures as :func:`begun_at` has them, dims (member). [link scale]"""
    priors: LinkPriors
    """Shipped ones."""


def fit_pool(members: Sequence[SeriesData]) -> PoolFit:
    """Weigh one design of theta for every member, at least one, that has enough figures.

    All members are of one indicator. The points come from its shipped law of theta and a wider one around it, and do
    not depend on the members. Evidence is taken with theta and first level independent: the figures say where a member
    begins, so that its prior can then be that of its first figure.
    """
    priors = priors_of(members[0].indicator)
    prior = priors.theta
    wide = NormalLaw(prior.mean, _WIDE * prior.covariance)
    weights = np.append(0.8 * prior.weights, 0.2)
    proposal = ThetaPrior((*prior.components, wide), weights)
    z = proposal.at(sobol_normals(_LOG2_POINTS, seed=0))
    able = [member for member in members if member.year.size >= MIN_FIGURES]
    rows = [log_evidence(member, priors.first_level, z) for member in able]
    return PoolFit(
        labels=tuple(member.label for member in able),
        z=z,
        log_proposal=proposal.log_density(z),
        log_evidence=np.array(rows) if rows else np.empty((0, len(z))),
        begun=np.array([begun_at(member, priors.population) for member in able]),
        priors=priors,
    )


def begun_at(data: SeriesData, around: Population) -> float:
    """How far the first figure of a series lies towards the better side of where a population stands. [link scale]"""
    return float(around.toward(data.guess[np.argmin(data.year)], data.sign))


def pooled_theta(pool: PoolFit, own: str, *, leave_out: str | None = None) -> Population:
    """Law of theta for the series with label ``own`` given the other members.

    ``leave_out`` names an indicator that the shipped prior must not have learned from.
    """
    around = pool.priors.without(leave_out).population
    others = np.array([label != own for label in pool.labels], dtype=np.bool_)
    count = int(others.sum())
    if not count:
        return around
    independent = independent_regions(count)
    within = NormalLaw(around.law.mean, around.law.covariance * MEAN_SERIES / (1.0 + MEAN_SERIES))
    told = (pool.z, pool.log_proposal, pool.log_evidence[others], pool.begun[others])
    found = population(
        *told,
        replace(around, law=within),
        weights=(MEAN_SERIES, COVARIANCE_SERIES),
        counts=(independent, TEMPER * count),
    )
    unsure = 1.0 + 1.0 / (MEAN_SERIES + share_told(*told, found) * independent)
    return replace(found, law=NormalLaw(found.law.mean, found.law.covariance * unsure))


def independent_regions(regions: int) -> float:
    """How many regions without shocks in common say as much about the mean of a pool. [regions]"""
    return regions / (1.0 + (regions - 1.0) * default_shares().indicator)


def population(
    z: Floats,
    log_proposal: Floats,
    log_evidence: Floats,
    begun: Floats,
    around: Population,
    *,
    weights: tuple[float, float],
    counts: tuple[float, float],
    slopes: Callable[[Floats], Floats] | None = None,
) -> Population:
    """Normal population of the theta of several series by EM (see the module).

    A finite design misses the moments of the law itself by a little, and EM would add that up round by round: the same
    miss, seen on members that say nothing, is taken off.

    Parameters
    ----------
    z : array, dims (point, 5)
        Unconstrained points drawn from a law of log density ``log_proposal``, dims (point).
    log_evidence : array, dims (series, point)
    begun : array, dims (series)
        First figures as :func:`begun_at` has them. [link scale]
    weights, counts : (float, float)
        Of ``around`` and of all series together, for the mean and for the covariance. [series]
    slopes : callable, optional
        Gives the slopes of a round from the posterior means of z, dims (series, 5); those of ``around`` stay without.
    """
    mean0, covariance0 = around.law.mean, around.law.covariance
    law, slope = around.law, around.slope
    moved = np.outer(begun, slope)
    for _ in range(_ROUNDS):
        told = _shares(z, log_evidence - log_proposal, law, moved)
        silent = _shares(z, -log_proposal[None], law, moved if slope.any() else moved[:1])
        means = told @ z - silent @ z + law.mean + moved
        miss = law.covariance - _moments(z - law.mean, silent, moved[: len(silent)])
        if slopes is not None:
            slope = slopes(means)
            moved = np.outer(begun, slope)
        mean = (weights[0] * mean0 + counts[0] * (means - moved).mean(axis=0)) / (weights[0] + counts[0])
        shift = mean0 - mean
        scatter = weights[0] * np.outer(shift, shift) + counts[1] * (_moments(z - mean, told, moved) + miss)
        found = (weights[1] * covariance0 + scatter) / (weights[1] + counts[1])
        law = NormalLaw(mean, _positive(found, covariance0))
    return replace(around, law=law, slope=slope)


def share_told(z: Floats, log_proposal: Floats, log_evidence: Floats, begun: Floats, found: Population) -> float:
    """Share of the variance of theta in a population that its members' figures take away, on average, 0 to 1.

    Arguments as for :func:`population`. Both variances are taken on the design, whose own moments are a little off.
    """
    moved = np.outer(begun, found.slope)
    white = np.linalg.solve(np.linalg.cholesky(found.law.covariance), (z - found.law.mean).T).T

    def spread(log_weights: Floats) -> Floats:
        weights = _shares(z, log_weights, found.law, moved)
        return np.asarray((weights @ np.square(white) - np.square(weights @ white)).sum(axis=1))

    left = spread(log_evidence - log_proposal) / spread(-log_proposal[None])
    return float(np.clip(1.0 - left.mean(), 0.0, 1.0))


def _shares(z: Floats, log_weights: Floats, law: NormalLaw, moved: Floats) -> Floats:
    """Posterior weights of the points under the law with its mean moved for each series, dims (series, point)."""
    root = np.linalg.cholesky(law.covariance)
    white, centers = np.linalg.solve(root, (z - law.mean).T).T, np.linalg.solve(root, moved.T).T
    logs = log_weights + centers @ white.T - 0.5 * np.square(white).sum(axis=1)
    return np.asarray(np.exp(logs - logsumexp(logs, axis=1, keepdims=True)))


def _moments(apart: Floats, weights: Floats, moved: Floats) -> Floats:
    """Second moments of apart - moved, mean over the series of weights, dims (series, point)."""
    crossed = (weights @ apart).T @ moved / len(moved)
    whole = apart.T @ (apart * weights.mean(axis=0)[:, None])
    return np.asarray(whole - crossed - crossed.T + moved.T @ moved / len(moved))


def _positive(covariance: Floats, scale: Floats) -> Floats:
    """Covariance with no direction below a hundredth of the prior's variance: less cannot be told from a few series."""
    root = np.linalg.cholesky(scale)
    white = np.linalg.solve(root, np.linalg.solve(root, covariance).T)
    values, vectors = np.linalg.eigh(0.5 * (white + white.T))
    kept = root @ vectors
    return np.asarray((kept * np.maximum(values, 0.01)) @ kept.T)


def pooled_level(own: SeriesData, peers: Sequence[SeriesData], priors: LinkPriors) -> LevelPrior:
    """Law of the first level of ``own``, whatever its theta, given other regions' figures nearest to that year.

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
    shipped = priors.first_level
    total = precision.sum(axis=1) + shipped.sd**-2
    mean = ((precision * values).sum(axis=1) + shipped.mean * shipped.sd**-2) / total
    # log marginal likelihood of tau: product of the y's normals with m integrated out
    log_weight = -0.5 * (between / priors.region_sd) ** 2 - 0.5 * np.log(total)
    log_weight += 0.5 * (np.log(precision).sum(axis=1) - (precision * values**2).sum(axis=1) + total * mean**2)
    weight = np.exp(log_weight - log_weight.max())
    weight /= weight.sum()
    center = float(weight @ mean)
    variance = float(weight @ (1.0 / total + between**2 + (mean - center) ** 2))
    return LevelPrior(center, float(np.sqrt(variance))) if len(peers) else shipped
