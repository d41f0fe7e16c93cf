"""Figures that a plan's own text prints, as rows of a table of figures."""

import pandas as pd

from qsim.plans.plan import PlanText


def baseline_table(plan: PlanText) -> pd.DataFrame:
    """Baselines that observe an indicator, in the columns of a table of figures (``docs/schema.md``).

    They were known on the day the plan was adopted. Changes and words without a number are no figures and stay out.
    """
    rows = [
        {
            "region": plan.region.id,
            "indicator": baseline.indicator,
            "year": baseline.year,
            "value": f"{baseline.value:.{baseline.decimals}f}",
            "qualifier": baseline.qualifier,
            "decimals": baseline.decimals,
            "definition": baseline.definition or "",
            "published": plan.adopted.isoformat(),
            "source": f"《{plan.title.zh}》{baseline.clause}",
        }
        for baseline in plan.baselines
        if baseline.indicator is not None
    ]
    columns = ["region", "indicator", "year", "value", "qualifier", "decimals", "definition", "published", "source"]
    return pd.DataFrame(rows, columns=columns)
