"""TrainedScorer models in use from Python, and the runs that they lie in."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

import recsys


def test_a_trained_run_predicts_recommends_and_exports(finished: Path, tmp_path: Path) -> None:
    model = recsys.load(finished)
    assert 0.5 <= model.predict(0, 100).rating <= 5
    assert len(model.recommend(0, 3)) == 3
    assert len(model.similar(110, 5)) == 5
    assert model.explain(0, 110).prediction == model.predict(0, 110)
    files = recsys.export_factors(finished, tmp_path / "out", "npz")
    assert {path.name for path in files} == {"README.md", "factors.npz", "model.json"}


def test_paths_may_be_text(finished: Path, ratings_csv: Path) -> None:
    assert recsys.load(str(finished)).predict(0, 100) == recsys.load(finished).predict(0, 100)
    assert len(recsys.read_ratings(str(ratings_csv)).ratings) == 900
    config = recsys.load_config(str(finished / "config.yaml"), ["training.n_epochs=9"])
    assert config.training.n_epochs == 9


def test_pairs_of_a_file_are_predicted(finished: Path, tmp_path: Path) -> None:
    model = recsys.load(finished)
    (tmp_path / "pairs.csv").write_text("userId,movieId\n0,100\n99,101\n")
    counts = recsys.predict_file(model, tmp_path / "pairs.csv", tmp_path / "out.csv", on_unknown="mean", interval=0.9)
    assert counts == {"n_pairs": 2, "n_unknown_users": 1, "n_unknown_items": 0}
    header, first, _ = (tmp_path / "out.csv").read_text().splitlines()
    assert header == "user_id,item_id,rating,std,low,high"
    assert float(first.split(",")[2]) == pytest.approx(model.predict(0, 100).rating, rel=1e-6)


def test_items_are_recommended_to_all_users(finished: Path, tmp_path: Path) -> None:
    model = recsys.load(finished)
    (tmp_path / "few.csv").write_text("movieId\n100\n101\n99999\n")
    listed = recsys.read_candidates(model, tmp_path / "few.csv")
    assert (listed.item_ids, listed.n_unknown) == ([100, 101], 1)
    counts = recsys.recommend_all(model, tmp_path / "top.csv", 1, candidates=listed.item_ids)
    assert counts["n_users"] == 40
    items = {line.split(",")[2] for line in (tmp_path / "top.csv").read_text().splitlines()[1:]}
    assert items == {"100", "101"}


def test_a_visitor_is_read_from_a_file(finished: Path, tmp_path: Path) -> None:
    model = recsys.load(finished)
    (tmp_path / "visitor.csv").write_text("movieId,rating\n100,5\n120,3\n99999,4\n")
    visitor = recsys.read_session_ratings(model, tmp_path / "visitor.csv")
    assert (visitor.item_ids, visitor.n_unknown_items) == (["100", "120", "99999"], 1)
    assert len(model.recommend_for(visitor.item_ids, visitor.ratings, 3)) == 3


def test_a_visitor_on_another_scale_is_refused_by_row(finished: Path, tmp_path: Path) -> None:
    (tmp_path / "visitor.csv").write_text("movieId,rating\n100,5\n120,9\n")
    with pytest.raises(recsys.RecsysError, match=r"visitor\.csv:3: the rating 9 lies outside"):
        recsys.read_session_ratings(recsys.load(finished), tmp_path / "visitor.csv")


def test_a_model_is_interpreted(finished: Path) -> None:
    plain = recsys.interpret(finished, 3, n_directions=2)
    assert (len(plain.highest), len(plain.directions), plain.figures) == (3, 2, ())


@pytest.mark.slow
def test_a_model_is_interpreted_with_figures(finished: Path, tmp_path: Path) -> None:
    plain = recsys.interpret(finished, 3, n_directions=2)
    drawn = recsys.interpret(finished, 3, n_directions=2, figures=tmp_path / "figures")
    assert drawn.to_dict() == {**plain.to_dict(), "figures": [str(path) for path in drawn.figures]}
    assert sorted(drawn.figures) == sorted((tmp_path / "figures").iterdir())


def test_a_report_is_written(finished: Path, tmp_path: Path) -> None:
    written = recsys.report(finished, tmp_path / "page.html")
    assert written["run"] == "finished"
    assert written["bytes"] == (tmp_path / "page.html").stat().st_size


def test_the_layers_of_a_run_are_shown(finished: Path) -> None:
    assert sum(layer.n_parameters for layer in recsys.layers(finished).layers) > 0


def test_a_run_is_inspected(finished: Path) -> None:
    overview = recsys.inspect(finished, verify=True)
    assert (overview["status"], overview["last"]["verified"]) == ("finished", True)


def test_without_a_name_the_newest_run_is_meant(quick: dict[str, Any], ratings_csv: Path, runs_folder: Path) -> None:
    with pytest.raises(recsys.RecsysError, match="no finished run"):
        recsys.load()
    assert recsys.runs() == []
    recsys.train(quick)
    assert recsys.load().predict(0, 100)
    assert recsys.evaluate(None, ratings_csv)["n_ratings"] == 900


def test_runs_are_listed_promoted_and_pruned(finished: Path, runs_folder: Path) -> None:
    for name in ("first", "second", "third"):
        shutil.copytree(finished, runs_folder / name)
    assert recsys.runs_root() == runs_folder
    recsys.promote(str(runs_folder / "first"))
    assert recsys.promoted_run() == runs_folder / "first"
    assert [run["default"] for run in recsys.runs()] == [Path(run["path"]).name == "first" for run in recsys.runs()]
    assert recsys.is_default(runs_folder / "first")
    pruned = recsys.prune(1)
    assert (len(pruned.removed), list(pruned.kept)) == (1, [runs_folder / "first"])
    recsys.promote_none()
    assert recsys.promoted_run() is None
