# ruff: noqa
# mypy: disable-error-code="type-arg"
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Error(_message.Message):
    __slots__ = ("code", "message")
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    code: str
    message: str
    def __init__(self, code: _Optional[str] = ..., message: _Optional[str] = ...) -> None: ...

class PrimaryKeySchema(_message.Message):
    __slots__ = ("name", "type", "option")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    OPTION_FIELD_NUMBER: _ClassVar[int]
    name: str
    type: int
    option: int
    def __init__(self, name: _Optional[str] = ..., type: _Optional[int] = ..., option: _Optional[int] = ...) -> None: ...

class DefinedColumnSchema(_message.Message):
    __slots__ = ("name", "type")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    name: str
    type: int
    def __init__(self, name: _Optional[str] = ..., type: _Optional[int] = ...) -> None: ...

class TableOptions(_message.Message):
    __slots__ = ("time_to_live", "max_versions", "bloom_filter_type", "block_size", "deviation_cell_version_in_sec", "allow_update", "update_full_row")
    TIME_TO_LIVE_FIELD_NUMBER: _ClassVar[int]
    MAX_VERSIONS_FIELD_NUMBER: _ClassVar[int]
    BLOOM_FILTER_TYPE_FIELD_NUMBER: _ClassVar[int]
    BLOCK_SIZE_FIELD_NUMBER: _ClassVar[int]
    DEVIATION_CELL_VERSION_IN_SEC_FIELD_NUMBER: _ClassVar[int]
    ALLOW_UPDATE_FIELD_NUMBER: _ClassVar[int]
    UPDATE_FULL_ROW_FIELD_NUMBER: _ClassVar[int]
    time_to_live: int
    max_versions: int
    bloom_filter_type: int
    block_size: int
    deviation_cell_version_in_sec: int
    allow_update: bool
    update_full_row: bool
    def __init__(self, time_to_live: _Optional[int] = ..., max_versions: _Optional[int] = ..., bloom_filter_type: _Optional[int] = ..., block_size: _Optional[int] = ..., deviation_cell_version_in_sec: _Optional[int] = ..., allow_update: bool = ..., update_full_row: bool = ...) -> None: ...

class TableMeta(_message.Message):
    __slots__ = ("table_name", "primary_key", "defined_column")
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    PRIMARY_KEY_FIELD_NUMBER: _ClassVar[int]
    DEFINED_COLUMN_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    primary_key: _containers.RepeatedCompositeFieldContainer[PrimaryKeySchema]
    defined_column: _containers.RepeatedCompositeFieldContainer[DefinedColumnSchema]
    def __init__(self, table_name: _Optional[str] = ..., primary_key: _Optional[_Iterable[_Union[PrimaryKeySchema, _Mapping]]] = ..., defined_column: _Optional[_Iterable[_Union[DefinedColumnSchema, _Mapping]]] = ...) -> None: ...

class CapacityUnit(_message.Message):
    __slots__ = ("read", "write")
    READ_FIELD_NUMBER: _ClassVar[int]
    WRITE_FIELD_NUMBER: _ClassVar[int]
    read: int
    write: int
    def __init__(self, read: _Optional[int] = ..., write: _Optional[int] = ...) -> None: ...

class CapacityDataSize(_message.Message):
    __slots__ = ("read_size", "write_size")
    READ_SIZE_FIELD_NUMBER: _ClassVar[int]
    WRITE_SIZE_FIELD_NUMBER: _ClassVar[int]
    read_size: int
    write_size: int
    def __init__(self, read_size: _Optional[int] = ..., write_size: _Optional[int] = ...) -> None: ...

class ConsumedCapacity(_message.Message):
    __slots__ = ("capacity_unit", "capacity_data_size")
    CAPACITY_UNIT_FIELD_NUMBER: _ClassVar[int]
    CAPACITY_DATA_SIZE_FIELD_NUMBER: _ClassVar[int]
    capacity_unit: CapacityUnit
    capacity_data_size: CapacityDataSize
    def __init__(self, capacity_unit: _Optional[_Union[CapacityUnit, _Mapping]] = ..., capacity_data_size: _Optional[_Union[CapacityDataSize, _Mapping]] = ...) -> None: ...

class ReservedThroughput(_message.Message):
    __slots__ = ("capacity_unit",)
    CAPACITY_UNIT_FIELD_NUMBER: _ClassVar[int]
    capacity_unit: CapacityUnit
    def __init__(self, capacity_unit: _Optional[_Union[CapacityUnit, _Mapping]] = ...) -> None: ...

class ReservedThroughputDetails(_message.Message):
    __slots__ = ("capacity_unit", "last_increase_time", "last_decrease_time")
    CAPACITY_UNIT_FIELD_NUMBER: _ClassVar[int]
    LAST_INCREASE_TIME_FIELD_NUMBER: _ClassVar[int]
    LAST_DECREASE_TIME_FIELD_NUMBER: _ClassVar[int]
    capacity_unit: CapacityUnit
    last_increase_time: int
    last_decrease_time: int
    def __init__(self, capacity_unit: _Optional[_Union[CapacityUnit, _Mapping]] = ..., last_increase_time: _Optional[int] = ..., last_decrease_time: _Optional[int] = ...) -> None: ...

class StreamSpecification(_message.Message):
    __slots__ = ("enable_stream", "expiration_time", "columns_to_get")
    ENABLE_STREAM_FIELD_NUMBER: _ClassVar[int]
    EXPIRATION_TIME_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_TO_GET_FIELD_NUMBER: _ClassVar[int]
    enable_stream: bool
    expiration_time: int
    columns_to_get: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, enable_stream: bool = ..., expiration_time: _Optional[int] = ..., columns_to_get: _Optional[_Iterable[str]] = ...) -> None: ...

class StreamDetails(_message.Message):
    __slots__ = ("enable_stream", "stream_id", "expiration_time", "last_enable_time", "columns_to_get")
    ENABLE_STREAM_FIELD_NUMBER: _ClassVar[int]
    STREAM_ID_FIELD_NUMBER: _ClassVar[int]
    EXPIRATION_TIME_FIELD_NUMBER: _ClassVar[int]
    LAST_ENABLE_TIME_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_TO_GET_FIELD_NUMBER: _ClassVar[int]
    enable_stream: bool
    stream_id: str
    expiration_time: int
    last_enable_time: int
    columns_to_get: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, enable_stream: bool = ..., stream_id: _Optional[str] = ..., expiration_time: _Optional[int] = ..., last_enable_time: _Optional[int] = ..., columns_to_get: _Optional[_Iterable[str]] = ...) -> None: ...

class SSESpecification(_message.Message):
    __slots__ = ("enable", "key_type", "key_id", "role_arn")
    ENABLE_FIELD_NUMBER: _ClassVar[int]
    KEY_TYPE_FIELD_NUMBER: _ClassVar[int]
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    ROLE_ARN_FIELD_NUMBER: _ClassVar[int]
    enable: bool
    key_type: int
    key_id: bytes
    role_arn: bytes
    def __init__(self, enable: bool = ..., key_type: _Optional[int] = ..., key_id: _Optional[bytes] = ..., role_arn: _Optional[bytes] = ...) -> None: ...

class PartitionRange(_message.Message):
    __slots__ = ("begin", "end")
    BEGIN_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    begin: bytes
    end: bytes
    def __init__(self, begin: _Optional[bytes] = ..., end: _Optional[bytes] = ...) -> None: ...

