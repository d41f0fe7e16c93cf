"""Parts behind the first page, as neutral blocks: probabilities, unanswered targets, figures, method."""

from collections.abc import Sequence
from typing import cast

from qsim.feasibility.evidence import GRADES
from qsim.feasibility.records import TargetResult, YearResult
from qsim.figures.printed import Printed
from qsim.observations.dataset import AFTER_CUTOFF
from qsim.report.blocks import TableNumbers, columns
from qsim.report.content import Block, Cell, Figure, Heading, Link, Paragraph, Table
from qsim.report.evidence import evidence
from qsim.report.numbers import band_ranges, percent, printed_value
from qsim.report.reading import YEARS_TO_COLLECT, Reading
from qsim.report.requirements import level, requirement, span, when
from qsim.report.together import together
from qsim.report.values import gap

_GAP_TELLS = 0.05
"""Least share of failing draws whose mean gap is printed. [1]"""
_RECORD_TELLS = 20
"""Fewest known outcomes whose share says something about the next target. [1]"""
_THIN_POINTS = 100.0 * GRADES.range[-1]
"""Change of a probability from which the evidence is too thin to tell. [percent points]"""


def assessed(reading: Reading, numbers: TableNumbers, figures: tuple[Figure, ...]) -> list[Block]:
    """Part one: every probability with what has to be said beside it, the plan as a whole, the evidence, the charts."""
    spoken = reading.words
    blocks: list[Block] = [Heading(spoken("section_assessed"), 1, new_page=True)]
    if reading.assessed:
        figured, prior = len(reading.of("figures")), len(reading.of("prior"))
        one_kind = spoken("assessed_own_all") if figured else spoken("assessed_prior_all")
        own = spoken("assessed_own", figures=figured, prior=prior) if figured and prior else one_kind
        table = _full_table(reading, numbers)
        intro = Paragraph(spoken("assessed_intro", n=len(reading.assessed), table=numbers.last, own=own))
        blocks += [Heading(spoken("sub_probability"), 2), intro, table]
        blocks += [Heading(spoken("sub_frame"), 2), *_frame(reading)]
        blocks += [*together(reading, numbers), *evidence(reading, numbers)]
    else:
        blocks.append(Paragraph(spoken("assessed_none", part=reading.part("gaps"))))
    if figures:
        blocks += [Heading(spoken("sub_charts"), 2), *figures]
    return blocks


def gaps(reading: Reading, numbers: TableNumbers) -> list[Block]:
    """The part on what the figures cannot answer, why, and what to collect."""
    spoken = reading.words
    results = reading.of("not_testable")
    blocks: list[Block] = [Heading(spoken("section_gaps"), 1)]
    if not results:
        return [*blocks, Paragraph(spoken("gaps_none"))]
    years = reading.years(*reading.years_to_collect())
    intro = spoken("gaps_intro", n=len(results), as_of=reading.date(), years=years, least=YEARS_TO_COLLECT)
    rows = [
        (
            str(number),
            _name(reading, result),
            _requirement(reading, result),
            spoken.term("reason_short", result.reason),
            reading.collect(result),
        )
        for number, result in enumerate(results, start=1)
    ]
    every = columns(
        reading, ("number", 9, "center"), ("target", 42), ("requirement", 36), ("reason", 25), ("collect", 44)
    )
    notes = [
        spoken("reason_note", short=spoken.term("reason_short", reason), reason=spoken.term("reason", reason))
        for reason in dict.fromkeys(result.reason for result in results)
    ]
    table = Table(numbers.label(reading, "gaps"), every, tuple(rows), (*notes, *_plan_notes(reading, results)))
    return [*blocks, Paragraph(intro), table]


