"""Statements that contradict each other are warned of, with their clauses."""

from datetime import date
from pathlib import Path

import pytest

from qsim.checking import check_path
from qsim.plans.contradictions import contradictions
from qsim.plans.plan import Period, PlanText, Region
from qsim.plans.read import read_plan
from qsim.plans.targets import LevelTarget, MaintainTarget, PathTarget
from qsim.records import Names
from qsim.shipped import shipped_plans

TEXT = Names(zh="例", en="example")
KINDS = {"level": LevelTarget, "path": PathTarget, "maintain": MaintainTarget}


def stated(kind: str, number: int, **traits):
    usual = {"indicator": "rate", "name": TEXT, "category": "other", "unit": "%", "clauses": (f"第{number}条",)}
    return KINDS[kind](kind=kind, id=f"t{number}", **{**usual, **traits})


def plan_of(*targets) -> PlanText:
    return PlanText(
        id="here-2020", label_set="here", title=TEXT, region=Region(id="here", name=TEXT),
        period=Period(first_year=2018, last_year=2020), adopted=date(2018, 7, 1), as_of=date(2018, 7, 1),
        base_year=2017, targets=targets,
    )  # fmt: skip


HELD = {"first_year": 2018, "year": 2020}


@pytest.mark.parametrize(
    ("first", "second", "years", "kind"),
    [
        (
            ("path", {"values": {2018: 89.0, 2019: 91.0}}),
            ("maintain", {"value": 90.0, **HELD}),
            [2018],
            "path falls short",
        ),
        (("maintain", {"value": 90.0, **HELD}), ("path", {"values": {2018: 91.0, 2019: 92.0}}), [], ""),
        (("level", {"value": 90.0, "year": 2020}), ("level", {"value": 92.0, "year": 2020}), [2020], "two levels"),
        (("level", {"value": 90.0, "year": 2020}), ("level", {"value": 92.0, "year": 2019}), [], ""),
        (("level", {"value": 90.0, "year": 2020}), ("level", {"value": 90.0, "year": 2020}), [], ""),
        (("level", {"value": 85.0, "year": 2020}), ("maintain", {"value": 90.0, **HELD}), [2020], "level falls short"),
        (("level", {"value": 95.0, "year": 2020}), ("maintain", {"value": 90.0, **HELD}), [], ""),
        (
            ("level", {"value": 5.0, "comparator": "<=", "year": 2020}),
            ("level", {"value": 6.0, "year": 2020}),
            [2020],
            "no figure meets both",
        ),
        (
            ("path", {"values": {2018: 6.0}, "comparator": "<="}),
            ("maintain", {"value": 5.0, "comparator": "<=", **HELD}),
            [2018],
            "path falls short",
        ),
    ],
)
def test_contradictions_by_hand(first, second, years, kind):
    plan = plan_of(stated(first[0], 1, **first[1]), stated(second[0], 2, **second[1]))
    found = contradictions(plan)
    assert [one.year for one in found] == years
    for one in found:
        assert kind in str(one)
        assert "第1条" in str(one)
        assert "第2条" in str(one)


@pytest.mark.parametrize("traits", [{"definition": "city"}, {"indicator": "other"}, {"unit": "分"}])
def test_statements_about_something_else_do_not_contradict(traits):
    one, other = ({"value": value, "year": 2020} for value in (90.0, 92.0))
    assert contradictions(plan_of(stated("level", 1, **one), stated("level", 2, **other, **traits))) == ()


@pytest.mark.parametrize("name", shipped_plans())
def test_a_shipped_plan_is_checked_for_contradictions(name):
    warned = check_path(name).splitlines()[1:]
    assert warned == [f"  warning: {found}" for found in contradictions(read_plan(name))]


def test_check_warns_and_does_not_refuse(tmp_path):
    good = Path(__file__).with_name("good") / "plan.yaml"
    text = good.read_text(encoding="utf-8").replace("2020: 92}", "2020: 91}")
    (tmp_path / "plan.yaml").write_text(text, encoding="utf-8")
    held, warning = check_path(str(tmp_path)).splitlines()
    assert held.startswith("2 targets")
    assert warning.startswith("  warning: example_pass_rate, 2020: ")
    assert "'pass-rate' (第一条) asks for 92%" in warning
    assert "'pass-rate-path' (第二条) asks for >= 91%" in warning
