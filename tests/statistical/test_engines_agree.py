"""Nested Laplace against NUTS on cases chosen to hurt: a minute each, most of it compiling.

    pytest tests/statistical/test_engines_agree.py

The same comparison with a page of results, which can be stopped and taken up: engines_agree.py beside this file.
"""

import numpy as np
import pytest
from engine_cases import CASES
from engines_agree import MAX_DIFFERENCE, MAX_DISTANCE, MIN_EFFECTIVE, compare

from qsim.indicators import Indicator
from qsim.inference.nuts import NutsSampler
from qsim.inference.series import without_figures
from qsim.model.priors import LevelPrior, NormalLaw, ThetaPrior
from qsim.records import Names

pytestmark = [
    pytest.mark.statistical,
    # NumPy does the linear algebra of a model this small
    pytest.mark.filterwarnings("ignore:PyTensor could not link to a BLAS:UserWarning"),
]


@pytest.mark.parametrize("case", CASES)
def test_both_engines_give_the_same_forecast(case):
    found = compare(case)
    print(found)
    assert min(found.laplace_effective, found.nuts_effective) >= MIN_EFFECTIVE
    assert found.difference <= MAX_DIFFERENCE
    assert found.distance <= MAX_DISTANCE


def test_nuts_draws_a_mixture_in_proportion_to_its_weights():
    near, far = (NormalLaw(np.full(5, center), 0.25 * np.eye(5)) for center in (-2.0, 1.0))
    prior = ThetaPrior((near, far), np.array([0.3, 0.7]))
    indicator = Indicator(slug="rate", name=Names(zh="rate", en="rate"))
    data = without_figures("guizhou", indicator, "", 2014)
    chains = NutsSampler(data, prior, LevelPrior(0.0, 1.0)).sample(draws=20_000, seed=1)
    # mu is the last of theta, and its own unconstrained value
    of_far = (chains.theta[..., 4] > -0.5).astype(float)
    share = float((chains.weights * of_far).sum() / chains.weights.sum())
    # a point of N(1, 0.5^2) lies below -0.5 with chance .0013, and the other way round
    error = np.sqrt(0.3 * 0.7 / chains.effective(of_far))
    assert abs(share - (0.7 * 0.99865 + 0.3 * 0.00135)) <= 4.0 * error
    assert chains.effective(of_far) >= 2000.0
