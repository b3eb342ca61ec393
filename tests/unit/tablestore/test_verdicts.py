"""The table from answers of Tablestore to verdicts, one case a row.

The rows are those of the service's error code page; a row change of this project can be repeated
without harm, so an unknown outcome is tried again.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.tablestore.verdicts import REJECT as REJECT_TABLE
from connectors.tablestore.verdicts import RETRY as RETRY_TABLE
from connectors.tablestore.verdicts import SDK_DIFFERENCES, Reject, Retry, Stop, Verdict, judge
from connectors.tablestore.verdicts import STOP as STOP_TABLE
from tests.unit.factories import CANARY

pytestmark = pytest.mark.P5

RETRY, REJECT, STOP = Retry, Reject, Stop

KNOWN: list[tuple[int, str, str, type[Verdict]]] = [
    (400, "OTSParameterInvalid", "Invalid column type", REJECT),
    (400, "OTSOutOfColumnCountLimit", "The number of columns exceeds the limit", REJECT),
    (400, "OTSOutOfRowSizeLimit", "The row is too large", REJECT),
    (400, "OTSInvalidPK", "Validate PK name fail. Input: PK2, Meta: PK1.", STOP),
    (400, "OTSMetaNotMatch", "The table's meta changed", STOP),
    (403, "OTSAuthFailed", "Signature mismatch.", STOP),
    (403, "OTSAuthFailed", "The AccessKeyID does not exist.", STOP),
    (403, "OTSAuthFailed", "The instance is not found.", STOP),
    (403, "OTSAuthFailed", "Mismatch between system time and x-ots-date", STOP),
    (403, "OTSNoPermissionAccess", "You have no permission", STOP),
    (403, "OTSConditionCheckFail", "Condition check failed.", REJECT),
    (403, "OTSCapacityUnitExhausted", "Capacity is exhausted", RETRY),
    (403, "OTSNotEnoughCapacityUnit", "Remaining capacity unit is not enough.", RETRY),
    (403, "OTSTooFrequentReservedThroughputAdjustment", "Too frequent", RETRY),
    (403, "OTSQuotaExhausted", "Too frequent table operations.", RETRY),
    (403, "OTSQuotaExhausted", "Number of tables exceeds the quota:64.", STOP),
    (404, "OTSObjectNotExist", "Requested table does not exist.", STOP),
    (404, "OTSTableNotReady", "The table is not ready.", RETRY),
    (405, "OTSMethodNotAllowed", "Only POST", STOP),
    (408, "OTSRequestTimeout", "The request took too long", RETRY),
    (409, "OTSRowOperationConflict", "Data is being modified by the other request.", RETRY),
    (409, "OTSOperationConflict", "Another operation is under way", RETRY),
    (413, "OTSRequestBodyTooLarge", "Body too large", REJECT),
    (500, "OTSInternalServerError", "Internal server error.", RETRY),
    (503, "OTSServerBusy", "Server is busy.", RETRY),
    (503, "OTSStorageServerBusy", "Storage is busy.", RETRY),
    (403, "OTSAuthFailed", "Request denied by instance ACL policies.", STOP),
    (503, "OTSPartitionUnavailable", "The partition is not available.", RETRY),
    (503, "OTSTimeout", "Operation timeout.", RETRY),
    (503, "OTSServerUnavailable", "Server is not available.", RETRY),
    (503, "OTSOperationThrottled", "Throttled", RETRY),
    (200, "OTSDataOutOfRange", "Rows of another partition key", REJECT),
]
"""HTTP status, code, message, what it means: as an answer to the whole request."""


@pytest.mark.parametrize(("status", "code", "message", "verdict"), KNOWN)
def test_a_refused_request(status: int, code: str, message: str, verdict: type[Verdict]) -> None:
    """Each documented answer to a request has its verdict, and the service's words in it."""
    found = judge(status, code, message)
    assert type(found) is verdict
    assert isinstance(found, (Retry, Reject, Stop))
    assert code in found.reason
    assert message in found.reason


@pytest.mark.parametrize(("status", "code", "message", "verdict"), KNOWN)
def test_the_same_code_for_one_row(
    status: int, code: str, message: str, verdict: type[Verdict]
) -> None:
    """In a batch the codes come for single rows within HTTP 200 and mean the same."""
    assert judge(200, code, message) == judge(status, code, message)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("OTSAuthFailed", ["access key", "clock", "region"]),
        ("OTSNoPermissionAccess", ["ots:BatchWriteRow", "ots:DescribeTable"]),
        ("OTSObjectNotExist", ["auto_create", "create the table"]),
        ("OTSInvalidPK", ["primary_key"]),
        ("OTSMetaNotMatch", ["start again"]),
        ("OTSMethodNotAllowed", ["tablestore.endpoint"]),
        ("OTSQuotaExhausted", ["quota"]),
    ],
)
def test_a_stop_names_its_remedy(code: str, words: list[str]) -> None:
    """Where everything is refused, the text says what to do, and keeps the code for callers."""
    found = judge(403, code, "said the service")
    assert isinstance(found, Stop)
    assert found.code == code
    remedy = found.reason.partition("remedy:")[2]
    for word in words:
        assert word in remedy


