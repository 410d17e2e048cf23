"""The names by which columns are found."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from recsys.data.sources.table import Role

COMMON: dict[Role, tuple[str, ...]] = {
    "user": (
        *("userid", "user", "uid", "customerid", "customer", "readerid", "reader", "memberid", "member"),
        *("accountid", "account", "reviewerid", "reviewer", "profileid", "personid", "person", "username", "userkey"),
        *("visitorid", "visitor", "clientid", "client", "buyerid", "buyer", "playerid", "steamid", "subscriberid"),
        *("sessionid", "nickname", "login", "author", "profilename", "reviewusername", "reviewprofilename"),
        *("benutzer", "benutzerid", "nutzer", "nutzerid", "kunde", "kundenid", "utilisateur", "usuario"),
    ),
    "item": (
        *("itemid", "item", "iid", "movieid", "movie", "isbn", "productid", "product", "parentasin", "asin", "sku"),
        *("bookid", "book", "songid", "song", "trackid", "track", "artistid", "artist", "businessid", "business"),
        *("animeid", "gameid", "game", "recipeid", "recipe", "jokeid", "joke", "appid", "app", "gmapid", "filmid"),
        *("film", "showid", "videoid", "articleid", "newsid", "courseid", "mangaid", "albumid", "beerid", "beerbeerid"),
        *("restaurantid", "placeid", "locationid", "venueid", "poiid", "hotelid", "contentid", "goodsid", "skuid"),
        *("podcastid", "itemkey", "artikel", "artikelid", "article", "articulo"),
    ),
    "rating": (
        *("rating", "score", "stars", "star", "rate", "value", "overall", "bookrating", "userrating"),
        *("reviewscore", "ratings", "myscore", "userscore", "reviewrating", "reviewoverall", "overallrating"),
        *("starrating", "ratingvalue", "grade", "bewertung", "puntuacion"),
    ),
    "timestamp": (
        *("timestamp", "time", "date", "datetime", "when", "ts", "unixreviewtime", "createdat", "ratedat"),
        *("ratingtimestamp", "reviewtime", "reviewdate", "reviewtimestamp", "ratingdate", "ratingtime", "unixtime"),
        *("eventtime", "eventtimestamp", "eventdate", "updatedat", "lastupdated", "mylastupdated", "dateadded"),
        *("addedat", "datum", "zeit", "fecha"),
    ),
}

ITEMS_FILE = (*COMMON["item"], "id", "key")
"""The names by which the item ids are found in an items file."""

COUNTS = (
    *("count", "counts", "plays", "playcount", "listens", "listencount", "clicks", "clickcount", "views", "viewcount"),
    *("purchases", "quantity", "qty", "frequency", "events", "nevents", "weight"),
)
"""The names by which a column of counts is found, before those of ratings."""


def common_names(rating_is: Literal["rating", "count"]) -> Mapping[Role, tuple[str, ...]]:
    """The names by which the columns are found, by what those of the ratings hold."""
    return COMMON if rating_is == "rating" else {**COMMON, "rating": (*COUNTS, *COMMON["rating"])}


TYPES = re.compile(r":(token|float|token_seq|float_seq)$")
"""What RecBole writes behind the name of a column."""


def plain(name: str) -> str:
    """A column's name without case, blanks, punctuation and type: User-ID, user_id:token and userId are one."""
    return "".join(letter for letter in TYPES.sub("", name.strip()).lower() if letter.isalnum())