class CreateTableRequest(_message.Message):
    __slots__ = ("table_meta", "reserved_throughput", "table_options", "partitions", "stream_spec", "sse_spec", "index_metas", "enable_local_txn")
    TABLE_META_FIELD_NUMBER: _ClassVar[int]
    RESERVED_THROUGHPUT_FIELD_NUMBER: _ClassVar[int]
    TABLE_OPTIONS_FIELD_NUMBER: _ClassVar[int]
    PARTITIONS_FIELD_NUMBER: _ClassVar[int]
    STREAM_SPEC_FIELD_NUMBER: _ClassVar[int]
    SSE_SPEC_FIELD_NUMBER: _ClassVar[int]
    INDEX_METAS_FIELD_NUMBER: _ClassVar[int]
    ENABLE_LOCAL_TXN_FIELD_NUMBER: _ClassVar[int]
    table_meta: TableMeta
    reserved_throughput: ReservedThroughput
    table_options: TableOptions
    partitions: _containers.RepeatedCompositeFieldContainer[PartitionRange]
    stream_spec: StreamSpecification
    sse_spec: SSESpecification
    index_metas: _containers.RepeatedScalarFieldContainer[bytes]
    enable_local_txn: bool
    def __init__(self, table_meta: _Optional[_Union[TableMeta, _Mapping]] = ..., reserved_throughput: _Optional[_Union[ReservedThroughput, _Mapping]] = ..., table_options: _Optional[_Union[TableOptions, _Mapping]] = ..., partitions: _Optional[_Iterable[_Union[PartitionRange, _Mapping]]] = ..., stream_spec: _Optional[_Union[StreamSpecification, _Mapping]] = ..., sse_spec: _Optional[_Union[SSESpecification, _Mapping]] = ..., index_metas: _Optional[_Iterable[bytes]] = ..., enable_local_txn: bool = ...) -> None: ...

class CreateTableResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListTableRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListTableResponse(_message.Message):
    __slots__ = ("table_names",)
    TABLE_NAMES_FIELD_NUMBER: _ClassVar[int]
    table_names: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, table_names: _Optional[_Iterable[str]] = ...) -> None: ...

class DescribeTableRequest(_message.Message):
    __slots__ = ("table_name",)
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    def __init__(self, table_name: _Optional[str] = ...) -> None: ...

class DescribeTableResponse(_message.Message):
    __slots__ = ("table_meta", "reserved_throughput_details", "table_options", "table_status", "stream_details", "shard_splits", "sse_details", "creation_time")
    TABLE_META_FIELD_NUMBER: _ClassVar[int]
    RESERVED_THROUGHPUT_DETAILS_FIELD_NUMBER: _ClassVar[int]
    TABLE_OPTIONS_FIELD_NUMBER: _ClassVar[int]
    TABLE_STATUS_FIELD_NUMBER: _ClassVar[int]
    STREAM_DETAILS_FIELD_NUMBER: _ClassVar[int]
    SHARD_SPLITS_FIELD_NUMBER: _ClassVar[int]
    SSE_DETAILS_FIELD_NUMBER: _ClassVar[int]
    CREATION_TIME_FIELD_NUMBER: _ClassVar[int]
    table_meta: TableMeta
    reserved_throughput_details: ReservedThroughputDetails
    table_options: TableOptions
    table_status: int
    stream_details: StreamDetails
    shard_splits: _containers.RepeatedScalarFieldContainer[bytes]
    sse_details: SSESpecification
    creation_time: int
    def __init__(self, table_meta: _Optional[_Union[TableMeta, _Mapping]] = ..., reserved_throughput_details: _Optional[_Union[ReservedThroughputDetails, _Mapping]] = ..., table_options: _Optional[_Union[TableOptions, _Mapping]] = ..., table_status: _Optional[int] = ..., stream_details: _Optional[_Union[StreamDetails, _Mapping]] = ..., shard_splits: _Optional[_Iterable[bytes]] = ..., sse_details: _Optional[_Union[SSESpecification, _Mapping]] = ..., creation_time: _Optional[int] = ...) -> None: ...

class UpdateTableRequest(_message.Message):
    __slots__ = ("table_name", "reserved_throughput", "table_options", "stream_spec")
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    RESERVED_THROUGHPUT_FIELD_NUMBER: _ClassVar[int]
    TABLE_OPTIONS_FIELD_NUMBER: _ClassVar[int]
    STREAM_SPEC_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    reserved_throughput: ReservedThroughput
    table_options: TableOptions
    stream_spec: StreamSpecification
    def __init__(self, table_name: _Optional[str] = ..., reserved_throughput: _Optional[_Union[ReservedThroughput, _Mapping]] = ..., table_options: _Optional[_Union[TableOptions, _Mapping]] = ..., stream_spec: _Optional[_Union[StreamSpecification, _Mapping]] = ...) -> None: ...

class UpdateTableResponse(_message.Message):
    __slots__ = ("reserved_throughput_details", "table_options", "stream_details")
    RESERVED_THROUGHPUT_DETAILS_FIELD_NUMBER: _ClassVar[int]
    TABLE_OPTIONS_FIELD_NUMBER: _ClassVar[int]
    STREAM_DETAILS_FIELD_NUMBER: _ClassVar[int]
    reserved_throughput_details: ReservedThroughputDetails
    table_options: TableOptions
    stream_details: StreamDetails
    def __init__(self, reserved_throughput_details: _Optional[_Union[ReservedThroughputDetails, _Mapping]] = ..., table_options: _Optional[_Union[TableOptions, _Mapping]] = ..., stream_details: _Optional[_Union[StreamDetails, _Mapping]] = ...) -> None: ...

class DeleteTableRequest(_message.Message):
    __slots__ = ("table_name",)
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    def __init__(self, table_name: _Optional[str] = ...) -> None: ...

class DeleteTableResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Condition(_message.Message):
    __slots__ = ("row_existence", "column_condition")
    ROW_EXISTENCE_FIELD_NUMBER: _ClassVar[int]
    COLUMN_CONDITION_FIELD_NUMBER: _ClassVar[int]
    row_existence: int
    column_condition: bytes
    def __init__(self, row_existence: _Optional[int] = ..., column_condition: _Optional[bytes] = ...) -> None: ...

class ReturnContent(_message.Message):
    __slots__ = ("return_type", "return_column_names")
    RETURN_TYPE_FIELD_NUMBER: _ClassVar[int]
    RETURN_COLUMN_NAMES_FIELD_NUMBER: _ClassVar[int]
    return_type: int
    return_column_names: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, return_type: _Optional[int] = ..., return_column_names: _Optional[_Iterable[str]] = ...) -> None: ...

class TimeRange(_message.Message):
    __slots__ = ("start_time", "end_time", "specific_time")
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    SPECIFIC_TIME_FIELD_NUMBER: _ClassVar[int]
    start_time: int
    end_time: int
    specific_time: int
    def __init__(self, start_time: _Optional[int] = ..., end_time: _Optional[int] = ..., specific_time: _Optional[int] = ...) -> None: ...

class PutRowRequest(_message.Message):
    __slots__ = ("table_name", "row", "condition", "return_content", "transaction_id")
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    ROW_FIELD_NUMBER: _ClassVar[int]
    CONDITION_FIELD_NUMBER: _ClassVar[int]
    RETURN_CONTENT_FIELD_NUMBER: _ClassVar[int]
    TRANSACTION_ID_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    row: bytes
    condition: Condition
    return_content: ReturnContent
    transaction_id: str
    def __init__(self, table_name: _Optional[str] = ..., row: _Optional[bytes] = ..., condition: _Optional[_Union[Condition, _Mapping]] = ..., return_content: _Optional[_Union[ReturnContent, _Mapping]] = ..., transaction_id: _Optional[str] = ...) -> None: ...

class UpdateRowRequest(_message.Message):
    __slots__ = ("table_name", "row_change", "condition", "return_content", "transaction_id")
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    ROW_CHANGE_FIELD_NUMBER: _ClassVar[int]
    CONDITION_FIELD_NUMBER: _ClassVar[int]
    RETURN_CONTENT_FIELD_NUMBER: _ClassVar[int]
    TRANSACTION_ID_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    row_change: bytes
    condition: Condition
    return_content: ReturnContent
    transaction_id: str
    def __init__(self, table_name: _Optional[str] = ..., row_change: _Optional[bytes] = ..., condition: _Optional[_Union[Condition, _Mapping]] = ..., return_content: _Optional[_Union[ReturnContent, _Mapping]] = ..., transaction_id: _Optional[str] = ...) -> None: ...

