"""The settings of SVD++."""

from __future__ import annotations

from typing import ClassVar, Literal

from recsys.core.layout import Layout
from recsys.models.settings import NO_CLIP, USER_DRIFT, Dim, ModelSettings, ParameterInfo, Role, Trait, rows_layout

OTHER: dict[Role, Role] = {"user": "item", "item": "user"}


class SvdPP(ModelSettings):
    """rating = mean + biases + a product of rows that also say whom or what somebody rated."""

    free_keys: ClassVar[frozenset[str]] = frozenset({"clip"})

    kind: Literal["svdpp"] = "svdpp"
    """svdpp: a dot product in which the items that a user rated count too, whatever the ratings."""
    embedding_dim: Dim = 20
    """Number of latent factors of each user and item."""
    flipped: bool = True
    """Whether the users who rated an item count for the item as well."""
    clip: bool = True
    """Predictions are clipped to the scale seen in training when they leave the library."""
    user_drift: bool = False
    """gibbs only: whether each user's bias moves with time, at every pace from seconds to months."""

    @property
    def implicit_of(self) -> tuple[Role, ...]:
        """Roles whose rows have implicit terms."""
        return ("user", "item") if self.flipped else ("user",)

    @property
    def parameters(self) -> tuple[ParameterInfo, ...]:
        """Each role's own rows, and what its rows say of the other role."""
        return tuple(parameter for role in ("item", "user") for parameter in self._rows(role))

    def layout(self) -> Layout:
        """The rows."""
        return rows_layout(self.parameters, self.embedding_dim)

    @property
    def uses_times(self) -> bool:
        """With a drift."""
        return self.user_drift

    @property
    def traits(self) -> tuple[Trait, ...]:
        """No clip, a drift."""
        which = {NO_CLIP: not self.clip, USER_DRIFT: self.user_drift}
        return tuple(trait for trait, is_here in which.items() if is_here)

    @property
    def fixed_dim(self) -> int:
        """As the settings say."""
        return self.embedding_dim

    def _rows(self, role: Role) -> tuple[ParameterInfo, ...]:
        group = f"{role}s"
        own = ParameterInfo(f"{role}_embedding", group, role), ParameterInfo(f"{role}_bias", group, role, True)
        if OTHER[role] not in self.implicit_of:
            return own
        embedding, bias = implicit_terms(OTHER[role])
        return *own, ParameterInfo(embedding, group, role), ParameterInfo(bias, group, role, True)


def implicit_terms(role: Role) -> tuple[str, str]:
    """The parameters whose rows are summed up for each user, or for each item: factors and bias."""
    return f"{OTHER[role]}_implicit", f"{OTHER[role]}_implicit_bias"
