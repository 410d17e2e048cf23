"""DataFrames and other tables in memory in place of files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

import recsys
from recsys.artifacts.bundle import open_bundle
from recsys.core.errors import ConfigError, DataError, RunError, UnknownIdError, UsageError
from recsys.core.events import Epoch, Event

Small = Callable[..., Any]
TINY = {"model": {"embedding_dim": 2}, "training": {"n_epochs": 1}, "ranking": "none"}


class Exported:
    """What any library may give: nothing but the Arrow interface."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._table.__arrow_c_stream__(requested_schema)


def stop_after_two_epochs(event: Event) -> None:
    if isinstance(event, Epoch) and event.number == 2:
        raise InterruptedError


@pytest.fixture
def frame(ratings_csv: Path) -> pd.DataFrame:
    return pd.read_csv(ratings_csv)


def as_polars(frame: pd.DataFrame) -> Any:
    polars = pytest.importorskip("polars", reason="polars is not installed: it is in the extra dev")
    return polars.from_pandas(frame)


KINDS: dict[str, Callable[[pd.DataFrame], Any]] = {
    "pandas": lambda frame: frame,
    "polars": as_polars,
    "pyarrow": pa.Table.from_pandas,
    "interface": lambda frame: Exported(pa.Table.from_pandas(frame).slice(0)),
    "reader": lambda frame: pa.Table.from_pandas(frame).to_reader(max_chunksize=100),  # can be read once
}
of_every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


@of_every_kind
def test_a_table_is_read_as_its_file(frame: pd.DataFrame, ratings_csv: Path, kind: Callable[..., Any]) -> None:
    dataset, file = recsys.read_ratings(kind(frame)), recsys.read_ratings(ratings_csv)
    assert dataset.ratings.to_frame().equals(file.ratings.to_frame())
    assert dataset.fingerprints == recsys.read_ratings(frame).fingerprints


def test_columns_are_named_and_titles_read(frame: pd.DataFrame, ratings_csv: Path) -> None:
    renamed = frame.set_axis(["who", "what", "how", *frame.columns[3:]], axis=1)
    names = {"user": "who", "item": "what", "rating": "how"}
    dataset = recsys.read_ratings(renamed, columns=names, items=str(ratings_csv.with_name("movies.csv")))
    assert dataset.catalogue.titles
    assert len(dataset.ratings) == len(frame)


def test_an_error_names_the_row(frame: pd.DataFrame) -> None:
    frame.loc[11, "rating"] = None
    with pytest.raises(DataError, match="the rating is missing") as caught:
        recsys.read_ratings(frame)
    assert caught.value.where == "DataFrame: row 12: column rating"


def test_a_column_of_several_types(frame: pd.DataFrame) -> None:
    mixed = frame.astype({"movieId": object})
    mixed.loc[3, "movieId"] = "x"
    with pytest.raises(DataError, match=r"a column cannot be read(.|\n)*astype"):
        recsys.read_ratings(mixed)


def test_columns_of_one_name(frame: pd.DataFrame) -> None:
    with pytest.raises(DataError, match=r"Duplicate column names(.|\n)*rename"):
        recsys.read_ratings(pd.concat([frame, frame["userId"]], axis=1))


def test_categories_over_string_views_as_polars_has_them(frame: pd.DataFrame, ratings_csv: Path) -> None:
    users, views = pa.array(frame["userId"].astype(str)), pa.string_view()
    coded = users.dictionary_encode()
    coded = pa.DictionaryArray.from_arrays(coded.indices, coded.dictionary.cast(views))
    table = pa.Table.from_pandas(frame)
    at = table.column_names.index("userId")
    as_texts, as_categories = (recsys.read_ratings(table.set_column(at, "userId", ids)) for ids in (users, coded))
    assert as_categories.fingerprints == as_texts.fingerprints


def test_what_is_computed_later(frame: pd.DataFrame) -> None:
    with pytest.raises(UsageError, match=r"LazyFrame\n(.|\n)*hint: \.collect\(\) makes a table of it"):
        recsys.read_ratings(as_polars(frame).lazy())


