"""The shipped plans against the hand-labelled lists of targets and baselines, where those lie beside the checkout."""

import csv
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from qsim.errors import PlanError
from qsim.plans.labels import LabelRow, target_rows
from qsim.plans.plan import Plan, PlanText
from qsim.plans.read import read_plan
from qsim.records import parse_record
from qsim.shipped import shipped_plans

LISTS = Path(__file__).resolve().parents[2] / "shared" / "plans" / "targets"
LABEL_ROWS = 225
BASELINE_ROWS = 136
FIVE = {"guizhou", "hainan", "loudi", "rizhao", "yunnan"}
STATEMENTS = {"guizhou-2017": 46, "hainan-2020": 39, "loudi-2020": 60, "rizhao-2020": 44, "yunnan-2020": 15}
"""Testable statements: a path is one with a row a year, a repeat is one with two clauses."""

KINDS = {
    "level": {"level"},
    "path": {"path"},
    "maintain": {"maintain", "no_decrease"},
    "directional": {"improve"},
    "relative": {"relative"},
    "increase_by": {"change"},
    "count_total": {"level"},
    "count_new": {"cumulative"},
    "floor_ceiling_upper": {"level", "zero"},
}

needs_lists = pytest.mark.skipif(not LISTS.is_dir(), reason="the labelled lists are not beside the checkout")
each_plan = pytest.mark.parametrize("name", shipped_plans())


