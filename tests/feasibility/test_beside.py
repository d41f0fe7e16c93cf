"""What stands beside a probability, from a posterior to the results."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

import qsim
from qsim.feasibility.assess import assess
from qsim.feasibility.beside import Tables
from qsim.feasibility.evidence import GradeTable
from qsim.feasibility.marks import Bands, MarkTables
from qsim.feasibility.pace import Figure, pace_and_marks
from qsim.feasibility.records import TrackRecord
from qsim.indicators import Indicator
from qsim.plans.scenarios import Certain, Lever, Scenario, Source
from qsim.records import Names

TEXT = Names(zh="例", en="example")
YEARS = range(2017, 2021)
RATE = Indicator(slug="rate", name=TEXT)


@pytest.fixture(scope="module")
def posterior():
    """Two series of four figures each, to 2017."""
    rows = [
        ("here", slug, 2014 + place, f"{start + place * step:.1f}")
        for slug, start, step in (("rate", 86.0, 1.0), ("other", 95.0, -0.5))
        for place in range(4)
    ]
    table = pd.DataFrame(rows, columns=["region", "indicator", "year", "value"])
    return qsim.fit(qsim.read_observations(table), draws=1000, seed=4)


@pytest.fixture(scope="module")
def lever() -> Lever:
    return Lever(
        id="push", name=TEXT, indicators=("rate",), shape="step", scale="points", start_year=2018,
        size=Certain(law="certain", value=2.0), source=Source(kind="assumed", text=TEXT),
    )  # fmt: skip


def judged(posterior, plan, goals: Sequence, scenarios: Sequence[Scenario] = (), **options):
    forecast = posterior.forecast(YEARS, scenarios)
    return assess(forecast, plan(*goals, scenarios=scenarios), posterior=posterior, **options).results


@pytest.fixture(scope="module")
def goals(target):
    return (
        target("level", id="high", value=99.0, year=2020),
        target("level", id="low", value=85.0, year=2020),
        target("maintain", id="held", indicator="other", value=93.0, first_year=2018, year=2020),
        target("improve", id="rise", direction="up", base_year=2017, first_year=2018, year=2020),
    )


def test_every_target_on_figures_has_what_belongs_to_it(posterior, plan, goals):
    for result in judged(posterior, plan, goals):
        assert result.grade is not None
        assert result.sensitivity.base == result.p_published
        assert [point.year for point in result.checkpoints] == [2018, 2019]
        assert (result.why is not None) == (result.p_published < 0.5)
        assert len(result.recommended) == 5


def test_a_level_and_a_looser_one_have_ordered_checkpoints(posterior, plan, target):
    strict, loose = judged(
        posterior,
        plan,
        [target("level", id="strict", value=91.0, year=2020), target("level", id="loose", value=90.0, year=2020)],
    )
    for hard, easy in zip(strict.checkpoints, loose.checkpoints, strict=True):
        assert easy.half <= hard.half
    assert loose.p_published >= strict.p_published


def test_a_range_is_missed_on_both_sides_and_has_no_checkpoints(posterior, plan, target):
    between = target("range", value=89.0, value_hi=93.0, year=2020)
    (result,) = judged(posterior, plan, [between])
    assert 0.0 < result.p_published < 1.0
    assert result.checkpoints == ()


def test_another_engine_that_is_the_same_gives_the_same_probability(posterior, plan, goals):
    """To four standard errors: draws of a fit may go together with other shocks."""
    for result in judged(posterior, plan, goals, other_engine="laplace"):
        spread = np.sqrt(result.p_published * (1 - result.p_published) / 1000)
        assert abs(result.sensitivity.other_engine - result.p_published) <= 4 * spread + 1e-3


def test_on_request_nothing_is_added(posterior, plan, goals):
    for result in judged(posterior, plan, goals, beside=False):
        assert (result.grade, result.sensitivity, result.why, result.pace) == (None, None, None, None)
        assert (result.checkpoints, result.marks) == ((), ())


def test_scenarios_share_grades_and_only_the_first_has_checkpoints(posterior, plan, goals, lever):
    scenarios = [Scenario(id="baseline", name=TEXT), Scenario(id="push", name=TEXT, levers=(lever,))]
    results = judged(posterior, plan, goals, scenarios)
    base, pushed = results[: len(goals)], results[len(goals) :]
    for one, other in zip(base, pushed, strict=True):
        assert one.grade == other.grade
        assert one.checkpoints
        assert other.checkpoints == ()
        assert other.sensitivity is None
    assert pushed[0].p_true >= base[0].p_true


def test_dropping_the_only_figure_leaves_a_base_year_unknown(plan, target):
    table = pd.DataFrame({"region": "here", "indicator": "rate", "year": [2016], "value": ["90.0"]})
    posterior = qsim.fit(qsim.read_observations(table), draws=500, origin=2017)
    rise = target("improve", direction="up", base_year=2016, first_year=2018, year=2020)
    forecast = posterior.forecast([2016, *YEARS])
    (result,) = assess(forecast, plan(rise), posterior=posterior).results
    assert result.sensitivity.without_newest is None
    assert result.sensitivity.wide_prior is not None


def test_a_scenario_changes_nothing_else_about_the_order_of_targets(posterior, plan, goals):
    straight = {result.target.id: result for result in judged(posterior, plan, goals)}
    for result in judged(posterior, plan, goals[::-1]):
        assert result == straight[result.target.id]


FIGURES = tuple(Figure(year, value) for year, value in ((2012, 88.0), (2015, 90.0), (2017, 91.0)))


def test_pace_and_marks_before_a_plan_start_look_at_the_recent_years(target):
    due = target("level", value=93.0, year=2020)
    pace, marks = pace_and_marks(due, RATE, FIGURES, 2017)
    assert pace.needed == pytest.approx(2 / 3)
    assert (pace.recent, pace.first_year, pace.last_year) == (pytest.approx(0.6), 2012, 2017)
    assert [mark.table for mark in marks] == ["eurostat", "unsd", "failure"]


def test_marks_of_a_plan_under_way_count_from_its_base_year(target):
    due = target("level", value=93.0, year=2020)
    pace, marks = pace_and_marks(due, RATE, FIGURES, 2015)
    assert pace.recent == pytest.approx(0.5)
    found = {mark.table: mark for mark in marks}
    assert round(found["eurostat"].value, 2) == 0.84
    assert round(found["failure"].value, 2) == 0.75
    assert found["schedule"].verdict == "behind"


def test_a_figure_that_has_to_fall_is_marked_by_its_rate_of_reduction(target):
    falling = tuple(Figure(2013 + place, 100 * 0.9**place) for place in range(5))
    due = target("level", comparator="<=", value=100 * 0.9**7, year=2020)
    pace, marks = pace_and_marks(due, Indicator(slug="x", name=TEXT, family="positive", unit="吨"), falling, 2017)
    assert pace.needed > 0
    assert pace.recent > 0
    found = {mark.table: mark for mark in marks}
    assert found["aarr"].value == pytest.approx(10.0)
    assert found["aarr"].verdict == "on_schedule"
    assert "failure" not in found


@pytest.mark.parametrize("figures", [(), FIGURES[:1]])
def test_without_two_figures_there_is_no_pace(target, figures):
    assert pace_and_marks(target("level", value=93.0, year=2020), RATE, figures, 2017) == (None, ())


def test_a_statement_without_a_level_is_marked_by_growth_near_its_limit(target):
    rise = target("improve", direction="up", base_year=2017, first_year=2018, year=2020)
    pace, (mark,) = pace_and_marks(rise, RATE, FIGURES, 2017)
    assert pace is None
    assert mark.table == "growth"
    assert mark.value == pytest.approx((91 / 88) ** 0.2 - 1)
    assert np.isfinite(mark.value)


def test_an_office_may_bring_its_own_tables_and_a_track_record(posterior, plan, target):
    due = target("level", value=91.0, year=2020)
    ours = Bands(name="eurostat", form="R", bounds=((-9.0, "fine"),), below="poor")
    tables = Tables(marks=MarkTables(eurostat=ours), grades=GradeTable(figures=(1, 1, 1), prior_share=(1.0, 1.0, 1.0)))
    record = TrackRecord(statements=20, met=15, source="docs")
    forecast = posterior.forecast(YEARS)
    assessment = assess(forecast, plan(due), posterior=posterior, tables=tables, track_record=record)
    (result,) = assessment.results
    assert result.marks[0].verdict == "fine"
    assert (result.marks[0].bounds, result.marks[0].below) == (ours.bounds, ours.below)
    assert "figures" not in result.grade.reasons
    assert assessment.frame.track_record == record
    assert len(assessment.frame.cautions) == 6


def test_what_published_figures_have_settled_is_certain(posterior, plan, target):
    """89 % stood in 2017: a level due then is settled, met or not."""
    forecast = posterior.forecast(range(2014, 2021))
    goals = (
        target("maintain", id="met", value=86.0, first_year=2016, year=2017),
        target("level", id="missed", value=95.0, year=2017),
        target("level", id="open", value=95.0, year=2018),
    )
    whole = plan(*goals)
    met, missed, still = assess(forecast, whole, posterior=posterior).results
    assert (met.p_published, missed.p_published) == (1.0, 0.0)
    for result in (met, missed):
        assert (result.grade.letter, result.grade.prior_share) == ("A", 0.0)
        assert (result.why, result.sensitivity, result.checkpoints) == (None, None, ())
    assert still.sensitivity is not None
    assert still.why is not None
