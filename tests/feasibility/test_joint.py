"""Joint probabilities against laws that are known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qsim.feasibility.assess import assess
from qsim.feasibility.joint import joint


def bits(*rows: str) -> list[np.ndarray]:
    return [np.array([bit == "1" for bit in row]) for row in rows]


def one(rows: dict[str, list[np.ndarray]]):
    return joint(rows, scenario="baseline")


def test_every_cell_of_independent_statements_gives_the_product():
    first, second = bits("0011", "0101")
    found = one({"a": [first], "b": [second]})
    assert (found.p_all, found.p_independent) == (0.25, 0.25)
    assert found.distribution == (0.25, 0.5, 0.25)


def test_statements_that_stand_and_fall_together_reach_the_upper_bound():
    (same,) = bits("0111")
    found = one({"a": [same], "b": [same]})
    assert found.p_all == found.p_high == 0.75
    assert found.p_independent == 0.75**2


def test_statements_that_exclude_each_other_reach_the_lower_bound():
    first, second = bits("0011", "1100")
    found = one({"a": [first], "b": [second]})
    assert found.p_all == found.p_low == 0.0
    assert found.distribution == (0.0, 1.0, 0.0)


def test_nested_statements_of_one_indicator_count_once():
    loose, strict, other = bits("0111", "0011", "0101")
    found = one({"a": [loose, strict], "b": [other]})
    assert (found.statements, found.indicators) == (3, 2)
    # the strict one implies the loose one: nothing changes without it
    assert found.distribution == one({"a": [strict], "b": [other]}).distribution


@given(rows=st.lists(st.lists(st.booleans(), min_size=12, max_size=12), min_size=1, max_size=6))
def test_bounds_hold_and_the_expected_number_is_the_mean_of_its_distribution(rows):
    found = one({str(place): [np.array(row)] for place, row in enumerate(rows)})
    assert found.p_low - 1e-12 <= found.p_all <= found.p_high + 1e-12
    assert sum(found.distribution) == pytest.approx(1)
    assert found.expected == pytest.approx(sum(k * share for k, share in enumerate(found.distribution)))


def test_there_is_no_joint_probability_of_nothing():
    assert joint({}, scenario="baseline") is None


def test_a_plan_has_one_for_all_one_a_category_and_one_for_the_binding(target, plan, forecast):
    rng = np.random.default_rng(0)
    draws = forecast({"here/rate": rng.normal(90, 2, (50, 1)), "here/other": rng.normal(90, 2, (50, 1))}, years=[2020])
    goals = (
        target("level", id="a", value=90.0, year=2020, category="product", status="binding"),
        target("level", id="b", value=88.0, year=2020, category="product"),
        target("level", id="c", indicator="other", value=90.0, year=2020, category="service"),
    )
    found = assess(draws, plan(*goals)).joint
    assert [(j.scope, j.category, j.statements, j.indicators) for j in found] == [
        ("plan", "", 3, 2), ("category", "product", 2, 1), ("category", "service", 1, 1), ("binding", "", 1, 1),
    ]  # fmt: skip
    # a and b are nested: together they are a
    assert found[1].p_all == found[3].p_all


def test_what_rests_on_a_pool_alone_stays_out(target, plan, forecast):
    draws = forecast(
        {"here/rate": np.full((5, 1), 90.0), "here/other": np.full((5, 1), 1.0)}, years=[2020], prior=["here/other"]
    )
    goals = [target("level", id=slug, indicator=slug, value=90.0, year=2020) for slug in ("rate", "other")]
    (whole, *_) = assess(draws, plan(*goals)).joint
    assert (whole.statements, whole.p_all) == (1, 1.0)
