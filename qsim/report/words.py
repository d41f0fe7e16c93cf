"""The words of the report: one file per language, the same keys in each."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Literal, cast

from qsim.errors import UnknownNameError
from qsim.records import Names, nearest, read_yaml

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")


@dataclass(frozen=True)
class ProbabilityWord:
    """A word for probabilities from a whole percent upwards."""

    start: int
    """Smallest whole percent it is used for. [%]"""
    word: str


@dataclass(frozen=True)
class Words:
    """Every word of one language."""

    language: Language
    texts: Mapping[str, str]
    terms: Mapping[str, Mapping[str, str]]
    """Words for closed lists, by list and code."""
    bands: tuple[ProbabilityWord, ...]
    """Words for probabilities, the highest first."""

    def __call__(self, key: str, **values: object) -> str:
        """Sentence of that key, with its blanks filled."""
        return self.texts[key].format(**values)

    def term(self, group: str, code: str) -> str:
        """Word for a code of a closed list; the code itself if the list does not have it."""
        return self.terms[group].get(code, code)

    def ordinal(self, number: int) -> str:
        """Number of a part or heading, as the language counts them."""
        return self.term("ordinal", str(number))

    def name(self, names: Names) -> str:
        """A thing's name in this language."""
        return names.zh if self.language == "zh" else names.en

    def listed(self, names: list[str], *, most: int = 3) -> str:
        """Names in a row, the first ``most`` of them and how many there are."""
        row = self("list_sep").join(names[:most])
        return row if len(names) <= most else self("and_more", names=row, n=len(names))


@cache
def words(language: Language) -> Words:
    """Words of a language.

    Raises
    ------
    UnknownNameError
        If the report does not know the language.
    """
    if language not in LANGUAGES:
        raise UnknownNameError(f"no language {language!r}: {nearest(str(language), LANGUAGES)}")
    content = dict(read_yaml(Path(__file__).resolve().with_name(f"wording_{language}.yaml")))
    terms = {group: MappingProxyType(part) for group, part in content.pop("terms").items()}
    bands = tuple(ProbabilityWord(int(part["from"]), str(part["word"])) for part in content.pop("bands"))
    return Words(language, MappingProxyType(cast("dict[str, str]", content)), MappingProxyType(terms), bands)
