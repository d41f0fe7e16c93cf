"""Claims about the wording, the printed numbers, the font and the numbers of a fan chart."""

import re
from pathlib import Path
from string import Formatter
from typing import get_args

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

import qsim.report
from qsim.evaluation.track_record import SOURCE
from qsim.feasibility import marks
from qsim.feasibility.evidence import GradeReason
from qsim.feasibility.records import CAUTIONS, Cause, Caution, Reason
from qsim.figures.fan import band, fan
from qsim.figures.fonts import characters, shown
from qsim.figures.printed import Printed, printed_figures
from qsim.indicators import Indicator
from qsim.records import Names
from qsim.report.numbers import band_ranges, percent, plain, printed_value, verdict, whole_percent
from qsim.report.reading import Reading
from qsim.report.requirements import requirement, when
from qsim.report.widths import balanced
from qsim.report.words import words
from qsim.vocabulary import INTERVAL_PROBABILITY, TARGET_KINDS, Category

ZH, EN = words("zh"), words("en")


def test_both_languages_have_the_same_keys():
    assert list(ZH.texts) == list(EN.texts)
    assert list(ZH.terms) == list(EN.terms)
    for group in set(ZH.terms) - {"unit"}:
        assert list(ZH.terms[group]) == list(EN.terms[group])
    assert [part.start for part in ZH.bands] == [part.start for part in EN.bands]


@pytest.mark.parametrize("key", list(ZH.texts))
def test_both_languages_fill_the_same_blanks(key):
    blanks = [{name for _, name, _, _ in Formatter().parse(spoken.texts[key]) if name} for spoken in (ZH, EN)]
    assert blanks[0] == blanks[1]


def test_no_wording_is_left_unused():
    sources = "".join(path.read_text(encoding="utf-8") for path in Path(qsim.report.__file__).parent.glob("*.py"))
    built = ("scope_", "lever_", "table_", "col_", "rise", "fall", "grow_", "shrink_", "change_", "sub_", "heading_")
    built += ("total", "count")
    unused = [key for key in ZH.texts if f'"{key}"' not in sources and not key.startswith(built)]
    assert unused == []


def test_every_reason_and_kind_has_words():
    for spoken in (ZH, EN):
        assert set(get_args(Reason)) - {""} == set(spoken.terms["reason"])
        assert set(TARGET_KINDS) == set(spoken.terms["kind"])
        assert set(get_args(Cause)) == set(spoken.terms["why"])
        assert set(get_args(Caution)) == set(spoken.terms["caution"]) == set(CAUTIONS)
        assert (
            set(get_args(GradeReason)) == set(spoken.terms["grade_reason"]) == set(spoken.terms["grade_reason_short"])
        )
        assert set(spoken.terms["reason_short"]) == set(spoken.terms["reason"])
        for group in ("why_short", "why_zero", "why_zero_short"):
            assert set(spoken.terms[group]) == set(spoken.terms["why"])
        assert set(get_args(Category)) == set(spoken.terms["category"])
        assert {SOURCE} == set(spoken.terms["record_source"])


@pytest.mark.parametrize("spoken", [ZH, EN], ids=["zh", "en"])
@pytest.mark.parametrize(
    ("note", "quoted"), [("pace_note", "col_needed"), ("watch_note", "col_given"), ("watch_note", "no_such_figure")]
)
def test_a_note_quotes_a_column_as_the_column_is_headed(spoken, note, quoted):
    marks = "“{}”" if spoken is ZH else '"{}"'
    assert marks.format(spoken(quoted)).casefold() in spoken(note).casefold()


def test_every_mark_and_verdict_has_words():
    tables = [bands for bands in vars(marks).values() if isinstance(bands, marks.Bands)]
    verdicts = {word for bands in tables for word in (bands.below, *(word for _, word in bands.bounds))}
    for spoken in (ZH, EN):
        for group in ("mark", "mark_name", "mark_form"):
            assert {bands.name for bands in tables} == set(spoken.terms[group])
        assert verdicts | {marks.ACHIEVED} == set(spoken.terms["verdict"])


