from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

import recsys
from recsys.config.schema.config import Config
from recsys.core.errors import RunError
from recsys.core.events import Event, Exporting
from recsys.inference import export
from recsys.inference.export import Format, export_factors
from recsys.inference.recommender import Recommender

FORMATS = get_args(Format)
RunReadme = Callable[[Path], tuple[dict[str, Any], list[str]]]


@pytest.fixture(scope="module", params=["finished", "finished_text"])
def recommender(request: pytest.FixtureRequest) -> Recommender:
    """Whole-number ids with a clipped output; text ids with a sigmoid."""
    return Recommender.open(request.getfixturevalue(request.param))


@pytest.mark.parametrize("form", FORMATS)
def test_the_readme_gives_what_predict_says(
    recommender: Recommender, form: Format, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run_readme: RunReadme
) -> None:
    bundle = recommender.bundle
    export_factors(bundle, tmp_path / "out", form)
    monkeypatch.chdir(tmp_path / "out")
    names, printed = run_readme(tmp_path / "out")
    user, item = bundle.users.ids.tolist()[0], bundle.items.ids.tolist()[0]
    assert float(printed[0]) == pytest.approx(recommender.predict(user, item).rating, abs=1e-5)
    assert (names["user_ids"], names["item_ids"]) == (bundle.users.ids.tolist(), bundle.items.ids.tolist())
    scores = bundle.factors.score_all(np.array([0], dtype=np.int32))[0]
    assert len(names["top"]) == 10
    top_scores = scores[bundle.items.index(names["top"])]
    np.testing.assert_allclose(top_scores, np.sort(scores)[::-1][:10], atol=1e-5)
    assert printed[1] == str(names["top"])
    readme = (tmp_path / "out" / "README.md").read_text().replace("rated = set()", f"rated = {set(names['top'])}")
    (tmp_path / "out" / "README.md").write_text(readme)
    again, _ = run_readme(tmp_path / "out")
    assert not set(again["top"]) & set(names["top"])


@pytest.mark.parametrize("form", FORMATS)
def test_every_row_of_every_form_is_that_of_the_model(
    recommender: Recommender, form: Format, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run_readme: RunReadme
) -> None:
    export_factors(recommender.bundle, tmp_path / "out", form)
    monkeypatch.chdir(tmp_path / "out")
    names, _ = run_readme(tmp_path / "out")
    factors = recommender.bundle.factors
    for name in ("user_bias", "item_bias", "user_factors", "item_factors"):
        np.testing.assert_allclose(names[name], getattr(factors, name)[:-1], rtol=1e-6, atol=1e-8)
    unknown = names["model"]["unknown_user"]
    np.testing.assert_allclose(
        [unknown["bias"], *unknown["factors"]], [factors.user_bias[-1], *factors.user_factors[-1]]
    )


