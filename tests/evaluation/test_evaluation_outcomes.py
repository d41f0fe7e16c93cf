"""Outcomes: a published figure is one draw of the same events."""

from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qsim.evaluation.outcomes import Outcome, Published, basis_of
from qsim.feasibility.events import Draws, is_met, margins
from qsim.indicators import Catalogue, Definition, Indicator
from qsim.observations.read import read_observations
from qsim.plans import targets as kinds
from qsim.records import Names

TEXT = Names(zh="例", en="example")
CATALOGUE = Catalogue(
    indicators=(
        Indicator(slug="rate", name=TEXT),
        Indicator(
            slug="air",
            name=TEXT,
            definitions=(
                Definition(code="api", name=TEXT, basis="api"),
                Definition(code="aqi_city", name=TEXT, basis="aqi"),
                Definition(code="aqi_county", name=TEXT, basis="aqi"),
            ),
        ),
        Indicator(slug="things", name=TEXT, unit="件", family="count", decimals=0),
        Indicator(slug="accidents", name=TEXT, unit="起", family="events", better="lower", decimals=0),
    )
)
USUAL = {"name": TEXT, "category": "other", "unit": "%", "clauses": ("一",), "indicator": "rate", "id": "t"}
LEVEL = kinds.LevelTarget(kind="level", value=95.0, year=2020, **USUAL)
HOLD = kinds.MaintainTarget(kind="maintain", value=95.0, first_year=2018, year=2020, **USUAL)


def published(*rows: dict[str, Any], day: date | None = None) -> Published:
    usual = {"region": "here", "indicator": "rate"}
    table = pd.DataFrame([{**usual, **row} for row in rows]).astype(str).replace("nan", "")
    return Published(read_observations(table, catalogue=CATALOGUE), CATALOGUE, day)


def of(target: Any, *figures: tuple[int, str], **more: Any) -> Outcome:
    """Outcome for figures of the rate (year, value)."""
    return published(*({"year": year, "value": value} for year, value in figures), **more).outcome(target, "here")


@pytest.mark.parametrize(("value", "met"), [("95.0", True), ("94.9", False), ("97", True)])
def test_a_level_is_met_by_the_figure_of_its_year(value, met):
    assert of(LEVEL, (2019, "99"), (2020, value)).met is met


@pytest.mark.parametrize(
    ("target", "figures", "met"),
    [
        (kinds.PathTarget(kind="path", values={2019: 90.0, 2020: 92.0}, **USUAL),
         [(2019, "90"), (2020, "91.9")], False),
        (kinds.ImproveTarget(kind="improve", direction="up", base_year=2017, first_year=2018, year=2020, **USUAL),
         [(2017, "90"), (2020, "90")], False),
        (kinds.ImproveTarget(kind="improve", direction="up", yearly=True, base_year=2018, first_year=2019, year=2020,
                             **USUAL), [(2018, "90"), (2019, "90.1"), (2020, "90.2")], True),
        (kinds.NoDecreaseTarget(kind="no_decrease", base_year=2017, year=2020, **USUAL),
         [(2017, "90"), (2020, "90")], True),
        (kinds.ChangeTarget(kind="change", direction="down", value=25.0, base_year=2017, year=2020, **USUAL),
         [(2017, "80"), (2020, "60")], True),
        (kinds.RangeTarget(kind="range", value=90.0, value_hi=95.0, year=2020, **USUAL), [(2020, "95.1")], False),
    ],
)  # fmt: skip
def test_every_kind_is_decided_by_its_own_event(target, figures, met):
    assert of(target, *figures).met is met


def test_new_things_add_up_and_an_accident_misses_a_zero():
    new = kinds.CumulativeTarget(
        kind="cumulative", value=30.0, base_year=2018, first_year=2019, year=2020, **{**USUAL, "indicator": "things"}
    )
    rows = [{"indicator": "things", "year": year, "value": value} for year, value in ((2019, "14"), (2020, "16"))]
    assert published(*rows).outcome(new, "here").met is True
    assert published(*rows[:1]).outcome(new, "here").met is None
    none = kinds.ZeroTarget(kind="zero", first_year=2019, year=2020, **{**USUAL, "indicator": "accidents"})
    accident = {"indicator": "accidents", "year": 2019, "value": "1"}
    assert published(accident).outcome(none, "here").met is False


