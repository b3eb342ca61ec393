"""Which dead letters of the table are looked for: those of the ranges that are verified."""

from collections.abc import Iterator
from typing import cast

from connectors.kafka.ranges import Range
from connectors.tablestore.rows_api import RowsApi
from connectors.verify.dead_letters import index_of
from tests.unit import factories


class DeadLetterTable:
    """Dead letters of any offset; it refuses a range of no rows, as the service does."""

    def dead_letter_offsets(self, _: str, place: str, first: int, end: int) -> Iterator[int]:
        """The odd offsets, of partition 1 alone."""
        assert first < end
        return (offset for offset in range(first, end) if offset % 2 and place == "orders_1")


def test_a_partition_without_records_in_the_range_is_not_asked_for() -> None:
    """`--from` and `--to` may leave a partition with no offset at all."""
    errors = {"tolerance": "all", "dead_letters": "tablestore"}
    ranges = [Range("orders", 0, 7, 7, 7, None), Range("orders", 1, 3, 8, 8, None)]
    rows = cast(RowsApi, DeadLetterTable())
    found = index_of(factories.settings(errors=errors), ranges, rows)
    assert found.between(0, 0, 100) == set()
    assert found.between(1, 0, 100) == {3, 5, 7}
