"""Levers that cannot act, or move a figure beyond its scale, are warned of by a check."""

import shutil
from pathlib import Path

import pytest

import qsim
from qsim.checking import check_path
from qsim.shipped import shipped_plans

GOOD = Path(__file__).parent / "good"
YEARS = "start_year: 2017\n    full_effect_year: 2019"
SIZE = "{law: triangular, low: 0, mode: 1, high: 2}"


def warnings_of(folder: Path, *changes: tuple[str, str]) -> list[str]:
    """What a check of the example plan with a changed lever warns of."""
    shutil.copytree(GOOD, folder, dirs_exist_ok=True)
    path = folder / "scenarios.yaml"
    text = path.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")
    return [line.removeprefix("  warning: ") for line in check_path(str(folder)).splitlines()[1:]]


LATE = "start_year: 2030\n    full_effect_year: 2035"
EARLY = "start_year: 2010\n    full_effect_year: 2012"


def test_a_lever_that_begins_after_the_last_target_is_warned_of(tmp_path):
    assert warnings_of(tmp_path, (YEARS, LATE)) == [
        "levers[0] (more-checks).start_year: first acts in 2030, after 2020, "
        "when the last target it acts on falls due: it changes no probability"
    ]


def test_a_lag_counts_before_a_lever_begins(tmp_path):
    lagging = (("shape: ramp", "shape: lag"), (YEARS, "start_year: 2017\n    lag_years: 4"))
    (told,) = warnings_of(tmp_path, *lagging)
    assert "first acts in 2021" in told


def test_a_lever_in_full_effect_before_the_forecast_is_warned_of(tmp_path):
    (told,) = warnings_of(tmp_path, (YEARS, EARLY))
    assert told.startswith(
        "levers[0] (more-checks): in full effect in 2012, before 2016, the first year that is forecast"
    )


@pytest.mark.parametrize(
    "years", ["start_year: 2020\n    full_effect_year: 2024", "start_year: 2010\n    full_effect_year: 2016"]
)
def test_a_lever_that_acts_in_one_year_alone_is_in_no_doubt(tmp_path, years):
    assert warnings_of(tmp_path, (YEARS, years)) == []


@pytest.mark.parametrize("size", ["1000000000", "-101", "{law: normal, mean: 150, sd: 1}"])
def test_more_points_than_the_scale_has_are_warned_of(tmp_path, size):
    (told,) = warnings_of(tmp_path, (SIZE, size))
    assert "more than the 100 that example_pass_rate has from end to end" in told


@pytest.mark.parametrize("years", [LATE, EARLY])
def test_a_lever_warned_of_changes_no_probability(tmp_path, years):
    warnings_of(tmp_path, (YEARS, years))
    rows = ("example,example_pass_rate,2012,90.1", "example,example_pass_rate,2014,91.2")
    (tmp_path / "observations.csv").write_text("\n".join(["region,indicator,year,value", *rows]), encoding="utf-8")
    results = qsim.run(tmp_path, draws=100, beside=False).assessment.results
    by_scenario = {
        scenario: [one.p_published for one in results if one.scenario == scenario]
        for scenario in ("baseline", "checks")
    }
    assert by_scenario["checks"] == by_scenario["baseline"]


@pytest.mark.parametrize("name", shipped_plans())
def test_no_lever_of_a_shipped_plan_is_in_doubt(name):
    assert "levers[" not in check_path(name)
