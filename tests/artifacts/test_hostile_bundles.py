"""Serving folders of a stranger, whose checksums are right: each array that is not what it should be is refused."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from recsys.api.folding import fold_in
from recsys.api.training import update
from recsys.artifacts.bundle import open_bundle
from recsys.artifacts.checkpoint import newest_checkpoint
from recsys.artifacts.feature_priors import read_priors
from recsys.artifacts.featured import with_featured
from recsys.artifacts.manifest import seal_json
from recsys.artifacts.metrics import read_metrics, write_metrics
from recsys.artifacts.verified import VerifiedFolder
from recsys.config.schema.config import Config
from recsys.core.errors import RunError
from recsys.core.types import Array, Arrays
from recsys.inference.recommender import Recommender
from recsys.workflows.train import train
from recsys.workflows.update import update_config

RUNS = ["finished", "finished_ranked", "finished_text", "finished_net", "finished_drift", "finished_featured"]
Change = Callable[[Array], Array | None]


@pytest.fixture(scope="module")
def finished_drift(small: Callable[..., Config], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of gibbs with drift, raters that count and a tobit link."""
    folder = tmp_path_factory.mktemp("drift") / "finished"
    model = {"kind": "svdpp", "user_drift": True}
    config = small(model=model, training={"method": "gibbs", "n_epochs": 4, "likelihood": "tobit"})
    train(config, folder)
    return folder


