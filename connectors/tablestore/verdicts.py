"""What an answer of Tablestore means: `Written`, `Retry`, `Reject` or `Stop`.

The table is data, one line a code, after the service's page of error codes [error-codes] and the
retry tables of the official SDKs [sdk-retry]. Rows are idempotent here (unconditional, explicit
values), so that after an unknown outcome they may be sent again.
"""

from __future__ import annotations

from typing import NamedTuple


class Written(NamedTuple):
    """The row is in the table."""


class Retry(NamedTuple):
    """A transient failure or an unknown outcome: send the same row again later, without end."""

    reason: str


class Reject(NamedTuple):
    """The row can never be written. Of a whole request: at least one of its rows."""

    code: str
    reason: str


class Stop(NamedTuple):
    """Nothing can be written until somebody acts; the reason names the remedy."""

    reason: str
    code: str = ""


Verdict = Written | Retry | Reject | Stop


class RequestFailed(Exception):  # noqa: N818 - it carries a verdict
    """The whole request failed or its outcome is unknown; `verdict` says how to go on."""

    def __init__(self, verdict: Verdict, code: str = "") -> None:
        super().__init__(str(verdict))
        self.verdict = verdict
        self.code = code


# Code: what it means. docs/codes.md is made of these three tables.
RETRY = {
    "OTSServerBusy": "The service is busy.",
    "OTSPartitionUnavailable": "The partition is being loaded.",
    "OTSTimeout": "The service did not finish in time; the outcome is unknown.",
    "OTSServerUnavailable": "The service cannot be reached from its front end.",
    "OTSInternalServerError": "An internal error; the outcome is unknown.",
    "OTSNotEnoughCapacityUnit": "The table's read or write throughput is used up for the moment.",
    "OTSRowOperationConflict": "Another request changes the same row.",
    "OTSOperationConflict": "Another operation works on the same table.",
    "OTSOperationThrottled": "The operation is throttled.",
    "OTSTableNotReady": "The table was created a moment ago.",
    "OTSRequestTimeout": "The client's request did not arrive in time.",
    "OTSTooFrequentReservedThroughputAdjustment": "The table's throughput was changed a moment "
    "ago.",
}
REJECT = {
    "OTSParameterInvalid": "A value of the row is not one that the service takes.",
    "OTSOutOfColumnCountLimit": "The row would have too many columns.",
    "OTSOutOfRowSizeLimit": "The row would be too large.",
    "OTSConditionCheckFail": "The row's condition does not hold.",
    "OTSDataOutOfRange": "A value is out of its range.",
    "OTSRequestBodyTooLarge": "The request is too large; it is halved down to single rows.",
}
# Code: what to do about it.
STOP = {
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
    if code in RETRY or (code == "OTSQuotaExhausted" and message.startswith("Too frequent")):
        return Retry(text)
    if code in REJECT:
        return Reject(code, text)
    if code in STOP:
        return Stop(f"Tablestore denies every request: {text}\n  remedy: {STOP[code]}", code)
    if status >= 500 or status in (408, 429):
        return Retry(text)
    if status == 413:
        return Reject("OTSRequestBodyTooLarge", text)
    if status == 200 and not code:
        return Retry("a row failed without a code")
    if status == 200:
        # An undocumented row-level code: reject this row, keep the service's text.
        return Reject(code, text)
    return Stop(
        f"Tablestore answered HTTP {status} without a known code: {text}\n"
        "  remedy: check tablestore.endpoint, and whatever stands between here and there"
    )
