"""The trend model of one series in PyMC: the same equations and priors as the Laplace engine, for users to change.

Equations: :mod:`qsim.model.trend`, :mod:`qsim.model.likelihood`. Everything is non-centred.
"""

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from pytensor.tensor.variable import TensorVariable
from scipy.special import gammaln

from qsim.model.likelihood import BINOMIAL, BINOMIAL_RANGE, INTERVAL, POISSON
from qsim.model.priors import LevelPrior, ThetaPrior
from qsim.model.series import SeriesData
from qsim.model.trend import N_THETA, SIGMA_NOISE_FLOOR, SLOPE_SD_CAP
from qsim.vocabulary import LEVEL, SLOPE

THETA = "theta"


def build_model(data: SeriesData, theta_prior: ThetaPrior, level_prior: LevelPrior) -> pm.Model:
    """PyMC model of one series.

    Deterministics: ``theta`` (sigma_level, sigma_slope, rho, sigma_noise, mu), ``level`` of every year of the grid, and
    the last ``slope`` (departure from the drift). [link scale]
    """
    with pm.Model() as model:
        z = _theta_prior(theta_prior)
        sigma_level, sigma_slope, rho = pt.exp(z[0]), pt.exp(z[1]), pm.math.sigmoid(z[2])
        sigma_noise, mu = SIGMA_NOISE_FLOOR + pt.exp(z[3]), z[4]
        pm.Deterministic(THETA, pt.stack([sigma_level, sigma_slope, rho, sigma_noise, mu]))
        level, slope = _path(data, level_prior, sigma_level, sigma_slope, rho, mu)
        pm.Deterministic(LEVEL, level)
        pm.Deterministic(SLOPE, slope)
        if data.year.size:
            noise = pm.Normal("noise_raw", shape=data.year.size)
            latent = level[data.steps] + sigma_noise * noise * data.noisy
            pm.Potential("log_likelihood", pt.sum(pt.concatenate(_terms(data, latent, sigma_noise))))
    return model


def _theta_prior(prior: ThetaPrior) -> TensorVariable:
    """Unconstrained theta under a mixture of normals, with the moments of the mixture as its scale for the sampler."""
    raw = pm.Normal("z_raw", shape=N_THETA)
    z = prior.mean + np.linalg.cholesky(prior.covariance) @ raw
    terms = []
    for component, weight in zip(prior.components, prior.weights, strict=True):
        whitener = np.linalg.inv(np.linalg.cholesky(component.covariance))
        constant = np.log(weight) + np.log(np.diag(whitener)).sum()
        terms.append(constant - 0.5 * pt.sum((whitener @ (z - component.mean)) ** 2))
    mixture = pt.logsumexp(pt.stack(terms))
    # take the sampler's own normal back out: what stays is the mixture
    pm.Potential("theta_prior", mixture + 0.5 * pt.sum(raw**2))
    return z


def _path(
    data: SeriesData,
    level_prior: LevelPrior,
    sigma_level: TensorVariable,
    sigma_slope: TensorVariable,
    rho: TensorVariable,
    mu: TensorVariable,
) -> tuple[TensorVariable, TensorVariable]:
    """Levels of the grid and the last departure of the slope from the drift."""
    steps = np.arange(1, data.years)
    first = level_prior.mean + level_prior.sd * pm.Normal("level_raw")
    slope_sd = pt.sqrt(pt.minimum(sigma_slope**2 / pt.maximum(1.0 - rho**2, 1e-12), SLOPE_SD_CAP**2))
    first_slope = slope_sd * pm.Normal("slope_raw")
    if not steps.size:
        return first[None], first_slope
    # d_t = rho^t d_0 + sigma_s sum_j rho^(t-j) v_j
    lag = steps[:, None] - steps[None, :]
    decay = pt.where(lag >= 0, rho ** np.maximum(lag, 0), 0.0)
    slopes = rho**steps * first_slope + sigma_slope * pt.dot(decay, pm.Normal("v", shape=steps.size))
    moves = data.sign * mu + slopes + sigma_level * pm.Normal("u", shape=steps.size)
    return pt.concatenate([first[None], first + pt.cumsum(moves)]), slopes[-1]


def _terms(data: SeriesData, latent: TensorVariable, sigma_noise: TensorVariable) -> list[TensorVariable]:
    """Log-likelihoods of the figures, by kind."""
    terms = []
    exact = np.flatnonzero((data.kind == BINOMIAL) | ((data.kind == BINOMIAL_RANGE) & (data.lower == data.upper)))
    if exact.size:
        k, n, f = data.lower[exact], data.size[exact], latent[exact]
        terms.append(_log_choose(n, k) + k * f - n * pt.softplus(f))
    for at in np.flatnonzero((data.kind == BINOMIAL_RANGE) & (data.lower < data.upper)):
        k, n, f = np.arange(data.lower[at], data.upper[at] + 1.0), data.size[at], latent[at]
        each = _log_choose(n, k) + k * f - n * pt.softplus(f)
        # the gradient of PyTensor's own logsumexp overflows where k f does
        terms.append((pt.max(each) + pt.log(pt.sum(pt.exp(each - pt.max(each)))))[None])
    things = np.flatnonzero(data.kind == POISSON)
    if things.size:
        k, f = data.lower[things], latent[things]
        terms.append(k * f - pt.exp(f) - gammaln(k + 1.0))
    for at in np.flatnonzero(data.kind == INTERVAL):
        terms.append(_interval(latent[at], float(data.lower[at]), float(data.upper[at]), sigma_noise)[None])
    return terms


def _log_choose(n: np.ndarray | float, k: np.ndarray) -> np.ndarray:
    return np.asarray(gammaln(n + 1.0) - gammaln(k + 1.0) - gammaln(n - k + 1.0))


def _log_ndtr(x: TensorVariable) -> TensorVariable:
    return pm.logcdf(pm.Normal.dist(), x)


def _interval(f: TensorVariable, lower: float, upper: float, sigma: TensorVariable) -> TensorVariable:
    """log[Phi((upper - f) / sigma) - Phi((lower - f) / sigma)], stable for narrow intervals and in the tails."""
    if np.isinf(lower) and np.isinf(upper):
        return pt.zeros_like(f)
    if np.isinf(upper):
        return _log_ndtr((f - lower) / sigma)
    if np.isinf(lower):
        return _log_ndtr((upper - f) / sigma)
    alpha, beta = (lower - f) / sigma, (upper - f) / sigma
    middle, width = 0.5 * (alpha + beta), beta - alpha
    # by symmetry the interval can always lie below zero, where the log of Phi is precise
    low, high = pt.switch(middle > 0, -beta, alpha), pt.switch(middle > 0, -alpha, beta)
    difference = pt.minimum(_log_ndtr(low) - _log_ndtr(high), -1e-12)
    wide = _log_ndtr(high) + pt.log(-pt.expm1(difference))
    narrow = pt.log(width) - 0.5 * middle**2 - 0.5 * np.log(2.0 * np.pi) + width**2 * (middle**2 - 1.0) / 24.0
    return pt.switch(width * (1.0 + pt.abs(middle)) < 1e-3, narrow, wide)
