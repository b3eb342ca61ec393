"""Tables before their first row: compared, made when missing, waited for, never written blindly."""

import itertools
import logging
import threading
from collections.abc import Callable
from typing import Any, cast

import pytest

from connectors.errors import StopRun
from connectors.run.context import Run
from connectors.tablestore.table_checks import TableChecks
from connectors.tablestore.tables_api import TablesApi, TableShape
from connectors.tablestore.verdicts import RequestFailed, Retry, Stop
from tests.unit.factories import new_run
from tests.unit.tablestore.fake_service import BUSY, GONE, KAFKA_SHAPE, FakeClient

SHORT_WAITS = {"retry_initial": 0.001, "retry_max": 0.002}
BY_ID = {"primary_key_mode": "record_value", "primary_key": [{"name": "id"}]}
BUSY_NOW = RequestFailed(BUSY, "OTSServerBusy")
MISSING = RequestFailed(GONE, "OTSObjectNotExist")
EXISTS = RequestFailed(Stop("exists", "OTSObjectAlreadyExist"), "OTSObjectAlreadyExist")
DENIED = RequestFailed(Stop("no permission: remedy", "OTSNoPermissionAccess"), "OTSNoPermission")


def made(**sections: Any) -> tuple[TableChecks, FakeClient, Run]:
    """Checks of a run on a fake client."""
    run = new_run(tablestore=SHORT_WAITS, **sections)
    fake = FakeClient()
    return TableChecks(cast(TablesApi, fake), run), fake, run


def test_a_table_that_fits() -> None:
    """One look at the table, and then it is sure; nothing is made."""
    checks, fake, _ = made()
    fake.shapes["orders"] = KAFKA_SHAPE
    assert "orders" not in checks.checked
    for _ in range(3):
        checks.ensure("orders")
    assert "orders" in checks.checked
    assert (fake.described, fake.created) == (["orders"], [])
    assert not checks.is_being_created("orders")


def test_a_missing_table_stops_with_the_key_and_the_remedies() -> None:
    """Without auto_create: the table, the instance, the key it needs, and both ways out."""
    checks, fake, _ = made(table=BY_ID)
    with pytest.raises(StopRun) as caught:
        checks.ensure("orders")
    for word in ("orders", "demo", "id string", "auto_create", "[tables.orders]"):
        assert word in str(caught.value)
    assert fake.created == []
    assert "orders" not in checks.checked


def test_a_missing_table_is_made() -> None:
    """With auto_create it is made with the configured key, then looked at, and still coming."""
    checks, fake, _ = made(table={**BY_ID, "auto_create": True})
    checks.ensure("orders")
    assert fake.created == ["orders"]
    assert fake.shapes["orders"].primary_key == (("id", "string"),)
    assert fake.described == ["orders", "orders"]
    assert "orders" in checks.checked
    assert checks.is_being_created("orders")
    assert not checks.is_being_created("clicks")


def test_auto_create_of_one_table_is_for_that_table() -> None:
    """Whether a table is created is decided by its own section, [tables.NAME]."""
    checks, fake, _ = made(tables={"orders": {"auto_create": True}})
    checks.ensure("orders")
    with pytest.raises(StopRun, match="clicks"):
        checks.ensure("clicks")
    assert fake.created == ["orders"]


def test_a_new_table_is_given_time_and_no_more() -> None:
    """For ready_timeout seconds after its creation a table may not be there for its servers."""
    now = 100.0
    run = new_run(table={"auto_create": True})
    checks = TableChecks(cast(TablesApi, FakeClient()), run, clock=lambda: now)
    checks.ensure("orders")
    now = 159.9
    assert checks.is_being_created("orders")
    now = 160.1
    assert not checks.is_being_created("orders")


def test_a_verdict_is_revised_only_for_a_missing_new_table() -> None:
    """`Does not exist` of a table that is being created is transient; all else stays."""
    checks, _, _ = made(tables={"orders": {"auto_create": True}})
    checks.ensure("orders")
    missing = Stop("no table", "OTSObjectNotExist")
    found = checks.revise(missing, missing.code, {"orders", "clicks"})
    assert found == Retry("table orders is being created")
    assert checks.revise(missing, missing.code, {"clicks"}) == missing
    assert checks.revise(BUSY, "OTSServerBusy", {"orders"}) == BUSY


def test_another_process_was_quicker() -> None:
    """A table that came between look and making is compared like any other."""
    checks, fake, _ = made(table={"auto_create": True})
    fake.create_answers = [EXISTS]
    fake.describe_answers = [MISSING]
    fake.shapes["orders"] = KAFKA_SHAPE
    checks.ensure("orders")
    assert "orders" in checks.checked
    checks, fake, _ = made(table={"auto_create": True})
    fake.create_answers = [EXISTS]
    fake.describe_answers = [MISSING]
    fake.shapes["orders"] = TableShape((("other", "string"),), ())
    with pytest.raises(StopRun, match="other string"):
        checks.ensure("orders")


def test_a_making_whose_answer_was_lost() -> None:
    """The answer to CreateTable is lost, the second says it exists: that is success."""
    checks, fake, _ = made(table={"auto_create": True})
    fake.create_answers = [BUSY_NOW, EXISTS]
    fake.describe_answers = [MISSING]
    fake.shapes["orders"] = KAFKA_SHAPE
    checks.ensure("orders")
    assert "orders" in checks.checked


def test_trouble_is_waited_out(caplog: pytest.LogCaptureFixture) -> None:
    """Transient answers, however many, delay the look and are logged; they do not end it."""
    caplog.set_level(logging.WARNING)
    checks, fake, _ = made()
    fake.describe_answers = [BUSY_NOW] * 20
    fake.shapes["orders"] = KAFKA_SHAPE
    checks.ensure("orders")
    assert len(fake.described) == 21
    assert "orders" in checks.checked
    assert "DescribeTable orders" in caplog.text
    assert "busy" in caplog.text


