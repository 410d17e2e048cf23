"""Every form of file that is read, and what comes out."""

from __future__ import annotations

import gzip
import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv, parquet

from recsys.config.schema.data import Data
from recsys.core.communicator import ALONE
from recsys.core.errors import DataError
from recsys.core.events import Event, Loading, silent
from recsys.data.read import read_as, read_ratings, read_table
from recsys.data.sources import progress
from recsys.data.sources.collect import collect
from recsys.data.sources.csv import arrow_reader as fast
from recsys.data.sources.csv.arrow_reader import read_fast
from recsys.data.sources.csv.dialect import find_dialect
from recsys.data.sources.find_columns import find_columns
from recsys.data.sources.opening import open_source
from recsys.data.sources.protocol import ColumnRequest
from recsys.data.sources.table import EVERYTHING
from recsys.data.vocabulary import Vocabulary

PLAIN = "userId,movieId,rating,timestamp\n7,30,4.5,1000\n2,10,3,1001\n7,10,0.5,1002\n"
ROWS = [(7, 30, 4.5, 1000.0), (2, 10, 3.0, 1001.0), (7, 10, 0.5, 1002.0)]


def rows_in(data: Data) -> list[tuple[Any, ...]]:
    frame = read_ratings(data, ALONE).ratings.to_frame()
    return list(frame.itertuples(index=False, name=None))


def test_columns_come_out_in_fixed_types_and_file_order(written: Any) -> None:
    ratings = read_ratings(written(PLAIN), ALONE).ratings
    assert ratings.users.ids.tolist() == [2, 7]
    assert ratings.items.ids.tolist() == [10, 30]
    assert ratings.user_idx.tolist() == [1, 0, 1]
    assert ratings.item_idx.tolist() == [1, 0, 0]
    assert ratings.rating.tolist() == [4.5, 3.0, 0.5]
    assert ratings.timestamp is not None
    dtypes = [column.dtype for column in (ratings.user_idx, ratings.item_idx, ratings.rating, ratings.timestamp)]
    assert dtypes == [np.int32, np.int32, np.float32, np.float64]


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|", "::", " "])
@pytest.mark.parametrize("is_given", [True, False])
def test_every_delimiter_is_read_asked_for_or_found(written: Any, delimiter: str, is_given: bool) -> None:
    assert rows_in(written(PLAIN.replace(",", delimiter), delimiter=delimiter if is_given else "auto")) == ROWS


@pytest.mark.parametrize("delimiter", ["·", "<>", "+"])
def test_an_unusual_delimiter_is_read_if_asked_for(written: Any, delimiter: str) -> None:
    assert rows_in(written(PLAIN.replace(",", delimiter), delimiter=delimiter)) == ROWS


@pytest.mark.parametrize("header", [False, "auto"])
@pytest.mark.parametrize("delimiter", [",", "\t", "::"])
def test_without_a_header_columns_count_from_one(written: Any, header: Any, delimiter: str) -> None:
    body = PLAIN.partition("\n")[2].replace(",", delimiter)
    assert rows_in(written(body, header=header)) == ROWS


def test_positions_name_columns_with_and_without_a_header(written: Any) -> None:
    columns = {"user": 2, "item": 1, "rating": 3}
    assert rows_in(written("30,7,4.5\n10,2,3\n10,7,0.5\n", columns=columns)) == [row[:3] for row in ROWS]
    assert rows_in(written("thing,who,x\n30,7,4.5\n10,2,3\n10,7,0.5\n", columns=columns)) == [row[:3] for row in ROWS]


def test_one_named_column_leaves_the_others_to_common_names(written: Any) -> None:
    text = PLAIN.replace("userId", "Leser").replace("movieId", "Item-ID")
    assert rows_in(written(text, columns={"user": "Leser"})) == ROWS


