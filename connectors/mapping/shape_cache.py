"""The shape cache: how the values of one shape become a row is planned once, and then reused.

A shape is the field names and the Python types of their values. Most topics have a handful, so the
work that depends only on names and types (row_plan.py) is done once for each shape, and each record
only costs the work on its values.

As long as all records of the same names have had the same types, their compiled encoder is called
without looking at the types (`direct`): it checks them itself, and raises for a value of another
type, after which the shape is looked up. So values that need no conversion cost one look-up.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import Any

from connectors.mapping.encoder import Encode, Encoded, Encoder
from connectors.mapping.row_plan import Pick, RowPlan, RowPlanner
from connectors.records import Operation
from connectors.settings.tables import TableSettings


class ShapeCache:
    """Makes rows of one table from (leading values, record value), by shape.

    The leading values are key columns that are not fields of the value. A shape is compiled when it
    is seen a second time, and at most MAX_SHAPES are kept: a stream in which every record has other
    names must not fill the memory.
    """

    MAX_SHAPES = 512
    # Of all compiled shapes of the table together.
    MAX_CACHED_COLUMNS = 40_000

    def __init__(
        self,
        rules: TableSettings,
        encoder: Encoder,
        json_only: bool = True,
        changed: bool = False,
    ) -> None:
        """`json_only`, `changed`: as `plain` and `changed` of `Conversions`."""
        self._encoder = encoder
        self.error = encoder.error
        self.planner = RowPlanner(rules, encoder.generated, json_only, changed)
        self.fields = self.planner.fields
        self._keys = self.planner.keys
        self._versioned = rules.version != "none"
        # A put replaces the whole row, newer versions too: with versions it only sets columns.
        self.operation: Operation = "update" if self._versioned else rules.insert_mode
        self._plain = not (self._versioned or rules.generates_keys)
        self._deletes_columns = rules.deletes_columns
        # Whether a null field differs from an absent one.
        self.null_differs_from_absent = (
            rules.deletes_columns or rules.generates_keys or self.planner.key_in_value
        )
        self._encoders: dict[tuple[Any, ...], Encode] = {}
        self._cached_columns = 0
        # Hashes of shapes seen once; a collision only compiles one early.
        self._seen_once: set[int] = set()
        # Names -> the only encoder of these names, if it takes all values as they are.
        self.direct: dict[tuple[str, ...], Encode] = {}
        # Names with several encoders, or with one that converts.
        self._several: set[tuple[str, ...]] = set()

    @property
    def has_fast_path(self) -> bool:
        """Whether a row is made of nothing but the key and the values, by compiled code."""
        return self._plain and not self._deletes_columns

    def delete(self, key: Sequence[Any]) -> Encoded:
        """The deletion of a row by its key. Raises the encoder's own exception."""
        names = [name for name, _ in self._keys]
        return self._encoder.row("delete", [*zip(names, key, strict=True)])

    def row(
        self,
        leading: tuple[Any, ...],
        names: tuple[str, ...],
        values: Sequence[Any],
        version: int | None = None,
    ) -> Encoded:
        """The row of a record; `version` is that of its cells, in ms since 1970.

        Raises Rejection, or the encoder's own exception.
        """
        direct = self.direct.get(names)
        if direct is not None:
            try:
                return direct(*leading, *values)
            except self.error:
                pass  # perhaps other types than before
        shape: tuple[Any, ...] = (names, *map(type, values))
        encode = self._encoders.get(shape)
        if encode is None:
            plan = self.planner.plan(names, shape[1:], len(leading))
            encode = self._encoder_of(shape, plan, len(leading) + len(names))
        if self._versioned:
            return encode(*leading, *values, version=version)
        return encode(*leading, *values)

    def _encoder_of(self, shape: tuple[Any, ...], plan: RowPlan, arguments: int) -> Encode:
        """The encoder of a shape: compiled and kept when the shape is seen a second time."""
        picks, columns, deleted = plan
        full = (
            len(self._encoders) >= self.MAX_SHAPES
            or self._cached_columns + len(picks) > self.MAX_CACHED_COLUMNS
        )
        if full or hash(shape) not in self._seen_once:
            if len(self._seen_once) >= 4 * self.MAX_SHAPES:
                self._seen_once.clear()
            self._seen_once.add(hash(shape))
            return self._uncompiled(plan)
        self._cached_columns += len(picks)
        if deleted or not self._plain:
            self._encoders[shape] = encode = self._uncompiled(plan)
            return encode
        encode = _arranged(
            self._encoder.compile_row(self.operation, self._keys, columns), picks, arguments
        )
        self._encoders[shape] = encode
        # The encoder checks the types of what it is given, and only that: one that takes every
        # value as it is may be called for other values of the same names, and no other one.
        takes_all = len(picks) == arguments and not any(convert for _, convert in picks)
        names = shape[0]
        if not takes_all or names in self.direct or names in self._several:
            self._several.add(names)
            self.direct.pop(names, None)
        else:
            self.direct[names] = encode
        return encode

    def _uncompiled(self, plan: RowPlan) -> Encode:
        """The encoder of a shape without compiling, for a shape that may not occur again.

        Also for rows that a compiled encoder cannot make: with versions, generated keys or deleted
        columns.
        """
        names = [name for name, _ in (*self._keys, *plan.columns)]
        picks, deleted = plan.picks, plan.deleted
        keys, operation, row = len(self._keys), self.operation, self._encoder.row

        def encode(*values: Any, version: int | None = None) -> Encoded:
            taken = [
                (name, convert(values[i]) if convert else values[i])
                for name, (i, convert) in zip(names, picks, strict=True)
            ]
            return row(operation, taken[:keys], taken[keys:], deleted, version)

        return encode


def _arranged(encode: Encode, picks: list[Pick], arguments: int) -> Encode:
    """The encoder, called with its arguments in order and converted."""
    if any(convert for _, convert in picks):
        return lambda *values: encode(
            *[convert(values[i]) if convert else values[i] for i, convert in picks]
        )
    positions = [position for position, _ in picks]
    if positions == [*range(arguments)]:
        return encode
    if len(positions) > 1:
        take = itemgetter(*positions)
        return lambda *values: encode(*take(values))
    return lambda *values: encode(values[positions[0]])
