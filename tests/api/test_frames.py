"""DataFrames and other tables in memory in place of files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

import recsys
from recsys.core.errors import ConfigError, DataError, RunError, UsageError
from recsys.core.events import Epoch, Event

Small = Callable[..., Any]


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


KINDS: list[Callable[[pd.DataFrame], Any]] = [
    lambda frame: frame,
    pa.Table.from_pandas,
    lambda frame: Exported(pa.Table.from_pandas(frame).slice(0)),
    lambda frame: pa.Table.from_pandas(frame).to_reader(max_chunksize=100),
]


@pytest.mark.parametrize("kind", KINDS, ids=["pandas", "pyarrow", "interface", "reader"])
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
    with pytest.raises(DataError, match="a column cannot be read"):
        recsys.read_ratings(mixed)


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


def test_new_users_in_a_table_are_folded_in(small: Small, new_users_csv: Path, tmp_path: Path) -> None:
    recsys.train(small(), tmp_path / "run")
    rows = {"table": pd.read_csv(new_users_csv), "file": new_users_csv}
    parents = [recsys.fold_in(new, tmp_path / "run", tmp_path / name)["parent"] for name, new in rows.items()]
    assert [parent["n_new_users"] for parent in parents] == [2, 2]
    assert parents[0]["ratings"] == "DataFrame"
