"""What a reset of offsets does to each partition: what is read again, and what is skipped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from connectors.errors import StopRun
from connectors.kafka.bounds import Bounds
from connectors.settings.kafka import check_time, milliseconds

WORDS = ("earliest", "latest")


class Target(NamedTuple):
    """Where partitions are to go on: a word of WORDS, an offset, or a time in ms since 1970."""

    word: str | None = None
    offset: int | None = None
    moment: int | None = None


class Change(NamedTuple):
    """The next run goes on at `new` and not at `now`."""

    key: str
    now: int
    new: int

    @property
    def text(self) -> str:
        """Which offsets the change reads again or skips, for people."""
        topic, _, partition = self.key.rpartition(":")
        where = f"topic {topic} partition {partition}: {self.now} -> {self.new}: "
        if self.new < self.now:
            return (
                f"{where}offsets {self.new} to {self.now - 1} are read again and written again "
                f"({self.now - self.new} records at most)"
            )
        if self.new > self.now:
            return (
                f"{where}offsets {self.now} to {self.new - 1} are skipped "
                f"({self.new - self.now} records at most): they are in no table and no dead letter"
            )
        return f"{where}no change"


def parse_target(text: str) -> Target:
    """`earliest`, `latest`, a time with its zone, or an offset. Raises StopRun."""
    if text in WORDS:
        return Target(word=text)
    if text.isascii() and text.isdigit():
        return Target(offset=int(text))
    try:
        return Target(moment=milliseconds(check_time(text)))
    except ValueError:
        raise StopRun(
            f"offsets: --to {text!r} is neither earliest, latest, an offset nor a time with its "
            "zone\n  remedy: write a time such as 2026-01-31T08:00:00Z"
        ) from None


def select(
    positions: Mapping[str, int], topic: str | None, partition: int | None
) -> dict[str, int]:
    """The positions of a topic, or of one partition of it, by key. Raises StopRun for none."""
    found = {
        key: offset
        for key, offset in positions.items()
        if topic in (None, key.rpartition(":")[0])
        and partition in (None, int(key.rpartition(":")[2]))
    }
    if not found:
        known = ", ".join(sorted(positions)) or "none"
        raise StopRun(
            f"offsets: the recovery folder knows no such partition (it knows {known})\n"
            "  remedy: correct --topic and --partition"
        )
    return found


def changes(
    positions: Mapping[str, int], bounds: Mapping[str, Bounds], target: Target
) -> list[Change]:
    """The change of each partition that exists. Raises StopRun for an offset that none has."""
    found = []
    for key in sorted(positions.keys() & bounds.keys()):
        first, end, of_time = bounds[key]
        if target.offset is not None:
            if not first <= target.offset <= end:
                topic, _, partition = key.rpartition(":")
                raise StopRun(
                    f"offsets: topic {topic} partition {partition} has offsets {first} to {end}, "
                    f"not {target.offset}\n  remedy: name one of these, and one partition with "
                    "--topic and --partition"
                )
            new = target.offset
        elif target.word is not None:
            new = first if target.word == "earliest" else end
        else:
            new = of_time
        found.append(Change(key, positions[key], new))
    return found


def gone(positions: Iterable[str], bounds: Mapping[str, Bounds]) -> Sequence[str]:
    """A line for each partition that does not exist any more."""
    return [
        f"topic {key.rpartition(':')[0]} partition {key.rpartition(':')[2]}: does not exist, or is "
        "not of this configuration: it stays as it is"
        for key in sorted({*positions} - bounds.keys())
    ]