def sources(reading: Reading, numbers: TableNumbers) -> list[Block]:
    """The part on figures used with their source, figures set aside with the reason, peers counted."""
    spoken = reading.words
    used = [figure for figure in reading.own if not figure.set_aside]
    aside = [figure for figure in reading.own if figure.set_aside]
    blocks: list[Block] = [Heading(spoken("section_figures"), 1), Heading(spoken("sub_used"), 2)]
    if used:
        every = columns(
            reading,
            ("indicator", 40),
            ("year", 13, "center"),
            ("value", 22, "center"),
            ("definition", 37),
            ("source", 44),
        )
        rows = _continued(
            [(*_printed(reading, figure), reading.definition_of(figure), _source(reading, figure)) for figure in used]
        )
        table = Table(numbers.label(reading, "used"), every, rows)
        blocks += [Paragraph(spoken("used_intro", n=len(used), as_of=reading.date())), table]
    else:
        blocks.append(Paragraph(spoken("used_none", as_of=reading.date())))
    blocks.append(Heading(spoken("sub_aside"), 2))
    if aside:
        every = columns(
            reading, ("indicator", 38), ("year", 25, "center"), ("value", 18, "center"), ("reason", 33), ("source", 42)
        )
        rows = _continued(_aside(reading, aside))
        blocks += [
            Paragraph(spoken("aside_intro", n=len(aside))),
            Table(numbers.label(reading, "aside"), every, rows),
        ]
    else:
        blocks.append(Paragraph(spoken("aside_none")))
    return [*blocks, Heading(spoken("sub_peers"), 2), *_peers(reading, numbers)]


def _aside(reading: Reading, figures: Sequence[Printed]) -> list[tuple[Cell, ...]]:
    """Figures that were not used; those of one indicator that came after the cut-off in one row."""
    spoken = reading.words
    rows: list[tuple[Cell, ...]] = []
    for indicator in dict.fromkeys(figure.indicator for figure in figures):
        own = [figure for figure in figures if figure.indicator == indicator]
        late = [figure for figure in own if figure.set_aside == AFTER_CUTOFF]
        rows += [
            (*_printed(reading, figure), spoken.term("set_aside", figure.set_aside), _source(reading, figure))
            for figure in own
            if figure.set_aside != AFTER_CUTOFF
        ]
        if late:
            name = spoken.name(reading.assessment.catalogue.get(indicator).name)
            years = sorted({figure.year for figure in late})
            counted = spoken("figures_counted", n=len(late))
            rows.append(
                (
                    name,
                    span(years[0], years[-1], spoken),
                    counted,
                    spoken.term("set_aside", AFTER_CUTOFF),
                    spoken("dash"),
                )
            )
    return rows


def method(reading: Reading, numbers: TableNumbers) -> list[Block]:
    """The part on how it is computed, how to read it, the checks."""
    spoken, assessment = reading.words, reading.assessment
    bands = Table(
        numbers.label(reading, "bands"),
        columns(reading, ("probability", 50, "center"), ("word", 50, "center")),
        (
            *((span, word) for word, span in band_ranges(spoken)),
            (spoken("bands_thin", points=f"{_THIN_POINTS:.0f}"), spoken("too_thin")),
        ),
    )
    parameters = spoken(
        "parameters",
        engine=spoken.term("engine", assessment.engine),
        draws=assessment.draws,
        seed=assessment.seed,
        version=assessment.version,
    )
    return [
        Heading(spoken("section_method"), 1),
        Heading(spoken("sub_model"), 2),
        Paragraph(spoken("method_model")),
        Paragraph(spoken("method_probability", draws=assessment.draws)),
        Heading(spoken("sub_words"), 2),
        Paragraph(spoken("method_reading")),
        bands,
        Heading(spoken("sub_checks"), 2),
        Paragraph(_gates(reading)),
        Paragraph(parameters),
    ]


