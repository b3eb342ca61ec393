"""Error codes of the service, the HTTP status of each, and the texts that have no parameters.

Sources: the vendor's error list (help page "Error codes") and the assertions of the official SDKs'
own tests. Where both differ, the tests win: they run against the service.
"""

STATUS = {
    "OTSParameterInvalid": 400,
    "OTSInvalidPK": 400,
    "OTSOutOfColumnCountLimit": 400,
    "OTSOutOfRowSizeLimit": 400,
    "OTSForbiddenUpdateCapacityUnit": 400,
    "OTSMetaNotMatch": 400,
    "OTSDataOutOfRange": 400,
    "OTSAuthFailed": 403,
    "OTSNoPermissionAccess": 403,
    "OTSConditionCheckFail": 403,
    "OTSCapacityUnitExhausted": 403,
    "OTSNotEnoughCapacityUnit": 403,
    "OTSTooFrequentReservedThroughputAdjustment": 403,
    "OTSQuotaExhausted": 403,
    "OTSObjectNotExist": 404,
    "OTSTableNotReady": 404,
    "OTSMethodNotAllowed": 405,
    "OTSRequestTimeout": 408,
    "OTSObjectAlreadyExist": 409,
    "OTSRowOperationConflict": 409,
    "OTSSessionNotExist": 404,
    "OTSRequestBodyTooLarge": 413,
    "OTSInternalServerError": 500,
    "OTSServerBusy": 503,
    "OTSPartitionUnavailable": 503,
    "OTSTimeout": 503,
    "OTSServerUnavailable": 503,
}
"""HTTP status by error code."""

SIGNATURE_MISMATCH = "Signature mismatch."
UNKNOWN_KEY_ID = "The AccessKeyID does not exist."
UNKNOWN_INSTANCE = "The instance is not found."
MD5_MISMATCH = "Mismatch between MD5 value of request body and x-ots-contentmd5 in header."
BODY_TOO_LARGE = "The size of POST data is too large."
POST_ONLY = "Only POST method for requests is supported."
BAD_PROTOBUF = "Parse PBMessage from RawString failed."
CONDITION_FAILED = "Condition check failed."
TABLE_MISSING = "Requested table does not exist."
INDEX_MISSING = "Requested index does not exist."
TABLE_EXISTS = "Requested table already exists."
TABLE_NOT_READY = "The table is not ready."
NOT_READY_TEXTS = {
    "OTSTableNotReady": TABLE_NOT_READY,
    "OTSObjectNotExist": TABLE_MISSING,
    "OTSPartitionUnavailable": "The partition is not available.",
}
ROW_CONFLICT = "Data is being modified by the other request."
NO_VERSION_CONDITION = "No version condition is specified."
NO_VERSION_CONDITION_IN_BATCH = "No version condition is specified while querying row."
NOT_ENOUGH_CAPACITY = "Remaining capacity unit is not enough."
CAPACITY_EXHAUSTED = "Capacity unit is not enough."
SERVER_BUSY = "Server is busy."
INTERNAL = "Internal server error."


class ServiceError(Exception):
    """An answer of the service other than success: code, text and, by the code, the HTTP status.

    Operations raise it for a whole request; batch operations turn it into the error of one row.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message

    @property
    def status(self) -> int:
        """The HTTP status with which this error code is answered."""
        return STATUS[self.code]


def invalid(message: str) -> ServiceError:
    """Return the error for a request that can never succeed as it is (400 OTSParameterInvalid)."""
    return ServiceError("OTSParameterInvalid", message)


def invalid_key(message: str) -> ServiceError:
    """Return the error for a primary key that does not fit its table (400 OTSInvalidPK)."""
    return ServiceError("OTSInvalidPK", message)


def broken(what: str) -> ServiceError:
    """Return the error for a PlainBuffer that cannot be read (400 OTSParameterInvalid)."""
    return ServiceError("OTSParameterInvalid", f"Cell data broken, {what}")
