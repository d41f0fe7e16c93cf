r"""How many draws meet statements under every set of levers, counted exactly or held between two numbers.

Effects (:class:`qsim.plans.levers.Lever`) add on the link scale: :mod:`qsim.feasibility.trees` settles all their sets
draw by draw, and the few that its bounds leave open are settled by the figures themselves. Levers of other kinds change
the course, the sample or the definition; the sets of these that can go together are gone through one by one. Work is
counted, in nodes of trees, and shared out evenly: where it does not reach, the draws concerned are counted as possible
and not as sure, so that the number stays between the two.

The draws in which all of n statements hold are counted in the same way. Where the sets of other levers are too many for
that, Fréchet's bounds hold with :math:`k_i` of D draws each:
:math:`\max(0, \sum k_i - (n - 1) D) \le k \le \min_i k_i`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

from qsim.feasibility.fields import Field, Mover
from qsim.feasibility.settling import settle
from qsim.feasibility.statements import Trials
from qsim.forecast.levers import touches
from qsim.plans.levers import Lever, Measure
from qsim.plans.scenarios import cannot_join

Counts = NDArray[np.int64]
Bools = NDArray[np.bool_]

MOST_FORECASTS: Final = 1 << 12
"""Sets of levers that are forecast one by one for a statement known by its event alone."""
MOST_TOGETHER: Final = 1 << 8
"""Sets of other levers beside each of which statements are counted together."""
MOST_TREES: Final = 1 << 24
"""The same, times draws and figures."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Bracket:
    """Draws in which something holds under every set of levers.

    An axis for each lever: of length 2 (without, with it) where it matters, else 1.
    """

    low: Counts
    """Draws in which it surely does."""
    high: Counts
    """Draws in which it may."""


def allowed_sets(levers: Sequence[Measure]) -> Bools:
    """Sets whose levers can go together, an axis of length 2 for each lever."""
    allowed = np.ones((2,) * len(levers), dtype=bool)
    for (one, first), (other, second) in combinations(enumerate(levers), 2):
        if cannot_join(first, second):
            both = [slice(None)] * len(levers)
            both[one] = both[other] = slice(1, 2)
            allowed[tuple(both)] = False
    return allowed


def met_brackets(trials: Trials, levers: Sequence[Measure]) -> list[Bracket]:
    """Draws in which each statement holds under every set of levers; sets that cannot go together count as none.

    Parameters
    ----------
    levers : sequence of Measure
        In the order of their ids.
    """
    movers = [_mover(trials, number, levers) for number in range(len(trials.statements))]
    owns = [_acting(trials, number, levers) for number in range(len(trials.statements))]
    runs = sum(_ways(own) for mover, own in zip(movers, owns, strict=True) if mover is not None)
    found = []
    for number, (mover, own) in enumerate(zip(movers, owns, strict=True)):
        if not own:
            found.append(_unmoved(trials.met(number, ()), levers))
        elif mover is None:
            found.append(_along(_forecast(trials, number, own), own, levers))
        else:
            found.append(_along(_together(trials, [mover], [], own, runs), own, levers))
    return found


def all_bracket(trials: Trials, levers: Sequence[Measure]) -> Bracket:
    """Draws in which all statements hold under every set of levers. Parameters as in :func:`met_brackets`."""
    numbers = range(len(trials.statements))
    movers = {number: _mover(trials, number, levers) for number in numbers if _acting(trials, number, levers)}
    still = [number for number in numbers if number not in movers]
    own = [lever for lever in levers if any(lever in _acting(trials, number, levers) for number in movers)]
    known = [mover for mover in movers.values() if mover is not None]
    draws, ways = trials.met(0, ()).size, _ways(own)
    if not movers:
        return _unmoved(np.logical_and.reduce([trials.met(number, ()) for number in still]), levers)
    trees = ways * draws * sum(len(mover.conditions.years) for mover in known)
    if len(known) == len(movers) and ways <= MOST_TOGETHER and trees <= MOST_TREES:
        return _along(_together(trials, known, still, own, ways), own, levers)
    parts = met_brackets(trials, levers)
    low, high = parts[0].low, parts[0].high
    for part in parts[1:]:
        low, high = np.maximum(low + part.low - draws, 0), np.minimum(high, part.high)
    return Bracket(low=low, high=high)


