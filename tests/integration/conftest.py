"""A headless Chromium, spoken to in its DevTools protocol over a pair of pipes: no driver and no package needed."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Without the last four, Chromium itself talks to its maker, and a count of requests would mean nothing.
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-pipe",
]
# Chromium reads its orders from file 3 and answers in file 4; this puts our pipes there.
ON_3_AND_4 = (
    "import os, sys; os.dup2(int(sys.argv[1]), 3); os.dup2(int(sys.argv[2]), 4); os.execv(sys.argv[3], sys.argv[3:])"
)
PATIENCE = 20  # seconds


class Tab:
    """A page in the browser, and everything that it reported since it was opened."""

    def __init__(self, browser: Browser, session: str) -> None:
        self._browser, self._session = browser, session
        self.events: list[dict[str, Any]] = []
        browser.events[session] = self.events
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """The answer to one order."""
        return self._browser.send(method, self._session, **parameters)

    def screen(self, width: int, height: int = 900, scheme: str = "light") -> None:
        """The size of the window, and whether its user wants pages light or dark."""
        self.send(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500
        )
        self.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def open(self, url: str) -> None:
        """Loads a page, to the end of its scripts."""
        seen = len(self.events)
        self.send("Page.navigate", url=url)
        while not any(event["method"] == "Page.loadEventFired" for event in self.events[seen:]):
            self._browser.receive()

    def ask(self, expression: str) -> Any:
        """The value of a JavaScript expression."""
        answer = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def point(self, selector: str, n: int = 0) -> None:
        """Moves the pointer to the middle of the n-th element that fits the selector."""
        element = f"document.querySelectorAll({json.dumps(selector)})[{n}]"
        self.ask(f"{element}.scrollIntoView({{block: 'center'}})")
        left, top, width, height = self.ask(
            f"(({{left, top, width, height}}) => [left, top, width, height])({element}.getBoundingClientRect())"
        )
        self.send("Input.dispatchMouseEvent", type="mouseMoved", x=left + width / 2, y=top + height / 2)

    def write(self, text: str) -> None:
        """Types into what has the focus."""
        self.send("Input.insertText", text=text)

    def press(self, key: str) -> None:
        """Presses a key such as Tab or ArrowLeft."""
        code = {"Tab": 9, "Enter": 13, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40}[key]
        for kind in ("rawKeyDown", "keyUp"):
            self.send("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code)

    @property
    def complaints(self) -> list[Any]:
        """Errors and warnings of the console, uncaught exceptions, and what the browser logged."""
        messages = []
        for event in self.events:
            params = event["params"]
            if event["method"] == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
                messages.append(params["args"])
            elif event["method"] in ("Runtime.exceptionThrown", "Log.entryAdded", "Page.javascriptDialogOpening"):
                messages.append(params)
        return messages

    @property
    def requests(self) -> list[str]:
        """The address of everything that the page asked for."""
        return [
            event["params"]["request"]["url"] for event in self.events if event["method"] == "Network.requestWillBeSent"
        ]

    def picture(self, path: Path) -> None:
        """A picture of the whole page."""
        shot = self.send("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(shot["data"]))


class Browser:
    """A running Chromium. Orders and answers are JSON, each ended by a zero byte; an event of a tab has no id."""

    def __init__(self, program: str, profile: Path) -> None:
        fcntl = pytest.importorskip("fcntl")
        (orders, self._orders), (self._answers, answers) = os.pipe(), os.pipe()
        handed = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (orders, answers)]  # clear of 3 and 4
        flags = [*FLAGS, f"--user-data-dir={profile}", "about:blank"]
        self._process = subprocess.Popen(
            [sys.executable, "-c", ON_3_AND_4, *map(str, handed), program, *flags],
            pass_fds=handed,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for end in (orders, answers, *handed):
            os.close(end)
        self.events: dict[str, list[dict[str, Any]]] = {}
        self._unread, self._number = b"", 0

    def tab(self) -> Tab:
        """A new page."""
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        return Tab(self, self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"])

    def send(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        """The answer to one order."""
        self._number += 1
        order = {"id": self._number, "method": method, "params": parameters}
        text = json.dumps(order if session is None else {**order, "sessionId": session})
        os.write(self._orders, text.encode() + b"\0")
        while (message := self.receive()).get("id") != self._number:
            pass
        assert "error" not in message, f"{method}: {message['error']}"
        return dict(message["result"])

    def receive(self) -> dict[str, Any]:
        """The next message; an event is also kept with those of its tab."""
        while b"\0" not in self._unread:
            ready, _, _ = select.select([self._answers], [], [], PATIENCE)
            part = os.read(self._answers, 1 << 20) if ready else b""
            assert part, "Chromium says nothing more"
            self._unread += part
        text, self._unread = self._unread.split(b"\0", 1)
        message: dict[str, Any] = json.loads(text)
        if "method" in message and message.get("sessionId") in self.events:
            self.events[message["sessionId"]].append(message)
        return message

    def close(self) -> None:
        """Ends the program."""
        self.send("Browser.close")
        self._process.wait(PATIENCE)
        os.close(self._orders)
        os.close(self._answers)


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A headless Chromium with a profile of its own."""
    browsers = [path for name in NAMES if (path := shutil.which(name))]
    if not browsers:
        pytest.skip(f"there is no Chromium: none of {', '.join(NAMES)} is on the path")
    browser = Browser(browsers[0], tmp_path_factory.mktemp("profile"))
    yield browser
    browser.close()


@pytest.fixture
def tab(chromium: Browser) -> Tab:
    """A new page in Chromium."""
    return chromium.tab()
