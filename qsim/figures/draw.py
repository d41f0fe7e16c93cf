"""Draw a fan chart on given axes, and write it as PNG and SVG: the only file that imports matplotlib's artists."""

import re
from dataclasses import dataclass, field
from io import BytesIO, StringIO
from math import isfinite
from textwrap import fill

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from qsim.figures.fan import Band, Fan, Mark
from qsim.figures.fonts import register, shown
from qsim.figures.text import width
from qsim.vocabulary import PERCENT_FAMILIES

WIDTH_MM = 156.0
"""Width of a figure: the text width of the page. [mm]"""
HEIGHT_MM = 74.0
"""Height of a figure. [mm]"""
DPI = 200
"""Resolution of the PNG. [1/inch]"""

_MM = 25.4
_INK, _PAST, _FUTURE = "#1a1a1a", "#8c8c8c", "#1f5fa8"
_TARGETS = ("#b3261e", "#b86e00", "#6b2fa0")
_MANY_YEARS = 14
_TITLE_WIDTH = 80
_LEGEND_SIZE = 8.0
"""[pt]"""
_LEGEND_LINE_MM, _LEGEND_HANDLE_MM, _LEGEND_CHARACTER_MM, _LEGEND_MARGIN_MM = 4.5, 9.5, 2.95, 6.0


@dataclass(frozen=True, kw_only=True)
class FanLabels:
    """The words of a fan chart, in the language of the report."""

    title: str
    """Name of the indicator and its unit."""
    points: str
    history: str
    median: str
    inner: str
    outer: str


@dataclass(frozen=True)
class Picture:
    """One drawn figure; a notebook shows it as the last value of a cell."""

    png: bytes = field(repr=False)
    svg: str = field(repr=False)

    def _repr_png_(self) -> bytes:
        return self.png


def draw_fan(axes: Axes, numbers: Fan, labels: FanLabels) -> None:
    """Draw the numbers of a fan chart on given axes."""
    future = numbers.forecast
    axes.fill_between(
        future.years, future.outer_lower, future.outer_upper, color=_FUTURE, alpha=0.14, lw=0, label=shown(labels.outer)
    )
    axes.fill_between(
        future.years, future.lower, future.upper, color=_FUTURE, alpha=0.32, lw=0, label=shown(labels.inner)
    )
    if numbers.history is not None:
        _draw_history(axes, numbers.history, labels)
    axes.plot(future.years, future.median, color=_FUTURE, lw=1.6, label=shown(labels.median), zorder=3)
    _draw_points(axes, numbers, labels)
    for number, mark in enumerate(numbers.marks):
        _draw_mark(axes, mark, _TARGETS[number % len(_TARGETS)])
    _dress(axes, numbers, labels)


def _draw_history(axes: Axes, past: Band, labels: FanLabels) -> None:
    if len(past.years) == 1:
        axes.vlines(past.years, past.lower, past.upper, color=_PAST, alpha=0.45, lw=6, label=shown(labels.history))
    else:
        axes.fill_between(past.years, past.lower, past.upper, color=_PAST, alpha=0.3, lw=0, label=shown(labels.history))
        axes.plot(past.years, past.median, color=_PAST, lw=1.2, ls=(0, (4, 2)), zorder=2)


def _draw_points(axes: Axes, numbers: Fan, labels: FanLabels) -> None:
    for point in numbers.points:
        if point.wide:
            top = point.upper if isfinite(point.upper) else numbers.high
            axes.plot([point.year, point.year], [point.lower, top], color=_INK, lw=1.0, zorder=4)
            for end in (point.lower, top):
                if isfinite(point.upper) or end == point.lower:
                    axes.plot([point.year], [end], color=_INK, marker="_", ms=7, zorder=4)
    exact = [point for point in numbers.points if isfinite(point.value)]
    years, values = [point.year for point in exact], [point.value for point in exact]
    if exact:
        axes.plot(years, values, color=_INK, ls="none", marker="o", ms=4.5, label=shown(labels.points), zorder=5)


