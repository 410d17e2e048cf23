"""The settings of sgd."""

from __future__ import annotations

from typing import ClassVar, Literal

from recsys.training.rates import Rates
from recsys.training.settings import Auto, Epochs, NotNegative, Scheduled


class Sgd(Scheduled):
    """Stochastic gradient descent, one step a rating, compiled for the CPU: the fast one."""

    kept_by_updates: ClassVar[tuple[str, ...]] = (
        "weight_decay",
        "bias_weight_decay",
        "implicit_weight_decay",
        "damping",
        "bias_damping",
        "implicit_damping",
    )

    method: Literal["sgd"] = "sgd"
    """sgd: one step for each rating; dot_product with linear output, on all cores, and svdpp, on one."""
    n_epochs: Epochs = 20
    """How often each training rating is seen."""
    lr_max: Auto | Rates = "auto"
    """Highest learning rate; auto follows the number of ratings. slice(…) or a list: by layer group."""
    weight_decay: Auto | NotNegative = "auto"
    """λ of the loss ½e² + ½λ(|p|² + |q|²) for each rating; auto follows their number (svdpp: 0.03)."""
    bias_weight_decay: Auto | NotNegative = "auto"
    """λ of the biases; auto: 0, and as weight_decay where a decay is given."""
    implicit_weight_decay: NotNegative | None = None
    """svdpp only: λ of the implicit rows and biases of all that a user rated; left out: 0.0015."""
    bias_damping: Auto | NotNegative | tuple[NotNegative, NotNegative] = "auto"
    """Ratings as expected that each user and item is given in advance, for its bias; a list: users, items.

    What is expected is the mean, or, where a run to start from is not replayed in full, what that says. auto: as many
    as the training ratings tell; 0 where a decay is given.
    """
    damping: NotNegative | None = None
    """svdpp only: the same for the rows of users and items; left out: 3.5, and 0 where a decay is given."""
    implicit_damping: NotNegative | None = None
    """svdpp only: the same for implicit rows and biases; left out: 80, and 0 where a decay is given."""

    @property
    def states_decay(self) -> bool:
        """Whether a decay is given: then what is left out is what suits one."""
        return (self.weight_decay, self.bias_weight_decay, self.implicit_weight_decay) != ("auto", "auto", None)
