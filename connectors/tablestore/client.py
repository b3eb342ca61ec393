"""Signed requests to one instance of Tablestore.

The official SDK signs, makes headers and reads refusals. It does not encode rows (its encoder costs
ten to forty times ours), does not send data requests (its clients cost three times ours) and does
not retry (its policy sleeps in the caller's thread and never looks at single rows). Rare calls
about tables go through the SDK whole: tables_api.py.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import logging
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from tablestore.auth import RequestContext
from tablestore.client import OTSClient
from tablestore.error import OTSClientError, OTSServiceError
from tablestore.retry import NoRetryPolicy

from connectors.errors import StopRun, raised_at
from connectors.settings.urls import proxy_of
from connectors.settings.writing import TablestoreSettings
from connectors.tablestore.credentials import CredentialsSource
from connectors.tablestore.http import Answer, Pool, TransportError
from connectors.tablestore.provided_credentials import ProvidedCredentials, provided
from connectors.tablestore.sdk_connections import sdk_pool
from connectors.tablestore.verdicts import RequestFailed, Retry, Stop, judge

# At its default level the SDK formats every request for its log, and its error log holds payload.
_SDK_LOG = "sync.tablestore.sdk"


class Client:
    """Posts request bodies. `post` belongs to one asyncio loop; the rest blocks."""

    def __init__(self, settings: TablestoreSettings, pool: Pool | None = None) -> None:
        logging.getLogger(_SDK_LOG).setLevel(logging.CRITICAL + 1)
        self._settings = settings
        self._credentials: CredentialsSource | ProvidedCredentials = (
            CredentialsSource(settings) if settings.credentials == "keys" else provided(settings)
        )
        self._proxy = _proxy(settings)
        self._pool = pool or self._new_pool()
        # Whether the service itself has ever answered.
        self.has_answered = False
        self.sdk = OTSClient(
            settings.endpoint,
            instance_name=settings.instance,
            credentials_provider=self._credentials,
            region=settings.region or None,
            retry_policy=NoRetryPolicy(),
            socket_timeout=settings.timeout,
            logger_name=_SDK_LOG,
        )
        self.sdk.connection.pool = sdk_pool(settings.endpoint, settings.timeout, self._proxy)
        self._protocol = self.sdk.protocol
        self._signer = self.sdk._signer

    async def post(self, operation: str, body: bytes) -> bytes:
        """The body of a successful answer whose checksum and signature are right.

        `operation` is the API's name, such as BatchWriteRow. Raises RequestFailed.
        """
        return await self._exchange(self._pool, operation, body)

    def post_blocking(self, operation: str, body: bytes) -> bytes:
        """As `post`, on a connection that is closed afterwards: for single requests."""

        async def exchange() -> bytes:
            pool = self._new_pool()
            try:
                return await self._exchange(pool, operation, body)
            finally:
                pool.close()

        return asyncio.run(exchange())

    def service_time(self) -> float | None:
        """Seconds since 1970 by the clock of whatever answers at the endpoint, to the second.

        None where its answer has no date. It is asked without a signature, which a wrong clock
        would spoil. Blocks. Raises RequestFailed.
        """

        async def ask() -> Answer:
            pool = self._new_pool()
            try:
                return await pool.post("/ListTable", {}, b"")
            finally:
                pool.close()

        try:
            answer = asyncio.run(ask())
        except TransportError as error:
            raise self.transport_failed(error) from None
        try:
            return parsedate_to_datetime(answer.headers.get("date", "")).timestamp()
        except (TypeError, ValueError):
            return None

    def close(self) -> None:
        """Close idle connections; called in the writing loop."""
        self._pool.close()

    async def _exchange(self, pool: Pool, operation: str, body: bytes) -> bytes:
        path = f"/{operation}"
        context = RequestContext(self._credentials.get_credentials())
        headers = self._protocol._make_request_headers(body, path, self._signer, context)
        try:
            answer = await pool.post(path, headers, body)
        except TransportError as error:
            raise self.transport_failed(error) from None
        if answer.status == 200:
            self._check_trust(answer, path, context)
            self.has_answered = True
            return answer.body
        try:
            self._protocol.handle_error(
                operation,
                path,
                answer.status,
                "",
                answer.headers,
                answer.body,
                self._signer,
                context,
            )
        except (OTSServiceError, OTSClientError) as error:
            failed = self.request_failed(error)
            if failed.code == "OTSAuthFailed":
                reason = await asyncio.to_thread(self._is_outdated, context)
                if reason is not None:
                    raise RequestFailed(Retry(reason), failed.code) from None
            raise failed from None
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 - the SDK trips over headers that it cannot split
            reason = f"untrusted answer: HTTP {answer.status}, {raised_at(error)}"
            raise RequestFailed(Retry(reason)) from None
        raise RequestFailed(Retry(f"HTTP {answer.status} instead of 200"))

    def _is_outdated(self, context: RequestContext) -> str | None:
        """Why another key than that of the request may be accepted; None where it is the newest.

        Blocks: a provider is asked again.
        """
        if self._has_changed(context):
            return "the access key has changed"
        provider = self._credentials
        if not isinstance(provider, ProvidedCredentials):
            return None
        provider.look_again()
        if self._has_changed(context):
            return "the access key has changed"
        return provider.expired_text if provider.has_expired else None

    def _has_changed(self, context: RequestContext) -> bool:
        """Whether the access key has changed since a request was signed."""
        used, present = context.get_credentials(), self._credentials.get_credentials()
        return any(
            getattr(used, part)() != getattr(present, part)()
            for part in ("get_access_key_id", "get_access_key_secret", "get_security_token")
        )

    @property
    def where(self) -> str:
        """Host and port of the endpoint, or of the proxy, for texts."""
        if self._proxy is not None:
            return f"the proxy {urlsplit(self._proxy).netloc.rpartition('@')[2]}"
        return urlsplit(self._settings.endpoint).netloc

    def _new_pool(self) -> Pool:
        return Pool(self._settings.endpoint, self._settings.timeout, self._proxy)

    def transport_failed(self, error: TransportError) -> RequestFailed:
        """The failure of a request without an answer: a retry, unless it can never have worked."""
        if error.is_final and not self.has_answered:
            remedy = f"\n  remedy: {error.remedy}" if error.remedy else ""
            return RequestFailed(Stop(f"Tablestore cannot be reached: {error}{remedy}"))
        remedy = f" ({error.remedy})" if error.remedy else ""
        return RequestFailed(Retry(f"{error}{remedy}", "slow" if error.is_slow else ""))

    def request_failed(self, error: OTSServiceError | OTSClientError) -> RequestFailed:
        """The failure, with its verdict, for an exception of the SDK.

        Once the service has answered, an answer without one of its codes is from a proxy or
        balancer while the service is away: that is a retry.
        """
        failed = _request_failed(error)
        if failed.code:
            self.has_answered = True
        elif self.has_answered and isinstance(failed.verdict, Stop):
            return RequestFailed(Retry(failed.verdict.reason))
        return failed

    def _check_trust(self, answer: Answer, path: str, context: RequestContext) -> None:
        """Check the answer's checksum and signature, as the SDK does at twice the cost.

        Raises RequestFailed: an answer that is not from the service says nothing about the rows.
        """
        headers = answer.headers
        digest = base64.b64encode(hashlib.md5(answer.body, usedforsecurity=False).digest())
        if headers.get("x-ots-contentmd5", "").encode("latin-1") != digest:
            raise RequestFailed(Retry("untrusted answer: its checksum is wrong or missing"))
        signature = self._signer.make_response_signature(
            path, headers, self._signer.get_signing_key(context)
        )
        key_id = context.get_credentials().get_access_key_id()
        if headers.get("authorization") != f"OTS {key_id}:{signature}":
            raise RequestFailed(Retry("untrusted answer: its signature is wrong or missing"))


def _proxy(settings: TablestoreSettings) -> str | None:
    try:
        return proxy_of(settings.endpoint) if settings.proxy_from_environment else None
    except ValueError as error:
        raise StopRun(
            f"tablestore: {error}\n  remedy: correct it, or set "
            "tablestore.proxy_from_environment = false"
        ) from None


def _request_failed(error: OTSServiceError | OTSClientError) -> RequestFailed:
    if isinstance(error, OTSServiceError):
        code = error.code or ""
        return RequestFailed(judge(error.http_status, code, error.message or ""), code)
    status = error.http_status
    if status is None or 200 <= status < 300:
        # Wrong checksum, signature or date: the answer cannot be trusted, so it says nothing.
        return RequestFailed(Retry(f"untrusted answer: {error.message}"))
    return RequestFailed(judge(status, "", ""))
