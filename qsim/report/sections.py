"""The four parts behind the first page, as neutral blocks."""

from collections.abc import Sequence
from dataclasses import dataclass

from qsim.feasibility.records import TargetResult
from qsim.figures.printed import Printed
from qsim.plans.levers import Measure
from qsim.report.content import Align, Block, Cell, Column, Figure, Heading, Link, Paragraph, Table
from qsim.report.numbers import band_ranges, percent, printed_value, verdict
from qsim.report.reading import Reading
from qsim.report.requirements import level, requirement, when
from qsim.report.summary import newest

_SHARE_OF_WIDE_COLUMN = 40.0


@dataclass
class TableNumbers:
    """Gives each table its number."""

    last: int = 0

    def label(self, reading: Reading, title: str) -> str:
        """Caption with the next number."""
        self.last += 1
        return reading.words("table_label", n=self.last, title=reading.words(f"table_{title}"))


def assessed(reading: Reading, numbers: TableNumbers, figures: tuple[Figure, ...]) -> list[Block]:
    """Part one: every probability, then the charts, then the scenarios."""
    spoken = reading.words
    blocks: list[Block] = [Heading(spoken("section_assessed"), 1, new_page=True)]
    if not reading.assessed:
        blocks.append(Paragraph(spoken("assessed_none")))
    else:
        own = spoken("assessed_own", figures=len(reading.of("figures")), prior=len(reading.of("prior")))
        table = _full_table(reading, numbers)
        blocks += [Paragraph(spoken("assessed_intro", n=len(reading.assessed), table=numbers.last, own=own)), table]
    blocks.append(Heading(spoken("sub_charts"), 2))
    blocks += figures or [Paragraph(spoken("charts_none"))]
    if len(reading.scenarios) > 1 and reading.assessed:
        blocks += _scenarios(reading, numbers)
    return blocks


def gaps(reading: Reading, numbers: TableNumbers) -> list[Block]:
    """Part two: what the figures cannot answer, why, and what to collect."""
    spoken = reading.words
    results = reading.of("not_testable")
    blocks: list[Block] = [Heading(spoken("section_gaps"), 1)]
    if not results:
        return [*blocks, Paragraph(spoken("gaps_none"))]
    blocks.append(Paragraph(spoken("gaps_intro", n=len(results), as_of=reading.date())))
    rows = [
        (
            str(number),
            _name(reading, result),
            _requirement(reading, result),
            reading.reason(result),
            reading.collect(result),
        )
        for number, result in enumerate(results, start=1)
    ]
    columns = _columns(
        reading, ("number", 10, "center"), ("target", 38), ("requirement", 28), ("reason", 32), ("collect", 48)
    )
    return [*blocks, Table(numbers.label(reading, "gaps"), columns, tuple(rows), _plan_notes(reading, results))]