class DeleteRowRequest(_message.Message):
    __slots__ = ("table_name", "primary_key", "condition", "return_content", "transaction_id")
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    PRIMARY_KEY_FIELD_NUMBER: _ClassVar[int]
    CONDITION_FIELD_NUMBER: _ClassVar[int]
    RETURN_CONTENT_FIELD_NUMBER: _ClassVar[int]
    TRANSACTION_ID_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    primary_key: bytes
    condition: Condition
    return_content: ReturnContent
    transaction_id: str
    def __init__(self, table_name: _Optional[str] = ..., primary_key: _Optional[bytes] = ..., condition: _Optional[_Union[Condition, _Mapping]] = ..., return_content: _Optional[_Union[ReturnContent, _Mapping]] = ..., transaction_id: _Optional[str] = ...) -> None: ...

class ChangeRowResponse(_message.Message):
    __slots__ = ("consumed", "row")
    CONSUMED_FIELD_NUMBER: _ClassVar[int]
    ROW_FIELD_NUMBER: _ClassVar[int]
    consumed: ConsumedCapacity
    row: bytes
    def __init__(self, consumed: _Optional[_Union[ConsumedCapacity, _Mapping]] = ..., row: _Optional[bytes] = ...) -> None: ...

class GetRowRequest(_message.Message):
    __slots__ = ("table_name", "primary_key", "columns_to_get", "time_range", "max_versions", "filter", "start_column", "end_column", "token", "transaction_id")
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    PRIMARY_KEY_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_TO_GET_FIELD_NUMBER: _ClassVar[int]
    TIME_RANGE_FIELD_NUMBER: _ClassVar[int]
    MAX_VERSIONS_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    START_COLUMN_FIELD_NUMBER: _ClassVar[int]
    END_COLUMN_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    TRANSACTION_ID_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    primary_key: bytes
    columns_to_get: _containers.RepeatedScalarFieldContainer[str]
    time_range: TimeRange
    max_versions: int
    filter: bytes
    start_column: str
    end_column: str
    token: bytes
    transaction_id: str
    def __init__(self, table_name: _Optional[str] = ..., primary_key: _Optional[bytes] = ..., columns_to_get: _Optional[_Iterable[str]] = ..., time_range: _Optional[_Union[TimeRange, _Mapping]] = ..., max_versions: _Optional[int] = ..., filter: _Optional[bytes] = ..., start_column: _Optional[str] = ..., end_column: _Optional[str] = ..., token: _Optional[bytes] = ..., transaction_id: _Optional[str] = ...) -> None: ...

class GetRowResponse(_message.Message):
    __slots__ = ("consumed", "row", "next_token")
    CONSUMED_FIELD_NUMBER: _ClassVar[int]
    ROW_FIELD_NUMBER: _ClassVar[int]
    NEXT_TOKEN_FIELD_NUMBER: _ClassVar[int]
    consumed: ConsumedCapacity
    row: bytes
    next_token: bytes
    def __init__(self, consumed: _Optional[_Union[ConsumedCapacity, _Mapping]] = ..., row: _Optional[bytes] = ..., next_token: _Optional[bytes] = ...) -> None: ...

class TableInBatchGetRowRequest(_message.Message):
    __slots__ = ("table_name", "primary_key", "token", "columns_to_get", "time_range", "max_versions", "filter", "start_column", "end_column")
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    PRIMARY_KEY_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_TO_GET_FIELD_NUMBER: _ClassVar[int]
    TIME_RANGE_FIELD_NUMBER: _ClassVar[int]
    MAX_VERSIONS_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    START_COLUMN_FIELD_NUMBER: _ClassVar[int]
    END_COLUMN_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    primary_key: _containers.RepeatedScalarFieldContainer[bytes]
    token: _containers.RepeatedScalarFieldContainer[bytes]
    columns_to_get: _containers.RepeatedScalarFieldContainer[str]
    time_range: TimeRange
    max_versions: int
    filter: bytes
    start_column: str
    end_column: str
    def __init__(self, table_name: _Optional[str] = ..., primary_key: _Optional[_Iterable[bytes]] = ..., token: _Optional[_Iterable[bytes]] = ..., columns_to_get: _Optional[_Iterable[str]] = ..., time_range: _Optional[_Union[TimeRange, _Mapping]] = ..., max_versions: _Optional[int] = ..., filter: _Optional[bytes] = ..., start_column: _Optional[str] = ..., end_column: _Optional[str] = ...) -> None: ...

class BatchGetRowRequest(_message.Message):
    __slots__ = ("tables",)
    TABLES_FIELD_NUMBER: _ClassVar[int]
    tables: _containers.RepeatedCompositeFieldContainer[TableInBatchGetRowRequest]
    def __init__(self, tables: _Optional[_Iterable[_Union[TableInBatchGetRowRequest, _Mapping]]] = ...) -> None: ...

class RowInBatchGetRowResponse(_message.Message):
    __slots__ = ("is_ok", "error", "consumed", "row", "next_token")
    IS_OK_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    CONSUMED_FIELD_NUMBER: _ClassVar[int]
    ROW_FIELD_NUMBER: _ClassVar[int]
    NEXT_TOKEN_FIELD_NUMBER: _ClassVar[int]
    is_ok: bool
    error: Error
    consumed: ConsumedCapacity
    row: bytes
    next_token: bytes
    def __init__(self, is_ok: bool = ..., error: _Optional[_Union[Error, _Mapping]] = ..., consumed: _Optional[_Union[ConsumedCapacity, _Mapping]] = ..., row: _Optional[bytes] = ..., next_token: _Optional[bytes] = ...) -> None: ...

class TableInBatchGetRowResponse(_message.Message):
    __slots__ = ("table_name", "rows")
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    rows: _containers.RepeatedCompositeFieldContainer[RowInBatchGetRowResponse]
    def __init__(self, table_name: _Optional[str] = ..., rows: _Optional[_Iterable[_Union[RowInBatchGetRowResponse, _Mapping]]] = ...) -> None: ...

class BatchGetRowResponse(_message.Message):
    __slots__ = ("tables",)
    TABLES_FIELD_NUMBER: _ClassVar[int]
    tables: _containers.RepeatedCompositeFieldContainer[TableInBatchGetRowResponse]
    def __init__(self, tables: _Optional[_Iterable[_Union[TableInBatchGetRowResponse, _Mapping]]] = ...) -> None: ...

class RowInBatchWriteRowRequest(_message.Message):
    __slots__ = ("type", "row_change", "condition", "return_content")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    ROW_CHANGE_FIELD_NUMBER: _ClassVar[int]
    CONDITION_FIELD_NUMBER: _ClassVar[int]
    RETURN_CONTENT_FIELD_NUMBER: _ClassVar[int]
    type: int
    row_change: bytes
    condition: Condition
    return_content: ReturnContent
    def __init__(self, type: _Optional[int] = ..., row_change: _Optional[bytes] = ..., condition: _Optional[_Union[Condition, _Mapping]] = ..., return_content: _Optional[_Union[ReturnContent, _Mapping]] = ...) -> None: ...

class TableInBatchWriteRowRequest(_message.Message):
    __slots__ = ("table_name", "rows")
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    rows: _containers.RepeatedCompositeFieldContainer[RowInBatchWriteRowRequest]
    def __init__(self, table_name: _Optional[str] = ..., rows: _Optional[_Iterable[_Union[RowInBatchWriteRowRequest, _Mapping]]] = ...) -> None: ...

class BatchWriteRowRequest(_message.Message):
    __slots__ = ("tables", "transaction_id", "is_atomic")
    TABLES_FIELD_NUMBER: _ClassVar[int]
    TRANSACTION_ID_FIELD_NUMBER: _ClassVar[int]
    IS_ATOMIC_FIELD_NUMBER: _ClassVar[int]
    tables: _containers.RepeatedCompositeFieldContainer[TableInBatchWriteRowRequest]
    transaction_id: str
    is_atomic: bool
    def __init__(self, tables: _Optional[_Iterable[_Union[TableInBatchWriteRowRequest, _Mapping]]] = ..., transaction_id: _Optional[str] = ..., is_atomic: bool = ...) -> None: ...

