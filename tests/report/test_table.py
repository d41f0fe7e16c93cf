"""Tables of an assessment: what stands beside a probability, in words and numbers."""

from dataclasses import replace

import pytest

from qsim.feasibility.evidence import Grade
from qsim.feasibility.joint import Joint
from qsim.feasibility.levels import Recommended
from qsim.feasibility.marks import ACHIEVED, Mark, Pace
from qsim.feasibility.records import Checkpoint, Sensitivity, Why, YearShare
from qsim.report.table import (
    CHECKPOINT_COLUMNS,
    JOINT_COLUMNS,
    assessment_frame,
    checkpoint_frame,
    joint_frame,
    marks_text,
    why_text,
)
from qsim.report.words import words


@pytest.fixture(scope="module")
def full(assessment):
    """The made-up assessment whose first result has everything beside it."""
    first, *rest = assessment.results
    result = replace(
        first,
        reached=(YearShare(year=2018, share=0.25), YearShare(year=2019, share=0.5)),
        recommended=tuple(Recommended(confidence=c, value=v) for v, c in enumerate((0.9, 0.8, 0.7, 0.5, 0.1), start=1)),
        pace=Pace(needed=0.5, recent=1.0, first_year=2012, last_year=2017),
        marks=(Mark(table="eurostat", form="R", value=0.842, verdict="acceleration_needed"),
               Mark(table="schedule", form="S", value=None, verdict="achieved")),
        checkpoints=(Checkpoint(year=2018, half=91.0, fifth=None, p_worst=0.3, p_best=0.9),),
        sensitivity=Sensitivity(base=0.5, narrow_prior=0.4, wide_prior=0.6, without_newest=None),
        grade=Grade(letter="B", reasons=("figures", "age"), prior_share=0.6, too_thin=False),
        why=Why(cause="shock", share=0.62, shares=(("trend", 0.38), ("lever", 0.0), ("shock", 0.62), ("noise", 0.0))),
    )  # fmt: skip
    joint = Joint(
        scenario="baseline", scope="plan", category="", statements=4, indicators=3, p_all=0.2, p_independent=0.1,
        p_low=0.0, p_high=0.5, expected=1.8, distribution=(0.1, 0.3, 0.4, 0.2),
    )  # fmt: skip
    return replace(assessment, results=(result, *rest), joint=(joint,))


def test_the_overall_row_holds_what_stands_beside_the_probability(full):
    frame = assessment_frame(full, "en")
    row = frame[(frame["target"] == "t1") & (frame["scope"] == "overall")].iloc[0]
    assert row["year_reached"] == "2018:0.2500 2019:0.5000"
    assert [row[f"level_{percent}"] for percent in (90, 80, 70, 50, 10)] == [1, 2, 3, 4, 5]
    assert (row["pace_needed"], row["pace_recent"]) == (0.5, 1.0)
    assert (row["grade"], row["prior_share"], row["too_thin"]) == ("B", 0.6, False)
    assert row["grade_reasons"] == "too few own figures; the newest figure is old"
    assert (row["p_narrow_prior"], row["p_wide_prior"]) == (0.4, 0.6)
    assert frame.loc[row.name, ["p_without_newest", "p_other_engine"]].isna().all()
    assert (row["why_share"], row["marks"]) == (0.62, marks_text(full.results[0], words("en")))


def test_rows_without_anything_beside_are_empty_there(full):
    frame = assessment_frame(full)
    bare = frame[(frame["target"] == "t2") & (frame["scope"] == "overall")].iloc[0]
    assert bare[["pace_needed", "grade", "prior_share", "too_thin", "why_share"]].isna().all()


@pytest.mark.parametrize(("language", "said"), [("zh", "62%"), ("en", "62%")])
def test_why_is_one_sentence_with_the_share(full, language, said):
    text = why_text(full.results[0], words(language))
    assert said in text
    assert "{" not in text
    assert why_text(full.results[1], words(language)) == ""


def test_marks_are_said_with_their_verdicts(full):
    assert "时序进度（完成份额减时间份额） 提前完成" in marks_text(full.results[0], words("zh"))
    assert "0.84 acceleration needed" in marks_text(full.results[0], words("en"))


def test_a_held_level_that_is_met_is_not_finished_early(full):
    (held,) = {result.target.id: result for result in full.results if result.target.kind == "maintain"}.values()
    done = Mark(table="schedule", form="", value=None, verdict=ACHIEVED)
    assert marks_text(replace(held, marks=(done,)), words("zh")).endswith("现已达到")


def test_a_joint_row_a_scope(full):
    frame = joint_frame(full)
    assert tuple(frame.columns) == JOINT_COLUMNS
    (row,) = frame.to_dict("records")
    assert (row["scope"], row["statements"], row["p_all"]) == ("plan", 4, 0.2)
    assert row["distribution"] == "0.1000 0.3000 0.4000 0.2000"


def test_a_checkpoint_row_a_year_with_nothing_where_there_is_no_such_figure(full):
    frame = checkpoint_frame(full)
    assert tuple(frame.columns) == CHECKPOINT_COLUMNS
    (row,) = frame.to_dict("records")
    assert (row["target"], row["year"], row["figure_50"], row["unit"]) == ("t1", 2018, 91.0, "%")
    assert frame["figure_20"].isna().all()


def test_an_assessment_without_them_gives_tables_without_rows(assessment):
    assert joint_frame(assessment).empty
    assert checkpoint_frame(assessment).empty
