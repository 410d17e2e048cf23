"""What the arrays of the sampler's state are, as they lie in a checkpoint."""

from __future__ import annotations

from dataclasses import dataclass

from recsys.core.layout import FACTOR, LARGEST, ArraySpec, Layout, Size
from recsys.models.settings import ROLES, Role
from recsys.models.svdpp.settings import OTHER
from recsys.training.gibbs.state import SPREADS

LEAST = 1e-15  # of a precision
LEAST_PRIOR = 1e-30
LEAST_VARIANCE = 1e-30
LARGE, LARGE_SUM = (
    1e6,
    1e9,
)  # of rows and paths, in standardised units: far more than any, and what is computed of them is finite


@dataclass(frozen=True)
class Chain:
    """How far a chain is.

    Attributes:
        width: of a row: factors, and the bias.
        n_counted: sweeps whose samples count.
        n_kept: of them, those whose samples are kept.
    """

    width: int
    n_counted: int
    n_kept: int


def chain_layout(chain: Chain, implicit_of: tuple[Role, ...]) -> Layout:
    """The sample, sums over those that count, and those kept."""
    of_sides = {
        name: spec for role in ROLES for name, spec in _side(role, chain, is_implicit=role in implicit_of).items()
    }
    if "item" in implicit_of:
        of_sides["sum.raters"] = _rows("n_users", dtype="float64")
    n = chain.n_counted
    numbers = ArraySpec("float64", (2,), [LEAST, n], [FACTOR, n])
    return {**of_sides, "chain": numbers, "kept": ArraySpec("float64", (2,), [0, n], [LARGEST, n])}


def drift_layout(n_paths: int) -> Layout:
    """The paths of a sample, and sums over those that count."""
    arrays = {
        "state": _rows("n_moments", n_paths),
        "scale": _rows("n_users"),
        "total": _rows("n_moments"),
        "level": _rows("n_users"),
        "variance": ArraySpec("float64", (n_paths,), LEAST_VARIANCE, FACTOR),
        "sum": _rows("n_moments", n_paths, dtype="float64"),
        "sum_variance": ArraySpec("float64", (n_paths,), 0, FACTOR),
        "sum_square": ArraySpec("float64", ("n_users",), 0, FACTOR),
        "moved": ArraySpec("float64", (2, "n_moments")),
        "still": ArraySpec("float64", (2, "n_users")),
    }
    return {f"drift.{name}": spec for name, spec in arrays.items()}


def tobit_layout(n_pairs: int) -> Layout:
    """Sums over the samples that count."""
    return {"tobit.scores": ArraySpec("float64", (2, n_pairs)), "tobit.noise": ArraySpec("float64", (1,), 0)}


def _side(role: Role, chain: Chain, *, is_implicit: bool) -> Layout:
    n, n_other, width = f"n_{role}s", f"n_{OTHER[role]}s", chain.width
    prior = ArraySpec("float32", (3, width), [[-LARGE], [LEAST_PRIOR], [-LARGE]], [[LARGE], [LARGEST], [LARGE]])
    arrays = {
        "row": _rows(n, width),
        "from_implicit": _rows(n, width),
        "noise_precision": ArraySpec("float32", (n,), LEAST, FACTOR),
        "squares": ArraySpec("float32", (n,), 0),
        "prior": prior,
        "spread": ArraySpec("float64", (1,), float(SPREADS[0]), float(SPREADS[-1])),
        "noise_squares": ArraySpec("float64", (n,), 0),
    }
    sums = {"row": _rows(n, width, dtype="float64")}
    if is_implicit:
        arrays |= {"implicit": _rows(n_other, width), "implicit_prior": prior}
        sums |= {
            "from_implicit": _rows(n, width, dtype="float64"),
            "implicit": _rows(n_other, width, dtype="float64"),
        }
    if chain.n_kept:
        arrays["kept"] = ArraySpec("float16", (chain.n_kept, (n, 1), width))
    of_sums = {f"sum.{role}.{name}": spec for name, spec in sums.items()}
    return {**{f"{role}.{name}": spec for name, spec in arrays.items()}, **of_sums}


def _rows(*shape: Size, dtype: str = "float32") -> ArraySpec:
    end = LARGE if dtype == "float32" else LARGE_SUM
    return ArraySpec(dtype, shape, -end, end)
