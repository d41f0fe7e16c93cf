"""A study of what is not shipped: a table of one's own, a plan of one's own."""

from pathlib import Path

import pandas as pd
import pytest

from qsim.errors import ObservationError, PlanError
from qsim.report.table import assessment_frame
from qsim.shipped import shipped_folder
from qsim.study import Study, run

DRAWS = 500
SMALL = "guizhou-2017"


def own_table(folder: Path, region: str = "guizhou") -> Path:
    path = folder / "own.csv"
    rows = [(region, "food_sampling_pass_rate", 2010 + at, f"{90 + at / 2:.1f}", "supervision", 500) for at in range(4)]
    columns = ["region", "indicator", "year", "value", "definition", "denominator"]
    pd.DataFrame(rows, columns=columns).to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def steps() -> list[tuple[int, int]]:
    """What the study of an own table reports on its way."""
    return []


@pytest.fixture(scope="module")
def own_study(tmp_path_factory, steps) -> Study:
    """Guizhou with a table of one's own."""
    path = own_table(tmp_path_factory.mktemp("own"))
    return run(SMALL, draws=DRAWS, data=path, progress=lambda done, total: steps.append((done, total)))


@pytest.fixture(scope="module")
def shipped() -> Study:
    """Guizhou as it is shipped."""
    return run(SMALL, draws=100, scenarios=(), beside=False)


def test_an_own_table_takes_the_place_of_the_figures_of_the_plan(own_study, shipped):
    sources = set(pd.read_csv(shipped_folder() / SMALL / "observations.csv")["source"])
    own = own_study.observations.to_dataframe().query("region == 'guizhou'")
    assert own["value"].tolist() == [90.0, 90.5, 91.0, 91.5]
    assert not set(own["source"]) & sources
    food = [result for result in own_study.assessment.results if result.target.id == "food-spot-check"]
    assert {(result.evidence, result.n_figures, result.last_figure_year) for result in food} == {("figures", 4, 2013)}
    before = {result.target.id: result.evidence for result in shipped.assessment.results}
    assert before["food-spot-check"] != "figures"


def test_peers_stay_beside_an_own_table(own_study, shipped):
    own, before = (
        study.observations.to_dataframe().query("region != 'guizhou'")["value"].tolist()
        for study in (own_study, shipped)
    )
    assert own == before


def test_progress_counts_every_series_once(own_study, steps):
    number = len(own_study.posterior.fits)
    assert sorted(steps) == [(done, number) for done in range(1, number + 1)]


def test_an_own_table_may_call_the_region_by_its_chinese_name(tmp_path):
    study = run(SMALL, draws=100, beside=False, scenarios=(), data=own_table(tmp_path, "贵州省"))
    assert "贵州省" not in study.observations["region"].values
    (food,) = [result for result in study.assessment.results if result.target.id == "food-spot-check"]
    assert (food.evidence, food.n_figures) == ("figures", 4)


def test_rows_under_a_slip_for_the_region_are_no_peers(tmp_path):
    path = own_table(tmp_path)
    path.write_text(path.read_text("utf-8").replace("guizhou", "贵州", 1), "utf-8")
    with pytest.raises(ObservationError, match=r"got '贵州'; expected figures of 'guizhou'.*written .*'贵州省'"):
        run(SMALL, data=path)


def test_an_own_table_of_another_region_is_refused(tmp_path):
    with pytest.raises(ObservationError, match=r"column region \(地区\): got '贵州'; expected figures of 'guizhou'"):
        run(SMALL, data=own_table(tmp_path, "贵州"))


PLAN = """
id: {region}-2020
label_set: {region}
title: {{zh: 示例, en: Example}}
region: {{id: {region}, name: {{zh: 示例, en: Example}}}}
period: {{first_year: 2016, last_year: 2020}}
adopted: 2018-07-01
as_of: 2018-07-01
base_year: 2015
indicators: [{{slug: own_rate, name: {{zh: 示例, en: Example}}}}]
targets:
  - id: only
    kind: level
    indicator: {indicator}
    name: {{zh: 示例, en: Example}}
    category: other
    unit: "{unit}"
    value: 90
    year: {year}
    clauses: [一]
"""


@pytest.fixture
def small_plan(tmp_path):
    """Write a plan of one target and no figures."""

    def write(**traits: object) -> Path:
        usual = {"region": "nowhere", "indicator": "food_sampling_pass_rate", "unit": "%", "year": 2020}
        (tmp_path / "plan.yaml").write_text(PLAN.format(**{**usual, **traits}), encoding="utf-8")
        return tmp_path

    return write


def test_a_plan_without_figures_and_without_a_pool_is_assessed_as_not_testable(small_plan):
    study = run(small_plan(indicator="own_rate"), draws=100)
    assert study.posterior is None
    (result,) = study.assessment.results
    assert result.evidence == "not_testable"
    assert len(assessment_frame(study.assessment)) == 2


def test_a_plan_that_is_over_says_so_where_its_series_begin_later(small_plan):
    """A region without figures begins at the origin, so that no year of the plan is left to forecast."""
    (result,) = run(small_plan(indicator="forest_coverage_rate"), draws=100, as_of=2030).assessment.results
    assert (result.evidence, result.reason) == ("not_testable", "before_first_figure")


def test_a_target_due_before_the_first_forecast_year_is_refused(small_plan):
    with pytest.raises(
        PlanError, match=r"targets\[0\].year: got 2017; expected a year from 2018, the first forecast year"
    ):
        run(small_plan(year=2017))


def test_a_city_is_compared_with_the_forecast_of_its_province(tmp_path):
    """Loudi with figures of its own: the mean of Hunan, which it is a part of, is a forecast too."""
    table = pd.DataFrame(
        {
            "region": "loudi",
            "indicator": "good_air_days_rate",
            "year": [2014, 2015, 2016],
            "value": ["80.1", "82.3", "84.0"],
            "definition": "aqi_city",
        }
    )
    table.to_csv(tmp_path / "own.csv", index=False)
    study = run("loudi-2020", data=tmp_path / "own.csv", draws=DRAWS, seed=1)
    (result,) = [one for one in study.assessment.results if one.target.id == "good-air-days-vs-province"][:1]
    assert "hunan/good_air_days_rate" in study.posterior.diagnostics["series"].values.tolist()
    assert result.evidence == "figures"
    assert [year.year for year in result.years] == [2017, 2018, 2019, 2020]
    assert result.p_published <= min(year.p_published for year in result.years)
    assert result.target.reference_share == pytest.approx(1 / 14, abs=0.005)
    level = next(one for one in study.assessment.results if one.target.id == "good-air-days")
    whole = next(one for one in study.assessment.joint if one.scope == "plan")
    # two statements about one indicator count once
    assert (whole.statements, whole.indicators) == (2, 1)
    assert level.evidence == "figures"
