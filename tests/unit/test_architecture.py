"""The rules between the modules: who may import whom, how long a file is, what no module does."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import connectors

ROOT = Path(__file__).parents[2]
MAX_LINES = 400
HARD_LIMIT = 450

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
    "cli": {
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
}
# Where the public names of connectors/__init__.py come from; it imports nothing else.
PUBLIC_HOMES = {"errors", "records", "run", "steps"}
# Modules that only import names from their present home, for pages with the former one.
FORMER_HOMES = {"run/replaying.py": "replay"}
# Modules that import by a name: of a function of the user, or of an entry in a registry, whose
# names tests/unit/test_registries.py checks.
IMPORTS_BY_NAME = {"settings/user_functions.py", "settings/implementations.py"}
# Libraries that only one room or file knows, so that another library can replace them.
ONLY_IN = {
    "tablestore": {
        "tablestore/client.py",
        "tablestore/tables_api.py",
        "tablestore/requests.py",
        "tablestore/timeseries/requests.py",
    },
    "confluent_kafka": {"kafka"},
    "bytewax": {
        "steps.py",
        "batching.py",
        "kafka/source.py",
        "kafka/partition_reader.py",
        "replay/steps.py",
        "tablestore/sink.py",
        "tablestore/dead_letter_source.py",
        "kafka/topic_sink.py",
        "run",
    },
    "alibabacloud_credentials": {"tablestore/provided_credentials.py"},
    "httptools": {"tablestore/http.py"},
    "msgspec": {"records", "formats", "mapping", "transforms"},
    "pydantic": {"settings", "http_api"},
    "pydantic_settings": {"settings"},
    "prometheus_client": {
        "run/metrics.py",
        "run/flow_metrics.py",
        "run/exported.py",
        "http_api/provider.py",
        "http_api/server.py",
        "http_api/aggregate.py",
    },
    "opentelemetry": {"otel"},
    "aiohttp": {"http_api/server.py", "http_api/aggregate.py"},
    "fastcrc": {"tablestore/plainbuffer"},
    "crc32c": {"tablestore/timeseries/requests.py"},
    "sqlite3": set(),
    "pickle": set(),
    "requests": set(),
    "urllib3": {
        "tablestore/sdk_connections.py",
        "tablestore/tables_api.py",
        "formats/registry_client.py",
    },
    "typer": {"cli"},
    "rich": {"cli"},
    "tomlkit": {"import_config/document.py"},
    "javaproperties": {"import_config/files.py"},
    "fastavro": set(),
}
# The functions at a boundary, which alone may catch whatever is raised.
BOUNDARIES = {
    ("control/server.py", "_answer"),
    ("settings/oauth.py", "token"),
    ("tablestore/sink.py", "_work"),
    ("tablestore/set_aside.py", "_work"),
    ("tablestore/provided_credentials.py", "_first"),
    ("tablestore/provided_credentials.py", "look"),
    ("tablestore/provided_credentials.py", "provided"),
    ("kafka/discovery.py", "_loop"),
    ("preflight/runner.py", "_look"),
    ("formats/avro/decoder.py", "read"),
    ("formats/factory.py", "decode"),
    ("formats/factory.py", "isolated"),
    ("formats/json_schema.py", "decode"),
    ("formats/protobuf.py", "decode"),
    ("transforms/chunk_step.py", "_each"),
    ("transforms/chunk_step.py", "_run"),
    ("mapping/row_mapper.py", "map_chunk"),
    ("mapping/row_mapper.py", "_map_isolated"),
}


def modules(folder: str) -> list[Path]:
    """The Python files of a folder at the top."""
    return sorted((ROOT / folder).rglob("*.py"))


CONNECTORS = modules("connectors")
every_module = pytest.mark.parametrize(
    "module", CONNECTORS, ids=lambda path: str(path.relative_to(ROOT))
)


@cache
def tree(module: Path) -> ast.Module:
    """Its syntax tree."""
    return ast.parse(module.read_text("utf-8"))


def imports(module: Path) -> set[str]:
    """The dotted names that a module imports, wherever in it, by whatever form of import."""
    found = set()
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: a relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, (ast.Name, ast.Attribute))
            and re.search(
                "import|resolve_name",
                node.func.id if isinstance(node.func, ast.Name) else node.func.attr,
            )
        ):
            found.add("an import by name")
    return found


def path_in_connectors(module: Path) -> str:
    """Its path within connectors/."""
    return str(module.relative_to(ROOT / "connectors"))


def room_of(module: Path) -> str:
    """The room of connectors/ that it belongs to; empty for the package itself."""
    first = module.relative_to(ROOT / "connectors").parts[0].removesuffix(".py")
    return "" if first == "__init__" else first


def rooms_of(names: set[str]) -> Iterator[str]:
    """The rooms of connectors/ among imported names."""
    for name in names:
        if name.startswith("connectors."):
            yield name.split(".")[1]


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
    assert not tops & {
        "flows",
        "emulator",
        "localkafka",
        "tests",
        "bench",
        "demo",
        "examples",
        "simulation",
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
            assert set(rooms_of(imports(module))) <= {*connectors.__all__, "replay"}, module


@every_module
def test_libraries_stay_in_their_room(module: Path) -> None:
    """Only some modules of tablestore/ know the SDK, only kafka/ the Kafka client, and so on."""
    for name in {name.split(".")[0] for name in imports(module)} & set(ONLY_IN):
        allowed = ONLY_IN[name]
        assert any(
            path_in_connectors(module) == home or path_in_connectors(module).startswith(f"{home}/")
            for home in allowed
        ), f"{name} may only be imported by {', '.join(sorted(allowed)) or 'nobody'}"


@every_module
def test_modules_are_short(module: Path) -> None:
    """No module of connectors/ is above 400 lines."""
    assert len(module.read_text("utf-8").splitlines()) <= MAX_LINES


@pytest.mark.parametrize(
    "folder", ["flows", "emulator", "localkafka", "demo", "examples", "simulation", "tests"]
)
def test_no_other_file_is_beyond_the_hard_limit(folder: str) -> None:
    """Generated files apart."""
    for module in modules(folder):
        if not module.name.endswith("_pb2.py"):
            lines = len(module.read_text("utf-8").splitlines())
            assert lines <= HARD_LIMIT * (2 if folder == "tests" else 1), module


@every_module
def test_nothing_is_printed(module: Path) -> None:
    """Messages go to the log; only the last line of a run goes to stderr."""
    for node in ast.walk(tree(module)):
        assert not (isinstance(node, ast.Name) and node.id in ("print", "breakpoint"))


@every_module
def test_only_boundaries_catch_everything(module: Path) -> None:
    """`except Exception` hides mistakes, so only the named functions have it."""
    for function in ast.walk(tree(module)):
        if not isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        for node in ast.walk(function):
            if isinstance(node, ast.ExceptHandler) and _catches_everything(node):
                inner = _innermost(function, node)
                assert (path_in_connectors(module), inner) in BOUNDARIES


def _catches_everything(handler: ast.ExceptHandler) -> bool:
    last = handler.body[-1]
    if isinstance(last, ast.Raise) and last.exc is None:
        return False  # it tidies up, and what was raised goes on
    if handler.type is None:
        return True
    types = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(
        isinstance(each, ast.Name) and each.id in ("Exception", "BaseException") for each in types
    )


def _innermost(function: ast.FunctionDef | ast.AsyncFunctionDef, node: ast.AST) -> str:
    inner = [
        found
        for found in ast.walk(function)
        if isinstance(found, (ast.FunctionDef, ast.AsyncFunctionDef))
        and any(below is node for below in ast.walk(found))
    ]
    return max(inner, key=lambda found: found.lineno).name


def test_importing_connects_to_nothing() -> None:
    """No module opens a socket, starts a thread or a process when it is imported."""
    import subprocess
    import sys

    names = [
        ".".join(module.relative_to(ROOT).with_suffix("").parts)
        for module in CONNECTORS
        if module.name != "__init__.py"
    ]
    program = f"""
