"""The version of a record's cells: ms since 1970, from its timestamp or a field of its value."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from connectors.errors import Rejection
from connectors.records import Message, Record, timestamp_of
from connectors.records import field_path as paths
from connectors.records.timestamps import moment_of
from connectors.settings.tables import TableSettings

# Of messages and the fields of their values, in the order of names that are known.
VersionsOfFields = Callable[[Sequence[Message], Sequence[Sequence[Any]]], list[int]]


class CellVersion:
    """The versions of the cells of one table."""

    def __init__(self, rules: TableSettings) -> None:
        self._rules = rules
        self._deviation = rules.deviation * 1000
        self._path = path = rules.version_field or ""
        self._moment = moment_of(path, rules.version_unit)
        flattened = rules.nested == "flatten"
        self._place = path.replace(".", rules.separator) if flattened else path

    def of(self, record: Record) -> int:
        """The version of a record.

        Raises Rejection for a record without a version, or with one that the table does not accept:
        for that the service would reject the whole request.
        """
        if self._rules.version == "record_timestamp":
            return self._checked(_timestamp(record.message))
        return self._checked(self._of_field(paths.get(record.value, self._place)))

    def of_fields(self, names: tuple[str, ...]) -> VersionsOfFields:
        """The same of messages, and of the fields of these names in their values."""
        checked = self._checked
        if self._rules.version == "record_timestamp":
            return self._of_messages
        get, of_field = paths.getter(names, self._place), self._of_field
        return lambda _, values: [checked(of_field(get(fields))) for fields in values]

    def _of_messages(self, messages: Sequence[Message], _: Sequence[Any]) -> list[int]:
        now = time.time_ns() // 1_000_000
        first, end = max(1, now - self._deviation), now + self._deviation
        versions = [
            found
            for timestamp_type, found in [message.timestamp() for message in messages]
            if timestamp_type and first <= found < end
        ]
        if len(versions) == len(messages):
            return versions
        return [self._checked(_timestamp(message)) for message in messages]

    def _checked(self, found: int) -> int:
        away = found - time.time_ns() // 1_000_000
        if found < 0 or not -self._deviation <= away < self._deviation:
            raise Rejection(
                "version_range",
                f"the record's version is more than {self._rules.deviation} s before or after now: "
                "raise max_version_deviation, and the max_time_deviation of the table with it "
                "(UpdateTable); or correct version_unit",
            )
        return found

    def _of_field(self, found: Any) -> int:
        try:
            return self._moment(None if found is paths.MISSING else found) // 1000
        except Rejection as rejection:
            reason = _REASONS[rejection.code]
            raise reason(self._path, self._rules.version_unit, type(found).__name__) from None


def version_of(rules: TableSettings) -> CellVersion | None:
    """The versions of a table; None where the service's clock gives them."""
    return None if rules.version == "none" else CellVersion(rules)


def _timestamp(message: Message) -> int:
    found = timestamp_of(message)
    if found is None:
        raise Rejection(
            "version_missing",
            "the record has no timestamp, or none after 1970, and that is its version: let the "
            'producer set it, or set version to "field" or "none"',
        )
    return found


def _missing(path: str, _unit: str, _found: str) -> Rejection:
    return Rejection("version_missing", f"field {path!r}, the version, is null or absent")


def _invalid(path: str, unit: str, found: str) -> Rejection:
    wanted = (
        "a time with its zone such as 2026-01-31T08:00:00Z" if unit == "iso8601" else "a number"
    )
    return Rejection(
        "version_invalid",
        f"field {path!r}: version_unit {unit} needs {wanted}, and the value, of type {found}, is "
        "not one",
    )


def _range(path: str, unit: str, _found: str) -> Rejection:
    return Rejection(
        "version_range",
        f"field {path!r}: a version is a time after 1970; check version_unit, which is {unit}",
    )


_REASONS: dict[str, Callable[[str, str, str], Rejection]] = {
    "time_missing": _missing,
    "time_invalid": _invalid,
    "time_range": _range,
}
