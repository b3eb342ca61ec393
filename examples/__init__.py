"""Flows of users that extend ours."""
