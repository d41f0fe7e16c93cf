"""The nested Laplace kernels against exact posteriors: closed forms, and quadrature in one and two dimensions."""

import numpy as np
import pytest
from scipy import special, stats

from qsim.inference.kernels import draw_paths, evidence
from qsim.inference.laplace import _problem
from qsim.inference.psis import effective_count, smooth
from qsim.model.likelihood import BINOMIAL, BINOMIAL_RANGE, INTERVAL, POISSON, log_likelihood
from qsim.model.priors import LevelPrior
from qsim.model.trend import level_covariance, level_mean

INF = np.inf
NAN = np.nan
THETA = np.array([0.2, 0.1, 0.6, 0.15, 0.04])
PRIOR = LevelPrior(1.5, 2.5)
ANYWHERE = np.zeros((1, 5))
"""Point of z, where the first level does not depend on it."""
DRAWS = 8000


def draw(data, theta, prior, *, count=DRAWS, seed=1):
    """Log evidence with the importance correction, its part by Laplace, paths, last slopes, weights and k."""
    rng = np.random.default_rng(seed)
    thetas = theta[None]
    problem = _problem(data, prior, ANYWHERE)
    laplace = evidence(thetas, *problem)[0]
    figures = data.year.size
    normals = [rng.standard_normal((count, size)) for size in (2 * data.years, figures + 1, figures)]
    level, slope, log_ratio = draw_paths(thetas, np.zeros(count, dtype=np.int64), *problem, *normals)
    weights, k = smooth(log_ratio)
    return laplace + np.log(np.exp(log_ratio).mean()), laplace, level, slope, weights, k, log_ratio


def with_sigma(sigma):
    theta = THETA.copy()
    theta[3] = sigma
    return theta


# Gaussian figures


def narrow(values, width=1e-6):
    return [(step, INTERVAL, value - width / 2, value + width / 2, NAN) for step, value in values]


@pytest.mark.parametrize(
    "values",
    [
        [(0, 2.0)],
        [(0, 1.0), (1, 1.4), (2, 1.1)],
        [(0, -1.0), (5, 4.0)],
        [(0, 1.0), (3, 1.2), (3, 1.5), (4, 1.1), (9, 2.0)],
    ],
)
@pytest.mark.parametrize("better", ["higher", "lower"])
def test_gaussian_figures_have_the_evidence_and_the_posterior_of_a_gaussian(series_of, values, better):
    width, years = 1e-6, 10
    data = series_of(narrow(values, width), years=years, better=better)
    steps, figures = (np.array(column) for column in zip(*values, strict=True))
    prior_mean = level_mean(PRIOR.mean, data.sign * THETA[4], data.kept, years)
    prior_cov = level_covariance(THETA, data.kept, years, PRIOR.sd**2)
    of_figures = prior_cov[np.ix_(steps, steps)] + THETA[3] ** 2 * np.eye(steps.size)
    gain = prior_cov[:, steps] @ np.linalg.inv(of_figures)
    mean = prior_mean + gain @ (figures - prior_mean[steps])
    cov = prior_cov - gain @ prior_cov[steps]
    exact = stats.multivariate_normal(prior_mean[steps], of_figures).logpdf(figures) + steps.size * np.log(width)

    corrected, laplace, level, _, _, k, log_ratio = draw(data, THETA, PRIOR)
    assert laplace == pytest.approx(exact, abs=1e-6)
    assert corrected == pytest.approx(exact, abs=1e-6)
    assert np.abs(log_ratio).max() <= 1e-6
    assert k == -INF
    sd = np.sqrt(np.diag(cov))
    assert np.all(np.abs(level.mean(axis=0) - mean) <= 4.0 * sd / np.sqrt(DRAWS))
    standard_error = np.sqrt((cov**2 + np.outer(sd, sd) ** 2) / DRAWS)
    assert np.all(np.abs(np.cov(level.T) - cov) <= 4.0 * standard_error)


def test_without_figures_draws_are_the_prior(series_of):
    data = series_of([], years=4)
    corrected, laplace, level, slope, _, k, _ = draw(data, THETA, PRIOR)
    assert (corrected, laplace, k) == (0.0, 0.0, -INF)
    cov = level_covariance(THETA, data.kept, 4, PRIOR.sd**2)
    mean = level_mean(PRIOR.mean, THETA[4], data.kept, 4)
    sd = np.sqrt(np.diag(cov))
    assert np.all(np.abs(level.mean(axis=0) - mean) <= 4.0 * sd / np.sqrt(DRAWS))
    assert np.all(np.abs(np.cov(level.T) - cov) <= 4.0 * np.sqrt((cov**2 + np.outer(sd, sd) ** 2) / DRAWS))
    slope_sd = THETA[1] / np.sqrt(1.0 - THETA[2] ** 2)
    assert abs(slope.std() / slope_sd - 1.0) <= 4.0 / np.sqrt(2.0 * DRAWS)


