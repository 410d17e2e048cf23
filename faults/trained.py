"""Small runs to attack, one of each scorer and method, finished or cut short; and what is done with them."""

from __future__ import annotations

import json
import math
import shutil
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from faults.isolated import run_steps
from faults.outcome import Outcome
from recsys.core.errors import StoppedError

N_USERS, N_ITEMS, N_RATINGS = 40, 50, 900
DIM = {"embedding_dim": 4}
RUNS: dict[str, dict[str, Any]] = {
    "sgd": {"model": DIM, "training": {"method": "sgd"}, "ranking": {"embedding_dim": 5, "n_epochs": 4}},
    "adamw": {"model": DIM, "training": {"method": "adamw", "batch_size": 64, "keep": "best"}},
    "net": {"model": {"kind": "embedding_net", "layers": [8, 6]}, "training": {"method": "adamw", "batch_size": 64}},
    "svdpp": {"model": {"kind": "svdpp", **DIM}, "training": {"method": "sgd"}},
    "gibbs": {"model": {"kind": "svdpp", **DIM, "user_drift": True}, "training": {"method": "gibbs", "burn_in": 1}},
    "tobit": {"model": DIM, "training": {"method": "gibbs", "burn_in": 1, "likelihood": "tobit"}},
    "featured": {
        "data": {"item_features": "items", "features_for": "all"},
        "model": DIM,
        "training": {"method": "sgd"},
        "ranking": {"embedding_dim": 5, "n_epochs": 4},
    },
}
"""Name → the sections of its config; without `ranking` there is none."""
FOLDED = {"folded": "featured"}
"""Name → the run that new users and items are folded into, some with features and ratings, one with features alone."""
N_EPOCHS, STOPPED_AFTER = 6, 4
NEW_ITEMS = "unrated", "new item"  # see _write_data


IMPORTED = (
    "pandas", "torch", "numba", "recsys.api.batch", "recsys.api.measuring", "recsys.inference.recommender",
    "recsys.inference.intervals", "recsys.workflows.train", "recsys.training.adamw.build", "recsys.training.sgd.svdpp",
    "recsys.training.sgd.dot_product", "recsys.training.gibbs.build", "recsys.training.ials.learner",
)  # fmt: skip
"""What steps need: imported once, before processes are forked for them; it starts no threads."""


def prepare(folder: Path) -> None:
    """Writes ratings and makes all runs, in processes of their own: "NAME" is finished, "NAME-cut" can be resumed.

    What is there already stays.
    """
    for module in IMPORTED:
        import_module(module)
    if folder.joinpath("data").exists():
        return
    _write_data(folder)
    for name in RUNS:
        whole, cut = partial(_train, folder, name), partial(_train, folder, name, cut=True)
        ends = run_steps({"whole": whole, "cut": cut}, seconds=300)
        assert all(end.how == "answer" for end in ends.values()), ends
    for name in folded():
        (end,) = run_steps({name: partial(_fold_in, folder, name)}, seconds=300).values()
        assert end.how == "answer", end


def folded() -> list[str]:
    """Those of FOLDED whose parent is among the runs."""
    return [name for name, parent in FOLDED.items() if parent in RUNS]


