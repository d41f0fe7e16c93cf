"""Reading the cases of a backtest."""

import pandas as pd
import pytest

from qsim.errors import ObservationError
from qsim.evaluation.cases import Case, CaseTarget, read_cases

HEADER = "case_id,indicator,region,cutoff,hist_n,t3_lo,t3_hi,t10_lo,modelled\n"


@pytest.fixture
def write(tmp_path):
    def to_file(text: str, name: str = "cases.csv"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return to_file


def faults(source) -> list[str]:
    with pytest.raises(ObservationError) as error:
        read_cases(source)
    return [str(fault) for fault in error.value.faults]


def test_a_case_has_its_series_its_history_and_its_targets(write):
    cases = read_cases(write(HEADER + "a,schools,0114,2010,5,80.5,,91,1\nb,schools, 1280 ,2011,8.0,,,,0\n"))
    assert cases == (
        Case(
            case_id="a",
            indicator="schools",
            region="0114",
            cutoff=2010,
            hist_n=5,
            targets=(
                CaseTarget(horizon=3, bound="lo", level=80.5),
                CaseTarget(horizon=10, bound="lo", level=91.0),
            ),
        ),
        Case(case_id="b", indicator="schools", region="1280", cutoff=2011, hist_n=8),
    )


@pytest.mark.parametrize("ending", ["csv", "csv.gz", "parquet"])
def test_every_kind_of_file_gives_the_same_cases(tmp_path, ending):
    frame = pd.DataFrame(
        {"case_id": ["a"], "indicator": ["s"], "region": ["0114"], "cutoff": [2010], "hist_n": [5], "t3_lo": [80.5]}
    )
    path = tmp_path / f"cases.{ending}"
    if ending == "parquet":
        frame.to_parquet(path)
    else:
        frame.to_csv(path, index=False)
    assert read_cases(path) == read_cases(frame)
    assert read_cases(path)[0].region == "0114"


def test_columns_that_are_no_case_are_passed_over(write):
    (case,) = read_cases(write("case_id,t0_lo,t3_mid,indicator,region,cutoff,hist_n\na,x,y,s,r,2010,5\n"))
    assert case.targets == ()


def test_all_faults_of_a_table_are_said_at_once(write):
    text = HEADER + "a,s,r,2010,5,,,,\n,s,r,201,0,eighty,,,\n\na,,r,2010,2.5,inf,,,\n"
    assert faults(write(text)) == [
        "row 3, column case_id: got an empty cell; expected a name",
        "row 3, column cutoff: got '201'; expected a calendar year in four digits, 1900 to 2100, such as 2015",
        "row 3, column hist_n: got '0'; expected a whole number of figures, at least 1",
        "row 3, column t3_lo: got 'eighty'; expected a number such as 93.4, or an empty cell for no target",
        "row 5, column case_id: got 'a'; expected each case_id once; row 2 has it already",
        "row 5, column indicator: got an empty cell; expected a name",
        "row 5, column hist_n: got '2.5'; expected a whole number of figures, at least 1",
        "row 5, column t3_lo: got 'inf'; expected a number such as 93.4, or an empty cell for no target",
    ]


def test_every_missing_and_doubled_column_is_said(write):
    found = faults(write("case_id,region,region,t3_lo,t3_lo\na,r,r,1,2\n"))
    assert [text.split(":")[0] for text in found] == [
        "row 1, column indicator",
        "row 1, column cutoff",
        "row 1, column hist_n",
        "row 1, column region",
        "row 1, column t3_lo",
    ]


@pytest.mark.parametrize("text", ["", HEADER])
def test_a_table_without_cases_is_a_fault(write, text):
    assert any("no case" in fault for fault in faults(write(text)))


def test_a_file_that_is_not_there_is_a_fault(tmp_path):
    assert faults(tmp_path / "none.csv") == [
        f"file: got no such file; expected a file none.csv in {tmp_path}: check the name and the folder"
    ]
