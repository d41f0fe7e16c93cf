"""One fan chart on request: the one of the appendix, and one without a plan."""

import pandas as pd
import pytest
from matplotlib.figure import Figure

import qsim
from qsim.errors import UnknownNameError
from qsim.figures.draw import draw_fan
from qsim.figures.fan import fan
from qsim.report.charts import charts, labels
from qsim.report.reading import Reading
from qsim.report.words import words

SLUG = "industrial_product_spotcheck_pass_rate"


@pytest.fixture(scope="module")
def hainan():
    return qsim.run("hainan-2020", draws=200, beside=False, scenarios=["key-product-campaign"]).assessment


@pytest.mark.parametrize("language", ["zh", "en"])
def test_it_is_the_chart_of_the_appendix(hainan, language):
    figures = charts(Reading(hainan, words(language)), lambda _: None)
    (own,) = (figure for figure in figures if SLUG in figure.name)
    assert qsim.fan_chart(hainan, SLUG, language=language).png == own.png


def test_a_scenario_moves_the_forecast(hainan):
    assert qsim.fan_chart(hainan, SLUG, scenario="key-product-campaign").svg != qsim.fan_chart(hainan, SLUG).svg


def test_a_notebook_shows_it_without_spelling_out_its_bytes(hainan):
    drawn = qsim.fan_chart(hainan, SLUG)
    assert drawn._repr_png_()[:4] == b"\x89PNG"
    assert repr(drawn) == "Picture()"


def legend_of(assessment, slug):
    reading = Reading(assessment, words("en"))
    series = f"hainan/{slug}"
    numbers = fan(assessment, series, scenario="baseline", points=reading.points(series))
    axes = Figure().add_subplot()
    draw_fan(axes, numbers, labels(numbers, reading.words))
    return [text.get_text() for text in axes.get_legend().get_texts()]


def test_a_series_without_figures_has_none_in_the_legend(hainan):
    pooled, own = legend_of(hainan, "surface_water_good_rate"), legend_of(hainan, SLUG)
    assert set(own) - set(pooled) == {"published figures"}
    assert set(pooled) <= set(own)


@pytest.mark.parametrize(
    ("slug", "scenario", "told"),
    [("surface_water_god_rate", None, "surface_water_good_rate"), (SLUG, "key-product", "key-product-campaign")],
)
def test_an_unknown_name_is_told_with_the_nearest(hainan, slug, scenario, told):
    with pytest.raises(UnknownNameError, match=told):
        qsim.fan_chart(hainan, slug, scenario=scenario)


def test_a_forecast_without_a_plan_has_its_chart():
    frame = pd.DataFrame(
        {"region": "here", "indicator": "spot", "year": [2015, 2016, 2017], "value": ["91", "92", "93"]}
    )
    observations = qsim.read_observations(frame)
    posterior = qsim.fit(observations, draws=200)
    forecast = posterior.forecast([2018, 2019])
    plain, marked = (
        qsim.forecast_chart(posterior, forecast, observations, "here/spot", levels=levels)
        for levels in (None, {2019: 94.0})
    )
    assert plain.png != marked.png
    with pytest.raises(UnknownNameError, match="did you mean 'here/spot'"):
        qsim.forecast_chart(posterior, forecast, observations, "here/spit")
