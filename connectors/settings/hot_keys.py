"""Hot partition keys, of which `check` warns [partition-keys].

The values of a table's first key column are its partition keys. All rows of one value stay in one
partition, which takes about 10,000 capacity units a second and holds about 10 GB; rows of growing
values are all written to the last partition. A new table has a single partition.
"""

from __future__ import annotations

import re

from connectors.settings.tables import TableSettings

_TIME = re.compile(
    r"(^|_)(time|timestamp|date|datetime|day|hour|minute|month|year|ts|at)($|_)|[a-z](Time|Date|At)$",
)


def hot_key_warning(rules: TableSettings) -> str | None:
    """Why writes to a table may all go to one partition, and the remedy; None if they do not."""
    if rules.mode != "wide_column":
        return None
    first, _ = rules.key_columns[0]
    if rules.primary_key_mode == "kafka":
        return (
            "each Kafka partition is one partition key, which takes about 10,000 capacity units a "
            'second and holds about 10 GB: for fast or large topics set primary_key_mode = "search"'
        )
    if rules.primary_key and _TIME.search(first):
        return (
            f"its key begins with {first}, which seems to be a time: all new rows go to one "
            "partition; put a column first whose values spread, such as an id or a hash of it"
        )
    return None
