"""Elementary functions by arithmetic alone: they compile to vector instructions, calls of the C library do not."""

from typing import Final

from numba import njit

_FARTHEST: Final = 40.0
"""Beyond it exp(-x) is taken as of here: 4e-18."""


@njit(cache=True, nogil=True, error_model="numpy")
def exp_minus(size: float) -> float:
    """exp(-size) for size >= 0, within 2e-7 of itself and 2e-10 in all: the 256th power of a Taylor polynomial."""
    # min(size, 40) without a branch
    x = -0.5 * (size + _FARTHEST - abs(size - _FARTHEST)) / 256.0
    y = 1.0 + x * (1.0 + x / 2.0 * (1.0 + x / 3.0 * (1.0 + x / 4.0 * (1.0 + x / 5.0 * (1.0 + x / 6.0)))))
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
    series = 1.0 / 13.0 + q * (1.0 / 15.0 + q / 17.0)
    series = 1.0 / 5.0 + q * (1.0 / 7.0 + q * (1.0 / 9.0 + q * (1.0 / 11.0 + q * series)))
    return 0.5 * (f + size) + 2.0 * s * (1.0 + q * (1.0 / 3.0 + q * series))


@njit(cache=True, nogil=True, error_model="numpy")
def expit(f: float) -> float:
    """1 / (1 + exp(-f)), within 2e-7 of itself and of one minus itself."""
    y = exp_minus(abs(f))
    low = y / (1.0 + y)
    return low if f < 0.0 else 1.0 / (1.0 + y)
