"""The approximate index of an export."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recsys.core import errors
from recsys.core.errors import MissingExtraError, RunError
from recsys.core.events import Event, Exporting
from recsys.core.seeding import rng
from recsys.inference import ann_index
from recsys.inference.export import export_factors
from recsys.inference.recommender import Recommender

RunReadme = Callable[[Path], tuple[dict[str, Any], list[str]]]


@pytest.fixture(params=["finished", "finished_text", "finished_ranked"])
def recommender(request: pytest.FixtureRequest) -> Recommender:
    """Clipped, with a sigmoid, and by ranking, where the bias is popularity."""
    return Recommender.open(request.getfixturevalue(request.param))


def test_the_readme_finds_the_best_items_and_their_scores(
    recommender: Recommender, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run_readme: RunReadme
) -> None:
    scorer = list(recommender.bundle.scorers)[-1]
    export_factors(recommender.bundle, tmp_path / "out", "npz", scorer, "hnsw")
    monkeypatch.chdir(tmp_path / "out")
    names, printed = run_readme(tmp_path / "out")
    assert printed[2] == printed[1] == str(names["top"])
    scores = recommender.bundle.scorer(scorer).score_all(np.array([0], dtype=np.int32))[0]
    listed, found = zip(*names["top_of_index"], strict=True)
    np.testing.assert_allclose(found, scores[recommender.bundle.items.index(listed)], atol=1e-4)


def test_it_has_the_same_bytes_each_time_and_says_how_far_it_is(finished: Path, tmp_path: Path) -> None:
    bundle, events = Recommender.open(finished).bundle, list[Event]()
    for name in ("one", "two"):
        export_factors(bundle, tmp_path / name, index="hnsw", observe=events.append)
    for name in ("items.usearch", "index.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    n_rows = len(bundle.users) + 2 * len(bundle.items)
    assert events[-1] == Exporting(n_rows, n_rows)


def test_items_without_training_interactions_are_left_out(finished: Path, tmp_path: Path) -> None:
    bundle = Recommender.open(finished).bundle
    bundle.counts["rating"].items[[3, 7]] = 0
    export_factors(bundle, tmp_path / "out", index="hnsw")
    from usearch.index import Index

    index = Index.restore(str(tmp_path / "out" / "items.usearch"))
    assert set(range(len(bundle.items))) - set(index.keys) == {3, 7}
    assert json.loads((tmp_path / "out" / "index.json").read_text())["n_items"] == len(bundle.items) - 2


def test_recall_is_the_share_of_the_exact_list_that_is_found() -> None:
    """With a graph that is hardly searched, some are missed; the effort that finds enough is chosen."""
    vectors = rng(1, "vectors").normal(size=(3000, 24)).astype(np.float32)
    index = ann_index._new_index(24)
    index.add(np.arange(3000), vectors, threads=1)
    queries = vectors[:40] + 1
    exact = np.argsort(-(queries @ vectors.T), axis=1, kind="stable")[:, :100]
    index.expansion_search = 1
    keys = index.search(queries, 10, threads=1).keys
    shares = [len(set(keys[row].tolist()) & set(exact[row, :10].tolist())) / 10 for row in range(40)]
    assert ann_index._recall(index, queries, exact[:, :10]) == pytest.approx(np.mean(shares))
    assert np.mean(shares) < ann_index.GOOD_RECALL
    expansion, recall = ann_index._measured(index, queries, exact)
    assert expansion in ann_index.EXPANSIONS_SEARCH
    assert list(recall) == ["10", "100"]
    assert recall["10"] >= ann_index.GOOD_RECALL


def test_a_network_can_have_none(finished_net: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="products of vectors"):
        export_factors(Recommender.open(finished_net).bundle, tmp_path / "out", index="hnsw")
    assert list(tmp_path.iterdir()) == []


def test_without_the_library_the_extra_is_named(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(errors, "find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match="an index needs usearch") as caught:
        export_factors(Recommender.open(finished).bundle, tmp_path / "out", index="hnsw")
    assert caught.value.hint == "pip install 'recsys-trainer[ann]'"
    assert list(tmp_path.iterdir()) == []
