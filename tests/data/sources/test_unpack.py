"""Compressed text files, by whatever they were compressed."""

from __future__ import annotations

import bz2
import io
import lzma
import zipfile
from typing import Any

import pytest

from recsys.core.communicator import ALONE
from recsys.core.errors import DataError
from recsys.data.read import read_ratings
from recsys.data.sources import stored

TEXT = "userId,movieId,rating\n" + "".join(f"{k},{k * 7919 % 997},{k % 5}\n" for k in range(2000))


def zipped(**files: str) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for name, text in files.items():
            file.writestr(name, text)
    return archive.getvalue()


PACKED = {
    "bzip2": bz2.compress(TEXT.encode()),
    "several bzip2 streams": bz2.compress(TEXT[:1000].encode()) + bz2.compress(TEXT[1000:].encode()),
    "xz": lzma.compress(TEXT.encode()),
    "zip": zipped(ratings=TEXT, **{"__MACOSX/ratings": "x"}),
}


@pytest.mark.parametrize("content", PACKED.values(), ids=PACKED)
def test_compressed_files_are_read(written: Any, content: bytes) -> None:
    ratings = read_ratings(written(content), ALONE).ratings
    assert len(ratings) == 2000
    assert ratings.to_frame().rating[1999] == 4


@pytest.mark.parametrize("kind", ["bzip2", "xz", "zip"])
def test_compressed_files_that_are_cut_off(written: Any, kind: str) -> None:
    with pytest.raises(DataError, match="it cannot be unpacked"):
        read_ratings(written(PACKED[kind][:-200]), ALONE)


def test_an_archive_of_several_files(written: Any) -> None:
    data = written(zipped(a=TEXT, b="", c="", d="", e=""))
    with pytest.raises(DataError, match="the archive holds a, b, c and others") as caught:
        read_ratings(data, ALONE)
    assert caught.value.where == str(data.ratings)


def test_a_damaged_member_of_an_archive(written: Any) -> None:
    content = bytearray(PACKED["zip"])
    content[2000] ^= 255
    with pytest.raises(DataError, match="it cannot be unpacked"):
        read_ratings(written(bytes(content)), ALONE)


@pytest.mark.parametrize("kind", ["bzip2", "xz", "zip"])
def test_a_file_that_unpacks_to_far_more_than_a_table_is_refused(
    written: Any, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored, "UNPACKED_FREELY", 1 << 20)
    text = "1,2,3\n" * 300_000
    packed = {"bzip2": bz2.compress, "xz": lzma.compress, "zip": lambda content: zipped(ratings=content.decode())}
    with pytest.raises(DataError, match="it unpacks to more than 250 times its size") as caught:
        read_ratings(written(packed[kind](text.encode()), duplicates="last"), ALONE)
    assert caught.value.hint == "if it is one, unpack it first"
