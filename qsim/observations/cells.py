"""One cell: from text to a year, a number, a qualifier, a date. Each parser says what it expects."""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from typing import Final
from unicodedata import normalize

from qsim.vocabulary import Change, Qualifier

FIRST_YEAR: Final = 1900
LAST_YEAR: Final = 2100
MAX_DECIMALS: Final = 6


class Unreadable(Exception):
    """A cell that cannot be read; the text says what was expected."""


@dataclass(frozen=True)
class Number:
    """A number as printed."""

    value: float
    decimals: int
    """Digits after the point, at most :data:`MAX_DECIMALS`."""
    percent: bool
    """Whether a percent sign stands behind it."""


@dataclass(frozen=True)
class Published:
    """Last day of the time that is given for publication."""

    day: date


_PLAIN = re.compile(r"[+-]?(?:\d+|\d{1,3}(?:,\d{3})+)(?:\.(\d*))?|[+-]?\.(\d+)")
_YEAR = re.compile(r"(\d{4})(?:\.0+)?\s*(?:年|年度)?")
_DECIMALS = re.compile(r"(\d+)(?:\.0+)?")
_DATES = (
    re.compile(r"(?P<y>\d{4})(?:\.0+)?年?"),
    re.compile(r"(?P<y>\d{4})[-/.](?P<m>\d{1,2})"),
    re.compile(r"(?P<y>\d{4})年(?P<m>\d{1,2})月?"),
    re.compile(r"(?P<y>\d{4})([-/.])(?P<m>\d{1,2})\2(?P<d>\d{1,2})"),
    re.compile(r"(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})"),
    re.compile(r"(?P<y>\d{4})年(?P<m>\d{1,2})月(?P<d>\d{1,2})日?"),
)
_CLOCK = re.compile(r"[ T]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?$")

_QUALIFIERS: Final[dict[str, Qualifier]] = {
    **dict.fromkeys(("", "=", "==", "等于", "为"), "="),
    **dict.fromkeys((">=", "=>", ">", "≥", "≧", "⩾"), ">="),
    **dict.fromkeys(("以上", "及以上", "不低于", "不少于", "不小于", "大于等于"), ">="),
    **dict.fromkeys(("大于", "高于", "超过", "超", "多", "至少"), ">="),
    **dict.fromkeys(("<=", "=<", "<", "≤", "≦", "⩽"), "<="),
    **dict.fromkeys(("以下", "及以下", "不高于", "不超过", "不大于", "小于等于", "小于", "低于", "至多"), "<="),
    **dict.fromkeys(("~", "≈", "约", "大约", "大概", "约为", "约占", "左右", "上下", "近"), "~"),
}
_PERIODS: Final = {
    **dict.fromkeys(("", "year", "年", "全年", "年度"), "year"),
    **dict.fromkeys(("part", "部分", "非全年", "月", "月度", "季度", "半年", "上半年", "下半年"), "part"),
}
_CHANGES: Final[dict[str, Change]] = {
    **dict.fromkeys(("percent", "百分比", "相对变化", "增长率"), "percent"),
    **dict.fromkeys(("points", "百分点", "个百分点", "绝对变化", "增减量"), "points"),
    **dict.fromkeys(("ambiguous", "两可", "百分比或百分点", "不明"), "ambiguous"),
}


def parse_text(cell: str) -> str:
    """Text that must be there."""
    if not cell:
        raise Unreadable("a name")
    return cell


def parse_year(cell: str) -> int:
    """Calendar year: ``2015``, ``2015年``, ``2015.0``."""
    found = _YEAR.fullmatch(_plain(cell))
    if found is None or not FIRST_YEAR <= int(found[1]) <= LAST_YEAR:
        raise Unreadable(f"a calendar year in four digits, {FIRST_YEAR} to {LAST_YEAR}, such as 2015")
    return int(found[1])


