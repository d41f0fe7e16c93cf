"""The track record knows what was known, and nothing of the plan itself."""

from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest
from retrospective import record

from qsim.evaluation.track_record import RECORD_COLUMNS, SOURCE, track_record
from qsim.feasibility.records import TrackRecord
from qsim.plans.read import read_plan
from qsim.shipped import shipped_folder, shipped_plans
from qsim.study import run

ROWS = [
    ("a-2017", "x", "yes", "2018-06-30"),
    ("a-2017", "y", "no", "2019-03-01"),
    ("b-2020", "z", "yes", "2021-06-30"),
]


@pytest.fixture
def file(tmp_path) -> Path:
    path = tmp_path / "track_record.csv"
    pd.DataFrame(ROWS, columns=list(RECORD_COLUMNS)).to_csv(path, index=False)
    return path


@pytest.mark.parametrize(
    ("day", "plan", "statements", "met"),
    [
        (date(2018, 6, 30), "new", 1, 1),
        (date(2019, 3, 1), "new", 2, 1),
        (date(2026, 1, 1), "new", 3, 2),
        (date(2026, 1, 1), "a-2017", 1, 1),
        (date(2026, 1, 1), "b-2020", 2, 1),
    ],
)
def test_outcomes_count_from_the_day_they_were_known_and_never_the_plans_own(file, day, plan, statements, met):
    assert track_record(day, leave_out=plan, file=file) == TrackRecord(statements=statements, met=met, source=SOURCE)


@pytest.mark.parametrize(("day", "plan"), [(date(2018, 6, 29), "new"), (date(2020, 1, 1), "a-2017")])
def test_without_an_outcome_there_is_no_record(file, day, plan):
    assert track_record(day, leave_out=plan, file=file) is None


def test_without_a_file_there_is_no_record(tmp_path):
    assert track_record(date(2026, 1, 1), leave_out="new", file=tmp_path / "none.csv") is None


def test_the_shipped_record_is_what_the_shipped_figures_say():
    shipped = pd.read_csv(shipped_folder() / "track_record.csv", dtype=str)
    pd.testing.assert_frame_equal(shipped, record().astype(shipped.dtypes))


@pytest.mark.parametrize("name", shipped_plans())
def test_a_plan_assessed_on_its_own_day_knows_no_later_outcome(name):
    plan = read_plan(name)
    shipped = pd.read_csv(shipped_folder() / "track_record.csv", dtype=str)
    known = shipped[(shipped["plan"] != name) & (shipped["known_on"] <= plan.as_of.isoformat())]
    told = track_record(plan.as_of, leave_out=name)
    assert (told.statements if told else 0) == len(known)
    first = min(shipped["known_on"][shipped["plan"] != name])
    assert track_record(date.fromisoformat(first) - timedelta(days=1), leave_out=name) is None


def test_an_assessment_carries_the_record_of_its_own_cutoff():
    early, late = (run("guizhou-2017", draws=100, scenarios=[], beside=False, as_of=year) for year in (2016, 2022))
    assert early.assessment.frame.track_record is None
    assert late.assessment.frame.track_record == track_record(date(2022, 12, 31), leave_out="guizhou-2017")
    assert late.assessment.frame.track_record.statements == 3
