"""The settings in force: complete, and without a secret whatever its option is called."""

from typing import Any

import pytest

from connectors.http_api.settings_view import settings_in_force
from tests.unit.factories import CANARY, settings
from tests.unit.settings.options import OPTIONS, paths


@pytest.mark.parametrize(
    "sections",
    [
        {"kafka": {"secret_properties": {"sasl.password": CANARY}}},
        {"kafka": {"properties": {"plugin.secret": CANARY, "sasl.jaas.config": CANARY}}},
        {"kafka": {"properties": {"http.proxy": f"http://user:{CANARY}@proxy:3128"}}},
        {"format": {"registry": {"url": "http://127.0.0.1:1", "token": CANARY}}},
        {
            "format": {
                "registry": {"url": "http://127.0.0.1:1", "username": "u", "password": CANARY}
            }
        },
        {"dead_letters": {"secret_properties": {"sasl.password": CANARY}}},
    ],
)
def test_no_secret_is_shown(sections: dict[str, Any]) -> None:
    """Neither a value that the models know as secret, nor one under a name of a library."""
    shown = settings_in_force(settings(**sections)).model_dump_json()
    assert CANARY not in shown
    assert "*****" in shown


def test_every_option_is_shown_with_its_value() -> None:
    """Under the name of docs/options.md, but for tables that are empty."""
    made = settings(
        window={"rows": 7}, kafka={"secret_property_files": {"sasl.password": "/run/p"}}
    )
    found = settings_in_force(made)
    names = {name.split(".")[0] + "." + name.split(".")[1] for name in found.options if "." in name}
    assert set(paths()) <= names
    assert len(OPTIONS) <= len(found.options)
    assert found.options["window.rows"] == 7
    assert found.options["kafka.secret_property_files.sasl.password"] == "/run/p"
    assert found.options["tablestore.credentials"] == "keys"


def test_what_is_set_is_named() -> None:
    """Options with their defaults are not."""
    changed = settings_in_force(settings(window={"rows": 7, "age": 0.5})).changed
    assert [*changed] == ["kafka.topics", "window.rows"]
    tables = {"orders": {"auto_create": True}}
    assert "tables.orders.auto_create" in settings_in_force(settings(tables=tables)).changed