@pytest.fixture(scope="module")
def finished_featured(small: Callable[..., Config], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of two scorers with features of items and users, into which such items have been folded."""
    place = tmp_path_factory.mktemp("featured")
    items = "".join(
        f"{item},{item} ({1990 + item % 9}),{'ab'[item % 2]}|{'cde'[item % 3]}\n" for item in range(100, 170)
    )
    (place / "items.csv").write_text("movieId,title,genre\n" + items)
    (place / "users.csv").write_text("userId,town\n" + "".join(f"{user},{'xyz'[user % 3]}\n" for user in range(40)))
    data = {
        "items": str(place / "items.csv"),
        "item_features": "items",
        "user_features": str(place / "users.csv"),
    }
    train(small(data=data, ranking={"embedding_dim": 3, "n_epochs": 2}), place / "parent")
    known = open_bundle(place / "parent").users
    ratings = pd.DataFrame({"user": known.ids[:3], "item": [900, 900, 901], "rating": [1.0, 5.0, 3.0]})
    new = pd.DataFrame({"movieId": [900, 901, 902], "title": ["A (1991)", "B", "C"], "genre": ["a|c", "d", "b"]})
    fold_in(ratings, place / "parent", place / "finished", items=new)
    assert open_bundle(place / "finished").folder.arrays("scorer.safetensors")["affinities.value"].size
    return place / "finished"


def cut(array: Array) -> Array:
    return array[:-1] if len(array) else np.zeros((1, *array.shape[1:]), array.dtype)


def other_type(array: Array) -> Array:
    return array.astype(np.float64 if array.dtype != np.float64 else np.float32)


def gone(array: Array) -> None:
    del array


def no_values(array: Array) -> Array:
    """NaN; of indices and counts, and of ids, which rise, what they cannot be; of texts, what is not utf-8."""
    if array.dtype.kind == "f":
        return np.full_like(array, np.nan)
    return np.full_like(array, 255 if array.dtype == np.uint8 else -(2**20))


CHANGES: list[Change] = [cut, other_type, gone, no_values]
MAY_BE_NAN = {"rating", *(f"{part}_rating" for part in ("valid", "test", "earlier", "earlier_valid"))}
MAY_BE_GONE = {"user_std", "valid_timestamp", "test_timestamp", "drift.scale"}  # which older runs lack


def use(folder: Path, file: str | None = None) -> None:
    """Reads a file of a serving folder, or all of them."""
    bundle = open_bundle(folder)
    asked: dict[str, Callable[[], object]] = {
        entry.file: partial(bundle.scorer, name) for name, entry in bundle.manifest.scorers.items()
    }
    asked |= {
        "seen.safetensors": lambda: bundle.seen,
        "intervals.safetensors": lambda: bundle.intervals,
        "held_out.safetensors": lambda: (bundle.held_out("test"), bundle.unknown_pairs),
        "item_columns.safetensors": lambda: bundle.item_columns,
        "serving.json": lambda: bundle.data,
        "item_features.safetensors": lambda: bundle.features("item"),
        "user_features.safetensors": lambda: bundle.features("user"),
        "feature_priors.safetensors": lambda: read_priors(bundle),
        "new_items.safetensors": lambda: with_featured(bundle).titles,
    }
    for name, ask in asked.items():
        if file in (None, name):
            ask()


@pytest.mark.parametrize("name", RUNS)
def test_every_array_that_is_not_as_it_should_be_is_refused(
    name: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    folder = shutil.copytree(request.getfixturevalue(name) / "serving", tmp_path / "copy")
    opened = open_bundle(folder).folder
    use(folder)
    for file in opened.files:
        content, manifest = (folder / file).read_bytes(), (folder / "serving.json").read_bytes()
        arrays = opened.arrays(file)
        for key, change in ((key, change) for key in arrays for change in CHANGES):
            may_be = (key in MAY_BE_NAN and change is no_values) or (key in MAY_BE_GONE and change is gone)
            if may_be or not arrays[key].size:
                continue
            changed = change(arrays[key].copy())
            reseal(opened, file, {name: changed if name == key else array for name, array in arrays.items()})
            with pytest.raises(RunError, match="is damaged") as caught:
                use(folder, file)
            assert caught.value.where == str(folder / file), (key, change)
        (folder / file).write_bytes(content)
        (folder / "serving.json").write_bytes(manifest)


@pytest.mark.parametrize("file", ["users.safetensors", "items.safetensors"])
def test_a_run_that_has_learned_from_nobody_is_refused(finished: Path, tmp_path: Path, file: str) -> None:
    folder = shutil.copytree(finished / "serving", tmp_path / "copy")
    opened = open_bundle(folder).folder
    arrays = opened.arrays(file)
    reseal(opened, file, {**arrays, "n_ratings": np.zeros_like(arrays["n_ratings"])})
    with pytest.raises(RunError, match="n_ratings is 0 everywhere"):
        open_bundle(folder)


def test_a_run_that_has_learned_from_no_rating_is_refused(finished: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(finished / "serving", tmp_path / "copy")
    opened = open_bundle(folder).folder
    arrays = opened.arrays("seen.safetensors")
    reseal(opened, "seen.safetensors", {**arrays, "rating": np.full_like(arrays["rating"], np.nan)})
    with pytest.raises(RunError, match="it has no rating"):
        use(folder, "seen.safetensors")


def test_a_run_whose_users_rated_an_item_twice_is_not_trained_on(finished: Path, tmp_path: Path) -> None:
    run = changed_run(finished, tmp_path / "copy", "seen.safetensors", "item_idx", 0)
    bundle = open_bundle(run / "serving")
    ratings = pd.DataFrame({"user": [bundle.users.id_at(0)], "item": [bundle.items.id_at(0)], "rating": [3.0]})
    with pytest.raises(RunError, match=r"seen\.safetensors is damaged: a user has rated an item more than once"):
        update(ratings, run, tmp_path / "new")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("key", "value"), [("lr_max", "/dev/zero"), ("lr_max", "auto"), ("n_epochs", -1), ("n_epochs", "auto")]
)
def test_a_run_whose_settings_cannot_be_is_not_updated(finished: Path, tmp_path: Path, key: str, value: object) -> None:
    run = with_changed_state(finished, tmp_path / "copy", lambda state: state["training"].update({key: value}))
    with pytest.raises(RunError, match=rf"state\.json is damaged: training\.{key}"):
        update_config(run, None, [])


def test_a_run_without_a_fit_of_ratings_is_not_updated(finished_ranked: Path, tmp_path: Path) -> None:
    run = with_changed_state(finished_ranked, tmp_path / "copy", lambda state: state["finished"].pop("rating"))
    with pytest.raises(RunError, match=r"state\.json is damaged: it has no fit of 'rating'"):
        update_config(run, None, [])


def test_a_run_whose_equations_have_no_solution_is_not_folded_into(finished_ranked: Path, tmp_path: Path) -> None:
    run = changed_run(finished_ranked, tmp_path / "copy", "ranking.safetensors", "user_factors", 1e15)
    bundle = open_bundle(run / "serving")
    ratings = pd.DataFrame({"user": [bundle.users.id_at(0)], "item": [-1], "rating": [3.0]})
    with pytest.raises(RunError, match=r"ranking\.safetensors is damaged: Singular matrix"):
        fold_in(ratings, run, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_equations_without_a_solution_are_a_damaged_file(finished_ranked: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(finished_ranked / "serving", tmp_path / "copy")
    opened = open_bundle(folder).folder
    arrays = opened.arrays("ranking.safetensors")
    reseal(opened, "ranking.safetensors", {**arrays, "item_factors": np.full_like(arrays["item_factors"], 1e15)})
    model = Recommender.open(folder)
    user, items = model.bundle.users.id_at(0), [model.bundle.items.id_at(idx) for idx in (0, 1)]
    for ask in (lambda: model.recommend_for(items, [5, 1]), lambda: model.explain_ranking(user, items[0])):
        with pytest.raises(RunError, match=r"ranking\.safetensors is damaged: Singular matrix"):
            ask()


def test_a_scorer_of_an_unknown_name_is_refused(finished: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(finished / "serving", tmp_path / "copy")
    content = json.loads((folder / "serving.json").read_text(encoding="utf-8"))
    del content["checksum"]
    content["scorers"]["mood"] = content["scorers"]["rating"]
    seal(folder, content)
    with pytest.raises(RunError, match="'mood' is a scorer that this version does not know"):
        open_bundle(folder)


def test_a_link_that_divides_by_nothing_and_other_odd_numbers_are_refused(finished: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(finished / "serving", tmp_path / "copy")
    text = (folder / "serving.json").read_text(encoding="utf-8")
    for place, value in (
        (("scorers", "rating", "link", "low"), 9.0),
        (("scorers", "rating", "link", "high"), float("nan")),
        (("scorers", "rating", "numbers", "global_mean"), float("inf")),
        (("scorers", "rating", "file"), "../scorer.safetensors"),
        (("scorers", "rating", "file"), "seen.safetensors"),
        (("scorers", "rating", "model"), "implicit_factors"),
        (("scorers",), {}),
        (("scale", "std"), 0.0),
        (("n_users",), -1),
        (("n_items",), 10**30),
        (("item_columns",), ["nowhere"]),
        (("intervals", "n_valid"), -1),
        (("data", "columns", "user"), 0),
    ):
        content: Any = json.loads(text)
        del content["checksum"]
        below = content
        for part in place[:-1]:
            below = below[part]
        below[place[-1]] = value
        seal(folder, content)
        with pytest.raises(RunError) as caught:
            use(folder)
        assert str(folder) in str(caught.value), place


def with_changed_state(run: Path, copy: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    """A copy of a whole run, with something changed in what its newest checkpoint says, and all checksums right."""
    shutil.copytree(run, copy)
    newest, metrics = newest_checkpoint(copy / "checkpoints"), read_metrics(copy)
    assert newest is not None
    assert metrics is not None
    content = json.loads((newest / "state.json").read_text(encoding="utf-8"))
    del content["checksum"]
    change(content)
    (newest / "state.json").write_bytes(seal_json(content))
    write_metrics(copy, metrics)
    return copy


def changed_run(run: Path, copy: Path, file: str, name: str, value: float) -> Path:
    """A copy of a whole run, with one number everywhere in an array of its serving folder, and all checksums right."""
    shutil.copytree(run, copy)
    opened, metrics = open_bundle(copy / "serving").folder, read_metrics(copy)
    assert metrics is not None
    arrays = opened.arrays(file)
    reseal(opened, file, {**arrays, name: np.full_like(arrays[name], value)})
    write_metrics(copy, metrics)
    return copy


def reseal(folder: VerifiedFolder[Any], file: str, arrays: dict[str, Array | None]) -> None:
    """Writes a file of arrays, with a manifest whose checksums are right."""
    from safetensors.numpy import save

    there: Arrays = {name: np.ascontiguousarray(array) for name, array in arrays.items() if array is not None}
    whole = save(there)
    (folder.path / file).write_bytes(whole)
    content = json.loads((folder.path / "serving.json").read_text(encoding="utf-8"))
    del content["checksum"]
    content["files"][file] = {"bytes": len(whole), "sha256": hashlib.sha256(whole).hexdigest()}
    seal(folder.path, content)


def seal(folder: Path, content: object) -> None:
    body = json.dumps(content, indent=2, ensure_ascii=False)
    checksum = hashlib.sha256(body.encode()).hexdigest()
    whole = body.removesuffix("\n}") + f',\n  "checksum": "{checksum}"\n}}\n'
    (folder / "serving.json").write_bytes(whole.encode())
