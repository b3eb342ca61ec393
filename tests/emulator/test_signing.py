"""Signatures V2 and V4: right ones pass, and each kind of wrong one is refused with its text."""

import asyncio
import base64
import hashlib
import zlib

import pytest
import tablestore as ots

from emulator.wire import messages_pb2 as wire
from tests.emulator.harness import INSTANCE, KEY_ID, Answer, Emulator, put, row, signed_headers

LIST = b""


def refused(answer: Answer) -> tuple[int, str, str]:
    assert len(answer.headers["x-ots-requestid"]) == 36
    return answer.error


@pytest.mark.parametrize("region", [None, "cn-hangzhou"])
def test_the_sdk_accepts_signed_answers(emulator: Emulator, region: str | None) -> None:
    """The SDK checks MD5, date and signature of every answer, with V2 and V4 keys."""
    client = emulator.client(region=region)
    name = emulator.make_table()
    assert name in client.list_table()
    with pytest.raises(ots.OTSServiceError) as caught:
        client.describe_table("missing")
    assert caught.value.http_status == 404


@pytest.mark.parametrize("region", [None, "cn-hangzhou"])
def test_the_asynchronous_sdk_works(emulator: Emulator, region: str | None) -> None:
    async def use() -> object:
        async with emulator.async_client(region=region) as client:
            return await client.list_table()

    assert asyncio.run(use()) is not None


@pytest.mark.parametrize("region", [None, "cn-hangzhou"])
def test_a_wrong_secret_is_a_signature_mismatch(emulator: Emulator, region: str | None) -> None:
    headers = signed_headers("ListTable", LIST, secret="other", region=region)
    answer = emulator.send("ListTable", LIST, headers=headers)
    assert refused(answer) == (403, "OTSAuthFailed", "Signature mismatch.")


def test_the_sdk_reports_a_wrong_secret(emulator: Emulator) -> None:
    with pytest.raises(ots.OTSServiceError) as caught:
        emulator.client(secret="other").list_table()
    assert caught.value.code == "OTSAuthFailed"


def test_an_unknown_key_id_is_refused(emulator: Emulator) -> None:
    headers = signed_headers("ListTable", LIST, x_ots_accesskeyid="nobody")
    answer = emulator.send("ListTable", LIST, headers=headers)
    assert refused(answer) == (403, "OTSAuthFailed", "The AccessKeyID does not exist.")


def test_an_unknown_instance_is_refused(emulator: Emulator) -> None:
    headers = signed_headers("ListTable", LIST, x_ots_instancename="other")
    answer = emulator.send("ListTable", LIST, headers=headers)
    assert refused(answer) == (403, "OTSAuthFailed", "The instance is not found.")


@pytest.mark.parametrize("skew", [-16 * 60, 16 * 60])
def test_a_clock_off_by_more_than_15_minutes_is_refused(emulator: Emulator, skew: int) -> None:
    headers = signed_headers("ListTable", LIST, skew=skew)
    status, code, text = refused(emulator.send("ListTable", LIST, headers=headers))
    assert (status, code) == (403, "OTSAuthFailed")
    assert text == f"Mismatch between system time and x-ots-date: {headers['x-ots-date']}."


@pytest.mark.parametrize("skew", [-14 * 60, 14 * 60])
def test_a_clock_off_by_14_minutes_is_accepted(emulator: Emulator, skew: int) -> None:
    headers = signed_headers("ListTable", LIST, skew=skew)
    assert emulator.send("ListTable", LIST, headers=headers).status == 200


def test_a_body_that_does_not_fit_its_md5_is_refused(emulator: Emulator) -> None:
    body = wire.DescribeTableRequest(table_name="a").SerializeToString()
    headers = signed_headers("DescribeTable", b"something else")
    answer = emulator.send("DescribeTable", body, headers=headers)
    assert refused(answer) == (
        403,
        "OTSAuthFailed",
        "Mismatch between MD5 value of request body and x-ots-contentmd5 in header.",
    )


@pytest.mark.parametrize(
    "name",
    ["x-ots-date", "x-ots-apiversion", "x-ots-accesskeyid", "x-ots-instancename"],
)
def test_a_missing_header_is_named(emulator: Emulator, name: str) -> None:
    headers = signed_headers("ListTable", LIST, drop=name)
    answer = emulator.send("ListTable", LIST, headers=headers)
    assert refused(answer) == (400, "OTSParameterInvalid", f"Missing header: '{name}'.")


def test_no_signature_at_all_is_refused(emulator: Emulator) -> None:
    headers = signed_headers("ListTable", LIST)
    del headers["x-ots-signature"]
    status, code, _ = refused(emulator.send("ListTable", LIST, headers=headers))
    assert (status, code) == (400, "OTSParameterInvalid")