def test_a_figure_without_any_bound_says_nothing(series_of):
    with_figure = draw(series_of([(0, INTERVAL, -INF, INF, NAN)], guess=[0.0], years=3), THETA, PRIOR)
    without = draw(series_of([], years=3), THETA, PRIOR)
    assert with_figure[0] == pytest.approx(0.0, abs=1e-12)
    np.testing.assert_allclose(with_figure[2], without[2], atol=1e-12)


# One figure, against quadrature in its latent value


def quadrature(figure, theta, prior):
    """Log evidence, and the density of the level on a grid."""
    kind, lower, upper, size = figure
    sigma = theta[3]
    grid = np.linspace(prior.mean - 14.0 * prior.sd, prior.mean + 14.0 * prior.sd, 8001)
    if kind == INTERVAL:
        log_figure = np.array([log_likelihood(kind, f, lower, upper, size, sigma)[0] for f in grid])
    else:
        # the year's own noise: 80-point Gauss-Hermite
        nodes, weights = np.polynomial.hermite_e.hermegauss(80)
        latent = grid[:, None] + sigma * nodes
        if kind == POISSON:
            log_figure = lower * latent - np.exp(latent) - special.gammaln(lower + 1.0)
        else:
            k = np.arange(lower, upper + 1.0)
            log_figure = special.logsumexp([stats.binom.logpmf(one, size, special.expit(latent)) for one in k], axis=0)
        log_figure = special.logsumexp(log_figure, b=weights / np.sqrt(2.0 * np.pi), axis=1)
    log_joint = log_figure + stats.norm.logpdf(grid, prior.mean, prior.sd)
    density = np.exp(log_joint - log_joint.max())
    mass = np.trapezoid(density, grid)
    return log_joint.max() + np.log(mass), grid, density / mass


def check_against_density(level, weights, grid, density, corrected, exact, relative_error):
    """Mean, P at five points, and evidence within four standard errors of the weights."""
    effective = effective_count(weights)
    below = np.concatenate([[0.0], np.cumsum(0.5 * (density[1:] + density[:-1]) * np.diff(grid))])
    mean = np.trapezoid(density * grid, grid)
    sd = np.sqrt(np.trapezoid(density * (grid - mean) ** 2, grid))
    assert abs(weights @ level - mean) <= 4.0 * sd / np.sqrt(effective)
    for probability in (0.1, 0.3, 0.5, 0.7, 0.9):
        point = np.interp(probability, below, grid)
        found = weights @ (level <= point)
        assert abs(found - probability) <= 4.0 * np.sqrt(probability * (1.0 - probability) / effective), probability
    assert abs(corrected - exact) <= 4.0 * relative_error


def check_one_figure(series_of, figure, sigma, prior, **guess):
    theta = with_sigma(sigma)
    data = series_of([(0, *figure)], **guess)
    exact, grid, density = quadrature(figure, theta, prior)
    corrected, _, level, _, weights, k, log_ratio = draw(data, theta, prior)
    ratio = np.exp(log_ratio - log_ratio.max())
    relative_error = max(ratio.std() / ratio.mean() / np.sqrt(DRAWS), 1e-6)
    check_against_density(level[:, 0], weights, grid, density, corrected, exact, relative_error)
    # a posterior that the weights cannot carry has no standard errors
    assert effective_count(weights) >= 400.0
    return k


BINOMIALS = [
    (15, 0),
    (15, 12),
    (15, 15),
    (300, 0),
    (300, 299),
    (300, 300),
    (50_000, 0),
    (50_000, 45_000),
    (50_000, 50_000),
]


@pytest.mark.parametrize(("size", "successes"), BINOMIALS)
def test_one_binomial_figure_agrees_with_quadrature(series_of, size, successes):
    check_one_figure(series_of, (BINOMIAL, successes, successes, size), 0.15, PRIOR)


def test_one_range_of_counts_agrees_with_quadrature(series_of):
    check_one_figure(series_of, (BINOMIAL_RANGE, 276.0, 290.0, 300.0), 0.15, PRIOR)


@pytest.mark.parametrize("number", [0, 1, 40])
def test_one_number_of_things_agrees_with_quadrature(series_of, number):
    check_one_figure(series_of, (POISSON, number, number, NAN), 0.15, LevelPrior(2.0, 2.0))