def test_a_relative_target_needs_both_figures_of_the_year():
    target = kinds.RelativeTarget(
        kind="relative",
        reference=TEXT,
        reference_region="there",
        reference_share=0.1,
        first_year=2020,
        year=2020,
        **USUAL,
    )
    own, other = {"year": 2020, "value": "90.0"}, {"region": "there", "year": 2020, "value": "89.9"}
    assert published(own, other).outcome(target, "here").met is True
    alone = published(own).outcome(target, "here")
    assert (alone.met, alone.why_unknown) == (None, "no_figure")
    quota = target.model_copy(update={"reference_region": None})
    assert published(own, other).outcome(quota, "here").why_unknown == "no_reference"


@given(st.lists(st.integers(900, 1000), min_size=3, max_size=3), st.integers(900, 1000))
def test_one_exact_figure_a_year_gives_what_the_event_gives_on_one_draw(tenths, level):
    target = HOLD.model_copy(update={"value": level / 10})
    values = [tenth / 10 for tenth in tenths]
    outcome = of(target, *((2018 + place, f"{value:.1f}") for place, value in enumerate(values)))
    event = is_met(target, margins(target, Draws(np.array([values]), (2018, 2019, 2020))))
    assert [year.met for year in outcome.years] == event[0].tolist()
    assert outcome.met is bool(event.all())


def test_one_missed_year_misses_the_whole_and_one_unknown_year_leaves_it_open():
    missed = of(HOLD, (2019, "94"))
    assert missed.met is False
    assert [year.met for year in missed.years] == [None, False, None]
    open_still = of(HOLD, (2018, "96"), (2019, "97"))
    assert (open_still.met, open_still.why_unknown) == (None, "no_figure")


@pytest.mark.parametrize(
    ("qualifier", "value", "met", "why"),
    [
        (">=", "95", True, ""),
        (">=", "90", None, "too_coarse"),
        ("<=", "94", False, ""),
        ("~", "95", None, "too_coarse"),
        ("~", "99", True, ""),
    ],
)
def test_a_figure_that_is_no_single_number_decides_where_all_of_it_agrees(qualifier, value, met, why):
    outcome = published({"year": 2020, "value": value, "qualifier": qualifier}).outcome(LEVEL, "here")
    assert (outcome.met, outcome.why_unknown) == (met, why)


@pytest.mark.parametrize(
    ("qualifier", "value", "met"), [(">=", "90", None), (">=", "95", None), (">=", "97", False), ("<=", "93", False)]
)
def test_a_figure_that_may_lie_in_a_range_or_beside_it_is_too_coarse(qualifier, value, met):
    target = kinds.RangeTarget(kind="range", value=94.0, value_hi=96.0, year=2020, **USUAL)
    outcome = published({"year": 2020, "value": value, "qualifier": qualifier}).outcome(target, "here")
    assert (outcome.met, outcome.why_unknown) == (met, "too_coarse" if met is None else "")


def test_many_coarse_years_take_no_longer_than_their_number():
    long = HOLD.model_copy(update={"value": 80.0, "first_year": 1991})
    rows = [{"year": year, "value": "90", "qualifier": "~"} for year in range(1991, 2021)]
    assert published(*rows).outcome(long, "here").met is True


def test_two_sources_decide_where_they_agree():
    assert of(LEVEL, (2020, "95.2"), (2020, "97.0")).met is True
    differ = of(LEVEL, (2020, "94.2"), (2020, "97.0"))
    assert (differ.met, differ.why_unknown) == (None, "sources_differ")
    assert differ.years[0].figure == "94.2, 97"


