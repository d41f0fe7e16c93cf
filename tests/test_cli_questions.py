"""The commands that ask of a plan what a lever has to do, and which levers are worth paying for."""

import io
from pathlib import Path

import pandas as pd
import pytest

QUICK = ("--draws", "100", "--quiet")
DONE, BAD_INPUT = 0, 2


def test_reverse_prints_the_size_and_the_start_that_a_lever_needs(qsim):
    ending = qsim("reverse", "hainan-2020", "--lever", "key-product-campaign", "--goal", 0.9, *QUICK)
    assert (ending.code, ending.err) == (DONE, "")
    first, line = ending.out.splitlines()
    assert first == "lever key-product-campaign on top of scenario baseline; goal 90%"
    assert line.startswith("key-product-pass-rate: ")
    assert "size " in line
    assert " points (median)" in line


def test_reverse_as_csv_has_the_columns_of_the_contract(qsim):
    ending = qsim("reverse", "hainan-2020", "--lever", "water-campaign", "--csv", *QUICK)
    table = pd.read_csv(io.StringIO(ending.out))
    assert list(table.columns) == [
        "target", "lever", "goal", "p_without", "p_as_written", "size_needed", "unit", "p_at_size", "change_at_size",
        "change_unit", "latest_start", "p_at_start", "answer",
    ]  # fmt: skip
    assert len(table) == 2


@pytest.fixture
def costs(tmp_path) -> Path:
    path = tmp_path / "costs.csv"
    path.write_text("措施,费用\nkey-product-campaign,4\nwater-campaign,6\n", encoding="utf-8")
    return path


def test_budget_prints_the_frontier_and_the_best_within_a_limit(qsim, costs):
    ending = qsim("budget", "hainan-2020", "--costs", costs, "--budget", 5, *QUICK)
    assert (ending.code, ending.err) == (DONE, "")
    header, *rows, best = ending.out.splitlines()
    assert header.startswith("5 indicators, targets ")
    assert header.endswith("; exact: no combination is better")
    assert rows[0].startswith("cost 0: ")
    assert best in {"within 5: key-product-campaign at a cost of 4", "within 5: no lever at a cost of 0"}


def test_one_indicator_is_said_in_the_singular(qsim, costs):
    ending = qsim("budget", "hainan-2020", "--costs", costs, "--target", "key-product-pass-rate", *QUICK)
    assert ending.out.splitlines()[0].startswith("1 indicator, targets key-product-pass-rate;")


def test_every_fault_of_a_file_of_costs_is_told_with_unknown_levers(qsim, tmp_path):
    (tmp_path / "costs.csv").write_text("措施,费用\nwater-campain,4\nkey-product-campaign,dear\n", encoding="utf-8")
    ending = qsim("budget", "hainan-2020", "--costs", tmp_path / "costs.csv", *QUICK)
    assert ending.code == BAD_INPUT
    told = (
        "2 faults",
        "row 2, column 措施: got 'water-campain'",
        "'water-campaign'?",
        "row 3, column 费用: got 'dear'",
    )
    assert [part for part in told if part not in ending.err] == []


@pytest.mark.parametrize(("name", "content"), [("costs.csv", "措施,费用\na,4\nb,6\n"), ("costs.yaml", "a: 4\nb: 6\n")])
def test_check_knows_a_file_of_costs(qsim, tmp_path, name, content):
    (tmp_path / name).write_text(content, encoding="utf-8")
    ending = qsim("check", tmp_path / name)
    assert (ending.code, ending.err) == (DONE, "")
    assert ending.out.endswith("costs of 2 levers\n")


def test_budget_as_csv_has_the_columns_of_the_contract(qsim, costs):
    ending = qsim("budget", "hainan-2020", "--costs", costs, "--aim", "all", "--csv", *QUICK)
    table = pd.read_csv(io.StringIO(ending.out))
    assert list(table.columns) == ["cost", "levers", "expected", "p_all", "at_most"]
    assert table["p_all"].is_monotonic_increasing


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("reverse", "hainan-2020", "--lever", "water-campain", "--target", "air"), ("2 faults", "'water-campaign'?")),
        (("reverse", "hainan-2020"), ("--lever",)),
        (("reverse", "hainan-2020", "--lever", "water-campaign", "--goal", "80"), ("--goal",)),
        (("budget", "hainan-2020"), ("costs: got none", "--costs")),
        (("budget", "hainan-2020", "--costs", "nothing.csv"), ("nothing.csv", "no such file")),
        (("budget", "hainan-2020", "--budget", "-1"), ("--budget",)),
    ],
)
def test_a_faulty_question_is_told_before_anything_is_fitted(qsim, monkeypatch, words, told):
    monkeypatch.setattr("qsim.study.run", None)
    ending = qsim(*words)
    assert (ending.code, ending.out) == (BAD_INPUT, "")
    assert [part for part in told if part not in ending.err] == []


BARE_PLAN = """\
id: bare-2020
label_set: bare
title: {zh: 例, en: example}
region: {id: bare, name: {zh: 例, en: example}}
period: {first_year: 2018, last_year: 2020}
adopted: 2018-03-01
as_of: 2018-12-31
base_year: 2017
indicators:
  - {slug: kept_rate, name: {zh: 例, en: example}}
targets:
  - {id: kept, kind: level, indicator: kept_rate, name: {zh: 例, en: example}, category: service, unit: "%", value: 90,
     year: 2020, clauses: [一]}
"""
BARE_SCENARIOS = """\
scenarios:
  - {id: baseline, name: {zh: 例, en: example}}
levers:
  - {id: push, name: {zh: 例, en: example}, indicators: [kept_rate], shape: step, scale: points, size: 1,
     start_year: 2019, cost: 1, source: {kind: assumed, text: {zh: 例, en: example}}}
"""


@pytest.mark.parametrize("words", [("reverse", "--lever", "push"), ("budget",)])
def test_a_plan_without_any_figure_has_nothing_to_ask(qsim, tmp_path, words):
    (tmp_path / "plan.yaml").write_text(BARE_PLAN, encoding="utf-8")
    (tmp_path / "scenarios.yaml").write_text(BARE_SCENARIOS, encoding="utf-8")
    ending = qsim(words[0], tmp_path, *words[1:], *QUICK)
    assert (ending.code, ending.out) == (BAD_INPUT, "")
    assert "no target has a figure or a pool of other regions" in ending.err
