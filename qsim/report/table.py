"""The assessment as tables: ``assessment.csv``, ``joint.csv``, ``checkpoints.csv``; columns in ``docs/schema.md``."""

from collections.abc import Iterable, Iterator

import pandas as pd

from qsim.feasibility.levels import AMBITIOUS, CONFIDENCES
from qsim.feasibility.marks import ACHIEVED, Mark
from qsim.feasibility.records import Assessment, TargetResult
from qsim.plans.targets import LevelTarget, MaintainTarget, PathTarget, RangeTarget, Target, ZeroTarget
from qsim.report.numbers import percent
from qsim.report.words import Language, Words, words

_LEVEL_COLUMNS = tuple(f"level_{round(100 * share)}" for share in (*CONFIDENCES, AMBITIOUS))

COLUMNS = (
    "scenario",
    "target",
    "indicator",
    "region",
    "name",
    "kind",
    "comparator",
    "level",
    "unit",
    "year",
    "scope",
    "p_published",
    "p_true",
    "shortfall",
    "year_reached",
    *_LEVEL_COLUMNS,
    "pace_needed",
    "pace_recent",
    "marks",
    "grade",
    "grade_reasons",
    "prior_share",
    "p_narrow_prior",
    "p_wide_prior",
    "p_without_newest",
    "p_other_engine",
    "too_thin",
    "why",
    "why_share",
    "evidence",
    "figures",
    "last_figure_year",
    "note",
)
"""Columns of the assessment, in order."""

JOINT_COLUMNS = (
    "scenario",
    "scope",
    "category",
    "statements",
    "indicators",
    "p_all",
    "p_independent",
    "p_low",
    "p_high",
    "expected",
    "distribution",
)
"""Columns of the joint probabilities, in order."""

CHECKPOINT_COLUMNS = ("scenario", "target", "name", "year", "figure_50", "figure_20", "p_worst", "p_best", "unit")
"""Columns of the checkpoints, in order."""

_TEXTS = frozenset(
    {"scenario", "target", "indicator", "region", "name", "kind", "comparator", "unit", "scope", "evidence", "note"}
    | {"year_reached", "marks", "grade", "grade_reasons", "why", "category", "distribution"}
)
_WHOLE = frozenset({"year", "figures", "last_figure_year", "statements", "indicators"})

_Row = dict[str, object]


def assessment_frame(assessment: Assessment, language: Language = "zh") -> pd.DataFrame:
    """One row per scenario, target and year, and one for each whole statement.

    Parameters
    ----------
    assessment : Assessment
        What was assessed.
    language : {"zh", "en"}
        Language of ``name``, ``marks``, ``grade_reasons``, ``why`` and ``note``.

    Returns
    -------
    pandas.DataFrame
        Columns ``COLUMNS``; empty cells are missing values.
    """
    spoken = words(language)
    return _frame((row for result in assessment.results for row in _rows(assessment, result, spoken)), COLUMNS)


def joint_frame(assessment: Assessment) -> pd.DataFrame:
    """One row per scenario and scope: joint probabilities and the number met. Columns ``JOINT_COLUMNS``."""
    rows = (
        {name: getattr(one, name) for name in JOINT_COLUMNS}
        | {"distribution": " ".join(f"{share:.4f}" for share in one.distribution)}
        for one in assessment.joint
    )
    return _frame(rows, JOINT_COLUMNS)


def checkpoint_frame(assessment: Assessment, language: Language = "zh") -> pd.DataFrame:
    """One row per target and year on the way. Columns ``CHECKPOINT_COLUMNS``."""
    spoken = words(language)
    rows: Iterator[_Row] = (
        {
            "scenario": result.scenario,
            "target": result.target.id,
            "name": spoken.name(result.target.name),
            "year": point.year,
            "figure_50": point.half,
            "figure_20": point.fifth,
            "p_worst": point.p_worst,
            "p_best": point.p_best,
            "unit": assessment.catalogue.get(result.target.indicator).unit,
        }
        for result in assessment.results
        for point in result.checkpoints
    )
    return _frame(rows, CHECKPOINT_COLUMNS)


def csv_text(assessment: Assessment, language: Language = "zh") -> str:
    """The assessment as text; the same text for the same assessment."""
    return as_csv(assessment_frame(assessment, language))


