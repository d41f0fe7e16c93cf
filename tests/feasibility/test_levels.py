"""Recommended levels against quantiles, and rounded on the right side."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from qsim.feasibility.events import Draws, is_met, margins
from qsim.feasibility.levels import level_met_with, recommended

N = 4000
FIGURES = norm.ppf((np.arange(N) + 0.5) / N, 90, 3)


@pytest.mark.parametrize("confidence", [0.9, 0.8, 0.7, 0.5, 0.1])
def test_a_level_is_the_quantile_of_the_figure(confidence):
    level = level_met_with(FIGURES, confidence, high=True, decimals=3)
    assert level == pytest.approx(norm.isf(confidence, 90, 3), abs=0.01)
    mirrored = level_met_with(FIGURES, confidence, high=False, decimals=3)
    assert mirrored == pytest.approx(norm.ppf(confidence, 90, 3), abs=0.01)


@given(
    figures=st.lists(st.floats(-50, 150), min_size=1, max_size=60),
    confidence=st.floats(0.01, 1.0),
    decimals=st.integers(0, 2),
    high=st.booleans(),
)
def test_a_rounded_level_is_still_met_with_its_confidence(figures, confidence, decimals, high):
    draws = np.array(figures)
    level = level_met_with(draws, confidence, high=high, decimals=decimals)
    met = draws >= level - 1e-5 if high else draws <= level + 1e-5
    assert met.mean() >= confidence - 1e-9
    assert round(level, decimals) == pytest.approx(level, abs=1e-9)


KINDS = [
    ("level", {"value": 0.0, "year": 2020}, "value"),
    ("maintain", {"value": 0.0, "first_year": 2019, "year": 2020}, "value"),
    ("change", {"direction": "up", "value": 1.0, "base_year": 2018, "year": 2020}, "value"),
    ("change", {"direction": "down", "value": 1.0, "relative": False, "base_year": 2018, "year": 2020}, "value"),
    ("cumulative", {"value": 0.0, "base_year": 2018, "first_year": 2019, "year": 2020}, "value"),
    ("cumulative", {"value": 0.0, "per_year": True, "base_year": 2018, "first_year": 2019, "year": 2020}, "value"),
    ("level", {"comparator": "<=", "value": 0.0, "year": 2020}, "value"),
]


@pytest.mark.parametrize(("kind", "traits", "name"), KINDS)
@pytest.mark.parametrize("flow", [True, False])
def test_a_statement_with_its_recommended_level_has_that_probability(target, kind, traits, name, flow):
    rng = np.random.default_rng(1)
    draws = Draws(rng.normal([50.0, 60.0, 70.0], [1.0, 8.0, 9.0], (N, 3)), (2018, 2019, 2020))
    for level in recommended(target(kind, **traits), draws, decimals=1, flow=flow):
        # a size of change has to be positive to be a target
        if kind == "change" and level.value <= 0:
            continue
        due = target(kind, **{**traits, name: level.value})
        share = is_met(due, margins(due, draws, flow=flow)).all(axis=-1).mean()
        assert level.confidence <= share <= level.confidence + 0.01


def test_less_confidence_never_asks_for_less(target):
    levels = recommended(
        target("level", value=0.0, year=2020), Draws(FIGURES[:, None], (2020,)), decimals=1, flow=False
    )
    assert [level.confidence for level in levels] == [0.9, 0.8, 0.7, 0.5, 0.1]
    assert [level.value for level in levels] == sorted(level.value for level in levels)


def test_a_percentage_of_nothing_has_no_level(target):
    due = target("change", direction="up", value=30.0, base_year=2019, year=2020)
    assert recommended(due, Draws(np.array([[0.0, 5.0], [1.0, 2.0]]), (2019, 2020)), decimals=0, flow=False) == ()


def test_no_event_has_no_level(target):
    due = target("zero", first_year=2020, year=2020)
    assert recommended(due, Draws(np.zeros((3, 1)), (2020,)), decimals=0, flow=True) == ()
