"""What the settings of all methods share, and of those with a learning rate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from pydantic import Field, JsonValue, model_validator
from pydantic_core import PydanticCustomError

from recsys.core.section import Section
from recsys.training.rates import Rates

if TYPE_CHECKING:
    from recsys.models.settings import ModelSettings

Auto = Literal["auto"]
LARGEST = 1e9  # of a weight: far beyond what any data asks for
MOST_EPOCHS = 1_000_000
NotNegative = Annotated[float, Field(ge=0, le=LARGEST)]
Positive = Annotated[float, Field(gt=0, le=LARGEST)]
Divisor = Annotated[float, Field(ge=1, le=1e38)]
Epochs = Annotated[int, Field(ge=1, le=MOST_EPOCHS)]
BatchSize = Annotated[int, Field(ge=1, le=10**9)]
Threads = Annotated[int, Field(ge=1, le=1024)]
Share = Annotated[float, Field(gt=0, lt=1)]

SCHEDULE_KEYS = {
    "one_cycle": {"pct_start": 0.25, "div_factor": 25.0, "final_div_factor": 1e5},
    "flat_cosine": {"pct_start": 0.75},
    "constant": {},
}


@dataclass(frozen=True)
class Conflict:
    """A key of a method that does not go with the model, and why."""

    key: str
    what: str


class Method(Section):
    """What all methods share."""

    has_schedule: ClassVar[bool] = False
    continues_runs: ClassVar[bool] = True  # whether it can start from the parameters of another run
    arrays_of_parameters: ClassVar[int] = 1  # as large as the parameters, themselves counted
    kept_by_updates: ClassVar[tuple[str, ...]] = ()  # keys whose value stays when a run is updated, even if it was auto
    if TYPE_CHECKING:
        method: str

        @property
        def evaluate_every(self) -> Auto | int | None:
            """Epochs between looks at the validation set; None: it is never looked at."""

        @property
        def checkpoint_every(self) -> Auto | int:
            """Epochs between checkpoints."""

        @property
        def keep(self) -> Literal["last", "best"]:
            """Which parameters to keep."""

        @property
        def patience(self) -> int | None:
            """Evaluations without improvement after which training stops; None: it never does."""

    n_epochs: Auto | Epochs = "auto"
    """How often each training rating is seen; auto: 15, and fewer from 100,000 ratings on, down to 4."""
    n_threads: Auto | Threads = "auto"
    """Threads to train with; the result does not depend on it."""

    @property
    def frozen_groups(self) -> tuple[str, ...]:
        """The layer groups that stay as they are."""
        return ()

    @property
    def gains_late(self) -> bool:
        """Whether most is gained in the last epochs, which stopping early would leave out."""
        return False

    def conflict(self, model: ModelSettings) -> Conflict | None:
        """What of these settings does not go with a model that the method can fit."""
        return None

    def for_refit(self, n_epochs: int, measured: Mapping[str, JsonValue]) -> Self:
        """The same for a fit of so many epochs on all ratings, where nothing is left to choose by.

        Args:
            measured: the hyperparameters of the fit that was measured, with `auto` resolved.
        """
        return self.model_copy(update={"n_epochs": n_epochs})

    def least_bytes(self, model: ModelSettings, n_users: int, n_items: int) -> int:
        """Memory that the parameters and what is kept for each of them take, at least."""
        return 4 * self.arrays_of_parameters * model.least_numbers(n_users, n_items)

    def in_force(self) -> dict[str, JsonValue]:
        """All that the result depends on: so not the number of threads."""
        return self.model_dump(mode="json", exclude_none=True, exclude={"n_threads"})


class Monitored(Method):
    """A method whose epochs can be evaluated on the validation set, and chosen by it."""

    checkpoint_every: Auto | Epochs = "auto"
    """Epochs between checkpoints; auto: after the first epoch that ends 10 s or more after the last one."""
    evaluate_every: Auto | Epochs = "auto"
    """Epochs between looks at valid; auto keeps that work below the work of the epochs."""
    keep: Literal["last", "best"] = "last"
    """Which parameters to keep: of the last epoch, or of that with the best deciding metric on the validation set."""
    patience: Epochs | None = None
    """Stop when the deciding metric on the validation set has not improved for so many evaluations; left out: never."""

    def for_refit(self, n_epochs: int, measured: Mapping[str, JsonValue]) -> Self:
        """The last epoch is kept."""
        return self.model_copy(update={"n_epochs": n_epochs, "keep": "last", "patience": None})


class Scheduled(Monitored):
    """A method with a learning rate."""

    has_schedule: ClassVar[bool] = True
    if TYPE_CHECKING:
        lr_max: Auto | Rates

    schedule: Literal["one_cycle", "constant", "flat_cosine"] = "one_cycle"
    """How the learning rate moves: up and down (one_cycle), not at all, or flat and then down."""
    pct_start: Share | None = None
    """one_cycle: share of the steps that warm up (0.25). flat_cosine: share that is flat (0.75)."""
    div_factor: Divisor | None = None
    """one_cycle: it starts at lr_max / div_factor (25)."""
    final_div_factor: Divisor | None = None
    """one_cycle: it ends at lr_max / final_div_factor (1e5)."""

    freeze: tuple[str, ...] = ()
    """Layer groups that stay as they are: users or items of a dot product; embeddings, hidden or head of a network."""

    @property
    def frozen_groups(self) -> tuple[str, ...]:
        """Those that the config names."""
        return self.freeze

    @property
    def gains_late(self) -> bool:
        """With a cycle, whose learning rate comes down at the end."""
        return self.schedule == "one_cycle"

    def conflict(self, model: ModelSettings) -> Conflict | None:
        """Layer groups that the model does not have."""
        groups = model.groups
        listed = f"{model.kind} has {', '.join(groups)}"
        if isinstance(self.lr_max, tuple) and len(self.lr_max) != len(groups):
            return Conflict("lr_max", f"a list has a learning rate for each layer group, and {listed}")
        unknown = [name for name in self.freeze if name not in groups]
        if unknown:
            return Conflict("freeze", f"there is no layer group {', '.join(unknown)}: {listed}")
        if set(self.freeze) == set(groups):
            return Conflict("freeze", "all layer groups are frozen, so nothing would be learned")
        return None

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
