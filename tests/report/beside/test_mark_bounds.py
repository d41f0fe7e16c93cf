"""Bounds of the verdicts that statistics offices give, printed under the table that shows the verdicts."""

from dataclasses import replace

import pytest

from qsim.feasibility.marks import AARR, EUROSTAT, Mark
from qsim.report.blocks import TableNumbers
from qsim.report.progress import pace
from qsim.report.reading import Reading
from qsim.report.words import words

BOUNDS = {
    "zh": (
        "欧盟统计局：",
        "评价界线：90%及以上为进展顺利；62.5%及以上为需要加快；低于此为方向相反。",
        "评价界线（实际年均下降率减所需年均下降率）：0个百分点及以上为达到预期进度；低于此为滞后。",
    ),
    "en": (
        "Eurostat: ",
        "Bounds: 90% and above on track; 62.5% and above acceleration needed; below that wrong way",
        "Bounds of its lead over what is needed: 0 points and above on schedule; below that behind schedule",
    ),
}


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_bounds_of_a_verdict_are_those_of_the_table_that_gave_it(complete, language):
    first, *rest = complete.results
    ours = replace(EUROSTAT, bounds=((0.9, "on_track"), (0.625, "acceleration_needed")))
    given = (Mark.of(ours, 0.7, "acceleration_needed"), Mark.of(AARR, 1.2, "behind"))
    results = (replace(first, marks=given), replace(first, marks=given[:1]), *rest)
    table = pace(Reading(replace(complete, results=results), words(language)), TableNumbers())
    name, bounds, lead = BOUNDS[language]
    assert [note for note in table.notes if note.startswith(name) and note.endswith(bounds)]
    assert [note for note in table.notes if note.endswith(lead)]
    assert len(table.notes) == len(set(table.notes))