class RowInBatchWriteRowResponse(_message.Message):
    __slots__ = ("is_ok", "error", "consumed", "row")
    IS_OK_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    CONSUMED_FIELD_NUMBER: _ClassVar[int]
    ROW_FIELD_NUMBER: _ClassVar[int]
    is_ok: bool
    error: Error
    consumed: ConsumedCapacity
    row: bytes
    def __init__(self, is_ok: bool = ..., error: _Optional[_Union[Error, _Mapping]] = ..., consumed: _Optional[_Union[ConsumedCapacity, _Mapping]] = ..., row: _Optional[bytes] = ...) -> None: ...

class TableInBatchWriteRowResponse(_message.Message):
    __slots__ = ("table_name", "rows")
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    rows: _containers.RepeatedCompositeFieldContainer[RowInBatchWriteRowResponse]
    def __init__(self, table_name: _Optional[str] = ..., rows: _Optional[_Iterable[_Union[RowInBatchWriteRowResponse, _Mapping]]] = ...) -> None: ...

class BatchWriteRowResponse(_message.Message):
    __slots__ = ("tables",)
    TABLES_FIELD_NUMBER: _ClassVar[int]
    tables: _containers.RepeatedCompositeFieldContainer[TableInBatchWriteRowResponse]
    def __init__(self, tables: _Optional[_Iterable[_Union[TableInBatchWriteRowResponse, _Mapping]]] = ...) -> None: ...

class RowInBulkImportRequest(_message.Message):
    __slots__ = ("type", "row_change")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    ROW_CHANGE_FIELD_NUMBER: _ClassVar[int]
    type: int
    row_change: bytes
    def __init__(self, type: _Optional[int] = ..., row_change: _Optional[bytes] = ...) -> None: ...

class BulkImportRequest(_message.Message):
    __slots__ = ("table_name", "rows")
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    rows: _containers.RepeatedCompositeFieldContainer[RowInBulkImportRequest]
    def __init__(self, table_name: _Optional[str] = ..., rows: _Optional[_Iterable[_Union[RowInBulkImportRequest, _Mapping]]] = ...) -> None: ...

class BulkImportResponse(_message.Message):
    __slots__ = ("table_name", "rows")
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    rows: _containers.RepeatedCompositeFieldContainer[RowInBatchWriteRowResponse]
    def __init__(self, table_name: _Optional[str] = ..., rows: _Optional[_Iterable[_Union[RowInBatchWriteRowResponse, _Mapping]]] = ...) -> None: ...

class GetRangeRequest(_message.Message):
    __slots__ = ("table_name", "direction", "columns_to_get", "time_range", "max_versions", "limit", "inclusive_start_primary_key", "exclusive_end_primary_key", "filter", "start_column", "end_column", "token", "transaction_id", "data_block_type_hint", "return_entire_primary_keys", "compress_type_hint")
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    DIRECTION_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_TO_GET_FIELD_NUMBER: _ClassVar[int]
    TIME_RANGE_FIELD_NUMBER: _ClassVar[int]
    MAX_VERSIONS_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    INCLUSIVE_START_PRIMARY_KEY_FIELD_NUMBER: _ClassVar[int]
    EXCLUSIVE_END_PRIMARY_KEY_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    START_COLUMN_FIELD_NUMBER: _ClassVar[int]
    END_COLUMN_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    TRANSACTION_ID_FIELD_NUMBER: _ClassVar[int]
    DATA_BLOCK_TYPE_HINT_FIELD_NUMBER: _ClassVar[int]
    RETURN_ENTIRE_PRIMARY_KEYS_FIELD_NUMBER: _ClassVar[int]
    COMPRESS_TYPE_HINT_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    direction: int
    columns_to_get: _containers.RepeatedScalarFieldContainer[str]
    time_range: TimeRange
    max_versions: int
    limit: int
    inclusive_start_primary_key: bytes
    exclusive_end_primary_key: bytes
    filter: bytes
    start_column: str
    end_column: str
    token: bytes
    transaction_id: str
    data_block_type_hint: int
    return_entire_primary_keys: bool
    compress_type_hint: int
    def __init__(self, table_name: _Optional[str] = ..., direction: _Optional[int] = ..., columns_to_get: _Optional[_Iterable[str]] = ..., time_range: _Optional[_Union[TimeRange, _Mapping]] = ..., max_versions: _Optional[int] = ..., limit: _Optional[int] = ..., inclusive_start_primary_key: _Optional[bytes] = ..., exclusive_end_primary_key: _Optional[bytes] = ..., filter: _Optional[bytes] = ..., start_column: _Optional[str] = ..., end_column: _Optional[str] = ..., token: _Optional[bytes] = ..., transaction_id: _Optional[str] = ..., data_block_type_hint: _Optional[int] = ..., return_entire_primary_keys: bool = ..., compress_type_hint: _Optional[int] = ...) -> None: ...

class GetRangeResponse(_message.Message):
    __slots__ = ("consumed", "rows", "next_start_primary_key", "next_token", "data_block_type", "compress_type")
    CONSUMED_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    NEXT_START_PRIMARY_KEY_FIELD_NUMBER: _ClassVar[int]
    NEXT_TOKEN_FIELD_NUMBER: _ClassVar[int]
    DATA_BLOCK_TYPE_FIELD_NUMBER: _ClassVar[int]
    COMPRESS_TYPE_FIELD_NUMBER: _ClassVar[int]
    consumed: ConsumedCapacity
    rows: bytes
    next_start_primary_key: bytes
    next_token: bytes
    data_block_type: int
    compress_type: int
    def __init__(self, consumed: _Optional[_Union[ConsumedCapacity, _Mapping]] = ..., rows: _Optional[bytes] = ..., next_start_primary_key: _Optional[bytes] = ..., next_token: _Optional[bytes] = ..., data_block_type: _Optional[int] = ..., compress_type: _Optional[int] = ...) -> None: ...

class BulkExportRequest(_message.Message):
    __slots__ = ("table_name", "columns_to_get", "inclusive_start_primary_key", "exclusive_end_primary_key", "filter", "data_block_type_hint")
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_TO_GET_FIELD_NUMBER: _ClassVar[int]
    INCLUSIVE_START_PRIMARY_KEY_FIELD_NUMBER: _ClassVar[int]
    EXCLUSIVE_END_PRIMARY_KEY_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    DATA_BLOCK_TYPE_HINT_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    columns_to_get: _containers.RepeatedScalarFieldContainer[str]
    inclusive_start_primary_key: bytes
    exclusive_end_primary_key: bytes
    filter: bytes
    data_block_type_hint: int
    def __init__(self, table_name: _Optional[str] = ..., columns_to_get: _Optional[_Iterable[str]] = ..., inclusive_start_primary_key: _Optional[bytes] = ..., exclusive_end_primary_key: _Optional[bytes] = ..., filter: _Optional[bytes] = ..., data_block_type_hint: _Optional[int] = ...) -> None: ...

class BulkExportResponse(_message.Message):
    __slots__ = ("consumed", "rows", "next_start_primary_key", "data_block_type")
    CONSUMED_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    NEXT_START_PRIMARY_KEY_FIELD_NUMBER: _ClassVar[int]
    DATA_BLOCK_TYPE_FIELD_NUMBER: _ClassVar[int]
    consumed: ConsumedCapacity
    rows: bytes
    next_start_primary_key: bytes
    data_block_type: int
    def __init__(self, consumed: _Optional[_Union[ConsumedCapacity, _Mapping]] = ..., rows: _Optional[bytes] = ..., next_start_primary_key: _Optional[bytes] = ..., data_block_type: _Optional[int] = ...) -> None: ...

