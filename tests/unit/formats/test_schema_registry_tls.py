"""A Schema Registry behind TLS: its certificate is checked, and ours is shown where it is asked."""

import json
import ssl
from pathlib import Path
from typing import Any

import pytest

from connectors.errors import StopRun
from connectors.formats.factory import decoders
from connectors.settings.formats import FormatSettings
from tests.support.certificates import Authority
from tests.support.registry import SchemaRegistry
from tests.unit.formats.conftest import Impatient, framed, impatient


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """A certificate authority that all tests share."""
    return Authority(tmp_path_factory.mktemp("tls"))


def served(authority: Authority, *, asks: bool = False) -> SchemaRegistry:
    """A registry with a certificate; it may ask for the client's."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.sign("server"))
    if asks:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(authority.certificate)
    return SchemaRegistry(context)


def decode(registry: SchemaRegistry, **given: Any) -> Any:
    """One record of a schema that the registry has."""
    number = registry.register(json.dumps("long"))
    format_settings = {"value": "avro", "registry": {"url": registry.url, **given}}
    value, _ = decoders(FormatSettings.model_validate(format_settings), impatient)
    return value(framed(number, b"\2"))


def test_a_certificate_of_a_trusted_authority(authority: Authority) -> None:
    """The authority's file is all that it takes."""
    with served(authority) as registry:
        assert decode(registry, ca_file=str(authority.certificate)) == 1
        assert registry.requests


def test_other_certificates_are_refused(authority: Authority, tmp_path: Path) -> None:
    """A certificate of an unknown or another authority: the run stops, nothing is rejected."""
    other = Authority(tmp_path, "other")
    with served(authority) as registry:
        for given in ({}, {"ca_file": str(other.certificate)}):
            with pytest.raises(StopRun, match=r"CERTIFICATE_VERIFY_FAILED.*\n.*ca_file"):
                decode(registry, **given)
        assert registry.requests == []


def stopped(registry: SchemaRegistry, **given: Any) -> str:
    """What the run says as it stops. It may try again before: the answer races with the end."""
    for _ in range(100):
        try:
            decode(registry, **given)
        except Impatient:
            continue
        except StopRun as stop:
            return str(stop)
    raise AssertionError("it goes on trying")


def test_our_own_certificate(authority: Authority) -> None:
    """Shown to a registry that asks for one; without it the run stops."""
    certificate, key = authority.sign("client")
    trust = {"ca_file": str(authority.certificate)}
    with served(authority, asks=True) as registry:
        assert "certificate_file" in stopped(registry, **trust)
        own = {"certificate_file": str(certificate), "certificate_key_file": str(key)}
        assert decode(registry, **trust, **own) == 1


@pytest.mark.parametrize("name", ["ca_file", "certificate_file"])
def test_files_that_are_no_certificates_stop_the_start(
    authority: Authority, tmp_path: Path, name: str
) -> None:
    """With the option and the file named."""
    wrong = tmp_path / "wrong.pem"
    given: dict[str, str] = {name: str(wrong)}
    if name == "certificate_file":
        given["certificate_key_file"] = str(wrong)
    for text in (None, "no certificate"):
        if text is not None:
            wrong.write_text(text)
        with served(authority) as registry, pytest.raises(StopRun, match=rf"{name}.*wrong\.pem"):
            decode(registry, **given)
