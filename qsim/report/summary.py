"""The first page: what can be said in a few sentences and one table."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from qsim.feasibility.records import TargetResult
from qsim.figures.text import width
from qsim.report.content import Block, Cell, Column, Paragraph, Table
from qsim.report.numbers import percent, printed_value, said_percent, verdict, whole_percent
from qsim.report.reading import FEW_FIGURES, YEARS_TO_COLLECT, Gap, Reading, label_rows
from qsim.report.requirements import requirement, when
from qsim.report.values import bound, number_met
from qsim.report.widths import TITLE_CHARACTERS, balanced, lines
from qsim.report.words import ProbabilityWord
from qsim.vocabulary import INTERVAL_PROBABILITY, Evidence

MOST_ROWS = 12
"""Rows of the first page's table of probabilities."""
MOST_GAPS = 8
"""Rows of the first page's table of figures to collect."""
NAMES_SHOWN = 3
"""Targets named in one sentence, fewer where the table would have no room."""
LEAST_ROWS = 3
"""Rows of that table that names make room for."""
SECURE_NAMED = 2
"""Most targets of the highest verdict that are named."""

_PAGE_LINES = 35.0
"""Lines of the first page, in lines of summary text."""
_HEAD, _META_LINE = 1.7, 0.9
"""Word above the title with the space around, and a line below it."""
_TITLE_LINE, _ROW_LINE, _ROW_EXTRA, _TABLE_EXTRA = 1.67, 0.7, 0.12, 2.1
_NOTE_LINE = 0.84
_SUMMARY_CHARACTERS, _META_CHARACTERS, _CELL_MM = 36.0, 41.0, 3.75


@dataclass(frozen=True)
class Numbers:
    """Numbers of the tables the first page points to."""

    summary: int
    collect: int
    full: int


def sentences(reading: Reading, names: int = NAMES_SHOWN) -> tuple[str, ...]:
    """How the targets split, which are in doubt or too thin to tell, all together, what is missing, the basis."""
    together = _together(reading)
    return (
        _scope(reading),
        _verdict(reading, names),
        *([together] if together else []),
        _gap(reading, names),
        _basis(reading),
    )


def first_page(reading: Reading, title: tuple[str, ...], numbers: Numbers) -> tuple[Block, ...]:
    """Sentences and as many table rows as fit on the page."""
    left = _PAGE_LINES - _HEAD - _META_LINE * ceil(width(meta(reading)) / _META_CHARACTERS)
    left -= sum(_TITLE_LINE * len(balanced(line, TITLE_CHARACTERS)) for line in title)
    for names in range(NAMES_SHOWN, 0, -1):
        text = sentences(reading, names)
        below = left - sum(ceil((width(sentence) + 2) / _SUMMARY_CHARACTERS) for sentence in text)
        if _rows_that_fit(reading, below) >= min(LEAST_ROWS, len(reading.assessed)):
            break
    left = below
    blocks: list[Block] = [Paragraph(sentence, "summary") for sentence in text]
    if reading.assessed:
        table, left = _probabilities(reading, left, numbers)
        blocks.append(table)
    if reading.gaps and len(reading.assessed) < MOST_ROWS // 2:
        collect = _collect(reading, left, numbers)
        blocks += [collect] if collect else []
    return tuple(blocks)


def meta(reading: Reading) -> str:
    """Region, period, data cut-off and number of targets, below the title."""
    spoken, plan = reading.words, reading.assessment.plan
    text = spoken(
        "meta",
        region=spoken.name(plan.region.name),
        first=plan.period.first_year,
        last=plan.period.last_year,
        as_of=reading.date(),
        assumed=spoken("assumed") if plan.as_of_assumed and reading.as_of == plan.as_of else "",
        statements=len(reading.results),
    )
    if reading.scenario == plan.scenarios[0].id:
        return text
    return text + spoken("scenario_meta", scenario=reading.scenario_name(reading.scenario))


def doubtful_first(results: tuple[TargetResult, ...]) -> tuple[TargetResult, ...]:
    """Results on own figures before those on the pool alone, the least probable first."""
    return tuple(sorted(results, key=lambda result: (result.evidence != "figures", _chance(result))))


def _chance(result: TargetResult) -> float:
    return 2.0 if result.p_published is None else result.p_published


def _scope(reading: Reading) -> str:
    """The three counts, of statements and of rows of the labelled list."""
    spoken = reading.words
    listed = any(result.target.labels for result in reading.results)

    def count(results: Sequence[TargetResult], key: str = "count") -> str:
        rows = sum(label_rows(result) for result in results)
        return spoken(f"{key}_rows" if listed else key, n=len(results), rows=rows)

    kinds: tuple[Evidence, ...] = ("figures", "prior", "not_testable")
    parts = [spoken(f"scope_{evidence}", count=count(reading.of(evidence))) for evidence in kinds]
    return spoken("scope", total=count(reading.results, "total"), parts=spoken("semicolon").join(parts))


