"""recsys: trains a recommender from a ratings file.

The names are those of recsys.api, imported when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from recsys import api
from recsys.core.errors import RecsysError
from recsys.version import __version__

if TYPE_CHECKING:
    from recsys.api import *  # noqa: F403

__all__ = ["RecsysError", "__version__"]
__all__ += api.__all__

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        return getattr(api, name)


def __dir__() -> list[str]:
    return sorted(__all__)