@pytest.mark.P5
@pytest.mark.parametrize("call", ["DescribeTable", "CreateTable"])
def test_a_stop_verdict_stops_at_once(call: str) -> None:
    """P5: no permission and the like end the run with the call, the table and the remedy."""
    checks, fake, _ = made(table={"auto_create": True})
    answers = fake.describe_answers if call == "DescribeTable" else fake.create_answers
    answers.append(DENIED)
    with pytest.raises(StopRun, match=rf"{call} orders.*remedy"):
        checks.ensure("orders")
    assert "orders" not in checks.checked


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
    checks, fake, _ = made(table={**BY_ID, "auto_create": True})
    fake.shapes["orders"] = TableShape(shape, ())
    with pytest.raises(StopRun) as caught:
        checks.ensure("orders")
    for word in ("orders", "(id string)", "primary_key", "record_value", *words):
        assert word in str(caught.value)
    assert fake.created == []


def test_the_order_of_key_columns_counts() -> None:
    """The same columns in another order are another key."""
    key = {"primary_key_mode": "record_value", "primary_key": [{"name": "a"}, {"name": "b"}]}
    for order, fits in ((("a", "b"), True), (("b", "a"), False)):
        checks, fake, _ = made(table=key)
        fake.shapes["orders"] = TableShape(tuple((name, "string") for name in order), ())
        if fits:
            checks.ensure("orders")
        else:
            with pytest.raises(StopRun, match="primary key"):
                checks.ensure("orders")


def test_defined_columns_of_another_type_stop() -> None:
    """A listed column that the table defines with another type: all such are named at once."""
    listed = [
        {"name": "a", "type": "double"},
        {"name": "b", "type": "string"},
        {"name": "c", "type": "integer"},
        {"name": "d", "type": "boolean"},
    ]
    checks, fake, _ = made(table={"columns": listed})
    defined = (("a", "integer"), ("b", "string"), ("c", "double"), ("other", "binary"))
    fake.shapes["orders"] = TableShape(KAFKA_SHAPE.primary_key, defined)
    with pytest.raises(StopRun) as caught:
        checks.ensure("orders")
    assert "a is integer in the table, double in the configuration" in str(caught.value)
    assert "c is double in the table, integer in the configuration" in str(caught.value)
    assert "b is" not in str(caught.value)
    assert "d is" not in str(caught.value)


def test_with_all_columns_defined_ones_are_not_compared() -> None:
    """Nothing is known of the records' types before they come."""
    checks, fake, _ = made()
    fake.shapes["orders"] = TableShape(KAFKA_SHAPE.primary_key, (("a", "integer"),))
    checks.ensure("orders")


@pytest.mark.parametrize(("listed", "defined"), [(1, 1), (32, 32), (33, 32), (100, 32)])
def test_at_most_32_columns_are_defined(
    caplog: pytest.LogCaptureFixture, listed: int, defined: int
) -> None:
    """The service's limit; the other listed columns are written all the same, and that is said."""
    caplog.set_level(logging.INFO, "sync.tablestore")
    columns = [{"name": f"c{number}", "type": "double"} for number in range(listed)]
    checks, fake, _ = made(table={"columns": columns, "auto_create": True})
    checks.ensure("orders")
    assert len(fake.shapes["orders"].defined) == defined
    assert (f"32 of {listed}" in caplog.text) == (listed > 32)


def test_one_look_for_many_workers() -> None:
    """Threads that ask at the same time wait for one look and one making."""
    checks, fake, _ = made(table={"auto_create": True})
    threads = [threading.Thread(target=checks.ensure, args=("orders",)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert fake.created == ["orders"]
    assert len(fake.described) == 2


class Endless(list[Exception]):
    """Trouble without end; `at_each` is called at each try."""

    def __init__(self, at_each: Callable[[], None]) -> None:
        super().__init__([BUSY_NOW])
        self._at_each = at_each

    def pop(self, _: Any = -1) -> Exception:
        """The next trouble."""
        self._at_each()
        return BUSY_NOW


def test_a_drain_ends_the_wait() -> None:
    """A run that is to end does not wait for a service that does not answer."""
    checks, fake, run = made()
    tries = itertools.count()

    def at_each() -> None:
        if next(tries) == 3:
            run.drain("SIGTERM")

    fake.describe_answers = Endless(at_each)
    with pytest.raises(StopRun, match="no answer before the run was ended"):
        checks.ensure("orders")


@pytest.mark.timeout(20)
def test_a_failed_run_ends_the_wait() -> None:
    """When another part has failed, the wait for a table ends: else the process cannot end."""
    checks, fake, run = made()
    tries = itertools.count()
    limit = 200

    def at_each() -> None:
        number = next(tries)
        if number == 3:
            run.fail(StopRun("elsewhere"))
        if number == limit:
            raise AssertionError("still trying")

    fake.describe_answers = Endless(at_each)
    with pytest.raises(StopRun):
        checks.ensure("orders")


def test_what_is_not_known_to_be_transient_stops() -> None:
    """A whole-request rejection of a table call does not get better by trying again."""
    from connectors.tablestore.verdicts import Reject

    checks, fake, _ = made()
    fake.describe_answers = [RequestFailed(Reject("OTSParameterInvalid", "bad name"), "X")]
    with pytest.raises(StopRun, match="bad name"):
        checks.ensure("orders")
    fake.describe_answers = [RequestFailed(Retry("once"), "")]
    fake.shapes["orders"] = KAFKA_SHAPE
    checks.ensure("orders")
