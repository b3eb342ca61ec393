"""Bodies that were mutated never crash the server, never answer 500, never change other rows."""

import os

import pytest

from emulator.operations import OPERATIONS
from tests.emulator import fuzz
from tests.emulator.fuzz_corpus import requests
from tests.support.lanes import note

BODIES = int(os.environ.get("EMULATOR_FUZZ_BODIES", "20000"))
"""How many; `EMULATOR_FUZZ_BODIES=200000` is the long form."""


def test_the_corpus_is_understood_as_it_is() -> None:
    """Mutations start from requests that get through, so that they reach what lies behind."""
    refused = {name: str(error) for name, error in fuzz.check_corpus() if error is not None}
    # These name a table or transaction that is not there, since they would remove the others.
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