def test_what_is_no_table(finished: Path) -> None:
    with pytest.raises(UsageError, match=r"ratings\[0\] is 1\nexpected a path, a list of paths, or a DataFrame"):
        recsys.read_ratings([1, 2, 3])  # type: ignore[list-item]
    with pytest.raises(UsageError, match=r"pairs is of the type dict\n(.|\n)*pandas.DataFrame"):
        recsys.predict_file(recsys.load(finished), {"user": [1]}, "p.csv")
    with pytest.raises(ConfigError):
        recsys.read_ratings(pa.table({"a": [1]}), colums={})


def test_a_table_trains_the_run_of_its_file(
    small: Small, frame: pd.DataFrame, ratings_csv: Path, tmp_path: Path
) -> None:
    by_file = recsys.train(small(), tmp_path / "file")
    config = {"ranking": "none", **small().model_dump(mode="json", include={"model", "training"})}
    by_frame = recsys.train(config, tmp_path / "frame", data=frame)
    assert by_frame["test"] == by_file["test"]
    assert recsys.train(config, tmp_path / "path", data=ratings_csv)["test"] == by_file["test"]
    recorded = recsys.run_config(tmp_path / "frame").data
    fingerprint = recsys.read_ratings(frame).fingerprints["ratings"]
    assert (recorded.source, recorded.ratings, recorded.sha256) == ("frame", None, fingerprint)
    assert recsys.run_config(tmp_path / "path").data.ratings == ratings_csv
    assert recsys.load(tmp_path / "frame").recommend(int(frame["userId"][0]), 3)


