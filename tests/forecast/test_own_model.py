"""A model of the user's own: handed out whole, and its draws taken back in unchanged."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import qsim
from qsim.compat import to_arviz
from qsim.errors import FitError, UnknownNameError

SERIES = "here/spot"
YEARS = [2014, 2015, 2016, 2017]
DRAWS = 200


@pytest.fixture(scope="module")
def posterior():
    frame = pd.DataFrame(
        {
            "region": "here",
            "indicator": ["spot"] * 4 + ["food"] * 4,
            "year": YEARS * 2,
            "value": ["90.1", "91.0", "91.8", "92.5", "95.0", "95.5", "96.1", "96.0"],
        }
    )
    return qsim.fit(qsim.read_observations(frame), draws=DRAWS, seed=3)


def drawn(chains=2, draws=50, years=4, **swaps):
    """Draws told apart by their levels."""
    size = chains * draws
    values = {
        "theta": (("chain", "draw", "part"), np.tile([0.1, 0.1, 0.5, 0.1, 0.0], (chains, draws, 1))),
        "level": (("chain", "draw", "year"), np.arange(size, dtype=float).reshape(chains, draws, 1) + np.zeros(years)),
        "slope": (("chain", "draw"), -np.arange(size, dtype=float).reshape(chains, draws)),
    }
    return xr.Dataset({name: value for name, value in {**values, **swaps}.items() if value is not None})


def fitted(posterior, label=SERIES):
    return next(fit for fit in posterior.fits if fit.data.label == label)


def test_the_model_knows_its_years_and_has_the_figures_on_request(posterior):
    whole, bare = (qsim.pymc_model(posterior, SERIES, likelihood=told) for told in (True, False))
    assert list(whole.coords["year"]) == YEARS
    assert [one.name for one in bare.deterministics] == ["theta", "level", "slope"]
    assert [one.name for one in whole.potentials] == ["theta_prior", "log_likelihood"]
    assert [one.name for one in bare.potentials] == ["theta_prior"]


@pytest.mark.parametrize("wrap", [lambda one: one, lambda one: to_arviz({"posterior": one})], ids=["dataset", "arviz"])
def test_every_draw_comes_back_whole_and_equally_often(posterior, wrap):
    own = fitted(qsim.with_draws(posterior, SERIES, wrap(drawn()))).posterior
    assert own.slope.size == DRAWS
    _, counts = np.unique(own.slope, return_counts=True)
    assert counts.tolist() == [2] * 100
    np.testing.assert_array_equal(own.level, np.tile(-own.slope[:, None], 4))


@pytest.mark.parametrize("draws", [30, 70, 150])
def test_draws_of_another_number_enter_as_evenly_as_they_can(posterior, draws):
    own = fitted(qsim.with_draws(posterior, SERIES, drawn(draws=draws))).posterior
    _, counts = np.unique(own.slope, return_counts=True)
    assert own.slope.size == DRAWS
    assert set(counts.tolist()) <= {DRAWS // (2 * draws), DRAWS // (2 * draws) + 1}


def test_the_order_of_dims_does_not_matter(posterior):
    turned = drawn().transpose("year", "part", "draw", "chain")
    one, other = (fitted(qsim.with_draws(posterior, SERIES, result)).posterior for result in (drawn(), turned))
    np.testing.assert_array_equal(one.level, other.level)


def test_draws_of_the_same_law_give_the_same_forecast_and_other_series_keep_theirs(posterior):
    fit = fitted(posterior)
    same = xr.Dataset(
        {
            "theta": (("chain", "draw", "part"), fit.posterior.theta[None]),
            "level": (("chain", "draw", "year"), fit.posterior.level[None]),
            "slope": (("chain", "draw"), fit.posterior.slope[None]),
        }
    )
    own = qsim.with_draws(posterior, SERIES, same)
    for label in (SERIES, "here/food"):
        before, after = fitted(posterior, label).posterior, fitted(own, label).posterior
        np.testing.assert_array_equal(np.sort(before.level[:, -1]), np.sort(after.level[:, -1]))
    assert own.shocks is not None
    assert own.diagnostics["engine"].sel(series=SERIES).item() == "own"
    assert own.diagnostics["engine"].sel(series="here/food").item() == "laplace"
    rate = own.forecast([2018])["rate"].sel(series=SERIES)
    usual = posterior.forecast([2018])["rate"].sel(series=SERIES)
    error = float(np.hypot(rate.std(), usual.std())) / np.sqrt(DRAWS)
    assert abs(float(rate.mean() - usual.mean())) <= 4 * error


def test_the_gate_is_the_effective_number_of_draws(posterior):
    rng = np.random.default_rng(0)
    level = rng.standard_normal((2, 500, 4))
    theta = np.abs(rng.standard_normal((2, 500, 5)))
    free = drawn(draws=500, level=(("chain", "draw", "year"), level), theta=(("chain", "draw", "part"), theta))
    stuck = drawn(
        draws=500,
        level=(("chain", "draw", "year"), np.repeat(level[:, :5], 100, axis=1)),
        theta=(("chain", "draw", "part"), theta),
    )
    gates = [
        qsim.with_draws(posterior, SERIES, one).diagnostics["gate"].sel(series=SERIES).item() for one in (free, stuck)
    ]
    assert gates == [True, False]


@pytest.mark.parametrize(
    ("result", "error", "told"),
    [
        (drawn(slope=None), UnknownNameError, "no variable 'slope' .* keep the deterministics of qsim.pymc_model"),
        (drawn(years=3), FitError, "expected \\(4,\\), years 2014 to 2017"),
        (drawn(slope=(("chain", "draw"), np.full((2, 50), np.nan))), FitError, "'slope' that are not finite"),
    ],
)
def test_draws_that_do_not_fit_are_refused(posterior, result, error, told):
    with pytest.raises(error, match=told):
        qsim.with_draws(posterior, SERIES, result)


@pytest.mark.parametrize("ask", [qsim.pymc_model, lambda one, name: qsim.with_draws(one, name, drawn())])
def test_an_unknown_series_is_told_with_the_nearest(posterior, ask):
    with pytest.raises(UnknownNameError, match="did you mean 'here/spot'"):
        ask(posterior, "here/spat")
