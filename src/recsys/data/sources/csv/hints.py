"""What to do about a rating that is no number."""

from __future__ import annotations

import json
import re

from recsys.core.words import shortened
from recsys.data.sources.values import TRUTH_AS_NUMBERS, TRUTH_VALUES, number, number_with

WITH_UNIT = re.compile(r"\D{0,3}(?P<number>\d+([.,]\d+)?)([^\d½¼¾_]{1,12}\d*\D{0,8})?", re.ASCII)
GAPS = re.compile(r"[-+]?\d{1,3}([ '’\u00a0\u202f]\d{3})+([.,]\d+)?", re.ASCII)
BLACK_STARS = "★⭐*"
WHITE_STARS = "☆✩"


def hint_for(text: str) -> str:
    """What to do about a text that stands where a number should."""
    written = text.strip()
    with_comma, with_point = number_with(",", written), number_with(".", written)
    if with_comma is not None and with_point is not None:
        return (
            f'for {with_point:g}, with a mark between thousands: data.decimal: "." (init: --decimal .); for'
            f' {with_comma:g}, with a decimal comma: data.decimal: "," (init: --decimal ,)'
        )
    if with_comma is not None:
        return 'where the comma is the decimal mark: data.decimal: "," (init: --decimal ,)'
    if with_point is not None:
        return 'where the comma stands between thousands: data.decimal: "." (init: --decimal .)'
    plain = _plain_number(written)
    if plain is not None:
        return f"write the number alone, {plain} for {shortened(written, 20)}, in every row"
    if written.lower() in TRUTH_VALUES:
        return f"{TRUTH_AS_NUMBERS}, in every row; if each row is a click or a purchase: data.columns.rating: false"
    code = json.dumps(shortened(written), ensure_ascii=False)
    return (
        f"if it stands for no rating: data.no_rating: [{code}] (init: --no-rating {code}); if the ratings are in"
        " another column: data.columns.rating (init: --rating); else write a number, or take the row out"
    )


def _plain_number(text: str) -> str | None:
    """The number that a person would see in a text; None if there is none."""
    if text and set(text) <= {*BLACK_STARS, *WHITE_STARS}:
        return str(sum(text.count(star) for star in BLACK_STARS))
    if number(text.replace("−", "-")) is not None:
        return text.replace("−", "-")
    if GAPS.fullmatch(text):
        return re.sub(r"[ '’\u00a0\u202f]", "", text)
    match = WITH_UNIT.fullmatch(text)
    return match["number"] if match else None
