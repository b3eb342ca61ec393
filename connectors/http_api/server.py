"""The endpoint: a small HTTP server in a thread of its own. It answers GET and HEAD."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import threading
from collections.abc import Awaitable, Callable
from importlib.resources import files
from urllib.parse import urlsplit

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel

from connectors.errors import StopRun
from connectors.http_api import models
from connectors.http_api.provider import Provider
from connectors.run.exposure import endpoint_exposure
from connectors.settings.urls import is_loopback

log = logging.getLogger("sync.http")

_PAGE = {"": "index.html", "page.js": "page.js", "page.css": "page.css"}
_TYPES = {"html": "text/html", "js": "text/javascript", "css": "text/css"}
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Endpoint:
    """Serves what a provider knows. `start` and `stop` block."""

    def __init__(self, provider: Provider, host: str, port: int) -> None:
        """Listen on `host` and `port`; port 0 takes any free one."""
        self._provider = provider
        self._host = host
        self._port = port
        self._only_local = is_loopback(host)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, name="http", daemon=True)
        self._started = threading.Event()
        self._error: OSError | None = None
        self.url = ""

    def start(self, every: float = 0, call: Callable[[], None] | None = None) -> None:
        """Listen; `call` is called every so many seconds from then on.

        Raises StopRun when the address cannot be used.
        """
        if call is not None:
            self._loop.call_soon(self._repeat, every, call)
        self._thread.start()
        self._started.wait()
        if self._error is not None:
            raise StopRun(
                f"http: cannot listen on {self._host} port {self._port}: "
                f"{self._error.strerror or self._error}\n  remedy: set another http.host or "
                "http.port (0: any free one), or end the program that has it"
            )

    def stop(self) -> None:
        """Stop listening."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()

    def _repeat(self, every: float, call: Callable[[], None]) -> None:
        call()
        self._loop.call_later(every, self._repeat, every, call)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        runner = web.AppRunner(
            self._application(), access_log=None, handle_signals=False, shutdown_timeout=1.0
        )
        try:
            self.url = self._loop.run_until_complete(self._listen(runner))
        except OSError as error:
            self._error = error
        self._started.set()
        if self._error is None:
            self._loop.run_forever()
        with contextlib.suppress(OSError):
            self._loop.run_until_complete(runner.cleanup())
        self._loop.close()

    async def _listen(self, runner: web.AppRunner) -> str:
        await runner.setup()
        site = web.TCPSite(runner, self._host, self._port)
        await site.start()
        host, port = runner.addresses[0][:2]
        exposed = endpoint_exposure(host, port)
        if exposed is not None:
            log.warning("%s", exposed)
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def _application(self) -> web.Application:
        app = web.Application(middlewares=[self._guard])
        provider = self._provider
        for path, file in _PAGE.items():
            app.router.add_get(f"/{path}", _static(file))
        app.router.add_get("/metrics", self._metrics)
        app.router.add_get("/status", _json(provider.status))
        app.router.add_get("/history", _json(provider.history))
        app.router.add_get("/settings", _json(provider.settings))
        app.router.add_get("/health", _health(provider.health))
        app.router.add_get("/ready", _health(provider.ready))
        app.router.add_get("/status/schema", _schema)
        return app

    @web.middleware
    async def _guard(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        # A web page of another site, whose name is made to resolve to this machine, gets nothing.
        if self._only_local and not is_loopback(urlsplit(f"//{request.host}").hostname or ""):
            return web.Response(status=421, text="this endpoint is for this machine only\n")
        try:
            response = await handler(request)
        except web.HTTPException as error:
            response = web.Response(status=error.status, text=f"{error.reason}\n")
        response.headers.update(_HEADERS)
        return response

    async def _metrics(self, _request: web.Request) -> web.Response:
        text = await self._provider.metrics()
        return web.Response(body=text.encode(), headers={"Content-Type": CONTENT_TYPE_LATEST})


Handler = Callable[[web.Request], Awaitable[web.Response]]


def status_schema() -> str:
    """The JSON Schema of /status, as JSON."""
    schema = models.Status.model_json_schema(mode="serialization")
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


async def _schema(_request: web.Request) -> web.Response:
    return web.Response(text=status_schema(), content_type="application/schema+json")


def _static(file: str) -> Handler:
    body = (files("connectors.http_api") / "page" / file).read_bytes()
    kind = _TYPES[file.rpartition(".")[2]]

    async def handle(_request: web.Request) -> web.Response:
        return web.Response(body=body, content_type=kind, charset="utf-8")

    return handle


def _json(ask: Callable[[], Awaitable[BaseModel]]) -> Handler:
    async def handle(_request: web.Request) -> web.Response:
        found = await ask()
        return web.Response(text=found.model_dump_json(), content_type="application/json")

    return handle


def _health(ask: Callable[[], Awaitable[models.Health]]) -> Handler:
    async def handle(_request: web.Request) -> web.Response:
        found = await ask()
        return web.Response(
            text=found.model_dump_json(indent=2) + "\n",
            status=200 if found.ok else 503,
            content_type="application/json",
        )

    return handle
