"""Several sources of one figure are one observation; different figures stay apart."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qsim.observations.read import read_observations

BASE = {"region": "guizhou", "indicator": "food_rate", "year": "2015"}


def read_rows(catalogue, rows, **options):
    return read_observations(pd.DataFrame([BASE | row for row in rows]).fillna(""), catalogue=catalogue, **options)


def test_the_most_precise_figure_the_counts_and_the_earliest_day_are_kept(catalogue):
    rows = [
        {"value": "93.4", "source": "Yearbook", "published": "2017", "numerator": "934", "denominator": "1000"},
        {"value": "93.38", "source": "Bulletin", "published": "2016-03", "note": "main text"},
        {"value": "93.4%", "source": "Yearbook", "published": "2018", "url": "http://a"},
        {"value": "93", "source": "News", "qualifier": "约", "published": "2016-02-01"},
    ]
    data = read_rows(catalogue, rows)
    (merged,) = data.to_dataframe().to_dict("records")
    assert (merged["value"], merged["decimals"], merged["qualifier"]) == (93.38, 2, "=")
    assert (merged["numerator"], merged["denominator"]) == (934, 1000)
    assert merged["published"] == pd.Timestamp("2016-02-01")
    assert (merged["source"], merged["sources"]) == ("News; Bulletin; Yearbook", 3)
    assert (merged["rows"], merged["note"], merged["url"]) == ("2; 3; 4; 5", "main text", "http://a")


@pytest.mark.parametrize(
    ("first", "second", "observations"),
    [
        ({"value": "93.4"}, {"value": "93.40"}, 1),
        ({"value": "93.4"}, {"value": "93.44"}, 1),
        ({"value": "93.4"}, {"value": "93.35"}, 1),
        ({"value": "93.4"}, {"value": "93.46"}, 2),
        ({"value": "93.4"}, {"value": "93.5"}, 2),
        ({"value": "95"}, {"value": "95", "qualifier": "以上"}, 1),
        ({"value": "94.6"}, {"value": "95", "qualifier": "以上"}, 2),
        ({"value": "95.4"}, {"value": "95", "qualifier": "以上"}, 1),
        ({"value": "96.0"}, {"value": "95", "qualifier": "以上"}, 2),
        ({"value": "95.4"}, {"value": "95", "qualifier": "以下"}, 2),
        ({"value": "95", "qualifier": "以下"}, {"value": "95", "qualifier": "以上"}, 2),
        ({"value": "95", "qualifier": "约"}, {"value": "95", "qualifier": "约"}, 1),
        ({"value": "93.4"}, {"value": "93.4", "year": "2016"}, 2),
        ({"value": "93.4"}, {"value": "93.4", "region": "yunnan"}, 2),
        ({"value": "93.4"}, {"value": "93.4", "indicator": "own_rate"}, 2),
        ({"value": "93.4"}, {"value": "93.4", "indicator": "食品抽检合格率"}, 1),
        ({"value": "93.4"}, {"value": "93.4", "period": "part"}, 2),
        ({"value": "93.4"}, {"numerator": "934", "denominator": "1000"}, 1),
        ({"value": "79.4"}, {"numerator": "934", "denominator": "1000"}, 2),
    ],
)
def test_two_rows_are_one_figure_only_if_they_can_print_it(first, second, observations, catalogue):
    assert read_rows(catalogue, [first, second]).sizes["observation"] == observations


def test_a_coarse_figure_goes_with_the_nearer_of_two_that_differ(catalogue):
    data = read_rows(catalogue, [{"value": "93"}, {"value": "93.4"}, {"value": "92.7"}])
    assert dict(zip(data["value"].values, data["rows"].values, strict=True)) == {93.4: "3", 92.7: "2; 4"}


def test_rows_without_a_source_count_one_each_and_a_repeated_source_once(catalogue):
    rows = [{"value": "93.4", "source": source} for source in ("A", "A", "", "")]
    assert read_rows(catalogue, rows)["sources"].values.tolist() == [3]


def test_a_later_figure_tells_nothing_to_what_was_known_at_the_cutoff(catalogue):
    known = {"value": "93.4", "published": "2016-03"}
    later = {"value": "93.38", "published": "2018", "numerator": "4669", "denominator": "5000"}
    before = read_rows(catalogue, [known], cutoff=date(2016, 12, 31))
    both = read_rows(catalogue, [known, later], cutoff=date(2016, 12, 31))
    assert both["set_aside"].values.tolist() == ["", "after_cutoff"]
    assert before.equals(both.isel(observation=[0]))
    assert read_rows(catalogue, [known, later]).sizes["observation"] == 1


FIGURES = st.fixed_dictionaries(
    {
        "value": st.sampled_from(["93", "93.0", "93.4", "93.40", "93.41", "93.38", "92.6", "92.64", "94"]),
        "qualifier": st.sampled_from(["", "", "约", "以上", "以下"]),
        "year": st.sampled_from(["2014", "2015"]),
        "published": st.sampled_from(["", "2016", "2016-02", "2016-06-30"]),
        "note": st.sampled_from(["", "x", "y"]),
    }
)


@settings(derandomize=True, deadline=None)
@given(data=st.data(), rows=st.lists(FIGURES, min_size=1, max_size=8))
def test_merging_does_not_depend_on_the_order_of_rows(data, rows, catalogue):
    # A source of their own: one source must not contradict itself.
    rows = [row | {"source": f"s{place}"} for place, row in enumerate(rows)]
    shuffled = data.draw(st.permutations(rows))
    assert contents(read_rows(catalogue, rows)) == contents(read_rows(catalogue, shuffled))


@settings(derandomize=True, deadline=None)
@given(rows=st.lists(FIGURES, min_size=1, max_size=8))
def test_every_row_is_in_exactly_one_observation(rows, catalogue):
    data = read_rows(catalogue, rows)
    numbers = [int(number) for text in data["rows"].values for number in text.split("; ")]
    assert sorted(numbers) == list(range(2, 2 + len(rows)))
    assert data["sources"].values.sum() == len(rows)


def contents(observations):
    frame = observations.drop_vars("rows").to_dataframe()
    return sorted(frame.replace(np.nan, None).astype(str).itertuples(index=False, name=None))
