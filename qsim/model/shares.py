"""What the shocks of one year have in common across series, as shares of their variance (``shares.yaml``)."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml


@dataclass(frozen=True, kw_only=True)
class ShockShares:
    """Shares of the variance of a year's shock that series have in common, and their weight."""

    everywhere: float
    """All series of a fit. [1]"""
    category: float
    """Series of one category. [1]"""
    indicator: float
    """Series of one indicator. [1]"""
    region: float
    """Series of one region. [1]"""
    prior_years: float
    """Years that the shares weigh against those two series have in common, above 0. [years]"""

    def __post_init__(self) -> None:
        shares = (self.everywhere, self.category, self.indicator, self.region)
        if min(shares) < 0.0 or sum(shares) >= 1.0 or self.prior_years <= 0.0:
            raise ValueError(
                f"shares {shares} that weigh {self.prior_years} years: "
                "expected none below 0 and a sum below 1, and years above 0"
            )


@cache
def default_shares() -> ShockShares:
    """Shipped shares."""
    content = yaml.safe_load(Path(__file__).with_name("shares.yaml").read_text(encoding="utf-8"))
    return ShockShares(**content)
