"""Claims about what write_appendix leaves in a folder."""

import re
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from qsim.errors import OutputError, UnknownNameError
from qsim.report import appendix
from qsim.report.appendix import write_appendix
from qsim.report.table import COLUMNS, assessment_frame


@pytest.fixture(scope="module")
def written(assessment, tmp_path_factory):
    folder = tmp_path_factory.mktemp("zh") / "new" / "folder"
    return folder, write_appendix(assessment, folder)


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_every_file_is_there_and_nothing_else(written):
    folder, paths = written
    tables = ["assessment.csv", "joint.csv", "checkpoints.csv", "archive.json", "study.nc"]
    assert [path.name for path in paths[:7]] == ["appendix.docx", "appendix.html", *tables]
    assert {str(path.relative_to(folder)) for path in paths} == set(_files(folder))
    assert {path.suffix for path in paths[7:]} == {".png", ".svg"}
    assert len(paths) == 7 + 2 * 3


def test_progress_names_each_figure(assessment, tmp_path):
    told = []
    write_appendix(assessment, tmp_path, progress=told.append)
    assert len(told) == 3 + 1
    assert "示例森林覆盖率" in told[2]


def test_csv_columns_are_the_contract():
    text = (Path(__file__).parents[2] / "docs" / "schema.md").read_text(encoding="utf-8")
    section = text.split("## Assessment table")[1].split("\n## ")[0]
    listed = [
        name for row in re.findall(r"^\| (`.*?) \|", section, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)
    ]
    assert sorted(listed) == sorted(COLUMNS)


def test_csv_has_a_row_a_year_and_one_for_the_whole_statement(assessment):
    frame = assessment_frame(assessment)
    assert tuple(frame.columns) == COLUMNS
    path = frame[(frame["target"] == "t2") & (frame["scenario"] == "baseline")]
    assert path["scope"].tolist() == ["year"] * 3 + ["overall"]
    assert path["year"].tolist() == [2018, 2019, 2020, 2020]
    assert path["level"].tolist()[:3] == [96, 97, 98]
    assert np.isnan(path["level"].iloc[3])
    assert frame.loc[frame["evidence"] == "not_testable", "note"].str.len().min() > 0
    assert frame.loc[frame["evidence"] == "not_testable", "p_published"].isna().all()


def test_csv_keeps_probabilities_to_the_last_bit(assessment, written):
    frame = pd.read_csv(written[0] / "assessment.csv", encoding="utf-8-sig")
    whole = frame[(frame["scope"] == "overall") & (frame["evidence"] == "figures")]
    expected = [result.p_published for result in assessment.results if result.evidence == "figures"]
    assert whole["p_published"].tolist() == expected


def test_csv_opens_in_excel_as_utf8(written):
    assert (written[0] / "assessment.csv").read_bytes().startswith(b"\xef\xbb\xbf")


def test_equal_input_gives_equal_files(assessment, written, tmp_path):
    write_appendix(assessment, tmp_path)
    again, before = _files(tmp_path), _files(written[0])
    assert set(again) == set(before)
    assert [name for name in before if name != "study.nc" and before[name] != again[name]] == []


def test_study_holds_the_draws(assessment, written):
    path = written[0] / "study.nc"
    with xr.open_dataset(path, group="forecast", engine="h5netcdf") as forecast:
        xr.testing.assert_equal(forecast["published"], assessment.forecast["published"])
        assert forecast["region"].values.tolist() == ["shili"] * 4
    with xr.open_dataset(path, group="history", engine="h5netcdf") as history:
        np.testing.assert_array_equal(history["rate"].values, assessment.history["rate"].values)
    with xr.open_dataset(path, group="observations", engine="h5netcdf") as observations:
        assert observations["source"].values.tolist() == assessment.observations["source"].values.tolist()
    with xr.open_dataset(path, engine="h5netcdf") as root:
        assert (root.attrs["plan"], root.attrs["seed"]) == ("shili-2020", 1)


