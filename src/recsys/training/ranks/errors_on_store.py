"""Errors of one rank, where the others read them: as JSON in the store at which the ranks meet."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from recsys.core.errors import RecsysError, RunError, StoppedError


def to_text(error: BaseException, rank: int) -> str:
    """An error as JSON; what is none of ours becomes one that names the rank."""
    if isinstance(error, KeyboardInterrupt):
        error = StoppedError("interrupted")
    if not isinstance(error, RecsysError):
        error = RecsysError(
            f"rank {rank} failed: {type(error).__name__}: {error}",
            hint="its traceback is in what that rank wrote to stderr; please report it",
        )
    return json.dumps(_to_dict(error))


def from_text(text: str) -> RecsysError:
    """The error that `to_text` wrote."""
    return _from_dict(json.loads(text))


def is_final(error: RecsysError) -> bool:
    """Whether to try again cannot help: the config, the data or the numbers have to change."""
    return not isinstance(error, RunError | StoppedError) and type(error) is not RecsysError


def _to_dict(error: RecsysError) -> dict[str, Any]:
    return {
        "class": type(error).__name__,
        "what": error.what,
        "where": error.where,
        "expected": error.expected,
        "hint": error.hint,
        "more": [_to_dict(other) for other in error.more],
    }


def _from_dict(values: dict[str, Any]) -> RecsysError:
    kind = next(kind for kind in _kinds(RecsysError) if kind.__name__ == values["class"])
    more = [_from_dict(other) for other in values["more"]]
    return kind(values["what"], where=values["where"], expected=values["expected"], hint=values["hint"], more=more)


def _kinds(kind: type[RecsysError]) -> Iterator[type[RecsysError]]:
    yield kind
    for under in kind.__subclasses__():
        yield from _kinds(under)