def air(definition: str | None) -> Any:
    return LEVEL.model_copy(update={"indicator": "air", "definition": definition})


@pytest.mark.parametrize(
    ("named", "published_as", "met", "why"),
    [
        ("aqi_city", "aqi_city", True, ""),
        ("aqi_city", "aqi_county", True, ""),
        ("aqi_city", "api", None, "other_definition"),
        ("aqi_city", "", None, "other_definition"),
        (None, "aqi_city", None, "other_definition"),
    ],
)
def test_a_figure_counts_on_the_basis_of_the_statement_alone(named, published_as, met, why):
    figures = published({"indicator": "air", "year": 2020, "value": "97", "definition": published_as})
    outcome = figures.outcome(air(named), "here")
    assert (outcome.met, outcome.why_unknown) == (met, why)


def test_the_basis_an_assessment_was_on_decides_where_the_target_names_none():
    figures = published({"indicator": "air", "year": 2020, "value": "97", "definition": "aqi_city"})
    assert figures.outcome(air(None), "here", "aqi").met is True
    assert basis_of(air(None), CATALOGUE) is None
    assert basis_of(LEVEL, CATALOGUE) == ""


def test_a_base_year_on_another_basis_leaves_a_rise_unknown():
    rise = kinds.ImproveTarget(
        kind="improve", direction="up", base_year=2017, first_year=2018, year=2020,
        **{**USUAL, "indicator": "air", "definition": "aqi_city"},
    )  # fmt: skip
    rows = [
        {"indicator": "air", "year": 2017, "value": "80", "definition": "api"},
        {"indicator": "air", "year": 2020, "value": "90", "definition": "aqi_city"},
    ]
    outcome = published(*rows).outcome(rise, "here")
    assert (outcome.met, outcome.why_unknown) == (None, "other_definition")


def test_parts_of_years_and_years_to_come_say_why():
    part = published({"year": 2020, "value": "97", "period": "part"}).outcome(LEVEL, "here")
    assert (part.met, part.why_unknown) == (None, "part_of_year")
    early = of(LEVEL, (2018, "97"), day=date(2019, 12, 31))
    assert (early.met, early.why_unknown) == (None, "not_due")


def test_a_change_and_a_mean_of_years_are_no_figure_of_a_year():
    change = {"year": 2020, "value": "3", "change": "points", "base_year": 2019}
    mean = {"year": 2020, "value": "97", "year_from": 2018}
    plain = {"year": 2019, "value": "96"}
    for row in (change, mean):
        assert published(plain, row).outcome(LEVEL, "here").why_unknown == "no_figure"


def late(*days: str) -> list[dict[str, Any]]:
    return [
        {"year": 2018 + place, "value": value, "published": day}
        for place, (value, day) in enumerate(zip(["96", "97", "94"], days, strict=False))
    ]


def test_a_figure_published_after_the_day_does_not_count():
    rows = late("2019-06-30", "2020-06-30", "2021-03-05")
    assert published(*rows, day=date(2021, 3, 4)).outcome(HOLD, "here").met is None
    assert published(*rows, day=date(2021, 3, 5)).outcome(HOLD, "here").met is False


@pytest.mark.parametrize(
    ("rows", "day"),
    [
        (late("2019-06-30", "2020-06-30", "2021-03-05"), date(2021, 3, 5)),
        (late("2019-06-30", "2020-06-30"), None),
        ([{"year": 2018, "value": "90", "published": "2019-02-01"}, *late("2019-02-01", "2020-06-30")[1:]],
         date(2019, 2, 1)),
    ],
)  # fmt: skip
def test_an_outcome_is_known_from_the_day_that_settles_it(rows, day):
    assert published(*rows).known_on(HOLD, "here") == day


def test_the_order_of_the_table_does_not_matter():
    rows = [*late("2019-06-30", "2020-06-30", "2021-03-05"), {"year": 2019, "value": "95.5"}]
    assert published(*reversed(rows)).outcome(HOLD, "here") == published(*rows).outcome(HOLD, "here")
