"""Faults on demand: each kind does what it says, as often as it says, and is counted."""

import http.client
import json
import socket
import time
from pathlib import Path
from typing import Any

import pytest
import tablestore as ots

from emulator.faults import KINDS, FaultRuleError, Faults, parse_rule
from emulator.wire import messages_pb2 as wire
from tests.emulator.harness import (
    Emulator,
    all_rows,
    batch,
    columns,
    put,
    row,
    running,
    signed_headers,
)

REFUSALS = {
    "http_500": (500, "OTSInternalServerError"),
    "server_busy": (503, "OTSServerBusy"),
    "server_unavailable": (503, "OTSServerUnavailable"),
    "not_enough_capacity": (403, "OTSNotEnoughCapacityUnit"),
    "conflict": (409, "OTSRowOperationConflict"),
    "partition_moving": (503, "OTSPartitionUnavailable"),
    "timeout_before_effect": (503, "OTSTimeout"),
    "auth_failed": (403, "OTSAuthFailed"),
    "no_permission": (403, "OTSNoPermissionAccess"),
    "clock_skew": (403, "OTSAuthFailed"),
    "expired_credentials": (403, "OTSAuthFailed"),
    "table_not_ready": (404, "OTSTableNotReady"),
    "bad_request_if_row": (400, "OTSParameterInvalid"),
}


def key(number: int) -> list[tuple[str, Any]]:
    return [("k", "a"), ("id", number)]


def write(emulator: Emulator, table: str, number: int = 1) -> Any:
    return emulator.send("BatchWriteRow", batch((table, [row(key(number), [("c", number)])])))


def stored(emulator: Emulator, table: str) -> list[int]:
    return [found.primary_key[1][1] for found in all_rows(emulator.client(), table)]


@pytest.mark.parametrize("kind", sorted(REFUSALS))
def test_a_refusal_has_no_effect_and_ends_after_its_count(emulator: Emulator, kind: str) -> None:
    table = emulator.make_table()
    fired = emulator.stats()["faults"].get(kind, 0)
    with emulator.faults({"api": "BatchWriteRow", "kind": kind, "count": 2}):
        for _ in range(2):
            answer = write(emulator, table)
            assert answer.error[:2] == REFUSALS[kind]
        assert stored(emulator, table) == []
        assert write(emulator, table).status == 200
    assert stored(emulator, table) == [1]
    assert emulator.stats()["faults"][kind] == fired + 2


def test_the_sdk_sees_a_fault_as_the_service_would_send_it(emulator: Emulator) -> None:
    table = emulator.make_table()
    client = emulator.client()
    with (
        emulator.faults({"kind": "conflict", "api": "PutRow"}),
        pytest.raises(ots.OTSServiceError) as caught,
    ):
        client.put_row(table, ots.Row(key(1), [("c", 1)]), ots.Condition("IGNORE"))
    assert caught.value.code == "OTSRowOperationConflict"


@pytest.mark.parametrize(("kind", "status"), [("http_502_html", 502), ("http_503_empty", 503)])
def test_a_proxys_answer_is_no_protobuf(emulator: Emulator, kind: str, status: int) -> None:
    table = emulator.make_table()
    with emulator.faults({"kind": kind, "api": "BatchWriteRow"}):
        answer = write(emulator, table)
    assert answer.status == status
    assert "x-ots-requestid" not in answer.headers
    assert answer.body.startswith(b"<html>") is (status == 502)
    assert stored(emulator, table) == []


def test_a_timeout_after_the_effect_leaves_the_row(emulator: Emulator) -> None:
    """The two logs differ: applied in the one, 503 in the other."""
    table = emulator.make_table()
    with emulator.faults({"kind": "timeout_after_effect", "api": "BatchWriteRow"}):
        answer = write(emulator, table)
    assert answer.error[:2] == (503, "OTSTimeout")
    assert stored(emulator, table) == [1]
    request_id = answer.headers["x-ots-requestid"]
    effects = emulator.control("/-/effects")["effects"]
    assert [effect["key"] for effect in effects if effect["request_id"] == request_id] == [
        {"k": "a", "id": 1}
    ]
    answers = emulator.control("/-/answers")["answers"]
    matching = [each for each in answers if each["request_id"] == request_id]
    assert [(each["status"], each["fault"]) for each in matching] == [(503, "timeout_after_effect")]


@pytest.mark.parametrize(("kind", "applied"), [("reset_request", []), ("reset_response", [1])])
def test_a_reset_comes_before_or_after_the_effect(
    emulator: Emulator, kind: str, applied: list[int]
) -> None:
    table = emulator.make_table()
    with (
        emulator.faults({"kind": kind, "api": "BatchWriteRow"}),
        pytest.raises((http.client.RemoteDisconnected, ConnectionError)),
    ):
        write(emulator, table)
    assert stored(emulator, table) == applied