def _full_table(reading: Reading, numbers: TableNumbers) -> Table:
    spoken = reading.words
    rows: list[tuple[Cell, ...]] = []
    for number, result in enumerate(reading.assessed, start=1):
        rows += _result_rows(reading, number, result)
    notes = [spoken("probability_note")]
    if any(len(result.years) > 1 for result in reading.assessed):
        notes.append(spoken("several_years_note"))
    if any(_gap(reading, result, year) != spoken("dash") for result in reading.assessed for year in result.years):
        notes.append(spoken("gap_note", percent=f"{_GAP_TELLS:.0%}"))
    if any(reading.thin(result) for result in reading.assessed):
        notes.append(spoken("thin_note", points=f"{_THIN_POINTS:.0f}"))
    if any(reading.failed_gate(result.series) for result in reading.assessed):
        notes.append(spoken("gate_note", part=reading.part("method")))
    notes += _plan_notes(reading, reading.assessed)
    every = columns(
        reading,
        ("number", 8, "center"),
        ("target", 26),
        ("requirement", 18, "center"),
        ("when", 17, "center"),
        ("basis", 18, "center"),
        ("published", 13, "center"),
        ("true", 11.5, "center"),
        ("gap", 23, "center"),
        ("word", 21.5, "center"),
    )
    return Table(numbers.label(reading, "full"), every, tuple(rows), tuple(notes))


def _plan_notes(reading: Reading, results: Sequence[TargetResult]) -> tuple[str, ...]:
    """What the plan's file says about single targets, by their numbers in the table; the same note once."""
    spoken = reading.words
    notes: dict[str, list[int]] = {}
    for number, result in enumerate(results, start=1):
        if result.target.note is not None:
            notes.setdefault(spoken.name(result.target.note), []).append(number)
    return tuple(spoken("plan_note", n=_runs(numbers, reading), note=note) for note, numbers in notes.items())


