"""Answers of a reverse question in words."""

from dataclasses import dataclass
from typing import Final

from qsim.feasibility.reverse import LatestStart, SizeNeeded, middle_of, turns
from qsim.plans.levers import Lever, Measure
from qsim.plans.sizes import Certain
from qsim.plans.targets import Target

_MOST_DECIMALS: Final = 6


@dataclass(frozen=True, kw_only=True)
class Reverse:
    """What one lever would have to be for one target."""

    target: Target
    lever: Measure
    unit: str
    """Unit of the size; empty where the lever has none to look for."""
    goal: float
    """Probability to reach. [1]"""
    p_without: float
    """Probability of the scenario without the lever. [1]"""
    p_as_written: float
    """Probability with the lever as the plan's file has it. [1]"""
    size: SizeNeeded | None
    """None for a lever without a size on a scale, and for a range, which a larger effect may overshoot."""
    change: float | None
    """What the size changes in the published figure of the statement's last year, saturation included: median over the
    draws; None where no size is found. [figure_unit]"""
    figure_unit: str
    """Unit of the figure's change: points where the figure is in percent."""
    start: LatestStart | None
    """Latest start of the lever as written; its own where that is past and only that reaches the goal; None where no
    year of the forecast is left to start in and its own does not."""
    end: float | None
    """Figure near which points towards the target saturate; None for other scales and where there is no end. [unit]"""


def percent(probability: float, goal: float) -> str:
    """A probability in percent with as many digits as it takes to stand on its side of the goal, one at least."""
    for decimals in range(1, _MOST_DECIMALS + 1):
        text = f"{probability:.{decimals}%}"
        if (round(probability, decimals + 2) >= goal) == (probability >= goal):
            return text
    return f"just {'over' if probability >= goal else 'under'} {goal:.{_MOST_DECIMALS}%}"


def reverse_text(one: Reverse) -> str:
    """An answer in a sentence."""
    without, written = percent(one.p_without, one.goal), percent(one.p_as_written, one.goal)
    if one.p_without >= one.goal:
        if one.p_as_written < one.goal:
            return f"the lever brings the target below the goal: {written} with it as written, {without} without it"
        return f"not needed: {without} without it"
    parts = [text for text in (_size_text(one), _start_text(one)) if text]
    return "; ".join(parts) or "nothing to start any more: the year is past"


def _size_text(one: Reverse) -> str:
    if one.size is None or not isinstance(one.lever, Lever):
        return ""
    reached = percent(one.size.probability, one.goal)
    if one.size.size is None:
        return f"no size does: at most {reached}"
    size = f"size {one.size.size:.3g} {one.unit}"
    if one.lever.scale == "gap":
        size += ", as a certain number,"
    elif not isinstance(one.lever.size, Certain):
        size += ", the middle of its law,"
    if one.end is not None:
        size += f" before saturation (they count less and less near {one.end:g})"
    text = f"{size} gives {reached}"
    if one.change is not None:
        text += f", with the published figure of {one.target.last_year} {one.change:+.3g} {one.figure_unit} (median)"
    if turns(one.lever, one.size.size):
        return f"as written (size {middle_of(one.lever):.3g}) it works against the target; turned round, {text}"
    return text


def _start_text(one: Reverse) -> str:
    start = one.start
    if start is None:
        return ""
    reached = percent(start.probability, one.goal)
    if start.start_year is None:
        return f"as written no start does: at most {reached}"
    if start.past:
        return f"as written it started in {start.start_year}, which is past ({reached}); no later start does"
    return f"as written it may start in {start.start_year} ({reached})"
