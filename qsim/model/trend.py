r"""The damped local trend of one series on the link scale, as a Gaussian process over years.

.. math::

    level_t &= \kappa\, level_{t-1} + \mu + d_t + \sigma_l u_t \\
    d_t     &= \rho\, d_{t-1} + \sigma_s v_t \\
    level_0 &\sim N(m_0, s_0^2), \qquad d_0 \sim N(0, V_0), \quad V_0 = \min(\sigma_s^2 / (1 - \rho^2), c^2)

with :math:`u_t, v_t` standard normal, in years to come Student t of unit variance (:func:`shock_widths`). The slope
reverts to the drift :math:`\mu` at speed :math:`\rho`. The share :math:`\kappa` of a level that a year keeps is a
number of the link and tempo, 1 or a little less: rates far from the middle come back a little (``priors.yaml``). With
:math:`\kappa = 1` the slope is :math:`\mu + d_t`, and flat (:math:`\mu = \sigma_l = \sigma_s = 0`), linear, local-level
(:math:`\sigma_s = 0`) and damped trends are corners of theta. The sd of :math:`d_0` is capped at :data:`SLOPE_SD_CAP`
as :math:`\rho \to 1`.

Everything is linear in independent normals, so levels have the covariance

.. math:: \mathrm{cov}(level_s, level_t) = \kappa^{t-s} P_s^{ll} + P_s^{ld} \sum_{j=1}^{t-s} \kappa^{t-s-j} \rho^j,
    \qquad s \le t,

where :math:`P_s` is the covariance of :math:`(level_s, d_s)`.

Source: Harvey (1989), Forecasting, structural time series models, ch. 4; Gardner & McKenzie (1985),
doi:10.1287/mnsc.31.10.1237.
"""

from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SLOPE_SD_CAP: Final = 0.5
"""Largest sd of the first slope. [link scale per year]"""

SIGMA_NOISE_FLOOR: Final = 1e-3
"""Smallest year noise: keeps the interval likelihood smooth. [link scale]"""

N_THETA: Final = 5

SHOCK_FREEDOM: Final = 4.0
"""Degrees of freedom of shocks and year noise to come, chosen by the CRPS of the last one to five years of the panel's
histories: five have 0.05 to 0.3 % more. Three had less still while shocks alone were heavy, but 95 % intervals too
narrow. [1]"""


def constrain(z: Floats) -> Floats:
    """Take unconstrained points to theta.

    Parameters
    ----------
    z : array, dims (..., 5)
        log sigma_level, log sigma_slope, logit rho, log sigma_noise, mu. [link scale]

    Returns
    -------
    array, dims (..., 5)
        ``(sigma_level, sigma_slope, rho, sigma_noise, mu)``.
    """
    theta = np.empty_like(z)
    theta[..., 0] = np.exp(z[..., 0])
    theta[..., 1] = np.exp(z[..., 1])
    theta[..., 2] = 1.0 / (1.0 + np.exp(-z[..., 2]))
    theta[..., 3] = SIGMA_NOISE_FLOOR + np.exp(z[..., 3])
    theta[..., 4] = z[..., 4]
    return theta


def unconstrain(theta: Floats) -> Floats:
    """Inverse of :func:`constrain`, dims (..., 5); scales that rounding has made zero become tiny."""
    rho = np.clip(theta[..., 2], 1e-12, 1.0 - 1e-12)
    z = np.empty_like(theta)
    z[..., :2] = np.log(np.maximum(theta[..., :2], 1e-300))
    z[..., 2] = np.log(rho / (1.0 - rho))
    z[..., 3] = np.log(np.maximum(theta[..., 3] - SIGMA_NOISE_FLOOR, 1e-12))
    z[..., 4] = theta[..., 4]
    return z


@njit(cache=True, nogil=True, error_model="numpy")
def first_slope_variance(sigma_slope: float, rho: float) -> float:
    """Variance V0 of the first slope's departure from the drift."""
    stationary = sigma_slope**2 / max(1.0 - rho**2, 1e-12)
    return min(stationary, SLOPE_SD_CAP**2)


@njit(cache=True, nogil=True, error_model="numpy")
def level_mean(first: float, drift: float, kept: float, years: int) -> Floats:
    """Mean level of ``years`` consecutive years given that of the first one and the signed drift, dims (years)."""
    mean = np.empty(years)
    mean[0] = first
    for t in range(1, years):
        mean[t] = kept * mean[t - 1] + drift
    return mean


