"""Tables as lines of text: no wider than a terminal, and in a pipe neither cut nor widened by one long cell."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

from recsys.core.words import one_line

GAPS = ("   ", "  ")  # between columns; the second where there is too little room for the first
PIPE_WIDTH = 80  # no wider where that takes no more than a higher header, and smaller gaps
ROOMY = 60  # in a pipe, a cell that is wider than this does not widen its column
NARROWEST = 8  # that a column is cut or folded to
LONGEST_WORD = 32  # that is kept whole where there is too little room
BREAKS = re.compile(r"(?<=[\s/_.,:=-])(?=\S)")  # a cell goes on in the next line after one of these


@dataclass(frozen=True)
class Column:
    """A column: its header, which may have several lines, and a cell for each row."""

    header: list[str]
    cells: list[str]
    is_number: bool
    is_cut: bool
    is_folded: bool

    def width(self, most: float = float("inf")) -> int:
        """Of its widest line, those left out that are wider than `most`."""
        widths = [cell_width(cell) for cell in self.cells]
        return max([cell_width(line) for line in self.header] + [width for width in widths if width <= most])

    def with_high_header(self) -> Column:
        """The same with a header in as many lines as make it no wider than the cells, between words."""
        text = " ".join(self.header)
        words = [cell_width(word) for word in (*text.split(), *self.cells)]
        return replace(self, header=folded(text, max(words)))

    def narrowest(self) -> int:
        """The width to which its cells can be folded without breaking a word."""
        words = [cell_width(word.rstrip()) for cell in (*self.header, *self.cells) for word in BREAKS.split(cell)]
        return max(NARROWEST, min(max(words, default=0), LONGEST_WORD))


def table_lines(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    numbers: Sequence[str] = (),
    cut: Sequence[str] = (),
    fold: Sequence[str] | None = None,
    width: int | None = None,
    signs: tuple[str, str] = ("─", "…"),
) -> list[str]:
    """The lines of a table.

    Args:
        numbers: columns that are aligned to the right and never broken.
        cut: columns that end in … where there is too little room.
        fold: columns that go on in the next line then; None: all that are neither numbers nor cut.
        width: of the terminal; None: there is no margin.
        signs: of the rule below the header, and of what was cut.
    """
    cells = list(zip(*rows, strict=True)) if rows else [() for _ in columns]
    laid = [
        Column(
            header=column.split("\n"),
            cells=[one_line(cell) for cell in own],
            is_number=column in numbers,
            is_cut=column in cut,
            is_folded=column in fold if fold is not None else column not in (*numbers, *cut),
        )
        for column, own in zip(columns, cells, strict=True)
    ]
    rule, ellipsis = signs
    laid, widths, gap = _fitted(laid, width)
    height = max(len(column.header) for column in laid)
    heads = [[""] * (height - len(column.header)) + column.header for column in laid]
    lines = [_line(laid, widths, line, gap) for line in zip(*heads, strict=True)]
    lines.append(rule * _total(widths, gap))
    spans = width is not None and laid[0].is_folded and widths[0] < laid[0].narrowest()
    for row in zip(*(column.cells for column in laid), strict=True):
        if spans and cell_width(row[0]) > widths[0]:  # a line of its own is better than a broken word
            lines += folded(row[0], width or 0)
            row = ("", *row[1:])
        parts = _parts(laid, widths, row, ellipsis, has_margin=width is not None)
        lines += [_line(laid, widths, cells, gap) for cells in parts]
    return lines


def cell_width(text: str) -> int:
    """How many places of a terminal a text takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def cut_to(text: str, width: int, ellipsis: str = "…") -> str:
    """The beginning of a text that takes at most so many places, and … where some were left out."""
    if cell_width(text) <= width:
        return text
    while text and cell_width(text) > width - len(ellipsis):
        text = text[:-1]
    return text.rstrip() + ellipsis


def _fitted(columns: list[Column], width: int | None) -> tuple[list[Column], list[int], str]:
    """The columns, their widths and the gap between them: where there is room, as they are.

    Else headers of numbers get more lines, and then gaps are smaller, if that is enough for the terminal, or for
    PIPE_WIDTH in a pipe. If it is not, columns that are cut or folded give in a terminal.
    """
    high = [column.with_high_header() if column.is_number else column for column in columns]
    most = ROOMY if width is None else float("inf")
    ways = [
        (laid, [column.width(float("inf") if column.is_number else most) for column in laid], gap)
        for laid, gap in ((columns, GAPS[0]), (high, GAPS[0]), (high, GAPS[1]))
    ]
    if width is None:
        return next((way for way in ways if _total(*way[1:]) <= PIPE_WIDTH), ways[0])
    squeezed = [
        (laid, _squeezed(laid, [*widths], width - _total([0] * len(laid), gap)), gap) for laid, widths, gap in ways
    ]
    return next((way for way in (*ways, *squeezed) if _total(*way[1:]) <= width), squeezed[-1])


def _squeezed(columns: list[Column], widths: list[int], room: int) -> list[int]:
    """The widths where there is so much room for all: those that are cut give first, then those that are folded."""
    for can_give, least in (
        ([column.is_cut for column in columns], [NARROWEST] * len(columns)),
        ([column.is_folded for column in columns], [column.narrowest() for column in columns]),
        ([column.is_folded for column in columns], [NARROWEST] * len(columns)),
    ):
        while sum(widths) > room:
            wider = [at for at, width in enumerate(widths) if can_give[at] and width > least[at]]
            if not wider:
                break
            widths[max(wider, key=lambda at: widths[at])] -= 1
    return widths


def _total(widths: Sequence[int], gap: str) -> int:
    return sum(widths) + len(gap) * (len(widths) - 1)


def _parts(
    columns: list[Column], widths: list[int], row: Sequence[str], ellipsis: str, *, has_margin: bool
) -> Iterator[tuple[str, ...]]:
    """The cells of each line of a row: one line, unless a cell goes on in the next."""
    parts = [
        _lines_of(column, cell, width, ellipsis) if has_margin else [cell]
        for column, cell, width in zip(columns, row, widths, strict=True)
    ]
    return zip_longest(*parts, fillvalue="")


def _lines_of(column: Column, cell: str, width: int, ellipsis: str) -> list[str]:
    if column.is_cut:
        return [cut_to(cell, width, ellipsis)]
    return folded(cell, width) if column.is_folded else [cell]


def folded(text: str, width: int) -> list[str]:
    """A text in lines of at most so many places, broken between words, and within one only where it is longer."""
    lines = [""]
    for word in BREAKS.split(text):
        if cell_width((lines[-1] + word).rstrip()) > width and lines[-1]:
            lines.append("")
        rest = word
        while cell_width(rest.rstrip()) > width:
            head = cut_to(rest, width, "")
            lines[-1:] = [head, ""]
            rest = rest[len(head) :]
        lines[-1] += rest
    return [line.rstrip() for line in lines]


def _line(columns: list[Column], widths: list[int], cells: Sequence[str], gap: str) -> str:
    padded = []
    for column, width, cell in zip(columns, widths, cells, strict=True):
        blanks = " " * (width - cell_width(cell))
        padded.append(blanks + cell if column.is_number else cell + blanks)
    return gap.join(padded).rstrip()
