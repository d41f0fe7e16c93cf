"""Archives: what was said is kept whole, and an edited file is told from the one that was written."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qsim.errors import OutputError, PlanError
from qsim.evaluation.archive import Archive, archive_of, archive_text, changes, hashes, read_archive, write_archive
from qsim.study import Study, run
from qsim.vocabulary import OBSERVATION

PLAN = "guizhou-2017"


@pytest.fixture(scope="module")
def study() -> Study:
    return run(PLAN, draws=100, beside=False)


@pytest.fixture(scope="module")
def archive(study) -> Archive:
    return study.archive


@pytest.fixture
def file(archive, tmp_path) -> Path:
    path = tmp_path / "kept" / "archive.json"
    write_archive(archive, path)
    return path


def edited(file: Path, **keys: Any) -> Path:
    content = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps({**content, **keys}), encoding="utf-8")
    return file


def faults(path: Path) -> list[str]:
    with pytest.raises(PlanError) as refused:
        read_archive(path)
    return [str(fault) for fault in refused.value.faults]


def test_an_archive_reads_back_as_it_was_written(archive, file):
    assert read_archive(file) == archive


def test_it_holds_every_probability_of_the_assessment(study, archive):
    results = study.assessment.results
    assert [(one.scenario, one.target) for one in archive.statements] == [(r.scenario, r.target.id) for r in results]
    for kept, result in zip(archive.statements, results, strict=True):
        pairs = [(kept.p_published, result.p_published), (kept.p_true, result.p_true)]
        pairs += [(a.p_published, b.p_published) for a, b in zip(kept.years, result.years, strict=True)]
        for written, said in pairs:
            assert (written is None) == (said is None)
            assert said is None or abs(written - said) <= 5e-7
        assert (kept.evidence, kept.reason) == (result.evidence, result.reason)


def test_it_says_with_what_it_was_made(study, archive):
    assert (archive.plan, archive.as_of, archive.origin) == (PLAN, study.plan.as_of, study.posterior.origin)
    assert (archive.seed, archive.draws, archive.engine) == (0, 100, "laplace")


def test_equal_assessments_make_equal_files(archive):
    again = run(PLAN, draws=100, beside=False)
    assert archive_text(archive_of(again.assessment)) == archive_text(archive)


def test_a_plan_assessed_later_keeps_that_day():
    later = run(PLAN, draws=100, beside=False, scenarios=[], as_of=2016)
    assert archive_of(later.assessment).as_of.isoformat() == "2016-12-31"


@pytest.mark.parametrize("key", ["seed", "draws"])
def test_one_number_edited_is_said(file, archive, key):
    (fault,) = faults(edited(file, **{key: getattr(archive, key) + 1}))
    assert fault.startswith(f"sha256: got {archive.sha256}; expected ")
    assert fault.endswith("the hash of what stands in the file: it was edited since")


def test_a_probability_edited_is_said(file):
    content = json.loads(file.read_text(encoding="utf-8"))
    statements = content["statements"]
    place = next(n for n, one in enumerate(statements) if "p_published" in one)
    statements[place]["p_published"] = 0.5
    assert len(faults(edited(file, statements=statements))) == 1


def test_layout_is_no_edit(file, archive):
    file.write_text(json.dumps(json.loads(file.read_text(encoding="utf-8")), indent=4, sort_keys=True), "utf-8")
    assert read_archive(file) == archive


def test_all_faults_of_a_file_come_at_once(file):
    found = faults(edited(file, seed="0", draws=None, colour="red", as_of="soon"))
    assert found == [
        "as_of: got 'soon'; expected a day written 2016-05-31",
        "seed: got '0'; expected a whole number, without quotes",
        "draws: got nothing; expected a whole number, without quotes",
        "colour: got an unknown key; expected a key of the schema; nearest of 14 are origin, format, plan",
    ]


def test_statements_about_other_targets_and_years_are_said_with_the_edit(file):
    statements = json.loads(file.read_text(encoding="utf-8"))["statements"]
    statements[0]["target"] = "no-such"
    statements[1]["years"] = statements[1]["years"][:1]
    found = faults(edited(file, statements=statements))
    assert [fault.split(":")[0] for fault in found] == ["statements[0].target", "statements[1].years", "sha256"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"plan": }', "line 1, column 10: got broken JSON (Expecting value); expected an archive as qsim wrote it"),
        ('{"plan": "a", "plan": "b"}', "key plan: got a second time in one place; expected each key once"),
        ("[]", "file: got list; expected a mapping with keys at the top level"),
    ],
)
def test_a_file_that_is_no_archive_says_where(tmp_path, text, expected):
    path = tmp_path / "archive.json"
    path.write_text(text, encoding="utf-8")
    assert faults(path) == [expected]


def test_a_missing_file_and_one_that_is_not_utf8_are_bad_input(tmp_path):
    assert faults(tmp_path / "none.json") == ["file: got No such file or directory; expected a file that can be read"]
    (tmp_path / "gbk.json").write_bytes('{"标题": 1}'.encode("gbk"))
    assert faults(tmp_path / "gbk.json") == ["byte 2: got not UTF-8; expected a file saved as UTF-8"]


def test_a_place_that_cannot_be_written_to_is_said(archive, file):
    with pytest.raises(OutputError, match=r"cannot write to .*: .*; choose another file"):
        write_archive(archive, file / "inside-a-file.json")


def test_nothing_has_changed_right_after(study, archive):
    assert changes(archive, hashes(study.plan, study.observations, study.assessment.catalogue)) == ()


def test_each_part_that_changes_is_named_alone(study, archive):
    plan, seen, catalogue = study.plan, study.observations, study.assessment.catalogue
    due = plan.targets[0].model_copy(update={"status": "binding"})
    other_plan = plan.model_copy(update={"targets": (due, *plan.targets[1:])})
    fewer = plan.model_copy(update={"scenarios": plan.scenarios[:1]})
    used = np.flatnonzero((seen["set_aside"].values == "") & (seen["indicator"].values == plan.targets[0].indicator))
    less = seen.drop_isel({OBSERVATION: used[:1]})
    slug = plan.targets[0].indicator
    decimals = catalogue.get(slug).model_copy(update={"decimals": 3})
    for now, part in (
        (hashes(other_plan, seen, catalogue), "plan"),
        (hashes(fewer, seen, catalogue), "scenarios"),
        (hashes(plan, less, catalogue), "data"),
        (hashes(plan, seen, catalogue.extended((decimals,))), "indicators"),
    ):
        assert [change.part for change in changes(archive, now)] == [part]
    older = archive.model_copy(update={"version": "0.0.1"})
    (change,) = changes(older, hashes(plan, seen, catalogue))
    assert (change.part, change.archived) == ("version", "0.0.1")


def test_order_sources_and_figures_set_aside_are_no_change_of_the_data(study, archive):
    seen, catalogue = study.observations, study.assessment.catalogue
    backwards = seen.isel({OBSERVATION: slice(None, None, -1)})
    unnamed = backwards.assign(source=(OBSERVATION, np.full(backwards.sizes[OBSERVATION], "", dtype=object)))
    used = unnamed.isel({OBSERVATION: np.flatnonzero(unnamed["set_aside"].values == "")})
    assert changes(archive, hashes(study.plan, used, catalogue)) == ()
