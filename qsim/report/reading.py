"""An assessment as the report reads it: one scenario, its results sorted, the figures behind each, the gaps."""

from collections import Counter
from dataclasses import dataclass
from datetime import date as Date  # `date` is a method here
from functools import cached_property

from qsim.feasibility.joint import Joint
from qsim.feasibility.records import Assessment, TargetResult
from qsim.figures.printed import Printed, printed_figures
from qsim.indicators import Indicator
from qsim.report.numbers import verdict
from qsim.report.requirements import collect_unit, requirement, span, when
from qsim.report.words import Words
from qsim.vocabulary import SERIES, Evidence

YEARS_TO_COLLECT = 5
"""Yearly figures that a trend needs to tell more than the pool does. [1]"""
FEW_FIGURES = 3
"""Fewer own figures than this make a thin answer. [1]"""

PARTS = ("assessed", "progress", "scenarios", "gaps", "figures", "method")
"""Parts of the appendix behind the first page."""


@dataclass(frozen=True)
class Gap:
    """Figures of one indicator that are missing, and the targets that wait for them."""

    indicator: Indicator
    results: tuple[TargetResult, ...]
    rows: int
    """Rows of the plan's list they stand for."""


@dataclass(frozen=True)
class Reading:
    """One scenario of an assessment, in one language."""

    assessment: Assessment
    words: Words

    @cached_property
    def scenarios(self) -> tuple[str, ...]:
        """Scenarios that were assessed, in the order of the plan."""
        assessed = {result.scenario for result in self.assessment.results}
        known = [scenario.id for scenario in self.assessment.plan.scenarios if scenario.id in assessed]
        return (*known, *sorted(assessed - set(known)))

    @property
    def scenario(self) -> str:
        """The scenario the pages are about: the first one assessed."""
        return self.scenarios[0] if self.scenarios else self.assessment.plan.scenarios[0].id

    def scenario_name(self, scenario: str) -> str:
        """Name of a scenario."""
        names = {known.id: self.words.name(known.name) for known in self.assessment.plan.scenarios}
        return names.get(scenario, scenario)

    @cached_property
    def results(self) -> tuple[TargetResult, ...]:
        """Every target of that scenario, in the order of the plan."""
        return tuple(result for result in self.assessment.results if result.scenario == self.scenario)

    def of(self, *evidence: Evidence) -> tuple[TargetResult, ...]:
        """Results that rest on such evidence."""
        return tuple(result for result in self.results if result.evidence in evidence)

    @cached_property
    def assessed(self) -> tuple[TargetResult, ...]:
        """Results with a probability."""
        return self.of("figures", "prior")

    @cached_property
    def parts(self) -> tuple[str, ...]:
        """Parts of the appendix behind the first page, in order: what would be empty is left out."""
        there = {"progress": self.has_progress, "scenarios": len(self.scenarios) > 1 and bool(self.assessed)}
        return tuple(part for part in PARTS if there.get(part, True))

    def part(self, name: str) -> str:
        """Number of a part."""
        return self.words.ordinal(self.parts.index(name) + 1)

    @cached_property
    def has_progress(self) -> bool:
        """Whether anything is known between what the targets ask for and what the figures do."""
        return any(
            result.recommended or result.pace is not None or result.marks or result.checkpoints or result.reached
            for result in self.assessed
        )

    def number(self, result: TargetResult) -> int:
        """Number of a target in every table of targets with a probability."""
        ids = [assessed.target.id for assessed in self.assessed]
        return ids.index(result.target.id) + 1

    def thin(self, result: TargetResult) -> bool:
        """Whether the evidence is too thin to tell."""
        return result.grade is not None and result.grade.too_thin

    def weak(self, result: TargetResult) -> bool:
        """Whether the numbers of a target are a rough guide only: too thin, or other regions alone."""
        return self.thin(result) or result.evidence == "prior"

    @cached_property
    def thin_own(self) -> tuple[TargetResult, ...]:
        """Targets with own figures that are too thin to tell."""
        return tuple(result for result in self.of("figures") if self.thin(result))

    def verdict(self, result: TargetResult, probability: float | None) -> str:
        """Word for a probability of a target; where the evidence is too thin, that and no other."""
        if probability is not None and self.thin(result):
            return self.words("too_thin")
        return verdict(probability, self.words)

    def joints(self, scenario: str) -> tuple[Joint, ...]:
        """Targets taken together under a scenario: the whole plan, each category, the binding ones."""
        return tuple(one for one in self.assessment.joint if one.scenario == scenario)

    @cached_property
    def joint(self) -> Joint | None:
        """The whole plan; None where it is a single indicator, which says the same alone."""
        whole = [one for one in self.joints(self.scenario) if one.scope == "plan" and one.indicators > 1]
        return whole[0] if whole else None

    def scope(self, joint: Joint) -> str:
        """What is taken together."""
        if joint.scope == "category":
            return self.words.term("category", joint.category)
        return self.words.term("scope", joint.scope)

    def indicator(self, result: TargetResult) -> Indicator:
        """Indicator of a target."""
        return self.assessment.catalogue.get(result.target.indicator)

    def target_name(self, result: TargetResult, *, full: bool = False) -> str:
        """Name of a target, with what it asks for if another has that name; in full, marked as binding or failed."""
        name = self.words.name(result.target.name)
        if not full and self._names[name] > 1:
            name = self.words("name_requirement", name=name, requirement=requirement(result.target, self.words))
        if full and result.target.status == "binding":
            name += self.words("binding")
        return name + self.words("marker") if full and self.failed_gate(result.series) else name

    @cached_property
    def _names(self) -> Counter[str]:
        return Counter(self.words.name(result.target.name) for result in self.results)

    def marked_name(self, result: TargetResult) -> str:
        """Name of a target in full, marked where its numbers are a rough guide only."""
        return self.target_name(result, full=True) + (self.words("weak_marker") if self.weak(result) else "")

    @cached_property
    def printed(self) -> tuple[Printed, ...]:
        """Every published figure."""
        return printed_figures(self.assessment.observations)

    @cached_property
    def own(self) -> tuple[Printed, ...]:
        """Figures of the plan's region for indicators of its targets."""
        slugs = {target.indicator for target in self.assessment.plan.targets}
        region = self.assessment.plan.region.id
        return tuple(figure for figure in self.printed if figure.region == region and figure.indicator in slugs)

    def basis(self, series: str) -> str | None:
        """Basis of a series of the forecast; None if it does not say."""
        forecast = self.assessment.forecast
        if SERIES not in forecast.coords or "basis" not in forecast.coords or series not in forecast[SERIES].values:
            return None
        return str(forecast["basis"].sel({SERIES: series}).item())

    def points(self, series: str) -> tuple[Printed, ...]:
        """Figures used in a series."""
        region, slug = series.split("/", 1)
        basis = self.basis(series)
        return tuple(
            figure
            for figure in self.printed
            if (figure.region, figure.indicator, figure.set_aside) == (region, slug, "")
            and basis in (None, figure.basis)
            and figure.is_level
        )

    @cached_property
    def charted(self) -> tuple[str, ...]:
        """Series of the region with own figures, in the order of the targets."""
        forecast = self.assessment.forecast
        if SERIES not in forecast.coords:
            return ()
        known = {str(label) for label in forecast[SERIES].values.tolist()}
        region = self.assessment.plan.region.id
        wanted = [result.series or f"{region}/{result.target.indicator}" for result in self.results]
        kept = [label for label in dict.fromkeys(wanted) if label in known and label.split("/", 1)[0] == region]
        return tuple(label for label in kept if self.points(label))

    @cached_property
    def failed(self) -> frozenset[str]:
        """Series whose computation failed a check."""
        diagnostics = self.assessment.diagnostics
        if "gate" not in diagnostics:
            return frozenset()
        gate = diagnostics["gate"]
        return frozenset(str(label) for label in gate[SERIES].values[~gate.values.astype(bool)].tolist())

    def failed_gate(self, series: str | None) -> bool:
        """True if the computation of a series failed a check."""
        return series is not None and series in self.failed

    @cached_property
    def gaps(self) -> tuple[Gap, ...]:
        """Missing figures, the most useful first: unanswered, then binding, then with a level, then by what waits."""
        waiting: dict[str, list[TargetResult]] = {}
        for result in self.of("not_testable", "prior"):
            waiting.setdefault(result.target.indicator, []).append(result)
        gaps = [
            Gap(self.indicator(results[0]), tuple(results), sum(label_rows(result) for result in results))
            for results in waiting.values()
        ]
        return tuple(sorted(gaps, key=_urgency))

    def definition(self, result: TargetResult) -> str:
        """Definition a target is measured by, as far as the plan says."""
        for definition in self.indicator(result).definitions:
            if definition.code == result.target.definition:
                return self.words.name(definition.name)
        return self.words.term("collect", "any_definition")

    def definition_of(self, figure: Printed) -> str:
        """Definition of a published figure in words, and whether it had to be joined to its series."""
        named = [
            self.words.name(definition.name)
            for definition in self.assessment.catalogue.get(figure.indicator).definitions
            if definition.code == figure.definition
        ]
        text = named[0] if named else figure.definition or self.words("dash")
        return self.words("joined", definition=text) if figure.joins else text

    def years_to_collect(self) -> tuple[int, int]:
        """First and last year worth collecting."""
        last = self.as_of.year - 1
        return last - YEARS_TO_COLLECT + 1, last

    def collect(self, result: TargetResult) -> str:
        """What to collect for a target."""
        target, first_last = result.target, self.years_to_collect()
        compared = getattr(target, "reference", None) is not None
        missing = "no_reference_figures" if compared else result.reason
        template = self.words.terms["collect"].get(missing) or self.words.term("collect", "default")
        known = [
            definition for definition in self.indicator(result).definitions if definition.code == target.definition
        ]
        reference = getattr(target, "reference", None)
        return template.format(
            indicator=self.words.name(self.indicator(result).name),
            definition=self.words.term("collect", "definition").format(definition=self.words.name(known[0].name))
            if known
            else "",
            first=first_last[0],
            last=first_last[1],
            n=YEARS_TO_COLLECT,
            base=getattr(target, "base_year", self.assessment.plan.base_year),
            when=when(target, self.words),
            reference=self.words.name(reference) if reference else "",
        )

    def years(self, first: int, last: int) -> str:
        """One year or a row of years."""
        return span(first, last, self.words)

    def reason(self, result: TargetResult) -> str:
        """Why a target has no probability, or a thin one."""
        if result.reason:
            return self.words.term("reason", result.reason)
        return self.words.term("reason_prior", result.evidence) if result.evidence == "prior" else ""

    def unit(self, result: TargetResult) -> str:
        """Unit of the levels of a target."""
        return collect_unit(result.target.unit)

    def date(self) -> str:
        """The information cut-off."""
        return self.words("date", year=self.as_of.year, month=self.as_of.month, day=self.as_of.day)

    @property
    def as_of(self) -> Date:
        """The information cut-off of the assessment, the plan's own if it names no other."""
        return self.assessment.as_of or self.assessment.plan.as_of


def label_rows(result: TargetResult) -> int:
    """Rows of the labelled list a target stands for; one that stands for none counts as one."""
    return max(len(result.target.labels), 1)


def _urgency(gap: Gap) -> tuple[bool, bool, bool, int]:
    unanswered = any(result.evidence == "not_testable" for result in gap.results)
    binding = any(result.target.status == "binding" for result in gap.results)
    # a level that is printed can be missed; that something "rises" seldom is
    level = any(year.level is not None for result in gap.results for year in result.years)
    return not unanswered, not binding, not level, -gap.rows