@pytest.mark.parametrize(
    "header",
    [
        "user_id,isbn,score,time",
        "Customer,SKU,Stars,Date",
        "reviewerID,asin,overall,unixReviewTime",
        "User-ID,ISBN,Book-Rating,when",
        " user , item , rating , ts ",
        "user_id:token,item_id:token,rating:float,timestamp:float",
        "user:string,item:string,rating:double,time:long",
        "user [id],item [id],rating [1-5],time (unix)",
        "username,anime_id,my_score,my_last_updated",
        "user_id,parent_asin,rating,timestamp",
        "User Id,Movie Id,Movie Rating,Date",
        "Benutzer,Artikel,Bewertung,Datum",
        "utilisateur,film,note,date",
        "usuario,película,calificación,fecha",
        "utente,film,voto,timestamp",
        "пользователь,фильм,оценка,дата",
        "用户,电影,评分,时间",
        "ユーザー,映画,評価,日時",
    ],
)
def test_common_names_are_found(written: Any, header: str) -> None:
    assert rows_in(written(PLAIN.replace("userId,movieId,rating,timestamp", header))) == ROWS


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "utf-16", "utf-16-le", "utf-32"])
@pytest.mark.parametrize("mark", [False, True])
def test_encodings_and_their_marks(written: Any, encoding: str, mark: bool) -> None:
    text = ("\ufeff" if mark and encoding == "utf-16-le" else "") + "user,item,rating\nZoë,ä,1\nBo,ß,2\n"
    assert rows_in(written(text, encoding=encoding)) == [("Zoë", "ä", 1.0), ("Bo", "ß", 2.0)]


def test_a_byte_order_mark_is_skipped_without_a_header(written: Any) -> None:
    assert rows_in(written(b"\xef\xbb\xbf1,2,3\n4,5,6\n")) == [(1, 2, 3.0), (4, 5, 6.0)]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\n\n", "\r\n\r\n"])
def test_line_ends_and_blank_lines(written: Any, end: str) -> None:
    assert rows_in(written(PLAIN.replace("\n", end))) == ROWS
    assert rows_in(written(PLAIN.replace("\n", end).rstrip("\r\n"))) == ROWS


def test_compressed_files_are_known_by_their_bytes(written: Any) -> None:
    assert rows_in(written(gzip.compress(PLAIN.encode()), "ratings.csv.gz")) == ROWS
    assert rows_in(written(pa.compress(PLAIN.encode(), "zstd", asbytes=True), "ratings.csv.zst")) == ROWS
    assert rows_in(written(gzip.compress(PLAIN.encode()), "ratings.csv")) == ROWS


def test_a_gzip_file_of_several_members_is_read_to_its_end(written: Any) -> None:
    first, second = PLAIN[:40].encode(), PLAIN[40:].encode()
    assert rows_in(written(gzip.compress(first) + gzip.compress(second), "ratings.csv.gz")) == ROWS


def test_quoted_fields_may_hold_anything(written: Any) -> None:
    text = 'user,title,item,rating\n"a, b","x\ny","i ""1""",1\nc,,"i2",2\n'
    assert rows_in(written(text)) == [("a, b", 'i "1"', 1.0), ("c", "i2", 2.0)]


def test_other_columns_are_left_out(written: Any) -> None:
    text = "row,title,userId,movieId,rating,genre\n0,a|b,7,30,4.5,\n1,,2,10,3,x\n"
    assert rows_in(written(text)) == [row[:3] for row in ROWS[:2]]


@pytest.mark.parametrize("texts", [["007", "7"], ["0345339703", "034540288X"], ["1", "x y"], ["+1", "2"], ["-0", "1"]])
def test_ids_that_are_not_all_integers_stay_as_they_stand(written: Any, texts: list[str]) -> None:
    dataset = read_ratings(written(f"user,item,rating\n{texts[0]},1,1\n{texts[1]},2,2\n"), ALONE)
    assert dataset.ratings.users.ids.tolist() == sorted(texts)
    assert dataset.ratings.users.id_type is str
    assert dataset.ratings.items.id_type is int


def test_integer_ids_are_sorted_as_numbers(written: Any) -> None:
    ids = [10, 9, -1, 2**63 - 1, -(2**63)]
    text = "user,item,rating\n" + "".join(f"{raw_id},{k},{k}\n" for k, raw_id in enumerate(ids))
    assert read_ratings(written(text), ALONE).ratings.users.ids.tolist() == sorted(ids)


