"""The whole config: every field has a default but the ratings file."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from recsys.config.schema.compatibility import incompatibility, methods_that_continue
from recsys.config.schema.data import Data
from recsys.config.schema.sections import (
    Model,
    Ranking,
    Training,
    default_model,
    default_ranking,
    default_training,
)
from recsys.config.schema.split import Split
from recsys.config.schema.start import Start
from recsys.core.section import Section
from recsys.core.words import joined
from recsys.training.specs import METHODS


class Config(Section):
    """What a run does, wholly."""

    data: Data
    """The ratings."""
    split: Split = Split()
    """Train, valid and test."""
    model: Model = default_model()
    """What is learned."""
    training: Training = default_training()
    """How it is learned."""
    ranking: Ranking = default_ranking()
    """How recommendations are learned, beside ratings; none: items are recommended by their predicted ratings."""
    refit: bool = False
    """Whether to train once more on all ratings after measuring, and to serve that."""
    start: Start | None = None
    """Another run to start from, as `recsys finetune` and `recsys update` do."""
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 42
    """Same seed, same bits."""

    @property
    def uses_times(self) -> bool:
        """Whether anything depends on when a rating was given; else times are not read."""
        return self.split.uses_times or self.model.uses_times or self.data.duplicate_rule == "newest"

    @model_validator(mode="after")
    def _method_fits_model(self) -> Self:
        misfit = incompatibility(self.training, self.model)
        if misfit is not None:
            raise PydanticCustomError("method", "{what}", {"key": misfit.key, "what": misfit.what})
        return self

    @model_validator(mode="after")
    def _refit_starts_from_scratch(self) -> Self:
        if self.refit and self.start is not None:
            raise PydanticCustomError(
                "refit", "refit trains from scratch, and start names a run to go on from", {"key": "refit"}
            )
        return self

    @model_validator(mode="after")
    def _prepared_is_split_already(self) -> Self:
        if self.data.prepared is None:
            return self
        for name, is_given in (("refit", self.refit), ("start", self.start is not None)):
            if is_given:
                what = "{name} needs the ratings themselves, and data.prepared names a store of those that were split"
                raise PydanticCustomError("prepared", what, {"key": "data.prepared", "name": name})
        return self

    @model_validator(mode="after")
    def _something_to_learn(self) -> Self:
        only_ranking = self.start is not None and self.start.only == "ranking"
        if only_ranking and self.ranking.method not in METHODS:
            raise PydanticCustomError(
                "ranking", "start.only asks for ranking, and ranking is none", {"key": "start.only"}
            )
        if not self.data.has_ratings and self.ranking.method not in METHODS:
            raise PydanticCustomError(
                "ranking",
                "the data has no ratings, and without ranking nothing is left to learn",
                {"key": "ranking"},
            )
        return self

    @model_validator(mode="after")
    def _method_continues_runs(self) -> Self:
        if self.start is not None and self.start.only is None and not self.training.continues_runs:
            raise PydanticCustomError(
                "start",
                "{method} learns from the ratings that it is given alone, so it cannot start from a run: train on all"
                " ratings, or with {others}",
                {"key": "start", "method": self.training.method, "others": joined(methods_that_continue())},
            )
        return self

    @model_validator(mode="after")
    def _choices_need_valid(self) -> Self:
        has_valid = self.data.valid is not None or self.split.valid_fraction > 0
        for key, is_given in (
            ("training.patience", self.training.patience is not None),
            ("training.keep", self.training.keep == "best"),
            ("data.features_for", self.data.features_for == "all"),
        ):
            if is_given and not has_valid:
                raise PydanticCustomError(
                    "valid",
                    "{name} chooses on valid, and there is none: set split.valid_fraction",
                    {"key": key, "name": key.rpartition(".")[2]},
                )
        return self

    @model_validator(mode="after")
    def _folds_are_cut_from_one_file(self) -> Self:
        if self.split.method == "fold" and self.data.test is not None:
            raise PydanticCustomError(
                "split", "a fold is cut from all ratings, and there is a data.test already", {"key": "split.method"}
            )
        return self
