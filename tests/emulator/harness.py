"""The server as a process, the official SDK on it, and requests made by hand."""

import asyncio
import base64
import contextlib
import hashlib
import hmac
import http.client
import inspect
import itertools
import json
import logging
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import IO, Any, NamedTuple

logging.getLogger("tablestore-client").setLevel(logging.CRITICAL + 1)

import tablestore as ots  # noqa: E402
from google.protobuf.message import Message  # noqa: E402
from tablestore.retry import NoRetryPolicy  # noqa: E402

from emulator.wire import messages_pb2 as wire  # noqa: E402
from emulator.wire import plainbuffer as pb  # noqa: E402

ROOT = Path(__file__).parents[2]
KEY_ID, SECRET, INSTANCE = "demo-key", "demo-secret", "demo"
DEFAULT_KEY = (("k", "STRING"), ("id", "INTEGER"))
IGNORE = wire.Condition(row_existence=0)
_numbers = itertools.count()


class Answer(NamedTuple):
    """A raw answer; `error` is the parsed error of any status but 200."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def error(self) -> tuple[int, str, str]:
        message = wire.Error.FromString(self.body)
        return self.status, message.code, message.message


class Emulator:
    """One `python -m emulator` process."""

    def __init__(self, *options: str, port: int = 0, stderr: IO[str] | None = None) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "emulator", "--port", str(port), *options],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )
        assert self.process.stdout is not None
        self.greeting = []
        for line in self.process.stdout:
            self.greeting.append(line)
            if line.startswith("ready "):
                break
        else:
            raise AssertionError(f"the server ended: {self.process.wait()}")
        self.url = self.greeting[-1].split()[1]
        self.port = int(self.url.rpartition(":")[2])

    def stop(self) -> int:
        """Ask it to end, and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(20)
        finally:
            self._close()

    def kill(self) -> None:
        """End it with no chance to write anything."""
        self.process.kill()
        self.process.wait(20)
        self._close()

    def _close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(20)
        assert self.process.stdout is not None
        self.process.stdout.close()

    # ---- clients ------------------------------------------------------------------------

    def client(self, secret: str = SECRET, instance: str = INSTANCE, **options: Any) -> Any:
        """The official synchronous SDK, without retries."""
        options.setdefault("retry_policy", NoRetryPolicy())
        return ots.OTSClient(self.url, KEY_ID, secret, instance, **options)

    def async_client(self, **options: Any) -> Any:
        """The official asynchronous SDK, without retries."""
        options.setdefault("retry_policy", NoRetryPolicy())
        return ots.AsyncOTSClient(self.url, KEY_ID, SECRET, INSTANCE, **options)

    def send(
        self,
        api: str,
        body: Message | bytes = b"",
        method: str = "POST",
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """One signed request made by hand, or one with exactly the headers given."""
        data = body if isinstance(body, bytes) else body.SerializeToString()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            used = signed_headers(api, data) if headers is None else headers
            connection.request(method, f"/{api}", data, used)
            response = connection.getresponse()
            content = response.read()
            found = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, found, content)
        finally:
            connection.close()

    def control(self, path: str, method: str = "GET", document: Any = None) -> Any:
        """One of the unsigned pages."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            body = None if document is None else json.dumps(document)
            connection.request(method, path, body, {"Content-Type": "application/json"})
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()

    def stats(self) -> Any:
        return self.control("/-/stats")

    @contextlib.contextmanager
    def faults(self, *rules: dict[str, Any]) -> Iterator[None]:
        """Rules that hold inside the block."""
        shown = self.control("/-/faults", "POST", list(rules))
        assert "rules" in shown, shown
        try:
            yield
        finally:
            self.control("/-/faults", "DELETE")

    # ---- short cuts ---------------------------------------------------------------------

    def make_table(
        self,
        key: Sequence[tuple[Any, ...]] = DEFAULT_KEY,
        defined: Sequence[tuple[str, str]] = (),
        **options: Any,
    ) -> str:
        """Create a table of a new name and return it."""
        name = f"t{next(_numbers)}"
        meta = ots.TableMeta(name, list(key), list(defined))
        self.client().create_table(
            meta, ots.TableOptions(**options), ots.ReservedThroughput(ots.CapacityUnit(0, 0))
        )
        return name


class Blocking:
    """The asynchronous SDK, called like the synchronous one."""

    def __init__(self, server: Emulator, **options: Any) -> None:
        self._loop = asyncio.new_event_loop()
        self._client = server.async_client(**options)

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)

        def call(*positional: Any, **named: Any) -> Any:
            found = method(*positional, **named)
            if inspect.isasyncgen(found):
                return self._loop.run_until_complete(_listed(found))
            if inspect.isawaitable(found):
                return self._loop.run_until_complete(found)
            return found

        return call

    def close(self) -> None:
        self._loop.run_until_complete(self._client.close())
        self._loop.close()


async def _listed(found: Any) -> list[Any]:
    return [item async for item in found]


@contextlib.contextmanager
def running(*options: str, stderr: IO[str] | None = None) -> Iterator[Emulator]:
    """A server that is gone after the block, whatever happens in it."""
    server = Emulator(*options, stderr=stderr)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.kill()


def signed_headers(
    api: str,
    body: bytes,
    *,
    secret: str = SECRET,
    region: str | None = None,
    skew: float = 0.0,
    drop: str = "",
    **changes: str,
) -> dict[str, str]:
    """Headers of a request, signed as the protocol says, independently of the server's code.

    `changes` replace headers before signing (x_ots_date="..."), `drop` leaves one out.
    """
    date = datetime.now(timezone.utc) + timedelta(seconds=skew)
    headers = {
        "x-ots-date": date.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "x-ots-apiversion": "2015-12-31",
        "x-ots-accesskeyid": KEY_ID,
        "x-ots-instancename": INSTANCE,
        "x-ots-contentmd5": base64.b64encode(hashlib.md5(body).digest()).decode(),
    }
    headers |= {name.replace("_", "-"): value for name, value in changes.items()}
    headers.pop(drop, None)
    if region is not None:
        headers |= {"x-ots-signdate": date.strftime("%Y%m%d"), "x-ots-signregion": region}
    lines = "\n".join(sorted(f"{name}:{value}" for name, value in headers.items()))
    text = f"/{api}\nPOST\n\n{lines}\n"
    if region is None:
        digest = hmac.new(secret.encode(), text.encode(), "sha1").digest()
        headers["x-ots-signature"] = base64.b64encode(digest).decode()
        return headers
    key = f"aliyun_v4{secret}".encode()
    for step in (headers["x-ots-signdate"], region, "ots", "aliyun_v4_request"):
        key = hmac.new(key, step.encode(), "sha256").digest()
    digest = hmac.new(base64.b64encode(key), f"{text}ots".encode(), "sha256").digest()
    headers["x-ots-signaturev4"] = base64.b64encode(digest).decode()
    return headers


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def row(key: Sequence[tuple[str, Any]], cells: Sequence[tuple[Any, ...]] = ()) -> bytes:
    """A put as a buffer; cells are (name, value) or (name, value, version)."""
    return pb.HEADER + pb.encode_row(
        [(name.encode(), pb.wire_value(value)) for name, value in key],
        [
            (cell[0].encode(), cell[2] if len(cell) > 2 else None, pb.wire_value(cell[1]))
            for cell in cells
        ],
    )


def batch(*tables: tuple[str, Sequence[bytes]]) -> wire.BatchWriteRowRequest:
    """A BatchWriteRow of puts without conditions."""
    request = wire.BatchWriteRowRequest()
    for name, buffers in tables:
        part = request.tables.add(table_name=name)
        for buffer in buffers:
            part.rows.add(type=1, row_change=buffer, condition=IGNORE)
    return request


def put(name: str, buffer: bytes) -> wire.PutRowRequest:
    return wire.PutRowRequest(table_name=name, row=buffer, condition=IGNORE)


def all_rows(client: Any, table: str, key: Sequence[tuple[Any, ...]] = DEFAULT_KEY) -> list[Any]:
    """Every row of a table, read page by page."""
    found: list[Any] = []
    begin: Any = [(column[0], ots.INF_MIN) for column in key]
    end = [(column[0], ots.INF_MAX) for column in key]
    while begin:
        _, begin, rows, _ = client.get_range(
            table, ots.Direction.FORWARD, begin, end, max_version=100
        )
        found += rows
    return found


def columns(found: Any) -> dict[str, Any]:
    """The newest value of each attribute of a row read with the SDK."""
    values: dict[str, Any] = {}
    for name, value, _ in found.attribute_columns:
        values.setdefault(name, value)
    return values
