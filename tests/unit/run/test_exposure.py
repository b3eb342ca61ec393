"""Which addresses are warned of: those that strangers may reach."""

import pytest

from connectors.run.exposure import endpoint_exposure, exposures, is_public

NAMES = {"inner": ["10.0.0.9"], "outer": ["10.0.0.9", "8.8.8.8"], "nowhere": []}


@pytest.mark.parametrize(
    ("host", "public"),
    [
        ("127.0.0.1", False),
        ("::1", False),
        ("10.0.0.1", False),
        ("172.20.0.1", False),
        ("192.168.1.1", False),
        ("fd00::1", False),
        ("fe80::1%eth0", False),
        ("0.0.0.0", True),
        ("::", True),
        ("8.8.8.8", True),
        ("2001:4860:4860::8888", True),
        ("inner", False),
        ("outer", True),
        ("nowhere", False),
    ],
)
def test_an_address_is_public_outside_of_private_networks(host: str, public: bool) -> None:
    """All addresses of a machine are as well; a name is what it resolves to."""
    assert is_public(host, NAMES.__getitem__) is public
    assert (endpoint_exposure(host, 80, NAMES.__getitem__) is not None) is public


def test_a_process_warns_of_its_own_port() -> None:
    """Not of those of the others; with the remedy."""
    addresses = "10.0.0.1:2101;8.8.8.8:2101;[2001:4860:4860::8888]:2101"
    assert exposures(addresses, 0, {}) == []
    for number in (1, 2):
        (text,) = exposures(addresses, number, {})
        assert f"process {number} " in text
        assert "remedy" in text
    assert exposures(None, None, {}) == []
    assert exposures("127.0.0.1:1;127.0.0.1:2", 1, {}) == []


def test_bytewaxs_own_api_is_warned_of() -> None:
    """Set to anything, it listens on all addresses."""
    (text,) = exposures(None, None, {"BYTEWAX_DATAFLOW_API_ENABLED": "0"})
    assert "3030" in text
    assert "unset it" in text
