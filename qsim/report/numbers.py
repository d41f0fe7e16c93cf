"""Numbers in words: probabilities, their verdicts, figures with their unit."""

from math import floor, isfinite

from qsim.figures.printed import Printed
from qsim.indicators import Indicator
from qsim.report.words import Words

_LEAST, _MOST = 0.01, 0.99


def percent(probability: float | None, words: Words) -> str:
    """Probability in whole percent, never 0 or 100 %; a dash if there is none."""
    if probability is None or not isfinite(probability):
        return words("dash")
    if probability < _LEAST:
        return "<1%"
    return ">99%" if probability > _MOST else f"{whole_percent(probability)}%"


def said_percent(probability: float, words: Words) -> str:
    """The same in a sentence: is so much, is below 1 %, is above 99 %."""
    if probability < _LEAST:
        return words("is_below")
    if probability > _MOST:
        return words("is_above")
    return words("is_percent", percent=percent(probability, words))


def whole_percent(probability: float) -> int:
    """Probability rounded half up, as printed. [%]"""
    return floor(100 * probability + 0.5)


def verdict(probability: float | None, words: Words) -> str:
    """Word for a probability, by the whole percent that is printed beside it."""
    if probability is None or not isfinite(probability):
        return words("dash")
    return next(band.word for band in words.bands if whole_percent(probability) >= band.start)


def band_ranges(words: Words) -> tuple[tuple[str, str], ...]:
    """Each verdict with the percentages it stands for."""
    top, *middle, bottom = words.bands
    rows = [(top.word, words("bands_top", low=top.start))]
    above = top.start
    for band in middle:
        rows.append((band.word, words("bands_middle", low=band.start, high=above - 1)))
        above = band.start
    return (*rows, (bottom.word, words("bands_bottom", high=above)))


def plain(value: float) -> str:
    """Number without needless zeros."""
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def with_unit(value: str, unit: str, words: Words) -> str:
    """Number with its unit."""
    if unit == "%":
        return f"{value}%"
    return words("unit_format", value=value, unit=words.term("unit", unit)).rstrip()


def printed_value(figure: Printed, indicator: Indicator, words: Words) -> str:
    """A published figure as its source prints it."""
    if not isfinite(figure.value):
        ends = [plain(round(end, 6)) for end in (figure.lower, figure.upper) if isfinite(end)]
        return with_unit(words("dash").join(ends) or words("dash"), indicator.unit, words)
    decimals = indicator.decimals if figure.decimals is None else figure.decimals
    if figure.change:
        return _printed_change(figure, f"{figure.value:+.{decimals}f}", indicator, words)
    value = with_unit(f"{figure.value:.{decimals}f}", indicator.unit, words)
    if not figure.is_level:
        value = words("since", value=value, first=figure.year_from)
    key = {">=": "at_least", "<=": "at_most", "~": "about"}.get(figure.qualifier)
    return words(key, value=value) if key else value


def _printed_change(figure: Printed, value: str, indicator: Indicator, words: Words) -> str:
    """A change as its source prints it, against its base year."""
    if figure.change == "points" and indicator.unit != "%":
        return words("change_units", value=with_unit(value, indicator.unit, words), base=figure.base_year)
    return words(f"change_{figure.change}", value=value, base=figure.base_year)
