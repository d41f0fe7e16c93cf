"""Levels that look like a slip of the pen are warned of by a check, and not refused."""

from pathlib import Path

import pytest

from qsim.checking import check_path

GOOD = (Path(__file__).parent / "good" / "plan.yaml").read_text(encoding="utf-8")


def warnings_of(folder: Path, *changes: tuple[str, str], scenarios: str = "") -> list[str]:
    """What a check of the example plan, changed, warns of."""
    text = GOOD
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    (folder / "plan.yaml").write_text(text, encoding="utf-8")
    if scenarios:
        (folder / "scenarios.yaml").write_text(scenarios, encoding="utf-8")
    return [line.removeprefix("  warning: ") for line in check_path(str(folder)).splitlines()[1:]]


PATH = ("{2018: 90.5, 2020: 92}", "{2018: 0.905, 2020: 0.92}")


def test_a_percent_level_that_looks_like_a_fraction_is_warned_of(tmp_path):
    told = warnings_of(tmp_path, ("value: 92\n", "value: 0.92\n"), PATH)
    assert told == [
        "targets[0] (pass-rate).value: 0.92 % of example_pass_rate: "
        "write 92 if this is a fraction; leave it if 0.92 % is meant",
        "targets[1] (pass-rate-path).values.2018: 0.905 % of example_pass_rate: "
        "write 90.5 if this is a fraction; leave it if 0.905 % is meant",
    ]


def test_a_small_share_that_must_not_be_passed_is_nothing_unusual(tmp_path):
    least = (("comparator: =\n", 'comparator: "<="\n'), ("value: 92\n", "value: 0.92\n"))
    assert [told for told in warnings_of(tmp_path, *least) if "fraction" in told] == []


@pytest.mark.parametrize(("sign", "level"), [(">=", 0), ("<=", 100)])
def test_a_level_that_every_figure_meets_is_warned_of(tmp_path, sign, level):
    told = warnings_of(tmp_path, ("comparator: =\n", f'comparator: "{sign}"\n'), ("value: 92\n", f"value: {level}\n"))
    assert f"targets[0] (pass-rate).value: every figure of example_pass_rate is {sign} {level}" in told


def test_the_example_plan_is_in_no_doubt(tmp_path):
    assert warnings_of(tmp_path) == []
