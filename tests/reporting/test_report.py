"""What a report says, for runs of every kind; and that a page says it safely."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recsys.artifacts.bundle import open_bundle
from recsys.artifacts.metrics import read_metrics, write_metrics
from recsys.config.loading.load import config_from
from recsys.config.schema.config import Config
from recsys.inference.recommender import Recommender
from recsys.reporting import accuracy, items
from recsys.reporting.page import page
from recsys.reporting.report import report
from recsys.workflows.train import train

SECTIONS = ("scores", "history", "accuracy", "ranking", "map", "biases", "user")
HOSTILE = '</script><script>alert("&")</script><!-- é 🎬'


@pytest.fixture(scope="module")
def finished_report(finished: Path) -> dict[str, Any]:
    """The report on the finished run."""
    return report(open_bundle(finished))


@pytest.fixture
def trained(small: Callable[..., Config], tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """trained(model={…}, …) → the report on a new run of that config."""

    def build(**sections: Any) -> dict[str, Any]:
        train(small(**sections), tmp_path / "run")
        return report(open_bundle(tmp_path / "run"))

    return build


def data_in(text: str) -> dict[str, Any]:
    """What a page's script reads."""
    match = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert match is not None
    return dict(json.loads(match[1]))


def test_the_scores_are_those_of_the_run(finished_report: dict[str, Any], finished: Path) -> None:
    metrics = json.loads((finished / "metrics.json").read_text())
    assert finished_report["scores"]["test"]["model"] == metrics["test"]
    assert finished_report["scores"]["valid"]["model"] == metrics["valid"]
    assert {name: finished_report["scores"]["test"][name] for name in metrics["baselines"]} == metrics["baselines"]
    assert finished_report["run"]["n_epochs"] == metrics["n_epochs"]


def test_every_section_is_there_and_nothing_is_missing(finished_report: dict[str, Any]) -> None:
    assert all(finished_report[name] for name in SECTIONS)
    assert finished_report["missing"] == {}


def test_the_history_is_that_of_the_run(finished_report: dict[str, Any], finished: Path) -> None:
    rows = [json.loads(line) for line in (finished / "history.jsonl").read_text().splitlines()]
    epochs = [
        {"epoch": row["epoch"], "lr": row["lr"], "train": row["train"]["rmse"], "valid": row["valid"]["rmse"]}
        for row in rows
    ]
    assert finished_report["history"] == {"metric": "rmse", "baseline": "biases", "epochs": epochs}


