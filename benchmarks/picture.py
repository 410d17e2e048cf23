"""Draws ratios.png: how many times as fast recsys is, a line for each comparison."""

from __future__ import annotations

from pathlib import Path

from measure import Row, Spread

COLOURS = ("#2166ac", "#b2182b", "#1b7837", "#e08214", "#666666")


def draw(tables: dict[str, list[Row]], path: Path) -> None:
    """The median of each row as a dot, smallest to largest as a bar, on a logarithmic scale; a colour a table."""
    from matplotlib.figure import Figure

    lines: list[tuple[str, Spread, str]] = []
    for colour, rows in zip(COLOURS, tables.values(), strict=True):
        lines += [(f"{row.peer}: {row.what}", row.times, colour) for row in rows if row.times]
    figure = Figure(figsize=(10, 1.4 + 0.3 * len(lines)), layout="constrained", facecolor="white")
    panel = figure.subplots()
    panel.axvline(1, color="#333333", linewidth=1)
    for place, (_, times, colour) in enumerate(lines):
        panel.plot([times.least, times.most], [place, place], color=colour, linewidth=4, alpha=0.35)
        panel.plot(times.median, place, "o", color=colour, markersize=7)
        figure_text = f"{times.median:.2f}" if times.median < 10 else f"{times.median:.0f}"
        panel.text(times.most * 1.1, place, figure_text, color=colour, fontsize=9, va="center")
    panel.set_yticks(range(len(lines)), [label for label, _, _ in lines], fontsize=9)
    for label, (_, _, colour) in zip(panel.get_yticklabels(), lines, strict=True):
        label.set_color(colour)
    panel.invert_yaxis()
    panel.set_xscale("log")
    ticks = [0.5, 1, 2, 5, 10, 20, 50, 100, 200]
    panel.set_xticks(ticks, [f"{tick:g}×" for tick in ticks])
    panel.minorticks_off()
    panel.set_xlim(min(0.5, *(times.least for _, times, _ in lines)) * 0.9, max(t.most for _, t, _ in lines) * 1.6)
    panel.set_xlabel("times as fast as the other (logarithmic; right of the line, recsys is faster)")
    panel.set_title("recsys against others: median of interleaved rounds, bar from smallest to largest", fontsize=11)
    panel.grid(axis="x", alpha=0.3)
    panel.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=130)
