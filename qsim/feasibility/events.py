"""Targets as events on draws: pure functions, no sampler.

Each function takes draws of one series and says, draw by draw and year by year, whether the target is met. A target
is met as a whole where it is met in every one of its years.
"""

from typing import Final

import xarray as xr

from qsim.errors import HorizonError
from qsim.plans.targets import (
    ImproveTarget,
    LevelTarget,
    MaintainTarget,
    NoDecreaseTarget,
    PathTarget,
    Target,
)
from qsim.vocabulary import YEAR, Comparator

_EXACT: Final = 1e-9
"""Slack for figures that are decimals in base two."""

_FULL: Final = 100.0

ASSESSED_KINDS: Final = (LevelTarget, PathTarget, MaintainTarget, ImproveTarget, NoDecreaseTarget)


def levels_of(target: Target) -> dict[int, float]:
    """Figure to reach in each year, empty where it is no fixed one. [unit]"""
    if isinstance(target, LevelTarget):
        return {target.year: target.value}
    if isinstance(target, PathTarget):
        return dict(sorted(target.values.items()))
    if isinstance(target, MaintainTarget):
        return dict.fromkeys(target.years, target.value)
    return {}


def years_needed(target: Target) -> tuple[int, ...]:
    """Years of draws that :func:`met` looks at."""
    if isinstance(target, ImproveTarget):
        before = [year - 1 for year in target.years] if target.yearly else [target.base_year]
        return tuple(sorted({*target.years, *before}))
    if isinstance(target, NoDecreaseTarget):
        return (target.base_year, target.year)
    return target.years


def met(target: Target, draws: xr.DataArray, *, print_step: float = 0.0) -> xr.DataArray:
    """Say for each draw and year whether a target is met.

    Parameters
    ----------
    target : Target
        Of one of :data:`ASSESSED_KINDS`.
    draws : xarray.DataArray, dims (..., year)
        Published figures or true levels of one series. [unit of the indicator]
    print_step : float
        Last printed digit. [unit]. A true level meets ``= 100 %`` if it would print as 100; published figures are
        printed already and take 0.

    Returns
    -------
    xarray.DataArray of bool, dims (..., year)
        ``year`` holds the years of the target.

    Raises
    ------
    HorizonError
        If a year that the target needs is not among the draws.
    TypeError
        If the kind is none of :data:`ASSESSED_KINDS`.
    """
    missing = [year for year in years_needed(target) if year not in draws[YEAR]]
    if missing:
        first, last = (int(year) for year in draws[YEAR].values[[0, -1]])
        raise HorizonError(
            f"target {target.id!r} needs {missing[0]}, the forecast covers {first}-{last}: forecast that year too"
        )
    if isinstance(target, LevelTarget | PathTarget | MaintainTarget):
        levels = levels_of(target)
        due = draws.sel({YEAR: list(levels)})
        return _compare(due, xr.DataArray(list(levels.values()), dims=YEAR), target.comparator, print_step)
    if isinstance(target, ImproveTarget):
        better = _above if target.direction == "up" else _below
        return better(draws.sel({YEAR: list(target.years)}), _before(target, draws))
    if isinstance(target, NoDecreaseTarget):
        base = draws.sel({YEAR: target.base_year}, drop=True)
        return draws.sel({YEAR: [target.year]}) >= base - _EXACT
    raise TypeError(f"target {target.id!r} is of kind {target.kind!r}, which is not assessed yet")


def _before(target: ImproveTarget, draws: xr.DataArray) -> xr.DataArray:
    """Figures to beat, on the years of the target."""
    if not target.yearly:
        return draws.sel({YEAR: target.base_year}, drop=True)
    before = draws.sel({YEAR: [year - 1 for year in target.years]})
    return before.assign_coords({YEAR: list(target.years)})


def _compare(due: xr.DataArray, level: xr.DataArray, comparator: Comparator, print_step: float) -> xr.DataArray:
    level = level.assign_coords({YEAR: due[YEAR]})
    if comparator == "<=":
        return due <= level + _EXACT
    # "=" on a count means at least; on 100 % it means prints as 100
    full = (level == _FULL) & (comparator == "=")
    return due >= level.where(~full, level - 0.5 * print_step) - _EXACT


def _above(due: xr.DataArray, base: xr.DataArray) -> xr.DataArray:
    return due > base + _EXACT


def _below(due: xr.DataArray, base: xr.DataArray) -> xr.DataArray:
    return due < base - _EXACT