def test_a_long_history_is_thinned_and_keeps_its_end(finished: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recsys.reporting.report.EPOCHS", 2)
    assert [row["epoch"] for row in report(open_bundle(finished))["history"]["epochs"]] == [2, 4]


def test_a_copy_of_the_serving_folder_has_no_history_and_the_same_scores(
    finished_report: dict[str, Any], finished: Path, tmp_path: Path
) -> None:
    shutil.copytree(finished / "serving", tmp_path / "copy")
    copied = report(open_bundle(tmp_path / "copy"))
    assert list(copied["missing"]) == ["history"]
    assert copied["history"] is None
    assert copied["run"]["method"] is None
    assert {name: copied[name] for name in SECTIONS if name != "history"} == {
        name: finished_report[name] for name in SECTIONS if name != "history"
    }


def test_a_run_that_was_made_from_another_names_it(finished: Path, tmp_path: Path) -> None:
    shutil.copytree(finished, tmp_path / "child")
    metrics = read_metrics(finished)
    assert metrics is not None
    counts = dict.fromkeys(("n_new_users", "n_new_items", "n_ratings", "n_outside_scale"), 1)
    parent: Any = {"run": "parent", "path": "runs/parent", "ratings": "new.csv", "sha256": "0", **counts}
    write_metrics(tmp_path / "child", {**metrics, "parent": parent})
    assert report(open_bundle(tmp_path / "child"))["run"]["parent"] == "parent"
    assert report(open_bundle(finished))["run"]["parent"] is None


@pytest.mark.parametrize("part", ["valid", "test"])
def test_one_held_out_part_is_enough(part: str, trained: Callable[..., dict[str, Any]]) -> None:
    other = {"valid": "test", "test": "valid"}[part]
    answer = trained(split={f"{other}_fraction": 0.0})
    assert answer["scores"][other] is None
    assert answer["accuracy"]["part"] == part
    assert answer["missing"] == {}


def test_without_held_out_ratings_nothing_is_measured(trained: Callable[..., dict[str, Any]]) -> None:
    answer = trained(split={"valid_fraction": 0.0, "test_fraction": 0.0})
    assert list(answer["missing"]) == ["scores", "accuracy", "ranking"]
    assert all(row["valid"] is None for row in answer["history"]["epochs"])


def test_an_embedding_net_has_no_map_and_no_biases_and_the_rest(ratings_csv: Path, tmp_path: Path) -> None:
    model = {"kind": "embedding_net", "layers": [8]}
    config = {"data": {"ratings": str(ratings_csv)}, "model": model, "training": {"n_epochs": 2}}
    train(config_from(config, tmp_path), tmp_path / "run")
    answer = report(open_bundle(tmp_path / "run"))
    assert list(answer["missing"]) == ["map", "biases"]
    assert "embedding_net" in answer["missing"]["map"]
    assert answer["user"]["reasons"]["pulls"] is None


def test_a_model_without_biases_lists_none(trained: Callable[..., dict[str, Any]]) -> None:
    assert list(trained(model={"biases": False})["missing"]) == ["biases"]


def test_a_model_of_one_factor_has_no_map(trained: Callable[..., dict[str, Any]]) -> None:
    assert list(trained(model={"embedding_dim": 1})["missing"]) == ["map"]


def test_ids_are_texts_and_titles_may_be_missing(finished_report: dict[str, Any], finished_text: Path) -> None:
    answer = report(open_bundle(finished_text))
    assert {item["title"] for item in answer["map"]["items"]} == {""}
    assert "007" in {item["id"] for item in answer["map"]["items"]}
    assert all(isinstance(item["id"], str) for item in finished_report["map"]["items"])
    assert answer["missing"] == {}


def test_the_map_shows_the_most_rated_and_says_how_many_it_leaves_out(
    finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(items, "MAP_ITEMS", 10)
    bundle = open_bundle(finished)
    shown = report(bundle)["map"]
    counts = [item["n_ratings"] for item in shown["items"]]
    assert counts == sorted(bundle.counts["rating"].items.tolist(), reverse=True)[:10]
    assert (len(shown["others"]), shown["left_out"]) == (len(bundle.items) - 10, 0)
    assert {item["id"] for item in shown["items"]} | {other[0] for other in shown["others"]} == {
        str(item_id) for item_id in bundle.items.ids
    }
    monkeypatch.setattr(items, "SEARCHED", 12)
    shown = report(bundle)["map"]
    assert (len(shown["others"]), shown["left_out"]) == (2, len(bundle.items) - 12)


def test_the_settings_are_those_of_the_training(
    finished_report: dict[str, Any], finished: Path, tmp_path: Path
) -> None:
    settings = finished_report["settings"]
    assert (settings["seed"], settings["split"]) == (42, "random, validation 10%, test 10%")
    assert settings["hyperparameters"]["rating"]["lr_max"] == 0.05
    assert settings["hyperparameters"]["rating"]["weight_decay"] > 0  # auto, resolved
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", settings["finished"])
    shutil.copytree(finished / "serving", tmp_path / "copy")
    assert report(open_bundle(tmp_path / "copy"))["settings"] is None


@pytest.mark.parametrize(
    ("split", "words"),
    [
        ({"valid_fraction": 0.0, "test_fraction": 0.0}, "nothing held out"),
        ({"method": "user_time", "valid_fraction": 0.0}, "user time, test 10%"),
        ({"method": "fold", "fold": 2, "n_folds": 3, "test_fraction": 0.0}, "fold 2 of 3, validation 10%"),
    ],
)
def test_the_split_is_told_in_words(split: dict[str, Any], words: str, trained: Callable[..., dict[str, Any]]) -> None:
    assert trained(split=split)["settings"]["split"] == words


def test_extremes_are_the_ends_of_the_biases_of_items_with_enough_ratings(
    finished_report: dict[str, Any], finished: Path
) -> None:
    bundle, shown = open_bundle(finished), finished_report["biases"]
    bias = bundle.factors.item_bias[:-1][bundle.counts["rating"].items >= shown["min_ratings"]]
    assert [item["bias"] for item in shown["top"]] == pytest.approx(np.sort(bias)[::-1][:10])
    assert [item["bias"] for item in shown["bottom"]] == pytest.approx(np.sort(bias)[:10])
    seen = bundle.seen.interactions()
    first = shown["top"][0]
    rows = seen.item_idx == bundle.items.index([int(first["id"])])[0]
    assert (first["n_ratings"], first["mean"]) == (int(rows.sum()), pytest.approx(seen.rating[rows].mean()))


def test_the_example_user_is_the_one_in_the_middle_and_is_told_why(
    finished_report: dict[str, Any], finished: Path
) -> None:
    recommender, user = Recommender.open(finished), finished_report["user"]
    counts = recommender.bundle.counts["rating"].users
    assert (counts < user["n_ratings"]).mean() <= 0.5 <= (counts <= user["n_ratings"]).mean()
    assert [item["id"] for item in user["recommended"]] == [
        str(item.item_id) for item in recommender.recommend(user["id"])
    ]
    assert (
        user["rated"][0]["rating"]
        == recommender.bundle.seen.of_user(recommender.bundle.users.index([int(user["id"])])[0])[1].max()
    )
    reasons = user["reasons"]
    assert sum(reasons["parts"].values()) == pytest.approx(reasons["score"], abs=1e-5)
    pulled = sum(pull["pull"] for pull in reasons["pulls"]) + reasons["others"] + reasons["remainder"]
    assert pulled == pytest.approx(reasons["parts"]["interaction"], abs=1e-5)


def test_calibration_tells_what_people_gave_where_so_much_was_predicted() -> None:
    predicted = np.array([1.0, 1.1, 4.9, 5.0, 5.0], dtype=np.float32)
    actual = np.array([2.0, 1.0, 5.0, 4.0, 3.0], dtype=np.float32)
    low, high = accuracy.calibration(predicted, actual)
    assert (low["n_ratings"], low["actual"], high["n_ratings"], high["actual"]) == (2, 1.5, 3, 4.0)
    assert (low["predicted"], high["predicted"]) == (pytest.approx(1.05), pytest.approx(14.9 / 3))
    assert (low["low"], low["high"]) == (pytest.approx(1.1), pytest.approx(1.9))


def test_calibration_takes_predictions_that_are_all_equal() -> None:
    rows = accuracy.calibration(np.full(3, 3.0, np.float32), np.array([1.0, 3.0, 5.0], np.float32))
    assert [(row["predicted"], row["actual"], row["n_ratings"]) for row in rows] == [(3.0, 3.0, 3)]


def test_the_page_holds_the_report_and_no_markup_of_it(finished_report: dict[str, Any]) -> None:
    finished_report = {**finished_report, "run": {**finished_report["run"], "name": HOSTILE}}
    text = page(finished_report)
    assert data_in(text) == finished_report
    assert text.count("</script>") == 2
    assert "<!-- é" not in text


def test_the_policy_allows_this_script_and_this_style_and_no_connection(finished_report: dict[str, Any]) -> None:
    text = page(finished_report)
    match = re.search(r'Content-Security-Policy" content="([^"]*)"', text)
    assert match is not None
    policy = dict(rule.split(" ", 1) for rule in match[1].split("; "))
    assert policy["default-src"] == "'none'"
    for name, tag in (("script-src", "<script>"), ("style-src", "<style>")):
        content = text.split(tag)[1].split(tag.replace("<", "</"))[0]
        assert policy[name] == f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"
    assert "http://www.w3.org/2000/svg" in text  # a name, the only address
    assert len(re.findall(r"https?://", text)) == 1


def test_equal_runs_give_equal_pages(finished: Path) -> None:
    assert page(report(open_bundle(finished))) == page(report(open_bundle(finished)))


def test_recommendations_are_measured_as_at_the_end_of_training(small: Callable[..., Config], tmp_path: Path) -> None:
    metrics = train(
        small(ranking={"embedding_dim": 4, "n_epochs": 2, "regularization": 0.05, "popularity_weight": 0}),
        tmp_path / "run",
    )
    content = report(open_bundle(tmp_path / "run"))
    ranking, fit = content["ranking"], content["run"]["ranking"]
    assert ranking is not None
    assert fit is not None
    assert (fit["method"], fit["embedding_dim"], fit["n_epochs"]) == ("ials", 4, 2)
    assert (ranking["part"], ranking["by"], ranking["baseline"]) == ("test", "ranking", "popular")
    assert list(ranking["scores"]) == ["ranking", "rating", "popular"]
    assert ranking["scores"] == {"ranking": metrics["ranking"]["test"], **metrics["ranking"]["baselines"]}


def test_a_run_on_clicks_has_recommendations_and_says_why_it_predicts_no_ratings(
    ratings_csv: Path, tmp_path: Path
) -> None:
    ranking = {"embedding_dim": 4, "n_epochs": 2, "regularization": 0.05, "popularity_weight": 0}
    data = {"ratings": str(ratings_csv), "columns": {"rating": False}}
    train(config_from({"data": data, "ranking": ranking}, tmp_path), tmp_path / "run")
    content = report(open_bundle(tmp_path / "run"))
    assert content["ranking"] is not None
    assert list(content["ranking"]["scores"]) == ["ranking", "popular"]
    assert content["run"]["kind"] == "implicit_factors"
    assert content["missing"].keys() == {"scores", "history", "accuracy", "map", "biases"}
    assert "measured at the end of training alone" in content["missing"]["history"]
    assert page(content)


def test_ratings_beside_clicks_are_reported_alone(tmp_path: Path, partly_rated_csv: Path) -> None:
    data = {"ratings": str(partly_rated_csv), "no_rating": [0]}
    training = {"method": "sgd", "n_epochs": 2}
    train(config_from({"data": data, "training": training, "ranking": "none"}, tmp_path), tmp_path / "run")
    content = report(open_bundle(tmp_path / "run"))
    assert content["missing"] == {}
    assert page(content)


@pytest.fixture
def partly_rated_csv(ratings_csv: Path, tmp_path: Path) -> Path:
    """Every third rating is none: 0."""
    head, *rows = ratings_csv.read_text().splitlines()
    at = head.split(",").index("rating")
    cells = [row.split(",") for row in rows]
    unrated = [[*row[:at], "0" if n % 3 == 0 else row[at], *row[at + 1 :]] for n, row in enumerate(cells)]
    path = tmp_path / "partly.csv"
    path.write_text("\n".join([head, *(",".join(row) for row in unrated)]) + "\n")
    return path
