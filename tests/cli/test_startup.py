"""What a command imports: nothing that it does not need."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from recsys.cli.commands import COMMANDS

HEAVY = ("torch", "pandas", "numba", "scipy", "pyarrow", "numpy")
UNUSED = ("yaml", "recsys.config.schema.config", "recsys.evaluation.intervals")  # by one prediction
PROGRAM = """
import json, sys
from recsys.cli.app import answer
for command in json.loads(sys.argv[1]):
    try:
        answer(command)
    except SystemExit as leaving:
        code = leaving.code
    print("imported", code, *(name for name in {names!r} if name in sys.modules), file=sys.stderr)
"""


@pytest.fixture
def imported() -> Callable[..., list[tuple[int, set[str]]]]:
    """imported(("predict", …), …) runs commands in one fresh interpreter.

    Of each, the exit code, and which heavy modules were imported by it or by those before it.
    """

    def run(*commands: tuple[str, ...]) -> list[tuple[int, set[str]]]:
        program = [sys.executable, "-c", PROGRAM.format(names=HEAVY), json.dumps(commands)]
        ended = subprocess.run(program, capture_output=True, text=True, check=False)
        imports = [line.split()[1:] for line in ended.stderr.splitlines() if line.startswith("imported ")]
        assert len(imports) == len(commands), ended.stderr
        return [(int(code), set(names)) for code, *names in imports]

    return run


@pytest.fixture
def loaded() -> Callable[..., set[str]]:
    """loaded(names, "train", "--help") runs a command in a fresh interpreter: those of the names that it imported."""

    def run(names: set[str], *arguments: str) -> set[str]:
        program = [sys.executable, "-c", PROGRAM.format(names=sorted(names)), json.dumps([arguments])]
        ended = subprocess.run(program, capture_output=True, text=True, check=False)
        return set(ended.stderr.splitlines()[-1].split()[2:])

    return run


Imported = Callable[..., list[tuple[int, set[str]]]]


@pytest.mark.slow
def test_help_imports_nothing_heavy(imported: Imported, here: Path) -> None:
    assert imported(("--help",), ("train", "--help")) == [(0, set())] * 2


@pytest.mark.slow
def test_the_list_of_commands_needs_no_pydantic_or_yaml(loaded: Callable[..., set[str]], here: Path) -> None:
    assert loaded({"pydantic", "yaml"}, "--help") == set()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "own"),
    [
        (["--help"], set()),
        (["--version"], set()),
        (["trian"], set()),
        (["train", "--help"], {"recsys.cli.train"}),
        (["config", "--help"], {"recsys.cli.config"}),
    ],
)
def test_a_command_imports_its_own_module_alone(
    loaded: Callable[..., set[str]], here: Path, arguments: list[str], own: set[str]
) -> None:
    assert loaded({command.target.partition(":")[0] for command in COMMANDS}, *arguments) == own


@pytest.mark.slow
def test_a_config_is_checked_without_anything_heavy(imported: Imported, data: Path) -> None:
    commands = [
        ("config", "validate", "config.yaml"),
        ("train", "--config", "config.yaml", "--set", "training.epochs=3"),
        ("train",),
    ]
    assert imported(*commands) == [(0, set()), (2, set()), (2, set())]


@pytest.mark.slow
def test_serving_imports_no_torch_pandas_or_numba(imported: Imported, run: Path, data: Path) -> None:
    (data / "pairs.csv").write_text("user,item\n0,100\n")
    commands = [
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
    ]
    for command, (code, modules) in zip(commands, imported(*commands), strict=True):
        assert (code, modules & {"torch", "pandas", "numba", "scipy"}) == (0, set()), command


@pytest.mark.slow
def test_one_prediction_imports_numpy_alone(loaded: Callable[..., set[str]], run: Path) -> None:
    assert loaded({*HEAVY, *UNUSED}, "predict", "0", "100") == {"numpy"}


@pytest.mark.slow
def test_a_data_error_imports_no_torch(imported: Imported, data: Path) -> None:
    (data / "ratings.csv").write_text("userId,movieId,rating\n")
    (_, modules), *_ = imported(("init", "ratings.csv", "--output", "new.yaml"))
    assert modules.isdisjoint({"torch", "pandas", "numba"})
