"""A local Tablestore in a process of its own, for tests that are written in Python.

    with LocalServer("--latency", "5") as server:
        with server.instance() as instance:
            client = tablestore.OTSClient(*instance.arguments)

`emulator.testing` offers the same as pytest fixtures.
"""

import itertools
import json
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, Any, NamedTuple

from emulator.settings import DEFAULT_KEY_ID, DEFAULT_KEY_SECRET

_START = (
    "import sys; sys.path[0] = sys.argv.pop(1);"
    " from emulator.__main__ import main; sys.exit(main())"
)
"""Runs the server of this package even where the working directory has another `emulator`."""
_NO_PROXY = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""The server is on this machine: a proxy that the environment names must not be used."""
_READY = "ready "
_STOP_SECONDS = 10.0
_HTTP_SECONDS = 30.0


class LocalServerError(RuntimeError):
    """The server did not start or refused a request; the text contains its own message."""


class Instance(NamedTuple):
    """An instance for one test: how to connect to it, inspect it and inject faults."""

    server: "LocalServer"
    endpoint: str
    """Such as http://127.0.0.1:34567."""
    access_key_id: str
    access_key_secret: str
    name: str

    @property
    def arguments(self) -> tuple[str, str, str, str]:
        """Endpoint, key id, secret, instance: what `tablestore.OTSClient` takes, in its order."""
        return self.endpoint, self.access_key_id, self.access_key_secret, self.name

    @property
    def environment(self) -> dict[str, str]:
        """The same as TABLESTORE_ENDPOINT, _ACCESS_KEY_ID, _ACCESS_KEY_SECRET and _INSTANCE."""
        names = ("ENDPOINT", "ACCESS_KEY_ID", "ACCESS_KEY_SECRET", "INSTANCE")
        return {
            f"TABLESTORE_{name}": text for name, text in zip(names, self.arguments, strict=True)
        }

    def rows(self) -> dict[str, int]:
        """Return the number of rows (or points) of each table."""
        tables: dict[str, dict[str, int]] = self.server.control("/-/stats")["tables"]
        return tables.get(self.name, {})

    def empty(self) -> None:
        """Remove all tables."""
        self.server.control(f"/-/instances/{self.name}", "DELETE")

    def faults(self, *rules: Mapping[str, Any]) -> None:
        """Replace the fault rules of the whole server; without arguments, remove them."""
        self.server.control("/-/faults", "POST", list(rules))

    def throughput(self, **limit: Any) -> None:
        """Limit the throughput of this instance; without fields, remove every limit."""
        limits = [{**limit, "instance": self.name}] if limit else []
        self.server.control("/-/throughput", "POST", limits)


class LocalServer:
    """A running server on a free port of 127.0.0.1, in memory unless the options say otherwise.

    It serves any instance name. `options` are those of the command line. Raises
    `LocalServerError` when it does not start.
    """

    def __init__(self, *options: str) -> None:
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `stop`
        self._numbers = itertools.count(1)
        root = str(Path(__file__).resolve().parent.parent)
        self.process = subprocess.Popen(  # noqa: S603 - this Python, the caller's own options
            [sys.executable, "-c", _START, root, "--port", "0", "--any-instance", *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )
        self.endpoint = self._wait()

    def _wait(self) -> str:
        """Return the endpoint once the server is ready; raise when its output ends before that."""
        if self.process.stdout is not None:
            for line in self.process.stdout:
                if line.startswith(_READY):
                    return line.removeprefix(_READY).strip()
        self.process.wait()
        self._errors.seek(0)
        words = self._errors.read().decode("utf-8", "replace").strip()
        self._close()
        raise LocalServerError(f"the local Tablestore did not start: {words}")

    def stop(self) -> None:
        """Stop the server, and kill it if it does not end in time. A second call does nothing."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self._close()

    def _close(self) -> None:
        if self.process.stdout is not None:
            self.process.stdout.close()
        self._errors.close()

    def __enter__(self) -> "LocalServer":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @contextmanager
    def instance(self, name: str | None = None) -> Iterator[Instance]:
        """Yield an instance of its own for a test; its tables are deleted afterwards.

        Fault rules and throughput limits belong to the whole server; they are removed too.
        """
        if name is None:
            name = f"test-{next(self._numbers)}"
        found = Instance(self, self.endpoint, DEFAULT_KEY_ID, DEFAULT_KEY_SECRET, name)
        try:
            yield found
        finally:
            if self.process.poll() is None:  # a test may have stopped it
                found.empty()
                found.faults()
                found.throughput()

    def control(self, path: str, method: str = "GET", document: Sequence[Any] | None = None) -> Any:
        """Return the JSON of a control page, such as /-/stats; raises `LocalServerError`."""
        body = None if document is None else json.dumps(document).encode()
        request = urllib.request.Request(self.endpoint + path, body, method=method)  # noqa: S310
        try:
            with _NO_PROXY.open(request, timeout=_HTTP_SECONDS) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            text = error.read().decode("utf-8", "replace")
            raise LocalServerError(f"{method} {path}: {error.code} {text}") from None
