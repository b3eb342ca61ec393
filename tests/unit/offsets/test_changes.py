"""What a reset does to each partition, in words and in numbers."""

import pytest

from connectors.errors import StopRun
from connectors.kafka.bounds import Bounds
from connectors.offsets.changes import Change, Target, changes, gone, parse_target, select

NOW = {"a:0": 120, "a:1": 7, "b:0": 5}
BOUNDS = {"a:0": Bounds(100, 300, 150), "a:1": Bounds(0, 7, 7)}


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("earliest", Target(word="earliest")),
        ("latest", Target(word="latest")),
        ("42", Target(offset=42)),
        ("2026-01-31T08:00:00Z", Target(moment=1_769_846_400_000)),
        ("2026-01-31T09:00:00+01:00", Target(moment=1_769_846_400_000)),
    ],
)
def test_where_to(text: str, target: Target) -> None:
    """A word, an offset or a time."""
    assert parse_target(text) == target


@pytest.mark.parametrize(
    "text", ["", "-1", "yesterday", "2026-01-31T08:00:00", "group:x", "\uff11"]
)
def test_what_is_no_place(text: str) -> None:
    """With an example of a time."""
    with pytest.raises(StopRun, match="2026-01-31T08:00:00Z"):
        parse_target(text)


@pytest.mark.parametrize(
    ("target", "new"),
    [
        (Target(word="earliest"), {"a:0": 100, "a:1": 0}),
        (Target(word="latest"), {"a:0": 300, "a:1": 7}),
        (Target(moment=1), {"a:0": 150, "a:1": 7}),
    ],
)
def test_each_partition_that_exists(target: Target, new: dict[str, int]) -> None:
    """The others are named, and stay."""
    assert {change.key: change.new for change in changes(NOW, BOUNDS, target)} == new
    (line,) = gone(NOW, BOUNDS)
    assert "topic b partition 0" in line


def test_an_offset_must_exist() -> None:
    """The end is one; what is beyond is not, nor what retention has taken."""
    one = {"a:0": 120}
    assert changes(one, BOUNDS, Target(offset=300))[0].new == 300
    for wrong in (99, 301):
        with pytest.raises(StopRun, match="has offsets 100 to 300"):
            changes(one, BOUNDS, Target(offset=wrong))


@pytest.mark.parametrize(
    ("new", "words"),
    [
        (100, "offsets 100 to 119 are read again and written again (20 records at most)"),
        (130, "offsets 120 to 129 are skipped (10 records at most): they are in no table"),
        (120, "no change"),
    ],
)
def test_the_words(new: int, words: str) -> None:
    """What is read again, or is in no table."""
    assert words in Change("a.b:0", 120, new).text
    assert Change("a.b:0", 120, new).text.startswith("topic a.b partition 0: 120 -> ")


def test_a_selection() -> None:
    """All, a topic, or one partition; an empty one is a slip."""
    assert select(NOW, None, None) == NOW
    assert [*select(NOW, "a", None)] == ["a:0", "a:1"]
    assert [*select(NOW, "a", 1)] == ["a:1"]
    for topic, partition in (("c", None), ("b", 1)):
        with pytest.raises(StopRun, match="it knows a:0, a:1, b:0"):
            select(NOW, topic, partition)
