"""A target is an event on draws: its probability is known where the law of the draws is."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta, norm, poisson

from qsim.errors import HorizonError
from qsim.feasibility.events import Draws, due_in, is_met, levels_of, margins, met, wants_high, years_needed
from qsim.records import Names

TEXT = Names(zh="例", en="example")
N = 400
MIDDLES = (np.arange(N) + 0.5) / N
"""Chances whose quantiles stand for a law: an interval's share is off by at most 1 / N."""


def normal(mean: float, sd: float) -> np.ndarray:
    return norm.ppf(MIDDLES, mean, sd)


def of_years(years: dict[int, np.ndarray | float | list[float]]) -> xr.DataArray:
    values = np.stack(np.broadcast_arrays(*(np.asarray(one, dtype=float) for one in years.values())), axis=-1)
    return xr.DataArray(np.atleast_2d(values), dims=("draw", "year"), coords={"year": list(years)})


def probability(target, draws: xr.DataArray, **options: float) -> float:
    return float(met(target, draws, **options).all("year").mean())


def outcome(target, figure: float, **options: float) -> bool:
    return bool(met(target, of_years({2020: figure}), **options).item())


@pytest.mark.parametrize("level", [85.0, 90.0, 95.0])
@pytest.mark.parametrize(("comparator", "tail"), [(">=", norm.sf), ("<=", norm.cdf)])
def test_probability_of_a_level_agrees_with_the_normal(target, level, comparator, tail):
    draws = of_years({2020: normal(90, 3)})
    due = target("level", value=level, comparator=comparator, year=2020)
    assert abs(probability(due, draws) - tail(level, 90, 3)) <= 1 / N


@pytest.mark.parametrize("level", [60.0, 90.0, 99.0])
def test_probability_of_a_level_agrees_with_the_beta(target, level):
    draws = of_years({2020: 100 * beta.ppf(MIDDLES, 18, 2)})
    assert abs(probability(target("level", value=level, year=2020), draws) - beta.sf(level / 100, 18, 2)) <= 1 / N


def test_a_path_of_independent_years_is_met_with_the_product_of_their_chances(target, grid):
    draws = grid(normal(90, 2), normal(91, 2))
    path = target("path", values={2019: 91.0, 2020: 92.0})
    exact = norm.sf(91, 90, 2) * norm.sf(92, 91, 2)
    assert abs(float(met(path, draws).all("year").mean()) - exact) <= 2 / N


def test_a_level_held_in_two_independent_years_has_the_product_of_their_chances(target, grid):
    draws = grid(normal(90, 2), normal(90, 2))
    exact = norm.sf(89, 90, 2) ** 2
    assert (
        abs(float(met(target("maintain", value=89.0, first_year=2019, year=2020), draws).all("year").mean()) - exact)
        <= 2 / N
    )


@pytest.mark.parametrize(
    ("kind", "traits"),
    [
        ("path", {"values": {2018: 90.0, 2019: 91.0, 2020: 92.0}}),
        ("maintain", {"value": 92.0, "first_year": 2018, "year": 2020}),
    ],
)
@pytest.mark.parametrize("short", [2018, 2019, 2020])
def test_one_year_short_fails_the_whole_statement(target, kind, traits, short):
    figures = {year: 92.0 - (year == short) * 5 for year in (2018, 2019, 2020)}
    result = met(target(kind, **traits), of_years(figures)).squeeze("draw")
    assert result.year[~result].values.tolist() == [short]
    assert not bool(result.all("year"))


@pytest.mark.parametrize("yearly", [True, False])
def test_probability_of_a_rise_between_independent_years_agrees_with_the_normal(target, grid, yearly):
    draws = grid(normal(0.0, 1), normal(0.5, 1))
    rise = target("improve", direction="up", yearly=yearly, base_year=2019, first_year=2020, year=2020)
    exact = norm.cdf(0.5 / np.sqrt(2))
    assert abs(float(met(rise, draws).all("year").mean()) - exact) <= 2 / N


