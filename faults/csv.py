"""Text files of ratings, odd and damaged: the fast reader gives what the reference reader gives, or the same error."""

from __future__ import annotations

import bz2
import gzip
import lzma
import tempfile
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from functools import partial
from itertools import chain
from pathlib import Path
from random import Random
from typing import Any
from unittest import mock

from pydantic import ValidationError

from faults.cases import DisagreementError, Say, error_of, run_cases
from faults.outcome import Outcome
from recsys.config.schema.data import Data
from recsys.core import kernels
from recsys.core.communicator import ALONE
from recsys.core.events import silent
from recsys.data.profile import profile
from recsys.data.read import read_ratings
from recsys.data.sources.batches import Batch
from recsys.data.sources.collect import collect
from recsys.data.sources.csv import arrow_reader, wide_cells
from recsys.data.sources.csv.arrow_reader import read_fast
from recsys.data.sources.csv.blocks import DoubtfulError
from recsys.data.sources.csv.dialect import Dialect, find_dialect
from recsys.data.sources.csv.reference_reader import read_slow
from recsys.data.sources.csv.source import CsvSource
from recsys.data.sources.csv.timestamp_format import with_timestamp_format
from recsys.data.sources.csv.wide import WideSource
from recsys.data.sources.find_columns import find_columns
from recsys.data.sources.no_rating import NoRating
from recsys.data.sources.protocol import ColumnRequest
from recsys.data.sources.table import EVERYTHING, Role, Table

