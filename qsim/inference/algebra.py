"""Compiled linear algebra of the nested Laplace kernels, and the two-part proposal of their draws."""

from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from qsim.model.likelihood import INTERVAL

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_OPEN_SHARE: Final = 1.0 / 16.0
"""Share of the curvature of a figure with one side in the wide half of the draws. [1]"""


@njit(cache=True, nogil=True, error_model="numpy")
def cholesky(matrix: Floats) -> Floats:
    """Lower factor; a pivot that is lost in rounding becomes tiny instead."""
    n = matrix.shape[0]
    factor = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1):
            total = matrix[i, j]
            for k in range(j):
                total -= factor[i, k] * factor[j, k]
            factor[i, j] = np.sqrt(max(total, 1e-300)) if i == j else total / factor[j, j]
    return factor


@njit(cache=True, nogil=True, error_model="numpy")
def solve(factor: Floats, right: Floats) -> Floats:
    """Solve (factor factor^T) x = right."""
    n = right.shape[0]
    x = right.copy()
    for i in range(n):
        for k in range(i):
            x[i] -= factor[i, k] * x[k]
        x[i] /= factor[i, i]
    for i in range(n - 1, -1, -1):
        for k in range(i + 1, n):
            x[i] -= factor[k, i] * x[k]
        x[i] /= factor[i, i]
    return x


@njit(cache=True, nogil=True, error_model="numpy")
def inner(k: Floats, w: Floats) -> Floats:
    """Cholesky factor of B = I + W^1/2 K W^1/2."""
    n = w.shape[0]
    b = np.empty((n, n))
    for i in range(n):
        for j in range(n):
            b[i, j] = np.sqrt(w[i] * w[j]) * k[i, j]
        b[i, i] += 1.0
    return cholesky(b)


@njit(cache=True, nogil=True, error_model="numpy")
def first_guess(k: Floats, mean: Floats, guess: Floats, guess_variance: Floats, noise: Floats) -> Floats:
    """``a`` of the Gaussian model whose figures are the middles of the intervals."""
    n = mean.shape[0]
    c = k.copy()
    for i in range(n):
        c[i, i] += guess_variance[i] + noise[i]
    return solve(cholesky(c), guess - mean)


@njit(cache=True, nogil=True, error_model="numpy")
def is_open(kind: int, lower: float, upper: float, size: float) -> bool:
    """Whether a figure bounds its latent value on one side only: a half-open interval, a count of none or of all."""
    if kind == INTERVAL:
        return bool(np.isinf(lower) != np.isinf(upper))
    return lower == 0.0 or upper == size


@njit(cache=True, nogil=True, error_model="numpy")
def first_open(kind: Ints, lower: Floats, upper: Floats, size: Floats) -> int:
    """Place of the first figure with one side; -1 where there is none."""
    for i in range(kind.shape[0]):
        if is_open(kind[i], lower[i], upper[i], size[i]):
            return i
    return -1


@njit(cache=True, nogil=True, error_model="numpy")
def widened(w: Floats, kind: Ints, lower: Floats, upper: Floats, size: Floats) -> Floats:
    """Curvatures of the wide half of the draws: a fraction of those of figures with one side."""
    wide = w.copy()
    for i in range(w.shape[0]):
        if is_open(kind[i], lower[i], upper[i], size[i]):
            wide[i] *= _OPEN_SHARE
    return wide


@njit(cache=True, nogil=True, error_model="numpy")
def fill_factors(k: Floats, w: Floats, wide: Floats, mixed: bool, factors: Floats) -> float:
    """Fill the factors of B of both halves of the draws; return half the difference of their log determinants.

    The second is not needed where the draws are not ``mixed``.
    """
    factors[0] = inner(k, w)
    if not mixed:
        return 0.0
    factors[1] = inner(k, wide)
    shift = 0.0
    for i in range(w.shape[0]):
        shift += np.log(factors[1, i, i] / factors[0, i, i])
    return float(shift)


@njit(cache=True, nogil=True, error_model="numpy")
def log_expansion(delta: Floats, a: Floats, w: Floats, wide: Floats, shift: float, mixed: bool) -> float:
    """Log of the normal factor that was expanded, over its value at the mode; half of it the wide one if ``mixed``."""
    slope, narrow = np.dot(a, delta), -0.5 * np.dot(delta, w * delta)
    if not mixed:
        return float(slope + narrow)
    broad = -0.5 * np.dot(delta, wide * delta) + shift
    top = max(narrow, broad)
    return float(slope + top + np.log(0.5 * np.exp(narrow - top) + 0.5 * np.exp(broad - top)))
