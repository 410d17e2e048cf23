"""config.yaml of a run, which is a file: a config that a person names may also be a pipe."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from recsys.artifacts.directory import CONFIG
from recsys.config.loading.load import load_config
from recsys.config.schema.config import Config
from recsys.core.errors import RunError
from recsys.core.regular import NotRegularError, size_of_regular


def stored_config(run: Path, overrides: Sequence[str] = ()) -> Config:
    """What it holds, changed by overrides; not compared with what the run was started with.

    Raises:
        RunError: it is a device, a pipe, a folder or a link, which is not opened.
        ConfigError: it cannot be read, or an override is wrong.
    """
    path = run / CONFIG
    try:
        size_of_regular(path)
    except NotRegularError as error:
        raise RunError(str(error.strerror), where=str(path), expected=f"a run, with its {CONFIG}") from error
    except OSError:
        pass  # whoever opens it says what is wrong
    return load_config(path, overrides)
