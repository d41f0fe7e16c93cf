"""``docs/schema.md`` is read as a contract: what it names is what the code makes."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import qsim
from qsim.feasibility.assess import assess
from qsim.forecast.posterior import Posterior
from qsim.observations.columns import COLUMNS as TABLE_COLUMNS
from qsim.observations.dataset import AFTER_CUTOFF, AFTER_PAST, NO_DEFINITION, OTHER_BASIS, PARTIAL_YEAR
from qsim.plans.read import read_plan
from qsim.report.table import CHECKPOINT_COLUMNS, COLUMNS, JOINT_COLUMNS, assessment_frame
from qsim.vocabulary import QUALIFIERS, THETA_NAMES, Evidence

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "schema.md"
pytestmark = pytest.mark.skipif(not DOCUMENT.is_file(), reason="reads the checkout")
YEARS = (2015, 2016)


def section(title: str) -> str:
    """Text under a heading that starts so."""
    text = DOCUMENT.read_text(encoding="utf-8")
    found = re.search(rf"^## {re.escape(title)}.*?$\n(.*?)(?=^## |\Z)", text, flags=re.MULTILINE | re.DOTALL)
    assert found, f"docs/schema.md has no section {title!r}"
    return found[1]


def named(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def rows(title: str) -> list[list[str]]:
    """Cells of the table in a section, without its header."""
    lines = [line for line in section(title).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


@pytest.fixture(scope="module")
def observations():
    table = pd.DataFrame(
        {
            "region": "east",
            "indicator": "spot",
            "year": [2012, 2013, 2014],
            "value": ["90.1", "91.0", "91.4"],
            "denominator": ["500", "", "800"],
        }
    )
    return qsim.read_observations(table)


@pytest.fixture(scope="module")
def posterior(observations) -> Posterior:
    return qsim.fit(observations, draws=100, seed=0)


@pytest.fixture(scope="module")
def forecast(posterior):
    return posterior.forecast(YEARS)


def test_columns_of_the_table_of_figures_and_their_twins():
    documented = [(named(cells[0])[0], cells[1], cells[3] == "yes") for cells in rows("Table of figures")]
    assert documented == [(column.name, column.chinese, column.required) for column in TABLE_COLUMNS]


def test_qualifiers_of_the_table_of_figures():
    (cells,) = [cells for cells in rows("Table of figures") if cells[0] == "`qualifier`"]
    assert set(named(cells[2])) == set(QUALIFIERS)


@pytest.mark.parametrize("language", ["english", "chinese"])
def test_a_table_may_be_in_either_language(language):
    names = [column.name if language == "english" else column.chinese for column in TABLE_COLUMNS]
    cells = ["east", "spot", "2014", "91.4", "=", "457", "500", "1", "", "year", "", "", "", "2015", "bulletin", "", ""]
    data = qsim.read_observations(pd.DataFrame([cells], columns=names))
    assert data["value"].values.tolist() == [91.4]
    assert data["denominator"].values.tolist() == [500.0]


def test_variables_of_the_observations(observations):
    documented = [name for cells in rows("Observations") for name in named(cells[0])]
    assert observations.sizes == {"observation": 3}
    assert set(observations.data_vars) == {*(column.name for column in TABLE_COLUMNS), *documented}
    assert set(observations.coords) == {"observation"}


def test_dtypes_of_the_observations(observations):
    kinds = {"float": "f", "int": "iu", "str": "OU", "bool": "b"}
    for cells in rows("Observations"):
        for name in named(cells[0]):
            assert observations[name].dtype.kind in kinds[cells[1]], name


def test_reasons_why_an_observation_is_set_aside():
    (cells,) = [cells for cells in rows("Observations") if cells[0] == "`set_aside`"]
    assert set(named(cells[2])) == {PARTIAL_YEAR, AFTER_CUTOFF, NO_DEFINITION, OTHER_BASIS, AFTER_PAST}


def test_shapes_and_scales_of_levers():
    from typing import get_args

    from qsim.plans.levers import Lever, Measure
    from qsim.plans.sizes import Size

    kinds = get_args(Measure)
    shapes = [shape for kind in kinds for shape in get_args(kind.model_fields["shape"].annotation)]
    assert sorted(named(cells[0])[0] for cells in rows("Scenarios")) == sorted(shapes)
    for cells in rows("Scenarios"):
        (kind,) = [one for one in kinds if named(cells[0])[0] in get_args(one.model_fields["shape"].annotation)]
        words = {"latest", "average", "best", "top", "quantile"}
        assert set(named(cells[1])) - words <= set(kind.model_fields)
    text = section("Scenarios")
    assert all(f"`{scale}`" in text for scale in get_args(Lever.model_fields["scale"].annotation))
    laws = [get_args(law.model_fields["law"].annotation)[0] for law in get_args(get_args(Size)[0])]
    assert all(f"`{law}` (" in text for law in laws)


def test_dims_and_variables_of_the_forecast(forecast):
    dims = re.search(r"Dims `\(([^)]*)\)`", section("Forecast"))[1].split(", ")
    assert dims == ["scenario", "chain", "draw", "series", "year"]
    assert set(forecast.data_vars) == {"rate", "published"} <= set(named(section("Forecast")))
    for name in forecast.data_vars:
        assert list(forecast[name].dims) == dims
        assert forecast[name].dtype == np.float64
    assert dict(forecast.sizes) == {"scenario": 1, "chain": 1, "draw": 100, "series": 1, "year": 2}


def test_coordinates_of_the_forecast(forecast):
    text = section("Forecast")
    start = text.index("Coordinates on `series`:")
    documented = set(named(text[start:].split(":", 1)[1])) - {"figures", "prior", "region/indicator"}
    on_series = {name for name, values in forecast.coords.items() if values.dims == ("series",)} - {"series"}
    assert on_series == documented
    assert set(forecast.coords) == on_series | set(forecast.dims)


def test_a_series_is_labelled_by_region_and_indicator(forecast):
    assert "`region/indicator`" in section("Forecast")
    assert forecast["series"].values.tolist() == ["east/spot"]
    assert (forecast["region"].item(), forecast["indicator"].item()) == ("east", "spot")
    assert (forecast["evidence"].item(), forecast["n_figures"].item(), forecast["last_figure_year"].item()) == (
        "figures", 3, 2014,
    )  # fmt: skip
    assert forecast["scenario"].values.tolist() == ["baseline"]
    assert forecast["year"].values.tolist() == list(YEARS)


POSTERIOR = {
    **dict.fromkeys(THETA_NAMES, ("chain", "draw", "series")),
    "level": ("chain", "draw", "series", "year"),
    "slope": ("chain", "draw", "series"),
}


def test_dims_and_variables_of_the_posterior(posterior, forecast):
    assert {name: values.dims for name, values in posterior.dataset.data_vars.items()} == POSTERIOR
    assert posterior.dataset["year"].values.tolist() == [2012, 2013, 2014]
    assert set(posterior.dataset.coords) == set(forecast.coords) - {"scenario"}
    assert posterior.dataset.attrs == {"engine": "laplace", "seed": 0}
    assert posterior.history["rate"].dims == ("chain", "draw", "series", "year")
    assert {name: values.dims for name, values in posterior.diagnostics.data_vars.items()} == dict.fromkeys(
        ("pareto_k", "theta_ess", "log_evidence", "pool_regions", "gate", "engine"), ("series",)
    )


def test_variables_of_the_posterior_are_documented():
    assert set(named(section("Posterior"))) >= set(POSTERIOR)


def test_dims_and_variables_of_the_common_shocks(posterior):
    found = posterior.common_shocks
    text = section("Posterior")
    assert {f"`{name}`" for name in found.data_vars} <= set(re.findall(r"`[^`]+`", text))
    assert f"({', '.join(found['correlation'].dims)})" in text
    assert found.attrs["common_shocks"] in ("yes", "no")


def test_columns_of_the_assessment():
    documented = [name for cells in rows("Assessment table") for name in named(cells[0])]
    assert documented == list(COLUMNS)


@pytest.mark.parametrize(
    ("title", "columns"), [("Joint probabilities", JOINT_COLUMNS), ("Checkpoints", CHECKPOINT_COLUMNS)]
)
def test_columns_of_the_other_tables(title, columns):
    assert [name for cells in rows(title) for name in named(cells[0])] == list(columns)


def test_words_of_the_assessment():
    cells = {name: row[1] for row in rows("Assessment table") for name in named(row[0])}
    assert named(cells["evidence"]) == list(Evidence.__args__)
    assert named(cells["scope"]) == ["year", "overall"]


def test_rows_of_the_assessment():
    """A row a year and one for the whole statement, with the level where it is a fixed figure."""
    plan = read_plan("guizhou-2017")
    frame = assessment_frame(assess(qsim.fit(_figures(plan), draws=100).forecast(range(2014, 2018)), plan))
    assert tuple(frame.columns) == COLUMNS
    for target in plan.targets:
        own = frame[frame["target"] == target.id]
        assert own["scope"].tolist() == [*["year"] * len(target.years), "overall"]
        assert own["year"].tolist() == [*target.years, target.last_year]
    path = frame[frame["target"] == "industrial-spot-check"]
    assert path["level"].isna().tolist() == [False, False, False, True]
    assert path["p_published"].between(0, 1).all()
    assert set(frame["region"]) == {"guizhou"}
    without = frame[frame["evidence"] == "not_testable"]
    assert without[["p_published", "p_true"]].isna().all(axis=None)
    assert (without["note"] != "").all()


def _figures(plan):
    table = pd.DataFrame(
        {
            "region": plan.region.id,
            "indicator": "industrial_product_spotcheck_pass_rate",
            "year": [2012, 2013, 2014],
            "value": ["88.1", "88.9", "89.7"],
            "definition": "provincial_production",
        }
    )
    return qsim.read_observations(table)


def test_keys_of_an_archive():
    from qsim.evaluation.archive import Archive, ArchivedStatement, ArchivedYear, Hashes

    cells = {name: text for keys, text in rows("What was said") for name in named(keys)}
    assert list(cells) == list(Archive.model_fields)
    assert set(named(cells["hashes"])) == set(Hashes.model_fields)
    documented = set(named(cells["statements"]))
    assert documented == {*ArchivedStatement.model_fields, *ArchivedYear.model_fields}


def test_reasons_why_an_outcome_is_not_known():
    from typing import get_args

    from qsim.evaluation.outcomes import Unknown

    assert [named(cells[0])[0] for cells in rows("Outcomes")] == [name for name in get_args(Unknown) if name]


def test_columns_of_a_review_and_of_the_record():
    from qsim.evaluation.review import ROW_COLUMNS, SCORE_COLUMNS
    from qsim.evaluation.track_record import RECORD_COLUMNS

    assert [name for cells in rows("Table of a review") for name in named(cells[0])] == list(ROW_COLUMNS)
    assert set(SCORE_COLUMNS) <= set(named(section("Table of a review")))
    assert set(RECORD_COLUMNS) <= set(named(section("Record of past targets")))
