"""Ratings through standard input and pipes, in place of files."""

from __future__ import annotations

import io
import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import recsys
from recsys.core.errors import DataError, RunError
from recsys.core.events import Epoch, Event

Small = Callable[..., Any]
Pipe = Callable[[Path | bytes], Path]


def stop_after_two_epochs(event: Event) -> None:
    if isinstance(event, Epoch) and event.number == 2:
        raise InterruptedError


@pytest.fixture
def stdin(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """stdin(file) gives standard input the content of a file."""

    def give(path: Path) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(path.read_bytes())))

    return give


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    """pipe(file) → /dev/fd/N, as process substitution gives it, with the content of the file."""
    if not Path("/dev/fd").exists():
        pytest.skip("this system has no /dev/fd")
    open_files: list[int] = []
    writers: list[threading.Thread] = []

    def start(content: Path | bytes) -> Path:
        data = content if isinstance(content, bytes) else content.read_bytes()
        ours, theirs = os.pipe()

        def write() -> None:
            with os.fdopen(theirs, "wb") as file:
                file.write(data)

        open_files.append(ours)
        writers.append(threading.Thread(target=write))
        writers[-1].start()
        return Path(f"/dev/fd/{ours}")

    yield start
    for file in open_files:
        os.close(file)
    for writer in writers:
        writer.join()


@pytest.mark.parametrize("named", [{"ratings": "-"}, {"ratings": "/dev/stdin"}, {"source": "stream"}])
def test_a_config_trains_on_standard_input(
    small: Small, ratings_csv: Path, stdin: Callable[[Path], None], tmp_path: Path, named: dict[str, str]
) -> None:
    by_file = recsys.train(small(), tmp_path / "file")
    stdin(ratings_csv)
    config = {"data": named, "ranking": "none", **small().model_dump(mode="json", include={"model", "training"})}
    assert recsys.train(config, tmp_path / "run")["test"] == by_file["test"]
    recorded, fingerprints = recsys.run_config(tmp_path / "run").data, recsys.read_ratings(ratings_csv).fingerprints
    assert (recorded.source, recorded.ratings, recorded.sha256) == ("stream", None, fingerprints["ratings"])


def test_resuming_needs_the_same_bytes(
    small: Small, ratings_csv: Path, stdin: Callable[[Path], None], pipe: Pipe, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    with pytest.raises(InterruptedError):
        recsys.train(small(), run, data=pipe(ratings_csv), observe=stop_after_two_epochs)
    config = recsys.run_config(run)
    with pytest.raises(RunError, match="the data changed since the run was started: stream"):
        recsys.train(config, run, data=pipe(ratings_csv.read_bytes() + b"35,149,1,1000060000\n"), resume=True)
    (tmp_path / "empty").touch()
    stdin(tmp_path / "empty")
    with pytest.raises(DataError, match="/dev/stdin: nothing came through"):
        recsys.train(config, run, resume=True)
    stdin(ratings_csv)
    resumed = recsys.train(config, run, resume=True)
    assert resumed["test"] == recsys.train(small(), tmp_path / "whole")["test"]
    assert recsys.train(config, run, resume=True) == resumed  # finished: nothing is read


def test_a_run_of_a_stream_is_resumed_from_the_file(
    small: Small, ratings_csv: Path, pipe: Pipe, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    with pytest.raises(InterruptedError):
        recsys.train(small(), run, data=pipe(ratings_csv), observe=stop_after_two_epochs)
    recsys.train(recsys.run_config(run), run, data=ratings_csv, resume=True)


def test_parts_and_titles_through_pipes(small: Small, ratings_csv: Path, pipe: Pipe, tmp_path: Path) -> None:
    header, *rows = ratings_csv.read_text().splitlines()
    files = {name: tmp_path / f"{name}.csv" for name in ("train", "test")}
    files["train"].write_text("\n".join([header, *rows[:800]]))
    files["test"].write_text("\n".join([header, *rows[800:]]))
    files["items"] = ratings_csv.with_name("movies.csv")
    by_file = recsys.train(small(data={"ratings": None, **{k: str(v) for k, v in files.items()}}), tmp_path / "file")
    pipes = {name: str(pipe(path)) for name, path in files.items()}
    by_pipes = recsys.train(small(data={"ratings": None, **pipes}), tmp_path / "pipes")
    assert by_pipes["test"] == by_file["test"]
    assert recsys.load(tmp_path / "pipes").similar(110, 1)[0].title
    recorded = recsys.run_config(tmp_path / "pipes").data
    assert (recorded.source, recorded.files, recorded.items) == ("stream", {"train": Path("/dev/stdin")}, None)


def test_a_run_is_used_on_pipes(
    small: Small, finished: Path, ratings_csv: Path, new_users_csv: Path, pipe: Pipe, tmp_path: Path
) -> None:
    model = recsys.load(finished)
    assert recsys.evaluate(finished, pipe(ratings_csv)) == recsys.evaluate(finished, ratings_csv)
    for name, pairs in (("a", ratings_csv), ("b", pipe(ratings_csv))):
        recsys.predict_file(model, pairs, tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert recsys.read_candidates(model, pipe(b"110\n120\n")).item_ids == [110, 120]
    assert recsys.read_item_list(model, pipe(b"110\n7\n")).n_unknown == 1
    session = recsys.read_session_ratings(model, pipe(b"movieId,rating\n110,5\n120,1\n"))
    assert session.ratings.tolist() == [5, 1]
    folded = recsys.fold_in(pipe(new_users_csv), finished, tmp_path / "folded")
    by_file = recsys.fold_in(new_users_csv, finished, tmp_path / "folded again")
    assert {**folded["parent"], "ratings": ""} == {**by_file["parent"], "ratings": ""}
    assert folded["parent"]["ratings"].startswith("/dev/fd/")
    updates = [
        recsys.update(new, finished, tmp_path / name) for name, new in (("c", ratings_csv), ("d", pipe(ratings_csv)))
    ]
    assert updates[0]["test"] == updates[1]["test"]
    assert recsys.run_config(tmp_path / "d").data.source == "stream"


def test_init_writes_a_config_for_a_stream(ratings_csv: Path, pipe: Pipe, tmp_path: Path) -> None:
    profile = recsys.init(pipe(ratings_csv), tmp_path / "c.yaml")
    assert (profile.source, profile.n_ratings, profile.items) == ("stream", 900, None)
    data = recsys.load_config(tmp_path / "c.yaml").data
    assert (data.source, data.files) == ("stream", {"train": Path("/dev/stdin")})
    assert recsys.load_config(tmp_path / "c.yaml", ["data.ratings=-"]).data.files == data.files


JOBS: dict[str, Callable[[Any, Any], Any]] = {
    "cross-validation": lambda config, data: recsys.cross_validation(config, 2, data=data).summary,
    "estimate": lambda config, data: recsys.estimate(config, data=data)["data_bytes"],
}


@pytest.mark.parametrize("job", JOBS)
def test_jobs_that_keep_no_run(small: Small, ratings_csv: Path, pipe: Pipe, job: str) -> None:
    config = small(training={"n_epochs": 1})
    by_file = JOBS[job](config, None)
    assert JOBS[job](config, pipe(ratings_csv)) == by_file
    named = config.model_copy(update={"data": config.data.model_copy(update={"ratings": pipe(ratings_csv)})})
    assert JOBS[job](named, None) == by_file