class StartLocalTransactionRequest(_message.Message):
    __slots__ = ("table_name", "key")
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    key: bytes
    def __init__(self, table_name: _Optional[str] = ..., key: _Optional[bytes] = ...) -> None: ...

class StartLocalTransactionResponse(_message.Message):
    __slots__ = ("transaction_id",)
    TRANSACTION_ID_FIELD_NUMBER: _ClassVar[int]
    transaction_id: str
    def __init__(self, transaction_id: _Optional[str] = ...) -> None: ...

class TransactionRequest(_message.Message):
    __slots__ = ("transaction_id",)
    TRANSACTION_ID_FIELD_NUMBER: _ClassVar[int]
    transaction_id: str
    def __init__(self, transaction_id: _Optional[str] = ...) -> None: ...

class TransactionResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ComputeSplitPointsBySizeRequest(_message.Message):
    __slots__ = ("table_name", "split_size", "split_size_unit_in_byte", "split_point_limit")
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    SPLIT_SIZE_FIELD_NUMBER: _ClassVar[int]
    SPLIT_SIZE_UNIT_IN_BYTE_FIELD_NUMBER: _ClassVar[int]
    SPLIT_POINT_LIMIT_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    split_size: int
    split_size_unit_in_byte: int
    split_point_limit: int
    def __init__(self, table_name: _Optional[str] = ..., split_size: _Optional[int] = ..., split_size_unit_in_byte: _Optional[int] = ..., split_point_limit: _Optional[int] = ...) -> None: ...

class ComputeSplitPointsBySizeResponse(_message.Message):
    __slots__ = ("consumed", "schema", "split_points", "locations")
    class SplitLocation(_message.Message):
        __slots__ = ("location", "repeat")
        LOCATION_FIELD_NUMBER: _ClassVar[int]
        REPEAT_FIELD_NUMBER: _ClassVar[int]
        location: str
        repeat: int
        def __init__(self, location: _Optional[str] = ..., repeat: _Optional[int] = ...) -> None: ...
    CONSUMED_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    SPLIT_POINTS_FIELD_NUMBER: _ClassVar[int]
    LOCATIONS_FIELD_NUMBER: _ClassVar[int]
    consumed: ConsumedCapacity
    schema: _containers.RepeatedCompositeFieldContainer[PrimaryKeySchema]
    split_points: _containers.RepeatedScalarFieldContainer[bytes]
    locations: _containers.RepeatedCompositeFieldContainer[ComputeSplitPointsBySizeResponse.SplitLocation]
    def __init__(self, consumed: _Optional[_Union[ConsumedCapacity, _Mapping]] = ..., schema: _Optional[_Iterable[_Union[PrimaryKeySchema, _Mapping]]] = ..., split_points: _Optional[_Iterable[bytes]] = ..., locations: _Optional[_Iterable[_Union[ComputeSplitPointsBySizeResponse.SplitLocation, _Mapping]]] = ...) -> None: ...

class SearchIndexSplitsOptions(_message.Message):
    __slots__ = ("index_name",)
    INDEX_NAME_FIELD_NUMBER: _ClassVar[int]
    index_name: str
    def __init__(self, index_name: _Optional[str] = ...) -> None: ...

class ComputeSplitsRequest(_message.Message):
    __slots__ = ("table_name", "search_index_splits_options")
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    SEARCH_INDEX_SPLITS_OPTIONS_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    search_index_splits_options: SearchIndexSplitsOptions
    def __init__(self, table_name: _Optional[str] = ..., search_index_splits_options: _Optional[_Union[SearchIndexSplitsOptions, _Mapping]] = ...) -> None: ...

class ComputeSplitsResponse(_message.Message):
    __slots__ = ("session_id", "splits_size")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    SPLITS_SIZE_FIELD_NUMBER: _ClassVar[int]
    session_id: bytes
    splits_size: int
    def __init__(self, session_id: _Optional[bytes] = ..., splits_size: _Optional[int] = ...) -> None: ...

class ListSearchIndexRequest(_message.Message):
    __slots__ = ("table_name",)
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    def __init__(self, table_name: _Optional[str] = ...) -> None: ...

class ListSearchIndexResponse(_message.Message):
    __slots__ = ("indices",)
    INDICES_FIELD_NUMBER: _ClassVar[int]
    indices: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, indices: _Optional[_Iterable[bytes]] = ...) -> None: ...

class AddDefinedColumnRequest(_message.Message):
    __slots__ = ("table_name", "columns")
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    columns: _containers.RepeatedCompositeFieldContainer[DefinedColumnSchema]
    def __init__(self, table_name: _Optional[str] = ..., columns: _Optional[_Iterable[_Union[DefinedColumnSchema, _Mapping]]] = ...) -> None: ...

class AddDefinedColumnResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class DeleteDefinedColumnRequest(_message.Message):
    __slots__ = ("table_name", "columns")
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    columns: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, table_name: _Optional[str] = ..., columns: _Optional[_Iterable[str]] = ...) -> None: ...

class DeleteDefinedColumnResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Filter(_message.Message):
    __slots__ = ("type", "filter")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    type: int
    filter: bytes
    def __init__(self, type: _Optional[int] = ..., filter: _Optional[bytes] = ...) -> None: ...

class ValueTransferRule(_message.Message):
    __slots__ = ("regex", "cast_type")
    REGEX_FIELD_NUMBER: _ClassVar[int]
    CAST_TYPE_FIELD_NUMBER: _ClassVar[int]
    regex: str
    cast_type: int
    def __init__(self, regex: _Optional[str] = ..., cast_type: _Optional[int] = ...) -> None: ...

class SingleColumnFilter(_message.Message):
    __slots__ = ("comparator", "column_name", "column_value", "filter_if_missing", "latest_version_only", "value_trans_rule")
    COMPARATOR_FIELD_NUMBER: _ClassVar[int]
    COLUMN_NAME_FIELD_NUMBER: _ClassVar[int]
    COLUMN_VALUE_FIELD_NUMBER: _ClassVar[int]
    FILTER_IF_MISSING_FIELD_NUMBER: _ClassVar[int]
    LATEST_VERSION_ONLY_FIELD_NUMBER: _ClassVar[int]
    VALUE_TRANS_RULE_FIELD_NUMBER: _ClassVar[int]
    comparator: int
    column_name: str
    column_value: bytes
    filter_if_missing: bool
    latest_version_only: bool
    value_trans_rule: ValueTransferRule
    def __init__(self, comparator: _Optional[int] = ..., column_name: _Optional[str] = ..., column_value: _Optional[bytes] = ..., filter_if_missing: bool = ..., latest_version_only: bool = ..., value_trans_rule: _Optional[_Union[ValueTransferRule, _Mapping]] = ...) -> None: ...

class CompositeFilter(_message.Message):
    __slots__ = ("combinator", "sub_filters")
    COMBINATOR_FIELD_NUMBER: _ClassVar[int]
    SUB_FILTERS_FIELD_NUMBER: _ClassVar[int]
    combinator: int
    sub_filters: _containers.RepeatedCompositeFieldContainer[Filter]
    def __init__(self, combinator: _Optional[int] = ..., sub_filters: _Optional[_Iterable[_Union[Filter, _Mapping]]] = ...) -> None: ...

class PaginationFilter(_message.Message):
    __slots__ = ("offset", "limit")
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    offset: int
    limit: int
    def __init__(self, offset: _Optional[int] = ..., limit: _Optional[int] = ...) -> None: ...

class TimeseriesTableOptions(_message.Message):
    __slots__ = ("time_to_live",)
    TIME_TO_LIVE_FIELD_NUMBER: _ClassVar[int]
    time_to_live: int
    def __init__(self, time_to_live: _Optional[int] = ...) -> None: ...

class TimeseriesMetaOptions(_message.Message):
    __slots__ = ("allow_update_attributes", "meta_time_to_live")
    ALLOW_UPDATE_ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    META_TIME_TO_LIVE_FIELD_NUMBER: _ClassVar[int]
    allow_update_attributes: bool
    meta_time_to_live: int
    def __init__(self, allow_update_attributes: bool = ..., meta_time_to_live: _Optional[int] = ...) -> None: ...

