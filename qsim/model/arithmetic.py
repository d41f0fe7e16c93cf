"""Elementary functions by arithmetic alone: they compile to vector instructions, calls of the C library do not."""

from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_FARTHEST: Final = 40.0
"""Beyond it exp(-x) is taken as of here: 4e-18."""

_SQRT_HALF: Final = float(np.sqrt(0.5))
_LOG_2: Final = float(np.log(2.0))


@njit(cache=True, nogil=True, error_model="numpy")
def exp_minus(size: float) -> float:
    """exp(-size) for size >= 0, within 2e-7 of itself and 2e-10 in all: the 256th power of a Taylor polynomial."""
    # min(size, 40) without a branch
    x = -0.5 * (size + _FARTHEST - abs(size - _FARTHEST)) / 256.0
    # products with constants: a division takes as long as ten of them
    y = 1.0 / 6.0 + x * (1.0 / 24.0 + x * (1.0 / 120.0 + x * (1.0 / 720.0)))
    y = 1.0 + x * (1.0 + x * (0.5 + x * y))
    y = y * y
    y = y * y
    y = y * y
    y = y * y
    y = y * y
    y = y * y
    y = y * y
    return y * y


@njit(cache=True, nogil=True, error_model="numpy")
def softplus(f: float) -> float:
    """log(1 + exp(f)), within 2e-7 of itself and 2e-10 in all: log(1 + y) = 2 artanh(y / (2 + y)) by its series."""
    size = abs(f)
    y = exp_minus(size)
    s = y / (2.0 + y)
    q = s * s
    series = 1.0 / 13.0 + q * (1.0 / 15.0 + q * (1.0 / 17.0))
    series = 1.0 / 5.0 + q * (1.0 / 7.0 + q * (1.0 / 9.0 + q * (1.0 / 11.0 + q * series)))
    return 0.5 * (f + size) + 2.0 * s * (1.0 + q * (1.0 / 3.0 + q * series))


@njit(cache=True, nogil=True, error_model="numpy")
def expit(f: float) -> float:
    """1 / (1 + exp(-f)), within 2e-7 of itself and of one minus itself."""
    y = exp_minus(abs(f))
    low = y / (1.0 + y)
    return low if f < 0.0 else 1.0 / (1.0 + y)


@njit(cache=True, nogil=True, error_model="numpy")
def normal_tail(x: float) -> float:
    """Upper tail of the standard normal law for x >= 0, within 2e-7 of itself, and 3e-18 where that is more.

    Source: Press et al. (2007), Numerical Recipes, 6.2.2 (erfc by a Chebyshev fit within 1.2e-7 of itself).
    """
    z = _SQRT_HALF * min(x, _FARTHEST)
    t = 1.0 / (1.0 + 0.5 * z)
    fit = -0.18628806 + t * (0.27886807 + t * (-1.13520398 + t * (1.48851587 + t * (-0.82215223 + t * 0.17087277))))
    fit = 1.26551223 - t * (1.00002368 + t * (0.37409196 + t * (0.09678418 + t * fit)))
    return 0.5 * t * exp_minus(z * z + fit)


@njit(cache=True, nogil=True, error_model="numpy")
def normal_mass(alpha: float, beta: float) -> float:
    """Standard normal mass from alpha to beta, not much narrower than 1: see :func:`normal_tail`."""
    # the side on which both ends have their digits
    turned = alpha + beta > 0.0
    low, high = -beta if turned else alpha, -alpha if turned else beta
    tail = normal_tail(abs(high))
    return (tail if high < 0.0 else 1.0 - tail) - normal_tail(-low)


_MANTISSA: Final = 52
"""Bits of a double behind the point."""
_ROOT_HALF: Final = int(np.float64(np.sqrt(0.5)).view(np.int64))
"""Bits of the square root of one half."""


@njit(cache=True, nogil=True, error_model="numpy")
def log_each(x: Floats, out: Floats) -> None:
    """Logs of positive normal numbers, within 1e-12: x = m 2^e, log m = 2 artanh((m - 1) / (m + 1)) by its series."""
    bits = x.view(np.int64)
    for j in range(x.shape[0]):
        # m between the roots of one half and of two
        e = (bits[j] - _ROOT_HALF) >> _MANTISSA
        out[j] = float(e)
    bits = bits - ((bits - _ROOT_HALF) >> _MANTISSA << _MANTISSA)
    m = bits.view(np.float64)
    for j in range(x.shape[0]):
        s = (m[j] - 1.0) / (m[j] + 1.0)
        q = s * s
        series = 1.0 / 7.0 + q * (1.0 / 9.0 + q * (1.0 / 11.0 + q * (1.0 / 13.0)))
        out[j] = _LOG_2 * out[j] + 2.0 * s * (1.0 + q * (1.0 / 3.0 + q * (1.0 / 5.0 + q * series)))


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"reassoc", "nnan", "nsz"})
def largest_of(x: Floats) -> float:
    """Largest of finite numbers."""
    found = x[0]
    for j in range(x.shape[0]):
        found = max(found, x[j])
    return float(found)


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"reassoc", "nnan", "nsz"})
def smallest_of(x: Floats) -> float:
    """Smallest of finite numbers."""
    found = x[0]
    for j in range(x.shape[0]):
        found = min(found, x[j])
    return float(found)


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"reassoc"})
def sum_of(x: Floats) -> float:
    """Sum, in an order that vectors take."""
    total = 0.0
    for j in range(x.shape[0]):
        total += x[j]
    return total


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"reassoc"})
def sum_of_squares(x: Floats) -> float:
    """Sum of squares, in an order that vectors take."""
    total = 0.0
    for j in range(x.shape[0]):
        total += x[j] * x[j]
    return total
