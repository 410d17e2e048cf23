"""What `init` writes is taken at once, and the reference knows every key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.config.fields import known_keys
from recsys.config.loading.load import load_config
from recsys.config.reference import reference
from recsys.config.schema.config import Config
from recsys.config.template import template

ROLES = ("user", "item", "rating", "timestamp")
REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("configs") / "c.yaml"


def load(file: Path, text: str) -> Config:
    file.write_bytes(text.encode())
    return load_config(file)


def test_a_template_holds_what_was_seen_and_the_defaults_besides(file: Path) -> None:
    written = template(
        ratings="books.csv",
        n_ratings=1_149_780,
        columns={"user": "User-ID", "item": "ISBN", "rating": "Book-Rating", "timestamp": False},
        reading={"delimiter": ";", "header": None, "encoding": "latin-1", "compression": "gzip", "duplicates": "last"},
        notes=["105,283 users, 340,556 items"],
    )
    config = load(file, written)
    plain = load(file, "data: {ratings: books.csv}")
    assert written.startswith("# books.csv: 1,149,780 ratings\n# 105,283 users, 340,556 items\n")
    assert (config.data.columns.item, config.data.columns.timestamp) == ("ISBN", False)
    assert (config.data.delimiter, config.data.encoding, config.data.duplicates) == (";", "latin-1", "last")
    assert (config.split, config.model, config.training, config.seed) == (
        plain.split,
        plain.model,
        plain.training,
        plain.seed,
    )
    assert max(map(len, written.splitlines())) <= 110


def test_the_keys_behind_a_comment_are_their_defaults(file: Path) -> None:
    written = template(ratings="r.csv", n_ratings=1000, columns={})
    keys = {entry.key.rsplit(".", 1)[-1] for entry in reference()}
    lines = written.splitlines()
    opened = [f"  {line[4:]}" if line[:4] == "  # " and line[4:].split(":")[0] in keys else line for line in lines]
    assert sum(line != other for line, other in zip(lines, opened, strict=True)) > 15
    assert load(file, "\n".join(opened)) == load(file, written)


def test_likely_codes_are_a_comment_that_can_be_taken(file: Path) -> None:
    written = template(ratings="r.csv", n_ratings=100, columns={}, likely_codes=(0, -1))
    (line,) = (line for line in written.splitlines() if "no_rating:" in line)
    assert load(file, written).data.no_rating == ()
    assert load(file, written.replace(line, line.replace("# ", "", 1))).data.no_rating == (0, -1)


@pytest.mark.parametrize(("columns", "reading"), [({"rating": False}, {}), ({}, {"rating_is": "count"})])
def test_events_have_no_model_of_ratings(file: Path, columns: dict[str, Any], reading: dict[str, object]) -> None:
    written = template(ratings="r.csv", n_ratings=1000, columns=columns, reading=reading)
    assert written.startswith("# r.csv: 1,000 events\n")
    assert not load(file, written).data.has_ratings
    assert "\nmodel:" not in written


def test_titles_stand_in_the_template_where_there_are_any(file: Path) -> None:
    assert (
        load(file, template(ratings="r.csv", n_ratings=9, columns={}, items="i.csv")).data.items
        == file.parent / "i.csv"
    )


def test_very_few_ratings_are_not_divided(file: Path) -> None:
    split = load(file, template(ratings="r.csv", n_ratings=5, columns={})).split
    assert (split.valid_fraction, split.test_fraction) == (0, 0)
    assert load(file, template(ratings="r.csv", n_ratings=6, columns={})).split.test_fraction > 0


@settings(derandomize=True)
@given(
    st.dictionaries(st.sampled_from(ROLES), st.text(min_size=1, max_size=12) | st.integers(1, 9)),
    st.text(min_size=1, max_size=12).filter(lambda value: value.strip() and value[0] not in "~/" and "\0" not in value),
    st.text(min_size=1, max_size=8),
    st.lists(st.text(max_size=20), max_size=2),
)
def test_odd_names_are_quoted(
    file: Path, columns: dict[str, Any], ratings: str, delimiter: str, notes: list[str]
) -> None:
    written = template(ratings=ratings, n_ratings=100, columns=columns, reading={"delimiter": delimiter}, notes=notes)
    data = load(file, written).data
    assert data.columns.model_dump(exclude_none=True) == columns
    assert data.delimiter == delimiter


def test_the_reference_has_every_key_with_a_doc() -> None:
    entries = reference()
    assert {entry.key for entry in entries} == {".".join(key) for key in known_keys((Config,))}
    assert all(entry.doc and entry.type for entry in entries)
    entry_of = {entry.key: entry for entry in entries}
    dims = {entry.owner: (entry.type, entry.default) for entry in entries if entry.key == "model.embedding_dim"}
    assert dims == {
        "model.kind: dot_product": ("a whole number from 1 to 4096", "64"),
        "model.kind: svdpp": ("a whole number from 1 to 4096", "20"),
    }
    assert (
        entry_of["split.method"].type
        == "random, user_random, time, user_time, leave_last, new_items, new_users or fold"
    )
    assert entry_of["data.columns"].type == "a section"


CONFIGS = sorted((REPOSITORY / "configs").glob("*.yaml"))


@pytest.mark.parametrize(
    "path", [path for path in CONFIGS if not path.stem.endswith("-100k")], ids=lambda path: path.stem
)
def test_a_config_of_the_repository_loads_and_its_data_is_there(path: Path) -> None:
    config = load_config(path)
    assert config.data.ratings is not None
    assert config.data.ratings.is_file()
    assert config.data.items is not None
    assert config.data.items.is_file()


@pytest.mark.parametrize("path", [path for path in CONFIGS if path.stem.endswith("-100k")], ids=lambda path: path.stem)
def test_a_config_for_data_that_may_not_be_copied_loads_and_takes_its_files_from_set(path: Path, ml100k: Path) -> None:
    given = [f"data.{part}={ml100k / f'u3.{part}.csv'}" for part in ("train", "test")]
    config = load_config(path, given)
    assert config.data.train is not None
    assert (config.data.train.is_file(), config.split.valid_fraction) == (True, 0)
