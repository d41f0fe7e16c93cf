"""The appendix before it is Word or HTML: headings, paragraphs, tables and figures as frozen records."""

from dataclasses import dataclass
from typing import Literal

from qsim.report.words import Language

TEXT_WIDTH_MM = 156.0
"""Width of the text on the page: A4 less 28 mm and 26 mm. [mm]"""

Align = Literal["left", "center", "right"]


@dataclass(frozen=True)
class Link:
    """A text that leads to an address."""

    text: str
    url: str


Cell = str | Link | None
"""What a cell shows; None continues the cell above."""


@dataclass(frozen=True)
class Heading:
    """A heading of level 1 or 2."""

    text: str
    level: Literal[1, 2]
    new_page: bool = False


@dataclass(frozen=True)
class Paragraph:
    """Running text; ``summary`` is the smaller text of the first page."""

    text: str
    style: Literal["body", "summary", "meta", "note"] = "body"


@dataclass(frozen=True)
class Column:
    """A column of a table."""

    title: str
    width: float
    """Width. [mm]"""
    align: Align = "left"


@dataclass(frozen=True)
class Table:
    """A table with its caption above and notes below."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if any(len(row) != len(self.columns) for row in self.rows):
            raise ValueError(f"{self.caption}: each row has a cell for each of the {len(self.columns)} columns")
        if sum(column.width for column in self.columns) > TEXT_WIDTH_MM + 1e-6:
            raise ValueError(f"{self.caption}: columns at most {TEXT_WIDTH_MM} mm wide together")


@dataclass(frozen=True)
class Figure:
    """A figure with its caption below."""

    caption: str
    name: str
    """File name without ending."""
    png: bytes
    svg: str


Block = Heading | Paragraph | Table | Figure


@dataclass(frozen=True)
class Document:
    """The whole appendix."""

    language: Language
    attachment: str
    title: tuple[str, ...]
    """Lines of the title."""
    blocks: tuple[Block, ...]

    @property
    def figures(self) -> tuple[Figure, ...]:
        """Every figure, in order."""
        return tuple(block for block in self.blocks if isinstance(block, Figure))
