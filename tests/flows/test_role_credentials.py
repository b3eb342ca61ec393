"""A run on keys that expire: renewed, replaced, late, and gone."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.flows.conftest import Case, MakeCase
from tests.flows.dead_letters import wait_logged
from tests.support.brokers import Broker
from tests.support.flow_process import FlowProcess
from tests.support.key_server import METADATA_HOST, KeyServer
from tests.support.proxy import HttpProxy
from tests.support.store import TablestoreProcess

pytest.importorskip("alibabacloud_credentials.provider")

SHORT = 5
SECRETS = ("canary-of-key-1", "canary-of-key-2", "canary-of-key-3")


@pytest.fixture
def case(embedded_broker: Broker, make_case: MakeCase, tmp_path: Path) -> Iterator[Case]:
    """A case whose service takes other keys from time to time, so that nobody else can use it."""
    with TablestoreProcess(tmp_path / "store", instances=1) as process:
        case = make_case(embedded_broker, process.fresh())
        case.flow.set({"table": {"auto_create": True}})
        yield case


def test_keys_of_a_uri(case: Case) -> None:
    """The service takes another key: the run asks for it. One that has expired is waited for."""
    with KeyServer() as server:
        case.flow.set({"tablestore": {"credentials": "uri", "retry_max": 1}})
        case.flow.env["ALIBABA_CLOUD_CREDENTIALS_URI"] = server.uri
        process: FlowProcess | None = None
        for number, secret in enumerate(SECRETS):
            server.answer = (503, secret.encode()) if number == 2 else None
            if number == 2:
                time.sleep(SHORT + 0.5)  # until the last one that was handed out has expired
            server.lives = SHORT if number == 1 else 600  # the package asks when it is asked
            server.key = (f"key-{number}", secret, "t")
            case.store.take_key(*server.key[:2])
            process = process or case.flow.start()
            case.orders(100)
            if number == 2:
                wait_logged(process, "the access key has expired")
                assert process.alive
                server.answer = None
            case.wait_committed(process)
        assert process is not None
        process.drain()
    case.verdict_of_rows(minimum=300)
    assert not any(secret in process.text() for secret in SECRETS)


def test_the_role_of_an_instance(case: Case) -> None:
    """Through a whole flow; a key that is denied and the newest stops it with the remedy."""
    with KeyServer() as server, HttpProxy({METADATA_HOST: server.address}) as proxy:
        case.flow.set(
            {"tablestore": {"credentials": "ecs_ram_role", "proxy_from_environment": False}}
        )
        case.flow.env["HTTP_PROXY"] = f"http://{proxy.address}"
        server.key = ("key-0", SECRETS[0], "t")
        case.store.take_key(*server.key[:2])
        process = case.flow.start()
        case.orders(100)
        case.wait_committed(process)
        case.store.take_key("key-1", SECRETS[1])
        case.orders(10)
        text = process.refused("OTSAuthFailed", "remedy: check the access key")
    assert not any(secret in text for secret in SECRETS)