@pytest.mark.parametrize(("effect", "applied"), [("before", []), ("after", [1])])
def test_a_hang_never_answers(emulator: Emulator, effect: str, applied: list[int]) -> None:
    table = emulator.make_table()
    body = batch((table, [row(key(1), [("c", 1)])])).SerializeToString()
    with emulator.faults({"kind": "hang", "api": "BatchWriteRow", "effect": effect}):
        connection = http.client.HTTPConnection("127.0.0.1", emulator.port, timeout=0.5)
        connection.request("POST", "/BatchWriteRow", body, signed_headers("BatchWriteRow", body))
        with pytest.raises(socket.timeout):
            connection.getresponse()
        connection.close()
    assert stored(emulator, table) == applied


def test_a_truncated_body_ends_early(emulator: Emulator) -> None:
    table = emulator.make_table()
    with (
        emulator.faults({"kind": "truncated_body", "api": "BatchWriteRow"}),
        pytest.raises(http.client.IncompleteRead),
    ):
        write(emulator, table)
    assert stored(emulator, table) == [1]


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("garbled_body", "MD5 mismatch in response."),
        ("wrong_response_signature", "Invalid signature in response."),
        ("wrong_response_date", "The difference between date in response"),
    ],
)
def test_the_sdk_notices_a_forged_answer(emulator: Emulator, kind: str, text: str) -> None:
    table = emulator.make_table()
    client = emulator.client()
    with (
        emulator.faults({"kind": kind, "api": "PutRow"}),
        pytest.raises(ots.OTSClientError) as caught,
    ):
        client.put_row(table, ots.Row(key(1), [("c", 1)]), ots.Condition("IGNORE"))
    assert caught.value.get_error_message().startswith(text)
    assert stored(emulator, table) == [1]


def outcomes(answer: Any) -> list[tuple[bool, str, str]]:
    assert answer.status == 200
    response = wire.BatchWriteRowResponse.FromString(answer.body)
    return [
        (item.is_ok, item.error.code, item.error.message)
        for table in response.tables
        for item in table.rows
    ]


def test_a_row_error_strikes_the_rows_named_and_no_other(emulator: Emulator) -> None:
    table = emulator.make_table()
    rows = [row(key(number), [("c", number)]) for number in range(5)]
    rule = {
        "kind": "row_error",
        "rows": [1, 3],
        "code": "OTSRowOperationConflict",
        "message": "later",
    }
    with emulator.faults(rule):
        found = outcomes(emulator.send("BatchWriteRow", batch((table, rows))))
    assert [ok for ok, _, _ in found] == [True, False, True, False, True]
    assert found[1][1:] == ("OTSRowOperationConflict", "later")
    assert stored(emulator, table) == [0, 2, 4]


def test_positions_count_over_all_tables_of_a_request(emulator: Emulator) -> None:
    one, two = emulator.make_table(), emulator.make_table()
    rows = [row(key(number)) for number in range(2)]
    with emulator.faults({"kind": "row_error", "rows": [2]}):
        found = outcomes(emulator.send("BatchWriteRow", batch((one, rows), (two, rows))))
    assert [ok for ok, _, _ in found] == [True, True, False, True]


@pytest.mark.parametrize("condition", [{"column": "id", "value": 2}, {"column": "c", "value": 2}])
def test_a_row_error_can_wait_for_a_value(emulator: Emulator, condition: dict[str, Any]) -> None:
    """In a primary key or attribute column, wherever the row stands in its batch."""
    table = emulator.make_table()
    rows = [row(key(number), [("c", number)]) for number in range(4)]
    with emulator.faults({"kind": "row_error", "key": condition, "count": 1}):
        emulator.send("BatchWriteRow", batch((table, rows)))
        assert stored(emulator, table) == [0, 1, 3]
        emulator.send("BatchWriteRow", batch((table, rows[2:3])))
    assert stored(emulator, table) == [0, 1, 2, 3]


def test_a_whole_request_can_be_refused_for_one_row(emulator: Emulator) -> None:
    """As the service does for a row no table could take: bisecting finds it."""
    table = emulator.make_table()
    rows = [row(key(number), [("c", number)]) for number in range(4)]
    rule = {"kind": "bad_request_if_row", "key": {"column": "id", "value": 2}}
    with emulator.faults(rule):
        assert emulator.send("BatchWriteRow", batch((table, rows))).status == 400
        assert emulator.send("BatchWriteRow", batch((table, rows[:2]))).status == 200
        assert emulator.send("BatchWriteRow", batch((table, rows[2:3]))).status == 400
        assert emulator.send("BatchWriteRow", batch((table, rows[3:]))).status == 200
    assert stored(emulator, table) == [0, 1, 3]


