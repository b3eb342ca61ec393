"""Endpoints of Tablestore that are taken, and those that are refused."""

import pytest

from tests.unit.factories import settings


@pytest.mark.parametrize(
    "endpoint",
    [
        "host",
        "127.0.0.1:8080",
        "ftp://host",
        "https://",
        "https:///path",
        "http://example.com",
        "http://10.0.0.1:80",
        "http://127.0.0.1.example.com",
        "https://host?a=b",
        "https://host#x",
        "https://user:pass@host",
        "https://user@host",
        "https://[::1",
        "",
    ],
)
def test_endpoints_that_are_refused(endpoint: str) -> None:
    """An endpoint is an https URL of host, port and path; http only on this host."""
    with pytest.raises(ValueError, match="tablestore"):
        settings(tablestore={"endpoint": endpoint})


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://:pass@host",
        "https://@host",
        "https://host:99999",
        "https://host:port",
        "https://host\r\nX-Other: 1",
        "https://ho st",
        "https://host/a b",
    ],
)
def test_endpoints_that_cannot_work_are_refused(endpoint: str) -> None:
    """Passwords, ports that are none, blanks and line breaks are found when settings load."""
    with pytest.raises(ValueError, match="tablestore"):
        settings(tablestore={"endpoint": endpoint})


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://demo.cn-hangzhou.ots.aliyuncs.com",
        "https://demo.example:8443/prefix/",
        "http://127.0.0.1:1",
        "http://localhost",
        "http://[::1]:80",
        "HTTPS://Host",
    ],
)
def test_endpoints_that_are_taken(endpoint: str) -> None:
    """Over https anywhere, http on loopback, with or without port and path."""
    assert settings(tablestore={"endpoint": endpoint}).tablestore.endpoint == endpoint
