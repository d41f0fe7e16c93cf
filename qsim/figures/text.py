"""How wide a text is: an estimate that needs no font."""

from unicodedata import east_asian_width

_DIGIT, _LETTER = 0.53, 0.41
"""Widths in Chinese characters."""


def width(text: str) -> float:
    """Width of a text in Chinese characters."""
    return sum(_width(character) for character in text)


def _width(character: str) -> float:
    if east_asian_width(character) in "WFA":
        return 1.0
    return _DIGIT if character.isdigit() or character == "%" else _LETTER
