"""A faulty table is refused once, with everything a planner needs to mend it."""

from pathlib import Path

import pandas as pd
import pytest

from qsim.errors import ObservationError, QsimError
from qsim.observations.read import read_observations

BAD = Path(__file__).parent / "bad"
GOOD_ROW = {"region": "guizhou", "indicator": "food_rate", "year": "2015", "value": "93.4"}


def faults_of(source, catalogue):
    with pytest.raises(ObservationError) as caught:
        read_observations(source, catalogue=catalogue)
    return caught.value.faults


@pytest.mark.parametrize("path", sorted(BAD.glob("error_*.csv")), ids=lambda path: path.stem)
def test_a_bad_table_gets_the_message_beside_it(path, catalogue):
    with pytest.raises(ObservationError) as caught:
        read_observations(path, catalogue=catalogue)
    assert str(caught.value).replace(str(BAD) + "/", "") == path.with_suffix(".txt").read_text("utf-8").rstrip("\n")


def test_every_bad_table_has_its_message_and_every_message_its_table():
    assert {path.stem for path in BAD.glob("*.csv")} == {path.stem for path in BAD.glob("*.txt")}


@pytest.mark.parametrize(
    ("column", "cell", "expected"),
    [
        ("region", " ", "a name"),
        ("indicator", "双名", "twin_a or twin_b"),
        ("year", "15", "four digits"),
        ("year", "2015.5", "four digits"),
        ("value", "九十", "a number"),
        ("value", "1,60", "a number"),
        ("value", "1 609", "a number"),
        ("value", "1e2", "a number"),
        ("value", "inf", "a number"),
        ("value", "100.5", "between 0 and 100"),
        ("qualifier", "大致", "(以上)"),
        ("numerator", "-1", "0 or more"),
        ("numerator", "1.5", "a whole number"),
        ("denominator", "0", "1 or more"),
        ("decimals", "7", "0 to 6"),
        ("definition", "code", "no list of definitions"),
        ("period", "Q", "'part'"),
        ("published", "20", "2016-06"),
        ("published", "2016年13月", "2016-06"),
        ("published", "2014", "2015, the year of the figure"),
    ],
)
def test_a_bad_cell_is_one_fault_at_its_row_and_column(column, cell, expected, catalogue):
    (fault,) = faults_of(pd.DataFrame([GOOD_ROW, GOOD_ROW | {column: cell}]).fillna(""), catalogue)
    assert fault.where == f"row 3, column {column}"
    assert fault.got == (repr(cell) if cell.strip() else "an empty cell")
    assert expected in fault.expected


def test_an_unlike_definition_is_answered_with_the_list(catalogue):
    row = GOOD_ROW | {"indicator": "forest_rate", "definition": "xyz"}
    (fault,) = faults_of(pd.DataFrame([row]), catalogue)
    assert "national" in fault.expected
    assert "provincial" in fault.expected


def test_blank_rows_count_as_excel_counts_them(tmp_path, catalogue):
    path = tmp_path / "gaps.csv"
    path.write_text("地区,指标,年份,数值\n\n贵州,r,2014,93\n,,,\n贵州,r,abc,93\n", encoding="utf-8")
    assert [fault.where for fault in faults_of(path, catalogue)] == ["row 5, column 年份"]


def test_a_line_break_inside_a_cell_is_no_new_row(tmp_path, catalogue):
    path = tmp_path / "breaks.csv"
    path.write_text('region,indicator,year,value,note\na,r,2014,93,"one\ntwo"\na,r,abc,93,\n', encoding="utf-8")
    assert [fault.where for fault in faults_of(path, catalogue)] == ["row 3, column year"]


def test_several_tables_name_the_file(tmp_path, catalogue):
    good, bad, gone = tmp_path / "good.csv", tmp_path / "bad.csv", tmp_path / "gone.csv"
    good.write_text("region,indicator,year,value\na,r,2014,93\n", encoding="utf-8")
    bad.write_text("地区,指标,年份,数值\na,r,2014,193\n", encoding="gb18030")
    with pytest.raises(ObservationError, match="3 tables: 2 faults") as caught:
        read_observations([good, bad, gone], catalogue=catalogue)
    assert [fault.where for fault in caught.value.faults] == ["gone.csv, file", "bad.csv, row 2, column 数值"]


def test_one_source_with_two_figures_is_found_across_tables(tmp_path, catalogue):
    one, two = tmp_path / "one.csv", tmp_path / "two.csv"
    one.write_text("region,indicator,year,value,source\na,r,2014,93.0,Bulletin\n", encoding="utf-8")
    two.write_text("region,indicator,year,value,source\na,r,2014,91.0,Bulletin\n", encoding="utf-8")
    (fault,) = faults_of([one, two], catalogue)
    assert fault.where == "two.csv, row 2, column value"
    assert "one.csv:2" in fault.expected


