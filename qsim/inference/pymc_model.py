"""The trend model of one series in PyMC: the same equations and priors as the Laplace engine, for users to change.

Equations: :mod:`qsim.model.trend`, :mod:`qsim.model.likelihood`, :mod:`qsim.model.functional`. Everything is
non-centred.
"""

from dataclasses import dataclass

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from pytensor.tensor.variable import TensorVariable
from scipy.special import gammaln

from qsim.inference.layout import Layout, layouts
from qsim.model.functional import LEVEL as FORM_LEVEL
from qsim.model.functional import LOG, LOGIT, RATIO, SMALLEST_INDEX, TOTAL
from qsim.model.likelihood import BINOMIAL, BINOMIAL_RANGE, INTERVAL, POISSON
from qsim.model.priors import LevelPrior, ThetaPrior
from qsim.model.series import SeriesData
from qsim.model.trend import N_THETA, SIGMA_NOISE_FLOOR, SLOPE_SD_CAP
from qsim.vocabulary import LEVEL, SLOPE, YEAR

THETA = "theta"
OFFSET = "offset"


def build_model(
    data: SeriesData, theta_prior: ThetaPrior, level_prior: LevelPrior, *, likelihood: bool = True
) -> pm.Model:
    """PyMC model of one series.

    Deterministics: ``theta`` (sigma_level, sigma_slope, rho, sigma_noise, mu), ``level`` of every year of the grid (dim
    ``year``), the last ``slope`` (departure from the drift), and the ``offset`` of other bases where there are any.
    [link scale]

    Parameters
    ----------
    likelihood : bool
        Whether the figures are in it; without, it is the prior, for a likelihood of the user's own.
    """
    with pm.Model(coords={YEAR: list(range(data.first_year, data.first_year + data.years))}) as model:
        z = _theta_prior(theta_prior)
        sigma_level, sigma_slope, rho = pt.exp(z[0]), pt.exp(z[1]), pm.math.sigmoid(z[2])
        sigma_noise, mu = SIGMA_NOISE_FLOOR + pt.exp(z[3]), z[4]
        pm.Deterministic(THETA, pt.stack([sigma_level, sigma_slope, rho, sigma_noise, mu]))
        level, slope = _path(data, level_prior, z)
        pm.Deterministic(LEVEL, level, dims=YEAR)
        pm.Deterministic(SLOPE, slope)
        if likelihood and (data.year.size or data.extras):
            terms = _plain_terms(data, level, sigma_noise) if data.plain else _general_terms(data, level, sigma_noise)
            pm.Potential("log_likelihood", pt.sum(pt.concatenate(terms)) if terms else pt.zeros(()))
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


def _path(data: SeriesData, level_prior: LevelPrior, z: TensorVariable) -> tuple[TensorVariable, TensorVariable]:
    """Levels of the grid and the last departure of the slope from the drift."""
    sigma_level, sigma_slope, rho, mu = pt.exp(z[0]), pt.exp(z[1]), pm.math.sigmoid(z[2]), z[4]
    steps = np.arange(1, data.years)
    first = first_level_mean(level_prior, z) + level_prior.sd * pm.Normal("level_raw")
    slope_sd = pt.sqrt(pt.minimum(sigma_slope**2 / pt.maximum(1.0 - rho**2, 1e-12), SLOPE_SD_CAP**2))
    first_slope = slope_sd * pm.Normal("slope_raw")
    if not steps.size:
        return first[None], first_slope
    # d_t = rho^t d_0 + sigma_s sum_j rho^(t-j) v_j
    lag = steps[:, None] - steps[None, :]
    decay = pt.where(lag >= 0, rho ** np.maximum(lag, 0), 0.0)
    slopes = rho**steps * first_slope + sigma_slope * pt.dot(decay, pm.Normal("v", shape=steps.size))
    moves = data.sign * mu + slopes + sigma_level * pm.Normal("u", shape=steps.size)
    stays = np.tril(data.kept ** np.maximum(lag, 0))
    return pt.concatenate([first[None], data.kept**steps * first + pt.dot(stays, moves)]), slopes[-1]


