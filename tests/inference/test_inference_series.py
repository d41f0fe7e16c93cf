"""From figures as printed to the arrays of an engine."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import logit

from qsim.inference.series import collect_series, make_series, without_figures
from qsim.model.likelihood import BINOMIAL, BINOMIAL_RANGE, INTERVAL, POISSON
from qsim.observations.select import choose_basis

INF = np.inf


@pytest.fixture
def one(observed, catalogue):
    """The only series of some rows, grid up to 2014."""

    def make(*rows, origin=2014):
        (series,) = collect_series(observed(*({"year": 2012, **row} for row in rows)), catalogue, origin)
        return series

    return make


def figure(series, place=0):
    return int(series.kind[place]), series.lower[place], series.upper[place], series.size[place]


def test_counts_are_binomial(one):
    series = one({"value": "92.5", "numerator": 37, "denominator": 40})
    assert figure(series) == (BINOMIAL, 37.0, 37.0, 40.0)
    assert series.guess[0] == pytest.approx(logit(37.5 / 41.0))
    assert series.noisy[0] == 1.0
    assert series.printed[0] == 92.5


@pytest.mark.parametrize(("value", "trials"), [("92", 300), ("92.3", 300), ("97.4", 1609), ("100.0", 50), ("0", 20)])
def test_every_count_of_a_range_prints_the_rate_and_its_neighbours_do_not(one, value, trials):
    kind, lower, upper, _ = figure(one({"value": value, "denominator": trials}))
    assert kind == BINOMIAL_RANGE
    half = 0.5 * 10.0 ** -len(value.partition(".")[2])
    prints = [abs(100.0 * k / trials - float(value)) <= half + 1e-9 for k in range(trials + 1)]
    assert [lower, upper] == [prints.index(True), trials - prints[::-1].index(True)]


def test_trials_that_no_count_agrees_with_leave_the_printed_rate(one):
    kind, lower, upper, size = figure(one({"value": "50.0", "denominator": 7}))
    assert kind == INTERVAL
    assert (lower, upper) == (pytest.approx(logit(0.4995)), pytest.approx(logit(0.5005)))
    assert np.isnan(size)


def test_trials_beyond_a_million_leave_the_printed_rate(one):
    counted = {"value": "92.5", "numerator": 1_850_000, "denominator": 2_000_000}
    assert figure(one(counted))[0] == INTERVAL
    assert figure(one({"value": "92.5", "denominator": 2_000_000}))[0] == INTERVAL
    assert figure(one({**counted, "numerator": 925_000, "denominator": 1_000_000}))[0] == BINOMIAL


def test_a_printed_rate_alone_is_an_interval_of_half_its_last_digit(one):
    series = one({"value": "92.5"})
    kind, lower, upper, _ = figure(series)
    assert kind == INTERVAL
    assert (lower, upper) == (pytest.approx(logit(0.9245)), pytest.approx(logit(0.9255)))
    assert series.guess_variance[0] == pytest.approx((upper - lower) ** 2 / 12.0)
    assert series.noisy[0] == 0.0


@pytest.mark.parametrize(
    ("qualifier", "lower", "upper"),
    [(">=", 95.0, 100.0), ("<=", 0.0, 95.0), ("~", 92.5, 97.5)],
)
def test_qualifiers_open_or_widen_the_interval_whatever_the_counts(one, qualifier, lower, upper):
    series = one({"value": "95", "qualifier": qualifier, "numerator": 19, "denominator": 20})
    assert figure(series)[:3] == (INTERVAL, pytest.approx(logit(lower / 100)), pytest.approx(logit(upper / 100)))
    assert np.isnan(series.printed[0])
    assert np.isfinite(series.guess[0])


def test_days_are_a_share_of_the_days_measured(one):
    row = {"indicator": "days", "value": "350", "numerator": 350, "denominator": 360}
    assert figure(one(row)) == (BINOMIAL, 350.0, 350.0, 360.0)
    alone = one({"indicator": "days", "value": "350"})
    assert figure(alone)[:2] == (INTERVAL, pytest.approx(logit(349.5 / 365.0)))
    assert alone.link.unit == 365.0


def test_more_good_days_than_days_measured_are_no_count(one):
    # a contradiction that only the days without a numerator can hide
    series = one({"indicator": "days", "value": "350", "denominator": 340})
    assert figure(series)[0] == INTERVAL
    assert np.isfinite(series.guess[0])


@pytest.mark.parametrize("family", ["brands", "accidents"])
def test_numbers_of_things_are_poisson_on_the_log(one, family):
    series = one({"indicator": family, "value": "7"})
    assert figure(series)[:3] == (POISSON, 7.0, 7.0)
    assert series.link.name == "log"
    assert series.guess[0] == pytest.approx(np.log(7.5))
    assert figure(one({"indicator": family, "value": "7", "qualifier": ">="}))[:3] == (INTERVAL, np.log(7.0), INF)


def test_stocks_and_quantities_are_intervals_on_the_log(one):
    assert figure(one({"indicator": "patents", "value": "120"}))[:3] == (
        INTERVAL,
        pytest.approx(np.log(119.5)),
        pytest.approx(np.log(120.5)),
    )
    assert figure(one({"indicator": "area", "value": "3.5"}))[1:3] == (
        pytest.approx(np.log(3.45)),
        pytest.approx(np.log(3.55)),
    )


def test_indices_are_intervals_on_their_own_scale(one):
    kind, lower, upper, _ = figure(one({"indicator": "score", "value": "81.2"}))
    assert (kind, lower, upper) == (INTERVAL, pytest.approx(8.115), pytest.approx(8.125))


BOUNDS = [
    {"indicator": "rate", "value": "100.0"},
    {"indicator": "rate", "value": "0.0"},
    {"indicator": "rate", "value": "100", "qualifier": ">="},
    {"indicator": "rate", "value": "0", "qualifier": ">="},
    {"indicator": "rate", "value": "0", "qualifier": "<="},
    {"indicator": "rate", "value": "100", "numerator": 20, "denominator": 20},
    {"indicator": "rate", "value": "0", "denominator": 20},
    {"indicator": "days", "value": "365"},
    {"indicator": "days", "value": "366"},
    {"indicator": "days", "value": "365", "qualifier": ">="},
    {"indicator": "accidents", "value": "0"},
    {"indicator": "accidents", "value": "0", "qualifier": "<="},
    {"indicator": "patents", "value": "0"},
    {"indicator": "area", "value": "0", "qualifier": ">="},
]


@pytest.mark.parametrize("row", BOUNDS, ids=lambda row: " ".join(map(str, row.values())))
def test_a_figure_at_the_bound_of_its_scale_has_an_inside_and_a_finite_guess(one, row):
    series = one(row)
    assert np.isfinite(series.guess[0])
    assert np.isfinite(series.guess_variance[0])
    assert series.lower[0] < series.upper[0] or series.kind[0] != INTERVAL
    assert series.lower[0] < np.inf
    assert series.upper[0] > -np.inf


def test_two_figures_of_a_year_stay_two(one):
    series = one({"value": "90.1", "source": "one"}, {"value": "91.4", "source": "other"})
    assert series.year.tolist() == [2012, 2012]
    assert series.steps.tolist() == [0, 0]
    assert sorted(series.printed) == [90.1, 91.4]


def test_figures_after_the_origin_and_figures_set_aside_are_not_used(observed, catalogue):
    rows = observed(
        {"year": 2010, "value": "90"},
        {"year": 2012, "value": "91"},
        {"year": 2013, "value": "95", "period": "part"},
        {"year": 2015, "value": "96"},
    )
    (series,) = collect_series(rows, catalogue, 2014)
    assert series.year.tolist() == [2010, 2012]
    assert (series.first_year, series.origin, series.years) == (2010, 2014, 5)


def test_bases_of_an_indicator_are_series_of_their_own(observed, catalogue):
    rows = observed(
        {"indicator": "pass_rate", "year": 2010, "value": "90", "definition": "old"},
        {"indicator": "pass_rate", "year": 2012, "value": "80", "definition": "new"},
    )
    assert [one.basis for one in collect_series(rows, catalogue, 2014)] == ["new", "old"]
    assert [one.basis for one in collect_series(choose_basis(rows), catalogue, 2014)] == ["new"]


def test_the_order_of_rows_does_not_count(observed, catalogue):
    rows = observed(
        {"year": 2011, "value": "90", "source": "a"},
        {"year": 2010, "value": "91"},
        {"year": 2011, "value": "89", "source": "b"},
        {"region": "sichuan", "year": 2010, "value": "85"},
    )
    forward = collect_series(rows, catalogue, 2014)
    backward = collect_series(rows.isel(observation=slice(None, None, -1)), catalogue, 2014)
    assert [one.label for one in forward] == [one.label for one in backward] == ["guizhou/rate", "sichuan/rate"]
    for one, other in zip(forward, backward, strict=True):
        np.testing.assert_array_equal(one.year, other.year)
        np.testing.assert_array_equal(one.lower, other.lower)


def test_a_series_without_figures_is_empty_at_the_origin(catalogue):
    series = without_figures("tibet", catalogue.get("other_rate"), "", 2014)
    assert (series.year.size, series.first_year, series.years) == (0, 2014, 1)
    assert series.sign == -1.0
    assert series.decimals == catalogue.get("other_rate").decimals


def test_decimals_are_the_most_that_were_printed(one):
    assert one({"value": "92"}, {"year": 2013, "value": "92.45"}).decimals == 2


def test_a_series_can_be_made_from_columns_alone(catalogue):
    rows = pd.DataFrame(
        {"year": [2010], "value": [90.0], "qualifier": "=", "decimals": 0, "lower": 89.5, "upper": 90.5}
    ).assign(numerator=np.nan, denominator=np.nan)
    assert make_series("a", catalogue.get("rate"), "", rows, 2012).kind.tolist() == [INTERVAL]


def test_no_figure_before_the_origin_is_no_series(observed, catalogue):
    assert collect_series(observed({"year": 2012, "value": "92"}), catalogue, 2011) == ()
