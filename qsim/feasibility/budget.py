r"""Which levers to pay for: the best combination within a budget, exactly, and the frontier of cost against value.

The value of a set of levers is the expected number of statements met, or the probability that all are met, both over
the draws. A statement depends on the levers that act on it and on no others. Where the draws in which statements hold
are known for every set (:mod:`qsim.feasibility.tables`), all sets are compared (:func:`frontier_of_counts`). Else the
event of a statement is drawn once for each set of its levers that the search asks for, by branch and bound over the
levers, with two bounds that hold for both values:

- Adding levers :math:`T` to a set :math:`S` gains at most :math:`\sum_{j \in T} u_j`, where
  :math:`u_j = \sum_i \max_{A} P(\text{lever } j \text{ turns statement } i \text{ from missed to met, given } A)` over
  all sets :math:`A` of the other levers that act on statement :math:`i`: a gain is a sum of steps, one lever at a time,
  and a step gains at most what it turns. So the value within a remaining budget is at most that of :math:`S` plus the
  fractional knapsack of the :math:`u_j` (Dantzig 1957, doi:10.1287/opre.5.2.266).
- Where no lever ever undoes an event, the value is at most that of all levers that can still be paid.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from qsim.feasibility.statements import Trials
from qsim.plans.levers import Measure

Bools = NDArray[np.bool_]
Aim = Literal["expected", "all"]
Met = Callable[[int, frozenset[str]], Bools]
"""Event of a statement under a set of levers that act on it, dims (draw)."""

MOST_LEVERS: Final = 20

_MOST_SETS: Final = 1 << 9
"""Sets of levers of one statement that are drawn for its bound; beyond that each lever may turn all its draws."""
_SLACK: Final = 1e-12


@dataclass(frozen=True, kw_only=True)
class Combination:
    """A set of levers, what it costs and what it brings."""

    levers: tuple[str, ...]
    cost: float
    value: float
    """Expected number of statements met, or the probability that all are. [1]"""


@dataclass(frozen=True, eq=False, kw_only=True)
class Choice:
    """A question of which levers to pay for."""

    costs: Mapping[str, float]
    """Cost of each lever, in one unit."""
    acting: tuple[frozenset[str], ...]
    """Levers that act on each statement."""
    met: Met
    aim: Aim = "expected"
    helpful: bool = False
    """Whether no lever ever undoes an event: allows the second bound."""
    _counts: dict[tuple[int, frozenset[str]], tuple[int, int]] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if len(self.costs) > MOST_LEVERS:
            raise ValueError(f"{len(self.costs)} levers: expected up to {MOST_LEVERS}; leave out some")
        if not self.acting:
            raise ValueError("no statement: expected at least one to be met")
        if any(cost < 0 for cost in self.costs.values()):
            raise ValueError("a cost below 0: expected costs from 0")

    def value(self, levers: frozenset[str]) -> float:
        """Value of a set of levers. [1]"""
        if self.aim == "expected":
            # whole numbers first: sets of one value have to compare as equal
            counts = [self._count(number, levers & own) for number, own in enumerate(self.acting)]
            return sum(met for met, _ in counts) / counts[0][1]
        events = [self.met(number, levers & own) for number, own in enumerate(self.acting)]
        return float(np.logical_and.reduce(events).mean())

    def _count(self, number: int, levers: frozenset[str]) -> tuple[int, int]:
        """Draws in which a statement is met, and all draws."""
        key = (number, levers)
        if key not in self._counts:
            met = self.met(number, levers)
            self._counts[key] = int(met.sum()), met.size
        return self._counts[key]


def best_combination(choice: Choice, budget: float) -> Combination:
    """The set of levers with the highest value that costs no more than a budget; of equal ones the cheapest.

    Raises
    ------
    ValueError
        If the budget is below 0.
    """
    if budget < 0:
        raise ValueError(f"budget {budget}: expected a number from 0")
    return _search(choice, budget, largest_gains(choice))


def frontier(choice: Choice) -> tuple[Combination, ...]:
    """Every combination that no other beats in both cost and value, the cheapest first.

    From the most expensive down: the best within all costs, then the best that costs less, until nothing is left.
    """
    gains = largest_gains(choice)
    rows = [_search(choice, sum(choice.costs.values()), gains)]
    while rows[-1].cost > 0:
        below = float(np.nextafter(rows[-1].cost, 0.0)) - _SLACK
        if below < 0:
            break
        rows.append(_search(choice, below, gains))
    return tuple(reversed(rows))


def frontier_of_counts(costs: Mapping[str, float], counts: NDArray[np.int64], draws: int) -> tuple[Combination, ...]:
    """The same from the value of every set: of equal ones the set with the fewest levers.

    Parameters
    ----------
    counts : array, an axis of length 2 for each lever in the order of their ids
        Draws in which statements hold, summed over statements.
    draws : int
        All draws.
    """
    names = sorted(costs)
    cost, members = np.zeros(1), np.zeros(1, dtype=np.int64)
    for name in names:
        cost = np.stack([cost, cost + costs[name]], axis=1).ravel()
        members = np.stack([members, members + 1], axis=1).ravel()
    met = counts.ravel()
    # sums of one cost in another order differ in the last bits
    unit = max(float(cost[-1]), 1.0)
    order = np.lexsort((members, -met, np.round(cost / unit, 12)))
    best = np.maximum.accumulate(met[order])
    better = np.concatenate([[True], best[1:] > best[:-1]])
    return tuple(
        Combination(
            levers=tuple(name for place, name in enumerate(reversed(names)) if at >> place & 1)[::-1],
            cost=float(cost[at]),
            value=float(met[at] / draws),
        )
        for at in order[better].tolist()
    )


def largest_gains(choice: Choice) -> dict[str, float]:
    """Most that a lever can add to the value of any set without it. [1]"""
    gains = dict.fromkeys(choice.costs, 0.0)
    for number, own in enumerate(choice.acting):
        for lever in own:
            gains[lever] += _most_turned(choice, number, lever, own - {lever})
    return gains


def _most_turned(choice: Choice, number: int, lever: str, others: frozenset[str]) -> float:
    if 1 << len(others) > _MOST_SETS:
        return 1.0
    return max(
        float((choice.met(number, some | {lever}) & ~choice.met(number, some)).mean()) for some in _subsets(others)
    )


def _subsets(names: frozenset[str]) -> Iterator[frozenset[str]]:
    ordered = sorted(names)
    for size in range(len(ordered) + 1):
        yield from map(frozenset, combinations(ordered, size))


def _search(choice: Choice, budget: float, gains: Mapping[str, float]) -> Combination:
    """Branch on the levers, the largest gain for its cost first, and cut what cannot be better."""
    # a lever that turns no draw in any company adds nothing
    useful = [name for name in choice.costs if gains[name] > 0.0]
    order = sorted(useful, key=lambda name: (-_worth(gains[name], choice.costs[name]), name))
    nothing: frozenset[str] = frozenset()
    best = Combination(levers=(), cost=0.0, value=choice.value(nothing))
    stack = [(0, nothing, 0.0, best.value)]
    while stack:
        depth, chosen, cost, value = stack.pop()
        if (value, -cost) > (best.value, -best.cost):
            best = Combination(levers=tuple(sorted(chosen)), cost=cost, value=value)
        left = [name for name in order[depth:] if cost + choice.costs[name] <= budget]
        bound = value + _knapsack(left, choice.costs, gains, budget - cost)
        if choice.helpful and bound > best.value:
            bound = min(bound, choice.value(chosen | frozenset(left)))
        # what only equals the best is worth a look where it may be cheaper
        if not left or bound < best.value - _SLACK or (bound <= best.value + _SLACK and cost >= best.cost):
            continue
        name = left[0]
        at = order.index(name) + 1
        stack.append((at, chosen, cost, value))
        with_it = chosen | {name}
        stack.append((at, with_it, cost + choice.costs[name], choice.value(with_it)))
    return best


def _worth(gain: float, cost: float) -> float:
    return gain / cost if cost > 0 else float("inf")


def _knapsack(left: Sequence[str], costs: Mapping[str, float], gains: Mapping[str, float], budget: float) -> float:
    """Largest sum of gains within a budget if parts of levers could be bought; ``left`` is in order of worth."""
    total = 0.0
    for name in left:
        if costs[name] > budget:
            return total + gains[name] * budget / costs[name]
        total, budget = total + gains[name], budget - costs[name]
    return total


def plan_choice(trials: Trials, levers: Sequence[Measure], *, aim: Aim = "expected", helpful: bool = False) -> Choice:
    """The question for levers with costs and the statements of a plan.

    Parameters
    ----------
    helpful : bool
        Whether no lever ever undoes an event in any draw, as effects that only raise a figure and targets that only ask
        for more; the answer is the same without, and slower.

    Raises
    ------
    ValueError
        If a lever has no cost.
    """
    by_id = {lever.id: lever for lever in levers}
    free = [lever.id for lever in levers if lever.cost is None]
    if free:
        raise ValueError(f"no cost of {', '.join(free)}: give each lever a cost, 0 where it has none")
    acting = tuple(
        frozenset(lever.id for lever in trials.acting(number, levers)) for number in range(len(trials.statements))
    )
    return Choice(
        costs={lever.id: float(lever.cost or 0.0) for lever in levers},
        acting=acting,
        met=lambda number, names: trials.met(number, [by_id[name] for name in sorted(names)]),
        aim=aim,
        helpful=helpful,
    )