import importlib, socket, subprocess, sys, threading
import bytewax.run, confluent_kafka.admin, tablestore.client  # what they do is theirs
opened = []
sys.addaudithook(lambda event, _: opened.append(event)
                 if event in ("socket.connect", "socket.bind", "subprocess.Popen") else None)
before = threading.active_count()
for name in {names!r}:
    importlib.import_module(name)
print(opened, threading.active_count() - before)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, timeout=100
    )
    assert done.stdout.strip() == "[] 0", done.stderr


def test_the_reference_page_is_fresh() -> None:
    """docs/options.md is what the settings models say now."""
    from connectors.settings.reference import page

    assert (ROOT / "docs" / "options.md").read_text("utf-8") == page()


def test_the_example_configuration_loads(monkeypatch: pytest.MonkeyPatch) -> None:
    """config.toml at the top is legal, and what it shows commented out is too."""
    from connectors.settings.loading import load

    file = ROOT / "config.toml"
    assert load(file).kafka.topics == ("orders",)
    known = re.findall(r"^# ([a-z_]+) = ", file.read_text("utf-8"), re.MULTILINE)
    assert known, "options that are shown commented out"
    from connectors.settings.timeseries import TimeseriesSettings
    from tests.unit.settings.options import OPTIONS

    names = {path.split(".")[1] for path in OPTIONS} | {*TimeseriesSettings.model_fields}
    assert set(known) <= names
