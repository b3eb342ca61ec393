"""Signatures: requests are checked (V2 and V4), answers are signed, as the SDKs verify them."""

import base64
import hashlib
import hmac
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timezone
from functools import lru_cache
from typing import NamedTuple

from emulator import errors
from emulator.errors import ServiceError, invalid
from emulator.limits import CLOCK_SKEW_SECONDS, is_instance_name

_REQUIRED = (
    "x-ots-date",
    "x-ots-apiversion",
    "x-ots-accesskeyid",
    "x-ots-instancename",
    "x-ots-contentmd5",
)
_SIGNATURES = ("x-ots-signature", "x-ots-signaturev4")


class Caller(NamedTuple):
    """Who sent a verified request, and the key its answer is signed with."""

    key_id: str
    instance: str
    response_key: bytes


def md5_text(body: bytes) -> str:
    """Return the base64 MD5 of a body, as in x-ots-contentmd5."""
    return base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()


def _hmac(key: bytes, text: str, method: str) -> bytes:
    return hmac.new(key, text.encode("utf-8", "surrogateescape"), method).digest()


@lru_cache(maxsize=64)
def v4_key(secret: str, date: str, region: str) -> bytes:
    """Return the derived V4 key, which is the base64 text of four chained HMACs."""
    key = b"aliyun_v4" + secret.encode()
    for step in (date, region, "ots", "aliyun_v4_request"):
        key = _hmac(key, step, "sha256")
    return base64.b64encode(key)


def headers_block(headers: Iterable[tuple[str, str]]) -> str:
    """Return the canonical lines of the x-ots- headers, without the signatures."""
    lines = [
        f"{name}:{value.strip()}"
        for name, value in headers
        if name.startswith("x-ots-") and name not in _SIGNATURES
    ]
    return "\n".join(sorted(lines))


def _check_date(text: str, now: datetime) -> None:
    try:
        date = datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc)
    except ValueError:
        raise invalid(f"Invalid date format: {text}.") from None
    if abs((now - date).total_seconds()) > CLOCK_SKEW_SECONDS:
        raise ServiceError("OTSAuthFailed", f"Mismatch between system time and x-ots-date: {text}.")


def verify(
    api: str,
    headers: dict[str, str],
    body: bytes,
    secrets: dict[str, str],
    owned: Mapping[str, Collection[str]],
    now: datetime,
    any_instance: bool = False,
) -> Caller:
    """Check a request and return its caller.

    `headers` have lower-case names, `secrets` map key id to secret, `owned` to the instances it
    may use; with `any_instance` it may also use those that nobody owns. Raises 400 for missing or
    unreadable headers, 403 OTSAuthFailed for everything the service calls so.
    """
    for name in _REQUIRED:
        if name not in headers:
            raise invalid(f"Missing header: '{name}'.")
    key_id = headers["x-ots-accesskeyid"]
    secret = secrets.get(key_id)
    if secret is None:
        raise ServiceError("OTSAuthFailed", errors.UNKNOWN_KEY_ID)
    text = f"/{api}\nPOST\n\n{headers_block(headers.items())}\n"
    if "x-ots-signaturev4" in headers:
        for name in ("x-ots-signdate", "x-ots-signregion"):
            if name not in headers:
                raise invalid(f"Missing header: '{name}'.")
        key = v4_key(secret, headers["x-ots-signdate"], headers["x-ots-signregion"])
        expected = _hmac(key, text + "ots", "sha256")
        given = headers["x-ots-signaturev4"]
    elif "x-ots-signature" in headers:
        key = secret.encode()
        expected = _hmac(key, text, "sha1")
        given = headers["x-ots-signature"]
    else:
        raise invalid("Missing header: 'x-ots-signature'.")
    expected_text = base64.b64encode(expected)
    if not hmac.compare_digest(expected_text, given.strip().encode("utf-8", "surrogateescape")):
        raise ServiceError("OTSAuthFailed", errors.SIGNATURE_MISMATCH)
    _check_date(headers["x-ots-date"], now)
    if md5_text(body) != headers["x-ots-contentmd5"]:
        raise ServiceError("OTSAuthFailed", errors.MD5_MISMATCH)
    instance = headers["x-ots-instancename"]
    if instance not in owned[key_id] and not (
        any_instance
        and is_instance_name(instance)
        and not any(instance in names for names in owned.values())
    ):
        raise ServiceError("OTSAuthFailed", errors.UNKNOWN_INSTANCE)
    return Caller(key_id, instance, key)


def response_headers(
    api: str,
    request_id: str,
    body: bytes,
    caller: Caller | None,
    now: datetime,
    extra: dict[str, str] | None = None,
) -> dict[str, str]:
    """Return the headers of an answer, signed when the caller is known.

    The signature is HMAC-SHA1 even for V4 callers, with their derived key.
    """
    headers = {
        "x-ots-contentmd5": md5_text(body),
        "x-ots-contenttype": "protocol buffer",
        "x-ots-date": now.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "x-ots-requestid": request_id,
        **(extra or {}),
    }
    if caller is not None:
        text = f"{headers_block(headers.items())}\n/{api}"
        signature = base64.b64encode(_hmac(caller.response_key, text, "sha1")).decode()
        headers["Authorization"] = f"OTS {caller.key_id}:{signature}"
    return headers
