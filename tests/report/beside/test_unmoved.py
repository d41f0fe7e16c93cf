"""A table whose columns are all alike says why: from the levers of the scenarios and what is counted."""

from dataclasses import replace

import pytest

from qsim.report.blocks import TableNumbers
from qsim.report.reading import Reading
from qsim.report.scenarios import scenarios
from qsim.report.words import words
from qsim.study import run


def notes_of(assessment, language="zh"):
    blocks = scenarios(Reading(assessment, words(language)), TableNumbers())
    return blocks[-1].notes


def alike(assessment):
    """The same, with the joint results of the baseline under every scenario."""
    base = [one for one in assessment.joint if one.scenario == "baseline"]
    copies = [replace(one, scenario=scenario.id) for scenario in assessment.plan.scenarios for one in base]
    return replace(assessment, joint=tuple(copies))


def with_levers(assessment, **changes):
    """The same with levers changed."""
    plan = assessment.plan
    moved = [
        one.model_copy(update={"levers": tuple(lever.model_copy(update=changes) for lever in one.levers)})
        for one in plan.scenarios
    ]
    return replace(assessment, plan=plan.model_copy(update={"scenarios": tuple(moved)}))


def test_scenarios_that_differ_need_no_note(complete):
    assert notes_of(complete) == ()


@pytest.mark.parametrize("changes", [{"indicators": ("water",)}, {"regions": ("peer_1",)}])
def test_where_no_lever_acts_on_what_is_counted_the_note_says_so(complete, changes):
    (note,) = notes_of(with_levers(alike(complete), **changes))
    assert "都不作用于据本地区数据评估的3项目标" in note
    (note,) = notes_of(with_levers(alike(complete), **changes), "en")
    assert "acts on any of the 3 targets assessed on figures" in note


def test_where_a_lever_acts_and_changes_no_count_the_note_says_that(complete):
    (note,) = notes_of(alike(complete))
    assert "措施虽作用于本表所计目标中的1项" in note
    assert "act on 1 of the targets counted here" in notes_of(alike(complete), "en")[0]


def test_a_distribution_that_differs_is_a_difference(complete):
    same = alike(complete)
    *others, last = same.joint
    turned = replace(last, distribution=last.distribution[::-1])
    assert notes_of(replace(same, joint=(*others, turned))) == ()


def test_the_scenarios_of_guizhou_act_on_nothing_that_is_counted():
    found = run("guizhou-2017", draws=100, beside=False).assessment
    own = [one for one in found.results if one.scenario == "baseline" and one.evidence == "figures"]
    (note,) = notes_of(found)
    assert f"据本地区数据评估的{len(own)}项目标" in note
