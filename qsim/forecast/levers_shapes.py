"""Shapes of an effect: how much of it is there in which year."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from qsim.plans.levers import Lever

Floats = NDArray[np.float64]


def share_in_effect(lever: Lever, years: Sequence[int]) -> Floats:
    r"""Share of the full effect in each year.

    With :math:`k` the years in force, the start year counted as one, and :math:`x = k / n` the part of the way to the
    full-effect year: ramp :math:`x`, S-curve :math:`3x^2 - 2x^3`, decay :math:`2^{-(k-1)/h}`; a pulse falls by equal
    parts from its end year to its recovered year.

    Returns
    -------
    array, dims (year)
        [1]
    """
    at = np.asarray(years, dtype=float)
    start = lever.start_year + (lever.lag_years or 0)
    in_force = (at >= start).astype(float)
    if lever.half_life is not None:
        return np.asarray(in_force * 2.0 ** (-np.maximum(at - start, 0.0) / lever.half_life))
    if lever.end_year is not None and lever.recovered_year is not None:
        left = (lever.recovered_year - at) / (lever.recovered_year - lever.end_year)
        return np.asarray(in_force * np.clip(left, 0.0, 1.0))
    if lever.full_effect_year is None:
        return in_force
    way = np.clip((at - start + 1.0) / (lever.full_effect_year - start + 1.0), 0.0, 1.0)
    return np.asarray(way * way * (3.0 - 2.0 * way)) if lever.shape == "s_curve" else way


def share_to_come(shares: Floats, years: Sequence[int], settled: int) -> Floats:
    """What the years after the last figure add: figures hold the part already in effect.

    Parameters
    ----------
    shares : array, dims (year)
        Share in effect of each year. [1]
    years : sequence of int
        Consecutive years that include the settled one.
    settled : int
        Last year that figures tell of.

    Returns
    -------
    array, dims (year)
        Zero up to the settled year. [1]
    """
    at = np.asarray(years)
    return np.asarray(np.where(at > settled, shares - shares[at == settled][0], 0.0))
