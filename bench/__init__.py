"""Benchmarks: the flow beside a bare loop, and our encoder beside the SDK's (bench/README.md)."""
