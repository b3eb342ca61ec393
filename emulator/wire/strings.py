"""Whether the string fields of a parsed message are text.

A proto2 parser takes any bytes for a string, and Python's hands out `bytes` where they are not
UTF-8. Requests are checked once, here, so that operations can rely on `str`.
"""

from google.protobuf.message import Message

_ROWS = frozenset(
    ("emulator.wire.RowInBatchWriteRowRequest", "emulator.wire.RowInBulkImportRequest")
)
"""Up to 200 a request; their only strings are in return_content, which `parse_change` checks."""


def has_bad_text(message: Message) -> bool:
    """Return whether any string in the message (rows of batches excepted) is not UTF-8."""
    for field, value in message.ListFields():
        if field.message_type is not None and field.message_type.full_name in _ROWS:
            continue
        values = value if field.label == field.LABEL_REPEATED else (value,)
        if field.type == field.TYPE_STRING and any(isinstance(item, bytes) for item in values):
            return True
        if field.type == field.TYPE_MESSAGE and any(has_bad_text(item) for item in values):
            return True
    return False
