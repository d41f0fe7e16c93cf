r"""What a figure says something about, where that is more than the eta of one year.

Let :math:`\eta_t = level_t + e_t + o` be the year's own value on the link scale, with its year noise and the offset of
the figure's basis, and :math:`g` the inverse link. The latent value :math:`u` of a figure about the years
:math:`s \dots t` is

=============  =====================================================  ==========================================
form           :math:`u`                                              a figure such as
=============  =====================================================  ==========================================
LEVEL          :math:`\eta_t`                                         93.2 %; on another basis; of part of a year
TOTAL          :math:`g^{-1}(\sum_{j=s}^t w\, g(\eta_j))`             mean of five years (:math:`w = 1/5`), sum (1)
RATIO          :math:`\log g(\eta_t) - \log g(\eta_s)`                5年累计下降 25.44 %
DIFFERENCE     :math:`[g(\eta_t) - g(\eta_s)] / c`                    提高 9.8 个百分点
=============  =====================================================  ==========================================

LEVEL is linear on every link, RATIO on the log, DIFFERENCE and TOTAL on the identity. The others are expanded at a
point, :math:`u \approx u_0 + \nabla u \cdot (\eta - \eta_0)`, which a search for the mode renews until it stands still
(Gauss-Newton). The year noise belongs to the year: a change from one year to another says nothing new where the figures
of both years are known.

Source: Fahrmeir & Tutz (2001), Multivariate statistical modelling based on generalized linear models, ch. 8 (mode by
repeated linearisation).
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from qsim.model.links import LinkName

Floats = NDArray[np.float64]

LEVEL: Final = 0
TOTAL: Final = 1
RATIO: Final = 2
DIFFERENCE: Final = 3

LOGIT: Final = 0
LOG: Final = 1
IDENTITY: Final = 2
LINK_NUMBER: Final[dict[LinkName, int]] = {"logit": LOGIT, "log": LOG, "identity": IDENTITY}

SMALLEST_INDEX: Final = 1e-12
"""Least value whose log is taken: an index is positive, and a search may step outside."""


@dataclass(frozen=True, kw_only=True)
class Extra:
    """A figure of a series that is not the level of one full year on the basis of the series."""

    form: int
    first_year: int
    """First year it is about: the base year of a change, the first of several years; else ``year``."""
    year: int
    """Last year it is about."""
    kind: int
    """Likelihood of the latent value (:mod:`qsim.model.likelihood`)."""
    lower: float
    """Lower end: a count, or on the scale of the latent value."""
    upper: float
    size: float = math.nan
    """Trials; NaN where there are none."""
    guess: float
    """Middle of the figure on the scale of the latent value, finite."""
    guess_variance: float
    weight: float = 1.0
    """Weight w of each year in a TOTAL. [1]"""
    scale: float = 1.0
    """Unit c of a DIFFERENCE. [inverse link scale]"""
    sd: float = 0.0
    """Noise of its own beside the year noise. [scale of the latent value]"""
    offset: int = -1
    """Place of its basis among the offsets of the series; -1 on the basis of the series."""
    other: "Extra | None" = None
    """The second reading of an ambiguous figure; both are equally likely."""


@dataclass(frozen=True, kw_only=True)
class Offset:
    """How far figures on another basis lie from the series, o ~ N(mean, sd^2)."""

    basis: str
    mean: float
    """[link scale]"""
    sd: float
    """[link scale]"""
    source: str = ""
    """What the prior rests on."""


@njit(cache=True, nogil=True, error_model="numpy")
def is_linear(form: int, link: int) -> bool:
    """Whether the latent value is a linear function of eta."""
    return form == LEVEL or (form == RATIO and link == LOG) or (form != RATIO and link == IDENTITY)


@njit(cache=True, nogil=True, error_model="numpy")
def _inverse(link: int, eta: float) -> float:
    """Value on the inverse link scale, in units of the link."""
    if link == LOGIT:
        return 1.0 / (1.0 + math.exp(-eta))
    return math.exp(eta) if link == LOG else eta


@njit(cache=True, nogil=True, error_model="numpy")
def _inverse_slope(link: int, eta: float) -> float:
    value = _inverse(link, eta)
    if link == LOGIT:
        return value / (1.0 + math.exp(eta))
    return value if link == LOG else 1.0


@njit(cache=True, nogil=True, error_model="numpy")
def _log_inverse(link: int, eta: float) -> float:
    if link == LOGIT:
        return -math.log1p(math.exp(-eta)) if eta > 0.0 else eta - math.log1p(math.exp(eta))
    return eta if link == LOG else math.log(max(eta, SMALLEST_INDEX))


@njit(cache=True, nogil=True, error_model="numpy")
def _log_inverse_slope(link: int, eta: float) -> float:
    if link == LOGIT:
        return 1.0 / (1.0 + math.exp(eta))
    return 1.0 if link == LOG else 1.0 / max(eta, SMALLEST_INDEX)


@njit(cache=True, nogil=True, error_model="numpy")
def _total(link: int, weight: float, eta: Floats, slopes: Floats) -> float:
    if link == IDENTITY:
        slopes[:] = weight
        return weight * float(eta.sum())
    if link == LOG:
        top = eta.max()
        slopes[:] = np.exp(eta - top)
        total = slopes.sum()
        slopes /= total
        return float(math.log(weight) + top + math.log(total))
    p = 1.0 / (1.0 + np.exp(-eta))
    # the complement is summed by itself: near the limit it is all that differs
    share, rest = weight * p.sum(), weight * (1.0 / (1.0 + np.exp(eta))).sum()
    slopes[:] = weight * p / (1.0 + np.exp(eta)) / (share * rest)
    return float(math.log(share) - math.log(rest))


@njit(cache=True, nogil=True, error_model="numpy")
def latent_value(form: int, link: int, weight: float, scale: float, eta: Floats, slopes: Floats) -> float:
    """Latent value of a figure about the years of ``eta``; fills its slopes in them, dims (year).

    On the logit the weights of a TOTAL sum to 1.
    """
    slopes[:] = 0.0
    last = eta.shape[0] - 1
    if form == LEVEL:
        slopes[last] = 1.0
        return float(eta[last])
    if form == TOTAL:
        return _total(link, weight, eta, slopes)
    if form == RATIO:
        slopes[last] += _log_inverse_slope(link, eta[last])
        slopes[0] -= _log_inverse_slope(link, eta[0])
        return _log_inverse(link, eta[last]) - _log_inverse(link, eta[0])
    slopes[last] += _inverse_slope(link, eta[last]) / scale
    slopes[0] -= _inverse_slope(link, eta[0]) / scale
    return (_inverse(link, eta[last]) - _inverse(link, eta[0])) / scale
