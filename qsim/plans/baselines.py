"""Figures that a plan's own text prints, as rows of a table of figures."""

import pandas as pd

from qsim.plans.plan import Baseline, PlanText

_COLUMNS = (
    "region",
    "indicator",
    "year",
    "value",
    "qualifier",
    "decimals",
    "definition",
    "change",
    "base_year",
    "published",
    "source",
)


def baseline_table(plan: PlanText) -> pd.DataFrame:
    """Baselines that observe an indicator, in the columns of a table of figures (``docs/schema.md``).

    They were known on the day the plan was adopted. Changes are rows of their own; words without a number stay out.
    """
    rows = [
        {
            "region": plan.region.id,
            "indicator": baseline.indicator,
            "year": baseline.year,
            "value": _printed(baseline),
            "qualifier": baseline.qualifier,
            "decimals": baseline.decimals,
            "definition": baseline.definition or "",
            "change": baseline.change or "",
            "base_year": baseline.base_year if baseline.change else "",
            "published": plan.adopted.isoformat(),
            "source": f"《{plan.title.zh}》{baseline.clause}",
        }
        for baseline in plan.baselines
        if baseline.indicator is not None
    ]
    return pd.DataFrame(rows, columns=_COLUMNS)


def _printed(baseline: Baseline) -> str:
    sign = "-" if baseline.change and baseline.direction == "down" else ""
    return f"{sign}{baseline.value:.{baseline.decimals}f}"
