"""Writes the pages of docs/ that are made of the code: `make pages`.

docs/options.md, docs/codes.md, docs/sources.md, docs/cli.md, docs/metrics.md,
docs/status.schema.json and docker/monitoring/ as a whole, and between two marks the tests of each
promise and of each fault in docs/guarantees.md and the alerts in docs/operations.md. A test fails
when one of them is stale.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

from connectors.cli import reference as cli_reference
from connectors.dead_letters.codes import REJECTION_CODES
from connectors.http_api.server import status_schema
from connectors.run.flow_metrics import FLOW_METRICS
from connectors.run.metrics import METRICS
from connectors.settings import Settings, reference
from connectors.tablestore.verdicts import REJECT, RETRY, SDK_DIFFERENCES, STOP, STOP_MESSAGES
from scripts.alerts import paragraphs, rules
from scripts.board import board
from scripts.faults import insert_table
from scripts.sources import SOURCES, cited

ROOT = Path(__file__).parents[1]
PROMISES = tuple(f"P{number}" for number in range(1, 8))
_BEGIN, _END = "<!-- tests of {}: made by make pages -->", "<!-- end -->"


def options() -> str:
    """The text of docs/options.md."""
    return reference.page()


def codes() -> str:
    """The text of docs/codes.md: rejection codes by stage, and the service's codes by verdict."""
    stages = {
        "decode": "The code has `key_` or `value_` in front: `value_json_invalid` is "
        "`json_invalid` of the record's value.",
        "transform": "Codes of `[[transforms]]` and of your own steps. A step that raises "
        "`Rejection` chooses its code.",
        "map": "Codes of mapping a record to the bytes of its row or point.",
    }
    lines = [
        "# Rejection codes and verdicts",
        "",
        "Generated from the code by `make pages`. A code never changes: it is in the log, in the",
        "metric `sync_rejections_total` and in dead letters, and `replay --code` selects by it.",
        "The reason with it names the column or field, and never contains a value.",
        "",
    ]
    for stage, about in stages.items():
        lines += [f"## Stage {stage}", "", about, "", "| code | cause | remedy |", "|---|---|---|"]
        lines += [
            f"| `{code}` | {_cell(cause)} | {_cell(remedy)} |"
            for at, code, cause, remedy in REJECTION_CODES
            if at == stage
        ]
        lines.append("")
    lines += [
        "## Stage write",
        "",
        "The service rejected the row, and the code is the service's own. These reject one row:",
        "",
        *_table(REJECT, "cause"),
        "",
        "A code of a row that is not on this page rejects that row too, with the service's text.",
        "",
        "## Verdict retry",
        "",
        "Sent again until it succeeds, with growing pauses.",
        "So are timeouts, resets and answers of HTTP 408, 429 and 5xx.",
        "",
        *_table(RETRY, "cause"),
        "",
        "## Verdict stop",
        "",
        "Nothing can be written until an operator acts: the run stops with exit code 1.",
        "No offset moves.",
        "",
        *_table(STOP, "remedy"),
        "",
        "Where the service's own text says more, so does the remedy:",
        "",
        "| code | text | remedy |",
        "|---|---|---|",
        *(
            f"| `{code}` | {_cell(text)} | {_cell(remedy)} |"
            for code, text, remedy in STOP_MESSAGES
        ),
        "",
        "## Beside the vendor's SDKs",
        "",
        "The retry tables of the SDKs for Java (and its TableStoreWriter), Go, Python and Node",
        "say the same, but for:",
        "",
        *_table(SDK_DIFFERENCES, "difference"),
        "",
    ]
    return "\n".join(lines)


def _table(codes: dict[str, str], title: str) -> Iterator[str]:
    yield f"| code | {title} |"
    yield "|---|---|"
    for code, text in sorted(codes.items()):
        yield f"| `{code}` | {_cell(text)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def citations() -> dict[str, list[str]]:
    """The ids that the code cites, each with the modules that do."""
    found: dict[str, list[str]] = {}
    sections = {*Settings.model_fields, "timeseries"}
    for module in sorted((ROOT / "connectors").rglob("*.py")):
        for source in sorted({source for _, source in cited(module)} - sections):
            found.setdefault(source, []).append(str(module.relative_to(ROOT)))
    return found