def as_csv(frame: pd.DataFrame) -> str:
    """A table as text."""
    text: str = frame.to_csv(index=False, lineterminator="\n")
    return text


def why_text(result: TargetResult, spoken: Words) -> str:
    """What failing draws have in common, as a clause; empty where there is nothing to say."""
    if result.why is None:
        return ""
    group = "why_zero" if isinstance(result.target, ZeroTarget) else "why"
    return spoken.term(group, result.why.cause).format(share=percent(result.why.share, spoken))


def marks_text(result: TargetResult, spoken: Words) -> str:
    """Marks of statistics offices with their verdicts, in a row."""
    said = []
    for mark in result.marks:
        verdict = verdict_text(result, mark, spoken)
        value = "" if mark.value is None else f" {mark.value:.2f}"
        said.append(f"{spoken.term('mark', mark.table)}{value} {verdict}")
    return spoken("semicolon").join(said)


def verdict_text(result: TargetResult, mark: Mark, spoken: Words) -> str:
    """A mark's verdict; a level that is held is met now, and cannot be met before its time."""
    if mark.verdict == ACHIEVED and isinstance(result.target, MaintainTarget):
        return spoken("verdict_holds")
    return spoken.term("verdict", mark.verdict)


def _frame(rows: Iterable[_Row], columns: tuple[str, ...]) -> pd.DataFrame:
    frame = pd.DataFrame(list(rows), columns=list(columns))
    kinds = {
        name: "Int64" if name in _WHOLE else "boolean" if name == "too_thin" else "float64"
        for name in columns
        if name not in _TEXTS
    }
    return frame.astype(kinds)


def _rows(assessment: Assessment, result: TargetResult, spoken: Words) -> Iterator[_Row]:
    target = result.target
    shared: _Row = {
        "scenario": result.scenario,
        "target": target.id,
        "indicator": target.indicator,
        "region": assessment.plan.region.id,
        "name": spoken.name(target.name),
        "kind": target.kind,
        "comparator": getattr(target, "comparator", ""),
        "unit": target.unit,
        "evidence": result.evidence,
        "figures": result.n_figures,
        "last_figure_year": result.last_figure_year,
        "note": spoken.term("reason", result.reason) if result.reason else "",
    }
    for year in result.years:
        own: _Row = {"level": year.level, "year": year.year, "scope": "year", "shortfall": year.shortfall}
        yield {**shared, **own, "p_published": year.p_published, "p_true": year.p_true}
    overall: _Row = {"level": fixed_level(target), "year": target.last_year, "scope": "overall"}
    yield {
        **shared,
        **overall,
        "p_published": result.p_published,
        "p_true": result.p_true,
        "year_reached": " ".join(f"{share.year}:{share.share:.4f}" for share in result.reached),
        **dict(zip(_LEVEL_COLUMNS, (level.value for level in result.recommended), strict=False)),
        **_beside(result, spoken),
    }


def _beside(result: TargetResult, spoken: Words) -> _Row:
    """Columns of a whole statement that come from the posterior."""
    row: _Row = {"marks": marks_text(result, spoken), "why": why_text(result, spoken)}
    if result.pace is not None:
        row |= {"pace_needed": result.pace.needed, "pace_recent": result.pace.recent}
    if result.grade is not None:
        reasons = spoken("semicolon").join(spoken.term("grade_reason", reason) for reason in result.grade.reasons)
        row |= {"grade": result.grade.letter, "grade_reasons": reasons}
        row |= {"prior_share": result.grade.prior_share, "too_thin": result.grade.too_thin}
    if result.sensitivity is not None:
        names = ("narrow_prior", "wide_prior", "without_newest", "other_engine")
        row |= {f"p_{name}": getattr(result.sensitivity, name) for name in names}
    if result.why is not None:
        row["why_share"] = result.why.share
    return row


def fixed_level(target: Target) -> float | None:
    """The one level a statement is about; None where it is no fixed figure or several."""
    if isinstance(target, LevelTarget | MaintainTarget | RangeTarget):
        return target.value
    if isinstance(target, ZeroTarget):
        return 0.0
    if isinstance(target, PathTarget):
        levels = set(target.values.values())
        return levels.pop() if len(levels) == 1 else None
    return None
