"""Metadata of series: how it is stored, and the conditions it is searched by."""

import json
from collections.abc import Callable
from typing import NamedTuple

from google.protobuf.message import DecodeError, Message

from emulator.errors import invalid
from emulator.timeseries.points import SeriesKey
from emulator.wire import messages_pb2 as wire
from emulator.wire.strings import has_bad_text

_COMPOSITE, _MEASUREMENT, _SOURCE, _TAG, _UPDATE_TIME, _ATTRIBUTE = range(1, 7)
_AND, _OR, _NOT = 1, 2, 3
_EQUAL, _GREATER, _GREATER_EQUAL, _LESS, _LESS_EQUAL, _PREFIX = range(1, 7)


class SeriesMeta(NamedTuple):
    """The metadata of one series; times in microseconds."""

    key: SeriesKey
    attributes: tuple[tuple[str, str], ...]
    updated_at: int
    visible_at: int
    """From when on queries find it: the index of the service lags behind."""

    def pack(self) -> bytes:
        """Return the bytes in which this metadata is stored."""
        return json.dumps(self).encode()

    @classmethod
    def unpack(cls, stored: bytes) -> "SeriesMeta":
        """Return the metadata of a stored form."""
        key, attributes, updated_at, visible_at = json.loads(stored)
        measurement, source, tags = key
        return cls(
            SeriesKey(measurement, source, tuple((name, value) for name, value in tags)),
            tuple((name, value) for name, value in attributes),
            updated_at,
            visible_at,
        )


MetaTest = Callable[[SeriesMeta], bool]


def _compare(operator: int, value: str | int, wanted: str | int) -> bool:
    if isinstance(value, str) and isinstance(wanted, str):
        if operator == _PREFIX:
            return value.startswith(wanted)
        one, other = value.encode(), wanted.encode()
        order = (one > other) - (one < other)
    elif isinstance(value, int) and isinstance(wanted, int):
        order = (value > wanted) - (value < wanted)
    else:
        return False
    return {
        _EQUAL: order == 0,
        _GREATER: order > 0,
        _GREATER_EQUAL: order >= 0,
        _LESS: order < 0,
        _LESS_EQUAL: order <= 0,
    }.get(operator, False)


def _parse(message: Message, data: bytes) -> None:
    try:
        message.ParseFromString(data)
    except DecodeError:
        raise invalid("Invalid meta query condition.") from None
    if has_bad_text(message):
        raise invalid("Invalid meta query condition.")


def _check_operator(operator: int, last: int) -> None:
    if not _EQUAL <= operator <= last:
        raise invalid(f"Invalid meta query operator: {operator}.")


def parse_meta_condition(condition: wire.MetaCondition) -> MetaTest:
    """Return the test of a condition; raises 400 for one that cannot be read."""
    data = condition.proto_data
    if condition.type == _COMPOSITE:
        return _composite(data)
    if condition.type in (_MEASUREMENT, _SOURCE):
        text = wire.MetaText()
        _parse(text, data)
        _check_operator(text.op, _PREFIX)
        index = 0 if condition.type == _MEASUREMENT else 1
        return lambda meta: _compare(text.op, str(meta.key[index]), text.value)
    if condition.type in (_TAG, _ATTRIBUTE):
        pair = wire.MetaPair()
        _parse(pair, data)
        _check_operator(pair.op, _PREFIX)
        is_tag = condition.type == _TAG

        def test(meta: SeriesMeta) -> bool:
            pairs = dict(meta.key.tags if is_tag else meta.attributes)
            return pair.name in pairs and _compare(pair.op, pairs[pair.name], pair.value)

        return test
    if condition.type == _UPDATE_TIME:
        when = wire.MetaTime()
        _parse(when, data)
        _check_operator(when.op, _LESS_EQUAL)
        return lambda meta: _compare(when.op, meta.updated_at, when.value)
    raise invalid(f"Invalid meta query condition type: {condition.type}.")


def _composite(data: bytes) -> MetaTest:
    message = wire.MetaComposite()
    _parse(message, data)
    parts = [parse_meta_condition(part) for part in message.sub_conditions]
    if message.op == _AND and parts:
        return lambda meta: all(part(meta) for part in parts)
    if message.op == _OR and parts:
        return lambda meta: any(part(meta) for part in parts)
    if message.op == _NOT and len(parts) == 1:
        return lambda meta: not parts[0](meta)
    raise invalid("Invalid composite meta query condition.")
