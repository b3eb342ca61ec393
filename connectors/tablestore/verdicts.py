"""The meaning of Tablestore's answers: `Written`, `Retry`, `Reject` or `Stop`.

The table is data, one line per code, after the service's page of error codes [error-codes] and the
retry tables of the official SDKs [sdk-retry]. Rows are idempotent (unconditional, with explicit
values), so that they may be sent again after an unknown outcome.
"""

from __future__ import annotations

from typing import Literal, NamedTuple


class Written(NamedTuple):
    """The row is in the table."""


class Retry(NamedTuple):
    """A transient failure or an unknown outcome: send the same row again later, without end."""

    reason: str
    cause: Literal["", "throttled", "slow"] = ""
    """What of it the table's `Governor` has to know: the service asks for fewer rows or requests,
    or takes too long to answer."""


class Reject(NamedTuple):
    """The row can never be written. Of a whole request: at least one of its rows."""

    code: str
    reason: str


class Stop(NamedTuple):
    """Nothing can be written until an operator acts; the reason names the remedy."""

    reason: str
    code: str = ""


Verdict = Written | Retry | Reject | Stop


class RequestFailed(Exception):  # noqa: N818 - it carries a verdict
    """The whole request failed or its outcome is unknown; `verdict` says how to go on."""

    def __init__(self, verdict: Verdict, code: str = "") -> None:
        super().__init__(str(verdict))
        self.verdict = verdict
        self.code = code


# Code: what it means. docs/codes.md is made of these tables.
RETRY = {
    "OTSServerBusy": "The service is busy.",
    "OTSStorageServerBusy": "The storage behind the service is busy.",
    "OTSPartitionUnavailable": "The partition is being loaded, moved or split.",
    "OTSTimeout": "The service did not finish in time; the outcome is unknown.",
    "OTSServerUnavailable": "The service cannot be reached from its front end.",
    "OTSInternalServerError": "An internal error; the outcome is unknown.",
    "OTSNotEnoughCapacityUnit": "The table's read or write throughput is used up for the moment.",
    "OTSCapacityUnitExhausted": "One partition key takes more throughput than the service gives "
    "to one.",
    "OTSRowOperationConflict": "Another request changes the same row.",
    "OTSOperationConflict": "Another operation works on the same table.",
    "OTSOperationThrottled": "The operation is throttled.",
    "OTSTableNotReady": "The table was created a moment ago.",
    "OTSRequestTimeout": "The client's request did not arrive in time.",
    "OTSTooFrequentReservedThroughputAdjustment": "The table's throughput was changed a moment "
    "ago.",
}
# Codes of RETRY by which the service asks for less. Others say that something moves, is created or
# is changed by another client: fewer requests do not help there.
THROTTLED = frozenset(
    (
        "OTSServerBusy",
        "OTSStorageServerBusy",
        "OTSNotEnoughCapacityUnit",
        "OTSCapacityUnitExhausted",
        "OTSOperationThrottled",
        "OTSQuotaExhausted",
    )
)
# Codes of RETRY by which it says that it is too slow.
SLOW = frozenset(("OTSTimeout", "OTSRequestTimeout"))
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
    "OTSMethodNotAllowed": "the endpoint is not a Tablestore instance: check tablestore.endpoint",
    "OTSQuotaExhausted": "the instance's quota is used up: ask for a higher one, or delete tables",
}
# Code, words of the service's message: the remedy, if it differs from the one above.
STOP_MESSAGES = (
    (
        "OTSAuthFailed",
        "instance acl",
        (
            "the instance's network ACL refuses this machine: in the console, under the instance's "
            "network management, allow its VPC or public access, or use the endpoint of a network "
            "that is allowed (tablestore.endpoint)"
        ),
    ),
    (
        "OTSAuthFailed",
        "mismatch between system time",
        "this machine's clock is more than 15 minutes off: set it",
    ),
)
# Code: why the verdict differs from the retry tables of the SDKs.
SDK_DIFFERENCES = {
    "OTSCapacityUnitExhausted": "The SDKs of Java, Go, Python and Node do not retry it; the "
    "service asks for back-off, and Java's TableStoreWriter does retry it.",
    "OTSStorageServerBusy": "Only the Go SDK lists it.",
    "OTSOperationConflict": "Only newer Python SDKs list it.",
    "OTSOperationThrottled": "The SDKs of Java and Go do not list it; those of Python and Node do.",
    "OTSTimeout": "The SDKs retry it for reads only, as a write may have happened; our rows can be "
    "written twice. The same goes for OTSServerUnavailable, OTSInternalServerError and HTTP 5xx.",
    "OTSRequestTimeout": "Only Java's TableStoreWriter retries it. The row can be written twice.",
    "OTSTooFrequentReservedThroughputAdjustment": "Only Java's TableStoreWriter retries it. The "
    "service takes the next change after two minutes.",
    "OTSInvalidPK": "Java's TableStoreWriter gives up the row. Its key columns are those of every "
    "row of the table, so all would be refused.",
    "OTSAuthFailed": "Java's TableStoreWriter retries it for ten seconds. Here it is sent again "
    "only when the access key has changed since.",
    "OTSNoPermissionAccess": "Java's TableStoreWriter retries it for ten seconds.",
    "OTSObjectNotExist": "Java's TableStoreWriter retries it for ten seconds. Here it is sent "
    "again only while this run has just created the table (tablestore.ready_timeout).",
    "OTSMetaNotMatch": "Java's TableStoreWriter retries it for ten seconds; the rows stay encoded "
    "for the former table.",
    "OTSQuotaExhausted": "As in the SDKs, it is sent again when the message begins with `Too "
    "frequent`.",
    "OTSConditionCheckFail": "As in the SDKs: never sent again.",
}
# Code: the text that a wait for it adds to the service's own.
_WAIT_HINTS = {
    "OTSCapacityUnitExhausted": "; one value of the first key column takes all it can: spread the "
    "rows over more values (docs/operations.md, Hot partition keys)",
}


def judge(status: int, code: str, message: str) -> Verdict:
    """The verdict on a failed request (its HTTP status) or a failed row of a batch (status 200)."""
    text = f"{code or f'HTTP {status}'}: {message}" if message else code or f"HTTP {status}"
    if code in RETRY or (code == "OTSQuotaExhausted" and message.startswith("Too frequent")):
        return Retry(
            text + _WAIT_HINTS.get(code, ""),
            "throttled" if code in THROTTLED else "slow" if code in SLOW else "",
        )
    if code in REJECT:
        return Reject(code, text)
    if code in STOP:
        return Stop(
            f"Tablestore denies every request: {text}\n  remedy: {_remedy(code, message)}", code
        )
    if status >= 500 or status in (408, 429):
        return Retry(text, "throttled" if status == 429 else "slow" if status == 408 else "")
    if status == 413:
        return Reject("OTSRequestBodyTooLarge", text)
    if status == 200 and not code:
        return Retry("a row failed without a code")
    if status == 200:
        # An undocumented row-level code: reject this row, keep the service's text.
        return Reject(code, text)
    return Stop(
        f"Tablestore answered HTTP {status} without a known code: {text}\n"
        "  remedy: check tablestore.endpoint, and the network up to there"
    )


def _remedy(code: str, message: str) -> str:
    for known, words, remedy in STOP_MESSAGES:
        if code == known and words in message.lower():
            return remedy
    return STOP[code]