class TimeseriesTableMeta(_message.Message):
    __slots__ = ("table_name", "table_options", "status", "meta_options", "timeseries_key_schema", "field_primary_key_schema", "disable_hash_partition_key", "disable_timeseries_meta_index")
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    TABLE_OPTIONS_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    META_OPTIONS_FIELD_NUMBER: _ClassVar[int]
    TIMESERIES_KEY_SCHEMA_FIELD_NUMBER: _ClassVar[int]
    FIELD_PRIMARY_KEY_SCHEMA_FIELD_NUMBER: _ClassVar[int]
    DISABLE_HASH_PARTITION_KEY_FIELD_NUMBER: _ClassVar[int]
    DISABLE_TIMESERIES_META_INDEX_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    table_options: TimeseriesTableOptions
    status: str
    meta_options: TimeseriesMetaOptions
    timeseries_key_schema: _containers.RepeatedScalarFieldContainer[str]
    field_primary_key_schema: _containers.RepeatedCompositeFieldContainer[PrimaryKeySchema]
    disable_hash_partition_key: bool
    disable_timeseries_meta_index: bool
    def __init__(self, table_name: _Optional[str] = ..., table_options: _Optional[_Union[TimeseriesTableOptions, _Mapping]] = ..., status: _Optional[str] = ..., meta_options: _Optional[_Union[TimeseriesMetaOptions, _Mapping]] = ..., timeseries_key_schema: _Optional[_Iterable[str]] = ..., field_primary_key_schema: _Optional[_Iterable[_Union[PrimaryKeySchema, _Mapping]]] = ..., disable_hash_partition_key: bool = ..., disable_timeseries_meta_index: bool = ...) -> None: ...

class TimeseriesAnalyticalStore(_message.Message):
    __slots__ = ("store_name", "time_to_live", "sync_option")
    STORE_NAME_FIELD_NUMBER: _ClassVar[int]
    TIME_TO_LIVE_FIELD_NUMBER: _ClassVar[int]
    SYNC_OPTION_FIELD_NUMBER: _ClassVar[int]
    store_name: str
    time_to_live: int
    sync_option: int
    def __init__(self, store_name: _Optional[str] = ..., time_to_live: _Optional[int] = ..., sync_option: _Optional[int] = ...) -> None: ...

class AnalyticalStoreSyncStat(_message.Message):
    __slots__ = ("sync_phase", "current_sync_timestamp")
    SYNC_PHASE_FIELD_NUMBER: _ClassVar[int]
    CURRENT_SYNC_TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    sync_phase: int
    current_sync_timestamp: int
    def __init__(self, sync_phase: _Optional[int] = ..., current_sync_timestamp: _Optional[int] = ...) -> None: ...

class AnalyticalStoreStorageSize(_message.Message):
    __slots__ = ("size", "timestamp")
    SIZE_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    size: int
    timestamp: int
    def __init__(self, size: _Optional[int] = ..., timestamp: _Optional[int] = ...) -> None: ...

class CreateTimeseriesAnalyticalStoreRequest(_message.Message):
    __slots__ = ("table_name", "analytical_store")
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    ANALYTICAL_STORE_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    analytical_store: TimeseriesAnalyticalStore
    def __init__(self, table_name: _Optional[str] = ..., analytical_store: _Optional[_Union[TimeseriesAnalyticalStore, _Mapping]] = ...) -> None: ...

class CreateTimeseriesAnalyticalStoreResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class DeleteTimeseriesAnalyticalStoreRequest(_message.Message):
    __slots__ = ("table_name", "store_name", "drop_mapping_table")
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    STORE_NAME_FIELD_NUMBER: _ClassVar[int]
    DROP_MAPPING_TABLE_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    store_name: str
    drop_mapping_table: bool
    def __init__(self, table_name: _Optional[str] = ..., store_name: _Optional[str] = ..., drop_mapping_table: bool = ...) -> None: ...

class DeleteTimeseriesAnalyticalStoreResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class DescribeTimeseriesAnalyticalStoreRequest(_message.Message):
    __slots__ = ("table_name", "store_name")
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    STORE_NAME_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    store_name: str
    def __init__(self, table_name: _Optional[str] = ..., store_name: _Optional[str] = ...) -> None: ...

class DescribeTimeseriesAnalyticalStoreResponse(_message.Message):
    __slots__ = ("analytical_store", "sync_stat", "storage_size")
    ANALYTICAL_STORE_FIELD_NUMBER: _ClassVar[int]
    SYNC_STAT_FIELD_NUMBER: _ClassVar[int]
    STORAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    analytical_store: TimeseriesAnalyticalStore
    sync_stat: AnalyticalStoreSyncStat
    storage_size: AnalyticalStoreStorageSize
    def __init__(self, analytical_store: _Optional[_Union[TimeseriesAnalyticalStore, _Mapping]] = ..., sync_stat: _Optional[_Union[AnalyticalStoreSyncStat, _Mapping]] = ..., storage_size: _Optional[_Union[AnalyticalStoreStorageSize, _Mapping]] = ...) -> None: ...

class UpdateTimeseriesAnalyticalStoreRequest(_message.Message):
    __slots__ = ("table_name", "analytical_store")
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    ANALYTICAL_STORE_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    analytical_store: TimeseriesAnalyticalStore
    def __init__(self, table_name: _Optional[str] = ..., analytical_store: _Optional[_Union[TimeseriesAnalyticalStore, _Mapping]] = ...) -> None: ...

class UpdateTimeseriesAnalyticalStoreResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class CreateTimeseriesTableRequest(_message.Message):
    __slots__ = ("table_meta", "analytical_stores", "enable_analytical_store", "lastpoint_index_metas")
    TABLE_META_FIELD_NUMBER: _ClassVar[int]
    ANALYTICAL_STORES_FIELD_NUMBER: _ClassVar[int]
    ENABLE_ANALYTICAL_STORE_FIELD_NUMBER: _ClassVar[int]
    LASTPOINT_INDEX_METAS_FIELD_NUMBER: _ClassVar[int]
    table_meta: TimeseriesTableMeta
    analytical_stores: _containers.RepeatedCompositeFieldContainer[TimeseriesAnalyticalStore]
    enable_analytical_store: bool
    lastpoint_index_metas: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, table_meta: _Optional[_Union[TimeseriesTableMeta, _Mapping]] = ..., analytical_stores: _Optional[_Iterable[_Union[TimeseriesAnalyticalStore, _Mapping]]] = ..., enable_analytical_store: bool = ..., lastpoint_index_metas: _Optional[_Iterable[bytes]] = ...) -> None: ...

class CreateTimeseriesTableResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListTimeseriesTableRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListTimeseriesTableResponse(_message.Message):
    __slots__ = ("table_metas",)
    TABLE_METAS_FIELD_NUMBER: _ClassVar[int]
    table_metas: _containers.RepeatedCompositeFieldContainer[TimeseriesTableMeta]
    def __init__(self, table_metas: _Optional[_Iterable[_Union[TimeseriesTableMeta, _Mapping]]] = ...) -> None: ...

class DescribeTimeseriesTableRequest(_message.Message):
    __slots__ = ("table_name",)
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    def __init__(self, table_name: _Optional[str] = ...) -> None: ...

class DescribeTimeseriesTableResponse(_message.Message):
    __slots__ = ("table_meta", "analytical_stores")
    TABLE_META_FIELD_NUMBER: _ClassVar[int]
    ANALYTICAL_STORES_FIELD_NUMBER: _ClassVar[int]
    table_meta: TimeseriesTableMeta
    analytical_stores: _containers.RepeatedCompositeFieldContainer[TimeseriesAnalyticalStore]
    def __init__(self, table_meta: _Optional[_Union[TimeseriesTableMeta, _Mapping]] = ..., analytical_stores: _Optional[_Iterable[_Union[TimeseriesAnalyticalStore, _Mapping]]] = ...) -> None: ...

