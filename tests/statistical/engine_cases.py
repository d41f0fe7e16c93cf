"""Cases on which the two engines are compared, chosen to hurt. Add one: a name, its rows, in :data:`CASES`."""

from collections.abc import Sequence

from qsim.indicators import Break, Catalogue, Definition, Indicator
from qsim.records import Names

Row = dict[str, object]

ORIGIN = 2014


def _indicator(slug: str, **traits: object) -> Indicator:
    return Indicator(slug=slug, name=Names(zh=slug, en=slug), **traits)


def _definition(code: str) -> Definition:
    return Definition(code=code, name=Names(zh=code, en=code))


CATALOGUE = Catalogue(
    indicators=(
        _indicator("rate"),
        _indicator("failing", better="lower"),
        _indicator("capped", natural_limit=95.0),
        _indicator("forest", tempo="slow"),
        _indicator("days", family="days", unit="天", decimals=0),
        _indicator("brands", family="count", unit="件", decimals=0),
        _indicator("patents", family="stock", unit="件", decimals=0),
        _indicator("accidents", family="events", unit="起", better="lower", decimals=0),
        _indicator("energy", family="positive", unit="吨", better="lower", decimals=3),
        _indicator("score", family="index", unit="分", decimals=1),
        _indicator(
            "air",
            definitions=(_definition("old"), _definition("new")),
            breaks=(Break(from_basis="old", to_basis="new", mean=-1.0, sd=0.4, rests_on=1, source="by hand"),),
        ),
    )
)


def _printed(slug: str, first: int, values: str, qualifier: str = "=", **more: object) -> list[Row]:
    """A row a year from ``first`` on; a dash is a year without a figure."""
    told = enumerate(values.split(), start=first)
    return [
        {"indicator": slug, "year": year, "value": value, "qualifier": qualifier, **more}
        for year, value in told
        if value != "-"
    ]


def _counts(first: int, trials: int, successes: Sequence[int]) -> list[Row]:
    return [
        {"year": year, "value": f"{100.0 * k / trials:.1f}", "numerator": k, "denominator": trials}
        for year, k in enumerate(successes, start=first)
    ]


_FLAT = "95.213 95.207 95.221 95.215 95.209 95.218 95.211 95.219 95.206 95.214 95.220 95.212"
_FOREST = "40.3 40.6 41.0 41.2 41.7 41.9 42.3 42.5 42.9 43.3 43.5 43.8"

CASES: dict[str, list[Row]] = {
    "15 tested": _counts(2009, 15, [12, 14, 15, 13, 15, 15]),
    "50,000 tested": _counts(2009, 50_000, [47_900, 48_050, 48_400, 48_300, 48_650, 48_800]),
    "50,000 tested, flat": _counts(2003, 50_000, [47_900 + d for d in (0, 9, -6, 3, 12, -9, 5, -2, 8, -4, 1, 6)]),
    "99.6 % of 300": [*_printed("rate", 2011, "99.3 99.0 99.7 99.6", denominator=300)],
    "300 of 300": _counts(2012, 300, [299, 300, 300]),
    "none of 40": _counts(2010, 40, [3, 1, 0, 0, 0]),
    "five figures of at least 95 %": _printed("rate", 2010, "95 95 95 95 95", ">="),
    "a gap of five years": _printed("rate", 2003, "60.5 - - - - 62.1 - - - - 66.3"),
    "one definition break": [
        *_printed("air", 2009, "88.2 89.0 90.1 91.1", definition="old"),
        *_printed("air", 2013, "77.9 79.0", definition="new"),
    ],
    "one figure": _printed("rate", 2012, "91.3"),
    "one figure of 40": _counts(2014, 40, [37]),
    "no figure": [],
    "days": _printed("days", 2009, "331 340 322 345 351 338"),
    "valid days": _printed("days", 2011, "331 340 322 345", denominator=358),
    "a stock with two figures": _printed("patents", 2011, "120 - - 205"),
    "no accident in six years": _printed("accidents", 2009, "0 0 0 0 0 0"),
    "few accidents": _printed("accidents", 2008, "4 2 3 1 0 2 1"),
    "a flow of things": _printed("brands", 2009, "31 28 44 52 49 61"),
    "a natural limit nearly reached": _printed("capped", 2009, "93.2 93.9 94.1 94.6 94.7 94.8"),
    "a wild jump": _printed("rate", 2005, "90.1 90.4 90.2 90.9 91.0 71.3 90.8 91.2 91.0 91.5"),
    "exact figures over 12 flat years": _printed("rate", 2003, _FLAT),
    "forest cover printed to 0.1": _printed("forest", 2003, _FOREST),
    "exact 0 and 100": [
        *_printed("rate", 2010, "97.5 100 100.0"),
        {"year": 2013, "value": "0", "qualifier": "="},
        *_printed("rate", 2014, "99.9"),
    ],
    "about": _printed("rate", 2010, "80 85 85 90", "~"),
    "at most, lower is better": [
        *_printed("failing", 2009, "8 8 6 5", "<="),
        *_printed("failing", 2013, "4.2 3.9"),
    ],
    "an index": _printed("score", 2006, "71.2 72.5 72.1 74.0 76.3 75.8 78.8 79.1 79.9"),
    "a positive quantity": _printed("energy", 2008, "0.812 0.779 0.765 0.741 0.702 0.688 0.651"),
    "a fall": _printed("rate", 2005, "88.0 86.1 85.5 82.3 80.9 77.2 76.6 73.0 70.8 69.9"),
    "two sources that differ": [
        *_printed("rate", 2010, "88.1 88.9 89.5"),
        {"year": 2012, "value": "91.6"},
        *_printed("rate", 2013, "90.4 90.9"),
    ],
    "five years' fall as one change": [
        {"indicator": "energy", "year": 2010, "value": "-25.44", "change": "percent", "base_year": 2005},
        *_printed("energy", 2010, "0.702 - - 0.651 0.640"),
    ],
    "a rise in points": [
        {"year": 2013, "value": "9.8", "change": "points", "base_year": 2008},
        *_printed("rate", 2012, "90.3 91.2 92.0"),
    ],
    "a mean of three years": [
        {"year": 2011, "value": "84.2", "year_from": 2009},
        *_printed("rate", 2012, "86.0 86.9 87.1"),
    ],
}
"""Rows of a table of figures by case; indicator ``rate`` and one region where not said."""
