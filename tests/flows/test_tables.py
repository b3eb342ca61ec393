"""Tables: made when asked for, refused when they do not fit, waited for while they come to be."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.flows.conftest import Case, MakeCase
from tests.support.brokers import Broker
from tests.support.flow_process import environment
from tests.support.processes import ROOT
from tests.support.producers import send_order
from tests.support.registry import SchemaRegistry
from tests.support.store import TablestoreProcess
from tests.support.wait import until

pytestmark = pytest.mark.P5


@pytest.fixture
def case(embedded_case: Case) -> Case:
    """No broker has a part in what is tested here, so one Kafka is enough."""
    return embedded_case


def test_auto_create_makes_the_table(case: Case) -> None:
    """Keys, defined columns, time to live and versions are those of the settings."""
    case.flow.set(
        {
            "table": {
                "auto_create": True,
                "time_to_live": 86_400,
                "max_versions": 3,
                "columns": [
                    {"name": "number", "type": "integer"},
                    {"name": "amount", "type": "double"},
                    {"name": "paid", "type": "boolean"},
                    {"name": "order_id", "type": "string"},
                ],
            }
        }
    )
    case.orders(40)
    process = case.flow.start()
    case.wait_written(40, process)
    process.drain()
    case.verdict(minimum=40)
    made = case.store.client.describe_table(case.topic)
    assert [tuple(column[:2]) for column in made.table_meta.schema_of_primary_key] == [
        ("topic_partition", "STRING"),
        ("offset", "INTEGER"),
    ]
    assert [tuple(column) for column in made.table_meta.defined_columns] == [
        ("number", "INTEGER"),
        ("amount", "DOUBLE"),
        ("paid", "BOOLEAN"),
        ("order_id", "STRING"),
    ]
    assert (made.table_options.time_to_live, made.table_options.max_version) == (86_400, 3)


def test_the_keys_of_a_made_table(case: Case) -> None:
    """Key columns of every type, in the order of the settings."""
    case.flow.set(
        {
            "table": {
                "auto_create": True,
                "primary_key_mode": "record_value",
                "primary_key": [
                    {"name": "b", "type": "binary"},
                    {"name": "s", "type": "string"},
                    {"name": "i", "type": "integer"},
                ],
            }
        }
    )
    process = case.flow.start()
    until(case.store.client.list_table, process.text)
    process.drain()
    made = case.store.client.describe_table(case.topic).table_meta
    assert [tuple(column[:2]) for column in made.schema_of_primary_key] == [
        ("b", "BINARY"),
        ("s", "STRING"),
        ("i", "INTEGER"),
    ]


@pytest.mark.parametrize(
    "answer", ["OTSTableNotReady", "OTSObjectNotExist", "OTSPartitionUnavailable"]
)
def test_a_new_table_that_is_not_ready_is_waited_for(
    tmp_path: Path, embedded_broker: Broker, make_case: MakeCase, answer: str
) -> None:
    """The service answers for a while as if a new table were not there: no reason to stop."""
    options = ["--ready-delay", "2", "--not-ready-as", answer]
    with TablestoreProcess(tmp_path / "slow", *options) as process:
        case = make_case(embedded_broker, process.fresh())
        case.flow.set({"table": {"auto_create": True}, "tablestore": {"retry_max": 0.5}})
        case.orders(40)
        run = case.flow.start()
        case.wait_written(40, run)
        run.drain()
        case.verdict(minimum=40)
        assert case.store.errors().get(answer, 0) > 0, "the table was ready at once"


def test_another_key_stops_the_run(case: Case) -> None:
    """A table whose primary key differs: the text names the table's key and the configured one."""
    case.store.create_table(case.topic, (("id", "STRING"), ("seq", "INTEGER")))
    case.orders(10)
    text = case.flow.start().refused(
        case.topic, "(id string, seq integer)", "(topic_partition string, offset integer)", "remedy"
    )
    assert "Traceback" not in text
    assert case.committed() == {}


def test_another_column_type_stops_the_run(case: Case) -> None:
    """A defined column of another type than configured: both types are named."""
    case.store.create_table(case.topic, defined=[("amount", "STRING")])
    case.flow.set({"table": {"columns": [{"name": "amount", "type": "double"}]}})
    case.flow.start().refused("amount", "string", "double", "remedy")


def test_a_missing_table_stops_the_run(case: Case) -> None:
    """Without auto_create a missing table stops the run with the remedy, before any record."""
    case.orders(10)
    text = case.flow.start().refused(case.topic, "auto_create", "topic_partition string", "remedy")
    assert "read=0" in text
    assert "Traceback" not in text


