"""Figures that are more than levels: general kernels against importance sampling from the prior; invariances."""

from dataclasses import replace

import numpy as np
import pytest
from prior_weighed import ANYWHERE, DRAWS, LINKS, PRIOR, THETA, Prior, binomial, check, inside
from scipy import special, stats

from qsim.inference import general, kernels
from qsim.inference.laplace import _problem, draw_series, log_evidence, weigh_theta
from qsim.inference.layout import layouts
from qsim.inference.psis import PARETO_K_LIMIT, effective_count, smooth
from qsim.measurement import measurement
from qsim.model.functional import DIFFERENCE, LEVEL, RATIO, TOTAL, Extra, Offset
from qsim.model.likelihood import BINOMIAL, INTERVAL, POISSON
from qsim.model.priors import default_priors

NAN, INF = np.nan, np.inf
LEAST = measurement().least_sd.value


def interval(form, lower, upper, year, first=None, **more):
    """An extra in an interval of its latent value; years count from 0."""
    ends = [end for end in (lower, upper) if np.isfinite(end)]
    return Extra(
        form=form,
        first_year=2010 + (year if first is None else first),
        year=2010 + year,
        kind=INTERVAL,
        lower=lower,
        upper=upper,
        guess=float(np.mean(ends)),
        guess_variance=(upper - lower) ** 2 / 12.0 if len(ends) == 2 else 1.0,
        **more,
    )


def counted(form, kind, number, year, first=None, size=NAN, **more):
    share = (number + 0.5) / (size + 1.0)
    guess = float(np.log(number + 0.5) if kind == POISSON else np.log(share / (1.0 - share)))
    begun = 2010 + (year if first is None else first)
    return Extra(
        form=form,
        first_year=begun,
        year=2010 + year,
        kind=kind,
        lower=number,
        upper=number,
        size=size,
        guess=guess,
        guess_variance=0.1,
        **more,
    )


@pytest.fixture(scope="module")
def special_series(series_of):
    def make(figures, *extras, years=5, link="logit", offsets=()):
        return replace(series_of(figures, years=years), link=LINKS[link], extras=extras, offsets=offsets)

    return make


def draw(data, *, theta=THETA, prior=PRIOR, count=DRAWS, seed=1):
    """Corrected log evidence, levels, offsets, weights, k, relative error of the evidence; one reading."""
    rng = np.random.default_rng(seed)
    (layout,) = layouts(data)
    common = (prior.given(ANYWHERE), prior.mean, prior.sd, data.sign, data.kept, data.years, layout)
    laplace = general.general_evidence(theta[None], *common)[0]
    sizes = (2 * data.years, data.years + len(data.offsets), layout.form.size, layout.form.size)
    normals = [rng.standard_normal((count, size)) for size in sizes]
    chosen, wide = np.zeros(count, dtype=np.int64), rng.integers(0, 2, count)
    level, _, offset, log_ratio = general.general_paths(theta[None], chosen, *common, wide, *normals)
    weights, k = smooth(log_ratio)
    ratio = np.exp(log_ratio - log_ratio.max())
    error = ratio.std() / ratio.mean() / np.sqrt(count)
    return laplace + special.logsumexp(log_ratio) - np.log(count), level, offset, weights, k, error


READING = measurement().reading_sd.logit
HALF = 0.5
LOGIT = special.logit

