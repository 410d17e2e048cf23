"""What every model is as a torch module."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from recsys.data.features.matrix import FeatureMatrix
from recsys.data.interactions import Counted
from recsys.data.scale import Scale
from recsys.models.settings import ModelSettings, ParameterInfo, Role
from recsys.scoring.protocols import TrainedScorer


class RatingModule(nn.Module):
    """A module that predicts ratings.

    Attributes:
        settings: those that it was made by; they list its parameters.
        scale: of the training ratings.
        counted: which users and items have any; the others are served as the mean.
    """

    settings: ModelSettings
    scale: Scale
    counted: Counted

    @property
    def learned(self) -> tuple[ParameterInfo, ...]:
        """Its parameters."""
        return self.settings.parameters

    def add_features(self, matrices: Mapping[Role, FeatureMatrix]) -> None:
        """Tells it what is known of users and items beside ratings; most models learn nothing from that.

        Args:
            matrices: of users and items, a row for each.
        """

    def forward(self, user_idx: Tensor, item_idx: Tensor) -> Tensor:
        """Predicted ratings in rating units, not clipped; indices of shape (n,) give shape (n,)."""
        raise NotImplementedError

    def scorer(self) -> TrainedScorer:
        """The model as it stands, in NumPy alone."""
        raise NotImplementedError
