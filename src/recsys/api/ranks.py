"""Several processes that run one job together."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from recsys.core.arguments import FUNCTION, optional
from recsys.core.checked import checked
from recsys.core.communicator import ALONE, Communicator
from recsys.core.errors import need_training_packages
from recsys.core.launch import launch


@checked(on_error=optional(FUNCTION))
def join_ranks(on_error: Callable[[], object] | None = None) -> AbstractContextManager[Communicator]:
    """The ranks of this job, as torchrun has started them; in a process of its own, that one alone.

    While it lasts, an error of one rank is raised on all of them.

    Example:
        with recsys.join_ranks() as ranks:
            recsys.train("config.yaml", "runs/large", ranks=ranks)

    Args:
        on_error: called on every rank that an error ends, before any of them leaves: torchrun ends the others as soon
            as one has left, so that what they have to finish needs signals to be ignored from then on.

    Returns:
        A context manager, which gives what `train`, `finetune` and `update` take as `ranks`.
    Raises:
        RecsysError: the ranks cannot reach each other, or differ in code, libraries or the kind of CPU.
    """
    started = launch()
    if started is None:
        return nullcontext(ALONE)
    need_training_packages()
    from recsys.training.ranks.join import joined

    return joined(started, on_error or (lambda: None))
