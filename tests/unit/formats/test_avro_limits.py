"""Avro: few bytes may not become very much, and no bytes end the process."""

import json
import subprocess
import sys
from typing import Any

import pytest

from connectors.errors import Rejection
from connectors.formats.avro.decoder import reader
from connectors.formats.avro.schema import parsed
from tests.support.registry import SchemaRegistry
from tests.unit.formats.avro_schemas import EMPTY, NULLS, ORDER, TREE
from tests.unit.formats.conftest import MakeDecoder, framed


def test_bounded_recursive_values_are_read(registry: SchemaRegistry, decoder: MakeDecoder) -> None:
    """Recursion is no crime, depth is."""
    number = registry.register(json.dumps(TREE))
    decode = decoder("avro")
    assert decode(framed(number, b"\2\2\0")) == {"next": {"next": {"next": None}}}
    with pytest.raises(Rejection) as caught:
        decode(framed(number, b"\2" * 5000 + b"\0"))
    assert caught.value.code == "avro_depth"


@pytest.mark.parametrize("schema", [NULLS, EMPTY], ids=["nulls", "empty records"])
def test_items_of_no_bytes_are_bounded(
    registry: SchemaRegistry, decoder: MakeDecoder, schema: Any
) -> None:
    """A few bytes may not become billions of items."""
    number = registry.register(json.dumps(schema))
    decode = decoder("avro")
    assert len(decode(framed(number, b"\x06\0"))) == 3
    for count in (b"\x80\xc8\xaf\xa0\x25", b"\xff\xc7\xaf\xa0\x25\0"):
        with pytest.raises(Rejection) as caught:
            decode(framed(number, count + b"\0"))
        assert caught.value.code == "avro_items"


WIDE = {
    "type": "record",
    "name": "Wide",
    "fields": [
        {"name": "b", "type": "boolean"},
        *({"name": f"n{number}", "type": "null"} for number in range(1000)),
    ],
}


WIDES = {"type": "array", "items": WIDE}


def doubling(levels: int) -> Any:
    """A record of two records of two records: a few hundred bytes of schema, 2^levels fields."""
    made: Any = {"type": "record", "name": "L0", "fields": [{"name": "n", "type": "null"}]}
    for level in range(1, levels):
        fields = [{"name": "a", "type": made}, {"name": "b", "type": f"L{level - 1}"}]
        made = {"type": "record", "name": f"L{level}", "fields": fields}
    return made


@pytest.mark.parametrize(
    ("schema", "data"), [(WIDES, b"\xa0\x9c\1" + b"\0" * 10_001), (doubling(40), b"")]
)
def test_few_bytes_may_not_become_very_many_fields(schema: Any, data: bytes) -> None:
    """Ten thousand items of a thousand fields of no bytes; and a billion fields of no bytes."""
    decode = reader(parsed(schema), None, framed=False)
    with pytest.raises(Rejection) as caught:
        decode(data)
    assert caught.value.code in ("avro_values", "avro_depth")


def test_records_below_the_limit_are_read_unchanged() -> None:
    """A walk changes nothing of what is decoded."""
    decode = reader(parsed(WIDES), None, framed=False)
    found = decode(b"\x0a\1\0\1\0\1\0")
    assert [item["b"] for item in found] == [True, False, True, False, True]
    assert all(len(item) == 1001 for item in found)


BOMBS = r"""
import json, resource, sys
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
from connectors.formats.avro.decoder import reader
from connectors.formats.avro.schema import parsed
from connectors.errors import Rejection
schemas = json.loads(sys.argv[1])
bombs = [b"\x02" * 100_000 + b"\0", b"\x80\xc8\xaf\xa0\x25\0", b"\xff\xc7\xaf\xa0\x25\0\0",
         b"\xfe" + b"\xff" * 8 + b"\x01", b"\xfe" * 100, b"\0" * 100]
for schema in schemas:
    decode = reader(parsed(schema), None, framed=False)
    for bomb in bombs:
        try:
            decode(bomb)
        except Rejection:
            pass
print("alive")
"""


def test_no_bytes_end_the_process() -> None:
    """In a process with 1 GiB of memory: depth, counts and lengths that lie."""
    text = {"type": "array", "items": "string"}
    maps = {"type": "map", "values": {"type": "array", "items": "null"}}
    schemas = json.dumps([TREE, NULLS, EMPTY, WIDES, text, maps, "string", "bytes", ORDER])
    done = subprocess.run(
        [sys.executable, "-c", BOMBS, schemas],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout == "alive\n", done.stderr
