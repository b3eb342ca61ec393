"""Limits of the service and checks of names. Numbers are those of the vendor's "Limits" page."""

import re

from emulator.errors import ServiceError, invalid

TABLES_PER_INSTANCE = 64
KEY_COLUMNS = 4
DEFINED_COLUMNS = 32
PARTITIONS = 10  # at creation
PARTITION_VALUE_BYTES = 64
KEY_VALUE_BYTES = 1024
CELL_VALUE_BYTES = 2 * 1024 * 1024
COLUMNS_PER_WRITE = 1024
COLUMNS_PER_READ = 1024  # the guide says 128, the service's own tests write and ask for 1,024
BATCH_WRITE_ROWS = 200
BATCH_WRITE_BYTES = 4 * 1024 * 1024
ROW_BYTES = 4 * 1024 * 1024
BATCH_GET_ROWS = 100
RANGE_ROWS = 5000
RANGE_BYTES = 4 * 1024 * 1024
FILTERS = 32  # the guide says 10; the service refused the 33rd in the official Java tests
REQUEST_BODY_BYTES = 5 * 1024 * 1024
CLOCK_SKEW_SECONDS = 15 * 60
MIN_TIME_TO_LIVE = 86_400  # seconds
DEFAULT_DEVIATION = 86_400  # seconds
CAPACITY_UNIT_BYTES = 4096

_NAME = re.compile(rb"[A-Za-z_][A-Za-z0-9_]{0,254}")
_ANY_NAME = re.compile(rb"[^#].{0,254}", re.DOTALL)
_column_name = _ANY_NAME
_max_filters = FILTERS
_INNER_NAME = re.compile(rb"_#h|[a-z_][a-z0-9_]{0,127}:[a-z]")
INNER_SUFFIX = "#timeseries"
"""Ends the name of the wide-column table that the service shows for a time series table."""
_INSTANCE = re.compile(r"[A-Za-z][A-Za-z0-9-]{1,14}[A-Za-z0-9]")


def is_name(name: bytes) -> bool:
    """Return whether `name` may name a table or column: letter or `_`, word characters, <= 255."""
    return _NAME.fullmatch(name) is not None


def is_instance_name(name: str) -> bool:
    """Return whether `name` may name an instance: 3..16 letters, digits, hyphens; letter first."""
    return _INSTANCE.fullmatch(name) is not None


def check_table_name(name: str) -> None:
    """Raise 400 unless `name` may name a table."""
    if not is_name(name.encode("utf-8", "surrogateescape")):
        raise invalid(f"Invalid table name: '{name}'.")


def is_inner(table: str) -> bool:
    """Return whether `table` names the wide-column table behind a time series table."""
    return table.endswith(INNER_SUFFIX)


def configure(any_column_name: bool, max_filters: int) -> None:
    """Set what the process accepts; the decoder and the filters have no access to the options.

    `any_column_name` takes every attribute column name that the official Java test expects to
    pass, otherwise only names as the guide describes them.
    """
    global _column_name, _max_filters  # noqa: PLW0603 - decided once, at start
    _column_name = _ANY_NAME if any_column_name else _NAME
    _max_filters = max_filters


def max_filters() -> int:
    """Return how many conditions one filter may have, combinations (NOT, AND, OR) included."""
    return _max_filters


def is_column_name(name: bytes, inner: bool) -> bool:
    """Return whether `name` may name a column; `inner` tables have `_#h` and suffixed names."""
    if _column_name.fullmatch(name) is not None:
        return name.isascii() or _is_text(name)
    return inner and _INNER_NAME.fullmatch(name) is not None


def _is_text(name: bytes) -> bool:
    try:
        name.decode()
    except UnicodeDecodeError:
        return False
    return True


def check_data_table_name(name: str) -> None:
    """Raise 400 unless `name` may name a table to read or write, inner ones included."""
    check_table_name(name.removesuffix(INNER_SUFFIX))


def column_name_error(name: bytes) -> ServiceError:
    """Return the error for a column name outside the allowed characters or lengths."""
    return invalid(f"Invalid column name: '{name.decode('utf-8', 'replace')}'.")


def value_length_error(name: bytes, length: int) -> ServiceError:
    """Return the error for a value of an attribute column that has `length` bytes: too many."""
    return invalid(
        f"The length of attribute column: '{name.decode()}' exceeds the MaxLength:"
        f"{CELL_VALUE_BYTES} with CurrentLength:{length}."
    )


def key_count_error() -> ServiceError:
    """Return the error for a key or a schema of more columns than any table may have."""
    return invalid(f"The number of primary key columns must be in range: [1, {KEY_COLUMNS}].")


def units(size: int) -> int:
    """Return the capacity units for `size` bytes: one for each 4 KB begun, at least one."""
    return max(1, -(-size // CAPACITY_UNIT_BYTES))
