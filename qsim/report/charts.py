"""Fan charts of a report: which series, in which words."""

from collections.abc import Callable

from qsim.feasibility.records import TargetResult
from qsim.figures.draw import FanLabels, picture
from qsim.figures.fan import OUTER_PROBABILITY, Fan, Mark, fan
from qsim.figures.printed import Printed
from qsim.plans.targets import LevelTarget, MaintainTarget, PathTarget
from qsim.report.content import Figure
from qsim.report.numbers import printed_value
from qsim.report.reading import Reading
from qsim.report.requirements import requirement, when
from qsim.report.words import Words
from qsim.vocabulary import INTERVAL_PROBABILITY

_FIGURES_NAMED = 6
"""Published figures that a caption lists."""


def charts(reading: Reading, progress: Callable[[str], None]) -> tuple[Figure, ...]:
    """A fan chart for each series with own figures."""
    spoken = reading.words
    figures = []
    for number, series in enumerate(reading.charted, start=1):
        numbers = fan(
            reading.assessment,
            series,
            scenario=reading.scenario,
            points=reading.points(series),
            marks=marks(reading, series),
        )
        name = spoken.name(numbers.indicator.name)
        progress(spoken("progress_figure", n=number, total=len(reading.charted), name=name))
        drawn = picture(numbers, labels(numbers, spoken))
        caption = spoken("figure_label", n=number, title=fan_caption(numbers, spoken))
        figures.append(Figure(caption, _file_name(number, numbers.indicator.slug), drawn.png, drawn.svg))
    return tuple(figures)


def marks(reading: Reading, series: str) -> tuple[Mark, ...]:
    """Targets of a series with fixed levels."""
    slug = series.split("/", 1)[1]
    own = [
        result
        for result in reading.results
        if result.series == series or (not result.series and result.target.indicator == slug)
    ]
    return tuple(mark for mark in (_mark(reading, result) for result in own) if mark.years)


def labels(numbers: Fan, spoken: Words) -> FanLabels:
    """Words of the drawing."""
    inner, outer = f"{INTERVAL_PROBABILITY:.0%}", f"{OUTER_PROBABILITY:.0%}"
    return FanLabels(
        title=_title(numbers, spoken),
        points=spoken("legend_points"),
        history=spoken("legend_history", inner=inner),
        median=spoken("legend_median"),
        inner=spoken("legend_inner", inner=inner),
        outer=spoken("legend_outer", outer=outer),
    )


def fan_caption(numbers: Fan, spoken: Words) -> str:
    """What a fan chart shows: the figures, the target, and which interval."""
    asked = spoken("semicolon").join(mark.label.removeprefix(spoken("fan_mark_prefix")) for mark in numbers.marks)
    return spoken(
        "fan_caption" if numbers.history else "fan_caption_no_history",
        name=spoken.name(numbers.indicator.name),
        figures=_named(numbers, spoken),
        bars=spoken("fan_bars") if any(point.wide for point in numbers.points) else "",
        inner=f"{INTERVAL_PROBABILITY:.0%}",
        outer=f"{OUTER_PROBABILITY:.0%}",
        targets=spoken("fan_targets", targets=asked) if asked else spoken("fan_no_target"),
        cut=spoken("fan_cut") if numbers.cut else "",
    ).rstrip()


def _title(numbers: Fan, spoken: Words) -> str:
    name, unit = spoken.name(numbers.indicator.name), spoken.term("unit", numbers.indicator.unit)
    return spoken("fan_title", name=name, unit=unit) if unit else name


def _named(numbers: Fan, spoken: Words) -> str:
    def said(point: Printed) -> str:
        return spoken("fan_figure", year=point.year, value=printed_value(point, numbers.indicator, spoken))

    listed = spoken("list_sep").join(said(point) for point in numbers.points[-_FIGURES_NAMED:])
    if len(numbers.points) <= _FIGURES_NAMED:
        return listed
    return spoken("fan_many", n=len(numbers.points), shown=_FIGURES_NAMED, figures=listed)


def _mark(reading: Reading, result: TargetResult) -> Mark:
    target, spoken = result.target, reading.words
    levels: dict[int, float | None] = {}
    if isinstance(target, LevelTarget | MaintainTarget):
        levels = dict.fromkeys(target.years, target.value)
    elif isinstance(target, PathTarget):
        levels = dict(target.values)
    levels |= {year.year: year.level for year in result.years if year.year in levels}
    fixed = [(year, level) for year, level in sorted(levels.items()) if level is not None]
    label = spoken("fan_mark_prefix") + spoken("fan_mark", when=when(target, spoken), level=requirement(target, spoken))
    return Mark(label=label, years=tuple(year for year, _ in fixed), levels=tuple(float(level) for _, level in fixed))


def _file_name(number: int, slug: str) -> str:
    safe = "".join(character if character.isalnum() or character in "-_" else "_" for character in slug)
    return f"fan-{number:02d}-{safe}"
