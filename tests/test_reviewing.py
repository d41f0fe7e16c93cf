"""A review, end to end: the assessment of the plan's own day, or an archived one, against what came."""

import json
import sys
from datetime import date
from pathlib import Path

import pytest

import qsim
from qsim.cli import main
from qsim.errors import PlanError
from qsim.evaluation.archive import read_archive
from qsim.evaluation.review import Review, review_frame
from qsim.plans.read import read_plan
from qsim.reviewing import review
from qsim.study import Study, run

PLAN = "guizhou-2017"
QUICK = {"draws": 100, "seed": 1}


@pytest.fixture(scope="module")
def now() -> Review:
    """The plan as assessed on its own day."""
    return review(PLAN, **QUICK)


@pytest.fixture(scope="module")
def study() -> Study:
    return run(PLAN, **QUICK)


@pytest.fixture(scope="module")
def archive(study, tmp_path_factory) -> Path:
    """What an appendix leaves for later."""
    written = qsim.write_appendix(study.assessment, tmp_path_factory.mktemp("out"), language="en")
    (path,) = [path for path in written if path.name == "archive.json"]
    return path


def outcomes(found: Review) -> list[tuple[object, ...]]:
    return [(one.target, one.scope, one.year, one.p_published, one.met) for one in found.rows]


def test_every_target_and_year_of_the_plan_is_reviewed(now):
    plan = read_plan(PLAN)
    assert [row.target for row in now.of("overall")] == [target.id for target in plan.targets]
    assert len(now.of("year")) == sum(len(target.years) for target in plan.targets)


def test_what_is_known_of_guizhou_is_what_its_figures_say(now):
    known = {(row.target, row.scope, row.year): row.met for row in now.rows if row.met is not None}
    assert known == {
        ("good-air-days", "year", 2015): True,
        ("drinking-water-central-cities", "year", 2015): True,
        ("forest-coverage", "overall", 2017): True,
        ("forest-coverage", "year", 2017): True,
    }


def test_the_archive_of_an_appendix_gives_the_review_that_is_made_now(now, archive):
    kept = review(PLAN, [archive])
    assert outcomes(kept) == outcomes(now)
    assert kept.scores == now.scores
    assert kept.changed == ()


def test_a_review_looks_at_nothing_published_after_its_day(archive):
    assert not [row for row in review(PLAN, [archive], as_of=2015).rows if row.met is not None]
    assert {row.why_unknown for row in review(PLAN, [archive], as_of=2015).rows} >= {"not_due"}
    known = [
        row.target for row in review(PLAN, [archive], as_of=date(2017, 12, 31)).of("overall") if row.met is not None
    ]
    assert known == ["forest-coverage"]


def test_what_has_changed_since_is_named(archive, tmp_path):
    figures = tmp_path / "observations.csv"
    figures.write_text(
        "region,indicator,year,value,definition\nguizhou,forest_coverage_rate,2013,47.0,provincial_update\n", "utf-8"
    )
    ((name, changed),) = review(PLAN, [archive], data=figures).changed
    assert name == f"{PLAN}@2015-05-02"
    assert [change.part for change in changed] == ["data"]


def test_an_archive_of_another_plan_and_a_day_before_it_are_refused_together(archive):
    with pytest.raises(PlanError) as refused:
        review("hainan-2020", [archive], as_of=2014)
    assert [fault.got for fault in refused.value.faults] == [f"{PLAN!r}", "2014-12-31"]


def test_an_archive_given_twice_is_refused_and_would_have_counted_twice(archive, tmp_path):
    copy = tmp_path / "copy.json"
    copy.write_bytes(archive.read_bytes())
    with pytest.raises(PlanError, match="each archive once: leave one out") as caught:
        review(PLAN, [archive, copy, archive])
    assert [(fault.where, fault.got) for fault in caught.value.faults] == [
        (str(copy), f"the same as {archive}"),
        (str(archive), f"the same as {archive}"),
    ]


@pytest.fixture
def command(monkeypatch, capsys):
    """Run a command in this process: exit code, what it printed, what it complained of."""

    def call(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["qsim", *map(str, words)])
        with pytest.raises(SystemExit) as end:
            main()
        printed = capsys.readouterr()
        return int(end.value.code or 0), printed.out, printed.err

    return call


def test_the_command_lists_every_hit_and_miss(command, archive, now):
    code, out, err = command("review", PLAN, "--archive", archive, "--quiet")
    assert (code, err) == (0, "")
    assert "  hit  2017  forest-coverage (森林覆盖率): P " in out
    assert "whole" in out.lower()
    assert "no band has the 20 outcomes it takes" in out


def test_the_command_gives_the_table(command, archive, now):
    code, out, _ = command("review", PLAN, "--archive", archive, "--quiet", "--csv")
    assert code == 0
    assert out == review_frame(now).to_csv(index=False, lineterminator="\n")


@pytest.mark.parametrize(("year", "hint"), [(2017, False), (2018, True)])
def test_an_assessment_after_the_end_of_a_plan_names_the_review(command, year, hint):
    code, out, err = command("assess", PLAN, "--as-of", year, "--draws", 100, "--scenario", "baseline", "--quiet")
    assert code == 0
    assert out.startswith("scenario,")
    named = f"{PLAN} ended in 2017: 'qsim review {PLAN}' compares what was said with what was published later\n"
    assert err == (named if hint else "")


def test_check_says_what_an_archive_holds(command, archive, study):
    code, out, _ = command("check", archive)
    assert code == 0
    held = len(study.plan.targets) * len(study.plan.scenarios)
    assert out == f"{archive}: {held} statements about {PLAN} as of 2015-05-02\n"


def test_an_edited_archive_is_bad_input(command, archive, tmp_path):
    content = json.loads(archive.read_text(encoding="utf-8"))
    edited = tmp_path / "edited.json"
    edited.write_text(json.dumps({**content, "seed": 7}), encoding="utf-8")
    code, out, err = command("review", PLAN, "--archive", edited, "--quiet")
    assert (code, out) == (2, "")
    assert "it was edited since" in err
    assert read_archive(archive).seed == 1
