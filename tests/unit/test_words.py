"""The terms of docs/glossary.md hold: words that name nothing to a stranger do not come back.

Names and texts use the terms of Kafka, Kafka Connect, Bytewax and Tablestore. Each word here stood
for something that has such a term, or for several things at once.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# The word, and what the thing is called.
WORDS = {
    "road": "row builder, encoder",
    "roads": "row builders, encoders",
    "lane": "shard",
    "lanes": "shards",
    "letter": "dead letter",
    "letters": "dead letters",
    "fence": "isolate (in Kafka, fencing shuts out a producer)",
    "fenced": "isolated",
    "told": "logged, reported, described",
    "quick": "fast path",
    "gathering": "sharding, collecting",
    "preparing": "normalizing",
    "anew": "again",
    "most": "max",
    "foresaw": "unexpected",
}
# As above; in the local Tablestore a refusal is the service's.
WORDS_OF_CONNECTORS = {
    "refuse": "reject, stop",
    "refused": "rejected, stopped",
    "refusal": "rejection, stop",
    "deepest": "max depth",
    "longest": "max length",
    "nobody": "not, unknown",
    "settled": "written or rejected, committed, durable",
}
# Turns of phrase of a text, and what to write instead.
PHRASES = {
    r"here as there": "as in the connector",
    r"not moved": "not imported",
    r"(partition|it) (that )?stands": "is stalled",
    r"stands? (at offset|though)": "is stalled",
    r"comes? to nothing": "has no effect",
    r"(anybody|nobody|somebody|whoever)": "any program, an operator, not",
    r"in one another": "inside each other",
    r"quick way": "fast path",
    r"as (it|they) stands?": "as it is",
    r"so (many|long) (was|were|is|are|bytes|fields)": "the number of",
    r"position behind": "position after",
    r"no second wish": "not a second request",
    r"nothing is to be done": "do nothing",
    r"a comma too many": "an empty entry",
    r"takes? its time": "is slow",
}
# Names of libraries, and the lanes of the test-suite, which are something else.
OTHERS = {"most_common", "ascii_letters"}
LANES_OF_TESTS = {"tests/support/lanes.py", "tests/support/test_lanes.py", "tests/conftest.py"}
# Of these a text is full in its plain sense.
ONLY_IN_NAMES = {"most", "quick"}
FOLDERS = (
    "connectors",
    "flows",
    "examples",
    "emulator",
    "bench",
    "demo",
    "localkafka",
    "scripts",
    "simulation",
    "torture",
)
# Letters of the alphabet: `letters, digits`, `letter or _`, lower-case letters.
_ALPHABET = re.compile(r"^s?,? (or|and|of|in|digits|but|`_`|A)\b|^s?, (digits|then|a )|^s? \(")


def names(module: Path) -> Iterator[tuple[int, str]]:
    """Line and text of every name in a module: defined, used, given or imported."""
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.lineno, node.name
        elif isinstance(node, ast.Name):
            yield node.lineno, node.id
        elif isinstance(node, ast.Attribute):
            yield node.lineno, node.attr
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.keyword) and node.arg:
            yield node.value.lineno, node.arg
        elif isinstance(node, ast.alias):
            yield node.lineno, node.name.rpartition(".")[2]


def words_in(name: str, words: Mapping[str, str] = WORDS) -> Iterator[str]:
    """The forbidden words of a name; `dead_letter` and `at_most` are none."""
    parts = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().split("_")
    for before, part in zip(["", *parts], parts, strict=False):
        if part in words and (before, part.rstrip("s")) not in (("dead", "letter"), ("at", "most")):
            yield part


def modules() -> Iterator[Path]:
    """The modules whose names are all checked: helpers of tests too, but not the tests."""
    for folder in FOLDERS:
        yield from sorted((ROOT / folder).rglob("*.py"))
    for path in sorted((ROOT / "tests").rglob("*.py")):
        if not path.name.startswith("test_"):
            yield path


def names_of_tests_found() -> Iterator[str]:
    """Each forbidden word in the name of a test, with its module."""
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        place = str(path.relative_to(ROOT))
        tree = ast.parse(path.read_text("utf-8"))
        for node in ast.walk(tree) if place not in LANES_OF_TESTS else ():
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                for word in words_in(node.name):
                    if word not in ONLY_IN_NAMES - {"quick"}:
                        yield f"{place}: {node.name}: {WORDS[word]}"


def pages() -> Iterator[Path]:
    """What a user or a newcomer reads, and the code whose texts they see."""
    yield from sorted((ROOT / "docs").rglob("*.md"))
    yield from sorted(ROOT.glob("*.md"))
    yield ROOT / "config.toml"
    yield ROOT / "bench" / "README.md"
    for folder in (
        "connectors",
        "flows",
        "examples",
        "bench",
        "demo",
        "localkafka",
        "scripts",
        "simulation",
        "torture",
    ):
        yield from sorted((ROOT / folder).rglob("*.py"))


def names_found() -> Iterator[str]:
    """Each forbidden word in a name or a file's name, with its place."""
    for module in modules():
        place = str(module.relative_to(ROOT))
        if place in LANES_OF_TESTS or module.name.endswith("_pb2.py"):
            continue
        words = WORDS | (WORDS_OF_CONNECTORS if place.startswith("connectors/") else {})
        for word in words_in(module.stem, words):
            yield f"{place}: {word}: {words[word]}"
        for line, name in sorted(set(names(module))):
            if name not in OTHERS:
                for word in words_in(name, words):
                    yield f"{place}:{line}: {name}: {words[word]}"


