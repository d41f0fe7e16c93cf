"""Marks of statistics offices: the known answers of their own documents, and defined answers at the edges."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qsim.feasibility import marks
from qsim.feasibility.marks import ACHIEVED, Bands, Course

PASS_RATE = Course(base_year=2015, base=90.0, year=2017, value=91.0, due_year=2020, target=93.0)
"""90 to 91 in two years with 93 due in five."""


def test_the_growth_ratio_and_the_failure_ratio_differ_as_the_design_says():
    """Design notes (model.md): 0.84 on the pass rate, 0.75 on the failure rate."""
    assert round(marks.growth_ratio(PASS_RATE).value, 2) == 0.84
    assert round(marks.failure_ratio(PASS_RATE).value, 2) == 0.75
    assert marks.growth_ratio(PASS_RATE).verdict == "acceleration_needed"


@pytest.mark.parametrize(("ratio", "score"), [(-0.6, -5.0), (0.0, -2.5), (0.6, 0.0), (0.95, 2.5), (1.3, 5.0)])
def test_open_sdg_scores(ratio, score):
    """Open SDG, Progress measurement methodology, figure 2."""
    assert marks.open_sdg_score(ratio) == pytest.approx(score, abs=1e-12)


def test_open_sdg_scores_end_at_five():
    assert (marks.open_sdg_score(-9.0), marks.open_sdg_score(9.0)) == (-5.0, 5.0)


def test_the_average_annual_rate_of_reduction_of_a_log_linear_course():
    """UNICEF (2007): a slope of -0.06613 is 6.40 % a year."""
    years = [1990, 1995, 2000, 2004]
    figures = [100 * np.exp(-0.06613 * (year - 1990)) for year in years]
    assert round(marks.annual_reduction(years, figures), 2) == 6.40


def test_the_latest_rate_carried_forward():
    """billionaiRe, AROC "latest": 80 to 100 over 2010-2030, start 2018: 95.3293 in 2025."""
    figures = np.linspace(80, 100, 21)
    assert marks.carried_forward(figures[7], figures[8], 7) == pytest.approx(95.3293, abs=5e-5)


def test_a_straight_line_to_a_target_takes_equal_steps():
    """billionaiRe, fixed target: 68 in 2018, 99 in 2025, steps of 4.428571."""
    course = Course(base_year=2017, base=60.0, year=2018, value=68.0, due_year=2025, target=99.0)
    assert marks.needed_pace(course) == pytest.approx(4.428571, abs=5e-7)


@pytest.mark.parametrize(
    ("value", "verdict", "lead"),
    [(93.0, "achieved", None), (91.2, "on_schedule", 0.0), (91.5, "on_schedule", 0.1), (91.0, "behind", 1 / 3 - 0.4)],
)
def test_the_schedule_compares_shares_of_change_and_time(value, verdict, lead):
    """时序进度: two of five years gone, so 40 % of the change from 90 to 93, or 91.2."""
    mark = marks.schedule(replace(PASS_RATE, value=value))
    assert mark.verdict == verdict
    assert mark.value == (None if lead is None else pytest.approx(lead, abs=1e-9))


def test_unsd_extrapolates_the_present_growth():
    """Twice the growth of two years and a half: 90 (91/90)^2.5 against 93."""
    value = (90 * (91 / 90) ** 2.5 - 90) / 3
    assert marks.extrapolated_share(PASS_RATE).value == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(
    ("base", "limit", "factor"),
    [
        (0.0, 100.0, 1.0),
        (100.0, 100.0, 0.0),
        (50.0, 100.0, 1 - 0.5**4.44),
        (150.0, 100.0, 1 - 0.5**4.44),
        (200.0, 100.0, 1.0),
        (0.0, 0.0, 1.0),
    ],
)
def test_the_natural_limit_factor(base, limit, factor):
    """Open SDG: near 1 far from a limit, 0 at it, the same at equal relative distances from either side."""
    assert marks.limit_factor(base, limit) == pytest.approx(factor, abs=1e-12)


def test_near_a_limit_less_growth_is_on_track():
    course = Course(base_year=2015, base=98.0, year=2017, value=98.4, due_year=2020, target=98.4)
    assert marks.growth(course).verdict == "limited"
    assert marks.growth(course, limit=100.0).verdict == "on_track"


FORMS = [marks.growth_ratio, marks.failure_ratio, marks.extrapolated_share, marks.schedule]


@pytest.mark.parametrize("form", FORMS)
def test_a_target_that_is_met_already_is_achieved(form):
    assert form(replace(PASS_RATE, value=93.5)).verdict == ACHIEVED


@pytest.mark.parametrize("form", FORMS)
def test_a_base_that_equals_the_target_has_a_defined_answer(form):
    """Akvo RSR divides by zero there (akvo-rsr#2830)."""
    equal = replace(PASS_RATE, base=93.0)
    mark = form(equal)
    assert mark.value is None
    assert mark.verdict in {"wrong_way", "stagnation_or_regression", "behind"}
    assert form(replace(equal, value=93.0)).verdict == ACHIEVED


@pytest.mark.parametrize("form", [marks.growth_ratio, marks.extrapolated_share, marks.schedule])
def test_a_target_of_zero_has_a_defined_answer(form):
    """A zero stands for 0.001 in a growth form (Open SDG)."""
    falling = Course(base_year=2015, base=8.0, year=2017, value=4.0, due_year=2020, target=0.0, high=False)
    assert np.isfinite(form(falling).value)
    assert form(replace(falling, value=0.0)).verdict == ACHIEVED
    assert np.isfinite(form(replace(falling, base=0.0, target=-1.0)).value or 0.0)


@given(
    figures=st.tuples(*[st.floats(0, 100)] * 3),
    years=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    high=st.booleans(),
)
def test_no_figures_crash_a_mark(figures, years, high):
    base, value, due = figures
    course = Course(
        base_year=2010, base=base, year=2010 + years[0], value=value,
        due_year=2010 + sum(years), target=due, high=high,
    )  # fmt: skip
    for form in (*FORMS, marks.growth, lambda one: marks.reduction(one, [2010, one.year], [one.base, one.value])):
        assert form(course).verdict


def test_lower_is_better_is_the_mirror_of_higher_is_better():
    """A figure that halves on the way to a quarter is as far as one that doubles on the way to four times."""
    up = Course(base_year=2010, base=10.0, year=2012, value=20.0, due_year=2014, target=40.0)
    down = Course(base_year=2010, base=40.0, year=2012, value=20.0, due_year=2014, target=10.0, high=False)
    assert marks.schedule(down).value > marks.schedule(up).value
    assert marks.reduction(down, [2010, 2012], [40.0, 20.0]).verdict == "on_schedule"
    assert marks.growth_ratio(down).value == pytest.approx(1.0)


def test_a_table_can_be_replaced():
    lenient = Bands(name="ours", form="R", bounds=((0.8, "fine"),), below="poor")
    mark = marks.growth_ratio(PASS_RATE, lenient)
    assert (mark.table, mark.form, mark.verdict) == ("ours", "R", "fine")
