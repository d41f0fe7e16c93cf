"""Rows about more than one year: what they may say, and every fault of them at once."""

import numpy as np
import pandas as pd
import pytest

from qsim.errors import ObservationError
from qsim.indicators import Catalogue, Indicator
from qsim.observations.read import read_observations
from qsim.records import Names

RATE = {"region": "guizhou", "indicator": "food_rate", "year": "2015", "value": "9.8"}
CHANGE = {**RATE, "change": "percent", "base_year": "2010"}


def read(catalogue, *rows):
    return read_observations(pd.DataFrame(list(rows)).fillna(""), catalogue=catalogue)


def faults(catalogue, *rows):
    with pytest.raises(ObservationError) as caught:
        read(catalogue, *rows)
    return [str(fault) for fault in caught.value.faults]


@pytest.mark.parametrize(
    ("words", "change"),
    [(("百分比", "percent"), "percent"), (("百分点", "points"), "points"), (("两可", "ambiguous"), "ambiguous")],
)
def test_chinese_words_stand_for_kinds_of_change(words, change, catalogue):
    for word in words:
        assert read(catalogue, {**CHANGE, "change": word})["change"].values.tolist() == [change]


def test_a_change_has_the_interval_of_its_last_digit_whatever_its_sign(catalogue):
    data = read(catalogue, {**CHANGE, "value": "-25.44"}, {**CHANGE, "change": "points", "region": "b"})
    np.testing.assert_allclose(data["lower"], [-25.445, 9.75])
    np.testing.assert_allclose(data["upper"], [-25.435, 9.85])
    assert data["base_year"].values.tolist() == [2010, 2010]
    assert data["year_from"].values.tolist() == [2015, 2015]


def test_a_figure_of_one_year_has_neither_change_nor_base_year(catalogue):
    data = read(catalogue, {**RATE, "value": "93.4"})
    assert (data["change"].item(), data["base_year"].item(), data["year_from"].item()) == ("", 0, 2015)


def test_a_change_and_a_figure_of_one_year_are_two_observations(catalogue):
    rows = [{**RATE, "value": "9.8"}, CHANGE, {**CHANGE, "base_year": "2011"}, {**CHANGE, "change": "points"}]
    assert read(catalogue, *rows).sizes["observation"] == 4
    assert read(catalogue, CHANGE, {**CHANGE, "source": "elsewhere"}).sizes["observation"] == 1


def test_a_change_of_counted_things_need_not_be_whole_and_may_bear_a_percent_sign(catalogue):
    data = read(catalogue, {**CHANGE, "indicator": "trademarks", "value": "12.5%"})
    assert data["value"].item() == 12.5


def test_small_changes_of_rates_are_no_fractions(catalogue):
    rows = [{**CHANGE, "value": value, "region": region} for value, region in (("0.3", "a"), ("0.4", "b"))]
    assert read(catalogue, *rows).sizes["observation"] == 2


ONE_FAULT = [
    ({"change": "fast"}, "change", "'percent'"),
    ({"base_year": ""}, "base_year", "the year the change is counted from"),
    ({"change": ""}, "change", "where the row states a change"),
    ({"base_year": "2015"}, "base_year", "a year before 2015"),
    ({"base_year": "15"}, "base_year", "four digits"),
    ({"value": "-100"}, "value", "a fall by less than 100 %"),
    ({"value": "101", "change": "points"}, "value", "at most 100 points"),
    ({"change": "ambiguous", "indicator": "trademarks"}, "change", "only a change of a rate"),
    ({"numerator": "5", "denominator": "9"}, "numerator", "a change has no counts"),
    ({"period": "part"}, "period", "of full years"),
    ({"year_from": "2011"}, "year_from", "a change is counted from base_year"),
    ({"change": "", "base_year": "", "year_from": "2015"}, "year_from", "a year before 2015"),
    (
        {"change": "", "base_year": "", "year_from": "2011", "indicator": "reserve_area"},
        "year_from",
        "not summed over years",
    ),
]


@pytest.mark.parametrize(("cells", "column", "expected"), ONE_FAULT, ids=lambda part: str(part)[:40])
def test_a_bad_change_is_one_fault_at_its_column(cells, column, expected, catalogue):
    (fault,) = faults(catalogue, CHANGE | cells)
    assert fault.startswith(f"row 2, column {column}: got ")
    assert expected in fault


def test_all_faults_of_a_table_of_changes_come_at_once(catalogue):
    rows = [CHANGE | cells for cells, _, _ in ONE_FAULT]
    assert len(faults(catalogue, *rows)) == len(ONE_FAULT)


@pytest.mark.parametrize(("value", "qualifier"), [("95.0", "="), ("96", ">="), ("95", "~")])
def test_a_figure_at_or_above_its_natural_limit_is_refused(value, qualifier):
    limited = Indicator(slug="capped", name=Names(zh="有上限", en="capped"), natural_limit=95.0)
    catalogue = Catalogue(indicators=(limited,))
    row = {**RATE, "indicator": "capped", "value": value, "qualifier": qualifier}
    (fault,) = faults(catalogue, row)
    assert f"got '{value}'" in fault
    assert "below 95, the natural limit of capped" in fault
    assert "natural_limit in the catalogue" in fault
    for fine in ({"value": "94.9"}, {"value": "95", "qualifier": "<="}):
        assert read(catalogue, {**row, "qualifier": "=", **fine}).sizes["observation"] == 1