def sources(reading: Reading, numbers: TableNumbers) -> list[Block]:
    """Part three: figures used with their source, figures set aside with the reason, peers counted."""
    spoken = reading.words
    used = [figure for figure in reading.own if not figure.set_aside]
    aside = [figure for figure in reading.own if figure.set_aside]
    blocks: list[Block] = [Heading(spoken("section_figures"), 1), Heading(spoken("sub_used"), 2)]
    if used:
        columns = _columns(
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
        table = Table(numbers.label(reading, "used"), columns, rows)
        blocks += [Paragraph(spoken("used_intro", n=len(used), as_of=reading.date())), table]
    else:
        blocks.append(Paragraph(spoken("used_none", as_of=reading.date())))
    blocks.append(Heading(spoken("sub_aside"), 2))
    if aside:
        columns = _columns(
            reading, ("indicator", 40), ("year", 13, "center"), ("value", 22, "center"), ("reason", 37), ("source", 44)
        )
        rows = _continued(
            [
                (*_printed(reading, figure), spoken.term("set_aside", figure.set_aside), _source(reading, figure))
                for figure in aside
            ]
        )
        blocks += [
            Paragraph(spoken("aside_intro", n=len(aside))),
            Table(numbers.label(reading, "aside"), columns, rows),
        ]
    else:
        blocks.append(Paragraph(spoken("aside_none")))
    return [*blocks, Heading(spoken("sub_peers"), 2), *_peers(reading, numbers)]


def method(reading: Reading, numbers: TableNumbers) -> list[Block]:
    """Part four: how it is computed, how to read it, the checks."""
    spoken, assessment = reading.words, reading.assessment
    bands = Table(
        numbers.label(reading, "bands"),
        _columns(reading, ("probability", 50, "center"), ("word", 50, "center")),
        tuple((span, word) for word, span in band_ranges(spoken)),
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
        Paragraph(_frame(reading)),
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
    if any(reading.failed_gate(result.series) for result in reading.assessed):
        notes.append(spoken("gate_note"))
    notes += _plan_notes(reading, reading.assessed)
    columns = _columns(
        reading,
        ("number", 9, "center"),
        ("target", 27),
        ("requirement", 18, "center"),
        ("when", 17.3, "center"),
        ("newest", 21.2, "center"),
        ("basis", 17, "center"),
        ("published", 13.5, "center"),
        ("true", 11, "center"),
        ("word", 21.5, "center"),
    )
    return Table(numbers.label(reading, "full"), columns, tuple(rows), tuple(notes))


def _plan_notes(reading: Reading, results: Sequence[TargetResult]) -> tuple[str, ...]:
    """What the plan's file says about single targets, by their number in the table."""
    spoken = reading.words
    return tuple(
        spoken("plan_note", n=number, note=spoken.name(result.target.note))
        for number, result in enumerate(results, start=1)
        if result.target.note is not None
    )


def _result_rows(reading: Reading, number: int, result: TargetResult) -> list[tuple[Cell, ...]]:
    spoken = reading.words
    name = reading.target_name(result, full=True)
    if len(result.years) <= 1:
        asked, year = requirement(result.target, spoken), when(result.target, spoken)
        own = (newest(reading, result), _basis(reading, result))
        return [(str(number), name, asked, year, *own, *_chances(reading, result.p_published, result.p_true))]
    rows: list[tuple[Cell, ...]] = []
    for year_result in result.years:
        if year_result.level is None:
            asked = requirement(result.target, spoken)
        else:
            asked = level(year_result.level, getattr(result.target, "comparator", ">="), reading.unit(result), spoken)
        chances = _chances(reading, year_result.p_published, year_result.p_true)
        rows.append((None, None, asked, spoken("year", year=year_result.year), None, None, *chances))
    first = rows[0]
    rows[0] = (str(number), name, first[2], first[3], newest(reading, result), _basis(reading, result), *first[6:])
    overall = _chances(reading, result.p_published, result.p_true)
    return [*rows, (None, None, spoken("all_levels"), spoken("all_years"), None, None, *overall)]


def _chances(reading: Reading, published: float | None, true: float | None) -> tuple[str, str, str]:
    spoken = reading.words
    return percent(published, spoken), percent(true, spoken), verdict(published, spoken)


def _basis(reading: Reading, result: TargetResult) -> str:
    spoken = reading.words
    if result.evidence == "prior":
        return spoken("pool_only", regions=result.pool_regions)
    key = "own_and_pool" if result.pool_regions else "own_figures"
    return spoken(key, n=result.n_figures, regions=result.pool_regions)


def _scenarios(reading: Reading, numbers: TableNumbers) -> list[Block]:
    spoken, plan = reading.words, reading.assessment.plan
    blocks: list[Block] = [Heading(spoken("sub_scenarios"), 2)]
    told = [spoken("scenarios_intro")]
    for scenario in plan.scenarios:
        if scenario.id not in reading.scenarios:
            continue
        measures = [_lever(reading, lever) for lever in scenario.levers]
        key = "scenario_levers" if measures else "scenario_without"
        told.append(spoken(key, scenario=spoken.name(scenario.name), levers=spoken("semicolon").join(measures)))
    blocks.append(Paragraph((" " if spoken.language == "en" else "").join(told)))
    chance = {(result.scenario, result.target.id): result.p_published for result in reading.assessment.results}
    share = (156.0 - 9 - _SHARE_OF_WIDE_COLUMN - 24) / len(reading.scenarios)
    columns = (
        *_columns(reading, ("number", 9, "center"), ("target", _SHARE_OF_WIDE_COLUMN), ("requirement", 24, "center")),
        *(Column(reading.scenario_name(scenario), share, "center") for scenario in reading.scenarios),
    )
    rows = tuple(
        (
            str(number),
            reading.target_name(result, full=True),
            requirement(result.target, spoken),
            *(percent(chance.get((scenario, result.target.id)), spoken) for scenario in reading.scenarios),
        )
        for number, result in enumerate(reading.assessed, start=1)
    )
    return [*blocks, Table(numbers.label(reading, "scenarios"), columns, rows)]


def _lever(reading: Reading, lever: Measure) -> str:
    spoken = reading.words
    source = spoken(f"lever_{lever.source.kind}", text=spoken.name(lever.source.text).rstrip("。."))
    return spoken("lever", name=spoken.name(lever.name), year=lever.start_year, source=source)


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
    columns = _columns(reading, ("indicator", 96), ("regions", 30, "center"), ("figures", 30, "center"))
    return [Paragraph(spoken("peers_intro")), Table(numbers.label(reading, "peers"), columns, tuple(rows))]


def _frame(reading: Reading) -> str:
    """What has to be said beside a probability."""
    spoken, frame = reading.words, reading.assessment.frame
    record = spoken("track_record_none")
    if frame.track_record is not None:
        known = frame.track_record
        record = spoken("track_record", statements=known.statements, met=known.met, source=known.source)
    cautions = spoken("semicolon").join(spoken.term("caution", caution) for caution in frame.cautions)
    return spoken("method_targets", cautions=cautions, record=record)


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


def _columns(reading: Reading, *columns: tuple[str, float] | tuple[str, float, Align]) -> tuple[Column, ...]:
    return tuple(Column(reading.words(f"col_{title}"), size, *rest) for title, size, *rest in columns)
