"""Keys of Alibaba's credentials package: followed while they change, and kept while it is away."""

import json
import logging
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from connectors.errors import StopRun
from connectors.settings.writing import TablestoreSettings
from connectors.tablestore.client import Client
from connectors.tablestore.credentials import Credentials
from connectors.tablestore.provided_credentials import ProvidedCredentials, provided
from tests.unit.factories import CANARY


class Provider:
    """Hands out a key, or fails."""

    def __init__(self) -> None:
        self.answers: Callable[[int], Credentials | Exception] = lambda n: Credentials(
            f"id-{n}", CANARY, f"token-{n}"
        )
        self.asked = 0

    def __call__(self) -> Credentials:
        self.asked += 1
        found = self.answers(self.asked)
        if isinstance(found, Exception):
            raise found
        return found


def source(provider: Provider, kind: str = "ecs_ram_role") -> ProvidedCredentials:
    """Credentials whose thread only looks when a test does."""
    return ProvidedCredentials(kind, provider, sleep=_forever)


def _forever(seconds: float) -> None:
    if seconds > 10:
        threading.Event().wait(600)


def test_a_key_is_followed() -> None:
    """Nothing is asked before it is needed; then requests have what was found last."""
    provider = Provider()
    made = source(provider)
    assert provider.asked == 0
    assert made.get_credentials().get_access_key_id() == "id-1"
    assert made.get_credentials().get_access_key_id() == "id-1"
    assert provider.asked == 1
    made.look()
    found = made.get_credentials()
    assert (found.get_access_key_id(), found.get_security_token()) == ("id-2", "token-2")
    assert CANARY not in repr(made) + repr(found)


def test_the_present_key_stays_while_the_provider_is_away(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A metadata service that does not answer for a while is no end; it is logged once."""
    provider = Provider()
    made = source(provider)
    made.get_credentials()
    provider.answers = lambda _: TimeoutError("no answer")
    with caplog.at_level(logging.WARNING):
        made.look()
        made.look()
    assert made.get_credentials().get_access_key_id() == "id-1"
    assert len(caplog.records) == 1


def test_the_first_key_is_asked_for_some_times() -> None:
    """Right after a boot the metadata service may be late."""
    provider = Provider()
    provider.answers = lambda n: TimeoutError() if n < 3 else Credentials("late", "s", None)
    assert source(provider).get_credentials().get_access_key_id() == "late"


@pytest.mark.P5
@pytest.mark.parametrize("kind", ["default", "ecs_ram_role", "oidc", "uri", "profile"])
@pytest.mark.parametrize(
    "answer", [ValueError("no role"), Credentials("", "", None), Credentials("a b", "s", None)]
)
def test_no_key_stops_with_the_remedy(kind: str, answer: Any) -> None:
    """What has never worked."""
    provider = Provider()
    provider.answers = lambda _: answer
    with pytest.raises(StopRun, match=rf"tablestore\.credentials {kind}") as caught:
        source(provider, kind).get_credentials()
    assert "remedy: " in str(caught.value)


def test_without_the_package_the_text_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is an extra."""
    monkeypatch.setitem(sys.modules, "alibabacloud_credentials", None)
    with pytest.raises(StopRun, match=r"bytewax-tablestore\[credentials\]"):
        Client(TablestoreSettings(credentials="oidc"))


@pytest.mark.parametrize(
    "given",
    [
        {"credentials": "oidc", "access_key_id_file": "x"},
        {"credentials": "uri", "security_token_file": "x"},
        {"credentials_role": "x"},
        {"credentials": "sts"},
    ],
)
def test_settings_that_contradict_each_other(given: dict[str, Any]) -> None:
    """Found when they are loaded."""
    with pytest.raises(ValueError, match="credentials"):
        TablestoreSettings(**given)


def test_alibabas_own_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The real one, where it is installed: keys by a URI and by a profile."""
    kinds = pytest.importorskip("alibabacloud_credentials.provider")
    from alibabacloud_credentials.utils import auth_util

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(
                {
                    "Code": "Success",
                    "AccessKeyId": "by-uri",
                    "AccessKeySecret": "s",
                    "SecurityToken": "t",
                    "Expiration": "2099-01-01T00:00:00Z",
                }
            ).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Suppress the access log that the base class writes to stderr."""

    assert kinds
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}/key"
        monkeypatch.setattr(auth_util, "environment_credentials_uri", url)
        found = provided(TablestoreSettings(credentials="uri")).get_credentials()
        server.shutdown()
    assert (found.get_access_key_id(), found.get_security_token()) == ("by-uri", "t")
    profile = tmp_path / "credentials.ini"
    profile.write_text(
        "[default]\ntype = access_key\naccess_key_id = by-file\naccess_key_secret = s\n"
    )
    monkeypatch.setattr(auth_util, "environment_credentials_file", str(profile))
    found = provided(TablestoreSettings(credentials="profile")).get_credentials()
    assert found.get_access_key_id() == "by-file"
    monkeypatch.setattr(auth_util, "environment_role_arn", None)
    with pytest.raises(StopRun, match="RRSA"):
        provided(TablestoreSettings(credentials="oidc"))
