"""What is read of a manifest, and what is refused."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recsys.artifacts.arrays import write_arrays
from recsys.artifacts.bundle import open_bundle
from recsys.artifacts.checkpoint import open_checkpoint
from recsys.artifacts.manifest import FORMAT, BundleManifest, seal, unseal
from recsys.artifacts.overview import describe
from recsys.core.errors import RunError
from recsys.inference.recommender import Recommender
from recsys.version import __version__

Change = Callable[[dict[str, Any]], object]


def rewrite(path: Path, change: Change) -> None:
    """Changes the content of a manifest and gives it the checksum of what it is now."""
    content = json.loads(path.read_text(encoding="utf-8"))
    del content["checksum"]
    change(content)
    body = json.dumps(content, indent=2, ensure_ascii=False)
    checksum = hashlib.sha256(body.encode()).hexdigest()
    path.write_bytes((body.removesuffix("\n}") + f',\n  "checksum": "{checksum}"\n}}\n').encode())


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    """A run whose manifests can be changed: no metrics.json names their checksums."""
    return shutil.copytree(finished, tmp_path / "run", ignore=shutil.ignore_patterns("metrics.json"))


def test_a_manifest_is_read_as_it_was_written(finished: Path) -> None:
    path = finished / "serving" / "serving.json"
    manifest = unseal(path, path.read_bytes(), BundleManifest)
    assert seal(manifest) == path.read_bytes()
    assert manifest.to_dict() == {k: v for k, v in json.loads(path.read_text()).items() if k != "checksum"}


def test_the_scorers_have_names_and_the_first_is_that_of_the_top_level(finished: Path) -> None:
    content = json.loads((finished / "serving" / "serving.json").read_text())
    rating = content["scorers"]["rating"]
    assert content["format"] == FORMAT
    assert (rating["file"], rating["model"], rating["kind"]) == ("scorer.safetensors", "dot_product", "factors")
    assert rating["link"] == content["link"]
    assert rating["numbers"] == {"global_mean": content["global_mean"]}


@pytest.mark.parametrize("value", [float("nan"), [{"deep": float("inf")}]])
@pytest.mark.parametrize("key", ["training", "config"])
def test_numbers_of_a_checkpoint_that_are_not_finite_are_refused(run: Path, key: str, value: object) -> None:
    checkpoint = run / "checkpoints" / "epoch-0004"
    rewrite(checkpoint / "state.json", lambda content: content[key].update(batch_size=value))
    with pytest.raises(RunError, match=f"damaged: {key}: Input should be a finite number"):
        open_checkpoint(checkpoint)


def test_another_format_is_refused_with_the_version_that_wrote_it(run: Path) -> None:
    serving, checkpoint = run / "serving" / "serving.json", run / "checkpoints" / "epoch-0004" / "state.json"
    for path, number, change in (
        (serving, "a format without a number", lambda content: content.pop("format")),
        (serving, "format 99", lambda content: content.update(format=99)),
        (checkpoint, "a format without a number", lambda content: content.pop("format")),
    ):
        rewrite(path, change)
        with pytest.raises(RunError, match=f"was written by recsys {re.escape(__version__)}") as caught:
            open_bundle(run) if path == serving else open_checkpoint(path.parent)
        assert number in caught.value.what
        assert (caught.value.where, caught.value.exit_code) == (str(path), 4)
        assert "train again" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("key", "change"),
    [
        ("n_users", lambda content: content.update(n_users="40")),
        ("scale", lambda content: content.pop("scale")),
        ("scorers.rating.file", lambda content: content["scorers"]["rating"].pop("file")),
        ("link.kind", lambda content: content["link"].update(kind="magic")),
    ],
)
def test_a_value_that_cannot_be_is_refused_and_named(run: Path, key: str, change: Change) -> None:
    rewrite(run / "serving" / "serving.json", change)
    with pytest.raises(RunError, match=rf"serving\.json is damaged: {key}") as caught:
        open_bundle(run)
    assert caught.value.where == str(run / "serving" / "serving.json")


def test_a_key_that_is_not_known_is_left_alone(run: Path) -> None:
    rewrite(run / "serving" / "serving.json", lambda content: content.update(new="of a later version"))
    assert Recommender.open(run).predict(0, 100).known_user


@pytest.mark.parametrize(
    ("file", "change"),
    [
        ("users.safetensors", lambda content: content.update(n_users=39)),
        ("items.safetensors", lambda content: content.update(n_items=51)),
        ("seen.safetensors", lambda content: content.update(n_interactions=719)),
    ],
)
def test_counts_that_the_arrays_do_not_have_are_refused(run: Path, file: str, change: Change) -> None:
    rewrite(run / "serving" / "serving.json", change)
    with pytest.raises(RunError, match="is damaged") as caught:
        Recommender.open(run).recommend(0)
    assert caught.value.where == str(run / "serving" / file)


@pytest.mark.parametrize(
    ("key", "expected"),
    [("kind", "factors, implicit or network"), ("model", "dot_product, embedding_net, implicit_factors or svdpp")],
)
def test_a_kind_that_is_not_known_is_refused_when_its_scorer_is_asked_for(run: Path, key: str, expected: str) -> None:
    rewrite(run / "serving" / "serving.json", lambda content: content["scorers"]["rating"].update({key: "forest"}))
    bundle = open_bundle(run)
    with pytest.raises(RunError, match="'forest', which this version does not know") as caught:
        bundle.scorer("rating")
    assert caught.value.expected == expected


def test_a_scorer_that_the_run_does_not_have_is_refused(finished: Path) -> None:
    with pytest.raises(RunError, match="no scorer 'clicks'") as caught:
        open_bundle(finished).scorer("clicks")
    assert caught.value.expected == "'rating'"


@pytest.mark.parametrize("harm", ["a row less", "float64", "gone"])
def test_a_scorer_that_does_not_fit_the_users_is_refused(run: Path, harm: str) -> None:
    path = run / "serving" / "scorer.safetensors"
    arrays = open_bundle(run).folder.arrays("scorer.safetensors")
    bias = arrays["user_bias"]
    arrays["user_bias"] = bias.astype(np.float64) if harm == "float64" else bias[:-1]
    if harm == "gone":
        del arrays["user_bias"]
    entry = write_arrays(path, arrays)
    rewrite(
        run / "serving" / "serving.json",
        lambda content: content["files"].update({path.name: {"bytes": entry.bytes, "sha256": entry.sha256}}),
    )
    with pytest.raises(RunError, match="'user_bias'") as caught:
        Recommender.open(run).predict(0, 100)
    assert caught.value.where == str(path)


def test_what_is_shown_of_a_folder_is_what_its_manifest_says(run: Path) -> None:
    shown = describe(run / "serving", verify=True)
    content = json.loads((run / "serving" / "serving.json").read_text())
    assert {key: shown[key] for key in content if key != "checksum"} == {
        key: value for key, value in content.items() if key != "checksum"
    }