def serve(folder: Path) -> dict[str, Callable[[], Any]]:
    """All that is asked of a serving folder, by name; each opens it anew."""
    from recsys import api
    from recsys.artifacts.overview import describe
    from recsys.inference.recommender import Recommender

    def opened(ask: Callable[[Recommender], Any]) -> Callable[[], Any]:
        return lambda: finite(ask(Recommender.open(folder)))

    return {
        "predict": opened(lambda model: model.predict("u3", "i7", interval=0.5).to_dict()),
        "predict at": opened(lambda model: model.predict("u3", "i7", interval=0.5, at=1.0e9 + 5000).to_dict()),
        "predict unknown": opened(lambda model: model.predict("u?", "i?", on_unknown="mean", interval=0.5).to_dict()),
        "predict new": opened(lambda model: [model.predict("u3", item).to_dict() for item in NEW_ITEMS]),
        "recommend": opened(lambda model: _dicts(model.recommend("u3", 5))),
        "recommend new": opened(lambda model: _dicts(model.recommend("u3", 60, include_new=True, by="rating"))),
        "recommend by rating": opened(lambda model: _dicts(model.recommend("u3", 5, by="rating"))),
        "recommend for": opened(lambda model: _dicts(model.recommend_for(["i1", "i2"], [5, 1], 5))),
        "for by rating": opened(lambda model: _dicts(model.recommend_for(["i1", "i2"], [5, 1], 5, by="rating"))),
        "similar": opened(lambda model: _dicts(model.similar("i7", 3))),
        "explain": opened(lambda model: model.explain("u3", "i7", 3).to_dict()),
        "explain new": opened(lambda model: [model.explain("u3", item, 3).to_dict() for item in NEW_ITEMS]),
        "explain ranking": opened(lambda model: model.explain_ranking("u3", "i7", 3).to_dict()),
        "evaluate": lambda: finite(api.evaluate(folder)),
        "predict file": opened(lambda model: _predicted(model, folder.parent)),
        "export": lambda: _exported(folder),
        "export an index": lambda: _exported(folder, scorer="rating", index="hnsw"),
        "inspect": lambda: str(describe(folder, verify=True)),
    }


def resume(folder: Path) -> dict[str, Callable[[], Any]]:
    """All that is asked of a run that was cut short."""
    from recsys.artifacts.overview import describe
    from recsys.artifacts.run_config import read_run_config
    from recsys.workflows.train import train

    def resumed() -> Any:
        metrics = train(read_run_config(folder), folder, resume=True)
        kept = ("valid", "test", "best_epoch", "n_epochs")
        return finite(json.loads(json.dumps({key: metrics[key] for key in kept})))  # type: ignore[literal-required]

    return {"inspect": lambda: str(describe(folder, verify=True)), "resume": resumed}


def use(run: Path) -> dict[str, Callable[[], Any]]:
    """What makes new runs and files from a whole one, or measures it on other ratings."""
    from recsys import api

    new, ratings, items = run.parent / "new", run.parent / "data" / "new.csv", run.parent / "data" / "new_items.csv"
    shutil.rmtree(new, ignore_errors=True)

    def made(metrics: Mapping[str, Any]) -> Any:
        kept = {key: metrics.get(key) for key in ("valid", "test", "parent", "start")}
        return finite(json.loads(json.dumps([kept, Path(metrics["run_dir"]).name])))

    return {
        "fold in": lambda: made(api.fold_in(ratings, run, new / "folded")),
        "fold in features": lambda: made(api.fold_in(run=run, run_dir=new / "featured", items=items)),
        "serve folded": lambda: _dicts(api.load(new / "folded").recommend("new user", 5)),
        "update": lambda: made(api.update(ratings, run, new / "updated", overrides=["training.n_epochs=1"])),
        "update ranking": lambda: made(api.update(ratings, run, new / "ranking", only="ranking")),
        "evaluate on others": lambda: finite(api.evaluate(run, ratings, by_activity=True)),
        "evaluate new users": lambda: finite(api.evaluate(run, ranking={"new_users": True})),
        "recommend all": lambda: _listed(run, new / "lists.csv"),
        "interpret": lambda: finite(api.interpret(run)),
        "report": lambda: str(api.report(run, new / "report.html")),
        "layers": lambda: str(api.layers(run)),
    }


def in_new_folder(
    attack_in: Callable[[Path, int, float, Callable[[str], None]], Outcome],
) -> Callable[[int, float, Callable[[str], None]], Outcome]:
    """An attack on runs in a folder, with one of its own that is gone at the end."""

    def attack(seed: int, seconds: float, say: Callable[[str], None]) -> Outcome:
        with tempfile.TemporaryDirectory() as folder:
            return attack_in(Path(folder), seed, seconds, say)

    return attack


def copied(source: Path, target: Path) -> Path:
    """A fresh copy, without what was there."""
    shutil.rmtree(target, ignore_errors=True)
    return shutil.copytree(source, target, symlinks=True)


