"""The primary key modes: where the key columns of a row come from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple


class PrimaryKeyMode(NamedTuple):
    """The properties of one mode."""

    implementation: str
    """Its row builder as module:name, a WideColumnBuilder."""
    key_from: Literal["coordinates", "key", "value"]
    """The record's coordinates in Kafka, fields of its key, or fields of its value."""
    columns: tuple[tuple[str, str], ...] = ()
    """Name and type of the key columns, where the mode fixes them; else primary_key has them."""
    before_index: tuple[tuple[str, str], ...] = ()
    """Those before the positions of exploded records, of which a record has a row each."""


_HERE = "connectors.mapping.key_modes"
_KAFKA = (("topic_partition", "string"), ("offset", "integer"))
# By the word in config.toml. What is legal and the row builders of a run follow this list.
PRIMARY_KEY_MODES = {
    # The two columns that the Java connector has in this mode.
    "kafka": PrimaryKeyMode(f"{_HERE}:KafkaCoordinates", "coordinates", _KAFKA, _KAFKA),
    "record_key": PrimaryKeyMode(f"{_HERE}:RecordKey", "key"),
    "record_value": PrimaryKeyMode(f"{_HERE}:RecordValueKey", "value"),
    # The connector's too: a hash in front spreads the records of a partition.
    "search": PrimaryKeyMode(
        f"{_HERE}:SearchCoordinates",
        "coordinates",
        (("md5", "string"), ("topic", "string"), ("partition", "integer"), ("offset", "integer")),
        # A key has four columns at most.
        (("md5", "string"), *_KAFKA),
    ),
}
if TYPE_CHECKING:
    PrimaryKeyModeName = str
else:
    PrimaryKeyModeName = Literal[tuple(PRIMARY_KEY_MODES)]
