"""Tables before their first row: compared, made when missing, waited for, never written blindly."""

import itertools
import logging
import threading
from collections.abc import Callable
from typing import Any, cast

import pytest

from connectors.errors import StopRun
from connectors.run.context import Run
from connectors.tablestore.client import Client, TableShape
from connectors.tablestore.schema import Schema
from connectors.tablestore.verdicts import RequestFailed, Retry, Stop
from tests.unit.factories import new_run
from tests.unit.tablestore.fake_service import BUSY, GONE, KAFKA_SHAPE, FakeClient

QUICK = {"retry_initial": 0.001, "retry_max": 0.002}
BY_ID = {"primary_key_mode": "record_value", "primary_key": [{"name": "id"}]}
BUSY_NOW = RequestFailed(BUSY, "OTSServerBusy")
MISSING = RequestFailed(GONE, "OTSObjectNotExist")
EXISTS = RequestFailed(Stop("exists", "OTSObjectAlreadyExist"), "OTSObjectAlreadyExist")
DENIED = RequestFailed(Stop("no permission: remedy", "OTSNoPermissionAccess"), "OTSNoPermission")


def made(**sections: Any) -> tuple[Schema, FakeClient, Run]:
    """A schema of a run on a fake client."""
    run = new_run(tablestore=QUICK, **sections)
    fake = FakeClient()
    return Schema(cast(Client, fake), run), fake, run


def test_a_table_that_fits() -> None:
    """One look at the table, and then it is sure; nothing is made."""
    schema, fake, _ = made()
    fake.shapes["orders"] = KAFKA_SHAPE
    assert not schema.sure_of("orders")
    for _ in range(3):
        schema.ensure("orders")
    assert schema.sure_of("orders")
    assert (fake.described, fake.created) == (["orders"], [])
    assert not schema.still_coming("orders")


def test_a_missing_table_stops_with_the_key_and_the_remedies() -> None:
    """Without auto_create: the table, the instance, the key it needs, and both ways out."""
    schema, fake, _ = made(table=BY_ID)
    with pytest.raises(StopRun) as caught:
        schema.ensure("orders")
    for word in ("orders", "demo", "id string", "auto_create", "[tables.orders]"):
        assert word in str(caught.value)
    assert fake.created == []
    assert not schema.sure_of("orders")


def test_a_missing_table_is_made() -> None:
    """With auto_create it is made with the configured key, then looked at, and still coming."""
    schema, fake, _ = made(table={**BY_ID, "auto_create": True})
    schema.ensure("orders")
    assert fake.created == ["orders"]
    assert fake.shapes["orders"].primary_key == (("id", "string"),)
    assert fake.described == ["orders", "orders"]
    assert schema.sure_of("orders")
    assert schema.still_coming("orders")
    assert not schema.still_coming("clicks")


def test_auto_create_of_one_table_is_for_that_table() -> None:
    """[tables.NAME] decides."""
    schema, fake, _ = made(tables={"orders": {"auto_create": True}})
    schema.ensure("orders")
    with pytest.raises(StopRun, match="clicks"):
        schema.ensure("clicks")
    assert fake.created == ["orders"]


def test_a_new_table_is_given_time_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """For ready_timeout seconds after its making a table may not be there yet for its servers."""
    now = 100.0
    schema, _, _ = made(table={"auto_create": True})
    monkeypatch.setattr("connectors.tablestore.schema.time.monotonic", lambda: now)
    schema.ensure("orders")
    now = 159.9
    assert schema.still_coming("orders")
    now = 160.1
    assert not schema.still_coming("orders")


def test_another_worker_was_quicker() -> None:
    """A table that came between look and making is compared like any other."""
    schema, fake, _ = made(table={"auto_create": True})
    fake.create_answers = [EXISTS]
    fake.describe_answers = [MISSING]
    fake.shapes["orders"] = KAFKA_SHAPE
    schema.ensure("orders")
    assert schema.sure_of("orders")
    schema, fake, _ = made(table={"auto_create": True})
    fake.create_answers = [EXISTS]
    fake.describe_answers = [MISSING]
    fake.shapes["orders"] = TableShape((("other", "string"),), ())
    with pytest.raises(StopRun, match="other string"):
        schema.ensure("orders")


def test_a_making_whose_answer_was_lost() -> None:
    """The answer to CreateTable is lost, the second says it exists: that is success."""
    schema, fake, _ = made(table={"auto_create": True})
    fake.create_answers = [BUSY_NOW, EXISTS]
    fake.describe_answers = [MISSING]
    fake.shapes["orders"] = KAFKA_SHAPE
    schema.ensure("orders")
    assert schema.sure_of("orders")


def test_trouble_is_waited_out(caplog: pytest.LogCaptureFixture) -> None:
    """Transient answers, however many, delay the look and are told of; they do not end it."""
    caplog.set_level(logging.WARNING)
    schema, fake, _ = made()
    fake.describe_answers = [BUSY_NOW] * 20
    fake.shapes["orders"] = KAFKA_SHAPE
    schema.ensure("orders")
    assert len(fake.described) == 21
    assert schema.sure_of("orders")
    assert "DescribeTable orders" in caplog.text
    assert "busy" in caplog.text


