"""Claims about single numbers in words: intervals, differences, decimals, lines of a cell."""

from hypothesis import given
from hypothesis import strategies as st

from qsim.feasibility.joint import Joint
from qsim.report.values import alike, difference, number_met
from qsim.report.widths import lines
from qsim.report.words import words

ZH, EN = words("zh"), words("en")


@given(st.lists(st.floats(0.001, 1), min_size=2, max_size=30))
def test_the_interval_of_the_number_met_holds_its_probability(weights):
    total = sum(weights)
    shares = tuple(weight / total for weight in weights)
    own = Joint(
        scenario="", scope="plan", category="", statements=len(shares) - 1, indicators=len(shares) - 1,
        p_all=shares[-1], p_independent=0.0, p_low=0.0, p_high=1.0, expected=0.0, distribution=shares,
    )  # fmt: skip
    low, high = number_met(own)
    assert sum(shares[low : high + 1]) >= 0.8 - 1e-9
    assert sum(shares[:low]) <= 0.1 + 1e-9
    assert sum(shares[high + 1 :]) <= 0.1 + 1e-9


def test_percent_differ_by_points_and_counts_by_their_unit():
    assert difference(1.25, "%", ZH, sign=True) == "+1.2个百分点"
    assert difference(180.7, "家", ZH) == "181家"
    assert difference(1.26, "个", EN) == "1.3"


def test_numbers_of_a_row_have_the_same_decimals():
    assert alike((61.0, 62.95, 64.0)) == ("61.00", "62.95", "64.00")
    assert alike((50.0, 52.0)) == ("50", "52")
    assert alike(()) == ()


def test_a_row_of_figures_stays_on_one_line():
    assert lines("逐年89、90、91%以上", 6.0) == 3
    assert lines("每年98%以上", 7.0) == 1
    assert lines("99.54%\n（2017年）", 6.0) == 2
