"""Logging in to a real broker by tokens of a user's function, which live some seconds."""

from pathlib import Path

import pytest

from tests.flows.conftest import PARTITIONS, Case
from tests.flows.dead_letters import wait_logged
from tests.support.ledger import Rejected
from tests.support.oauth_tokens import Issuer

pytestmark = pytest.mark.kafka

TYPE = "it did not return (token, expiry), with 2 to 4 elements"


@pytest.fixture
def issuer(apache_case: Case, tmp_path: Path) -> Issuer:
    """Of tokens, for a flow that reads and sends dead letters by them."""
    case = apache_case
    assert case.broker.apache is not None
    made = Issuer(tmp_path)
    case.flow.env |= made.env
    properties = {
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "OAUTHBEARER",
    }
    case.flow.set(
        {
            "kafka": {
                "bootstrap_servers": case.broker.apache.oauth_bootstrap,
                "oauth_function": "tests.support.oauth_tokens:token",
                "properties": properties,
                "secret_properties": {"sasl.oauthbearer.config": "scope=sync"},
            },
            "table": {"auto_create": True},
            "errors": {"tolerance": "all", "dead_letters": "kafka"},
            "dead_letters": {"topic": case.broker.topic("dead", 1)},
        }
    )
    return made


def send(case: Case, number: int) -> None:
    """Produce `number` orders, and some records that are not orders."""
    case.orders(number)
    for place in range(PARTITIONS):
        case.producer.send(case.topic, b"bad", lambda *_: Rejected(), partition=place)
    case.producer.flush()


def test_records_and_dead_letters_by_tokens(apache_case: Case, issuer: Issuer) -> None:
    """Over the ends of several tokens, and while there is none for a time: nothing is lost."""
    case = apache_case
    process = case.flow.start()
    for turn in range(2):
        send(case, 40)
        case.wait_committed(process)
        if turn == 0:
            issuer.set("raise")
            wait_logged(process, "it raised TimeoutError")
            wait_logged(process, "returns no token: brokers will deny the login")
            assert process.alive
            issuer.set("good")
    counts = process.drain()
    assert (counts["written"], counts["rejected"]) == (80, 2 * PARTITIONS)
    case.verdict_of_rows(minimum=80)
    text = process.text()
    assert "canary" not in text
    assert {call.split(" ")[1] for call in issuer.calls()} == {"scope=sync"}
    assert case.broker.ends(case.flow.settings["dead_letters"]["topic"], 1) == {0: 2 * PARTITIONS}


def test_no_token_at_the_start(apache_case: Case, issuer: Issuer) -> None:
    """An ordered stop: what the function did, what the brokers said, and the remedy, each once."""
    issuer.set("text")
    apache_case.flow.set({"kafka": {"metadata_timeout": 7}})
    text = apache_case.flow.start().refused(TYPE, "stopped: kafka: no metadata", "remedy: ")
    assert text.count("SASL authentication error") <= 2
    assert "canary" not in text
    assert "Traceback" not in text
