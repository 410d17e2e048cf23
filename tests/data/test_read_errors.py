"""What is wrong with a file is said with file, line, column, the text, what was expected and what to do."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest

from recsys.config.schema.data import Data
from recsys.core.communicator import ALONE
from recsys.core.errors import ConfigError, DataError
from recsys.core.events import silent
from recsys.data.read import read_ratings, read_table
from recsys.data.sources.opening import open_source
from recsys.data.sources.protocol import ColumnRequest

HEAD = "userId,movieId,rating,timestamp\n"


def refused(data: Data) -> DataError:
    with pytest.raises(DataError) as caught:
        read_ratings(data, ALONE)
    assert caught.value.exit_code == 3
    assert caught.value.hint or caught.value.expected
    return caught.value


@pytest.mark.parametrize(
    ("row", "column", "what", "hint"),
    [
        ("1,2,good,5", "rating", "'good' is not a number", "take the row out"),
        ('1,2,"3,500",5', "rating", "'3,500' is not a number", 'for 3.5, with a decimal comma: data.decimal: ","'),
        ("1,2,4/5,5", "rating", "'4/5' is not a number", "write the number alone, 4 for 4/5"),
        ("1,2,4 stars,5", "rating", "'4 stars' is not a number", "write the number alone"),
        ('1,"2\n\n3",4,5', "movieId", 'an id has a line break in it: "2\\n\\n3"', "data.quotes: false"),
        ("1,2,,5", "rating", "the rating is empty", "take the row out"),
        ("1,2,nan,5", "rating", "'nan' is not a finite number", "take the row out"),
        ("1,2,-inf,5", "rating", "'-inf' is not a finite number", "take the row out"),
        ("1,2,1e39,5", "rating", "'1e39' is not a finite number", "take the row out"),
        ("1,2,1_0,5", "rating", "'1_0' is not a number", "take the row out"),
        (",2,3,5", "userId", "an id is empty", "dropna(subset="),
        ('1,"  ",3,5', "movieId", "an id is empty", "dropna(subset="),
        ("1,2,3,soon", "timestamp", "'soon' is not a time", "data.columns.timestamp: false"),
        ("1,2,3,", "timestamp", "the time is empty", "data.columns.timestamp: false"),
        ("1,2,3,2001-01-01", "timestamp", "'2001-01-01' is not a time", "data.columns.timestamp: false"),
    ],
)
def test_a_bad_field_is_shown_with_line_and_column(written: Any, row: str, column: str, what: str, hint: str) -> None:
    data = written(f"{HEAD}9,9,4,5\n{row}\n8,8,8,8\n")
    error = refused(data)
    assert error.where == f"{data.ratings}:3: column {column}"
    assert error.what == what
    assert error.expected
    assert hint in str(error.hint)


def test_without_a_header_a_column_is_called_by_its_number(written: Any) -> None:
    data = written("9,9,4\n1,2,good\n")
    assert refused(data).where == f"{data.ratings}:2: column 3"


@pytest.mark.parametrize(
    ("times", "line", "what"),
    [
        (["131904835110000000", "131904835110000000"], 2, "the year 1974 if it is in nanoseconds"),
        (["636816067110000000", "636816067110000000"], 2, "the year 1990 if it is in nanoseconds"),
        (["2024-01-01", "9999-12-31"], 3, "the year 9999"),
        (["0001-01-01", "2024-01-01"], 2, "the year 1"),
        (["1408949555", "1507643707000", "1507643708", "1500137432"], 3, "the year 4974"),
        (["1408949555000", "1507643707000", "1507643708000", "1500137432"], 5, "in milliseconds"),
        (["1408949555000000000", "1507643707000000000", "1507643708000", "1500137432000000000"], 4, "in nanoseconds"),
        (["99999999999", "1", "2", "3"], 2, "in seconds"),
        (["2001-01-01", "2002-01-01", "9999-12-31"], 4, "the time is in the year 9999"),
        (["31.12.1600", "01.01.2001"], 2, "the time is in the year 1600"),
    ],
)
def test_a_time_of_another_unit_is_refused_with_its_line(written: Any, times: list[str], line: int, what: str) -> None:
    data = written(HEAD + "".join(f"{k},{k},{k},{time}\n" for k, time in enumerate(times)))
    error = refused(data)
    assert error.where == f"{data.ratings}:{line}"
    assert what in error.what
    assert "--no-timestamp" in str(error.hint)


def test_days_and_months_that_cannot_be_told_apart_are_refused(written: Any) -> None:
    data = written(HEAD + "1,1,1,01/02/2001\n2,2,2,03/04/2001\n")
    error = refused(data)
    assert 'data.timestamp_format: "%d/%m/%Y" (init: --timestamp-format %d/%m/%Y)' in str(error.hint)
    read = read_ratings(data.model_copy(update={"timestamp_format": "%m/%d/%Y"}), ALONE).ratings.timestamp
    assert read is not None
    assert read.tolist() == [978393600.0, 983664000.0]


def test_a_bad_date_is_shown(written: Any) -> None:
    error = refused(written(f"{HEAD}1,1,1,2001-01-01\n2,2,2,2001-02-30\n"))
    assert error.what == "'2001-02-30' is not a time"
    assert "2024-05-31" in str(error.expected)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_the_line_is_that_of_the_file_after_quoted_newlines_and_blank_lines(written: Any, end: str) -> None:
    lines = ["", "title," + HEAD.strip(), "", '"2', '3",1,2,4,5', "", '"8', '9",9,8,8,8', "x,7,7,bad,7"]
    data = written(end.join(lines))
    assert refused(data).where == f"{data.ratings}:9: column rating"


@pytest.mark.parametrize(("row", "width"), [("1,2,3", "3 fields"), ("1,2,3,4,5", "5 fields"), ("1", "1 field")])
def test_a_ragged_row_is_shown(written: Any, row: str, width: str) -> None:
    data = written(f"{HEAD}9,9,4,5\n{row}\n")
    error = refused(data)
    assert error.where == f"{data.ratings}:3"
    assert error.what == f'this row has {width}: "{row}"'
    assert "4, as the header has" in str(error.expected)


def test_a_ragged_row_is_shown_also_far_below(written: Any) -> None:
    rows = "".join(f"{k},{k},{k},5\n" for k in range(300))
    data = written(f"{HEAD}{rows}1;2\n{rows}")
    assert refused(data).where == f"{data.ratings}:302"


def test_a_ragged_row_with_a_long_delimiter_is_shown(written: Any) -> None:
    data = written("1::2::3\n1::2\n")
    error = refused(data)
    assert error.where == f"{data.ratings}:2"
    assert "as the first row has" in str(error.expected)


def test_quotes_that_make_no_sense_are_shown(written: Any) -> None:
    data = written(f'{HEAD}9,9,4,5\n\n"1,2,3,5\n8,8,8,8\n')
    error = refused(data)
    assert error.where == f"{data.ratings}:4"
    assert "quotes" in error.what


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "ratings.csv").write_text(HEAD)
    error = refused(Data(ratings=tmp_path / "rating.csv"))
    assert error.what == "there is no such file"
    assert str(tmp_path / "ratings.csv") in str(error.hint)
    assert refused(Data(ratings=tmp_path / "nowhere" / "rating.csv")).what == "there is no such file"


def test_a_folder(tmp_path: Path) -> None:
    assert refused(Data(ratings=tmp_path)).what == "this is a folder"


@pytest.mark.parametrize("content", ["", "\n\n", "\ufeff", "\r\n"])
def test_an_empty_file(written: Any, content: str) -> None:
    assert refused(written(content)).what in ("the file is empty", "the file holds no rows")


def test_an_empty_compressed_file(written: Any) -> None:
    assert refused(written(gzip.compress(b""))).what == "the file holds no rows"


@pytest.mark.parametrize("text", [HEAD, HEAD.strip(), HEAD + "\n\n", "user::item::rating\n"])
def test_a_header_alone(written: Any, text: str) -> None:
    assert refused(written(text)).what == "there is a header and nothing below it"


def test_bytes_that_are_no_text_in_the_encoding(written: Any) -> None:
    data = written(f"{HEAD}1,1,1,1\nZoë,2,2,2\n".encode("latin-1"))
    error = refused(data)
    assert error.where == f"{data.ratings}:3"
    assert "0xeb" in error.what or "\\xeb" in error.what
    assert "data.encoding: cp1252" in str(error.hint)


def test_undecodable_bytes_in_a_column_that_is_not_read(written: Any) -> None:
    rows = b"".join(b"%d,%d,%d,5,x\n" % (k, k, k) for k in range(1000))
    data = written(b"userId,movieId,rating,timestamp,title\n" + rows + b"1,2,3,4,\xe9\n" + rows)
    assert refused(data).where == f"{data.ratings}:1002"


def test_utf_16_without_saying_so(written: Any) -> None:
    rows = f"{HEAD}1,1,1,1\n2,2,2,2\n"
    assert len(read_ratings(written(rows.encode("utf-16")), ALONE).ratings) == 2  # it has a byte order mark
    assert "data.encoding: utf-16" in str(refused(written(f"{HEAD}1,1,1,1\n".encode("utf-16-le"))).hint)


def test_a_nul_byte(written: Any) -> None:
    data = written(HEAD + "1,1,1,1\n" * 3000 + "1,\0,2,2\n")
    error = refused(data)
    assert error.where == f"{data.ratings}:3002"
    assert "NUL" in error.what
    assert "tr -d" in str(error.hint)


@pytest.mark.parametrize("cut", [20, 400])
def test_a_compressed_file_that_is_cut_off(written: Any, cut: int) -> None:
    rows = "".join(f"{k},{k * 7919 % 997},{k % 5},{k}\n" for k in range(500))
    assert "cannot be unpacked" in refused(written(gzip.compress((HEAD + rows).encode())[:-cut])).what


def test_a_missing_column_with_the_nearest_name(written: Any) -> None:
    data = written(f"{HEAD}1,1,1,1\n", columns={"user": "usrId"})
    error = refused(data)
    assert error.what == "there is no column 'usrId' for the user ids"
    assert "userId, movieId, rating, timestamp" in str(error.expected)
    assert "userId" in str(error.hint)
    assert error.where == str(data.ratings)


def test_a_rating_column_with_a_misspelt_name(written: Any) -> None:
    error = refused(written("user,item,raitng\n1,1,1\n2,2,2\n"))
    assert "no column of ratings was found" in error.what
    assert "data.columns.rating: raitng" in str(error.hint)


def test_columns_that_no_common_name_fits(written: Any) -> None:
    error = refused(written("foo,bar,rating\n1,1,1\n"))
    assert error.what == "no column of user ids was found; the file has the columns foo, bar, rating"
    assert "data.columns.user" in str(error.hint)


def test_a_name_in_a_file_without_a_header(written: Any) -> None:
    error = refused(written("1,1,1\n2,2,2\n", columns={"item": "movieId"}))
    assert "data.columns.item: 2" in str(error.hint)


def test_a_position_beyond_the_file(written: Any) -> None:
    assert refused(written("1,1,1\n", columns={"rating": 7})).what == "there is no column 7 for the ratings"


def test_a_time_column_that_is_named_and_not_there(written: Any) -> None:
    error = refused(written("user,item,rating\n1,1,1\n", columns={"timestamp": "when"}))
    assert "data.columns.timestamp: false" in str(error.hint)


def test_one_column_for_two_things(written: Any) -> None:
    assert "asked for twice" in refused(written("1,1,1\n", columns={"user": 1, "item": 1})).what


@pytest.mark.parametrize("text", ["user,item\n1,2\n3,4\n", "1,2\n3,4\n", "user,item,clicked_on\n1,2,x\n"])
def test_a_file_without_ratings_is_refused_with_the_key_for_clicks(written: Any, text: str) -> None:
    error = refused(written(text))
    assert "ratings" in error.what
    assert "data.columns.rating: false" in str(error.hint)


def test_a_single_user_a_single_item_and_equal_ratings(written: Any) -> None:
    assert refused(written("user,item,rating\n1,1,1\n1,2,2\n")).what == "all ratings are of a single user"
    assert refused(written("user,item,rating\n1,1,1\n2,1,2\n")).what == "all ratings are of a single item"
    error = refused(written("user,item,rating\n1,1,1\n2,2,1\n"))
    assert error.what == "all ratings are equal: 1"
    assert "data.columns.rating: false" in str(error.hint)


def test_ratings_that_cannot_be_squared_are_refused(written: Any) -> None:
    error = refused(written("user,item,rating\n1,1,3e30\n2,2,1\n"))
    assert error.what == "the rating 3e+30 is too large"


def test_equal_ratings_in_train_alone_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("user,item,rating\n1,1,3\n2,2,3\n")
    (tmp_path / "b.csv").write_text("user,item,rating\n1,2,4\n")
    assert refused(Data(train=tmp_path / "a.csv", test=tmp_path / "b.csv")).where == str(tmp_path / "a.csv")


def test_a_delimiter_or_an_encoding_that_cannot_be(written: Any) -> None:
    for options, key in (({"delimiter": '"'}, "data.delimiter"), ({"encoding": "utf-9"}, "data.encoding")):
        data = written(b"1,1,1\n", **options)
        with pytest.raises(ConfigError) as caught:
            read_ratings(data, ALONE)
        assert caught.value.where == key


def test_errors_are_located_in_other_files_too(written: Any) -> None:
    data = written("user,item\n1,2\n,4\n")
    with pytest.raises(DataError) as caught:
        read_table(open_source(data.ratings, data, silent), ColumnRequest(frozenset({"user", "item"})))
    assert caught.value.where == f"{data.ratings}:3: column user"


def test_utf_32_that_ends_within_a_letter(written: Any) -> None:
    data = written(HEAD.encode("utf-32") + b"1", encoding="utf-32")
    assert "is not text in utf-32" in refused(data).what


def test_a_file_that_may_not_be_read(written: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def deny(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    data = written(HEAD)
    monkeypatch.setattr(Path, "open", deny)
    assert refused(data).what == "it cannot be opened: Permission denied"


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("movieId,title\n1,Heat\n2,Up\n", "recsys init RATINGS --items ratings.csv"),
        ("user,a,b,c\n1,1,2,3\n2,2,3,4\n", "data.layout: wide (init: --layout wide)"),
    ],
)
def test_a_file_of_another_kind_gets_a_hint(written: Any, text: str, hint: str) -> None:
    assert hint in str(refused(written(text)).hint)


@pytest.mark.parametrize("name", ["undefined", "idna", "unicode_escape", "raw_unicode_escape", "base64", "a\0b"])
def test_a_codec_that_no_text_file_is_written_in(written: Any, name: str) -> None:
    data = written(f"{HEAD}1,1,1,1\n").model_copy(update={"encoding": name})
    with pytest.raises(ConfigError, match="there is no encoding"):
        read_ratings(data, ALONE)


@pytest.mark.parametrize("n_before", [0, 100], ids=["in the sample", "below it"])
@pytest.mark.parametrize("field", ["x" * 300, "é" * 150, f'"a\n{"x" * 300}"'], ids=["ASCII", "other", "in quotes"])
def test_a_line_that_is_too_long(written: Any, n_before: int, field: str) -> None:
    data = written(HEAD + "1,1,1,1\n" * n_before + f"{field},1,1,1\n", max_line_bytes=256)
    error = refused(data)
    assert error.what == "this line is longer than 256 bytes"
    assert error.where == f"{data.ratings}:{n_before + 2 + field.count(chr(10))}"
