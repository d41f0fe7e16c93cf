"""The appendix as one web page: no network, styles and figures inside."""

import re

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from qsim.report.content import Block, Cell, Document, Figure, Heading, Link, Paragraph, Table


def render_html(document: Document) -> str:
    """Write the document as one HTML file."""
    environment = Environment(
        loader=PackageLoader("qsim.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.tests["link"] = lambda cell: isinstance(cell, Link)
    environment.globals.update(kind=_kind, spans=_spans)
    environment.filters["inline"] = lambda figure: Markup(_inline(figure))
    return environment.get_template("appendix.html.j2").render(document=document)


def _kind(block: Block) -> str:
    match block:
        case Heading():
            return "heading"
        case Paragraph():
            return "paragraph"
        case Table():
            return "table"
        case Figure():
            return "figure"


def _spans(table: Table) -> list[list[tuple[Cell, int]]]:
    """Each row's own cells with the rows they cover; 0 where the cell above goes on."""
    heights = [[0] * len(table.columns) for _ in table.rows]
    for number in range(len(table.columns)):
        top = 0
        for i, row in enumerate(table.rows):
            top = i if row[number] is not None or i == 0 else top
            heights[top][number] += 1
    return [list(zip(row, spans, strict=True)) for row, spans in zip(table.rows, heights, strict=True)]


def _inline(figure: Figure) -> str:
    """The drawing with names of its own, so that several stand on one page."""
    svg = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{figure.name}-", figure.svg)
    return re.sub(
        r'^<svg[^>]*?viewBox="([^"]*)"[^>]*>',
        r'<svg viewBox="\1" xmlns:xlink="http://www.w3.org/1999/xlink">',
        svg,
        count=1,
    )
