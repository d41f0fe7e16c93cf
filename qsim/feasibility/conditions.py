r"""Statements as linear conditions on published figures, read off their margins.

Every kind of statement asks that sums of its figures reach something: with :math:`y_{dt}` the figure of draw d and year
t, it holds on the draw if and only if

.. math:: \sum_t a_{ct}\, y_{dt} \ge b_{dc} \quad \text{for every condition } c.

A margin (:mod:`qsim.feasibility.events`) is affine in the figures, so its value at zero and at one figure of
:math:`2^{20}` give a and b without a second text of any kind. A range is the one kind that is not: its margin is the
lesser of two, and each end is asked alone. What a relative target is compared with depends on the own figures by a
share of their change, which is affine too.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from qsim.feasibility.events import EXACT
from qsim.plans.targets import ImproveTarget, RangeTarget, Target

Floats = NDArray[np.float64]
Margin = Callable[[Target, Floats], Floats]
"""Margins of a target, dims (draw, due year), where the figures of all draws are these, dims (year)."""

_UNIT: Final = 2.0**20
"""Figure that is tried: a power of two, so that dividing by it is exact, and large beside what is subtracted."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Conditions:
    """What the figures of some years have to reach."""

    years: tuple[int, ...]
    weights: Floats
    """dims (condition, year). [1]"""
    need: Floats
    """dims (draw, condition). [unit]"""

    def hold(self, figures: Floats, draws: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether figures meet all conditions, dims (row).

        Parameters
        ----------
        figures : array, dims (row, year)
            [unit]. A year without a figure meets nothing that asks for it.
        draws : array, dims (row)
            Draw of each row.
        """
        met = np.ones(figures.shape[0], dtype=bool)
        for number, weights in enumerate(self.weights):
            asked = np.flatnonzero(weights)
            met &= figures[:, asked] @ weights[asked] >= self.need[draws, number]
        return met


def conditions_of(target: Target, years: Sequence[int], margin: Margin) -> Conditions:
    """Read the conditions of a target off its margins.

    Parameters
    ----------
    years : sequence of int
        Years whose figures it looks at.
    margin : callable
        Its margins where the figures are given ones.
    """
    found = [_of_one_side(side, len(years), margin) for side in _sides(target)]
    return Conditions(
        years=tuple(years),
        weights=np.concatenate([weights for weights, _ in found]),
        need=np.concatenate([need for _, need in found], axis=1),
    )


def all_of(parts: Sequence[Conditions]) -> Conditions:
    """Conditions of several statements about one series at once."""
    years = tuple(sorted({year for part in parts for year in part.years}))
    weights = np.zeros((sum(len(part.weights) for part in parts), len(years)))
    first = 0
    for part in parts:
        places = [years.index(year) for year in part.years]
        weights[first : first + len(part.weights), places] = part.weights
        first += len(part.weights)
    return Conditions(years=years, weights=weights, need=np.concatenate([part.need for part in parts], axis=1))


def _of_one_side(target: Target, years: int, margin: Margin) -> tuple[Floats, Floats]:
    at_zero = margin(target, np.zeros(years))
    tried = [margin(target, unit) for unit in _UNIT * np.eye(years)]
    weights = np.stack([(one[0] - at_zero[0]) / _UNIT for one in tried], axis=1)
    if isinstance(target, ImproveTarget):  # asks for more, not for as much
        return weights, np.nextafter(EXACT - at_zero, np.inf)
    return weights, -EXACT - at_zero


def _sides(target: Target) -> tuple[Target, ...]:
    if not isinstance(target, RangeTarget):
        return (target,)
    return target.model_copy(update={"value_hi": np.inf}), target.model_copy(update={"value": -np.inf})
