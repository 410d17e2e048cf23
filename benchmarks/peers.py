"""Other people's trainers, each in a virtual environment of its own under benchmarks/.cache/."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from measure import PeerError
from synthetic import CACHE

VERSIONS = {
    "libmf": "0.9.2",
    "scikit-surprise": "1.1.5",
    "cornac": "3.0.1",
    "implicit": "0.7.3",
    "myfm": "0.4.0",
    "lightfm-next": "1.19.0",
}
FLAGS = ("-O3", "-pthread", "-std=c++0x", "-march=native", "-DUSEAVX", "-mavx", "-DUSEOMP", "-fopenmp")


def answer_of(package: str, program: str, *arguments: object) -> dict[str, Any]:
    """The JSON that a program prints last, run with the peer's Python."""
    python = peer_python(package)
    quiet = {"PYTHONWARNINGS": "ignore"}
    try:
        out = output_of([python, "-c", program, *arguments], quiet)
    except subprocess.CalledProcessError as error:
        raise PeerError(f"stopped with exit code {error.returncode}") from error
    answer: dict[str, Any] = json.loads(out.splitlines()[-1])
    return answer


def peer_python(package: str) -> Path:
    """The Python of an environment that has `package`; it is made the first time."""
    folder = CACHE / f"peer-{package}"
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not (folder / "ready").exists():
        try:
            output_of([sys.executable, "-m", "venv", folder])
            output_of([python, "-m", "pip", "install", "--quiet", f"{package}=={VERSIONS[package]}"])
        except (OSError, subprocess.CalledProcessError) as error:
            raise PeerError("could not be installed") from error
        (folder / "ready").touch()
    return python


def build_libmf() -> Path:
    """The program of libmf_train.cpp, built once from the source in libmf's package, with the flags of its Makefile."""
    program = CACHE / "libmf_train"
    driver = Path(__file__).with_name("libmf_train.cpp")
    if program.exists() and program.stat().st_mtime > driver.stat().st_mtime:
        return program
    CACHE.mkdir(exist_ok=True)
    named = f"libmf=={VERSIONS['libmf']}"
    pip = [sys.executable, "-m", "pip", "--quiet", "download", "--no-deps", "--no-build-isolation"]
    try:
        with tempfile.TemporaryDirectory() as folder:
            output_of([*pip, "--no-binary", ":all:", "--dest", folder, named])
            with tarfile.open(next(Path(folder).glob("*.tar.gz"))) as archive:
                archive.extractall(folder, filter="data")
            source = Path(folder) / named.replace("==", "-") / "src_cpp"
            output_of(["g++", *FLAGS, f"-I{source}", driver, source / "mf.cpp", "-o", program])
    except (OSError, subprocess.CalledProcessError) as error:
        raise PeerError("could not be built") from error
    return program


def output_of(command: list[object], variables: dict[str, str] | None = None) -> str:
    """What a command prints; what it says on the side is shown only if it fails.

    Python keeps bytecode, as it does unless it is told not to, so that a start doesn't compile every module anew.
    """
    words = [str(word) for word in command]
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment = kept | (variables or {})
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        sys.stderr.write(done.stderr)
    done.check_returncode()
    return done.stdout
