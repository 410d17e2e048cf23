"""Every argument of every public function is checked, and refused by an error of this package."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import recsys
from recsys.core.arguments import ANY
from recsys.inference.recommender import Recommender

CLASSES = ("Config", "Dataset", "Interactions", "ItemFilter", "Ratings")
METHODS = [name for name, member in vars(Recommender).items() if inspect.isfunction(member) and name[0] != "_"]
FUNCTIONS = {name: getattr(recsys, name) for name in recsys.api.__all__ if name not in CLASSES}
FUNCTIONS |= {f"Recommender.{name}": getattr(Recommender, name) for name in METHODS}


def parameters(function: Callable[..., Any]) -> list[str]:
    named = inspect.signature(function).parameters.values()
    return [each.name for each in named if each.name != "self" and each.kind is not inspect.Parameter.VAR_KEYWORD]


def checked() -> Iterator[tuple[str, str]]:
    for name, function in FUNCTIONS.items():
        for parameter in parameters(function):
            if getattr(function, "rules", {}).get(parameter) is not ANY:
                yield name, parameter


@pytest.mark.parametrize(("name", "parameter"), list(checked()))
def test_every_argument_is_checked(name: str, parameter: str) -> None:
    with pytest.raises(recsys.RecsysError, match=rf"^{parameter} is of the type object\nexpected "):
        FUNCTIONS[name](*[None] * name.startswith("Recommender."), **{parameter: object()})


@pytest.fixture(scope="module")
def model(finished_ranked: Path) -> Recommender:
    return recsys.load(finished_ranked)


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        ("read_ratings", {"ratings": b"r.csv"}),
        ("evaluate", {"data": [1, 2]}),
        ("train", {"config": {"data": {"ratings": "r.csv"}}, "data": [(1, 1, 5.0)]}),
        ("train", {"config": pd.DataFrame({"user": [1]})}),
        ("update", {"ratings": None}),
        ("fold_in", {"ratings": None}),
        ("split", {"seed": "a"}),
        ("cross_validate", {"config": {}, "jobs": -1}),
        ("cross_validate", {"config": {}, "jobs": 0}),
        ("cross_validate", {"config": {}, "n_folds": 1}),
        ("cross_validate", {"config": {}, "files": ("one",)}),
        ("compare", {"runs": []}),
        ("compare", {"runs": ["a"]}),
        ("compare", {"runs": "a"}),
        ("tune", {"config": {}, "n_trials": 0, "storage": "sqlite:///t.db"}),
        ("tune", {"config": {}, "n_trials": 1, "storage": None}),
        ("interpret", {"n": 0}),
        ("interpret", {"n_directions": 0}),
        ("export_factors", {"run": None, "output": "out", "form": "xlsx"}),
        ("evaluate", {"ranking": {"k": 0}}),
        ("evaluate", {"ranking": {"n": 5}}),
        ("evaluate", {"ranking": {"threshold": float("nan")}}),
        ("evaluate", {"ranking": True}),
        ("evaluate", {"interval": 90}),
        ("train", {"config": {}, "name": ""}),
        ("update", {"ratings": "r.csv", "only": "rating"}),
        ("update", {"ratings": "r.csv", "overrides": "a=b"}),
        ("prune", {"n": 0}),
        ("train", {"config": {}, "resume": True, "checkpoint": "../x"}),
        ("load", {"run": ""}),
        ("load", {"run": "a" * 5_000}),
        ("find_objective", {"name": "rmse"}),
    ],
)
def test_values_that_make_no_sense_are_refused(function: str, arguments: dict[str, Any], finished_ranked: Path) -> None:
    if "run" in inspect.signature(FUNCTIONS[function]).parameters:
        arguments = {"run": finished_ranked, **arguments}
    with pytest.raises(recsys.RecsysError, match="expected"):
        FUNCTIONS[function](**arguments)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda model: model.recommend(0, 0), "n is 0"),
        (lambda model: model.recommend(0, 10**9), "n is 1000000000"),
        (lambda model: model.recommend(0, by="rank"), "by is 'rank'"),
        (lambda model: model.recommend(0, candidates="31"), "candidates is '31'"),
        (lambda model: model.recommend(0, candidates=[100, None]), r"candidates\[1\] is None"),
        (lambda model: model.recommend(0, where=5), "where is 5"),
        (lambda model: model.recommend(0, min_ratings=-5), "min_ratings is -5"),
        (lambda model: model.similar(100, -1), "n is -1"),
        (lambda model: model.explain(0, 100, 2.5), "n is 2.5"),
        (lambda model: model.predict(0, 100, on_unknown="ignore"), "on_unknown is 'ignore'"),
        (lambda model: model.predict(float("nan"), 100, on_unknown="mean"), "user_id is nan"),
        (lambda model: model.predict(0, 100, interval=90), "90 is no level"),
        (lambda model: model.predict(0, 100, at="2014-01-01"), "at is '2014-01-01'"),
        (lambda model: model.recommend_for([100, 120], [5]), "ratings has 1 entry, and item_ids 2"),
        (lambda model: model.recommend_for([100], [5, 4]), "ratings has 2 entries, and item_ids 1"),
        (lambda model: model.recommend_for([100, "100"], [5, 4]), "item_ids has the item 100 more than once"),
        (lambda model: model.recommend_for([100, 120], [5, 500]), r"ratings\[1\]: the rating 500 lies outside"),
        (lambda model: model.recommend_for([100], [float("inf")]), r"ratings\[0\] is inf"),
        (lambda model: model.recommend_for("17", [5, 4]), "item_ids is '17'"),
        (lambda model: recsys.ItemFilter(candidates="31"), "candidates is '31'"),
        (lambda model: model.ruled_out(0, {"min_ratings": 1}), "filters is of the type dict"),
    ],
)
def test_a_model_refuses_what_it_would_answer_wrongly(
    call: Callable[[Recommender], Any], says: str, model: Recommender
) -> None:
    with pytest.raises(recsys.RecsysError, match=says) as caught:
        call(model)
    assert caught.value.expected


def test_a_run_that_is_not_there_is_not_the_default_and_has_its_path_as_name(runs_folder: Path) -> None:
    assert not recsys.is_default("not/there")
    assert recsys.run_name("not/there") == "not/there"


def test_ids_of_tables_are_ids(model: Recommender) -> None:
    row = pd.DataFrame({"user": [0, 1], "item": [100, 110], "rating": [5.0, None]}).iloc[0]
    assert model.predict(row["user"], row["item"]) == model.predict(0, 100)
    candidates = pd.Series([100.0, 110.0, None]).dropna()
    listed = model.recommend(row["user"], candidates=candidates)
    assert listed == model.recommend(0, candidates=[100, 110]) == model.recommend(0, candidates=np.array([110, 100]))
    assert model.predict(np.int64(99_999), 100, on_unknown="mean").to_dict()["user_id"] == 99_999


def test_an_open_model_does_not_depend_on_the_working_directory(
    finished_ranked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(finished_ranked.parent)
    model = recsys.load(finished_ranked.name)
    monkeypatch.chdir(tmp_path)
    assert model.recommend(0, 2)
    assert model.predict(0, 100, interval=0.9).interval
    assert model.explain(0, 100).contributions


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"rating": lambda ratings: ratings.rating.astype("float64")}, "rating is float64"),
        ({"rating": lambda ratings: ratings.rating[1:]}, r"rating has the shape \(899,\)"),
        ({"rating": lambda ratings: np.where(ratings.rating > 4, np.inf, ratings.rating)}, "a rating is infinite"),
        ({"rating": lambda ratings: ratings.rating * np.float32(1e15)}, r"a rating is beyond 1e\+15"),
        ({"user_idx": lambda ratings: ratings.user_idx + np.int32(1)}, "user_idx has an index outside -1 to 39"),
        ({"item_idx": lambda ratings: ratings.item_idx.tolist()}, "item_idx is list"),
        ({"timestamp": lambda ratings: np.full(900, np.nan)}, "a time is not finite"),
        ({"users": lambda ratings: ratings.users.ids}, "users is no Vocabulary"),
    ],
)
def test_a_dataset_that_a_caller_has_changed_is_checked(
    changes: dict[str, Callable[..., Any]], says: str, ratings_csv: Path, quick: dict[str, Any]
) -> None:
    dataset = recsys.read_ratings(ratings_csv)
    columns = {name: change(dataset.ratings) for name, change in changes.items()}
    broken = replace(dataset, ratings=replace(dataset.ratings, **columns))
    for use in (lambda: recsys.split(broken), lambda: recsys.train(quick, data=broken)):
        with pytest.raises(recsys.RecsysError, match=says):
            use()
