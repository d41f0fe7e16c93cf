r"""One-step-ahead surprises of a series: what each year brought that its past did not foretell.

Given theta, a Kalman filter runs over the years of the grid on the link scale. State :math:`x_t = (level_t, d_t)`,

.. math::

    x_t &= F x_{t-1} + (\pm\mu, 0)^T + w_t, \quad
    F = \begin{pmatrix} 1 & \rho \\ 0 & \rho \end{pmatrix}, \\
    \mathrm{cov}(w_t) &= Q =
    \begin{pmatrix} \sigma_s^2 + \sigma_l^2 & \sigma_s^2 \\ \sigma_s^2 & \sigma_s^2 \end{pmatrix},

and the figure of a year is its middle :math:`y_t = level_t + N(0, \sigma_e^2 + g_t)` with :math:`g_t` the variance from
sampling and rounding; several figures of a year are averaged with their precisions. With :math:`\nu_t, S_t` the
innovation and its variance under each of K posterior draws of theta, the score of a year is

.. math:: z_t = \Phi^{-1}\Big( \frac1K \sum_k \Phi(\nu_{t,k} / S_{t,k}^{1/2}) \Big),

the normal score of its probability integral transform. Only years whose last year has a figure too are kept: a step of
several years is not the shock of one.

Beside it runs the part of the error covariance that common shocks can cause, with the same gains :math:`K_t`:

.. math:: C_t = (I - K_t H)(F C_{t-1} F^T + Q)(I - K_t H)^T + \sigma_e^2 K_t K_t^T,

started at the first slope's variance alone: neither sampling, nor the width of a printed figure, nor what a region's
first level is, is a shock of the year. For two series of equal theta whose shocks have correlation r, and which are
each fitted alone, the errors of their current states have exactly the covariance :math:`r C_t`.

Source: Harvey (1989), Forecasting, structural time series models, ch. 3; Dawid (1984), doi:10.2307/2981683 (scores).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from qsim.model.priors import LevelPrior
from qsim.model.series import SeriesData
from qsim.model.trend import first_slope_variance, unconstrain

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

PIT_CLIP: Final = 0.005
"""Probabilities are kept this far from 0 and 1, scores within 2.58: one wild jump is one year, not twenty. [1]"""

YEARS_AHEAD: Final = 3
"""Years ahead at which the current state is judged (:func:`outlook`): the middle of a five-year plan. [years]"""


@dataclass(frozen=True, eq=False)
class Innovations:
    """Scores of the years of one series."""

    year: Ints
    """Years with a score, ascending, dims (year)."""
    score: Floats
    """Standard normal scores on the scale of the figure (positive: the figure came out higher), dims (year). [1]"""
    shock_share: float
    """Share of the variance of today's outlook that shocks common to series can cause. [1]"""


def innovations(data: SeriesData, level_prior: LevelPrior, theta: Floats) -> Innovations:
    """Scores of every year of a series, given posterior draws of theta.

    Parameters
    ----------
    theta : array, dims (draw, 5)
        (sigma_level, sigma_slope, rho, sigma_noise, mu); a few dozen draws do. [link scale]
    """
    filtered = _Filter(data, level_prior, theta)
    years, scores = [], []
    closed = np.isfinite(data.lower) & np.isfinite(data.upper)
    for year in range(data.first_year, data.origin + 1):
        here = closed & (data.year == year)
        if here.any():
            mean, variance = filtered.combined(data.guess[here], data.guess_variance[here])
            share = float(np.mean(ndtr((mean - filtered.level) / np.sqrt(filtered.spread[0] + variance[0]))))
            if year > data.first_year and bool((closed & (data.year == year - 1)).any()):
                years.append(year)
                scores.append(float(ndtri(np.clip(share, PIT_CLIP, 1.0 - PIT_CLIP))))
            filtered.update(mean, *variance)
        if year < data.origin:
            filtered.step()
    return Innovations(np.array(years, dtype=np.int64), np.array(scores), filtered.shock_share())


