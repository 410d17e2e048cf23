"""How it is learned: each method has its own keys and defaults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from recsys.core.section import Section
from recsys.models.settings import DotProduct, EmbeddingNet, Model, SvdPP
from recsys.training.rates import Rates

Auto = Literal["auto"]
NotNegative = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(gt=0, lt=1)]

SCHEDULE_KEYS = {
    "one_cycle": {"pct_start": 0.25, "div_factor": 25.0, "final_div_factor": 1e5},
    "flat_cosine": {"pct_start": 0.75},
    "constant": {},
}


class Method(Section):
    """What all methods share."""

    n_epochs: Auto | Count = "auto"
    """How often each training rating is seen; auto: 15, and fewer from 100,000 ratings on, down to 4."""
    n_threads: Auto | Count = "auto"
    """Threads to train with; the result does not depend on it."""
    checkpoint_every: Auto | Count = "auto"
    """Epochs between checkpoints; auto: after the first epoch that ends 10 s or more after the last one."""
    evaluate_every: Auto | Count = "auto"
    """Epochs between looks at valid; auto keeps that work below the work of the epochs."""
    keep: Literal["last", "best"] = "last"
    """Which parameters to keep: those of the last epoch, or of the one with the best valid rmse."""
    patience: Count | None = None
    """Stop when valid rmse has not improved for so many evaluations; left out: never."""


class Scheduled(Method):
    """A method with a learning rate."""

    schedule: Literal["one_cycle", "constant", "flat_cosine"] = "one_cycle"
    """How the learning rate moves: up and down (one_cycle), not at all, or flat and then down."""
    pct_start: Share | None = None
    """one_cycle: share of the steps that warm up (0.25). flat_cosine: share that is flat (0.75)."""
    div_factor: Annotated[float, Field(ge=1)] | None = None
    """one_cycle: it starts at lr_max / div_factor (25)."""
    final_div_factor: Annotated[float, Field(ge=1)] | None = None
    """one_cycle: it ends at lr_max / final_div_factor (1e5)."""

    freeze: tuple[str, ...] = ()
    """Layer groups that stay as they are: users or items of a dot product; embeddings, hidden or head of a network."""

    @model_validator(mode="after")
    def _schedule_defaults(self) -> Self:
        own = SCHEDULE_KEYS[self.schedule]
        self.__dict__.update({key: value for key, value in own.items() if getattr(self, key) is None})
        return self

    @model_validator(mode="after")
    def _only_own_schedule_keys(self) -> Self:
        for key in ("pct_start", "div_factor", "final_div_factor"):
            if getattr(self, key) is not None and key not in SCHEDULE_KEYS[self.schedule]:
                owners = " or ".join(name for name, keys in SCHEDULE_KEYS.items() if key in keys)
                raise PydanticCustomError(
                    "schedule_key",
                    "{key} belongs to the schedule {owners}, and the schedule is {schedule}",
                    {"key": key, "owners": owners, "schedule": self.schedule},
                )
        return self


class AdamW(Scheduled):
    """PyTorch autograd with AdamW: any model, any device."""

    method: Literal["adamw"] = "adamw"
    """adamw: mini-batches, gradients by backpropagation; any model, any device."""
    batch_size: Auto | Count = "auto"
    """Ratings in a mini-batch; auto follows the number of ratings."""
    lr_max: Auto | Rates = "auto"
    """Highest learning rate; auto follows the number of ratings. slice(…) or a list: by layer group."""
    weight_decay: Auto | NotNegative = "auto"
    """Decoupled weight decay of the embeddings; auto follows lr_max and the steps of an epoch."""
    bias_weight_decay: Auto | NotNegative = "auto"
    """Decoupled weight decay of the biases; auto: a tenth of weight_decay. Of a network: of its layers; auto: 0."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where to train; auto takes a GPU if PyTorch finds one and the data is large enough to gain from it."""


class Sgd(Scheduled):
    """Stochastic gradient descent, one step a rating, compiled for the CPU: the fast one."""

    method: Literal["sgd"] = "sgd"
    """sgd: one step for each rating; dot_product with linear output, on all cores, and svdpp, on one."""
    n_epochs: Count = 20
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


class Gibbs(Method):
    """Gibbs sampling: the mean of many models that fit the ratings; the most accurate."""

    method: Literal["gibbs"] = "gibbs"
    """gibbs: draws every unknown given all others, again and again; dot_product and svdpp with linear output."""
    n_epochs: Count = 512
    """Sweeps: how often every unknown is drawn."""
    burn_in: Auto | Annotated[int, Field(ge=0)] = "auto"
    """Sweeps before samples count; auto: a quarter of n_epochs."""

    n_kept_samples: Auto | Annotated[int, Field(ge=0)] = "auto"
    """Samples to keep, for intervals and for what is served; auto: 64, fewer where they would take more than 256 MB."""
    likelihood: Literal["auto", "normal", "tobit"] = "auto"
    """How ratings lie about their scores: normally, or cut off at an end of the scale at which they pile up (tobit).

    auto: tobit where half of the ratings or more are the highest, or the lowest.
    """

    @model_validator(mode="after")
    def _some_samples_count(self) -> Self:
        if self.burn_in != "auto" and self.burn_in >= self.n_epochs:
            raise PydanticCustomError("burn_in", "burn_in leaves no sweep of n_epochs to count", {"key": "burn_in"})
        return self


Training = Annotated[Sgd | AdamW | Gibbs, Field(discriminator="method")]


def method_for(model: object) -> str:
    """The method that a model gets when the config names none: sgd where it can fit it, else who can."""
    given = model if isinstance(model, Mapping) else {}
    if given.get("user_drift") is True:
        return "gibbs"
    return "adamw" if given.get("kind") == "embedding_net" or given.get("y_range") is not None else "sgd"


def incompatibility(method: str, model: Model) -> str | None:
    """Why a method cannot fit a model, and which one can; None if it can."""
    match method, model:
        case "sgd" | "gibbs", EmbeddingNet():
            return f"{method} fits dot products only, and the model is an embedding_net: adamw can fit it"
        case "sgd" | "gibbs", DotProduct(y_range=(_, _)):
            return f"{method} fits linear output only, and the model has a y_range: adamw can fit it"
        case "gibbs", DotProduct(biases=False):
            return "gibbs fits biases too, and the model has none: sgd can fit it"
        case "adamw", SvdPP():
            return "adamw does not fit svdpp: sgd and gibbs can"
        case "sgd" | "adamw", DotProduct(user_drift=True) | SvdPP(user_drift=True):
            return f"{method} fits no user_drift: gibbs can"
    return None
