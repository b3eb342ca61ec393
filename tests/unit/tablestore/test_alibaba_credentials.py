"""Alibaba's own credentials package, unmodified, against servers that hand out keys."""

from __future__ import annotations

import logging
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.errors import StopRun
from connectors.settings.writing import TablestoreSettings
from connectors.tablestore import provided_credentials
from connectors.tablestore.provided_credentials import ProvidedCredentials, provided
from tests.support.certificates import Authority
from tests.support.key_server import METADATA_HOST, STS_HOST, KeyServer
from tests.support.proxy import HttpProxy
from tests.support.wait import until
from tests.unit.factories import CANARY

pytest.importorskip("alibabacloud_credentials.provider")

from alibabacloud_credentials.utils import auth_util
from Tea.core import TeaCore

KINDS = ["ecs_ram_role", "oidc", "uri"]


class Source:
    """A server of keys, and how this process comes to it: names and TLS are those of Alibaba."""

    def __init__(self, kind: str, server: KeyServer, token_file: Path) -> None:
        self.kind = kind
        self.server = server
        self.token_file = token_file

    def make(self, **settings: Any) -> ProvidedCredentials:
        """The credentials; they look when a test does."""
        made = provided(TablestoreSettings.model_validate({"credentials": self.kind, **settings}))
        made._sleep = _never
        return made


def _never(seconds: float) -> None:
    if seconds > 10:
        threading.Event().wait(600)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """Its certificate, and those of STS."""
    made = Authority(tmp_path_factory.mktemp("authority"))
    return made.certificate, *made.sign("sts", f"DNS:{STS_HOST}")


@pytest.fixture
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def source(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    no_proxies: None,
    tmp_path: Path,
) -> Iterator[Source]:
    """Each of the three, tried once at the start."""
    kind: str = request.param
    monkeypatch.setattr(provided_credentials, "_FIRST_TRIES", 1)
    tls = None
    if kind == "oidc":
        certificate, *of_sts = request.getfixturevalue("authority")
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(*of_sts)
        # Behind a proxy the package's HTTP client looks nowhere else.
        monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", str(certificate))
    token_file = tmp_path / "oidc-token"
    token_file.write_text(f"oidc-{CANARY}")
    monkeypatch.setattr(TeaCore, "_sessions", {})
    with KeyServer(tls) as server:
        monkeypatch.setattr(auth_util, "environment_credentials_uri", server.uri)
        monkeypatch.setattr(auth_util, "environment_role_arn", "acs:ram::1:role/writer")
        monkeypatch.setattr(auth_util, "environment_oidc_provider_arn", "acs:ram::1:oidc/ack")
        monkeypatch.setattr(auth_util, "environment_oidc_token_file", str(token_file))
        hosts = {METADATA_HOST: server.address, STS_HOST: server.address}
        if kind == "uri":
            yield Source(kind, server, token_file)
            return
        with HttpProxy(hosts) as proxy:
            name = "HTTPS_PROXY" if kind == "oidc" else "HTTP_PROXY"
            monkeypatch.setenv(name, f"http://{proxy.address}")
            yield Source(kind, server, token_file)


def shown(made: ProvidedCredentials) -> tuple[str, str, str | None]:
    """The present key."""
    key = made.get_credentials()
    return key.get_access_key_id(), key.get_access_key_secret(), key.get_security_token()


@pytest.mark.parametrize("source", KINDS, indirect=True)
def test_a_key_is_got_and_renewed_in_time(source: Source) -> None:
    """Not asked for again while it is good for long; a quarter of an hour before its end it is."""
    made = source.make()
    assert shown(made) == source.server.key
    made.look()
    assert source.server.given == 1
    source.server.key, source.server.lives = ("key-2", "secret-2", "token-2"), 600
    again = source.make()
    assert shown(again) == source.server.key
    source.server.key, source.server.lives = ("key-3", "secret-3", "token-3"), 3600
    again.look()
    assert shown(again) == source.server.key
    assert not again.has_expired


@pytest.mark.parametrize("source", ["ecs_ram_role"], indirect=True)
@pytest.mark.parametrize("v1", [False, True])
def test_the_role_of_an_instance(source: Source, v1: bool) -> None:
    """Its name is asked for unless it is set; by a metadata token where there are such."""
    source.server.v1 = v1
    assert shown(source.make()) == source.server.key
    roles = "GET /latest/meta-data/ram/security-credentials/"
    assert roles in source.server.requests
    source.server.requests.clear()
    assert shown(source.make(credentials_role="writer")) == source.server.key
    assert roles not in source.server.requests
    with pytest.raises(StopRun, match=r"HttpCode=40[34](?s:.*)credentials_role"):
        source.make(credentials_role="reader").get_credentials()


@pytest.mark.parametrize("source", ["oidc"], indirect=True)
def test_the_role_of_a_pod(source: Source) -> None:
    """The token of the pod is read each time: the cluster replaces it."""
    source.server.lives = 600
    made = source.make()
    made.get_credentials()
    source.token_file.write_text("another")
    made.look()
    first, second = source.server.requests
    for part in ("Action=AssumeRoleWithOIDC", "RoleArn=acs%3Aram%3A%3A1%3Arole%2Fwriter"):
        assert part in first
    assert (f"OIDCToken=oidc-{CANARY}" in first, "OIDCToken=another" in second) == (True, True)
    source.token_file.unlink()
    with pytest.raises(StopRun, match=r"FileNotFoundError: .*oidc-token"):
        source.make().get_credentials()