def labelled(plan: PlanText, ending: str = "") -> list[dict[str, str]]:
    with (LISTS / f"{plan.label_set}{ending}.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def number(text: str) -> float | None:
    return float(text) if text else None


def rows_by_seq(plan: Plan) -> dict[int, list[LabelRow]]:
    rows: dict[int, list[LabelRow]] = {}
    for row in target_rows(plan):
        assert row.seq is not None, f"{row.target} has no label"
        rows.setdefault(row.seq, []).append(row)
    return rows


@needs_lists
@each_plan
def test_every_label_row_is_accounted_for_exactly_once(name):
    plan = read_plan(name)
    expected = Counter(int(row["seq"]) for row in labelled(plan))
    assert Counter(label.seq for target in plan.targets for label in target.labels) == expected


@needs_lists
@each_plan
def test_a_target_says_what_its_label_says(name):
    plan = read_plan(name)
    rows = rows_by_seq(plan)
    for label in labelled(plan):
        where = f"{name}, row {label['seq']}"
        for row in rows[int(label["seq"])]:
            got = (row.indicator_zh, row.label_kind, row.comparator, row.value, row.value_hi, row.unit, row.clause)
            assert got == (
                label["indicator_zh"],
                label["kind"],
                label["comparator"],
                number(label["value"]),
                number(label["value_hi"]),
                label["unit"],
                label["clause"],
            ), where
            assert row.kind in KINDS[label["kind"]], where


@needs_lists
@each_plan
def test_a_target_falls_due_when_its_label_says(name):
    plan = read_plan(name)
    rows = rows_by_seq(plan)
    for label in labelled(plan):
        years = [row.year for row in rows[int(label["seq"])]]
        assert max(years) == int(label["year"]), f"{name}, row {label['seq']}"
        assert len(years) == 1 or label["kind"] == "maintain", f"{name}, row {label['seq']}"


@needs_lists
@each_plan
def test_a_target_starts_where_its_label_says(name):
    plan = read_plan(name)
    rows = rows_by_seq(plan)
    for label in labelled(plan):
        for row in rows[int(label["seq"])]:
            got = (row.baseline_value, row.baseline_year)
            expected = number(label["baseline_value"]), number(label["baseline_year"])
            assert got == expected, f"{name}, row {label['seq']}"


@needs_lists
@each_plan
def test_every_achieved_figure_is_there_as_the_text_prints_it(name):
    plan = read_plan(name)
    expected = labelled(plan, "_baselines")
    assert [baseline.row for baseline in plan.baselines] == list(range(1, len(expected) + 1))
    for baseline, label in zip(plan.baselines, expected, strict=True):
        where = f"{name}, baseline {baseline.row}"
        assert baseline.value == number(label["value"]), where
        assert baseline.year == int(label["year"]), where
        if label["value"]:
            assert baseline.unit == label["unit"], where
            assert baseline.decimals == len(label["value"].partition(".")[2]), where
        else:
            assert baseline.kind == "statement", where


@needs_lists
def test_the_lists_have_225_targets_and_136_figures():
    plans = [read_plan(name) for name in shipped_plans()]
    assert {plan.label_set for plan in plans} == FIVE
    assert sum(len(target.labels) for plan in plans for target in plan.targets) == LABEL_ROWS
    assert sum(len(plan.baselines) for plan in plans) == BASELINE_ROWS


@pytest.mark.parametrize("name", sorted(STATEMENTS))
def test_a_plan_makes_so_many_testable_statements(name):
    assert len(read_plan(name).targets) == STATEMENTS[name]


def small_plan_content(*, labels: bool = True, baseline_row: int = 1) -> dict[str, Any]:
    common = {"indicator": "forest_coverage_rate", "category": "environment", "unit": "%", "clauses": ["1"]}
    forest = {**common, "name": {"zh": "森林覆盖率", "en": "Forest coverage rate"}}
    targets = [
        {**forest, "id": "path", "kind": "path", "values": {2021: 50.5, 2022: 51.0}},
        {**forest, "id": "hold", "kind": "maintain", "value": 50.0, "first_year": 2021, "year": 2023},
        {
            **forest,
            "id": "rise",
            "kind": "improve",
            "direction": "up",
            "yearly": True,
            "first_year": 2021,
            "year": 2023,
            "base_year": 2020,
            "baseline_row": baseline_row,
        },
    ]
    if labels:
        targets[0]["labels"] = [{"seq": 3, "kind": "path", "year": 2021}, {"seq": 4, "kind": "path", "year": 2022}]
        targets[1]["labels"] = [
            {"seq": 2, "kind": "maintain"},
            {"seq": 5, "kind": "maintain", "clause": "2", "indicator_zh": "覆盖率"},
        ]
        targets[2]["labels"] = [{"seq": 1, "kind": "directional"}]
    return {
        "id": "somewhere-2023",
        "label_set": "somewhere",
        "title": {"zh": "规划", "en": "Plan"},
        "region": {"id": "somewhere", "name": {"zh": "某省", "en": "Somewhere"}},
        "period": {"first_year": 2021, "last_year": 2023},
        "adopted": date(2021, 1, 1),
        "as_of": date(2021, 1, 1),
        "base_year": 2020,
        "targets": targets,
        "baselines": [
            {
                "row": 1,
                "name": {"zh": "森林覆盖率", "en": "Forest coverage rate"},
                "kind": "figure",
                "value": 49.5,
                "unit": "%",
                "decimals": 1,
                "year": 2020,
                "clause": "0",
            }
        ],
    }


def small_plan(*, labels: bool = True) -> PlanText:
    return parse_record(PlanText, small_plan_content(labels=labels), "small plan")


def test_rows_come_in_the_order_of_the_labelled_list():
    rows = [(row.seq, row.target, row.year) for row in target_rows(small_plan())]
    hold = [(2, "hold", year) for year in (2021, 2022, 2023)]
    again = [(5, "hold", year) for year in (2021, 2022, 2023)]
    assert rows == [(1, "rise", 2023), *hold, (3, "path", 2021), (4, "path", 2022), *again]


def test_a_repeat_keeps_its_own_clause_and_name():
    rows = [row for row in target_rows(small_plan()) if row.target == "hold"]
    assert {(row.seq, row.clause, row.indicator_zh) for row in rows} == {(2, "1", "森林覆盖率"), (5, "2", "覆盖率")}


def test_a_directional_row_has_no_number_but_its_direction_and_baseline():
    (row,) = [row for row in target_rows(small_plan()) if row.target == "rise"]
    assert (row.comparator, row.value, row.unit) == ("up", None, "")
    assert (row.baseline_value, row.baseline_year) == (49.5, 2020)


def test_a_plan_without_labels_lists_the_same_years():
    rows = target_rows(small_plan(labels=False))
    assert {row.seq for row in rows} == {None}
    assert [(row.target, row.year, row.value) for row in rows] == [
        ("path", 2021, 50.5),
        ("path", 2022, 51.0),
        ("hold", 2021, 50.0),
        ("hold", 2022, 50.0),
        ("hold", 2023, 50.0),
        ("rise", 2023, None),
    ]


def test_a_baseline_row_that_does_not_exist_is_refused(tmp_path):
    text = yaml.safe_dump(small_plan_content(baseline_row=7), allow_unicode=True)
    (tmp_path / "plan.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(PlanError, match=r"targets\[2\]\.baseline_row: got 7; expected a row of the plan's baselines"):
        read_plan(tmp_path)
