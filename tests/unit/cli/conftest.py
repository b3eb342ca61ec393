"""The endpoint of a run, for `top`."""

from tests.unit.http_api.conftest import endpoint, run

__all__ = ["endpoint", "run"]
