"""Reviews: hand-worked scores, and what is a forecast and what is not."""

import math
from datetime import date

import numpy as np
import pandas as pd
import pytest

from qsim.evaluation.archive import Archive, ArchivedStatement, ArchivedYear, Hashes
from qsim.evaluation.outcomes import Published
from qsim.evaluation.review import (
    ENOUGH_FOR_A_BAND,
    ROW_COLUMNS,
    SCORE_COLUMNS,
    Review,
    Reviewed,
    joined,
    review_archives,
    review_frame,
    score,
    score_frame,
    unknown_counts,
)
from qsim.evaluation.review_text import WORDS, review_text
from qsim.indicators import Catalogue, Indicator
from qsim.observations.read import read_observations
from qsim.plans.targets import LevelTarget, MaintainTarget, Target
from qsim.records import Names

TEXT = Names(zh="例", en="example")
CATALOGUE = Catalogue(indicators=tuple(Indicator(slug=slug, name=TEXT) for slug in ("one", "two", "three")))
ZEROS = "0" * 64
USUAL = {"name": TEXT, "category": "other", "unit": "%", "clauses": ("一",)}


def row(p: float | None, met: bool | None, **more: object) -> Reviewed:
    usual = {
        "plan": "here-2020", "as_of": date(2018, 7, 1), "scenario": "baseline", "target": "t", "indicator": "one",
        "name": "例", "scope": "overall", "year": 2020, "evidence": "figures", "grade": "B", "p_published": p,
        "p_true": p, "met": met, "why_unknown": "" if met is not None else "no_figure", "settled_before": False,
        "figure": "", "source": "",
    }  # fmt: skip
    return Reviewed(**{**usual, **more})


def statement(target: str, p: float, years: dict[int, float], scenario: str = "baseline") -> ArchivedStatement:
    return ArchivedStatement(
        scenario=scenario, target=target, evidence="figures", basis="", figures=3, p_published=p, p_true=p,
        years=tuple(ArchivedYear(year=year, p_published=own, p_true=own) for year, own in years.items()),
    )  # fmt: skip


def archive(*statements: ArchivedStatement, as_of: date = date(2018, 7, 1)) -> Archive:
    targets: tuple[Target, ...] = (
        LevelTarget(kind="level", id="level", indicator="one", value=95.0, year=2020, **USUAL),
        MaintainTarget(kind="maintain", id="hold", indicator="two", value=90.0, first_year=2018, year=2020, **USUAL),
        LevelTarget(kind="level", id="none", indicator="three", value=95.0, year=2020, **USUAL),
    )
    return Archive(
        format=1, plan="here-2020", title=TEXT, region="here", as_of=as_of, version="0", engine="laplace", seed=0,
        draws=100, hashes=Hashes(data=ZEROS, plan=ZEROS, scenarios=ZEROS, indicators=ZEROS), targets=targets,
        statements=statements, sha256=ZEROS,
    )  # fmt: skip


@pytest.fixture
def figures() -> Published:
    rows = [
        ("one", 2020, "96", "2021-03"), ("two", 2017, "91", "2018-01"), ("two", 2018, "91", "2019-01"),
        ("two", 2019, "89", "2020-01"),
    ]  # fmt: skip
    table = pd.DataFrame(
        [("here", *one) for one in rows], columns=["region", "indicator", "year", "value", "published"]
    ).astype(str)
    return Published(read_observations(table, catalogue=CATALOGUE), CATALOGUE, date(2022, 1, 1))


def test_scores_of_two_forecasts_worked_by_hand():
    found = score([row(0.8, True), row(0.4, True), row(0.9, None), row(None, False)], "a", "overall")
    assert (found.with_probability, found.scored, found.met, found.hits) == (3, 2, 2, 1)
    assert found.brier == pytest.approx((0.04 + 0.36) / 2)
    assert found.log == pytest.approx(-(math.log(0.8) + math.log(0.4)) / 2)
    assert found.brier_half == pytest.approx(0.25)
    assert found.log_half == pytest.approx(math.log(2.0))


def test_the_best_constant_scores_its_own_variance_and_entropy():
    rows = [row(0.5, True), row(0.5, False), row(0.5, False), row(0.5, False)]
    found = score(rows, "a", "overall")
    assert found.brier_share == pytest.approx(0.25 * 0.75)
    assert found.log_share == pytest.approx(-0.25 * math.log(0.25) - 0.75 * math.log(0.75))
    assert found.hits == 0


def test_nothing_scored_gives_no_score():
    found = score([row(0.8, None)], "a", "overall")
    assert found.scored == 0
    assert all(math.isnan(getattr(found, name)) for name in SCORE_COLUMNS[6:])


