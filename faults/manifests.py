"""Runs of a stranger: manifests and arrays with hostile content under checksums that are right.

Whatever they hold, what is asked of them ends with finite numbers, or with an error of ours: no traceback, no crash, no
hang.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from faults.isolated import Ended, attacked, run_steps
from faults.outcome import Outcome
from faults.trained import RUNS, copied, folded, in_new_folder, prepare, resume, serve, use

SECONDS = 60.0  # for a step; on a busy machine a resume may take ten
RESUMED, USED = 0.25, 0.25  # shares of the cases
CLOSING = (
    "checkpoints/last",
    "serving/serving.json",
    "measured/serving.json",
)  # that metrics.json names, as it does state.json
MODEL_FILES = "model.safetensors", "learner.safetensors"
VALUES: list[Any] = [
    None, True, False, -1, 0, 1, 2, 2**31, 2**63, 10**30, -(2**70), 1e-300, 1e300, float("nan"), float("inf"), "", "x",
    "rating", "../../etc/passwd", "/dev/zero", "users.safetensors", "CON", "a" * 100_000, [], {}, [[]], {"": {}},
]  # fmt: skip
NUMBERS = [0, -1, 1, 1e-300, 1e-30, 1e15, 3e38, 1e300, -1e300, np.nan, np.inf, -np.inf, 2**31, 2**62, -(2**62)]
TYPES = ["float16", "float32", "float64", "int32", "int64", "uint8"]


def attack_in(folder: Path, seed: int, seconds: float, say: Callable[[str], None], n_cases: int = 10**9) -> Outcome:
    """Cases for as long as there is time, at most so many, on runs in a folder; they are made where there are none."""
    prepare(folder)
    return attacked(lambda number: case(folder, seed, number), seconds, say, n_cases)


def case(folder: Path, seed: int, number: int) -> tuple[str, dict[str, Ended]]:
    """One case: what is changed, and how each step ended."""
    draw = random.Random(f"{seed} {number}")
    name, share = draw.choice([*RUNS, *folded()]), draw.random()
    if share < RESUMED and name in RUNS:
        run = copied(folder / f"{name}-cut", folder / "attacked")
        what = change(newest(run), "state.json", draw)
        return f"{name}-cut: {what}", run_steps(resume(run), SECONDS)
    if share < RESUMED + USED:
        run = copied(folder / name, folder / "attacked")
        what = change_run(run, draw)
        return f"whole {name}: {what}", run_steps(use(run), SECONDS)
    serving = copied(folder / name / "serving", folder / "attacked")
    what = change(serving, "serving.json", draw)
    return f"{name}: {what}", run_steps(serve(serving), SECONDS)


def newest(run: Path) -> Path:
    """The newest checkpoint of a run."""
    return run / "checkpoints" / (run / "checkpoints" / "last").read_text().strip()


def change_run(run: Path, draw: random.Random) -> str:
    """Changes something in the serving folder, a checkpoint or metrics.json of a run, and seals all anew."""
    metrics = read_manifest(run / "metrics.json")
    how = draw.random()
    if how < 0.1:
        what = "metrics.json: " + _change_json(metrics, draw)
    elif how < 0.4:
        checkpoint = draw.choice(sorted(path.parent for path in run.glob("checkpoints/*/state.json")))
        what = f"{checkpoint.name}: {change(checkpoint, 'state.json', draw)}"
    else:
        what = change(run / "serving", "serving.json", draw)
    if isinstance(metrics.get("files"), dict):
        for name in metrics["files"].keys() & {*CLOSING, f"checkpoints/{newest(run).name}/state.json"}:
            metrics["files"][name] = entry((run / name).read_bytes())
    seal_anew(run / "metrics.json", metrics)
    return what


def change(folder: Path, json_name: str, draw: random.Random) -> str:
    """Changes something in a sealed folder, and seals it anew; returns what."""
    manifest = read_manifest(folder / json_name)
    if draw.random() < 0.4:
        what = _change_json(manifest, draw)
        seal_anew(folder / json_name, manifest)
        return f"{json_name}: {what}"
    name = draw.choice(sorted(manifest["files"]))
    arrays = read_arrays((folder / name).read_bytes())
    if draw.random() < 0.15 or not arrays:
        what, content = _change_bytes((folder / name).read_bytes(), draw)
    else:
        what = "; ".join(_change_array(arrays, draw) for _ in range(draw.choice([1, 1, 1, 2])))
        content = write_arrays(arrays)
    replace_file(folder, json_name, name, content)
    return f"{name}: {what}"


def read_manifest(path: Path) -> dict[str, Any]:
    """The content of a manifest without its checksum."""
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    del content["checksum"]
    return content


def seal_anew(path: Path, content: object) -> None:
    """Writes a manifest with the checksum of what it is now."""
    body = json.dumps(content, indent=2, ensure_ascii=False).removesuffix("\n}")
    checksum = hashlib.sha256(f"{body}\n}}".encode("utf-8", "surrogatepass")).hexdigest()
    path.write_bytes(f'{body},\n  "checksum": "{checksum}"\n}}\n'.encode("utf-8", "surrogatepass"))


def replace_file(folder: Path, json_name: str, name: str, content: bytes) -> None:
    """Writes a file of arrays, and its size and checksum into the manifest."""
    (folder / name).write_bytes(content)
    manifest = read_manifest(folder / json_name)
    manifest["files"][name] = entry(content)
    seal_anew(folder / json_name, manifest)


def entry(content: bytes) -> dict[str, Any]:
    """What a manifest says of a file."""
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def read_arrays(content: bytes) -> dict[str, np.ndarray]:
    """The arrays of a safetensors file."""
    from safetensors.numpy import load

    return dict(load(content))


def write_arrays(arrays: dict[str, np.ndarray]) -> bytes:
    """A safetensors file."""
    from safetensors.numpy import save

    return save({name: np.ascontiguousarray(array) for name, array in arrays.items()})


def _change_json(content: dict[str, Any], draw: random.Random) -> str:
    """Replaces, removes or adds a value somewhere in it."""
    places = list(_places(content))
    holder, key = draw.choice(places)
    before = str(holder[key])[:40]
    how = draw.random()
    if how < 0.15 and isinstance(holder, dict):
        del holder[key]
        return f"without {key}"
    if how < 0.25 and isinstance(holder, dict):
        holder[draw.choice(["extra", "../x", "", "rating", "ranking", "a" * 5000])] = holder[key]
        return f"a copy of {key}"
    if how < 0.3:
        value: Any = []
        for _ in range(draw.choice([50, 900])):
            value = [value]
    else:
        others = [there[name] for there, name in places]
        value = draw.choice(VALUES) if draw.random() < 0.7 else json.loads(json.dumps(draw.choice(others)))
    holder[key] = value
    return f"{key}: {before} → {str(value)[:40]!r}"


def _places(content: Any) -> Any:
    keys = content.keys() if isinstance(content, dict) else range(len(content)) if isinstance(content, list) else ()
    for key in keys:
        yield content, key
        yield from _places(content[key])


def _change_array(arrays: dict[str, np.ndarray], draw: random.Random) -> str:
    if not arrays:
        return "nothing is left"
    name = draw.choice(sorted(arrays))
    how = draw.choice(sorted(CHANGES))
    with np.errstate(all="ignore"):
        CHANGES[how](arrays, name, draw)
    return f"{name} {how}"


def _set(arrays: dict[str, np.ndarray], name: str, draw: random.Random, *, every: bool) -> None:
    array = arrays[name] = arrays[name].copy()
    value = np.array(draw.choice(NUMBERS)).astype(array.dtype)
    if every:
        array[...] = value
    elif array.size:
        array.reshape(-1)[draw.randrange(array.size)] = value


def _cut(arrays: dict[str, np.ndarray], name: str, draw: random.Random) -> None:
    array = arrays[name]
    axis = draw.randrange(array.ndim)
    n = draw.choice([0, 1, array.shape[axis] // 2, max(array.shape[axis] - 1, 0)])
    arrays[name] = np.take(array, np.arange(n), axis=axis) if n <= array.shape[axis] else array


def _lengthen(arrays: dict[str, np.ndarray], name: str, draw: random.Random) -> None:
    axis = draw.randrange(arrays[name].ndim)
    arrays[name] = np.concatenate([arrays[name]] * 2, axis=axis)


def _swap(arrays: dict[str, np.ndarray], name: str, draw: random.Random) -> None:
    other = draw.choice(sorted(arrays))
    arrays[name], arrays[other] = arrays[other], arrays[name]


def _shuffle(arrays: dict[str, np.ndarray], name: str, draw: random.Random) -> None:
    arrays[name] = np.random.default_rng(draw.randrange(2**32)).permutation(arrays[name])


def _scale(arrays: dict[str, np.ndarray], name: str, draw: random.Random) -> None:
    arrays[name] = (arrays[name] * draw.choice([0.0, -1.0, 1e-20, 1e20, 1e5])).astype(arrays[name].dtype)


def _noise(arrays: dict[str, np.ndarray], name: str, draw: random.Random) -> None:
    array = arrays[name]
    content = draw.randbytes(array.nbytes)
    arrays[name] = np.frombuffer(content, dtype=array.dtype).reshape(array.shape)


CHANGES: dict[str, Callable[[dict[str, np.ndarray], str, random.Random], object]] = {
    "holds one number everywhere": lambda arrays, name, draw: _set(arrays, name, draw, every=True),
    "holds one odd number": lambda arrays, name, draw: _set(arrays, name, draw, every=False),
    "is cut": _cut,
    "is twice as long": _lengthen,
    "is of another type": lambda arrays, name, draw: arrays.update(
        {name: arrays[name].astype(draw.choice(TYPES))},
    ),
    "is transposed": lambda arrays, name, draw: arrays.update({name: arrays[name].T}),
    "is flat": lambda arrays, name, draw: arrays.update({name: arrays[name].reshape(-1)}),
    "is deep": lambda arrays, name, draw: arrays.update({name: arrays[name][None, None]}),
    "is gone": lambda arrays, name, draw: arrays.pop(name),
    "has another name": lambda arrays, name, draw: arrays.update({f"{name}x": arrays.pop(name)}),
    "is swapped": _swap,
    "is shuffled": _shuffle,
    "is reversed": lambda arrays, name, draw: arrays.update({name: arrays[name][::-1]}),
    "is scaled": _scale,
    "is noise": _noise,
}  # fmt: skip


def _change_bytes(content: bytes, draw: random.Random) -> tuple[str, bytes]:
    """A header that lies, or a file that is something else."""
    length = int.from_bytes(content[:8], "little")
    header, rest = json.loads(content[8 : 8 + length]), content[8 + length :]
    how = draw.choice(["cut", "longer", "noise", "length", "deep", "value", "empty"])
    if how == "cut":
        return how, content[: draw.randrange(len(content))]
    if how == "longer":
        return how, content + bytes(draw.choice([1, 8, 4096]))
    if how == "noise":
        return how, draw.randbytes(draw.randrange(1, 500))
    if how == "length":
        return how, draw.choice([0, 1, 2**20, 2**32, 2**63, 2**64 - 1]).to_bytes(8, "little") + content[8:]
    if how == "empty":
        return how, b""
    if how == "deep" or not header:
        text = b"[" * 100_000
    else:
        what = _change_json(header, draw)
        how, text = f"header: {what}", json.dumps(header).encode("utf-8", "surrogatepass")
    return how, len(text).to_bytes(8, "little") + text + rest


attack = in_new_folder(attack_in)
