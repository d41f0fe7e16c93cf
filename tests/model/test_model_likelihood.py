"""Likelihoods of figures: values against independent references, derivatives against differences."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import integrate, special, stats

from qsim.model.likelihood import (
    BINOMIAL,
    BINOMIAL_RANGE,
    INTERVAL,
    POISSON,
    log_likelihood,
    log_ndtr,
    log_ndtr_difference,
)

INF = np.inf
NAN = np.nan


def log_mass(alpha, beta):
    """Log of the normal mass between two ends: quadrature relative to the density at the end nearer to zero."""
    near = min(max(alpha, 0.0), beta)
    scale = 1.0 / max(abs(near), 1.0)
    low, high = max(alpha, near - 45.0 * scale), min(beta, near + 45.0 * scale)
    parts = [
        integrate.quad(lambda x: np.exp(-0.5 * (x - near) * (x + near)), start, end, epsabs=0.0, epsrel=1e-12)[0]
        for start, end in ((low, near), (near, high))
        if end > start
    ]
    return -0.5 * near**2 - 0.5 * np.log(2.0 * np.pi) + np.log(sum(parts))


def test_log_ndtr_agrees_with_scipy():
    x = np.concatenate([np.linspace(-40.0, 10.0, 2001), [-30.0, np.nextafter(-30.0, 0.0), -1e4]])
    np.testing.assert_allclose([log_ndtr(one) for one in x], special.log_ndtr(x), rtol=1e-9, atol=1e-15)


ENDS = [
    (-0.5, 0.5),
    (-1.0, 3.0),
    (-1e-9, 1e-9),
    (1.0, 1.0 + 1e-6),
    (2.0, 2.002),
    (-5.0, -4.999),
    (-12.0, -9.0),
    (-30.0004, -29.9998),
    (9.0, 40.0),
    (35.0, 35.0001),
    (37.0, 38.0),
    (-300.0, -299.0),
    (-30.0, 30.0),
    (-8.0, 0.0),
    (0.0, 1e-4),
]


@pytest.mark.parametrize(("alpha", "beta"), ENDS)
def test_the_log_of_a_normal_mass_agrees_with_quadrature(alpha, beta):
    assert log_ndtr_difference(alpha, beta) == pytest.approx(log_mass(alpha, beta), rel=1e-8, abs=1e-12)


@pytest.mark.parametrize(("alpha", "beta"), ENDS)
def test_a_normal_mass_is_the_same_on_both_sides(alpha, beta):
    assert log_ndtr_difference(-beta, -alpha) == pytest.approx(log_ndtr_difference(alpha, beta), rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("end", [-20.0, -3.0, 0.0, 2.0, 7.0])
def test_an_open_interval_is_a_distribution_function(end):
    assert log_ndtr_difference(-INF, end) == pytest.approx(special.log_ndtr(end), rel=1e-9, abs=1e-15)
    assert log_ndtr_difference(end, INF) == pytest.approx(special.log_ndtr(-end), rel=1e-9, abs=1e-15)
    assert log_ndtr_difference(-INF, INF) == 0.0


@pytest.mark.parametrize("middle", [0.0, 0.7, -3.0, 12.0, -25.0])
def test_the_mass_has_no_step_where_the_narrow_formula_takes_over(middle):
    width = 1e-3 / (1.0 + abs(middle))
    narrow, wide = (log_ndtr_difference(middle - 0.5 * w, middle + 0.5 * w) for w in (0.9999 * width, 1.0001 * width))
    assert wide - narrow == pytest.approx(2e-4, abs=1e-6)


CASES = {
    "binomial": (BINOMIAL, 36.0, 36.0, 40.0, 0.1),
    "binomial, large": (BINOMIAL, 49_800.0, 49_800.0, 50_000.0, 0.1),
    "binomial, none": (BINOMIAL, 0.0, 0.0, 15.0, 0.1),
    "binomial, all": (BINOMIAL, 300.0, 300.0, 300.0, 0.1),
    "range": (BINOMIAL_RANGE, 276.0, 290.0, 300.0, 0.1),
    "range to the end": (BINOMIAL_RANGE, 295.0, 300.0, 300.0, 0.1),
    "range, large": (BINOMIAL_RANGE, 96_050.0, 96_149.0, 100_000.0, 0.1),
    "range of one": (BINOMIAL_RANGE, 12.0, 12.0, 15.0, 0.1),
    "poisson": (POISSON, 7.0, 7.0, NAN, 0.1),
    "poisson, none": (POISSON, 0.0, 0.0, NAN, 0.1),
    "interval": (INTERVAL, 1.0, 1.5, NAN, 0.2),
    "interval, narrow": (INTERVAL, 1.0, 1.0001, NAN, 0.2),
    "interval, wide": (INTERVAL, -1.0, 2.0, NAN, 0.2),
    "at least": (INTERVAL, 1.0, INF, NAN, 0.2),
    "at most": (INTERVAL, -INF, 1.0, NAN, 0.2),
    "no bound": (INTERVAL, -INF, INF, NAN, 0.2),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("f", [-3.0, -0.5, 0.4, 1.2, 2.1, 4.0])
def test_gradient_and_curvature_are_the_derivatives(name, f):
    kind, *figure = CASES[name]
    step = 1e-4
    lower, upper = (log_likelihood(kind, at, *figure) for at in (f - step, f + step))
    value, gradient, curvature = log_likelihood(kind, f, *figure)
    # rounding of the value, and the third derivative of the figure
    slack = 1e-10 * (1.0 + abs(value)) / step
    assert gradient == pytest.approx((upper[0] - lower[0]) / (2.0 * step), rel=1e-5, abs=1e-5 + slack)
    assert -curvature == pytest.approx((upper[1] - lower[1]) / (2.0 * step), rel=1e-4, abs=1e-5 + slack)


@pytest.mark.parametrize("distance", [10.0, 100.0, 1e3])
def test_far_outside_an_open_interval_the_likelihood_is_a_parabola(distance):
    sigma = 0.01
    _, gradient, curvature = log_likelihood(INTERVAL, 2.0 - distance * sigma, 2.0, INF, NAN, sigma)
    # d log Phi(-x) / dx = -(x + 1/x - ...), its derivative -(1 - 1/x^2 + ...)
    assert gradient * sigma == pytest.approx(distance, rel=1.1 / distance**2)
    assert curvature * sigma**2 == pytest.approx(1.0, abs=1.1 / distance**2 + 1e-3)


figures = st.one_of(
    st.builds(lambda n, share: (BINOMIAL, *[round(share * n)] * 2, n), st.integers(1, 10**6), st.floats(0.0, 1.0)),
    st.builds(
        lambda n, share, more: (BINOMIAL_RANGE, round(share * n), min(round(share * n) + more, n), n),
        st.integers(1, 10**6),
        st.floats(0.0, 1.0),
        st.integers(0, 400),
    ),
    st.builds(lambda k: (POISSON, k, k, NAN), st.integers(0, 10**5)),
    st.builds(lambda a, width: (INTERVAL, a, a + width, NAN), st.floats(-10.0, 10.0), st.floats(1e-6, 20.0)),
    st.builds(lambda a: (INTERVAL, a, INF, NAN), st.floats(-10.0, 10.0)),
    st.builds(lambda b: (INTERVAL, -INF, b, NAN), st.floats(-10.0, 10.0)),
)


@given(figure=figures, f=st.floats(-15.0, 15.0), sigma=st.floats(1e-3, 3.0))
@settings(derandomize=True, deadline=None, max_examples=400)
def test_every_likelihood_is_finite_and_log_concave(figure, f, sigma):
    kind, lower, upper, size = figure
    value, gradient, curvature = log_likelihood(kind, f, float(lower), float(upper), float(size), sigma)
    assert np.isfinite([value, gradient, curvature]).all()
    assert value <= (1e-6 if kind != INTERVAL else 1e-12)
    assert curvature >= 0.0


@given(
    lower=st.floats(-3.0, 3.0),
    width=st.floats(1e-4, 4.0),
    cut=st.floats(0.01, 0.99),
    f=st.floats(-3.0, 3.0),
    sigma=st.floats(0.01, 2.0),
)
@settings(derandomize=True, deadline=None)
def test_two_halves_of_an_interval_add_up(lower, width, cut, f, sigma):
    middle, upper = lower + cut * width, lower + width
    assume(lower < middle < upper)
    whole, left, right = (
        log_likelihood(INTERVAL, f, a, b, NAN, sigma)[0] for a, b in ((lower, upper), (lower, middle), (middle, upper))
    )
    assert np.logaddexp(left, right) == pytest.approx(whole, rel=1e-7, abs=1e-7)


@pytest.mark.parametrize("f", [-6.0, -0.3, 2.0, 5.0])
def test_ranges_of_counts_that_cover_all_counts_have_probability_one(f):
    edges = [0, 1, 5, 40, 41, 97, 101]
    parts = [
        log_likelihood(BINOMIAL_RANGE, f, float(low), float(after - 1), 100.0, 0.1)[0] for low, after in pairwise(edges)
    ]
    assert special.logsumexp(parts) == pytest.approx(0.0, abs=1e-10)


@pytest.mark.parametrize(("k", "n", "f"), [(0, 15, 1.0), (12, 15, -0.5), (15, 15, 3.0), (49_800, 50_000, 5.4)])
def test_a_count_is_binomial_and_so_is_a_range_of_one_count(k, n, f):
    exact = stats.binom.logpmf(k, n, special.expit(f))
    count = log_likelihood(BINOMIAL, f, float(k), float(k), float(n), 0.1)
    assert count[0] == pytest.approx(exact, rel=1e-7, abs=1e-7)
    assert log_likelihood(BINOMIAL_RANGE, f, float(k), float(k), float(n), 0.1) == count


def test_a_range_is_the_sum_of_its_counts():
    exact = special.logsumexp(stats.binom.logpmf(np.arange(276, 291), 300, special.expit(2.2)))
    assert log_likelihood(BINOMIAL_RANGE, 2.2, 276.0, 290.0, 300.0, 0.1)[0] == pytest.approx(exact, abs=1e-9)


@pytest.mark.parametrize(("k", "f"), [(0, -2.0), (0, 2.0), (7, 1.5), (4000, 8.3)])
def test_a_number_of_things_is_poisson(k, f):
    found = log_likelihood(POISSON, f, float(k), float(k), NAN, 0.1)[0]
    assert found == pytest.approx(stats.poisson.logpmf(k, np.exp(f)), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("f", [0.0, 0.9, 1.0, 3.0])
def test_a_narrow_interval_is_a_density_times_its_width(f):
    width, sigma = 1e-8, 0.25
    value, gradient, curvature = log_likelihood(INTERVAL, f, 1.0, 1.0 + width, NAN, sigma)
    assert value - np.log(width) == pytest.approx(stats.norm.logpdf(1.0, f, sigma), abs=1e-6)
    assert gradient == pytest.approx((1.0 - f) / sigma**2, abs=1e-6)
    assert curvature == pytest.approx(1.0 / sigma**2, rel=1e-6)


LIMITED = [(40, 33, 33), (40, 0, 0), (40, 40, 40), (300, 276, 290), (50_000, 45_000, 45_000)]


@pytest.mark.parametrize("counts", LIMITED)
@pytest.mark.parametrize("limit", [0.95, 0.5, 0.999])
def test_counts_with_a_natural_limit_are_binomial_in_the_share_below_it(counts, limit):
    size, low, high = counts
    kind = BINOMIAL if low == high else BINOMIAL_RANGE
    for f in (-2.0, 0.5, 3.0):
        exact = special.logsumexp(stats.binom.logpmf(np.arange(low, high + 1), size, limit * special.expit(f)))
        value, gradient, curvature = log_likelihood(kind, f, low, high, size, NAN, limit)
        assert value == pytest.approx(exact, rel=1e-8, abs=1e-8)
        step = 1e-5
        up, down = (log_likelihood(kind, f + side, low, high, size, NAN, limit)[0] for side in (step, -step))
        assert gradient == pytest.approx((up - down) / (2.0 * step), rel=1e-5, abs=1e-4)
        assert curvature >= 0.0


def test_the_curvature_below_a_natural_limit_is_the_expected_one():
    limit, size = 0.95, 40
    for f in (-1.0, 1.0, 4.0):
        k = np.arange(size + 1)
        gradients = np.array([log_likelihood(BINOMIAL, f, one, one, size, NAN, limit)[1] for one in k])
        expected = stats.binom.pmf(k, size, limit * special.expit(f)) @ gradients**2
        assert log_likelihood(BINOMIAL, f, 30, 30, size, NAN, limit)[2] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("counts", LIMITED[:4])
def test_a_natural_limit_near_the_whole_is_none(counts):
    size, low, high = counts
    kind = BINOMIAL if low == high else BINOMIAL_RANGE
    near, none = (log_likelihood(kind, 1.5, low, high, size, NAN, limit) for limit in (1.0 - 1e-9, 1.0))
    np.testing.assert_allclose(near, none, rtol=1e-6, atol=1e-6)


def test_a_natural_limit_leaves_numbers_of_things_and_intervals_alone():
    assert log_likelihood(POISSON, 1.0, 3, 3, NAN, 0.1, 0.5) == log_likelihood(POISSON, 1.0, 3, 3, NAN, 0.1)
    assert log_likelihood(INTERVAL, 1.0, 0.9, 1.3, NAN, 0.1, 0.5) == log_likelihood(INTERVAL, 1.0, 0.9, 1.3, NAN, 0.1)