@njit(cache=True, nogil=True, error_model="numpy")
def level_covariance(theta: Floats, kept: float, years: int, level_variance: float) -> Floats:
    """Covariance of the levels of ``years`` consecutive years, dims (years, years); ``kept`` is kappa."""
    sigma_level, sigma_slope, rho = theta[0], theta[1], theta[2]
    cov = np.empty((years, years))
    p_ll, p_ld, p_dd = level_variance, 0.0, first_slope_variance(sigma_slope, rho)
    for s in range(years):
        if s > 0:
            # one step of (level, d): level gains rho d + sigma_s v + sigma_l u, d becomes rho d + sigma_s v
            p_ll, p_ld, p_dd = (
                kept**2 * p_ll + 2.0 * kept * rho * p_ld + rho**2 * p_dd + sigma_slope**2 + sigma_level**2,
                rho * (kept * p_ld + rho * p_dd) + sigma_slope**2,
                rho**2 * p_dd + sigma_slope**2,
            )
        with_level, with_slope = p_ll, p_ld
        for t in range(s, years):
            cov[s, t] = with_level
            cov[t, s] = with_level
            with_slope *= rho
            with_level = kept * with_level + with_slope
    return cov


@njit(cache=True, nogil=True, error_model="numpy")
def slope_covariance(theta: Floats, kept: float, years: int) -> Floats:
    """Covariance of the last year's ``d`` with the level of every year, dims (years)."""
    sigma_slope, rho = theta[1], theta[2]
    cov = np.empty(years)
    p_ld, p_dd = 0.0, first_slope_variance(sigma_slope, rho)
    for s in range(years):
        if s > 0:
            p_ld, p_dd = rho * (kept * p_ld + rho * p_dd) + sigma_slope**2, rho**2 * p_dd + sigma_slope**2
        cov[s] = p_ld * rho ** (years - 1 - s)
    return cov


@njit(cache=True, nogil=True, error_model="numpy")
def simulate_path(theta: Floats, kept: float, level_sd: float, normals: Floats, level: Floats) -> float:
    """Fill ``level`` with one path of the trend without its mean; return the last ``d``.

    ``normals`` holds 2 * years standard normals: the first level, the first slope, then (v, u) of each later year.
    """
    sigma_level, sigma_slope, rho = theta[0], theta[1], theta[2]
    level[0] = level_sd * normals[0]
    d = np.sqrt(first_slope_variance(sigma_slope, rho)) * normals[1]
    for t in range(1, level.shape[0]):
        d = rho * d + sigma_slope * normals[2 * t]
        level[t] = kept * level[t - 1] + d + sigma_level * normals[2 * t + 1]
    return float(d)


def shock_widths(rng: np.random.Generator, draws: int) -> Floats:
    r"""Widths of one future year, dims (draw): :math:`w = ((f - 2) / \chi^2_f)^{1/2}` of :data:`SHOCK_FREEDOM` f.

    Times standard normals they make both shocks (v, u) and the year noise Student t with unit variance, all of a year
    wide together: a wild year is wild in every way. The fit takes past years as normal, so that its likelihood stays
    log-concave; a scale learned that way already carries the variance of rare wild years, and the law of the future
    keeps that variance.
    """
    return np.asarray(np.sqrt((SHOCK_FREEDOM - 2.0) / rng.chisquare(SHOCK_FREEDOM, draws)))


def propagate(theta: Floats, kept: float, level: Floats, slope: Floats, drift: Floats, normals: Floats) -> Floats:
    """Carry draws of the last state forward.

    Parameters
    ----------
    theta : array, dims (draw, 5)
    kept : float
        Share of a level that a year keeps. [1]
    level, slope : arrays, dims (draw)
        Last level and last departure ``d`` of the slope from the drift. [link scale]
    drift : array, dims (draw)
        Signed drift: positive raises the figure. [link scale per year]
    normals : array, dims (draw, horizon, 2)
        Shocks (v, u) of every future year, of unit variance.

    Returns
    -------
    array, dims (draw, horizon)
        Levels of the future years. [link scale]
    """
    sigma_level, sigma_slope, rho = theta[:, 0], theta[:, 1], theta[:, 2]
    levels = np.empty(normals.shape[:2])
    for step in range(normals.shape[1]):
        slope = rho * slope + sigma_slope * normals[:, step, 0]
        level = kept * level + drift + slope + sigma_level * normals[:, step, 1]
        levels[:, step] = level
    return levels
