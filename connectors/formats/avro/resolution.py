"""Schema resolution: as which type of a reader's schema a writer's type is read [avro-spec].

The specification lets the types of a reader and a writer match by their names without a namespace.
Java's library looks at the names of records only to choose a branch of a union, and this module
does the same.
"""

from __future__ import annotations

from connectors.formats.avro.logical import FAMILIES, Convert
from connectors.formats.avro.schema import Field, Node

_PROMOTIONS = {
    "int": ("long", "float", "double"),
    "long": ("float", "double"),
    "float": ("double",),
    "string": ("bytes",),
    "bytes": ("string",),
}


def misfit(writer: Node, reader: Node) -> str:
    """Why no value of the writer's type can be read as the reader's; "" if some can.

    Neither type is a union.
    """
    if writer.type != reader.type:
        if reader.type in _PROMOTIONS.get(writer.type, ()):
            return _logical_misfit(writer, reader)
        return f"{writer} where the reader has {reader}"
    if writer.type in ("enum", "fixed") and not _same_name(writer, reader):
        return f"{writer} where the reader has {reader}"
    if writer.type == "fixed" and writer.size != reader.size:
        return f"{writer} of {writer.size} bytes where the reader has {reader.size}"
    return _logical_misfit(writer, reader)


def _logical_misfit(writer: Node, reader: Node) -> str:
    if not writer.logical or not reader.logical:
        return ""
    if writer.logical == reader.logical:
        if writer.scale == reader.scale:
            return ""
        return f"a decimal of scale {writer.scale} where the reader has {reader.scale}"
    connect = "." in writer.logical or "." in reader.logical
    if connect or _family(writer) == _family(reader):
        return ""
    return f"{writer.logical} where the reader has {reader.logical}"


def _family(node: Node) -> str:
    return next((one for one in FAMILIES if node.logical.startswith(one)), node.logical)


def conversion(writer: Node, reader: Node | None) -> Convert | None:
    """The conversion of a value: to the reader's logical type, from the writer's unit."""
    if reader is None:
        return writer.convert
    is_of_family = writer.logical != reader.logical and _family(writer) in FAMILIES
    if is_of_family and _family(writer) == _family(reader):
        return writer.convert
    return reader.convert


def _same_name(writer: Node, reader: Node) -> bool:
    return (
        writer.short_name == reader.short_name
        or writer.name in reader.aliases
        or writer.short_name in reader.aliases
    )


def branch_for(writer: Node, union: Node) -> Node | None:
    """The branch of a reader's union for a type that is not a union; None if none fits.

    The first of the same type, and for named types of the same name; else a record of the same name
    without its namespace, else the first whose fields fit; else the first to which the type can be
    promoted.
    """
    same = [one for one in union.branches if one.type == writer.type and not misfit(writer, one)]
    for one in same:
        if not one.name or one.name == writer.name or writer.name in one.aliases:
            return one
    if writer.type == "record":
        same = [one for one in same if fits(writer, one)]
        same.sort(key=lambda one: one.short_name != writer.short_name)
    if same:
        return same[0]
    for one in union.branches:
        if one.type in _PROMOTIONS.get(writer.type, ()) and not misfit(writer, one):
            return one
    return None


def fits(writer: Node, reader: Node, known: dict[tuple[int, int], bool] | None = None) -> bool:
    """Whether some values of the writer's type can be read as the reader's."""
    known = {} if known is None else known
    pair = (id(writer), id(reader))
    if pair not in known:
        known[pair] = True  # assumed to fit inside of itself
        known[pair] = _fits(writer, reader, known)
    return known[pair]


def _fits(writer: Node, reader: Node, known: dict[tuple[int, int], bool]) -> bool:
    if writer.type == "union":
        return any(fits(one, reader, known) for one in writer.branches)
    if reader.type == "union":
        return any(fits(writer, one, known) for one in reader.branches)
    if misfit(writer, reader):
        return False
    if writer.type in ("array", "map"):
        return fits(writer.inner, reader.inner, known)
    if writer.type != "record":
        return True
    return all(
        field.has_default if source is None else fits(source.node, field.node, known)
        for field, source in sources(writer, reader)
    )


def sources(writer: Node, reader: Node) -> list[tuple[Field, Field | None]]:
    """Each field of the reader's record, with the writer's field that it is read from."""
    left = {field.name: field for field in writer.fields}
    found = {field.name: left.pop(field.name) for field in reader.fields if field.name in left}
    for field in reader.fields:
        alias = next((one for one in field.aliases if one in left), None)
        if field.name not in found and alias is not None:
            found[field.name] = left.pop(alias)
    return [(field, found.get(field.name)) for field in reader.fields]
