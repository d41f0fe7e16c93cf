"""Part two: levels one can count on, pace and marks of statistics offices, what to watch, the year reached."""

from collections.abc import Sequence
from dataclasses import replace
from math import ceil

from qsim.feasibility.events import wants_high
from qsim.feasibility.marks import Mark
from qsim.feasibility.records import Checkpoint, TargetResult
from qsim.plans.targets import PathTarget, Target
from qsim.report.blocks import TableNumbers, columns, grouped, under, weak_note
from qsim.report.content import Block, Cell, Column, Heading, Table
from qsim.report.numbers import percent, with_unit
from qsim.report.reading import Reading
from qsim.report.requirements import level, requirement, when
from qsim.report.table import verdict_text
from qsim.report.values import alike, difference, level_unit
from qsim.report.words import Words

_YEAR_COLUMNS = 8
"""Most columns of years beside each other."""
_YEARS_WIDTH = 92.0
"""Width of all columns of years. [mm]"""


def progress(reading: Reading, numbers: TableNumbers) -> list[Block]:
    """Everything between what a target asks for and what the figures do; nothing where nothing is known."""
    if not reading.has_progress:
        return []
    return [
        Heading(reading.words("section_progress"), 1),
        *under(reading, "levels", levels(reading, numbers)),
        *under(reading, "pace", pace(reading, numbers)),
        *under(reading, "watch", watch(reading, numbers)),
        *under(reading, "reached", reached(reading, numbers)),
    ]


def levels(reading: Reading, numbers: TableNumbers) -> Table | None:
    """Levels that the published figure meets with a given probability."""
    own = [result for result in reading.assessed if result.recommended]
    if not own:
        return None
    spoken = reading.words
    confidences = [one.confidence for one in own[0].recommended]
    wide = columns(reading, ("number", 9, "center"), ("target", 33.5), ("requirement", 25.5, "center"))
    share = 88.0 / len(confidences)
    titles = [
        spoken("col_ambitious" if place == len(confidences) - 1 else "col_confidence", percent=f"{confidence:.0%}")
        for place, confidence in enumerate(confidences)
    ]
    rows: list[tuple[Cell, ...]] = []
    for result in own:
        unit = level_unit(result.target, reading.indicator(result), spoken)
        printed = alike(tuple(one.value for one in result.recommended))
        asked = _asked_last(result.target, spoken)
        rows += grouped(reading, result, [(asked, *(with_unit(value, unit, spoken) for value in printed))])
    every = (*wide, *(Column(title, share, "center") for title in titles))
    notes = (spoken("levels_note", scenario=reading.scenario_name(reading.scenario)), *weak_note(reading, own))
    return Table(numbers.label(reading, "levels"), every, tuple(rows), notes)


def pace(reading: Reading, numbers: TableNumbers) -> Table | None:
    """Needed and recent change a year, and the marks of statistics offices."""
    own = [result for result in reading.assessed if result.pace is not None or result.marks]
    if not own:
        return None
    spoken = reading.words
    rows: list[tuple[Cell, ...]] = []
    for result in own:
        first, *more = _marks(reading, result) or [(spoken("dash"),) * 3]
        rows += grouped(reading, result, [(*_paces(reading, result), *first), *((None, None, *row) for row in more)])
    forms = dict.fromkeys(replace(mark, value=None, verdict="") for result in own for mark in result.marks)
    notes = [spoken("pace_note"), *(_mark_form(form, spoken) for form in forms)]
    every = columns(
        reading,
        ("number", 8, "center"),
        ("target", 27),
        ("needed", 24.5, "center"),
        ("recent", 33.5, "center"),
        ("mark", 29, "center"),
        ("mark_value", 14, "center"),
        ("mark_verdict", 20, "center"),
    )
    return Table(numbers.label(reading, "pace"), every, tuple(rows), (*notes, *weak_note(reading, own)))


def watch(reading: Reading, numbers: TableNumbers) -> Table | None:
    """For each year on the way, the figure beyond which a target becomes doubtful."""
    own = [result for result in reading.assessed if result.checkpoints]
    if not own:
        return None
    rows: list[tuple[Cell, ...]] = []
    for result in own:
        rows += grouped(reading, result, _points(reading, result))
    every = columns(
        reading,
        ("number", 9, "center"),
        ("target", 45),
        ("year", 16, "center"),
        ("half", 28, "center"),
        ("fifth", 28, "center"),
        ("given", 30, "center"),
    )
    notes = (reading.words("watch_note"), *weak_note(reading, own))
    return Table(numbers.label(reading, "watch"), every, tuple(rows), notes)


