"""What this server does not do is refused the service's way: 400 with a text, never 404 or 500."""

import http.client
from collections.abc import Callable
from typing import Any

import pytest
import tablestore as ots
from tablestore.protocol import OTSProtocol

from emulator.operations import OPERATIONS
from emulator.wire import messages_pb2 as wire
from tests.emulator.harness import Emulator

ELSEWHERE = {
    "ListStream",
    "DescribeStream",
    "GetShardIterator",
    "GetStreamRecord",
    "CreateDeliveryTask",
    "CreateGlobalTable",
    "CreateTimeseriesLastpointIndex",
    "tunnel/create",
    "tunnel/readrecords",
}
"""Operations that only the SDKs of other languages have."""


@pytest.mark.parametrize("api", sorted({*OTSProtocol.api_list, *ELSEWHERE} - set(OPERATIONS)))
def test_an_operation_that_is_not_there_is_named(emulator: Emulator, api: str) -> None:
    """The error for an unsupported operation names it, whatever the request's body is."""
    for body in (b"", b"\x0a\x01t", b"{}"):
        answer = emulator.send(api, body)
        refused = wire.Error.FromString(answer.body)
        assert (answer.status, refused.code) == (400, "OTSParameterInvalid")
        assert refused.message == f"Unsupported operation: {api}."
        assert answer.headers["authorization"].startswith("OTS demo-key:")


CALLS: dict[str, Callable[[Any], object]] = {
    "Search": lambda c: c.search("t", "index", ots.SearchQuery(ots.MatchAllQuery())),
    "DescribeSearchIndex": lambda c: c.describe_search_index("t", "index"),
    "DeleteSearchIndex": lambda c: c.delete_search_index("t", "index"),
    "DropIndex": lambda c: c.delete_secondary_index("t", "index"),
    "SQLQuery": lambda c: c.exe_sql_query("select 1"),
    "ListKnowledgeBase": lambda c: c.list_knowledge_base({}),
    "SearchMemories": lambda c: c.search_memories({}),
}


@pytest.mark.parametrize("api", CALLS)
def test_the_sdk_tells_what_is_not_supported(client: Any, api: str) -> None:
    """Also where the SDK reads the error as JSON."""
    with pytest.raises(ots.OTSServiceError) as caught:
        CALLS[api](client)
    assert (caught.value.http_status, caught.value.code) == (400, "OTSParameterInvalid")
    assert caught.value.message == f"Unsupported operation: {api}."
    assert len(caught.value.request_id) == 36


def test_it_is_reported_without_a_signature_too(emulator: Emulator) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", emulator.port, timeout=20)
    connection.request("POST", "/SQLQuery", b"")
    answer = connection.getresponse()
    refused = wire.Error.FromString(answer.read())
    connection.close()
    assert (answer.status, refused.message) == (400, "Unsupported operation: SQLQuery.")
