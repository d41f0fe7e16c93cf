"""What a target asks for, in a few words."""

from typing import Protocol, cast

from qsim.plans.targets import (
    ChangeTarget,
    CumulativeTarget,
    ImproveTarget,
    LevelTarget,
    MaintainTarget,
    NoDecreaseTarget,
    PathTarget,
    RangeTarget,
    RelativeTarget,
    Target,
    ZeroTarget,
)
from qsim.report.numbers import plain, with_unit
from qsim.report.words import Words

_LEVELS_WRITTEN = 4
_COMPARATORS = {">=": "at_least", "<=": "at_most", "=": "exactly"}


def level(value: float, comparator: str, unit: str, words: Words) -> str:
    """A level with its sign and unit."""
    return words(_COMPARATORS.get(comparator, "exactly"), value=with_unit(plain(value), unit, words))


def span(first: int, last: int, words: Words) -> str:
    """One year or a row of years."""
    return words("year", year=first) if first == last else words("years", first=first, last=last)


def when(target: Target, words: Words) -> str:
    """Year or years in which a target is tested; for a yearly duty, all of its period."""
    first = getattr(target, "first_year", target.years[0])
    settled = isinstance(target, ImproveTarget | CumulativeTarget) and len(target.years) == 1
    return span(target.last_year if settled else first, target.last_year, words)


def requirement(target: Target, words: Words) -> str:
    """What the target asks for, without its years."""
    write = cast("_Writer", _WRITERS[type(target)])
    return write(target, words)


def collect_unit(unit: str) -> str:
    """Unit of a yearly quota without its 'a year'."""
    return unit.removesuffix("/年")


class _Writer(Protocol):
    def __call__(self, target: Target, words: Words, /) -> str: ...


def _level(target: LevelTarget, words: Words) -> str:
    if target.value_hi is not None:
        return _span(target.value, target.value_hi, target.unit, words)
    return level(target.value, target.comparator, target.unit, words)


def _path(target: PathTarget, words: Words) -> str:
    levels = [plain(target.values[year]) for year in target.years]
    few = len(levels) <= _LEVELS_WRITTEN
    row = words("list_sep").join(levels) if few else words("path_long", first=levels[0], last=levels[-1])
    return words("path", levels=words(_COMPARATORS[target.comparator], value=with_unit(row, target.unit, words)))


def _maintain(target: MaintainTarget, words: Words) -> str:
    return words("each_year", level=level(target.value, target.comparator, target.unit, words))


def _improve(target: ImproveTarget, words: Words) -> str:
    word = "rise" if target.direction == "up" else "fall"
    return words(f"{word}_yearly") if target.yearly else words(word, year=target.base_year)


def _no_decrease(target: NoDecreaseTarget, words: Words) -> str:
    return words("no_decrease", year=target.base_year)


def _relative(target: RelativeTarget, words: Words) -> str:
    key = {">=": "not_below", "<=": "not_above", "=": "equal_to"}[target.comparator]
    return words(key, reference=words.name(target.reference))


def _change(target: ChangeTarget, words: Words) -> str:
    word = "grow" if target.direction == "up" else "shrink"
    if target.relative:
        return words(f"{word}_percent", year=target.base_year, value=plain(target.value))
    unit = words("points") if target.unit == "%" else words.term("unit", target.unit)
    return words(f"{word}_points", year=target.base_year, value=plain(target.value), unit=unit)


def _cumulative(target: CumulativeTarget, words: Words) -> str:
    unit = collect_unit(target.unit) if target.per_year else target.unit
    if target.value_hi is not None:
        asked = _span(target.value, target.value_hi, unit, words)
    else:
        asked = level(target.value, target.comparator, unit, words)
    return words("new_yearly" if target.per_year else "new_total", level=asked)


def _range(target: RangeTarget, words: Words) -> str:
    return _span(target.value, target.value_hi, target.unit, words)


def _zero(target: ZeroTarget, words: Words) -> str:
    return words("no_event")


def _span(low: float, high: float, unit: str, words: Words) -> str:
    return words("span", low=plain(low), high=with_unit(plain(high), unit, words))


_WRITERS: dict[type, object] = {
    LevelTarget: _level,
    PathTarget: _path,
    MaintainTarget: _maintain,
    ImproveTarget: _improve,
    NoDecreaseTarget: _no_decrease,
    RelativeTarget: _relative,
    ChangeTarget: _change,
    CumulativeTarget: _cumulative,
    RangeTarget: _range,
    ZeroTarget: _zero,
}