def finite(answer: Any) -> Any:
    """The answer.

    Raises:
        AssertionError: there is a number in it that is none.
    """
    if isinstance(answer, Mapping):
        return {key: finite(value) for key, value in answer.items()}
    if isinstance(answer, list | tuple):
        return [finite(value) for value in answer]
    if hasattr(answer, "to_dict"):
        return finite(answer.to_dict())
    assert not isinstance(answer, float) or math.isfinite(answer), f"{answer} in an answer"
    return answer


def _dicts(answers: list[Any]) -> list[Any]:
    return [answer.to_dict() for answer in answers]


def _predicted(model: Any, folder: Path) -> list[float]:
    from recsys import api

    pairs, output = folder / "pairs.csv", folder / "predictions.csv"
    pairs.write_text("user,item\nu1,i1\nu2,i2\nu3,nobody\n", encoding="utf-8")
    api.predict_file(model, pairs, output, on_unknown="mean")
    return [float(line.split(",")[2]) for line in output.read_text(encoding="utf-8").splitlines()[1:]]


def _listed(run: Path, output: Path) -> int:
    from recsys import api

    output.parent.mkdir(exist_ok=True)
    api.recommend_all(api.load(run), output, n=3)
    return len(output.read_text(encoding="utf-8"))


def _exported(folder: Path, **options: Any) -> list[str]:
    from recsys import api

    target = folder.parent / "exported"
    shutil.rmtree(target, ignore_errors=True)
    api.export_factors(folder, target, "npz", **options)
    return sorted(path.name for path in target.iterdir())


def _write_data(folder: Path) -> None:
    random = np.random.default_rng(3)
    user, item = np.divmod(random.permutation(N_USERS * N_ITEMS)[:N_RATINGS], N_ITEMS)
    taste = random.normal(size=(N_USERS, 2)), random.normal(size=(N_ITEMS, 2))
    stars = np.clip(np.round(6 + 2 * (taste[0][user] * taste[1][item]).sum(axis=1)), 1, 10) / 2
    data = folder / "data"
    data.mkdir(parents=True)
    rows = [f"u{u},i{i},{r},{10**9 + 60 * t}\n" for t, (u, i, r) in enumerate(zip(user, item, stars, strict=True))]
    (data / "ratings.csv").write_text("user,item,rating,timestamp\n" + "".join(rows), encoding="utf-8")
    titles = [f"i{i},Film {i},{'Comedy' if i % 2 else 'Drama'},{1950 + i}\n" for i in range(N_ITEMS)]
    (data / "items.csv").write_text("item,title,genre,year\n" + "".join(titles), encoding="utf-8")
    known = [f"new user,i{i},{1 + i % 5},{10**9 + 10**6 + i}\n" for i in range(12)]
    of_new = [f"u{u},new item,{1 + u % 5},{10**9 + 10**6 + u}\n" for u in range(9)]
    (data / "new.csv").write_text("user,item,rating,timestamp\n" + "".join(known + of_new), encoding="utf-8")
    new = "item,title,genre,year\nunrated,Film 51,Comedy,1980\nnew item,Film 52,Drama,1990\n"
    (data / "new_items.csv").write_text(new, encoding="utf-8")


def _train(folder: Path, name: str, *, cut: bool = False) -> None:
    from recsys.config.loading.load import config_from
    from recsys.core.events import Epoch
    from recsys.workflows.train import train

    data = folder / "data"
    sections = {"ranking": "none", **RUNS[name]}
    training = {"n_epochs": N_EPOCHS, "checkpoint_every": 1, **sections["training"]}
    files = {"ratings": str(data / "ratings.csv"), "items": str(data / "items.csv")}
    sections["data"] = {**files, **sections.get("data", {})}
    config = config_from({**sections, "training": training}, folder)

    def stop(event: object) -> None:
        if cut and isinstance(event, Epoch) and event.number == STOPPED_AFTER:
            raise StoppedError("stopped")

    try:
        train(config, folder / (f"{name}-cut" if cut else name), observe=stop)
    except StoppedError:
        assert cut


def _fold_in(folder: Path, name: str) -> None:
    from recsys import api

    ratings, items = folder / "data" / "new.csv", folder / "data" / "new_items.csv"
    api.fold_in(ratings, folder / FOLDED[name], folder / name, items=items)
