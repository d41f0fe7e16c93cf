"""Joint probabilities of sets, worked by hand, and a joint backtest that leaves every single forecast alone."""

from math import comb, log

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import qsim
from qsim.errors import ObservationError
from qsim.evaluation.backtest import backtest
from qsim.evaluation.cases import Case, CaseTarget
from qsim.evaluation.joint import (
    all_met,
    bootstrap_mean,
    choose_sets,
    joint_backtest,
    joint_probability,
    joint_scores,
    product_probability,
)
from qsim.model.shares import ShockShares

MET = xr.DataArray(
    np.array([[1, 1, 0, 0], [1, 0, 1, 0], [1, 1, 1, 0]], dtype=bool),
    {"case": ["a", "b", "c"]},
    ("case", "draw"),
)
PAIRS = xr.DataArray([["a", "b"], ["a", "c"], ["c", "b"]], {"block": ("set", ["x", "x", "y"])}, ("set", "member"))


def test_the_joint_probability_counts_draws_in_which_all_meet():
    assert joint_probability(MET, PAIRS).values.tolist() == [0.25, 0.5, 0.5]


def test_the_product_multiplies_the_shares_of_each():
    assert product_probability(MET, PAIRS).values.tolist() == [0.25, 0.375, 0.375]


def test_a_set_of_one_is_its_case():
    alone = xr.DataArray([["b"]], {"block": ("set", ["x"])}, ("set", "member"))
    assert joint_probability(MET, alone).item() == product_probability(MET, alone).item() == 0.5


def test_a_missing_outcome_leaves_its_sets_without_an_event():
    outcome = xr.DataArray([1.0, 1.0, np.nan], {"case": ["a", "b", "c"]}, ("case",))
    np.testing.assert_array_equal(all_met(outcome, PAIRS), [1.0, np.nan, np.nan])


def test_scores_are_the_logs_of_what_was_said():
    outcome = xr.DataArray([1.0, 1.0, 0.0], {"case": ["a", "b", "c"]}, ("case",))
    scores = joint_scores(MET, outcome, PAIRS, clip=0.01)
    assert scores["event"].values.tolist() == [1.0, 0.0, 0.0]
    np.testing.assert_allclose(scores["log_joint"], [-log(0.25), -log(0.5), -log(0.5)])
    np.testing.assert_allclose(scores["difference"], [0.0, log(0.625 / 0.5), log(0.625 / 0.5)])


def test_independent_draws_give_the_product_up_to_chance():
    rng, draws = np.random.default_rng(0), 40_000
    met = xr.DataArray(rng.random((2, draws)) < [[0.4], [0.7]], {"case": ["a", "b"]}, ("case", "draw"))
    found = joint_probability(met, PAIRS[:1]) - product_probability(met, PAIRS[:1])
    assert abs(float(found.squeeze())) <= 4.0 * np.sqrt(0.4 * 0.6 * 0.7 * 0.3 / draws)


def test_sets_are_all_of_a_small_block_and_some_of_a_large_one():
    blocks = xr.DataArray(["x"] * 4 + ["y"] * 30 + ["z"], {"case": [f"c{n}" for n in range(35)]}, ("case",))
    sets = choose_sets(blocks, 3, most=50, seed=1)
    assert {name: int((sets["block"] == name).sum()) for name in "xyz"} == {"x": comb(4, 3), "y": 50, "z": 0}
    of = dict(zip(blocks["case"].values, blocks.values, strict=True))
    for members, block in zip(sets.values, sets["block"].values, strict=True):
        assert {of[name] for name in members} == {block}
        assert len(set(members)) == 3
    assert len({tuple(row) for row in sets.values}) == len(sets)
    xr.testing.assert_identical(sets, choose_sets(blocks, 3, most=50, seed=1))


def test_the_interval_comes_from_blocks_not_from_sets():
    rng = np.random.default_rng(2)
    of_block = rng.normal(size=40)
    values = xr.DataArray(
        np.repeat(of_block, 25), {"block": ("set", np.repeat([f"b{n}" for n in range(40)], 25))}, ("set",)
    )
    found = bootstrap_mean(values, resamples=4000)
    assert float(found["mean"]) == pytest.approx(of_block.mean())
    assert (int(found["blocks"]), int(found["sets"])) == (40, 1000)
    half = 0.5 * float(found["upper"] - found["lower"])
    exact = 1.96 * of_block.std() / np.sqrt(40)  # were each of the 1,000 sets a piece of its own, a fifth of it
    assert abs(half / exact - 1.0) < 0.15


def test_one_block_has_no_interval():
    values = xr.DataArray([1.0, 3.0, np.nan], {"block": ("set", ["x", "x", "x"])}, ("set",))
    found = bootstrap_mean(values)
    assert [float(found[name]) for name in ("mean", "lower", "upper")] == [2.0, 2.0, 2.0]
    assert int(found["sets"]) == 2


REGIONS = ("0114", "0115", "0116")


@pytest.fixture(scope="module")
def observations():
    rng = np.random.default_rng(3)
    rows = [
        {"region": region, "indicator": "schools", "year": year, "value": f"{70 + 5 * place + rng.normal():.1f}"}
        for place, region in enumerate(REGIONS)
        for year in range(2000, 2013)
    ]
    return qsim.read_observations(pd.DataFrame(rows))


def case(region, cutoff=2010, hist_n=8):
    target = CaseTarget(horizon=3, bound="lo", level=75.0)
    return Case(case_id=region, indicator="schools", region=region, cutoff=cutoff, hist_n=hist_n, targets=(target,))


def test_a_joint_backtest_leaves_every_single_forecast_alone(observations):
    cases, draws = [case(region) for region in REGIONS], 2000
    shares = {"x": ShockShares(everywhere=0.6, category=0.0, indicator=0.1, region=0.0, prior_years=100.0)}
    options = {"pool": "none", "draws": draws, "seed": 4}
    joint = joint_backtest(observations, cases, ["x"] * 3, horizons=(3,), shares=shares, **options)
    alone = backtest(observations, cases, horizon=3, **options)["p_target"].sel(horizon=3, bound="lo").values
    met = joint["published"].sel(horizon=3) >= np.float32(75.0)
    single = met.mean("draw").values
    assert np.all(np.abs(single - alone) <= 4.0 * np.sqrt(2.0 * 0.25 / draws))
    eta = joint["published"].sel(horizon=3).values
    ranks = np.corrcoef(np.argsort(np.argsort(eta, axis=1), axis=1))
    assert np.all(ranks[np.triu_indices(3, 1)] > 0.3)


@pytest.mark.parametrize(
    ("cases", "message"),
    [
        ([case("0114"), case("0115", 2011)], "block x: got cutoffs 2010, 2011; expected one cutoff"),
        ([case("0114"), case("0114", hist_n=5)], "block x: got a series twice"),
        ([case("0114"), case("0999")], "0999/schools without figures"),
    ],
)
def test_blocks_that_are_none_are_refused(observations, cases, message):
    with pytest.raises(ObservationError, match=message):
        joint_backtest(observations, cases, ["x", "x"], horizons=(3,))
