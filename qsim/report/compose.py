"""From an assessment to the neutral document."""

from collections.abc import Callable
from dataclasses import replace

from qsim.feasibility.records import Assessment
from qsim.report import sections
from qsim.report.blocks import TableNumbers
from qsim.report.charts import charts
from qsim.report.content import Block, Document, Heading, Paragraph, Table
from qsim.report.progress import progress as progress_part
from qsim.report.reading import Reading
from qsim.report.scenarios import scenarios
from qsim.report.summary import Numbers, first_page, meta
from qsim.report.words import Language, Words, words


def compose(assessment: Assessment, language: Language, progress: Callable[[str], None]) -> Document:
    """Write the appendix as blocks; figures are drawn on the way."""
    reading = Reading(assessment, words(language))
    spoken = reading.words
    title = (spoken("title_plan", plan=spoken.name(assessment.plan.title)), spoken("title"))
    blocks: list[Block] = [Paragraph(meta(reading), "meta")]
    first = int(bool(reading.assessed))
    page = first_page(reading, title, Numbers(summary=1, collect=first + 1, full=_tables_before(reading, title) + 1))
    blocks += page
    numbers = TableNumbers(sum(isinstance(block, Table) for block in page))
    blocks += sections.assessed(reading, numbers, charts(reading, progress))
    blocks += progress_part(reading, numbers)
    blocks += scenarios(reading, numbers)
    blocks += sections.gaps(reading, numbers)
    blocks += sections.sources(reading, numbers)
    blocks += sections.method(reading, numbers)
    return Document(language=language, attachment=spoken("attachment"), title=title, blocks=numbered(blocks, spoken))


def numbered(blocks: list[Block], spoken: Words) -> tuple[Block, ...]:
    """Headings with their numbers, by what is there."""
    counts = {1: 0, 2: 0}
    told: list[Block] = []
    for block in blocks:
        if isinstance(block, Heading):
            counts = {1: counts[1] + 1, 2: 0} if block.level == 1 else counts | {2: counts[2] + 1}
            n = spoken.ordinal(counts[block.level])
            told.append(replace(block, text=spoken(f"heading_{block.level}", n=n, title=block.text)))
        else:
            told.append(block)
    return tuple(told)


def _tables_before(reading: Reading, title: tuple[str, ...]) -> int:
    page = first_page(reading, title, Numbers(summary=1, collect=2, full=3))
    return sum(isinstance(block, Table) for block in page)
