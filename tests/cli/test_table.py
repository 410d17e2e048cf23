"""Tables as lines of text."""

from __future__ import annotations

import pytest

from recsys.cli.table import cell_width, cut_to, folded, table_lines

TITLES = [["1", "Up"], ["2", "A title that goes on " + "and on " * 20 + "to its end"]]


def test_a_pipe_neither_cuts_nor_lets_one_long_cell_widen_the_others() -> None:
    header, rule, short, long = table_lines(["rank", "title"], TITLES, numbers=["rank"], cut=["title"])
    assert (header, short) == ("rank   title", "   1   Up")
    assert len(rule) < 20
    assert long.endswith("to its end")


def test_a_cell_that_is_cut_leaves_room_for_the_others() -> None:
    rows = [[*row, "12,345"] for row in TITLES]
    lines = table_lines(["rank", "title", "n ratings"], rows, numbers=["rank", "n ratings"], cut=["title"], width=40)
    assert all(cell_width(line) <= 40 for line in lines)
    assert lines[-1] == "   2   A title that goes on…      12,345"


def test_two_columns_that_are_cut_share_the_room() -> None:
    rows = [["a" * 50, "b" * 50], ["c", "d"]]
    lines = table_lines(["one", "other"], rows, cut=["one", "other"], width=43)
    assert lines[2] == "a" * 19 + "…   " + "b" * 19 + "…"


@pytest.mark.parametrize(
    ("name", "width", "lines"),
    [
        ("movielens-small-20261124T215500Z", 20, ["movielens-small-", "20261124T215500Z"]),
        ("runs/movielens small", 15, ["runs/movielens", "small"]),
        ("one two three", 100, ["one two three"]),
        ("a" * 25, 10, ["a" * 10, "a" * 10, "a" * 5]),
        ("", 10, [""]),
    ],
)
def test_a_cell_is_folded_between_words(name: str, width: int, lines: list[str]) -> None:
    assert folded(name, width) == lines


def test_no_word_is_broken_where_another_column_can_give() -> None:
    rows = [["movielens-small-20261124T215500Z", "finished", "0.8695", "0.9058", "a note of several words"]]
    columns = ["run", "status", "rmse", "baseline", "about it"]
    lines = table_lines(columns, rows, numbers=["rmse", "baseline"], width=60)
    assert all(len(line) <= 60 for line in lines)
    words = {word for line in lines[2:] for word in line.split()}
    assert {"20261124T215500Z", "finished", "several"} <= words


def test_the_first_cell_has_a_line_of_its_own_where_it_would_be_broken() -> None:
    rows = [["movielens-small-20261124T215500Z", "finished", "0.8695"], ["short", "finished", "0.8700"]]
    lines = table_lines(["run", "status", "rmse"], rows, numbers=["rmse"], fold=["run"], width=33)
    assert lines == [
        f"{'run':<13}   status       rmse",
        "─" * 33,
        "movielens-small-20261124T215500Z",
        " " * 16 + "finished   0.8695",
        f"{'short':<13}   finished   0.8700",
    ]


COUNTS = ["n ratings", "by unknown\nusers", "of unknown\nitems", "by new\nusers", "of new\nitems"]


@pytest.mark.parametrize("width", [None, 80])
def test_headers_of_numbers_get_higher_and_gaps_smaller_where_there_is_no_room(width: int | None) -> None:
    columns = ["", "rmse", "mae", *COUNTS]
    row = ["  bias-only baseline", "0.8894", "0.6854", "10,000", *["1,234"] * 4]
    assert table_lines(columns, [row], numbers=columns[1:], width=width) == [
        "                                                    by       of     by     of",
        "                                            n  unknown  unknown    new    new",
        "                        rmse     mae  ratings    users    items  users  items",
        "─" * 77,
        "  bias-only baseline  0.8894  0.6854   10,000    1,234    1,234  1,234  1,234",
    ]
    lines = table_lines(columns[:-1], [row[:-1]], numbers=columns[1:-1], width=width)
    assert (len(lines), len(lines[-1])) == (5, 76)  # with gaps as they are
    assert len(table_lines(columns[:6], [row[:6]], numbers=columns[1:6], width=width)) == 4


def test_a_pipe_has_headers_as_they_are_where_higher_ones_would_not_do() -> None:
    columns = [f"{letter} of unknown\nitems" for letter in "abcdefghij"]
    lines = table_lines(columns, [["1,234"] * 10], numbers=columns)
    assert len(lines) == 4
    assert max(map(len, lines)) > 80


def test_letters_of_two_places_are_aligned() -> None:
    lines = table_lines(["title", "n"], [["千と千尋", "1"], ["Up", "2"]], numbers=["n"], cut=["title"])
    assert [cell_width(line) for line in lines] == [12] * 4
    assert cut_to("千と千尋", 5) == "千と…"


def test_control_characters_stay_in_their_cell_as_escapes() -> None:
    rows = [["\x1b[31mred\x07", "two\nlines"], ["\u202eright", "\x9b2J"]]
    lines = table_lines(["id", "title"], rows)
    assert lines[2:] == ["\\x1b[31mred\\x07   two\\nlines", "\\u202eright       \\x9b2J"]


def test_a_table_without_rows_is_its_header() -> None:
    assert table_lines(["a", "two\nlines"], [], signs=("-", "...")) == ["    two", "a   lines", "-" * 9]
