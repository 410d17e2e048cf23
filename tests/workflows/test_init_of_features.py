"""What `init` says of features, and the config that it writes."""

from __future__ import annotations

from pathlib import Path

import pytest

import recsys
from recsys.config.loading.load import load_config
from recsys.core.errors import DataError, UsageError

RATINGS = "userId,movieId,rating\n" + "".join(f"{u},{i},{(u + i) % 5 + 1}\n" for u in range(6) for i in range(10))
MOVIES = "movieId,title,genres,url\n" + "".join(
    f"{i},Film {i} ({1990 + i}),{('Comedy', 'Drama|War', 'NA')[i % 3]},http://a.b/{i}\n" for i in range(10)
)
USERS = "user,age,town\n" + "".join(f"{u},{20 + u},{'AB'[u % 2]}\n" for u in range(6))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in (("ratings.csv", RATINGS), ("movies.csv", MOVIES), ("people.csv", USERS)):
        (tmp_path / name).write_text(text)
    return tmp_path


def test_columns_of_the_items_file_are_features(folder: Path) -> None:
    seen = recsys.init(folder / "ratings.csv", folder / "config.yaml")
    assert seen.describe()[-4:] == [
        "features of items: movies.csv, for all 10 items",
        "  title: year, such as Film 0 (1990), Film 1 (1991), Film 2 (1992)",
        "  genres: list, such as Comedy, Drama, War; 30% missing",
        "  url: not used: these are addresses",
    ]
    assert load_config(folder / "config.yaml").data.item_features == "items"
    columns = seen.to_dict()["item_features"]["columns"]  # type: ignore[index, call-overload]
    assert [column["kind"] for column in columns] == ["year", "list", None]  # type: ignore[union-attr, index, call-overload]


def test_what_is_said_of_features_is_in_the_config(folder: Path) -> None:
    said = {"use": ["title"], "texts": ["title"], "years": ["title"]}
    users = str(folder / "people.csv")
    seen = recsys.init(
        folder / "ratings.csv",
        folder / "config.yaml",
        items=str(folder / "movies.csv"),
        item_features="items",
        item_feature_columns=said,
        user_features=users,
    )
    assert "features of users: people.csv, for all 6 users" in seen.describe()
    data = load_config(folder / "config.yaml").data
    assert data.user_features == folder / "people.csv"
    assert data.item_feature_columns.texts == ("title",)
    assert data.item_feature_columns.years == ("title",)


def test_the_items_file_that_is_asked_for_is_the_one_beside_the_ratings(folder: Path) -> None:
    recsys.init(folder / "ratings.csv", folder / "config.yaml", item_features="items")
    assert load_config(folder / "config.yaml").data.item_features == "items"
    (folder / "movies.csv").write_text("movieId,title\n" + "".join(f"{i},The long film {i}\n" for i in range(10)))
    with pytest.raises(DataError, match="no column"):
        recsys.init(folder / "ratings.csv", folder / "other.yaml", item_features="items")
    (folder / "movies.csv").unlink()
    with pytest.raises(UsageError, match="no items file lies beside the ratings"):
        recsys.init(folder / "ratings.csv", folder / "other.yaml", item_features="items")
    assert not (folder / "other.yaml").exists()


def test_titles_alone_are_no_features(folder: Path) -> None:
    (folder / "movies.csv").write_text("movieId,title\n" + "".join(f"{i},The long film {i}\n" for i in range(10)))
    recsys.init(folder / "ratings.csv", folder / "config.yaml")
    assert load_config(folder / "config.yaml").data.item_features is None


def test_a_file_that_is_named_has_to_be_one(folder: Path) -> None:
    with pytest.raises(DataError, match="none of the 6 users of the ratings is in it"):
        recsys.init(
            folder / "ratings.csv",
            folder / "config.yaml",
            user_features=str(folder / "movies.csv"),
            user_feature_columns={"id": "title"},
        )