def reached(reading: Reading, numbers: TableNumbers) -> Table | None:
    """Share of the draws that get there for the first time in each year."""
    own = [result for result in reading.assessed if result.reached]
    if not own:
        return None
    spoken = reading.words
    spans = _spans(sorted({year.year for result in own for year in result.reached}))
    size = _YEARS_WIDTH / (len(spans) + 1)
    rows: list[tuple[Cell, ...]] = []
    for result in own:
        known = {year.year: year.share for year in result.reached}
        sums = [[known[year] for year in span if year in known] for span in spans]
        shares = [percent(sum(part), spoken) if part else spoken("dash") for part in sums]
        later = percent(max(1.0 - sum(known.values()), 0.0), spoken)
        rows += grouped(reading, result, [(when(result.target, spoken), *shares, later)])
    every = (
        *columns(reading, ("number", 9, "center"), ("target", 35), ("due", 20, "center")),
        *(Column(reading.years(span[0], span[-1]), size, "center") for span in spans),
        Column(spoken("col_later"), size, "center"),
    )
    notes = (spoken("reached_note"), *weak_note(reading, own))
    return Table(numbers.label(reading, "reached"), every, tuple(rows), notes)


def _paces(reading: Reading, result: TargetResult) -> tuple[str, str]:
    spoken, own = reading.words, result.pace
    if own is None:
        return spoken("dash"), spoken("dash")
    unit, sign = reading.indicator(result).unit, 1.0 if wants_high(result.target) else -1.0
    recent = difference(sign * own.recent, unit, spoken, sign=True)
    return (
        difference(sign * own.needed, unit, spoken, sign=True) if own.needed > 0.0 else spoken("needed_none"),
        spoken("recent", value=recent, years=reading.years(own.first_year, own.last_year)),
    )


def _marks(reading: Reading, result: TargetResult) -> list[tuple[str, str, str]]:
    """Marks with their values; those that say alike that a requirement is met stand together."""
    spoken = reading.words
    settled: dict[str, list[str]] = {}
    rows: list[tuple[str, str, str]] = []
    for mark in result.marks:
        name, verdict = spoken.term("mark_name", mark.table), verdict_text(result, mark, spoken)
        if mark.value is None:
            settled.setdefault(verdict, []).append(name)
        else:
            rows.append((name, _mark_value(mark, mark.value, spoken), verdict))
    rows += [(spoken("list_sep").join(names), spoken("dash"), verdict) for verdict, names in settled.items()]
    return rows


def _mark_form(mark: Mark, spoken: Words) -> str:
    """Form of a mark, written out, and the bounds of its verdicts as the table has them."""
    form = spoken.terms["mark_form"].get(mark.table, f"{mark.table}: {mark.form}")
    if not mark.bounds:
        return form
    steps = [
        spoken("mark_bound", value=_mark_bound(mark, value, spoken), verdict=spoken.term("verdict", verdict))
        for value, verdict in mark.bounds
    ]
    steps.append(spoken("mark_below", verdict=spoken.term("verdict", mark.below)))
    what = spoken.terms["mark_bounded"].get(mark.table, spoken.term("mark_bounded", "default"))
    return spoken("mark_bounds", form=form, what=what, bounds=spoken("semicolon").join(steps))


def _mark_bound(mark: Mark, value: float, spoken: Words) -> str:
    """A bound with all its digits, in the unit that the values of its mark are printed in."""
    match mark.table:
        case "eurostat" | "failure" | "unsd" | "growth":
            return f"{100.0 * value:g}%"
        case "schedule":
            return f"{100.0 * value:g}{spoken('points')}"
        case "aarr":  # a difference of two rates in percent
            return f"{value:g}{spoken('points')}"
        case _:
            return f"{value:g}"


def _mark_value(mark: Mark, value: float, spoken: Words) -> str:
    match mark.table:
        case "schedule":
            return difference(100.0 * value, "%", spoken, sign=True)
        case "growth":
            return f"{100.0 * value:.1f}%"
        case "aarr":
            return f"{value:.1f}%"
        case "eurostat" | "failure" | "unsd":
            return f"{100.0 * value:.0f}%"
        case _:
            return f"{value:.2f}"


def _points(reading: Reading, result: TargetResult) -> list[tuple[str, ...]]:
    """Lines of each year; figures of one target with the same decimals."""
    spoken = reading.words
    unit, high = reading.indicator(result).unit, wants_high(result.target)
    lines = [value for point in result.checkpoints for value in (point.half, point.fifth) if value is not None]
    printed = dict(zip(lines, alike(tuple(lines)), strict=True))

    def crossing(value: float | None) -> str:
        if value is None:
            return spoken("no_such_figure")
        return spoken("below" if high else "above", value=with_unit(printed[value], unit, spoken))

    def row(point: Checkpoint) -> tuple[str, ...]:
        ends = spoken("range", low=percent(point.p_worst, spoken), high=percent(point.p_best, spoken))
        return spoken("year", year=point.year), crossing(point.half), crossing(point.fifth), ends

    return [row(point) for point in result.checkpoints]


def _asked_last(target: Target, spoken: Words) -> str:
    """What is asked for in the last year, to which the levels belong."""
    if isinstance(target, PathTarget):
        return level(target.values[target.last_year], target.comparator, target.unit, spoken)
    return requirement(target, spoken)


def _spans(years: Sequence[int]) -> list[list[int]]:
    """Years in at most so many groups of consecutive ones."""
    size = ceil(len(years) / _YEAR_COLUMNS)
    return [list(years[place : place + size]) for place in range(0, len(years), size)]
