"""The one font of every figure: shipped, so that Chinese shows on any machine and figures are the same everywhere."""

from functools import cache
from pathlib import Path

from matplotlib.font_manager import fontManager
from matplotlib.ft2font import FT2Font

FAMILY = "qsim Sans SC"
"""Name of the shipped font."""
MISSING = "□"
"""Shown for a character the font does not have."""


def font_path() -> Path:
    """File of the shipped font."""
    return Path(__file__).resolve().parent / "fonts" / "NotoSansSC-subset.otf"


@cache
def characters() -> frozenset[int]:
    """Code points the font can show."""
    return frozenset(FT2Font(str(font_path())).get_charmap())


def shown(text: str) -> str:
    """Text with each character the font lacks as an empty square."""
    have = characters()
    return "".join(character if ord(character) in have else MISSING for character in text)


@cache
def register() -> str:
    """Make the font known to matplotlib, once, and give its name."""
    fontManager.addfont(str(font_path()))
    return FAMILY