@pytest.mark.P5
@pytest.mark.parametrize("call", ["DescribeTable", "CreateTable"])
def test_a_refusal_stops_at_once(call: str) -> None:
    """P5: no permission and the like end the run with the call, the table and the remedy."""
    schema, fake, _ = made(table={"auto_create": True})
    answers = fake.describe_answers if call == "DescribeTable" else fake.create_answers
    answers.append(DENIED)
    with pytest.raises(StopRun, match=rf"{call} orders.*remedy"):
        schema.ensure("orders")
    assert not schema.sure_of("orders")


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((("ID", "string"),), ["ID string", "id string"]),
        ((("id", "integer"),), ["id integer", "id string"]),
        ((("id", "string"), ("n", "integer")), ["id string, n integer"]),
        ((("id", "auto_increment"),), ["id auto_increment"]),
        ((), ["()"]),
    ],
)
def test_a_table_with_another_key_stops(
    shape: tuple[tuple[str, str], ...], words: list[str]
) -> None:
    """Names, order, types and number of key columns: both keys are named, and the remedy."""
    schema, fake, _ = made(table={**BY_ID, "auto_create": True})
    fake.shapes["orders"] = TableShape(shape, ())
    with pytest.raises(StopRun) as caught:
        schema.ensure("orders")
    for word in ("orders", "(id string)", "primary_key", "record_value", *words):
        assert word in str(caught.value)
    assert fake.created == []


def test_the_order_of_key_columns_counts() -> None:
    """The same columns in another order are another key."""
    key = {"primary_key_mode": "record_value", "primary_key": [{"name": "a"}, {"name": "b"}]}
    for order, fits in ((("a", "b"), True), (("b", "a"), False)):
        schema, fake, _ = made(table=key)
        fake.shapes["orders"] = TableShape(tuple((name, "string") for name in order), ())
        if fits:
            schema.ensure("orders")
        else:
            with pytest.raises(StopRun, match="primary key"):
                schema.ensure("orders")


def test_defined_columns_of_another_type_stop() -> None:
    """A listed column that the table defines with another type: all such are named at once."""
    listed = [
        {"name": "a", "type": "double"},
        {"name": "b", "type": "string"},
        {"name": "c", "type": "integer"},
        {"name": "d", "type": "boolean"},
    ]
    schema, fake, _ = made(table={"columns": listed})
    defined = (("a", "integer"), ("b", "string"), ("c", "double"), ("other", "binary"))
    fake.shapes["orders"] = TableShape(KAFKA_SHAPE.primary_key, defined)
    with pytest.raises(StopRun) as caught:
        schema.ensure("orders")
    assert "a is integer in the table, double in the configuration" in str(caught.value)
    assert "c is double in the table, integer in the configuration" in str(caught.value)
    assert "b is" not in str(caught.value)
    assert "d is" not in str(caught.value)


def test_with_all_columns_defined_ones_are_not_compared() -> None:
    """Nothing is known of the records' types before they come."""
    schema, fake, _ = made()
    fake.shapes["orders"] = TableShape(KAFKA_SHAPE.primary_key, (("a", "integer"),))
    schema.ensure("orders")


@pytest.mark.parametrize(("listed", "defined"), [(1, 1), (32, 32), (33, 32), (100, 32)])
def test_at_most_32_columns_are_defined(
    caplog: pytest.LogCaptureFixture, listed: int, defined: int
) -> None:
    """The service's limit; the other listed columns are written all the same, and that is said."""
    caplog.set_level(logging.INFO, "sync.tablestore")
    columns = [{"name": f"c{number}", "type": "double"} for number in range(listed)]
    schema, fake, _ = made(table={"columns": columns, "auto_create": True})
    schema.ensure("orders")
    assert len(fake.shapes["orders"].defined) == defined
    assert (f"32 of {listed}" in caplog.text) == (listed > 32)


def test_one_look_for_many_workers() -> None:
    """Threads that ask at the same time wait for one look and one making."""
    schema, fake, _ = made(table={"auto_create": True})
    threads = [threading.Thread(target=schema.ensure, args=("orders",)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert fake.created == ["orders"]
    assert len(fake.described) == 2


class Endless(list[Exception]):
    """Trouble without end; `told` is called at each try."""

    def __init__(self, told: Callable[[], None]) -> None:
        super().__init__([BUSY_NOW])
        self._told = told

    def pop(self, _: Any = -1) -> Exception:
        """The next trouble."""
        self._told()
        return BUSY_NOW


def test_a_drain_ends_the_wait() -> None:
    """A run that is to end does not wait for a service that does not answer."""
    schema, fake, run = made()
    tries = itertools.count()

    def told() -> None:
        if next(tries) == 3:
            run.drain("SIGTERM")

    fake.describe_answers = Endless(told)
    with pytest.raises(StopRun, match="no answer before the run was ended"):
        schema.ensure("orders")


@pytest.mark.timeout(20)
def test_a_failed_run_ends_the_wait() -> None:
    """When another part has failed, the wait for a table ends: else the process cannot end."""
    schema, fake, run = made()
    tries = itertools.count()
    limit = 200

    def told() -> None:
        number = next(tries)
        if number == 3:
            run.fail(StopRun("elsewhere"))
        if number == limit:
            raise AssertionError("still trying")

    fake.describe_answers = Endless(told)
    with pytest.raises(StopRun):
        schema.ensure("orders")


def test_what_is_not_known_to_be_transient_stops() -> None:
    """A whole-request rejection of a table call cannot be mended by trying again."""
    from connectors.tablestore.verdicts import Reject

    schema, fake, _ = made()
    fake.describe_answers = [RequestFailed(Reject("OTSParameterInvalid", "bad name"), "X")]
    with pytest.raises(StopRun, match="bad name"):
        schema.ensure("orders")
    fake.describe_answers = [RequestFailed(Retry("once"), "")]
    fake.shapes["orders"] = KAFKA_SHAPE
    schema.ensure("orders")