def test_a_bad_date_is_named(emulator: Emulator) -> None:
    headers = signed_headers("ListTable", LIST, x_ots_date="yesterday")
    answer = emulator.send("ListTable", LIST, headers=headers)
    assert refused(answer) == (400, "OTSParameterInvalid", "Invalid date format: yesterday.")


def test_a_header_added_after_signing_breaks_the_signature(emulator: Emulator) -> None:
    headers = signed_headers("ListTable", LIST) | {"x-ots-request-tag": "later"}
    answer = emulator.send("ListTable", LIST, headers=headers)
    assert refused(answer)[2] == "Signature mismatch."


def test_unknown_signed_headers_and_security_tokens_are_accepted(emulator: Emulator) -> None:
    client = emulator.client(sts_token="token", extra_headers={"x-ots-request-tag": "mine"})
    assert client.list_table() is not None


def test_the_signature_covers_the_operation(emulator: Emulator) -> None:
    """A signature of one operation cannot be used for another."""
    headers = signed_headers("ListTable", LIST)
    answer = emulator.send("DeleteTable", LIST, headers=headers)
    assert refused(answer)[2] == "Signature mismatch."


def test_answers_carry_what_the_sdks_check(emulator: Emulator) -> None:
    answer = emulator.send("ListTable")
    assert answer.headers["x-ots-contenttype"] == "protocol buffer"
    digest = base64.b64encode(hashlib.md5(answer.body).digest()).decode()
    assert answer.headers["x-ots-contentmd5"] == digest
    assert answer.headers["authorization"].startswith(f"OTS {KEY_ID}:")


def test_an_endpoint_path_is_not_signed(emulator: Emulator) -> None:
    """The SDK signs the operation only, whatever path the endpoint has."""
    client = ots.OTSClient(f"{emulator.url}/some/path", KEY_ID, "demo-secret", INSTANCE)
    assert client.list_table() is not None


def test_a_deflated_body_is_accepted_and_counted_in_plain(emulator: Emulator) -> None:
    name = emulator.make_table()
    plain = put(name, row([("k", "deflated"), ("id", 1)], [("c", "x" * 1000)]))
    body = zlib.compress(plain.SerializeToString())
    size = str(len(plain.SerializeToString()))
    headers = signed_headers(
        "PutRow",
        body,
        x_ots_request_compress_type="deflate",
        x_ots_request_compress_size=size,
        x_ots_response_compress_type="deflate",
    )
    answer = emulator.send("PutRow", body, headers=headers)
    assert answer.status == 200
    assert wire.ChangeRowResponse.FromString(zlib.decompress(answer.body)).HasField("consumed")
    _, found, _ = emulator.client().get_row(name, [("k", "deflated"), ("id", 1)], max_version=1)
    assert found is not None


@pytest.mark.parametrize("body", [b"not zlib", zlib.compress(b"x" * 100)[:-3]])
def test_a_body_that_does_not_inflate_is_refused(emulator: Emulator, body: bytes) -> None:
    headers = signed_headers("ListTable", body, x_ots_request_compress_type="deflate")
    assert refused(emulator.send("ListTable", body, headers=headers))[0] == 400


def test_a_deflated_body_cannot_exceed_the_limit_of_a_body(emulator: Emulator) -> None:
    body = zlib.compress(bytes(6 * 1024 * 1024))
    headers = signed_headers("ListTable", body, x_ots_request_compress_type="deflate")
    assert refused(emulator.send("ListTable", body, headers=headers))[:2] == (
        413,
        "OTSRequestBodyTooLarge",
    )


def test_an_unknown_operation_is_named(emulator: Emulator) -> None:
    answer = emulator.send("CreateNothing")
    assert refused(answer) == (
        400,
        "OTSParameterInvalid",
        "Unsupported operation: CreateNothing.",
    )


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_other_methods_are_refused(emulator: Emulator, method: str) -> None:
    answer = emulator.send("ListTable", method=method)
    assert refused(answer)[:2] == (405, "OTSMethodNotAllowed")


def test_a_body_over_5_mb_is_refused(emulator: Emulator) -> None:
    answer = emulator.send("BatchWriteRow", bytes(5 * 1024 * 1024 + 1))
    assert refused(answer) == (
        413,
        "OTSRequestBodyTooLarge",
        "The size of POST data is too large.",
    )


def test_a_body_that_is_not_protobuf_is_refused(emulator: Emulator) -> None:
    answer = emulator.send("DescribeTable", b"\xff\xff\xff")
    assert refused(answer) == (400, "OTSParameterInvalid", "Parse PBMessage from RawString failed.")
