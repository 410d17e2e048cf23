"""Commands of the README and the docs run, and their links resolve."""

from __future__ import annotations

import importlib
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NOT_RUN = "<!-- not run by the tests: "
BLOCK = re.compile(r"^(?P<before>[^\n]*)\n```(?P<language>sh|python)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(document: Path) -> list[tuple[str, str]]:
    """Language and code of each block that is to be run."""
    matches = BLOCK.finditer(document.read_text(encoding="utf-8"))
    return [(match["language"], match["code"]) for match in matches if not match["before"].startswith(NOT_RUN)]


LINK = re.compile(r"\]\((?!https?:)(?P<target>[^)#\s]*)(?:#(?P<anchor>[^)\s]+))?\)")
IMPORT = re.compile(r"^from (recsys[\w.]*) import (.+)$", re.MULTILINE)
HEADING = re.compile(r"^#+ (?P<title>.+)$", re.MULTILINE)
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "benchmarks").glob("*.md")]
DOCUMENTS = [path for path in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))) if blocks(path)]


@pytest.mark.parametrize(
    "document",
    [pytest.param(path, marks=pytest.mark.slow) for path in DOCUMENTS],
    ids=[path.relative_to(ROOT).as_posix() for path in DOCUMENTS],
)
def test_every_block_runs(document: Path, tmp_path: Path) -> None:
    for folder in ("configs", "data"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    for language, code in blocks(document):
        if language == "python":
            run([sys.executable, "-c", code], tmp_path)
        else:
            for line in code.replace("\\\n", " ").splitlines():
                if words := shlex.split(line, comments=True):
                    run(words, tmp_path)


def test_what_is_not_run_says_why() -> None:
    for document in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md")):
        for line in document.read_text(encoding="utf-8").splitlines():
            assert not line.startswith(NOT_RUN) or re.fullmatch(re.escape(NOT_RUN) + r"\S.* -->", line)


def test_every_page_that_the_source_names_exists() -> None:
    code = [*(ROOT / "src").rglob("*.py"), *(ROOT / "tests").rglob("*.py"), *(ROOT / "benchmarks").glob("*.py")]
    for path in [*code, *(ROOT / "configs").glob("*.yaml")]:
        for page in re.findall(r"docs/[\w/-]+\.md", path.read_text(encoding="utf-8")):
            assert (ROOT / page).exists(), f"{path.relative_to(ROOT)} names {page}"


def test_every_module_that_an_example_imports_has_the_name() -> None:
    imports = [line for page in PAGES for line in IMPORT.findall(page.read_text(encoding="utf-8"))]
    assert imports
    for module, names in imports:
        for name in names.split(","):
            assert hasattr(importlib.import_module(module), name.split()[0]), f"{module} has no {name}"


@pytest.mark.parametrize("page", PAGES, ids=[path.relative_to(ROOT).as_posix() for path in PAGES])
def test_every_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    for link in LINK.finditer(page.read_text(encoding="utf-8")):
        target = page.parent / link["target"] if link["target"] else page
        assert target.exists(), link[0]
        if link["anchor"]:
            titles = HEADING.findall(target.read_text(encoding="utf-8"))
            anchors = [re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles]
            assert link["anchor"] in anchors, link[0]


def run(command: list[str], folder: Path) -> None:
    """Runs a command as it would run with the environment active."""
    scripts = str(Path(sys.executable).parent)
    env = {**os.environ, "PATH": scripts + os.pathsep + os.environ["PATH"], "COLUMNS": "80"}
    env.pop("RECSYS_RUNS", None)
    program = shutil.which(command[0], path=env["PATH"])
    assert program is not None, f"there is no {command[0]}"
    ended = subprocess.run([program, *command[1:]], cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, f"{shlex.join(command)}\n{ended.stdout}{ended.stderr}"