@pytest.mark.parametrize(
    "change", [{"period": "part"}, {"definition": "national"}, {"year": "2016"}, {"url": "http://b"}]
)
def test_one_source_may_have_two_figures_for_two_things(change, catalogue):
    row = GOOD_ROW | {
        "indicator": "forest_rate",
        "definition": "provincial",
        "source": "B",
        "period": "",
        "url": "http://a",
    }
    second = row | {"period": change.get("period", ""), "value": "91.0"} | change
    first = row | ({"period": "part"} if "period" in change else {})
    assert len(read_observations(pd.DataFrame([first, second]), catalogue=catalogue)["value"]) == 2


@pytest.mark.parametrize(
    ("values", "faulty"),
    [
        (["0.9"], False),  # one share below 1 % is nothing unusual
        (["0.9", "50.1"], False),
        (["0.9", "0.95"], True),
        (["1", "0.95"], True),
        (["0.9%", "0.95"], False),
        (["0", "0"], False),
    ],
)
def test_fractions_are_suspected_only_where_all_of_several_are_at_most_1(values, faulty, catalogue):
    rows = [GOOD_ROW | {"year": str(2015 + place), "value": value} for place, value in enumerate(values)]
    if faulty:
        assert all("percent" in fault.expected for fault in faults_of(pd.DataFrame(rows), catalogue))
    else:
        read_observations(pd.DataFrame(rows), catalogue=catalogue)


def test_counts_that_agree_prove_a_small_rate(catalogue):
    rows = [
        GOOD_ROW | {"year": year, "value": "0.5", "numerator": "5", "denominator": "1000"} for year in ("2015", "2016")
    ]
    assert read_observations(pd.DataFrame(rows), catalogue=catalogue)["value"].values.tolist() == [0.5, 0.5]


@pytest.mark.parametrize(
    ("name", "content", "got"),
    [
        ("a.xls", b"", "old Excel"),
        ("a.txt", b"", "a .txt"),
        ("a", b"", "without an ending"),
        ("a.xlsx", b"region,indicator", "no Excel file"),
        ("a.xlsx", b"\xd0\xcf\x11\xe0", "old or locked"),
        ("a.xlsx", b"PK\x03\x04broken", "no Excel file"),
        ("a.parquet", b"PAR1", "no parquet file"),
        ("a.csv.gz", b"region,indicator", "no whole gzip file"),
        ("a.csv.gz", b"\x1f\x8b\x08\x00", "no whole gzip file"),
        ("a.csv", b"\xff\xfea\x00", "neither UTF-8 nor GB18030"),
        ("a.csv", b"", "nothing in row 1"),
    ],
)
def test_an_unreadable_file_says_what_it_is(name, content, got, tmp_path, catalogue):
    path = tmp_path / name
    path.write_bytes(content)
    (fault,) = faults_of(path, catalogue)
    assert got in fault.got


def test_a_missing_file_and_a_folder_are_faults_too(tmp_path, catalogue):
    folder = tmp_path / "folder.csv"
    folder.mkdir()
    assert faults_of(tmp_path / "none.csv", catalogue)[0].got == "no such file"
    assert faults_of(folder, catalogue)[0].got == "a folder"
    assert faults_of([], catalogue)[0].got == "an empty list"
    assert faults_of(pd.DataFrame({"region": []}), catalogue)[0].got == "no figures below the header"
    assert faults_of(pd.DataFrame(), catalogue)[0].got == "nothing in row 1"


def test_an_observation_error_is_a_value_error():
    assert issubclass(ObservationError, QsimError)
    assert issubclass(ObservationError, ValueError)


@pytest.mark.parametrize("cover", [["质量统计"], ["质量统计", "2015"], []])
def test_a_cover_sheet_is_told_that_only_the_first_sheet_is_read(tmp_path, catalogue, cover):
    with pd.ExcelWriter(tmp_path / "a.xlsx") as book:
        pd.DataFrame({name: ["x"] for name in cover}).to_excel(book, sheet_name="cover", index=False)
        pd.DataFrame({"region": ["here"], "indicator": ["rate"], "year": [2015], "value": [90.1]}).to_excel(
            book, sheet_name="figures", index=False
        )
    told = [str(fault) for fault in faults_of(tmp_path / "a.xlsx", catalogue)]
    assert sum("only the first sheet is read: put the figures there" in fault for fault in told) == 1
