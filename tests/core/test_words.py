from __future__ import annotations

import shutil
import subprocess

import pytest

from recsys.core.words import counted, joined, shell_command


def test_words_are_listed_and_counted_as_people_write_them() -> None:
    assert joined(["a", "b", "c"]) == "a, b or c"
    assert [counted(n, "user") for n in (0, 1, 2000)] == ["0 users", "1 user", "2,000 users"]


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_a_command_can_be_typed_as_it_is_shown() -> None:
    odd = ["plain", "two words", "it's", "\x1b[31mu1\x1b[0m", "a\x07'\\b", "\u202ex"]
    command = shell_command(["printf", "%s|", *odd])
    assert command.isprintable()
    ended = subprocess.run(["bash", "-c", command], capture_output=True, check=True, env={"LC_ALL": "C.UTF-8"})
    assert ended.stdout.decode() == "".join(f"{text}|" for text in odd)
