"""Levels, differences and shares of an assessment as they are printed."""

from qsim.feasibility.joint import Joint
from qsim.indicators import Indicator
from qsim.plans.targets import ChangeTarget, CumulativeTarget, Target
from qsim.report.numbers import plain, whole_percent, with_unit
from qsim.report.requirements import collect_unit
from qsim.report.words import Words
from qsim.vocabulary import INTERVAL_PROBABILITY

_MANY = 10.0
"""From here on a difference of counts needs no decimals. [unit]"""


def level_unit(target: Target, indicator: Indicator, words: Words) -> str:
    """Unit of a level in the statement's own terms: of a figure, of a change, of new ones."""
    if isinstance(target, ChangeTarget):
        if target.relative:
            return "%"
        return words("points") if indicator.unit == "%" else indicator.unit
    return collect_unit(target.unit) if isinstance(target, CumulativeTarget) else indicator.unit


def alike(values: tuple[float, ...]) -> tuple[str, ...]:
    """Numbers with as many decimals as the one that needs most."""
    decimals = max((len(plain(value).partition(".")[2]) for value in values), default=0)
    return tuple(f"{value:.{decimals}f}" for value in values)


def difference(value: float, unit: str, words: Words, *, sign: bool = False) -> str:
    """A difference of two figures: percent differ by points."""
    decimals = 0 if unit != "%" and abs(value) >= _MANY else 1
    number = f"{value:{'+' if sign else ''}.{decimals}f}"
    if unit == "%":
        return f"{number}{words('points')}"
    return with_unit(number, unit, words)


def gap(value: float, unit: str, words: Words) -> str:
    """A difference in few characters."""
    if unit == "%":
        return words("gap_points", value=f"{value:.1f}")
    return difference(value, unit, words)


def bound(probability: float) -> str:
    """A bound, or a share that is no probability, in whole percent: only those can be 0 or 100."""
    return f"{whole_percent(probability)}%"


def number_met(joint: Joint) -> tuple[int, int]:
    """Smallest and largest number met of the central interval of ``INTERVAL_PROBABILITY``."""
    tail = 0.5 * (1.0 - INTERVAL_PROBABILITY)
    return _quantile(joint, tail), _quantile(joint, 1.0 - tail)


def _quantile(joint: Joint, share: float) -> int:
    """Smallest number that at least a share of the draws does not exceed."""
    total = 0.0
    for number, probability in enumerate(joint.distribution):
        total += probability
        if total >= share - 1e-9:
            return number
    return joint.indicators
