"""Files that are written past the page cache hold what was written."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from recsys.core import direct
from recsys.core.direct import DirectWriter

CONTENT = os.urandom(3 * 4096 * 5 + 17)


@pytest.mark.parametrize("system", ["has it", "lacks it", "refuses it", "refuses pages"])
@pytest.mark.parametrize("size", [1, 4096, 5000, 1 << 20])
def test_it_holds_what_was_written(system: str, size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(direct, "BUFFER", 3 * 4096)
    opened, written, o_direct = os.open, os.write, getattr(os, "O_DIRECT", 0)

    def refusing(path: Path, flags: int, mode: int = 0o777) -> int:
        if flags & o_direct:
            raise OSError(errno.EINVAL, "no")
        return opened(path, flags, mode)

    refused: list[int] = []

    def refusing_pages(handle: int, content: memoryview) -> int:
        if not refused and fcntl.fcntl(handle, fcntl.F_GETFL) & o_direct:
            refused.append(handle)
            raise OSError(errno.EINVAL, "no")
        return written(handle, content)

    if system == "lacks it":
        monkeypatch.delattr(os, "O_DIRECT", raising=False)
    if system == "refuses it":
        monkeypatch.setattr(os, "open", refusing)
    if system == "refuses pages":
        fcntl = pytest.importorskip("fcntl")
        monkeypatch.setattr(os, "write", refusing_pages)
    writer = DirectWriter(tmp_path / "file")
    for start in range(0, len(CONTENT), size):
        writer.write(CONTENT[start : start + size])
        if size == 1 and start > 100:
            writer.write(CONTENT[start + 1 :])
            break
    writer.close()
    writer.close()
    assert (tmp_path / "file").read_bytes() == CONTENT


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device")
def test_a_full_disk_is_an_error() -> None:
    writer = DirectWriter(Path("/dev/full"))
    writer.write(b"something")
    with pytest.raises(OSError, match="space"):
        writer.close()
