"""The settings of gibbs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from recsys.training.settings import MOST_EPOCHS, Auto, Conflict, Epochs, Monitored

if TYPE_CHECKING:
    from recsys.models.settings import ModelSettings


class Gibbs(Monitored):
    """Gibbs sampling: the mean of many models that fit the ratings; the most accurate."""

    continues_runs: ClassVar[bool] = False

    method: Literal["gibbs"] = "gibbs"
    """gibbs: draws every unknown given all others, again and again; dot_product and svdpp with linear output."""
    n_epochs: Epochs = 512
    """Sweeps: how often every unknown is drawn."""
    burn_in: Auto | Annotated[int, Field(ge=0, le=MOST_EPOCHS)] = "auto"
    """Sweeps before samples count; auto: a quarter of n_epochs."""

    n_kept_samples: Auto | Annotated[int, Field(ge=0, le=MOST_EPOCHS)] = "auto"
    """Samples to keep, for intervals and for what is served; auto: 64, fewer where they would take more than 256 MB."""
    likelihood: Literal["auto", "normal", "tobit"] = "auto"
    """How ratings lie about their scores: normally, or cut off at an end of the scale at which they pile up (tobit).

    auto: tobit where half of the ratings or more are the highest, or the lowest.
    """

    def conflict(self, model: ModelSettings) -> Conflict | None:
        """A likelihood of ratings on the scale, and predictions beyond it."""
        if self.likelihood == "tobit" and "no_clip" in model.trait_names:
            return Conflict("likelihood", "the likelihood tobit keeps to the scale, and model.clip is false")
        return None

    def least_bytes(self, model: ModelSettings, n_users: int, n_items: int) -> int:
        """With the samples to keep, in half precision."""
        n_kept = 0 if self.n_kept_samples == "auto" else min(self.n_kept_samples, self.n_epochs)
        return (4 + 2 * n_kept) * model.least_numbers(n_users, n_items)

    @model_validator(mode="after")
    def _some_samples_count(self) -> Self:
        if self.burn_in != "auto" and self.burn_in >= self.n_epochs:
            raise PydanticCustomError("burn_in", "burn_in leaves no sweep of n_epochs to count", {"key": "burn_in"})
        return self
