"""URLs of services, and the proxies of the environment."""

import pytest

from connectors.settings.urls import check_url, proxy_of
from tests.unit.factories import settings

ALL = {"HTTPS_PROXY": "http://s:1", "HTTP_PROXY": "http://p:2"}


@pytest.mark.parametrize("url", ["http://emulator:18087", "http://10.0.0.1", "http://a.b/c"])
def test_plain_http_to_another_host_is_asked_for(url: str) -> None:
    """Not by default; the text names the option."""
    with pytest.raises(ValueError, match="allow_plain_http"):
        check_url(url, False)
    check_url(url, True)
    made = settings(
        tablestore={"endpoint": url, "allow_plain_http": True},
        format={"registry": {"url": url, "allow_plain_http": True}},
    )
    assert made.tablestore.endpoint == made.format.registry.url == url


@pytest.mark.parametrize(
    "url",
    ["ftp://a", "http://", "http://a:0", "http://u@a", "http://a/?", "http://a\n", "http://a..b"],
)
def test_plain_http_does_not_let_other_things_pass(url: str) -> None:
    """What is no URL is none with the option too."""
    with pytest.raises(ValueError, match=r"is|has|holds"):
        check_url(url, True)


@pytest.mark.parametrize(
    ("url", "environ", "proxy"),
    [
        ("https://a", {}, None),
        ("https://a", ALL, "http://s:1"),
        ("http://a", ALL, "http://p:2"),
        ("https://a", {"HTTP_PROXY": "http://p:2"}, None),
        ("https://a", {"https_proxy": "http://low:1", **ALL}, "http://low:1"),
        ("https://a", {"HTTPS_PROXY": "s:1"}, "http://s:1"),
        ("https://a", {"HTTPS_PROXY": "http://u:p@s:1"}, "http://u:p@s:1"),
        ("https://a", {"HTTPS_PROXY": ""}, None),
        ("https://a.example.com", {**ALL, "NO_PROXY": "example.com"}, None),
        ("https://a.example.com:8443", {**ALL, "NO_PROXY": ".example.com"}, None),
        ("https://a.example.com:8443", {**ALL, "NO_PROXY": "a.example.com:8443"}, None),
        ("https://a.example.com", {**ALL, "NO_PROXY": "other.com"}, "http://s:1"),
        ("https://a", {**ALL, "NO_PROXY": "*"}, None),
        ("https://a", {**ALL, "no_proxy": "a"}, None),
        ("http://127.0.0.1:8081", ALL, None),
        ("http://localhost", ALL, None),
        ("http://[::1]:80", ALL, None),
    ],
)
def test_proxies(url: str, environ: dict[str, str], proxy: str | None) -> None:
    """As other programs read these variables; this machine is never reached through one."""
    assert proxy_of(url, environ) == proxy


def test_the_process_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of the process is used where no other one is given."""
    monkeypatch.setenv("HTTPS_PROXY", "http://s:1")
    monkeypatch.setenv("NO_PROXY", "b")
    assert proxy_of("https://a") == "http://s:1"
    assert proxy_of("https://b") is None


@pytest.mark.parametrize("proxy", ["socks5://s:1", "https://s:1", "http:///x", "http://s:x"])
def test_a_proxy_that_cannot_be_used(proxy: str) -> None:
    """With the name of the variable, and not its value: it may hold a password."""
    with pytest.raises(ValueError, match="HTTPS_PROXY") as caught:
        proxy_of("https://a", {"HTTPS_PROXY": proxy})
    assert proxy not in str(caught.value)
