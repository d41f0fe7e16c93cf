# %% [markdown]
# # 2 · A plan from your own Excel
# 本例：用自己的 Excel 数据表和一份小规划（两项指标），看 qsim 怎样指出错误、怎样改正、怎样算出可能性。
#
# You need two things: a table of published figures, and the targets as a small text file, `plan.yaml`. This notebook
# makes both, with the slips that happen in real life, and mends them.

# %%
from pathlib import Path

import pandas as pd

import qsim
from qsim.errors import QsimError
from qsim.report.table import assessment_frame

# %% [markdown]
# ## The table, with four slips
# One row is one figure. The columns may be Chinese or English. In the rows below, a year holds a letter, a rate has
# lost its decimal point, a number of samples is given in words, and a definition (口径) is none of those the
# catalogue knows.

# %%
rows = [
    # 地区, 指标, 年份, 数值, 抽查数, 口径
    ("anping", "食品安全抽检合格率", "2013", "94.1", "610", "supervision"),
    ("anping", "食品安全抽检合格率", "2014", "94.5", "约640", "supervision"),
    ("anping", "食品安全抽检合格率", "2015", "95.2", "700", "supervison"),
    ("anping", "食品安全抽检合格率", "20l6", "95.0", "720", "supervision"),
    ("anping", "食品安全抽检合格率", "2017", "96.0", "800", "supervision"),
    ("anping", "投诉按时办结率", "2014", "88.5", None, None),
    ("anping", "投诉按时办结率", "2015", "90.2", None, None),
    ("anping", "投诉按时办结率", "2016", "913", None, None),
    ("anping", "投诉按时办结率", "2017", "92.0", None, None),
]
table = pd.DataFrame(rows, columns=["地区", "指标", "年份", "数值", "抽查数", "口径"]).assign(来源="示例数据")
table.to_excel("figures.xlsx", index=False)

try:
    qsim.read_observations("figures.xlsx")
except QsimError as error:
    print(error)

# %% [markdown]
# Every fault comes in one message, each with its row as Excel counts them (row 1 is the header), what stands there
# and what was expected. Mend them in Excel; here it is done in code:

# %%
mended = table.copy()
mended.loc[1, "抽查数"] = "640"
mended.loc[2, "口径"] = "supervision"
mended.loc[3, "年份"] = "2016"
mended.loc[7, "数值"] = "91.3"
mended.to_excel("figures.xlsx", index=False)
observations = qsim.read_observations("figures.xlsx")
print(f"{observations.sizes['observation']} figures, {int((observations['set_aside'] != '').sum())} of them set aside")

# %% [markdown]
# ## The targets
# `plan.yaml` in a folder of its own. The second indicator is not in the shared catalogue, so the plan brings it
# along. There are two slips in this text.

# %%
PLAN = """\
id: anping-2020
label_set: anping
title: {zh: 安平市质量发展规划（示例）, en: Quality plan of Anping (made up)}
region: {id: anping, name: {zh: 安平市, en: Anping}}
period: {first_year: 2018, last_year: 2020}
adopted: 2018-03-01
as_of: 2018-12-31
base_year: 2017

indicators:
  - {slug: 投诉按时办结率, unit: "%", family: rate, category: service,
     name: {zh: 投诉按时办结率, en: Complaints closed on time}}

targets:
  - id: food
    kind: level
    indicator: food_safety_sampling_pass_rate
    name: {zh: 食品安全抽检合格率, en: Pass rate of food safety sampling}
    category: product
    unit: "%"
    comparator: ">="
    value: 97
    year: 2020
    clauses: [第二章]
    definition: supervision
  - id: complaints
    kind: path
    indicator: 投诉按时办结率
    name: {zh: 投诉按时办结率, en: Complaints closed on time}
    category: service
    unit: "%"
    comparator: ">="
    values: {2018: 92, 2019: 93, 2020: 94}
    clauses: [第三章]
    status: 约束性
"""
folder = Path("anping-2020")
folder.mkdir()
(folder / "plan.yaml").write_text(PLAN, encoding="utf-8")


def check() -> None:
    try:
        print(f"{len(qsim.read_plan(folder).targets)} targets, no fault")
    except QsimError as error:
        print(error)


check()

# %% [markdown]
# The status has to be one of three words: `binding` (约束性), `expected` (预期性) or `unstated`. Mended, the file can
# be read, and now its names are looked up:

# %%
PLAN = PLAN.replace("约束性", "binding")
(folder / "plan.yaml").write_text(PLAN, encoding="utf-8")
check()

# %%
PLAN = PLAN.replace("food_safety_sampling_pass_rate", "food_sampling_pass_rate")
(folder / "plan.yaml").write_text(PLAN, encoding="utf-8")
check()

# %% [markdown]
# ## How likely are the targets?
# `run` reads the plan and the figures, adds what other regions have published about the same indicators, and
# assesses.

# %%
pd.set_option("display.max_colwidth", None)
study = qsim.run(folder, data="figures.xlsx")
found = assessment_frame(study.assessment, "en")
columns = ["name", "year", "level", "p_published", "p_true", "grade", "grade_reasons"]
found.loc[found["scope"] == "overall", columns].round(2)

# %% [markdown]
# - `p_published`: the chance that the figure to be published meets the target in all its years; `p_true`: the same
#   for the true level.
# - `level` is empty for the complaints because that target is a path: 92, 93, then 94 %. Its three years one by one:

# %%
found.loc[(found["target"] == "complaints") & (found["scope"] == "year"), ["year", "level", "p_published"]].round(2)

# %% [markdown]
# - `grade` A to D says how much stands behind the number, and why it is not better.
#
# One picture for each indicator:

# %%
qsim.fan_chart(study.assessment, "food_sampling_pass_rate", language="zh")

# %% [markdown]
# ## The appendix
# As a Word file, a web page and tables, in Chinese:

# %%
qsim.write_appendix(study.assessment, "appendix")
sorted(path.name for path in Path("appendix").iterdir())

# %% [markdown]
# The same on the command line: `qsim check figures.xlsx anping-2020`, then `qsim appendix anping-2020 --data
# figures.xlsx -o appendix`.
#
# Next: [scenarios for Guizhou 2017](03_scenarios_guizhou.ipynb).