def test_a_rule_can_be_for_one_table(emulator: Emulator) -> None:
    one, two = emulator.make_table(), emulator.make_table()
    with emulator.faults({"kind": "server_busy", "table": one}):
        assert write(emulator, one).status == 503
        assert write(emulator, two).status == 200


def test_a_rule_can_let_requests_go_by_first(emulator: Emulator) -> None:
    table = emulator.make_table()
    with emulator.faults({"kind": "server_busy", "skip": 2, "count": 1}):
        statuses = [write(emulator, table).status for _ in range(4)]
    assert statuses == [200, 200, 503, 200]


def test_a_seeded_probability_repeats_itself(emulator: Emulator) -> None:
    table = emulator.make_table()
    runs = []
    for _ in range(2):
        with emulator.faults(
            {"kind": "server_busy", "probability": 0.5, "seed": 7, "api": "BatchWriteRow"}
        ):
            runs.append([write(emulator, table).status for _ in range(20)])
    assert runs[0] == runs[1]
    assert set(runs[0]) == {200, 503}


def test_slow_waits_and_then_works(emulator: Emulator) -> None:
    table = emulator.make_table()
    started = time.monotonic()
    with emulator.faults({"kind": "slow", "delay": 0.3}):
        assert write(emulator, table).status == 200
    assert time.monotonic() - started >= 0.3


def test_a_plan_can_be_given_at_start(tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    plan.write_text(json.dumps({"rules": [{"kind": "server_busy", "count": 1}]}))
    with running("--faults", str(plan)) as server:
        assert server.send("ListTable").status == 503
        assert server.send("ListTable").status == 200
        assert server.control("/-/faults")["fired"] == {"server_busy": 1}


def test_rules_are_replaced_added_and_removed(emulator: Emulator) -> None:
    with emulator.faults({"kind": "slow"}):
        emulator.control("/-/faults", "POST", [{"kind": "hang", "api": "None"}])
        emulator.control("/-/faults?add=1", "POST", {"kind": "slow", "api": "None"})
        shown = emulator.control("/-/faults")["rules"]
        assert [rule["kind"] for rule in shown] == ["hang", "slow"]
    assert emulator.control("/-/faults")["rules"] == []


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"kind": "nonsense"},
        {"kind": "slow", "delay": "long"},
        {"kind": "slow", "delay": -1},
        {"kind": "slow", "unknown": 1},
        {"kind": "slow", "count": True},
        {"kind": "slow", "probability": 2},
        {"kind": "row_error", "key": {"column": "id"}},
        {"kind": "row_error", "code": "NoSuchCode"},
        {"kind": "hang", "effect": "during"},
        [],
        "slow",
    ],
)
def test_a_rule_with_a_mistake_is_refused(document: Any) -> None:
    with pytest.raises(FaultRuleError):
        parse_rule(document)


def test_a_refused_plan_leaves_the_active_one(emulator: Emulator) -> None:
    with emulator.faults({"kind": "slow"}):
        answer = emulator.control("/-/faults", "POST", [{"kind": "nonsense"}])
        assert "kind" in answer["error"]
        assert len(emulator.control("/-/faults")["rules"]) == 1


def test_every_kind_is_tried_by_some_test() -> None:
    """The list in this file and the server's are the same."""
    others = {
        "http_502_html",
        "http_503_empty",
        "timeout_after_effect",
        "reset_request",
        "reset_response",
        "truncated_body",
        "garbled_body",
        "wrong_response_signature",
        "wrong_response_date",
        "hang",
        "slow",
        "row_error",
    }
    assert others | set(REFUSALS) == KINDS
    assert Faults().shown() == {"rules": [], "fired": {}}


def test_a_page_of_another_site_cannot_set_faults(emulator: Emulator) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", emulator.port, timeout=10)
    headers = {"Origin": "http://example.com", "Content-Type": "text/plain"}
    connection.request("POST", "/-/faults", '[{"kind": "slow"}]', headers)
    assert connection.getresponse().status == 403
    connection.close()


def test_columns_of_a_faulted_update_stay(emulator: Emulator) -> None:
    table = emulator.make_table()
    emulator.send("PutRow", put(table, row(key(1), [("c", 1)])))
    with emulator.faults({"kind": "row_error", "api": "PutRow", "code": "OTSServerBusy"}):
        assert emulator.send("PutRow", put(table, row(key(1), [("c", 2)]))).status == 503
    assert columns(all_rows(emulator.client(), table)[0]) == {"c": 1}