class UpdateTimeseriesTableRequest(_message.Message):
    __slots__ = ("table_name", "table_options", "meta_options")
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    TABLE_OPTIONS_FIELD_NUMBER: _ClassVar[int]
    META_OPTIONS_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    table_options: TimeseriesTableOptions
    meta_options: TimeseriesMetaOptions
    def __init__(self, table_name: _Optional[str] = ..., table_options: _Optional[_Union[TimeseriesTableOptions, _Mapping]] = ..., meta_options: _Optional[_Union[TimeseriesMetaOptions, _Mapping]] = ...) -> None: ...

class UpdateTimeseriesTableResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class DeleteTimeseriesTableRequest(_message.Message):
    __slots__ = ("table_name",)
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    def __init__(self, table_name: _Optional[str] = ...) -> None: ...

class DeleteTimeseriesTableResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class TimeseriesTag(_message.Message):
    __slots__ = ("name", "value")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    name: str
    value: str
    def __init__(self, name: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...

class TimeseriesKey(_message.Message):
    __slots__ = ("measurement", "source", "tags", "tag_list")
    MEASUREMENT_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    TAG_LIST_FIELD_NUMBER: _ClassVar[int]
    measurement: str
    source: str
    tags: str
    tag_list: _containers.RepeatedCompositeFieldContainer[TimeseriesTag]
    def __init__(self, measurement: _Optional[str] = ..., source: _Optional[str] = ..., tags: _Optional[str] = ..., tag_list: _Optional[_Iterable[_Union[TimeseriesTag, _Mapping]]] = ...) -> None: ...

class TimeseriesRows(_message.Message):
    __slots__ = ("type", "rows_data", "flatbuffer_crc32c")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    ROWS_DATA_FIELD_NUMBER: _ClassVar[int]
    FLATBUFFER_CRC32C_FIELD_NUMBER: _ClassVar[int]
    type: int
    rows_data: bytes
    flatbuffer_crc32c: int
    def __init__(self, type: _Optional[int] = ..., rows_data: _Optional[bytes] = ..., flatbuffer_crc32c: _Optional[int] = ...) -> None: ...

class TimeseriesField(_message.Message):
    __slots__ = ("name", "int_value", "string_value", "bool_value", "double_value", "binary_value")
    NAME_FIELD_NUMBER: _ClassVar[int]
    INT_VALUE_FIELD_NUMBER: _ClassVar[int]
    STRING_VALUE_FIELD_NUMBER: _ClassVar[int]
    BOOL_VALUE_FIELD_NUMBER: _ClassVar[int]
    DOUBLE_VALUE_FIELD_NUMBER: _ClassVar[int]
    BINARY_VALUE_FIELD_NUMBER: _ClassVar[int]
    name: str
    int_value: int
    string_value: str
    bool_value: bool
    double_value: float
    binary_value: bytes
    def __init__(self, name: _Optional[str] = ..., int_value: _Optional[int] = ..., string_value: _Optional[str] = ..., bool_value: bool = ..., double_value: _Optional[float] = ..., binary_value: _Optional[bytes] = ...) -> None: ...

class TimeseriesRow(_message.Message):
    __slots__ = ("key", "time", "fields", "meta_cache_update_time")
    KEY_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    FIELDS_FIELD_NUMBER: _ClassVar[int]
    META_CACHE_UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    key: TimeseriesKey
    time: int
    fields: _containers.RepeatedCompositeFieldContainer[TimeseriesField]
    meta_cache_update_time: int
    def __init__(self, key: _Optional[_Union[TimeseriesKey, _Mapping]] = ..., time: _Optional[int] = ..., fields: _Optional[_Iterable[_Union[TimeseriesField, _Mapping]]] = ..., meta_cache_update_time: _Optional[int] = ...) -> None: ...

class TimeseriesRowList(_message.Message):
    __slots__ = ("rows",)
    ROWS_FIELD_NUMBER: _ClassVar[int]
    rows: _containers.RepeatedCompositeFieldContainer[TimeseriesRow]
    def __init__(self, rows: _Optional[_Iterable[_Union[TimeseriesRow, _Mapping]]] = ...) -> None: ...

class PutTimeseriesDataRequest(_message.Message):
    __slots__ = ("table_name", "rows_data", "meta_update_mode", "supported_table_version")
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    ROWS_DATA_FIELD_NUMBER: _ClassVar[int]
    META_UPDATE_MODE_FIELD_NUMBER: _ClassVar[int]
    SUPPORTED_TABLE_VERSION_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    rows_data: TimeseriesRows
    meta_update_mode: int
    supported_table_version: int
    def __init__(self, table_name: _Optional[str] = ..., rows_data: _Optional[_Union[TimeseriesRows, _Mapping]] = ..., meta_update_mode: _Optional[int] = ..., supported_table_version: _Optional[int] = ...) -> None: ...

class FailedRow(_message.Message):
    __slots__ = ("row_index", "error_code", "error_message")
    ROW_INDEX_FIELD_NUMBER: _ClassVar[int]
    ERROR_CODE_FIELD_NUMBER: _ClassVar[int]
    ERROR_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    row_index: int
    error_code: str
    error_message: str
    def __init__(self, row_index: _Optional[int] = ..., error_code: _Optional[str] = ..., error_message: _Optional[str] = ...) -> None: ...

class MetaUpdateStatus(_message.Message):
    __slots__ = ("row_ids", "meta_update_times")
    ROW_IDS_FIELD_NUMBER: _ClassVar[int]
    META_UPDATE_TIMES_FIELD_NUMBER: _ClassVar[int]
    row_ids: _containers.RepeatedScalarFieldContainer[int]
    meta_update_times: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, row_ids: _Optional[_Iterable[int]] = ..., meta_update_times: _Optional[_Iterable[int]] = ...) -> None: ...

class PutTimeseriesDataResponse(_message.Message):
    __slots__ = ("failed_rows", "meta_update_status")
    FAILED_ROWS_FIELD_NUMBER: _ClassVar[int]
    META_UPDATE_STATUS_FIELD_NUMBER: _ClassVar[int]
    failed_rows: _containers.RepeatedCompositeFieldContainer[FailedRow]
    meta_update_status: MetaUpdateStatus
    def __init__(self, failed_rows: _Optional[_Iterable[_Union[FailedRow, _Mapping]]] = ..., meta_update_status: _Optional[_Union[MetaUpdateStatus, _Mapping]] = ...) -> None: ...

class TimeseriesFieldToGet(_message.Message):
    __slots__ = ("name", "type")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    name: str
    type: int
    def __init__(self, name: _Optional[str] = ..., type: _Optional[int] = ...) -> None: ...

class GetTimeseriesDataRequest(_message.Message):
    __slots__ = ("table_name", "time_series_key", "begin_time", "end_time", "specific_time", "token", "limit", "backward", "fields_to_get", "supported_table_version")
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    TIME_SERIES_KEY_FIELD_NUMBER: _ClassVar[int]
    BEGIN_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    SPECIFIC_TIME_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    BACKWARD_FIELD_NUMBER: _ClassVar[int]
    FIELDS_TO_GET_FIELD_NUMBER: _ClassVar[int]
    SUPPORTED_TABLE_VERSION_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    time_series_key: TimeseriesKey
    begin_time: int
    end_time: int
    specific_time: int
    token: bytes
    limit: int
    backward: bool
    fields_to_get: _containers.RepeatedCompositeFieldContainer[TimeseriesFieldToGet]
    supported_table_version: int
    def __init__(self, table_name: _Optional[str] = ..., time_series_key: _Optional[_Union[TimeseriesKey, _Mapping]] = ..., begin_time: _Optional[int] = ..., end_time: _Optional[int] = ..., specific_time: _Optional[int] = ..., token: _Optional[bytes] = ..., limit: _Optional[int] = ..., backward: bool = ..., fields_to_get: _Optional[_Iterable[_Union[TimeseriesFieldToGet, _Mapping]]] = ..., supported_table_version: _Optional[int] = ...) -> None: ...