def test_integers_beyond_int64_are_text(written: Any) -> None:
    assert read_ratings(written(f"user,item,rating\n{2**63},1,1\n1,2,2\n"), ALONE).ratings.users.id_type is str


def test_zero_and_negative_ratings_are_ratings(written: Any) -> None:
    assert [row[2] for row in rows_in(written("user,item,rating\n1,1,-10\n1,2,0\n2,1,9.5e0\n"))] == [-10, 0, 9.5]


@pytest.mark.parametrize(
    ("times", "seconds"),
    [
        (["978300760", "978302109.5"], [978300760.0, 978302109.5]),
        (["978300760000", "978302109500"], [978300760.0, 978302109.5]),
        (["978300760000000", "978302109500001"], [978300760.0, 978302109.500001]),
        (["978300760000000000", "978302109500000000"], [978300760.0, 978302109.5]),
        (["20010101", "19691231"], [978307200.0, -86400.0]),
        (["20010101000000", "20010101010203"], [978307200.0, 978310923.0]),
        (["200101010102", "196912312359"], [978310920.0, -60.0]),
        (["20010101", "20010133"], [20010101.0, 20010133.0]),
        (["2001", "1971"], [978307200.0, 31536000.0]),
        (["1.5", "2001"], [1.5, 2001.0]),
        (["36892", "36892.5"], [978307200.0, 978350400.0]),
        (["01.01.2001", "31.12.1969"], [978307200.0, -86400.0]),
        (["01/02/2001", "31/12/1969"], [980985600.0, -86400.0]),
        (["01/02/2001 1:00 PM", "12/31/1969 12:00 AM"], [978440400.0, -86400.0]),
        (["Mon, 01 Jan 2001 00:00:00 GMT", "Wed, 31 Dec 1969 00:00:00 GMT"], [978307200.0, -86400.0]),
        (["Mon, 01 Jan 2001 01:00:00 +0100", "Wed, 31 Dec 1969 00:00:00 +0000"], [978307200.0, -86400.0]),
        (["1 1, 2001", "12 31, 1969"], [978307200.0, -86400.0]),
        (["2001-01-01", "1969-12-31"], [978307200.0, -86400.0]),
        (["2001-01-01T00:00:00Z", "2001-01-01 01:00:00+01:00"], [978307200.0, 978307200.0]),
        (["2001-01-01 00:00:00 UTC", "2001-01-01 00:00:01 GMT"], [978307200.0, 978307201.0]),
        (["2001-01-01 01:00 +01:00", "2001-01-01 Z"], [978307200.0, 978307200.0]),
        (["01/Jan/2001:01:00:00 +0100", "31/Dec/1969:00:00:00 +0000"], [978307200.0, -86400.0]),
        (["01-Jan-01", "31-DEC-69"], [978307200.0, -86400.0]),
        (["2001-1-1", "1969-12-31"], [978307200.0, -86400.0]),
        (["2001-01-01", "1969-12-1"], [978307200.0, -2678400.0]),
        (["2001-01", "1969-12"], [978307200.0, -2678400.0]),
        (["01:30 01.01.2001", "00:00 31.12.1969"], [978312600.0, -86400.0]),
        (["Monday, January 01, 2001", "Wednesday, December 31, 1969"], [978307200.0, -86400.0]),
        (["2001-01-01 00:00", "2001-01-01 00:00:00.25"], [978307200.0, 978307200.25]),
    ],
)
def test_times_come_out_in_seconds(written: Any, times: list[str], seconds: list[float]) -> None:
    text = f"user;item;rating;timestamp\n1;1;1;{times[0]}\n2;2;2;{times[1]}\n"
    assert [row[3] for row in rows_in(written(text))] == seconds


def test_times_are_left_out_if_asked(written: Any) -> None:
    data = written(PLAIN.replace("1001", "soon"), columns={"timestamp": False})
    assert read_ratings(data, ALONE).ratings.timestamp is None


def test_a_fourth_column_without_a_header_is_a_time_only_if_it_looks_like_one(written: Any) -> None:
    assert read_ratings(written("1,2,3,good\n4,5,6,bad\n"), ALONE).ratings.timestamp is None


