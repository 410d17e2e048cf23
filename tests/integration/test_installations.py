"""The wheel as people install it: what it says of itself, and what serves without torch, numba and pandas."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from email import message_from_bytes
from importlib.metadata import requires
from pathlib import Path
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
LOCK = ROOT / "requirements-serving.txt"
NOT_SERVED = {"torch", "numba", "pandas"}
SERVED = [
    ["predict", "0", "100"],
    ["predict", "--input", "pairs.csv", "--output", "predictions.csv"],
    ["recommend", "0"],
    ["recommend", "--ratings", "visitor.csv"],
    ["recommend", "--all", "--output", "lists.csv"],
    ["similar", "100"],
    ["items", "film"],
    ["explain", "0", "100"],
    ["explain", "0", "100", "--by", "ranking"],
    ["interpret"],
    ["report"],
    ["evaluate", "--ranking"],
    ["evaluate", "--data", "ratings.csv"],
    ["compare", "first", "first"],
    ["fold-in", "--ratings", "new.csv"],
    ["export-factors", "--output", "factors", "--format", "parquet"],
    ["inspect", "first", "--layers"],
    ["init", "ratings.csv", "--output", "new.yaml"],
    ["sample"],
]
TRAINED = [
    ["train", "--config", "config.yaml"],
    ["train", "--config", "config.yaml", "--dry-run"],
    ["finetune", "--from", "first", "--config", "config.yaml"],
    ["update", "--ratings", "ratings.csv"],
    ["lr-find", "--config", "config.yaml"],
    ["cross-validate", "--config", "config.yaml"],
    ["evaluate", "--ranking", "--new-users"],
]


def pins(path: Path) -> dict[str, str]:
    lines = (line.partition(";")[0].strip() for line in path.read_text().splitlines())
    pairs = (line.split("==") for line in lines if line and not line.startswith("#"))
    return {plain(name): version for name, version in pairs}


def closure(requirements: list[str]) -> set[str]:
    """The packages that are required here but for training, and those that they require."""
    entries = [Requirement(line) for line in requirements]
    names = {entry.name for entry in entries if entry.marker is None or entry.marker.evaluate({"extra": ""})}
    return {plain(name) for name in names - NOT_SERVED}.union(
        *(closure(requires(name) or []) for name in names - NOT_SERVED)
    )


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_the_lock_file_has_what_serving_needs_at_the_versions_that_are_tested() -> None:
    locked, tested = pins(LOCK), pins(ROOT / "constraints.txt")
    names = closure(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"])
    assert locked.keys() - {"colorama"} == names  # that is for Windows
    assert {name: tested[name] for name in names} == {name: locked[name] for name in names}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run([sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(ROOT)], folder)
    return next(folder.glob("*.whl"))


@pytest.mark.slow
def test_links_of_the_readme_lead_somewhere_from_the_page_of_the_package(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith("/METADATA"))
        metadata = message_from_bytes(archive.read(name))
    links = re.findall(r"\]\(([^)]+)\)", str(metadata.get_payload()))
    assert links
    assert all(link.startswith(("https://", "#")) for link in links)
    for link in re.findall(r"\]\(https://github.com/[^/]+/[^/]+/blob/main/([^)#]+)", str(metadata.get_payload())):
        assert (ROOT / link).exists(), link
    assert {line.partition(",")[0] for line in metadata.get_all("Project-URL") or []} > {"Repository", "Documentation"}


@pytest.fixture(scope="module")
def serving(
    wheel: Path, finished_ranked: Path, ratings_csv: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[list[str]], subprocess.CompletedProcess[str]]:
    """Runs recsys in an environment of the lock file alone, in a folder with a run that was trained elsewhere."""
    folder = tmp_path_factory.mktemp("serving")
    run([sys.executable, "-m", "venv", str(folder / "venv")], folder)
    scripts = next(path for path in ((folder / "venv" / name) for name in ("bin", "Scripts")) if path.exists())
    run([str(scripts / "python"), "-m", "pip", "install", "-q", "--no-deps", "-r", str(LOCK), str(wheel)], folder)
    shutil.copytree(finished_ranked, folder / "runs" / "first")
    shutil.copy(ratings_csv, folder)
    (folder / "config.yaml").write_text("data: {ratings: ratings.csv}\n")
    (folder / "pairs.csv").write_text("userId,movieId\n0,100\n")
    (folder / "visitor.csv").write_text("movieId,rating\n100,5\n110,2\n")
    (folder / "new.csv").write_text("userId,movieId,rating\n77,100,5\n77,110,2\n")

    def command(arguments: list[str]) -> subprocess.CompletedProcess[str]:
        line = [str(scripts / "python"), "-m", "recsys", *arguments]
        return subprocess.run(line, cwd=folder, env={"PATH": ""}, capture_output=True, text=True, check=False)

    return command


@pytest.mark.slow
def test_without_torch_numba_and_pandas_all_but_training_works(
    serving: Callable[[list[str]], subprocess.CompletedProcess[str]],
) -> None:
    for arguments in SERVED:
        ended = serving(arguments)
        assert ended.returncode == 0, f"{arguments}\n{ended.stderr}"
    for arguments in TRAINED:
        ended = serving(arguments)
        assert (ended.returncode, "hint: pip install recsys-trainer" in ended.stderr) == (2, True), ended.stderr
        assert "bug" not in ended.stderr


def run(command: list[str], folder: Path) -> None:
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
