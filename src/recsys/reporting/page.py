"""A report's dict → one HTML page that needs nothing else: no network, no other file."""

from __future__ import annotations

import base64
import hashlib
import json
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING

from recsys.core.words import one_line

if TYPE_CHECKING:
    from recsys.reporting.report import Report

SCRIPTS = ("charts.js", "map.js", "page.js")


def page(report: Report) -> str:
    """The page that shows what reporting.report.report returns.

    Ids and titles are data in it, never markup: they lie in a block of JSON in which nothing can end the block, and
    the script puts them into the page as text. The page's own policy lets this one script and this one style run, and
    forbids every connection.
    """
    style, script = _asset("page.css"), "".join(_asset(name) for name in SCRIPTS)
    policy = (
        f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; base-uri 'none'; form-action 'none'"
    )
    return Template(_asset("page.html")).substitute(policy=policy, style=style, data=_embedded(report), script=script)


def _embedded(report: Report) -> str:
    """JSON without <, > and &, which an HTML parser would look at."""
    text = json.dumps(_readable(report), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.translate({ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&"})


def _readable(value: object) -> object:
    """The same, with control characters in its texts as escapes."""
    if isinstance(value, str):
        return one_line(value)
    if isinstance(value, dict):
        return {one_line(str(key)): _readable(part) for key, part in value.items()}
    return [_readable(part) for part in value] if isinstance(value, list | tuple) else value


def _asset(name: str) -> str:
    return (files("recsys.reporting") / "web" / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
