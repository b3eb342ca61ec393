"""A real headless browser, driven over its DevTools protocol (a WebSocket).

It is the machine's own Chromium or Chrome where there is one, else one that a pinned package
brings, fetched once into the user's cache folder.
"""

import asyncio
import base64
import contextlib
import functools
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Coroutine, Iterator
from typing import Any, NamedTuple, TypeVar

from aiohttp import ClientSession

from tests.emulator import sdks

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--disable-sync",
    "--hide-scrollbars",
    "--mute-audio",
    "--remote-debugging-port=0",
    "--window-size=1200,900",
)
_SECONDS = 60.0
_LISTENS = "DevTools listening on "
_MIDDLE_OF_LINK = """
(() => {
  const link = [...document.querySelectorAll("a")].find(
    (a) => a.innerText.trim() === %s && a.checkVisibility());
  if (!link) return null;
  link.scrollIntoView({block: "center"});
  const box = link.getClientRects()[0];
  const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
  return link.contains(document.elementFromPoint(x, y)) ? [x, y] : null;
})()
"""
Result = TypeVar("Result")


class Program(NamedTuple):
    """A browser to start, and a folder of libraries it may need, empty for none."""

    path: str
    libraries: str


@functools.cache
def program() -> Program:
    """Return the browser of this machine, or a fetched one; raises `sdks.Missing` with the why."""
    for name in () if os.environ.get("EMULATOR_FETCH_BROWSER") else _NAMES:
        found = shutil.which(name)
        if found is not None:
            return Program(found, "")
    return Program(*sdks.browser())


class Browser:
    """One window."""

    def __init__(self, url: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._last = 0
        self._answers: dict[int, Any] = {}
        self._events: list[tuple[str, Any]] = []
        self._complaints: list[str] = []
        self._tab = ""
        self._http, self._socket = self._wait(self._connect(url))
        made = self._call("Target.createTarget", {"url": "about:blank"})
        attached = self._call("Target.attachToTarget", {**made, "flatten": True})
        self._tab = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self._call(f"{domain}.enable")

    def _wait(self, what: Coroutine[Any, Any, Result]) -> Result:
        return self._loop.run_until_complete(asyncio.wait_for(what, _SECONDS))

    async def _connect(self, url: str) -> tuple[ClientSession, Any]:
        http = ClientSession()
        return http, await http.ws_connect(url, max_msg_size=0)

    async def _receive(self) -> None:
        message = await self._socket.receive_json()
        if "id" in message:
            self._answers[message["id"]] = message
            return
        name, parameters = message["method"], message.get("params", {})
        if name == "Log.entryAdded":
            self._complaints.append(parameters["entry"]["text"])
        elif name == "Runtime.exceptionThrown":
            self._complaints.append(json.dumps(parameters["exceptionDetails"]))
        elif name == "Page.loadEventFired":
            self._events.append((name, parameters))

    async def _ask(self, method: str, values: Any) -> Any:
        self._last += 1
        number = self._last
        message = {"id": number, "method": method, "params": values}
        await self._socket.send_json({**message, "sessionId": self._tab} if self._tab else message)
        while number not in self._answers:
            await self._receive()
        return self._answers.pop(number)

    def _call(self, method: str, values: Any = None) -> Any:
        answer = self._wait(self._ask(method, values or {}))
        assert "error" not in answer, (method, answer["error"])
        return answer["result"]

    async def _loaded(self) -> None:
        while not self._events:
            await self._receive()

    def open(self, url: str) -> None:
        """Go to a page and wait until it is there."""
        self._events.clear()
        went = self._call("Page.navigate", {"url": url})
        assert "errorText" not in went, went
        self._wait(self._loaded())

    def resize(self, width: int, height: int, is_telephone: bool = False) -> None:
        """Give the window this size in CSS pixels."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": is_telephone}
        self._call("Emulation.setDeviceMetricsOverride", size)

    def run(self, expression: str) -> Any:
        """Return the value of a JavaScript expression in the page."""
        values = {"expression": expression, "returnByValue": True}
        done = self._call("Runtime.evaluate", values)
        assert "exceptionDetails" not in done, done
        return done["result"].get("value")

    def click(self, link: str) -> None:
        """Click the link of this text with the mouse, as a person would; wait for the next page."""
        place = self.run(_MIDDLE_OF_LINK % json.dumps(link))
        assert place is not None, f"no link to be seen: {link}"
        self._events.clear()
        mouse = {"x": place[0], "y": place[1], "button": "left", "clickCount": 1}
        for kind in ("mousePressed", "mouseReleased"):
            self._call("Input.dispatchMouseEvent", {**mouse, "type": kind})
        self._wait(self._loaded())

    def text(self) -> str:
        """What a person reads on the page."""
        return str(self.run("document.body.innerText"))

    def complaints(self) -> list[str]:
        """What it logged since it was last asked: refused scripts, failed loads, errors."""
        self.run("0")  # what was reported before this answer has been received by then
        complaints, self._complaints = self._complaints, []
        return complaints

    def screenshot(self) -> bytes:
        """The window as PNG."""
        return base64.b64decode(self._call("Page.captureScreenshot")["data"])

    def close(self) -> None:
        """End the browser."""

        async def close() -> None:
            await self._socket.send_json({"id": 0, "method": "Browser.close"})
            await self._socket.close()
            await self._http.close()

        self._wait(close())
        self._loop.close()


@contextlib.contextmanager
def window() -> Iterator[Browser]:
    """A browser that is gone after the block."""
    found = program()
    paths = os.environ.get("LD_LIBRARY_PATH", "")
    after = {"LD_LIBRARY_PATH": os.pathsep.join(filter(None, (paths, found.libraries)))}
    environment = {**os.environ, **(after if found.libraries else {})}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = subprocess.Popen(
            [found.path, *_FLAGS, f"--user-data-dir={profile}", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        assert process.stderr is not None
        try:
            said = []
            for line in process.stderr:
                said.append(line)
                if line.startswith(_LISTENS):
                    break
            else:
                raise AssertionError(f"the browser ended at once: {''.join(said)}")
            browser = Browser(line.removeprefix(_LISTENS).strip())
            try:
                yield browser
            finally:
                browser.close()
        finally:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(20)
            process.stderr.close()
