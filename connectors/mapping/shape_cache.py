"""The shape cache: how the values of one shape become a row is planned once, and then reused.

A shape is the field names and the Python types of their values. Most topics have a handful, so the
work that depends only on names and types (row_plan.py) is done once for each shape, and each record
only costs the work on its values.

As long as all records of the same names have had the same types, their compiled encoder is called
without looking at the types (`direct`): it checks them itself, and raises for a value of another
type, after which the shape is looked up. So values that need no conversion cost one look-up.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Any, cast

from connectors.mapping.encoder import Encode, Encoded, Encoder
from connectors.mapping.row_plan import Pick, RowPlan, RowPlanner
from connectors.records import Operation
from connectors.settings.tables import TableSettings


class Encoders:
    """The compiled encoders of records of the same names."""

    __slots__ = ("_deciding", "_first", "_varying", "by_types", "direct", "several")

    def __init__(self) -> None:
        self.by_types: dict[tuple[type, ...], Encode] = {}
        # The only one, as long as it takes all values as they are.
        self.direct: Encode | None = None
        self.several = False
        self._first: tuple[type, ...] = ()
        self._varying: set[int] = set()
        # Positions of fields, and the encoders by the types there. Several workers of a process may
        # share them, so both change together.
        self._deciding: tuple[list[int], dict[tuple[type, ...], Encode]] = [], {}

    def add(self, types: tuple[type, ...], encode: Encode, not_taken: Iterable[int]) -> None:
        """Add the encoder of these types, which does not take fields `not_taken` as they are."""
        # An encoder checks the types of what it takes as it is, so all other fields decide which
        # encoder it is, and those that are not always of one type.
        self._first = self._first or types
        self._varying.update(not_taken)
        self._varying.update(
            at
            for at, (one, other) in enumerate(zip(self._first, types, strict=True))
            if one != other
        )
        self.by_types[types] = encode
        positions = sorted(self._varying)
        self._deciding = (
            positions,
            {tuple([kinds[at] for at in positions]): one for kinds, one in self.by_types.items()},
        )

    def chosen(self, rows: Sequence[Sequence[Any]]) -> list[Encode]:
        """The encoder of each of some rows, by as few of its types as can be.

        It raises for a row that has other types after all. Raises KeyError where there is none.
        """
        positions, encoders = self._deciding
        if not encoders:
            raise KeyError
        if not positions:
            (only,) = encoders.values()
            return [only] * len(rows)
        types = [map(type, map(itemgetter(at), rows)) for at in positions]
        return [encoders[found] for found in zip(*types, strict=True)]


class ShapeCache:
    """Makes rows of one table from (leading values, record value), by shape.

    The leading values are the version, if the table's cells have one, and then the key columns that
    are not fields of the value. A shape is compiled when it is seen a second time, and at most
    MAX_SHAPES are kept: a stream in which every record has other names must not fill the memory.
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
        self.by_shard = encoder.by_shard
        self.planner = RowPlanner(rules, encoder.generated, json_only, changed)
        self.fields = self.planner.fields
        self._keys = rules.key_columns
        self._versioned = rules.version != "none"
        # A put replaces the whole row, newer versions too: with versions it only sets columns.
        self.operation: Operation = "update" if self._versioned else rules.insert_mode
        # Whether a null field differs from an absent one.
        self.null_differs_from_absent = (
            rules.deletes_columns or rules.generates_keys or self.planner.key_in_value
        )
        self._delete: Encode | None = None
        self._known: dict[tuple[str, ...], Encoders] = {}
        self._compiled = 0
        self._cached_columns = 0
        # Hashes of shapes seen once; a collision only compiles one early.
        self._seen_once: set[int] = set()

    def encoders(self, names: tuple[str, ...]) -> Encoders:
        """The encoders of records of these names; empty ones where `row` has made none yet."""
        return self._known.get(names) or Encoders()

    def delete(self, key: Sequence[Any]) -> Encoded:
        """The deletion of a row by its key. Raises the encoder's own exception."""
        if self._encoder.generated in key:
            names = [name for name, _ in self._keys]
            return self._encoder.row("delete", [*zip(names, key, strict=True)])
        if self._delete is None:
            self._delete = self._encoder.compile_row("delete", self._keys, ())
        return self._delete(*key)

    def row(
        self, leading: tuple[Any, ...], names: tuple[str, ...], values: Sequence[Any]
    ) -> Encoded:
        """The row of a record. Raises Rejection, or the encoder's own exception."""
        known = self._known.get(names)
        if known is not None and known.direct is not None:
            try:
                return known.direct(*leading, *values)
            except self.error:
                pass  # perhaps other types than before
        types = (*map(type, values),)
        encode = None if known is None else known.by_types.get(types)
        if encode is None:
            plan = self.planner.plan(names, types, len(leading) - self._versioned)
            encode = self._encoder_of(names, types, plan, len(leading) + len(names))
        return encode(*leading, *values)

    def _encoder_of(
        self, names: tuple[str, ...], types: tuple[type, ...], plan: RowPlan, arguments: int
    ) -> Encode:
        """The encoder of a shape: compiled and kept when the shape is seen a second time."""
        picks, columns, deleted = plan
        full = (
            self._compiled >= self.MAX_SHAPES
            or self._cached_columns + len(picks) > self.MAX_CACHED_COLUMNS
        )
        shape = hash((names, types))
        if full or shape not in self._seen_once:
            if len(self._seen_once) >= 4 * self.MAX_SHAPES:
                self._seen_once.clear()
            self._seen_once.add(shape)
            return self._uncompiled(plan)
        self._compiled += 1
        self._cached_columns += len(picks)
        if self._versioned:  # the first of the arguments
            picks = [(0, None), *[(position + 1, convert) for position, convert in picks]]
        leading = arguments - len(names)
        compiled = self._encoder.compile_row(
            self.operation, self._keys, columns, deleted, versioned=self._versioned
        )
        known = self._known.setdefault(names, Encoders())
        encode = _arranged(compiled, picks, arguments)
        as_it_is = {position - leading for position, convert in picks if convert is None}
        not_taken = {*range(len(names))} - as_it_is
        known.add(types, encode, not_taken)
        # The encoder checks the types of what it is given, and only that: one that takes every
        # value as it is may be called for other values of the same names, and no other one.
        takes_all = len(picks) == arguments and not any(convert for _, convert in picks)
        if not takes_all or known.several or known.direct is not None:
            known.several, known.direct = True, None
        else:
            known.direct = encode
        return encode

    def _uncompiled(self, plan: RowPlan) -> Encode:
        """The same without compiling, for a shape that may never come again."""
        names = [name for name, _ in (*self._keys, *plan.columns)]
        picks, deleted = plan.picks, plan.deleted
        keys, operation, row = len(self._keys), self.operation, self._encoder.row
        versioned = self._versioned

        def encode(*values: Any) -> Encoded:
            version, values = (values[0], values[1:]) if versioned else (None, values)
            taken = [
                (name, convert(values[i]) if convert else values[i])
                for name, (i, convert) in zip(names, picks, strict=True)
            ]
            return row(operation, taken[:keys], taken[keys:], deleted, version)

        return encode


def _arranged(encode: Encode, picks: list[Pick], arguments: int) -> Encode:
    """The encoder behind the arrangement and the conversions of its arguments."""
    if picks == [(position, None) for position in range(arguments)]:
        return encode
    rearranged = getattr(encode, "rearranged", None)
    if rearranged is not None and not any(convert for _, convert in picks):
        made = rearranged([position for position, _ in picks], arguments)
        return cast(Encode, made)
    # Source of names made here alone, as in tablestore/plainbuffer/codegen.py.
    given = ", ".join(f"a{position}" for position in range(arguments))
    taken = ", ".join(
        f"c{number}(a{position})" if convert else f"a{position}"
        for number, (position, convert) in enumerate(picks)
    )
    converters = {f"c{number}": convert for number, (_, convert) in enumerate(picks) if convert}
    return cast(
        Encode,
        eval(  # noqa: S307
            f"lambda {given}: encode({taken})", {"encode": encode, **converters}
        ),
    )
