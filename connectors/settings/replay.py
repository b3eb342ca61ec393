"""[replay]: which dead letters flows/replay.py reads, and what it does with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field

from connectors.settings.kafka import check_time, milliseconds
from connectors.settings.section import Section


class ReplaySettings(Section):
    """Which dead letters a replay reads, and what it does with their records."""

    section = "replay"
    former_names: ClassVar[Mapping[str, str]] = {"most_replays": "max_replays"}

    source: Literal["topic", "table"] | None = Field(
        None,
        description="Where the dead letters are: dead_letters.topic or dead_letters.table. "
        "Unless set, where errors.dead_letters sends them.",
    )
    target: Literal["tables", "topic"] = Field(
        "tables",
        description="tables: through the present mapping into their tables. topic: back to the "
        "topic that each came from, for the flow to read again.",
    )
    topics: tuple[str, ...] = Field(
        (), description="Only dead letters of records that came from these topics; all unless set."
    )
    codes: tuple[str, ...] = Field(
        (), description="Only dead letters rejected for these codes, such as value_json_invalid."
    )
    since: Annotated[str | None, BeforeValidator(check_time)] = Field(
        None, description="Only records of this time or later (RFC 3339, with its zone)."
    )
    until: Annotated[str | None, BeforeValidator(check_time)] = Field(
        None, description="Only records before this time."
    )
    count: int | None = Field(None, ge=1, description="End after this many dead letters.")
    rate: float | None = Field(None, gt=0, description="Dead letters per second, at most.")
    max_replays: int = Field(
        3, ge=1, description="A record that was replayed this often already is not replayed again."
    )
    again: bool = Field(
        False,
        description="From the table: also the dead letters that were replayed already, which have "
        "the column replayed. From the topic: give the replay a new recovery folder.",
    )
    only_missing: bool = Field(
        False, description="Write only where the table has no row of that key yet."
    )
    dry_run: bool = Field(
        False, description="Print what would be written or rejected, and write nothing."
    )

    def takes(self, topic: str, code: str, timestamp: int | None) -> bool:
        """Whether a dead letter of this origin, reason and record time (ms) is selected."""
        if (self.topics and topic not in self.topics) or (self.codes and code not in self.codes):
            return False
        if self.since is None and self.until is None:
            return True
        if timestamp is None or timestamp <= 0:  # none, as records.timestamp_of has it
            return False
        return (self.since is None or timestamp >= milliseconds(self.since)) and (
            self.until is None or timestamp < milliseconds(self.until)
        )
