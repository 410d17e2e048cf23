"""recsys: trains a recommender from a ratings file.

The names below are those of recsys.api; they are imported when they are first used, so that `import recsys` is
instant and predicting never loads torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from recsys.version import __version__

if TYPE_CHECKING:
    from recsys.api import (
        compare,
        cross_validate,
        evaluate,
        export_factors,
        interpret,
        load,
        load_config,
        lr_find,
        read_ratings,
        split,
        train,
        tune,
        update,
    )
    from recsys.core.errors import RecsysError

__all__ = [
    "RecsysError",
    "__version__",
    "compare",
    "cross_validate",
    "evaluate",
    "export_factors",
    "interpret",
    "load",
    "load_config",
    "lr_find",
    "read_ratings",
    "split",
    "train",
    "tune",
    "update",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'recsys' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module("recsys.core.errors" if name == "RecsysError" else "recsys.api"), name)


def __dir__() -> list[str]:
    return __all__
