"""Random numbers of many series: drawn once for all, and paired anew for each by a few numbers of its own."""

import zlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.special import chdtri, ndtri

from qsim.model.trend import SHOCK_FREEDOM

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_NORMALS: Final = 32
_WIDTHS: Final = 4
"""Columns of shared random numbers; a series that needs more takes them again from other places."""


@dataclass(frozen=True, eq=False)
class Chances:
    """Random numbers that all series share, each series in a pairing of its own.

    A column is stratified (one value in each of as many equal strata as there are draws) and in random order; a series
    takes it from a random place on, so that the rows of two series, or of two columns, are paired at random.

    Source: McKay, Beckman & Conover (1979), doi:10.1080/00401706.1979.10489755 (Latin hypercube sampling).
    """

    normals: Floats
    """Standard normals, dims (column, 2 * draw), each column repeated once."""
    widths: Floats
    """Scales of future years (:func:`qsim.model.trend.shock_widths`), dims as above."""

    @property
    def draws(self) -> int:
        """Draws of a series."""
        return int(self.normals.shape[1]) // 2


@lru_cache(maxsize=4)
def chances(draws: int, seed: int) -> Chances:
    """Shared random numbers of a seed."""
    rng = np.random.default_rng([seed, draws])
    strata = rng.permuted(np.tile(np.arange(draws), (_NORMALS + _WIDTHS, 1)), axis=1)
    uniform = (strata + rng.uniform(1e-9, 1.0 - 1e-9, strata.shape)) / draws
    widths = np.sqrt((SHOCK_FREEDOM - 2.0) / chdtri(SHOCK_FREEDOM, uniform[_NORMALS:]))
    return Chances(np.tile(ndtri(uniform[:_NORMALS]), 2), np.tile(widths, 2))


def key_of(seed: int, label: str, purpose: str) -> int:
    """Key of the random numbers of one series and purpose: adding a series does not change another's."""
    return zlib.crc32(f"{seed}/{purpose}/{label}".encode())


@njit(cache=True, nogil=True, error_model="numpy")
def uniforms(key: int, count: int) -> Floats:
    """Random numbers in [0, 1) of a key, dims (number): at a tenth of the time that a NumPy generator takes to begin.

    Source: Steele, Lea & Flood (2014), doi:10.1145/2660193.2660195 (SplitMix64).
    """
    out, state = np.empty(count), np.uint64(key)
    for i in range(count):
        state += np.uint64(0x9E3779B97F4A7C15)
        z = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        out[i] = np.float64((z ^ (z >> np.uint64(31))) >> np.uint64(11)) * 2.0**-53
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def places(key: int, count: int, draws: int) -> Ints:
    """Where columns of shared random numbers begin for the series of a key, dims (column)."""
    return (uniforms(key, count) * draws).astype(np.int64)
