"""The names by which columns are found."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Literal

from recsys.data.sources.table import Role

ITEM_IDS = (
    *("itemid", "item", "iid", "movieid", "movie", "isbn", "productid", "product", "parentasin", "asin", "sku"),
    *("bookid", "book", "songid", "song", "trackid", "track", "artistid", "artist", "businessid", "business"),
    *("animeid", "gameid", "game", "bggid", "recipeid", "recipe", "jokeid", "joke", "appid", "app", "gmapid", "filmid"),
    *("film", "showid", "videoid", "articleid", "newsid", "courseid", "mangaid", "albumid", "beerid", "beerbeerid"),
    *("restaurantid", "placeid", "locationid", "venueid", "poiid", "hotelid", "contentid", "goodsid", "skuid"),
    *("podcastid", "itemkey", "itemno", "itemnumber", "itemidx", "itemindex", "productcode", "productno"),
    *("stockcode", "articleno", "tconst", "imdbid", "tmdbid", "isbn13", "isbn10", "ean", "upc", "gtin", "mbid"),
    *("artistmbid", "recordingmbid", "seriesid", "series", "episodeid", "documentid", "document", "docid"),
    *("paperid", "postid", "post", "photoid", "adid", "offerid", "listingid", "propertyid", "jobid", "eventid"),
    *("wineid", "wine", "dishid", "dish", "champion", "championid", "questionid", "problemid", "merchantid"),
    *("storeid", "shopid", "packageid", "channelid", "artikel", "artikelid", "artikelnr", "artikelnummer"),
    *("produkt", "produktid", "buch", "article", "produit", "livre", "articulo", "pelicula", "idpelicula"),
    *("producto", "libro", "prodotto", "filme", "produto", "livro", "фильм", "товар", "книга", "电影", "电影id"),
    *(
        "商品",
        "商品id",
        "物品",
        "映画",
        "映画id",
        "boek",
        "ksiazka",
        "bok",
        "kitap",
        "refproduit",
        "アイテム",
        "製品",
        "영화",
        "상품",
        "電影",
    ),
)
ITEM_NAMES = (
    *("itemname", "itemtitle", "movietitle", "moviename", "filmtitle", "filmtitel", "booktitle", "gametitle"),
    *("gamename", "productname", "artistname", "trackname", "songname", "albumname", "album", "title"),
)
"""What people call the items, where they have no ids."""

COMMON: dict[Role, tuple[str, ...]] = {
    "user": (
        *("userid", "user", "uid", "customerid", "customer", "readerid", "reader", "memberid", "member"),
        *("accountid", "account", "reviewerid", "reviewer", "profileid", "personid", "person", "username"),
        *("userkey", "visitorid", "visitor", "clientid", "client", "buyerid", "buyer", "playerid", "steamid"),
        *("subscriberid", "sessionid", "nickname", "login", "author", "profilename", "reviewusername"),
        *("reviewprofilename", "userno", "usernumber", "userhash", "userindex", "useridx", "usermbid", "userguid"),
        *("useruuid", "screenname", "memberno", "membernumber", "customerno", "customernumber", "customerkey"),
        *("custid", "householdkey", "viewerid", "viewer", "listenerid", "listener", "player", "playername"),
        *("gamer", "critic", "criticid", "raterid", "rater", "voterid", "voter", "studentid", "student", "guestid"),
        *("guest", "deviceid", "profile", "steamuserid", "authorid", "authorname", "accountname", "reviewuserid"),
        *("anonid", "benutzer", "benutzerid", "benutzername", "nutzer", "nutzerid", "nutzername", "kunde"),
        *("kundenid", "kundennr", "kundennummer", "utilisateur", "utilisateurid", "idutilisateur", "usuario"),
        *("usuarioid", "idusuario", "cliente", "idcliente", "utente", "idutente", "utilizador", "gebruiker"),
        *("klant", "uzytkownik", "anvandare", "пользователь", "клиент", "用户", "用户id", "用户编号", "用户名"),
        *(
            "ユーザー",
            "ユーザ",
            "ユーザーid",
            "利用者",
            "利用者id",
            "顧客",
            "顧客id",
            "会員",
            "会員id",
            "사용자",
            "유저",
        ),
        *("用戶", "使用者", "respondent", "respondentid", "participant", "participantid", "email", "emailaddress"),
        *("emailadresse", "mailadresse", "teilnehmer", "noclient", "nclient", "numeroclient", "kullanıcı"),
    ),
    "item": (*ITEM_IDS, *ITEM_NAMES),
    "rating": (
        *("rating", "score", "stars", "star", "rate", "value", "overall", "bookrating", "userrating"),
        *("reviewscore", "ratings", "myscore", "userscore", "reviewrating", "reviewoverall", "overallrating"),
        *("starrating", "ratingvalue", "ratingval", "ratingscore", "numstars", "itemrating", "movierating"),
        *("filmrating", "productrating", "gamerating", "animerating", "songrating", "beerrating", "vote"),
        *("uservote", "points", "mark", "preference", "affinity", "grade", "bewertung", "wertung", "note"),
        *("sterne", "puntuacion", "calificacion", "valoracion", "puntaje", "estrellas", "nota", "voto"),
        *("valutazione", "punteggio", "avaliacao", "etoiles", "beoordeling", "ocena", "betyg", "оценка", "рейтинг"),
        *("评分", "評分", "打分", "分数", "評価", "評点", "評価点", "点数", "得点", "평점", "별점", "점수"),
        *(
            "punkte",
            "punktzahl",
            "sternebewertung",
            "puntos",
            "pontos",
            "pontuacao",
            "punti",
            "evaluation",
            "балл",
            "puan",
        ),
    ),
    "timestamp": (
        *("timestamp", "time", "date", "datetime", "when", "ts", "unixreviewtime", "createdat", "ratedat"),
        *("ratingtimestamp", "reviewtime", "reviewdate", "reviewtimestamp", "ratingdate", "ratingtime", "unixtime"),
        *("eventtime", "eventtimestamp", "eventdate", "updatedat", "lastupdated", "mylastupdated", "dateadded"),
        *("addedat", "unixtimestamp", "epoch", "tstamp", "createtime", "creationdate", "created", "createdon"),
        *("submitted", "submittedat", "submissiondate", "posted", "postedat", "posteddate", "publishedat"),
        *("reviewedat", "watchedat", "watcheddate", "playedat", "listenedat", "readat", "dateread", "votedat"),
        *("purchasedate", "orderdate", "invoicedate", "transactiondate", "datum", "zeit", "fecha", "heure", "дата"),
        *("время", "时间", "日期", "日時", "日付", "zeitstempel", "horodatage", "タイムスタンプ"),
    ),
}

ITEMS_FILE = (*ITEM_IDS, "id", "key")
"""The names by which the item ids are found in an items file."""

TITLES = (
    *(
        "title",
        "name",
        *ITEM_NAMES,
        "primarytitle",
        "originaltitle",
        "englishname",
        "animename",
        "displayname",
        "label",
    ),
    *(
        "headline",
        "titel",
        "titre",
        "titulo",
        "titolo",
        "nombre",
        "nom",
        "название",
        "标题",
        "名称",
        "タイトル",
        "제목",
    ),
)
"""The names by which the titles are found in an items file."""

OF_RATINGS = (
    *("averagerating", "avgrating", "meanrating", "ratingaverage", "ratingmean", "voteaverage", "averagescore"),
    *("meanscore", "imdbrating", "imdbscore", "imdbvotes", "ratingscount", "ratingcount", "nratings", "numratings"),
    *("numberofratings", "votecount", "votes", "numvotes", "reviewcount", "numreviews", "scoredby", "popularity"),
)
"""The names of what has been made of ratings, in a file of items."""

COUNTS = (
    *("count", "counts", "plays", "playcount", "listens", "listencount", "clicks", "clickcount", "views"),
    *("viewcount", "purchases", "quantity", "qty", "frequency", "freq", "events", "nevents", "weight", "cnt"),
    *("hours", "hoursplayed", "playtime", "playtimeforever", "nplays", "numplays", "nclicks", "nviews"),
    *("watchcount", "ordercount", "menge", "anzahl", "quantite", "cantidad", "quantita", "quantidade", "aantal"),
    *("ilosc", "количество", "数量", "回数", "再生回数"),
)
"""The names by which a column of counts is found, before those of ratings."""


def common_names(rating_is: Literal["rating", "count"]) -> Mapping[Role, tuple[str, ...]]:
    """The names by which the columns are found, by what those of the ratings hold."""
    return COMMON if rating_is == "rating" else {**COMMON, "rating": (*COUNTS, *COMMON["rating"])}


TYPES = re.compile(r":(token|float|token_seq|float_seq|string|str|int|integer|long|bigint|double|number|datetime)$")
"""What stands behind the name of a column, as RecBole and others write it."""
REMARK = re.compile(r"(?<=.)\s*[\[(][^\])]*[\])]$")


def plain(name: str) -> str:
    """A column's name without case, accents, blanks, punctuation, type and a remark in brackets.

    User-ID, user_id:token, userId and "user id (number)" are one.
    """
    bare = REMARK.sub("", TYPES.sub("", name.strip()))
    return "".join(letter for sign in bare.lower() if (letter := _without_accent(sign)).isalnum())


def _without_accent(sign: str) -> str:
    """The Latin letter without its accent; any other sign as it is."""
    if sign.isascii():
        return sign
    base = unicodedata.normalize("NFKD", sign)[0]
    return base if base.isascii() else sign
