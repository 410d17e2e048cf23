"""The files that a user names as output: which are refused, and how the others are written."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from recsys.artifacts.directory import CHECKPOINTS, CONFIG, HISTORY, MEASURED, METRICS, PROMOTED, SERVING, runs_root
from recsys.core.errors import RecsysError, RunError, UsageError
from recsys.core.files import DASH, new_file, writing
from recsys.core.temporary import scratch_folder

OPEN_FILE = re.compile(r"/(?:dev|proc/(?:self|\d+))/fd/(\d+)")
LINKS = 40  # from link to link, as Linux follows them
OF_A_RUN = (CHECKPOINTS, SERVING, MEASURED, METRICS, CONFIG, HISTORY)


def check_output(output: Path, inputs: Sequence[Path] = (), *, name: str = "output") -> None:
    """Refuses a file that cannot be written, or that must not be, before the work.

    Args:
        inputs: what the work reads.
        name: of a file, for the hint.
    Raises:
        RunError: it is a folder, or in none, or belongs to a run.
        UsageError: it is one of the inputs.
    """
    if output.is_dir():
        what, hint = "this is a folder", f"name the file: --output {output / name}"
    elif not output.parent.is_dir():
        what = f"{output.parent} is a file" if output.parent.exists() else f"there is no folder {output.parent}"
        hint = "make the folder, or choose another"
    else:
        refuse_dash(output)
        _refuse_inputs(output, inputs)
        refuse_run_files(output)
        return
    raise RunError(what, where=str(output), expected="a file to write, in a folder that is there", hint=hint)


def refuse_data_of(output: Path, run: Path) -> None:
    """Raises UsageError for the ratings and items of a run, which are needed to resume and to repeat it."""
    from recsys.artifacts.stored_config import stored_config  # YAML, and the schema of all methods
    from recsys.data.sources.several import files_read

    try:
        paths = files_read(stored_config(run).data) if (run / CONFIG).exists() else []
    except RecsysError:  # no business of an output
        return
    _refuse_inputs(output, paths, f"the run {run.name} was trained on this file")


def refuse_dash(output: Path) -> None:
    """Raises UsageError for "-", which stands for standard input alone."""
    if str(output) == DASH:
        hint = "for standard output: --output /dev/stdout"
        raise UsageError("the output is -, which is no name of a file", expected="a file to write", hint=hint)


def refuse_run_files(output: Path) -> None:
    """Raises RunError if a file or folder is, or would be, a part of a run."""
    target = Path(os.path.realpath(output))
    run = next((folder for folder in target.parents if _is_run(folder)), None)
    if run is not None and target.relative_to(run).parts[0] in OF_A_RUN:
        what = f"this is a part of the run {run.name}"
    elif target == Path(os.path.realpath(runs_root() / PROMOTED)):
        what = "this names the promoted run"
    else:
        return
    raise RunError(what, where=str(output), expected="a file of your own to write", hint="choose another --output")


@contextlib.contextmanager
def output_file(path: Path) -> Iterator[Path]:
    """A temporary path; what is written there goes where `path` leads at the end, or nowhere if anything is raised.

    A file is replaced in one step and keeps its mode; a link stays, and the file behind it is replaced. Devices, pipes
    and open files such as /dev/stdout are written through.

    Raises:
        RunError: it cannot be written.
        BrokenPipeError: the reader of an open file has gone.
    """
    if is_replaceable(path):
        target = Path(os.path.realpath(path))
        with new_file(target) as temporary:
            yield temporary
            if target.exists():
                _take_owner_and_mode(target, temporary)
        return
    with scratch_folder() as folder:
        temporary = folder / "output"
        yield temporary
        _write_through(temporary, path)


def write_output(path: Path, text: str) -> None:
    """Writes a text in utf-8 as `output_file` does.

    Raises:
        RunError: it cannot be written.
    """
    with output_file(path) as temporary:
        temporary.write_bytes(text.encode())


def is_replaceable(path: Path) -> bool:
    """Whether a path leads to a regular file, or to none yet; else it is a device, a pipe or an open file."""
    if _descriptor(path) is not None:
        return False
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except OSError:
        return True


def _take_owner_and_mode(earlier: Path, new: Path) -> None:
    """Gives the file that replaces another its owner, where that is permitted, and its mode."""
    if hasattr(os, "chown"):  # not on Windows
        with contextlib.suppress(OSError):
            os.chown(new, earlier.stat().st_uid, earlier.stat().st_gid)
    shutil.copymode(earlier, new)


def _is_run(folder: Path) -> bool:
    return (folder / CONFIG).exists() and any((folder / name).exists() for name in (CHECKPOINTS, METRICS))


def _refuse_inputs(output: Path, inputs: Sequence[Path], what: str = "the output is a file that is read") -> None:
    for path in inputs:
        with contextlib.suppress(OSError):
            if is_replaceable(output) and output.samefile(path):
                raise UsageError(what, where=str(output), expected="another file for the output")


def _write_through(source: Path, path: Path) -> None:
    descriptor = _descriptor(path)
    with source.open("rb") as content:
        if descriptor is None:
            with writing(path), path.open("wb") as sink:
                shutil.copyfileobj(content, sink, 1 << 20)
            return
        try:
            with writing(path), os.fdopen(os.dup(descriptor), "wb") as sink:
                shutil.copyfileobj(content, sink, 1 << 20)
        except RunError as error:
            if isinstance(error.__cause__, BrokenPipeError):  # whoever read it has seen enough
                raise error.__cause__ from None
            raise


def _descriptor(path: Path) -> int | None:
    """The number of the open file that a path stands for, also through links; None if it is none."""
    step = path.absolute()
    for _ in range(LINKS):
        if match := OPEN_FILE.fullmatch(os.path.normpath(step)):
            return int(match[1])
        if not step.is_symlink():
            return None
        step = step.parent / step.readlink()
    return None
