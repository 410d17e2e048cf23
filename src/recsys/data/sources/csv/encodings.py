"""How a text file is encoded: by its byte order mark, else guessed where it is not utf-8."""

from __future__ import annotations

import codecs
import io
import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

from recsys.core.errors import ConfigError
from recsys.core.words import shortened
from recsys.data.sources.stored import Stored, unpacked_start_of

MARKS = {
    b"\xff\xfe\0\0": "utf-32",
    b"\0\0\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}
"""What a file begins with → its encoding; longer marks stand first."""
CANDIDATES = (
    *("cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp874", "koi8_r", "koi8_u"),
    *("cp866", "cp850", "cp852", "cp932", "euc_jp", "iso2022_jp", "gb18030", "big5", "cp949", "mac_roman"),
    *("iso8859_2", "iso8859_5", "iso8859_7", "iso8859_9", "latin_1"),
)
"""The encodings that tables have, where several fit the first one."""
NO_TEXT = ("undefined", "idna", "punycode", "unicode-escape", "raw-unicode-escape")
"""Codecs that Python counts among the encodings of text, and no file has; their names are those of `codecs.lookup`."""
MARGIN = 0.15  # of strangeness, within which the likely encoding is chosen
UNFIT = 1.0  # strangeness of an encoding that the library does not consider
THAI = 0.2  # strangeness, since nearly all bytes are letters there
TURKISH = "cp1254"  # has six letters that are others in cp1252
BETWEEN_WORDS = re.compile(rb'[\s,;|"]+')
SCRIPTS = dict.fromkeys(("CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "FULLWIDTH"), "CJK")
"""Scripts that are written together."""
ODD_SCRIPT = "HALFWIDTH"
SAMPLE = 1 << 16  # bytes: of lines that are not ASCII
FIRST_OTHER = 0x80  # byte that is not ASCII
START = 1 << 12  # bytes: of any line
LEAST_NULS = 0.05  # of the bytes of utf-16: digits, delimiters and line ends have one
CONTROLS = bytes(code for code in range(32) if code not in b"\t\n\v\f\r\x01\x02\x1a\x1e\x1f\x1b")


def codec(encoding: str) -> str:
    """Python's own name of an encoding, the one that skips a byte order mark for utf-8.

    Raises:
        ConfigError: there is no such encoding.
    """
    try:
        "".encode(encoding)
        name = codecs.lookup(encoding).name
    except (LookupError, ValueError):
        name = NO_TEXT[0]
    if name in NO_TEXT:
        hint = "such as utf-8, latin-1, cp1252 or utf-16"
        raise ConfigError(f"there is no encoding {shortened(encoding)!r}", where="data.encoding", hint=hint)
    return "utf-8-sig" if name == "utf-8" else name


def marked_encoding(path: Path) -> str | None:
    """The encoding that the byte order mark of a file names, utf-8 aside; None without one."""
    start = unpacked_start_of(path, 4)
    return next((encoding for mark, encoding in MARKS.items() if start.startswith(mark)), None)


def guess_encoding(path: Path, likely: str = "cp1252") -> str | None:
    """The encoding that a file that is not utf-8 most likely has, by its first lines that are not ASCII.

    Args:
        likely: the one to choose where several fit equally well.

    Returns:
        Python's name of it; None for what looks like no text.
    """
    start = unpacked_start_of(path, START)
    if b"\0" in start:
        return wide_encoding(path)
    if any(code in CONTROLS for code in start):
        return None
    lines = _lines_of_other_letters(path)
    strangeness = _strangeness(lines)
    if not strangeness:
        return None
    likely = next((name for name in CANDIDATES if codec(name) == codec(likely)), CANDIDATES[0])
    if _is_letter(lines, likely):
        return likely
    best = min(strangeness, key=lambda name: strangeness[name])
    (share, strange), (least_share, least) = strangeness.get(likely, (1.0, 0.0)), strangeness[best]
    is_as_good = share == least_share and strange <= least + MARGIN and (likely, best) != (CANDIDATES[0], TURKISH)
    return likely if is_as_good else best


def _strangeness(lines: Sequence[bytes]) -> dict[str, tuple[float, float]]:
    """Encoding → share of words that are odd in it, and how far from a language the text is; less is better."""
    from charset_normalizer import from_bytes

    words = b" ".join(_words(lines))
    distance: dict[str, float] = {}
    for text in (words, b"".join(lines)):
        for match in from_bytes(text, cp_isolation=[*CANDIDATES], preemptive_behaviour=False):
            for name in match.could_be_from_charset:
                distance[name] = distance.get(name, UNFIT) + 2 * match.chaos - match.coherence - UNFIT / 2
    return {
        name: (_share_of_odd(words.decode(name, "replace")), round(distance[name] + THAI * (name == "cp874"), 9))
        for name in CANDIDATES
        if name in distance
    }


def _is_letter(lines: Sequence[bytes], encoding: str) -> bool:
    """Whether a single sign of the lines is not ASCII, and a letter in the encoding: too little to guess by."""
    others = {byte for line in lines for byte in line if byte >= FIRST_OTHER}
    return len(others) == 1 and bytes(others).decode(encoding, "replace").isalpha()


def example(path: Path, encoding: str) -> str:
    """A word of the file that shows whether an encoding is right."""
    if encoding.startswith("utf"):
        return ""
    return next((word.decode(encoding, "replace") for word in _words(_lines_of_other_letters(path))), "")


def wide_encoding(path: Path) -> str | None:
    """utf-16 or utf-32, as a mark or NUL bytes show it; None for another one."""
    if marked := marked_encoding(path):
        return marked
    start = unpacked_start_of(path, START)
    even, odd = start[::2].count(0), start[1::2].count(0)
    if max(even, odd) < LEAST_NULS * len(start) or min(even, odd):
        return None
    return "utf-16-le" if odd else "utf-16-be"


def _words(lines: Iterable[bytes]) -> list[bytes]:
    """The words that are not ASCII, each once."""
    return list(dict.fromkeys(word for line in lines for word in BETWEEN_WORDS.split(line) if not word.isascii()))


def _lines_of_other_letters(path: Path) -> list[bytes]:
    """The first lines that are not ASCII."""
    lines, n_bytes = [], 0
    with Stored(path) as stored:
        for line in iter(partial(io.BufferedReader(stored).readline, SAMPLE), b""):
            if not line.isascii():
                lines.append(line)
                n_bytes += len(line)
                if n_bytes >= SAMPLE:
                    break
    return lines


def _share_of_odd(text: str) -> float:
    """Of the words, how many hold letters of two scripts, or signs that are no letters and not ASCII."""
    words = text.split(" ")
    return sum(map(_is_odd, words)) / len(words)


def _is_odd(word: str) -> bool:
    kinds = {sign: unicodedata.category(sign)[0] for sign in word}
    scripts = {SCRIPTS.get(script, script) for script in (_script(sign) for sign in word if kinds[sign] == "L")}
    return (
        len(scripts) > 1
        or ODD_SCRIPT in scripts
        or any((kinds[sign] in "SNC" or sign == "…") and not sign.isascii() for sign in word)
    )


def _script(letter: str) -> str:
    return unicodedata.name(letter, "").partition(" ")[0]
