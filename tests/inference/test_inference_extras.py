"""From rows of a table to figures that are more than levels, and through a fit."""

import numpy as np
import pytest
from scipy.special import expit, logit

from qsim.forecast.posterior import fit
from qsim.inference.layout import layouts
from qsim.inference.series import collect_series
from qsim.measurement import measurement
from qsim.model.functional import DIFFERENCE, LEVEL, RATIO, TOTAL
from qsim.model.likelihood import BINOMIAL, INTERVAL, POISSON
from qsim.observations.select import choose_basis, with_partial_years

INF = np.inf


@pytest.fixture(scope="module")
def one(observed, catalogue):
    """The only series of some rows, grid up to 2015; figures of other bases joined."""

    def make(*rows, partial_years=False, **row):
        data = observed(*({"year": 2015, **row, **one} for one in rows))
        data = with_partial_years(data) if partial_years else data
        (series,) = collect_series(choose_basis(data, catalogue=catalogue), catalogue, 2015)
        return series

    return make


def ends(extra):
    return extra.form, extra.first_year, extra.year, extra.lower, extra.upper


def test_a_relative_change_is_a_log_ratio(one):
    (extra,) = one({"indicator": "area", "value": "-25.44", "change": "percent", "base_year": 2010}).extras
    assert ends(extra) == (RATIO, 2010, 2015, pytest.approx(np.log(0.74555)), pytest.approx(np.log(0.74565)))
    assert extra.guess == pytest.approx(np.log(0.7456))
    assert (extra.kind, extra.other, extra.offset) == (INTERVAL, None, -1)


def test_a_change_in_points_is_a_difference_in_units_of_the_links_slope(one):
    change = {"value": "9.8", "change": "points", "base_year": 2010}
    (extra,) = one({"value": "93.2"}, change).extras
    slope = 0.932 * 0.068
    assert ends(extra) == (DIFFERENCE, 2010, 2015, pytest.approx(0.0975 / slope), pytest.approx(0.0985 / slope))
    assert extra.scale == pytest.approx(slope)
    (alone,) = one(change).extras
    assert alone.scale == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("indicator", "levels", "value", "lower"),
    [("score", ["81.2"], "3.1", 0.305), ("patents", ["150"], "30", 29.5 / 150.0), ("days", ["350"], "10", None)],
)
def test_a_change_in_points_is_in_the_unit_of_the_figure(one, indicator, levels, value, lower):
    change = {"value": value, "change": "points", "base_year": 2012}
    series = one(*({"value": level} for level in levels), change, indicator=indicator)
    (extra,) = series.extras
    if lower is None:
        lower = 9.5 / 365.0 / (350 / 365.0 * 15 / 365.0)
    assert extra.lower == pytest.approx(lower)


def test_an_ambiguous_change_has_both_readings(one):
    (extra,) = one({"value": "9.8", "change": "ambiguous", "base_year": 2010}).extras
    assert (extra.form, extra.other.form) == (RATIO, DIFFERENCE)
    series = one({"value": "93.2"}, {"value": "9.8", "change": "ambiguous", "base_year": 2010})
    assert [layout.form.tolist() for layout in layouts(series)] == [[LEVEL, RATIO], [LEVEL, DIFFERENCE]]
    assert (series.first_year, series.year.tolist(), series.level_years) == (2010, [2015], (2015,))


def test_qualifiers_of_a_change_open_its_interval(one):
    (more,) = one({"value": "20", "qualifier": ">=", "change": "percent", "base_year": 2010}).extras
    assert (more.lower, more.upper) == (pytest.approx(np.log(1.2)), INF)
    (less,) = one({"value": "-20", "qualifier": "<=", "change": "percent", "base_year": 2010}).extras
    assert (less.lower, less.upper) == (-INF, pytest.approx(np.log(0.8)))
    assert np.isfinite([more.guess, less.guess]).all()


def test_several_years_are_a_mean_of_rates_and_a_sum_of_things(one):
    (mean,) = one({"value": "92.5", "year_from": 2011}).extras
    assert ends(mean) == (TOTAL, 2011, 2015, pytest.approx(logit(0.9245)), pytest.approx(logit(0.9255)))
    assert mean.weight == pytest.approx(0.2)
    (counted,) = one({"value": "90.0", "numerator": 36, "denominator": 40, "year_from": 2011}).extras
    assert (counted.kind, counted.lower, counted.size) == (BINOMIAL, 36.0, 40.0)
    (events,) = one({"indicator": "accidents", "value": "7", "year_from": 2013}).extras
    assert (events.kind, events.lower, events.weight) == (POISSON, 7.0, 1.0)
    (area,) = one({"indicator": "area", "value": "3.5", "year_from": 2014}).extras
    assert area.weight == 0.5