@pytest.mark.parametrize("part", ["render_docx", "render_html", "csv_text", "write_study"])
def test_a_run_that_fails_leaves_the_folder_as_it_was(assessment, tmp_path, monkeypatch, part):
    (tmp_path / "appendix.docx").write_bytes(b"older")
    (tmp_path / "mine.txt").write_bytes(b"mine")

    def fail(*args: object) -> None:
        raise RuntimeError("a fault in a renderer")

    monkeypatch.setattr(appendix, part, fail)
    with pytest.raises(RuntimeError, match="a fault"):
        write_appendix(assessment, tmp_path)
    assert _files(tmp_path) == {"appendix.docx": b"older", "mine.txt": b"mine"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["appendix.docx", "mine.txt"]


def test_a_move_that_fails_puts_older_files_back(assessment, tmp_path):
    (tmp_path / "appendix.docx").write_bytes(b"older")
    (tmp_path / "study.nc").mkdir()
    (tmp_path / "study.nc" / "kept").write_bytes(b"kept")
    with pytest.raises(OutputError, match=r"study\.nc.*choose another folder"):
        write_appendix(assessment, tmp_path)
    assert _files(tmp_path) == {"appendix.docx": b"older", "study.nc/kept": b"kept"}
    assert not (tmp_path / "figures").exists()


def test_files_of_other_names_stay(assessment, tmp_path):
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "mine.png").write_bytes(b"mine")
    (tmp_path / "appendix.html").write_bytes(b"older")
    write_appendix(assessment, tmp_path)
    assert (tmp_path / "figures" / "mine.png").read_bytes() == b"mine"
    assert (tmp_path / "appendix.html").read_bytes() != b"older"


def test_a_file_in_place_of_the_folder_is_an_output_error(assessment, tmp_path):
    (tmp_path / "out").write_bytes(b"a file")
    with pytest.raises(OutputError, match="it is a file; name a folder"):
        write_appendix(assessment, tmp_path / "out")
    with pytest.raises(OutputError, match="is a file"):
        write_appendix(assessment, tmp_path / "out" / "below")
    assert (tmp_path / "out").read_bytes() == b"a file"


def test_a_failed_run_does_not_make_the_folder(assessment, tmp_path, monkeypatch):
    monkeypatch.setattr(appendix, "render_html", lambda document: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_appendix(assessment, tmp_path / "new")
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_language_names_the_known_ones(assessment, tmp_path):
    with pytest.raises(UnknownNameError, match="en, zh"):
        write_appendix(assessment, tmp_path, language="xx")


def test_a_plan_without_figures_still_makes_an_appendix(thin, tmp_path):
    paths = write_appendix(thin, tmp_path)
    assert len(paths) == 7
    assert "说明不了任何一项目标" in (tmp_path / "appendix.html").read_text(encoding="utf-8")


def test_an_assessment_of_a_forecast_alone_makes_an_appendix(assessment, tmp_path):
    from dataclasses import replace

    bare = replace(assessment, observations=xr.Dataset(), history=xr.Dataset(), diagnostics=xr.Dataset(), engine="")
    assert len(write_appendix(bare, tmp_path)) == 7


def test_word_opens_what_was_written(written):
    with ZipFile(written[0] / "appendix.docx") as package:
        assert package.testzip() is None
        assert {info.date_time for info in package.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_english_names_and_notes_hold_no_chinese(assessment):
    frame = assessment_frame(assessment, "en")
    assert not re.search("[\u4e00-\u9fff]", "".join(frame["name"]) + "".join(frame["note"]))


def test_the_cutoff_of_the_assessment_stands_in_the_appendix(assessment, tmp_path):
    from dataclasses import replace
    from datetime import date

    write_appendix(replace(assessment, as_of=date(2019, 12, 31)), tmp_path)
    assert "2019年12月31日" in (tmp_path / "appendix.html").read_text(encoding="utf-8")
