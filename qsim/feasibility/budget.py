r"""Which levers to pay for: the frontier of cost against value, over all sets of levers.

The value of a set is the number of draws in which statements are met, summed over statements (their expected number)
or counted where all are met together; :mod:`qsim.feasibility.tables` holds it between two numbers for every set, most
often the same. A set is *open* while its upper number lies above the best value known at no more than its cost. Open
sets are forecast, those first that promise most, until none is left: then the frontier is exact. Where the forecasts
allowed do not reach, each row says what no set below the next row's cost can exceed: the largest upper number left, a
proved bound.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from qsim.feasibility.tables import Bracket

Counts = NDArray[np.int64]
Bools = NDArray[np.bool_]
Aim = Literal["expected", "all"]
Exact = Callable[[Collection[str]], int]
"""Value of a set of levers, in draws."""

MOST_LEVERS: Final = 20

_BATCH: Final = 32
"""Open sets that are forecast before the bounds are looked at again."""


@dataclass(frozen=True, kw_only=True)
class Combination:
    """A set of levers, what it costs and what it brings."""

    levers: tuple[str, ...]
    cost: float
    value: float
    """Expected number of statements met, or the probability that all are. [1]"""
    at_most: float
    """What no set that costs less than the next combination can exceed; the value itself where that is exact."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Sets:
    """All sets of levers, the cheapest first: what each costs and between what its value lies."""

    names: tuple[str, ...]
    cost: NDArray[np.float64]
    group: Counts
    """Number of the cost of each set among all costs, dims (set)."""
    code: Counts
    """Levers of each set: the last name is the lowest bit."""
    low: Counts
    """-1 where the levers cannot go together."""
    high: Counts

    @classmethod
    def of(cls, costs: Mapping[str, float], bracket: Bracket, allowed: Bools) -> "Sets":
        """Sort the sets of the levers in the order of their names.

        Raises
        ------
        ValueError
            If there are more than 20 levers, or a cost is below 0.
        """
        if len(costs) > MOST_LEVERS:
            raise ValueError(f"{len(costs)} levers: expected up to {MOST_LEVERS}; leave out some")
        if any(cost < 0 for cost in costs.values()):
            raise ValueError("a cost below 0: expected costs from 0")
        names = tuple(sorted(costs))
        cost, members = np.zeros(1), np.zeros(1, dtype=np.int64)
        for name in names:
            cost = np.stack([cost, cost + costs[name]], axis=1).ravel()
            members = np.stack([members, members + 1], axis=1).ravel()
        # sums of one cost in another order differ in the last bits
        rounded = np.round(cost / max(float(cost[-1]), 1.0), 12)
        order = np.lexsort((members, rounded))
        shape = (2,) * len(names)
        low, high = (
            np.where(allowed, np.broadcast_to(counts, shape), -1).ravel()[order]
            for counts in (bracket.low, bracket.high)
        )
        steps = np.diff(rounded[order], prepend=rounded[order[0]]) > 0
        return cls(names=names, cost=cost[order], group=np.cumsum(steps), code=order, low=low, high=high)

    def levers(self, at: int) -> tuple[str, ...]:
        """Names of the levers of a set."""
        last = len(self.names) - 1
        return tuple(name for place, name in enumerate(self.names) if int(self.code[at]) >> (last - place) & 1)

    def best(self, values: Counts) -> Counts:
        """Largest of some values over all sets that cost no more, dims (cost)."""
        firsts = np.flatnonzero(np.diff(self.group, prepend=-1))
        return np.maximum.accumulate(np.maximum.reduceat(values, firsts))


def frontier(
    sets: Sets, draws: int, exact: Exact, *, most_forecasts: int, progress: Callable[[int], None] | None = None
) -> tuple[Combination, ...]:
    """Combinations that no other known one beats in both cost and value, the cheapest first.

    Of equal ones the one with the fewest levers. The answer is exact where ``at_most`` is the value.

    Parameters
    ----------
    draws : int
        All draws.
    exact : callable
        Value of a set, in draws.
    most_forecasts : int
        Sets that may be valued by ``exact``.
    progress : callable, optional
        Is told how many have been.
    """
    low, high = sets.low.copy(), sets.high.copy()
    tried = 0

    def settle(at: int) -> None:
        low[at] = high[at] = exact(sets.levers(at))

    if low[0] != high[0]:  # no lever at all: there is always that answer
        settle(0)
    while tried < most_forecasts:
        chosen = _promising(sets, low, high)[: most_forecasts - tried]
        if not chosen.size:
            break
        for at in chosen.tolist():
            settle(at)
        tried += chosen.size
        if progress is not None:
            progress(tried)
    known = np.where(low == high, high, -1)
    best, most = sets.best(known), sets.best(high)
    better = np.flatnonzero(np.diff(best, prepend=-1) > 0)
    rows = []
    for number, group in enumerate(better.tolist()):
        inside = np.flatnonzero(sets.group == group)
        at = int(inside[np.argmax(known[inside])])
        following = better[number + 1] if number + 1 < better.size else best.size
        rows.append(
            Combination(
                levers=sets.levers(at),
                cost=float(sets.cost[at]),
                value=float(best[group] / draws),
                at_most=float(most[following - 1] / draws),
            )
        )
    return tuple(rows)


def _promising(sets: Sets, low: Counts, high: Counts) -> Counts:
    """Open sets to look at next: those that surely beat all that are known, then those that may beat them by most."""
    best = sets.best(np.where(low == high, high, -1))[sets.group]
    is_open = np.flatnonzero((low < high) & (high > best))
    if not is_open.size:
        return is_open
    surely, may = (low - best)[is_open], (high - best)[is_open]
    order = np.lexsort((is_open, -may, -np.maximum(surely, 0)))
    return is_open[order[:_BATCH]]
