"""YAML files as closed, frozen records: every fault of a file in one message, each with its key path."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.fields import FieldInfo

from qsim.errors import Fault, PlanError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails


class Record(BaseModel):
    """A frozen record that refuses unknown keys."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        populate_by_name=True,
        use_attribute_docstrings=True,
    )


class Names(Record):
    """One thing's names."""

    zh: str = Field(min_length=1)
    """Chinese name, as the plan prints it."""
    en: str = Field(min_length=1)
    """English name."""


class _UniqueKeyLoader(yaml.CSafeLoader if hasattr(yaml, "CSafeLoader") else yaml.SafeLoader):  # type: ignore[misc]  # a base chosen at run time
    """YAML says that keys are unique, PyYAML keeps the last: a second key would lose a target silently."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key_node, _ in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise _problem(key_node, "a list or mapping as a key", "a text before the colon")
            if key_node.value in seen:
                raise _problem(key_node, f"key {key_node.value!r} a second time", "each key once")
            seen.add(key_node.value)
        result: dict[Any, Any] = super().construct_mapping(node, deep=deep)
        return result

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep=deep)
        except ValueError as error:  # 2016-02-30 looks like a day to YAML and is none
            raise _problem(node, repr(node.value), f"a value that exists: {error}") from error


def _problem(node: yaml.Node, got: str, expected: str) -> yaml.constructor.ConstructorError:
    return yaml.constructor.ConstructorError(None, None, got, node.start_mark, note=expected)


# A bare = is a "value key" in YAML 1.1, which PyYAML cannot construct; here it is the comparator.
_UniqueKeyLoader.add_constructor("tag:yaml.org,2002:value", yaml.SafeLoader.construct_yaml_str)


def read_yaml(path: Path) -> Mapping[str, Any]:
    """Read a YAML mapping.

    Raises
    ------
    PlanError
        If the file is missing, is not UTF-8, is not YAML, has a key twice, or is not a mapping.
    """
    try:
        content = yaml.load(path.read_text(encoding="utf-8-sig"), Loader=_UniqueKeyLoader)
    except FileNotFoundError as error:
        raise PlanError(str(path), [Fault("file", "no such file", f"a file {path.name} in {path.parent}")]) from error
    except UnicodeDecodeError as error:
        raise PlanError(str(path), [Fault(f"byte {error.start}", "not UTF-8", "a file saved as UTF-8")]) from error
    except OSError as error:
        raise PlanError(str(path), [Fault("file", error.strerror or str(error), "a file that can be read")]) from error
    except yaml.YAMLError as error:
        raise PlanError(str(path), [_yaml_fault(error)]) from error
    if not isinstance(content, dict):
        raise PlanError(str(path), [Fault("file", _shown(content), "a mapping with keys at the top level")])
    return content


RecordT = TypeVar("RecordT", bound=BaseModel)


def parse_record(kind: type[RecordT], content: Mapping[str, Any], source: str) -> RecordT:
    """Turn a mapping into a record.

    Raises
    ------
    PlanError
        With every fault, each at its key path.
    """
    try:
        return kind.model_validate(_frozen(content))
    except ValidationError as error:
        raise PlanError(
            source, [_fault(kind, details) for details in error.errors() if not _is_echo(details)]
        ) from error


def read_record(kind: type[RecordT], path: Path) -> RecordT:
    """Read one record from a YAML file.

    Raises
    ------
    PlanError
        With every fault of the file, each at its line or key path.
    """
    return parse_record(kind, read_yaml(path), str(path))


def key_path(location: tuple[int | str, ...]) -> str:
    """Write a location as ``targets[3].levels.2016``."""
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text or "file"


_MOST_NAMES = 8


def nearest(name: str, known: Iterable[str]) -> str:
    """Say which known name is meant, or which there are."""
    names = sorted(known)
    close = get_close_matches(name, names, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]!r}?"
    if len(names) > _MOST_NAMES:
        return f"nearest of {len(names)} are {', '.join(get_close_matches(name, names, n=3, cutoff=0.0))}"
    return f"one of {', '.join(names)}" if names else "none is defined"


def _frozen(value: object) -> object:
    """Lists as tuples: records hold nothing that can change."""
    if isinstance(value, dict):
        return {key: _frozen(part) for key, part in value.items()}
    return tuple(_frozen(part) for part in value) if isinstance(value, list) else value


def _yaml_fault(error: yaml.YAMLError) -> Fault:
    mark = getattr(error, "problem_mark", None)
    where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "file"
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    if isinstance(error, yaml.constructor.ConstructorError) and error.note:
        return Fault(where, problem, error.note)
    hint = "YAML, with quotes around a text that holds ': ' or starts with one of > * & ! % @ [ {"
    return Fault(where, f"broken YAML ({problem})", hint)


def _shown(value: object) -> str:
    """What stands in the file, in words for who wrote it."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return repr(value)
    if isinstance(value, dict):
        return "a mapping" if value else "an empty mapping"
    if isinstance(value, list | tuple):
        return "a list" if value else "an empty list"
    return str(value)