def _runs(numbers: Sequence[int], reading: Reading) -> str:
    """Numbers in a row, those that follow each other as a span."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    spoken = reading.words
    said = [str(run[0]) if len(run) == 1 else spoken("span", low=run[0], high=run[-1]) for run in runs]
    return spoken("list_sep").join(said)


def _result_rows(reading: Reading, number: int, result: TargetResult) -> list[tuple[Cell, ...]]:
    spoken, dash = reading.words, reading.words("dash")
    name, basis = reading.target_name(result, full=True), _basis(reading, result)
    if len(result.years) <= 1:
        asked, year = requirement(result.target, spoken), when(result.target, spoken)
        missed = _gap(reading, result, result.years[0]) if result.years else dash
        chances = _chances(reading, result, result.p_published, result.p_true, missed)
        return [(str(number), name, asked, year, basis, *chances)]
    rows: list[tuple[Cell, ...]] = []
    said: Cell
    for place, one in enumerate(result.years):
        if one.level is None:  # the same words for all years: said once
            said = None if place else requirement(result.target, spoken)
        else:
            said = level(one.level, getattr(result.target, "comparator", ">="), reading.unit(result), spoken)
        chances = _chances(reading, result, one.p_published, one.p_true, _gap(reading, result, one))
        rows.append((None, None, said, spoken("year", year=one.year), None, *chances))
    rows[0] = (str(number), name, *rows[0][2:4], basis, *rows[0][5:])
    overall = _chances(reading, result, result.p_published, result.p_true, dash)
    if reading.thin(result):  # said once for all years
        rows = [rows[0], *((*row[:-1], None) for row in rows[1:])]
        overall = (*overall[:-1], None)
    return [*rows, (None, None, spoken("all_levels"), spoken("all_years"), None, *overall)]


def _chances(
    reading: Reading, result: TargetResult, published: float | None, true: float | None, missed: str
) -> tuple[Cell, ...]:
    spoken = reading.words
    return percent(published, spoken), percent(true, spoken), missed, reading.verdict(result, published)


def _gap(reading: Reading, result: TargetResult, year: YearResult) -> str:
    """Mean gap of the draws that fail; a mean over few of them would tell of their luck alone."""
    known = year.shortfall is not None and year.p_published is not None
    if not known or 1.0 - cast("float", year.p_published) < _GAP_TELLS:
        return reading.words("dash")
    return gap(cast("float", year.shortfall), reading.indicator(result).unit, reading.words)


def _basis(reading: Reading, result: TargetResult) -> str:
    spoken = reading.words
    if result.evidence == "prior":
        return spoken("pool_only", regions=result.pool_regions)
    key = "own_and_pool" if result.pool_regions else "own_figures"
    return spoken(key, n=result.n_figures, regions=result.pool_regions)


def _peers(reading: Reading, numbers: TableNumbers) -> list[Block]:
    spoken, plan = reading.words, reading.assessment.plan
    slugs = list(dict.fromkeys(target.indicator for target in plan.targets))
    peers = [figure for figure in reading.printed if figure.region != plan.region.id and not figure.set_aside]
    rows = []
    for slug in slugs:
        own = [figure for figure in peers if figure.indicator == slug]
        if own:
            name = spoken.name(reading.assessment.catalogue.get(slug).name)
            rows.append((name, str(len({figure.region for figure in own})), str(len(own))))
    if not rows:
        return [Paragraph(spoken("peers_none"))]
    every = columns(reading, ("indicator", 96), ("regions", 30, "center"), ("figures", 30, "center"))
    return [Paragraph(spoken("peers_intro")), Table(numbers.label(reading, "peers"), every, tuple(rows))]


def _frame(reading: Reading) -> list[Block]:
    """What has to be said beside a probability, once."""
    spoken, frame = reading.words, reading.assessment.frame
    record = spoken("track_record_none")
    if frame.track_record is not None:
        known = frame.track_record
        key = "track_record" if known.statements >= _RECORD_TELLS else "track_record_few"
        record = spoken(
            key, statements=known.statements, met=known.met, source=spoken.term("record_source", known.source)
        )
    cautions = spoken("semicolon").join(spoken.term("caution", caution) for caution in frame.cautions)
    return [Paragraph(record), Paragraph(spoken("frame", cautions=cautions))]


def _gates(reading: Reading) -> str:
    spoken, diagnostics = reading.words, reading.assessment.diagnostics
    used = list(dict.fromkeys(result.series for result in reading.assessed if result.series))
    failed = [series for series in used if series in reading.failed]
    if not failed:
        return spoken("gates_fine") if used else spoken("gates_unknown")
    items = []
    for series in failed:
        own = diagnostics.sel(series=series)
        name = spoken.name(reading.assessment.catalogue.get(series.split("/", 1)[1]).name)
        items.append(
            spoken("gate_item", name=name, k=f"{float(own['pareto_k']):.2f}", ess=f"{float(own['theta_ess']):.0f}")
        )
    return spoken("gates_failed", names=spoken("semicolon").join(items))


def _name(reading: Reading, result: TargetResult) -> str:
    return reading.target_name(result, full=True)


def _requirement(reading: Reading, result: TargetResult) -> str:
    spoken = reading.words
    return spoken("requirement_when", requirement=requirement(result.target, spoken), when=when(result.target, spoken))


def _printed(reading: Reading, figure: Printed) -> tuple[str, str, str]:
    indicator = reading.assessment.catalogue.get(figure.indicator)
    return reading.words.name(indicator.name), str(figure.year), printed_value(figure, indicator, reading.words)


def _source(reading: Reading, figure: Printed) -> Cell:
    text = figure.source or figure.url or reading.words("dash")
    return Link(text, figure.url) if figure.url.startswith(("http://", "https://")) else text


def _continued(rows: Sequence[tuple[Cell, ...]]) -> tuple[tuple[Cell, ...], ...]:
    """Let an indicator's name stand once for its rows."""
    before = [None, *(row[0] for row in rows)]
    return tuple((None, *row[1:]) if row[0] == last else row for row, last in zip(rows, before, strict=False))