FIGURES = {2017: 90.0, 2018: 92.0, 2019: 91.0, 2020: 93.0}


@pytest.mark.parametrize(
    ("direction", "yearly", "expected"),
    [
        ("up", False, {2020: True}),
        ("down", False, {2020: False}),
        ("up", True, {2018: True, 2019: False, 2020: True}),
        ("down", True, {2018: False, 2019: True, 2020: False}),
    ],
)
def test_an_improvement_beats_the_base_year_or_every_year_the_one_before(target, direction, yearly, expected):
    traits = {"direction": direction, "yearly": yearly, "base_year": 2017, "first_year": 2018, "year": 2020}
    result = met(target("improve", **traits), of_years(FIGURES)).squeeze("draw")
    assert dict(zip(result.year.values.tolist(), result.values.tolist(), strict=True)) == expected


@pytest.mark.parametrize("direction", ["up", "down"])
def test_the_same_figure_is_no_improvement_but_no_decrease_either(target, direction):
    draws = of_years({2017: 0.3, 2020: 0.1 + 0.2})
    change = target("improve", direction=direction, base_year=2017, first_year=2018, year=2020)
    assert probability(change, draws) == 0
    assert probability(target("no_decrease", base_year=2017, year=2020), draws) == 1


@pytest.mark.parametrize(("figure", "kept"), [(90.1, True), (90.0, True), (89.9, False)])
def test_no_decrease_looks_at_the_base_year(target, figure, kept):
    draws = of_years({2017: 90.0, 2018: 50.0, 2020: figure})
    assert probability(target("no_decrease", base_year=2017, year=2020), draws) == kept


@pytest.mark.parametrize(
    ("comparator", "value", "figure", "step", "expected"),
    [
        (">=", 90.0, 90.0, 0.0, True),
        (">=", 0.3, 0.1 + 0.2, 0.0, True),
        (">=", 90.0, 89.9, 0.0, False),
        (">=", 90.0, 89.96, 0.1, False),
        ("<=", 0.3, 0.1 + 0.2, 0.0, True),
        ("<=", 5.0, 5.1, 0.0, False),
        ("<=", 5.0, 1.0, 0.0, True),
        ("=", 100.0, 100.0, 0.0, True),
        ("=", 100.0, 99.9, 0.0, False),
        ("=", 100.0, 99.95, 0.1, True),
        ("=", 100.0, 99.94, 0.1, False),
        ("=", 100.0, 99.5, 1.0, True),
        ("=", 10.0, 12.0, 0.0, True),
        ("=", 10.0, 10.0, 0.0, True),
        ("=", 10.0, 9.0, 0.0, False),
        ("=", 10.0, 9.96, 0.1, False),
        (">=", 100.0, 99.96, 0.1, False),
    ],
)
def test_comparators_by_hand(target, comparator, value, figure, step, expected):
    """``=`` is at least, and on 100 % what prints as 100."""
    assert outcome(target("level", comparator=comparator, value=value, year=2020), figure, print_step=step) is expected


@pytest.mark.parametrize(("figure", "expected"), [(1.0, False), (2.0, True), (3.0, True), (4.0, True)])
def test_a_printed_range_is_met_at_its_lower_end(target, figure, expected):
    assert outcome(target("level", comparator="=", value=2.0, value_hi=3.0, year=2020), figure) is expected


@settings(derandomize=True, deadline=None, max_examples=40)
@given(levels=st.tuples(st.floats(0, 100), st.floats(0, 100)), comparator=st.sampled_from([">=", "<=", "="]))
@pytest.mark.parametrize("kind", ["level", "path", "maintain"])
def test_a_looser_level_is_never_less_probable(target, kind, levels, comparator):
    low, high = sorted(levels)
    strict, loose = (low, high) if comparator == "<=" else (high, low)
    draws = of_years({2019: normal(50, 30), 2020: normal(60, 20)[::-1]})

    def at(level: float) -> float:
        traits = {
            "level": {"value": level, "year": 2020},
            "path": {"values": {2019: level, 2020: level}},
            "maintain": {"value": level, "first_year": 2019, "year": 2020},
        }
        return probability(target(kind, comparator=comparator, **traits[kind]), draws)

    assert at(loose) >= at(strict)


