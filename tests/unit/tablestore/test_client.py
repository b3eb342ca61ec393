"""The client: what failures mean, which answers it trusts, what it sends and never shows."""

import asyncio
import contextlib
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import pytest
from tablestore.protobuf.table_store_pb2 import BatchWriteRowResponse, Error

from connectors.errors import StopRun
from connectors.settings.writing import TablestoreSettings
from connectors.tablestore.client import Client
from connectors.tablestore.http import Answer, Pool, TransportError
from connectors.tablestore.verdicts import Reject, RequestFailed, Retry, Stop, Verdict
from tests.unit.factories import CANARY
from tests.unit.tablestore.fake_service import KEY_SECRET, TOKEN, signed

ROOT = Path(__file__).parents[3]


class FakePool:
    """Answers every request with the same, and remembers what was sent."""

    def __init__(self, answer: Answer | Exception) -> None:
        self.answer = answer
        self.sent: list[tuple[str, dict[str, str], bytes]] = []

    async def post(self, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Do as Pool does."""
        self.sent.append((path, dict(headers), body))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def client(answer: Answer | Exception, **options: Any) -> tuple[Client, FakePool]:
    """A client that gets this answer."""
    pool = FakePool(answer)
    return Client(TablestoreSettings(**options), cast(Pool, pool)), pool


def post(answer: Answer | Exception, **options: Any) -> bytes:
    """The answer to one request."""
    return asyncio.run(client(answer, **options)[0].post("BatchWriteRow", b"body"))


def failure(answer: Answer | Exception, **options: Any) -> RequestFailed:
    """How one request fails."""
    with pytest.raises(RequestFailed) as caught:
        post(answer, **options)
    return caught.value


def error(code: str, message: str = "words") -> bytes:
    """The body of a failed request."""
    data: bytes = Error(code=code, message=message).SerializeToString()
    return data


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
    """A proxy or balancer on the way: its trouble is retried, its denial stops; none rejects."""
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
    good = signed(b"answer")
    made, pool = client(good)
    assert asyncio.run(made.post("BatchWriteRow", b"body")) == b"answer"
    pool.answer = damage(good)
    with pytest.raises(RequestFailed) as caught:
        asyncio.run(made.post("BatchWriteRow", b"body"))
    assert isinstance(caught.value.verdict, Retry)


def test_signature_version_4() -> None:
    """With a region, requests are signed with V4 and so are the answers."""
    made, pool = client(signed(b"answer", region="cn-test"), region="cn-test")
    assert asyncio.run(made.post("BatchWriteRow", b"body")) == b"answer"
    _, headers, _ = pool.sent[0]
    assert headers["x-ots-signregion"] == "cn-test"
    assert "x-ots-signaturev4" in headers
    assert isinstance(failure(signed(b"answer"), region="cn-test").verdict, Retry)


def test_requests_hold_the_token_and_never_the_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """The secret only signs; the token of a temporary key travels."""
    monkeypatch.setenv("ALIBABA_CLOUD_SECURITY_TOKEN", TOKEN)
    made, pool = client(signed(b"answer"), instance="demo-1")
    asyncio.run(made.post("BatchWriteRow", b"body"))
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
    for answer in (signed(b"answer"), signed(error("OTSServerBusy", CANARY), 503)):
        made, _ = client(answer)
        with contextlib.suppress(RequestFailed):
            asyncio.run(made.post("BatchWriteRow", CANARY.encode()))
    for secret in (CANARY, KEY_SECRET, TOKEN):
        assert secret not in caplog.text


def test_without_a_key_there_is_no_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing key stops the run when the client is made, before anything is read."""
    monkeypatch.delenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET")
    with pytest.raises(StopRun, match="ALIBABA_CLOUD_ACCESS_KEY_SECRET"):
        Client(TablestoreSettings())


def test_the_sdk_says_nothing_at_its_import() -> None:
    """Also where it has no native encoder for this Python, which does not matter here."""
    code = (
        "import sys; sys.modules['tablestore.ots_sdk'] = None; import connectors.tablestore.client"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert run.stdout + run.stderr == ""


@pytest.mark.parametrize("region", ["", "cn-hangzhou"])
def test_an_answer_is_believed_when_it_is_signed_for_its_request(region: str) -> None:
    """The body comes back; an answer signed for another request says nothing."""
    made, pool = client(
        signed(b"body of the answer", path="/PutTimeseriesData", region=region), region=region
    )
    assert asyncio.run(made.post("PutTimeseriesData", b"request")) == b"body of the answer"
    ((path, headers, body),) = pool.sent
    assert (path, body) == ("/PutTimeseriesData", b"request")
    assert any(name.lower().startswith("x-ots-signature") for name in headers)
    other, _ = client(signed(b"", region=region), region=region)
    with pytest.raises(RequestFailed) as caught:
        asyncio.run(other.post("PutTimeseriesData", b"request"))
    assert isinstance(caught.value.verdict, Retry)


def test_a_refusal_has_its_verdict() -> None:
    """400 is a rejection, which the writer halves; 403 stops."""
    for status, code, kind in (
        (400, "OTSParameterInvalid", Reject),
        (403, "OTSNoPermissionAccess", Stop),
        (503, "OTSServerBusy", Retry),
    ):
        body = Error(code=code, message="words").SerializeToString()
        made, _ = client(signed(body, status, "/PutTimeseriesData"))
        with pytest.raises(RequestFailed) as caught:
            asyncio.run(made.post("PutTimeseriesData", b""))
        assert isinstance(caught.value.verdict, kind)
        assert caught.value.code == code


FINAL = TransportError("no TLS there", "correct it", is_final=True)


@pytest.mark.P5
def test_what_can_never_have_worked_stops() -> None:
    """TLS to a plain port, a certificate of an unknown authority: with the remedy."""
    verdict = failure(FINAL).verdict
    assert isinstance(verdict, Stop)
    assert "remedy: correct it" in verdict.reason


@pytest.mark.parametrize(
    "answer", [FINAL, Answer(404, {}, b"<html>nginx</html>"), Answer(403, {}, b"no")]
)
@pytest.mark.parametrize(
    "before",
    [signed(BatchWriteRowResponse().SerializeToString()), signed(error("OTSServerBusy"), 503)],
)
def test_what_has_answered_before_is_waited_for(answer: Answer | Exception, before: Answer) -> None:
    """A balancer that answers for the service while it is replaced is no reason to stop."""
    made, pool = client(before)

    async def exchange() -> None:
        with contextlib.suppress(RequestFailed):
            await made.post("BatchWriteRow", b"body")
        pool.answer = answer
        with pytest.raises(RequestFailed) as caught:
            await made.post("BatchWriteRow", b"body")
        assert isinstance(caught.value.verdict, Retry)

    asyncio.run(exchange())


def test_a_proxy_that_cannot_be_used_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the option that does without it."""
    monkeypatch.setenv("HTTPS_PROXY", "socks5://s:1")
    with pytest.raises(StopRun, match="proxy_from_environment"):
        client(FINAL, endpoint="https://a")
    client(FINAL, endpoint="https://a", proxy_from_environment=False)


@pytest.mark.parametrize("rotated", [True, False])
def test_a_denial_of_a_key_that_was_replaced_meanwhile(tmp_path: Path, rotated: bool) -> None:
    """It is sent again with the new key; a denial of the present one stops."""
    file = tmp_path / "id"
    file.write_text("first")
    made, pool = client(signed(error("OTSAuthFailed"), 403), access_key_id_file=file)

    async def post(path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        if rotated:
            file.write_text("second")
            os.utime(file, ns=(1, 1))
        return await FakePool.post(pool, path, headers, body)

    pool.post = post  # type: ignore[method-assign]
    with pytest.raises(RequestFailed) as caught:
        asyncio.run(made.post("BatchWriteRow", b"body"))
    assert type(caught.value.verdict) is (Retry if rotated else Stop)
