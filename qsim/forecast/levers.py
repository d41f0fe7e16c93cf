"""Levers as shifts of the link scale: drawn once, the same in every scenario that pulls them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from qsim.inference.fit import stream
from qsim.model.links import Link
from qsim.plans.scenarios import Certain, Lever, Normal, Size

Floats = NDArray[np.float64]


def lever_shift(lever: Lever, level: Floats, years: Sequence[int], link: Link, seed: int) -> Floats:
    """Shift of the level by one lever.

    A size in points is taken at each draw's level of the year before the lever starts and carried on the link scale, so
    that an effect saturates near the limit of the scale by itself.

    Parameters
    ----------
    level : array, dims (draw, year)
        Levels without any lever, of every year of the series, whichever years are asked for. [link scale]

    Returns
    -------
    array, dims (draw, year)
        Shift. [link scale]
    """
    size = draw_size(lever.size, level.shape[0], stream(seed, lever.id, "lever"))
    if lever.scale == "points":
        before = max(0, int(np.searchsorted(years, lever.start_year)) - 1)
        size = size / link.slope(level[:, min(before, level.shape[1] - 1)])
    return size[:, None] * share_in_effect(lever, years)[None, :]


def share_in_effect(lever: Lever, years: Sequence[int]) -> Floats:
    """Share of the full effect in each year, dims (year). [1]"""
    elapsed = np.asarray(years, dtype=float) - lever.start_year + 1.0
    if lever.full_effect_year is None:
        return (elapsed > 0.0).astype(float)
    return np.clip(elapsed / (lever.full_effect_year - lever.start_year + 1.0), 0.0, 1.0)


def draw_size(size: Size, draws: int, rng: np.random.Generator) -> Floats:
    """Draws of a lever's full effect, dims (draw). [points or link scale]"""
    if isinstance(size, Certain):
        return np.full(draws, size.value)
    if isinstance(size, Normal):
        return rng.normal(size.mean, size.sd, draws)
    return rng.triangular(size.low, size.mode, size.high, draws)