@pytest.mark.parametrize("sigma", [0.02, 0.1, 0.5])
@pytest.mark.parametrize("mean", [0.0, 1.5, 3.0, 5.0])
def test_one_figure_of_at_least_95_percent_agrees_with_quadrature(series_of, mean, sigma):
    figure = (INTERVAL, special.logit(0.95), INF, NAN)
    check_one_figure(series_of, figure, sigma, LevelPrior(mean, 2.5), guess_variance=[1.0])


def test_one_figure_of_at_most_5_percent_agrees_with_quadrature(series_of):
    figure = (INTERVAL, -INF, special.logit(0.05), NAN)
    check_one_figure(series_of, figure, 0.1, LevelPrior(1.5, 2.5), guess_variance=[1.0])


@pytest.mark.parametrize("mean", [-2.0, 0.0, 1.8, 3.0])
@pytest.mark.parametrize("sigma", [0.01, 0.1])
def test_one_figure_of_about_agrees_with_quadrature(series_of, mean, sigma):
    # the year noise is far below the width: the expanded likelihood is not the real one
    figure = (INTERVAL, special.logit(0.8), special.logit(0.9), NAN)
    check_one_figure(series_of, figure, sigma, LevelPrior(mean, 1.0))


# Two figures, against quadrature in both levels


def quadrature_of_two(data, theta, prior):
    """Log evidence and the marginal density of each level, figures in two consecutive years."""
    cov = level_covariance(theta, data.kept, 2, prior.sd**2)
    mean = level_mean(prior.mean, theta[4], data.kept, 2)
    sd = np.sqrt(np.diag(cov))
    grid = np.linspace(mean.min() - 7.0 * sd[0], mean.max() + 7.0 * sd[1], 1501)
    joint = stats.multivariate_normal(mean, cov).logpdf(np.stack(np.meshgrid(grid, grid, indexing="ij"), axis=-1))
    for place in range(2):
        kind, size, sigma = int(data.kind[place]), data.size[place], theta[3]
        ends = data.lower[place], data.upper[place]
        if kind == INTERVAL:
            log_figure = np.array([log_likelihood(kind, f, *ends, size, sigma)[0] for f in grid])
        else:
            nodes, weights = np.polynomial.hermite_e.hermegauss(60)
            log_figure = special.logsumexp(
                stats.binom.logpmf(ends[0], size, special.expit(grid[:, None] + sigma * nodes)),
                b=weights / np.sqrt(2.0 * np.pi),
                axis=1,
            )
        joint = joint + (log_figure[:, None] if place == 0 else log_figure[None, :])
    density = np.exp(joint - joint.max())
    step = grid[1] - grid[0]
    mass = density.sum() * step**2
    marginals = [density.sum(axis=1 - place) * step / mass for place in range(2)]
    return joint.max() + np.log(mass), grid, marginals


TWO = {
    "binomial": [(0, BINOMIAL, 12.0, 12.0, 15.0), (1, BINOMIAL, 15.0, 15.0, 15.0)],
    "binomial and about": [(0, BINOMIAL, 280.0, 280.0, 300.0), (1, INTERVAL, 1.5, 2.5, NAN)],
    "at least, twice": [(0, INTERVAL, 2.944, INF, NAN), (1, INTERVAL, 2.944, INF, NAN)],
    "binomial and at least": [(0, BINOMIAL, 37.0, 37.0, 40.0), (1, INTERVAL, 2.944, INF, NAN)],
}


@pytest.mark.parametrize("name", TWO)
def test_two_figures_agree_with_quadrature(series_of, name):
    theta = np.array([0.4, 0.2, 0.6, 0.15, 0.04])
    data = series_of(TWO[name], guess_variance=[0.5, 0.5])
    exact, grid, marginals = quadrature_of_two(data, theta, PRIOR)
    corrected, _, level, _, weights, _, log_ratio = draw(data, theta, PRIOR)
    ratio = np.exp(log_ratio - log_ratio.max())
    relative_error = ratio.std() / ratio.mean() / np.sqrt(DRAWS)
    for place in range(2):
        check_against_density(level[:, place], weights, grid, marginals[place], corrected, exact, relative_error)
    assert effective_count(weights) >= 400.0


