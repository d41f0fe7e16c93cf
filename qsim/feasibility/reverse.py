"""Reverse questions: how large a lever has to be, and how late it may start, for a statement to be likely enough.

A probability is the share of draws in which the statement holds. Draws, shocks and the scores of sizes are the same
for every size, so on them the probability is a step function that does not fall as a helpful lever grows, and
bisection finds the smallest size that reaches the goal.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from qsim.feasibility.statements import Trials
from qsim.plans.levers import Lever, Measure
from qsim.plans.sizes import Certain, ends, shifted

Chance = Callable[[Measure], float]
"""Probability of a statement with a lever. [1]"""

GOAL: Final = 0.8
TOLERANCE: Final = 0.005
"""How far above the goal the probability at the size found may lie. [1]"""

_MOST_STEPS: Final = 60
_LARGEST: Final[dict[str, float]] = {"points": 2.0**20, "link": 2.0**6, "gap": 99.999, "pace": 2.0**6}
"""Largest sizes looked at on each scale: more points or logits change nothing, and no pace is that fast."""
_NEUTRAL: Final[dict[str, float]] = {"points": 0.0, "link": 0.0, "gap": 0.0, "pace": 1.0}
_YEARS: Final = ("start_year", "full_effect_year", "end_year", "recovered_year")


@dataclass(frozen=True, kw_only=True)
class SizeNeeded:
    """Smallest size of a lever that reaches a goal."""

    size: float | None
    """On the scale of the lever; None where no size does. In percent of a gap a certain number; on every other scale
    the middle of the law as written, whose spread stays. Points are those before saturation."""
    probability: float
    """Probability at that size; where no size does, the highest that any reaches. [1]"""
    without: float
    """Probability without the lever. [1]"""


@dataclass(frozen=True, kw_only=True)
class LatestStart:
    """Last year in which a lever may start and still reach a goal."""

    start_year: int | None
    """None where no year does."""
    probability: float
    """Probability with that start; where no year does, the highest of all. [1]"""
    past: bool = False
    """Whether it is the lever's own start as written, before the forecast, and no start to come does."""


def size_needed(
    lever: Lever,
    chance: Chance,
    *,
    helps: Literal[1, -1] = 1,
    goal: float = GOAL,
    tolerance: float = TOLERANCE,
) -> SizeNeeded:
    """Find the smallest size of a lever that brings a probability to a goal.

    The law keeps its spread and is moved as a whole; a size in percent of a gap is taken as certain, because its law
    has to stay below 100.

    Parameters
    ----------
    lever : Lever
        Its size is the one to find; everything else stays.
    chance : callable
        Probability with the lever it is given, not falling as the lever grows.
    helps : {1, -1}
        Whether a positive size helps; on the scales ``gap`` and ``pace`` it always does.
    goal, tolerance : float
        Probability to reach, and how far above it the answer may lie. [1]

    Raises
    ------
    ValueError
        If the goal is no probability.
    """
    if not 0.0 < goal <= 1.0:
        raise ValueError(f"goal {goal}: expected a probability above 0")
    way = 1.0 if lever.scale in ("gap", "pace") else float(helps)
    neutral, largest = _NEUTRAL[lever.scale], _LARGEST[lever.scale]

    def at(size: float) -> float:
        return chance(sized(lever, neutral + way * size))

    without = chance(_certain(lever, neutral))
    if without >= goal:
        return SizeNeeded(size=neutral, probability=without, without=without)
    low, high = 0.0, 1.0
    reached = at(high)
    while reached < goal and high < largest:
        low, high = high, min(2.0 * high, largest)
        reached = at(high)
    if reached < goal:
        return SizeNeeded(size=None, probability=reached, without=without)
    for _ in range(_MOST_STEPS):
        if reached - goal <= tolerance and high - low <= 1e-3 * high:
            break
        middle = 0.5 * (low + high)
        if not low < middle < high:  # no float lies between: all draws change at one size
            break
        if (p := at(middle)) >= goal:
            high, reached = middle, p
        else:
            low = middle
    return SizeNeeded(size=neutral + way * high, probability=reached, without=without)


def latest_start(lever: Measure, chance: Chance, *, first_year: int, last_year: int, goal: float = GOAL) -> LatestStart:
    """Find the last year in which a lever may start for a probability to reach a goal.

    Its other years move along. Every year is tried, the last first: with a pulse or a decay the probability need not
    fall with a later start.

    Parameters
    ----------
    first_year, last_year : int
        Years to try: usually from the first of the forecast to the one in which the statement is settled.

    Raises
    ------
    ValueError
        If there is no year to try.
    """
    if first_year > last_year:
        raise ValueError(f"years {first_year} to {last_year}: expected at least one")
    tried: list[float] = []
    for year in range(last_year, first_year - 1, -1):
        probability = chance(started(lever, year))
        if probability >= goal:
            return LatestStart(start_year=year, probability=probability)
        tried.append(probability)
    return LatestStart(start_year=None, probability=max(tried))


def with_own_start(found: LatestStart | None, own: float, start_year: int, *, goal: float = GOAL) -> LatestStart | None:
    """A latest start beside the lever's own, where that is past and was not among the years tried.

    Parameters
    ----------
    found : LatestStart or None
        Of the years to come; None where none is left.
    own : float
        Probability with the lever as written. [1]
    """
    if found is not None and found.start_year is not None:
        return found
    if own >= goal:
        return LatestStart(start_year=start_year, probability=own, past=True)
    return None if found is None else LatestStart(start_year=None, probability=max(found.probability, own))


def turns(lever: Lever, size: float) -> bool:
    """Whether a size acts the other way than the lever as written."""
    neutral = _NEUTRAL[lever.scale]
    return (middle_of(lever) - neutral) * (size - neutral) < 0.0


def sized(lever: Lever, size: float) -> Lever:
    """A lever with the middle of its law at a size; the spread stays, but in percent of a gap the size is certain."""
    if lever.scale == "gap":
        return _certain(lever, size)
    return lever.model_copy(update={"size": shifted(lever.size, size - middle_of(lever))})


def started(lever: Measure, year: int) -> Measure:
    """A lever that starts in another year, all its other years moved along."""
    return lever.model_copy(update=dict(_moved_years(lever, year - lever.start_year)))


def middle_of(lever: Lever) -> float:
    """Middle of the law of a lever's size: the mean of a normal law, the mode of a triangular one. [its scale]"""
    size = lever.size
    for name in ("value", "mean", "mode"):
        if hasattr(size, name):
            return float(getattr(size, name))
    low, high = ends(size)
    return 0.5 * (low + high)


def chance_of(trials: Trials, number: int, others: tuple[Measure, ...] = ()) -> Chance:
    """Probability of a statement with one more lever beside others, as a function of that lever."""

    def chance(lever: Measure) -> float:
        return float(trials.draw(number, (*others, lever)).mean())

    return chance


def _certain(lever: Lever, size: float) -> Lever:
    return lever.model_copy(update={"size": Certain(law="certain", value=size)})


def _moved_years(lever: Measure, by: int) -> Iterator[tuple[str, int]]:
    for name in _YEARS:
        if (year := getattr(lever, name, None)) is not None:
            yield name, year + by
