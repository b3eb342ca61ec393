"""The sources that docstrings and comments cite as `[id]`: title and address of each.

`make pages` writes those that are cited to docs/sources.md. A test fails for an id that is not
here. Where a page has no address that stays, the file of a public repository is named.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

_TABLESTORE = "https://www.alibabacloud.com/help/en/tablestore"
_SDK = "https://github.com/aliyun/aliyun-tablestore-python-sdk/blob/master/tablestore"
_KAFKA = "https://github.com/apache/kafka/blob/trunk"
_WIKI = "https://cwiki.apache.org/confluence/display/KAFKA"
_BYTEWAX = "https://github.com/bytewax/bytewax/blob/main/pysrc/bytewax"
_DEBEZIUM = "https://debezium.io/documentation/reference/3.0"
_AVRO = "https://github.com/apache/avro/blob/main/doc/content/en/docs/%2B%2Bversion%2B%2B"
_PROTOBUF = "https://github.com/protocolbuffers/protocolbuffers.github.io/blob/main/content"
_CONFLUENT = "https://docs.confluent.io/platform/7.8/schema-registry/fundamentals"
_RUNTIME = f"{_KAFKA}/connect/runtime/src/main/java/org/apache/kafka/connect/runtime"
_JDK = "https://github.com/openjdk/jdk/blob/master/src/java.base/share/classes/java"

SOURCES: dict[str, tuple[str, str]] = {
    "avro-spec": (
        "Apache Avro: specification",
        f"{_AVRO}/Specification/_index.md",
    ),
    "batch-write-row": (
        "Tablestore: BatchWriteRow",
        f"{_TABLESTORE}/developer-reference/batchwriterow",
    ),
    "bytewax-io": (
        "Bytewax: sources and sinks, of fixed partitions and others",
        f"{_BYTEWAX}/inputs.py",
    ),
    "bytewax-kafka-sink": ("Bytewax: its Kafka sink", f"{_BYTEWAX}/connectors/kafka/sink.py"),
    "bytewax-operators": ("Bytewax: operators", f"{_BYTEWAX}/operators/__init__.py"),
    "bytewax-recovery": (
        "Bytewax: recovery",
        "https://docs.bytewax.io/v0.20.0/guide/concepts/recovery.html",
    ),
    "confluent-protobuf": (
        "Confluent: the Protobuf types of its converter",
        "https://github.com/confluentinc/schema-registry/tree/master/protobuf-types",
    ),
    "connect-data": (
        "Kafka Connect: the logical types of its schemas",
        f"{_KAFKA}/connect/api/src/main/java/org/apache/kafka/connect/data",
    ),
    "connect-dlq": (
        "KIP-298: error handling in Connect, with the dead letter queue",
        f"{_WIKI}/KIP-298%3A+Error+Handling+in+Connect",
    ),
    "connect-group": (
        "Kafka Connect: the name of a sink's consumer group",
        f"{_RUNTIME.removesuffix('/runtime')}/util/SinkUtils.java",
    ),
    "capacity-units": (
        "Tablestore: read and write throughput, and how capacity units are counted",
        "https://www.alibabacloud.com/help/doc-detail/27284.htm",
    ),
    "connect-json": (
        "Kafka Connect: JsonConverter",
        f"{_KAFKA}/connect/json/src/main/java/org/apache/kafka/connect/json/JsonConverter.java",
    ),
    "connect-json-schema": (
        "Confluent: types of Kafka Connect in JSON Schema",
        "https://github.com/confluentinc/schema-registry/tree/master/json-schema-converter",
    ),
    "connect-smt": (
        "Kafka Connect: its single message transforms",
        f"{_KAFKA}/connect/transforms/src/main/java/org/apache/kafka/connect/transforms",
    ),
    "connector": (
        "The Tablestore Sink Connector for Kafka Connect (Java)",
        "https://github.com/aliyun/kafka-connect-tablestore",
    ),
    "data-types": (
        "Tablestore: naming conventions and data types",
        f"{_TABLESTORE}/naming-conventions-and-data-types",
    ),
    "debezium": (
        "Debezium: change events, and how they are flattened",
        f"{_DEBEZIUM}/transformations/event-flattening.html",
    ),
    "debezium-types": (
        "Debezium: data type mappings, with the names of its types",
        f"{_DEBEZIUM}/connectors/postgresql.html#postgresql-data-types",
    ),
    "error-codes": (
        "Tablestore: error codes",
        "https://help.aliyun.com/en/tablestore/developer-reference/error-codes",
    ),
    "flatbuffers": (
        "FlatBuffers: the binary format",
        "https://github.com/google/flatbuffers/blob/master/docs/source/internals.md",
    ),
    "google-types": (
        "Google: common types of Protobuf",
        "https://github.com/googleapis/googleapis/tree/master/google/type",
    ),
    "ieee-754": (
        "IEEE 754-2019: floating-point arithmetic",
        "https://doi.org/10.1109/IEEESTD.2019.8766229",
    ),
    "java-bigdecimal": ("Java: BigDecimal", f"{_JDK}/math/BigDecimal.java"),
    "java-double": ("Java: Double", f"{_JDK}/lang/Double.java"),
    "json-schema": (
        "JSON Schema: validation, 2020-12",
        "https://json-schema.org/draft/2020-12/json-schema-validation",
    ),
    "kafka-list-offsets": (
        "Kafka: offsets by time, and the values for the first and the last",
        f"{_KAFKA}/clients/src/main/resources/common/message/ListOffsetsRequest.json",
    ),
    "kafka-records": (
        "Kafka: record batches, as they are stored and sent",
        "https://kafka.apache.org/documentation/#recordbatch",
    ),
    "kafka-serializers": (
        "Kafka: the serializers of its clients",
        f"{_KAFKA}/clients/src/main/java/org/apache/kafka/common/serialization",
    ),
    "kip-297": (
        "Kafka Connect: placeholders of config providers (KIP-297)",
        f"{_KAFKA}/clients/src/main/java/org/apache/kafka/common/config/ConfigTransformer.java",
    ),
    "kip-430": (
        "KIP-430: authorized operations in the answers to describe",
        f"{_WIKI}/KIP-430+-+Return+Authorized+Operations+in+Describe+Responses",
    ),
    "kip-516": (
        "Kafka: ids of topics (KIP-516), as clients see them",
        f"{_KAFKA}/clients/src/main/java/org/apache/kafka/clients/admin/TopicDescription.java",
    ),
    "librdkafka": (
        "librdkafka: configuration properties",
        "https://github.com/confluentinc/librdkafka/blob/master/CONFIGURATION.md",
    ),
    "limits": (
        "Tablestore: limits on the Wide Column model",
        f"{_TABLESTORE}/limits-on-widecolumn-model",
    ),
    "mongodb-extjson": (
        "MongoDB: Extended JSON (v2)",
        "https://www.mongodb.com/docs/manual/reference/mongodb-extended-json/index.html",
    ),
    "partition-keys": (
        "Tablestore: partition keys, and how to choose them",
        f"{_TABLESTORE}/support/what-do-i-need-to-specify-when-i-create-a-table",
    ),
    "plainbuffer": (
        "Tablestore's Python SDK: PlainBuffer, the format of rows on the wire",
        f"{_SDK}/plainbuffer/plain_buffer_coded_stream.py",
    ),
    "protobuf-descriptors": (
        "Protobuf: self-describing messages, files of descriptors",
        f"{_PROTOBUF}/programming-guides/techniques.md",
    ),
    "protobuf-wire": (
        "Protocol Buffers: encoding",
        f"{_PROTOBUF}/programming-guides/encoding.md",
    ),
    "put-timeseries-data": (
        "Tablestore: PutTimeseriesData",
        f"{_TABLESTORE}/developer-reference/puttimeseriesdata",
    ),
    "otel-variables": (
        "OpenTelemetry: environment variables",
        "https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/",
    ),
    "ram-policy": (
        "Tablestore: actions and resources of RAM policies",
        f"{_TABLESTORE}/tablestore-ram-policy/",
    ),
    "rfc3339": (
        "RFC 3339: date and time on the Internet",
        "https://www.rfc-editor.org/info/rfc3339",
    ),
    "rfc9110": ("RFC 9110: HTTP semantics", "https://www.rfc-editor.org/info/rfc9110"),
    "rfc9112": ("RFC 9112: HTTP/1.1", "https://www.rfc-editor.org/info/rfc9112"),
    "schema-registry": (
        "Confluent Schema Registry: serializers, deserializers and the wire format",
        f"{_CONFLUENT}/serdes-develop/index.html",
    ),
    "sdk-retry": ("Tablestore's Python SDK: what it tries again", f"{_SDK}/retry.py"),
    "sqlite-corrupt": (
        "SQLite: how a database file gets corrupted",
        "https://www.sqlite.org/howtocorrupt.html",
    ),
    "unix-sockets": (
        "Linux manual: unix(7)",
        "https://man7.org/linux/man-pages/man7/unix.7.html",
    ),
    "timeseries-fbs": (
        "Tablestore's Python SDK: the FlatBuffers schema of points",
        f"{_SDK}/flatbuffer/timeseries.fbs",
    ),
    "ts-billing": (
        "Tablestore: billable items of the TimeSeries model",
        f"{_TABLESTORE}/billable-items-of-the-timeseries-model",
    ),
    "ts-limits": (
        "Tablestore: limits on the TimeSeries model",
        f"{_TABLESTORE}/limits-on-the-timeseries-model",
    ),
}
# Sections of config.toml are in brackets too.
_CITED = re.compile(r"(?<![\w\])'\"`\[])\[([a-z][a-z0-9]*(?:-[a-z0-9]+)*)\]")


def cited(module: Path) -> Iterator[tuple[int, str]]:
    """Line and id of each citation in the comments and docstrings of a module."""
    text = module.read_text("utf-8")
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield from ((token.start[0], name) for name in _CITED.findall(token.string))
    for node in ast.walk(ast.parse(text)):
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        ):
            yield from ((node.lineno, name) for name in _CITED.findall(node.value.value))
