"""The tests that docs/testing.md shows pass, and README's configuration is legal."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from connectors.settings import Settings
from connectors.settings.loading import load
from emulator.local_server import Instance
from examples.enrich_and_filter.flow import add_region
from flows.sync import get_flow
from localkafka import EmbeddedKafka

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "testing.md").read_text("utf-8")
README = (ROOT / "README.md").read_text("utf-8")
CONFIG = """
kafka.topics = ["orders"]
errors.tolerance = "all"
[table]
primary_key_mode = "record_value"
primary_key = [{ name = "order_id" }]
auto_create = true
"""


def shown_tests() -> dict[str, Callable[..., None]]:
    """The functions of the page's blocks, by name."""
    found: dict[str, Any] = {"get_flow": get_flow, "add_region": add_region}
    for block in re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE):
        exec(compile(block, "docs/testing.md", "exec"), found)
    return {name: one for name, one in found.items() if name.startswith("test_")}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder of the page's reader."""
    (tmp_path / "config.toml").write_text(CONFIG)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", [name for name in shown_tests() if name != "test_orders"])
def test_in_memory(name: str, folder: Path) -> None:
    """Those that need nothing."""
    shown_tests()[name]()


@pytest.mark.flows
def test_on_local_services(
    folder: Path, local_kafka: EmbeddedKafka, tablestore_instance: Instance
) -> None:
    """The one with fixtures."""
    shown_tests()["test_orders"](local_kafka, tablestore_instance)


def test_the_configuration_of_the_readme(tmp_path: Path) -> None:
    """It stands in a list, so its lines are indented."""
    (block,) = re.findall(r"^   ```toml\n(.*?)^   ```", README, re.DOTALL | re.MULTILINE)
    file = tmp_path / "orders.toml"
    file.write_text(re.sub(r"^   ", "", block, flags=re.MULTILINE))
    settings: Settings = load(file)
    assert (settings.kafka.topics, settings.http.port) == (("orders",), 8080)
