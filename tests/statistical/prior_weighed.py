"""Slow exact references: levels drawn from the prior and weighed by a likelihood written out by hand."""

import numpy as np
from scipy import special, stats

from qsim.inference.psis import effective_count
from qsim.model.links import Link
from qsim.model.priors import LevelPrior
from qsim.model.trend import level_covariance, level_mean

THETA = np.array([0.25, 0.1, 0.6, 0.15, 0.04])
PRIOR = LevelPrior(1.5, 0.8)
ANYWHERE = np.zeros((1, 5))
"""Point of z, where the first level does not depend on it."""
DRAWS = 20_000
LINKS = {"logit": Link("logit", 100.0), "log": Link("log", 1.0), "identity": Link("identity", 10.0)}


class Prior:
    """Draws of levels, year noises and offsets from the prior."""

    def __init__(self, data, *, count=400_000, theta=THETA, prior=PRIOR, seed=7):
        rng = np.random.default_rng(seed)
        cov = level_covariance(theta, data.kept, data.years, prior.sd**2)
        mean = level_mean(prior.mean, data.sign * theta[4], data.kept, data.years)
        self.level = rng.multivariate_normal(mean, cov, size=count)
        self.eta = self.level + theta[3] * rng.standard_normal((count, data.years))
        self.offset = np.array([one.mean for one in data.offsets]) + np.array(
            [one.sd for one in data.offsets]
        ) * rng.standard_normal((count, len(data.offsets)))
        self.normal = rng.standard_normal


def inside(latent, lower, upper, sd):
    return np.log(np.maximum(special.ndtr((upper - latent) / sd) - special.ndtr((lower - latent) / sd), 1e-300))


def binomial(eta, k, n, limit=1.0):
    return stats.binom.logpmf(k, n, limit * special.expit(eta))


def check(level, offset, weights, corrected, error, prior, log_likelihood):
    """Evidence, means and five probabilities of every level and offset within four standard errors of both sides."""
    reference = np.exp(log_likelihood - log_likelihood.max())
    spread = reference.std() / reference.mean() / np.sqrt(reference.size)
    exact = np.log(reference.mean()) + log_likelihood.max()
    assert abs(corrected - exact) <= 4.0 * np.hypot(spread, error)
    reference /= reference.sum()
    both = 1.0 / effective_count(weights) + 1.0 / effective_count(reference)
    assert effective_count(weights) >= 1000.0
    for found, true in zip(np.hstack([level, offset]).T, np.hstack([prior.level, prior.offset]).T, strict=True):
        mean = reference @ true
        sd = np.sqrt(reference @ (true - mean) ** 2)
        assert abs(weights @ found - mean) <= 4.0 * sd * np.sqrt(both)
        for point in mean + sd * np.array([-1.3, -0.5, 0.0, 0.5, 1.3]):
            p = reference @ (true <= point)
            assert abs(weights @ (found <= point) - p) <= 4.0 * np.sqrt(p * (1.0 - p) * both)