@pytest.mark.parametrize("form", FORMATS)
def test_the_files_are_told_and_hold_no_pickle(recommender: Recommender, form: Format, tmp_path: Path) -> None:
    files = export_factors(recommender.bundle, tmp_path / "out", form)
    names = {path.name for path in files}
    assert {path.name for path in (tmp_path / "out").iterdir()} == names
    tables = {"users", "items"} if form in ("csv", "parquet") else {"factors"}
    assert names == {"README.md", "model.json"} | {f"{name}.{form}" for name in tables}
    if form == "npz":
        with np.load(tmp_path / "out" / "factors.npz", allow_pickle=False) as arrays:
            assert all(arrays[name].dtype != object for name in arrays.files)


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_blocks_of_rows_make_the_same_table(
    recommender: Recommender, form: Format, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pyarrow.parquet as pq

    export_factors(recommender.bundle, tmp_path / "whole", form)
    monkeypatch.setattr(export, "NUMBERS", 20)
    events: list[Event] = []
    export_factors(recommender.bundle, tmp_path / "blocks", form, observe=events.append)
    n_rows = len(recommender.bundle.users) + len(recommender.bundle.items)
    assert len(events) > 2
    assert events[-1] == Exporting(n_rows, n_rows)
    for name in ("users", "items"):
        paths = [tmp_path / folder / f"{name}.{form}" for folder in ("whole", "blocks")]
        if form == "csv":
            assert paths[0].read_bytes() == paths[1].read_bytes()
        else:
            assert pq.read_table(paths[0]).equals(pq.read_table(paths[1]))
            assert pq.ParquetFile(paths[0]).num_row_groups < pq.ParquetFile(paths[1]).num_row_groups


def test_titles_stand_in_the_table_of_items(finished: Path, tmp_path: Path) -> None:
    import pandas as pd

    export_factors(Recommender.open(finished).bundle, tmp_path / "out", "csv")
    items = pd.read_csv(tmp_path / "out" / "items.csv", keep_default_na=False)
    assert list(items.columns[:3]) == ["item_id", "title", "bias"]
    assert items["title"][:2].tolist() == ['Film 100, the "best"', ""]


def test_an_empty_folder_is_taken_and_a_used_one_refused(recommender: Recommender, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    export_factors(recommender.bundle, tmp_path / "out", "npz")
    before = sorted(path.name for path in (tmp_path / "out").iterdir())
    with pytest.raises(RunError, match="in use already"):
        export_factors(recommender.bundle, tmp_path / "out", "csv")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == before


@pytest.mark.skipif(os.name == "nt", reason="Windows cannot limit the size of files")
@pytest.mark.parametrize("form", FORMATS)
def test_a_disk_that_is_full_is_an_error_of_the_run(recommender: Recommender, form: Format, tmp_path: Path) -> None:
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500, before[1]))  # bytes
    try:
        with pytest.raises(RunError, match=r"cannot write: .*File too large"):
            export_factors(recommender.bundle, tmp_path / "out", form)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("below", ["file", "file/out"])
def test_a_place_that_cannot_be_written_is_an_error_of_the_run(
    recommender: Recommender, tmp_path: Path, below: str
) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(RunError) as caught:
        export_factors(recommender.bundle, tmp_path / below, "npz")
    assert caught.value.exit_code == 4
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_escaped_ids_are_had_back_by_the_readme(
    finished_text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run_readme: RunReadme
) -> None:
    bundle = Recommender.open(finished_text).bundle
    export_factors(bundle, tmp_path / "out", "csv", escape_formulas=True)
    assert '\n"\'-3",' in (tmp_path / "out" / "users.csv").read_text()
    monkeypatch.chdir(tmp_path / "out")
    names, _ = run_readme(tmp_path / "out")
    assert (names["user_ids"], names["item_ids"]) == (bundle.users.ids.tolist(), bundle.items.ids.tolist())


@pytest.mark.parametrize("form", FORMATS)
def test_items_that_features_tell_have_affinities(
    folded: Recommender, form: Format, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run_readme: RunReadme
) -> None:
    export_factors(folded.bundle, tmp_path / "out", form, index="hnsw")
    monkeypatch.chdir(tmp_path / "out")
    names, printed = run_readme(tmp_path / "out")
    np.testing.assert_allclose(names["scores"], folded.bundle.factors.score_all(np.zeros(1, np.int32))[0], atol=1e-5)
    of_items = names["item_affinities"]
    assert of_items[folded.bundle.items.index([500])[0]].any()
    assert not of_items[folded.bundle.items.index([100])[0]].any()
    assert names["top"][0] == 500
    assert printed[2] == printed[1]
    assert dict(names["top_of_index"])[500] == pytest.approx(names["scores"].max(), abs=1e-5)


@pytest.fixture(scope="module")
def folded(ratings_csv: Path, small: Callable[..., Config], tmp_path_factory: pytest.TempPathFactory) -> Recommender:
    """With an item that was folded in with features and ratings."""
    folder = tmp_path_factory.mktemp("folded")
    rows = "".join(f"{item},{('red', 'green', 'red|blue')[item % 3]}\n" for item in range(100, 150))
    (folder / "films.csv").write_text("movieId,colour\n" + rows)
    recsys.train(small(data={"item_features": str(folder / "films.csv")}), folder / "run")
    (folder / "new.csv").write_text("movieId,colour\n500,blue\n")
    (folder / "ratings.csv").write_text("userId,movieId,rating\n" + "".join(f"{u},500,5\n" for u in range(-5, 20)))
    recsys.fold_in(folder / "ratings.csv", folder / "run", folder / "folded", items=folder / "new.csv")
    return Recommender.open(folder / "folded")
