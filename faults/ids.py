"""Raw ids of every kind, in Python and on the command line: an answer for the id that was meant, or an error."""

from __future__ import annotations

import contextlib
import datetime
import decimal
import io
import math
import os
import signal
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pyarrow as pa

import recsys
from faults.cases import DisagreementError, Say, error_of, run_cases
from faults.outcome import Outcome
from recsys.cli.app import answer
from recsys.core.signals import stopping_signals
from recsys.inference.recommender import Recommender

N_USERS, N_ITEMS = 24, 16
TEXT_IDS = (
    "a",
    "b c",
    "é",
    "-5",
    "--",
    "=1+1",
    "@x",
    '"q"',
    "a,b",
    "1",
    "01",
    "1.0",
    "nan",
    "None",
    "x" * 300,
    "\ufeff1",
    "🙂",
    "a\u2028b",
)
NUMBERS = (
    0,
    -1,
    1,
    7,
    2**31,
    2**63,
    -(2**63),
    2**64,
    10**400,
    10**5000,
    True,
    1.0,
    1.5,
    math.nan,
    math.inf,
    1e20,
    -0.0,
)
TEXTS = (
    "",
    " ",
    "1",
    " 1",
    "1 ",
    "01",
    "+1",
    "1.0",
    "1e0",
    "１",
    "٣",
    "a\0b",
    "\ud800",
    "x" * 100_000,
    "-1",
    "--run",
    "nan",
)
OTHERS = (
    None,
    b"1",
    [1],
    (1,),
    {"a": 1},
    {1},
    object(),
    1j,
    decimal.Decimal(1),
    datetime.date(2024, 1, 1),
    len,
    "\x1b[3m",
)
ARRAYS = (np.int64(1), np.float64("nan"), np.str_("a"), np.bool_(True), np.array(1), np.array([1]), pa.scalar("a"))
MORE_ARRAYS = (np.uint64(2**64 - 1), np.datetime64("2024-01-01"), pa.scalar(1), pa.scalar(None), pa.array([1]))
ODD_IDS: tuple[Any, ...] = (*NUMBERS, *TEXTS, *OTHERS, *ARRAYS, *MORE_ARRAYS)
LONGEST_SHOWN = 4_000  # signs of a message
EXIT_CODES = range(8)


@dataclass(frozen=True)
class Run:
    """A finished run: where it is, opened, and its own ids."""

    path: Path
    model: Recommender
    users: tuple[Any, ...]
    items: tuple[Any, ...]


def attack(seed: int, seconds: float, say: Say) -> Outcome:
    """Runs with whole numbers and with texts as ids."""
    with tempfile.TemporaryDirectory(prefix="faults-ids-") as folder, contextlib.chdir(folder):
        runs = small_runs(Path(folder))
        return run_cases(seed, seconds, say, partial(case, runs))


def small_runs(folder: Path) -> list[Run]:
    """One with whole numbers, one with texts, each with two scorers."""
    users = [
        tuple(range(1, N_USERS + 1)),
        tuple(f"{TEXT_IDS[k % len(TEXT_IDS)]}{k // len(TEXT_IDS) or ''}" for k in range(N_USERS)),
    ]
    items = [tuple(range(10, 10 + N_ITEMS)), TEXT_IDS[:N_ITEMS]]
    runs = []
    for number, (user_ids, item_ids) in enumerate(zip(users, items, strict=True)):
        random = Random(number)
        pairs = [(user, item) for user in user_ids for item in item_ids if random.random() < 0.6]
        columns = {"user": [user for user, _ in pairs], "item": [item for _, item in pairs]}
        table = pa.table({**columns, "rating": [float(random.randint(1, 5)) for _ in pairs]})
        config = {
            "model": {"embedding_dim": 2},
            "training": {"method": "sgd", "n_epochs": 1},
            "data": {"source": "frame"},
        }
        path = folder / f"run{number}"
        recsys.train({**config, "ranking": {"n_epochs": 1, "embedding_dim": 2}}, run_dir=path, data=table)
        runs.append(Run(path, recsys.load(path), user_ids, item_ids))
    return runs


def case(runs: list[Run], random: Random) -> None:
    """One call, or one command."""
    run = random.choice(runs)
    random.choices((_call, _command, _table, _fold_in), weights=(80, 12, 6, 2))[0](run, random)


def _any_id(random: Random, own: tuple[Any, ...]) -> Any:
    kind = random.random()
    if kind < 0.4 and own:
        return random.choice(own)
    if kind < 0.85:
        return random.choice(ODD_IDS)
    if kind < 0.9:
        return random.choice((random.randint(-(10**6), 10**6), random.random(), np.int32(random.randint(0, 30))))
    return "".join(
        chr(random.choice((random.randrange(32), random.randrange(0x110000), 49))) for _ in range(random.randint(1, 9))
    )


def _some_ids(random: Random, own: tuple[Any, ...]) -> Any:
    ids = [_any_id(random, own) if random.random() < 0.3 else random.choice(own) for _ in range(random.randint(0, 6))]
    return random.choice(
        (ids, ids, ids, tuple(ids), iter(ids), "31", None, 5, np.array([1, 2]), pa.array([1, 2]), {1: 2})
    )


