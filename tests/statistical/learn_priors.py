r"""Learn the logit prior of theta from the histories of a panel of annual percent indicators.

    python tests/statistical/learn_priors.py PANEL_FOLDER

reads ``series.csv.gz`` and ``protocol.csv`` of the panel and prints the block ``links: logit:`` of
``qsim/model/priors.yaml``. Only the histories up to each case's cutoff are read, never its outcomes, and only measured
indicators. EM for a normal population: the E step weighs a Sobol design of theta for every series by its evidence, the
M step takes mean and covariance of the weighted points; every indicator counts the same, however many series it has.
"""

import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from qsim.indicators import Indicator
from qsim.inference.laplace import weigh_theta
from qsim.inference.series import make_series
from qsim.model.priors import LevelPrior, ThetaPrior, default_priors
from qsim.model.series import SeriesData
from qsim.records import Names

ROUNDS = 12
LOWER_IS_BETTER = {"se_social_assistance"}
NAMES = ("log_sigma_level", "log_sigma_slope", "logit_rho", "log_sigma_noise", "mu")


def histories(folder: Path) -> list[SeriesData]:
    """History of every measured case, in the arrays of the engine."""
    cases = pd.read_csv(folder / "protocol.csv", dtype={"region": str})
    cases = cases[cases["modelled"] == 0]
    table = pd.read_csv(folder / "series.csv.gz", dtype={"region": str, "value": str})
    table["decimals"] = table["value"].str.partition(".")[2].str.len()
    table["value"] = table["value"].astype(float)
    half = 0.5 * 10.0 ** -table["decimals"]
    table = table.assign(
        lower=(table["value"] - half).clip(0), upper=(table["value"] + half).clip(upper=100), qualifier="="
    )
    groups = dict(list(table.groupby(["indicator", "region"])))
    found = []
    for case in cases.itertuples():
        rows = groups[case.indicator, case.region]
        rows = rows[rows["year"] <= case.cutoff].sort_values("year").tail(case.hist_n)
        better = "lower" if case.indicator in LOWER_IS_BETTER else "higher"
        indicator = Indicator(slug=case.indicator, name=Names(zh="x", en="x"), better=better)
        found.append(make_series(case.region, indicator, "", rows, int(case.cutoff)))
    return found


def learn(series: list[SeriesData]) -> ThetaPrior:
    """Normal population of theta by EM, starting wide."""
    start = default_priors()["logit"].theta
    prior = ThetaPrior(start.mean, start.covariance)
    level = LevelPrior(1.0, 3.0)
    counts = pd.Series([one.indicator.slug for one in series]).value_counts()
    share = np.array([1.0 / counts[one.indicator.slug] for one in series])
    share /= share.sum()
    for round_ in range(ROUNDS):
        with ThreadPoolExecutor(2) as workers:
            posteriors = list(workers.map(partial(weigh_theta, theta_prior=prior, level_prior=level), series))
        means = np.array([posterior.mean for posterior in posteriors])
        mean = share @ means
        covariance = sum(
            weight * (posterior.covariance + np.outer(posterior.mean - mean, posterior.mean - mean))
            for weight, posterior in zip(share, posteriors, strict=True)
        )
        evidence = share @ np.array([posterior.log_evidence for posterior in posteriors])
        print(f"# round {round_}: mean log evidence {evidence:.4f}, mean {np.round(mean, 3)}", file=sys.stderr)
        prior = ThetaPrior(mean, np.asarray(covariance))
    return prior


def main() -> None:
    """Print the block for ``priors.yaml``."""
    series = histories(Path(sys.argv[1]))
    prior = learn(series)
    sd = np.sqrt(np.diag(prior.covariance))
    correlation = prior.covariance / np.outer(sd, sd)
    first = np.array([one.guess[0] for one in series])
    print(f"  # learned from {len(series)} histories; first levels: mean {first.mean():.2f}, sd {first.std():.2f}")
    print("    theta:")
    for name, center, spread in zip(NAMES, prior.mean, sd, strict=True):
        print(f"      {name}: {{mean: {center:.3f}, sd: {spread:.3f}}}")
    print("    correlation:")
    for row in correlation:
        print(f"      - [{', '.join(f'{value:.3f}' for value in row)}]")


if __name__ == "__main__":
    main()