def test_a_table_dropped_while_it_runs_stops_the_run(case: Case) -> None:
    """No table: the run stops with the remedy; with the table back it goes on and loses nothing."""
    case.store.create_table(case.topic)
    case.orders(20)
    process = case.flow.start()
    case.wait_committed(process)
    case.store.client.delete_table(case.topic)
    case.orders(20, first=20)
    process.refused(case.topic, "remedy")
    case.store.create_table(case.topic)
    process = case.flow.start()
    case.wait_written(40, process)
    process.drain()
    # The first 20 went with the table; the others are all there.
    numbers = {row["number"] for row in case.store.rows(case.topic).values()}
    assert numbers >= set(range(20, 40))


@pytest.mark.fault("destination", "credentials that are refused")
@pytest.mark.parametrize("kind", ["no_permission", "auth_failed"])
def test_a_stop_verdict_stops_the_run(case: Case, kind: str) -> None:
    """Permission, signature, clock: the run stops and says what to do; later it goes on there."""
    case.store.create_table(case.topic)
    case.orders(20)
    process = case.flow.start()
    case.wait_committed(process)
    case.store.set_faults({"kind": kind, "api": "BatchWriteRow"})
    case.orders(20, first=20)
    text = process.refused("remedy")
    assert "Traceback" not in text
    assert sum(case.committed().values()) == 20
    case.store.set_faults()
    process = case.flow.start()
    case.wait_written(40, process)
    process.drain()
    case.verdict(minimum=40)


def test_wrong_credentials_stop_the_run(case: Case) -> None:
    """A wrong secret is refused before a record is read, without showing it."""
    case.store.create_table(case.topic)
    case.orders(10)
    case.flow.env["ALIBABA_CLOUD_ACCESS_KEY_SECRET"] = "a-wrong-canary"
    text = case.flow.start().refused("access key", "remedy", "read=0")
    assert "a-wrong-canary" not in text
    del case.flow.env["ALIBABA_CLOUD_ACCESS_KEY_SECRET"]
    case.flow.start().refused("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "remedy")


def test_a_topic_without_a_table_waits_alone(embedded_case: Case) -> None:
    """With a pattern, others go on; when the table is there, all of the topic is read."""
    case = embedded_case
    case.store.create_table(case.topic)
    case.flow.set({"kafka": {"topics_pattern": f"{case.topic}.*", "discovery_interval": 0.5}})
    case.flow.unset("kafka", "topics")
    new = f"{case.topic}_new"
    for name in (new, f"{case.topic}.illegal"):
        case.broker.create_topic(name, 2)
    for number in range(20):
        send_order(case.producer, new, number, number % 2)
    case.producer.flush()
    process = case.flow.start()
    case.orders(40)
    case.wait_written(40, process)
    text = process.text()
    assert text.count(f"topic {new} waits: table {new} does not exist") == 1
    assert text.count(f"topic {case.topic}.illegal waits: ") == 1
    case.store.create_table(new)
    case.wait_written(60, process)
    case.orders(20, first=40)
    case.wait_written(80, process)
    process.drain()
    case.verdict(minimum=80)


@pytest.mark.P5
def test_a_topic_without_a_table_stops_by_choice(embedded_case: Case) -> None:
    """As before, where the option says so."""
    case = embedded_case
    case.store.create_table(case.topic)
    new = f"{case.topic}_new"
    case.broker.create_topic(new, 1)
    pattern = {"topics_pattern": f"{case.topic}.*", "topic_without_table": "stop"}
    case.flow.set({"kafka": pattern})
    case.flow.unset("kafka", "topics")
    send_order(case.producer, new, 1, 0)
    case.producer.flush()
    case.flow.start().refused(f"table {new} does not exist")


def test_check_asks_the_services(embedded_case: Case) -> None:
    """`check --connect`: which tables are there; a wrong registry and a wrong key are found."""
    case = embedded_case
    case.store.create_table(case.topic)
    case.flow.set({"kafka": {"topics": [case.topic, "nothing"]}})

    case.flow.folder.mkdir(parents=True)

    def check() -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "-m", "connectors.cli", "check", "--connect"],
            capture_output=True,
            text=True,
            timeout=60,
            cwd=case.flow.folder,
            env={
                **os.environ,
                "PYTHONPATH": str(ROOT),
                **case.flow.env,
                **environment(case.flow.settings),
            },
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    code, text = check()
    assert code == 1, text
    assert f"table {case.topic}: is there" in text
    assert "table nothing: does not exist" in text
    case.flow.set({"kafka": {"topics": [case.topic]}})
    with SchemaRegistry() as registry:
        wrong = registry.url.replace("http:", "https:")
        case.flow.set({"format": {"value": "avro", "registry": {"url": wrong}}})
        code, text = check()
        assert code == 1
        assert "does not speak TLS" in text
        case.flow.set({"format": {"registry": {"url": registry.url}}})
        case.flow.env["ALIBABA_CLOUD_ACCESS_KEY_SECRET"] = "wrong"
        code, text = check()
    assert code == 1
    assert "OTSAuthFailed" in text
    assert "Traceback" not in text
