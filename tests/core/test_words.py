from __future__ import annotations

from recsys.core.words import counted, joined


def test_words_are_listed_and_counted_as_people_write_them() -> None:
    assert joined(["a", "b", "c"]) == "a, b or c"
    assert [counted(n, "user") for n in (0, 1, 2000)] == ["0 users", "1 user", "2,000 users"]
