"""Flows to start from: each folder has a configuration, a README and a test that runs it."""