def first_level_mean(prior: LevelPrior, z: TensorVariable) -> TensorVariable:
    """As :meth:`qsim.model.priors.LevelPrior.given`, at one point."""
    if not prior.slope:
        return pt.as_tensor(prior.mean)
    return prior.mean + pt.dot(np.array(prior.slope), z - np.array(prior.center))


@dataclass(frozen=True, eq=False)
class _Figures:
    """Figures and their latent values, dims (figure)."""

    kind: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    size: np.ndarray
    limit: float
    """Largest share of trials that can succeed."""
    latent: list[TensorVariable] | TensorVariable
    sigma: list[TensorVariable] | TensorVariable
    """Noise around an interval."""

    def terms(self) -> list[TensorVariable]:
        """Log-likelihoods, by kind."""
        terms = []
        exact = np.flatnonzero((self.kind == BINOMIAL) | ((self.kind == BINOMIAL_RANGE) & (self.lower == self.upper)))
        if exact.size:
            terms.append(self._counts(self.lower[exact], self.size[exact], self._latent(exact)))
        for at in np.flatnonzero((self.kind == BINOMIAL_RANGE) & (self.lower < self.upper)):
            each = self._counts(np.arange(self.lower[at], self.upper[at] + 1.0), self.size[at], self.latent[at])
            # the gradient of PyTensor's own logsumexp overflows where k f does
            terms.append((pt.max(each) + pt.log(pt.sum(pt.exp(each - pt.max(each)))))[None])
        things = np.flatnonzero(self.kind == POISSON)
        if things.size:
            k, f = self.lower[things], self._latent(things)
            terms.append(k * f - pt.exp(f) - gammaln(k + 1.0))
        return [*terms, *self._interval_terms()]

    def _interval_terms(self) -> list[TensorVariable]:
        """Log-likelihoods of closed intervals, of those open below and of those open above: one graph each."""
        below, above = np.isinf(self.lower), np.isinf(self.upper)
        terms = []
        for chosen, form in ((~below & ~above, _interval), (below & ~above, _at_most), (~below & above, _at_least)):
            at = np.flatnonzero((self.kind == INTERVAL) & chosen)
            if at.size:
                terms.append(form(self._latent(at), self.lower[at], self.upper[at], _chosen(self.sigma, at)))
        return terms

    def _latent(self, at: np.ndarray) -> TensorVariable:
        return _chosen(self.latent, at)

    def _counts(self, k: np.ndarray, n: np.ndarray | float, f: TensorVariable) -> TensorVariable:
        if self.limit >= 1.0:
            return _log_choose(n, k) + k * f - n * pt.softplus(f)
        rest = pt.log1p(-self.limit * pm.math.sigmoid(f))
        return _log_choose(n, k) + k * (np.log(self.limit) - pt.softplus(-f) - rest) + n * rest


def _plain_terms(data: SeriesData, level: TensorVariable, sigma_noise: TensorVariable) -> list[TensorVariable]:
    noise = pm.Normal("noise_raw", shape=data.year.size)
    latent = level[data.steps] + sigma_noise * noise * data.noisy
    sigma = pt.ones(data.year.size) * sigma_noise
    return _Figures(data.kind, data.lower, data.upper, data.size, data.limit, latent, sigma).terms()


def _general_terms(data: SeriesData, level: TensorVariable, sigma_noise: TensorVariable) -> list[TensorVariable]:
    """Log-likelihoods where figures share year noise, are about several years, or on other bases."""
    readings = layouts(data)
    one, other = readings[0], readings[-1]
    noise = pm.Normal("noise_raw", shape=one.form.size)
    year_noise = sigma_noise * pm.Normal("year_noise_raw", shape=data.years)
    offset = None
    if data.offsets:
        raw = pm.Normal("offset_raw", shape=len(data.offsets))
        offset = pm.Deterministic(OFFSET, one.offset_mean + one.offset_sd * raw)

    def figures(layout: Layout, at: np.ndarray) -> _Figures:
        latent, sigma = [], []
        for i in at:
            years = slice(int(layout.first[i]), int(layout.last[i]) + 1)
            eta = level[years] + (1.0 - layout.own[i]) * year_noise[years]
            if offset is not None and layout.offset[i] >= 0:
                eta = eta + offset[layout.offset[i]]
            own = pt.sqrt(layout.own[i] * sigma_noise**2 + layout.sd[i] ** 2)
            latent.append(_latent_value(layout, i, eta) + layout.noisy[i] * own * noise[i])
            sigma.append(own)
        columns = (layout.kind[at], layout.lower[at], layout.upper[at], layout.size[at])
        return _Figures(*columns, layout.limit, latent, sigma)

    ambiguous = [number for number, extra in enumerate(data.extras, start=data.year.size) if extra.other is not None]
    sure = np.setdiff1d(np.arange(one.form.size), ambiguous)
    terms = figures(one, sure).terms() if sure.size else []
    for i in ambiguous:
        (first,), (second,) = (figures(layout, np.array([i])).terms() for layout in (one, other))
        # PyTensor's own logaddexp is lost where both are far below zero
        terms.append(pt.maximum(first, second) + pt.softplus(-pt.abs(first - second)) - np.log(2.0))
    return terms