def parts(tmp_path: Path, train: str, test: str, **options: Any) -> Data:
    (tmp_path / "a.csv").write_text(train)
    (tmp_path / "b.csv").write_text(test)
    return Data.model_validate({"train": tmp_path / "a.csv", "test": tmp_path / "b.csv", **options})


def test_given_parts_are_slices_of_one_dataset(tmp_path: Path) -> None:
    dataset = read_ratings(parts(tmp_path, "user,item,rating\n2,1,1\n1,2,2\n", "item,rating,user\n9,3,0\n"), ALONE)
    assert dataset.given == {"train": slice(0, 2), "test": slice(2, 3)}
    assert dataset.ratings.users.ids.tolist() == [0, 1, 2]
    assert dataset.ratings.items.ids.tolist() == [1, 2, 9]
    assert dataset.ratings.user_idx.tolist() == [2, 1, 0]


def test_id_types_and_milliseconds_are_decided_over_all_files(tmp_path: Path) -> None:
    head = "user,item,rating,timestamp\n"
    data = parts(tmp_path, head + "2,1,1,978300760000\n1,2,2,978300760000\n", head + "x,3,3,978300765000\n")
    ratings = read_ratings(data, ALONE).ratings
    assert ratings.users.ids.tolist() == ["1", "2", "x"]
    assert ratings.timestamp is not None
    assert ratings.timestamp.tolist() == [978300760.0, 978300760.0, 978300765.0]


def test_a_dataset_has_times_only_if_every_file_has(tmp_path: Path) -> None:
    data = parts(tmp_path, "user,item,rating,time\n1,1,1,5\n2,2,2,6\n", "user,item,rating\n3,3,3\n")
    assert read_ratings(data, ALONE).ratings.timestamp is None


def test_the_bytes_of_each_file_are_summed(written: Any, tmp_path: Path) -> None:
    packed = gzip.compress(PLAIN.encode())
    assert read_ratings(written(packed), ALONE).fingerprints == {"ratings": hashlib.sha256(packed).hexdigest()}
    for folder in ("train", "test"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "r.csv").write_text(f"user,item,rating\n{folder},1,1\n{folder}2,2,2\n")
    data = Data(train=tmp_path / "train" / "r.csv", test=tmp_path / "test" / "r.csv")
    assert list(read_ratings(data, ALONE).fingerprints) == ["train", "test"]


def test_an_observer_hears_of_the_end_of_each_file(written: Any) -> None:
    events: list[Event] = []
    data = written(PLAIN)
    read_ratings(data, ALONE, events.append)
    assert events == [Loading(data.ratings, len(PLAIN), len(PLAIN))]


def test_times_that_nothing_uses_are_not_read(written: Any) -> None:
    data = written("1,2,3.0,978300760\n2,1,4.0,no time\n2,3,5.0,978300761\n")
    with pytest.raises(DataError):
        read_ratings(data, ALONE)
    ratings = read_ratings(data, ALONE, uses_times=False).ratings
    assert (ratings.timestamp, ratings.rating.tolist()) == (None, [3.0, 4.0, 5.0])


def test_a_column_of_times_is_not_taken_for_ratings(written: Any) -> None:
    data = written("user,item,timestamp,rating\n1,2,978300760,3\n2,1,978300761,4\n")
    assert read_ratings(data, ALONE, uses_times=False).ratings.rating.tolist() == [3.0, 4.0]


def test_a_table_holds_only_what_is_wanted(written: Any) -> None:
    data = written("user,item\na,x\nb,x\na,y\n")
    table = read_table(open_source(data.ratings, data, silent), ColumnRequest(frozenset({"user", "item"})))
    assert table.user is not None
    assert table.item is not None
    assert (table.user.codes.tolist(), table.user.texts.tolist()) == ([0, 1, 0], ["a", "b"])
    assert (table.item.codes.tolist(), table.item.texts.tolist()) == ([0, 0, 1], ["x", "y"])
    assert (table.rating, table.timestamp, table.n_rows) == (None, None, 3)


