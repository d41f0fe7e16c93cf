"""Kernels of plain series against importance sampling from the prior: natural limits, and every family."""

from dataclasses import replace

import numpy as np
import pytest
from prior_weighed import ANYWHERE, DRAWS, LINKS, PRIOR, THETA, Prior, binomial, check, inside
from scipy import special, stats

from qsim.inference import kernels
from qsim.inference.laplace import _problem
from qsim.inference.psis import PARETO_K_LIMIT, smooth
from qsim.model.likelihood import BINOMIAL, BINOMIAL_RANGE, INTERVAL, POISSON
from qsim.model.links import Link
from qsim.model.priors import LevelPrior

NAN, INF = np.nan, np.inf
LOGIT = special.logit

LIMITED = {
    "counts": ([(0, BINOMIAL, 33, 33, 40), (2, BINOMIAL, 35, 35, 40)], lambda eta: binomial(eta, 35, 40, 0.95)),
    "a printed rate": (
        [(0, BINOMIAL, 33, 33, 40), (2, BINOMIAL_RANGE, 36, 37, 40)],
        lambda eta: np.logaddexp(binomial(eta, 36, 40, 0.95), binomial(eta, 37, 40, 0.95)),
    ),
    "all": ([(0, BINOMIAL, 33, 33, 40), (2, BINOMIAL, 40, 40, 40)], lambda eta: binomial(eta, 40, 40, 0.95)),
    "none": ([(0, BINOMIAL, 33, 33, 40), (2, BINOMIAL, 0, 0, 40)], lambda eta: binomial(eta, 0, 40, 0.95)),
}


def plain_draw(data, prior=PRIOR):
    """As :func:`draw` with the kernels of plain series."""
    rng = np.random.default_rng(1)
    problem, thetas = _problem(data, prior, ANYWHERE), THETA[None]
    normals = [rng.standard_normal((DRAWS, size)) for size in (2 * data.years, data.year.size + 1, data.year.size)]
    level, _, log_ratio = kernels.draw_paths(thetas, np.zeros(DRAWS, dtype=np.int64), *problem, *normals)
    weights, k = smooth(log_ratio)
    ratio = np.exp(log_ratio - log_ratio.max())
    corrected = kernels.evidence(thetas, *problem)[0] + np.log(ratio.mean()) + log_ratio.max()
    return corrected, level, weights, k, ratio.std() / ratio.mean() / np.sqrt(DRAWS)


@pytest.mark.parametrize("name", LIMITED)
def test_counts_with_a_natural_limit_agree_with_the_prior_weighed_by_the_likelihood(series_of, name):
    figures, second = LIMITED[name]
    data = replace(series_of(figures), link=Link("logit", 95.0))
    assert (data.limit, data.plain) == (pytest.approx(0.95), True)
    corrected, level, weights, k, error = plain_draw(data)
    assert k <= PARETO_K_LIMIT
    prior = Prior(data)
    likelihood = binomial(prior.eta[:, 0], 33, 40, 0.95) + second(prior.eta[:, 2])
    check(level, np.empty((DRAWS, 0)), weights, corrected, error, prior, likelihood)


# Families as the table of figures makes them: link, (lower, upper) or the number of each year, mean of the first level
FAMILIES = {
    "prints as 100 three times": ("logit", [(LOGIT(0.9995), INF)] * 3, 7.5),
    "prints as 0 twice, then at most 5": ("logit", [(-INF, LOGIT(0.0005))] * 2 + [(-INF, LOGIT(0.05))], -7.5),
    "above 95 five times": ("logit", [(LOGIT(0.95), INF)] * 5, 3.0),
    "about 85, at least 90, at least 90": (
        "logit",
        [(LOGIT(0.825), LOGIT(0.875)), (LOGIT(0.9), INF), (LOGIT(0.9), INF)],
        1.5,
    ),
    "no event for six years": ("log", [0] * 6, 1.5),
    "things of each year": ("log", [4, 7, 2, 6], 1.5),
    "a stock, printed twice about": ("log", [(1.2, 1.5), (1.4, 1.7)], 1.5),
    "at least so many": ("log", [(1.5, INF), (1.7, INF)], 1.5),
    "an index": ("identity", [(1.2, 1.5), (1.0, 1.3), (1.3, INF)], 1.5),
}


@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_agrees_with_the_prior_weighed_by_the_likelihood(series_of, name):
    link, values, mean = FAMILIES[name]
    figures = [
        (step, INTERVAL, *value, NAN) if isinstance(value, tuple) else (step, POISSON, value, value, NAN)
        for step, value in enumerate(values)
    ]
    data = replace(series_of(figures, guess_variance=np.ones(len(values))), link=LINKS[link])
    level_prior = LevelPrior(mean, PRIOR.sd)
    corrected, level, weights, k, error = plain_draw(data, level_prior)
    assert k <= PARETO_K_LIMIT
    prior = Prior(data, count=1_000_000, prior=level_prior)
    likelihood = sum(
        inside(prior.level[:, step], *value, THETA[3])
        if isinstance(value, tuple)
        else stats.poisson.logpmf(value, np.exp(prior.eta[:, step]))
        for step, value in enumerate(values)
    )
    check(level, np.empty((DRAWS, 0)), weights, corrected, error, prior, likelihood)
