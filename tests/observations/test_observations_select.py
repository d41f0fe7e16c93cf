"""Which observations a fit uses."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from qsim.observations.dataset import plain_texts
from qsim.observations.read import read_observations
from qsim.observations.select import choose_basis, concat, usable


@pytest.fixture
def forest(catalogue):
    rows = [
        ("2013", "48", "provincial_old", ""),
        ("2014", "49", "provincial", ""),
        ("2015", "43.77", "national", ""),
        ("2016", "53", "provincial", "part"),
        ("2015", "50", "", ""),
    ]
    frame = pd.DataFrame(rows, columns=["year", "value", "definition", "period"])
    return read_observations(frame.assign(region="guizhou", indicator="forest_rate"), catalogue=catalogue)


def marks(observations):
    return observations["set_aside"].values.tolist()


def test_the_basis_with_the_newest_usable_figure_is_chosen(forest):
    assert marks(choose_basis(forest)) == ["other_basis", "other_basis", "", "partial_year", "no_definition"]


def test_a_preferred_basis_wins_if_it_has_a_usable_figure(forest):
    key = ("guizhou", "forest_rate")
    assert marks(choose_basis(forest, {key: "provincial"})) == ["", "", "other_basis", "partial_year", "no_definition"]
    assert marks(choose_basis(forest, {("yunnan", "forest_rate"): "provincial"})) == marks(choose_basis(forest))


def test_of_two_equally_new_bases_the_one_with_more_figures_is_chosen(forest):
    same_year = forest.assign(year=("observation", [2013, 2015, 2015, 2016, 2015]))
    assert marks(choose_basis(same_year))[:3] == ["", "", "other_basis"]


def test_choosing_changes_nothing_in_its_input_and_is_done_once(forest):
    before = forest.copy(deep=True)
    chosen = choose_basis(forest)
    xr.testing.assert_identical(forest, before)
    xr.testing.assert_identical(choose_basis(chosen), chosen)


def test_usable_figures_are_those_not_set_aside(forest):
    assert usable(forest)["value"].values.tolist() == [48.0, 49.0, 43.77]
    assert usable(choose_basis(forest))["value"].values.tolist() == [43.77]
    assert usable(usable(forest).isel(observation=[])).sizes["observation"] == 0


def test_concat_numbers_anew_and_loses_nothing(forest):
    both = concat([forest, usable(forest)])
    assert both["observation"].values.tolist() == list(range(8))
    assert both["value"].values.tolist() == [*forest["value"].values, *usable(forest)["value"].values]
    assert {name: variable.dtype for name, variable in both.items()} == {
        name: variable.dtype for name, variable in forest.items()
    }


def test_choosing_among_no_figures_is_no_fault(forest):
    assert choose_basis(forest.isel(observation=[])).sizes["observation"] == 0
    with pytest.raises(ValueError, match="at least one"):
        concat([])


def test_what_is_no_text_is_an_empty_one():
    values = np.array([["省", None], [np.nan, 2.5]], dtype=object)
    assert plain_texts(values) == ["省", "", "", "2.5"]
