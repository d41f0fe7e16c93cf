r"""Learn the logit prior of theta from the histories of a panel of annual percent indicators.

    python tests/statistical/learn_priors.py PANEL_FOLDER

reads ``series.csv.gz`` and ``protocol.csv`` of the panel and prints ``theta`` and ``theta_without`` of the block
``logit`` in ``qsim/model/priors.yaml``: the normal population of theta over the regions of all measured indicators, and
the same learned without each of them, for scoring that one. Only the histories up to each case's cutoff are read,
never its outcomes. EM as in :func:`qsim.inference.pooling.population`, around a wide fixed law that weighs five series.

``slope`` is how theta moves with the first figure of a history, by regression in every round of EM: within indicators,
so that what tells indicators apart (tuberculosis programmes begin high and move fast) is not taken for what tells
regions apart, and with a ridge towards no slope at all that weighs :data:`SLOPE_SERIES` series.
"""

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from qsim.indicators import Indicator
from qsim.inference.design import sobol_normals
from qsim.inference.laplace import log_evidence
from qsim.inference.pooling import begun_at, population
from qsim.inference.series import make_series
from qsim.model.priors import LevelPrior, NormalLaw, Population, ThetaPrior
from qsim.model.series import SeriesData
from qsim.records import Names

WIDE = NormalLaw(np.array([-2.1, -3.1, 0.5, -2.4, 0.04]), np.diag(np.array([1.2, 1.1, 1.6, 1.5, 0.10]) ** 2))
WIDER = NormalLaw(WIDE.mean, 3.6 * WIDE.covariance)
WIDE_SERIES = 5.0
LEVEL = LevelPrior(0.8, 2.6)
AROUND = Population(WIDE, np.zeros(5), LEVEL.mean)
SLOPE_SERIES = 50.0
"""Weight of the ridge, in series that begin as far from the mean first level as they usually do. Chosen by the CRPS of
the last five years of the histories (20: 3.787, 50: 3.790, 100: 3.805, no slope: 3.912) and by their evidence, each
indicator held out: without internet users, who alone gain more than all others, 20 is too little and 100 the best."""
SD_SHARE = 0.9
"""Share of the sds that is shipped. A wild year, which is no matter of theta, widens the theta of its series and so the
population. Chosen by the CRPS of the last three and five years of the histories: 0.5 % less than with all of them."""
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


@dataclass(frozen=True)
class Taught:
    """What the histories say, at one design of theta."""

    z: np.ndarray
    """dims (point, 5)."""
    log_proposal: np.ndarray
    """dims (point)."""
    evidence: np.ndarray
    """dims (series, point)."""
    begun: np.ndarray
    """First figures, distance from the mean first level towards the better side, dims (series). [link scale]"""
    slugs: np.ndarray
    """Indicators, dims (series)."""

    def only(self, chosen: np.ndarray) -> "Taught":
        """Some of the series."""
        return replace(self, evidence=self.evidence[chosen], begun=self.begun[chosen], slugs=self.slugs[chosen])


def slopes_within(begun: np.ndarray, slugs: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Slopes of posterior means, dims (series, 5), in first figures, the means of each indicator taken off."""
    apart = begun.copy()
    for slug in np.unique(slugs):
        apart[slugs == slug] -= begun[slugs == slug].mean()
    ridge = SLOPE_SERIES * float(np.square(begun).mean())
    return lambda means: apart @ means / (apart @ apart + ridge)


def learned(taught: Taught, indent: str) -> str:
    """YAML of the population of theta."""
    count = float(len(taught.evidence))
    found = population(
        taught.z,
        taught.log_proposal,
        taught.evidence,
        taught.begun,
        AROUND,
        weights=(WIDE_SERIES, WIDE_SERIES),
        counts=(count, count),
        slopes=slopes_within(taught.begun, taught.slugs),
    )
    sd = np.sqrt(np.diag(found.law.covariance))
    correlation = (found.law.covariance / np.outer(sd, sd))[np.tril_indices(len(sd), -1)]
    parts = (
        ("mean", found.law.mean, 3),
        ("sd", SD_SHARE * sd, 3),
        ("correlation", correlation, 2),
        ("slope", found.slope, 4),
    )
    return "".join(f"\n{indent}{name}: [{', '.join(f'{v:.{n}f}' for v in values)}]" for name, values, n in parts)


def main() -> None:
    """Print the laws for ``priors.yaml``."""
    series = histories(Path(sys.argv[1]))
    proposal = ThetaPrior((WIDE, WIDER), np.array([2.0, 1.0]) / 3.0)
    z = proposal.at(sobol_normals(12, 0))
    with ThreadPoolExecutor(2) as workers:
        evidence = np.array(list(workers.map(partial(log_evidence, level_prior=LEVEL, z=z), series)))
    slugs = np.array([one.indicator.slug for one in series])
    begun = np.array([begun_at(one, AROUND) for one in series])
    taught = Taught(z, proposal.log_density(z), evidence, begun, slugs)
    print(f"    theta:{learned(taught, 6 * ' ')}")
    print("    theta_without:")
    for slug in sorted(set(slugs)):
        print(f"      {slug}:{learned(taught.only(slugs != slug), 8 * ' ')}")


if __name__ == "__main__":
    main()
