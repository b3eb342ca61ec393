"""Column conditions and filters: parsed once a request, then asked of each row.

A filter sees the columns and versions that were selected for reading, a condition the whole row.
Values of different types are unequal and in no order.
"""

from collections.abc import Callable, Mapping
from struct import error as struct_error

from google.protobuf.message import DecodeError, Message

from emulator import limits, regex
from emulator.errors import invalid
from emulator.rows import Versions
from emulator.wire import messages_pb2 as wire
from emulator.wire import plainbuffer as pb
from emulator.wire.decoder import decode_stand_alone
from emulator.wire.strings import has_bad_text

Test = Callable[[Mapping[bytes, bytes], Versions], bool]
"""Whether a row passes: (primary key values by name, attribute versions by name)."""

_SINGLE, _COMPOSITE, _PAGINATION = 1, 2, 3
_EQUAL, _NOT_EQUAL, _GREATER, _GREATER_EQUAL, _LESS, _LESS_EQUAL, _EXIST, _NOT_EXIST = range(1, 9)
_NOT, _AND, _OR = 1, 2, 3
_CASTS = (pb.INTEGER, pb.DOUBLE, pb.STRING)


def _compare(operator: int, left: bytes, right: bytes) -> bool:
    if left[0] != right[0]:
        return operator == _NOT_EQUAL
    if left[0] in (pb.STRING, pb.BLOB):  # bytewise, as keys are
        one, other = left[5:], right[5:]
        order = (one > other) - (one < other)
    else:
        first, second = pb.python_value(left), pb.python_value(right)
        order = (first > second) - (first < second)  # type: ignore[operator]
    return {
        _EQUAL: order == 0,
        _NOT_EQUAL: order != 0,
        _GREATER: order > 0,
        _GREATER_EQUAL: order >= 0,
        _LESS: order < 0,
        _LESS_EQUAL: order <= 0,
    }[operator]


def _transfer(rule: wire.ValueTransferRule) -> Callable[[bytes], bytes | None]:
    """Return the function that takes the first group of a pattern out of a string and casts it."""
    search, groups = regex.searcher(rule.regex)
    cast = rule.cast_type if rule.HasField("cast_type") else pb.STRING
    if cast not in _CASTS:
        raise invalid("Invalid cast type in value transfer rule.")

    def apply(value: bytes) -> bytes | None:
        if value[0] != pb.STRING:
            return None
        found = search(value[5:].decode("utf-8", "replace"))
        if found is None:
            return None
        part = found.group(1 if groups else 0)
        try:
            if cast == pb.INTEGER:
                return pb.wire_value(int(part))
            if cast == pb.DOUBLE:
                return pb.wire_value(float(part))
        except (ValueError, TypeError, struct_error):  # no number, or beyond 64 bits
            return None
        return pb.wire_value(part)

    return apply


def _parse(message: Message, data: bytes, text: str) -> None:
    try:
        message.ParseFromString(data)
    except DecodeError:
        raise invalid(text) from None
    if has_bad_text(message):
        raise invalid(text)


def _expected(name: bytes, value: bytes) -> bytes:
    """Check the value to compare with; it may be as long as the value of a column."""
    if value[:1] in (b"\x03", b"\x07") and len(value) - 5 > limits.CELL_VALUE_BYTES:
        raise limits.value_length_error(name, len(value) - 5)
    return decode_stand_alone(value)


def _single(data: bytes, inner: bool) -> Test:
    rule = wire.SingleColumnFilter()
    _parse(rule, data, "Deserialize relation filter failed.")
    operator = rule.comparator
    if not _EQUAL <= operator <= _NOT_EXIST:
        raise invalid(f"Invalid relation operator: {operator}.")
    name = rule.column_name.encode()
    if not limits.is_column_name(name, inner):
        raise limits.column_name_error(name)
    exists = operator in (_EXIST, _NOT_EXIST)
    expected = b"" if exists else _expected(name, rule.column_value)
    transfer = _transfer(rule.value_trans_rule) if rule.HasField("value_trans_rule") else None
    missing_passes, latest_only = not rule.filter_if_missing, rule.latest_version_only

    def test(key: Mapping[bytes, bytes], cells: Versions) -> bool:
        if name in key:
            values = [key[name]]
        else:
            versions = cells.get(name)
            if versions and latest_only:
                values = [versions[max(versions)]]
            else:
                values = list(versions.values()) if versions else []
        if exists:
            return bool(values) == (operator == _EXIST)
        if transfer is not None:
            values = [taken for value in values if (taken := transfer(value)) is not None]
        if not values:
            return missing_passes
        return any(_compare(operator, value, expected) for value in values)

    return test


def _composite(data: bytes, inner: bool) -> Test:
    rule = wire.CompositeFilter()
    _parse(rule, data, "Deserialize composite filter failed.")
    if rule.combinator == _NOT:
        if len(rule.sub_filters) != 1:
            raise invalid("Invalid NOT operator: the number of sub-filters must be 1.")
        negated = _build(rule.sub_filters[0], inner)
        return lambda key, cells: not negated(key, cells)
    if rule.combinator not in (_AND, _OR):
        raise invalid(f"Invalid relation operator: {rule.combinator}.")
    if len(rule.sub_filters) < 2:
        raise invalid("Invalid AND/OR operator: the number of sub-filters must be more than 1.")
    parts = [_build(part, inner) for part in rule.sub_filters]
    if rule.combinator == _AND:
        return lambda key, cells: all(part(key, cells) for part in parts)
    return lambda key, cells: any(part(key, cells) for part in parts)


def _build(message: wire.Filter, inner: bool) -> Test:
    if message.type == _SINGLE:
        return _single(message.filter, inner)
    if message.type == _COMPOSITE:
        return _composite(message.filter, inner)
    raise invalid(f"Invalid type of sub-filter: {message.type}.")


def _check_count(message: wire.Filter) -> None:
    """Raise 400 when a filter has too many conditions: the first thing the service looks at.

    Counts level by level and stops at the limit, so that a hostile nesting costs no recursion.
    """
    left = limits.max_filters()
    waiting = [message]
    while waiting:
        left -= len(waiting)
        if left < 0:
            raise invalid(f"The count of filter exceeds the max: {limits.max_filters()}.")
        below: list[wire.Filter] = []
        for part in waiting:
            if part.type == _COMPOSITE:
                rule = wire.CompositeFilter()
                _parse(rule, part.filter, "Deserialize composite filter failed.")
                below += rule.sub_filters
        waiting = below


def parse_condition(data: bytes, inner: bool = False) -> Test:
    """Return the test of a serialized condition; raises 400 for one the service refuses.

    The columns of `inner` tables have names with a suffix.
    """
    message = wire.Filter()
    _parse(message, data, "Deserialize filter failed.")
    _check_count(message)
    return _build(message, inner)


def parse_filter(data: bytes, inner: bool = False) -> tuple[Test | None, tuple[int, int] | None]:
    """Return the row test, or (offset, limit) of a pagination of columns."""
    message = wire.Filter()
    _parse(message, data, "Deserialize filter failed.")
    if message.type != _PAGINATION:
        _check_count(message)
        return _build(message, inner), None
    page = wire.PaginationFilter()
    _parse(page, message.filter, "Deserialize column pagination filter failed.")
    if page.offset < 0:
        raise invalid("Offset in ColumnPaginationFilter must be greater than or equal to 0.")
    if page.limit <= 0:
        raise invalid("Limit in ColumnPaginationFilter must be greater than 0.")
    return None, (page.offset, page.limit)
