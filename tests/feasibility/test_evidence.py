"""Grades of evidence, and how much of an answer is prior."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import qsim
from qsim.feasibility.evidence import GradeTable, grade, prior_share
from qsim.feasibility.records import Sensitivity
from qsim.feasibility.refit import refit, scaled_theta, without_newest
from qsim.forecast.posterior import with_fits

GOOD = {"figures": 6, "age": 1, "spread": 0.05, "share": 0.4, "gate": True}


def fitted(values: list[str], *, draws: int = 500):
    years = range(2015 - len(values), 2015)
    table = pd.DataFrame({"region": "here", "indicator": "rate", "year": years, "value": values})
    return qsim.fit(qsim.read_observations(table), draws=draws, common_shocks=False).fits[0]


@pytest.mark.parametrize(
    ("change", "letter", "reasons"),
    [
        ({}, "A", ()),
        ({"figures": 4}, "B", ("figures",)),
        ({"age": 3}, "C", ("age",)),
        ({"spread": 0.2}, "B", ("range",)),
        ({"spread": 0.31}, "D", ("range",)),
        ({"spread": None}, "A", ()),
        ({"share": 0.9}, "C", ("prior_share",)),
        ({"gate": False}, "D", ("gate",)),
        ({"figures": 0}, "D", ("prior_only",)),
        ({"figures": 2, "age": 4}, "C", ("figures", "age")),
    ],
)
def test_the_worst_reason_gives_the_grade(change, letter, reasons):
    found = grade(**{**GOOD, **change})
    assert (found.letter, found.reasons) == (letter, reasons)


@pytest.mark.parametrize(("spread", "thin"), [(0.3, False), (0.301, True), (None, False)])
def test_too_thin_is_a_range_above_thirty_points(spread, thin):
    assert grade(**{**GOOD, "spread": spread}).too_thin is thin


def test_a_table_of_grades_can_be_replaced():
    assert grade(**{**GOOD, "figures": 1}, table=GradeTable(figures=(1, 1, 1))).letter == "A"


def test_the_range_of_a_probability_is_over_what_is_known():
    found = Sensitivity(base=0.5, narrow_prior=0.4, wide_prior=0.65, without_newest=None)
    assert found.range == pytest.approx(0.25)


def test_without_figures_everything_is_prior_and_more_figures_leave_less():
    shares = [
        prior_share(fitted(values))
        for values in (["90.1"], ["88.1", "88.9", "90.1"], [f"{80 + i}.3" for i in range(10)])
    ]
    assert 1.0 > shares[0] > shares[1] > shares[2] > 0.0
    silent = fitted(["90.1"])
    bare = refit(silent, data=without_newest(silent.data), draws=500, seed=0)
    assert prior_share(bare) == 1.0


def test_a_scaled_prior_has_scaled_sds_of_every_component():
    prior = fitted(["90.1"]).theta_prior
    wide = scaled_theta(prior, 2.0)
    for one, other in zip(prior.components, wide.components, strict=True):
        assert np.allclose(np.sqrt(np.diag(other.covariance)), 2.0 * np.sqrt(np.diag(one.covariance)))
        assert np.array_equal(one.mean, other.mean)


def test_a_scaled_prior_keeps_what_theta_says_of_the_first_level():
    fit = fitted(["90.1"])
    wide = refit(fit, scale=2.0, draws=500, seed=0)
    assert fit.level_prior.slope
    assert wide.level_prior.slope == fit.level_prior.slope
    before, after = (one.level_prior.marginal_sd(one.theta_prior) for one in (fit, wide))
    assert after == pytest.approx(2.0 * before, rel=1e-12)


def test_a_refit_under_the_same_assumption_is_the_fit_itself():
    fit = fitted(["88.1", "88.9", "90.1"])
    again = refit(fit, draws=500, seed=0)
    assert np.array_equal(again.posterior.level, fit.posterior.level)
    assert np.array_equal(again.posterior.theta, fit.posterior.theta)


def test_the_newest_figure_is_left_out_and_the_grid_stays():
    data = fitted(["88.1", "88.9", "90.1"]).data
    short = without_newest(data)
    assert (short.year.tolist(), short.first_year, short.origin) == ([2012, 2013], 2012, 2014)
    only = without_newest(fitted(["90.1"]).data)
    assert (only.year.size, only.first_year, only.origin) == (0, 2014, 2014)


def test_a_narrow_prior_holds_the_level_closer_to_its_mean():
    fit = fitted(["90.1"])
    bare = without_newest(fit.data)
    spread = [refit(fit, data=bare, scale=scale, draws=500, seed=0).posterior.level.std() for scale in (0.5, 1.0, 2.0)]
    assert spread[0] < spread[1] < spread[2]


def test_series_fitted_again_under_the_same_assumption_give_the_same_forecast():
    rows = [
        {"region": region, "indicator": "rate", "year": year, "value": value}
        for region in ("here", "there")
        for year, value in enumerate(["88.1", "88.9", "90.1"], start=2012)
    ]
    posterior = qsim.fit(qsim.read_observations(pd.DataFrame(rows)), draws=500)
    again = with_fits(posterior, [refit(fit, draws=500, seed=0) for fit in posterior.fits])
    xr.testing.assert_identical(again.forecast([2016]), posterior.forecast([2016]))
