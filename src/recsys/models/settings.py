"""What the settings of every model say: which parameters the model has, and what a method has to know of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from pydantic import Field
from pydantic_core import PydanticCustomError

from recsys.core.layout import ArraySpec, Layout, Size, factors
from recsys.core.section import Section

Auto = Literal["auto"]
Role = Literal["user", "item"]
ROLES: tuple[Role, ...] = ("user", "item")
Dim = Annotated[int, Field(ge=1, le=4096)]
MOST_LAYERS = 16  # a network of more gains nothing, and the products of its weights might overflow
Layers = Annotated[tuple[Dim, ...], Field(max_length=MOST_LAYERS)]
End = Annotated[float, Field(ge=-1e30, le=1e30)]
"""Of a range: what single precision can hold, with room for sums."""
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Trait:
    """What a model is by its settings and some methods cannot fit.

    Attributes:
        name: by which a method names it.
        phrase: as it stands after the kind of the model: "dot_product without biases".
    """

    name: str
    phrase: str


SIGMOID_OUTPUT = Trait("sigmoid_output", "with y_range")
NO_BIASES = Trait("no_biases", "without biases")
NO_CLIP = Trait("no_clip", "without clip")
USER_DRIFT = Trait("user_drift", "with user_drift")


@dataclass(frozen=True)
class ParameterInfo:
    """A parameter of a model.

    Attributes:
        name: in the module and in checkpoints.
        group: the layer group.
        rows: whose: one row for each user or item; None: shared by all.
        is_bias: whether it is added, not multiplied.
    """

    name: str
    group: str
    rows: Role | None
    is_bias: bool = False


class ModelSettings(Section):
    """The settings of a model; those of each kind lie in its folder."""

    free_keys: ClassVar[frozenset[str]] = frozenset()  # that do not shape parameters: they may change in a later run
    if TYPE_CHECKING:
        kind: str

    @property
    def parameters(self) -> tuple[ParameterInfo, ...]:
        """The parameters that are learned, from the first to the last layers."""
        raise NotImplementedError

    def layout(self) -> Layout:
        """What the parameters and buffers are as arrays, where there are "n_users" and "n_items"."""
        raise NotImplementedError

    @property
    def traits(self) -> tuple[Trait, ...]:
        """What some methods cannot fit. Asked also before values are validated: it may only look at them."""
        return ()

    @property
    def trait_names(self) -> frozenset[str]:
        """The names of the traits."""
        return frozenset(trait.name for trait in self.traits)

    @property
    def fixed_dim(self) -> int | None:
        """Factors of each user and item, where it is the settings that say so, and not the data."""
        return None

    def least_numbers(self, n_users: int, n_items: int) -> int:
        """Numbers that the parameters have, those that all users and items share not counted."""
        n = {"user": n_users, "item": n_items, None: 0}
        dim = self.fixed_dim or 1
        return sum(n[parameter.rows] * (1 if parameter.is_bias else dim) for parameter in self.parameters)

    @property
    def uses_times(self) -> bool:
        """Whether it learns from when a rating was given."""
        return False

    @property
    def groups(self) -> tuple[str, ...]:
        """The layer groups, from the first to the last layers."""
        return tuple(dict.fromkeys(parameter.group for parameter in self.parameters))

    def with_inherited_dims(self, shapes: Mapping[str, Shape]) -> Self:
        """The settings for a model that takes over parameters of these shapes, whose sizes the data no longer says."""
        return self


def rows_layout(parameters: tuple[ParameterInfo, ...], dim: Size) -> Layout:
    """What parameters are that are rows of users or items, or one number for each."""
    return {
        parameter.name: ArraySpec("float32", (f"n_{parameter.rows}s",))
        if parameter.is_bias
        else factors(f"n_{parameter.rows}s", dim)
        for parameter in parameters
    }


def check_range(y_range: tuple[float, float] | None) -> None:
    """Refuses a range whose ends are not in order."""
    if y_range is not None and not y_range[0] < y_range[1]:
        raise PydanticCustomError("y_range", "y_range has to be [low, high] with low < high")