def _verdict(reading: Reading, names: int) -> str:
    spoken = reading.words
    own = reading.of("figures")
    judged = own or reading.assessed
    if not judged:
        return spoken("verdict_none")
    told = tuple(result for result in judged if not reading.thin(result))
    thin = [reading.target_name(result) for result in judged if reading.thin(result)]
    said = {verdict(result.p_published, spoken) for result in told}
    parts = [_part(reading, band, told) for band in spoken.bands if band.word in said]
    if thin:
        parts.append(spoken("verdict_thin", n=len(thin), names=spoken.listed(thin, most=names)))
    least = _least(reading, told, names) if told else spoken("verdict_all_thin")
    key = "verdict" if own else "verdict_prior"
    return spoken(key, n=len(judged), parts=spoken("list_sep").join(parts), least=least)


def _together(reading: Reading) -> str:
    """Probability that all targets on own figures are met, and how many will be; empty for a single one."""
    spoken, joint = reading.words, reading.joint
    if joint is None:
        return ""
    low, high = number_met(joint)
    thin = len(reading.thin_own)
    return spoken(
        "together" if joint.statements == joint.indicators else "together_nested",
        n=joint.statements,
        indicators=joint.indicators,
        thin=spoken("together_thin", n=thin) if thin else "",
        percent=said_percent(joint.p_all, spoken),
        expected=f"{joint.expected:.1f}",
        inner=f"{INTERVAL_PROBABILITY:.0%}",
        met=spoken("span", low=low, high=high) if low < high else str(low),
    )


def _part(reading: Reading, band: ProbabilityWord, judged: tuple[TargetResult, ...]) -> str:
    spoken = reading.words
    own = [result for result in judged if verdict(result.p_published, spoken) == band.word]
    if band != spoken.bands[0] or len(own) > SECURE_NAMED:
        return spoken("verdict_part", word=band.word, n=len(own))
    names = spoken("list_sep").join(reading.target_name(result) for result in own)
    return spoken("verdict_part_named", word=band.word, n=len(own), names=names)


def _least(reading: Reading, judged: tuple[TargetResult, ...], names: int) -> str:
    spoken = reading.words
    ordered = doubtful_first(judged)
    secure = spoken.bands[1].start
    doubtful = [result for result in ordered if whole_percent(_chance(result)) < secure][:names]
    if not doubtful:
        key = "verdict_secure" if len(ordered) > 1 else "verdict_one"
        return spoken(key, percent=percent(ordered[0].p_published, spoken))
    named = [
        spoken("with_percent", name=reading.target_name(result), percent=percent(result.p_published, spoken))
        for result in doubtful
    ]
    return spoken("verdict_least", names=spoken("list_sep").join(named))


def _gap(reading: Reading, most: int) -> str:
    spoken = reading.words
    if not reading.of("not_testable"):
        return spoken("gap_none")
    names = list(dict.fromkeys(spoken.name(gap.indicator.name) for gap in reading.gaps))[:most]
    return spoken("gap", names=spoken("list_sep").join(names), part=reading.part("gaps"))


def _basis(reading: Reading) -> str:
    spoken = reading.words
    counts = {result.series: result.n_figures for result in reading.of("figures")}
    newest = [result.last_figure_year for result in reading.of("figures") if result.last_figure_year is not None]
    if not counts:
        return spoken("basis_none") if reading.assessed else spoken("basis_nothing", as_of=reading.date())
    few = sum(count < FEW_FIGURES for count in counts.values())
    thin = spoken("basis_thin", n=few, few=FEW_FIGURES) if few else ""
    least, most = min(counts.values()), max(counts.values())
    year = max(newest) if newest else spoken("dash")
    key = "basis_one" if least == most else "basis"
    return spoken(key, n=sum(counts.values()), least=least, most=most, year=year, thin=thin)


_PROBABILITY_COLUMNS = (
    ("target", 35.5),
    ("requirement", 25.0),
    ("when", 17.0),
    ("newest", 21.5),
    ("published", 13.0),
    ("true", 11.5),
    ("grade", 11.2),
    ("word", 21.3),
)
_COLLECT_COLUMNS = (("target", 46.0), ("indicator", 42.0), ("definition", 42.0), ("years", 26.0))


