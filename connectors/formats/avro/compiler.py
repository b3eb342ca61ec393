"""A reader of Avro bytes, compiled to Python from the writer's schema and the reader's.

Each schema becomes the source of a few functions `f(d, p, n, s)`, which read the `n` bytes `d` from
position `p` on, and return the value and the position after it. `s` counts what is bounded: depth,
values, items of no bytes. Of a schema only numbers, and names written by `ascii`, get into the
source; everything else is a constant that the source names.

Reading past the end raises IndexError or struct.error, or leaves `p` beyond `n`; the caller checks
for all three, so plain fields need no check of their own.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import partial
from typing import Any

from connectors.errors import Rejection
from connectors.formats.avro import varints
from connectors.formats.avro.bounds import MAX_DEPTH, MAX_EMPTY_ITEMS, MAX_VALUES, Measure
from connectors.formats.avro.defaults import default_value
from connectors.formats.avro.resolution import branch_for, conversion, misfit, sources
from connectors.formats.avro.schema import Node
from connectors.formats.schema_registry import SchemaError

Function = Callable[[bytes, int, int, list[int]], tuple[Any, int]]

# Levels of blocks in one function; deeper values get functions of their own, as Python limits them.
_MAX_NESTING = 6
# Unions of more branches are read by a list of functions.
_MAX_BRANCHES = 8
# Lines of source for one schema: far more than a row needs, and compiled in seconds.
_MAX_LINES = 200_000
# Fields read by one function.
_MAX_FIELDS = 200
# In place of the reader's type of a field that the reader's schema does not have.
_SKIPPED = Node("skipped")
_WIDTHS = {"boolean": 1, "float": 4, "double": 8}


def _too_deep() -> Rejection:
    return Rejection("avro_depth", f"nested deeper than {MAX_DEPTH} levels")


def _too_many_values() -> Rejection:
    return Rejection("avro_values", f"too large: more than {MAX_VALUES:,} fields and items")


def _too_many_empty() -> Rejection:
    return Rejection("avro_items", f"too large: more than {MAX_EMPTY_ITEMS:,} items of no bytes")


def compiled(writer: Node, reader: Node | None, measure: Measure, extra: int | None) -> Function:
    """The reading function of a schema. Raises SchemaError for a schema of too many types.

    `extra`: the function counts values, as if each record had that many more fields.
    """
    return _Compiler(measure, extra).compile(writer, reader)


class _Compiler:
    def __init__(self, measure: Measure, extra: int | None) -> None:
        self._measure = measure
        self._extra = extra
        self._names: dict[tuple[int, int], str] = {}  # of functions of (writer, reader)
        self._waiting: list[tuple[str, Callable[[], None]]] = []
        self._lists: list[tuple[str, list[str]]] = []
        self._count = 0
        self._size = 0
        self._lines: list[str] = []
        self._space: dict[str, Any] = {
            "Z": tuple(number >> 1 ^ -(number & 1) for number in range(128)),
            "B": (False, True),
            "L": varints.long_at,
            "I": varints.int_at,
            "N": varints.length_at,
            "X": varints.index_at,
            "UF": struct.Struct("<f").unpack_from,
            "UD": struct.Struct("<d").unpack_from,
            "single": varints.single,
            "Damaged": varints.DamagedError,
            "unfit": varints.resolution,
            "too_deep": _too_deep,
            "too_many_values": _too_many_values,
            "too_many_empty": _too_many_empty,
        }

    def compile(self, writer: Node, reader: Node | None) -> Function:
        """The decoding function of a whole schema, for a writer's schema and perhaps a reader's."""
        top = self._function(writer, reader)
        while self._waiting:
            name, write = self._waiting.pop()
            self._lines = [f"def {name}(d, p, n, s):"]
            write()
            self._size += len(self._lines)
            if self._size > _MAX_LINES:
                raise SchemaError("it has too many types")
            exec(compile("\n".join(self._lines), "<avro>", "exec"), self._space)  # noqa: S102
        for name, functions in self._lists:
            self._space[name] = [self._space[one] for one in functions]
        made: Function = self._space[top]
        return made

    def _function(self, writer: Node, reader: Node | None) -> str:
        """The name of the function that reads a type; its source is written later."""
        pair = (id(writer), id(reader))
        if pair not in self._names:
            self._names[pair] = self._new("f")
            self._waiting.append((self._names[pair], lambda: self._body(writer, reader)))
        return self._names[pair]

    def _new(self, prefix: str) -> str:
        self._count += 1
        return f"{prefix}{self._count}"

    def _constant(self, value: Any) -> str:
        name = self._new("c")
        self._space[name] = value
        return name

    def _add(self, pad: int, *lines: str) -> None:
        self._lines += [f"{' ' * pad}{line}" for line in lines]
        if len(self._lines) > _MAX_LINES:
            raise SchemaError("it has too many types")

    def _body(self, writer: Node, reader: Node | None) -> None:
        if writer.is_recursive:
            self._add(1, "s[0] += 1", f"if s[0] > {MAX_DEPTH}: raise too_deep()")
        self._value(writer, reader, "v", 1, 0, inline=True)
        if writer.is_recursive:
            self._add(1, "s[0] -= 1")
        self._add(1, "return v, p")

    def _value(
        self,
        writer: Node,
        reader: Node | None,
        out: str,
        pad: int,
        depth: int,
        *,
        inline: bool = False,
    ) -> None:
        """The lines that read a value into the variable `out`."""
        if not inline and writer.type in ("record", "array", "map", "union"):
            shared = writer.type == "record" and writer.uses > 1
            if shared or depth > _MAX_NESTING:
                self._add(pad, f"{out}, p = {self._function(writer, reader)}(d, p, n, s)")
                return
        if writer.type == "union":
            self._union(writer, reader, out, pad, depth)
            return
        if reader is _SKIPPED and writer.type not in ("record", "array", "map"):
            self._skip(writer, out, pad)
            return
        if reader is not None and reader.type == "union":
            branch = branch_for(writer, reader)
            if branch is None:
                self._unfit(f"{writer} where the reader's union has nothing that fits", pad)
                return
            reader = branch
        why = "" if reader is None or reader is _SKIPPED else misfit(writer, reader)
        if why:
            self._unfit(why, pad)
            return
        if writer.type == "record":
            self._record(writer, reader, out, pad, depth)
        elif writer.type in ("array", "map"):
            self._items(writer, reader, out, pad, depth)
        elif writer.type == "enum":
            self._enum(writer, reader, out, pad)
        else:
            self._plain(writer, out, pad)
            self._promote(writer, reader, out, pad)
        convert = None if reader is _SKIPPED else conversion(writer, reader)
        if convert is not None:
            self._add(pad, "if p > n: raise Damaged", f"{out} = {self._constant(convert)}({out})")

    def _unfit(self, why: str, pad: int) -> None:
        self._add(pad, f"raise unfit({why!a})")

    def _plain(self, node: Node, out: str, pad: int) -> None:
        avro_type = node.type
        if avro_type == "null":
            self._add(pad, f"{out} = None")
        elif avro_type in ("int", "long"):
            self._add(
                pad,
                "b = d[p]",
                f"if b < 128: {out} = Z[b]; p += 1",
                f"else: {out}, p = {'I' if avro_type == 'int' else 'L'}(d, p)",
            )
        elif avro_type == "boolean":
            self._add(pad, f"{out} = B[d[p]]", "p += 1")
        elif avro_type in ("float", "double"):
            unpack = "UF" if avro_type == "float" else "UD"
            self._add(pad, f"{out} = {unpack}(d, p)[0]", f"p += {_WIDTHS[avro_type]}")
        elif avro_type == "fixed":
            self._add(pad, f"q = p + {node.size}", "if q > n: raise Damaged")
            self._add(pad, f"{out} = d[p:q]", "p = q")
        else:
            text = ".decode()" if avro_type == "string" else ""
            self._length(pad)
            self._add(pad, "q = p + b", f"{out} = d[p:q]{text}", "p = q")

    def _length(self, pad: int, index: bool = False) -> None:
        """The lines that read a length into `b`, and raise for a negative one.

        In the first byte the lowest bit is the sign, and the highest says that more follow.
        """
        self._add(
            pad,
            "b = d[p]",
            f"if b & 129: b, p = {'X' if index else 'N'}(d, p)",
            "else: b >>= 1; p += 1",
        )

    def _promote(self, writer: Node, reader: Node | None, out: str, pad: int) -> None:
        if reader is None or reader.type == writer.type:
            return
        if reader.type == "bytes":
            self._add(pad, f"{out} = {out}.encode()")
        elif reader.type == "string":
            self._add(pad, f"{out} = {out}.decode()")
        elif reader.type == "double":
            self._add(pad, f"{out} = float({out})")
        elif reader.type == "float":
            self._add(pad, f"{out} = single({out})")

    def _enum(self, writer: Node, reader: Node | None, out: str, pad: int) -> None:
        known: tuple[str | None, ...] = writer.symbols
        if reader is not None:
            symbols = reader.symbols
            known = tuple(one if one in symbols else reader.enum_default for one in known)
        self._length(pad, index=True)
        self._add(pad, f"{out} = {self._constant(known)}[b]")
        if None in known:
            self._add(pad, f"if {out} is None:")
            self._unfit(f"a symbol of {writer} that the reader's does not have", pad + 1)

    def _union(self, writer: Node, reader: Node | None, out: str, pad: int, depth: int) -> None:
        self._length(pad, index=True)
        if len(writer.branches) > _MAX_BRANCHES:
            name = self._new("u")
            functions = [self._function(one, reader) for one in writer.branches]
            self._lists.append((name, functions))
            self._add(pad, f"{out}, p = {name}[b](d, p, n, s)")
            return
        # Most unions are of null and one type, and most values are of that type.
        order = sorted(range(len(writer.branches)), key=lambda i: writer.branches[i].type == "null")
        word = "if"
        for index in order:
            self._add(pad, f"{word} b == {index}:")
            self._value(writer.branches[index], reader, out, pad + 1, depth + 1)
            word = "elif"
        self._add(pad, *(["else: raise Damaged"] if order else ["raise Damaged"]))

    def _counted(self, values: str, pad: int) -> None:
        if self._extra is not None:
            self._add(pad, f"s[1] += {values}", f"if s[1] > {MAX_VALUES}: raise too_many_values()")

    def _items(self, writer: Node, reader: Node | None, out: str, pad: int, depth: int) -> None:
        is_map = writer.type == "map"
        target = reader if reader is None or reader is _SKIPPED else reader.inner
        found, count, item, key, start = (self._new(one) for one in "vnvks")
        can_be_empty = not is_map and self._measure.of(writer.inner).least == 0
        self._add(pad, f"{found} = {'{}' if is_map else '[]'}", "while True:")
        self._add(
            pad + 1,
            f"{count}, p = L(d, p)",
            f"if not {count}: break",
            f"if {count} < 0: {count} = -{count}; p = L(d, p)[1]",
        )
        if not can_be_empty:
            self._counted(count, pad + 1)
        self._add(pad + 1, f"for _ in range({count}):")
        if can_be_empty:
            self._add(pad + 2, f"{start} = p")
            self._counted("1", pad + 2)
        if is_map:
            self._plain(Node("string"), key, pad + 2)
        self._value(writer.inner, target, item, pad + 2, depth + 1)
        if is_map:
            self._add(pad + 2, f"{found}[{key}] = {item}")
        else:
            self._add(pad + 2, f"{found}.append({item})")
        if can_be_empty:
            self._add(pad + 2, f"if p == {start}:", " s[2] += 1")
            self._add(pad + 2, f" if s[2] > {MAX_EMPTY_ITEMS}: raise too_many_empty()")
        self._add(pad, f"{out} = {found}")

    def _record(self, writer: Node, reader: Node | None, out: str, pad: int, depth: int) -> None:
        self._counted(str(len(writer.fields) + (self._extra or 0)), pad)
        fields = {id(field): self._new("v") for field in writer.fields}
        if reader is None or reader is _SKIPPED:
            self._fields(
                [(one.node, reader, fields[id(one)]) for one in writer.fields], pad, depth + 1
            )
            made = [f"{field.name!a}: {fields[id(field)]}" for field in writer.fields]
            self._add(pad, f"{out} = " + (f"{{{', '.join(made)}}}" if reader is None else "None"))
            return
        found = sources(writer, reader)
        targets: dict[int, Node] = {}
        made = []
        for field, source in found:
            if source is not None:
                targets[id(source)] = field.node
                made.append(f"{field.name!a}: {fields[id(source)]}")
            elif field.has_default:
                default = self._literal(default_value(field.node, field.default))
                made.append(f"{field.name!a}: {default}")
            else:
                self._unfit(
                    f"{writer} has no field {field.name!r}, for which the reader has no default",
                    pad,
                )
                return
        self._fields(
            [(one.node, targets.get(id(one), _SKIPPED), fields[id(one)]) for one in writer.fields],
            pad,
            depth + 1,
        )
        self._add(pad, f"{out} = {{{', '.join(made)}}}")

    def _fields(self, fields: list[tuple[Node, Node | None, str]], pad: int, depth: int) -> None:
        """The lines that read fields, given as (writer's type, reader's type, variable).

        Python's compiler takes a hundred times as much memory as a function has text, so the fields
        of a very large record are read by several functions.
        """
        if len(fields) <= _MAX_FIELDS:
            for writer, reader, variable in fields:
                self._value(writer, reader, variable, pad, depth)
            return
        for start in range(0, len(fields), _MAX_FIELDS):
            some = fields[start : start + _MAX_FIELDS]
            variables = "".join(f"{variable}, " for _, _, variable in some)
            name = self._new("f")
            self._waiting.append((name, partial(self._some_fields, some, variables)))
            self._add(pad, f"({variables}), p = {name}(d, p, n, s)")

    def _some_fields(self, fields: list[tuple[Node, Node | None, str]], variables: str) -> None:
        self._fields(fields, 1, 0)
        self._add(1, f"return ({variables}), p")

    def _literal(self, value: Any) -> str:
        """An expression for a default; one that can be changed is made again for each record."""
        if type(value) is dict:
            return (
                "{"
                + ", ".join(f"{name!a}: {self._literal(one)}" for name, one in value.items())
                + "}"
            )
        if type(value) is list:
            return f"[{', '.join(map(self._literal, value))}]"
        return self._constant(value)

    def _skip(self, node: Node, out: str, pad: int) -> None:
        """The lines that skip a plain value that the reader's schema does not have."""
        self._add(pad, f"{out} = None")
        if node.type in ("int", "long"):
            number = "I" if node.type == "int" else "L"
            self._add(pad, "if d[p] < 128: p += 1", f"else: p = {number}(d, p)[1]")
        elif node.type == "enum":
            self._length(pad, index=True)
            self._add(pad, f"if b >= {len(node.symbols)}: raise Damaged")
        elif node.type in ("string", "bytes"):
            self._length(pad)
            self._add(pad, "p += b")
        elif node.type != "null":
            self._add(pad, f"p += {node.size or _WIDTHS.get(node.type, 0)}")
            self._add(pad, "if p > n: raise Damaged")
