"""A small catalogue of every family and a way to read it, for the tests of this folder."""

import pytest

from qsim.indicators import Catalogue, Definition, Indicator
from qsim.records import Names


def _indicator(slug: str, chinese: str, **traits: object) -> Indicator:
    return Indicator(slug=slug, name=Names(zh=chinese, en=slug), **traits)


def _definition(code: str, chinese: str, basis: str | None = None) -> Definition:
    return Definition(code=code, name=Names(zh=chinese, en=code), basis=basis)


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    forest = (
        _definition("national", "全国森林资源清查"),
        _definition("provincial", "省级年度更新(含灌木)"),
        _definition("provincial_old", "省级旧口径", basis="provincial"),
    )
    return Catalogue(
        indicators=(
            _indicator("food_rate", "食品抽检合格率", decimals=1),
            _indicator("spotcheck_rate", "监督抽查合格率(产品)", decimals=1),
            _indicator("forest_rate", "森林覆盖率", definitions=forest),
            _indicator("good_days", "优良天数", family="days", unit="天", decimals=0),
            _indicator("trademarks", "商标数", family="count", unit="件", decimals=0),
            _indicator("reserve_area", "保护区面积", family="stock", unit="公顷"),
            _indicator("growth", "增长指数", family="index", unit="指数"),
            _indicator("twin_a", "双名", family="rate"),
            _indicator("twin_b", "双名", family="rate"),
        )
    )