@settings(derandomize=True, deadline=None, max_examples=40)
@given(order=st.permutations(range(20)))
def test_the_order_of_draws_does_not_matter(target, order):
    draws = of_years({2019: normal(90, 2)[:20], 2020: normal(90, 2)[:20][::-1]})
    path = target("path", values={2019: 86.0, 2020: 86.5})
    assert probability(path, draws.isel(draw=list(order))) == probability(path, draws)


def test_a_stricter_statement_is_never_more_probable_than_its_years(target, grid):
    result = met(target("path", values={2019: 91.0, 2020: 90.0}), grid(normal(90, 2), normal(90, 2)))
    assert float(result.all("year").mean()) <= float(result.mean(("chain", "draw")).min())


def test_other_dims_pass_through(target):
    draws = of_years({2020: normal(90, 3)}).expand_dims(scenario=["a", "b"])
    result = met(target("level", value=90.0, year=2020), draws)
    assert result.dims == ("scenario", "draw", "year")
    assert result.year.values.tolist() == [2020]
    assert result.dtype == bool


@pytest.mark.parametrize(
    ("kind", "traits", "missing"),
    [
        ("level", {"value": 1.0, "year": 2021}, 2021),
        ("path", {"values": {2020: 1.0, 2022: 1.0}}, 2022),
        ("maintain", {"value": 1.0, "first_year": 2016, "year": 2020}, 2016),
        ("improve", {"direction": "up", "base_year": 2015, "first_year": 2018, "year": 2020}, 2015),
        ("improve", {"direction": "up", "yearly": True, "base_year": 2016, "first_year": 2017, "year": 2020}, 2016),
        ("no_decrease", {"base_year": 2010, "year": 2020}, 2010),
    ],
)
def test_a_year_the_draws_lack_is_a_horizon_error_that_names_it(target, kind, traits, missing):
    with pytest.raises(HorizonError, match=rf"needs {missing}, the forecast covers 2017-2020"):
        met(target(kind, **traits), of_years(FIGURES))


@pytest.mark.parametrize("comparator", [">=", "<="])
def test_probability_of_standing_above_a_reference_agrees_with_the_normal(target, grid, comparator):
    """Two independent normals: own in one year of the grid, the reference in the other."""
    draws = grid(normal(92, 2), normal(91, 1), years=(2019, 2020))
    own = draws.sel(year=[2019]).assign_coords(year=[2020])
    reference = draws.sel(year=[2020])
    due = target("relative", reference=TEXT, comparator=comparator, first_year=2020, year=2020)
    exact = norm.cdf((1 if comparator == ">=" else -1) * 1 / np.sqrt(5))
    assert abs(float(met(due, own, reference=reference).all("year").mean()) - exact) <= 2 / N


def test_a_relative_target_holds_in_every_year_or_not_at_all(target):
    own, reference = of_years(FIGURES), of_years({**FIGURES, 2019: 91.5})
    due = target("relative", reference=TEXT, first_year=2018, year=2020)
    assert met(due, own, reference=reference).squeeze("draw").values.tolist() == [True, False, True]


def test_a_relative_target_without_a_reference_is_a_type_error(target):
    with pytest.raises(TypeError, match="pass the draws of its reference"):
        met(target("relative", reference=TEXT, first_year=2018, year=2020), of_years(FIGURES))