def test_the_verdicts_of_a_schedule_are_those_of_mid_term_reports():
    said = {code: ZH.term("verdict", code) for code in ("achieved", "on_schedule", "behind")}
    assert said == {"achieved": "提前完成", "on_schedule": "达到预期进度", "behind": "滞后"}


def test_every_character_of_the_wording_is_in_the_shipped_font():
    texts = [*ZH.texts.values(), *EN.texts.values(), *(word for group in ZH.terms.values() for word in group.values())]
    missing = {
        character for text in texts for character in text if character != "\n" and ord(character) not in characters()
    }
    assert missing == set()


def test_a_character_the_font_lacks_becomes_a_square():
    assert shown("甲\U0001f600") == "甲□"


def test_the_font_is_licensed_and_light():
    folder = Path(qsim.report.__file__).parents[1] / "figures" / "fonts"
    assert (folder / "NotoSansSC-subset.otf").stat().st_size <= 5_000_000
    assert "Reserved Font Name 'Source'" in (folder / "OFL.txt").read_text(encoding="utf-8")


@given(st.floats(0, 1))
def test_probabilities_print_as_whole_percent_but_never_0_or_100(probability):
    assert re.fullmatch(r"[1-9]\d?%|<1%|>99%", percent(probability, ZH))


def test_probabilities_print_as_expected():
    assert [percent(p, ZH) for p in (0.0, 0.0099, 0.01, 0.125, 0.99, 0.9901, 1.0, None)] == [
        "<1%", "<1%", "1%", "13%", "99%", ">99%", ">99%", "—",
    ]  # fmt: skip


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_higher_probability_never_has_a_lower_verdict(one, other):
    low, high = sorted((one, other))
    order = [part.word for part in ZH.bands]
    assert order.index(verdict(high, ZH)) <= order.index(verdict(low, ZH))


def test_the_verdict_agrees_with_the_percent_beside_it():
    assert whole_percent(0.896) == 90
    assert verdict(0.896, ZH) == "很可能达到"
    assert verdict(0.894, ZH) == "较可能达到"


def test_verdicts_cover_every_percent():
    assert band_ranges(ZH) == (
        ("很可能达到", "90%及以上"),
        ("较可能达到", "66%—89%"),
        ("难以判断", "33%—65%"),
        ("较难达到", "10%—32%"),
        ("很难达到", "不足10%"),
    )


def test_numbers_have_no_needless_zeros():
    assert [plain(value) for value in (98.0, 98.5, 12000.0, 0.1)] == ["98", "98.5", "12000", "0.1"]


def test_requirements_in_chinese(plan):
    said = [(requirement(target, ZH), when(target, ZH)) for target in plan.targets]
    assert said == [
        ("93%以上", "2020年"),
        ("逐年96、97、98%以上", "2018—2020年"),
        ("每年62%以上", "2018—2020年"),
        ("95%以上", "2020年"),
        ("100%", "2020年"),
        ("15个以上", "2020年"),
        ("不低于全国平均水平", "2018—2020年"),
        ("高于2017年", "2020年"),
        ("比2017年增长30%", "2020年"),
        ("累计新增100个", "2020年"),
        ("不发生", "2018—2020年"),
        ("不低于2017年", "2020年"),
        ("40—60%", "2020年"),
    ]


def test_a_title_breaks_into_even_lines():
    assert balanced("贵州省质量发展三年行动计划（2015—2017年）", 20) != ("贵州省质量发展三年行动计划（2015—2017年）",)
    assert balanced("短标题", 20) == ("短标题",)
    lines = balanced("《关于开展质量提升行动加快建设质量强省的实施意见》", 20)
    assert len(lines) == 2
    assert abs(len(lines[0]) - len(lines[1])) <= 2
    assert "".join(lines) == "《关于开展质量提升行动加快建设质量强省的实施意见》"


