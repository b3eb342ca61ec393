"""Pages of docs/ that are generated from the code are fresh, and their sources complete."""

import ast
import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path

import pytest

from connectors.dead_letters.codes import REJECTION_CODES
from connectors.settings.errors import DEAD_LETTER_DESTINATIONS
from connectors.settings.formats import FORMATS
from connectors.settings.primary_key_modes import PRIMARY_KEY_MODES
from connectors.settings.transforms import TRANSFORMS
from connectors.tablestore.verdicts import REJECT, RETRY, STOP, Reject, Retry, Stop, judge
from scripts.pages import PAGES, PROMISES, citations
from scripts.sources import SOURCES
from tests.support.lanes import PROMISES as MARKERS

ROOT = Path(__file__).parents[2]
CONNECTORS = ROOT / "connectors"
# What a code is raised by; the code is its first argument.
RAISED_BY = {"Rejection", "EncodingError"}
# Codes that are put together, by the file and the expression. An empty set: a code passed on.
COMPUTED = {
    ("formats/primitives.py", "f'{word}_length'"): {
        "integer_length",
        "long_length",
        "double_length",
    },
    ("formats/schema_registry.py", "why.code"): set(),
    ("mapping/row_mapper.py", "code"): set(),
}
# The stage at which a package's rejections arise.
STAGES = {
    "formats": "decode",
    "transforms": "transform",
    "steps.py": "transform",
    "records": "map",
    "kafka": "decode",
    "mapping": "map",
    "tablestore": "map",
}
# A code of more than one stage: any stage may ask for headers.
STAGES_OF = {
    "headers_unreadable": ["decode", "transform", "map"],
    "explode_position": ["transform", "map"],
    "value_unreadable": ["decode"],
}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_fresh(name: str) -> None:
    """It is what the code says now; `make pages` writes it."""
    assert (ROOT / name).read_text("utf-8") == PAGES[name](), "run `make pages`"


def raised(module: Path) -> Iterator[tuple[str, str]]:
    """The codes that a module raises: the expression, and each code that it can give."""
    name = str(module.relative_to(CONNECTORS))
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        if isinstance(node, ast.Call) and node.args:
            for stage, made in pairwise(node.args):  # a dead letter made without an exception
                if isinstance(stage, ast.Constant) and stage.value in ("decode", "map"):
                    yield from ((ast.unparse(made), each) for each in _constants(made))
            called = ast.unparse(node.func).rpartition(".")[2]
            if called in RAISED_BY:
                code = ast.unparse(node.args[0])
                if (name, code) in COMPUTED:
                    yield from ((code, each) for each in COMPUTED[name, code])
                else:
                    constants = list(_constants(node.args[0]))
                    assert constants, f"{name}:{node.lineno}: add {code} to COMPUTED"
                    yield from ((code, each) for each in constants)


def _constants(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from _constants(node.body)
        yield from _constants(node.orelse)


def raised_in_all() -> Iterator[tuple[str, str]]:
    """Stage and code of every rejection in the source; import_config rejects no records."""
    for module in sorted(CONNECTORS.rglob("*.py")):
        package = module.relative_to(CONNECTORS).parts[0]
        if package != "import_config":
            for _, code in raised(module):
                for stage in STAGES_OF.get(code, [STAGES[package]]):
                    yield stage, code.removeprefix("value_") if stage == "decode" else code


def test_every_rejection_code_has_its_line() -> None:
    """connectors/dead_letters/codes.py has each code that is raised, and no other."""
    listed = [(each.stage, each.code) for each in REJECTION_CODES]
    assert len(set(listed)) == len(listed)
    assert set(listed) == set(raised_in_all())


def test_every_computed_code_is_still_computed() -> None:
    """An expression that is gone leaves no code behind in the catalogue."""
    for name, code in COMPUTED:
        assert code in ast.unparse(ast.parse((CONNECTORS / name).read_text("utf-8"))), name


def test_causes_and_remedies_are_sentences() -> None:
    """A reader finds both beside each code."""
    for each in REJECTION_CODES:
        assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", each.code)
        for text in (each.cause, each.remedy):
            assert text[0] in "`" or text[0].isupper(), each
            assert text.endswith("."), each


def test_verdicts_are_those_of_their_table() -> None:
    """docs/codes.md says of each code of the service what `judge` makes of it."""
    for table, verdict in ((RETRY, Retry), (REJECT, Reject), (STOP, Stop)):
        for code in table:
            assert isinstance(judge(400, code, "text"), verdict), code


def test_every_citation_has_its_source() -> None:
    """An `[id]` in a docstring or comment of connectors/ has title and address, and is cited."""
    assert set(citations()) == set(SOURCES)


def test_addresses_are_public() -> None:
    """Each is a page of its own."""
    addresses = [address for _, address in SOURCES.values()]
    assert len(set(addresses)) == len(addresses)
    assert all(address.startswith("https://") for address in addresses)


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("formats.md", FORMATS),
        ("transforms.md", TRANSFORMS),
        ("mapping.md", PRIMARY_KEY_MODES),
        ("operations.md", DEAD_LETTER_DESTINATIONS),
    ],
)
def test_every_word_of_a_registry_is_on_its_page(page: str, words: Mapping[str, object]) -> None:
    """A format, transform, primary key mode or destination that is added is described."""
    text = (ROOT / "docs" / page).read_text("utf-8")
    assert [word for word in words if f"`{word}`" not in text] == []


