"""What an answer of Tablestore means: `Written`, `Retry`, `Reject` or `Stop`.

The table is data, one line a code, after the service's error code page and the retry lists of the
official SDKs. Row changes of this project are idempotent (unconditional, explicit values), so an
unknown outcome may be tried again.
"""

from __future__ import annotations

from typing import NamedTuple


class Written(NamedTuple):
    """The row is in the table."""


class Retry(NamedTuple):
    """Transient, or unknown outcome: send the same row again later, for as long as it takes."""

    reason: str


class Reject(NamedTuple):
    """The row can never be written; its neighbours may. A whole request: find the bad row."""

    code: str
    reason: str


class Stop(NamedTuple):
    """Nothing can be written until somebody acts; the reason names the remedy."""

    reason: str
    code: str = ""


Verdict = Written | Retry | Reject | Stop


class RequestFailed(Exception):  # noqa: N818 - it carries a verdict
    """A request as a whole was not done, or nobody knows."""

    def __init__(self, verdict: Verdict, code: str = "") -> None:
        super().__init__(str(verdict))
        self.verdict = verdict
        self.code = code


_RETRY = {
    "OTSServerBusy",
    "OTSPartitionUnavailable",
    "OTSTimeout",
    "OTSServerUnavailable",
    "OTSInternalServerError",
    "OTSNotEnoughCapacityUnit",
    "OTSRowOperationConflict",
    "OTSOperationConflict",
    "OTSOperationThrottled",
    "OTSTableNotReady",
    "OTSRequestTimeout",
    "OTSTooFrequentReservedThroughputAdjustment",
}
_REJECT = {
    "OTSParameterInvalid",
    "OTSOutOfColumnCountLimit",
    "OTSOutOfRowSizeLimit",
    "OTSConditionCheckFail",
    "OTSDataOutOfRange",
    "OTSRequestBodyTooLarge",
}
_STOP = {
    "OTSAuthFailed": "check the access key, the instance name, the signature region and this "
    "machine's clock",
    "OTSNoPermissionAccess": "grant ots:BatchWriteRow and ots:DescribeTable (and ots:CreateTable "
    "for auto_create) on the table to this access key; for a time series table "
    "ots:PutTimeseriesData, ots:DescribeTimeseriesTable (and ots:CreateTimeseriesTable)",
    "OTSObjectNotExist": "create the table, or set auto_create = true for it",
    "OTSInvalidPK": "the table's primary key is not the configured one: correct primary_key, or "
    "write to another table",
    "OTSMetaNotMatch": "the table changed under the run: start again",
    "OTSCapacityUnitExhausted": "the instance has no capacity left: check its quota and billing",
    "OTSMethodNotAllowed": "the endpoint is not a Tablestore instance: check tablestore.endpoint",
    "OTSQuotaExhausted": "the instance's quota is used up: ask for a higher one, or delete tables",
}


def judge(status: int, code: str, message: str) -> Verdict:
    """The verdict on a failed request (its HTTP status) or a failed row of a batch (status 200)."""
    text = f"{code or f'HTTP {status}'}: {message}" if message else code or f"HTTP {status}"
    if code in _RETRY or (code == "OTSQuotaExhausted" and message.startswith("Too frequent")):
        return Retry(text)
    if code in _REJECT:
        return Reject(code, text)
    if code in _STOP:
        return Stop(f"Tablestore refuses everything: {text}\n  remedy: {_STOP[code]}", code)
    if status >= 500 or status in (408, 429):
        return Retry(text)
    if status == 413:
        return Reject("OTSRequestBodyTooLarge", text)
    if status == 200 and not code:
        return Retry("a row failed without a code")
    if status == 200:
        # A row code that nobody documented: the row alone is set aside, with the service's words.
        return Reject(code, text)
    return Stop(
        f"Tablestore answered HTTP {status} without a known code: {text}\n"
        "  remedy: check tablestore.endpoint, and whatever stands between here and there"
    )
