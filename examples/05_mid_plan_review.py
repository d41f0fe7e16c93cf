# %% [markdown]
# # 5 · A mid-plan review
# 本例：海南省2018年实施意见的中期评估：用截至2019年底、截至2021年底公布的数据重新计算，并与当初的可能性比较。
#
# In July 2018 each target got a chance. At the end of 2019 more figures had been published, and by the end of 2021
# some targets were settled. What did the chances become, and were they any good?

# %%
import pandas as pd

import qsim
from qsim.evaluation.review import review_frame, score_frame
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
# 62 %, but leaves less room than was thought. It hardly moves when only other regions' figures come in, as for the
# first two rows. None is at 0 or 100 % yet, even at the end of 2021. Where a target has to hold in each of three
# years, a year without a published figure stays open; and a figure on another definition, as that of the air in 2020
# (`aqi_2018_counties`), only says roughly what it would have been on the one the target was set in.
#
# ## Were the chances any good?
# `qsim.review` (事后核对) holds what was said in July 2018 against the figures published later. A year can be judged
# once its figure is out, on the definition its target was set in; a whole target only once all of its years are.

# %%
review = qsim.review("hainan-2020", as_of=2021)
rows = review_frame(review)
rows[rows["outcome"] != "unknown"][["name", "scope", "year", "p_published", "outcome", "figure"]].reset_index(drop=True)

# %% [markdown]
# And why the others have no outcome yet:

# %%
rows.loc[rows["scope"] == "overall", "why_unknown"].value_counts().rename("targets").to_frame()

# %% [markdown]
# The Brier score (布赖尔得分) is the mean squared distance of the chances from what came, 1 for met and 0 for missed: 0
# is perfect, and always saying 50 % would give 0.25.

# %%
score_frame(review)[["scope", "with_probability", "scored", "met", "hits", "brier", "brier_half"]].round(3)

# %% [markdown]
# So few statements prove nothing, for or against: a table like this one is worth keeping for every plan, until there
# are enough of them. How qsim did on many past series of other indicators stands in `docs/calibration.md`.
#
# On the command line: `qsim assess hainan-2020 --as-of 2019` and `qsim review hainan-2020 --as-of 2021`. An appendix
# leaves `archive.json`, what was said on its day; `qsim review hainan-2020 --archive archive.json` reviews that.
#
# Next: [your own model in PyMC](06_own_model_pymc.ipynb).
