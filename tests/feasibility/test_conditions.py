"""Conditions on figures: they hold where the margins of the target meet it, whatever the figures."""

import numpy as np
import pytest

from qsim.feasibility.conditions import all_of, conditions_of
from qsim.feasibility.events import Draws, is_met, margins, years_needed
from qsim.records import Names

TEXT = Names(zh="例", en="example")
PERIOD = {"first_year": 2018, "year": 2020}
LATER = {"base_year": 2018, "year": 2020}
DRAWS = 400
KINDS = [
    ("level", {"value": 91.7, "year": 2020}, False),
    ("level", {"value": 100.0, "comparator": "=", "year": 2020}, False),
    ("path", {"values": {2018: 90.5, 2019: 91.0, 2020: 92.0}}, False),
    ("maintain", {"value": 91.5, "comparator": "<=", **PERIOD}, False),
    ("improve", {"direction": "down", "yearly": True, "base_year": 2017, **PERIOD}, False),
    ("improve", {"direction": "up", "first_year": 2020, **LATER}, False),
    ("no_decrease", LATER, False),
    ("relative", {"reference": TEXT, **PERIOD}, False),
    ("relative", {"reference": TEXT, "comparator": "<=", **PERIOD}, False),
    ("change", {"direction": "up", "value": 1.0, **LATER}, False),
    ("change", {"direction": "down", "value": 0.5, "relative": False, **LATER}, False),
    ("cumulative", {"value": 0.4, **LATER, "first_year": 2019}, False),
    ("cumulative", {"value": 183.0, **LATER, "first_year": 2019}, True),
    ("cumulative", {"value": 91.0, "per_year": True, "base_year": 2017, **PERIOD}, True),
    ("range", {"value": 91.0, "value_hi": 92.0, "year": 2020}, False),
    ("zero", PERIOD, False),
]


def parts(target, kind, traits, flow):
    """A target, its years, and its margins at figures: a year of each draw, or one for all draws."""
    made = target(kind, **traits)
    years = years_needed(made, flow=flow)
    reference = Draws(np.random.default_rng(1).normal(91.5, 0.5, (DRAWS, len(years))), years)

    def margin(asked, figures):
        own = Draws(np.broadcast_to(figures, (DRAWS, len(years))), years)
        return margins(asked, own, reference=reference, flow=flow)

    return made, years, margin


def figures_of(made, years):
    low, high = (0.0, 3.0) if made.kind == "zero" else (90.5, 92.6)
    step = 1.0 if made.kind == "zero" else 0.1
    drawn = np.random.default_rng(0).uniform(low, high, (DRAWS, len(years)))
    return np.round(np.round(drawn / step) * step, 1) + (7.5 if getattr(made, "value", 0) == 100.0 else 0.0)


@pytest.mark.parametrize(("kind", "traits", "flow"), KINDS)
def test_conditions_hold_where_margins_meet_the_target(target, kind, traits, flow):
    made, years, margin = parts(target, kind, traits, flow)
    found = conditions_of(made, years, margin)
    figures = np.minimum(figures_of(made, years), 100.0)
    met = is_met(made, margin(made, figures)).all(axis=-1)
    assert np.array_equal(found.hold(figures, np.arange(DRAWS)), met)
    assert met.any()
    assert not met.all()


def test_a_share_of_the_own_change_in_the_reference_lowers_the_weight(target):
    made, years, _ = parts(target, "relative", {"reference": TEXT, **PERIOD}, False)
    base = np.full((DRAWS, 3), 90.0)

    def margin(asked, figures):
        return figures - (91.0 + 0.25 * (figures - base))

    found = conditions_of(made, years, margin)
    assert np.array_equal(found.weights, 0.75 * np.eye(3))
    assert found.need == pytest.approx(np.full((DRAWS, 3), 91.0 - 0.25 * 90.0), abs=2e-9)


def test_a_year_without_a_figure_meets_nothing_that_asks_for_it(target):
    made, years, margin = parts(target, "path", {"values": {2019: 80.0, 2020: 80.0}}, False)
    found = conditions_of(made, years, margin)
    assert found.hold(np.array([[90.0, np.nan], [90.0, 90.0]]), np.arange(2)).tolist() == [False, True]


def test_conditions_of_several_targets_hold_where_each_holds(target):
    several = [parts(target, kind, traits, False) for kind, traits, _ in (KINDS[2], KINDS[5], KINDS[14])]
    singles = [conditions_of(*one) for one in several]
    together = all_of(singles)
    assert together.years == (2018, 2019, 2020)
    figures, draws = figures_of(several[0][0], together.years), np.arange(DRAWS)
    parts_hold = [one.hold(figures[:, [together.years.index(year) for year in one.years]], draws) for one in singles]
    met = np.logical_and.reduce(parts_hold)
    assert np.array_equal(together.hold(figures, draws), met)
    assert met.any()
