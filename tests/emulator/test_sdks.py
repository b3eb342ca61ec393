"""The official SDKs of other languages as black-box clients, and the table of them in the README.

Each program in `clients/` asserts values, statuses, codes and texts, and prints the operations it
found right. Skipped with the reason where a language or its packages are not to be had.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from emulator.operations import OPERATIONS
from tests.emulator import sdks
from tests.emulator.harness import ROOT, running
from tests.emulator.test_python_sdk import BULK, COLUMNS, PYTHON, SCANS, STORES

SERIES = {
    "CreateTimeseriesTable",
    "ListTimeseriesTable",
    "DescribeTimeseriesTable",
    "UpdateTimeseriesTable",
    "DeleteTimeseriesTable",
    "PutTimeseriesData",
    "GetTimeseriesData",
    "QueryTimeseriesMeta",
    "UpdateTimeseriesMeta",
    "DeleteTimeseriesMeta",
    *STORES,
    *SCANS,
}
WIDE = set(OPERATIONS) - SERIES
EXPECTED: dict[str, set[str]] = {
    "Java": WIDE | SERIES,
    "Go": WIDE - COLUMNS - BULK - {"ComputeSplits"},
    "Node.js": WIDE - COLUMNS - BULK - {"ComputeSplitPointsBySize"},
}
"""The operations of each SDK; what is missing here the SDK does not have."""
COMMANDS: dict[str, Callable[[], list[str]]] = {
    "Java": sdks.java,
    "Go": sdks.go,
    "Node.js": sdks.node,
}


@pytest.mark.timeout(600)  # the first run fetches packages
@pytest.mark.parametrize("language", EXPECTED)
def test_the_sdk_finds_every_operation_it_has_right(language: str, tmp_path: Path) -> None:
    try:
        command = COMMANDS[language]()
    except sdks.Missing as reason:
        pytest.skip(f"the SDK of {language}: {reason}")
    # The Java SDK's HTTP client takes an answer that arrives while it still hands the request over
    # for a closed connection. A service answers later than that; so does the server here.
    with running("--data", str(tmp_path), "--latency", "3") as server:
        try:
            found = sdks.passed(command, server.url)
        except AssertionError as error:
            if "ConnectionClosedException: Connection closed" not in str(error):
                raise
            found = sdks.passed(command, server.url)  # operations on tables have no such delay
        answers = server.control("/-/answers")["answers"]
    assert found & set(OPERATIONS) == EXPECTED[language]
    assert all(0 < answer["status"] < 500 for answer in answers)


def readme_table() -> dict[str, dict[str, str]]:
    """The table of the README: operation to SDK to what it says."""
    lines = (ROOT / "emulator" / "README.md").read_text(encoding="utf-8").splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if "|" in line]
    start = next(index for index, row in enumerate(rows) if row[0] == "Operation")
    heads = rows[start]
    table: dict[str, dict[str, str]] = {}
    for row in rows[start + 2 :]:
        if row[0] not in OPERATIONS:
            break
        table[row[0]] = dict(zip(heads[1:], row[1:], strict=True))
    return table


def test_the_table_of_the_readme_is_what_these_tests_assert() -> None:
    """Every operation has its line, and says `passed` exactly where a test asserts it."""
    table = readme_table()
    assert set(table) == set(OPERATIONS)
    for operation, cells in table.items():
        for head, cell in cells.items():
            language = head.split()[0]
            if language in EXPECTED:
                assert (cell == "passed") == (operation in EXPECTED[language]), (operation, head)
            else:  # raw requests where the SDK has no such call
                expected = "passed" if operation in PYTHON else "raw"
                assert cell == expected, (operation, head)