def test_the_promises_are_those_of_the_page() -> None:
    """Markers, page and guarantees have the same seven."""
    headings = re.findall(r"^## (P\d) ", PAGES["docs/guarantees.md"](), re.MULTILINE)
    assert list(PROMISES) == list(MARKERS) == headings


def test_a_promise_in_a_docstring_is_a_marker() -> None:
    """Where a test says that it shows P3, `pytest -m P3` runs it."""
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        whole = {
            mark
            for node in tree.body
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark"
            for mark in re.findall(r"\bP[1-7]\b", ast.unparse(node.value))
        }
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                said = set(re.findall(r"^P[1-7]\b|(?<=, )P[1-7]\b", ast.get_docstring(node) or ""))
                marks = {
                    mark
                    for decorator in node.decorator_list
                    for mark in re.findall(r"pytest\.mark\.(P[1-7])$", ast.unparse(decorator))
                }
                assert said <= whole | marks, f"{path.name}: {node.name}"


def test_every_module_has_tests() -> None:
    """A file named after it, or a line in the map of tests/README.md; and the map is right."""
    tests = ROOT / "tests"
    rows = [
        [re.findall(r"`([^`]+\.py|[^`]+/\*)`", cell) for cell in line.split("|")[1:3]]
        for line in (tests / "README.md").read_text("utf-8").splitlines()
        if line.startswith("| `") and ".py`" in line
    ]
    modules = [
        str(module.relative_to(CONNECTORS))
        for module in CONNECTORS.rglob("*.py")
        if module.name != "__init__.py"
    ]
    mapped: set[str] = set()
    for patterns, files in rows:
        for file in files:
            assert (tests / file).exists(), file
        for pattern in patterns:
            # A star stands for the modules of one package.
            found = {name for name in modules if Path(name).match(pattern)}
            found = {name for name in found if name.count("/") == pattern.count("/")}
            assert found, f"{pattern} is no module"
            mapped |= found
    for name in modules:
        path = Path(name)
        own = tests / "unit" / path.parent / f"test_{path.stem}.py"
        assert own.exists() or name in mapped, f"{name} has no tests: see tests/README.md"


def test_every_room_is_on_the_map() -> None:
    """CONTRIBUTING.md has a line for each part of connectors/ and each folder at the top."""
    page = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    parts = {
        f"connectors/{path.name}{'/' if path.is_dir() else ''}"
        for path in CONNECTORS.iterdir()
        if not path.name.startswith(("__", "py.typed"))
    }
    folders = {f"{path.parent.name}/" for path in ROOT.glob("*/*.py")} - {"connectors/"}
    for room in parts | folders:
        assert f"`{room}`" in page, room


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "ARCHITECTURE.md"])
def test_paths_of_a_page_exist(name: str) -> None:
    """A file that was moved is moved in the pages for newcomers too."""
    page = (ROOT / name).read_text("utf-8")
    paths = set(re.findall(r"`([a-z_]+/[\w./]*)`", page))
    # In the pictures paths stand without connectors/.
    paths |= {f"connectors/{path}" for path in re.findall(r"[ >]((?:\w+/)+\w+\.py)", page)}
    assert len(paths) > 5
    for path in paths:
        assert (ROOT / path).exists(), path
    links = re.findall(r"\]\(([^):#]+)(?:#[^)]*)?\)", page)
    assert all((ROOT / link).exists() for link in links)
