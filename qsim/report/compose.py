"""From an assessment to the neutral document."""

from collections.abc import Callable

from qsim.feasibility.records import Assessment
from qsim.report import sections
from qsim.report.charts import charts
from qsim.report.content import Block, Document, Paragraph, Table
from qsim.report.reading import Reading
from qsim.report.summary import Numbers, first_page, meta
from qsim.report.words import Language, words


def compose(assessment: Assessment, language: Language, progress: Callable[[str], None]) -> Document:
    """Write the appendix as blocks; figures are drawn on the way."""
    reading = Reading(assessment, words(language))
    spoken = reading.words
    title = (spoken("title_plan", plan=spoken.name(assessment.plan.title)), spoken("title"))
    blocks: list[Block] = [Paragraph(meta(reading), "meta")]
    first = int(bool(reading.assessed))
    page = first_page(reading, title, Numbers(summary=1, collect=first + 1, full=_tables_before(reading, title) + 1))
    blocks += page
    numbers = sections.TableNumbers(sum(isinstance(block, Table) for block in page))
    blocks += sections.assessed(reading, numbers, charts(reading, progress))
    blocks += sections.gaps(reading, numbers)
    blocks += sections.sources(reading, numbers)
    blocks += sections.method(reading, numbers)
    return Document(language=language, attachment=spoken("attachment"), title=title, blocks=tuple(blocks))


def _tables_before(reading: Reading, title: tuple[str, ...]) -> int:
    page = first_page(reading, title, Numbers(summary=1, collect=2, full=3))
    return sum(isinstance(block, Table) for block in page)
