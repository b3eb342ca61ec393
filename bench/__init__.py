"""Benchmarks: the flow compared with a bare loop, our encoder with the SDK's (bench/README.md)."""
