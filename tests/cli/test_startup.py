"""What a command imports: nothing that it does not need."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

HEAVY = ("torch", "pandas", "numba", "scipy", "pyarrow", "numpy")
PROGRAM = """
import sys
from recsys.cli.app import main
try:
    main()
except SystemExit as leaving:
    code = leaving.code
print("imported", *(name for name in {names!r} if name in sys.modules), file=sys.stderr)
sys.exit(code)
"""


@pytest.fixture
def imported() -> Callable[..., tuple[int, set[str]]]:
    """imported("predict", …) → the exit code in a fresh interpreter, and which heavy modules it imported."""

    def run(*arguments: str) -> tuple[int, set[str]]:
        program = PROGRAM.format(names=HEAVY)
        ended = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False)
        return ended.returncode, set(ended.stderr.splitlines()[-1].split()[1:])

    return run


Imported = Callable[..., tuple[int, set[str]]]


def test_help_imports_nothing_heavy(imported: Imported, here: Path) -> None:
    assert imported("--help") == (0, set())
    assert imported("train", "--help") == (0, set())


def test_a_config_is_checked_without_anything_heavy(imported: Imported, data: Path) -> None:
    assert imported("config", "validate", "config.yaml") == (0, set())
    assert imported("train", "--config", "config.yaml", "--set", "training.epochs=3") == (2, set())
    assert imported("train") == (2, set())


def test_serving_imports_no_torch_pandas_or_numba(imported: Imported, run: Path, data: Path) -> None:
    (data / "pairs.csv").write_text("user,item\n0,100\n")
    for arguments in [
        ("predict", "0", "100"),
        ("recommend", "0", "--json"),
        ("runs",),
        ("inspect", "runs/first"),
        ("predict", "--input", "pairs.csv", "--output", "out.csv"),
        ("recommend", "--all", "--output", "top.csv"),
        ("evaluate", "--data", "ratings.csv"),
        ("evaluate", "--by-activity", "--ranking"),
        ("compare", "runs/first", "runs/first"),
        ("export-factors", "--output", "factors"),
        ("interpret", "-n", "2"),
        ("similar", "110"),
        ("explain", "0", "110"),
    ]:
        code, found = imported(*arguments)
        assert (code, found & {"torch", "pandas", "numba", "scipy"}) == (0, set()), arguments


def test_one_prediction_imports_numpy_alone(imported: Imported, run: Path) -> None:
    assert imported("predict", "0", "100")[1] == {"numpy"}


def test_a_data_error_imports_no_torch(imported: Imported, data: Path) -> None:
    (data / "ratings.csv").write_text("userId,movieId,rating\n")
    assert imported("init", "ratings.csv", "--output", "new.yaml")[1].isdisjoint({"torch", "pandas", "numba"})
