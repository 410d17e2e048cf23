"""What every section of a config has in common: typed, closed and frozen."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict


@dataclass(frozen=True)
class Words:
    """What a text has to look like, for people: stands beside a type in `Annotated`."""

    text: str


class Section(BaseModel):
    """A part of the config. An unknown key is an error, and nothing is coerced."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
