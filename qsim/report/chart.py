"""One fan chart on request: of a plan's indicator, or of any forecast."""

from collections.abc import Mapping

import xarray as xr

from qsim.errors import UnknownNameError
from qsim.feasibility.records import Assessment
from qsim.figures.draw import Picture, picture
from qsim.figures.fan import Mark, fan, fan_of
from qsim.figures.printed import printed_figures
from qsim.forecast.posterior import Posterior
from qsim.records import nearest
from qsim.report.charts import labels, marks
from qsim.report.reading import Reading
from qsim.report.words import Language, words
from qsim.vocabulary import SCENARIO, SERIES


def fan_chart(
    assessment: Assessment, indicator: str, *, scenario: str | None = None, language: Language = "zh"
) -> Picture:
    """Draw an indicator of the plan's region: its figures, the forecast and the targets.

    Parameters
    ----------
    indicator : str
        Slug of an indicator with a forecast.
    scenario : str, optional
        Scenario of the forecast; the first one assessed if not given.

    Returns
    -------
    Picture
        ``png`` and ``svg``; a notebook shows it.

    Raises
    ------
    UnknownNameError
        If there is no such forecast.
    """
    reading = Reading(assessment, words(language))
    _check("scenario", scenario, reading.scenarios)
    region = assessment.plan.region.id
    series = f"{region}/{indicator}"
    own = [label.split("/", 1)[1] for label in _labels(assessment.forecast) if label.split("/", 1)[0] == region]
    _check("forecast of indicator", indicator, own)
    numbers = fan(
        assessment,
        series,
        scenario=reading.scenario if scenario is None else scenario,
        points=reading.points(series),
        marks=marks(reading, series),
    )
    return picture(numbers, labels(numbers, reading.words))


def forecast_chart(
    posterior: Posterior,
    forecast: xr.Dataset,
    observations: xr.Dataset,
    series: str,
    *,
    levels: Mapping[int, float] | None = None,
    scenario: str | None = None,
    language: Language = "zh",
) -> Picture:
    """Draw one series of a forecast that needs no plan.

    Parameters
    ----------
    posterior : Posterior
        Gives the past true level.
    forecast : xarray.Dataset, dims (scenario, chain, draw, series, year)
        As ``posterior.forecast`` returned it. [unit]
    observations : xarray.Dataset, dims (observation)
        The figures it was fitted to.
    series : str
        Label ``region/indicator``.
    levels : mapping of int to float, optional
        Levels to mark, by year. [unit]
    scenario : str, optional
        The first of the forecast if not given.

    Raises
    ------
    UnknownNameError
        If the forecast has no such series or scenario.
    """
    scenarios = [str(name) for name in forecast[SCENARIO].values]
    _check("scenario", scenario, scenarios)
    _check("series", series, _labels(forecast))
    spoken = words(language)
    data = next(fit.data for fit in posterior.fits if fit.data.label == series)
    points = [
        figure
        for figure in printed_figures(observations)
        if (figure.region, figure.indicator, figure.set_aside) == (data.region, data.indicator.slug, "")
        and figure.basis == data.basis
        and figure.is_level
    ]
    mark = Mark(
        label=spoken("fan_mark_prefix").rstrip(": ："),
        years=tuple(sorted(levels or {})),
        levels=tuple(float(level) for _, level in sorted((levels or {}).items())),
    )
    numbers = fan_of(
        forecast,
        posterior.history,
        series,
        indicator=data.indicator,
        scenario=scenarios[0] if scenario is None else scenario,
        points=points,
        marks=[mark] if levels else [],
    )
    return picture(numbers, labels(numbers, spoken))


def _labels(forecast: xr.Dataset) -> list[str]:
    return [str(label) for label in forecast[SERIES].values] if SERIES in forecast.coords else []


def _check(what: str, name: str | None, known: list[str] | tuple[str, ...]) -> None:
    if name is not None and name not in known:
        raise UnknownNameError(f"no {what} {name!r}: {nearest(name, known)}")