def _unmoved(met: NDArray[np.bool_], levers: Sequence[Measure]) -> Bracket:
    """Draws that hold whichever levers are taken."""
    count = np.full((1,) * len(levers), met.sum())
    return Bracket(low=count, high=count)


def _acting(trials: Trials, number: int, levers: Sequence[Measure]) -> tuple[Measure, ...]:
    """Levers that change whether a statement holds: of one known by its conditions, those on its first series."""
    statement = trials.statements[number]
    if statement.conditions is None:
        return trials.acting(number, levers)
    data = next(fit.data for fit in trials.posterior.fits if fit.data.label == statement.series[0])
    return tuple(lever for lever in levers if touches(lever, data))


def _mover(trials: Trials, number: int, levers: Sequence[Measure]) -> Mover | None:
    """None for a statement known by its event alone."""
    conditions = trials.statements[number].conditions
    if conditions is None:
        return None
    return Mover.of(trials, number, conditions(), _acting(trials, number, levers))


def _together(
    trials: Trials, movers: Sequence[Mover], still: Sequence[int], own: Sequence[Measure], runs: int
) -> Bracket:
    """Draws in which conditions hold together, and statements that no lever moves, an axis for each lever."""
    effects = [lever for lever in own if isinstance(lever, Lever)]
    draws = trials.met(0, ()).size
    kept = np.logical_and.reduce([trials.met(number, ()) for number in still]) if still else np.ones(draws, dtype=bool)
    low, high = np.zeros((2, *(2,) * len(own)), dtype=np.int64)
    known: dict[tuple[int, tuple[str, ...]], Field] = {}

    def field(place: int, others: Sequence[Measure]) -> Field:
        acting = [lever for lever in others if touches(lever, movers[place].paths.data)]
        key = place, tuple(lever.id for lever in acting)
        if key not in known:
            known[key] = movers[place].beside(acting)
        return known[key]

    for others in _joined([lever for lever in own if not isinstance(lever, Lever)]):
        fields = [_spread(field(place, others), movers[place], effects) for place in range(len(movers))]
        at = tuple(slice(None) if isinstance(lever, Lever) else int(lever in others) for lever in own)
        shape = (2,) * len(effects)
        low[at], high[at] = (counts.reshape(shape) for counts in settle(fields, kept, runs))
    return Bracket(low=low, high=high)


def _spread(field: Field, mover: Mover, effects: Sequence[Lever]) -> Field:
    """A field with a step for each of more effects, none for those that do not act on it."""
    if len(effects) == len(mover.effects):
        return field
    steps = np.zeros((len(effects), *field.steps.shape[1:]))
    steps[[effects.index(lever) for lever in mover.effects]] = field.steps
    return field.with_steps(steps)


def _forecast(trials: Trials, number: int, own: Sequence[Measure]) -> Bracket:
    """Each set by a forecast, as far as those are few; any number of draws where they are many."""
    allowed = allowed_sets(own)
    low = np.zeros(allowed.shape, dtype=np.int64)
    if allowed.sum() > MOST_FORECASTS:
        return Bracket(low=low, high=np.full(allowed.shape, trials.met(number, ()).size))
    for chosen in np.argwhere(allowed):
        low[tuple(chosen)] = trials.met(number, [lever for lever, take in zip(own, chosen, strict=True) if take]).sum()
    return Bracket(low=low, high=low)


def _along(found: Bracket, own: Sequence[Measure], levers: Sequence[Measure]) -> Bracket:
    shape = [2 if lever in own else 1 for lever in levers]
    return Bracket(low=found.low.reshape(shape), high=found.high.reshape(shape))


def _joined(levers: Sequence[Measure]) -> Iterator[tuple[Measure, ...]]:
    """Sets of levers that can go together."""
    if not levers:
        yield ()
        return
    for some in _joined(levers[:-1]):
        yield some
        if not any(cannot_join(one, levers[-1]) for one in some):
            yield (*some, levers[-1])


def _ways(own: Sequence[Measure]) -> int:
    return sum(1 for _ in _joined([lever for lever in own if not isinstance(lever, Lever)]))
