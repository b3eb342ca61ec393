"""The client: what answers mean, whom it trusts, what it tells the SDK, what it never shows."""

import asyncio
import contextlib
import logging
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tablestore.error import OTSClientError, OTSServiceError
from tablestore.metadata import PK_AUTO_INCR, DescribeTableResponse, TableMeta
from tablestore.protobuf.table_store_pb2 import BatchWriteRowResponse, Error
from urllib3.exceptions import MaxRetryError, ProtocolError, ReadTimeoutError

from connectors.errors import StopRun
from connectors.settings.writing import TablestoreSettings
from connectors.tablestore.client import Client
from connectors.tablestore.http import Answer, Pool, TransportError
from connectors.tablestore.verdicts import Reject, RequestFailed, Retry, Stop, Verdict, Written
from tests.unit.factories import CANARY, settings
from tests.unit.tablestore.fake_service import KEY_SECRET, TOKEN, signed

ROOT = Path(__file__).parents[3]


class FakePool:
    """Answers every request with the same, and remembers what was sent."""

    def __init__(self, answer: Answer | Exception) -> None:
        self.answer = answer
        self.sent: list[tuple[str, dict[str, str], bytes]] = []

    async def post(self, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """As Pool's."""
        self.sent.append((path, dict(headers), body))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def client(answer: Answer | Exception, **options: Any) -> tuple[Client, FakePool]:
    """A client that gets this answer."""
    made = Client(TablestoreSettings(**options))
    pool = FakePool(answer)
    made._pool = cast(Pool, pool)
    return made, pool


def write(
    answer: Answer | Exception, rows: tuple[int, ...] = (1,), **options: Any
) -> list[Verdict] | None:
    """What one request gives."""
    return asyncio.run(client(answer, **options)[0].write(b"body", rows))


def failure(answer: Answer | Exception, **options: Any) -> RequestFailed:
    """How one request fails."""
    with pytest.raises(RequestFailed) as caught:
        write(answer, **options)
    return caught.value


def rows(*tables: list[tuple[str, str] | None]) -> bytes:
    """The body of an answer: None for a written row, else (code, message)."""
    response = BatchWriteRowResponse()
    for number, results in enumerate(tables):
        table = response.tables.add(table_name=f"t{number}")
        for found in results:
            one = table.rows.add(is_ok=found is None)
            if found is not None:
                one.error.code, one.error.message = found
    data: bytes = response.SerializeToString()
    return data


def error(code: str, message: str = "words") -> bytes:
    """The body of a refusal."""
    data: bytes = Error(code=code, message=message).SerializeToString()
    return data


def test_all_written() -> None:
    """When every row is written there is nothing to look at: None, also the second time."""
    made, pool = client(signed(rows([None, None], [None])))
    for _ in range(3):
        assert asyncio.run(made.write(b"body", (2, 1))) is None
    assert len(pool.sent) == 3


def test_each_row_has_its_verdict() -> None:
    """In the order of the request, table after table; one failed row makes all be told."""
    body = rows(
        [None, ("OTSServerBusy", "busy"), ("OTSParameterInvalid", "no")],
        [("OTSInvalidPK", "other key"), None],
    )
    for _ in range(2):
        found = write(signed(body), (3, 2))
        assert found is not None
        assert [type(verdict) for verdict in found] == [Written, Retry, Reject, Stop, Written]


@pytest.mark.parametrize("expected", [(2, 1), (1, 2), (3,), (2,), (1, 1), ()])
def test_an_answer_about_other_rows_says_nothing(expected: tuple[int, ...]) -> None:
    """Fewer, more or other rows than were sent: nobody knows what was written, so again."""
    body = rows([None, None]) if expected != (2,) else rows([None, None], [None])
    assert isinstance(failure_of(signed(body), expected).verdict, Retry)


def failure_of(answer: Answer, expected: tuple[int, ...]) -> RequestFailed:
    """The failure of a request with so many rows."""
    with pytest.raises(RequestFailed) as caught:
        write(answer, expected)
    return caught.value


def test_a_remembered_answer_is_not_taken_for_another_request() -> None:
    """The bytes that said `all written` for one request say nothing about a longer one."""
    made, _ = client(signed(rows([None])))
    assert asyncio.run(made.write(b"body", (1,))) is None
    with pytest.raises(RequestFailed):
        asyncio.run(made.write(b"body", (2,)))
    with pytest.raises(RequestFailed):
        asyncio.run(made.write(b"body", (1, 1)))


def test_remembered_answers_are_bounded() -> None:
    """Answers that never come again do not pile up."""
    made, pool = client(signed(b""))
    for number in range(1, 400):
        pool.answer = signed(rows([None] * (number % 200 + 1), [None] * (number // 200 + 1)))
        made_rows = (number % 200 + 1, number // 200 + 1)
        assert asyncio.run(made.write(b"body", made_rows)) is None
    assert len(made._all_written) <= 64


@given(st.lists(st.lists(st.sampled_from([None, ("OTSTimeout", ""), ("X", "y")]), min_size=1)))
def test_verdicts_stand_in_the_order_of_rows(tables: list[list[tuple[str, str] | None]]) -> None:
    """Whatever rows failed, each verdict is that of its row."""
    found = write(signed(rows(*tables)), tuple(len(table) for table in tables))
    expected = [row for table in tables for row in table]
    if found is None:
        assert not any(expected)
    else:
        assert [isinstance(verdict, Written) for verdict in found] == [
            row is None for row in expected
        ]


@pytest.mark.parametrize(
    ("status", "code", "verdict"),
    [
        (400, "OTSParameterInvalid", Reject),
        (413, "OTSRequestBodyTooLarge", Reject),
        (403, "OTSAuthFailed", Stop),
        (403, "OTSNoPermissionAccess", Stop),
        (404, "OTSObjectNotExist", Stop),
        (403, "OTSNotEnoughCapacityUnit", Retry),
        (409, "OTSRowOperationConflict", Retry),
        (500, "OTSInternalServerError", Retry),
        (503, "OTSServerBusy", Retry),
        (503, "OTSTimeout", Retry),
    ],
)
def test_a_refused_request_has_its_verdict_and_code(
    status: int, code: str, verdict: type[Verdict]
) -> None:
    """The service's own refusals, signed as they are."""
    found = failure(signed(error(code), status))
    assert type(found.verdict) is verdict
    assert found.code == code


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (TransportError("connection lost"), Retry),
        (Answer(502, {"content-type": "text/html"}, b"<html>Bad Gateway</html>"), Retry),
        (Answer(503, {}, b""), Retry),
        (Answer(504, {}, b"\xff\xfe"), Retry),
        (Answer(429, {}, b"slow down"), Retry),
        (Answer(404, {}, b"<html>nginx</html>"), Stop),
        (Answer(403, {}, b"blocked by the firewall"), Stop),
        (Answer(401, {}, b""), Stop),
        (Answer(400, {}, b"Bad Request"), Stop),
        (Answer(301, {"location": "https://elsewhere"}, b""), Stop),
        (Answer(200, {"content-type": "text/html"}, b"<html>log in</html>"), Retry),
        (Answer(204, {}, b""), Retry),
    ],
)
def test_answers_of_others(answer: Answer | Exception, verdict: type[Verdict]) -> None:
    """What stands between here and there: its trouble passes, its refusal stops; none rejects."""
    assert type(failure(answer).verdict) is verdict


def _no_md5(answer: Answer) -> Answer:
    return answer._replace(
        headers={k: v for k, v in answer.headers.items() if k != "x-ots-contentmd5"}
    )


def _no_authorization(answer: Answer) -> Answer:
    return answer._replace(
        headers={k: v for k, v in answer.headers.items() if k != "authorization"}
    )


def _other_body(answer: Answer) -> Answer:
    return answer._replace(body=answer.body + b"\x0a\x00")


def _other_signature(answer: Answer) -> Answer:
    headers = {**answer.headers, "authorization": answer.headers["authorization"][:-3] + "xx="}
    return answer._replace(headers=headers)


def _other_header(answer: Answer) -> Answer:
    return answer._replace(headers={**answer.headers, "x-ots-extra": "1"})


def _empty(answer: Answer) -> Answer:
    return Answer(200, {}, b"")


@pytest.mark.parametrize(
    "damage",
    [_no_md5, _no_authorization, _other_body, _other_signature, _other_header, _empty],
)
def test_an_answer_that_cannot_be_trusted_says_nothing(
    damage: Callable[[Answer], Answer],
) -> None:
    """Wrong or missing checksum or signature: the rows count as unknown and are sent again."""
    good = signed(rows([None]))
    made, pool = client(good)
    assert asyncio.run(made.write(b"body", (1,))) is None
    pool.answer = damage(good)
    with pytest.raises(RequestFailed) as caught:
        asyncio.run(made.write(b"body", (1,)))
    assert isinstance(caught.value.verdict, Retry)


@pytest.mark.parametrize("body", [b"\xff", b"\x0a\x7f", b"<html></html>"])
def test_a_signed_answer_that_cannot_be_read(body: bytes) -> None:
    """Bytes that are no answer are an unknown outcome, not a crash."""
    assert isinstance(failure(signed(body)).verdict, Retry)


def test_signature_version_4() -> None:
    """With a region, requests are signed with V4 and so are the answers."""
    made, pool = client(signed(rows([None]), region="cn-test"), region="cn-test")
    assert asyncio.run(made.write(b"body", (1,))) is None
    _, headers, _ = pool.sent[0]
    assert headers["x-ots-signregion"] == "cn-test"
    assert "x-ots-signaturev4" in headers
    assert isinstance(failure(signed(rows([None])), region="cn-test").verdict, Retry)


def test_requests_hold_the_token_and_never_the_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """The secret only signs; the token of a temporary key travels."""
    monkeypatch.setenv("ALIBABA_CLOUD_SECURITY_TOKEN", TOKEN)
    made, pool = client(signed(rows([None])), instance="demo-1")
    asyncio.run(made.write(b"body", (1,)))
    ((path, headers, body),) = pool.sent
    assert (path, body) == ("/BatchWriteRow", b"body")
    assert headers["x-ots-instancename"] == "demo-1"
    assert headers["x-ots-ststoken"] == TOKEN
    assert KEY_SECRET not in str(headers)


@pytest.mark.P7
def test_nothing_of_a_request_is_logged(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P7: with every logger open, neither payload, secret nor token is in any line."""
    monkeypatch.setenv("ALIBABA_CLOUD_SECURITY_TOKEN", TOKEN)
    for name in [*logging.Logger.manager.loggerDict, ""]:
        caplog.set_level(logging.DEBUG, name)
    for answer in (signed(rows([None])), signed(error("OTSServerBusy", CANARY), 503)):
        made, _ = client(answer)
        with contextlib.suppress(RequestFailed):
            asyncio.run(made.write(CANARY.encode(), (1,)))
    for secret in (CANARY, KEY_SECRET, TOKEN):
        assert secret not in caplog.text


def test_without_a_key_there_is_no_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing key stops the run when the client is made, before anything is read."""
    monkeypatch.delenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET")
    with pytest.raises(StopRun, match="ALIBABA_CLOUD_ACCESS_KEY_SECRET"):
        Client(TablestoreSettings())


def test_the_shape_of_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """Key columns in order and defined columns, named as in config.toml; auto-increment shows."""
    meta = TableMeta(
        "orders",
        [("a", "STRING"), ("b", "INTEGER", PK_AUTO_INCR), ("c", "BINARY")],
        [("x", "DOUBLE"), ("y", "BOOLEAN"), ("z", "INTEGER"), ("s", "STRING"), ("r", "BINARY")],
    )
    made, _ = client(signed(b""))
    answer = DescribeTableResponse(meta, None, None)
    monkeypatch.setattr(made._sdk, "describe_table", lambda table: answer)
    assert made.describe("orders")[:2] == (
        (("a", "string"), ("b", "auto_increment"), ("c", "binary")),
        (
            ("x", "double"),
            ("y", "boolean"),
            ("z", "integer"),
            ("s", "string"),
            ("r", "binary"),
        ),
    )


def test_what_a_new_table_is_made_of(monkeypatch: pytest.MonkeyPatch) -> None:
    """Name, key, the first listed columns, time to live and versions; no reserved capacity."""
    rules = settings(
        table={
            "primary_key_mode": "record_value",
            "primary_key": [{"name": "a"}, {"name": "b", "type": "binary"}],
            "columns": [
                {"name": "x", "type": "double"},
                {"name": "y", "type": "boolean"},
                {"name": "z", "type": "string"},
            ],
            "time_to_live": 86400,
            "max_versions": 3,
        }
    ).table
    made, _ = client(signed(b""))
    calls: list[tuple[Any, ...]] = []
    monkeypatch.setattr(made._sdk, "create_table", lambda *given: calls.append(given))
    made.create("orders", rules, 2)
    ((meta, options, reserved),) = calls
    assert meta.table_name == "orders"
    assert meta.schema_of_primary_key == [("a", "STRING"), ("b", "BINARY")]
    assert meta.defined_columns == [("x", "DOUBLE"), ("y", "BOOLEAN")]
    assert (options.time_to_live, options.max_version) == (86400, 3)
    assert (reserved.capacity_unit.read, reserved.capacity_unit.write) == (0, 0)


@pytest.mark.parametrize(
    ("raised", "verdict", "code"),
    [
        (OTSServiceError(404, "OTSObjectNotExist", "no"), Stop, "OTSObjectNotExist"),
        (OTSServiceError(409, "OTSObjectAlreadyExist", "is"), Stop, "OTSObjectAlreadyExist"),
        (OTSServiceError(403, "OTSAuthFailed", "no"), Stop, "OTSAuthFailed"),
        (OTSServiceError(503, "OTSServerBusy", "busy"), Retry, "OTSServerBusy"),
        (OTSServiceError(403, "OTSQuotaExhausted", "Too frequent table operations."), Retry, None),
        (OTSServiceError(503, "", ""), Retry, ""),
        (OTSServiceError(503, None, None), Retry, ""),
        (OTSClientError("bad signature", 200), Retry, ""),
        (OTSClientError("no answer"), Retry, ""),
        (OTSClientError("<html>", 502), Retry, ""),
        (OTSClientError("<html>", 403), Stop, ""),
        (MaxRetryError(cast(Any, None), "/", None), Retry, ""),
        (ProtocolError("reset"), Retry, ""),
        (ReadTimeoutError(cast(Any, None), "/", "slow"), Retry, ""),
    ],
)
def test_what_the_sdk_raises_about_tables(
    monkeypatch: pytest.MonkeyPatch, raised: Exception, verdict: type[Verdict], code: str | None
) -> None:
    """Its two errors, and the network's that it lets through, become a verdict."""
    made, _ = client(signed(b""))

    def fail(*_: object) -> None:
        raise raised

    monkeypatch.setattr(made._sdk, "describe_table", fail)
    monkeypatch.setattr(made._sdk, "create_table", fail)
    for call in (
        lambda: made.describe("orders"),
        lambda: made.create("orders", settings().table, 0),
    ):
        with pytest.raises(RequestFailed) as caught:
            call()
        assert type(caught.value.verdict) is verdict
        assert code is None or caught.value.code == code


def test_the_sdk_says_nothing_at_its_import() -> None:
    """Also where it has no native encoder for this Python, which does not matter here."""
    code = (
        "import sys; sys.modules['tablestore.ots_sdk'] = None; import connectors.tablestore.client"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert run.stdout + run.stderr == ""
