"""Files of other kinds are named, with what to do."""

from __future__ import annotations

import gzip
import io
import pickle
import tarfile
import zipfile
from typing import Any

import numpy as np
import pytest

from recsys.core.errors import DataError
from recsys.core.events import silent
from recsys.data.sources.opening import open_source


def zipped(name: str) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr(name, "1,2,3\n")
    return archive.getvalue()


def saved(array: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def tar() -> bytes:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as file:
        file.addfile(tarfile.TarInfo("ratings.csv"))
    return archive.getvalue()


@pytest.mark.parametrize(
    ("content", "what", "hint"),
    [
        (b'[{"user": 1}]', "a JSON array", "lines=True"),
        (b'[\n {"user": 1}]', "a JSON array", "lines=True"),
        (b'{\n "user": 1}', "JSON over several lines", "lines=True"),
        (zipped("[Content_Types].xml"), "an Excel workbook", "CSV"),
        (b"\xd0\xcf\x11\xe0" + bytes(600), "an Excel workbook (.xls)", "CSV"),
        (saved(np.ones((2, 3))), "a NumPy array (.npy)", "recsys.train(config, data=DATAFRAME)"),
        (pickle.dumps([1]), "a Python pickle", "recsys.train(config, data=DATAFRAME)"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(20), "a 7z archive", "unpack"),
        (gzip.compress(tar()), "a tar archive", "unpack"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_file_that_is_not_read_is_named_in_three_lines(written: Any, content: bytes, what: str, hint: str) -> None:
    data = written(content)
    with pytest.raises(DataError) as caught:
        open_source(data.ratings, data, silent)
    assert caught.value.what == f"this is {what}"
    assert hint in (caught.value.hint or "")
    assert len(str(caught.value).splitlines()) == 3


@pytest.mark.parametrize("content", ["[user],[item]\n1,2\n", "{3F2504E0},{4F89},5\n"])
def test_text_that_begins_like_json_is_csv(written: Any, content: str) -> None:
    data = written(content)
    open_source(data.ratings, data, silent)
