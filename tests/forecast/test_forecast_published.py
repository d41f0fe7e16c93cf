"""Published figures: sampled at the usual size, rounded as offices round, possible for their family."""

from decimal import ROUND_HALF_UP, Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qsim.forecast.published import print_rounded, publish, usual_trials
from qsim.vocabulary import PUBLISHED, RATE

FLAT = (0, 0, 0.5, 0, 0)
WIDE = (1.0, 0.5, 0.9, 1.0, 0.0)


def rate_rows(*sizes: str, value: str = "90.0") -> dict[int, dict[str, str]]:
    return {2010 + number: {"value": value, "denominator": size} for number, size in enumerate(sizes)}


@pytest.mark.parametrize(
    ("figure", "decimals", "printed"),
    [
        (92.45, 1, 92.5), (92.35, 1, 92.4), (92.4499, 1, 92.4), (0.5, 0, 1.0), (1.5, 0, 2.0), (2.5, 0, 3.0),
        (99.95, 1, 100.0), (99.949, 1, 99.9), (2.675, 2, 2.68), (100.0, 1, 100.0), (0.0, 1, 0.0),
    ],
)  # fmt: skip
def test_figures_are_rounded_half_up(figure, decimals, printed):
    assert float(print_rounded(np.array(figure), decimals)) == printed


@settings(derandomize=True, deadline=None)
@given(mills=st.integers(0, 100_000), decimals=st.integers(0, 2))
def test_rounding_agrees_with_decimal_arithmetic(mills, decimals):
    exact = (Decimal(mills) / 1000).quantize(Decimal(10) ** -decimals, rounding=ROUND_HALF_UP)
    assert float(print_rounded(np.array(mills / 1000), decimals)) == float(exact)


@pytest.mark.parametrize(
    ("sizes", "usual"),
    [(("400",), 400), (("100", "400", "900"), 400), (("100", "401"), 401), (("", "500", ""), 500), (("", ""), None)],
)
def test_the_usual_sample_is_a_median_that_is_a_whole_number(series, sizes, usual):
    assert usual_trials(series("rate", rate_rows(*sizes), origin=2015)) == usual


@pytest.mark.parametrize("sizes", [("250",), ("100", "401"), ("100", "250", "1609")])
def test_a_published_rate_is_a_share_of_the_usual_sample(posterior, series, sizes):
    data = series("rate", rate_rows(*sizes, value="90.000000"), origin=2015)
    figures = posterior(data, level=90).forecast([2017])[PUBLISHED].values.ravel()
    counts = figures * usual_trials(data) / 100
    assert np.allclose(counts, counts.round(), rtol=0, atol=usual_trials(data) * 0.5e-8 + 1e-9)
    assert len(set(figures)) > 5


@pytest.mark.parametrize(("trials", "level"), [(200, 90.0), (1600, 93.4)])
def test_sampling_has_the_mean_and_variance_of_the_binomial(posterior, series, trials, level):
    draws = 20_000
    data = series("rate", rate_rows(str(trials), value="90.000000"), origin=2015)
    figures = posterior(data, draws=draws, theta=FLAT, level=level).forecast([2016])[PUBLISHED].values.ravel()
    share = level / 100
    variance = 1e4 * share * (1 - share) / trials
    kurtosis = 3 + (1 - 6 * share * (1 - share)) / (trials * share * (1 - share))
    assert abs(figures.mean() - level) <= 4 * np.sqrt(variance / draws)
    assert abs(figures.var(ddof=1) - variance) <= 4 * variance * np.sqrt((kurtosis - 1) / draws)


def test_without_a_sample_and_year_noise_the_level_itself_is_printed(posterior, series):
    data = series("rate", {2014: {"value": "90.0"}}, origin=2015)
    forecast = posterior(data, theta=FLAT, level=91.25).forecast([2016])
    assert set(forecast[PUBLISHED].values.ravel()) == {91.3}


def test_year_noise_is_in_the_published_figure_alone(posterior, series):
    data = series("rate", {2014: {"value": "90.00"}}, origin=2015)
    forecast = posterior(data, theta=(0, 0, 0.5, 0.2, 0), level=90).forecast([2016])
    assert float(forecast[RATE].std()) < 1e-9
    assert float(forecast[PUBLISHED].std()) > 1


@pytest.mark.parametrize(("value", "decimals"), [("93", 0), ("93.4", 1), ("93.42", 2), ("93.40", 2)])
def test_figures_have_the_decimals_of_the_series(posterior, series, value, decimals):
    data = series("rate", {2014: {"value": value, "denominator": "1609"}}, origin=2015)
    figures = posterior(data).forecast([2016])[PUBLISHED].values.ravel()
    assert np.array_equal(figures, figures.round(decimals))
    assert np.any(figures != figures.round(decimals - 1))


FAMILY_ROWS = {
    "rate": {"value": "98.0", "denominator": "200"},
    "lower_rate": {"value": "0.50"},
    "days": {"value": "340", "denominator": "365"},
    "count": {"value": "12"},
    "stock": {"value": "3"},
    "events": {"value": "0"},
    "positive": {"value": "4.25"},
    "index": {"value": "80.0"},
}
BOUNDS = {"rate": (0, 100), "lower_rate": (0, 100), "days": (0, 366), "index": (-np.inf, np.inf)}
DECIMALS = {"rate": 1, "lower_rate": 2, "positive": 2, "index": 1}


@pytest.mark.parametrize("family", FAMILY_ROWS)
def test_a_figure_is_possible_for_its_family_however_wild_the_trend(posterior, series, family):
    data = series(family, {2014: FAMILY_ROWS[family]}, origin=2015)
    forecast = posterior(data, theta=WIDE).forecast([2015, 2016, 2020])
    low, high = BOUNDS.get(family, (0, np.inf))
    for name in (RATE, PUBLISHED):
        assert forecast[name].notnull().all()
        assert float(forecast[name].min()) >= low
        assert float(forecast[name].max()) <= high
    figures = forecast[PUBLISHED].values
    assert np.array_equal(figures, figures.round(DECIMALS.get(family, 0)))


def test_a_count_scatters_like_poisson_around_its_rate(posterior, series):
    draws = 20_000
    data = series("count", {2014: {"value": "50"}}, origin=2015)
    figures = posterior(data, draws=draws, theta=FLAT, level=50).forecast([2016])[PUBLISHED].values.ravel()
    assert abs(figures.mean() - 50) <= 4 * np.sqrt(50 / draws)
    assert abs(figures.var(ddof=1) - 50) <= 4 * 50 * np.sqrt((2 + 1 / 50) / draws)


@settings(derandomize=True, deadline=None, max_examples=25)
@given(chance=st.floats(-4, 4), shift=st.floats(0, 5))
@pytest.mark.parametrize("family", ["rate", "days", "count", "stock", "index"])
def test_a_higher_level_never_prints_a_lower_figure_at_the_same_chance(series, family, chance, shift):
    data = series(family, {2014: FAMILY_ROWS[family]}, origin=2015)
    eta = data.guess[-1] + np.array([0.0, shift])
    low, high = publish(data, eta[:, None], np.full((2, 1), chance)).ravel()
    assert high >= low
