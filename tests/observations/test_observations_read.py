"""A table of figures becomes one labelled dataset, whatever file it comes in."""

import gzip
import re
import subprocess
import sys
import time
from datetime import date, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from openpyxl import Workbook

from qsim.observations.columns import COLUMNS, NAMES
from qsim.observations.read import read_observations
from qsim.shipped import shipped_folder, shipped_observations

CSV = """地区,指标,年份,数值,限定,合格数,抽查数,小数位,口径,时段,发布日期,来源,网址,备注
 贵州 ,食品抽检合格率,2014,93.4%,,,,,,,2015年6月,公报,http://a,
贵州,食品抽检合格率,２０１５年,９３．４０,以上,,,,,,,公报,,约数
贵州,监督抽查合格率（产品）,2015,,,"1,609","1,684",,,,2016,"年鉴, 卷一",,
贵州,森林覆盖率,2015,50,约,,,,省级年度更新（含灌木）,全年,2016-03-08,林业厅,,
贵州,森林覆盖率,2016,52.0,,,,,,,,,,
贵州,食品抽检合格率,2016,99.1,,,,,,part,,,,
"""


@pytest.fixture
def table(tmp_path) -> Path:
    path = tmp_path / "figures.csv"
    path.write_text(CSV, encoding="utf-8")
    return path


def read_rows(catalogue, *rows, **options) -> xr.Dataset:
    base = {"region": "guizhou", "indicator": "food_rate", "year": "2015"}
    return read_observations(pd.DataFrame([base | row for row in rows]).fillna(""), catalogue=catalogue, **options)