# name: figures, extras, link, offsets, and the log-likelihood written out by hand
CASES = {
    "a break": (
        [(3, INTERVAL, 1.4, 2.0, NAN), (4, BINOMIAL, 34, 34, 40)],
        (interval(LEVEL, 0.4, 0.9, 0, offset=0), counted(LEVEL, BINOMIAL, 27, 1, size=40, offset=0)),
        "logit",
        (Offset(basis="old", mean=-1.0, sd=0.5),),
        lambda p: (
            inside(p.level[:, 3], 1.4, 2.0, THETA[3])
            + binomial(p.eta[:, 4], 34, 40)
            + inside(p.level[:, 0] + p.offset[:, 0], 0.4, 0.9, THETA[3])
            + binomial(p.eta[:, 1] + p.offset[:, 0], 27, 40)
        ),
    ),
    "one year on both bases": (
        [(2, BINOMIAL, 34, 34, 40), (4, BINOMIAL, 36, 36, 40)],
        (interval(LEVEL, 0.4, 0.9, 2, offset=0), interval(LEVEL, 0.2, INF, 0, offset=0)),
        "logit",
        (Offset(basis="old", mean=-1.0, sd=0.5),),
        lambda p: (
            binomial(p.eta[:, 2], 34, 40)
            + binomial(p.eta[:, 4], 36, 40)
            + inside(p.eta[:, 2] + p.offset[:, 0], 0.4, 0.9, LEAST)
            + inside(p.level[:, 0] + p.offset[:, 0], 0.2, INF, THETA[3])
        ),
    ),
    "a fall by percent of a quantity": (
        [(4, INTERVAL, 1.0, 1.4, NAN)],
        (interval(RATIO, -0.4, -0.2, 4, 0),),
        "log",
        (),
        lambda p: inside(p.eta[:, 4], 1.0, 1.4, LEAST) + inside(p.eta[:, 4] - p.eta[:, 0], -0.4, -0.2, LEAST),
    ),
    "a rise by percent of a rate": (
        [(4, BINOMIAL, 36, 36, 40)],
        (interval(RATIO, 0.1, 0.2, 4, 0),),
        "logit",
        (),
        lambda p: (
            binomial(p.eta[:, 4], 36, 40)
            + inside(np.log(special.expit(p.eta[:, 4]) / special.expit(p.eta[:, 0])), 0.1, 0.2, LEAST)
        ),
    ),
    "a rise by points of a rate": (
        [(4, BINOMIAL, 36, 36, 40)],
        (interval(DIFFERENCE, 0.8, 1.2, 4, 0, scale=0.1),),
        "logit",
        (),
        lambda p: (
            binomial(p.eta[:, 4], 36, 40)
            + inside((special.expit(p.eta[:, 4]) - special.expit(p.eta[:, 0])) / 0.1, 0.8, 1.2, LEAST)
        ),
    ),
    "so many more of a stock": (
        [(4, INTERVAL, 1.8, 2.2, NAN)],
        (interval(DIFFERENCE, 0.2, 0.4, 4, 1, scale=7.0),),
        "log",
        (),
        lambda p: (
            inside(p.eta[:, 4], 1.8, 2.2, LEAST)
            + inside((np.exp(p.eta[:, 4]) - np.exp(p.eta[:, 1])) / 7.0, 0.2, 0.4, LEAST)
        ),
    ),
    "a change of an index in points and in percent": (
        [(4, INTERVAL, 1.6, 2.4, NAN)],
        (interval(DIFFERENCE, 0.1, 0.4, 4, 1), interval(RATIO, 0.0, 0.3, 3, 2)),
        "identity",
        (),
        lambda p: (
            inside(p.eta[:, 4], 1.6, 2.4, LEAST)
            + inside(p.eta[:, 4] - p.eta[:, 1], 0.1, 0.4, LEAST)
            + inside(np.log(np.maximum(p.eta[:, 3], 1e-12) / np.maximum(p.eta[:, 2], 1e-12)), 0.0, 0.3, LEAST)
        ),
    ),
    "a mean rate of three years": (
        [(4, BINOMIAL, 36, 36, 40)],
        (interval(TOTAL, LOGIT(0.72), LOGIT(0.78), 2, 0, weight=1.0 / 3.0),),
        "logit",
        (),
        lambda p: (
            binomial(p.eta[:, 4], 36, 40)
            + inside(LOGIT(special.expit(p.eta[:, :3]).mean(axis=1)), LOGIT(0.72), LOGIT(0.78), LEAST)
        ),
    ),
    "counts of three years together": (
        [(4, POISSON, 6, 6, NAN)],
        (counted(TOTAL, POISSON, 11, 2, 0),),
        "log",
        (),
        lambda p: (
            stats.poisson.logpmf(6, np.exp(p.eta[:, 4])) + stats.poisson.logpmf(11, np.exp(p.eta[:, :3]).sum(axis=1))
        ),
    ),
    "no event in three years": (
        [],
        (counted(TOTAL, POISSON, 0, 2, 0),),
        "log",
        (),
        lambda p: stats.poisson.logpmf(0, np.exp(p.eta[:, :3]).sum(axis=1)),
    ),
    "a mean quantity and a mean index": (
        [(3, INTERVAL, 1.0, 1.6, NAN)],
        (interval(TOTAL, 1.2, 1.7, 2, 1, weight=0.5),),
        "log",
        (),
        lambda p: (
            inside(p.level[:, 3], 1.0, 1.6, THETA[3])
            + inside(np.log(np.exp(p.eta[:, 1:3]).mean(axis=1)), 1.2, 1.7, LEAST)
        ),
    ),
    "sources that differ": (
        [(2, INTERVAL, 1.5, 1.7, NAN), (2, INTERVAL, 1.7, 1.9, NAN), (4, BINOMIAL, 34, 34, 40)],
        (),
        "logit",
        (),
        lambda p: (
            inside(p.eta[:, 2], 1.5, 1.7, READING)
            + inside(p.eta[:, 2], 1.7, 1.9, READING)
            + binomial(p.eta[:, 4], 34, 40)
        ),
    ),
    "counts and a rate that differ": (
        [(2, INTERVAL, 1.5, 1.7, NAN), (2, BINOMIAL, 34, 34, 40)],
        (),
        "logit",
        (),
        lambda p: (
            inside(p.eta[:, 2], 1.5, 1.7, READING) + binomial(p.eta[:, 2] + READING * p.normal(len(p.eta)), 34, 40)
        ),
    ),
    "half a year beside the whole": (
        [(2, INTERVAL, 1.5, 1.7, NAN)],
        (interval(LEVEL, 1.9, 2.1, 2, sd=HALF), counted(LEVEL, BINOMIAL, 38, 3, size=40, sd=HALF)),
        "logit",
        (),
        lambda p: (
            inside(p.eta[:, 2], 1.5, 1.7, LEAST)
            + inside(p.eta[:, 2], 1.9, 2.1, HALF)
            + binomial(p.eta[:, 3] + HALF * p.normal(len(p.eta)), 38, 40)
        ),
    ),
    "a change alone": (
        [],
        (interval(DIFFERENCE, 0.4, 1.2, 4, 0, scale=0.2),),
        "logit",
        (),
        lambda p: inside((special.expit(p.eta[:, 4]) - special.expit(p.eta[:, 0])) / 0.2, 0.4, 1.2, LEAST),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_draws_and_evidence_are_those_of_the_prior_weighed_by_the_likelihood(special_series, name):
    figures, extras, link, offsets, log_likelihood = CASES[name]
    data = special_series(figures, *extras, link=link, offsets=offsets)
    corrected, level, offset, weights, k, error = draw(data)
    assert k <= PARETO_K_LIMIT
    prior = Prior(data)
    check(level, offset, weights, corrected, error, prior, log_likelihood(prior))


# Both readings of an ambiguous change


def ambiguous(year=4, first=0):
    relative = interval(RATIO, np.log(1.0975), np.log(1.0985), year, first)
    return replace(relative, other=interval(DIFFERENCE, 0.975, 0.985, year, first, scale=0.1))


def test_readings_weigh_by_their_evidence(special_series):
    data = special_series([(4, INTERVAL, LOGIT(0.9315), LOGIT(0.9325), NAN)], ambiguous())
    weighted = weigh_theta(data, default_priors()["logit"].theta, PRIOR)
    found = draw_series(data, weighted, PRIOR, draws=DRAWS, rng=np.random.default_rng(3))
    assert found.gate
    begun = special.expit(found.level[:, 0])
    separate = []
    for extra in (replace(ambiguous(), other=None), ambiguous().other):
        one = replace(data, extras=(extra,))
        weighed = weigh_theta(one, default_priors()["logit"].theta, PRIOR)
        level = draw_series(one, weighed, PRIOR, draws=DRAWS, rng=np.random.default_rng(4)).level[:, 0]
        separate.append((weighed.log_evidence, special.expit(level)))
    share = special.expit(separate[0][0] - separate[1][0])
    assert weighted.log_evidence == pytest.approx(np.logaddexp(*(one[0] for one in separate)) - np.log(2.0), abs=0.02)
    for point in (0.82, 0.84, 0.86):
        mixed = share * (separate[0][1] <= point).mean() + (1.0 - share) * (separate[1][1] <= point).mean()
        # two sets of resampled draws and a design of theta, each worth a few thousand draws
        assert abs((begun <= point).mean() - mixed) <= 0.03


def test_too_many_ambiguous_changes_are_refused(special_series):
    from qsim.errors import FitError

    extras = [ambiguous(4, first) for first in range(3)] + [ambiguous(3, first) for first in range(2)]
    with pytest.raises(FitError, match="5 changes with two readings"):
        layouts(special_series([], *extras))


# Invariances


def general_evidence_of(data, prior=PRIOR):
    (layout,) = layouts(data)
    return general.general_evidence(
        THETA[None], prior.given(ANYWHERE), prior.mean, prior.sd, data.sign, data.kept, data.years, layout
    )[0]


PLAIN = [(0, BINOMIAL, 30, 30, 40), (1, INTERVAL, 1.2, 1.3, NAN), (3, INTERVAL, 1.5, INF, NAN), (4, POISSON, 3, 3, NAN)]


def test_a_plain_series_has_the_evidence_of_the_plain_kernel(special_series):
    silent = interval(LEVEL, -3.0, INF, 2)
    data = special_series(PLAIN, replace(silent, lower=-INF))
    plain = kernels.evidence(THETA[None], *_problem(data.without_extras(), PRIOR, ANYWHERE))[0]
    assert general_evidence_of(data) == pytest.approx(plain, abs=1e-9)


def test_the_order_of_figures_and_extras_does_not_count(special_series):
    offsets = (Offset(basis="old", mean=-1.0, sd=0.5),)
    extras = (
        interval(LEVEL, 0.4, 0.6, 1, offset=0),
        interval(RATIO, 0.0, 0.1, 4, 0),
        interval(TOTAL, 1.0, 1.2, 3, 1, weight=1.0 / 3.0),
    )
    forward = special_series(PLAIN[:3], *extras, offsets=offsets)
    backward = special_series(PLAIN[2::-1], *extras[::-1], offsets=offsets)
    assert general_evidence_of(forward) == pytest.approx(general_evidence_of(backward), abs=1e-6)


def test_a_break_known_exactly_is_a_shift_of_the_figure(special_series):
    offsets = (Offset(basis="old", mean=-1.0, sd=1e-9),)
    joined = special_series(PLAIN[1:], interval(LEVEL, 0.2, 0.3, 0, offset=0), offsets=offsets)
    shifted = special_series([(0, INTERVAL, 1.2, 1.3, NAN), *PLAIN[1:]])
    plain = kernels.evidence(THETA[None], *_problem(shifted, PRIOR, ANYWHERE))[0]
    assert general_evidence_of(joined) == pytest.approx(plain, abs=1e-6)


def test_a_break_of_unknown_size_leaves_what_the_own_figures_say(special_series):
    offsets = (Offset(basis="old", mean=0.0, sd=100.0),)
    data = special_series(PLAIN[1:3], interval(LEVEL, 0.2, 0.3, 0, offset=0), offsets=offsets)
    _, level, _, weights, _, _ = draw(data)
    silent = interval(LEVEL, -3.0, INF, 0)
    _, own, _, own_weights, _, _ = draw(special_series(PLAIN[1:3], replace(silent, lower=-INF)), seed=2)
    both = 1.0 / effective_count(weights) + 1.0 / effective_count(own_weights)
    for year in range(5):
        sd = own[:, year].std()
        assert abs(weights @ level[:, year] - own_weights @ own[:, year]) <= 4.0 * sd * np.sqrt(both)


def test_a_change_that_two_known_figures_imply_adds_nothing(special_series):
    figures = [(0, INTERVAL, 1.0, 1.01, NAN), (4, INTERVAL, 1.5, 1.51, NAN)]
    # two intervals 0.01 wide leave the change between 0.49 and 0.51, give or take the floor of the noise
    implied = interval(RATIO, 0.48, 0.52, 4, 0)
    corrected, level, _, weights, k, error = draw(special_series(figures, implied, link="log"))
    plain = kernels.evidence(THETA[None], *_problem(special_series(figures, link="log"), PRIOR, ANYWHERE))[0]
    assert k <= PARETO_K_LIMIT
    assert corrected == pytest.approx(plain, abs=4.0 * error + 1e-3)
    _, own, _, own_weights, _, _ = draw(
        special_series(figures, replace(implied, lower=-INF, upper=INF), link="log"), seed=2
    )
    both = 1.0 / effective_count(weights) + 1.0 / effective_count(own_weights)
    for year in range(5):
        assert abs(weights @ level[:, year] - own_weights @ own[:, year]) <= 4.0 * own[:, year].std() * np.sqrt(both)


def test_two_equal_readings_of_a_year_say_less_than_two_years_would(special_series):
    twice = special_series([(2, INTERVAL, 1.6, 1.61, NAN), (2, INTERVAL, 1.6, 1.61, NAN)])
    once = special_series([(2, INTERVAL, 1.6, 1.61, NAN)], interval(LEVEL, -INF, 9.0, 0))
    sds = []
    for data in (twice, once):
        _, level, _, weights, _, _ = draw(data)
        mean = weights @ level[:, 2]
        sds.append(np.sqrt(weights @ (level[:, 2] - mean) ** 2))
    # the year noise is common: a second source takes none of it away
    assert sds[0] >= 0.97 * sds[1]


def test_the_evidence_of_a_series_mixes_its_readings(special_series):
    data = special_series([(4, INTERVAL, 2.5, 2.6, NAN)], ambiguous())
    z = default_priors()["logit"].theta.mean[None]
    each = [log_evidence(replace(data, extras=(one,)), PRIOR, z) for one in (ambiguous(), ambiguous().other)]
    alone = log_evidence(replace(data, extras=(replace(ambiguous(), other=None),)), PRIOR, z)
    assert each[0] == pytest.approx(np.logaddexp(alone, each[1]) - np.log(2.0), abs=1e-9)