def _call(run: Run, random: Random) -> None:
    user, item = _any_id(random, run.users), _any_id(random, run.items)
    n: Any = random.choice((1, 3, 10**6, 10**12, 0, -1, 2.5, None, True, np.int64(2)))
    how: Any = random.choice(("error", "mean", "x", None))
    model = run.model
    level: Any = random.choice((None, 0.9, 2, "x"))
    ratings: Any = random.choice((None, [1, 2], [math.nan], "x"))
    calls: list[Callable[[], object]] = [
        lambda: _check_prediction(run, user, item),
        lambda: model.predict(user, item, on_unknown=how, interval=level),
        lambda: model.recommend(user, n, on_unknown=how, candidates=_some_ids(random, run.items)),
        lambda: model.recommend(user, exclude=_some_ids(random, run.items), min_ratings=n),
        lambda: model.recommend_for(_some_ids(random, run.items), ratings, n),
        lambda: model.similar(item, n),
        lambda: model.explain(user, item, n),
        lambda: model.explain_ranking(user, item, n),
    ]
    error_of(random.choice(calls), LONGEST_SHOWN)


def _check_prediction(run: Run, user: Any, item: Any) -> None:
    """An id of the run is known, and no other; texts are taken as files have them, without blanks around them."""
    prediction = run.model.predict(user, item, on_unknown="mean")
    for given, own, is_known in ((user, run.users, prediction.known_user), (item, run.items, prediction.known_item)):
        if type(given) in (int, str) and type(given) is type(own[0]) and (_stripped(given) in own) != is_known:
            raise DisagreementError(f"{given!r} is {'known' if is_known else 'unknown'}")


def _stripped(raw_id: Any) -> Any:
    return raw_id.strip() if isinstance(raw_id, str) else raw_id


def _cell(random: Random, own: tuple[Any, ...]) -> Any:
    """An id that a column may hold: Arrow itself crashes on some mixtures of its own and NumPy's scalars."""
    raw_id = _any_id(random, own)
    return raw_id if type(raw_id) in (int, str, float, bool, bytes, type(None)) else str(type(raw_id))


def _table(run: Run, random: Random) -> None:
    """A table in memory of pairs, candidates or ratings."""
    n = random.randint(0, 5)
    users = [_cell(random, run.users) if random.random() < 0.3 else random.choice(run.users) for _ in range(n)]
    items = [_cell(random, run.items) if random.random() < 0.3 else random.choice(run.items) for _ in range(n)]
    try:
        table = pa.table(
            {"user": users, "item": items, "rating": [random.choice((1.0, 5.0, math.nan, 1e30)) for _ in range(n)]}
        )
    except (pa.ArrowException, OverflowError, TypeError, ValueError):
        return  # Arrow has no such column
    calls: list[Callable[[], object]] = [
        lambda: recsys.predict_file(run.model, table, "out.csv", on_unknown="mean"),
        lambda: recsys.read_ratings(table, duplicates="last"),
        lambda: recsys.read_candidates(run.model, table.select(["item"])),
        lambda: recsys.read_session_ratings(run.model, table.select(["item", "rating"])),
    ]
    error_of(random.choice(calls), LONGEST_SHOWN)


def _fold_in(run: Run, random: Random) -> None:
    users = (
        [_cell(random, ()) if random.random() < 0.5 else "new" for _ in range(3)] if random.random() < 0.7 else [99] * 3
    )
    try:
        table = pa.table({"user": users, "item": random.sample(run.items, 3), "rating": [1.0, 3.0, 5.0]})
    except (pa.ArrowException, OverflowError, TypeError, ValueError):
        return
    with tempfile.TemporaryDirectory(dir=".") as folder:
        path = Path(folder) / "new"
        if error_of(lambda: recsys.fold_in(table, run.path, path), LONGEST_SHOWN) is None:
            error_of(lambda: recsys.load(path).recommend(users[0]), LONGEST_SHOWN)


def _command(run: Run, random: Random) -> None:
    ids = [_as_argument(_any_id(random, run.users)), _as_argument(_any_id(random, run.items))]
    options = random.choice(
        ([], ["--json"], ["--on-unknown", "mean"], ["-n", random.choice(("3", "0", "10" * 20, "x"))])
    )
    arguments: list[str] = random.choice(
        (
            ["predict", *ids],
            ["predict", "--", *ids],
            ["recommend", ids[0]],
            ["recommend", f"--candidates={ids[1]}", ids[0]],
            ["recommend", "--exclude", ids[1], "--", ids[0]],
            ["similar", ids[1]],
            ["explain", *ids],
            ["items", ids[1]],
        )
    )
    out, err = io.StringIO(), io.StringIO()
    before = {number: signal.getsignal(number) for number in stopping_signals()}
    code: object = None
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            answer([arguments[0], "--run", str(run.path), *options, *arguments[1:]])
    except SystemExit as leaving:
        code = leaving.code
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if code not in EXIT_CODES or code == 1 or "Traceback" in err.getvalue():
        raise DisagreementError(f"{arguments}: exit code {code}: {err.getvalue()[-500:]}")
    if len(err.getvalue()) > LONGEST_SHOWN:
        raise DisagreementError(f"{arguments[0]}: {len(err.getvalue()):,} signs of errors: {err.getvalue()[:200]}")


def _as_argument(raw_id: object) -> str:
    """As a process may be given it: without NUL, with bytes that are no utf-8 as surrogates."""
    text = ("9" * 6000 if isinstance(raw_id, int) and raw_id > 10**500 else str(raw_id))[:5000].replace("\0", "")
    return os.fsdecode(os.fsencode(text.encode("utf-8", "replace").decode()))
