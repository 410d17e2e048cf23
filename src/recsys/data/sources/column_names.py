"""The names by which columns are found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from recsys.data.sources.table import Role

COMMON: dict[Role, tuple[str, ...]] = {
    "user": (
        *("userid", "user", "uid", "customerid", "customer", "readerid", "reader", "memberid", "member"),
        *("accountid", "account", "reviewerid", "reviewer", "profileid", "personid", "person"),
    ),
    "item": (
        *("itemid", "item", "iid", "movieid", "movie", "isbn", "productid", "product", "asin", "sku", "bookid"),
        *("book", "songid", "song", "trackid", "track", "artistid", "artist", "businessid", "business"),
        *("animeid", "gameid", "game", "recipeid", "recipe", "jokeid", "joke"),
    ),
    "rating": (
        *("rating", "score", "stars", "star", "rate", "value", "overall", "bookrating", "userrating"),
        *("reviewscore", "ratings"),
    ),
    "timestamp": (
        *("timestamp", "time", "date", "datetime", "when", "ts", "unixreviewtime", "createdat", "ratedat"),
        *("ratingtimestamp", "reviewtime"),
    ),
}

COUNTS = (
    *("count", "counts", "plays", "playcount", "listens", "listencount", "clicks", "clickcount", "views", "viewcount"),
    *("purchases", "quantity", "qty", "frequency", "events", "nevents", "weight"),
)
"""The names by which a column of counts is found, before those of ratings."""


def common_names(rating_is: Literal["rating", "count"]) -> Mapping[Role, tuple[str, ...]]:
    """The names by which the columns are found, by what those of the ratings hold."""
    return COMMON if rating_is == "rating" else {**COMMON, "rating": (*COUNTS, *COMMON["rating"])}


def plain(name: str) -> str:
    """A column's name without case, blanks and punctuation: User-ID, user_id and userId are one."""
    return "".join(letter for letter in name.lower() if letter.isalnum())
