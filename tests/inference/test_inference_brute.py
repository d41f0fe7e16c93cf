"""The default engine against importance sampling from the prior, written out in NumPy: no kernel, link or design of it.

A million worlds of theta and years are drawn from the prior and weighed by the likelihood of one or two figures. Exact
but for chance, and feasible for so few figures only.
"""

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit, log_ndtr, logit

from qsim.inference.design import ENOUGH_POINTS
from qsim.inference.laplace import draw_series, weigh_theta
from qsim.inference.psis import effective_count
from qsim.inference.series import collect_series
from qsim.model.priors import priors_of

WORLDS = 1_000_000
DRAWS = 40_000
LOG2_POINTS = 15
PROBABILITIES = (0.1, 0.3, 0.5, 0.7, 0.9)


def between(low, high):
    """Likelihood of a level whose year prints between two rates. [%]"""
    a, b = logit(low / 100.0), logit(high / 100.0)
    return lambda level, sigma, _noise: stats.norm.cdf((b - level) / sigma) - stats.norm.cdf((a - level) / sigma)


def at_least(low):
    return lambda level, sigma, _noise: np.exp(log_ndtr((level - logit(low / 100.0)) / sigma))


def passed(k, n):
    return lambda level, sigma, noise: stats.binom.pmf(k, n, expit(level + sigma * noise))


def things(low, high):
    return lambda level, sigma, _noise: (
        stats.norm.cdf((np.log(high) - level) / sigma) - stats.norm.cdf((np.log(low) - level) / sigma)
    )


def none_happened(level, sigma, noise):
    return np.exp(-np.exp(level + sigma * noise))


CASES = {
    "one rate": ([{"year": 2012, "value": "91.3"}], {2012: between(91.25, 91.35)}),
    "37 of 40": (
        [{"year": 2014, "value": "92.5", "numerator": 37, "denominator": 40}],
        {2014: passed(37, 40)},
    ),
    "at least 95 twice": (
        [{"year": year, "value": "95", "qualifier": ">="} for year in (2011, 2013)],
        {2011: at_least(95.0), 2013: at_least(95.0)},
    ),
    "lower is better": (
        [{"indicator": "other_rate", "year": 2013, "value": "8", "qualifier": "<="}],
        {2013: lambda level, sigma, _noise: np.exp(log_ndtr((logit(0.08) - level) / sigma))},
    ),
    "a stock twice": (
        [
            {"indicator": "patents", "year": 2011, "value": "120"},
            {"indicator": "patents", "year": 2014, "value": "205"},
        ],
        {2011: things(119.5, 120.5), 2014: things(204.5, 205.5)},
    ),
    "no accident twice": (
        [{"indicator": "accidents", "year": year, "value": "0"} for year in (2013, 2014)],
        {2013: none_happened, 2014: none_happened},
    ),
}


NEAR = {"a stock twice": 0.5}
"""Sd of the law that first levels are drawn from, around the first figure, where the prior would seldom hit it."""


def brute(data, priors, likelihoods, near, seed):
    """Levels and slopes of the origin, and their weights."""
    rng = np.random.default_rng(seed)
    mean, sd = priors.first_level.mean, priors.first_level.sd
    aim = (mean, sd) if near is None else (data.guess[0], near)
    level = rng.normal(*aim, size=WORLDS)
    weights = np.ones(WORLDS) if near is None else stats.norm.pdf(level, mean, sd) / stats.norm.pdf(level, *aim)
    # theta given the first level: the engines take the first level given theta
    law, slope, at = priors.population.law, priors.population.slope, priors.population.at
    z = rng.multivariate_normal(law.mean, law.covariance, size=WORLDS) + np.outer(data.sign * level - at, slope)
    sigma_level, sigma_slope, rho = np.exp(z[:, 0]), np.exp(z[:, 1]), 1.0 / (1.0 + np.exp(-z[:, 2]))
    sigma, drift = 0.001 + np.exp(z[:, 3]), data.sign * z[:, 4]
    apart = np.minimum(sigma_slope / np.sqrt(1.0 - rho**2), 0.5) * rng.standard_normal(WORLDS)
    for year in range(data.first_year, data.origin + 1):
        if year > data.first_year:
            apart = rho * apart + sigma_slope * rng.standard_normal(WORLDS)
            level = priors.kept * level + drift + apart + sigma_level * rng.standard_normal(WORLDS)
        if year in likelihoods:
            weights = weights * likelihoods[year](level, sigma, rng.standard_normal(WORLDS))
    return level, drift + apart, weights


@pytest.mark.parametrize("name", CASES)
def test_levels_and_slopes_are_those_of_a_million_weighed_worlds(observed, catalogue, name):
    rows, likelihoods = CASES[name]
    (data,) = collect_series(observed(*rows), catalogue, 2014)
    priors = priors_of(data.indicator)
    assert len(priors.theta.components) == 1
    enough = ENOUGH_POINTS * 2.0 ** (LOG2_POINTS - 10)
    weighted = weigh_theta(data, priors.theta, priors.level, log2_points=LOG2_POINTS, enough=enough)
    found = draw_series(data, weighted, priors.level, draws=DRAWS, rng=np.random.default_rng(2))
    level, slope, weights = brute(data, priors, likelihoods, NEAR.get(name), seed=3)
    worlds = effective_count(weights)
    assert worlds >= 1000.0
    effective = 1.0 / (1.0 / worlds + 1.0 / weighted.effective + 1.0 / min(found.draw_effective, DRAWS))
    slopes = data.sign * found.theta[:, 4] + found.slope
    for reference, draws in ((level, found.level[:, -1]), (slope, slopes)):
        order = np.argsort(reference)
        reached = np.cumsum(weights[order]) / weights.sum()
        points = reference[order][np.searchsorted(reached, PROBABILITIES)]
        for probability, point in zip(PROBABILITIES, points, strict=True):
            error = np.sqrt(probability * (1.0 - probability) / effective)
            assert abs((draws <= point).mean() - probability) <= 4.0 * error