@pytest.mark.parametrize(
    ("direction", "relative", "value", "figure", "expected"),
    [
        ("up", True, 30.0, 130.0, True),
        ("up", True, 30.0, 129.0, False),
        ("down", True, 30.0, 70.0, True),
        ("down", True, 30.0, 71.0, False),
        ("up", False, 3.0, 103.0, True),
        ("up", False, 3.0, 102.9, False),
        ("down", False, 3.0, 97.0, True),
        ("down", False, 3.0, 97.1, False),
    ],
)
def test_a_change_counts_in_percent_of_the_base_figure_or_in_points(
    target, direction, relative, value, figure, expected
):
    due = target("change", direction=direction, relative=relative, value=value, base_year=2014, year=2017)
    assert probability(due, of_years({2014: 100.0, 2017: figure})) == expected


def test_probability_of_a_change_from_a_known_base_agrees_with_the_normal(target):
    due = target("change", direction="up", value=10.0, base_year=2017, year=2020)
    draws = of_years({2017: 50.0, 2020: normal(54, 2)})
    assert abs(probability(due, draws) - norm.sf(55, 54, 2)) <= 1 / N


NEW = {2017: 10.0, 2018: 14.0, 2019: 15.0, 2020: 21.0}


@pytest.mark.parametrize(
    ("flow", "per_year", "value", "expected"),
    [
        (True, False, 50.0, [True]),
        (True, False, 51.0, [False]),
        (False, False, 11.0, [True]),
        (False, False, 12.0, [False]),
        (True, True, 14.0, [True, True, True]),
        (True, True, 15.0, [False, True, True]),
        (False, True, 1.0, [True, True, True]),
        (False, True, 4.0, [True, False, True]),
    ],
)
def test_new_ones_add_up_from_yearly_numbers_or_are_the_growth_of_a_stock(target, flow, per_year, value, expected):
    due = target("cumulative", value=value, per_year=per_year, base_year=2017, first_year=2018, year=2020)
    assert met(due, of_years(NEW), flow=flow).squeeze("draw").values.tolist() == expected


@pytest.mark.parametrize(("figure", "expected"), [(89.9, False), (90.0, True), (95.0, True), (95.1, False)])
def test_a_range_is_met_between_its_ends(target, figure, expected):
    assert outcome(target("range", value=90.0, value_hi=95.0, year=2020), figure) is expected


def test_no_event_in_any_year_has_the_probability_of_independent_poisson_years(target, grid):
    rates = (0.3, 0.7)
    first, second = (poisson.ppf(MIDDLES, rate) for rate in rates)
    due = target("zero", first_year=2019, year=2020)
    assert abs(float(met(due, grid(first, second)).all("year").mean()) - np.exp(-sum(rates))) <= 2 / N


@pytest.mark.parametrize(
    ("kind", "traits", "high"),
    [
        ("level", {"value": 1.0, "comparator": "<=", "year": 2020}, False),
        ("level", {"value": 1.0, "comparator": "=", "year": 2020}, True),
        ("improve", {"direction": "down", "base_year": 2017, "first_year": 2018, "year": 2020}, False),
        ("change", {"direction": "up", "value": 1.0, "base_year": 2017, "year": 2020}, True),
        ("zero", {"first_year": 2018, "year": 2020}, False),
    ],
)
def test_which_side_helps_is_read_off_the_statement(target, kind, traits, high):
    assert wants_high(target(kind, **traits)) is high


def test_the_last_requirement_can_fall_due_in_another_year(target):
    path = due_in(target("path", values={2018: 7.0, 2020: 9.0}), 2019)
    assert levels_of(path) == {2019: 9.0}
    assert due_in(target("zero", first_year=2018, year=2020), 2019) is None
    rise = target("improve", direction="up", yearly=True, base_year=2017, first_year=2018, year=2020)
    assert due_in(rise, 2019) is None


