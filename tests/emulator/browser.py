"""A real headless browser, driven by Chromium's own driver over the WebDriver protocol."""

import base64
import contextlib
import http.client
import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from typing import Any

_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1200,900",
)
_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # the key WebDriver gives an element in JSON


def missing() -> str | None:
    """Why there is no browser here; None when there is one."""
    if shutil.which("chromedriver") is None:
        return "`chromedriver` not found"
    if shutil.which("chromium") is None:
        return "`chromium` not found"
    return None


class Browser:
    """One window."""

    def __init__(self, port: int, profile: str) -> None:
        self._port = port
        options = {
            "args": [*_FLAGS, f"--user-data-dir={profile}"],
            "binary": shutil.which("chromium"),
        }
        always = {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
        made = self._call("POST", "/session", {"capabilities": {"alwaysMatch": always}})
        self._session = f"/session/{made['sessionId']}"

    def _call(self, method: str, path: str, document: Any = None) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        try:
            body = None if document is None else json.dumps(document)
            connection.request(method, path, body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            value = json.loads(response.read())["value"]
        finally:
            connection.close()
        assert response.status == 200, value
        return value

    def open(self, url: str) -> None:
        self._call("POST", f"{self._session}/url", {"url": url})

    def run(self, script: str) -> Any:
        """Run a script in the page and return what it returns."""
        return self._call("POST", f"{self._session}/execute/sync", {"script": script, "args": []})

    def click(self, link: str) -> None:
        """Click the link of this text as a person would: it must be visible."""
        found = self._call(
            "POST", f"{self._session}/element", {"using": "link text", "value": link}
        )
        self._call("POST", f"{self._session}/element/{found[_ELEMENT]}/click", {})

    def text(self) -> str:
        """What a person reads on the page."""
        return str(self.run("return document.body.innerText"))

    def complaints(self) -> list[str]:
        """What the browser logged: refused scripts, failed loads, errors."""
        logged = self._call("POST", f"{self._session}/se/log", {"type": "browser"})
        return [entry["message"] for entry in logged]

    def screenshot(self) -> bytes:
        """The window as PNG."""
        return base64.b64decode(self._call("GET", f"{self._session}/screenshot"))

    def close(self) -> None:
        self._call("DELETE", self._session)


@contextlib.contextmanager
def window() -> Iterator[Browser]:
    """A browser that is gone after the block."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        driver = subprocess.Popen(
            ["chromedriver", "--port=0"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        try:
            assert driver.stdout is not None
            line = next(line for line in driver.stdout if "started successfully on port" in line)
            browser = Browser(int(line.rstrip(".\n").rpartition(" ")[2]), profile)
            try:
                yield browser
            finally:
                browser.close()
        finally:
            driver.terminate()
            driver.wait(20)
            assert driver.stdout is not None
            driver.stdout.close()
