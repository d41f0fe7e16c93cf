"""The appendix in Word, laid out as an official document (GB/T 9704)."""

from io import BytesIO
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from docx import Document as new_document
from docx.enum.table import WD_CELL_VERTICAL_ALIGNMENT, WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt
from docx.text.paragraph import Paragraph as WordParagraph

from qsim.report import docx_styles as styles
from qsim.report.content import TEXT_WIDTH_MM, Cell, Column, Document, Figure, Heading, Link, Paragraph, Table
from qsim.report.docx_package import Stamp, settled
from qsim.report.widths import TITLE_CHARACTERS, balanced

if TYPE_CHECKING:
    from docx.document import Document as Word
    from docx.table import Table as WordTable
    from docx.table import _Cell, _Row

_SHARED_SIGNS = "“”‘’—…·"
_AFTER_TABLE = 9.0
"""[pt]"""
_TOGETHER = 8
"""Most rows under one name that stay on one page."""
_ALIGN = {"left": WD_ALIGN_PARAGRAPH.LEFT, "center": WD_ALIGN_PARAGRAPH.CENTER, "right": WD_ALIGN_PARAGRAPH.RIGHT}


def render_docx(document: Document, stamp: Stamp) -> bytes:
    """Write the document as .docx; the same bytes for the same document."""
    word = new_document()
    styles.page(word)
    styles.styles(word)
    styles.page_numbers(word)
    stamp.write(word, " ".join(document.title))
    word.add_paragraph(document.attachment, style=styles.ATTACHMENT)
    for line in document.title:
        word.add_paragraph("\n".join(balanced(line, TITLE_CHARACTERS)), style="Title")
    for before, block in zip([None, *document.blocks], document.blocks, strict=False):
        last = len(word.element.body)
        match block:
            case Heading():
                heading = word.add_paragraph(block.text, style=f"Heading {block.level}")
                heading.paragraph_format.page_break_before = block.new_page
            case Paragraph():
                word.add_paragraph(block.text, style=styles.PARAGRAPHS[block.style])
            case Table():
                _table(word, block)
            case Figure():
                _figure(word, block)
        if isinstance(before, Table):
            _apart(word, last)
    if document.language == "zh":
        _chinese_signs(word)
    buffer = BytesIO()
    word.save(buffer)
    return settled(buffer.getvalue())


def _apart(word: "Word", number: int) -> None:
    """Leave a little space between a table and the paragraph after it."""
    paragraph = WordParagraph(word.element.body[number - 1], word._body)
    paragraph.paragraph_format.space_before = Pt(_AFTER_TABLE)


def _chinese_signs(word: "Word") -> None:
    """Show quotation marks and dashes, which both scripts have, in the Chinese font."""
    for run in word.element.body.iter(qn("w:r")):
        if any(sign in (run.text or "") for sign in _SHARED_SIGNS):
            run.get_or_add_rPr().get_or_add_rFonts().set(qn("w:hint"), "eastAsia")


def _figure(word: "Word", figure: Figure) -> None:
    paragraph = word.add_paragraph(style=styles.PICTURE)
    shape = paragraph.add_run().add_picture(BytesIO(figure.png), width=Mm(TEXT_WIDTH_MM))
    shape._inline.docPr.set("descr", figure.caption)
    word.add_paragraph(figure.caption, style=styles.FIGURE_CAPTION)


def _table(word: "Word", block: Table) -> None:
    word.add_paragraph(block.caption, style=styles.TABLE_CAPTION)
    table = word.add_table(rows=1 + len(block.rows), cols=len(block.columns), style="Table Grid")
    table.alignment = WD_TABLE_ALIGNMENT.CENTER
    table.autofit = False
    _margins(table)
    for grid, column in zip(table._tbl.tblGrid.gridCol_lst, block.columns, strict=True):
        grid.w = Mm(column.width)
    rows = [tuple(column.title for column in block.columns), *block.rows]
    for number, (cells, row) in enumerate(zip(rows, table.rows, strict=True)):
        properties = row._tr.get_or_add_trPr()
        properties.append(OxmlElement("w:cantSplit"))
        if number == 0:
            properties.append(OxmlElement("w:tblHeader"))
        for cell, column, content in zip(row.cells, block.columns, cells, strict=True):
            _cell(cell, column, content, header=number == 0)
    _merge(table, block)
    _keep_together(table)
    for note in block.notes:
        word.add_paragraph(note, style=styles.NOTE)


def _cell(cell: "_Cell", column: Column, content: Cell, *, header: bool) -> None:
    cell.width = Mm(column.width)
    cell.vertical_alignment = WD_CELL_VERTICAL_ALIGNMENT.CENTER
    paragraph = cell.paragraphs[0]
    paragraph.style = styles.TABLE_HEAD if header else styles.TABLE_TEXT
    paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER if header else _ALIGN[column.align]
    if isinstance(content, Link):
        _link(paragraph, content)
    elif content:
        paragraph.add_run(content)


def _link(paragraph: WordParagraph, link: Link) -> None:
    relation = paragraph.part.relate_to(link.url, RELATIONSHIP_TYPE.HYPERLINK, is_external=True)
    element = OxmlElement("w:hyperlink")
    element.set(qn("r:id"), relation)
    run = paragraph.add_run(link.text)
    run.font.underline = True
    element.append(run._r)
    paragraph._p.append(element)


def _merge(table: "WordTable", block: Table) -> None:
    """Join a cell with those below that continue it."""
    for number in range(len(block.columns)):
        starts = [i for i, row in enumerate(block.rows) if row[number] is not None]
        for start, end in pairwise([*starts, len(block.rows)]):
            if end - start > 1:
                for i in range(start, end):
                    merged: Any = table.rows[i + 1]._tr.tc_lst[number]
                    merged.vMerge = "restart" if i == start else "continue"
                if number == 0 and end - start <= _TOGETHER:
                    for row in table.rows[start + 1 : end]:
                        _keep_with_next(row)


def _keep_together(table: "WordTable") -> None:
    """Never leave the header alone at the foot of a page."""
    _keep_with_next(table.rows[0])


def _keep_with_next(row: "_Row") -> None:
    for cell in row._tr.tc_lst:
        for paragraph in cell.p_lst:
            paragraph.get_or_add_pPr().get_or_add_keepNext()


def _margins(table: "WordTable") -> None:
    margins = OxmlElement("w:tblCellMar")
    for side, size in (("top", 20), ("left", 57), ("bottom", 20), ("right", 57)):
        element = OxmlElement(f"w:{side}")
        element.set(qn("w:w"), str(size))
        element.set(qn("w:type"), "dxa")
        margins.append(element)
    table._tbl.tblPr.append(margins)
