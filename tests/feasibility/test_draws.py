"""What a relative target is compared with: another region's forecast, of which this region may be a part."""

import numpy as np
import pytest
import xarray as xr
from scipy.stats import norm

from qsim.feasibility.assess import assess
from qsim.feasibility.draws import ForecastDraws
from qsim.records import Names

N = 4000
TEXT = Names(zh="例", en="example")


@pytest.fixture(scope="module")
def two(forecast) -> xr.Dataset:
    """``here`` around 90 and ``province`` around 89 with sd 2 and 1, independent of each other."""
    rng = np.random.default_rng(0)
    own, mean = rng.normal(90, 2, (N, 1)), rng.normal(89, 1, (N, 1))
    return forecast({"here/rate": own, "province/rate": mean}, years=[2020], scenarios=("baseline", "push"))


@pytest.fixture(scope="module")
def due(target):
    def make(**traits):
        return target("relative", reference=TEXT, reference_region="province", first_year=2020, year=2020, **traits)

    return make


def test_a_reference_is_a_forecast_itself(two, due, plan):
    (result, _) = assess(two, plan(due())).results
    drawn = two["published"].values[0, 0, :, :, 0]
    assert result.p_published == np.mean(drawn[:, 0] >= drawn[:, 1])
    assert result.evidence == "figures"


def test_a_part_and_its_mean_have_the_covariance_of_a_part_with_its_mean(two, due):
    draws = ForecastDraws(two)
    own = draws.of("baseline", "here/rate", "published").values[:, 0]
    alone = draws.of("baseline", "province/rate", "published").values[:, 0]
    shared = draws.reference(due(reference_share=0.3), "baseline", "here/rate", "published").values[:, 0]
    assert np.cov(own, shared, bias=True)[0, 1] == pytest.approx(0.3 * own.var(), rel=1e-9)
    assert shared.mean() == pytest.approx(alone.mean(), rel=1e-12)
    assert shared.var() == pytest.approx(alone.var(), rel=1e-9)


def test_the_chance_of_a_part_against_its_mean_agrees_with_the_normal(two, due, plan):
    """c ~ N(90, 2), r ~ N(89, 1), cov(c, r) = w var(c): c - r is normal."""
    weight = 0.2
    (result, _) = assess(two, plan(due(reference_share=weight))).results
    exact = norm.cdf(1.0 / np.sqrt(4.0 + 1.0 - 2 * weight * 4.0))
    # four standard errors of a share of the draws
    assert result.p_published == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / N))


def test_draws_that_move_together_already_are_not_moved_again(forecast, due):
    rng = np.random.default_rng(1)
    own = rng.normal(90, 2, (N, 1))
    mean = 89 + 0.5 * (own - 90) + rng.normal(0, 0.1, (N, 1))
    draws = ForecastDraws(forecast({"here/rate": own, "province/rate": mean}, years=[2020]))
    shared = draws.reference(due(reference_share=0.1), "baseline", "here/rate", "published").values
    assert np.allclose(shared, mean, rtol=0, atol=1e-9)


def test_a_policy_in_the_region_moves_the_mean_by_its_share_and_a_lever_never_moves_the_others(two, due):
    pushed = two.copy(deep=True)
    pushed["published"][{"scenario": 1}] += 4.0  # both series: a lever names an indicator, not a region
    draws = ForecastDraws(pushed)
    apart = due()
    assert np.array_equal(
        draws.reference(apart, "push", "here/rate", "published").values,
        draws.reference(apart, "baseline", "here/rate", "published").values,
    )
    part = due(reference_share=0.25)
    moved = draws.reference(part, "push", "here/rate", "published").values
    assert np.allclose(moved - draws.reference(part, "baseline", "here/rate", "published").values, 1.0)


def test_a_region_without_figures_lies_around_its_reference_with_no_sign(forecast, due, plan):
    rng = np.random.default_rng(2)
    drawn = {"here/rate": rng.normal(70, 5, (N, 1)), "province/rate": rng.normal(95, 1, (N, 1))}
    (result,) = assess(forecast(drawn, years=[2020], prior=["here/rate"]), plan(due())).results
    assert result.evidence == "prior"
    assert result.p_published == pytest.approx(0.5, abs=1 / N)


def test_a_reference_that_only_its_pool_answers_for_makes_the_answer_prior(forecast, due, plan):
    drawn = {"here/rate": np.full((5, 1), 90.0), "province/rate": np.full((5, 1), 89.0)}
    (result,) = assess(forecast(drawn, years=[2020], prior=["province/rate"]), plan(due())).results
    assert (result.evidence, result.p_published) == ("prior", 1.0)
