"""Destinations of dead letters: one registry, in which every word of the option has its entry."""

from __future__ import annotations

import asyncio
import logging
from typing import cast, get_args

import pytest

from connectors.dead_letters.destinations import DiscardDestination, LogDestination
from connectors.kafka.dead_letter_sink import KafkaDeadLetterSink
from connectors.settings.errors import DEAD_LETTER_DESTINATIONS, ErrorSettings
from connectors.steps import error_policy
from connectors.tablestore.batch_write import TableWriter
from connectors.tablestore.dead_letter_sink import TableDeadLetterSink
from tests.unit.factories import dead_letter, new_run


def test_every_destination_is_legal() -> None:
    """What errors.dead_letters may say is what the registry lists."""
    words = get_args(ErrorSettings.model_fields["dead_letters"].annotation)
    assert [*words] == [*DEAD_LETTER_DESTINATIONS]


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("log", LogDestination),
        ("ignore", DiscardDestination),
        ("kafka", KafkaDeadLetterSink),
        ("tablestore", TableDeadLetterSink),
    ],
)
def test_making_a_destination_asks_nothing(word: str, expected: type) -> None:
    """It is made before the run begins: nothing is connected, and no table is looked at."""
    run = new_run(errors={"tolerance": "all", "dead_letters": word})
    made = error_policy(run, cast(TableWriter, None))._destination
    assert type(made) is expected


def test_ignored_dead_letters_leave_no_trace(caplog: pytest.LogCaptureFixture) -> None:
    """The error policy counts them, and that is all."""
    caplog.set_level(logging.DEBUG, "sync")
    asyncio.run(DiscardDestination(new_run()).send([dead_letter(1)]))
    assert caplog.text == ""
