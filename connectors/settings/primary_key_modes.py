"""The primary key modes: where the key columns of a row come from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple


class PrimaryKeyMode(NamedTuple):
    """The properties of one mode; its row builder is in connectors.mapping.key_modes."""

    key_from: Literal["coordinates", "key", "value"]
    """The record's coordinates in Kafka, fields of its key, or fields of its value."""
    columns: tuple[tuple[str, str], ...] = ()
    """Name and type of the key columns, where the mode fixes them; else primary_key has them."""
    before_index: tuple[tuple[str, str], ...] = ()
    """Those before the positions of exploded records, of which a record has a row each."""


_KAFKA = (("topic_partition", "string"), ("offset", "integer"))
# By the word in config.toml; what is legal follows this list.
PRIMARY_KEY_MODES = {
    # The two columns that the Java connector has in this mode.
    "kafka": PrimaryKeyMode("coordinates", _KAFKA, _KAFKA),
    "record_key": PrimaryKeyMode("key"),
    "record_value": PrimaryKeyMode("value"),
    # The connector's too: a hash in front spreads the records of a partition.
    "search": PrimaryKeyMode(
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
