from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recsys.artifacts import verified
from recsys.artifacts.entries import FileEntry
from recsys.artifacts.manifest import FORMAT, Manifest, seal, unseal
from recsys.artifacts.verified import check_layout, open_verified, write_verified
from recsys.core.errors import RunError
from recsys.core.layout import ArraySpec


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
    opened = open_verified(folder, "facts.json", Facts)
    for name in opened.files:
        opened.arrays(name)


def test_what_was_written_is_read(folder: Path) -> None:
    opened = open_verified(folder, "facts.json", Facts)
    assert opened.manifest == FACTS.model_copy(update={"files": opened.files})
    for name, content in arrays().items():
        for key, array in content.items():
            np.testing.assert_array_equal(opened.arrays(name)[key], array)
            assert opened.arrays(name)[key].dtype == array.dtype


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
    layout = {"a": ArraySpec("int64", ("n",)), "b": ArraySpec("float32", (3,))}
    mapped = open_verified(folder, "facts.json", Facts).mapped("one.safetensors")
    assert check_layout(folder / "one.safetensors", mapped, layout) == {"n": 4}
    with pytest.raises(RunError, match="the array 'a'") as caught:
        check_layout(folder / "one.safetensors", mapped, layout, n=5)
    assert caught.value.where == str(folder / "one.safetensors")


def header(content: object, n_bytes: int = 0) -> bytes:
    text = content if isinstance(content, bytes) else json.dumps(content).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + bytes(n_bytes)


def tensor(shape: list[int], start: int, end: int, dtype: str = "F32") -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"1234567",
        (2**63).to_bytes(8, "little"),
        header(b"no json"),
        header(b"[" * 100_000),
        header([]),
        header({"a": {}}),
        header({"a": tensor([2], 0, 8)}, 7),
        header({"a": tensor([2], 0, 8)}, 9),
        header({"a": tensor([2], 0, 4)}, 4),
        header({"a": tensor([-2], 0, 8)}, 8),
        header({"a": tensor([2**40, 2**40], 0, 8)}, 8),
        header({"a": tensor([0, 2**31 - 1, 2**31 - 1], 0, 0)}),
        header({"a": tensor([1, 1, 1, 1], 0, 4)}, 4),
        header({"a": tensor([2], 0, 8), "b": tensor([2], 4, 12)}, 12),
        header({"a": tensor([2], 0, 8), "b": tensor([2], 12, 20)}, 20),
        header({"a": tensor([1], 0, 4), "b": tensor([1], 4, 12, "F64")}, 12),
        header({"a": tensor([8], 0, 8, "BF16")}, 8),
        header({"a": tensor([2], 2**63, 2**63 + 8)}, 8),
    ],
)
@pytest.mark.parametrize("read", ["arrays", "mapped"])
def test_a_header_that_cannot_be_is_refused_before_memory_is_reserved(folder: Path, read: str, content: bytes) -> None:
    reseal(folder, content)
    with pytest.raises(RunError, match=r"one\.safetensors is damaged") as caught:
        getattr(open_verified(folder, "facts.json", Facts), read)("one.safetensors")
    assert caught.value.where == str(folder / "one.safetensors")


def reseal(folder: Path, content: bytes) -> None:
    (folder / "one.safetensors").write_bytes(content)
    entry = FileEntry(bytes=len(content), sha256=hashlib.sha256(content).hexdigest())
    facts = open_json(folder).model_copy(update={"files": {"one.safetensors": entry}})
    (folder / "facts.json").write_bytes(seal(facts))


def open_json(folder: Path) -> Facts:
    return unseal(folder / "facts.json", (folder / "facts.json").read_bytes(), Facts)


@pytest.mark.parametrize("name", ["../one.safetensors", "/etc/passwd", "a/b.safetensors", "one", "ONE.safetensors", ""])
def test_a_manifest_names_files_of_its_folder_alone(folder: Path, name: str) -> None:
    files = open_json(folder).files
    wrong = open_json(folder).model_copy(update={"files": {**files, name: files["one.safetensors"]}})
    (folder / "facts.json").write_bytes(seal(wrong))
    with pytest.raises(RunError, match=r"facts.json is damaged: files"):
        open_verified(folder, "facts.json", Facts)


def as_link(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


def as_device(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


def as_fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def as_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.skipif(os.name == "nt", reason="has no such files")
@pytest.mark.parametrize("change", [as_link, as_device, as_fifo, as_folder])
@pytest.mark.parametrize("name", ["facts.json", "one.safetensors"])
def test_what_is_no_regular_file_is_refused_and_named(
    folder: Path, name: str, change: Callable[[Path], object]
) -> None:
    opened = open_verified(folder, "facts.json", Facts)
    change(folder / name)
    with pytest.raises(RunError, match=r"is damaged: it is a \w+.*, not a file") as caught:
        open_verified(folder, "facts.json", Facts)
    assert caught.value.where == str(folder / name)
    if name in opened.files:
        for read in (opened.arrays, opened.mapped, opened.check):
            with pytest.raises(RunError, match="not a file"):
                read(name)


def test_a_manifest_of_any_size_is_not_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verified, "MOST_JSON", 100)
    with pytest.raises(RunError, match="it has more than 100 bytes"):
        open_verified(folder, "facts.json", Facts)
