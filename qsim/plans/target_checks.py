"""Levels of targets that no figure of their indicator can have, and those that look like a slip of the pen."""

from collections.abc import Iterator

from qsim.errors import Fault
from qsim.indicators import Catalogue, Indicator
from qsim.plans.plan import PlanText
from qsim.plans.targets import CumulativeTarget, LevelTarget, MaintainTarget, PathTarget, RangeTarget, Target


def level_faults(where: str, target: Target, indicator: Indicator) -> Iterator[Fault]:
    """Levels outside the scale of the indicator, and a range that ends before it begins.

    Parameters
    ----------
    where : str
        Key path of the target.
    """
    low, high = indicator.bounds
    for key, level in _levels(target).items():
        if not low <= level <= high:
            yield Fault(f"{where}.{key}", f"{level:g}", _scale(indicator))
    if isinstance(target, RangeTarget) and target.value > target.value_hi:
        yield Fault(f"{where}.value_hi", f"{target.value_hi:g}", f"the upper end, from {target.value:g}")


def level_doubts(plan: PlanText, catalogue: Catalogue) -> Iterator[str]:
    """Levels that may be a slip: fractions where percent are meant, and those that every figure meets."""
    for number, target in enumerate(plan.targets):
        indicator = catalogue.get(target.indicator)
        levels = _levels(target)
        low, high = indicator.bounds
        below = getattr(target, "comparator", ">=") == "<="
        where = f"targets[{number}] ({target.id})"
        # a small share that must not be passed, such as complaints, is nothing unusual; nor is one level among others
        if indicator.is_percent and levels and not below and all(0 < level <= 1 for level in levels.values()):
            key, level = next(iter(levels.items()))
            meant = f"write {100 * level:g} if this is a fraction; leave it if {level:g} % is meant"
            yield f"{where}.{key}: {level:g} % of {target.indicator}: {meant}"
        if isinstance(target, LevelTarget | PathTarget | MaintainTarget | CumulativeTarget):
            free = high if below else low
            for key, level in levels.items():
                if level == free and target.comparator != "=":
                    yield f"{where}.{key}: every figure of {target.indicator} is {target.comparator} {level:g}"


def _levels(target: Target) -> dict[str, float]:
    """Figures a target names, by their key. [unit of the indicator]"""
    if isinstance(target, PathTarget):
        return {f"values.{year}": level for year, level in target.values.items()}
    if isinstance(target, MaintainTarget):
        return {"value": target.value}
    if isinstance(target, LevelTarget | CumulativeTarget | RangeTarget):
        return {"value": target.value} | ({} if target.value_hi is None else {"value_hi": target.value_hi})
    return {}


def _scale(indicator: Indicator) -> str:
    if indicator.is_percent:
        return f"a level of {indicator.slug} between 0 and 100 %"
    if indicator.family == "days":
        return f"a level of {indicator.slug} from 0 to {indicator.bounds[1]:g} days, as a year has"
    return f"0 or more: {indicator.slug} cannot be negative"
