"""The checker by itself: each mistake has its finding, and what proves nothing is UNKNOWN."""

from collections.abc import Callable

import pytest

from simulation.checker import Checker, Columns, Kind, Produced

TOPIC = "orders"


def checker_of(*records: tuple[str, Kind]) -> Checker:
    """A checker that knows records (key, kind) of one partition; each has its offset as column."""
    made = Checker()
    for offset, (key, kind) in enumerate(records):
        columns = () if kind == "delete" else (("n", offset),)
        made.produced(Produced((TOPIC, 0, offset), TOPIC, key, kind, columns, b"%d" % offset))
    return made


def row(key: str, number: int) -> dict[tuple[str, str], Columns]:
    return {(TOPIC, key): (("n", number),)}


def test_all_in_order_passes() -> None:
    """A replaced row, a dead letter and a delete are done too."""
    checker = checker_of(("a", "put"), ("a", "put"), ("b", "reject"), ("c", "put"), ("c", "delete"))
    checker.applied(1, (TOPIC, 0, 1))
    checker.applied(1, (TOPIC, 0, 4))
    checker.dead_lettered(1, (TOPIC, 0, 2), b"2")
    checker.stored({(TOPIC, 0): 5}, [])
    checker.committed((TOPIC, 0), 5)
    verdict = checker.judge(row("a", 1), once_a_run=True, committed={(TOPIC, 0): 5})
    assert verdict.status == "PASS", verdict


def twice(checker: Checker) -> None:
    checker.dead_lettered(1, (TOPIC, 0, 1), b"1")


def other_bytes(checker: Checker) -> None:
    checker.dead_lettered(2, (TOPIC, 0, 1), b"other")


def stored(checker: Checker) -> None:
    checker.stored({(TOPIC, 0): 3}, [(TOPIC, 0, 0)])


def committed(checker: Checker) -> None:
    checker.committed((TOPIC, 0), 3)


def backwards(checker: Checker) -> None:
    checker.applied(1, (TOPIC, 0, 2))
    checker.applied(1, (TOPIC, 0, 0))


def rejected_row(checker: Checker) -> None:
    checker.applied(1, (TOPIC, 0, 1))


def valid_record(checker: Checker) -> None:
    checker.dead_lettered(1, (TOPIC, 0, 0), b"0")


@pytest.mark.parametrize(
    ("mistake", "finding"),
    [
        (twice, "dead_letter_repeated"),
        (other_bytes, "dead_letter_differs"),
        (stored, "stored_too_early"),
        (committed, "committed_too_early"),
        (backwards, "out_of_order"),
        (rejected_row, "wrongly_written"),
        (valid_record, "wrongly_rejected"),
    ],
)
def test_a_mistake_is_found(mistake: Callable[[Checker], None], finding: str) -> None:
    """On the way, though all is right in the end."""
    checker = checker_of(("a", "put"), ("b", "reject"), ("a", "put"))
    mistake(checker)
    checker.applied(2, (TOPIC, 0, 2))
    checker.dead_lettered(1, (TOPIC, 0, 1), b"1")
    verdict = checker.judge(row("a", 2), once_a_run=True)
    assert verdict.status == "FAIL"
    assert finding in verdict.kinds


@pytest.mark.parametrize(
    ("rows", "finding"),
    [({}, "missing"), (row("a", 0), "wrong"), ({**row("a", 1), **row("z", 9)}, "extra")],
)
def test_the_rows_decide_in_the_end(rows: dict[tuple[str, str], Columns], finding: str) -> None:
    """The last change of a key makes its row."""
    checker = checker_of(("a", "put"), ("a", "put"))
    checker.applied(1, (TOPIC, 0, 1))
    assert [*checker.judge(rows).kinds] == [finding]


def test_a_record_that_nothing_became_of_is_lost() -> None:
    """Also when its row is there from an earlier record."""
    checker = checker_of(("a", "put"), ("b", "reject"))
    verdict = checker.judge(row("a", 0))
    assert verdict.kinds["lost"] == 2


def test_what_the_brokers_removed_may_be_missing() -> None:
    """Before it was stored nothing can bring it back; a later record of its key decides."""
    checker = checker_of(("a", "put"), ("a", "put"), ("a", "put"))
    checker.removed([(TOPIC, 0, 0), (TOPIC, 0, 1)])
    checker.applied(1, (TOPIC, 0, 2))
    assert checker.judge(row("a", 2)).status == "PASS"
    assert checker.judge(row("a", 0)).status == "FAIL"


def test_too_few_records_prove_nothing() -> None:
    """UNKNOWN is no PASS."""
    assert checker_of().judge({}).status == "UNKNOWN"
    doubted = checker_of()
    doubted.doubts.append("the fault never struck")
    assert doubted.judge({}, minimum=0).status == "UNKNOWN"
