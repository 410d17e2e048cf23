from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recsys.api.batch import recommend_all
from recsys.core.errors import DataError, RunError, UnknownIdError
from recsys.core.events import Event, Scoring, silent
from recsys.inference import batch
from recsys.inference.arrow import FORMULA, csv_rows
from recsys.inference.batch import predict_file
from recsys.inference.recommender import Recommender
from recsys.scoring import tiles


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def write(path: Path, header: list[str], pairs: list[Any]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *pairs])
    return path


@pytest.mark.parametrize("which", ["numbers", "texts"])
def test_predict_file_gives_each_pair_what_predict_gives(
    which: str, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recommender: Recommender = request.getfixturevalue(which)
    monkeypatch.setattr(batch, "PAIRS", 7)
    bundle = recommender.bundle
    pairs = [(u, i) for u in bundle.users.ids[::-1].tolist() for i in bundle.items.ids[:9].tolist()]
    names = [bundle.data.columns.user or "userId", bundle.data.columns.item or "movieId"]
    counts = predict_file(bundle, write(tmp_path / "p.csv", names, pairs), tmp_path / "out.csv", "error", silent)
    table = rows(tmp_path / "out.csv")
    assert counts == {"n_pairs": len(pairs), "n_unknown_users": 0, "n_unknown_items": 0}
    assert [(row["user_id"], row["item_id"]) for row in table] == [(str(u), str(i)) for u, i in pairs]
    expected = [recommender.predict(*pair).rating for pair in pairs]
    np.testing.assert_allclose([float(row["rating"]) for row in table], expected, rtol=1e-5)


UNKNOWN = [(0, 100), (999, 100), ("x", 101), (1, 1000)]


def test_unknown_pairs_are_refused_and_nothing_is_written(numbers: Recommender, tmp_path: Path) -> None:
    pairs = write(tmp_path / "p.csv", ["userId", "movieId"], UNKNOWN)
    with pytest.raises(UnknownIdError, match=r"user '999' .*: 2 of 4") as caught:
        predict_file(numbers.bundle, pairs, tmp_path / "out.csv", "error", silent)
    assert caught.value.where == str(pairs)
    assert [path.name for path in tmp_path.iterdir()] == ["p.csv"]
    with pytest.raises(UnknownIdError, match="item '1000'"):
        predict_file(
            numbers.bundle, write(pairs, ["userId", "movieId"], [(0, 1000)]), tmp_path / "out.csv", "error", silent
        )


def test_unknown_pairs_are_predicted_by_the_mean_and_counted(numbers: Recommender, tmp_path: Path) -> None:
    pairs = write(tmp_path / "p.csv", ["userId", "movieId"], UNKNOWN)
    counts = predict_file(numbers.bundle, pairs, tmp_path / "out.csv", "mean", silent)
    assert counts == {"n_pairs": 4, "n_unknown_users": 2, "n_unknown_items": 1}
    expected = [numbers.predict(*pair, on_unknown="mean").rating for pair in UNKNOWN]  # type: ignore[arg-type]
    table = rows(tmp_path / "out.csv")
    np.testing.assert_allclose([float(row["rating"]) for row in table], expected, rtol=1e-5)
    assert [row["user_id"] for row in table] == ["0", "999", "x", "1"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_an_error_in_the_middle_leaves_no_file(
    numbers: Recommender, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    monkeypatch.setattr(batch, "PAIRS", 2)
    monkeypatch.setattr(tiles, "SCORES", 100)
    pairs = write(tmp_path / "p.csv", ["userId", "movieId"], [(0, 100)] * 5)
    (tmp_path / "out.csv").write_text("from before")

    def stop(event: Event) -> None:
        if isinstance(event, Scoring):
            raise error

    with pytest.raises((KeyboardInterrupt, RunError)):
        predict_file(numbers.bundle, pairs, tmp_path / "out.csv", "error", stop)
    with pytest.raises((KeyboardInterrupt, RunError)):
        recommend_all(numbers, tmp_path / "top.csv", 3, observe=stop)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.csv", "p.csv"]
    assert (tmp_path / "out.csv").read_text() == "from before"


@pytest.mark.parametrize("below", ["p.csv/out.csv", "not there/out.csv"])
def test_an_output_that_cannot_be_written_is_an_error_of_the_run(
    numbers: Recommender, tmp_path: Path, below: str
) -> None:
    pairs = write(tmp_path / "p.csv", ["userId", "movieId"], [(0, 100)])
    with pytest.raises(RunError, match=r"is a file|there is no folder|cannot write") as caught:
        predict_file(numbers.bundle, pairs, tmp_path / below, "error", silent)
    assert caught.value.exit_code == 4
    with pytest.raises(RunError, match=r"is a file|there is no folder|cannot write"):
        recommend_all(numbers, tmp_path / below, 3)


def test_pairs_without_an_item_column_are_a_data_error(numbers: Recommender, tmp_path: Path) -> None:
    pairs = write(tmp_path / "p.csv", ["userId", "when"], [(0, 100)])
    with pytest.raises(DataError, match=r"item|movieId"):
        predict_file(numbers.bundle, pairs, tmp_path / "out.csv", "error", silent)


FORMULAS = ["=1+1", "+a", "-a", "@a", "\ta", "\ra", "'=1", "''@", "'a", "a=1", "", "é", "'"]


def test_escaped_texts_are_no_formulas_and_can_be_had_back() -> None:
    texts = np.array(FORMULAS, dtype=object)
    columns = {"id": texts, "n": np.array([-5] * len(texts), dtype=np.int64)}
    text = bytes(csv_rows(columns, escape_formulas=True)).decode()
    ((*rows,),) = [csv.reader(io.StringIO(text, newline=""))]
    escaped = [row[0] for row in rows]
    assert not any(text.startswith(("=", "+", "-", "@", "\t", "\r")) for text in escaped)
    assert [re.sub(FORMULA, r"\1", text) for text in escaped] == FORMULAS
    assert [text for text, before in zip(escaped, FORMULAS, strict=True) if text == before] == [
        "'a",
        "a=1",
        "",
        "é",
        "'",
    ]
    assert {row[1] for row in rows} == {"-5"}
