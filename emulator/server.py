"""HTTP: takes a request apart, checks who sent it, runs the operation, signs the answer."""

import asyncio
import contextlib
import json
import logging
import time
import uuid
import zlib
from datetime import datetime, timedelta, timezone
from typing import NoReturn

from aiohttp import ClientPayloadError, web
from google.protobuf.message import DecodeError, EncodeError, Message

from emulator import errors, limits, signing
from emulator.control import Control
from emulator.errors import ServiceError, invalid
from emulator.faults import REFUSALS, Faults, Rule, tables_of
from emulator.operations import OPERATIONS, Operation
from emulator.service import Call, Service
from emulator.wire import messages_pb2 as wire
from emulator.wire.strings import has_bad_text

log = logging.getLogger("emulator")
_DRAIN_BYTES = 64 * 1024 * 1024
_COMPRESSED = "x-ots-request-compress-type"
_COMPRESSED_SIZE = "x-ots-request-compress-size"
_COMPRESS_ANSWER = "x-ots-response-compress-type"


class ConnectionCutError(Exception):
    """The connection is closed, so no answer can be sent."""


class GatewayAnswerError(Exception):
    """A fault rule asks for the answer of a proxy in front of the service."""


class Server:
    """The request handler of one service."""

    def __init__(self, service: Service, faults: Faults) -> None:
        self._service = service
        self._options = service.options
        self._secrets: dict[str, str] = {}
        self._owned: dict[str, set[str]] = {}
        for instance in service.options.instances:
            key_id, secret = service.options.key_of(instance)
            self._secrets[key_id] = secret
            self._owned.setdefault(key_id, set()).add(instance)
        self._faults = faults
        self._control = Control(service, faults)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one HTTP request."""
        path = request.path
        if path == "/" or path.startswith("/-/"):
            return await self._control.handle(request)
        exchange = Exchange(self, request, _operation_name(path))
        try:
            return await exchange.run()
        except ConnectionCutError:
            return web.Response(status=500)

    @property
    def service(self) -> Service:
        """The service whose operations this server offers."""
        return self._service

    @property
    def faults(self) -> Faults:
        """The active fault rules."""
        return self._faults

    @property
    def owned(self) -> dict[str, set[str]]:
        """Instances by access key id."""
        return self._owned

    @property
    def secrets(self) -> dict[str, str]:
        """Access key secrets by id."""
        return self._secrets


class Exchange:
    """One HTTP request and its answer."""

    def __init__(self, server: Server, request: web.BaseRequest, api: str) -> None:
        self._server = server
        self._service = server.service
        self._options = server.service.options
        self._request = request
        self._api = api
        self._id = str(uuid.uuid4())
        self._started = time.perf_counter()
        self._caller: signing.Caller | None = None
        self._rule: Rule | None = None
        self._headers = {name.lower(): value for name, value in request.headers.items()}

    async def run(self) -> web.StreamResponse:
        """Return the answer; every failure is an answer too."""
        try:
            body = await self._operate()
        except ServiceError as error:
            return await self._refuse(error)
        except GatewayAnswerError:
            return self._gateway()
        except (ConnectionCutError, asyncio.CancelledError):
            raise
        except Exception:
            log.exception("request %s (%s) failed inside the server", self._id, self._api)
            return await self._refuse(ServiceError("OTSInternalServerError", errors.INTERNAL))
        return await self._answer(200, body, None)

    async def _operate(self) -> bytes:
        if self._request.method != "POST":
            raise ServiceError("OTSMethodNotAllowed", errors.POST_ONLY)
        body = await self._read_body()
        operation = OPERATIONS.get(self._api)
        if operation is None:
            with contextlib.suppress(ServiceError):  # an answer that is signed, where it can be
                self._caller = self._verify(body)
            raise invalid(f"Unsupported operation: {self._api}.")
        self._caller = self._verify(body)
        message = parse_request(operation, self._inflate(body))
        faults = self._server.faults
        self._rule = rule = faults.for_request(self._api, message)
        throughput = self._service.throughput
        entered: list[tuple[str, str]] = []
        if operation.is_data and throughput.is_active:
            entered = throughput.enter(self._caller.instance, tables_of(message))
        try:
            if operation.is_data and self._options.latency > 0:
                await asyncio.sleep(self._options.latency)
            if rule is not None:
                await self._fault_before(rule)
        finally:
            throughput.leave(entered)
        # The time of its versions is that of its effect, also where it had to wait for that.
        call = Call(self._service, self._caller.instance, self._id, time.time_ns() // 1_000_000)
        call.row_faults = faults.for_rows(self._api)
        out = run_operation(operation, call, message)
        if rule is not None and rule.kind == "timeout_after_effect":
            raise rule.error()
        return out

    def _verify(self, body: bytes) -> signing.Caller:
        """Return the caller; raises 403 for a request that is not signed correctly."""
        return signing.verify(
            self._api,
            self._headers,
            body,
            self._server.secrets,
            self._server.owned,
            datetime.now(timezone.utc),
            self._options.any_instance,
        )

    async def _read_body(self) -> bytes:
        """Return the body; one too long is read to its end, so that the client receives the 413."""
        chunks: list[bytes] = []
        size = 0
        if self._headers.get("expect", "").lower() == "100-continue":
            transport = self._request.transport
            if transport is not None:
                transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        try:
            async for chunk in self._request.content.iter_any():
                size += len(chunk)
                if size <= limits.REQUEST_BODY_BYTES:
                    chunks.append(chunk)
                elif size > _DRAIN_BYTES:
                    break
        except (ClientPayloadError, ConnectionError):
            raise ConnectionCutError from None  # the client went away before it was done
        if size > limits.REQUEST_BODY_BYTES:
            raise ServiceError("OTSRequestBodyTooLarge", errors.BODY_TOO_LARGE)
        return b"".join(chunks)

    def _inflate(self, body: bytes) -> bytes:
        method = self._headers.get(_COMPRESSED)
        if method is None:
            return body
        if method.strip().lower() != "deflate":
            raise invalid(f"Unsupported compress type: {method}.")
        inflater = zlib.decompressobj()
        try:
            plain = inflater.decompress(body, limits.REQUEST_BODY_BYTES + 1)
        except zlib.error:
            raise invalid("Decompress request body failed.") from None
        if len(plain) > limits.REQUEST_BODY_BYTES:
            raise ServiceError("OTSRequestBodyTooLarge", errors.BODY_TOO_LARGE)
        size = self._headers.get(_COMPRESSED_SIZE, "").strip()
        if not inflater.eof or (size and size != str(len(plain))):
            raise invalid("Decompress request body failed.")
        return plain

    async def _fault_before(self, rule: Rule) -> None:
        """Do what a rule asks for before the request has an effect."""
        if rule.delay > 0:
            await asyncio.sleep(rule.delay)
        if rule.kind in REFUSALS:
            raise rule.error()
        if rule.kind == "reset_request":
            self._cut()
        if rule.kind == "hang" and rule.effect == "before":
            await self._hang()
        if rule.kind in ("http_502_html", "http_503_empty"):
            raise GatewayAnswerError

    def _cut(self) -> NoReturn:
        """Reset the connection, as a dying load balancer does."""
        self._note(0, None)
        transport = self._request.transport
        if transport is not None:
            transport.abort()
        raise ConnectionCutError

    async def _hang(self) -> NoReturn:
        """Never answer; ends when the client gives up or the server stops."""
        self._note(0, None)
        while self._request.transport is not None:  # noqa: ASYNC110 - there is no event for it
            await asyncio.sleep(0.05)
        raise ConnectionCutError

    async def _refuse(self, error: ServiceError) -> web.StreamResponse:
        if self._headers.get("content-type", "").startswith("application/json"):
            # The clients of operations in JSON (knowledge bases, memories) read errors as JSON.
            body = json.dumps({"code": error.code, "message": error.message}).encode()
        else:
            body = wire.Error(code=error.code, message=error.message).SerializeToString()
        return await self._answer(error.status, body, error.code)

    def _gateway(self) -> web.Response:
        """Return what a proxy in front of the service says: no protobuf, no signature."""
        html = self._rule is not None and self._rule.kind == "http_502_html"
        status = 502 if html else 503
        self._note(status, None)
        text = "<html><body><h1>502 Bad Gateway</h1></body></html>" if html else ""
        return web.Response(status=status, text=text, content_type="text/html")

    async def _answer(self, status: int, body: bytes, code: str | None) -> web.StreamResponse:
        rule = self._rule
        kind = rule.kind if rule is not None else ""
        extra: dict[str, str] = {}
        if body and self._headers.get(_COMPRESS_ANSWER, "").strip().lower() == "deflate":
            extra = {_COMPRESS_ANSWER: "deflate", "x-ots-response-compress-size": str(len(body))}
            body = zlib.compress(body)
        now = datetime.now(timezone.utc)
        if kind == "wrong_response_date":
            now -= timedelta(hours=1)
        headers = signing.response_headers(self._api, self._id, body, self._caller, now, extra)
        if kind == "reset_response":
            self._cut()
        if kind == "hang":
            await self._hang()
        if kind == "wrong_response_signature" and "Authorization" in headers:
            headers["Authorization"] = f"{headers['Authorization'][:-4]}AAA="
        if kind == "garbled_body":
            body = bytes(byte ^ 0x5A for byte in body) or b"\x5a"
        self._note(status, code)
        if kind == "truncated_body":
            await self._truncate(status, headers, body)
        return web.Response(status=status, body=body, headers=headers)

    async def _truncate(self, status: int, headers: dict[str, str], body: bytes) -> NoReturn:
        """Promise the whole body, send half of it and close."""
        transport = self._request.transport
        if transport is not None:
            lines = [f"HTTP/1.1 {status} OK", *(f"{k}: {v}" for k, v in headers.items())]
            lines.append(f"Content-Length: {len(body) + 1}")
            head = "\r\n".join(lines) + "\r\n\r\n"
            transport.write(head.encode() + body[: len(body) // 2])
            transport.close()
        raise ConnectionCutError

    def _note(self, status: int, code: str | None) -> None:
        api = self._api if self._api in OPERATIONS else "other"
        fault = None if self._rule is None else self._rule.kind
        seconds = time.perf_counter() - self._started
        self._service.journal.answered(api, self._id, status, code, fault, seconds)
        if log.isEnabledFor(logging.INFO):
            answer = f"{status} {code or 'OK'}" if status else "no answer"
            shown = f", fault {fault}" if fault else ""
            log.info("%s %s: %s%s, %.1f ms", api, self._id, answer, shown, seconds * 1000)


def _operation_name(path: str) -> str:
    """Return the operation of a path; an endpoint may have a path before it."""
    folder, _, name = path.rpartition("/")
    return f"tunnel/{name}" if folder.endswith("/tunnel") else name


def parse_request(operation: Operation, body: bytes) -> Message:
    """Return the message of a request body; raises 400 when it cannot be read."""
    message = operation.request()
    try:
        message.ParseFromString(body)
    except DecodeError:
        raise invalid(errors.BAD_PROTOBUF) from None
    if has_bad_text(message):
        raise invalid(errors.BAD_PROTOBUF)
    return message


def run_operation(operation: Operation, call: Call, message: Message) -> bytes:
    """Run an operation and serialize its answer."""
    out = operation.handler(call, message)
    if isinstance(out, bytes):
        return out
    try:
        return out.SerializeToString()
    except EncodeError as error:
        raise AssertionError(f"incomplete answer: {error}") from error
