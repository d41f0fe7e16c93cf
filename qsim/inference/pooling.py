r"""What the other regions of an indicator say about a region: its level and its theta.

Levels. With figures :math:`y_r \pm v_r^{1/2}` of the other regions on the link scale,

.. math:: y_r \sim N(m, \tau^2 + v_r), \qquad m \sim N(m_0, s_0^2), \qquad \tau \sim N^+(0, \tau_0^2),

and the region's own level is a further draw :math:`N(m, \tau^2)`. Its predictive mean and variance are integrated
over a grid of :math:`\tau`; the law is then taken as normal.

Theta. Each series' posterior of z has a mean and a covariance; the pool's prior is the posterior mode of a normal
population under a normal-inverse-Wishart prior around the shipped one that weighs :data:`PRIOR_SERIES` series:

.. math::
    m_p = \frac{w_0 m_0 + \sum_s \lambda \bar z_s}{w_0 + \lambda n}, \qquad
    S_p = \frac{w_0 [S_0 + (m_0 - m_p)(m_0 - m_p)^T] + \sum_s \lambda [C_s + (\bar z_s - m_p)(\bar z_s - m_p)^T]}
               {w_0 + \lambda n}.

A series is left out of its own pool. :math:`\lambda` tempers the evidence: regions share their years' shocks, so r
regions are not r independent pieces.

Source: Gelman et al. (2013), Bayesian data analysis, ch. 3 and 5.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from qsim.model.priors import LevelPrior, LinkPriors, ThetaPrior
from qsim.model.series import SeriesData

Floats = NDArray[np.float64]

PRIOR_SERIES: Final = 60.0
"""Weight of the shipped prior in a pool: with less, pools of few series overfit. [series]"""

TEMPER: Final = 0.5
"""Share of a series' evidence that counts: the shocks of a year are common to regions. [1]"""

MIN_FIGURES: Final = 3
"""Fewest figures of a series that say anything about theta."""


@dataclass(frozen=True, eq=False)
class ThetaMoments:
    """Posterior mean and covariance of z for one series."""

    mean: Floats
    covariance: Floats


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


def pooled_theta(peers: Sequence[ThetaMoments], prior: ThetaPrior) -> ThetaPrior:
    """Prior of theta for one series given the posteriors of the others of its pool."""
    if not peers:
        return prior
    total = PRIOR_SERIES + TEMPER * len(peers)
    means = np.array([peer.mean for peer in peers])
    mean = (PRIOR_SERIES * prior.mean + TEMPER * means.sum(axis=0)) / total
    shift = prior.mean - mean
    scatter = PRIOR_SERIES * (prior.covariance + np.outer(shift, shift))
    for peer in peers:
        shift = peer.mean - mean
        scatter = scatter + TEMPER * (peer.covariance + np.outer(shift, shift))
    return ThetaPrior(mean, scatter / total)
