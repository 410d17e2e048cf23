"""The settings of ials."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from pydantic import Field, JsonValue

from recsys.training.settings import Auto, Epochs, Method, NotNegative, Positive

if TYPE_CHECKING:
    from recsys.models.settings import ModelSettings

Dim = Annotated[int, Field(ge=1, le=4096)]


class Ials(Method):
    """Implicit alternating least squares: factors whose products rank the items that a user has not met yet."""

    evaluate_every: ClassVar[None] = None
    checkpoint_every: ClassVar[Literal["auto"]] = "auto"
    keep: ClassVar[Literal["last"]] = "last"
    patience: ClassVar[None] = None

    method: Literal["ials"] = "ials"
    """ials: implicit alternating least squares, on interactions and on every pair without one."""
    embedding_dim: Auto | Dim = "auto"
    """Number of latent factors; auto: 128 for up to 5,000 items, then growing with them, up to 512."""
    n_epochs: Epochs = 8
    """How often the rows of all users and of all items are solved."""
    unobserved_weight: Auto | Positive = "auto"
    """Weight of each pair of user and item; auto: such that all pairs weigh eight times as much as all interactions."""
    regularization: Auto | Positive = "auto"
    """Pull of the factors towards 0; auto: by the number of interactions, and by pilot fits on a part of them."""
    popularity_weight: Auto | NotNegative = "auto"
    """How much an item's popularity adds to its score; auto: by pilot fits, nothing unless tastes are weak."""
    rating_weight: Annotated[float, Field(ge=0, le=1)] = 0.5
    """How much the rating counts beside the interaction itself: 0 not at all, as for clicks; 1 wholly."""

    def least_bytes(self, model: ModelSettings, n_users: int, n_items: int) -> int:
        """Factors of this many dimensions."""
        dim = 1 if self.embedding_dim == "auto" else self.embedding_dim
        return 4 * dim * (n_users + n_items)

    def for_refit(self, n_epochs: int, measured: Mapping[str, JsonValue]) -> Self:
        """The dim stays that which was measured; the weights follow from the interactions that there are."""
        return self.model_copy(update={"n_epochs": n_epochs, "embedding_dim": measured["embedding_dim"]})
