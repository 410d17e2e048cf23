"""The parts of manifests."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from recsys.artifacts.bounds import Count, FileName, Name, Number, Sha256
from recsys.core.types import Json
from recsys.scoring.link import LEAST_STD, Link, LinkKind

IdType = Literal["int", "str"]


class Entry(BaseModel):
    """A part of a manifest."""

    model_config = ConfigDict(frozen=True, strict=True, defer_build=True, allow_inf_nan=False)

    def to_dict(self) -> dict[str, Json]:
        """As json takes it, without what was left out when it was made."""
        return self.model_dump(mode="json", exclude_unset=True)


class FileEntry(Entry):
    """A file as it was written."""

    bytes: Count
    sha256: Sha256


class LinkEntry(Entry):
    """A link from scores to ratings."""

    kind: LinkKind
    low: Number
    high: Number
    std: Annotated[Number, Field(ge=0)] = 0.0

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        if self.low > self.high or (self.kind == "tobit" and self.std < LEAST_STD):
            raise PydanticCustomError("link", "a link has low ≤ high, and std > 0 if it is tobit")
        return self

    def to_link(self) -> Link:
        """The link itself."""
        return Link(self.kind, self.low, self.high, self.std)


class ScorerEntry(Entry):
    """A scorer: its file of arrays, and what is no array.

    Attributes:
        model: kind of the model that was trained.
        kind: kind of the scorer, see recsys.scoring.specs.
        link: from its scores to ratings; None where they stand for none.
        numbers: by name.
    """

    file: FileName
    model: Name
    kind: Name
    link: LinkEntry | None = None
    numbers: Annotated[dict[Name, Number], Field(max_length=100)] = {}


class IntervalsEntry(Entry):
    """What intervals are made of: samples of the model or not, residual variances or not, and n_valid valid ratings."""

    samples: bool
    spread: bool
    n_valid: Count


class IdTypes(Entry):
    """The types of ids."""

    user: IdType
    item: IdType


class DataEntry(Entry):
    """How the run's ratings were read; another file of the same data is read likewise.

    Attributes:
        columns: role → name or position of its column; a rating or timestamp of False: none was read.
        quotes, decimal, timestamp_format: how its fields are written, as the config says it.
        rating_is, no_rating, no_rating_rows: what the ratings are, and which of them are none, as the config says it.
    """

    columns: dict[str, str | int | bool]
    encoding: str
    quotes: Literal["auto", "double", "backslash"] | Literal[False] = "auto"
    decimal: Literal["auto", ".", ","] = "auto"
    timestamp_format: str | None = None
    rating_is: Literal["rating", "count"] = "rating"
    no_rating: tuple[int | float | str, ...] = ()
    no_rating_rows: Literal["click", "drop"] = "click"


READING = tuple(name for name in DataEntry.model_fields if name != "columns")  # keys of a config's `data` section
