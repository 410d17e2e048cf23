from __future__ import annotations

import sys
from pathlib import Path

import pytest

from recsys.core.errors import MissingExtraError
from recsys.core.resolve import resolve


def test_a_package_that_serving_goes_without_is_named_with_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "needs_torch.py").write_text("import torch.nn\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "torch.nn", raising=False)
    with pytest.raises(MissingExtraError, match="this needs torch, which is not installed") as caught:
        resolve("needs_torch:name")
    assert caught.value.hint == "pip install recsys-trainer"


def test_a_module_of_our_own_that_is_missing_is_a_bug() -> None:
    with pytest.raises(ModuleNotFoundError, match="recsys"):
        resolve("recsys.no_such_module:name")
