"""The modules of the repository for rules between them: their trees, imports and rooms."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def modules(folder: str) -> list[Path]:
    """The Python files of a folder at the top."""
    return sorted((ROOT / folder).rglob("*.py"))


CONNECTORS = modules("connectors")
every_module = pytest.mark.parametrize(
    "module", CONNECTORS, ids=lambda path: str(path.relative_to(ROOT))
)


@cache
def tree(module: Path) -> ast.Module:
    """The syntax tree of a module."""
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
