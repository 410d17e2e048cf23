"""The settings of implicit factors."""

from __future__ import annotations

from typing import Literal

from recsys.core.layout import Layout
from recsys.models.settings import ModelSettings, ParameterInfo, rows_layout


class ImplicitFactors(ModelSettings):
    """score = user_embedding · item_embedding, which ranks items."""

    kind: Literal["implicit_factors"] = "implicit_factors"
    """implicit_factors: user and item embeddings without biases."""

    @property
    def parameters(self) -> tuple[ParameterInfo, ...]:
        """Items come first: they stay, while users come and go."""
        return ParameterInfo("item_embedding", "items", "item"), ParameterInfo("user_embedding", "users", "user")

    def layout(self) -> Layout:
        """The rows, as long as the method makes them."""
        return rows_layout(self.parameters, "dim")
