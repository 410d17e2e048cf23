"""How the ratings are divided into train, valid and test."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from recsys.core.section import Section

MOST_FOLDS = 10_000
Fraction = Annotated[float, Field(ge=0, lt=1)]


class Split(Section):
    """Which question the measurement answers."""

    method: Literal["random", "user_random", "time", "user_time", "leave_last", "fold"] = "random"
    """random: how well are missing ratings filled in? user_random: the same share of each user's ratings, drawn, as
    rankings are usually measured. time: what happens after a date, new users included?
    user_time: each user's latest ratings. leave_last: each user's last rating (test) and the one before (valid).
    fold: one of n_folds equal parts, drawn from the rows, as `recsys cross-validate` does."""
    valid_fraction: Fraction = 0.1
    """Share of the ratings to choose by (early stopping, tuning); 0: none. leave_last: only whether there are any."""
    test_fraction: Fraction = 0.1
    """Share of the ratings for the final figure; 0: none. Ignored with data.test, and by fold."""
    fold: Annotated[int, Field(ge=1, le=MOST_FOLDS)] | None = None
    """With method fold: which part is test, from 1. Valid is cut from the others, by chance."""
    n_folds: Annotated[int, Field(ge=2, le=MOST_FOLDS)] | None = None
    """With method fold: how many parts there are."""

    @property
    def uses_times(self) -> bool:
        """Whether it goes by when a rating was given."""
        return self.method in ("time", "user_time", "leave_last")

    @model_validator(mode="after")
    def _something_to_train_on(self) -> Self:
        if self.valid_fraction + self.test_fraction >= 1:
            total = self.valid_fraction + self.test_fraction
            raise PydanticCustomError(
                "split",
                "valid_fraction + test_fraction is {total}: nothing is left to train on",
                {"total": total},
            )
        return self

    @model_validator(mode="after")
    def _a_fold_of_folds(self) -> Self:
        if self.method == "fold":
            if self.fold is None or self.n_folds is None or self.fold > self.n_folds:
                raise PydanticCustomError("split", "method fold needs n_folds, and a fold from 1 to n_folds")
        elif self.fold is not None or self.n_folds is not None:
            what = "fold and n_folds belong to the method fold, and the method is {method}"
            raise PydanticCustomError("split", what, {"method": self.method})
        return self
