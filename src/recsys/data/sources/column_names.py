"""The names by which columns are found."""

from __future__ import annotations

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


def plain(name: str) -> str:
    """A column's name without case, blanks and punctuation: User-ID, user_id and userId are one."""
    return "".join(letter for letter in name.lower() if letter.isalnum())
