"""The limits of the Tablestore service, each in one place.

The wide-column figures are those of the vendor's page on limits [limits], those of time series of
its page on the time series model [ts-limits]; docs/sources.md has the addresses. What a figure
means for the configuration or for a row is said where it is checked. Sizes are bytes; text counts
as UTF-8. They include the names of columns only where that is said.
"""

from __future__ import annotations

# --- wide-column tables [limits] ---

# The name of a table or of a column: A-Z a-z 0-9 _, not starting with a digit.
MAX_NAME_LENGTH = 255
# Columns of a primary key, and bytes of a text or binary value of one.
MAX_KEY_COLUMNS = 4
MAX_KEY_VALUE_BYTES = 1024
# Attribute columns of one row of a write request, and bytes of a text or binary value of one.
MAX_COLUMNS = 1024
MAX_VALUE_BYTES = 2 * 1024 * 1024
# All names and values of one row of a write request.
MAX_ROW_BYTES = 4 * 1024 * 1024
# BatchWriteRow: rows over all of its tables, and the data of all of them.
MAX_ROWS_PER_REQUEST = 200
MAX_REQUEST_BYTES = 4 * 1024 * 1024
# Attribute columns whose type a table declares when it is created. Rows may have others.
MAX_DEFINED_COLUMNS = 32
# An INTEGER value has 64 bits with sign.
MIN_INTEGER = -(1 << 63)
MAX_INTEGER = (1 << 63) - 1
# Seconds that the version of a cell may differ from the service's clock, unless the table says
# otherwise by `max_time_deviation`.
DEFAULT_VERSION_DEVIATION = 86_400
# Seconds that data lives at least, when it does not live for ever.
MIN_TIME_TO_LIVE = 86_400

# --- time series tables [ts-limits] ---

# Bytes of the names of a table, a measurement and a field, and of a data source.
MAX_TIMESERIES_TABLE_NAME = 128
MAX_MEASUREMENT_BYTES = 128
MAX_FIELD_NAME = 128
MAX_DATA_SOURCE_BYTES = 256
# All tags of one series as the service writes them: ["name=value","name=value"].
MAX_TAGS_BYTES = 512
# Fields of one point, and bytes of a text or binary value of one.
MAX_FIELDS = 1024
MAX_FIELD_VALUE_BYTES = 2 * 1024 * 1024
# PutTimeseriesData: points, and the data of all of them.
MAX_POINTS_PER_REQUEST = 200
MAX_POINTS_REQUEST_BYTES = 4 * 1024 * 1024
# Seconds that the metadata of a series lives at least, when it does not live for ever.
MIN_METADATA_TIME_TO_LIVE = 604_800
