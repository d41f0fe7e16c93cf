"""A plan folder's own figures are read from whichever kind of table stands there, and from one alone."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

import qsim
from qsim.checking import check_path
from qsim.errors import ObservationError, PlanError
from qsim.plans.read import own_table, read_plan

GOOD = Path(__file__).parent / "good"
FIGURES = pd.DataFrame(
    [("example", "example_pass_rate", year, value) for year, value in ((2012, 90.1), (2013, 90.6), (2014, 91.2))],
    columns=["region", "indicator", "year", "value"],
)


@pytest.fixture
def folder(tmp_path) -> Path:
    """A plan without figures."""
    shutil.copytree(GOOD, tmp_path, dirs_exist_ok=True)
    return tmp_path


def put(path: Path) -> None:
    match path.suffix:
        case ".xlsx":
            FIGURES.to_excel(path, index=False)
        case ".parquet":
            FIGURES.to_parquet(path, index=False)
        case _:
            FIGURES.to_csv(path, index=False)


@pytest.mark.parametrize(
    "name", ["observations.csv", "observations.csv.gz", "observations.xlsx", "observations.parquet"]
)
def test_a_table_of_any_kind_is_the_plans_own(folder, name):
    put(folder / name)
    assert own_table(folder) == folder / name
    assert "3 figures" in check_path(str(folder))


def test_a_run_uses_the_excel_table_of_the_folder(folder):
    put(folder / "observations.xlsx")
    study = qsim.run(folder, draws=100, beside=False)
    assert {(one.evidence, one.n_figures) for one in study.assessment.results} == {("figures", 3)}


def test_two_tables_are_refused_by_their_names(folder):
    put(folder / "observations.csv")
    put(folder / "observations.xlsx")
    with pytest.raises(PlanError, match=r"got observations\.csv and observations\.xlsx; expected one table"):
        read_plan(folder)


def test_a_folder_in_place_of_a_table_is_refused(folder):
    (folder / "observations.csv").mkdir()
    with pytest.raises(ObservationError, match="got a folder; expected a table"):
        check_path(str(folder))


def test_a_folder_in_place_of_the_scenarios_is_refused(folder):
    (folder / "scenarios.yaml").unlink()
    (folder / "scenarios.yaml").mkdir()
    with pytest.raises(PlanError, match="directory; expected a file that can be read"):
        read_plan(folder)


def test_old_excel_is_named_with_its_remedy(folder):
    (folder / "observations.xls").write_bytes(b"\xd0\xcf\x11\xe0")
    with pytest.raises(ObservationError, match=r"save it as \.xlsx"):
        check_path(str(folder))


def test_a_lever_may_name_a_region_of_an_excel_table(folder):
    figures = FIGURES.assign(region="neighbour")
    figures.to_excel(folder / "observations.xlsx", index=False)
    path = folder / "scenarios.yaml"
    text = path.read_text(encoding="utf-8").replace("    start_year:", "    regions: [neighbour]\n    start_year:", 1)
    path.write_text(text, encoding="utf-8")
    assert read_plan(folder).levers[0].regions == ("neighbour",)