def test_five_figures_of_at_least_95_percent_keep_the_level_wide(series_of):
    # importance sampling from the prior, half of which satisfies all five figures, is the reference
    theta, prior, sigma, years = THETA, LevelPrior(3.0, 1.5), THETA[3], 5
    edge = 2.944
    data = series_of([(step, INTERVAL, edge, INF, NAN) for step in range(years)], guess_variance=np.ones(years))
    rng = np.random.default_rng(5)
    cov = level_covariance(theta, data.kept, years, prior.sd**2)
    mean = level_mean(prior.mean, theta[4], data.kept, years)
    paths = rng.multivariate_normal(mean, cov, size=200_000)
    reference = np.exp(special.log_ndtr((paths - edge) / sigma).sum(axis=1))
    corrected, _, level, _, weights, _, _ = draw(data, theta, prior)
    effective = effective_count(weights)
    assert effective >= 400.0
    assert corrected == pytest.approx(np.log(reference.mean()), abs=4.0 / np.sqrt(effective))
    reference /= reference.sum()
    for point in (3.2, 4.0, 5.0):
        exact = reference @ (paths[:, -1] <= point)
        found = weights @ (level[:, -1] <= point)
        assert abs(found - exact) <= 4.0 * np.sqrt(exact * (1.0 - exact) * (1.0 / effective + 1.0 / 50_000))


def test_the_order_of_figures_does_not_count(series_of):
    figures = [(0, BINOMIAL, 12, 12, 15), (2, INTERVAL, 1.0, 2.0, NAN), (4, BINOMIAL_RANGE, 90, 95, 100)]
    one, other = (
        evidence(THETA[None], *_problem(series_of(chosen, years=5), PRIOR, ANYWHERE))
        for chosen in (figures, figures[::-1])
    )
    np.testing.assert_allclose(one, other, rtol=1e-9)


def test_a_figure_so_surprising_that_newton_must_be_damped_has_a_mode(series_of):
    # a prior thirty standard deviations away
    data = series_of([(0, BINOMIAL, 49_990, 49_990, 50_000), (1, INTERVAL, 6.0, INF, NAN)])
    prior = LevelPrior(-12.0, 0.6)
    laplace = evidence(THETA[None], *_problem(data, prior, ANYWHERE))[0]
    assert np.isfinite(laplace)
    moved = LevelPrior(-11.0, 0.6)
    assert evidence(THETA[None], *_problem(data, moved, ANYWHERE))[0] > laplace


# Points of theta that only a heavy-tailed proposal reaches


def test_where_shocks_dwarf_all_else_each_step_of_the_figures_has_its_own_normal_density(series_of):
    # figures a year apart, known far better than a step is wide: step densities times the widths of the intervals
    ends = [(-5.41, -5.38), (-5.48, -5.46), (-4.0664, -4.0604), (-4.09, -4.03), (-3.98, -3.97), (-3.2578, -3.2549)]
    data = series_of([(step, INTERVAL, low, up, NAN) for step, (low, up) in enumerate(ends)], years=len(ends))
    middles, widths = np.array([[(low + up) / 2, up - low] for low, up in ends]).T
    for shock in (10.0, 100.0, 300.0):
        theta = np.array([shock, 1e-3, 0.3, 0.001, 0.1])
        exact = stats.norm.logpdf(middles[0], PRIOR.mean, PRIOR.sd)
        exact += stats.norm.logpdf(middles[1:] - data.kept * middles[:-1], 0.1, shock).sum() + np.log(widths).sum()
        assert evidence(theta[None], *_problem(data, PRIOR, ANYWHERE))[0] == pytest.approx(exact, abs=0.03)


@pytest.mark.parametrize("size", [1e2, 1e3, 1e4, 1e5])
def test_no_theta_however_absurd_has_figures_that_are_likelier_than_certain(series_of, size):
    # figures of a share near zero: rounding once gave such a point an evidence of 10^20, and all of the weight
    widths = [0.02, 0.02, 0.006, 0.06, 0.005, 0.005, 0.003, 0.005, 0.005]
    middles = [-5.4, -5.47, -4.06, -4.06, -3.98, -3.81, -3.26, -3.82, -3.94]
    figures = [(0, INTERVAL, -INF, -7.6, NAN)]
    figures += [
        (step, INTERVAL, middle - width / 2, middle + width / 2, NAN)
        for step, (middle, width) in enumerate(zip(middles, widths, strict=True), start=1)
    ]
    figures += [(10, BINOMIAL, 0, 0, 300), (11, BINOMIAL, 49_990, 49_990, 50_000), (12, INTERVAL, 4.0, INF, NAN)]
    data = series_of(figures, years=13)
    rng = np.random.default_rng(3)
    thetas = np.exp(rng.uniform(np.log(1e-3), np.log(size), (400, 5)))
    thetas[:, 2], thetas[:, 4] = rng.uniform(size=400), rng.uniform(-1.0, 1.0, 400)
    thetas[::2, 3] = 0.001
    found = evidence(thetas, *_problem(data, PRIOR, np.zeros((400, 5))))
    assert np.isfinite(found).mean() > 0.3
    assert found[np.isfinite(found)].max() < 0.0
