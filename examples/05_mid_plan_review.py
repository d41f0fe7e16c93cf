# %% [markdown]
# # 5 · A mid-plan review
# 本例：海南省2018年实施意见的中期评估：用截至2019年底、截至2021年底公布的数据重新计算，并与当初的可能性比较。
#
# In July 2018 each target got a chance. At the end of 2019 more figures had been published, and by the end of 2021
# some targets were settled. What did the chances become, and were they any good?

# %%
import pandas as pd

import qsim
from qsim.report.table import assessment_frame

WHEN = {"July 2018": None, "end of 2019": 2019, "end of 2021": 2021}
studies = {
    name: qsim.run("hainan-2020", as_of=as_of, scenarios=["baseline"], beside=False) for name, as_of in WHEN.items()
}

# %% [markdown]
# ## Which figures are new
# Figures of Hainan's own that are used for the targets, by the time they were out:

# %%
asked = {target.indicator for target in studies["July 2018"].plan.targets}


def used(name: str) -> pd.DataFrame:
    rows = studies[name].observations.to_dataframe().reset_index()
    kept = (rows["region"] == "hainan") & rows["indicator"].isin(asked) & (rows["set_aside"] == "")
    return rows.loc[kept, ["indicator", "year", "value", "definition", "published"]]


known = pd.concat([used(name).assign(seen=name) for name in WHEN])
new = known.drop_duplicates(["indicator", "year", "definition"])
new[new["seen"] != "July 2018"].sort_values(["seen", "indicator", "year"]).reset_index(drop=True)

# %% [markdown]
# ## Then and now


# %%
def chances(name: str) -> pd.Series:
    table = assessment_frame(studies[name].assessment, "en")
    rows = table[(table["scope"] == "overall") & table["p_published"].notna()]
    return rows.set_index("target")["p_published"].rename(name)


compared = pd.concat([chances(name) for name in WHEN], axis=1)
compared.map(lambda p: "" if pd.isna(p) else f"{p:.0%}")

# %% [markdown]
# A target moves when a figure of its own comes in: forest coverage (森林覆盖率) was 62.1 % in 2018, which meets the
# 62 %, but leaves less room than was thought. It moves a little when only other regions' figures come in, as for the
# first two rows. None is at 0 or 100 % yet, even at the end of 2021. Where a target has to hold in each of three
# years, a year without a published figure stays open; and a figure on another definition, as that of the air in 2020
# (`aqi_2018_counties`), only says roughly what it would have been on the one the target was set in.
#
# ## Were the chances any good?
# What can be judged is a year whose figure is out. For each: the chance that July 2018 gave it, and what was
# published. A figure counts as met where the later run says so in every draw.


# %%
def years(name: str) -> pd.Series:
    table = assessment_frame(studies[name].assessment, "en")
    rows = table[(table["scope"] == "year") & table["p_published"].notna()]
    return rows.set_index(["target", "year"])["p_published"].rename(name)


judged = pd.concat([years("July 2018"), years("end of 2021")], axis=1).dropna()
judged = judged[judged["end of 2021"].isin([0.0, 1.0])]
judged["met"] = judged["end of 2021"] == 1.0
judged["squared miss"] = (judged["July 2018"] - judged["met"]) ** 2
judged[["July 2018", "met", "squared miss"]].round(2)

# %% [markdown]
# The mean of the last column is the Brier score (布赖尔得分): 0 is perfect, and always saying 50 % would give 0.25.

# %%
print(f"Brier score of {len(judged)} statements: {judged['squared miss'].mean():.2f}")

# %% [markdown]
# So few statements prove nothing, for or against: a table like this one is worth keeping for every plan, until there
# are enough of them. How qsim did on many past series of other indicators stands in `docs/calibration.md`.
#
# On the command line: `qsim assess hainan-2020 --as-of 2019`.
#
# Next: [your own model in PyMC](06_own_model_pymc.ipynb).
