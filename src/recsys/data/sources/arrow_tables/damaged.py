"""Arrow's errors about files as errors of the data."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from recsys.core.errors import DataError


@contextlib.contextmanager
def damaged(path: Path, kind: str) -> Iterator[None]:
    """What Arrow raises while it reads a file, as a DataError.

    Args:
        kind: what the file is, for the message.
    """
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError) as error:
        reason = str(error).strip().split("\n")[0].rstrip(".")
        raise DataError(
            f"it cannot be read: {reason}",
            where=str(path),
            expected=f"a whole {kind} file",
            hint="download it or write it again",
        ) from error
