"""Updates and deletes beside puts of the same key: one change of a key a request, in order."""

from collections.abc import Sequence

import pytest

from connectors.records import Operation, Row
from connectors.tablestore.verdicts import Verdict
from tests.unit.factories import batch
from tests.unit.tablestore.fake_service import (
    BAD,
    BUSY,
    OK,
    Change,
    Writing,
    answers,
    change,
    tolerant,
)


def several(*changes: tuple[str, Operation]) -> list[Row]:
    """Changes of key k."""
    return [
        change("k", value, offset, operation=operation)
        for offset, (value, operation) in enumerate(changes)
    ]


def sent(writing: Writing) -> list[list[str]]:
    """The rows of each request."""
    return [[found.value for found in request] for request in writing.fake.requests]


def test_what_replaces_goes_alone_and_updates_follow() -> None:
    """A delete takes the place of what came before it; each update has a request of its own."""
    rows = several(("1", "put"), ("2", "update"), ("3", "delete"), ("4", "update"), ("5", "update"))
    with Writing(tolerant(), answers(None, [BUSY])) as writing:
        writing.write(batch([*rows, change("x", "1", 9)]))
        assert sent(writing) == [["3", "1"], ["4"], ["4"], ["5"]]
        assert writing.counts == {"written": 6, "retried": 1}


@pytest.mark.P4
def test_a_rejected_change_loses_none_before_or_after_it() -> None:
    """P4: what the rejected put stood for is sent after all, and then what came after it."""

    def reply(found: list[Change]) -> Sequence[Verdict]:
        return [BAD if change.value == "bad" else OK for change in found]

    rows = several(("1", "put"), ("2", "update"), ("bad", "put"), ("4", "update"))
    with Writing(tolerant(), reply) as writing:
        writing.write(batch(rows))
        assert sent(writing) == [["bad"], ["1"], ["2"], ["4"]]
        assert writing.counts == {"written": 3, "rejected": 1}
