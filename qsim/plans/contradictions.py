"""Statements of a plan that contradict each other: warnings with their clauses, no faults of the file."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

from qsim.plans.plan import PlanText
from qsim.plans.targets import LevelTarget, MaintainTarget, PathTarget, Target

_Levels = LevelTarget | PathTarget | MaintainTarget


@dataclass(frozen=True, kw_only=True)
class Contradiction:
    """Two statements that say different things about one year."""

    year: int
    first: _Levels
    second: _Levels
    kind: str
    """What is the matter, in words."""

    def __str__(self) -> str:
        places = " and ".join(
            f"{target.id!r} ({'; '.join(target.clauses)}) asks for {_asked(target, self.year)}"
            for target in (self.first, self.second)
        )
        return f"{self.first.indicator}, {self.year}: {self.kind}: {places}"


def contradictions(plan: PlanText) -> tuple[Contradiction, ...]:
    """Contradictions between the levels of a plan, in the order of its targets.

    Only statements about one indicator, definition and unit are compared: a path that falls below a level the plan
    holds in that year, two levels for one year, and a least level above a greatest one.
    """
    stated = [target for target in plan.targets if isinstance(target, _Levels)]
    return tuple(
        found
        for first, second in combinations(stated, 2)
        if _measure(first) == _measure(second)
        for found in _between(first, second)
    )


def _between(first: _Levels, second: _Levels) -> Iterator[Contradiction]:
    for year in sorted(set(first.years) & set(second.years)):
        kind = _kind(first, second, year)
        if kind is not None:
            yield Contradiction(year=year, first=first, second=second, kind=kind)


def _kind(first: _Levels, second: _Levels, year: int) -> str | None:
    one, other = _level(first, year), _level(second, year)
    low_first, low_second = first.comparator == "<=", second.comparator == "<="
    if low_first != low_second:
        least, most = (other, one) if low_first else (one, other)
        return "no figure meets both" if least > most else None
    if one == other:
        return None
    if isinstance(first, PathTarget) != isinstance(second, PathTarget):
        path, floor = (first, second) if isinstance(first, PathTarget) else (second, first)
        on_path, held = _level(path, year), _level(floor, year)
        looser = on_path > held if low_first else on_path < held
        # a path may well run ahead of a level that is held
        return "the path falls short of a level the plan holds" if looser else None
    if isinstance(first, MaintainTarget) != isinstance(second, MaintainTarget):
        level, floor = (first, second) if isinstance(second, MaintainTarget) else (second, first)
        looser = _level(level, year) > _level(floor, year) if low_first else _level(level, year) < _level(floor, year)
        return "the level falls short of one the plan holds" if looser else None
    return "two levels for one year"


def _measure(target: Target) -> tuple[str, str | None, str]:
    return target.indicator, target.definition, target.unit


def _level(target: _Levels, year: int) -> float:
    return target.values[year] if isinstance(target, PathTarget) else target.value


def _asked(target: _Levels, year: int) -> str:
    sign = {">=": ">= ", "<=": "<= ", "=": ""}[target.comparator]
    return f"{sign}{_level(target, year):g}{target.unit}"
