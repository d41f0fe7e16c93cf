"""Reverse questions against closed forms, and on draws."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import logit
from scipy.stats import norm

import qsim
from qsim.feasibility.answers import percent
from qsim.feasibility.reverse import (
    GOAL,
    TOLERANCE,
    LatestStart,
    chance_of,
    latest_start,
    middle_of,
    size_needed,
    sized,
    started,
    turns,
    with_own_start,
)
from qsim.feasibility.statements import Statement, Trials
from qsim.plans.levers import Lever, Source
from qsim.plans.sizes import Certain, Normal, Triangular, Uniform
from qsim.records import Names
from qsim.vocabulary import RATE

TEXT = Names(zh="例", en="example")
LAWS = {
    "certain": Certain(law="certain", value=3.0),
    "normal": Normal(law="normal", mean=3.0, sd=0.5),
    "triangular": Triangular(law="triangular", low=0.0, mode=3.0, high=4.0),
    "uniform": Uniform(law="uniform", low=2.0, high=4.0),
}


def lever(**traits: object) -> Lever:
    usual: dict[str, object] = {
        "id": "push", "name": TEXT, "indicators": ("spot",), "shape": "step", "scale": "points", "start_year": 2018,
        "size": LAWS["certain"], "source": Source(kind="assumed", text=TEXT),
    }  # fmt: skip
    return Lever(**{**usual, **traits})


def normal_chance(mean: float, sd: float, helps: int = 1):
    """Chance that a normal figure moved by the middle of a lever's size reaches zero from the helpful side."""
    return lambda pulled: float(norm.cdf((helps * middle_of(pulled) - mean) / sd))


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("helps", [1, -1])
@pytest.mark.parametrize("goal", [0.5, 0.8, 0.95])
def test_the_size_is_that_of_the_closed_form(law, helps, goal):
    found = size_needed(lever(size=LAWS[law]), normal_chance(20.0, 4.0, helps), helps=helps, goal=goal)
    exact = 20 + 4 * norm.ppf(goal)
    assert goal <= found.probability <= goal + TOLERANCE
    assert helps * found.size == pytest.approx(exact, rel=1.1e-3)
    assert found.without == pytest.approx(norm.cdf(-5))


@pytest.mark.parametrize(
    ("scale", "chance", "size"),
    [
        ("gap", lambda pulled: middle_of(pulled) / 100, 80.0),
        ("pace", lambda pulled: 1 - 0.5 ** middle_of(pulled), np.log(5) / np.log(2)),
        ("link", lambda pulled: norm.cdf(middle_of(pulled)), norm.ppf(0.8)),
    ],
)
def test_every_scale_has_its_own_start_and_end(scale, chance, size):
    found = size_needed(lever(scale=scale, size=Certain(law="certain", value=2.0)), chance)
    assert found.size == pytest.approx(size, rel=1.1e-3)


def test_where_no_size_does_the_best_probability_is_told():
    found = size_needed(lever(), lambda pulled: 0.3 + 0.4 * norm.cdf(middle_of(pulled)))
    assert found.size is None
    assert found.probability == pytest.approx(0.7)
    assert found.without == pytest.approx(0.5)


@pytest.mark.parametrize(("scale", "neutral"), [("points", 0.0), ("gap", 0.0), ("link", 0.0), ("pace", 1.0)])
def test_nothing_is_needed_where_the_goal_is_reached_already(scale, neutral):
    found = size_needed(lever(scale=scale), lambda _: 0.9)
    assert (found.size, found.probability, found.without) == (neutral, 0.9, 0.9)


def test_all_draws_may_change_at_one_size():
    found = size_needed(lever(), lambda pulled: float(middle_of(pulled) >= np.pi))
    assert found.size == pytest.approx(np.pi, rel=1e-12)
    assert found.probability == 1.0


def test_a_goal_that_is_no_probability_is_refused():
    with pytest.raises(ValueError, match="expected a probability above 0"):
        size_needed(lever(), lambda _: 0.5, goal=80.0)


@given(size=st.floats(-50, 50), law=st.sampled_from(sorted(LAWS)))
def test_a_lever_of_another_size_keeps_its_spread(size, law):
    given_law, moved = LAWS[law], sized(lever(size=LAWS[law]), size)
    assert middle_of(moved) == pytest.approx(size)
    for name in ("sd", "low", "high"):
        if hasattr(given_law, name):
            own, other = getattr(given_law, name), getattr(moved.size, name)
            assert other == pytest.approx(own if name == "sd" else own + size - 3.0)


def test_a_lever_of_a_gap_is_taken_as_certain():
    assert sized(lever(scale="gap", size=LAWS["triangular"]), 70.0).size == Certain(law="certain", value=70.0)


@pytest.mark.parametrize(
    ("traits", "years"),
    [
        ({}, {"start_year": 2020}),
        ({"shape": "ramp", "full_effect_year": 2021}, {"start_year": 2020, "full_effect_year": 2023}),
        (
            {"shape": "pulse", "end_year": 2019, "recovered_year": 2022},
            {"start_year": 2020, "end_year": 2021, "recovered_year": 2024},
        ),
        ({"shape": "lag", "lag_years": 2}, {"start_year": 2020, "lag_years": 2}),
    ],
)
def test_all_years_of_a_lever_move_with_its_start(traits, years):
    moved = started(lever(**traits), 2020)
    assert {name: getattr(moved, name) for name in years} == years


