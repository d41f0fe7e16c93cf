r"""Learn the logit prior of theta from the histories of a panel of annual percent indicators.

    python tests/statistical/learn_priors.py PANEL_FOLDER

reads ``series.csv.gz`` and ``protocol.csv`` of the panel and prints the components of ``links: logit: theta:`` of
``qsim/model/priors.yaml``, one for each measured indicator: the normal population of theta over its regions. Only the
histories up to each case's cutoff are read, never its outcomes. A component rests on its own indicator alone and a wide
fixed law that weighs five series, so that leaving it out leaves the indicator out. EM: the E step weighs one Sobol
design of theta for every series by its evidence, the M step takes mean and covariance of the weighted points.
"""

import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import logsumexp

from qsim.indicators import Indicator
from qsim.inference.design import sobol_normals
from qsim.inference.laplace import log_evidence
from qsim.inference.series import make_series
from qsim.model.priors import LevelPrior, NormalLaw
from qsim.model.series import SeriesData
from qsim.records import Names

ROUNDS = 25
WIDE = NormalLaw(np.array([-2.1, -3.1, 0.5, -2.4, 0.04]), np.diag(np.array([1.2, 1.1, 1.4, 1.5, 0.07]) ** 2))
WIDE_SERIES = 5.0
LOWER_IS_BETTER = {"se_social_assistance"}


def histories(folder: Path) -> list[SeriesData]:
    """History of every measured case, in the arrays of the engine."""
    cases = pd.read_csv(folder / "protocol.csv", dtype={"region": str})
    cases = cases[cases["modelled"] == 0]
    table = pd.read_csv(folder / "series.csv.gz", dtype={"region": str, "value": str})
    table["decimals"] = table["value"].str.partition(".")[2].str.len()
    table["value"] = table["value"].astype(float)
    half = 0.5 * 10.0 ** -table["decimals"]
    table["lower"], table["upper"] = (table["value"] - half).clip(0), (table["value"] + half).clip(upper=100)
    table["qualifier"] = "="
    groups = dict(list(table.groupby(["indicator", "region"])))
    found = []
    for case in cases.itertuples():
        rows = groups[case.indicator, case.region]
        rows = rows[rows["year"] <= case.cutoff].sort_values("year").tail(case.hist_n)
        better = "lower" if case.indicator in LOWER_IS_BETTER else "higher"
        indicator = Indicator(slug=case.indicator, name=Names(zh="x", en="x"), better=better)
        found.append(make_series(case.region, indicator, "", rows, int(case.cutoff)))
    return found


def population(z: np.ndarray, evidence: np.ndarray) -> NormalLaw:
    """Normal population of theta; ``evidence`` has dims (series, point), the points are drawn from ``WIDE``."""
    law, total = WIDE, WIDE_SERIES + len(evidence)
    proposal = WIDE.log_density(z)
    for _ in range(ROUNDS):
        logs = evidence + (law.log_density(z) - proposal)
        weights = np.exp(logs - logsumexp(logs, axis=1, keepdims=True)).sum(axis=0)
        mean = (WIDE_SERIES * WIDE.mean + weights @ z) / total
        apart, shift = z - mean, WIDE.mean - mean
        scatter = WIDE_SERIES * (WIDE.covariance + np.outer(shift, shift)) + apart.T @ (apart * weights[:, None])
        law = NormalLaw(mean, scatter / total)
    return law


def main() -> None:
    """Print the components for ``priors.yaml``."""
    series = histories(Path(sys.argv[1]))
    z = WIDE.at(sobol_normals(12, 0))
    level = LevelPrior(0.8, 2.6)
    with ThreadPoolExecutor(2) as workers:
        evidence = np.array(list(workers.map(partial(log_evidence, level_prior=level, z=z), series)))
    slugs = np.array([one.indicator.slug for one in series])
    for slug in sorted(set(slugs)):
        law = population(z, evidence[slugs == slug])
        sd = np.sqrt(np.diag(law.covariance))
        correlation = (law.covariance / np.outer(sd, sd))[np.tril_indices(len(sd), -1)]
        print(f"      - learned_on: {slug}  # {np.count_nonzero(slugs == slug)} histories")
        print(f"        mean: [{', '.join(f'{value:.3f}' for value in law.mean)}]")
        print(f"        sd: [{', '.join(f'{value:.3f}' for value in sd)}]")
        print(f"        correlation: [{', '.join(f'{value:.2f}' for value in correlation)}]")


if __name__ == "__main__":
    main()
