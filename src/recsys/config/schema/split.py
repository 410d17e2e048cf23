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

    method: Literal["random", "user_random", "time", "user_time", "leave_last", "new_items", "new_users", "fold"] = (
        "random"
    )
    """random: how well are missing ratings filled in? user_random: the same share of each user's ratings, drawn, as
    rankings are usually measured. time: what happens after a date, new users included?
    user_time: each user's latest ratings. leave_last: each user's last rating (test) and the one before (valid).
    new_items: how well are items predicted that training has not seen, or has 1 to 5 ratings of? A share of the items
    is held out whole, another keeps 1 to 5 ratings, and of the rest a share of the ratings is held out, to compare.
    new_users: the same for users. fold: one of n_folds equal parts, drawn from the rows, as `recsys cross-validate`
    does."""
    valid_fraction: Fraction = 0.1
    """Share of the ratings to choose by (early stopping, tuning); 0: none. leave_last: only whether there are any.
    new_items, new_users: the share of the items (users) that are held out whole, the share of those that keep 1 to 5
    ratings, and that of the ratings of the rest."""
    test_fraction: Fraction = 0.1
    """Share of the ratings for the final figure; 0: none. Ignored with data.test, and by fold.
    new_items, new_users: the same shares again, of other items (users)."""
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
    def _others_than_new_ones(self) -> Self:
        total = self.valid_fraction + self.test_fraction
        if self.method in ("new_items", "new_users") and total >= 0.5:
            raise PydanticCustomError(
                "split",
                "method {method} takes each fraction of them twice, held out whole and thinned: valid_fraction +"
                " test_fraction is {total}, and has to be below 0.5",
                {"method": self.method, "total": total},
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
