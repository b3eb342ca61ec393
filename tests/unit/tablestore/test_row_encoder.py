"""Rows that are written only where there is none of their key."""

from connectors.tablestore.row_encoder import RowEncoder, expecting_none
from tests.unit.factories import batch, row, rows_in


def test_only_puts_are_kept_and_get_the_condition() -> None:
    """A delete has no meaning where there must be no row: it is left out, and counted."""
    encoder = RowEncoder()
    key = (("k", "x"),)
    put, delete = encoder.row("put", key, [("a", 1)])[1], encoder.row("delete", key)[1]
    deleted = row("x", delete, offset=1)._replace(operation="delete")
    rows = [row("x", put, offset=0), deleted, row("x", put, offset=2)]
    found, skipped = expecting_none(batch(rows))
    kept = rows_in([found])
    assert skipped == 1
    assert [each.offset for each in kept] == [0, 2]
    assert [each.identity for each in kept] == [b"x", b"x"]
    for each in kept:
        assert each.wire == put[:-1] + b"\x02", "expects that there is no row"
    assert expecting_none(batch([deleted])) == (([], []), 1)