def _latent_value(layout: Layout, i: int, eta: TensorVariable) -> TensorVariable:
    """As :func:`qsim.model.functional.latent_value`."""
    form, link = int(layout.form[i]), layout.link
    if form == FORM_LEVEL:
        return eta[-1]
    if form == TOTAL:
        return _total(link, float(layout.weight[i]), eta)
    if form == RATIO:
        return _log_inverse(link, eta[-1]) - _log_inverse(link, eta[0])
    inverse = pm.math.sigmoid(eta) if link == LOGIT else pt.exp(eta) if link == LOG else eta
    return (inverse[-1] - inverse[0]) / float(layout.scale[i])


def _total(link: int, weight: float, eta: TensorVariable) -> TensorVariable:
    if link == LOG:
        return np.log(weight) + pt.logsumexp(eta)
    if link == LOGIT:
        return pt.log(pt.sum(pm.math.sigmoid(eta))) - pt.log(pt.sum(pm.math.sigmoid(-eta)))
    return weight * pt.sum(eta)


def _log_inverse(link: int, eta: TensorVariable) -> TensorVariable:
    if link == LOGIT:
        return -pt.softplus(-eta)
    return eta if link == LOG else pt.log(pt.maximum(eta, SMALLEST_INDEX))


def _log_choose(n: np.ndarray | float, k: np.ndarray) -> np.ndarray:
    return np.asarray(gammaln(n + 1.0) - gammaln(k + 1.0) - gammaln(n - k + 1.0))


def _log_ndtr(x: TensorVariable) -> TensorVariable:
    return pm.logcdf(pm.Normal.dist(), x)


def _chosen(values: list[TensorVariable] | TensorVariable, at: np.ndarray) -> TensorVariable:
    return pt.stack([values[i] for i in at]) if isinstance(values, list) else values[at]


def _at_least(f: TensorVariable, lower: np.ndarray, _upper: np.ndarray, sigma: TensorVariable) -> TensorVariable:
    return _log_ndtr((f - lower) / sigma)


def _at_most(f: TensorVariable, _lower: np.ndarray, upper: np.ndarray, sigma: TensorVariable) -> TensorVariable:
    return _log_ndtr((upper - f) / sigma)


def _interval(f: TensorVariable, lower: np.ndarray, upper: np.ndarray, sigma: TensorVariable) -> TensorVariable:
    """log[Phi((upper - f) / sigma) - Phi((lower - f) / sigma)], stable for narrow intervals and in the tails."""
    alpha, beta = (lower - f) / sigma, (upper - f) / sigma
    middle, width = 0.5 * (alpha + beta), beta - alpha
    # by symmetry the interval can always lie below zero, where the log of Phi is precise
    low, high = pt.switch(middle > 0, -beta, alpha), pt.switch(middle > 0, -alpha, beta)
    difference = pt.minimum(_log_ndtr(low) - _log_ndtr(high), -1e-12)
    wide = _log_ndtr(high) + pt.log(-pt.expm1(difference))
    narrow = pt.log(width) - 0.5 * middle**2 - 0.5 * np.log(2.0 * np.pi) + width**2 * (middle**2 - 1.0) / 24.0
    return pt.switch(width * (1.0 + pt.abs(middle)) < 1e-3, narrow, wide)
