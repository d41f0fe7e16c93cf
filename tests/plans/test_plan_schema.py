"""Every faulty file names all its faults; the shipped and the example files have none."""

import re
import shutil
from pathlib import Path

import pytest

from qsim.errors import Fault, PlanError, UnknownNameError
from qsim.indicators import read_catalogue
from qsim.plans.plan import PlanText
from qsim.plans.read import read_plan
from qsim.records import key_path, nearest, parse_record, read_yaml
from qsim.shipped import shipped_catalogue, shipped_plans

HERE = Path(__file__).parent
GOOD = HERE / "good"
BAD = sorted((HERE / "bad").glob("*.yaml"))


def header(path: Path, key: str) -> list[str]:
    """Values of ``# key: value`` lines at the top of a fixture."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line.removeprefix(f"# {key}: ") for line in lines if line.startswith(f"# {key}: ")]


def faults_of(path: Path, folder: Path) -> list[str]:
    """Read a fixture in the place of the file it stands for, beside good ones."""
    shutil.copytree(GOOD, folder, dirs_exist_ok=True)
    (name,) = header(path, "file")
    shutil.copy(path, folder / name)
    with pytest.raises(PlanError) as caught:
        _ = read_catalogue(folder / name) if name == "indicators.yaml" else read_plan(folder)
    # The words of the YAML library differ between its versions.
    return [re.sub(r"broken YAML \(.*\);", "broken YAML;", str(fault)) for fault in caught.value.faults]


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem.removeprefix("error_"))
def test_a_faulty_file_names_its_faults(path, tmp_path):
    assert header(path, "fault")
    assert faults_of(path, tmp_path) == header(path, "fault")


def test_the_example_plan_is_read_whole():
    plan = read_plan(GOOD)
    assert [target.years for target in plan.targets] == [(2020,), (2018, 2020)]
    assert [scenario.id for scenario in plan.scenarios] == ["baseline", "checks"]


def test_a_plan_without_scenarios_has_the_baseline(tmp_path):
    shutil.copy(GOOD / "plan.yaml", tmp_path)
    assert [scenario.id for scenario in read_plan(tmp_path).scenarios] == ["baseline"]


@pytest.mark.parametrize("name", shipped_plans())
def test_a_shipped_plan_is_read_by_name_and_by_folder(name):
    assert read_plan(name).id == name


def test_the_shipped_catalogue_has_indicators():
    assert shipped_catalogue().indicators


def test_an_unknown_plan_is_named_with_the_nearest():
    with pytest.raises(UnknownNameError, match="did you mean 'hainan-2020'"):
        read_plan("hainan-2021")


def test_a_record_is_frozen():
    with pytest.raises(ValueError, match="frozen"):
        read_plan(GOOD).id = "other"


def test_a_missing_file_is_a_plan_error(tmp_path):
    with pytest.raises(PlanError, match=r"no such file; expected a file plan\.yaml in"):
        read_yaml(tmp_path / "plan.yaml")


def test_a_file_in_another_encoding_is_a_plan_error(tmp_path):
    (tmp_path / "plan.yaml").write_bytes("title: 规划".encode("gbk"))
    with pytest.raises(PlanError, match="a file saved as UTF-8"):
        read_yaml(tmp_path / "plan.yaml")


def test_a_byte_order_mark_is_no_part_of_the_first_key(tmp_path):
    (tmp_path / "plan.yaml").write_text("\ufeffid: x", encoding="utf-8")
    assert read_yaml(tmp_path / "plan.yaml") == {"id": "x"}


@pytest.mark.parametrize("text", ["? [a]\n: 1", "a: !!python/name:os.system", "a: \x00", "a: *b"])
def test_what_yaml_cannot_mean_is_one_fault(text, tmp_path):
    (tmp_path / "plan.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(PlanError) as caught:
        read_yaml(tmp_path / "plan.yaml")
    assert len(caught.value.faults) == 1
    assert "\n" not in str(caught.value.faults[0])


def test_a_merged_mapping_is_no_second_key(tmp_path):
    (tmp_path / "plan.yaml").write_text("a: &a {x: 1, y: 1}\nb: {<<: *a, y: 2}", encoding="utf-8")
    assert read_yaml(tmp_path / "plan.yaml")["b"] == {"x": 1, "y": 2}


def test_faulty_entries_do_not_also_count_as_an_empty_list():
    with pytest.raises(PlanError) as caught:
        parse_record(PlanText, {"targets": [{"kind": "levle"}]}, "plan.yaml")
    assert "targets" not in [fault.where for fault in caught.value.faults]


def test_one_message_holds_every_fault():
    faults = [Fault("a", "1", "2"), Fault("b", "3", "4")]
    assert str(PlanError("plan.yaml", faults)).splitlines() == [
        "plan.yaml: 2 faults",
        *(f"  {fault}" for fault in faults),
    ]


def test_a_location_reads_like_the_file():
    assert key_path(("targets", 3, "values", "2016")) == "targets[3].values.2016"
    assert key_path(()) == "file"


@pytest.mark.parametrize(
    ("name", "known", "hint"),
    [
        ("yaer", ["year", "unit"], "did you mean 'year'?"),
        ("zzz", ["year", "unit"], "one of unit, year"),
        ("zzz", [], "none is defined"),
        ("zza", [f"a{letter}" for letter in "bcdefghijk"], "nearest of 10 are "),
    ],
)
def test_a_hint_names_what_may_be_meant(name, known, hint):
    assert nearest(name, known).startswith(hint)
    assert nearest(name, known).count(",") <= 2
