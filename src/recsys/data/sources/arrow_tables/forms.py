"""Which types of columns are read as texts, and which as lists of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias, TypeVar

if TYPE_CHECKING:
    import pyarrow as pa

V = TypeVar("V")
Form: TypeAlias = Callable[[object], V]
"""How a value is written."""


def form_of(kind: pa.DataType, single: Form[V], listed: Form[V]) -> Form[V] | None:
    """How values of a type are written: `single`, `listed` for lists of such, or None for a type that is not read."""
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        return form_of(kind.value_type, single, listed)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return listed if form_of(kind.value_type, single, listed) is single else None
    if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return None
    return single
