"""The pages that the retrospective writes: every known outcome stands there, and nothing more is claimed."""

import pytest
from restated_base import BASE, RESTATED_BASE, RESTATED_TARGET, RESULT, TARGET, answers, section
from retrospective import page, record

from qsim.reviewing import review


def test_the_page_lists_every_probability_and_every_known_outcome():
    found = review("guizhou-2017", draws=100)
    text = page({"guizhou-2017": found}, record(), "air")
    said = [row for row in found.of("overall") if row.p_published is not None]
    lines = [
        line
        for line in text.splitlines()
        if line.startswith("|") and line.endswith(("|  |", "**hit** |", "**miss** |"))
    ]
    whole = [line for line in lines if "| by 2017 |" in line]
    assert len(whole) == len(said)
    assert len([line for line in lines if "| met" in line]) == 3
    assert "Of 46 statements the outcome of 1 is known\n(1 met)" in text
    assert text.endswith("air")


@pytest.fixture(scope="module")
def air():
    return answers(draws=400, seed=0)


def test_moving_the_base_without_the_target_is_never_less_likely_to_be_met(air):
    assert all(one.mixed >= one.restated for one in air)
    assert any(one.mixed > one.restated + 0.1 for one in air)


def test_both_pairs_ask_for_one_rise_and_the_section_names_every_year(air):
    assert pytest.approx(TARGET - BASE) == RESTATED_TARGET - RESTATED_BASE
    text = section(air)
    assert [f"end of {one.year}" in text for one in air] == [True] * 4
    assert f"{RESULT - RESTATED_BASE:.1f} points more" in text
