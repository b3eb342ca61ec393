"""What no module does: grow long, print, catch everything, connect when it is imported."""

import ast
from pathlib import Path

import pytest

from tests.unit.modules import CONNECTORS, ROOT, every_module, modules, path_in_connectors, tree

LINES = 390
OTHER_FOLDERS = sorted({path.parent.name for path in ROOT.glob("[!.]*/*.py")} - {"connectors"})
# The functions at a boundary, which alone may catch whatever is raised.
BOUNDARIES = {
    ("control/server.py", "_answer"),
    ("settings/oauth.py", "token"),
    ("tablestore/client.py", "_exchange"),
    ("tablestore/tables_api.py", "sdk_call"),
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


@every_module
def test_modules_are_short(module: Path) -> None:
    """A module of connectors/ has less than 390 lines."""
    assert len(module.read_text("utf-8").splitlines()) < LINES


@pytest.mark.parametrize("folder", OTHER_FOLDERS)
def test_other_files_are_short(folder: str) -> None:
    """The same holds for every other folder, tests and benchmarks too; generated files apart."""
    for module in modules(folder):
        if not module.name.endswith("_pb2.py"):
            assert len(module.read_text("utf-8").splitlines()) < LINES, module


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