def outlook(level: Floats, slope: Floats, rho: Floats, drift: Floats, kept: float, years: int = YEARS_AHEAD) -> Floats:
    r"""Level expected ``years`` ahead, dims of the arguments.

    .. math:: \kappa^h level + \mu \sum_{j<h} \kappa^j + d \sum_{j=1}^h \kappa^{h-j} \rho^j

    One number for the current state: what its errors do to a forecast. [link scale]
    """
    drifted = drift * np.power(kept, np.arange(years)).sum()
    return np.asarray(kept**years * level + drifted + slope * _reach(rho, kept, years))


def _reach(rho: Floats, kept: float, years: int) -> Floats:
    """What a unit of d moves the level by in ``years``, dims of ``rho``."""
    power = np.arange(1, years + 1)
    return np.asarray((np.power(rho[..., None], power) * kept ** (years - power)).sum(axis=-1))


class _Filter:
    """State of the filter for every draw of theta at once; symmetric 2 x 2 matrices as (ll, ld, dd)."""

    def __init__(self, data: SeriesData, prior: LevelPrior, theta: Floats) -> None:
        self._sigma_level, self._sigma_slope, self._rho, self._noise, self._mu = theta.T
        draws = len(theta)
        first = np.array([first_slope_variance(*pair) for pair in zip(self._sigma_slope, self._rho, strict=True)])
        self._drift, self._kept = data.sign * self._mu, data.kept
        self.level, self.slope = prior.given(unconstrain(theta)), np.zeros(draws)
        self.spread = np.array([np.full(draws, prior.sd**2), np.zeros(draws), first])
        self.common = np.array([np.zeros(draws), np.zeros(draws), first])

    def combined(self, figures: Floats, variances: Floats) -> tuple[Floats, tuple[Floats, Floats]]:
        """Mean of a year's figures weighed by precision; its variance, and the part of it that is year noise."""
        precision = 1.0 / (self._noise**2 + variances[:, None])
        total = precision.sum(axis=0)
        weight = precision / total
        return np.asarray(figures @ weight), (1.0 / total, self._noise**2 * np.square(weight).sum(axis=0))

    def update(self, mean: Floats, variance: Floats, year_noise: Floats) -> None:
        gain_level, gain_slope = self.spread[:2] / (self.spread[0] + variance)
        surprise = mean - self.level
        self.level, self.slope = self.level + gain_level * surprise, self.slope + gain_slope * surprise
        # Joseph's form serves both: the gain need not be the best one for the common part
        self.spread = _joseph(self.spread, gain_level, gain_slope, variance)
        self.common = _joseph(self.common, gain_level, gain_slope, year_noise)

    def step(self) -> None:
        self.slope = self._rho * self.slope
        self.level = self._kept * self.level + self._drift + self.slope
        self.spread, self.common = self._ahead(self.spread), self._ahead(self.common)

    def _ahead(self, matrix: Floats) -> Floats:
        ll, ld, dd = matrix[0] * self._kept**2, matrix[1] * self._kept, matrix[2]
        rho, level, slope = self._rho, self._sigma_level**2, self._sigma_slope**2
        return np.array(
            [ll + 2 * rho * ld + rho**2 * dd + slope + level, rho * (ld + rho * dd) + slope, rho**2 * dd + slope]
        )

    def shock_share(self) -> float:
        left, reach = self._kept**YEARS_AHEAD, _reach(self._rho, self._kept, YEARS_AHEAD)
        variances = [left**2 * m[0] + 2 * left * reach * m[1] + reach**2 * m[2] for m in (self.common, self.spread)]
        return float(np.mean(variances[0] / variances[1]))


def _joseph(matrix: Floats, gain_level: Floats, gain_slope: Floats, variance: Floats) -> Floats:
    """(I - K H) M (I - K H)^T + variance K K^T for H = (1, 0)."""
    ll, ld, dd = matrix
    kept = 1.0 - gain_level
    return np.array(
        [
            kept**2 * ll + gain_level**2 * variance,
            kept * (ld - gain_slope * ll) + gain_level * gain_slope * variance,
            dd - 2 * gain_slope * ld + gain_slope**2 * ll + gain_slope**2 * variance,
        ]
    )
