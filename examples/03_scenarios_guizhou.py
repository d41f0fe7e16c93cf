# %% [markdown]
# # 3 · Scenarios for Guizhou 2017
# 本例：贵州省质量发展三年行动计划（2015—2017年）在延续现状和五种情景下各项目标的可能性，以及怎样自己组合情景。
#
# The plan is from May 2015, and only figures published by then are used. A *scenario* is a named list of *levers*:
# policies whose effect has a size, a start year and a source. Most sizes here are assumed by the authors, and their
# source says so: replace them by your own assessment (`scenarios/guizhou-2017/scenarios.yaml`).

# %%
import pandas as pd

import qsim
from qsim.plans.scenarios import Scenario
from qsim.records import Names
from qsim.report.table import assessment_frame

pd.set_option("display.max_colwidth", None)
study = qsim.run("guizhou-2017", beside=False)
pd.DataFrame(
    [
        {
            "scenario": scenario.name.en,
            "情景": scenario.name.zh,
            "levers": ", ".join(lever.id for lever in scenario.levers) or "none",
        }
        for scenario in study.plan.scenarios
    ]
)

# %% [markdown]
# ## What can be said at all
# Of the plan's 46 targets most have no published figure that could test them. They are not given a number; the
# appendix says which figure to collect.

# %%
table = assessment_frame(study.assessment, "en")
overall = table[table["scope"] == "overall"]
words = {"figures": "on own figures", "prior": "on other regions' figures alone", "not_testable": "not testable"}
evidence = overall.loc[overall["scenario"] == "baseline", "evidence"].map(words)
evidence.value_counts().rename_axis("assessed").to_frame("targets")

# %% [markdown]
# ## The chances under each scenario
# The chance, in percent, that the published figures meet the target in all its years. Where a row does not change, no
# lever of that scenario acts on it: all scenarios share the same draws, so the figures are equal to the last digit,
# and every difference in a row is the policy.

# %%
testable = overall[overall["p_published"].notna()]
chances = testable.pivot(index="name", columns="scenario", values="p_published").mul(100).round().astype(int)
chances[[scenario.id for scenario in study.plan.scenarios]]

# %% [markdown]
# ## Looking for problems lowers the figure, not the quality
# The plan asks for 30 % more batches (批次) and for checks that look for problems. Then the *published* pass rate
# falls while the *true level* stays: more of what is bad is found. A target on the published rate punishes that.

# %%
spot = testable[testable["target"] == "industrial-spot-check"].set_index("scenario")
shown = ["baseline", "problem-oriented-checks", "more-spot-checks", "checks-and-correction"]
(spot.loc[shown, ["p_published", "p_true"]] * 100).round().astype(int).rename(
    columns={"p_published": "published, %", "p_true": "true level, %"}
)

# %% [markdown]
# ## A new standard is not a worse year
# From 2016 the share of good days (优良天数比例) may be published under the new air standard (AQI instead of API).
# One pair of figures, Hunan 2015, says how far the two lie apart. The target was set under the old one.

# %%
qsim.fan_chart(study.assessment, "good_air_days_rate", scenario="baseline", language="en")

# %%
qsim.fan_chart(study.assessment, "good_air_days_rate", scenario="new-air-standard", language="en")

# %% [markdown]
# There are no dots: on the day of the plan Guizhou had published no full year on this definition, so the forecast is
# drawn from what other regions publish. The band is wide for that reason.
#
# ## Your own scenario
# Levers can be put together in any way that makes sense; two policies that both change the sample could not. Here the
# spot checks go together with a waste water upgrade twice as strong as in the file.

# %%
levers = {lever.id: lever for lever in study.plan.levers}
upgrade = levers["waste-water-upgrade"]
strong = upgrade.model_copy(update={"size": upgrade.size.model_copy(update={"low": 10.0, "mode": 30.0, "high": 80.0})})
own = Scenario(id="own", name=Names(zh="自拟情景", en="My own"), levers=(levers["more-spot-checks"], strong))
years = study.assessment.forecast["year"].values.tolist()
forecast = study.posterior.forecast(years, [study.plan.scenarios[0], own])
assessed = assessment_frame(qsim.assess(forecast, study.plan, observations=study.observations, beside=False), "en")
mine = assessed[(assessed["scope"] == "overall") & assessed["p_published"].notna()]
mine = mine.pivot(index="name", columns="scenario", values="p_published").mul(100).round().astype(int)
mine[mine["baseline"] != mine["own"]]

# %% [markdown]
# On the command line: `qsim assess guizhou-2017 --scenario sewage-works`, or `qsim appendix guizhou-2017 -o out` for
# everything.
#
# Next: [what is feasible for Hainan 2020](04_feasible_hainan.ipynb).
