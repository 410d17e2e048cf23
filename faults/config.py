"""Configs, spaces and overrides, odd and damaged: each is a config that loads back to itself, or an error of ours."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, get_args

from pydantic.fields import FieldInfo

from faults.cases import DisagreementError, Say, error_of, run_cases
from faults.outcome import Outcome
from recsys.config.fields import Variants, choices, fields, variants
from recsys.config.loading.dump import dump
from recsys.config.loading.edit import edited_config
from recsys.config.loading.load import config_from, load_config
from recsys.config.loading.problems import ROOT
from recsys.config.schema.config import Config
from recsys.config.space import read_space
from recsys.core.errors import ConfigError

LONGEST_SHOWN = 20_000  # signs of all errors of a config together
NUMBERS = (
    "0",
    "1",
    "-1",
    "3",
    "0.5",
    "1e-3",
    "-0.0",
    "10000000000",
    "1" + "0" * 30,
    "9" * 400,
    "9" * 5000,
    "1e400",
    "1e-400",
)
WORDS = (
    "auto",
    "true",
    "false",
    "null",
    "~",
    "",
    "yes",
    ".inf",
    "-.inf",
    ".nan",
    "none",
    "x",
    "010",
    "1:30",
    "2024-01-01",
)
TEXTS = (
    "'5'",
    '"\\t"',
    '"\\ud800"',
    "slice(1e-3)",
    "slice(1e-999)",
    "slice(9e999, 1)",
    "slice(" + "9" * 500 + ")",
    "é",
    "-",
    "'%'",
    "x" * 3000,
)
NESTED = (
    "[]",
    "{}",
    "[1, 2]",
    "[0.1, [0.1]]",
    "{a: 1}",
    "[" * 40 + "]" * 40,
    "{x: " * 40 + "}" * 40,
    "[[0.1]]",
    "[~]",
    "{low: 1, high: 3}",
)
YAML = (
    "*a",
    "&a 5",
    "&a [*a]",
    "!!int x",
    "!!python/name:os.system ''",
    "!mine 5",
    "!!binary aGk=",
    "? x",
    "<<: *a",
    "{<<: *a}",
    "|\n  a",
    ">-\n a",
)
SCRAPS = (
    "\n",
    ": ",
    "- ",
    "{",
    "}",
    "[",
    "]",
    "#",
    "&a ",
    "*a",
    "<<: ",
    "\t",
    "'",
    '"',
    "\0",
    "\ufeff",
    "\x85",
    "---\n",
    "...",
    "%",
    "@",
    "!!",
    "  ",
)


def attack(seed: int, seconds: float, say: Say) -> Outcome:
    """Texts of a few keys."""
    with tempfile.TemporaryDirectory(prefix="faults-config-") as folder:
        return run_cases(seed, seconds, say, partial(case, Path(folder)))


def case(folder: Path, random: Random) -> None:
    """One file, with overrides."""
    path = folder / "c.yaml"
    text = "data: {ratings: r.csv}\n" if random.random() < 0.3 else _text(random)
    content = (_damaged(random, text) if random.random() < 0.3 else text).encode("utf-8", "surrogatepass")
    path.write_bytes(content if random.random() < 0.95 else content + random.randbytes(3))
    overrides = [_override(random) for _ in range(random.choice((0, 0, 1, 2)))]
    config = _config(lambda: load_config(path, overrides))
    if config is not None:
        _check_kept(config, path, folder)
    _config(lambda: load_config(path))
    if random.random() < 0.2:
        base = config_from({"data": {"ratings": "r.csv"}}, folder)
        path.write_text(_space(random), encoding="utf-8")
        _config(lambda: read_space(path, base))


def _check_kept(config: Config, source: Path, folder: Path) -> None:
    copy = folder / "copy.yaml"
    texts = {
        "dump": dump(config),
        "ascii": dump(config, ascii_only=True),
        "edited": edited_config(source, config, copy),
    }
    for name, text in texts.items():
        copy.write_text(text, encoding="utf-8", newline="")
        if _config(lambda: load_config(copy)) != config:
            raise DisagreementError(f"{name}: another config than was written: {text[:300]}")
    if config_from(config.model_dump(exclude_none=True), folder) != config:
        raise DisagreementError("another config than its own values give")


def _config(load: Callable[[], Any]) -> Any:
    """The config; None where it is refused."""
    loaded: list[Any] = []
    error = error_of(lambda: loaded.append(load()), LONGEST_SHOWN, ConfigError)
    return loaded[0] if error is None else None


def _text(random: Random) -> str:
    lines = []
    if random.random() < 0.2:
        lines.append(random.choice(("a: &a {seed: 3}", "x: &a 5", "a0: &a [x, x]", "# remark", "%YAML 1.1\n---")))
    sections = fields(ROOT)
    names = ["data", *random.sample([*sections], random.randint(0, 4))]
    if random.random() < 0.9:
        names = [*dict.fromkeys(names)]
    for name in names:
        lines += _section(random, name, sections[name])
    return "\n".join(lines) + "\n"


def _section(random: Random, name: str, info: FieldInfo) -> list[str]:
    kinds = variants(info)
    if not kinds or random.random() < 0.1:
        return [f"{name}: {_value(random, info)}"]
    keys = {"ratings": "r.csv"} if name == "data" and random.random() < 0.9 else {}
    keys |= dict(_keys(random, (random.choice(kinds),)))
    if random.random() < 0.5:
        inner = ", ".join(f"{key}: {value}" for key, value in keys.items())
        return [f"{name}: {{{inner}}}"]
    return [f"{name}:", *(f"  {key}: {value}" for key, value in keys.items())]


def _keys(random: Random, kinds: Variants) -> list[tuple[str, str]]:
    known = fields(kinds)
    names = random.sample([*known], min(len(known), random.randint(0, 5)))
    pairs = [(name, _value(random, known[name])) for name in names]
    if random.random() < 0.1:
        pairs.append((random.choice(("sed", "x" * 500, "<<", "1", "true", "é", "lr", "?")), _odd(random)))
    return pairs


def _value(random: Random, info: FieldInfo) -> str:
    if random.random() < 0.4:
        return _odd(random)
    words = choices(info)
    if words and random.random() < 0.7:
        return random.choice(words)
    default = info.default
    if default is not None and isinstance(default, bool | int | float | str):
        return str(default).lower() if isinstance(default, bool) else str(default) or "''"
    return random.choice(NUMBERS[:6] if not get_args(info.annotation) else (*NUMBERS[:6], "[1, 2]", "auto"))


def _odd(random: Random) -> str:
    return random.choice(random.choice((NUMBERS, NUMBERS, WORDS, TEXTS, NESTED, YAML)))


def _override(random: Random) -> str:
    keys = [
        "seed",
        "training.n_epochs",
        "training.lr_max",
        "model",
        "model.embedding_dim",
        "data.ratings",
        "data.columns.user",
    ]
    keys += [
        "training",
        "split.method",
        "ranking",
        "x",
        "",
        ".",
        "a..b",
        "data",
        "seed.x",
        "a." * 40 + "b",
        "training.method",
    ]
    value = _odd(random) if random.random() < 0.7 else random.choice(("3", "sgd", "gibbs", "svdpp", "none", "{}"))
    return f"{random.choice(keys)}{random.choice(('=', '=', '=', '', '=='))}{value}"


def _space(random: Random) -> str:
    keys = ("training.lr_max", "model.embedding_dim", "training.n_epochs", "seed", "x.y", "data.ratings", "", "model")
    ends = f"{{low: {_odd(random)}, high: {_odd(random)}{random.choice(('', ', log: true', ', x: 1'))}}}"
    return "\n".join(
        f"{random.choice(keys)}: {random.choice((ends, '{low: 1, high: 5}', _odd(random)))}" for _ in range(2)
    )


def _damaged(random: Random, text: str) -> str:
    for _ in range(random.randint(1, 4)):
        place = random.randrange(len(text) + 1)
        length = random.choice((0, 0, 1, 5))
        text = f"{text[:place]}{random.choice(SCRAPS)}{text[place + length :]}"
    return text
