"""Targets of a plan as rows of its labelled list: what ``qsim targets PLAN --csv`` prints."""

from dataclasses import dataclass

from qsim.plans.plan import PlanText
from qsim.plans.targets import (
    ChangeTarget,
    CumulativeTarget,
    ImproveTarget,
    Label,
    LabelKind,
    LevelTarget,
    MaintainTarget,
    PathTarget,
    RangeTarget,
    RelativeTarget,
    Target,
    ZeroTarget,
)
from qsim.vocabulary import Comparator, Direction, TargetKind


@dataclass(frozen=True, kw_only=True)
class LabelRow:
    """One row of the list; (plan, seq, year) names it."""

    plan: str
    """Name of the labelled list."""
    seq: int | None
    """Row number in that list; none where a plan has no list."""
    target: str
    """Name of the target."""
    indicator_zh: str
    """What the row is about, as the plan prints it."""
    label_kind: LabelKind | None
    """Kind in the list's own words."""
    kind: TargetKind
    """Kind of the target."""
    comparator: Comparator | Direction
    """``up`` and ``down`` where the text gives a direction."""
    value: float | None
    """Figure to reach, or size of a change. [unit]"""
    value_hi: float | None
    """Upper end of a range. [unit]"""
    unit: str
    """Unit of ``value``; empty where the text prints no number."""
    year: int
    """Year the row is about, or the last year of a statement with one row."""
    baseline_value: float | None
    """Achieved figure of this target in the plan's own text. [unit of the indicator]"""
    baseline_year: int | None
    """Year of that figure, or the year a change is counted from."""
    clause: str
    """Place in the text."""


def target_rows(plan: PlanText) -> list[LabelRow]:
    """List a plan's targets as rows of its labelled list.

    A path and a maintained level give a row a year, every other statement one row with its last year; a statement
    that the text repeats gives rows for each of its places.

    Parameters
    ----------
    plan : PlanText
        The plan; targets without labels give rows without ``seq``.

    Returns
    -------
    list of LabelRow
        In the order of the labelled list, rows without ``seq`` last.
    """
    rows = [
        _row(plan, target, label, year)
        for target in plan.targets
        for label in (target.labels or (None,))
        for year in _years(target, label)
    ]
    return sorted(rows, key=lambda row: (row.seq is None, row.seq or 0))


def _years(target: Target, label: Label | None) -> tuple[int, ...]:
    if label is not None and label.year is not None:
        return (label.year,)
    return target.years if isinstance(target, PathTarget | MaintainTarget) else (target.last_year,)


def _row(plan: PlanText, target: Target, label: Label | None, year: int) -> LabelRow:
    value = _value(target, year)
    baseline_value, baseline_year = _baseline(plan, target)
    return LabelRow(
        plan=plan.label_set,
        seq=label.seq if label else None,
        target=target.id,
        indicator_zh=(label.indicator_zh if label else None) or target.name.zh,
        label_kind=label.kind if label else None,
        kind=target.kind,
        comparator=_comparator(target),
        value=value,
        value_hi=target.value_hi if isinstance(target, LevelTarget | CumulativeTarget | RangeTarget) else None,
        unit="" if value is None else target.unit,
        year=year,
        baseline_value=baseline_value,
        baseline_year=baseline_year,
        clause=(label.clause if label else None) or target.clauses[0],
    )


def _value(target: Target, year: int) -> float | None:
    match target:
        case PathTarget():
            return target.values.get(year)
        case ZeroTarget():
            return 0.0
        case LevelTarget() | MaintainTarget() | ChangeTarget() | CumulativeTarget() | RangeTarget():
            return target.value
        case _:
            return None


def _comparator(target: Target) -> Comparator | Direction:
    match target:
        case LevelTarget() | PathTarget() | MaintainTarget() | RelativeTarget() | CumulativeTarget():
            return target.comparator
        case ImproveTarget() | ChangeTarget():
            return target.direction
        case ZeroTarget():
            return "<="
        case _:  # no decrease; a range starts at its lower end
            return ">="


def _baseline(plan: PlanText, target: Target) -> tuple[float | None, int | None]:
    for baseline in plan.baselines:
        if baseline.row == target.baseline_row:
            return baseline.value, baseline.year
    return None, target.base_year if isinstance(target, ChangeTarget) else None
