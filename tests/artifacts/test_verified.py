from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recsys.artifacts.manifest import FORMAT, Manifest
from recsys.artifacts.verified import check_layout, open_verified, write_verified
from recsys.core.errors import RunError


class Facts(Manifest):
    """A manifest with values of many types."""

    epoch: int
    title: str
    share: float
    nested: dict[str, tuple[int | bool | None, ...]]


FACTS = Facts(format=FORMAT, epoch=3, title="née, 'the best'", share=0.1, nested={"a": (1, None, True)})


def arrays(value: float = 1.0) -> dict[str, Any]:
    return {
        "one.safetensors": {"b": np.full(3, value, dtype=np.float32), "a": np.arange(4)},
        "two.safetensors": {"c": np.zeros((2, 0), dtype=np.float32)},
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_verified(tmp_path / "sealed", "facts.json", FACTS, arrays())
    return tmp_path / "sealed"


def read_everything(folder: Path) -> None:
    verified = open_verified(folder, "facts.json", Facts)
    for name in verified.files:
        verified.arrays(name)


def test_what_was_written_is_read(folder: Path) -> None:
    verified = open_verified(folder, "facts.json", Facts)
    assert verified.manifest == FACTS.model_copy(update={"files": verified.files})
    for name, content in arrays().items():
        for key, array in content.items():
            np.testing.assert_array_equal(verified.arrays(name)[key], array)
            assert verified.arrays(name)[key].dtype == array.dtype


def test_the_json_says_size_and_sha256_of_every_file_and_is_for_people(folder: Path) -> None:
    text = (folder / "facts.json").read_text(encoding="utf-8")
    files = json.loads(text)["files"]
    assert files.keys() == {"one.safetensors", "two.safetensors"}
    assert all(entry["bytes"] == (folder / name).stat().st_size for name, entry in files.items())
    assert "née" in text
    assert text.count("\n") > 10


def test_safetensors_carry_no_metadata(folder: Path) -> None:
    assert b"__metadata__" not in (folder / "one.safetensors").read_bytes()


def test_equal_content_gives_equal_bytes(folder: Path, tmp_path: Path) -> None:
    write_verified(tmp_path / "again", "facts.json", FACTS, arrays())
    for path in folder.iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes()


def test_writing_again_replaces_the_whole_folder(folder: Path) -> None:
    (folder / "stray").touch()
    write_verified(folder, "facts.json", FACTS, {"one.safetensors": arrays(2.0)["one.safetensors"]})
    assert sorted(path.name for path in folder.iterdir()) == ["facts.json", "one.safetensors"]
    assert open_verified(folder, "facts.json", Facts).arrays("one.safetensors")["b"].tolist() == [2, 2, 2]


@pytest.mark.parametrize("name", ["facts.json", "one.safetensors", "two.safetensors"])
def test_every_flipped_byte_is_found_and_its_file_named(folder: Path, name: str) -> None:
    whole = (folder / name).read_bytes()
    for at in range(len(whole)):
        (folder / name).write_bytes(whole[:at] + bytes([whole[at] ^ 0x20]) + whole[at + 1 :])
        with pytest.raises(RunError, match="damaged") as caught:
            read_everything(folder)
        assert caught.value.where == str(folder / name)


@pytest.mark.parametrize("name", ["facts.json", "one.safetensors", "two.safetensors"])
@pytest.mark.parametrize("kept", [0, 1, 0.5, -1])
def test_every_cut_file_is_found_and_named(folder: Path, name: str, kept: float) -> None:
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(whole[: int(len(whole) * kept) if kept == 0.5 else int(kept)])
    with pytest.raises(RunError, match="damaged") as caught:
        read_everything(folder)
    assert caught.value.where == str(folder / name)


@pytest.mark.parametrize("name", ["facts.json", "one.safetensors", "two.safetensors"])
def test_every_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(RunError, match="missing") as caught:
        read_everything(folder)
    assert caught.value.where == str(folder / name)


@pytest.mark.parametrize("text", ["[]", "{}", '"text"', "1", "null", '{"checksum": 1}', "{", "\xff"])
def test_another_json_is_refused(folder: Path, text: str) -> None:
    (folder / "facts.json").write_text(text, encoding="latin-1")
    with pytest.raises(RunError, match="damaged"):
        open_verified(folder, "facts.json", Facts)


def test_a_place_that_cannot_be_written_is_an_error_of_the_run(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match="cannot write") as caught:
        write_verified(tmp_path / "file" / "sealed", "facts.json", FACTS, arrays())
    assert (caught.value.where, caught.value.exit_code) == (str(tmp_path / "file"), 4)


def test_an_array_that_is_not_as_it_should_be_is_named(folder: Path) -> None:
    layout = {"a": ("int64", (4,)), "b": ("float32", (3,))}
    mapped = open_verified(folder, "facts.json", Facts).mapped("one.safetensors", layout)
    assert [array.tolist() for array in mapped] == [[0, 1, 2, 3], [1, 1, 1]]
    for name, wrong in (("a", ("int32", (4,))), ("b", ("float32", (4,))), ("c", ("int64", (4,)))):
        with pytest.raises(RunError, match=f"the array '{name}'") as caught:
            check_layout(folder / "one.safetensors", arrays()["one.safetensors"], {**layout, name: wrong})
        assert caught.value.where == str(folder / "one.safetensors")
