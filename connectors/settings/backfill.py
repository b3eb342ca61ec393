"""[backfill]: which records flows/backfill.py writes again, beside a running flow."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field, model_validator

from connectors.settings.kafka import check_time, milliseconds
from connectors.settings.section import Section


class BackfillSettings(Section):
    """A bounded range of the topics of [kafka], as a run of its own."""

    section = "backfill"

    topics: tuple[str, ...] = Field(
        (), description="Only these topics; all of kafka.topics unless set."
    )
    since: Annotated[str | None, BeforeValidator(check_time)] = Field(
        None,
        description="Records of this time or later (RFC 3339, with its zone); from the oldest "
        "unless set.",
    )
    until: Annotated[str | None, BeforeValidator(check_time)] = Field(
        None,
        description="Records before the first of this time or later. Unless set, up to the end "
        "that each partition has when the backfill starts for the first time.",
    )
    partition: int | None = Field(
        None, ge=0, description="Only this partition; needs one topic, as the offsets do."
    )
    first_offset: int | None = Field(
        None, ge=0, description="With partition: from this offset on, instead of since."
    )
    last_offset: int | None = Field(
        None, ge=0, description="With partition: up to this offset, instead of until."
    )
    rate: float | None = Field(None, gt=0, description="Records per second, at most, of a process.")

    @model_validator(mode="after")
    def _check(self) -> BackfillSettings:
        has_offsets = self.first_offset is not None or self.last_offset is not None
        if has_offsets and self.partition is None:
            raise ValueError("first_offset and last_offset need partition: an offset is of one")
        if self.partition is not None and len(self.topics) > 1:
            raise ValueError("partition needs one topic: name it alone in topics")
        for offset, time in (("first_offset", "since"), ("last_offset", "until")):
            if getattr(self, offset) is not None and getattr(self, time) is not None:
                raise ValueError(f"{offset} and {time} exclude each other: remove one")
        if None not in (self.first_offset, self.last_offset) and (
            (self.last_offset or 0) < (self.first_offset or 0)
        ):
            raise ValueError("last_offset is before first_offset")
        if self.since is not None and self.until is not None and self.until_ms <= self.since_ms:
            raise ValueError("until is not after since")
        return self

    @property
    def since_ms(self) -> int:
        """The beginning in ms since 1970; 0 where there is none."""
        return 0 if self.since is None else milliseconds(self.since)

    @property
    def until_ms(self) -> int:
        """The end in ms since 1970; 0 where there is none."""
        return 0 if self.until is None else milliseconds(self.until)
