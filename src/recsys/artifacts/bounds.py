"""Texts and numbers of manifests, no larger than what recsys writes."""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import AfterValidator, Field, JsonValue
from pydantic_core import PydanticCustomError

from recsys.core.layout import LARGEST
from recsys.data.scale import Scale

Name = Annotated[str, Field(max_length=200)]
FileName = Annotated[str, Field(pattern=r"^[a-z0-9_]{1,100}\.safetensors$")]
"""The name of a file in the folder itself, which is nothing else on any system."""
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=0, lt=2**40)]
Entities = Annotated[int, Field(ge=0, lt=2**31)]  # their indices are int32
Number = Annotated[float, Field(ge=-LARGEST, le=LARGEST)]


def finite(value: JsonValue) -> JsonValue:
    """The value, checked for what pydantic checks of numbers that have a type of ours, and not of these.

    Raises:
        PydanticCustomError: a ValueError; a number in it is infinite or none.
    """
    parts = [value]
    while parts:
        part = parts.pop()
        if isinstance(part, float) and not math.isfinite(part):
            raise PydanticCustomError("finite", "Input should be a finite number")
        if isinstance(part, dict):
            parts += part.values()
        elif isinstance(part, list):
            parts += part
    return value


Values = Annotated[dict[Name, JsonValue], AfterValidator(finite)]


def _scale(scale: Scale) -> Scale:
    if not (0 < scale.std <= LARGEST and abs(scale.mean) <= LARGEST and -LARGEST <= scale.low <= scale.high <= LARGEST):
        raise PydanticCustomError("scale", "a scale has numbers with low ≤ high and std > 0")
    return scale


RatingScale = Annotated[Scale, AfterValidator(_scale)]