def sources() -> str:
    """The text of docs/sources.md: the cited sources with their addresses."""
    lines = [
        "# Sources",
        "",
        "Rules that come from the service, Kafka, Bytewax or a format cite their source as `[id]`",
        "in docstrings and comments of `connectors/`.",
        "Generated from the code by `make pages`.",
        "",
        "| id | source | cited in |",
        "|---|---|---|",
    ]
    for source, modules in sorted(citations().items()):
        title, address = SOURCES[source]
        where = ", ".join(f"`{module.removeprefix('connectors/')}`" for module in modules)
        lines.append(f"| `{source}` | [{title}]({address}) | {where} |")
    return "\n".join([*lines, ""])


def guarantees() -> str:
    """The text of docs/guarantees.md, with the tests of each promise by their markers."""
    text = (ROOT / "docs" / "guarantees.md").read_text("utf-8")
    tests = marked_tests()
    for promise in PROMISES:
        begin = _BEGIN.format(promise)
        pattern = re.compile(re.escape(begin) + ".*?" + re.escape(_END), re.DOTALL)
        lines = [f"- `{file}`: {', '.join(names)}" for file, names in tests[promise].items()]
        content = "\n".join([begin, *lines, _END])
        text, times = pattern.subn(lambda _, content=content: content, text)  # type: ignore[misc]
        if times != 1:
            raise ValueError(f"docs/guarantees.md has no {begin}")
    return insert_table(text)


def marked_tests() -> dict[str, dict[str, list[str]]]:
    """For each promise the test files and their tests that have its marker."""
    found: dict[str, dict[str, list[str]]] = {promise: {} for promise in PROMISES}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        name = str(path.relative_to(ROOT))
        whole = _module_marks(tree)
        by_promise: dict[str, list[str]] = defaultdict(list)
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                for promise in _marks(node.decorator_list):
                    by_promise[promise].append(node.name.removeprefix("test_").replace("_", " "))
        for promise in whole:
            found[promise][name] = ["all of it"]
        for promise, names in by_promise.items():
            found[promise].setdefault(name, names)
    return found


def _module_marks(tree: ast.Module) -> list[str]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark":
            value = node.value
            return _marks(value.elts if isinstance(value, (ast.List, ast.Tuple)) else [value])
    return []


def _marks(nodes: list[ast.expr]) -> list[str]:
    texts = [ast.unparse(node).removeprefix("pytest.mark.") for node in nodes]
    return [promise for promise in PROMISES if promise in texts]


def metrics() -> str:
    """docs/metrics.md: every metric of /metrics."""
    lines = [
        "# Metrics",
        "",
        "Made of the code by `make pages`. A name and its meaning never change.",
        "The Python process adds `process_*` and `python_*`; the address of a whole run adds the",
        "label `process` to each, and `sync_process_up`, which is 1 for a process that answers.",
        "",
        "| metric | type | unit | labels | meaning |",
        "|---|---|---|---|---|",
    ]
    for one in (*METRICS, *FLOW_METRICS):
        labels = ", ".join(f"`{label}`" for label in one.labels)
        lines.append(f"| `{one.name}` | {one.type} | {one.unit} | {labels} | {_cell(one.help)} |")
    return "\n".join([*lines, ""])


def operations() -> str:
    """docs/operations.md with a paragraph for each alert."""
    text = (ROOT / "docs" / "operations.md").read_text("utf-8")
    begin = "<!-- alerts: made by make pages -->"
    content = f"{begin}\n{paragraphs()}{_END}"
    pattern = re.compile(re.escape(begin) + ".*?" + re.escape(_END), re.DOTALL)
    text, times = pattern.subn(lambda _: content, text)
    if times != 1:
        raise ValueError(f"docs/operations.md has no {begin}")
    return text


PAGES: dict[str, Callable[[], str]] = {
    "docs/options.md": options,
    "docs/codes.md": codes,
    "docs/sources.md": sources,
    "docs/cli.md": cli_reference.page,
    "docs/guarantees.md": guarantees,
    "docs/metrics.md": metrics,
    "docs/operations.md": operations,
    "docker/monitoring/alerts.yaml": rules,
    "docker/monitoring/board.json": board,
    # A chart reads no file outside of its own folder.
    "docker/helm/tablestore-sync/files/alerts.yaml": rules,
    "docker/helm/tablestore-sync/files/board.json": board,
    "docs/status.schema.json": status_schema,
}


def main() -> None:
    """Write all pages."""
    for name, page in PAGES.items():
        (ROOT / name).write_text(page(), "utf-8")


if __name__ == "__main__":
    main()
