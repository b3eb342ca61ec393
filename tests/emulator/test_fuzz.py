"""Bodies that were mutated never crash the server, never answer 500, never change other rows."""

import os

import pytest

from emulator.operations import OPERATIONS
from tests.emulator import fuzz
from tests.emulator.fuzz_corpus import requests
from tests.emulator.test_python_sdk import STORES
from tests.support.lanes import note

_MANY = 200_000 if os.environ.get("REQUIRE_ALL_LANES") else 20_000
BODIES = int(os.environ.get("EMULATOR_FUZZ_BODIES", _MANY))
"""How many: 200,000 in CI, else 20,000, unless `EMULATOR_FUZZ_BODIES` says another number."""


def test_the_corpus_is_understood_as_it_is() -> None:
    """Mutations start from requests that get through, so that they reach what lies behind."""
    refused = {name: str(error) for name, error in fuzz.check_corpus() if error is not None}
    # These name a table, transaction or index that is not there: they would remove the others.
    assert set(refused) <= {
        f"{api} {layer}"
        for api in (
            "DeleteTable",
            "UpdateTable",
            "DeleteTimeseriesTable",
            "UpdateTimeseriesTable",
            "CommitTransaction",
            "AbortTransaction",
            "StartLocalTransaction",
            "AddDefinedColumn",
            "DeleteDefinedColumn",
            "ComputeSplits",
            *STORES,
        )
        for layer in ("protobuf", "plainbuffer", "fields", "cells")
    }


def test_the_corpus_has_every_operation() -> None:
    assert {api for api, _, _ in requests()} == set(OPERATIONS)


@pytest.mark.timeout(1200)
def test_mutated_bodies_change_no_row_and_are_never_an_internal_error(
    request: pytest.FixtureRequest,
) -> None:
    """On every layer: below 500, a refused body leaves the store alone, other tables stay equal."""
    report = fuzz.run(BODIES, seed=4)
    note(
        request.config,
        f"fuzz: {report.bodies:,} bodies in {report.seconds:.0f} s, "
        f"{report.outcomes['OK']:,} accepted, the others refused",
    )
    assert set(report.layers) == {layer for _, layer, _ in requests()}
    assert report.outcomes["OK"] > report.bodies // 50
    assert report.outcomes["OTSParameterInvalid"] > report.bodies // 10
