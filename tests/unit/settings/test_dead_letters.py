"""[dead_letters]: whose brokers and whose secrets."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from tests.unit.factories import CANARY, settings

SOURCE = {
    "bootstrap_servers": "source:9092",
    "properties": {"security.protocol": "SASL_SSL", "fetch.min.bytes": 7},
    "secret_properties": {"sasl.password": CANARY},
}


def test_the_source_is_shared_with_its_security() -> None:
    """Without brokers of its own: the source's, its security, and not its consumer's properties."""
    made = settings(kafka=SOURCE, dead_letters={"properties": {"linger.ms": 3}})
    assert made.dead_letters.client_properties(made.kafka) == {
        "bootstrap.servers": "source:9092",
        "security.protocol": "SASL_SSL",
        "sasl.password": CANARY,
        "linger.ms": 3,
    }


def test_another_cluster_is_not_shown_the_secrets_of_the_source() -> None:
    """With brokers of its own only its own properties are used."""
    own = {"bootstrap_servers": "other:1", "secret_properties": {"ssl.key.password": "own"}}
    made = settings(kafka=SOURCE, dead_letters=own)
    assert made.dead_letters.client_properties(made.kafka) == {
        "bootstrap.servers": "other:1",
        "ssl.key.password": "own",
    }
    assert "own'" not in repr(made)
    assert CANARY not in repr(made)


@pytest.mark.parametrize(
    ("sections", "told"),
    [
        (
            {"kafka": {"topics": ["dead"]}, "dead_letters": {"topic": "dead"}},
            "its own dead letters for ever",
        ),
        (
            {"kafka": {"topics_pattern": "d.*"}, "dead_letters": {"topic": "dead"}},
            "its own dead letters for ever",
        ),
        ({"dead_letters": {"properties": {"acks": 1}}}, "acks cannot be set"),
        ({"dead_letters": {"properties": {"sasl.password": CANARY}}}, "is a secret"),
    ],
)
def test_what_would_lose_or_repeat_dead_letters_is_refused(
    sections: dict[str, Any], told: str
) -> None:
    """A dead-letter topic that is read too, and properties on which delivery rests."""
    errors = {"tolerance": "all", "dead_letters": "kafka"}
    with pytest.raises(ValidationError, match=told) as refused:
        settings(errors=errors, **sections)
    assert CANARY not in str(refused.value)


def test_a_dead_letter_table_of_its_own() -> None:
    """It is not the table of a topic."""
    with pytest.raises(ValidationError, match="table of a topic"):
        settings(errors={"dead_letters": "tablestore"}, dead_letters={"table": "orders"})


def test_which_tables_lose_newer_rows_to_a_replay() -> None:
    """Those with a key of the record's own and no versions; of the selected topics, and routes."""
    own = {"primary_key_mode": "record_key", "primary_key": [{"name": "id"}]}
    made = settings(
        kafka={"topics": ["a", "b", "c", "d"]},
        tables={
            "a": own,
            "b": {**own, "version": "record_timestamp"},
            "d": own,
            "e": own,
        },
        mapping={"route_field": "x", "route_tables": ["e"]},
    )
    assert made.replaced_by_replay(made.kafka.topics) == ["a", "d", "e"]
    some = made.model_copy(update={"replay": made.replay.model_copy(update={"topics": ("a",)})})
    assert some.replaced_by_replay(made.kafka.topics) == ["a", "e"]
