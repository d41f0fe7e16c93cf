r"""Targets as events on draws: pure functions, no sampler.

Every statement is written as a margin, dims (draw, year): by how much a draw meets it in each of its years. It is met
in a year where the margin is at least zero (above zero where the text asks for more or less than before), and as a
whole where it is met in every one of its years. With :math:`y_t` the figure, :math:`b` the base year and :math:`s = 1`
for a figure that has to be high, -1 for one that has to be low:

=========== ==========================================================================
level       :math:`s (y_T - L)`; ``=`` on 100 % is met by what prints as 100
path        :math:`s (y_t - L_t)` for every year of the path
maintain    :math:`s (y_t - L)` for every year of the period
improve     :math:`s (y_T - y_b) > 0`, or :math:`s (y_t - y_{t-1}) > 0` every year
no_decrease :math:`y_T - y_b`
relative    :math:`s (y_t - r_t)` with the reference's figure :math:`r_t` of the same year
change      :math:`s (y_T - y_b (1 + s v / 100))`, or :math:`s (y_T - y_b) - v` for points
cumulative  :math:`\sum_{t=b+1}^T y_t - V` for a yearly number, :math:`y_T - y_b - V` for a stock, or year by year
range       :math:`\min(y_T - L, H - y_T)`
zero        :math:`-y_t`
=========== ==========================================================================
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from qsim.errors import HorizonError
from qsim.indicators import Indicator
from qsim.plans.targets import (
    ChangeTarget,
    CumulativeTarget,
    ImproveTarget,
    LevelTarget,
    MaintainTarget,
    NoDecreaseTarget,
    PathTarget,
    RangeTarget,
    RelativeTarget,
    Target,
    ZeroTarget,
)
from qsim.vocabulary import YEAR, Comparator

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

EXACT: Final = 1e-9
"""Slack for figures that are decimals in base two."""

COUNTED: Final = frozenset({"count", "stock", "events", "days"})
"""Families whose figures are whole numbers."""

_FULL: Final = 100.0
_FLOWS: Final = frozenset({"count", "events"})
"""Families whose figure is the number of new ones in a year, so that they add up."""


@dataclass(frozen=True, eq=False)
class Draws:
    """Draws of one series."""

    values: Floats
    """dims (..., year). [unit of the indicator]"""
    years: tuple[int, ...]

    def at(self, year: int) -> Floats:
        """Draws of one year, dims (...)."""
        return np.asarray(self.values[..., self.years.index(year)])

    def over(self, years: tuple[int, ...]) -> Floats:
        """Draws of several years, dims (..., year)."""
        return np.asarray(self.values[..., [self.years.index(year) for year in years]])


def is_flow(indicator: Indicator) -> bool:
    """Whether the figure of an indicator is the number of new ones in a year."""
    return indicator.family in _FLOWS


def levels_of(target: Target) -> dict[int, float]:
    """Figure to reach in each year, empty where it is no fixed one. [unit]"""
    match target:
        case LevelTarget() | RangeTarget():
            return {target.year: target.value}
        case PathTarget():
            return dict(sorted(target.values.items()))
        case MaintainTarget():
            return dict.fromkeys(target.years, target.value)
        case CumulativeTarget() if target.per_year:
            return dict.fromkeys(target.years, target.value)
        case ZeroTarget():
            return dict.fromkeys(target.years, 0.0)
        case _:
            return {}


def wants_high(target: Target) -> bool:
    """Whether a higher figure helps the statement; of a range, its lower end counts."""
    match target:
        case ZeroTarget():
            return False
        case ImproveTarget() | ChangeTarget():
            return target.direction == "up"
        case NoDecreaseTarget() | RangeTarget():
            return True
        case _:
            return target.comparator != "<="


def years_needed(target: Target, *, flow: bool = False) -> tuple[int, ...]:
    """Years of draws that a statement looks at; ``flow`` as :func:`is_flow` says."""
    match target:
        case ImproveTarget() if target.yearly:
            return tuple(range(target.first_year - 1, target.year + 1))
        case ImproveTarget() | NoDecreaseTarget() | ChangeTarget():
            return tuple(sorted({target.base_year, target.year}))
        case CumulativeTarget() if target.per_year:
            return target.years if flow else (target.first_year - 1, *target.years)
        case CumulativeTarget():
            return tuple(range(target.base_year + 1, target.year + 1)) if flow else (target.base_year, target.year)
        case _:
            return target.years


def margins(  # noqa: PLR0911 (a return for each kind)
    target: Target, own: Draws, *, reference: Draws | None = None, print_step: float = 0.0, flow: bool = False
) -> Floats:
    """By how much each draw meets a statement in each of its years (see the module).

    Parameters
    ----------
    target : Target
    own : Draws
        Published figures or true levels of the series.
    reference : Draws, optional
        What a relative target is compared with, draw by draw.
    print_step : float
        Last printed digit. [unit]. A true level meets ``= 100 %`` if it would print as 100; published figures are
        printed already and take 0.
    flow : bool
        Whether the figure is the number of new ones in a year (:func:`is_flow`).

    Returns
    -------
    array, dims (..., year)
        One entry for each of ``target.years``. [unit]

    Raises
    ------
    HorizonError
        If a year that the statement needs is not among the draws.
    TypeError
        If a relative target comes without a reference.
    """
    _check_years(target, own, years_needed(target, flow=flow))
    sign = 1.0 if wants_high(target) else -1.0
    due = own.over(target.years)
    match target:
        case LevelTarget() | PathTarget() | MaintainTarget():
            return sign * (due - _levels(target, target.comparator, print_step))
        case ImproveTarget() if target.yearly:
            return sign * (due - own.over(tuple(year - 1 for year in target.years)))
        case ImproveTarget() | NoDecreaseTarget():
            return sign * (due - own.at(target.base_year)[..., None])
        case ChangeTarget():
            base = own.at(target.base_year)[..., None]
            size = 0.01 * target.value * base if target.relative else target.value
            return sign * (due - base) - size
        case RelativeTarget():
            if reference is None:
                raise TypeError(f"target {target.id!r} is relative: pass the draws of its reference")
            _check_years(target, reference, target.years)
            return sign * (due - reference.over(target.years))
        case CumulativeTarget():
            return sign * (_new_ones(target, own, flow=flow) - target.value)
        case RangeTarget():
            return np.minimum(due - target.value, target.value_hi - due)
        case ZeroTarget():
            return -due


def is_met(target: Target, margin: Floats) -> Bools:
    """Whether margins meet a statement: above zero for ``improve``, at least zero otherwise."""
    return np.asarray(margin > EXACT if isinstance(target, ImproveTarget) else margin >= -EXACT)


def met(
    target: Target,
    draws: xr.DataArray,
    *,
    reference: xr.DataArray | None = None,
    print_step: float = 0.0,
    flow: bool = False,
) -> xr.DataArray:
    """Say for each draw and year whether a target is met.

    The same as :func:`margins` and :func:`is_met`, for labelled draws of dims (..., year).

    Returns
    -------
    xarray.DataArray of bool, dims (..., year)
        ``year`` holds the years of the target.

    Raises
    ------
    HorizonError
        If a year that the target needs is not among the draws.
    """
    own = _unlabelled(draws)
    other = None if reference is None else _unlabelled(reference.transpose(*draws.dims))
    result = is_met(target, margins(target, own, reference=other, print_step=print_step, flow=flow))
    dims = (*(dim for dim in draws.dims if dim != YEAR), YEAR)
    kept = {name: values for name, values in draws.coords.items() if YEAR not in values.dims}
    return xr.DataArray(result, dims=dims, coords={**kept, YEAR: list(target.years)})


def due_in(target: Target, year: int) -> Target | None:
    """The last requirement of a statement as if it fell due in another year; None where that makes no sense."""
    match target:
        case PathTarget():
            return target.model_copy(update={"values": {year: target.values[target.last_year]}})
        case ImproveTarget() if target.yearly:
            return None
        case CumulativeTarget() if target.per_year:
            return None
        case ZeroTarget():
            return None
        case MaintainTarget() | RelativeTarget() | ImproveTarget():
            return target.model_copy(update={"first_year": year, "year": year})
        case _:
            return target.model_copy(update={"year": year})


def _levels(target: LevelTarget | PathTarget | MaintainTarget, comparator: Comparator, print_step: float) -> Floats:
    levels = np.array(list(levels_of(target).values()))
    # "=" on a count means at least; on 100 % it means prints as 100
    return np.where((levels == _FULL) & (comparator == "="), levels - 0.5 * print_step, levels)


def _new_ones(target: CumulativeTarget, own: Draws, *, flow: bool) -> Floats:
    """Number of new ones in each year of the target."""
    if flow:
        if target.per_year:
            return own.over(target.years)
        return np.asarray(own.over(years_needed(target, flow=True)).sum(axis=-1, keepdims=True))
    before = tuple(year - 1 for year in target.years) if target.per_year else (target.base_year,)
    return own.over(target.years) - own.over(before)


def _check_years(target: Target, draws: Draws, years: tuple[int, ...]) -> None:
    missing = [year for year in years if year not in draws.years]
    if missing:
        raise HorizonError(
            f"target {target.id!r} needs {missing[0]}, the forecast covers {draws.years[0]}-{draws.years[-1]}: "
            "forecast that year too"
        )


def _unlabelled(draws: xr.DataArray) -> Draws:
    return Draws(np.asarray(draws.transpose(..., YEAR).values, dtype=float), tuple(draws[YEAR].values.tolist()))