_EXPECTED: Mapping[str, str] = {
    "missing": "this key, which is required",
    "invalid_key": "a key that is a text",
    "string_type": "a text; quote it if it looks like a number, a day, yes or no",
    "string_too_short": "a text that is not empty",
    "string_pattern_mismatch": "lower-case letters and digits, no spaces (pattern {pattern})",
    "int_type": "a whole number, without quotes",
    "int_from_float": "a whole number",
    "float_type": "a number, without quotes",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "date_type": "a day written 2016-05-31, without quotes",
    "date_from_datetime_parsing": "a day written 2016-05-31",
    "date_parsing": "a day written 2016-05-31",
    "literal_error": "{expected}",
    "tuple_type": "a list, each entry after a dash",
    "mapping_type": "a mapping of keys to values",
    "model_type": "a mapping of keys to values",
    "model_attributes_type": "a mapping of keys to values",
    "too_short": "a list with at least {min_length} entry",
    "too_long": "a list with at most {max_length} entries",
    "greater_than": "a number above {gt:g}",
    "greater_than_equal": "a number from {ge:g}",
    "less_than": "a number below {lt:g}",
    "less_than_equal": "a number up to {le:g}",
}
"""Pydantic's kinds of fault that these schemas can meet, in the words of ``Fault.expected``."""


def _fault(kind: type[BaseModel], details: "ErrorDetails") -> Fault:
    """Say one of pydantic's complaints as the writer of the file reads it."""
    place = _place(kind, details["loc"])
    where = key_path(place.location)
    what, got, context = details["type"], details["input"], details.get("ctx", {})
    if what == "missing":
        return Fault(where, "nothing", _EXPECTED[what])
    if what == "extra_forbidden":
        return Fault(
            where, "an unknown key", f"a key of the schema; {nearest(place.location[-1], place.owner.model_fields)}"
        )
    if what in ("union_tag_not_found", "union_tag_invalid"):
        tags = _tagged(place.annotation)
        key = key_path((*place.location, _bare(place.annotation)[1] or ""))
        return Fault(key, _shown(got.get(_bare(place.annotation)[1])), f"one of {', '.join(tags)}")
    if what == "value_error":
        shown = "values that do not fit together" if isinstance(got, dict) else _shown(got)
        return Fault(where, shown, details["msg"].removeprefix("Value error, "))
    expected = (
        _EXPECTED[what].format(**context) if what in _EXPECTED else details["msg"].removeprefix("Input should be ")
    )
    if what == "too_short" and isinstance(got, dict):
        expected = expected.replace("a list", "a mapping")
    return Fault(where, _shown(got), expected)


def _is_echo(details: "ErrorDetails") -> bool:
    """Whether a list counts as too short only because its entries have faults of their own."""
    return details["type"] == "too_short" and len(details["input"]) >= details["ctx"]["min_length"]


@dataclass(frozen=True)
class _Place:
    """Where a complaint belongs."""

    location: tuple[Any, ...]
    """Keys and numbers as the file has them: pydantic's own names for union members left out."""
    owner: type[BaseModel]
    """Innermost record on the way."""
    annotation: Any
    """Type that is expected there."""


def _place(kind: type[BaseModel], location: tuple[int | str, ...]) -> _Place:
    """Follow a location of pydantic through the types."""
    path: list[int | str] = []
    owner: type[BaseModel] = kind
    annotation: Any = kind
    for part in location:
        members = _tagged(annotation)
        bare, _ = _bare(annotation)
        if members:
            annotation = members.get(str(part))
        elif isinstance(bare, type) and issubclass(bare, BaseModel):
            owner, annotation = bare, bare.model_fields.get(str(part))
            path.append(str(part))
        elif get_origin(bare) is tuple:
            annotation = get_args(bare)[0]
            path.append(part)
        elif part != "[key]":
            annotation = get_args(bare)[-1] if get_args(bare) else None
            path.append(str(part))
    return _Place(tuple(path), owner, annotation)


def _bare(annotation: Any) -> tuple[Any, str | None]:
    """Type without ``Annotated``, ``Field`` and ``| None``, and the key that tells a union's members apart."""
    key: str | None = None
    while True:
        if isinstance(annotation, FieldInfo):
            key = annotation.discriminator if isinstance(annotation.discriminator, str) else key
            annotation = annotation.annotation
        elif get_origin(annotation) is Annotated:
            annotation, *notes = get_args(annotation)
            for note in notes:
                if isinstance(note, FieldInfo) and isinstance(note.discriminator, str):
                    key = note.discriminator
        elif get_origin(annotation) in (Union, UnionType) and len(_present(annotation)) == 1:
            (annotation,) = _present(annotation)
        else:
            return annotation, key


def _present(union: Any) -> tuple[Any, ...]:
    return tuple(member for member in get_args(union) if member is not type(None))


def _tagged(annotation: Any) -> dict[str, type[BaseModel]]:
    """Members of a discriminated union by their tags; empty for anything else."""
    bare, key = _bare(annotation)
    if key is None:
        return {}
    return {tag: member for member in _present(bare) for tag in get_args(member.model_fields[key].annotation)}
