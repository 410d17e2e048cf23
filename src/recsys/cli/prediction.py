"""A prediction and its parts, as `predict` and `explain` show them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recsys.cli.render import print_table
from recsys.core.words import one_line

if TYPE_CHECKING:
    from recsys.inference.prediction import Prediction


def prediction_line(prediction: Prediction) -> str:
    """User, item and rating."""
    title = f"  {prediction.title}" if prediction.title else ""
    return one_line(f"user {prediction.user_id}, item {prediction.item_id}{title}: {prediction.rating:.2f}")


def unrated_lines(prediction: Prediction) -> list[str]:
    """What the prediction stands on where the user or the item has no training ratings."""
    lines = []
    for role, known in (("user", prediction.known_user), ("item", prediction.known_item)):
        if not known:
            by = "from its features" if role in prediction.from_features else f"by the mean {role}"
            lines.append(f"the {role} has no training ratings: predicted {by}")
    return lines


def print_parts(prediction: Prediction) -> None:
    """A table of the parts, the score that they add up to, and the rating that the link makes of it."""
    rows = [[name.replace("_", " "), f"{value:+.3f}"] for name, value in prediction.parts.items()]
    rows.append(["score", f"{prediction.score:+.3f}"])
    rows.append([f"rating = {prediction.link}(score)", f"{prediction.rating:.3f}"])
    print_table(["part", "value"], rows, numbers=["value"])
