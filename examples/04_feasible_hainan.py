# %% [markdown]
# # 4 · What is feasible for Hainan 2020
# 本例：海南省质量强省实施意见（2018年）的目标有多大可能，目标值怎样定，措施要多大、多早，预算怎样用。
#
# The document is from July 2018, its targets are for 2020. Only figures published by that day are used.

# %%
import pandas as pd

import qsim
from qsim.report.table import assessment_frame, checkpoint_frame

pd.set_option("display.max_colwidth", None)
study = qsim.run("hainan-2020", scenarios=["cleaner-water", "key-product-campaign"])
table = assessment_frame(study.assessment, "en")
overall = table[(table["scope"] == "overall") & (table["scenario"] == "baseline") & table["p_published"].notna()]
overall = overall.set_index("target")
(
    overall[["name", "level", "unit", "year", "p_published", "p_true", "grade"]]
    .assign(
        p_published=overall["p_published"].map("{:.0%}".format),
        p_true=overall["p_true"].map("{:.0%}".format),
    )
    .rename(columns={"p_published": "chance, published", "p_true": "chance, true level"})
)

# %% [markdown]
# Six of the 39 targets can be assessed. `grade` says how much stands behind a number, A most, D least. Where
# `too_thin` is True, the chance moves by more than 30 points under other assumptions (another prior, the newest
# figure left out): such a number should not be quoted alone.

# %%
overall[["grade", "too_thin", "figures", "last_figure_year", "grade_reasons"]].astype({"last_figure_year": "Int64"})

# %% [markdown]
# ## Which level would be safe, which ambitious?
# The printable level that the published figure meets with at least that chance. A 90 % level is safe, an 80 % level
# prudent, a 50 % level a coin toss, and the one with 10 % ambitious.

# %%
levels = overall[["level", "level_90", "level_80", "level_70", "level_50", "level_10"]]
levels.rename(columns=lambda name: "asked for" if name == "level" else f"{name[-2:]} % chance")

# %%
qsim.fan_chart(study.assessment, "industrial_product_spotcheck_pass_rate", language="en")

# %% [markdown]
# ## Why a target is likely to fail
# For targets below 50 %: what the failing draws have in common, and the share of them that it explains.

# %%
for name, why in overall.loc[overall["p_published"] < 0.5, "why"].items():
    print(f"{name}: {why}")

# %% [markdown]
# ## What would it take?
# The *reverse* question. The water campaign (水环境专项整治) is assumed to mend, by 2020, some 20 % of what is not
# yet good. How much would bring each target to 80 %, and how late may the campaign start? `size_needed` stands on the
# lever's own scale, here percent of the gap between today's level and 100 %.

# %%
answers = qsim.reverse(study.posterior, study.plan, "water-campaign", goal=0.8)
for one in answers:
    size = "no size" if one.size.size is None else f"{one.size.size:.0f} {one.unit}"
    start = one.start.start_year or "no start is early enough for the size as written"
    print(f"{one.target.name.en}\n  {one.p_without:.0%} without, {one.p_as_written:.0%} as written")
    print(f"  to reach {one.goal:.0%}: {size}; latest start: {start}")

# %% [markdown]
# Both sizes are above the assumed range of 5 to 50 %: the campaign alone will hardly do. For key products (重点产品),
# for which a campaign of about one point is assumed, the same for 80 and for 90 %:

# %%
for goal in (0.8, 0.9):
    (one,) = qsim.reverse(study.posterior, study.plan, "key-product-campaign", goal=goal)
    late = one.start.start_year or "none"
    print(f"{goal:.0%}: at least {one.size.size:.1f} {one.unit} by 2020 (assumed: 1); latest start as written: {late}")

# %% [markdown]
# ## The best use of a budget
# Give each lever a cost, in any one unit; here made-up million yuan (百万元). Each row below is the best that its
# money can buy: no other combination costs less and meets more. Counted are the five targets with figures of Hainan's
# own.

# %%
costs = {"key-product-campaign": 40, "pace-of-best-three": 120, "water-campaign": 60}
spending = qsim.budget(study.posterior, study.plan, costs=costs)
pd.DataFrame(
    {
        "cost": [f"{row.cost:.0f}" for row in spending.rows],
        "levers": [", ".join(row.levers) or "none" for row in spending.rows],
        "targets met on average, of 5": [round(row.expected, 2) for row in spending.rows],
        "chance that all are met": [f"{row.p_all:.0%}" for row in spending.rows],
    }
)

# %%
best = spending.within(100)
print(f"within 100: {' and '.join(best.levers)} at a cost of {best.cost:.0f}")

# %% [markdown]
# The chance that *all* are met is far below each single one. It is counted draw by draw, in which bad years come
# together.
#
# ## Checkpoints
# A figure published on the way tells early whether a target is still likely. If the figure of that year is worse than
# `figure_50`, the chance is below 50 %; worse than `figure_20`, below 20 %. Empty: no figure would bring it so low.

# %%
checkpoints = checkpoint_frame(study.assessment, "en")
checkpoints.loc[checkpoints["scenario"] == "baseline", ["target", "year", "figure_50", "figure_20", "unit"]]

# %% [markdown]
# On the command line: `qsim reverse hainan-2020 --lever water-campaign`, and `qsim budget hainan-2020 --costs
# costs.csv` with a table of the columns `lever` (措施) and `cost` (费用).
#
# Next: [a mid-plan review](05_mid_plan_review.ipynb).