def test_the_latest_start_is_the_last_year_that_reaches_the_goal():
    chances = dict(zip(range(2018, 2024), [0.95, 0.9, 0.85, 0.7, 0.82, 0.1], strict=True))
    found = latest_start(lever(), lambda pulled: chances[pulled.start_year], first_year=2018, last_year=2023)
    assert (found.start_year, found.probability) == (2022, 0.82)


def test_no_start_is_early_enough():
    found = latest_start(lever(), lambda pulled: 1 / (pulled.start_year - 2016), first_year=2018, last_year=2023)
    assert (found.start_year, found.probability) == (None, 0.5)
    with pytest.raises(ValueError, match="expected at least one"):
        latest_start(lever(), lambda _: 1.0, first_year=2019, last_year=2018)


@pytest.mark.parametrize(
    ("found", "own", "expected"),
    [
        (LatestStart(start_year=2021, probability=0.85), 0.9, (2021, 0.85, False)),
        (LatestStart(start_year=None, probability=0.6), 0.9, (2018, 0.9, True)),
        (None, 0.9, (2018, 0.9, True)),
        (LatestStart(start_year=None, probability=0.6), 0.7, (None, 0.7, False)),
        (LatestStart(start_year=None, probability=0.6), 0.5, (None, 0.6, False)),
    ],
)
def test_a_start_that_is_past_counts_where_no_later_one_does(found, own, expected):
    told = with_own_start(found, own, 2018, goal=0.8)
    assert (told.start_year, told.probability, told.past) == expected
    assert with_own_start(None, 0.1, 2018, goal=0.8) is None


@pytest.mark.parametrize(
    ("scale", "written", "size", "turned"),
    [("points", -1.0, 1.3, True), ("points", 1.0, 13.0, False), ("pace", 0.5, 2.0, True), ("gap", 20.0, 60.0, False)],
)
def test_a_size_turns_a_lever_round_where_it_acts_the_other_way(scale, written, size, turned):
    assert turns(lever(scale=scale, size=Certain(law="certain", value=written)), size) is turned


@given(probability=st.floats(0, 1), goal=st.sampled_from([0.5, 0.8, 0.95, 0.99, 1.0]))
def test_a_printed_probability_stands_on_its_own_side_of_the_goal(probability, goal):
    text = percent(probability, goal)
    if text.startswith("just"):
        assert text.startswith("just over" if probability >= goal else "just under")
    else:
        assert (float(text.rstrip("%")) >= 100 * goal) == (probability >= goal)
    assert percent(0.7998, 0.8) == "79.98%"
    assert percent(0.7998, 0.9) == "80.0%"


@pytest.fixture(scope="module")
def posterior():
    table = pd.DataFrame(
        {"region": "here", "indicator": "spot", "year": range(2010, 2018), "denominator": 500,
         "value": ["88.0", "88.8", "88.1", "89.5", "90.2", "89.7", "90.4", "90.9"]}
    )  # fmt: skip
    return qsim.fit(qsim.read_observations(table), draws=4000, seed=5)


def reaches(level: float, year: int) -> Statement:
    return Statement(
        series=("here/spot",), years=(year,), met=lambda draws: (draws[RATE] >= level).all(("series", "year"))
    )


def test_on_draws_the_size_is_the_quantile_that_is_missing(posterior):
    """A step on the link shifts every draw by its size: the answer is a quantile of the draws."""
    trials = Trials(posterior=posterior, statements=(reaches(95.0, 2020),))
    found = size_needed(lever(scale="link"), chance_of(trials, 0))
    eta = logit(posterior.forecast([2020])[RATE].values.ravel() / 100)
    assert found.without < GOAL
    assert found.size == pytest.approx(logit(0.95) - np.quantile(eta, 0.2), abs=0.01)
    assert GOAL <= found.probability <= GOAL + TOLERANCE
    # half a point of probability either side of the answer
    above = np.mean(eta + found.size * 0.99 >= logit(0.95))
    assert above < found.probability


def test_on_draws_the_latest_start_leaves_the_lever_in_force_in_time(posterior):
    trials = Trials(posterior=posterior, statements=(reaches(95.0, 2022),))
    strong = lever(scale="link", size=Certain(law="certain", value=4.0))
    found = latest_start(strong, chance_of(trials, 0), first_year=2018, last_year=2024)
    assert found.start_year == 2022
    slow = lever(scale="link", size=Certain(law="certain", value=4.0), shape="lag", lag_years=3)
    assert latest_start(slow, chance_of(trials, 0), first_year=2018, last_year=2024).start_year == 2019


def test_other_levers_stay_beside_the_one_in_question(posterior):
    trials = Trials(posterior=posterior, statements=(reaches(95.0, 2020),))
    other = lever(id="other", scale="link", size=Certain(law="certain", value=0.4))
    alone = size_needed(lever(scale="link"), chance_of(trials, 0))
    beside = size_needed(lever(scale="link"), chance_of(trials, 0, (other,)))
    assert beside.size == pytest.approx(alone.size - 0.4, abs=0.01)


def test_a_natural_limit_below_the_level_lets_no_size_do(posterior):
    from qsim.plans.levers import NaturalLimit

    ceiling = NaturalLimit(
        id="ceiling", name=TEXT, indicators=("spot",), shape="natural_limit", limit=94.0, start_year=2018,
        source=Source(kind="assumed", text=TEXT),
    )  # fmt: skip
    trials = Trials(posterior=posterior, statements=(reaches(95.0, 2020),))
    found = size_needed(lever(), chance_of(trials, 0, (ceiling,)))
    assert found.size is None
    assert found.probability < 0.1