def test_bands_are_quantiles_of_the_draws():
    values = np.arange(1001.0).reshape(1, 1001, 1)
    draws = xr.DataArray(values, dims=("chain", "draw", "year"), coords={"year": [2020]})
    own = band(draws)
    half = 1000 * INTERVAL_PROBABILITY / 2
    ends = (*own.median, *own.lower, *own.upper, *own.outer_lower)
    assert ends == pytest.approx((500, 500 - half, 500 + half, 25))


def test_years_without_draws_are_left_out():
    values = np.ones((1, 10, 3))
    values[..., 0] = np.nan
    draws = xr.DataArray(values, dims=("chain", "draw", "year"), coords={"year": [2018, 2019, 2020]})
    assert band(draws).years == (2019, 2020)


def test_the_fan_opens_from_the_newest_figure(assessment):
    points = Reading(assessment, ZH).points("shili/food")
    numbers = fan(assessment, "shili/food", scenario="baseline", points=points)
    assert numbers.forecast.years == (2017, 2018, 2019, 2020)
    assert numbers.forecast.lower[0] == numbers.forecast.upper[0] == points[-1].value == 97.4


def test_the_picture_holds_figures_targets_and_the_interval(assessment):
    reading = Reading(assessment, ZH)
    numbers = fan(assessment, "shili/spot_check", scenario="baseline", points=reading.points("shili/spot_check"))
    assert numbers.low < min(*numbers.forecast.lower, *(point.value for point in numbers.points))
    assert numbers.high > max(numbers.forecast.upper)
    assert numbers.high <= 101


def test_only_bounds_and_round_figures_have_a_bar(assessment):
    own = [
        figure
        for figure in printed_figures(assessment.observations)
        if figure.region == "shili" and not figure.set_aside
    ]
    assert [figure.year for figure in own if figure.wide] == [2010]


def printed(**traits):
    blank = dict.fromkeys(("basis", "definition", "published", "source", "url", "set_aside", "joins", "change"), "")
    numbers = {
        "value": 9.8,
        "lower": 9.75,
        "upper": 9.85,
        "decimals": 1,
        "base_year": 0,
        "year": 2015,
        "year_from": 2015,
    }
    return Printed(region="shili", indicator="food", qualifier="=", **(blank | numbers | traits))


CHANGES = [
    ({"change": "percent", "base_year": 2010}, "%", "比2010年+9.8%", "+9.8 % against 2010"),
    ({"change": "points", "base_year": 2010}, "%", "比2010年+9.8个百分点", "+9.8 points against 2010"),
    (
        {"change": "ambiguous", "base_year": 2010},
        "%",
        "比2010年+9.8（百分比或百分点，原文未明）",
        "+9.8 against 2010 (percent or points)",
    ),
    ({"change": "points", "base_year": 2010, "value": -30.0, "decimals": 0}, "个", "比2010年-30个", "-30 against 2010"),
    ({"year_from": 2011, "value": 92.5}, "%", "92.5%（自2011年起）", "92.5% over 2011 to this year"),
    ({}, "%", "9.8%", "9.8%"),
]


@pytest.mark.parametrize(("traits", "unit", "chinese", "english"), CHANGES)
def test_a_change_is_printed_as_one(traits, unit, chinese, english):
    family = "rate" if unit == "%" else "stock"
    indicator = Indicator(slug="food", name=Names(zh="食品", en="food"), unit=unit, family=family)
    assert printed_value(printed(**traits), indicator, ZH) == chinese
    assert printed_value(printed(**traits), indicator, EN) == english


def test_a_joined_figure_says_so_and_is_no_point_of_the_chart(assessment):
    reading = Reading(assessment, ZH)
    figure = printed(joins="new", definition="provincial")
    assert reading.definition_of(figure).endswith("口径不同，按不确定的差距衔接")
    assert all(point.is_level and not point.joins for point in reading.points("shili/food"))
