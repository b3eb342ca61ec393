"""What a supervisor passes to the processes of a run, by environment variables.

They are not settings: no user sets them.
"""

from __future__ import annotations

# The number of the open socket to the supervisor (run/link.py).
SUPERVISOR = "SYNC_SUPERVISOR"
# "true": the run is paused by the operator, and stays so over a restart.
PAUSED = "SYNC_PAUSED"
# "true" on a host whose recovery folder has no store: that of the first host has it.
STORE_ELSEWHERE = "SYNC_STORE_ELSEWHERE"
# Where the supervisor listens for the whole run: each process takes a free port of its own.
CHILD_ENVIRONMENT = {"SYNC__HTTP__HOST": "127.0.0.1", "SYNC__HTTP__PORT": "0"}
