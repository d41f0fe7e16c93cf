"""The plan's own region may bear its names; a slip for it is refused, a region nobody knows is warned of."""

import shutil
from pathlib import Path

import pytest

from qsim.checking import check_path
from qsim.errors import ObservationError
from qsim.observations.read import read_observations
from qsim.plans.read import read_plan
from qsim.plans.regions import mistaken_regions, region_ids, unknown_regions
from qsim.shipped import shipped_plans

GOOD = Path(__file__).parent / "good"


def table(folder: Path, *regions: str) -> Path:
    """The example plan with a figure a year for the regions named, in that order."""
    shutil.copytree(GOOD, folder, dirs_exist_ok=True)
    rows = [f"{region},example_pass_rate,{2010 + at},9{at}.0" for at, region in enumerate(regions)]
    path = folder / "observations.csv"
    path.write_text("\n".join(["region,indicator,year,value", *rows, ""]), encoding="utf-8")
    return path


def test_the_names_of_a_region_stand_for_its_id(tmp_path):
    path = table(tmp_path, "example", "示例县", "Example County")
    figures = read_observations(path, regions=region_ids([read_plan(GOOD)]))
    assert set(figures["region"].values) == {"example"}
    assert check_path(str(tmp_path)).splitlines() == ["2 targets, 2 scenarios, 3 figures"]


def test_one_figure_under_two_names_of_a_region_is_one_figure(tmp_path):
    path = table(tmp_path, "example")
    path.write_text(path.read_text("utf-8") + "示例县,example_pass_rate,2010,90.0\n", encoding="utf-8")
    figures = read_observations(path, regions=region_ids([read_plan(GOOD)]))
    assert figures["sources"].values.tolist() == [2]


@pytest.mark.parametrize("name", ["示例", "示例市", "EXAMPLE", "Example", "example_county"])
def test_a_slip_for_the_plans_region_is_refused(tmp_path, name):
    table(tmp_path, "example", name)
    with pytest.raises(
        ObservationError, match=f"got '{name}'; expected the plan's region written 'example' or '示例县'"
    ):
        check_path(str(tmp_path))


@pytest.mark.parametrize("name", ["neighbour", "示例镇东县", "examples_east"])
def test_a_region_nobody_knows_is_warned_of_and_stays(tmp_path, name):
    table(tmp_path, "example", name)
    _, told = check_path(str(tmp_path)).splitlines()
    assert told.startswith(f"  warning: region {name!r} is in no other table and counts as one more region")


def test_a_misspelt_region_is_named_with_the_nearest(tmp_path):
    table(tmp_path, "example", "guizhuo")
    assert "compare with (1 figure): did you mean 'guizhou'?" in check_path(str(tmp_path))


def test_figures_of_a_region_nobody_knows_are_counted():
    plan = read_plan(GOOD)
    assert unknown_regions(plan, {"example": 4, "guizhou": 3}) == []
    (told,) = unknown_regions(plan, {"example": 4, "guizhuo": 3})
    assert told.startswith("region 'guizhuo' is in no other table and counts as one more region to compare with (3 fig")


def test_an_own_table_without_the_plans_region_is_warned_of(tmp_path):
    table(tmp_path, "guizhou")
    assert "no figure of 'example', the plan's region" in check_path(str(tmp_path))


@pytest.mark.parametrize("name", shipped_plans())
def test_no_shipped_region_is_taken_for_another(name):
    plan = read_plan(name)
    assert region_ids([plan])[plan.region.name.zh] == plan.region.id
    assert mistaken_regions(plan, [read_plan(other).region.id for other in shipped_plans()]) == ()
