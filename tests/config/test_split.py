from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from recsys.config.loading.load import config_from, dump
from recsys.core.errors import ConfigError


def config(split: dict[str, Any], **data: str) -> Any:
    return config_from({"data": data or {"ratings": "r.csv"}, "split": split}, Path("/"))


@pytest.mark.parametrize(
    "split", [{"method": "fold"}, {"method": "fold", "fold": 1}, {"method": "fold", "fold": 4, "n_folds": 3}]
)
def test_a_fold_needs_to_be_one_of_the_folds(split: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="a fold from 1 to n_folds"):
        config(split)


def test_other_methods_know_no_folds() -> None:
    with pytest.raises(ConfigError, match="the method is random"):
        config({"fold": 1, "n_folds": 3})


def test_a_fold_is_not_cut_where_there_is_a_test_file() -> None:
    with pytest.raises(ConfigError, match=r"data\.test") as caught:
        config({"method": "fold", "fold": 1, "n_folds": 3}, train="a.csv", test="b.csv")
    assert caught.value.where == "split.method"


def test_a_config_without_folds_does_not_speak_of_them() -> None:
    assert "fold" not in dump(config({}))
    assert "n_folds: 3" in dump(config({"method": "fold", "fold": 1, "n_folds": 3}))


def test_new_items_need_shares_that_leave_other_items() -> None:
    half = {"valid_fraction": 0.2, "test_fraction": 0.3}
    with pytest.raises(ConfigError, match=r"valid_fraction \+ test_fraction is 0\.5, and has to be below 0\.5"):
        config({"method": "new_items", **half})
    assert config({"method": "random", **half}).split.test_fraction == 0.3
