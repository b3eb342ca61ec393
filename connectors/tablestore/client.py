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

from tablestore.auth import RequestContext
from tablestore.client import OTSClient
from tablestore.error import OTSClientError, OTSServiceError
from tablestore.retry import NoRetryPolicy

from connectors.settings.writing import TablestoreSettings
from connectors.tablestore.credentials import CredentialsSource
from connectors.tablestore.http import Answer, Pool, TransportError
from connectors.tablestore.verdicts import RequestFailed, Retry, judge

# At its default level the SDK formats every request for its log, and its error log holds payload.
_SDK_LOG = "sync.tablestore.sdk"


class Client:
    """Posts request bodies. `post` belongs to one asyncio loop; the rest blocks."""

    def __init__(self, settings: TablestoreSettings, pool: Pool | None = None) -> None:
        logging.getLogger(_SDK_LOG).setLevel(logging.CRITICAL + 1)
        self._settings = settings
        self._credentials = CredentialsSource(settings)
        self._pool = pool or Pool(settings.endpoint, settings.timeout)
        self.sdk = OTSClient(
            settings.endpoint,
            instance_name=settings.instance,
            credentials_provider=self._credentials,
            region=settings.region or None,
            retry_policy=NoRetryPolicy(),
            socket_timeout=settings.timeout,
            max_connection=4,
            logger_name=_SDK_LOG,
        )
        self._protocol = self.sdk.protocol
        self._signer = self.sdk._signer

    async def post(self, operation: str, body: bytes) -> bytes:
        """The body of a successful answer whose checksum and signature are right.

        `operation` is the API's name, such as BatchWriteRow. Raises RequestFailed.
        """
        return await self._exchange(self._pool, operation, body)

    def post_blocking(self, operation: str, body: bytes) -> bytes:
        """As `post`, on a connection that is closed again: for what is asked once."""

        async def exchange() -> bytes:
            pool = Pool(self._settings.endpoint, self._settings.timeout)
            try:
                return await self._exchange(pool, operation, body)
            finally:
                pool.close()

        return asyncio.run(exchange())

    def close(self) -> None:
        """Close idle connections; call it in the loop that writes."""
        self._pool.close()

    async def _exchange(self, pool: Pool, operation: str, body: bytes) -> bytes:
        path = f"/{operation}"
        context = RequestContext(self._credentials.get_credentials())
        headers = self._protocol._make_request_headers(body, path, self._signer, context)
        try:
            answer = await pool.post(path, headers, body)
        except TransportError as error:
            raise RequestFailed(Retry(str(error))) from None
        if answer.status == 200:
            self._check_trust(answer, path, context)
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
            raise request_failed(error) from None
        raise RequestFailed(Retry(f"HTTP {answer.status} instead of 200"))

    def _check_trust(self, answer: Answer, path: str, context: RequestContext) -> None:
        """Check the answer's checksum and signature, as the SDK does at twice the cost.

        Raises RequestFailed: an answer that is not the service's own says nothing.
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


def request_failed(error: OTSServiceError | OTSClientError) -> RequestFailed:
    """The failure, with its verdict, that the SDK's exception stands for."""
    if isinstance(error, OTSServiceError):
        code = error.code or ""
        return RequestFailed(judge(error.http_status, code, error.message or ""), code)
    status = error.http_status
    if status is None or 200 <= status < 300:
        # Wrong checksum, signature or date: the answer is not to be trusted, so it says nothing.
        return RequestFailed(Retry(f"untrusted answer: {error.message}"))
    return RequestFailed(judge(status, "", ""))
