"""How good the evidence behind each probability is, and why a target fails."""

from qsim.feasibility.records import Sensitivity, TargetResult
from qsim.plans.targets import ZeroTarget
from qsim.report.blocks import TableNumbers, columns, grouped, under, weak_note
from qsim.report.content import Block, Cell, Table
from qsim.report.numbers import percent
from qsim.report.reading import Reading
from qsim.report.summary import newest
from qsim.report.table import why_text
from qsim.report.values import bound

_POINT = 0.005
"""Shares below it are not named. [1]"""


def evidence(reading: Reading, numbers: TableNumbers) -> list[Block]:
    """Grades with their reasons, how far each probability moves, and why doubtful targets fail."""
    return [
        *under(reading, "evidence", grades(reading, numbers)),
        *under(reading, "why", causes(reading, numbers)),
    ]


def grades(reading: Reading, numbers: TableNumbers) -> Table | None:
    """Grade, its reasons, and the probability under each other assumption."""
    own = [result for result in reading.assessed if result.grade is not None]
    if not own:
        return None
    spoken = reading.words
    names = ["narrow", "wide", "newest_out"]
    other = any(result.sensitivity and result.sensitivity.other_engine is not None for result in own)
    names += ["other_engine"] if other else []
    rows: list[tuple[Cell, ...]] = []
    for result in own:
        moved = _moved(reading, result.sensitivity, other=other)
        rows += grouped(reading, result, [(newest(reading, result), *_grade(reading, result), *moved)])
    every = columns(
        reading,
        ("number", 8, "center"),
        ("target", 26 if other else 30),
        ("newest", 22, "center"),
        ("grade", 11.2, "center"),
        ("grade_reasons", 18.8 if other else 26.8),
        ("prior_share", 12, "center"),
        *((name, 12, "center") for name in names),
        ("span", 10, "center"),
    )
    notes = (spoken("evidence_note"), spoken("grade_note"), *weak_note(reading, own))
    return Table(numbers.label(reading, "evidence"), every, tuple(rows), notes)


def causes(reading: Reading, numbers: TableNumbers) -> Table | None:
    """For each doubtful target one sentence on what the failing draws have in common."""
    own = [result for result in reading.assessed if result.why is not None]
    if not own:
        return None
    spoken = reading.words
    rows: list[tuple[Cell, ...]] = []
    for result in own:
        chance, text = percent(result.p_published, spoken), why_text(result, spoken)
        said = spoken("sentence", text=text[:1].upper() + text[1:])
        rows += grouped(reading, result, [(chance, said, _other_causes(reading, result))])
    every = columns(
        reading,
        ("number", 9, "center"),
        ("target", 36),
        ("published", 14, "center"),
        ("why", 62),
        ("why_other", 35),
    )
    notes = (spoken("why_note"), *weak_note(reading, own))
    return Table(numbers.label(reading, "why"), every, tuple(rows), notes)


def _grade(reading: Reading, result: TargetResult) -> tuple[str, str, str]:
    spoken, own = reading.words, result.grade
    if own is None:
        return (spoken("dash"),) * 3
    reasons = spoken("list_sep").join(spoken.term("grade_reason_short", reason) for reason in own.reasons)
    return own.letter, reasons or spoken("dash"), bound(own.prior_share)


def _moved(reading: Reading, own: Sensitivity | None, *, other: bool) -> tuple[str, ...]:
    spoken = reading.words
    if own is None:
        return (spoken("dash"),) * (5 if other else 4)
    shown = [own.narrow_prior, own.wide_prior, own.without_newest, *([own.other_engine] if other else [])]
    return (*(percent(value, spoken) for value in shown), f"{100.0 * own.range:.0f}")


def _other_causes(reading: Reading, result: TargetResult) -> str:
    spoken, own = reading.words, result.why
    if own is None:
        return spoken("dash")
    rest = sorted(
        ((share, cause) for cause, share in own.shares if cause != own.cause and share >= _POINT), reverse=True
    )
    group = "why_zero_short" if isinstance(result.target, ZeroTarget) else "why_short"
    said = [
        spoken("with_percent", name=spoken.term(group, cause), percent=percent(share, spoken)) for share, cause in rest
    ]
    return spoken("list_sep").join(said) or spoken("dash")
