"""The commands: what they print, what they write, and how they end."""

import csv
import io
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pytest

from qsim.cli import main
from qsim.plans.labels import target_rows
from qsim.plans.read import read_plan
from qsim.report.table import COLUMNS
from qsim.shipped import shipped_folder, shipped_plans

SMALL = "guizhou-2017"
QUICK = ("--draws", "100", "--quiet")
DONE, DEFECT, BAD_INPUT = 0, 1, 2


class Ending(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


@pytest.fixture
def qsim(monkeypatch, capsys) -> Callable[..., Ending]:
    """Run a command in this process."""

    def call(*words: object) -> Ending:
        monkeypatch.setattr(sys, "argv", ["qsim", *map(str, words)])
        with pytest.raises(SystemExit) as end:
            main()
        captured = capsys.readouterr()
        return Ending(int(end.value.code or 0), captured.out, captured.err)

    return call


def python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_plans_lists_the_shipped_plans(qsim):
    ending = qsim("plans")
    assert ending.code == DONE
    assert [line.split("\t")[0] for line in ending.out.splitlines()] == list(shipped_plans())
    assert len(shipped_plans()) == 5
    assert ending.err == ""


@pytest.mark.parametrize("name", shipped_plans())
def test_targets_as_csv_has_the_columns_of_the_contract(qsim, name):
    ending = qsim("targets", name, "--csv")
    assert ending.code == DONE
    header, *rows = list(csv.reader(io.StringIO(ending.out)))
    assert header == [
        "plan", "seq", "target", "indicator_zh", "label_kind", "kind", "comparator", "value", "value_hi", "unit",
        "year", "baseline_value", "baseline_year", "clause",
    ]  # fmt: skip
    expected = target_rows(read_plan(name))
    assert [(row[2], int(row[10])) for row in rows] == [(row.target, row.year) for row in expected]
    assert [float(row[7]) if row[7] else None for row in rows] == [row.value for row in expected]
    assert "None" not in ending.out


def test_targets_prints_a_line_a_row_for_people(qsim):
    ending = qsim("targets", SMALL)
    assert ending.code == DONE
    assert len(ending.out.splitlines()) == len(target_rows(read_plan(SMALL)))
    assert ">= 89%" in ending.out.splitlines()[0]


def test_assess_prints_the_assessment_table_and_nothing_else(qsim):
    ending = qsim("assess", SMALL, *QUICK, "--lang", "en")
    assert (ending.code, ending.err) == (DONE, "")
    table = pd.read_csv(io.StringIO(ending.out))
    assert tuple(table.columns) == COLUMNS
    assert set(table["evidence"]) == {"figures", "prior", "not_testable"}
    assert table["note"].dropna().map(str.isascii).all()
    chances = table["p_published"].dropna()
    assert chances.between(0, 1).all()


def test_probabilities_are_compared_with_another_engine_on_request(qsim):
    ending = qsim("assess", SMALL, *QUICK, "--compare-engine", "laplace")
    table = pd.read_csv(io.StringIO(ending.out))
    base = table[(table["scenario"] == "baseline") & (table["scope"] == "overall") & table["p_published"].notna()]
    # the same engine again: four standard errors at a hundred draws and more
    assert (base["p_other_engine"] - base["p_published"]).abs().max() <= 0.2
    assert base["p_other_engine"].notna().all()


def test_progress_goes_to_stderr_and_only_there(qsim, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")  # a terminal, to rich
    ending = qsim("assess", SMALL, "--draws", 100)
    assert SMALL in ending.err
    assert ending.out.startswith(",".join(COLUMNS) + "\n")
    assert SMALL not in ending.out


def test_a_scenario_can_be_chosen(qsim):
    ending = qsim("assess", SMALL, *QUICK, "--scenario", "baseline")
    assert set(pd.read_csv(io.StringIO(ending.out))["scenario"]) == {"baseline"}


@pytest.fixture(scope="module")
def fresh(tmp_path_factory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """The main job in a process of its own, with the samplers that it loaded as the last line."""
    out = tmp_path_factory.mktemp("fresh")
    (out / "notes.txt").write_text("mine", encoding="utf-8")
    words = ["qsim", "appendix", "hainan-2020", "-o", str(out), "--draws", "300", "--quiet"]
    code = (
        f"import sys; sys.argv = {words!r}\nfrom qsim.cli import main\n"
        "try:\n    main()\nfinally:\n    print(sorted({'arviz', 'pymc', 'pytensor'} & set(sys.modules)))"
    )
    return out, python(code)


def test_the_appendix_is_written_and_its_files_are_named(fresh):
    out, ended = fresh
    assert (ended.returncode, ended.stderr) == (DONE, "")
    names = [
        "appendix.docx",
        "appendix.html",
        "assessment.csv",
        "joint.csv",
        "checkpoints.csv",
        "archive.json",
        "study.nc",
    ]
    assert ended.stdout.splitlines()[:-1] == [str(out / name) for name in names]
    assert all((out / name).stat().st_size > 0 for name in names)
    assert {path.name for path in out.iterdir()} == {*names, "figures", "notes.txt"}
    assert (out / "notes.txt").read_text(encoding="utf-8") == "mine"


def test_the_appendix_needs_no_sampler(fresh):
    assert fresh[1].stdout.splitlines()[-1] == "[]"


def test_a_second_run_writes_the_same_assessment_to_the_last_byte(fresh, qsim, tmp_path):
    assert qsim("appendix", "hainan-2020", "-o", tmp_path / "out", "--draws", 300, "--quiet").code == DONE
    assert (tmp_path / "out" / "assessment.csv").read_bytes() == (fresh[0] / "assessment.csv").read_bytes()


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


def test_the_package_runs_as_a_module():
    ended = subprocess.run([sys.executable, "-m", "qsim", "plans"], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (DONE, "")
    assert [line.split("\t")[0] for line in ended.stdout.splitlines()] == list(shipped_plans())


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


HEADER = "region,indicator,year,value"


def table(folder: Path, *lines: str) -> tuple[object, ...]:
    path = folder / "own.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return SMALL, "--data", path


def plan_copy(folder: Path, old: str, new: str) -> tuple[object, ...]:
    copy = folder / "copy"
    shutil.copytree(shipped_folder() / SMALL, copy)
    text = (copy / "plan.yaml").read_text(encoding="utf-8")
    assert old in text
    (copy / "plan.yaml").write_text(text.replace(old, new, 1), encoding="utf-8")
    return (copy,)


BAD_INPUTS: dict[str, tuple[Callable[[Path], tuple[object, ...]], tuple[str, ...]]] = {
    "no such file": (lambda _: (SMALL, "--data", "nothing.csv"), ("nothing.csv", "no such file")),
    "a folder for a file": (lambda tmp: (SMALL, "--data", tmp), ("expected a table as .csv",)),
    "a file that is no table": (
        lambda tmp: table(tmp, "<html>", "<body>", "</html>"),
        ("own.csv", "column <html>", "an unknown column"),
    ),
    "unknown column": (
        lambda tmp: table(tmp, "regin,indicator,year,value", "guizhou,spot,2014,90.1"),
        ("row 1, column regin", "did you mean 'region'?"),
    ),
    "year that is no year": (
        lambda tmp: table(tmp, HEADER, "guizhou,spot,20l4,90.1"),
        ("row 2, column year: got '20l4'; expected",),
    ),
    "percent sign on a count of days": (
        lambda tmp: table(tmp, HEADER, "guizhou,good_air_days_count,2014,85%"),
        ("row 2, column value: got '85%'; expected a figure in 天",),
    ),
    "fractions for percent": (
        lambda tmp: table(tmp, HEADER, "guizhou,spot,2013,0.93", "guizhou,spot,2014,0.94"),
        ("row 2, column value: got '0.93'; expected percent: 93", "row 3, column value"),
    ),
    "rate in another unit": (
        lambda tmp: plan_copy(tmp, 'acceptance_rate, unit: "%"', "acceptance_rate, unit: 分"),
        ("indicators[0]", "unit '%' for family 'rate'"),
    ),
    "empty history": (lambda tmp: table(tmp, HEADER), ("no figures below the header",)),
    "figures of another region": (
        lambda tmp: table(tmp, HEADER, "贵州,spot,2014,90.1"),
        ("column region", "'贵州'", "expected figures of 'guizhou'"),
    ),
    "unknown plan": (lambda _: ("hainan-2021",), ("no plan 'hainan-2021'", "did you mean 'hainan-2020'?")),
    "unknown YAML key": (
        lambda tmp: plan_copy(tmp, "base_year:", "base_yaer:"),
        ("base_yaer: got an unknown key", "did you mean 'base_year'?"),
    ),
    "broken YAML": (lambda tmp: plan_copy(tmp, "region: {", "region: {{"), ("plan.yaml", "line ")),
    "target year before the period": (
        lambda tmp: plan_copy(tmp, "values: {2015: 89", "values: {2013: 89"),
        ("targets[0].year: got 2013; expected a year from 2015",),
    ),
    "target year before the first forecast year": (
        lambda tmp: plan_copy(tmp, "as_of: 2015-05-02", "as_of: 2018-05-02"),
        ("targets[0].year: got 2017; expected a year from 2018, the first forecast year",),
    ),
    "cut-off before the plan": (lambda _: (SMALL, "--as-of", 2014), ("as-of: got 2014-12-31", "2015-05-02")),
    "cut-off that is no year": (lambda _: (SMALL, "--as-of", 99999), ("--as-of",)),
    "unknown scenario": (lambda _: (SMALL, "--scenario", "more"), ("no scenario 'more'", "more-spot-checks")),
    "too few draws": (lambda _: (SMALL, "--draws", 1), ("--draws",)),
    "unknown language": (lambda _: (SMALL, "--lang", "fr"), ("--lang",)),
}  # fmt: skip


def held(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("case", BAD_INPUTS)
def test_bad_input_is_told_and_an_earlier_appendix_stays(qsim, tmp_path, case):
    words, told = BAD_INPUTS[case]
    arguments = words(tmp_path)
    output = tmp_path / "out"
    output.mkdir()
    (output / "assessment.csv").write_text("an earlier run", encoding="utf-8")
    before = held(tmp_path)
    ending = qsim("appendix", *arguments, "-o", output)
    assert (ending.code, ending.out) == (BAD_INPUT, "")
    assert "Traceback" not in ending.err
    assert [part for part in told if part not in ending.err] == []
    assert held(tmp_path) == before


@pytest.mark.parametrize("case", ["empty history", "unknown plan", "unknown scenario", "unknown YAML key"])
def test_bad_input_makes_no_folder(qsim, tmp_path, case):
    words, _ = BAD_INPUTS[case]
    assert qsim("appendix", *words(tmp_path), "-o", tmp_path / "new" / "out").code == BAD_INPUT
    assert not (tmp_path / "new").exists()


def test_an_output_that_is_a_file_stays_and_is_named(qsim, tmp_path):
    (tmp_path / "out").write_text("mine", encoding="utf-8")
    ending = qsim("appendix", SMALL, "-o", tmp_path / "out", *QUICK)
    assert ending.code == BAD_INPUT
    assert "it is a file; name a folder" in ending.err
    assert held(tmp_path) == {"out": b"mine"}


@pytest.mark.parametrize("command", ["assess", "targets", "check", "appendix"])
def test_every_command_ends_alike_on_an_unknown_plan(qsim, command):
    ending = qsim(command, "hainan-2021")
    assert (ending.code, ending.out) == (BAD_INPUT, "")
    assert "hainan-2020" in ending.err


@pytest.mark.parametrize("words", [("nonsense",), ("assess",), ("assess", SMALL, "--no-such-option")])
def test_a_command_that_does_not_exist_is_bad_input(qsim, words):
    assert qsim(*words).code == BAD_INPUT


def test_a_defect_is_not_dressed_up_as_bad_input(monkeypatch):
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("a defect")

    monkeypatch.setattr("qsim.study.run", fail)
    monkeypatch.setattr(sys, "argv", ["qsim", "assess", SMALL, "--quiet"])
    with pytest.raises(RuntimeError, match="a defect"):
        main()


def test_a_defect_ends_with_exit_code_1_and_its_trace():
    ended = python(
        "import sys, qsim.plans.read, qsim.cli\n"
        "def fail(name): raise RuntimeError('a defect')\n"
        "qsim.plans.read.read_plan = fail\n"
        "sys.argv = ['qsim', 'targets', 'guizhou-2017']\n"
        "qsim.cli.main()"
    )
    assert ended.returncode == DEFECT
    assert "RuntimeError: a defect" in ended.stderr
    assert ended.stdout == ""


SHIPPED = shipped_folder()
GOOD = [
    (SHIPPED / SMALL, "46 targets, 6 scenarios"),
    (SMALL, "46 targets, 6 scenarios"),
    (SHIPPED / SMALL / "plan.yaml", "46 targets"),
    (SHIPPED / SMALL / "scenarios.yaml", "6 scenarios"),
    (SHIPPED / SMALL / "observations.csv", " figures, "),
    (SHIPPED / "indicators.yaml", " indicators"),
    *((path, " figures, ") for path in sorted(SHIPPED.glob("observations/*.csv"))),
]


@pytest.mark.parametrize(("path", "held"), GOOD, ids=[Path(path).name for path, _ in GOOD])
def test_check_says_what_a_good_file_holds(qsim, path, held):
    ending = qsim("check", path)
    assert (ending.code, ending.err) == (DONE, "")
    assert ending.out.startswith(f"{path}: ")
    assert held in ending.out


@pytest.mark.parametrize("name", shipped_plans())
def test_check_accepts_every_shipped_plan(qsim, name):
    assert qsim("check", name).code == DONE


def test_check_reports_every_fault_of_every_path(qsim, tmp_path):
    (tmp_path / "one.csv").write_text(f"{HEADER}\nguizhou,spot,20l4,90.1\nguizhou,spot,2013,901\n", encoding="utf-8")
    (tmp_path / "two.csv").write_text("regin\nguizhou\n", encoding="utf-8")
    (folder,) = plan_copy(tmp_path, "base_year:", "base_yaer:")
    ending = qsim("check", tmp_path / "one.csv", SMALL, tmp_path / "two.csv", folder, "nothing")
    assert ending.code == BAD_INPUT
    assert ending.out.startswith(f"{SMALL}: 46 targets")
    tables = ("one.csv: 2 faults", "'20l4'", "'901'", "two.csv", "column regin")
    told = (*tables, "base_yaer: got", "base_year: got nothing", "no file, folder or shipped plan 'nothing'")
    assert [part for part in told if part not in ending.err] == []


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("plan.yaml", "贵州: 1\n".encode("gb18030"), "got not UTF-8"),
        ("other.yaml", "贵州: 1\n".encode("gb18030"), "got not UTF-8"),
        ("other.yaml", b"- 1\n", "expected a mapping"),
        ("other.yaml", b"indicators: 1\n", "indicators: got 1; expected a list"),
        ("other.yaml", b"targets: 1\n", "targets: got 1; expected a list"),
        ("scenarios.yaml", b"scenarios: []\n", "expected a list with at least 1 entry"),
        ("table.xyz", b"1", "expected a table as .csv"),
        ("table.csv", b"", "table.csv"),
    ],
)
def test_check_says_what_is_wrong_with_a_file(qsim, tmp_path, name, content, told):
    (tmp_path / name).write_bytes(content)
    ending = qsim("check", tmp_path / name)
    assert ending.code == BAD_INPUT
    assert told in ending.err


def test_check_names_a_file_that_is_missing(qsim, tmp_path):
    for name in ("plan.yaml", "other.yaml", "table.csv", "folder"):
        ending = qsim("check", tmp_path / name)
        assert ending.code == BAD_INPUT
        assert name in ending.err or str(tmp_path) in ending.err


def test_schema_writes_the_json_schemas(qsim, tmp_path):
    ending = qsim("schema", "-o", tmp_path)
    assert ending.code == DONE
    assert {Path(line).name for line in ending.out.splitlines()} == {path.name for path in tmp_path.iterdir()}
    assert all(json.loads(path.read_text(encoding="utf-8"))["title"] for path in tmp_path.iterdir())


def test_help_names_every_command(qsim):
    ending = qsim("--help")
    assert ending.code == DONE
    commands = ("plans", "check", "targets", "appendix", "assess", "reverse", "budget", "review", "schema")
    assert [name for name in commands if name not in ending.out] == []
