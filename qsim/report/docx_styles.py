"""Page, styles and page numbers of an official document (GB/T 9704-2012)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from docx.enum.section import WD_ORIENTATION
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_LINE_SPACING
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt, RGBColor

if TYPE_CHECKING:
    from docx.document import Document as Word
    from docx.section import _Footer

TITLE_FONT, HEAD_FONT, SUBHEAD_FONT, BODY_FONT, NUMBER_FONT = (
    "方正小标宋简体",
    "黑体",
    "楷体_GB2312",
    "仿宋_GB2312",
    "宋体",
)
LATIN_FONT = "Times New Roman"
SUBSTITUTES = {TITLE_FONT: "黑体", SUBHEAD_FONT: "楷体", BODY_FONT: "仿宋"}
"""What Word may show where a font is not installed."""

ATTACHMENT, SUMMARY, META, NOTE = "qsim attachment", "qsim summary", "qsim meta", "qsim note"
TABLE_CAPTION, FIGURE_CAPTION, PICTURE = "qsim table caption", "qsim figure caption", "qsim picture"
TABLE_TEXT, TABLE_HEAD = "qsim table text", "qsim table head"
PARAGRAPHS = {"body": "Normal", "summary": SUMMARY, "meta": META, "note": NOTE}

_CENTER, _JUSTIFY = WD_ALIGN_PARAGRAPH.CENTER, WD_ALIGN_PARAGRAPH.JUSTIFY
_HUNDREDTHS = 100


@dataclass(frozen=True, kw_only=True)
class _Style:
    font: str
    size: float
    """[pt]"""
    line: float | None
    """Exact line spacing; None is single. [pt]"""
    align: WD_ALIGN_PARAGRAPH = _JUSTIFY
    indent: int = 0
    """First-line indent in characters."""
    before: float = 0
    after: float = 0
    keep: bool = False
    """Stay on the page of the next paragraph."""
    bold: bool = False


_STYLES = {
    "Normal": _Style(font=BODY_FONT, size=16, line=28, indent=2),
    "Title": _Style(font=TITLE_FONT, size=22, line=30, align=_CENTER, keep=True),
    "Heading 1": _Style(font=HEAD_FONT, size=16, line=28, indent=2, before=6, keep=True),
    "Heading 2": _Style(font=SUBHEAD_FONT, size=16, line=28, indent=2, keep=True),
    ATTACHMENT: _Style(font=HEAD_FONT, size=16, line=22),
    META: _Style(font=BODY_FONT, size=10.5, line=16, align=_CENTER, before=3, after=5),
    SUMMARY: _Style(font=BODY_FONT, size=12, line=18, indent=2),
    NOTE: _Style(font=BODY_FONT, size=10.5, line=15),
    TABLE_CAPTION: _Style(font=HEAD_FONT, size=12, line=20, align=_CENTER, before=6, after=2, keep=True),
    FIGURE_CAPTION: _Style(font=BODY_FONT, size=10.5, line=15, after=10),
    PICTURE: _Style(font=BODY_FONT, size=10.5, line=None, align=_CENTER, before=6, keep=True),
    TABLE_TEXT: _Style(font=BODY_FONT, size=10.5, line=12.5, align=WD_ALIGN_PARAGRAPH.LEFT),
    TABLE_HEAD: _Style(font=HEAD_FONT, size=10.5, line=12.5, align=_CENTER),
}


def page(word: "Word") -> None:
    """A4 upright with the margins of an official document."""
    section = word.sections[0]
    section.orientation = WD_ORIENTATION.PORTRAIT
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.top_margin, section.bottom_margin = Mm(37), Mm(35)
    section.left_margin, section.right_margin = Mm(28), Mm(26)
    section.footer_distance = Mm(25)


def styles(word: "Word") -> None:
    """Set every style the renderer uses."""
    for name, look in _STYLES.items():
        known = name in [style.name for style in word.styles]
        style: Any = word.styles[name] if known else word.styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
        if not known:
            style.base_style = None
        _font(style, look)
        _paragraph(style, look)


def _font(style: Any, look: _Style) -> None:
    style.font.size, style.font.bold, style.font.italic = Pt(look.size), look.bold, False
    style.font.color.rgb = RGBColor(0, 0, 0)
    properties = style.element.get_or_add_rPr()
    fonts = properties.get_or_add_rFonts()
    for attribute in list(fonts.attrib):
        del fonts.attrib[attribute]
    for kind in ("ascii", "hAnsi", "cs"):
        fonts.set(qn(f"w:{kind}"), LATIN_FONT)
    fonts.set(qn("w:eastAsia"), look.font)
    language = properties.find(qn("w:lang"))
    if language is None:
        language = OxmlElement("w:lang")
        properties.append(language)
    language.set(qn("w:val"), "en-US")
    language.set(qn("w:eastAsia"), "zh-CN")


def _paragraph(style: Any, look: _Style) -> None:
    layout = style.paragraph_format
    layout.alignment, layout.keep_with_next = look.align, look.keep
    layout.space_before, layout.space_after = Pt(look.before), Pt(look.after)
    layout.widow_control = True
    if look.line is None:
        layout.line_spacing_rule = WD_LINE_SPACING.SINGLE
    else:
        layout.line_spacing_rule, layout.line_spacing = WD_LINE_SPACING.EXACTLY, Pt(look.line)
    properties = style.element.get_or_add_pPr()
    for border in properties.findall(qn("w:pBdr")):
        properties.remove(border)
    layout.first_line_indent = Pt(look.indent * look.size)
    properties.get_or_add_ind().set(qn("w:firstLineChars"), str(look.indent * _HUNDREDTHS))


def page_numbers(word: "Word") -> None:
    """Page numbers between dashes at the foot, on the outer side."""
    word.settings.odd_and_even_pages_header_footer = True
    section = word.sections[0]
    _number(section.footer, WD_ALIGN_PARAGRAPH.RIGHT)
    _number(section.even_page_footer, WD_ALIGN_PARAGRAPH.LEFT)


def _number(footer: "_Footer", side: WD_ALIGN_PARAGRAPH) -> None:
    footer.is_linked_to_previous = False
    paragraph = footer.paragraphs[0]
    paragraph.alignment = side
    paragraph.paragraph_format.first_line_indent = Pt(0)
    paragraph._p.get_or_add_pPr().get_or_add_ind().set(qn("w:firstLineChars"), "0")
    for text, field in (
        ("— ", None),
        ("", "begin"),
        ("PAGE", "code"),
        ("", "separate"),
        ("1", None),
        ("", "end"),
        (" —", None),
    ):
        run = paragraph.add_run()
        run.font.size = Pt(14)
        fonts = run._r.get_or_add_rPr().get_or_add_rFonts()
        for kind in ("ascii", "hAnsi", "eastAsia"):
            fonts.set(qn(f"w:{kind}"), NUMBER_FONT)
        if field is None:
            run.text = text
        elif field == "code":
            code = OxmlElement("w:instrText")
            code.text = text
            run._r.append(code)
        else:
            mark = OxmlElement("w:fldChar")
            mark.set(qn("w:fldCharType"), field)
            run._r.append(mark)
