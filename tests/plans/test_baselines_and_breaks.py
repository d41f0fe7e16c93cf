"""Changes that plans print become rows of a table; breaks of the catalogue are steps that can be turned."""

import numpy as np
import pytest

import qsim
from qsim.indicators import Break, Definition, Indicator
from qsim.measurement import measurement
from qsim.observations.read import read_observations
from qsim.plans.baselines import baseline_table
from qsim.plans.read import plan_catalogue, read_plan
from qsim.records import Names
from qsim.shipped import shipped_catalogue


def changes(name):
    plan = read_plan(name)
    data = read_observations(baseline_table(plan), catalogue=plan_catalogue(plan))
    return data.isel(observation=data["change"].values != "")


def test_both_rises_of_rizhao_are_changes_with_both_readings_and_no_figure_of_2010():
    rises = changes("rizhao-2020")
    assert rises["indicator"].values.tolist() == [
        "industrial_product_spotcheck_pass_rate",
        "food_drug_sampling_pass_rate",
    ]
    assert rises["value"].values.tolist() == [9.8, 8.9]
    assert rises["change"].values.tolist() == ["ambiguous"] * 2
    assert set(rises["base_year"].values.tolist()) == {2010}
    assert set(rises["year"].values.tolist()) == {2015}


def test_the_five_year_fall_of_yunnan_is_a_relative_change():
    (fall,) = (changes("yunnan-2020").isel(observation=number) for number in range(1))
    assert (fall["indicator"].item(), fall["change"].item()) == ("energy_per_gdp", "percent")
    np.testing.assert_allclose([fall["value"], fall["lower"], fall["upper"]], [-25.44, -25.445, -25.435])
    assert (fall["base_year"].item(), fall["year"].item(), fall["set_aside"].item()) == (2010, 2015, "")


def test_the_rise_reaches_the_series_of_rizhao():
    study = qsim.run("rizhao-2020", draws=200)
    (own,) = [
        one for one in study.posterior.fits if one.data.indicator.slug == "industrial_product_spotcheck_pass_rate"
    ]
    assert (own.data.year.tolist(), own.data.first_year, len(own.data.extras)) == ([2015], 2010, 1)
    assert own.data.extras[0].other is not None
    assert own.posterior.gate


def indicator(*breaks):
    definitions = tuple(Definition(code=code, name=Names(zh=code, en=code)) for code in ("old", "new", "other"))
    return Indicator(slug="rate", name=Names(zh="率", en="rate"), definitions=definitions, breaks=breaks)


def test_a_step_can_be_turned_and_is_none_where_none_is_named():
    known = indicator(Break(from_basis="old", to_basis="new", mean=-1.0, sd=0.5, rests_on=1, source="a pair"))
    assert (known.step("old", "new").mean, known.step("new", "old").mean) == (-1.0, 1.0)
    assert (known.step("new", "old").from_basis, known.step("new", "old").sd) == ("new", 0.5)
    assert known.step("old", "other") is None
    assert known.step("old", "old") is None


# What the breaks rest on: figures of one year on both bases, from the notes beside the collected figures
PAIRS = {
    ("good_air_days_rate", "api", "aqi"): [(91.1, 77.9)],
    ("good_air_days_rate", "aqi", "aqi_2018"): [(95.0, 97.6)],
    ("industrial_product_spotcheck_pass_rate", "local", "local_all_channels"): [
        (92.40, 88.72),
        (96.3, 92.19),
        (90.2, 87.8),
        (93.3, 87.7),
    ],
    ("forest_coverage_rate", "nfi", "provincial_update"): [(43.77, 50.0), (49.69, 57.7), (40.77, 44.7)],
    ("forest_coverage_rate", "provincial_update", "forest_survey"): [(56.0, 59.30), (52.7, 56.24)],
}


@pytest.mark.parametrize("key", PAIRS)
def test_a_shipped_break_has_the_mean_of_its_pairs_and_is_no_narrower_than_they_differ(key):
    slug, old, new = key
    step = shipped_catalogue().get(slug).step(old, new)
    logit = [[np.log(value / (100.0 - value)) for value in pair] for pair in PAIRS[key]]
    steps = np.diff(logit)[:, 0]
    assert step.mean == pytest.approx(steps.mean(), abs=0.015)
    assert step.sd >= steps.std()
    assert step.rests_on == len(steps)


def test_every_shipped_break_has_its_pairs_here():
    named = {
        (known.slug, one.from_basis, one.to_basis) for known in shipped_catalogue().indicators for one in known.breaks
    }
    assert named == set(PAIRS)


def test_named_numbers_say_where_they_come_from():
    numbers = measurement()
    for part in (numbers.about_digits, numbers.about_points, numbers.reading_sd, numbers.partial_sd, numbers.least_sd):
        assert part.origin
    pairs = [(90.8, 91.1), (97.8, 97.9), (96.4, 96.61), (81.7, 79.3)]
    logit = [[np.log(value / (100.0 - value)) for value in pair] for pair in pairs]
    assert numbers.reading_sd.logit == pytest.approx(np.sqrt(np.square(np.diff(logit)).mean() / 2.0), abs=0.005)