def texts_found() -> Iterator[str]:
    """Each forbidden word in a page, docstring, comment or text, with its place."""
    words = "|".join(word for word in WORDS if word not in ONLY_IN_NAMES)
    pattern = re.compile(rf"(?<![A-Za-z_])({words})(?![A-Za-z_])", re.IGNORECASE)
    phrases = re.compile(rf"\b({'|'.join(PHRASES)})\b", re.IGNORECASE)
    for page in pages():
        before = ""
        for number, line in enumerate(page.read_text("utf-8").splitlines(), 1):
            for found in pattern.finditer(line):
                word = found[1].lower()
                lead = (line[: found.start()].strip() or before.strip()).lower()
                if word.startswith("letter") and (
                    lead.endswith(("dead", "dead-", "lower-case", "capital"))
                    or _ALPHABET.search(line[found.end() - word.endswith("s") :])
                ):
                    continue
                yield f"{page.relative_to(ROOT)}:{number}: {word}: {line.strip()[:80]}"
            found_phrase = phrases.search(line)
            if found_phrase:
                yield f"{page.relative_to(ROOT)}:{number}: {instead_of(found_phrase[0])}"
            before = line


def instead_of(found: str) -> str:
    """A phrase that was found, and what to write instead."""
    better = next(new for old, new in PHRASES.items() if re.fullmatch(old, found, re.IGNORECASE))
    return f"{found}: {better}"


def test_names() -> None:
    """No name of the code, and no file, has one of these words."""
    assert list(names_found()) == []


def test_names_of_tests() -> None:
    """Nor has the name of a test, which is a sentence that docs/guarantees.md quotes."""
    assert list(names_of_tests_found()) == []


@pytest.mark.parametrize("found", ["here as there", "a partition that stands"[2:], "Nobody"])
def test_phrases(found: str) -> None:
    """A phrase is found as a whole, in any case, and has something better."""
    assert instead_of(found).startswith(f"{found}: ")


def test_texts() -> None:
    """No page, docstring, comment or message has one."""
    assert list(texts_found()) == []


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("dead_letters", []),
        ("DeadLetter", []),
        ("letters_of", ["letters"]),
        ("QuickWay", ["quick"]),
        ("most_rows", ["most"]),
        ("almost", []),
        ("at_most", []),
        ("lane", ["lane"]),
        ("plane", []),
    ],
)
def test_the_check_itself(name: str, found: list[str]) -> None:
    """Whole words of a name count, in either way of writing it."""
    assert list(words_in(name)) == found


def test_the_glossary_is_short() -> None:
    """A term a line, each with whose it is."""
    page = (ROOT / "docs" / "glossary.md").read_text("utf-8")
    rows = [line.split("|") for line in page.splitlines() if line.startswith("| ")][1:]
    assert 20 <= len(rows) <= 30
    assert [row[1] for row in rows] == sorted(row[1] for row in rows)
    owners = {row[3].strip() for row in rows}
    assert owners <= {"ours", "Kafka Connect", "Bytewax", "Tablestore", "the Java connector"}
