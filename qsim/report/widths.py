"""Where a title breaks, by an estimate that needs no font."""

import re
from math import ceil
from unicodedata import east_asian_width

from qsim.figures.text import width

TITLE_CHARACTERS = 20
"""Chinese characters of the title's size on one line."""

_NO_START, _NO_END = set("\u3001\u3002\uff0c\uff1b\uff1a\uff09\u300b\u201d)"), set("\uff08\u300a\u201c(")
"""Signs that no line begins or ends with."""

_TOKEN = re.compile(r"[\u4e00-\u9fff]|[^\u4e00-\u9fff\s]+|\s")


def balanced(text: str, per_line: float) -> tuple[str, ...]:
    """Break a title into lines of about equal length, at a space where there is one near."""
    lines = ceil(width(text) / per_line)
    kept: list[str] = []
    rest = text
    for left in range(lines, 1, -1):
        places = [place for place in range(1, len(rest)) if _breakable(rest, place) and width(rest[:place]) <= per_line]
        if not places:
            break
        aim = width(rest) / left
        place = min(places, key=lambda place: abs(width(rest[:place]) - aim) - (rest[place - 1] == " "))
        kept.append(rest[:place].rstrip())
        rest = rest[place:]
    return (*kept, rest)


def lines(text: str, per_line: float) -> int:
    """Lines a text takes in a cell: Chinese characters part anywhere, a row of figures nowhere."""
    count = 0
    for paragraph in text.split("\n"):
        filled, count = 0.0, count + 1
        for token in _TOKEN.findall(paragraph):
            size = width(token)
            if filled and filled + size > per_line:
                count, filled = count + 1, 0.0
            over = max(ceil(size / per_line) - 1, 0)
            count, filled = count + over, filled + size - over * per_line
    return count


def _breakable(text: str, place: int) -> bool:
    before, after = text[place - 1], text[place]
    if before == " ":
        return True
    wide = east_asian_width(before) == "W" and east_asian_width(after) == "W"
    return wide and after not in _NO_START and before not in _NO_END
