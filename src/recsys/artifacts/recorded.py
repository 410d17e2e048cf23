"""The files of a finished run that its metrics.json names, with size and checksum: what ties a run together.

metrics.json is written last. It names the history, the checkpoint at the end and the manifests of the serving folders;
these name the other files, and the checkpoint holds the config that the run was started with.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from pydantic import ValidationError

from recsys.artifacts.directory import CONFIG, METRICS, run_of
from recsys.artifacts.entries import Entry, FileEntry
from recsys.artifacts.manifest import check_format, damaged, unseal_json
from recsys.artifacts.verified import MOST_JSON, reading
from recsys.core.files import sha256
from recsys.core.regular import read_regular, sha256_of_regular


class Recorded(Entry):
    """What metrics.json holds beside the metrics.

    Attributes:
        files: path in the run → size and checksum.
    """

    files: dict[str, FileEntry]


def read_recorded(run: Path) -> Mapping[str, FileEntry]:
    """The files that metrics.json names, by their paths in the run; none where the run is not finished.

    Raises:
        RunError: metrics.json is damaged, or has another version's format.
    """
    text = read_sealed(run) if (run / CONFIG).exists() else None
    if text is None:
        return {}
    try:
        return Recorded.model_validate_json(text).files
    except ValidationError as error:
        check_format(run / METRICS, text)
        raise damaged(run / METRICS, error.errors()[0]["msg"]) from error


def read_sealed(run: Path) -> str | None:
    """The JSON object in metrics.json; None where the run is not finished.

    Raises:
        RunError: it is damaged, or of a format without checksums.
    """
    path = run / METRICS
    if not os.path.lexists(path):  # a link to nothing is there
        return None
    with reading(path):
        text = read_regular(path, MOST_JSON)
    if b'"checksum"' not in text:
        check_format(path, text)
    return unseal_json(path, text)


def record(run: Path, names: Iterable[str]) -> Recorded:
    """What metrics.json is to say of files, as far as they are there."""
    there = {name: run / name for name in names if (run / name).exists()}
    return Recorded(
        files={name: FileEntry(bytes=path.stat().st_size, sha256=sha256(path)) for name, path in there.items()}
    )


def check_recorded(run: Path, *names: str) -> None:
    """Refuses files of a finished run that are not those that it ended with.

    Raises:
        RunError: one of them is another one or missing, or metrics.json is damaged.
    """
    recorded = read_recorded(run)
    for name in names:
        if name in recorded:
            with reading(run / name):
                checksum = sha256_of_regular(run / name)
            if checksum != recorded[name].sha256:
                raise damaged(run / name, f"its sha256 is not the one that {METRICS} names")


def check_in_run(folder: Path, name: str) -> None:
    """As `check_recorded`, for a file of a serving folder; nothing is known of one in a copy of the folder."""
    run = run_of(folder)
    if run != folder:
        check_recorded(run, f"{folder.resolve().name}/{name}")
