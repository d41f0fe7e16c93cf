"""Latent values of figures about several years: closed forms, and slopes against differences."""

import numpy as np
import pytest
from scipy.special import expit, logit

from qsim.model.functional import (
    DIFFERENCE,
    IDENTITY,
    LEVEL,
    LINK_NUMBER,
    LOG,
    LOGIT,
    RATIO,
    TOTAL,
    is_linear,
    latent_value,
)

INVERSE = {LOGIT: expit, LOG: np.exp, IDENTITY: lambda eta: eta}
ETA = np.array([0.7, 1.9, 1.2, 2.4])
FORMS = (LEVEL, TOTAL, RATIO, DIFFERENCE)


def value(form, link, eta, *, weight=0.25, scale=2.0):
    slopes = np.empty(eta.size)
    return latent_value(form, link, weight, scale, eta, slopes), slopes


@pytest.mark.parametrize("link", INVERSE)
def test_every_form_is_what_its_formula_says(link):
    g = INVERSE[link](ETA)
    total = {LOGIT: logit, LOG: np.log, IDENTITY: lambda figure: figure}[link](0.25 * g.sum())
    assert value(LEVEL, link, ETA[-1:])[0] == ETA[-1]
    assert value(TOTAL, link, ETA)[0] == pytest.approx(total, rel=1e-12)
    assert value(RATIO, link, ETA)[0] == pytest.approx(np.log(g[-1] / g[0]), rel=1e-12)
    assert value(DIFFERENCE, link, ETA)[0] == pytest.approx((g[-1] - g[0]) / 2.0, rel=1e-12)


@pytest.mark.parametrize("link", INVERSE)
@pytest.mark.parametrize("form", FORMS)
def test_slopes_are_those_of_small_differences(form, link):
    _, slopes = value(form, link, ETA)
    step = 1e-6
    for place in range(ETA.size):
        up, down = ETA.copy(), ETA.copy()
        up[place] += step
        down[place] -= step
        found = (value(form, link, up)[0] - value(form, link, down)[0]) / (2.0 * step)
        assert slopes[place] == pytest.approx(found, abs=1e-8)


@pytest.mark.parametrize("link", INVERSE)
@pytest.mark.parametrize("form", FORMS)
def test_a_form_is_called_linear_exactly_where_its_slopes_do_not_move(form, link):
    same = np.allclose(value(form, link, ETA)[1], value(form, link, ETA * 1.5)[1], atol=1e-12)
    assert bool(is_linear(form, link)) == same


def test_the_mean_of_equal_rates_is_that_rate_up_to_the_limit_of_the_scale():
    for eta in (-40.0, -5.0, 0.0, 5.0, 40.0):
        found, slopes = value(TOTAL, LOGIT, np.full(4, eta))
        assert found == pytest.approx(eta, rel=1e-9, abs=1e-12)
        np.testing.assert_allclose(slopes, 0.25, rtol=1e-9)


def test_ratio_of_rates_near_their_limit_keeps_its_digits():
    found, _ = value(RATIO, LOGIT, np.array([40.0, 41.0]))
    assert found == pytest.approx(np.exp(-40.0) - np.exp(-41.0), rel=1e-9)


def test_every_link_has_a_number():
    assert LINK_NUMBER == {"logit": LOGIT, "log": LOG, "identity": IDENTITY}
