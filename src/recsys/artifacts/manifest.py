"""What the JSON file of a serving folder or a checkpoint says: validated when it is read, with a number for its format.

The number grows when a file of before cannot be read any more; keys that are new and optional leave it as it is.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, Literal, TypeVar

from pydantic import BaseModel, Field, ValidationError

from recsys.artifacts.bounds import Count, Entities, FileName, Name, Number, RatingScale, Sha256, Values
from recsys.artifacts.entries import DataEntry, Entry, FileEntry, IdTypes, IntervalsEntry, LinkEntry, ScorerEntry
from recsys.artifacts.feature_entries import FeaturesEntry
from recsys.core.errors import DamagedError, RunError
from recsys.data.features.kind import Role
from recsys.data.scale import Scale
from recsys.version import __version__

FORMAT: Final = 2


class Manifest(Entry):
    """What every manifest has.

    Attributes:
        format: of this file and of those that it names.
        files: file name → size and checksum.
    """

    format: Literal[2]
    files: dict[FileName, FileEntry] = Field(default={}, max_length=100)


class BundleManifest(Manifest):
    """serving.json. kind, global_mean and link are those of the first scorer, for other programs.

    Attributes:
        run: name of the run.
        scorers: by the name of what they are trained for.
        scale: of the ratings; None where there are none.
        n_ratings: of training.
        n_interactions: of training, those without a rating among them.
        trained_on: the training part, or all ratings, after another model was measured on those held out.
        item_columns: names of the further columns of the items file.
        intervals: None where the run has none.
        features: of items and of users, where the run has them.
    """

    kind: Name
    run: Annotated[str, Field(max_length=4096)]
    recsys_version: Name
    global_mean: Number | None = None
    link: LinkEntry | None = None
    scorers: Annotated[dict[Name, ScorerEntry], Field(min_length=1, max_length=100)]
    scale: RatingScale | None
    id_types: IdTypes
    n_users: Entities
    n_items: Entities
    n_ratings: Count
    n_interactions: Count
    data: DataEntry
    trained_on: Literal["train", "all"] = "train"
    item_columns: tuple[str, ...] = ()
    intervals: IntervalsEntry | None = None
    features: dict[Role, FeaturesEntry] = Field(default={}, max_length=2)


class FitEntry(Entry):
    """How far a fit is.

    Attributes:
        scorer: as which it is served.
        epoch: that is done.
        training: the hyperparameters, with `auto` resolved; the settings of the method validate them.
    """

    scorer: Name
    epoch: Count
    training: Values


class CheckpointManifest(Manifest):
    """state.json.

    Attributes:
        fit: whose turn it is; scorer, epoch and training are its own.
        scorer: as which it is served.
        finished: the fits before it, by name, in the order in which they were made.
        data: part → sha256 of its file.
        config: the keys on which the result depends, as the run was started.
        history: checksum of what the history says up to here, see `History.result`.
        scale: of the ratings, in whose units the parameters are; None where there are none.
        training: the hyperparameters, with `auto` resolved; the settings of the method validate them.
    """

    fit: Name
    scorer: Name
    epoch: Count
    finished: dict[Name, FitEntry] = Field(default={}, max_length=100)
    seed: int
    data: dict[Name, Sha256]
    config: Values
    history: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")] = ""
    scale: RatingScale | None
    training: Values
    versions: dict[Name, Name]

    @property
    def fits(self) -> dict[str, FitEntry]:
        """All of them, by name, in their order."""
        own = FitEntry(scorer=self.scorer, epoch=self.epoch, training=self.training)
        return {**self.finished, self.fit: own}

    @property
    def served_fits(self) -> dict[str, str]:
        """Scorer → its last fit, which is the one that is served."""
        return {entry.scorer: name for name, entry in self.fits.items()}

    def with_fit(self, name: str, entry: FitEntry, scale: Scale | None) -> CheckpointManifest:
        """That of the next fit's turn."""
        own = {"scorer": entry.scorer, "epoch": entry.epoch, "training": entry.training}
        return self.model_copy(update={"fit": name, **own, "scale": scale, "finished": self.fits})

    def with_epochs(self, epochs: Mapping[str, int]) -> CheckpointManifest:
        """The same, of a checkpoint with so many epochs of each fit; fits that are not named are left out."""
        entries = {name: self.fits[name].model_copy(update={"epoch": epoch}) for name, epoch in epochs.items()}
        (name, entry), finished = entries.popitem(), entries
        own = {"scorer": entry.scorer, "epoch": entry.epoch, "training": entry.training}
        return self.model_copy(update={"fit": name, **own, "finished": finished})


M = TypeVar("M", bound=Manifest)


def seal(manifest: Manifest) -> bytes:
    """The JSON text of a manifest, which ends with a checksum of itself."""
    return seal_json(manifest.to_dict())


def seal_json(content: Mapping[str, object]) -> bytes:
    """The text of a JSON object, which ends with a checksum of itself."""
    body = json.dumps(content, indent=2, ensure_ascii=False).removesuffix("\n}")
    return (body + _ending(body)).encode()


def unseal(path: Path, text: bytes, schema: type[M]) -> M:
    """The manifest in a JSON text.

    Raises:
        RunError: the text is not the one that was written, has another format, or lacks something.
    """
    content = unseal_json(path, text)
    try:
        return schema.model_validate_json(content)
    except ValidationError as error:
        check_format(path, content)
        raise damaged_by(path, error) from error


def unseal_json(path: Path, text: bytes) -> str:
    """The JSON object that was sealed.

    Raises:
        RunError: the text is not the one that was written.
    """
    body, _, _ = text.decode("utf-8", errors="replace").rpartition(',\n  "checksum"')
    if (body + _ending(body)).encode() != text:
        raise damaged(path, "its checksum is not that of its text")
    return body + "\n}"


def damaged(path: Path, why: str) -> DamagedError:
    """The error for a file whose content cannot be what was written."""
    return DamagedError(
        f"{path.name} is damaged: {why}",
        where=str(path),
        expected="the file as it was written",
        hint="copy the whole folder again from where it was written, or train again",
    )


def damaged_by(path: Path, error: ValidationError, above: str = "") -> DamagedError:
    """The error for a file with a value that cannot be, named by its key below `above`."""
    first = error.errors()[0]
    return damaged(path, f"{above}{'.'.join(map(str, first['loc']))}: {first['msg']}")


def _ending(body: str) -> str:
    checksum = hashlib.sha256(f"{body}\n}}".encode()).hexdigest()
    return f',\n  "checksum": "{checksum}"\n}}\n'


class _Origin(BaseModel):
    """What files of every format say of how they came about."""

    format: int | None = None
    recsys_version: str | None = None
    versions: dict[str, str] = {}


def check_format(path: Path, text: str | bytes) -> None:
    """Refuses a JSON text of another format.

    Raises:
        RunError: it has one, or is no JSON object.
    """
    try:
        origin = _Origin.model_validate_json(text)
    except ValidationError as error:
        raise damaged(path, error.errors()[0]["msg"]) from error
    if origin.format == FORMAT:
        return
    version = origin.recsys_version or origin.versions.get("recsys", "of an unknown version")
    number = "a format without a number" if origin.format is None else f"format {origin.format}"
    raise RunError(
        f"{path.name} was written by recsys {version}, in {number}",
        where=str(path),
        expected=f"format {FORMAT}, which recsys {__version__} reads",
        hint=f"train again with this version, or use recsys {version} for this run",
    )
