"""What must not matter: the order of targets, figures, levers and series, and which other targets a plan has."""

import random
import shutil

import numpy as np
import pandas as pd
import pytest
import xarray as xr
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

import qsim
from qsim.feasibility.records import Assessment
from qsim.indicators import Catalogue, Indicator
from qsim.records import Names
from qsim.shipped import shipped_folder
from qsim.study import run

PLAN = "hainan-2020"
DRAWS = 300


def assessed(folder) -> Assessment:
    return run(folder, draws=DRAWS, seed=3, beside=False, track_record=False).assessment


def single(assessment):
    """All that is said of each target alone, by scenario and target."""
    return {(result.scenario, result.target.id): result for result in assessment.results}


def together(assessment):
    return {(joint.scenario, joint.scope, joint.category): joint for joint in assessment.joint}


@pytest.fixture(scope="module")
def plain():
    return assessed(PLAN)


@pytest.fixture
def folder(tmp_path):
    """A copy of the plan whose parts a test may rearrange."""
    copy = tmp_path / PLAN
    shutil.copytree(shipped_folder() / PLAN, copy)
    return copy


def rewrite(path, change):
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    path.write_text(yaml.safe_dump(change(content), allow_unicode=True, sort_keys=False), encoding="utf-8")


@pytest.mark.parametrize("seed", [1, 2])
def test_the_order_of_targets_figures_and_levers_changes_no_number(plain, folder, seed):
    rng = random.Random(seed)

    def shuffled(items):
        return rng.sample(items, len(items))

    rewrite(folder / "plan.yaml", lambda plan: {**plan, "targets": shuffled(plan["targets"])})
    rewrite(
        folder / "scenarios.yaml",
        lambda content: {
            **content,
            "levers": shuffled(content["levers"]),
            "scenarios": [{**one, "levers": shuffled(one.get("levers", []))} for one in content["scenarios"]],
        },
    )
    table = folder / "observations.csv"
    rows = pd.read_csv(table, dtype=str, keep_default_na=False)
    rows.iloc[shuffled(range(len(rows)))].to_csv(table, index=False)
    found = assessed(folder)
    assert [result.target.id for result in found.results] != [result.target.id for result in plain.results]
    assert single(found) == single(plain)
    assert together(found) == together(plain)


def test_a_target_that_is_dropped_changes_no_number_of_the_others(plain, folder):
    rewrite(folder / "plan.yaml", lambda plan: {**plan, "targets": plan["targets"][::3]})
    found = single(assessed(folder))
    before = single(plain)
    assert 0 < len(found) < len(before)
    assert any(result.p_published is not None for result in found.values())
    assert found == {key: before[key] for key in found}


CATALOGUE = Catalogue(
    indicators=tuple(
        Indicator(slug=slug, name=Names(zh=slug, en=slug), category=category, better=better)
        for slug, category, better in (
            ("schools", "service", "higher"),
            ("clinics", "service", "higher"),
            ("complaints", "other", "lower"),
        )
    )
)
KEYS = [(region, slug) for region in ("north", "south") for slug in ("schools", "clinics", "complaints")]
"""The south has a history, so that its years teach a correlation; the north has one figure a series."""
ROWS = [
    {
        "region": region,
        "indicator": slug,
        "year": str(year),
        "value": f"{70 + 3 * place + (7 * year * (place + 1)) % 5}",
    }
    for place, (region, slug) in enumerate(KEYS)
    for year in (range(2012, 2018) if region == "south" else (2012 + place,))
]


def forecast(rows, keys):
    observations = qsim.read_observations(pd.DataFrame(rows), catalogue=CATALOGUE)
    posterior = qsim.fit(observations, catalogue=CATALOGUE, series=keys, origin=2017, draws=DRAWS, seed=5)
    return posterior.forecast([2018, 2020])


@pytest.fixture(scope="module")
def world():
    return forecast(ROWS, KEYS)


@given(rows=st.permutations(ROWS), keys=st.permutations(KEYS))
@settings(max_examples=5, deadline=None)
def test_draws_are_the_same_in_whatever_order_figures_and_series_come(world, rows, keys):
    xr.testing.assert_identical(forecast(rows, keys).sel(series=world["series"].values), world)


@given(keys=st.lists(st.sampled_from(KEYS), min_size=1, unique=True))
@settings(max_examples=5, deadline=None)
def test_series_without_a_year_in_common_do_not_notice_which_others_there_are(world, keys):
    found = forecast(ROWS, keys)
    north = [label for label in found["series"].values if label.startswith("north/")]
    xr.testing.assert_identical(found.sel(series=north), world.sel(series=north))


def test_series_with_years_in_common_notice_the_others_a_little_and_keep_their_law(world):
    alone = forecast(ROWS, [("south", "schools")])["published"].sel(series="south/schools")
    among = world["published"].sel(series="south/schools")
    assert not np.array_equal(alone, among)
    apart = (alone - among).squeeze(["scenario", "chain"])
    assert (apart.std("draw") <= 0.1 * among.std("draw").squeeze("scenario")).all()
    # two samples of one law, paired draw by draw: means differ by four standard errors of the pairs at most
    assert (abs(apart.mean("draw")) <= 4.0 * apart.std("draw") / np.sqrt(DRAWS)).all()
