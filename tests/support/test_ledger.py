"""The judge finds what it must find: a checker that cannot fail proves nothing."""

from pathlib import Path

import pytest

from tests.support.ledger import (
    Columns,
    Effect,
    Filtered,
    Key,
    Manifest,
    Produced,
    Put,
    Rejected,
    Tables,
    judge,
)


def key(name: str) -> Key:
    return (("id", name),)


def put(offset: int, name: str, amount: float | int | bool, partition: int = 0) -> Produced:
    row = Put("orders", key(name), {"amount": amount})
    return Produced("orders", partition, offset, b"k", b"v", row)


@pytest.fixture
def manifest() -> Manifest:
    """Three records of two keys; b changes once. One is rejected and one is filtered."""
    made = Manifest()
    for record in (put(0, "a", 1), put(1, "b", 2), put(2, "b", 3)):
        made.add(record)
    made.add(Produced("orders", 0, 3, None, b"no json", Rejected()))
    made.add(Produced("orders", 0, 4, None, b"{}", Filtered()))
    return made


def good() -> Tables:
    return {"orders": {key("a"): {"amount": 1}, key("b"): {"amount": 3}}}


def effects(*names: str) -> list[Effect]:
    return [Effect("orders", key(name)) for name in names]


REJECTED = [("orders", 0, 3)]


def test_all_in_order_passes(manifest: Manifest) -> None:
    """Every row right, every change applied once, the rejection reported: PASS."""
    verdict = judge(manifest, good(), effects("a", "b", "b"), REJECTED)
    assert verdict.status == "PASS", verdict
    assert verdict.duplicates == 0


def test_a_replaced_change_need_not_be_applied(manifest: Manifest) -> None:
    """Of two changes of a key in one window only the last is written; that is no loss."""
    assert judge(manifest, good(), effects("a", "b"), REJECTED).status == "PASS"


def test_a_lost_row_fails(manifest: Manifest) -> None:
    """The ledger fails when a produced record has no row."""
    tables = good()
    del tables["orders"][key("a")]
    verdict = judge(manifest, tables)
    assert (verdict.status, verdict.counts["missing"]) == ("FAIL", 1)


def test_a_lost_table_fails(manifest: Manifest) -> None:
    """No table at all is every row missing."""
    assert judge(manifest, {}).counts["missing"] == 2


def test_a_wrong_row_fails(manifest: Manifest) -> None:
    """The ledger fails when a row holds a value that was not produced."""
    tables = good()
    tables["orders"][key("a")] = {"amount": 99}
    verdict = judge(manifest, tables)
    assert (verdict.status, verdict.counts["wrong"]) == ("FAIL", 1)


@pytest.mark.parametrize("value", [1.0, True, "1", b"1"])
def test_a_value_of_another_type_fails(manifest: Manifest, value: float | bool | str) -> None:
    """1, 1.0, true and "1" are different values in a table."""
    tables = good()
    tables["orders"][key("a")] = {"amount": value}
    assert judge(manifest, tables).counts["wrong"] == 1


def test_a_column_too_many_or_too_few_fails(manifest: Manifest) -> None:
    """The ledger fails when a row has a column too many or one is missing."""
    tables = good()
    tables["orders"][key("a")] = {"amount": 1, "more": 1}
    assert judge(manifest, tables).counts["wrong"] == 1
    tables["orders"][key("a")] = {}
    assert judge(manifest, tables).counts["wrong"] == 1


def test_a_swapped_order_fails(manifest: Manifest) -> None:
    """A key that ends at an older value than its last, and is named as such."""
    tables = good()
    tables["orders"][key("b")] = {"amount": 2}
    verdict = judge(manifest, tables)
    assert (verdict.status, verdict.counts["out_of_order"]) == ("FAIL", 1)


def test_an_extra_row_fails(manifest: Manifest) -> None:
    """A row that no record asked for, such as that of a rejected one."""
    tables = good()
    tables["orders"][key("c")] = {"amount": 1}
    assert judge(manifest, tables).counts["extra"] == 1


def test_rejections_must_be_reported_and_true(manifest: Manifest) -> None:
    """A rejection that was not reported, and one of a good record, both fail."""
    assert judge(manifest, good(), reported=[]).counts["unreported"] == 1
    reported = [*REJECTED, ("orders", 0, 1)]
    assert judge(manifest, good(), reported=reported).counts["wrongly_rejected"] == 1


def test_duplicates_are_counted(manifest: Manifest) -> None:
    """More changes than records of a key are duplicates: allowed, and counted."""
    verdict = judge(manifest, good(), effects("a", "a", "a", "b", "b"))
    assert (verdict.status, verdict.duplicates) == ("PASS", 2)


def test_a_row_that_was_never_applied_fails(manifest: Manifest) -> None:
    """A row in the table that the log of effects does not know came by another way."""
    assert judge(manifest, good(), effects("b")).counts["never_applied"] == 1


def test_too_little_to_tell_is_unknown(manifest: Manifest) -> None:
    """Too few records, a fault that never fired, a record of unknown fate: not a PASS."""
    assert judge(manifest, good(), minimum=100).status == "UNKNOWN"
    assert judge(manifest, good(), fired={"kill": 3, "throttle": 0}).status == "UNKNOWN"
    manifest.add_unknown("timed out")
    assert judge(manifest, good()).status == "UNKNOWN"


def test_a_failure_outweighs_the_unknown(manifest: Manifest) -> None:
    """What is lost is lost, however little ran."""
    assert judge(manifest, {}, minimum=100).status == "FAIL"


def test_one_key_from_two_partitions_cannot_be_judged(manifest: Manifest) -> None:
    """There is no order between partitions, so a test that needs one is wrong itself."""
    manifest.add(put(9, "a", 5, partition=1))
    with pytest.raises(ValueError, match="two partitions"):
        judge(manifest, good())


def test_a_manifest_survives_its_file(tmp_path: Path) -> None:
    """What one process writes another reads, bytes and types included."""
    path = tmp_path / "manifest.jsonl"
    written = Manifest(path)
    columns: Columns = {"i": 1, "f": 1.0, "b": True, "s": "\u00e4", "x": b"\x00\xff"}
    pair: Key = (("id", b"\x01"), ("n", 7))
    written.add(Produced("t", 1, 2, b"\xff", None, Put("t", pair, dict(columns))))
    written.add(Produced("t", 1, 3, None, b"\xfe", Rejected()))
    written.add(Produced("t", 1, 4, None, b"", Filtered()))
    assert list(Manifest.load(path)) == list(written)
