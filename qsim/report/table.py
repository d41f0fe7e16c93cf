"""The assessment as a table: ``assessment.csv``, its columns kept in ``docs/schema.md``."""

from collections.abc import Iterator

import pandas as pd

from qsim.feasibility.records import Assessment, TargetResult
from qsim.plans.targets import LevelTarget, MaintainTarget, PathTarget, Target
from qsim.report.words import Language, Words, words

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
    "evidence",
    "figures",
    "last_figure_year",
    "note",
)
"""Columns, in order."""

_Row = dict[str, object]


def assessment_frame(assessment: Assessment, language: Language = "zh") -> pd.DataFrame:
    """One row per scenario, target and year, and one for each whole statement.

    Parameters
    ----------
    assessment : Assessment
        What was assessed.
    language : {"zh", "en"}
        Language of ``name`` and ``note``.

    Returns
    -------
    pandas.DataFrame
        Columns ``COLUMNS``; empty cells are missing values.
    """
    spoken = words(language)
    rows = [row for result in assessment.results for row in _rows(assessment, result, spoken)]
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    whole = {"year": "Int64", "figures": "Int64", "last_figure_year": "Int64"}
    parts = {"level": "float64", "p_published": "float64", "p_true": "float64"}
    return frame.astype({**whole, **parts})


def csv_text(assessment: Assessment, language: Language = "zh") -> str:
    """The table as text; the same text for the same assessment."""
    text: str = assessment_frame(assessment, language).to_csv(index=False, lineterminator="\n")
    return text


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
        own: _Row = {"level": year.level, "year": year.year, "scope": "year"}
        yield {**shared, **own, "p_published": year.p_published, "p_true": year.p_true}
    overall: _Row = {"level": fixed_level(target), "year": target.last_year, "scope": "overall"}
    yield {**shared, **overall, "p_published": result.p_published, "p_true": result.p_true}


def fixed_level(target: Target) -> float | None:
    """The one level a statement is about; None where it is no fixed figure or several."""
    if isinstance(target, LevelTarget | MaintainTarget):
        return target.value
    if isinstance(target, PathTarget):
        levels = set(target.values.values())
        return levels.pop() if len(levels) == 1 else None
    return None