ALL = ColumnRequest(EVERYTHING)
NOTHING = "there is a header and nothing below it"
DELIMITERS = (",", ",", ",", ";", "\t", "|", "::", " ", "~", "\x01", "||", "é")
ENCODINGS = ("utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "latin-1", "cp1252", "utf-32", "gb18030")
ENDS = ("\n", "\n", "\n", "\r\n", "\r", "\n\n", "\u2028", "\x85", "\x0b", " \n", "\t\r\n")
HEADERS = ("user,item,rating,time", "userId,movieId,rating,timestamp", '"us\ner",item,rating,ts', "", "# a\nu,i,r,t")
IDS = ("1", "2", "03", "007", "-0", "0x1F", "+3", "1.0", "2147483648", "9" * 40, "a", "x y", "é", "\ufeff1", "\ufeff")
ODD_IDS = (
    '"a"',
    '"x,y"',
    '"a""b"',
    '"a\nb"',
    '"',
    '""',
    "",
    " ",
    "\x00",
    "\x1f",
    "a\u2028",
    " 5",
    "7 ",
    '"4',
    'a"b',
    "\\",
)
NUMBERS = ("1", "2.5", "-3", "0", "1e5", "1E-3", " 4", '"3"', "1.", ".5", "+1", "00.5", "-0", "5", "4", "3.5")
ODD_NUMBERS = (
    "nan",
    "inf",
    "-Infinity",
    "1e39",
    "1e400",
    "1_0",
    "",
    "1,5",
    "1.234,5",
    "١",
    "0x10",
    "4/5",
    "NA",
    "NULL",
    "\x00",
)
TIMES = ("978300760", "978300760.5", "1e9", "2024-01-01", "2024-01-01 10:30:00", "2024-01-01T10:30Z", "31.12.2020")
ODD_TIMES = (
    "2024-02-30",
    "",
    "soon",
    "12/31/20",
    "1/2/2003",
    "2024-01-01T10:30:00+02:00",
    "9" * 20,
    "-1",
    "1e400",
    "0000-00-00",
)
PACKERS: tuple[Callable[[bytes], bytes], ...] = (gzip.compress, bz2.compress, lzma.compress)
LONGEST_SHOWN = 2000  # signs of a message: a person has to read it


def attack(seed: int, seconds: float, say: Say) -> Outcome:
    """Files of a few rows, in blocks of a few bytes."""
    with tempfile.TemporaryDirectory(prefix="faults-csv-") as folder:
        return run_cases(seed, seconds, say, partial(case, Path(folder) / "r.csv"))


def case(path: Path, random: Random) -> None:
    """One file, read in all ways."""
    delimiter = random.choice(DELIMITERS)
    options = _options(random, delimiter)
    is_wide = random.random() < 0.15
    text = _wide(random, delimiter) if is_wide else _rows(random, delimiter)
    content = _encoded(random, text)
    path.write_bytes(_damaged(random, content) if random.random() < 0.3 else content)
    try:
        data = Data.model_validate({"ratings": path, "layout": "wide" if is_wide else "rows", **options})
    except ValidationError:
        return
    block = random.choice((1, 7, 24, 24, 100, 1000, 8 << 20))
    with ExitStack() as stack:
        for module in (arrow_reader, wide_cells):
            stack.enter_context(mock.patch.object(module, "BLOCK", block))
        _compare_wide(path, data) if is_wide else _compare(path, data)
        if random.random() < 0.2:
            error_of(lambda: read_ratings(data, ALONE), LONGEST_SHOWN)
            error_of(lambda: profile(path, data, silent), LONGEST_SHOWN)


def _compare(path: Path, data: Data) -> None:
    found: list[tuple[Dialect, dict[Role, int]]] = []

    def look() -> None:
        dialect = find_dialect(path, data)
        columns = find_columns(dialect, data.columns, ALL)
        found.append((with_timestamp_format(dialect, columns), columns))

    if error_of(look, LONGEST_SHOWN) is not None or not found:
        return
    (dialect, columns), no_rating = found[0], NoRating.of(data.no_rating)
    slow = _table(lambda: read_slow(dialect, columns, silent, no_rating=no_rating)) or NOTHING
    _same("whole", _table(lambda: CsvSource(path, data, silent).batches(ALL, 0, 1)), slow)
    parts = _table(lambda: chain(*(CsvSource(path, data, silent).batches(ALL, part, 3) for part in range(3))))
    _same("in parts", parts or NOTHING, slow)
    try:
        fast = _table(lambda: read_fast(dialect, columns, silent, no_rating=no_rating))
    except DoubtfulError:
        return
    _same("fast", fast or NOTHING, slow)
    with mock.patch.object(kernels, "WORTHWHILE", 0):
        compiled = _table(lambda: read_fast(dialect, columns, silent, no_rating=no_rating))
    _same("compiled", compiled or NOTHING, slow)


def _compare_wide(path: Path, data: Data) -> None:
    def doubt(*_: object) -> None:
        raise DoubtfulError("anything")

    fast = _table(lambda: WideSource(path, data, silent).batches(ALL, 0, 1))
    with mock.patch.object(wide_cells, "_fast", doubt):
        slow = _table(lambda: WideSource(path, data, silent).batches(ALL, 0, 1))
    _same("wide", fast, slow)


def _same(way: str, fast: Any, slow: Any) -> None:
    if fast != slow:
        raise DisagreementError(f"{way}: {str(fast)[:300]} where the reference reader gives {str(slow)[:300]}")


def _table(read: Callable[[], Iterable[Batch]]) -> Any:
    """All that a reader gives, bit by bit, or its error; None for no rows."""
    tables: list[Table] = []
    error = error_of(lambda: tables.append(collect(iter(read()))), LONGEST_SHOWN)
    if error is not None:
        return NOTHING if error.what.startswith(NOTHING) else f"{error.what}: {error.where}"
    (table,) = tables
    if not table.n_rows:
        return None
    ids = [
        None if column is None else (column.codes.tolist(), column.texts.tolist())
        for column in (table.user, table.item)
    ]
    numbers = [
        None if values is None else (values.dtype, values.tobytes()) for values in (table.rating, table.timestamp)
    ]
    return [ids, numbers, table.time_unit, table.n_rows]


def _options(random: Random, delimiter: str) -> dict[str, Any]:
    options: dict[str, Any] = {"duplicates": random.choice(("error", "last", "first", "newest"))}
    choices: dict[str, tuple[Any, ...]] = {
        "delimiter": (delimiter, "auto", ",", " "),
        "header": (True, False, "auto"),
        "quotes": ("auto", False, "backslash", "double"),
        "decimal": ("auto", ".", ","),
        "encoding": ENCODINGS,
        "timestamp_format": ("%d.%m.%Y", "%Y", "%Y-%m-%d %H:%M", "%", ""),
        "no_rating": ((0,), ("NA", ""), (-1, 2.5), ("nan",)),
        "columns": (
            {"timestamp": 4},
            {"timestamp": False},
            {"rating": False},
            {"user": 2, "item": 1},
            {"user": "user"},
        ),
        "rating_is": ("count", "rating"),
        "max_line_bytes": (256, 300),
    }
    for key, values in choices.items():
        if random.random() < (0.6 if key == "delimiter" else 0.2):
            options[key] = random.choice(values)
    return options


def _rows(random: Random, delimiter: str) -> str:
    end, oddness = random.choice(ENDS), random.choice((0, 0, 0.02, 0.3))
    n_usual = random.choice((0, 3, 60))
    kinds = [IDS[: random.randint(1, len(IDS))], IDS[: random.randint(1, 5)], NUMBERS, TIMES[: random.randint(1, 7)]]
    odd = [ODD_IDS, ODD_IDS, ODD_NUMBERS, ODD_TIMES]
    header = random.choice(HEADERS).replace(",", delimiter)
    lines = [header + random.choice(ENDS)] if header else []
    for _ in range(n_usual):
        lines.append(delimiter.join(("1", str(len(lines)), "3", TIMES[0])) + end)
    for _ in range(random.randint(1, 12)):
        fields = [random.choice(o if random.random() < oddness else usual) for usual, o in zip(kinds, odd, strict=True)]
        if random.random() < oddness:
            fields = random.choice(
                (fields[:-1], [*fields, "x"], ["x" * random.choice((255, 260, 400)), *fields[1:]], [""])
            )
        if random.random() < 0.1:
            fields = [f'"{field}"' for field in fields]
        lines.append(delimiter.join(fields) + (random.choice(ENDS) if random.random() < oddness else end))
    return "".join(lines)


def _wide(random: Random, delimiter: str) -> str:
    width, oddness = random.randint(1, 9), random.choice((0, 0.02, 0.2))
    lines = [delimiter.join(["user", *(f"i{k}" for k in range(width))])] if random.random() < 0.7 else []
    for number in range(random.randint(1, 60)):
        cells = [
            random.choice(ODD_NUMBERS if random.random() < oddness else (*NUMBERS, "", "99")) for _ in range(width)
        ]
        raw_id = random.choice((*IDS, *ODD_IDS)) if random.random() < oddness else str(number)
        lines.append(delimiter.join([raw_id, *cells]))
    return random.choice(("\n", "\r\n")).join(lines)


def _encoded(random: Random, text: str) -> bytes:
    content = text.encode(random.choice(ENCODINGS), "replace")
    return random.choice(PACKERS)(content) if random.random() < 0.1 else content


def _damaged(random: Random, content: bytes) -> bytes:
    """Bytes changed, left out, put in and repeated."""
    damaged = bytearray(content)
    for _ in range(random.randint(1, 4)):
        place = random.randrange(len(damaged) + 1)
        match random.randrange(4):
            case 0:
                damaged[place : place + 1] = random.randbytes(1)
            case 1:
                del damaged[place : place + random.randint(1, 20)]
            case 2:
                damaged[place:place] = random.choice(
                    (b'"', b"\0", b"\xef\xbb\xbf", b"\r", b"\xff\xfe", b",", b"\\", b"\x1a")
                )
            case _:
                damaged[place:place] = damaged[place : place + random.randint(1, 60)] * random.randint(1, 3)
    return bytes(damaged)