def test_figures_of_another_basis_join_through_the_offset_of_the_break(one):
    rows = [
        {"definition": "new", "year": 2014, "value": "80"},
        {"definition": "old", "year": 2010, "value": "90"},
        {"definition": "old", "year": 2012, "value": "91", "numerator": 91, "denominator": 100},
    ]
    series = one(*rows, indicator="pass_rate")
    assert (series.basis, series.year.tolist(), series.first_year) == ("new", [2014], 2010)
    (offset,) = series.offsets
    # the catalogue has -0.5 from old to new, so that old figures lie 0.5 above the series
    assert (offset.basis, offset.mean, offset.sd) == ("old", 0.5, 0.3)
    assert [(extra.form, extra.year, extra.kind, extra.offset) for extra in series.extras] == [
        (LEVEL, 2010, INTERVAL, 0),
        (LEVEL, 2012, BINOMIAL, 0),
    ]
    assert series.printed.tolist() == [80.0]


def test_without_a_named_step_figures_of_another_basis_stay_set_aside(observed, catalogue):
    rows = [
        {"indicator": "pass_rate", "definition": "new", "year": 2014, "value": "80"},
        {"indicator": "pass_rate", "definition": "strange", "year": 2010, "value": "90"},
    ]
    chosen = choose_basis(observed(*rows), catalogue=catalogue)
    assert chosen["set_aside"].values.tolist() == ["", "other_basis"]
    assert chosen["joins"].values.tolist() == ["", ""]


def test_two_sources_on_another_basis_are_readings_of_one_year(one):
    old = {"definition": "old", "year": 2010}
    rows = [{"definition": "new", "value": "80"}, {**old, "value": "90.1"}, {**old, "value": "91.4"}]
    sd = measurement().reading_sd.logit
    assert [extra.sd for extra in one(*rows, indicator="pass_rate").extras] == [sd, sd]
    assert one(*rows[:2], indicator="pass_rate").extras[0].sd == 0.0


def test_sources_that_differ_are_readings_and_equal_ones_are_one_figure(one):
    (layout,) = layouts(one({"value": "90.1", "source": "a"}, {"value": "91.4", "source": "b"}))
    assert layout.sd.tolist() == [measurement().reading_sd.logit] * 2
    assert layout.own.tolist() == [0.0, 0.0]
    assert one({"value": "90.1", "source": "a"}, {"value": "90.1", "source": "b"}).plain


def test_parts_of_years_are_used_when_asked_for_and_then_with_more_noise(one, observed, catalogue):
    rows = ({"value": "90.1"}, {"year": 2014, "value": "95.0", "period": "part"})
    assert one(*rows).plain
    (extra,) = one(*rows, partial_years=True).extras
    assert (extra.form, extra.year, extra.sd) == (LEVEL, 2014, measurement().partial_sd.logit)
    without, with_parts = (
        fit(observed({"year": 2015, **rows[0]}, rows[1]), catalogue=catalogue, draws=500, partial_years=asked)
        for asked in (False, True)
    )
    assert without.dataset.sizes["year"] == 1
    assert with_parts.dataset.sizes["year"] == 2


def test_a_late_figure_of_a_part_of_a_year_stays_out_even_when_asked_for(catalogue):
    import datetime

    import pandas as pd

    from qsim.observations.read import read_observations

    row = {"region": "a", "indicator": "rate", "year": "2015", "value": "90", "period": "part", "published": "2016"}
    data = read_observations(pd.DataFrame([row]), catalogue=catalogue, cutoff=datetime.date(2015, 12, 31))
    assert with_partial_years(data)["set_aside"].values.tolist() == ["after_cutoff"]


# Natural limits


def test_a_natural_limit_is_the_unit_of_the_link_and_the_share_of_trials(one):
    series = one({"indicator": "capped_rate", "value": "90.0"})
    assert (series.link.name, series.link.unit, series.limit) == ("logit", 95.0, pytest.approx(0.95))
    assert series.lower[0] == pytest.approx(logit(89.95 / 95.0))
    counted = one({"indicator": "capped_rate", "value": "90.0", "numerator": 36, "denominator": 40})
    assert counted.guess[0] == pytest.approx(logit(36.5 / 41.0 / 0.95))
    index = one({"indicator": "satisfaction", "value": "80.0"})
    assert (index.link.name, index.link.unit, index.limit) == ("logit", 100.0, 1.0)


def test_a_printed_figure_whose_rounding_reaches_the_limit_is_open_above(one):
    series = one({"indicator": "capped_rate", "value": "94.98", "decimals": 1})
    assert (series.lower[0] < INF, series.upper[0]) == (True, INF)