class GetTimeseriesDataResponse(_message.Message):
    __slots__ = ("rows_data", "next_token")
    ROWS_DATA_FIELD_NUMBER: _ClassVar[int]
    NEXT_TOKEN_FIELD_NUMBER: _ClassVar[int]
    rows_data: bytes
    next_token: bytes
    def __init__(self, rows_data: _Optional[bytes] = ..., next_token: _Optional[bytes] = ...) -> None: ...

class SplitTimeseriesScanTaskRequest(_message.Message):
    __slots__ = ("table_name", "measurement_name", "split_count_hint")
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    MEASUREMENT_NAME_FIELD_NUMBER: _ClassVar[int]
    SPLIT_COUNT_HINT_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    measurement_name: str
    split_count_hint: int
    def __init__(self, table_name: _Optional[str] = ..., measurement_name: _Optional[str] = ..., split_count_hint: _Optional[int] = ...) -> None: ...

class SplitTimeseriesScanTaskResponse(_message.Message):
    __slots__ = ("split_infos",)
    SPLIT_INFOS_FIELD_NUMBER: _ClassVar[int]
    split_infos: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, split_infos: _Optional[_Iterable[bytes]] = ...) -> None: ...

class ScanTimeseriesDataRequest(_message.Message):
    __slots__ = ("table_name", "split_info", "start_time_us", "end_time_us", "fields_to_get", "limit", "data_serialize_type", "token", "supported_table_version")
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    SPLIT_INFO_FIELD_NUMBER: _ClassVar[int]
    START_TIME_US_FIELD_NUMBER: _ClassVar[int]
    END_TIME_US_FIELD_NUMBER: _ClassVar[int]
    FIELDS_TO_GET_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    DATA_SERIALIZE_TYPE_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    SUPPORTED_TABLE_VERSION_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    split_info: bytes
    start_time_us: int
    end_time_us: int
    fields_to_get: _containers.RepeatedCompositeFieldContainer[TimeseriesFieldToGet]
    limit: int
    data_serialize_type: int
    token: bytes
    supported_table_version: int
    def __init__(self, table_name: _Optional[str] = ..., split_info: _Optional[bytes] = ..., start_time_us: _Optional[int] = ..., end_time_us: _Optional[int] = ..., fields_to_get: _Optional[_Iterable[_Union[TimeseriesFieldToGet, _Mapping]]] = ..., limit: _Optional[int] = ..., data_serialize_type: _Optional[int] = ..., token: _Optional[bytes] = ..., supported_table_version: _Optional[int] = ...) -> None: ...

class ScanTimeseriesDataResponse(_message.Message):
    __slots__ = ("data_serialize_type", "data", "next_token")
    DATA_SERIALIZE_TYPE_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    NEXT_TOKEN_FIELD_NUMBER: _ClassVar[int]
    data_serialize_type: int
    data: bytes
    next_token: bytes
    def __init__(self, data_serialize_type: _Optional[int] = ..., data: _Optional[bytes] = ..., next_token: _Optional[bytes] = ...) -> None: ...

class MetaCondition(_message.Message):
    __slots__ = ("type", "proto_data")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    PROTO_DATA_FIELD_NUMBER: _ClassVar[int]
    type: int
    proto_data: bytes
    def __init__(self, type: _Optional[int] = ..., proto_data: _Optional[bytes] = ...) -> None: ...

class MetaComposite(_message.Message):
    __slots__ = ("op", "sub_conditions")
    OP_FIELD_NUMBER: _ClassVar[int]
    SUB_CONDITIONS_FIELD_NUMBER: _ClassVar[int]
    op: int
    sub_conditions: _containers.RepeatedCompositeFieldContainer[MetaCondition]
    def __init__(self, op: _Optional[int] = ..., sub_conditions: _Optional[_Iterable[_Union[MetaCondition, _Mapping]]] = ...) -> None: ...

class MetaText(_message.Message):
    __slots__ = ("op", "value")
    OP_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    op: int
    value: str
    def __init__(self, op: _Optional[int] = ..., value: _Optional[str] = ...) -> None: ...

class MetaPair(_message.Message):
    __slots__ = ("op", "name", "value")
    OP_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    op: int
    name: str
    value: str
    def __init__(self, op: _Optional[int] = ..., name: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...

class MetaTime(_message.Message):
    __slots__ = ("op", "value")
    OP_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    op: int
    value: int
    def __init__(self, op: _Optional[int] = ..., value: _Optional[int] = ...) -> None: ...

class TimeseriesMeta(_message.Message):
    __slots__ = ("time_series_key", "attributes", "update_time")
    TIME_SERIES_KEY_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    time_series_key: TimeseriesKey
    attributes: str
    update_time: int
    def __init__(self, time_series_key: _Optional[_Union[TimeseriesKey, _Mapping]] = ..., attributes: _Optional[str] = ..., update_time: _Optional[int] = ...) -> None: ...

class QueryTimeseriesMetaRequest(_message.Message):
    __slots__ = ("table_name", "condition", "get_total_hit", "token", "limit", "supported_table_version")
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    CONDITION_FIELD_NUMBER: _ClassVar[int]
    GET_TOTAL_HIT_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    SUPPORTED_TABLE_VERSION_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    condition: MetaCondition
    get_total_hit: bool
    token: bytes
    limit: int
    supported_table_version: int
    def __init__(self, table_name: _Optional[str] = ..., condition: _Optional[_Union[MetaCondition, _Mapping]] = ..., get_total_hit: bool = ..., token: _Optional[bytes] = ..., limit: _Optional[int] = ..., supported_table_version: _Optional[int] = ...) -> None: ...

class QueryTimeseriesMetaResponse(_message.Message):
    __slots__ = ("timeseries_metas", "total_hit", "next_token")
    TIMESERIES_METAS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_HIT_FIELD_NUMBER: _ClassVar[int]
    NEXT_TOKEN_FIELD_NUMBER: _ClassVar[int]
    timeseries_metas: _containers.RepeatedCompositeFieldContainer[TimeseriesMeta]
    total_hit: int
    next_token: bytes
    def __init__(self, timeseries_metas: _Optional[_Iterable[_Union[TimeseriesMeta, _Mapping]]] = ..., total_hit: _Optional[int] = ..., next_token: _Optional[bytes] = ...) -> None: ...

class UpdateTimeseriesMetaRequest(_message.Message):
    __slots__ = ("table_name", "timeseries_meta", "supported_table_version")
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    TIMESERIES_META_FIELD_NUMBER: _ClassVar[int]
    SUPPORTED_TABLE_VERSION_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    timeseries_meta: _containers.RepeatedCompositeFieldContainer[TimeseriesMeta]
    supported_table_version: int
    def __init__(self, table_name: _Optional[str] = ..., timeseries_meta: _Optional[_Iterable[_Union[TimeseriesMeta, _Mapping]]] = ..., supported_table_version: _Optional[int] = ...) -> None: ...

class DeleteTimeseriesMetaRequest(_message.Message):
    __slots__ = ("table_name", "timeseries_key", "supported_table_version")
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    TIMESERIES_KEY_FIELD_NUMBER: _ClassVar[int]
    SUPPORTED_TABLE_VERSION_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    timeseries_key: _containers.RepeatedCompositeFieldContainer[TimeseriesKey]
    supported_table_version: int
    def __init__(self, table_name: _Optional[str] = ..., timeseries_key: _Optional[_Iterable[_Union[TimeseriesKey, _Mapping]]] = ..., supported_table_version: _Optional[int] = ...) -> None: ...

class FailedRowsResponse(_message.Message):
    __slots__ = ("failed_rows",)
    FAILED_ROWS_FIELD_NUMBER: _ClassVar[int]
    failed_rows: _containers.RepeatedCompositeFieldContainer[FailedRow]
    def __init__(self, failed_rows: _Optional[_Iterable[_Union[FailedRow, _Mapping]]] = ...) -> None: ...