@pytest.mark.parametrize(
    ("message", "words", "not_words"),
    [
        ("Request denied by instance ACL policies.", ["network ACL", "VPC"], ["access key"]),
        ("Mismatch between system time and x-ots-date: 1", ["clock"], ["access key"]),
        ("Signature mismatch.", ["access key"], ["ACL"]),
    ],
)
def test_the_service_refuses_for_several_reasons_under_one_code(
    message: str, words: list[str], not_words: list[str]
) -> None:
    """OTSAuthFailed of a network ACL or a wrong clock has its own remedy."""
    found = judge(403, "OTSAuthFailed", message)
    assert isinstance(found, Stop)
    remedy = found.reason.partition("remedy:")[2]
    assert all(word in remedy for word in words)
    assert not any(word in remedy for word in not_words)


def test_a_hot_partition_key_is_waited_for_with_the_remedy() -> None:
    """The service asks for back-off; the log says what mends it for good."""
    found = judge(403, "OTSCapacityUnitExhausted", "Capacity is exhausted")
    assert isinstance(found, Retry)
    assert "Hot partition keys" in found.reason


def test_differences_from_the_sdks_name_known_codes() -> None:
    """Each note belongs to a row of the table."""
    assert {*SDK_DIFFERENCES} <= {*RETRY_TABLE, *REJECT_TABLE, *STOP_TABLE}


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (500, RETRY),
        (502, RETRY),
        (503, RETRY),
        (504, RETRY),
        (599, RETRY),
        (429, RETRY),
        (413, REJECT),
        (301, STOP),
        (400, STOP),
        (401, STOP),
        (403, STOP),
        (404, STOP),
        (407, STOP),
        (408, RETRY),
    ],
)
def test_an_answer_without_a_code(status: int, verdict: type[Verdict]) -> None:
    """A proxy's answer: its own failures pass, a denial does not; the text has the status."""
    found = judge(status, "", "")
    assert type(found) is verdict
    assert str(status) in str(found)


@pytest.mark.parametrize(
    ("status", "verdict"),
    [(500, RETRY), (503, RETRY), (429, RETRY), (400, STOP), (403, STOP), (404, STOP), (409, STOP)],
)
def test_an_unknown_code_of_a_request(status: int, verdict: type[Verdict]) -> None:
    """An undocumented code: 5xx is retried; a 4xx may concern any row, so it stops the run."""
    found = judge(status, "OTSNeverHeardOf", "what is it")
    assert type(found) is verdict
    assert "OTSNeverHeardOf" in str(found)


def test_an_unknown_code_of_a_row() -> None:
    """The row alone is rejected, under that code."""
    assert judge(200, "OTSNeverHeardOf", "x") == Reject("OTSNeverHeardOf", "OTSNeverHeardOf: x")


def test_a_row_that_failed_without_a_code() -> None:
    """A failure without a reason: the outcome is unknown, so it is retried."""
    assert isinstance(judge(200, "", ""), Retry)
    assert isinstance(judge(200, "", "only words"), Retry)


def test_the_message_distinguishes_a_table_quota_from_throttling() -> None:
    """One code, two meanings; without a message it is the lasting one."""
    assert isinstance(judge(403, "OTSQuotaExhausted", ""), Stop)


@pytest.mark.parametrize("code", sorted({code for _, code, _, _ in KNOWN}))
def test_codes_are_compared_whole(code: str) -> None:
    """A longer, shorter or differently written code is another code."""
    for other in (code + "X", code[:-1], code.lower()):
        assert isinstance(judge(200, other, ""), Reject)
        assert isinstance(judge(400, other, ""), Stop)


@given(st.integers(100, 599), st.text(max_size=20), st.text(max_size=20))
def test_every_answer_has_a_verdict(status: int, code: str, message: str) -> None:
    """Whatever comes, there is a verdict; none is Written, and a rejection has a code to count."""
    found = judge(status, code, message)
    assert isinstance(found, (Retry, Reject, Stop))
    assert found.reason
    if isinstance(found, Reject):
        assert found.code
    if status >= 500 and not code:
        assert isinstance(found, Retry)


@given(st.integers(300, 499).filter(lambda status: status not in (408, 413, 429)))
def test_a_refusal_without_a_known_code_never_rejects_rows(status: int) -> None:
    """P5: what may concern everything stops the run; it is no reason to dead-letter."""
    assert isinstance(judge(status, "", CANARY), Stop)
    assert isinstance(judge(status, "OTSNeverHeardOf", ""), Stop)
