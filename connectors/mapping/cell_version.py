"""The version of a record's cells: ms since 1970, from its timestamp or a field of its value."""

from __future__ import annotations

import time
from collections.abc import Callable

from connectors.errors import Rejection
from connectors.records import Record
from connectors.records import field_path as paths
from connectors.records.timestamps import moment_of
from connectors.settings.tables import TableSettings

Version = Callable[[Record], int]


def version_of(rules: TableSettings) -> Version | None:
    """The function from a record to its version; None if the service's clock sets versions.

    It raises Rejection for a record without a version, or with one that the table does not accept:
    the service would reject the whole request.
    """
    if rules.version == "none":
        return None
    find = _timestamp if rules.version == "record_timestamp" else _of_field(rules)
    deviation = rules.deviation * 1000

    def version(record: Record) -> int:
        found = find(record)
        away = found - time.time_ns() // 1_000_000
        if found < 0 or not -deviation <= away < deviation:
            raise Rejection(
                "version_range",
                f"the record's version is more than {rules.deviation} s before or after now: "
                "raise max_version_deviation, and the max_time_deviation of the table with it "
                "(UpdateTable); or correct version_unit",
            )
        return found

    return version


def _timestamp(record: Record) -> int:
    found = record.timestamp
    if found is None:
        raise Rejection(
            "version_missing",
            "the record has no timestamp, or none after 1970, and that is its version: let the "
            'producer set it, or set version to "field" or "none"',
        )
    return found


def _of_field(rules: TableSettings) -> Version:
    path, unit = rules.version_field or "", rules.version_unit
    moment = moment_of(path, unit)
    flat = path.replace(".", rules.separator) if rules.nested == "flatten" else path

    def version(record: Record) -> int:
        found = paths.get(record.value, flat)
        try:
            return moment(None if found is paths.MISSING else found) // 1000
        except Rejection as rejection:
            raise _REASONS[rejection.code](path, unit, type(found).__name__) from None

    return version


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
