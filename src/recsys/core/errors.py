"""The errors that a user can cause: one tree, each with an exit code and a hint.

Whoever raises one says what is wrong, where (file, line, key), what was expected, and what to do next. The
command line prints those; the Python API raises them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import ClassVar


class RecsysError(Exception):
    """What a user can mend.

    Args:
        what: what is wrong, one sentence without a full stop, with the offending text.
        where: "FILE", "FILE:LINE" or "FILE:LINE: column or key"; None where there is no place to name.
        expected: what would have been right.
        hint: what to do next, as a command or a config line where there is one.
        more: further errors of the same kind that were found in the same pass.
    """

    kind: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 1

    def __init__(
        self,
        what: str,
        *,
        where: str | None = None,
        expected: str | None = None,
        hint: str | None = None,
        more: Sequence[RecsysError] = (),
    ) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.expected = expected
        self.hint = hint
        self.more = tuple(more)

    def __str__(self) -> str:
        lines = [f"{self.where}: {self.what}" if self.where else self.what]
        lines += [f"expected {self.expected}"] if self.expected else []
        lines += [f"hint: {self.hint}"] if self.hint else []
        return "\n".join(lines + [str(error) for error in self.more])


class UsageError(RecsysError):
    """A command line or a call that makes no sense."""

    kind = "usage"
    exit_code = 2


class ConfigError(RecsysError):
    """A config file or an override that cannot be used."""

    kind = "config"
    exit_code = 2


class MissingExtraError(RecsysError):
    """A part of recsys that is installed only when asked for."""

    kind = "missing_extra"
    exit_code = 2


def need_extra(module: str, needs: str, extra: str) -> None:
    """Raises MissingExtraError if a module is not installed; `needs` as in "figures need"."""
    if find_spec(module) is None:
        raise MissingExtraError(
            f"{needs} {module}, which is not installed",
            expected=f"the extra `{extra}`",
            hint=f"pip install 'recsys-trainer[{extra}]'",
        )


@contextmanager
def packages_for_training() -> Iterator[None]:
    """Within this, code may need packages that an installation for serving alone goes without.

    Raises:
        MissingExtraError: one of them is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package == "recsys":
            raise
        raise _missing(package) from error


def need_training_packages() -> None:
    """Raises MissingExtraError, before any data is read, if a package that training needs is not installed."""
    for package in ("torch", "numba"):
        if find_spec(package) is None:
            raise _missing(package)


def _missing(package: str) -> MissingExtraError:
    return MissingExtraError(
        f"this needs {package}, which is not installed",
        expected="an installation that trains too; this one only serves",
        hint="pip install recsys-trainer",
    )


class DataError(RecsysError):
    """A data file that is not there, or holds something that cannot be used."""

    kind = "data"
    exit_code = 3


class RunError(RecsysError):
    """A run, a checkpoint or an output folder that cannot be read, trusted or written."""

    kind = "run"
    exit_code = 4


class DamagedError(RunError):
    """A file of a run that is not as it was written."""


class LostRankError(RunError):
    """Another rank of the job has ended, or cannot be reached."""

    kind = "lost_rank"


class UnknownIdError(RecsysError):
    """A user or an item without training ratings, or an id of the wrong type."""

    kind = "unknown_id"
    exit_code = 5


class DivergedError(RecsysError):
    """Training produced numbers that are not finite."""

    kind = "diverged"
    exit_code = 6


class BelowBaselineError(RecsysError):
    """The model is not better than the biases alone, and the caller asked to be told so."""

    kind = "below_baseline"
    exit_code = 7


class OutOfMemoryError(RecsysError):
    """Memory ran out, or the work needs more than there is."""

    kind = "out_of_memory"
    exit_code = 8


class StoppedError(RecsysError):
    """Ctrl-C during a command."""

    kind = "interrupted"
    exit_code = 130


class TerminatedError(StoppedError):
    """SIGTERM during a command."""

    kind = "terminated"
    exit_code = 143


class HangupError(StoppedError):
    """SIGHUP during a command: its terminal or its connection has gone."""

    kind = "hangup"
    exit_code = 129


def nearest(word: str, candidates: Sequence[str]) -> str | None:
    """The candidate that `word` was probably meant to be, or None if nothing is close."""
    from difflib import get_close_matches

    lowered = {candidate.lower(): candidate for candidate in reversed(candidates)}
    close = get_close_matches(word.lower(), lowered, n=1, cutoff=0.6)
    return lowered[close[0]] if close else None