def _probabilities(reading: Reading, left: float, numbers: Numbers) -> tuple[Table, float]:
    spoken = reading.words
    ordered = doubtful_first(reading.assessed)
    every = _columns(reading, _PROBABILITY_COLUMNS, left_until=2)
    notes = _notes(reading)
    kept = ordered[: max(_rows_that_fit(reading, left), 1)]
    left -= _around(notes) + sum(_height(_probability_row(reading, result), every) for result in kept)
    shown = [result for evidence in ("figures", "prior") for result in reading.of(evidence) if result in kept]
    left_out = [result for result in ordered if result not in kept]
    if any(result.evidence == "figures" for result in left_out):
        title = spoken("table_summary_doubtful", n=len(kept), total=len(ordered), full=numbers.full)
    elif left_out:
        title = spoken("table_summary_some", n=len(kept), total=len(ordered), full=numbers.full)
    else:
        title = spoken("table_summary")
    caption = spoken("table_label", n=numbers.summary, title=title)
    return Table(caption, every, tuple(_probability_row(reading, result) for result in shown), notes), left


def _rows_that_fit(reading: Reading, left: float) -> int:
    """Rows of the table of probabilities that fit into so many lines of summary text."""
    every = _columns(reading, _PROBABILITY_COLUMNS, left_until=2)
    left -= _around(_notes(reading))
    for number, result in enumerate(doubtful_first(reading.assessed)[:MOST_ROWS]):
        left -= _height(_probability_row(reading, result), every)
        if left < 0:
            return number
    return min(len(reading.assessed), MOST_ROWS)


def _around(notes: tuple[str, ...]) -> float:
    """Height of a caption, a head of two lines and notes, in lines of summary text."""
    return _TABLE_EXTRA + 2 * _ROW_LINE + sum(_NOTE_LINE * ceil(width(note) / _META_CHARACTERS) for note in notes)


def _notes(reading: Reading) -> tuple[str, ...]:
    """How to read the table, and what all targets together could be at the least and most."""
    spoken, joint = reading.words, reading.joint
    notes = [spoken("read")]
    if joint is not None:
        ends = {"low": bound(joint.p_low), "high": bound(joint.p_high)}
        notes.append(spoken("together_note", independent=said_percent(joint.p_independent, spoken), **ends))
    if any(reading.failed_gate(result.series) for result in reading.assessed):
        notes.append(spoken("gate_note", part=reading.part("method")))
    return tuple(notes)


def _probability_row(reading: Reading, result: TargetResult) -> tuple[Cell, ...]:
    spoken = reading.words
    return (
        reading.target_name(result, full=True),
        requirement(result.target, spoken),
        when(result.target, spoken),
        spoken("prior_only") if result.evidence == "prior" else newest(reading, result),
        percent(result.p_published, spoken),
        percent(result.p_true, spoken),
        spoken("dash") if result.grade is None else result.grade.letter,
        reading.verdict(result, result.p_published),
    )


def newest(reading: Reading, result: TargetResult) -> str:
    """Newest own figure with its year."""
    spoken = reading.words
    points = reading.points(result.series) if result.series and result.evidence == "figures" else ()
    if not points:
        return spoken("no_own_figure")
    last = points[-1]
    return spoken("newest", value=printed_value(last, reading.indicator(result), spoken), year=last.year)


def _collect(reading: Reading, left: float, numbers: Numbers) -> Table | None:
    spoken = reading.words
    kept: list[tuple[Cell, ...]] = []
    every = _columns(reading, _COLLECT_COLUMNS, left_until=3)
    left -= _TABLE_EXTRA + _ROW_LINE
    for gap in reading.gaps[:MOST_GAPS]:
        row = _collect_row(reading, gap)
        need = _height(row, every)
        if need > left:
            break
        kept.append(row)
        left -= need
    if not kept:
        return None
    total = len(reading.gaps)
    few = len(kept) < total
    part = reading.part("gaps")
    title = spoken("table_collect_first", n=len(kept), total=total, part=part) if few else spoken("table_collect")
    return Table(spoken("table_label", n=numbers.collect, title=title), every, tuple(kept))


def _collect_row(reading: Reading, gap: Gap) -> tuple[Cell, ...]:
    spoken = reading.words
    first, last = reading.years_to_collect()
    names = list(dict.fromkeys(reading.target_name(result) for result in gap.results))
    return (
        spoken.listed(names, most=2),
        spoken.name(gap.indicator.name),
        reading.definition(gap.results[0]),
        spoken("collect_years", years=reading.years(first, last), n=YEARS_TO_COLLECT),
    )


def _columns(reading: Reading, titles: tuple[tuple[str, float], ...], *, left_until: int) -> tuple[Column, ...]:
    return tuple(
        Column(reading.words(f"col_{title}"), size, "left" if number < left_until else "center")
        for number, (title, size) in enumerate(titles)
    )


def _height(row: tuple[Cell, ...], every: tuple[Column, ...]) -> float:
    """Height of a row, in lines of summary text."""
    most = max(lines(str(cell), (column.width - 2.2) / _CELL_MM) for cell, column in zip(row, every, strict=True))
    return _ROW_LINE * most + _ROW_EXTRA
