"""The shipped catalogue and tables of figures, read as plain text: what a reader may rely on."""

import csv
from collections import Counter
from pathlib import Path

import pytest

from qsim.indicators import Catalogue, read_catalogue
from qsim.plans.read import read_plan
from qsim.shipped import shipped_folder, shipped_plans
from qsim.vocabulary import PERCENT_FAMILIES, QUALIFIERS

COLUMNS = [
    "region",
    "indicator",
    "year",
    "value",
    "qualifier",
    "numerator",
    "denominator",
    "decimals",
    "definition",
    "period",
    "published",
    "source",
    "url",
    "note",
]
FOLDER = shipped_folder()
TABLES = sorted([*FOLDER.glob("observations/*.csv"), *FOLDER.glob("*/observations.csv")])
SHARED = [path for path in TABLES if path.parent.name == "observations"]
Row = dict[str, str]


def rows_of(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


ROWS = [
    (f"{path.parent.name}/{path.name}:{number}", row) for path in TABLES for number, row in enumerate(rows_of(path), 2)
]


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return read_catalogue(FOLDER / "indicators.yaml")


def test_every_plan_has_a_table_and_peers_have_three() -> None:
    assert [path.parent.name for path in TABLES if path not in SHARED] == list(shipped_plans())
    assert [path.name for path in SHARED] == ["cities.csv", "national.csv", "provinces.csv"]


@pytest.mark.parametrize("path", TABLES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_columns_are_those_of_the_schema(path: Path) -> None:
    with path.open(encoding="utf-8", newline="") as lines:
        assert next(csv.reader(lines)) == COLUMNS


def test_every_indicator_is_in_the_catalogue_or_a_plan(catalogue: Catalogue) -> None:
    known = set(catalogue.by_slug)
    for name in shipped_plans():
        known |= {indicator.slug for indicator in read_plan(FOLDER / name).indicators}
    assert not [where for where, row in ROWS if row["indicator"] not in known]


def test_every_definition_is_a_code_of_its_indicator(catalogue: Catalogue) -> None:
    strange = [
        where
        for where, row in ROWS
        if row["definition"] and row["definition"] not in catalogue.get(row["indicator"]).codes
    ]
    assert not strange


def test_peers_have_a_definition_wherever_there_is_a_list(catalogue: Catalogue) -> None:
    peers = [row for path in SHARED for row in rows_of(path)]
    assert not [row for row in peers if catalogue.get(row["indicator"]).codes and not row["definition"]]


def test_peers_have_full_year_figures_only() -> None:
    assert {row["period"] for path in SHARED for row in rows_of(path)} == {"year"}
    assert {row["period"] for _, row in ROWS} == {"year", "part"}


def test_rates_lie_between_0_and_100(catalogue: Catalogue) -> None:
    rates = [(where, row) for where, row in ROWS if catalogue.get(row["indicator"]).family in PERCENT_FAMILIES]
    assert not [where for where, row in rates if not 0 <= float(row["value"]) <= 100]


def test_cells_have_their_form() -> None:
    for where, row in ROWS:
        assert row["qualifier"] in QUALIFIERS, where
        assert 1990 <= int(row["year"]) <= 2030, where
        assert len(row["value"].partition(".")[2]) == int(row["decimals"]), where
        assert all(part.isdigit() for part in row["published"].split("-")) or not row["published"], where
        assert not row["numerator"] or row["denominator"], where


def test_counts_agree_with_the_printed_rate_within_rounding() -> None:
    for where, row in ROWS:
        if row["numerator"]:
            rate = 100 * int(row["numerator"]) / int(row["denominator"])
            assert abs(rate - float(row["value"])) <= 0.5 * 10.0 ** -int(row["decimals"]) + 1e-9, where


def test_no_row_stands_twice() -> None:
    keys = Counter(
        tuple(row[name] for name in ("region", "indicator", "year", "definition", "period", "value", "source", "url"))
        for _, row in ROWS
    )
    assert not [key for key, times in keys.items() if times > 1]


def test_one_source_gives_one_full_year_figure_for_one_thing(catalogue: Catalogue) -> None:
    figures: dict[tuple[str, ...], set[str]] = {}
    for _, row in ROWS:
        if row["period"] == "year":
            basis = catalogue.get(row["indicator"]).basis(row["definition"])
            key = (row["region"], row["indicator"], row["year"], basis, row["source"], row["url"])
            figures.setdefault(key, set()).add(row["value"])
    assert not {key: values for key, values in figures.items() if len(values) > 1}


def test_every_row_names_its_source() -> None:
    assert not [where for where, row in ROWS if not row["source"].strip()]


def test_no_row_is_taken_from_a_plan() -> None:
    assert not [where for where, row in ROWS if "plan-document" in "".join(row.values())]


def test_a_region_has_one_home() -> None:
    homes: dict[str, set[str]] = {}
    for where, row in ROWS:
        homes.setdefault(row["region"], set()).add(where.partition(":")[0])
    assert not {region: files for region, files in homes.items() if len(files) > 1}


def test_no_figure_is_published_before_its_year() -> None:
    assert not [where for where, row in ROWS if row["published"] and row["published"] < row["year"]]
