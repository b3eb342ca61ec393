"""The rules between the modules: who may import whom."""

from pathlib import Path

import pytest

import connectors
from tests.unit.modules import (
    CONNECTORS,
    every_module,
    imports,
    modules,
    path_in_connectors,
    room_of,
    rooms_of,
)

# Each room of connectors/ and the rooms that it may import besides itself. The order is that of the
# data.
MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "network": set(),
    "records": {"errors"},
    "settings": {"errors"},
    "control": {"errors"},
    "run": {"control", "settings", "errors", "records"},
    "otel": {"settings", "records", "run"},
    "http_api": {"settings", "errors", "run", "otel"},
    "supervisor": {"control", "errors", "http_api", "run", "settings"},
    "offsets": {"control", "errors", "kafka", "run", "settings"},
    "dead_letters": {"errors", "records", "run"},
    "formats": {"settings", "records", "errors", "network"},
    "transforms": {"settings", "records", "errors"},
    "mapping": {"settings", "records", "errors"},
    "batching": {"settings", "records"},
    "kafka": {"settings", "records", "errors", "run", "dead_letters"},
    "tablestore": {
        "settings",
        "records",
        "errors",
        "run",
        "dead_letters",
        "batching",
        "network",
    },
    "replay": {"dead_letters", "errors", "kafka", "records", "run", "settings", "tablestore"},
    "import_config": {"settings", "errors"},
    "preflight": {"settings", "errors", "kafka", "run", "formats", "tablestore"},
    "inspect": {
        "dead_letters",
        "run",
        "settings",
        "errors",
        "records",
        "kafka",
        "formats",
        "transforms",
        "mapping",
        "tablestore",
    },
    "verify": {
        "dead_letters",
        "errors",
        "inspect",
        "kafka",
        "records",
        "run",
        "settings",
        "tablestore",
    },
    "cli": {
        "verify",
        "control",
        "offsets",
        "settings",
        "supervisor",
        "errors",
        "http_api",
        "records",
        "dead_letters",
        "import_config",
        "inspect",
        "kafka",
        "preflight",
        "run",
    },
    "steps": {
        "http_api",
        "settings",
        "records",
        "dead_letters",
        "replay",
        "errors",
        "run",
        "formats",
        "transforms",
        "mapping",
        "batching",
        "kafka",
        "tablestore",
    },
    # Nothing imports it but tests.
    "testing": {
        "settings",
        "records",
        "run",
        "dead_letters",
        "mapping",
        "tablestore",
    },
}
# Where the public names of connectors/__init__.py come from; it imports nothing else.
PUBLIC_HOMES = {"errors", "records", "run", "steps", "testing"}
# Fixtures for users' tests hand out the local services.
USES_LOCAL_SERVICES = {"testing/fixtures.py"}
# Modules that only import names from their present home, for pages with the former one.
FORMER_HOMES = {"run/replaying.py": "replay"}
# Modules that import by a name: of a function of the user, or of an entry in a registry, whose
# names tests/unit/test_registries.py checks.
IMPORTS_BY_NAME = {"settings/user_functions.py", "settings/implementations.py"}


def test_every_room_has_its_line() -> None:
    """A new room of connectors/ must be added to the table above."""
    assert {room_of(module) for module in CONNECTORS} - {""} <= set(MAY_IMPORT)


@every_module
def test_imports_run_one_way(module: Path) -> None:
    """A room imports only the rooms of its line in the table."""
    mine = room_of(module)
    if path_in_connectors(module) in FORMER_HOMES:
        assert set(rooms_of(imports(module))) == {FORMER_HOMES[path_in_connectors(module)]}
    elif mine:
        assert set(rooms_of(imports(module))) <= MAY_IMPORT[mine] | {mine}
    else:
        assert set(rooms_of(imports(module))) <= PUBLIC_HOMES


@every_module
def test_connectors_import_nothing_above_them(module: Path) -> None:
    """Neither flows nor emulator, tests, bench, demo or examples; and nothing by a made-up name."""
    tops = {name.split(".")[0] for name in imports(module)}
    if path_in_connectors(module) in IMPORTS_BY_NAME:
        tops -= {"an import by name"}
    if path_in_connectors(module) in USES_LOCAL_SERVICES:
        tops -= {"emulator", "localkafka"}
    assert not tops & {
        "flows",
        "emulator",
        "localkafka",
        "tests",
        "bench",
        "demo",
        "examples",
        "simulation",
        "torture",
        "an import by name",
    }


@pytest.mark.parametrize("folder", ["emulator", "localkafka"])
def test_the_local_services_import_nothing_of_ours(folder: str) -> None:
    """A stand-in that shares code with what it stands in for would share its mistakes."""
    found = modules(folder)
    assert found
    for module in found:
        tops = {name.split(".")[0] for name in imports(module)}
        assert not tops & {"connectors", "flows", "tests", "demo", "examples"}, module
    if folder == "emulator":
        assert not any("tablestore" in {n.split(".")[0] for n in imports(m)} for m in found)


def test_flows_are_written_with_steps() -> None:
    """A flow uses the public names, and a replay its steps; none of the rooms below."""
    for folder in ("flows", "examples"):
        for module in modules(folder):
            allowed = {*connectors.__all__, "replay"}
            if not module.name.startswith(("test_", "conftest")):
                allowed -= {"testing"}
            assert set(rooms_of(imports(module))) <= allowed, module