@pytest.mark.parametrize(
    ("p", "met", "hit"),
    [(0.8, True, True), (0.8, False, False), (0.2, False, True), (0.5, True, None), (None, True, None)],
)
def test_a_hit_is_the_likelier_side_coming_true(p, met, hit):
    assert row(p, met).hit is hit


def test_what_was_settled_on_the_day_is_listed_and_not_scored(figures):
    known = archive(statement("hold", 0.0, {2018: 1.0, 2019: 0.0, 2020: 0.6}), as_of=date(2020, 6, 30))
    found = review_archives([known], figures)
    assert [(one.year, one.met, one.settled_before, one.scored) for one in found.rows] == [
        (2020, False, True, False),
        (2018, True, True, False),
        (2019, False, True, False),
        (2020, None, False, False),
    ]
    assert sum(one.scored for one in found.scores) == 0


def test_each_statement_and_year_is_held_against_its_figure(figures):
    found = review_archives(
        [archive(statement("level", 0.7, {2020: 0.7}), statement("hold", 0.3, {2018: 0.8, 2019: 0.6, 2020: 0.5}))],
        figures,
    )
    assert [(one.scope, one.year, one.met, one.hit) for one in found.rows] == [
        ("overall", 2020, True, True),
        ("year", 2020, True, True),
        ("overall", 2020, False, True),
        ("year", 2018, True, True),
        ("year", 2019, False, False),
        ("year", 2020, None, None),
    ]
    whole, years = found.scores
    assert whole.brier == pytest.approx((0.09 + 0.09) / 2)
    assert years.brier == pytest.approx((0.09 + 0.04 + 0.36) / 3)
    assert found.rows[1].figure == "96"


def test_scenarios_with_levers_are_no_forecast(figures):
    two = archive(statement("level", 0.7, {2020: 0.7}), statement("level", 0.9, {2020: 0.9}, scenario="policy"))
    assert {one.scenario for one in review_archives([two], figures).rows} == {"baseline"}


def test_several_archives_are_scored_alone_and_together(figures):
    first = archive(statement("level", 0.6, {2020: 0.6}))
    second = archive(statement("level", 0.9, {2020: 0.9}), as_of=date(2019, 12, 31))
    found = review_archives([first, second], figures)
    whole = {one.archive: one.brier for one in found.scores if one.scope == "overall"}
    assert whole == pytest.approx(
        {"here-2020@2018-07-01": 0.16, "here-2020@2019-12-31": 0.01, "all": (0.16 + 0.01) / 2}
    )
    assert joined([found]).scores == found.scores


def reviewed(count: int) -> Review:
    rows = tuple(row(0.9, place % 10 != 0) for place in range(count))
    return Review(rows=rows, scores=(score(rows, "a", "overall"),))


def test_a_band_is_shown_from_enough_outcomes_on():
    enough = reviewed(ENOUGH_FOR_A_BAND).bands("overall")
    assert enough["observed"].values[-1] == pytest.approx(0.9)
    assert np.isnan(enough["observed"].values[:-1]).all()
    assert np.isnan(reviewed(ENOUGH_FOR_A_BAND - 1).bands("overall")["observed"].values).all()
    assert f"P 80% to 100%: {ENOUGH_FOR_A_BAND} outcomes, mean P 90%, met 90%" in review_text(reviewed(20))
    assert "no band has the 20 outcomes it takes" in review_text(reviewed(19))


def test_the_table_has_its_columns_and_says_met_missed_or_unknown(figures):
    found = review_archives(
        [archive(statement("level", 0.7, {2020: 0.7}), statement("none", 0.7, {2020: 0.7}))], figures
    )
    frame = review_frame(found)
    assert tuple(frame.columns) == ROW_COLUMNS
    assert frame["outcome"].tolist() == ["met", "met", "unknown", "unknown"]
    assert tuple(score_frame(found).columns) == SCORE_COLUMNS


def test_the_text_lists_every_known_outcome_and_counts_the_others(figures):
    found = review_archives(
        [archive(statement("level", 0.7, {2020: 0.7}), statement("hold", 0.7, dict.fromkeys((2018, 2019, 2020), 0.7)))],
        figures,
    )
    text = review_text(found)
    assert "  hit  2020  level (例): P 70%, met, figure 96" in text
    assert "  miss 2019  hold (例): P 70%, missed, figure 89" in text
    assert f"  not known: 1 ({WORDS['no_figure']})" in text
    assert unknown_counts(found.of("year")) == {"no_figure": 1}
