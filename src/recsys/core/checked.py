"""Arguments of the Python API, checked before the work: errors name the argument, its value and what was expected.

A public function says what each of its arguments may be, once: `@checked(n=count(), by=optional(choice("ranking")))`.
The rules are in recsys.core.arguments.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

from recsys.core.errors import UsageError
from recsys.core.memory import memory_error
from recsys.core.words import shortened

P = ParamSpec("P")
R = TypeVar("R")
MISSING = ("NAType", "NaTType")  # of pandas, which this does not import
LONGEST_INT = 256  # bits
SCALARS = (str, bytes, bool, int, float, type(None))


class RefusedError(Exception):
    """A value that an argument cannot have.

    Args:
        at: where within the argument, such as "[3]".
        says: what is wrong; left out, what the value is.
        expected: left out, what the argument may be.
    """

    def __init__(
        self,
        value: object,
        *,
        at: str = "",
        says: str | None = None,
        expected: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(at)
        self.value, self.at, self.expected, self.hint = value, at, expected, hint
        self.says = says or f"is {shown(value)}"

    def within(self, at: str, expected: str | None = None) -> RefusedError:
        """The same, of an argument that holds the value there."""
        return RefusedError(
            self.value, at=f"{at}{self.at}", says=self.says, expected=self.expected or expected, hint=self.hint
        )


@dataclass(frozen=True)
class Rule:
    """What an argument may be.

    Attributes:
        expected: in words.
        accept: the value as the function takes it; raises RefusedError.
    """

    expected: str
    accept: Callable[[Any], Any]


def checked(**rules: Rule) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """A function that refuses what its arguments cannot be, each by its rule; rules are listed in `rules`.

    It goes by the names in the function's own signature, so that other decorators stand above it.

    Raises:
        UsageError: by the function, if an argument is refused.
        OutOfMemoryError: by the function, if memory runs out.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        code = function.__code__
        names = code.co_varnames[: code.co_argcount]

        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            by_place = [
                accepted(name, value, rules[name]) if name in rules else value
                for name, value in zip(names, args, strict=False)
            ]
            by_name = {
                name: accepted(name, value, rules[name]) if name in rules else value for name, value in kwargs.items()
            }
            try:
                return function(*by_place, *args[len(names) :], **by_name)  # type: ignore[arg-type]
            except Exception as error:
                if (of_memory := memory_error(error)) is not None:
                    raise of_memory from error
                raise

        call.rules = rules  # type: ignore[attr-defined]
        return call

    return decorate


def accepted(name: str, value: object, rule: Rule) -> Any:
    """The value as the function takes it.

    Raises:
        UsageError: the rule refuses it.
    """
    try:
        return rule.accept(value)
    except RefusedError as refused:
        raise UsageError(
            f"{name}{refused.at} {refused.says}", expected=refused.expected or rule.expected, hint=refused.hint
        ) from None


def shown(value: object) -> str:
    """A value in a message: a number or a text as Python writes it, of anything else the type."""
    value = plain(value)
    if isinstance(value, int) and value.bit_length() > LONGEST_INT:
        return shortened(hex(value))  # Python writes no decimals of very long ones
    return shortened(repr(value)) if isinstance(value, SCALARS) else f"of the type {type(value).__name__}"


def plain(value: Any) -> Any:
    """A number or a text of NumPy or Arrow as Python's own; what else there is as it stands."""
    if type(value).__name__ in MISSING:
        return None
    if isinstance(value, SCALARS):
        return str(value) if type(value) is not str and isinstance(value, str) else value
    if hasattr(value, "as_py"):
        return value.as_py()
    return value.item() if hasattr(value, "item") and getattr(value, "shape", None) == () else value
