"""Links: there and back, slopes, bounds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qsim.model.links import INDEX_UNIT, Link, link_of
from qsim.vocabulary import FAMILIES

LINKS = [Link("logit", 100.0), Link("logit", 366.0), Link("log"), Link("identity", INDEX_UNIT)]


@pytest.mark.parametrize("link", LINKS, ids=str)
@given(eta=st.floats(-12.0, 12.0))
@settings(derandomize=True, deadline=None)
def test_to_figure_and_back_changes_nothing(link, eta):
    # a share next to 1 keeps few digits of its distance to 1
    assert link.to_link(link.to_figure(eta)) == pytest.approx(eta, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("link", LINKS, ids=str)
@given(eta=st.floats(-6.0, 6.0))
@settings(derandomize=True, deadline=None)
def test_the_slope_is_the_derivative(link, eta):
    step = 1e-5
    numerical = (link.to_figure(eta + step) - link.to_figure(eta - step)) / (2.0 * step)
    assert link.slope(eta) == pytest.approx(numerical, rel=1e-6)


def test_bounds_of_a_scale_become_infinite():
    np.testing.assert_array_equal(Link("logit", 100.0).to_link([-1.0, 0.0, 100.0, 101.0]), [-np.inf] * 2 + [np.inf] * 2)
    np.testing.assert_array_equal(Link("log").to_link([-1.0, 0.0, np.inf]), [-np.inf, -np.inf, np.inf])
    np.testing.assert_array_equal(Link("identity", 10.0).to_link([-np.inf, 0.0, np.inf]), [-np.inf, 0.0, np.inf])


def test_infinite_values_become_bounds():
    np.testing.assert_array_equal(Link("logit", 100.0).to_figure([-np.inf, 0.0, np.inf]), [0.0, 50.0, 100.0])
    np.testing.assert_array_equal(Link("log").to_figure([-np.inf, np.inf]), [0.0, np.inf])


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_has_a_link_that_rises(family):
    figures = link_of(family).to_figure(np.linspace(-3.0, 3.0, 7))
    assert np.all(np.diff(figures) > 0.0)


def test_days_are_shares_of_the_days_of_the_year():
    assert link_of("days").to_figure(0.0) == 182.5
    assert link_of("days", days=366.0).to_figure(0.0) == 183.0
    assert link_of("rate", days=366.0).to_figure(0.0) == 50.0
