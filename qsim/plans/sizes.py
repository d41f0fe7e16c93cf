"""Schema of a size: a law, or a plain number, which is called certain."""

from typing import Annotated, Any, Literal

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler, model_validator
from pydantic_core import CoreSchema, core_schema

from qsim.records import Record


class Certain(Record):
    """A size without uncertainty."""

    law: Literal["certain"]
    value: float


class Normal(Record):
    """A normal law."""

    law: Literal["normal"]
    mean: float
    sd: float = Field(gt=0)


class Triangular(Record):
    """A triangular law, the usual form of an expert's three answers."""

    law: Literal["triangular"]
    low: float
    mode: float
    high: float

    @model_validator(mode="after")
    def _in_order(self) -> "Triangular":
        if not self.low <= self.mode <= self.high or self.low == self.high:
            raise ValueError("low <= mode <= high with low < high")
        return self


class Uniform(Record):
    """Every value between two ends alike."""

    law: Literal["uniform"]
    low: float
    high: float

    @model_validator(mode="after")
    def _in_order(self) -> "Uniform":
        if self.low >= self.high:
            raise ValueError("low < high")
        return self


class _NumberIsCertain:
    """Lets a plain number stand for ``{law: certain, value: ...}``, in files and in the JSON Schema."""

    @staticmethod
    def _spelled_out(value: Any) -> Any:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return {"law": "certain", "value": value} if is_number else value

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self._spelled_out, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"anyOf": [{"type": "number"}, handler(schema)]}


Size = Annotated[Certain | Normal | Triangular | Uniform, Field(discriminator="law"), _NumberIsCertain()]


def ends(size: Certain | Normal | Triangular | Uniform) -> tuple[float, float]:
    """Smallest and largest value a size can take."""
    if isinstance(size, Certain):
        return size.value, size.value
    if isinstance(size, Normal):
        return float("-inf"), float("inf")
    return size.low, size.high


def shifted(size: Certain | Normal | Triangular | Uniform, by: float) -> Certain | Normal | Triangular | Uniform:
    """The law moved by a number, its spread kept."""
    if isinstance(size, Certain):
        return size.model_copy(update={"value": size.value + by})
    if isinstance(size, Normal):
        return size.model_copy(update={"mean": size.mean + by})
    moved = {name: getattr(size, name) + by for name in ("low", "mode", "high") if hasattr(size, name)}
    return size.model_copy(update=moved)
