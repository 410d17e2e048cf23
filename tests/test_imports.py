"""What a fresh interpreter loads, and what it does not."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SERVING = """
import sys
from pathlib import Path
import recsys
run, out = Path(sys.argv[1]), Path(sys.argv[2])
recommender = recsys.load(run)
recommender.predict(0, 100)
recommender.recommend(0, 3, min_ratings=2, candidates=[100, 101, 102])
recsys.export_factors(run, out / "npz", "npz")
recsys.export_factors(run, out / "safetensors", "safetensors")
"""
FILES = """
from recsys.core.events import silent
from recsys.inference.batch import predict_file
recsys.recommend_all(recommender, out / "top.csv", 3)
(out / "pairs.csv").write_text("userId,movieId\\n0,100\\n")
predict_file(recommender.bundle, out / "pairs.csv", out / "predictions.csv", "error", silent)
recsys.export_factors(run, out / "csv", "csv")
recsys.export_factors(run, out / "parquet", "parquet")
(out / "new.csv").write_text("userId,movieId,rating\\n0,100,3\\n")
recsys.evaluate(run, out / "new.csv")
"""


def modules_after(code: str, *arguments: Path | str) -> set[str]:
    """The top-level modules that a fresh interpreter holds after running `code`."""
    code += "\nimport json, sys\nprint(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONWARNINGS": "error"},
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.slow
def test_serving_needs_neither_torch_nor_pandas_nor_numba(finished: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(finished / "serving", tmp_path / "copied elsewhere")
    loaded = modules_after(SERVING, copy, tmp_path)
    assert loaded & {"torch", "pandas", "numba", "pyarrow", "typer", "rich"} == set()


@pytest.mark.slow
@pytest.mark.parametrize(("method", "model"), [("gibbs", "svdpp"), ("sgd", "dot_product"), ("sgd", "svdpp")])
def test_gibbs_and_sgd_train_without_torch(method: str, model: str, ratings_csv: Path, tmp_path: Path) -> None:
    """Which takes as long to load as some hundred sweeps on 100,000 ratings."""
    training = "import sys, recsys; recsys.train({'data': {'ratings': sys.argv[1]}, 'model': {'kind': sys.argv[3]},"
    training += " 'training': {'method': sys.argv[4], 'n_epochs': 2}}, sys.argv[2])"
    loaded = modules_after(training, ratings_csv, tmp_path / "run", model, method)
    assert loaded & {"torch", "pandas", "typer", "rich"} == set()


@pytest.mark.slow
def test_serving_from_file_to_file_needs_neither_torch_nor_numba(finished: Path, tmp_path: Path) -> None:
    loaded = modules_after(SERVING + FILES, finished, tmp_path)
    assert loaded & {"torch", "numba", "typer", "rich"} == set()


@pytest.mark.slow
def test_importing_recsys_loads_nothing_large() -> None:
    loaded = modules_after("import recsys; recsys.__version__; recsys.RecsysError")
    assert loaded & {"numpy", "torch", "pandas", "numba", "pydantic", "yaml", "pyarrow", "typer"} == set()


@pytest.mark.slow
def test_validating_a_config_needs_neither_torch_nor_numpy(finished: Path) -> None:
    code = "import sys, pathlib, recsys.config.loading.load as load; load.load_config(pathlib.Path(sys.argv[1]))"
    loaded = modules_after(code, finished / "config.yaml")
    assert loaded & {"numpy", "torch", "pandas", "numba", "pyarrow"} == set()


@pytest.mark.slow
def test_reading_ratings_needs_neither_torch_nor_numba(ratings_csv: Path) -> None:
    loaded = modules_after("import sys, recsys; recsys.split(recsys.read_ratings(sys.argv[1]))", ratings_csv)
    assert loaded & {"torch", "numba"} == set()