def test_a_forecast_stays_below_the_natural_limit(observed, catalogue):
    rows = [{"indicator": "capped_rate", "year": 2010 + t, "value": f"{90 + 0.8 * t:.1f}"} for t in range(6)]
    posterior = fit(observed(*rows), catalogue=catalogue, pool="none", draws=1000)
    forecast = posterior.forecast(range(2016, 2021))
    assert bool((forecast["rate"] < 95.0).all())
    assert bool((forecast["published"] <= 95.0).all())
    assert float(forecast["rate"].max()) > 94.0


def test_counts_below_a_natural_limit_are_printed_as_shares_of_all_trials(observed, catalogue):
    rows = [
        {"indicator": "capped_rate", "year": 2010 + t, "value": "90.0", "numerator": 3600, "denominator": 4000}
        for t in range(6)
    ]
    forecast = fit(observed(*rows), catalogue=catalogue, pool="none", draws=1000).forecast([2016])
    gap = forecast["published"].mean() - forecast["rate"].mean()
    assert abs(float(gap)) <= 4.0 * float(forecast["published"].std()) / np.sqrt(1000) + 0.05


# Through a fit


def test_a_fit_joins_what_the_catalogue_names_and_pools_take_own_levels_only(observed, catalogue):
    def rows(region, shift=0.0):
        base = {"region": region, "indicator": "pass_rate"}
        return [
            {**base, "definition": "old", "year": 2010, "value": f"{90 + shift:.1f}"},
            {**base, "definition": "new", "year": 2014, "value": f"{84 + shift:.1f}"},
        ]

    data = observed(*(row for number in range(6) for row in rows(f"r{number}", number / 2.0)))
    posterior = fit(data, catalogue=catalogue, draws=400)
    assert [one.data.basis for one in posterior.fits] == ["new"] * 6
    assert all(len(one.data.extras) == 1 and one.pool_regions == 5 for one in posterior.fits)
    assert posterior.fits[0].posterior.offset.shape == (400, 1)
    forecast = posterior.forecast([2015])
    assert forecast["n_figures"].values.tolist() == [2] * 6
    assert set(forecast["evidence"].values) == {"figures"}


def test_old_figures_alone_answer_on_the_new_basis_with_a_wide_level(observed, catalogue):
    row = {"indicator": "pass_rate", "definition": "old", "year": 2014, "value": "90.0"}
    key = ("guizhou", "pass_rate")
    joined = fit(observed(row), catalogue=catalogue, bases={key: "new"}, pool="none", draws=4000).fits[0]
    own = fit(observed(row), catalogue=catalogue, pool="none", draws=4000).fits[0]
    assert (joined.data.basis, own.data.basis) == ("new", "old")
    chosen = choose_basis(observed(row), {key: "new"}, catalogue=catalogue)
    before = fit(chosen, catalogue=catalogue, pool="none", draws=4000).fits[0]
    np.testing.assert_array_equal(joined.posterior.level, before.posterior.level)
    level, other = joined.posterior.level[:, 0], own.posterior.level[:, 0]
    assert level.mean() == pytest.approx(other.mean() - 0.5, abs=0.1)
    assert level.std() > 0.28


def test_changes_alone_do_not_answer_for_a_level(observed, catalogue):
    from qsim.errors import FitError

    row = {"value": "9.8", "change": "ambiguous", "base_year": 2010, "year": 2015}
    with pytest.raises(FitError, match="no series to fit"):
        fit(observed(row), catalogue=catalogue, pool="none")


def test_an_ambiguous_rise_leaves_both_base_levels_open(observed, catalogue):
    rows = (
        {"value": "93.2", "year": 2015},
        {"value": "9.8", "change": "ambiguous", "base_year": 2010, "year": 2015},
    )
    found = fit(observed(*rows), catalogue=catalogue, pool="none", draws=4000).fits[0].posterior
    begun = 100.0 * expit(found.level[:, 0] - 0.0)
    # 93.2 less 9.8 points is 83.4; 93.2 / 1.098 is 84.9; the year noise widens both
    assert 0.2 < (begun < 84.15).mean() < 0.8
    assert found.gate


def test_the_order_of_rows_does_not_count(observed, catalogue):
    rows = (
        {"value": "93.2", "year": 2015},
        {"value": "92.8", "year": 2015, "source": "b"},
        {"value": "3.0", "change": "points", "base_year": 2010, "year": 2015},
        {"value": "91.0", "year": 2013, "year_from": 2011},
    )
    one, other = (
        fit(observed(*order), catalogue=catalogue, pool="none", draws=200).fits[0].posterior.log_evidence
        for order in (rows, rows[::-1])
    )
    assert one == pytest.approx(other, abs=1e-6)