def as_text(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def write_xlsx(path: Path, lines: list[list[object]], formats: dict[tuple[int, int], str] | None = None) -> Path:
    book = Workbook()
    for line in lines:
        book.active.append(line)
    for place, number_format in (formats or {}).items():
        book.active.cell(*place).number_format = number_format
    book.save(path)
    return path


def test_every_variable_of_the_schema_is_there(table, catalogue):
    data = read_observations(table, catalogue=catalogue)
    added = {"lower", "upper", "basis", "joins", "sources", "rows", "set_aside", "published_given"}
    assert set(data.data_vars) == set(NAMES) | added
    assert all(variable.dims == ("observation",) for variable in data.data_vars.values())
    assert data["observation"].values.tolist() == list(range(6))


def test_the_names_are_those_of_the_schema():
    page = (Path(__file__).parents[2] / "docs" / "schema.md").read_text("utf-8")
    rows = re.findall(r"^\| `(\w+)` \| ([一-鿿]+) \|", page, flags=re.MULTILINE)
    assert rows == [(column.name, column.chinese) for column in COLUMNS]


def test_cells_mean_what_they_say(table, catalogue):
    data = read_observations(table, catalogue=catalogue)
    assert data["region"].values.tolist() == ["贵州"] * 6
    assert data["indicator"].values[:4].tolist() == ["food_rate", "food_rate", "spotcheck_rate", "forest_rate"]
    assert data["year"].values.tolist() == [2014, 2015, 2015, 2015, 2016, 2016]
    assert data["decimals"].values.tolist() == [1, 2, 1, 0, 1, 1]
    assert data["qualifier"].values.tolist() == ["=", ">=", "=", "~", "=", "="]
    assert data["value"].values[2] == pytest.approx(100 * 1609 / 1684)
    assert data["definition"].values[3] == data["basis"].values[3] == "provincial"
    days = ["2015-06-30", "2016-06-30", "2016-12-31", "2016-03-08", "2017-06-30", "2017-06-30"]
    assert data["published"].values.astype("datetime64[D]").astype(str).tolist() == days
    assert data["published_given"].values.tolist() == [True, False, True, True, False, False]
    assert data["set_aside"].values.tolist() == ["", "", "", "", "no_definition", "partial_year"]
    assert data["rows"].values.tolist() == ["2", "3", "4", "5", "6", "7"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("packed", [False, True])
def test_csv_reads_the_same_in_every_encoding(encoding, packed, table, tmp_path, catalogue):
    content = CSV.encode(encoding)
    path = tmp_path / ("other.CSV.gz" if packed else "other.csv")
    path.write_bytes(gzip.compress(content) if packed else content)
    xr.testing.assert_identical(
        read_observations(path, catalogue=catalogue), read_observations(table, catalogue=catalogue)
    )


def test_windows_line_ends_change_nothing(table, tmp_path, catalogue):
    path = tmp_path / "windows.csv"
    path.write_bytes(CSV.replace("\n", "\r\n").encode())
    xr.testing.assert_identical(
        read_observations(path, catalogue=catalogue), read_observations(table, catalogue=catalogue)
    )


def test_frame_xlsx_and_parquet_read_the_same(table, tmp_path, catalogue):
    expected, frame = read_observations(table, catalogue=catalogue), as_text(table)
    frame.to_parquet(tmp_path / "figures.parquet")
    write_xlsx(tmp_path / "figures.xlsx", [list(frame.columns), *frame.to_numpy().tolist()])
    for source in (frame, tmp_path / "figures.parquet", str(tmp_path / "figures.xlsx"), [frame]):
        xr.testing.assert_identical(read_observations(source, catalogue=catalogue), expected)


def test_english_and_chinese_columns_read_the_same(table, catalogue):
    frame = as_text(table)
    english = frame.rename(columns={column.chinese: column.name for column in COLUMNS})
    assert set(english.columns) <= set(NAMES)
    xr.testing.assert_identical(
        read_observations(english, catalogue=catalogue), read_observations(frame, catalogue=catalogue)
    )


def test_numbers_in_cells_keep_the_decimals_that_excel_shows(tmp_path, catalogue):
    header = ["region", "indicator", "year", "value", "published"]
    lines = [
        ["a", "r", 2012, 93.4, datetime(2013, 5, 1)],
        ["a", "r", 2013, 93.4, datetime(2014, 5, 1)],
        ["a", "r", 2014, 0.934, date(2015, 5, 1)],
        ["a", "r", 2015, 93, 2016],
        ["a", "trademarks", 2015, 1609, None],
    ]
    formats = {(2, 5): "yyyy-mm-dd", (3, 4): "0.00", (3, 5): "yyyy-mm", (4, 4): "0.00%", (6, 4): "#,##0"}
    data = read_observations(write_xlsx(tmp_path / "a.xlsx", [header, *lines], formats), catalogue=catalogue)
    assert data["value"].values.tolist() == [93.4, 93.4, 93.4, 93.0, 1609.0]
    assert data["decimals"].values.tolist() == [1, 2, 2, 0, 0]
    days = ["2013-05-01", "2014-05-31", "2015-05-01", "2016-12-31", "2016-06-30"]
    assert data["published"].values.astype("datetime64[D]").astype(str).tolist() == days


def test_a_frame_of_numbers_reads_like_its_text(catalogue):
    numbers = pd.DataFrame(
        {
            "region": ["a", "a", "a"],
            "indicator": "r",
            "year": [2013.0, 2014.0, 2015.0],
            "value": np.array([93.4, np.nan, 91.25], dtype="float32"),
            "numerator": [np.nan, 9, np.nan],
            "denominator": pd.array([None, 10, None], dtype="Int64"),
            "published": pd.to_datetime(["2014-03-01", None, "2016-02-29"]),
        },
        index=[7, 8, 9],
    )
    data = read_observations(numbers, catalogue=catalogue)
    assert data["value"].values.tolist() == [93.4, 90.0, 91.25]
    assert data["decimals"].values.tolist() == [1, 1, 2]
    assert data["published_given"].values.tolist() == [True, False, True]


def test_arithmetic_dust_is_no_printed_decimal(catalogue):
    assert read_rows(catalogue, {"value": 100 * 0.934 + 1e-14})["decimals"].values.tolist() == [1]


@pytest.mark.parametrize(
    ("cell", "day"),
    [
        ("2015", "2015-12-31"),
        ("2015年", "2015-12-31"),
        ("2016-02", "2016-02-29"),
        ("2016/2", "2016-02-29"),
        ("2016年2月", "2016-02-29"),
        ("2016.2.3", "2016-02-03"),
        ("２０１６-02-03", "2016-02-03"),
        ("20160203", "2016-02-03"),
        ("2016年2月3日", "2016-02-03"),
        ("2016-02-03 00:00:00", "2016-02-03"),
        ("2016-02-03T09:30:00+08:00", "2016-02-03"),
        ("", "2016-06-30"),
    ],
)
def test_a_date_stands_for_its_last_day(cell, day, catalogue):
    published = read_rows(catalogue, {"value": "93.4", "published": cell})["published"].values
    assert published.astype("datetime64[D]").astype(str).tolist() == [day]


@pytest.mark.parametrize(
    ("words", "sign"),
    [
        (("", "=", "＝"), "="),
        ((">=", "≥", "＞＝", "以上", "不低于"), ">="),
        (("<=", "≤", "以下", "不超过"), "<="),
        (("~", "～", "约", "左右"), "~"),
    ],
)
def test_chinese_words_stand_for_qualifiers(words, sign, catalogue):
    for word in words:
        assert read_rows(catalogue, {"value": "93.4", "qualifier": word})["qualifier"].values.tolist() == [sign]


@pytest.mark.parametrize(
    ("row", "lower", "upper"),
    [
        ({"value": "93.4"}, 93.35, 93.45),
        ({"value": "93.40"}, 93.395, 93.405),
        ({"value": "93"}, 92.5, 93.5),
        ({"value": "93.40", "decimals": "1"}, 93.35, 93.45),
        ({"value": "100"}, 99.5, 100),
        ({"value": "0.0"}, 0, 0.05),
        ({"value": "95", "qualifier": ">="}, 95, 100),
        ({"value": "5", "qualifier": "<="}, 0, 5),
        ({"value": "90", "qualifier": "~"}, 87.5, 92.5),
        ({"value": "97.6", "qualifier": "~"}, 97.1, 98.1),
        ({"value": "99.9", "qualifier": "~"}, 99.4, 100),
        ({"indicator": "trademarks", "value": "120"}, 119.5, 120.5),
        ({"indicator": "trademarks", "value": "120", "qualifier": ">="}, 120, np.inf),
        ({"indicator": "trademarks", "value": "1", "qualifier": "~"}, 0, 3.5),
        ({"indicator": "growth", "value": "-1.5", "qualifier": "<="}, -np.inf, -1.5),
        ({"indicator": "growth", "value": "0.2"}, 0.15, 0.25),
        ({"numerator": "2", "denominator": "3"}, 66.616666667, 66.716666667),
        ({"indicator": "good_days", "numerator": "290", "denominator": "365"}, 289.5, 290.5),
    ],
)
def test_the_interval_holds_every_figure_that_prints_like_this(row, lower, upper, catalogue):
    data = read_rows(catalogue, row)
    assert data["lower"].values.tolist() == [pytest.approx(lower, abs=1e-9)]
    assert data["upper"].values.tolist() == [pytest.approx(upper, abs=1e-9)]


def test_an_unknown_indicator_is_a_rate_even_with_a_chinese_name(catalogue):
    data = read_rows(catalogue, {"indicator": "公众满意度", "value": "93"})
    assert data["indicator"].values.tolist() == ["公众满意度"]
    assert data["upper"].values.tolist() == [93.5]


def test_definitions_of_one_basis_keep_their_codes(catalogue):
    rows = [
        {"indicator": "forest_rate", "value": "50", "definition": code} for code in ("provincial", "provincial_old")
    ]
    data = read_rows(catalogue, *rows)
    assert data["definition"].values.tolist() == ["provincial", "provincial_old"]
    assert data["basis"].values.tolist() == ["provincial", "provincial"]


def test_figures_published_after_the_cutoff_are_set_aside(catalogue):
    rows = ({"year": "2015", "value": "93.4"}, {"year": "2016", "value": "93.9"})
    data = read_rows(catalogue, *rows, cutoff=date(2016, 6, 30))
    assert data["set_aside"].values.tolist() == ["", "after_cutoff"]


def test_the_dataset_survives_a_netcdf_file(table, tmp_path, catalogue):
    data = read_observations(table, catalogue=catalogue)
    data.to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    with xr.open_dataset(tmp_path / "a.nc", engine="h5netcdf") as loaded:
        xr.testing.assert_equal(loaded.load(), data)


def test_reading_imports_no_sampler_and_no_plots():
    code = "import sys, qsim.observations.read; print([m for m in ('pymc', 'arviz', 'matplotlib') if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_large_tables_are_read_in_seconds(tmp_path, catalogue):
    rows, path = 50_000, tmp_path / "large.csv"
    lines = [
        f"r{i % 500},food_rate,{2000 + i // 500 % 20},{90 + i % 97 / 10:.1f},,,2021-05,note {i % 5}"
        for i in range(rows)
    ]
    text = "\n".join(lines)
    path.write_text("region,indicator,year,value,numerator,denominator,published,note\n" + text, encoding="utf-8")
    start = time.perf_counter()
    data = read_observations(path, catalogue=catalogue)
    # Three times the goal of 3 s, since a test machine may be busy.
    assert time.perf_counter() - start < 9
    assert sum(len(row.split("; ")) for row in data["rows"].values) == rows


@pytest.mark.skipif(not shipped_observations(), reason="no shipped figures yet")
def test_the_shipped_figures_can_be_read():
    assert len(read_observations(shipped_observations())["value"]) > 0
    assert (shipped_folder() / "indicators.yaml").is_file()
