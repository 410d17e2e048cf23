"""One process a run, or an output."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from recsys.artifacts.directory import CHECKPOINTS
from recsys.core.errors import RunError
from recsys.core.files import parents_of, writing
from recsys.core.temporary import remove_leftovers

LOCK = ".{}.lock"
SECONDS = 0.1  # longer than it takes to look whether anyone holds it


def clear(folder: Path) -> None:
    """Removes what a process that was ended has left of its lock and its temporary files; not those of a living one."""
    with contextlib.suppress(RunError), locked(folder):
        pass


@contextlib.contextmanager
def locked(folder: Path, kind: str = "run", *, option: str = "--run-dir") -> Iterator[None]:
    """Holds the lock beside `folder`; afterwards nothing of it is left, nor a parent that was made for it.

    What killed processes have left in the folder goes.

    Args:
        kind: of what is written there, for the error.
        option: of the command line that names it.
    Raises:
        RunError: another process holds it, or it cannot be made.
    """
    from filelock import FileLock, Timeout

    target = folder.resolve()  # whatever it is called: it may be "." or a link
    path = lock_path(target)
    lock = FileLock(path)
    with parents_of(target):
        with writing(folder), _named(target):
            try:
                lock.acquire(timeout=SECONDS, poll_interval=SECONDS / 5)
            except Timeout:  # an OSError too
                path.touch()  # fails where nothing can be written, for which the lock waits as for another process
                raise RunError(
                    f"another process is writing this {kind}",
                    where=str(folder),
                    expected=f"one process a {kind}",
                    hint=f"wait for it, or choose another {option}",
                ) from None
        try:
            for place in (target, target / CHECKPOINTS):
                remove_leftovers(place)
            yield
        finally:
            with contextlib.suppress(OSError):  # Windows: an open file stays; release() deletes it there
                path.unlink()  # while it is held: a moment later it may be another's
            lock.release()


@contextlib.contextmanager
def _named(folder: Path) -> Iterator[None]:
    """An OSError names the folder: the lock is of no user's making."""
    try:
        yield
    except OSError as error:
        error.filename = str(folder)
        raise


def lock_path(folder: Path) -> Path:
    """The file that is locked."""
    return folder.parent / LOCK.format(folder.name)
