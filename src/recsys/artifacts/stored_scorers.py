"""The scorers of a serving folder, read when they are needed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from threading import Lock

from recsys.artifacts.directory import SERVING_JSON
from recsys.artifacts.manifest import BundleManifest, damaged
from recsys.artifacts.verified import VerifiedFolder, check_layout, consistent
from recsys.core.errors import RunError
from recsys.core.words import joined
from recsys.models.specs import MODELS
from recsys.scoring.codec import StoredScorer, decode, layout
from recsys.scoring.protocols import TrainedScorer
from recsys.scoring.specs import SCORERS


class StoredScorers(Mapping[str, TrainedScorer]):
    """The scorers of a serving folder, each read when it is first asked for. Threads can share them."""

    def __init__(self, folder: VerifiedFolder[BundleManifest]) -> None:
        self._folder = folder
        self._read: dict[str, TrainedScorer] = {}
        self._lock = Lock()

    def __getitem__(self, name: str) -> TrainedScorer:
        with self._lock:
            if name not in self._read:
                self._read[name] = _read_scorer(self._folder, name)
            return self._read[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._folder.manifest.scorers)

    def __len__(self) -> int:
        return len(self._folder.manifest.scorers)

    def __contains__(self, name: object) -> bool:
        return name in self._folder.manifest.scorers


def _read_scorer(folder: VerifiedFolder[BundleManifest], name: str) -> TrainedScorer:
    entry = folder.manifest.scorers[name]
    for what, kind, known in (("scorer", entry.kind, SCORERS), ("model", entry.model, MODELS)):
        if kind not in known:
            raise RunError(
                f"{name!r} is a {what} of the kind {kind!r}, which this version does not know",
                where=str(folder.path / SERVING_JSON),
                expected=joined(known),
                hint=f"use the version that wrote it, recsys {folder.manifest.recsys_version}",
            )
    if MODELS[entry.model].scorer != entry.kind:
        raise damaged(folder.json, f"a {entry.model} is not served by a scorer of the kind {entry.kind!r}")
    path, arrays = folder.path / entry.file, folder.arrays(entry.file)
    check_layout(
        path,
        arrays,
        layout(entry.kind),
        n_users=folder.manifest.n_users,
        n_items=folder.manifest.n_items,
        n_item_features=features.n_columns if (features := folder.manifest.features.get("item")) else 0,
    )
    link = None if entry.link is None else entry.link.to_link()
    with consistent(path):
        return decode(StoredScorer(entry.kind, arrays, link, entry.numbers))


def without_ratings(path: Path) -> RunError:
    """The error of what needs predicted ratings."""
    return RunError(
        "this needs predicted ratings, and the run was trained without ratings",
        where=str(path),
        expected="a run that was trained on ratings",
        hint="this run ranks: recsys recommend, recsys similar and recsys export-factors",
    )
