r"""Draws in which a statement holds, for every set of the levers that act on it, without a forecast for each set.

Effects (:class:`qsim.plans.levers.Lever`) add on the link scale, each measured on the levels without any, and leave the
chances of the published figure alone. For a statement that asks each later year t for at least (s = 1) or at most
(s = -1) a level of its own, and figures that never fall as the level rises, draw d has thresholds :math:`\tau_{dt}`:

.. math:: \text{met}_d(S) \iff s \Bigl(y_{dt} + \sum_{j \in S} x_{dj} w_{jt}\Bigr) \ge s\,\tau_{dt}
          \quad \text{for all } t,

with :math:`y` the level, :math:`x_{dj}` the full shift of lever j and :math:`w_{jt}` its share in year t. The threshold
is the last float that still meets, found by bisection on the floats with the figures themselves. The sum is made in the
order of a forecast, so both agree to the last bit. For each draw a tree decides one lever after the other; a branch
ends where what is left can neither save nor spoil it: the shifts are known, so that bound is proved.

Levers that change the course, the sample or the definition are few: every set of theirs gets thresholds of its own. A
natural limit squeezes levels depending on earlier ones; with it, and for other statements, each set is forecast.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np
import xarray as xr
from numba import njit
from numpy.typing import NDArray

from qsim.feasibility.statements import Trials
from qsim.forecast.levers import apply_levers, scenario_sizes
from qsim.forecast.levers_scales import lever_effect
from qsim.forecast.published import usual_trials
from qsim.plans.levers import Lever, Measure, NaturalLimit
from qsim.vocabulary import PUBLISHED, RATE, SAMPLE_DIMS, SCENARIO

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

MOST_OTHERS: Final = 5
"""Levers other than effects whose sets each get thresholds of their own."""
MOST_FORECASTS: Final = 12
"""Levers of a statement whose sets are forecast one by one where there is no shorter way."""

_ROUNDING: Final = 1e-12
_KEY: Final = np.int64(0x7FFFFFFFFFFFFFFF)


@dataclass(frozen=True, eq=False, kw_only=True)
class _Columns:
    """A statement under one set of other levers: what each draw needs, counted so that more is better."""

    start: Floats
    """dims (draw, column). [link scale]"""
    steps: Floats
    """Shift by each lever, dims (lever, draw, column). [link scale]"""
    need: Floats
    """dims (draw, column). [link scale]"""


def met_counts(trials: Trials, levers: Sequence[Measure]) -> list[Counts] | None:
    """Draws in which each statement holds under every set of levers.

    Parameters
    ----------
    levers : sequence of Measure
        In the order of their ids.

    Returns
    -------
    list of arrays, or None
        One for each statement; an axis for each lever: of length 2 (without, with it) where the lever acts on the
        statement, else 1. None if a statement has too many levers to forecast each set and no shorter way.
    """
    tables = []
    for number in range(len(trials.statements)):
        own = trials.acting(number, levers)
        if _is_short(trials, number, own):
            counts = _joint(trials, [number], own)
        elif len(own) <= MOST_FORECASTS:
            counts = np.empty((2,) * len(own), dtype=np.int64)
            for chosen in product((0, 1), repeat=len(own)):
                counts[chosen] = trials.met(number, _taken(own, chosen)).sum()
        else:
            return None
        acts = {lever.id for lever in own}
        tables.append(counts.reshape([2 if lever.id in acts else 1 for lever in levers]))
    return tables


def all_counts(trials: Trials, levers: Sequence[Measure]) -> Counts | None:
    """Draws in which all statements hold under every set of levers, an axis of length 2 for each lever.

    None if there is no shorter way than to forecast each set. Parameters as in :func:`met_counts`.
    """
    numbers = range(len(trials.statements))
    if not all(_is_short(trials, number, trials.acting(number, levers)) for number in numbers):
        return None
    if sum(not isinstance(lever, Lever) for lever in levers) > MOST_OTHERS:
        return None
    return _joint(trials, list(numbers), levers)


def _is_short(trials: Trials, number: int, own: Sequence[Measure]) -> bool:
    """Whether thresholds say when a statement holds under every set of levers."""
    others = [lever for lever in own if not isinstance(lever, Lever)]
    limited = any(isinstance(lever, NaturalLimit) for lever in others)
    return not own or (trials.statements[number].upright != 0 and not limited and len(others) <= MOST_OTHERS)


def _taken(levers: Sequence[Measure], chosen: Sequence[int]) -> list[Measure]:
    return [lever for lever, take in zip(levers, chosen, strict=True) if take]


def _joint(trials: Trials, numbers: Sequence[int], levers: Sequence[Measure]) -> Counts:
    """Draws in which statements hold together, an axis of length 2 for each lever."""
    effects = [lever for lever in levers if isinstance(lever, Lever)]
    others = [lever for lever in levers if not isinstance(lever, Lever)]
    still = [number for number in numbers if not trials.acting(number, levers)]
    moved = [number for number in numbers if number not in still]
    counts = np.empty((2,) * len(levers), dtype=np.int64)
    kept = np.logical_and.reduce([trials.met(number, ()) for number in still]) if still else np.bool_(True)
    if not moved:
        counts[...] = kept.sum()
        return counts
    for chosen in product((0, 1), repeat=len(others)):
        parts = [_columns(trials, number, effects, _taken(others, chosen)) for number in moved]
        found = _tally(
            np.concatenate([part.start for part in parts], axis=1),
            np.concatenate([part.steps for part in parts], axis=2),
            np.concatenate([part.need for part in parts], axis=1),
            np.broadcast_to(kept, parts[0].start.shape[:1]).copy(),
        )
        picked = iter(chosen)
        at = tuple(slice(None) if isinstance(lever, Lever) else next(picked) for lever in levers)
        counts[at] = found.reshape((2,) * len(effects))
    return counts


def _columns(trials: Trials, number: int, effects: Sequence[Lever], others: Sequence[Measure]) -> _Columns:
    """Levels, shifts and thresholds of the later years of a statement."""
    statement, posterior = trials.statements[number], trials.posterior
    paths = posterior.paths(statement.series[0], statement.years)
    trend = paths.trend(posterior.peers)
    acting = trials.acting(number, effects)
    sizes = scenario_sizes(trials.scenario([*effects, *others]), trend.level.shape[0], posterior.seed)
    base = apply_levers(others, sizes, trend, usual_trials(paths.data))
    at = [year - paths.years[0] for year in statement.years]
    later = [place for place, year in enumerate(statement.years) if year > posterior.origin]
    level = base.level[:, at]
    steps = np.zeros((len(effects), level.shape[0], len(later)))
    for place, lever in enumerate(effects):
        if lever in acting:
            full, shares = lever_effect(lever, trend, sizes[lever.id])
            steps[place] = full[:, None] * shares[at][later][None, :]
    sign = float(statement.upright)
    template = posterior.forecast(statement.years, series=statement.series).isel({SCENARIO: 0})

    def holds(levels: Floats) -> NDArray[np.bool_]:
        published = paths.printed(levels, statement.years, base.figures.at(at))
        rate = paths.data.link.to_figure(levels)
        shape = template[RATE].shape
        draws = template.assign({RATE: (template[RATE].dims, rate.reshape(shape)),
                                 PUBLISHED: (template[RATE].dims, published.reshape(shape))})  # fmt: skip
        return _flat(statement.met(draws))

    reach = np.abs(level[:, later]) + np.abs(steps).sum(axis=0)
    finite = reach[np.isfinite(reach)]
    farthest = 1.0 + 2.0 * float(finite.max(initial=0.0))
    need = _thresholds(holds, level, later, sign, farthest)
    return _Columns(start=sign * level[:, later], steps=sign * steps, need=need)


def _flat(met: xr.DataArray) -> NDArray[np.bool_]:
    return np.asarray(met.transpose(*SAMPLE_DIMS).values, dtype=bool).ravel()


def _thresholds(
    holds: Callable[[Floats], NDArray[np.bool_]], level: Floats, later: Sequence[int], sign: float, farthest: float
) -> Floats:
    """Smallest signed level of each later year at which a statement holds, the other years as good as can be.

    Returns
    -------
    array, dims (draw, column)
        [link scale]; minus infinity where any level does, infinity where none does.
    """
    best = level.copy()
    best[:, later] = sign * farthest
    need = np.empty((level.shape[0], len(later)))
    for column, place in enumerate(later):
        tried = best.copy()

        def at(signed: Floats, tried: Floats = tried, place: int = place) -> NDArray[np.bool_]:
            tried[:, place] = sign * signed
            return holds(tried)

        low, high = (np.full(level.shape[0], end * farthest) for end in (-1.0, 1.0))
        always, never = at(low), ~at(high)
        below, above = _keys(low), _keys(high)
        while (above - 1 > below).any():
            middle = (below >> 1) + (above >> 1) + (below & above & 1)
            good = at(_floats(middle))
            above, below = np.where(good, middle, above), np.where(good, below, middle)
        need[:, column] = np.where(never, np.inf, np.where(always, -np.inf, _floats(above)))
    return need


def _keys(values: Floats) -> Counts:
    """Whole numbers in the order of floats, one for each float."""
    bits = values.view(np.int64)
    return np.where(bits < 0, bits ^ _KEY, bits)


def _floats(keys: Counts) -> Floats:
    return np.where(keys < 0, keys ^ _KEY, keys).view(np.float64)


def _tally(start: Floats, steps: Floats, need: Floats, kept: NDArray[np.bool_]) -> Counts:
    """Number of draws that reach what they need, for every set of levers, the first one the slowest, dims (set)."""
    changes = np.zeros((1 << steps.shape[0]) + 1, dtype=np.int64)
    _tally_draws(start, np.ascontiguousarray(steps.transpose(1, 0, 2)), need, kept, changes)
    return np.cumsum(changes[:-1])


@njit(cache=True, nogil=True, error_model="numpy")
def _tally_draws(start: Floats, steps: Floats, need: Floats, kept: NDArray[np.bool_], changes: Counts) -> None:
    """Add, for each draw, where along the sets it begins and ceases to be met."""
    draws, levers, columns = steps.shape
    up, down = np.zeros((levers + 1, columns)), np.zeros((levers + 1, columns))
    level = np.zeros((levers + 1, columns))
    depths, sets = np.zeros(levers + 2, dtype=np.int64), np.zeros(levers + 2, dtype=np.int64)
    slack = np.zeros(columns)
    for draw in range(draws):
        if not kept[draw]:
            continue
        for column in range(columns):
            for lever in range(levers - 1, -1, -1):
                step = steps[draw, lever, column]
                up[lever, column] = up[lever + 1, column] + max(step, 0.0)
                down[lever, column] = down[lever + 1, column] + min(step, 0.0)
            slack[column] = _ROUNDING * (abs(start[draw, column]) + up[0, column] - down[0, column])
            level[0, column] = start[draw, column]
        top, depths[0], sets[0] = 0, 0, 0
        while top >= 0:
            depth, chosen = depths[top], sets[top]
            top -= 1
            sure, never = True, False
            for column in range(columns):
                if depth > 0:
                    before = level[depth - 1, column]
                    level[depth, column] = before + steps[draw, depth - 1, column] if chosen & 1 else before
                here, wanted = level[depth, column], need[draw, column]
                if depth == levers:
                    sure = sure and here >= wanted
                    never = not sure
                else:
                    sure = sure and here + down[depth, column] - slack[column] >= wanted
                    never = never or here + up[depth, column] + slack[column] < wanted
            if sure:
                changes[chosen << (levers - depth)] += 1
                changes[(chosen + 1) << (levers - depth)] -= 1
            elif not never:
                top += 1
                depths[top], sets[top] = depth + 1, 2 * chosen
                top += 1
                depths[top], sets[top] = depth + 1, 2 * chosen + 1