def _draw_mark(axes: Axes, mark: Mark, color: str) -> None:
    """Targets as short level strokes, joined where they are steps of one statement."""
    half = 0.3
    for number, (year, level) in enumerate(zip(mark.years, mark.levels, strict=True)):
        label = shown(mark.label) if number == 0 else None
        axes.plot(
            [year - half, year + half],
            [level, level],
            color=color,
            lw=2.4,
            solid_capstyle="butt",
            label=label,
            zorder=6,
        )
    if len(mark.years) > 1:
        axes.plot(mark.years, mark.levels, color=color, lw=0.9, ls=":", zorder=5)


def _dress(axes: Axes, numbers: Fan, labels: FanLabels) -> None:
    years = [
        *numbers.forecast.years,
        *(point.year for point in numbers.points),
        *(year for mark in numbers.marks for year in mark.years),
    ]
    years += [*numbers.history.years] if numbers.history else []
    first, last = min(years), max(years)
    axes.set_xlim(first - 0.6, last + 0.6)
    step = -(-(last - first + 1) // _MANY_YEARS)
    axes.set_xticks(range(last, first - 1, -step))
    axes.set_ylim(numbers.low, numbers.high)
    axes.ticklabel_format(axis="y", useOffset=False, style="plain")
    if numbers.indicator.family in PERCENT_FAMILIES:
        axes.set_yticks([tick for tick in axes.get_yticks() if max(numbers.low, 0) <= tick <= min(numbers.high, 100)])
    axes.set_title(fill(shown(labels.title), _TITLE_WIDTH), fontsize=10, loc="left")
    axes.tick_params(labelsize=8.5, length=3)
    axes.grid(axis="y", color="#d9d9d9", lw=0.6)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.legend(
        loc="upper center",
        bbox_to_anchor=(0.5, -0.1),
        ncols=legend_columns(_legend_labels(numbers, labels)),
        fontsize=_LEGEND_SIZE,
        frameon=False,
        handlelength=1.6,
        columnspacing=1.4,
    )


def legend_columns(words: list[str]) -> int:
    """Most columns of a legend that fit the width of the figure."""
    for columns in (3, 2):
        rows = -(-len(words) // columns)
        parts = [words[start : start + rows] for start in range(0, len(words), rows)]
        wide = sum(_LEGEND_HANDLE_MM + _LEGEND_CHARACTER_MM * max(width(word) for word in part) for part in parts)
        if wide <= WIDTH_MM - _LEGEND_MARGIN_MM:
            return columns
    return 1


def _legend_labels(numbers: Fan, labels: FanLabels) -> list[str]:
    past = [labels.history] if numbers.history else []
    points = [labels.points] if any(isfinite(point.value) for point in numbers.points) else []
    return [labels.outer, labels.inner, *past, labels.median, *points, *(mark.label for mark in numbers.marks)]


def picture(numbers: Fan, labels: FanLabels) -> Picture:
    """Draw a fan chart as PNG and SVG, the same bytes for the same numbers."""
    with rc_context({"font.family": [register()], "svg.fonttype": "path", "svg.hashsalt": "qsim"}):
        words = _legend_labels(numbers, labels)
        rows = -(-len(words) // legend_columns(words))
        height = HEIGHT_MM + _LEGEND_LINE_MM * (rows - 2)
        figure = Figure(figsize=(WIDTH_MM / _MM, height / _MM), layout="constrained")
        FigureCanvasAgg(figure)
        draw_fan(figure.add_subplot(), numbers, labels)
        figure.draw_without_rendering()
        figure.set_layout_engine("none")  # the layout holds for both files, computing it once is enough
        png, svg = BytesIO(), StringIO()
        figure.savefig(png, format="png", dpi=DPI, metadata={"Software": None})
        figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return Picture(png.getvalue(), _light(svg.getvalue()))


def _light(svg: str) -> str:
    """Without prolog, document type, metadata and comments, which a page does not need."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", svg, flags=re.DOTALL)
    return re.sub(r"\n\s*", "\n", svg)