@settings(derandomize=True, deadline=None, max_examples=40)
@given(sizes=st.tuples(st.floats(0.1, 100), st.floats(0.1, 100)), direction=st.sampled_from(["up", "down"]))
def test_a_smaller_change_is_never_less_probable(target, sizes, direction):
    small, large = sorted(sizes)
    draws = of_years({2017: normal(50, 10), 2020: normal(50, 30)[::-1]})

    def at(value: float) -> float:
        return probability(target("change", direction=direction, value=value, base_year=2017, year=2020), draws)

    assert at(small) >= at(large)


@settings(derandomize=True, deadline=None, max_examples=40)
@given(bounds=st.tuples(st.floats(0, 100), st.floats(0, 100)), high=st.booleans())
def test_looser_statements_of_the_other_kinds_are_never_less_probable(target, bounds, high):
    low, top = sorted(bounds)
    draws = of_years({2019: normal(50, 30), 2020: normal(60, 20)[::-1]})
    years = {"base_year": 2018, "first_year": 2019, "year": 2020}
    for flow in (True, False):
        shifted = Draws(np.insert(draws.values, 0, 40.0, axis=-1), (2018, 2019, 2020))
        few, many = (
            is_met(due, margins(due, shifted, flow=flow)).mean()
            for due in (target("cumulative", value=value, **years) for value in (low, top))
        )
        assert few >= many
    wide, narrow = (
        target("range", value=0.5 * low, value_hi=top, year=2020),
        target("range", value=low, value_hi=top, year=2020),
    )
    assert probability(wide, draws) >= probability(narrow, draws)
    due = target("relative", reference=TEXT, comparator=">=" if high else "<=", first_year=2020, year=2020)
    easy, hard = (of_years({2020: np.full(N, level)}) for level in ((low, top) if high else (top, low)))
    chances = [float(met(due, draws.sel(year=[2020]), reference=one).mean()) for one in (easy, hard)]
    assert chances[0] >= chances[1]


@pytest.mark.parametrize(
    ("kind", "traits", "years", "levels"),
    [
        ("level", {"value": 9.0, "year": 2020}, (2020,), {2020: 9.0}),
        ("path", {"values": {2020: 9.0, 2018: 7.0}}, (2018, 2020), {2018: 7.0, 2020: 9.0}),
        ("maintain", {"value": 9.0, "first_year": 2019, "year": 2020}, (2019, 2020), {2019: 9.0, 2020: 9.0}),
        ("improve", {"direction": "up", "base_year": 2015, "first_year": 2018, "year": 2020}, (2015, 2020), {}),
        (
            "improve",
            {"direction": "up", "yearly": True, "base_year": 2017, "first_year": 2018, "year": 2020},
            (2017, 2018, 2019, 2020),
            {},
        ),
        ("no_decrease", {"base_year": 2015, "year": 2020}, (2015, 2020), {}),
        ("change", {"direction": "up", "value": 5.0, "base_year": 2014, "year": 2020}, (2014, 2020), {}),
        (
            "cumulative",
            {"value": 3.0, "per_year": True, "base_year": 2017, "first_year": 2018, "year": 2020},
            (2017, 2018, 2019, 2020),
            {2018: 3.0, 2019: 3.0, 2020: 3.0},
        ),
        ("cumulative", {"value": 3.0, "base_year": 2015, "first_year": 2018, "year": 2020}, (2015, 2020), {}),
        ("range", {"value": 9.0, "value_hi": 10.0, "year": 2020}, (2020,), {2020: 9.0}),
        ("zero", {"first_year": 2019, "year": 2020}, (2019, 2020), {2019: 0.0, 2020: 0.0}),
    ],
)
def test_years_and_levels_of_a_statement(target, kind, traits, years, levels):
    statement = target(kind, **traits)
    assert years_needed(statement) == years
    assert levels_of(statement) == levels
    assert list(levels_of(statement)) == sorted(levels)


def test_yearly_numbers_are_needed_for_every_year_since_the_base(target):
    due = target("cumulative", value=3.0, base_year=2015, first_year=2018, year=2020)
    assert years_needed(due, flow=True) == (2016, 2017, 2018, 2019, 2020)