NO_KEYS: dict[str, tuple[int, bytes]] = {
    "404": (404, f"<html>{CANARY}</html>".encode()),
    "500": (500, CANARY.encode()),
    "denied": (403, b'{"Code": "EntityNotExist.Role", "Message": "' + CANARY.encode() + b'"}'),
    "no JSON": (200, CANARY.encode()),
    "no object": (200, b"[]"),
    "null": (200, b"null"),
    "nothing": (200, b""),
    "no UTF-8": (200, b"\xff" + CANARY.encode()),
    "without an end": (
        200,
        (
            f'{{"Code": "Success", "AccessKeyId": "a", "AccessKeySecret": "{CANARY}",'
            f' "Credentials": {{"AccessKeyId": "a", "AccessKeySecret": "{CANARY}"}}}}'
        ).encode(),
    ),
    "numbers": (
        200,
        (
            b'{"Code": "Success", "AccessKeyId": 1, "AccessKeySecret": 2, "SecurityToken": 3, '
            b'"Expiration": "2099-01-01T00:00:00Z", "Credentials": {"AccessKeyId": 1, '
            b'"AccessKeySecret": 2, "SecurityToken": 3, "Expiration": "2099-01-01T00:00:00Z"}}'
        ),
    ),
    "an end that is none": (
        200,
        (
            f'{{"Code": "Success", "AccessKeyId": "a", "AccessKeySecret": "b", "SecurityToken": '
            f'"c", "Expiration": "{CANARY}", "Credentials": {{"AccessKeyId": "a", '
            f'"AccessKeySecret": "b", "SecurityToken": "c", "Expiration": "{CANARY}"}}}}'
        ).encode(),
    ),
}


@pytest.mark.P5
@pytest.mark.P7
@pytest.mark.parametrize("source", KINDS, indirect=True)
@pytest.mark.parametrize("answer", NO_KEYS)
def test_an_answer_that_is_no_key(
    source: Source, answer: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Stops what has never worked, with the remedy; later the key before stays, with a warning.

    Neither shows what was answered or sent.
    """
    source.server.lives = 600
    made = source.make()
    before = shown(made)
    source.server.answer = NO_KEYS[answer]
    with pytest.raises(
        StopRun, match=rf"tablestore\.credentials {source.kind}: no access key"
    ) as e:
        source.make().get_credentials()
    assert "remedy: " in str(e.value)
    with caplog.at_level(logging.WARNING, "sync"):
        made.look()
        made.look()
    assert shown(made) == before
    # The package itself keeps the key of an instance, unless it believes the answer.
    assert len(caplog.records) == (source.kind != "ecs_ram_role" or answer == "numbers")
    assert CANARY not in f"{e.value}{caplog.text}{capfd.readouterr()}"


@pytest.mark.parametrize("source", KINDS, indirect=True)
def test_a_key_that_has_expired(source: Source, caplog: pytest.LogCaptureFixture) -> None:
    """Is none at the start; later it stays as long as there is no other, which the log says."""
    source.server.lives = -3600
    with pytest.raises(StopRun, match="remedy"):
        source.make().get_credentials()
    source.server.lives = 2
    made = source.make()
    first = shown(made)
    until(lambda: made.has_expired, "the end of the key")
    source.server.lives = -3600
    with caplog.at_level(logging.WARNING, "sync"):
        made.look()
    assert ("expired" in caplog.text, shown(made)) == (True, first)
    assert made.has_expired


@pytest.mark.P7
@pytest.mark.parametrize("source", KINDS, indirect=True)
def test_no_server_answers(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    """The text has the remedy, and that a proxy is asked; not the token that is in the URL."""
    source.server.__exit__(None, None, None)
    for name in ("HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, f"http://me:{CANARY}@127.0.0.1:9")
    with pytest.raises(StopRun, match=r"remedy(?s:.*)HTTPS_PROXY is set") as caught:
        source.make().get_credentials()
    assert CANARY not in str(caught.value)


def profile(file: Path, key: str) -> None:
    file.write_text(f"[default]\ntype = access_key\naccess_key_id = {key}\naccess_key_secret = s\n")


def test_a_profile_that_is_rewritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_proxies: None
) -> None:
    """The new key is taken; the one before stays while the file is half written or away."""
    file = tmp_path / "credentials.ini"
    monkeypatch.setattr(auth_util, "environment_credentials_file", str(file))
    profile(file, "first")
    made = Source("profile", None, file).make()  # type: ignore[arg-type]
    assert shown(made) == ("first", "s", None)
    for text in ("[default]\ntype = acc", f"{CANARY} = 1", "[default]\ntype = %(x)s\n", ""):
        file.write_text(text)
        made.look()
        assert shown(made)[0] == "first"
    file.unlink()
    made.look()
    assert shown(made)[0] == "first"
    profile(file, "second")
    made.look()
    assert shown(made)[0] == "second"


@pytest.mark.P7
@pytest.mark.parametrize(
    "text",
    [
        f"access_key_secret = {CANARY}\n",
        f"[default]\ntype = access_key\naccess_key_id = a\naccess_key_secret = 50%{CANARY}\n",
        f"[default]\n{CANARY}\n",
        "[default]\ntype = access_key\naccess_key_id = a\n",
        "[other]\n",
        "",
    ],
)
def test_a_profile_that_is_none(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_proxies: None
) -> None:
    """Stops with the remedy; parsers quote what they read, and we do not."""
    file = tmp_path / "credentials.ini"
    file.write_text(text)
    monkeypatch.setattr(auth_util, "environment_credentials_file", str(file))
    with pytest.raises(StopRun, match="ALIBABA_CLOUD_CREDENTIALS_FILE") as caught:
        Source("profile", None, file).make().get_credentials()  # type: ignore[arg-type]
    assert CANARY not in str(caught.value)
