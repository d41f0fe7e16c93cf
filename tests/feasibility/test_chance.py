"""A statement as an event on the draws of one scenario, for questions that pull levers."""

import numpy as np

from qsim.feasibility.assess import assess
from qsim.feasibility.chance import series_of, statement_holds
from qsim.plans.read import plan_catalogue
from qsim.records import Names

TEXT = Names(zh="例", en="example")


def test_a_statement_holds_in_the_draws_that_its_probability_counts(target, plan, forecast):
    rng = np.random.default_rng(0)
    drawn = {"here/rate": rng.normal(90, 2, (300, 2)), "province/rate": rng.normal(89, 1, (300, 2))}
    draws = forecast(drawn, years=[2019, 2020])
    goals = (
        target("path", values={2019: 89.0, 2020: 90.0}),
        target("relative", reference=TEXT, reference_region="province", first_year=2019, year=2020),
        target("zero", first_year=2019, year=2020),
    )
    whole = plan(*goals)
    for result in assess(draws, whole).results:
        holds = statement_holds(result.target, "here/rate", plan_catalogue(whole), draws.isel(scenario=0))
        assert holds.dims == ("chain", "draw")
        assert float(holds.mean()) == result.p_published


def test_a_relative_statement_looks_at_two_series(target):
    assert series_of(target("level", value=1.0, year=2020), "here") == ("here/rate",)
    due = target("relative", reference=TEXT, reference_region="province", first_year=2020, year=2020)
    assert series_of(due, "here") == ("here/rate", "province/rate")
    quota = target("relative", reference=TEXT, first_year=2020, year=2020)
    assert series_of(quota, "here") == ("here/rate",)
