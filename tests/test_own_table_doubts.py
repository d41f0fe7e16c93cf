"""A table of one's own that names regions nobody knows: said on stderr by every command, and never an error."""

from pathlib import Path

import pandas as pd
import pytest

from qsim.plans.read import read_plan
from qsim.shipped import shipped_folder, shipped_plans
from qsim.study import run

PLAN = "guizhou-2017"
QUICK = ("--draws", "100", "--quiet")
RATE = "industrial_product_spotcheck_pass_rate"
LEVER = next(iter(one.id for one in read_plan(PLAN).levers))


@pytest.fixture
def own(tmp_path) -> Path:
    """The plan's own figures, and three of a region whose name is a slip."""
    figures = pd.read_csv(shipped_folder() / PLAN / "observations.csv", dtype=str, keep_default_na=False)
    strays = [
        {"region": "hainnan", "indicator": RATE, "year": str(year), "value": f"9{year - 2012}.4"}
        for year in (2012, 2013, 2014)
    ]
    path = tmp_path / "own.csv"
    pd.concat([figures, pd.DataFrame(strays)]).fillna("").to_csv(path, index=False)
    return path


@pytest.mark.parametrize(
    "words", [("assess", PLAN), ("reverse", PLAN, "--lever", LEVER), ("review", PLAN)], ids=lambda words: words[0]
)
def test_a_command_says_which_regions_nobody_knows_and_goes_on(qsim, own, words):
    told = qsim(*words, "--data", own, *QUICK)
    assert told.code == 0
    assert told.out
    assert told.err.splitlines() == [
        "warning: region 'hainnan' is in no other table and counts as one more region to compare with (3 figures): "
        "did you mean 'hainan'?"
    ]


def test_a_study_keeps_its_doubts(own):
    found = run(PLAN, data=own, draws=100, beside=False, scenarios=())
    (doubt,) = found.doubts
    assert "'hainnan'" in doubt


@pytest.mark.parametrize("name", shipped_plans())
def test_no_shipped_plan_has_a_doubtful_region(name):
    assert run(name, draws=100, beside=False, scenarios=(), track_record=False).doubts == ()