@pytest.mark.parametrize("text", ["movieId\n30\n10\n", "30\n10\n", "title,movieId\nx,30\ny,10\n"])
def test_a_list_of_candidates_needs_only_items(written: Any, text: str) -> None:
    data = written(text)
    table = read_table(open_source(data.ratings, data, silent), ColumnRequest(frozenset({"item"})))
    assert table.item is not None
    assert table.item.texts.tolist() == ["30", "10"]


def test_another_file_is_read_as_the_runs_data(written: Any) -> None:
    users, items = Vocabulary(np.array([2, 7])), Vocabulary(np.array(["a", "b"], dtype=object))
    data = written("user_id,isbn,stars\n7,b,1\n007,b,2\nx,a,3\n2,c,4\n", columns={"user": "userId", "item": "movieId"})
    ratings = read_as(data.ratings, data, (users, items), EVERYTHING, ALONE)
    assert ratings.user_idx.tolist() == [1, -1, -1, 0]
    assert ratings.item_idx.tolist() == [1, 1, 0, -1]
    assert ratings.rating.tolist() == [1, 2, 3, 4]
    assert ratings.timestamp is None
    assert ratings.users is users


def test_another_file_without_ratings_has_none(written: Any) -> None:
    users = items = Vocabulary(np.array([1, 2]))
    data = written("user,item\n1,2\n2,1\n")
    ratings = read_as(data.ratings, data, (users, items), frozenset({"user", "item"}), ALONE)
    assert np.isnan(ratings.rating).all()


def test_usual_files_take_the_fast_reader(written: Any) -> None:
    for text in (PLAIN, PLAIN.replace(",", "::"), '"user","item","rating"\n"a","x,y","1"\n"b","z","2"\n'):
        data = written(text)
        dialect = find_dialect(data.ratings, data)
        columns = find_columns(dialect, data.columns, ColumnRequest(EVERYTHING))
        assert collect(read_fast(dialect, columns, silent)).n_rows > 1


@pytest.mark.slow
@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_reading_imports_no_pandas_and_no_numba(written: Any, form: str) -> None:
    path = written(PLAIN).ratings
    if form == "parquet":
        parquet.write_table(csv.read_csv(path), path)
    code = (
        "import sys; from pathlib import Path; from recsys.config.schema.data import Data\n"
        "from recsys.core.communicator import ALONE; from recsys.data.read import read_ratings\n"
        "from recsys.data.profile import profile\n"
        f"data = Data(ratings=Path({str(path)!r})); read_ratings(data, ALONE); profile(data.ratings, data)\n"
        "assert not {'pandas', 'numba', 'torch'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("quirk", ["", 'x"y'])
def test_an_observer_hears_meanwhile_from_both_readers(
    written: Any, monkeypatch: pytest.MonkeyPatch, quirk: str
) -> None:
    monkeypatch.setattr(progress, "INTERVAL", 0)
    monkeypatch.setattr(fast, "BLOCK", 1000)
    events: list[Event] = []
    rows = "".join(f"{k},{k},{k % 5},{quirk}\n" for k in range(1000))
    data = written(f"user,item,rating,title\n{rows}")
    read_ratings(data, ALONE, events.append)
    done = [event.done_bytes for event in events if isinstance(event, Loading)]
    assert len(done) > 3
    assert done == sorted(done)
    assert done[-1] == data.ratings.stat().st_size


@pytest.mark.parametrize("quirk", ["", 'x"y'])
def test_an_observer_may_stop_the_reading(written: Any, monkeypatch: pytest.MonkeyPatch, quirk: str) -> None:
    class StopError(Exception):
        pass

    def stop(_: Event) -> None:
        raise StopError

    monkeypatch.setattr(progress, "INTERVAL", 0)
    monkeypatch.setattr(fast, "BLOCK", 1000)
    data = written("user,item,rating,title\n" + "".join(f"{k},{k},{k % 5},{quirk}\n" for k in range(1000)))
    with pytest.raises(StopError):
        read_ratings(data, ALONE, stop)


def test_a_very_long_field_that_is_not_read_does_no_harm(written: Any) -> None:
    text = f"user,item,rating,review\n1,1,1,short\n2,2,2,{'long' * 50_000}\n"
    assert rows_in(written(text)) == [(1, 1, 1.0), (2, 2, 2.0)]
