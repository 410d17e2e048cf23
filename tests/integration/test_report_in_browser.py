"""The report as a person meets it: opened from a file in headless Chromium."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recsys.artifacts.bundle import open_bundle
from recsys.config.schema.config import Config
from recsys.core.words import one_line
from recsys.reporting import items
from recsys.reporting.page import page
from recsys.reporting.report import report
from recsys.workflows.train import train

ATTACK = "document.body.dataset.hurt = 1"
TITLES = {
    100: f"<script>{ATTACK}</script>",
    101: f'</script><img src=x onerror="{ATTACK}">',
    102: f"'\"><svg onload={ATTACK}>",
    103: "{{7*7}} ${7*7} &amp; &lt;b&gt; $data \\u003cb>",
    104: "גברים במגבעות \u202eلا",
    105: "🎬👩‍👩‍👧 Amélie",
    106: "x" * 400,
    107: "<!--<script>",
    108: "Zoë & the\u2028line\ttab",
}
SECTIONS = ["scores", "ranking", "facts", "history", "schedule", "calibration", "activity", "map", "biases", "user"]
COLOURS = ("--text", "--muted", "--model", "--biases", "--mark")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def hostile(small: Callable[..., Config], ratings_csv: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page on a run whose name and titles are markup, quotes, scripts of other directions, and very long."""
    root = tmp_path_factory.mktemp("hostile")
    with (root / "items.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("movieId", "title"), *TITLES.items()])
    run = root / "<img src=x onerror=alert(1)>"
    train(small(data={"items": str(root / "items.csv")}), run)
    return written(run, root / "report.html")


def written(run: Path, path: Path) -> Path:
    """The page on a run."""
    path.write_text(page(report(open_bundle(run))), encoding="utf-8")
    return path


def test_the_page_says_nothing_to_the_console_and_asks_for_nothing(tab: Any, hostile: Path) -> None:
    for scheme in ("light", "dark"):
        tab.screen(1280, scheme=scheme)
        tab.open(hostile.as_uri())
    assert tab.complaints == []
    assert tab.requests == [hostile.as_uri()] * 2


def test_what_goes_wrong_in_a_page_would_be_seen(tab: Any, tmp_path: Path) -> None:
    (tmp_path / "bad.html").write_text("<img src=http://127.0.0.1:9/x.png><script>console.error(1); nothing()</script>")
    tab.open((tmp_path / "bad.html").as_uri())
    assert len(tab.complaints) >= 2
    assert "http://127.0.0.1:9/x.png" in tab.requests


def test_every_section_is_drawn(tab: Any, hostile: Path) -> None:
    tab.screen(1280)
    tab.open(hostile.as_uri())
    drawn = "[...document.querySelectorAll('section')].filter((one) => one.querySelector('.content').childNodes.length)"
    assert tab.ask(f"{drawn}.map((one) => one.id)") == SECTIONS
    assert tab.ask("document.querySelectorAll('.dot').length") == 50
    assert tab.ask("[...document.querySelectorAll('nav a')].length") == len(SECTIONS)
    assert "NaN" not in tab.ask("document.querySelector('main').innerHTML")


def test_titles_that_are_markup_are_text(tab: Any, hostile: Path) -> None:
    tab.screen(1280)
    tab.open(hostile.as_uri())
    tab.ask("document.getElementById('search').focus()")
    for item_id, title in TITLES.items():
        tab.ask("document.getElementById('search').value = ''")
        tab.write(str(item_id))
        shown = one_line(title)  # control characters are escapes
        assert tab.ask("document.querySelector('.found bdi').textContent") == shown
        assert tab.ask("document.querySelector('.tip bdi').textContent") == shown
    assert tab.ask("document.querySelector('h1').textContent") == "Report on <img src=x onerror=alert(1)>"
    assert tab.ask("document.body.dataset.hurt") is None
    assert tab.ask("document.querySelectorAll('img, script:not([id])').length") == 1
    assert tab.complaints == []


def test_the_search_finds_and_marks(tab: Any, hostile: Path) -> None:
    tab.screen(1280)
    tab.open(hostile.as_uri())
    tab.ask("document.getElementById('search').focus()")
    tab.write("AMELIE")
    assert tab.ask("document.getElementById('matches').textContent") == "1 of 50 items match"
    assert tab.ask("document.querySelectorAll('.dot.match').length") == 1
    assert tab.ask("document.querySelector('.tip bdi').textContent") == TITLES[105]
    assert tab.ask("getComputedStyle(document.querySelector('.dot.match')).fill") == "rgb(194, 24, 91)"
    tab.write("no such film")
    assert tab.ask("document.getElementById('matches').textContent") == "0 of 50 items match"
    assert tab.ask("document.querySelectorAll('.dot.match, .found li').length") == 0


def test_every_item_is_found_though_the_map_shows_the_most_rated(
    tab: Any, hostile: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(items, "MAP_ITEMS", 10)
    run = next(path for path in hostile.parent.iterdir() if path.is_dir())
    tab.screen(1280)
    tab.open(written(run, tmp_path / "ten.html").as_uri())
    assert tab.ask("document.querySelectorAll('.dot').length") == 10
    tab.ask("document.getElementById('search').focus()")
    found = []
    for item_id in TITLES:
        tab.ask("document.getElementById('search').value = ''")
        tab.write(str(item_id))
        found.append(tab.ask("document.querySelector('.found bdi').textContent"))
        assert tab.ask("document.querySelector('.ring').getAttribute('visibility')") == "visible"
    assert found == [*map(one_line, TITLES.values())]
    assert tab.complaints == []


def test_axes_have_one_format_and_both_error_charts_one_scale(tab: Any, hostile: Path) -> None:
    tab.screen(1280)
    tab.open(hostile.as_uri())
    assert tab.ask("tickLabels([0, 0.05, 0.1])") == ["0.00", "0.05", "0.10"]
    assert tab.ask("tickLabels([1, 1.5, 2])") == ["1.0", "1.5", "2.0"]
    assert tab.ask("tickLabels([-1, 0, 1])") == ["−1", "0", "1"]
    assert tab.ask("tickLabels([0, 2e-5, 4e-5])") == ["0.0e+0", "2.0e−5", "4.0e−5"]
    first, second = tab.ask(
        "[...document.querySelectorAll('#activity svg[role=img]')].map((svg) =>"
        " [...svg.querySelectorAll('text')].filter((t) => t.getAttribute('y') === '32').map((t) => t.textContent))"
    )
    assert first == second != []


def test_outer_items_are_named_on_the_map(tab: Any, hostile: Path) -> None:
    tab.screen(1280)
    tab.open(hostile.as_uri())
    ends = tab.ask(
        "['x', 'y'].flatMap((axis) => [1, -1].map((side) =>"
        " data.map.items.reduce((best, one) => (side * one[axis] > side * best[axis] ? one : best))))"
        ".map((one) => cut(one.title || one.id, 36))"
    )
    named = tab.ask("[...document.querySelectorAll('.name')].map((text) => text.textContent)")
    assert set(ends) & set(named)


def test_pointing_at_a_dot_shows_its_title(tab: Any, hostile: Path) -> None:
    tab.screen(1280)
    tab.open(hostile.as_uri())
    tooltip = "document.querySelector('.tip').hidden ? null : document.querySelector('.tip bdi').textContent"
    assert tab.ask(tooltip) is None
    outermost = tab.ask("data.map.items.reduce((best, one, n, all) => (one.x > all[best].x ? n : best), 0)")
    tab.point(".dot", outermost)
    assert tab.ask(tooltip) == tab.ask(f"data.map.items[{outermost}].title || data.map.items[{outermost}].id")
    tab.point("h1")
    assert tab.ask(tooltip) is None


def test_the_map_can_be_used_from_the_keyboard(tab: Any, hostile: Path) -> None:
    tab.screen(1280)
    tab.open(hostile.as_uri())
    tab.ask("document.getElementById('search').focus()")
    tab.write("1")
    tab.press("Tab")
    assert tab.ask("document.activeElement.getAttribute('role')") == "application"
    across = []
    for key in ("ArrowDown", "ArrowLeft", "ArrowLeft", "ArrowRight"):  # the first key starts at the most rated item
        tab.press(key)
        across.append(tab.ask("Number(document.querySelector('.ring').getAttribute('cx'))"))
    assert across[0] == pytest.approx(tab.ask("Number(document.querySelector('.dot').getAttribute('cx'))"), abs=0.1)
    assert across[2] <= across[1] <= across[0]
    assert across[2] < across[3]
    tab.press("Tab")
    assert tab.ask("document.activeElement.tagName") == "BUTTON"
    assert tab.ask("document.activeElement.textContent").startswith(
        tab.ask("document.querySelector('.tip bdi').textContent")
    )


@pytest.mark.parametrize("width", [320, 360, 1280])
def test_nothing_is_wider_than_the_screen(
    width: int, tab: Any, hostile: Path, finished_text: Path, tmp_path: Path
) -> None:
    tab.screen(width)
    for path in (hostile, written(finished_text, tmp_path / "text.html")):
        tab.open(path.as_uri())
        tab.ask("document.querySelectorAll('details').forEach((one) => (one.open = true))")
        assert tab.ask("document.documentElement.scrollWidth") <= width
        assert (
            tab.ask("Math.max(...[...document.querySelectorAll('main *')].map((e) => e.getBoundingClientRect().right))")
            <= width
        )


def test_a_window_that_gets_narrow_is_drawn_again(tab: Any, hostile: Path) -> None:
    tab.screen(1280)
    tab.open(hostile.as_uri())
    tab.screen(360)
    tab.ask("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert tab.ask("document.documentElement.scrollWidth") <= 360
    assert tab.complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everything_can_be_read_in_both_schemes(scheme: str, tab: Any, hostile: Path) -> None:
    tab.screen(1280, scheme=scheme)
    tab.open(hostile.as_uri())
    style = "getComputedStyle(document.documentElement)"
    ground = {name: tab.ask(f"{style}.getPropertyValue('{name}')") for name in ("--page", "--panel")}
    assert (luminance(ground["--page"]) > 0.5) == (scheme == "light")
    assert tab.ask("getComputedStyle(document.body).backgroundColor") == css(ground["--page"])
    for name in COLOURS:
        colour = tab.ask(f"{style}.getPropertyValue('{name}')")
        assert all(contrast(colour, behind) >= 4.5 for behind in ground.values()), name  # WCAG AA for text


def test_runs_that_lack_something_say_so(tab: Any, small: Callable[..., Config], tmp_path: Path) -> None:
    train(
        small(split={"valid_fraction": 0.0, "test_fraction": 0.0}, model={"embedding_dim": 1, "biases": False}),
        tmp_path / "run",
    )
    tab.open(written(tmp_path / "run" / "serving", tmp_path / "lacking.html").as_uri())
    missing = "[...document.querySelectorAll('.missing')].map((one) => one.closest('section').id)"
    assert tab.ask(missing) == ["scores", "ranking", "calibration", "activity", "map", "biases"]
    links = tab.ask("[...document.querySelectorAll('nav a')].map((one) => one.getAttribute('href'))")
    assert links == ["#facts", "#history", "#schedule", "#user"]
    assert tab.ask("document.getElementById('ids').hidden") is False  # the run has no titles
    assert tab.complaints == []


def css(colour: str) -> str:
    """#rrggbb as a browser tells it."""
    return f"rgb({', '.join(str(int(colour[at : at + 2], 16)) for at in (1, 3, 5))})"


def contrast(colour: str, other: str) -> float:
    """The contrast ratio of two colours (WCAG 2)."""
    dark, light = sorted((luminance(colour), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    """The relative luminance of #rrggbb (WCAG 2)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