def parse_other_year(cell: str) -> int:
    """Calendar year; 0 where the cell is empty."""
    return parse_year(cell) if cell else 0


def parse_change(cell: str) -> Change | None:
    """``percent``, ``points`` or ``ambiguous``, or the Chinese word for it; None where the cell is empty."""
    text = _plain(cell).lower()
    if text and text not in _CHANGES:
        raise Unreadable(
            "'percent' (百分比) for a relative change, 'points' (百分点) for one in the unit of the figure, "
            "'ambiguous' (两可) where the source leaves both open, or an empty cell for a figure"
        )
    return _CHANGES.get(text)


def parse_value(cell: str) -> Number | None:
    """Printed figure: ``93.4``, ``93.4%``, ``９３．４％``, ``1,609``; None where the cell is empty."""
    text = _plain(cell)
    if not text:
        return None
    bare = text.removesuffix("%").rstrip()
    found = _PLAIN.fullmatch(bare)
    if found is None:
        raise Unreadable("a number such as 93.4 alone; words such as 以上 or 约 belong in the column qualifier (限定)")
    digits = found[1] or found[2] or ""
    value = float(bare.replace(",", ""))
    return Number(value=value, decimals=min(len(digits), MAX_DECIMALS), percent=bare != text)


def parse_count(cell: str) -> float:
    """Whole number, at least 0; NaN where the cell is empty."""
    text = _plain(cell)
    if not text:
        return float("nan")
    found = _PLAIN.fullmatch(text)
    if found is None:
        raise Unreadable("a whole number such as 1609, or an empty cell")
    value = float(text.replace(",", ""))
    if value != int(value):
        raise Unreadable("a whole number: what was counted; areas, tonnages and lengths belong in the note")
    if value < 0:
        raise Unreadable("a count, 0 or more")
    return value


def parse_trials(cell: str) -> float:
    """Count of trials, at least 1; NaN where the cell is empty."""
    count = parse_count(cell)
    if count == 0:
        raise Unreadable("a number of trials, 1 or more, or an empty cell where it is not known")
    return count


def parse_decimals(cell: str) -> int:
    """Printed decimals; -1 where the cell is empty."""
    text = _plain(cell)
    found = _DECIMALS.fullmatch(text)
    if text and (found is None or int(found[1]) > MAX_DECIMALS):
        raise Unreadable(f"a whole number from 0 to {MAX_DECIMALS}, or an empty cell to take it from the value")
    return int(found[1]) if found else -1


def parse_qualifier(cell: str) -> Qualifier:
    """``=``, ``>=``, ``<=`` or ``~``, or the Chinese word for it."""
    found = _QUALIFIERS.get(_plain(cell).replace(" ", ""))
    if found is None:
        raise Unreadable("'=', '>=' (以上), '<=' (以下), '~' (约, 左右), or an empty cell for '='")
    return found


def parse_period(cell: str) -> str:
    """``year`` or ``part``."""
    found = _PERIODS.get(_plain(cell).lower())
    if found is None:
        raise Unreadable("'year' (全年) or empty, or 'part' for a month, quarter, half-year or campaign")
    return found


def parse_published(cell: str) -> Published | None:
    """Last day of a year, month or day; None where the cell is empty."""
    text = _CLOCK.sub("", _plain(cell))
    if not text:
        return None
    match = next((match for match in (pattern.fullmatch(text) for pattern in _DATES) if match), None)
    parts = match.groupdict() if match else {}
    year, month = int(parts.get("y") or 0), int(parts.get("m") or 12)
    try:
        day = date(year, month, int(parts.get("d") or monthrange(year, month)[1]))
    except (ValueError, IndexError):
        day = date.min
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise Unreadable("a year (2016), month (2016-06) or day (2016-06-30) of publication, or an empty cell")
    return Published(day=day)


def _plain(cell: str) -> str:
    """Full-width digits and signs as plain ones (NFKC), no blanks around."""
    return normalize("NFKC", cell).strip()