def test_a_config_file_names_other_ratings(small: Small, frame: pd.DataFrame, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("data: {ratings: elsewhere.csv}\nranking: none\ntraining: {n_epochs: 1}\n")
    recsys.train(tmp_path / "config.yaml", tmp_path / "run", data=frame)
    assert recsys.run_config(tmp_path / "run").data.ratings is None


def test_resuming_needs_the_same_table(small: Small, frame: pd.DataFrame, tmp_path: Path) -> None:
    run = tmp_path / "run"
    with pytest.raises(InterruptedError):
        recsys.train(small(), run, data=frame, observe=stop_after_two_epochs)
    config = recsys.run_config(run)
    with pytest.raises(DataError, match="a table in memory, which is not here"):
        recsys.train(config, run, resume=True)
    changed = frame.assign(rating=frame["rating"][::-1].to_numpy())
    with pytest.raises(RunError, match="the data changed since the run was started: frame"):
        recsys.train(config, run, data=changed, resume=True)
    resumed = recsys.train(config, run, data=pa.Table.from_pandas(frame), resume=True)
    assert resumed["test"] == recsys.train(small(), tmp_path / "whole")["test"]


def test_a_run_is_measured_and_updated_by_tables(
    small: Small, frame: pd.DataFrame, ratings_csv: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    recsys.train(small(), run)
    assert recsys.evaluate(run, frame) == recsys.evaluate(run, ratings_csv)
    rows = frame[:60].assign(userId=frame["userId"] + frame["userId"].max() + 1)
    rows.to_csv(tmp_path / "new.csv", index=False)
    updated = [recsys.update(new, run, tmp_path / name) for name, new in (("a", rows), ("b", tmp_path / "new.csv"))]
    assert updated[0]["test"] == updated[1]["test"]
    assert recsys.run_config(tmp_path / "a").data.sha256 == recsys.read_ratings(rows).fingerprints["ratings"]


def test_a_table_for_an_update_may_call_its_columns_otherwise_and_lack_times(
    small: Small, frame: pd.DataFrame, tmp_path: Path
) -> None:
    names = {"user": "userId", "item": "movieId", "rating": "rating", "timestamp": "timestamp"}
    recsys.train(small(data={"columns": names}), tmp_path / "run")
    new = frame[:5].assign(rating=3.0).drop(columns="timestamp").rename(columns={"userId": "user"})
    updated = recsys.update(new, tmp_path / "run", tmp_path / "updated")
    assert updated["start"]["before"]["new"] is None
    assert updated["test"] is not None


@of_every_kind
def test_new_users_in_a_table_are_folded_in(
    finished: Path, new_users_csv: Path, tmp_path: Path, kind: Callable[..., Any]
) -> None:
    table = kind(pd.read_csv(new_users_csv))
    rows = {"table": table, "file": new_users_csv}
    parents = [recsys.fold_in(new, finished, tmp_path / name)["parent"] for name, new in rows.items()]
    assert [parent["n_new_users"] for parent in parents] == [2, 2]
    assert parents[0]["ratings"] == type(table).__name__


@of_every_kind
def test_pairs_visitors_and_lists_of_items(
    finished: Path, frame: pd.DataFrame, ratings_csv: Path, tmp_path: Path, kind: Callable[..., Any]
) -> None:
    model = recsys.load(finished)
    for name, pairs in (("table", kind(frame)), ("file", ratings_csv)):
        recsys.predict_file(model, pairs, tmp_path / name)
    assert (tmp_path / "table").read_bytes() == (tmp_path / "file").read_bytes()
    rated = pd.DataFrame({"movieId": [110, 120], "rating": [5.0, 1.0]})
    session = recsys.read_session_ratings(model, kind(rated))
    by_session = model.recommend_for(session.item_ids, session.ratings)
    assert by_session == model.recommend_for([110, 120], [5, 1])
    assert recsys.read_candidates(model, kind(rated)).item_ids == [110, 120]
    assert recsys.read_item_list(model, kind(rated.assign(movieId=[110, 7]))).n_unknown == 1


@pytest.mark.parametrize("kind", [KINDS[name] for name in ("pandas", "polars", "pyarrow")])
def test_columns_of_a_table_are_a_visitors_ratings(finished: Path, kind: Callable[..., Any]) -> None:
    model, rated = recsys.load(finished), kind(pd.DataFrame({"movieId": [110.0, 120.0], "rating": [5, 1]}))
    assert model.recommend_for(rated["movieId"], rated["rating"]) == model.recommend_for([110, 120], [5, 1])


@of_every_kind
def test_a_config_for_a_table(frame: pd.DataFrame, ratings_csv: Path, tmp_path: Path, kind: Callable[..., Any]) -> None:
    profile, by_file = recsys.init(kind(frame), tmp_path / "c.yaml"), recsys.profile(ratings_csv)
    assert {**profile.to_dict(), "path": ""}.items() >= {"n_ratings": 900, "n_users": 40, "n_items": 50}.items()
    assert (profile.source, profile.scale, profile.times) == ("frame", by_file.scale, by_file.times)
    assert recsys.load_config(tmp_path / "c.yaml").data.source == "frame"
    brief = recsys.load_config(tmp_path / "c.yaml", ["training.n_epochs=1", "ranking=none"])
    assert recsys.train(brief, tmp_path / "run", data=kind(frame))["train"]["n_ratings"] == 720


def tuned(config: Any, data: Any, folder: Path) -> dict[str, Any]:
    space = folder / "space.yaml"
    space.write_text("training.lr_max: [0.01, 0.1]\n")
    storage = f"sqlite:///{folder / 'study.db'}"  # of one config and the same ratings, so found again
    return recsys.tune(config, 1, storage=storage, space=space, data=data)


JOBS: dict[str, Callable[[Any, Any], Any]] = {
    "cross_validate": lambda config, data: without_seconds(recsys.cross_validate(config, 2, data=data)),
    "compare_splits": lambda config, data: recsys.compare_splits(config, data=data),
    "lr_find": lambda config, data: recsys.lr_find(config, data=data).curve,
    "estimate": lambda config, data: recsys.estimate(config, data=data)["n_interactions"],
}


slow_ones = [pytest.param(job, marks=pytest.mark.slow) for job in ("cross_validate", "compare_splits", "lr_find")]


def without_seconds(result: dict[str, Any]) -> Any:
    return {**result, "folds": [{**fold, "fit_seconds": 0, "run_dir": None} for fold in result["folds"]]}


@pytest.mark.parametrize("job", ["estimate", *slow_ones])
@of_every_kind
def test_jobs_that_keep_no_run(small: Small, frame: pd.DataFrame, job: str, kind: Callable[..., Any]) -> None:
    config = small(training={"n_epochs": 1})
    by_file = JOBS[job](config, None)
    assert JOBS[job](config, kind(frame)) == by_file
    assert JOBS[job](config, recsys.read_ratings(frame)) == by_file


@pytest.mark.slow
@of_every_kind
def test_tuning_on_a_table(small: Small, frame: pd.DataFrame, tmp_path: Path, kind: Callable[..., Any]) -> None:
    pytest.importorskip("optuna")
    config, results = small(training={"n_epochs": 1}), []
    for name, data in (("file", None), ("table", kind(frame))):
        (tmp_path / name).mkdir()
        results.append(tuned(config, data, tmp_path / name))
    assert results[0]["best"] == results[1]["best"]
    assert results[1]["config"].data.source == "frame"


@pytest.mark.slow
def test_folds_of_a_table_in_processes(small: Small, frame: pd.DataFrame) -> None:
    config = small(training={"n_epochs": 1})
    alone, side_by_side = (without_seconds(recsys.cross_validate(config, 2, data=frame, jobs=jobs)) for jobs in (1, 2))
    assert alone == side_by_side


def test_features_may_be_a_table_in_memory(ratings_csv: Path, tmp_path: Path) -> None:
    items = pd.DataFrame({"movieId": range(100, 160), "genre": ["Comedy", "Drama"] * 30, "year": 1990.0})
    items.loc[3, "genre"] = None
    config = {"data": {"ratings": str(ratings_csv)}, **TINY}
    recsys.train(config, tmp_path / "run", item_features=items)
    assert recsys.run_config(tmp_path / "run").data.item_features == "frame"
    features = open_bundle(tmp_path / "run").features("item")
    assert features is not None
    assert features.encoder.names == ["genre: Comedy", "genre: Drama"]
    with pytest.raises(DataError, match="features of this run's items are a table in memory"):
        recsys.train(recsys.run_config(tmp_path / "run"), tmp_path / "other")
    items.to_csv(tmp_path / "items.csv", index=False)
    recsys.train(config, tmp_path / "file", item_features=tmp_path / "items.csv")
    assert recsys.run_config(tmp_path / "file").data.item_features == tmp_path / "items.csv"
    with pytest.raises(UsageError, match="item_features"):
        recsys.train(config, tmp_path / "none", item_features=[items])  # type: ignore[arg-type]


def test_a_config_that_asks_for_features_is_content_with_those_in_memory(ratings_csv: Path, tmp_path: Path) -> None:
    items = pd.DataFrame({"movieId": range(100, 160), "genre": ["Comedy", "Drama"] * 30})
    data, path = {"ratings": str(ratings_csv), "features_for": "all"}, tmp_path / "config.yaml"
    path.write_text(f"data: {{ratings: {ratings_csv}, features_for: all}}\ntraining: {{n_epochs: 1}}\nranking: none\n")
    recsys.train({"data": data, **TINY}, tmp_path / "run", item_features=items)
    recsys.train(path, tmp_path / "file", item_features=items)
    recsys.train({"data": data, **TINY}, tmp_path / "table", data=pd.read_csv(ratings_csv), item_features=items)
    for name in ("run", "file", "table"):
        kept = recsys.run_config(tmp_path / name).data
        assert (kept.features_for, kept.item_features) == ("all", "frame")
    with pytest.raises(ConfigError, match="features_for: all needs features"):
        recsys.train({"data": data, **TINY}, tmp_path / "none")


WITH_FEATURES: dict[str, Callable[..., Any]] = {
    "estimate": lambda config, folder, items: recsys.estimate(config, item_features=items)["n_parameters"],
    "lr_find": lambda config, folder, items: recsys.lr_find(config, item_features=items).curve,
    "cross_validate": lambda config, folder, items: without_seconds(
        recsys.cross_validate(config, 2, item_features=items, run_dir=folder / "folds")
    ),
    "compare_splits": lambda config, folder, items: recsys.compare_splits(config, item_features=items),
    "tune": lambda config, folder, items: recsys.tune(
        config, 2, item_features=items, storage=f"sqlite:///{folder / 'study.db'}"
    )["best"],
}


@pytest.mark.slow
@pytest.mark.parametrize("job", WITH_FEATURES)
def test_what_a_run_is_chosen_by_takes_features_in_a_table(small: Small, tmp_path: Path, job: str) -> None:
    items = pd.DataFrame({"movieId": range(100, 160), "genre": ["Comedy", "Drama"] * 30})
    items.to_csv(tmp_path / "items.csv", index=False)
    config = small(model={"kind": "embedding_net"}, training={"n_epochs": 1})  # it learns from features itself
    results = {}
    for name, given in (("none", None), ("file", tmp_path / "items.csv"), ("table", items)):
        (tmp_path / name).mkdir()
        results[name] = WITH_FEATURES[job](config, tmp_path / name, given)
    assert results["table"] == results["file"] != results["none"]


@pytest.mark.slow
def test_interrupted_jobs_go_on_with_the_same_table_of_features_alone(small: Small, tmp_path: Path) -> None:
    items = pd.DataFrame({"movieId": range(100, 160), "genre": ["Comedy", "Drama"] * 30})
    others, config = items.assign(genre=["Drama", "War"] * 30), small(training={"n_epochs": 1})
    for job in ("cross_validate", "tune"):
        first = WITH_FEATURES[job](config, tmp_path, items)
        assert WITH_FEATURES[job](config, tmp_path, items) == first
        with pytest.raises(RunError, match="item_features"):
            WITH_FEATURES[job](config, tmp_path, others)


def test_folds_that_are_files_have_features_in_a_file(small: Small, ratings_csv: Path, tmp_path: Path) -> None:
    items = pd.DataFrame({"movieId": range(100, 160), "genre": ["Comedy", "Drama"] * 30})
    items.to_csv(tmp_path / "items.csv", index=False)
    frame = pd.read_csv(ratings_csv)
    for fold in (1, 2):
        frame[fold::2].to_csv(tmp_path / f"u{fold}.train.csv", index=False)
        frame[3 - fold :: 2].to_csv(tmp_path / f"u{fold}.test.csv", index=False)
    files = (f"{tmp_path}/u{{fold}}.train.csv", f"{tmp_path}/u{{fold}}.test.csv")
    with pytest.raises(UsageError, match="beside folds in files come from a file"):
        recsys.cross_validate(small(), files=files, item_features=items)
    recsys.cross_validate(
        small(training={"n_epochs": 1}), files=files, item_features=tmp_path / "items.csv", run_dir=tmp_path / "runs"
    )
    assert open_bundle(tmp_path / "runs" / "fold-1").features("item") is not None


def test_a_prepared_store_has_features_in_a_file(small: Small, ratings_csv: Path, tmp_path: Path) -> None:
    items = pd.DataFrame({"movieId": range(100, 160), "genre": ["Comedy", "Drama"] * 30})
    items.to_csv(tmp_path / "items.csv", index=False)
    config = small(training={"method": "sgd", "n_epochs": 1})
    recsys.prepare(None, tmp_path / "store", config=config)
    stored = small(training={"method": "sgd", "n_epochs": 1}, data={"ratings": None, "prepared": tmp_path / "store"})
    with pytest.raises(UsageError, match="beside ratings in a prepared store come from a file"):
        recsys.train(stored, tmp_path / "none", item_features=items)
    recsys.train(stored, tmp_path / "run", item_features=tmp_path / "items.csv")
    assert open_bundle(tmp_path / "run").features("item") is not None


def test_an_update_may_bring_features_of_new_items_in_a_table(ratings_csv: Path, tmp_path: Path) -> None:
    items = pd.DataFrame({"movieId": range(100, 160), "genre": ["Comedy", "Drama"] * 30})
    run, config = tmp_path / "run", {"data": {"ratings": str(ratings_csv)}, **TINY}
    recsys.train(config, run, item_features=items)
    new, rows = (
        items.assign(movieId=items["movieId"] + 900),
        pd.read_csv(ratings_csv)[:5].assign(rating=3.0, movieId=range(1000, 1005)),
    )
    for name, given in (("table", new), ("file", tmp_path / "new.csv")):
        new.to_csv(tmp_path / "new.csv", index=False)
        rows.to_csv(tmp_path / "more.csv", index=False)
        recsys.update(rows, run, tmp_path / name, item_features=given)
        recsys.finetune(run, config_of(tmp_path / "more.csv"), tmp_path / f"tuned {name}", item_features=given)
    ratings = [
        [recsys.load(tmp_path / name).predict(rows["userId"][0], item).rating for item in (1010, 1011)]
        for name in ("table", "file", "tuned table", "tuned file")
    ]
    assert ratings[0] == ratings[1]
    assert ratings[2] == ratings[3]
    with pytest.raises(UnknownIdError, match="1010"):
        recsys.load(run).predict(rows["userId"][0], 1010)


def config_of(ratings: Path) -> Path:
    path = ratings.with_suffix(".yaml")
    split = "split: {valid_fraction: 0, test_fraction: 0}"
    path.write_text(f"data: {{ratings: {ratings.name}}}\n{split}\ntraining: {{n_epochs: 1}}\nranking: none\n")
    return path
