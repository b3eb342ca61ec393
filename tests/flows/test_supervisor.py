"""`tablestore-sync run`: real processes, watched and started again."""

import pytest

from tests.flows.conftest import Case


@pytest.mark.parametrize("processes", [1, 2])
def test_first(embedded_case: Case, processes) -> None:
    case = embedded_case
    case.store.create_table(case.topic)
    case.orders(1000)
    process = case.flow.supervise("--processes", str(processes))
    case.wait_written(1000, process)
    case.wait_committed(process)
    print(process.text())
    print(process.drain())
    print(process.text())
    case.verdict(minimum=1000)
